// SPDX-License-Identifier: GPL-2.0

//! `make bench`: what do real programs cost, interpreted, with the C JIT and with ours?
//!
//! ```text
//! for each machine                                 a line for each program, in each
//!     Rust kernel:  JIT off | JIT on   \
//!     C kernel:     JIT on              > line.rs -> figures.rs -> table.rs, json.rs, chart.rs
//! ```
//!
//! Guests count instructions as nanoseconds, so that every figure is exact, and repeats. A benchmark
//! must not flatter: what our JIT leaves to the interpreter, or does otherwise than that, is a failure.
//! Whether we are faster decides nothing here, but is said.

mod chart;
mod curve;
mod cycles;
mod figures;
mod json;
mod line;
mod micro;
mod mips;
mod table;
mod trace;

use crate::boot::{self, Ready};
use crate::data;
use crate::interrupt;
use crate::job::{Jit, Job, Range};
use crate::kernel::Build;
use crate::place::{self, Place};
use crate::plan::Cores;
use crate::qemu::End;
use crate::report;
use crate::steps::Steps;
use crate::tree;
use anyhow::{bail, Context, Result};
use figures::{Figure, Row};
use line::Case;
use micro::Micro;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Which part.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Kernel series; the newest unless given.
    #[arg(long, default_value = "")]
    kernel: String,
    /// Only this machine.
    #[arg(long, default_value = "")]
    machine: String,
    /// Only the programs FIRST,LAST.
    #[arg(long, default_value = "")]
    range: String,
    /// Write what is printed to this file, too, as a page of Documentation/.
    #[arg(long, default_value = "")]
    table: String,
    /// Draw the first machine's chart to this file, too.
    #[arg(long, default_value = "")]
    chart: String,
    /// Draw to this file, too, what compiling takes on the first machine, by the length of programs.
    #[arg(long, default_value = "")]
    curve: String,
}

const SUITE: &str = "bench";
/// Both byte orders of the release that routers have.
const MACHINES: [&str; 2] = ["malta-le-r2", "malta-be-r2"];
/// So often a guest may be ended by a program.
const ENDS: usize = 8;
/// In the order of kernels that are built.
const JITS: [Jit; 3] = [Jit::Rust, Jit::Off, Jit::C];

/// A guest, and what it has said.
struct Guest {
    job: Job,
    heard: Mutex<Option<Heard>>,
}

#[derive(Clone, Default)]
struct Heard {
    cases: Vec<Case>,
    micro: Micro,
}

impl Guest {
    fn new(job: Job) -> Self {
        Self {
            job,
            heard: Mutex::new(None),
        }
    }

    fn heard(&self) -> Option<Heard> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }
}

fn guests(place: &Place, options: &Options) -> Result<Vec<Guest>> {
    let kernel = match options.kernel.as_str() {
        "" => place.newest()?,
        series => series.to_owned(),
    };
    place.pristine(&kernel)?;
    let machines = match options.machine.as_str() {
        "" => MACHINES.to_vec(),
        one => vec![one],
    };
    let range = (!options.range.is_empty()).then(|| options.range.parse());
    let range = range.transpose()?;
    let mut guests = Vec::new();
    for machine in machines {
        for jit in JITS {
            let (machine, suites) = (data::machine(place, machine)?, data::suites(place, SUITE)?);
            let job = Job {
                range,
                icount: true,
                ..Job::whole(&kernel, machine, jit, SUITE, suites)
            };
            job.check_machine(place)?;
            job.check()?;
            guests.push(Guest::new(job));
        }
    }
    Ok(guests)
}

