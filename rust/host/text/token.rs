// SPDX-License-Identifier: GPL-2.0

//! The words of a text.

use super::Fault;

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    Number(u64),
    Symbol(&'static str),
    /// The end of a statement.
    End,
}

/// A token and where it begins, both counted from 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) line: usize,
    pub(super) column: usize,
}

/// Every symbol; a longer one comes before its own beginning.
const SYMBOLS: [&str; 39] = [
    "s>>=", "s/=", "s%=", "s>=", "s<=", "s>", "s<", ">>=", "<<=", "+=", "-=", "*=", "/=", "%=",
    "|=", "&=", "^=", "==", "!=", ">=", "<=", ">>", "<<", "=", "+", "-", "*", "/", "%", "|", "&",
    "^", ">", "<", "(", ")", ",", ":", "!",
];

/// Takes a text apart. A line ends a statement.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    for (index, text) in source.lines().enumerate() {
        let line = index + 1;
        let mut rest = text;
        loop {
            rest = rest.trim_start();
            let column = text.len() - rest.len() + 1;
            let is_comment = rest.starts_with('#') || rest.starts_with("//");
            if rest.is_empty() || is_comment {
                tokens.push(Token {
                    kind: Kind::End,
                    line,
                    column,
                });
                break;
            }
            let (kind, len) = first(rest).ok_or_else(|| Fault {
                line,
                column,
                message: format!("'{}' begins nothing", rest.chars().next().unwrap_or(' ')),
            })?;
            tokens.push(Token { kind, line, column });
            rest = &rest[len..];
        }
    }
    Ok(tokens)
}

/// The first token of a text, and its length.
fn first(text: &str) -> Option<(Kind<'_>, usize)> {
    if text.starts_with(';') {
        return Some((Kind::End, 1));
    }
    let symbol = SYMBOLS.iter().find(|symbol| text.starts_with(**symbol));
    if let Some(symbol) = symbol {
        return Some((Kind::Symbol(symbol), symbol.len()));
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let len = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let word = &text[..len];
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return Some((Kind::Number(number(word)?), len));
    }
    (len > 0).then_some((Kind::Word(word), len))
}

fn number(word: &str) -> Option<u64> {
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}
