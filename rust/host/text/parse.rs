// SPDX-License-Identifier: GPL-2.0

//! From text to raw instructions.

mod access;
mod statement;

use std::collections::HashMap;

use super::token::{tokens, Kind, Token};
use super::Fault;
use crate::jit::bpf::{Dialect, Raw};

/// Assembles a text.
///
/// # Errors
///
/// The first fault of the text.
pub(crate) fn parse(source: &str, dialect: Dialect) -> Result<Vec<Raw>, Fault> {
    let tokens = tokens(source)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        dialect,
        program: Vec::new(),
        labels: HashMap::new(),
        jumps: Vec::new(),
    };
    while parser.next < tokens.len() {
        if parser.peek() == Kind::End {
            parser.next += 1;
        } else {
            parser.statement()?;
        }
    }
    parser.resolve()?;
    Ok(parser.program)
}

type Parsed<T = ()> = Result<T, Fault>;

/// A register as it is written: `r1`, or `w1` for its low word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Register {
    number: u8,
    is_word: bool,
}

/// A jump to a label that may come later.
struct Jump<'a> {
    slot: usize,
    label: &'a str,
    at: Token<'a>,
    is_long: bool,
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    next: usize,
    dialect: Dialect,
    program: Vec<Raw>,
    labels: HashMap<&'a str, usize>,
    jumps: Vec<Jump<'a>>,
}

impl<'a> Parser<'a> {
    fn token(&self) -> Token<'a> {
        self.tokens.get(self.next).copied().unwrap_or(Token {
            kind: Kind::End,
            line: self.tokens.last().map_or(1, |token| token.line),
            column: 1,
        })
    }

    fn peek(&self) -> Kind<'a> {
        self.token().kind
    }

    fn fault<T>(&self, message: impl Into<String>) -> Parsed<T> {
        fault(self.token(), message)
    }

    /// Takes the next token if it is this symbol.
    fn takes(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Kind::Symbol(here) if here == symbol);
        self.next += usize::from(found);
        found
    }

    /// Takes the next token if it is this word.
    fn takes_word(&mut self, word: &str) -> bool {
        let found = self.peek() == Kind::Word(word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed {
        if self.takes(symbol) {
            Ok(())
        } else {
            self.fault(format!("expected '{symbol}'"))
        }
    }

    fn word(&mut self) -> Parsed<&'a str> {
        match self.peek() {
            Kind::Word(word) => {
                self.next += 1;
                Ok(word)
            }
            _ => self.fault("expected a name"),
        }
    }

    /// A number with an optional sign.
    fn number(&mut self) -> Parsed<i128> {
        let negative = self.takes("-");
        if !negative {
            self.takes("+");
        }
        match self.peek() {
            Kind::Number(number) => {
                self.next += 1;
                let number = i128::from(number);
                Ok(if negative { -number } else { number })
            }
            _ => self.fault("expected a number"),
        }
    }

    /// A number that fits, where `what` says what it is.
    fn fitting<T: TryFrom<i128>>(&mut self, what: &str) -> Parsed<T> {
        let at = self.token();
        let number = self.number()?;
        match T::try_from(number) {
            Ok(value) => Ok(value),
            Err(_) => fault(at, format!("{number} does not fit {what}")),
        }
    }

    /// A 32-bit immediate; a 32-bit operation takes it unsigned as well.
    fn immediate(&mut self, is_word: bool) -> Parsed<i32> {
        let at = self.token();
        let number = self.number()?;
        match (i32::try_from(number), u32::try_from(number)) {
            (Ok(value), _) => Ok(value),
            (_, Ok(value)) if is_word => Ok(value as i32),
            _ => fault(at, format!("{number} does not fit 32 bits")),
        }
    }

    fn register(&mut self) -> Parsed<Register> {
        let at = self.token();
        let word = self.word()?;
        match self.named(word) {
            Some(register) => Ok(register),
            None => fault(at, format!("'{word}' is no register")),
        }
    }

    /// The register of this name.
    fn named(&self, name: &str) -> Option<Register> {
        let (is_word, rest) = match name {
            "ax" => (false, name),
            "wax" => (true, "ax"),
            _ => (name.starts_with('w'), name.strip_prefix(['r', 'w'])?),
        };
        let number = match rest {
            "ax" => self.dialect.ax,
            digits => digits.parse().ok().filter(|number| *number <= 10)?,
        };
        Some(Register { number, is_word })
    }

    /// The register that comes next, if one does.
    fn takes_register(&mut self) -> Option<Register> {
        let Kind::Word(word) = self.peek() else {
            return None;
        };
        let register = self.named(word)?;
        self.next += 1;
        Some(register)
    }

    fn emit(&mut self, code: u8, dst: u8, src: u8, off: i16, imm: i32) {
        let raw = Raw::new(self.dialect.endian, code, dst, src, off, imm);
        self.program.push(raw);
    }

    /// A jump's distance: a number, or a label to be filled in when all are known.
    fn target<T: TryFrom<i128> + Default>(&mut self, is_long: bool) -> Parsed<T> {
        let at = self.token();
        if let Kind::Word(label) = at.kind {
            self.next += 1;
            self.jumps.push(Jump {
                slot: self.program.len(),
                label,
                at,
                is_long,
            });
            return Ok(T::default());
        }
        let distance = self.fitting("a jump")?;
        // As llvm-objdump prints it: goto +2 <symbol+0x18>
        if self.takes("<") {
            while !self.takes(">") {
                if self.peek() == Kind::End {
                    return self.fault("expected '>'");
                }
                self.next += 1;
            }
        }
        Ok(distance)
    }

    fn resolve(&mut self) -> Parsed {
        for jump in &self.jumps {
            let Some(&target) = self.labels.get(jump.label) else {
                return fault(jump.at, format!("no label '{}'", jump.label));
            };
            let distance = target as i128 - jump.slot as i128 - 1;
            let raw = &mut self.program[jump.slot];
            let fits = if jump.is_long {
                i32::try_from(distance).map(|distance| raw.imm = distance)
            } else {
                i16::try_from(distance).map(|distance| raw.off = distance)
            };
            if fits.is_err() {
                return fault(jump.at, format!("'{}' is out of reach", jump.label));
            }
        }
        Ok(())
    }
}

fn fault<T>(at: Token<'_>, message: impl Into<String>) -> Parsed<T> {
    Err(Fault {
        line: at.line,
        column: at.column,
        message: message.into(),
    })
}
