// SPDX-License-Identifier: GPL-2.0

//! `make fuzz`: looks for an input on which the core breaks a promise.
//!
//! ```text
//!  golden files --> seeds --+                      +--> corpus, smaller --> coverage
//!                           +--> libFuzzer --------+
//!  corpus of earlier runs --+    around the core   +--> failing input --> shortest, as text
//! ```
//!
//! This program is not the fuzzer: it builds that ([`target`]), lets it run for some time, and
//! tells what came of it. What the fuzzer finds worth keeping stays in the cache ([`place`]), so that
//! each run goes on where others ended and hours add up ([`ledger`]). What the core promises is
//! listed in [`crate::host::fuzz`].

mod coverage;
mod failure;
mod ledger;
mod place;
mod target;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Parser;

use self::coverage::Coverage;
use self::ledger::{Entry, Ledger};
use self::place::Place;
use self::target::{Outcome, Target};
use crate::host::fuzz::seed;

/// Looks for an input on which the core breaks a promise.
#[derive(Debug, Parser)]
#[command(name = "fuzz")]
struct Arguments {
    /// How long to look for one
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Seed of everything that is random; a new one each time unless given
    #[arg(long)]
    seed: Option<u32>,
    /// Only judge this input, and show it
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let passed = match &arguments.input {
        Some(path) => failure::show(path),
        None => fuzz(&arguments),
    };
    super::conclude("fuzz", passed)
}

/// All of it; whether nothing was found.
fn fuzz(arguments: &Arguments) -> Result<bool> {
    let steps = Steps {
        began: Instant::now(),
    };
    let place = Place::find()?;
    let seed = arguments.seed.unwrap_or_else(fresh_seed);

    steps.begin(1, "building the target");
    let target = Target::build(&place)?;
    write_seeds(&place)?;

    steps.begin(
        2,
        &format!("running for {} s, seed {seed}", arguments.seconds),
    );
    let outcome = target.run(&place, arguments.seconds, seed)?;
    let coverage = if outcome.is_well {
        steps.begin(3, "reducing the corpus to what adds coverage");
        Some(report_coverage(&place, &target)?)
    } else {
        report_failure(&outcome)?;
        None
    };
    let has_passed = coverage.as_ref().is_some_and(Coverage::is_enough);

    let mut ledger = Ledger::open(&place)?;
    ledger.add(&Entry {
        ended: now().as_secs(),
        seconds: outcome.seconds,
        runs: outcome.runs,
        edges: coverage.map_or(0, |coverage| coverage.edges()),
        failed: u64::from(!has_passed),
    })?;
    println!("this run: {outcome}");
    println!("{ledger}");
    println!(
        "{} passed, {} failed",
        u8::from(has_passed),
        u8::from(!has_passed)
    );
    Ok(has_passed)
}

/// Tells what was found, as short as it gets.
fn report_failure(outcome: &Outcome) -> Result<()> {
    println!("FAILED after {:.1} s:\n{}", outcome.seconds, outcome.why);
    match &outcome.input {
        Some(input) => failure::explain(input),
        None => Ok(()),
    }
}

/// Tells how much of the core has been reached.
fn report_coverage(place: &Place, target: &Target) -> Result<Coverage> {
    let coverage = Coverage::of(target, &target.reduce(place)?)?;
    let path = place.unreached();
    fs::write(&path, coverage.unreached())?;
    println!("{coverage}");
    println!("lines of the core not reached: {}", path.display());
    if !coverage.is_enough() {
        println!("FAILED: the fuzzer has seen so little of the core that it must be broken");
    }
    Ok(coverage)
}

/// Writes what the fuzzer begins with.
fn write_seeds(place: &Place) -> Result<()> {
    let directory = place.seeds();
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory)?;
    for (name, input) in seed::seeds().context("the golden files")? {
        fs::write(directory.join(name), input.to_bytes())?;
    }
    Ok(())
}

/// Time since 1970.
fn now() -> std::time::Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Never 0, which libFuzzer takes for none.
fn fresh_seed() -> u32 {
    now().subsec_nanos() | 1
}

/// What is being done.
struct Steps {
    began: Instant,
}

impl Steps {
    fn begin(&self, number: u32, what: &str) {
        let elapsed = self.began.elapsed().as_secs_f64();
        println!("[{number}/3] {what} ({elapsed:.1} s so far)");
    }
}
