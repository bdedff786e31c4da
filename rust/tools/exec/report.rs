// SPDX-License-Identifier: GPL-2.0

//! What is printed: progress, failures, and at the end a table.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::log::{Entry, Log};
use super::machine::{Machine, Variant};
use super::subject::Subject;

/// Failures printed in full; the others are counted.
const SHOWN: u64 = 10;

/// What came of one group on one machine.
struct Row {
    number: usize,
    group: &'static str,
    machine: &'static str,
    passed: u64,
    failed: u64,
    runs: u64,
    took: Duration,
}

/// The progress of a whole session, whose steps may run side by side.
pub(super) struct Progress {
    rows: Mutex<Vec<Row>>,
    log: Option<Log>,
    steps: usize,
    begun: AtomicUsize,
    has_failed: AtomicBool,
    since: Instant,
}

impl Progress {
    /// The progress of so many steps, each a group on a machine.
    pub(super) fn new(steps: usize, log: Option<Log>) -> Self {
        Progress {
            rows: Mutex::new(Vec::new()),
            log,
            steps,
            begun: AtomicUsize::new(0),
            has_failed: AtomicBool::new(false),
            since: Instant::now(),
        }
    }

    /// Begins the step of this number.
    pub(super) fn begin(
        &self,
        number: usize,
        group: &'static str,
        machine: &Machine,
    ) -> Report<'_> {
        println!(
            "[{}/{}] {group} on {} ({:.1} s so far)",
            self.begun.fetch_add(1, Ordering::Relaxed) + 1,
            self.steps,
            machine.name,
            self.since.elapsed().as_secs_f64()
        );
        Report {
            progress: self,
            row: Row {
                number,
                group,
                machine: machine.name,
                passed: 0,
                failed: 0,
                runs: 0,
                took: Duration::ZERO,
            },
            began: Instant::now(),
            programs: 0,
        }
    }

    /// Whether anything has failed so far.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::Relaxed)
    }

    /// Prints the table and the last line; whether all passed.
    pub(super) fn finish(self) -> bool {
        let mut rows = self
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        rows.sort_by_key(|row| row.number);
        println!();
        println!("group        machine    passed  failed        runs  seconds");
        for row in &rows {
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
        let sum = |count: fn(&Row) -> u64| rows.iter().map(count).sum::<u64>();
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

/// The report of one step.
pub(super) struct Report<'a> {
    progress: &'a Progress,
    row: Row,
    began: Instant,
    programs: u64,
}

impl Report<'_> {
    /// Ends the step: it has made so many runs.
    pub(super) fn end(mut self, seed: u64, runs: u64) {
        if self.row.failed > SHOWN {
            println!("  {} more failed", self.row.failed - SHOWN);
        }
        self.row.runs = runs;
        self.row.took = self.began.elapsed();
        let rows = self.progress.rows.lock();
        let mut rows = rows.unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = &self.progress.log {
            let done = log.append(&Entry {
                group: self.row.group,
                machine: self.row.machine,
                seed,
                programs: self.programs,
                runs,
                failed: self.row.failed,
            });
            if let Err(error) = done {
                println!("{error:#}");
            }
        }
        rows.push(self.row);
    }

    /// Counts a random program, whatever comes of it.
    pub(super) fn program(&mut self) {
        self.programs += 1;
    }

    pub(super) fn pass(&mut self) {
        self.row.passed += 1;
    }

    /// Counts a failure; whether it is to be shown.
    pub(super) fn fail(&mut self) -> bool {
        self.progress.has_failed.store(true, Ordering::Relaxed);
        self.row.failed += 1;
        self.row.failed <= SHOWN
    }

    /// Whether so much has failed that going on tells nothing new.
    pub(super) fn is_hopeless(&self) -> bool {
        self.row.failed > 10 * SHOWN
    }

    /// Whether anything has failed so far, on any machine.
    pub(super) fn has_failed(&self) -> bool {
        self.progress.has_failed()
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
