// SPDX-License-Identifier: GPL-2.0

//! `make exec`: emitted code, executed in a MIPS emulator and compared with the BPF model.
//!
//! ```text
//!            +-- core --> image --> emulator --+
//!  program --+                                 +-- equal?
//!            +-- model ------------------------+
//! ```
//!
//! | group | programs |
//! |---|---|
//! | `forms` | every instruction form, operand aliasing and boundary ([`forms`]) |
//! | `regressions` | what other JITs got wrong, by name ([`regressions`]) |
//! | `random` | whole programs of the shape that the verifier accepts ([`generate`]) |
//!
//! Each runs on every machine, in all the ways to compile that matter to it. Equal means: the
//! result, every byte of the data and of the program's stack, and the sequence of helper calls with
//! their arguments; programs store all their registers in the data before they end. Beyond that, an
//! image must restore what its caller owns, keep `$gp`, `$k0` and `$k1` at every step, and address
//! nothing but the data, its own frame and its home area. Kernel functions overwrite everything that
//! a C function may overwrite.
//!
//! An emulator shows neither the order of memory accesses, nor a stale instruction cache, nor
//! results that the manual leaves UNPREDICTABLE.

mod build;
mod emulator;
mod forms;
mod judge;
mod kernel;
mod machine;
mod places;
mod random;
mod report;
mod subject;
mod visit;

use std::process::ExitCode;

use clap::Parser;

use forms::Form;
use judge::Judge;
use machine::{Machine, MACHINES};
use random::Random;
use report::Report;

/// Executes emitted code in an emulator and compares it with the BPF model.
#[derive(Debug, Parser)]
#[command(name = "exec")]
struct Arguments {
    /// Seed of everything that is random; a new one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// How many random programs to run on each machine.
    #[arg(long, default_value_t = 10_000)]
    programs: u64,
    /// Only on this machine: le-r1, le-r2, be-r1 or be-r2.
    #[arg(long)]
    machine: Option<String>,
    /// Only cases whose name contains this.
    #[arg(long)]
    case: Option<String>,
    /// Only this group: forms, regressions or random.
    #[arg(long)]
    group: Option<String>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let machines: Vec<Machine> = MACHINES
        .into_iter()
        .filter(|m| {
            arguments
                .machine
                .as_deref()
                .is_none_or(|name| name.ends_with(m.name))
        })
        .collect();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    println!("seed {seed}");
    let session = Session { arguments, seed };
    let groups: Vec<Group> = [("forms", Session::forms as fn(&_, &mut _, &mut _))]
        .into_iter()
        .filter(|(name, _)| {
            session
                .arguments
                .group
                .as_deref()
                .is_none_or(|g| g == *name)
        })
        .collect();
    let mut report = Report::new(groups.len() * machines.len());
    for (name, run) in groups {
        for machine in &machines {
            let mut judge = Judge::new(*machine);
            report.begin(name, machine);
            run(&session, &mut judge, &mut report);
            report.end(name, machine, judge.runs);
        }
    }
    if report.finish() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A group's name, and what runs it on one machine.
type Group = (&'static str, fn(&Session, &mut Judge, &mut Report));

fn fresh_seed() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |now| now.as_nanos() as u64 >> 10)
}

/// What was asked for.
struct Session {
    arguments: Arguments,
    seed: u64,
}

impl Session {
    fn is_wanted(&self, name: &str) -> bool {
        match &self.arguments.case {
            None => true,
            Some(part) => name.contains(part.as_str()),
        }
    }

    fn forms(&self, judge: &mut Judge, report: &mut Report) {
        let mut number = 0;
        let mut random = Random::new(self.seed);
        let mut data_random = Random::new(self.seed ^ 1);
        let mut each = |form: Form| {
            number += 1;
            if !self.is_wanted(&form.name) || report.is_hopeless() {
                return;
            }
            let inputs = form.data(&judge.machine, &mut data_random);
            for variant in form.variants(number) {
                let subject = form.subject(variant);
                match judge.judge(&subject, variant, &inputs) {
                    Ok(()) => report.pass(),
                    Err(wrong) => {
                        if report.fail() {
                            let rerun = format!(
                                "--seed {} --group forms --machine {} --case '{}'",
                                self.seed, judge.machine.name, form.name
                            );
                            let machine = &judge.machine;
                            report::show(&form.name, machine, &variant, &subject, &wrong, &rerun);
                        }
                    }
                }
            }
        };
        forms::arithmetic(&mut random, &mut each);
        forms::memory(&mut random, &mut each);
        forms::control(&mut random, &mut each);
    }
}
