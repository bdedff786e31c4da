// SPDX-License-Identifier: GPL-2.0

//! What is printed: progress, what is not proved, and the table of forms and machines.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::case::Outcome;
use super::scene::Machine;
use crate::host::text;
use crate::jit::bpf::{decode, Raw};
use crate::jit::mips::cpu::Barriers;
use crate::model::bpf::fields::Fields;
use crate::model::term::Assignment;

/// What came of a form on a machine.
pub(super) struct Row {
    pub(super) form: String,
    pub(super) outcome: Outcome,
}

impl Row {
    pub(super) fn has_failed(&self) -> bool {
        !self.outcome.failures.is_empty()
    }
}

/// The report of a whole run.
pub(super) struct Report {
    steps: usize,
    began: Instant,
    lemma: bool,
    machines: Vec<(&'static str, Vec<Row>)>,
}

impl Report {
    pub(super) fn new(steps: usize) -> Self {
        Report {
            steps,
            began: Instant::now(),
            lemma: false,
            machines: Vec::new(),
        }
    }

    /// Says whether the lemma about products is proved.
    pub(super) fn lemma(&mut self, holds: bool) {
        self.lemma = holds;
        let verdict = if holds { "proved" } else { "NOT PROVED" };
        println!("lemma, product of doublewords by products of words: {verdict}");
    }

    pub(super) fn begin(&self, machine: &Machine) {
        println!(
            "[{}/{}] {} ({:.0} s so far)",
            self.machines.len() + 1,
            self.steps,
            machine.name,
            self.began.elapsed().as_secs_f64()
        );
    }

    pub(super) fn end(&mut self, machine: &Machine, rows: Vec<Row>, took: Duration) {
        for row in &rows {
            for failure in &row.outcome.failures {
                println!("NOT PROVED {}: {failure}", row.form);
            }
            if !row.outcome.failures.is_empty() {
                println!(
                    "  again: make prove MACHINE={} FORM='{}'",
                    machine.name, row.form
                );
            }
        }
        let sum = |count: fn(&Outcome) -> u64| -> u64 {
            rows.iter().map(|row| count(&row.outcome)).sum()
        };
        println!(
            "  {}: {} theorems; ways through them: {} by equal terms, {} remembered, {} solved; \
             {} numbers checked; {:.1} s",
            machine.name,
            sum(|o| o.proved),
            sum(|o| o.plain),
            sum(|o| o.effort.remembered),
            sum(|o| o.effort.asked),
            sum(|o| o.numbers),
            took.as_secs_f64()
        );
        self.machines.push((machine.name, rows));
    }

    /// Prints the table and the last line, writes the table, and says whether all is proved.
    ///
    /// # Errors
    ///
    /// The table cannot be written.
    pub(super) fn finish(&self, table: Option<&Path>) -> Result<bool> {
        let text = self.table();
        print!("\n{text}");
        if let Some(file) = table {
            std::fs::write(file, &text)
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        let rows = || self.machines.iter().flat_map(|(_, rows)| rows);
        let proved: u64 = rows().map(|row| row.outcome.proved).sum();
        let failed: u64 = rows().map(|row| row.outcome.failures.len() as u64).sum();
        let passed = proved + u64::from(self.lemma);
        let failed = failed + u64::from(!self.lemma);
        println!("{passed} passed, {failed} failed");
        Ok(failed == 0 && proved > 0)
    }

    /// A line for each form, a column for each machine.
    fn table(&self) -> String {
        let mut text = format!("{:<24}", "form");
        for (name, _) in &self.machines {
            let _ = write!(text, "{name:>16}");
        }
        text.push('\n');
        // Some forms are on some machines only, or have not been tried on all.
        let longest = self.machines.iter().max_by_key(|(_, rows)| rows.len());
        let forms = longest.into_iter().flat_map(|(_, rows)| rows);
        for Row { form, .. } in forms {
            let _ = write!(text, "{form:<24}");
            for (_, rows) in &self.machines {
                let cell = match rows.iter().find(|row| row.form == *form) {
                    // There is no such form there, or another one has ended the run before.
                    None => "-".to_owned(),
                    Some(row) if row.has_failed() => "NOT PROVED".to_owned(),
                    Some(row) if row.outcome.uses_lemma => format!("lemma {}", row.outcome.proved),
                    Some(row) => format!("proved {}", row.outcome.proved),
                };
                let _ = write!(text, "{cell:>16}");
            }
            text.push('\n');
        }
        text
    }
}

/// Values of variables, by name.
pub(super) fn values(assignment: &Assignment) -> String {
    let mut values: Vec<String> = assignment
        .variables
        .iter()
        .map(|(variable, value)| format!("{variable:?} = {value:#x}"))
        .collect();
    values.sort();
    values.join(", ")
}

/// An instruction, and for which machine it is.
pub(super) fn describe(machine: &Machine, insns: &[Fields]) -> String {
    let mut program: Vec<_> = insns.iter().map(|insn| machine.raw(insn)).collect();
    program.extend([Raw::new(machine.endian, 0x95, 0, 0, 0, 0); 3]);
    let dialect = crate::host::dialect(&machine.cpu(Barriers::NONE));
    match decode(&dialect, &program, 0) {
        Ok(insn) => format!("{} on {}", text::print(&insn, 0), machine.name),
        Err(_) => format!("{insns:?} on {}", machine.name),
    }
}
