// SPDX-License-Identifier: GPL-2.0

//! `make exec`: public conformance suites, given to the BPF model and to emitted code.
//!
//! The model is ours, and so are the programs on which emitted code is compared with it. These are
//! not: others have written them down, with the results that other implementations have to give.
//! Each runs in the model, and compiled in the emulator; both must give the result expected, and
//! agree in all else that [`judge`](super::judge) compares.
//!
//! | suite | from |
//! |---|---|
//! | uBPF | the tests of uBPF, in the package of rbpf on crates.io ([`ubpf`]) |
//! | selftests | the programs with a `__retval` among the kernel's selftests ([`selftests`]) |
//!
//! None of it is part of this project: it is read from where cargo and set-up have put it. What a
//! suite has that this cannot run is counted, with the reason.

mod btf;
mod places;
mod selftests;
mod ubpf;
mod vector;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{ensure, Result};
use clap::Parser;

use super::cpu;
use super::judge::Judge;
use super::machine::{Machine, MACHINES};
use crate::model::bpf::memory::ByteOrder;
use vector::{Skip, Vector, Verdict};

/// Gives public conformance suites to the BPF model and to emitted code.
#[derive(Debug, Parser)]
#[command(name = "conform")]
struct Arguments {
    /// Only on this machine: le-r1, le-r2, le-r6, le64-r1 and so on, or the same with be.
    #[arg(long)]
    machine: Option<String>,
    /// Only vectors whose name contains this.
    #[arg(long)]
    case: Option<String>,
}

/// What a suite has for machines of one byte order: vectors by name, or why they cannot be run.
struct Suite {
    /// What it is, and which version.
    title: String,
    /// How many vectors must run at least: fewer mean that it is not read any more.
    fewest: u64,
    vectors: Vec<(String, Result<Vector, Skip>)>,
}

/// A suite's name, and what reads it.
type Source = (&'static str, fn(ByteOrder) -> Result<Suite>);

const SOURCES: [Source; 2] = [("ubpf", ubpf::read), ("selftests", selftests::read)];

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut total = Counts::default();
    for (name, read) in SOURCES {
        match run(name, read, &arguments) {
            Ok(counts) => total.add(counts),
            Err(error) => {
                println!("FAILED {name}: {error:#}");
                total.failed += 1;
            }
        }
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    match total.failed == 0 && total.passed > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

#[derive(Clone, Copy, Default)]
struct Counts {
    passed: u64,
    failed: u64,
}

impl Counts {
    fn add(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

/// How many vectors there were for each reason not to run them, in little and in big endian.
type Skips = BTreeMap<Skip, [u64; 2]>;

/// Runs a suite on every machine that is wanted.
fn run(name: &str, read: fn(ByteOrder) -> Result<Suite>, arguments: &Arguments) -> Result<Counts> {
    let mut total = Counts::default();
    let mut skips = Skips::new();
    for (index, order) in [ByteOrder::Little, ByteOrder::Big].into_iter().enumerate() {
        let suite = read(order)?;
        if index == 0 {
            println!("{name}: {}", suite.title);
        }
        let is_wanted = |machine: &Machine| {
            let wanted = arguments.machine.as_deref();
            machine.order() == order && wanted.is_none_or(|name| machine.is_called(name))
        };
        let mut skipped = BTreeMap::new();
        for machine in MACHINES.into_iter().filter(is_wanted) {
            cpu::find(&machine)?;
            skipped.clear();
            let counts = on_machine(name, &suite, machine, arguments, &mut skipped);
            println!(
                "  {}: {} passed, {} failed, {} not run, of {}",
                machine.name,
                counts.passed,
                counts.failed,
                skipped.values().sum::<u64>(),
                suite.vectors.len()
            );
            let ran = counts.passed + counts.failed;
            ensure!(
                ran >= suite.fewest || arguments.case.is_some(),
                "only {ran} vectors have run on {}, and there should be {}",
                machine.name,
                suite.fewest
            );
            total.add(counts);
        }
        for (reason, count) in skipped {
            skips.entry(reason).or_default()[index] += count;
        }
    }
    for (reason, [little, big]) in skips {
        println!("  not run, {little} in little endian and {big} in big: {reason}");
    }
    Ok(total)
}

fn on_machine(
    name: &str,
    suite: &Suite,
    machine: Machine,
    arguments: &Arguments,
    skipped: &mut BTreeMap<Skip, u64>,
) -> Counts {
    let mut judge = Judge::new(machine);
    let mut counts = Counts::default();
    for (case, vector) in &suite.vectors {
        let wanted = arguments.case.as_deref();
        if wanted.is_some_and(|part| !case.contains(part)) {
            continue;
        }
        let verdict = match vector {
            Ok(vector) => vector.judge(&mut judge),
            Err(skip) => Verdict::NotRun(skip),
        };
        match verdict {
            Verdict::Passed => counts.passed += 1,
            Verdict::NotRun(skip) => *skipped.entry(skip).or_default() += 1,
            Verdict::Failed(wrong) => {
                counts.failed += 1;
                println!("FAILED {name}: {case} on {}: {wrong}", machine.name);
                println!(
                    "  again: make exec, or: cargo run --release --features emulator --bin \
                     conform -- --machine {} --case {case}",
                    machine.name
                );
            }
        }
    }
    counts
}
