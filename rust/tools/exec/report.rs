// SPDX-License-Identifier: GPL-2.0

//! What is printed: progress, failures, and at the end a table.

use std::time::{Duration, Instant};

use super::log::{Entry, Log};
use super::machine::{Machine, Variant};
use super::subject::Subject;

/// Failures printed in full; the others are counted.
const SHOWN: u64 = 10;

/// What came of one group on one machine.
struct Row {
    group: &'static str,
    machine: &'static str,
    passed: u64,
    failed: u64,
    runs: u64,
    took: Duration,
}

/// The report of a whole session.
pub(super) struct Report {
    rows: Vec<Row>,
    log: Option<Log>,
    steps: usize,
    began: Instant,
    step_began: Instant,
    programs: u64,
    passed: u64,
    failed: u64,
}

impl Report {
    /// A report of so many steps, each a group on a machine.
    pub(super) fn new(steps: usize, log: Option<Log>) -> Self {
        Report {
            log,
            rows: Vec::new(),
            steps,
            began: Instant::now(),
            step_began: Instant::now(),
            programs: 0,
            passed: 0,
            failed: 0,
        }
    }

    pub(super) fn begin(&mut self, group: &str, machine: &Machine) {
        self.step_began = Instant::now();
        self.programs = 0;
        self.passed = 0;
        self.failed = 0;
        println!(
            "[{}/{}] {group} on {} ({:.1} s so far)",
            self.rows.len() + 1,
            self.steps,
            machine.name,
            self.began.elapsed().as_secs_f64()
        );
    }

    pub(super) fn end(&mut self, group: &'static str, machine: &Machine, seed: u64, runs: u64) {
        if self.failed > SHOWN {
            println!("  {} more failed", self.failed - SHOWN);
        }
        if let Some(log) = &self.log {
            let done = log.append(&Entry {
                group,
                machine: machine.name,
                seed,
                programs: self.programs,
                runs,
                failed: self.failed,
            });
            if let Err(error) = done {
                println!("{error:#}");
            }
        }
        self.rows.push(Row {
            group,
            machine: machine.name,
            passed: self.passed,
            failed: self.failed,
            runs,
            took: self.step_began.elapsed(),
        });
    }

    /// Counts a random program, whatever comes of it.
    pub(super) fn program(&mut self) {
        self.programs += 1;
    }

    pub(super) fn pass(&mut self) {
        self.passed += 1;
    }

    /// Counts a failure; whether it is to be shown.
    pub(super) fn fail(&mut self) -> bool {
        self.failed += 1;
        self.failed <= SHOWN
    }

    /// Whether so much has failed that going on tells nothing new.
    pub(super) fn is_hopeless(&self) -> bool {
        self.failed > 10 * SHOWN
    }

    /// Whether anything has failed so far.
    pub(super) fn has_failed(&self) -> bool {
        self.failed > 0 || self.rows.iter().any(|row| row.failed > 0)
    }

    /// Prints the table and the last line; whether all passed.
    pub(super) fn finish(&self) -> bool {
        println!();
        println!("group        machine    passed  failed        runs  seconds");
        for row in &self.rows {
            println!(
                "{:<12} {:<8} {:>8} {:>7} {:>11} {:>8.1}",
                row.group,
                row.machine,
                row.passed,
                row.failed,
                row.runs,
                row.took.as_secs_f64()
            );
        }
        let sum = |count: fn(&Row) -> u64| self.rows.iter().map(count).sum::<u64>();
        let (passed, failed) = (sum(|row| row.passed), sum(|row| row.failed));
        if let Some(log) = &self.log {
            match log.total() {
                Ok(total) => println!("{total}"),
                Err(error) => println!("{error:#}"),
            }
        }
        println!("{passed} passed, {failed} failed");
        failed == 0 && passed > 0
    }
}

/// Prints a failure: what, where, the program, and how to see it again.
pub(super) fn show(
    name: &str,
    machine: &Machine,
    variant: &Variant,
    subject: &Subject,
    wrong: &str,
    rerun: &str,
) {
    println!("FAILED {name} on {} ({variant}): {wrong}", machine.name);
    print!("{}", subject.text(machine, variant));
    println!(
        "  again: make exec, or: cargo run --release --features emulator --bin exec -- {rerun}"
    );
}
