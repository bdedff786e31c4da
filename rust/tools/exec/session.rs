// SPDX-License-Identifier: GPL-2.0

//! A run of `make exec`: what is asked for, and the groups.

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use clap::Parser;

use super::cpu;
use super::forms::{self, Form};
use super::judge::{Judge, Wrong};
use super::log::Log;
use super::machine::{Machine, Variant, MACHINES};
use super::random::{fresh_seed, mix, Random};
use super::report::{self, Progress, Report};
use super::shrink::shrink;
use super::subject::Subject;
use super::{generate, regressions, trampolines};

/// Executes emitted code in an emulator and compares it with the BPF model.
#[derive(Clone, Debug, Parser)]
#[command(name = "exec")]
struct Arguments {
    /// Seed of everything that is random; a new one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// How many random programs to run on each machine.
    #[arg(long, default_value_t = 8_000)]
    programs: u64,
    /// In how many ways to compile each of them: 1 to 8.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    ways: u8,
    /// Only on this machine: le-r1, le-r2, le-r6, le64-r1 and so on, or the same with be.
    #[arg(long)]
    machine: Option<String>,
    /// Only cases whose name contains this.
    #[arg(long)]
    case: Option<String>,
    /// Only this group: forms, regressions, trampolines or random.
    #[arg(long)]
    group: Option<String>,
    /// End at the first failure.
    #[arg(long)]
    stop: bool,
    /// Add what has run to this file, and say how much that is by now.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Write what the log says to this file, as a page of documentation.
    #[arg(long, requires = "log")]
    table: Option<PathBuf>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let wanted = arguments.machine.clone();
    let machines: Vec<Machine> = MACHINES
        .into_iter()
        .filter(|m| wanted.as_deref().is_none_or(|name| m.is_called(name)))
        .collect();
    if let Err(error) = machines.iter().try_for_each(cpu::find) {
        eprintln!("exec: {error:#}");
        return ExitCode::from(2);
    }
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    println!("seed {seed}");
    let wanted = arguments.group.as_deref();
    let groups = GROUPS
        .into_iter()
        .filter(|(name, _)| wanted.is_none_or(|g| g == *name));
    let steps: Vec<Step> = groups
        .flat_map(|group| (0..).zip(&machines).map(move |machine| (group, machine)))
        .map(|((group, run), (nth, machine))| Step {
            group,
            run,
            machine: *machine,
            // No machine runs the random programs of another.
            seed: seed.wrapping_add(nth * arguments.programs),
        })
        .collect();
    let progress = Progress::new(steps.len(), arguments.log.clone().map(Log));
    run(&arguments, &steps, &progress);
    let passed = progress.finish();
    if let Err(error) = arguments.write_page() {
        eprintln!("exec: {error:#}");
        return ExitCode::from(2);
    }
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A group on a machine.
struct Step {
    group: &'static str,
    run: fn(&Session, &mut Judge, &mut Report<'_>),
    machine: Machine,
    seed: u64,
}

/// Runs all steps, as many at a time as there are cores.
fn run(arguments: &Arguments, steps: &[Step], progress: &Progress) {
    let next = AtomicUsize::new(0);
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(step) = steps.get(number) else {
            return;
        };
        if arguments.stop && progress.has_failed() {
            return;
        }
        let session = Session {
            arguments: arguments.clone(),
            seed: step.seed,
        };
        let mut judge = Judge::new(step.machine);
        let mut report = progress.begin(number, step.group, &step.machine);
        (step.run)(&session, &mut judge, &mut report);
        report.end(step.seed, judge.runs);
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        for _ in 0..cores.min(steps.len()) {
            scope.spawn(work);
        }
    });
}

/// A group's name, and what runs it on one machine.
type Group = (&'static str, fn(&Session, &mut Judge, &mut Report<'_>));

const GROUPS: [Group; 4] = [
    ("regressions", Session::regressions),
    ("trampolines", Session::trampolines),
    ("forms", Session::forms),
    ("random", Session::random),
];

/// How the ways to compile a random program differ from the first, which is random. The second has
/// facts where the first has none, and explicit zero-extensions likewise.
const WAYS: [usize; 8] = [0, 3, 4, 7, 1, 2, 5, 6];

impl Arguments {
    fn write_page(&self) -> Result<()> {
        let (Some(log), Some(table)) = (&self.log, &self.table) else {
            return Ok(());
        };
        let page = Log(log.clone()).page()?;
        std::fs::write(table, page).with_context(|| format!("cannot write {}", table.display()))
    }
}

