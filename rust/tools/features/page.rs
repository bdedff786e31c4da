// SPDX-License-Identifier: GPL-2.0

//! The page: `Documentation/features.rst`, written and read.

use anyhow::Result;

use super::data::{Area, Feature};
use super::judge::{Cells, Known, Verdict};

const HEAD: &str = "\
.. SPDX-License-Identifier: GPL-2.0
.. Written by: make features TABLE=Documentation/features.rst

========
Features
========

What this JIT can do, and others in the same kernel. Every cell is derived from source: ours, and that of
Linux; ``rust/features/`` says by which expression, ``make check`` checks it. Of our cells each ``yes`` has a
test, which is named below, and a form of ``make prove`` or the reason why there is none.

=========  =================================================================================
yes        the JIT has it: the source does what it takes. Whether that is right, only tests
           can say; of the C JITs for MIPS ``testing.rst`` says what is wrong
core       the core of BPF forbids it, or has no use for it; the number says where
arch       the architecture lacks something that no JIT can give it; the number says what
no         nothing of the kind is in the source: the verifier refuses such programs, they
           are interpreted, or the code for them does something else
=========  =================================================================================
";

/// Notes below the tables, in the order of their numbers.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn number(&mut self, note: String) -> usize {
        let found = self.0.iter().position(|other| *other == note);
        let at = found.unwrap_or_else(|| {
            self.0.push(note);
            self.0.len() - 1
        });
        at + 1
    }
}

/// All of it.
pub(super) fn page(known: &Known<'_>) -> Result<String> {
    let mut text = HEAD.to_owned();
    let mut notes = Notes::default();
    for area in &known.data.areas {
        text += &heading(&area.title);
        text += &table(known, area, &mut notes)?;
    }
    text += &heading("Core and architecture");
    for (at, note) in notes.0.iter().enumerate() {
        text += &format!(".. [{}] {note}\n", at + 1);
    }
    text += &heading("Tests and proofs");
    text += "Each is ``SUITE: name`` of ``make boot``, or of the group of ``make exec`` or ``make check`` that is\n\
             named; and the forms of ``make prove``.\n\n";
    for feature in known.data.areas.iter().flat_map(Area::rows) {
        if !feature.tests.is_empty() {
            text += &evidence(feature);
        }
    }
    text += &heading("Not in the tables");
    for unneeded in &known.data.unneeded {
        text += &format!("``{}``\n  {}\n", unneeded.hook, unneeded.why);
    }
    for feature in known.data.features() {
        if let Some(why) = &feature.left_out {
            text += &format!("{}\n  {why}\n", feature.name);
        }
    }
    Ok(text)
}

fn heading(title: &str) -> String {
    format!("\n{title}\n{}\n\n", "=".repeat(title.len()))
}

fn evidence(feature: &Feature) -> String {
    let quoted = |texts: &[String]| {
        let quoted: Vec<String> = texts.iter().map(|text| format!("``{text}``")).collect();
        quoted.join(", ")
    };
    let proved = match &feature.unproved {
        Some(why) => format!("no form: {why}"),
        None if feature.forms.is_empty() => "nothing to prove: it is refused".to_owned(),
        None => quoted(&feature.forms),
    };
    let tests = quoted(&feature.tests);
    format!("{}\n  | {tests}\n  | {proved}\n", feature.name)
}

fn table(known: &Known<'_>, area: &Area, notes: &mut Notes) -> Result<String> {
    let mut heading = vec![String::new()];
    heading.extend(known.data.jits.iter().map(|jit| jit.title.clone()));
    // A row whose first field is empty would go on with the one before.
    heading[0] = "\\".to_owned();
    let mut lines = vec![heading];
    for feature in area.rows() {
        let mut line = vec![feature.name.clone()];
        for jit in &known.data.jits {
            let cell = match known.verdict(feature, jit)? {
                Verdict::Yes => "yes".to_owned(),
                Verdict::No => "no".to_owned(),
                Verdict::Core => format!("core [{}]_", notes.number(core_note(feature))),
                Verdict::Arch => format!("arch [{}]_", notes.number(arch_note(feature))),
            };
            line.push(cell);
        }
        lines.push(line);
    }
    Ok(simple_table(&lines))
}

fn core_note(feature: &Feature) -> String {
    let Some(core) = &feature.core else {
        return String::new();
    };
    let function = core.function.as_ref().map(|name| format!(", ``{name}()``"));
    format!(
        "``{}``{}: ``{}``. {}",
        core.file,
        function.unwrap_or_default(),
        core.text,
        core.why
    )
}

fn arch_note(feature: &Feature) -> String {
    let Some(lack) = &feature.arch else {
        return String::new();
    };
    format!(
        "No ``{}`` in the architecture's ``Kconfig``. {}",
        lack.option, lack.why
    )
}

/// With the first line as heading.
fn simple_table(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        lines
            .iter()
            .map(|line| line[column].len())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|width| "=".repeat(*width)).collect();
    let rule = rule.join("  ") + "\n";
    let mut text = rule.clone();
    for (number, line) in lines.iter().enumerate() {
        let fields = line.iter().zip(&widths);
        let fields: Vec<String> = fields
            .map(|(field, width)| format!("{field:<width$}"))
            .collect();
        text += fields.join("  ").trim_end();
        text.push('\n');
        if number == 0 {
            text += &rule;
        }
    }
    text + &rule
}

/// The cells of a page.
pub(super) fn cells(page: &str) -> Cells {
    let mut cells = Cells::new();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    let mut titles: Vec<String> = Vec::new();
    for line in page.lines() {
        if line.starts_with('=') {
            // The rule behind the heading has the same columns; the last one has no heading below it.
            let next = columns(line);
            if next != spans || !titles.is_empty() && line.is_empty() {
                titles.clear();
            }
            spans = next;
            continue;
        }
        if line.is_empty() {
            spans.clear();
            titles.clear();
        }
        if spans.is_empty() {
            continue;
        }
        let fields = spans.iter().map(|&(start, end)| {
            let end = end.min(line.len());
            line.get(start..end).unwrap_or_default().trim().to_owned()
        });
        let fields: Vec<String> = fields.collect();
        if titles.is_empty() {
            titles = fields;
            continue;
        }
        for (title, field) in titles.iter().zip(&fields).skip(1) {
            let verdict = match field.split(' ').next() {
                Some("yes") => Verdict::Yes,
                Some("core") => Verdict::Core,
                Some("arch") => Verdict::Arch,
                _ => Verdict::No,
            };
            cells.insert((fields[0].clone(), title.clone()), verdict);
        }
    }
    cells
}

/// Where the columns under a rule begin and end.
fn columns(rule: &str) -> Vec<(usize, usize)> {
    let mut columns = Vec::new();
    let mut start = None;
    for (at, c) in rule.char_indices().chain([(rule.len(), ' ')]) {
        match (c, start) {
            ('=', None) => start = Some(at),
            (' ', Some(from)) => {
                columns.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    columns
}
