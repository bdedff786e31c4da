// SPDX-License-Identifier: GPL-2.0

//! What a source says: C or Rust, without comments, every run of blanks a single one.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{ensure, Context, Result};
use regex::Regex;

/// The text of one or several files.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    text: String,
    /// Opcodes of its switches, if somebody has asked.
    handled: OnceCell<BTreeSet<Vec<String>>>,
}

impl Source {
    pub(super) fn new(text: &str) -> Source {
        Source {
            text: plain(text),
            handled: OnceCell::new(),
        }
    }

    /// The files and what is in the directories; what begins like one of `without` is not.
    pub(super) fn read(root: &Path, names: &[String], without: &[String]) -> Result<Source> {
        let mut text = String::new();
        for name in names {
            let path = root.join(name);
            ensure!(path.exists(), "no {}", path.display());
            let mut files = vec![path.clone()];
            while let Some(file) = files.pop() {
                let below = file.strip_prefix(root)?;
                let is_code = below
                    .extension()
                    .is_some_and(|end| end == "rs" || end == "c" || end == "h");
                if file != path && !file.is_dir() && !is_code {
                    continue;
                }
                if file != path && without.iter().any(|not| below.starts_with(not)) {
                    continue;
                }
                if file.is_dir() {
                    for entry in fs::read_dir(&file)? {
                        files.push(entry?.path());
                    }
                } else {
                    let found = fs::read_to_string(&file);
                    text += &found.with_context(|| format!("{}", file.display()))?;
                    text.push('\n');
                }
            }
        }
        Ok(Source::new(&text))
    }

    /// Whether an expression is in it.
    pub(super) fn has(&self, expression: &str) -> Result<bool> {
        Ok(Regex::new(expression)?.is_match(&self.text))
    }

    /// Whether a text is in it.
    pub(super) fn says(&self, text: &str) -> bool {
        self.text.contains(&plain(text))
    }

    /// Whether a text is in a function.
    pub(super) fn says_in(&self, function: &str, text: &str) -> Result<bool> {
        // Blanks are single, so where a function ends is seen by its braces.
        let head = Regex::new(&format!(r"\b{}\([^;{{]*\) \{{", regex::escape(function)))?;
        let text = plain(text);
        let mut heads = head.find_iter(&self.text);
        Ok(heads.any(|found| body(&self.text, found.end()).contains(&text)))
    }

    /// What a function without loops or conditions returns.
    pub(super) fn returns(&self, function: &str) -> Result<Option<&str>> {
        let name = regex::escape(function);
        let c = format!(
            r"\bbool {name}\([^)]*\) \{{ (?:switch [^{{]*\{{ (?:case \w+: )*|#if\w* \w+ )?return ([^;]*);"
        );
        let rust = format!(r"\bfn {name}\([^)]*\) -> bool \{{ ([^}}]*) \}}");
        for expression in [c, rust] {
            if let Some(found) = Regex::new(&expression)?.captures(&self.text) {
                return Ok(found.get(1).map(|value| value.as_str()));
            }
        }
        Ok(None)
    }

    /// Whether a `switch` has a case for an opcode, and does something there.
    pub(super) fn handles(&self, opcode: &str) -> bool {
        let handled = self.handled.get_or_init(|| handled(&self.text));
        handled.contains(&parts(opcode))
    }

    /// Every name that matches.
    pub(super) fn names(&self, expression: &str) -> Result<Vec<String>> {
        let expression = Regex::new(expression)?;
        let found = expression.captures_iter(&self.text);
        let names = found.filter_map(|found| Some(found.get(1)?.as_str().to_owned()));
        Ok(names.collect())
    }
}

/// A tree of sources, each of which is read once.
pub(super) struct Tree {
    root: PathBuf,
    sources: RefCell<BTreeMap<Vec<String>, Rc<Source>>>,
}

impl Tree {
    pub(super) fn new(root: &Path) -> Tree {
        Tree {
            root: root.to_owned(),
            sources: RefCell::default(),
        }
    }

    /// Whether there is such a file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.root.join(name).exists()
    }

    /// A file as it is.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        let path = self.root.join(name);
        fs::read_to_string(&path).with_context(|| format!("no {}", path.display()))
    }

    /// Files and directories; in these, only what is code.
    pub(super) fn source(&self, names: &[String]) -> Result<Rc<Source>> {
        if let Some(source) = self.sources.borrow().get(names) {
            return Ok(source.clone());
        }
        let source = Rc::new(Source::read(&self.root, names, &[])?);
        let mut sources = self.sources.borrow_mut();
        sources.insert(names.to_vec(), source.clone());
        Ok(source)
    }
}

/// What an opcode is made of, in any order.
fn parts(opcode: &str) -> Vec<String> {
    let parts = opcode.split('|').map(|part| part.trim().to_owned());
    let mut parts: Vec<String> = parts.collect();
    parts.sort_unstable();
    parts
}

/// The opcodes for which switches do something.
fn handled(text: &str) -> BTreeSet<Vec<String>> {
    const LABEL: &str = "case ";
    let mut all = BTreeSet::new();
    for (at, _) in text.match_indices(LABEL) {
        let Some((opcode, mut rest)) = text[at + LABEL.len()..].split_once(':') else {
            continue;
        };
        // What several have in common stands behind the last.
        while let Some((_, next)) = rest
            .strip_prefix(" case ")
            .and_then(|more| more.split_once(':'))
        {
            rest = next;
        }
        if !is_refusal(rest.trim_start()) {
            all.insert(parts(opcode));
        }
    }
    all
}

/// Whether a `switch` begins so what it refuses: of instructions, with a message, an error or a jump to
/// one; of barriers, with nothing at all.
fn is_refusal(code: &str) -> bool {
    const REFUSALS: [&str; 4] = ["goto not", "return -", "pr_", "break;"];
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let behind_label = code.trim_start_matches(is_name).strip_prefix(": ");
    let code = behind_label.unwrap_or(code);
    REFUSALS.iter().any(|refusal| code.starts_with(refusal))
}

/// From behind a brace to the one that closes it.
fn body(text: &str, start: usize) -> &str {
    let mut depth = 1;
    let rest = &text[start..];
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &rest[..at];
        }
    }
    rest
}

/// Without comments, and with single blanks.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    let mut before = ' ';
    while let Some(c) = rest.next() {
        if c == '"' && before != '\\' && before != '\'' {
            in_string = !in_string;
        }
        let is_comment = !in_string && c == '/';
        match rest.peek() {
            Some('/') if is_comment => while rest.next_if(|&c| c != '\n').is_some() {},
            Some('*') if is_comment => {
                let mut last = ' ';
                for c in rest.by_ref() {
                    if (last, c) == ('*', '/') {
                        break;
                    }
                    last = c;
                }
            }
            _ if c.is_whitespace() && plain.ends_with(' ') => {}
            _ if c.is_whitespace() => plain.push(' '),
            _ => plain.push(c),
        }
        before = c;
    }
    plain
}