/// The verb. Says whether our JIT has done all that it should.
pub(crate) fn run(place: &Place, options: &Options) -> Result<bool> {
    let mut guests = guests(place, options)?;
    let count =
        |job: &dyn Fn(&Guest) -> String| guests.iter().map(job).collect::<BTreeSet<_>>().len();
    let kernels = count(&|guest| guest.job.build_name());
    let steps =
        Steps::new(1 + kernels * boot::STEPS_OF_KERNEL + guests.len() * boot::STEPS_OF_BOOT);
    add_traces(place, &mut guests, &steps)?;
    let kernels: Vec<&[Guest]> = guests
        .chunk_by(|a, b| a.job.build_name() == b.job.build_name())
        .collect();
    let cores = Cores::new(place::cores());
    std::thread::scope(|scope| {
        for guests in kernels {
            let build = match boot::prepare(place, &guests[0].job, &steps) {
                Ok(build) => Arc::new(build),
                Err(error) => {
                    interrupt::yield_to();
                    steps.print(&format!("FAIL: {}: {error:#}", guests[0].job.build_name()));
                    continue;
                }
            };
            for guest in guests {
                let (build, steps, cores) = (build.clone(), &steps, &cores);
                scope.spawn(move || {
                    let _core = cores.take();
                    if let Err(error) = listen(place, guest, &build, steps) {
                        interrupt::yield_to();
                        steps.print(&format!(
                            "FAIL: {error:#}\nagain: {}",
                            guest.job.again(None)
                        ));
                    }
                });
            }
        }
    });
    interrupt::yield_to();
    conclude(place, &guests, options)
}

/// Has images traced on the machines that there is a model of.
fn add_traces(place: &Place, guests: &mut [Guest], steps: &Steps) -> Result<()> {
    let step = steps.begin("building the plugin for QEMU");
    for guest in guests {
        let machine = &guest.job.machine;
        if guest.job.jit != Jit::Off && machine.bits == 32 && machine.release < 6 {
            guest.job.trace = Some(trace::build_plugin(place, &machine.qemu, &step)?);
        }
    }
    step.end("done");
    Ok(())
}

/// Boots a guest and notes what it says. A program that ends the guest is noted, and another one goes on
/// behind it: with the C JIT, there is such a program in many suites.
fn listen(place: &Place, guest: &Guest, build: &Build<'_>, steps: &Steps) -> Result<()> {
    let mut job = guest.job.clone();
    let mut heard = Heard::default();
    let total = job.expect(&job.suites[0])?.total;
    let range = job.range.unwrap_or(Range {
        first: 0,
        last: total.saturating_sub(1),
    });
    let mut next = range.first;
    for _ in 0..ENDS {
        let end = hear(place, &job, build, steps, &mut heard)?;
        if end == End::Done {
            break;
        }
        next = heard.cases.last().map_or(next, |case| case.number + 1);
        let why = format!("it ended the guest: {end:?}");
        steps.print(&format!(
            "#{next}: {why}\nagain: {}",
            job.again(Some((SUITE, next)))
        ));
        heard.cases.push(Case::failed(next, why));
        if next >= range.last {
            break;
        }
        next += 1;
        job.range = Some(Range {
            first: next,
            last: range.last,
        });
    }
    *guest.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
    Ok(())
}

/// Adds what one boot says.
fn hear(
    place: &Place,
    job: &Job,
    build: &Build<'_>,
    steps: &Steps,
    heard: &mut Heard,
) -> Result<End> {
    let outcome = Ready::make(place, job, build, steps)?.boot(steps)?;
    let report = report::read(&job.suites[0], &outcome.lines);
    let mut cases: Vec<Case> = report.tests.iter().filter_map(Case::parse).collect();
    if cases.is_empty() && heard.cases.is_empty() {
        bail!("{} says nothing: {:?}", outcome.log.display(), outcome.end);
    }
    if job.trace.is_some() {
        let mut runs = trace::read(&outcome.log.with_file_name("trace"))?;
        for case in &mut cases {
            case.traced = runs.remove(&case.number);
            case.native = runs.remove(&(case.number + trace::NATIVE));
        }
    }
    heard.cases.extend(cases);
    heard.micro.extend(micro::read(&report.tests));
    // Behind the programs there is nothing whose end matters.
    Ok(if report.summaries.is_empty() {
        outcome.end
    } else {
        End::Done
    })
}

/// Puts together what the guests of each machine have said of each program.
fn rows(guests: &[Guest]) -> Vec<Row> {
    let mut rows: BTreeMap<(usize, u32), Row> = BTreeMap::new();
    for (index, guest) in guests.iter().enumerate() {
        let machine = &guest.job.machine.name;
        for case in guest.heard().unwrap_or_default().cases {
            let row = rows
                .entry((index / JITS.len(), case.number))
                .or_insert_with(|| Row {
                    machine: machine.clone(),
                    number: case.number,
                    name: case.name.clone(),
                    off: None,
                    c: None,
                    rust: None,
                });
            match guest.job.jit {
                Jit::Off => row.off = Some(case),
                Jit::C => row.c = Some(case),
                Jit::Rust => row.rust = Some(case),
            }
        }
    }
    rows.into_values().collect()
}