/// What was asked for, of one step.
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

    /// Whether a failure has ended the run.
    fn is_over(&self, report: &Report<'_>) -> bool {
        self.arguments.stop && report.has_failed()
    }

    /// Judges one subject in one way, and reports.
    fn judge(&self, judge: &mut Judge, report: &mut Report<'_>, case: &Case<'_>) {
        let Case {
            group,
            name,
            seed,
            subject,
            variant,
            inputs,
        } = *case;
        let Err(wrong) = judge.judge(subject, variant, inputs) else {
            return report.pass();
        };
        if !report.fail() {
            return;
        }
        let (shortest, why) = match &wrong {
            Wrong::Code(_) | Wrong::Core(_) if group == "random" => {
                shrink(judge, subject, variant, inputs)
            }
            wrong => (subject.clone(), wrong.to_string()),
        };
        let machine = &judge.machine;
        let rerun = match group {
            "random" => format!(
                "--group random --machine {} --seed {seed} --programs 1",
                machine.name
            ),
            _ => format!(
                "--group {group} --machine {} --seed {seed} --case '{name}'",
                machine.name
            ),
        };
        report::show(name, machine, &variant, &shortest, &why, &rerun);
    }

    fn forms(&self, judge: &mut Judge, report: &mut Report<'_>) {
        let mut number = 0;
        let mut random = Random::new(self.seed);
        let mut data_random = Random::new(self.seed ^ 1);
        let machine = judge.machine;
        let mut each = |form: Form| {
            number += 1;
            if !self.is_wanted(&form.name) || report.is_hopeless() || self.is_over(report) {
                return;
            }
            let inputs = form.data(&judge.machine, &mut data_random);
            let subject = form.subject();
            for variant in form.variants(number) {
                let case = Case {
                    group: "forms",
                    name: &form.name,
                    seed: self.seed,
                    subject: &subject,
                    variant,
                    inputs: &inputs,
                };
                self.judge(judge, report, &case);
            }
        };
        forms::arithmetic(&mut random, &mut each);
        forms::memory(machine, &mut random, &mut each);
        forms::guarded(machine, &mut random, &mut each);
        forms::functions(&mut random, &mut each);
        forms::control(&mut random, &mut each);
    }

    fn regressions(&self, judge: &mut Judge, report: &mut Report<'_>) {
        let mut random = Random::new(self.seed);
        for regression in regressions::regressions(&judge.machine, &mut random) {
            if !self.is_wanted(&regression.name) || self.is_over(report) {
                continue;
            }
            for variant in regression.subject.variants() {
                let case = Case {
                    group: "regressions",
                    name: &regression.name,
                    seed: self.seed,
                    subject: &regression.subject,
                    variant,
                    inputs: &regression.inputs,
                };
                self.judge(judge, report, &case);
            }
        }
        for (name, check) in regressions::structure::CHECKS {
            if !self.is_wanted(name) {
                continue;
            }
            match check(&judge.machine) {
                Ok(()) => report.pass(),
                Err(wrong) => {
                    report.fail();
                    println!("FAILED {name} on {}: {wrong}", judge.machine.name);
                }
            }
        }
    }

    /// Trampoline number n has the seed of the session plus n.
    fn trampolines(&self, judge: &mut Judge, report: &mut Report<'_>) {
        let mut trampolines = trampolines::Judge::new(judge.machine);
        for seed in (self.seed..).take(trampolines::COUNT as usize) {
            if report.is_hopeless() || self.is_over(report) {
                return;
            }
            judge.runs += 1;
            match trampolines.judge(seed) {
                Ok(()) => report.pass(),
                Err(wrong) => {
                    if report.fail() {
                        let name = judge.machine.name;
                        println!("FAILED trampoline {seed} on {name}: {wrong}");
                        println!(
                            "  again: exec --group trampolines --machine {name} --seed {seed} --stop"
                        );
                    }
                }
            }
        }
    }

    /// Program number n has the seed of the session plus n, so that it can be run alone.
    fn random(&self, judge: &mut Judge, report: &mut Report<'_>) {
        for number in 0..self.arguments.programs {
            if report.is_hopeless() || self.is_over(report) {
                return;
            }
            let seed = self.seed.wrapping_add(number);
            let mut random = Random::new(mix(seed));
            let subject = generate::subject(&mut random, &judge.machine);
            let inputs: Vec<Vec<u8>> = (0..3)
                .map(|_| generate::data(&mut random, &judge.machine))
                .collect();
            let first = random.below(64);
            report.program();
            for way in WAYS.into_iter().take(usize::from(self.arguments.ways)) {
                let case = Case {
                    group: "random",
                    name: &format!("random program {seed}"),
                    seed,
                    subject: &subject,
                    variant: Variant::numbered(first ^ way),
                    inputs: &inputs,
                };
                self.judge(judge, report, &case);
            }
        }
    }
}

/// One subject to be judged in one way.
struct Case<'a> {
    group: &'a str,
    name: &'a str,
    seed: u64,
    subject: &'a Subject,
    variant: Variant,
    inputs: &'a [Vec<u8>],
}
