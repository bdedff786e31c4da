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
mod cycles;
mod figures;
mod json;
mod line;
mod mips;
mod table;
mod trace;

use crate::boot::{self, Ready};
use crate::data;
use crate::interrupt;
use crate::job::{Jit, Job};
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
    /// Draw the first machine's chart to this file, too.
    #[arg(long, default_value = "")]
    chart: String,
}

const SUITE: &str = "bench";
/// Both byte orders of the release that routers have.
const MACHINES: [&str; 2] = ["malta-le-r2", "malta-be-r2"];
/// In the order of kernels that are built.
const JITS: [Jit; 3] = [Jit::Rust, Jit::Off, Jit::C];

/// A guest, and what it has said.
struct Guest {
    job: Job,
    cases: Mutex<Option<Vec<Case>>>,
}

impl Guest {
    fn cases(&self) -> Vec<Case> {
        let cases = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        cases.clone().unwrap_or_default()
    }

    fn is_done(&self) -> bool {
        let cases = self.cases.lock().unwrap_or_else(PoisonError::into_inner);
        cases.is_some()
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
            let job = Job {
                kernel: kernel.clone(),
                machine: data::machine(place, machine)?,
                jit,
                harden: 0,
                suite: SUITE.to_owned(),
                suites: data::suites(place, SUITE)?,
                range,
                icount: true,
                seed: 0,
                linux: None,
                trace: None,
            };
            job.check_machine(place)?;
            job.check()?;
            guests.push(Guest {
                job,
                cases: Mutex::new(None),
            });
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
    conclude(place, &guests, &options.chart)
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

/// Boots a guest and notes what it says.
fn listen(place: &Place, guest: &Guest, build: &Build<'_>, steps: &Steps) -> Result<()> {
    let job = &guest.job;
    let outcome = Ready::make(place, job, build, steps)?.boot(steps)?;
    let report = report::read(&job.suites[0], &outcome.lines);
    if outcome.end != End::Done || report.summaries.is_empty() {
        bail!(
            "{} did not end well: {:?}",
            outcome.log.display(),
            outcome.end
        );
    }
    let mut cases: Vec<Case> = report.tests.iter().filter_map(Case::parse).collect();
    if job.trace.is_some() {
        let mut runs = trace::read(&outcome.log.with_file_name("trace"))?;
        for case in &mut cases {
            case.traced = runs.remove(&case.number);
            case.native = runs.remove(&(case.number + trace::NATIVE));
        }
    }
    *guest.cases.lock().unwrap_or_else(PoisonError::into_inner) = Some(cases);
    Ok(())
}

/// Puts together what the guests of each machine have said of each program.
fn rows(guests: &[Guest]) -> Vec<Row> {
    let mut rows: BTreeMap<(usize, u32), Row> = BTreeMap::new();
    for (index, guest) in guests.iter().enumerate() {
        let machine = &guest.job.machine.name;
        for case in guest.cases() {
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
fn conclude(place: &Place, guests: &[Guest], chart: &str) -> Result<bool> {
    let rows = rows(guests);
    let verdict = print(&rows);
    let file = place.cache.join("log/bench.json");
    let kernel = guests.first().map(|guest| guest.job.kernel.as_str());
    std::fs::create_dir_all(file.parent().context("a file without a directory")?)?;
    tree::write_whole(
        &file,
        json::document(kernel.unwrap_or_default(), &rows).as_bytes(),
    )?;
    println!("written: {}", file.display());
    let drawn = rows.chunk_by(|a, b| a.machine == b.machine).next();
    if let Some(rows) = drawn.filter(|_| !chart.is_empty()) {
        tree::write_whole(chart.as_ref(), chart::document(rows).as_bytes())?;
        println!("written: {chart}");
    }
    let failures = failures(guests, &rows);
    for failure in &failures {
        println!("{failure}");
    }
    let missing = guests.iter().filter(|guest| !guest.is_done()).count();
    let is_good = failures.is_empty() && missing == 0 && !rows.is_empty();
    println!(
        "{verdict}{}: {} programs and packets, {} wrong with our JIT, {missing} guests not heard",
        if is_good { "PASS" } else { "FAIL" },
        rows.len(),
        failures.len(),
    );
    Ok(is_good)
}

/// What a person reads of each machine; what is to stand with the verdict is returned.
fn print(rows: &[Row]) -> String {
    let mut verdict = String::new();
    for rows in rows.chunk_by(|a, b| a.machine == b.machine) {
        let machine = &rows[0].machine;
        println!(
            "\n{machine}: instructions that a run takes, those in images, and cycles of these"
        );
        println!("{}", table::runs(rows));
        println!("\n{machine}: bytes, words for an instruction of BPF, instructions to compile");
        println!("{}", table::images(rows));
        for figure in Figure::ALL {
            print!("{}", table::ends(rows, figure));
        }
        print!("{}", table::notes(rows));
        verdict += &format!("{}\n", table::summary(machine, rows));
    }
    verdict
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