/// Tables, files, what is wrong, and the verdict.
fn conclude(place: &Place, guests: &[Guest], options: &Options) -> Result<bool> {
    let (grown, rows): (Vec<Row>, Vec<Row>) = rows(guests).into_iter().partition(curve::is_grown);
    let (mut text, verdict) = told(&rows, guests);
    for grown in grown.chunk_by(|a, b| a.machine == b.machine) {
        text += &curve::told(&grown[0].machine, grown);
    }
    print!("{text}");
    let file = place.cache.join("log/bench.json");
    let kernel = guests.first().map(|guest| guest.job.kernel.as_str());
    std::fs::create_dir_all(file.parent().context("a file without a directory")?)?;
    tree::write_whole(
        &file,
        json::document(kernel.unwrap_or_default(), &rows).as_bytes(),
    )?;
    println!("written: {}", file.display());
    let written = |file: &str, content: String| {
        if !file.is_empty() {
            tree::write_whole(file.as_ref(), content.as_bytes())?;
            println!("written: {file}");
        }
        anyhow::Ok(())
    };
    written(
        &options.table,
        table::document(&format!("{text}\n{verdict}")),
    )?;
    let drawn = rows.chunk_by(|a, b| a.machine == b.machine).next();
    written(&options.chart, chart::document(drawn.unwrap_or_default()))?;
    let drawn = grown.chunk_by(|a, b| a.machine == b.machine).next();
    written(&options.curve, curve::document(drawn.unwrap_or_default()))?;
    let failures = [&rows, &grown].map(|rows| failures(guests, rows)).concat();
    for failure in &failures {
        println!("{failure}");
    }
    let missing = guests
        .iter()
        .filter(|guest| guest.heard().is_none())
        .count();
    let is_good = failures.is_empty() && missing == 0 && !(rows.is_empty() && grown.is_empty());
    println!(
        "{verdict}{}: {} programs and packets, {} of any length, {} wrong with our JIT, {missing} guests not heard",
        if is_good { "PASS" } else { "FAIL" },
        rows.len(),
        grown.len(),
        failures.len(),
    );
    Ok(is_good)
}

/// What a person reads of each machine, and what is to stand with the verdict.
fn told(rows: &[Row], guests: &[Guest]) -> (String, String) {
    let (mut text, mut verdict) = (String::new(), String::new());
    for rows in rows.chunk_by(|a, b| a.machine == b.machine) {
        let machine = &rows[0].machine;
        text += &format!(
            "\n{machine}: instructions that a run takes, those in images, and cycles of these\n{}\n\
             \n{machine}: bytes, words for an instruction of BPF, instructions to compile\n{}\n",
            table::runs(rows),
            table::images(rows)
        );
        for figure in Figure::ALL {
            text += &table::ends(rows, figure);
        }
        text += &table::notes(rows);
        let micro = |jit| {
            let mut guests = guests.iter();
            let is_it = |guest: &&Guest| guest.job.machine.name == *machine && guest.job.jit == jit;
            let heard = guests.find(is_it).and_then(Guest::heard);
            heard.unwrap_or_default().micro
        };
        text += &micro::summary(&micro(Jit::Rust), &micro(Jit::C));
        text += "\n";
        verdict += &format!("{}\n", table::summary(machine, rows));
    }
    (text, verdict)
}

/// What is wrong with our JIT, each with the command that shows it again.
fn failures(guests: &[Guest], rows: &[Row]) -> Vec<String> {
    let job = |row: &Row| {
        let mut jobs = guests.iter().map(|guest| &guest.job);
        jobs.find(|job| job.machine.name == row.machine && job.jit == Jit::Rust)
    };
    let line = |row: &Row| {
        let why = row.complaint()?;
        let again = job(row)?.again(Some((SUITE, row.number)));
        Some(format!(
            "{}: #{} {} {why}\nagain: {again}",
            row.machine, row.number, row.name
        ))
    };
    rows.iter().filter_map(line).collect()
}
