// SPDX-License-Identifier: GPL-2.0

//! `make matrix`: does every kernel on every machine pass, interpreted, compiled and hardened?
//!
//! ```text
//! patches/SERIES/machines.toml -> for each kernel and machine
//!     Rust kernel: JIT off | JIT on | HARDEN=2      must pass
//!     C kernel:    JIT on                           for comparison, must only come to an end
//! ```
//!
//! It takes hours from nothing, so it may be interrupted: a boot of the same kernel, with the same
//! initrd and by the same command of QEMU, is not repeated if it passed before (the C JIT's: if it
//! was judged before). What was seen is kept in a file a boot.

use crate::boot::{self, Ready};
use crate::counts::Counts;
use crate::data;
use crate::explain;
use crate::interrupt;
use crate::job::{Jit, Job};
use crate::judge::judge;
use crate::kernel::Build;
use crate::page;
use crate::place::{self, Place};
use crate::plan::Cores;
use crate::seen::Seen;
use crate::steps::Steps;
use crate::tree;
use anyhow::{bail, Context, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Which part, and where the table goes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this kernel series.
    #[arg(long, default_value = "")]
    kernel: String,
    /// Only this machine.
    #[arg(long, default_value = "")]
    machine: String,
    /// 1: boot also what has passed before.
    #[arg(long, default_value = "0")]
    fresh: String,
    /// Write the table to this file, too.
    #[arg(long, default_value = "")]
    table: String,
}

/// What each boot runs.
const SUITE: &str = "all";

/// How programs run: a column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Off,
    On,
    Hardened,
    C,
}

impl Mode {
    pub(crate) const ALL: [Mode; 4] = [Mode::Off, Mode::On, Mode::Hardened, Mode::C];

    /// Heading of the column.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Mode::Off => "interpreter",
            Mode::On => "Rust JIT",
            Mode::Hardened => "Rust JIT, hardened",
            Mode::C => "C JIT",
        }
    }

    fn jit(self) -> Jit {
        match self {
            Mode::Off => Jit::Off,
            Mode::On | Mode::Hardened => Jit::Rust,
            Mode::C => Jit::C,
        }
    }

    fn job(self, place: &Place, kernel: &str, machine: &str) -> Result<Job> {
        let (machine, suites) = (data::machine(place, machine)?, data::suites(place, SUITE)?);
        let job = Job {
            harden: if self == Mode::Hardened { 2 } else { 0 },
            ..Job::whole(kernel, machine, self.jit(), SUITE, suites)
        };
        job.check()?;
        Ok(job)
    }
}

/// A cell of the table.
pub(crate) struct Cell {
    pub(crate) kernel: String,
    pub(crate) machine: String,
    mode: Mode,
    job: Job,
    /// None: not yet, or it could not be judged.
    seen: Mutex<Option<Seen>>,
}

impl Cell {
    fn file(&self, place: &Place) -> PathBuf {
        let name = format!("{}.toml", self.job.run_name());
        place.cache.join("matrix").join(name)
    }

    /// What an earlier run has seen of the same.
    fn remembered(&self, place: &Place, identity: &str) -> Option<Seen> {
        let text = std::fs::read_to_string(self.file(place)).ok()?;
        let seen: Seen = toml::from_str(&text).ok()?;
        (seen.identity == identity && (seen.failed == 0 || self.mode == Mode::C)).then_some(seen)
    }

    fn remember(&self, place: &Place, seen: Seen) -> Result<()> {
        let file = self.file(place);
        std::fs::create_dir_all(file.parent().context("a file without a directory")?)?;
        tree::write_whole(&file, toml::to_string(&seen)?.as_bytes())?;
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(())
    }

    fn seen(&self) -> Option<Seen> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// As in the table.
    pub(crate) fn text(&self) -> String {
        self.seen()
            .map_or_else(|| "not judged".to_owned(), |seen| seen.text())
    }

    /// Of those that count.
    fn counts(&self) -> Counts {
        match (self.mode, self.seen()) {
            (Mode::C, Some(_)) => Counts::default(),
            (_, Some(seen)) => Counts {
                passed: seen.passed,
                failed: seen.failed,
            },
            (_, None) => Counts {
                passed: 0,
                failed: 1,
            },
        }
    }
}

fn cells(place: &Place, options: &Options) -> Result<Vec<Cell>> {
    let mut cells = Vec::new();
    for kernel in place.series()? {
        for machine in data::machines_of(place, &kernel)? {
            for mode in Mode::ALL {
                cells.push(Cell {
                    kernel: kernel.clone(),
                    machine: machine.clone(),
                    mode,
                    job: mode.job(place, &kernel, &machine)?,
                    seen: Mutex::new(None),
                });
            }
        }
    }
    let known: Vec<String> = cells
        .iter()
        .filter(|cell| cell.mode == Mode::On)
        .map(|cell| format!("{} {}", cell.kernel, cell.machine))
        .collect();
    let wanted = |wish: &str, name: &str| wish.is_empty() || wish == name;
    cells.retain(|cell| {
        wanted(&options.kernel, &cell.kernel) && wanted(&options.machine, &cell.machine)
    });
    if cells.is_empty() {
        bail!(
            "no series in patches/ has such a row; there are {}",
            known.join(", ")
        );
    }
    Ok(cells)
}

/// The verb. Says whether all passed.
pub(crate) fn run(place: &Place, options: &Options) -> Result<bool> {
    let cells = cells(place, options)?;
    let kernels: Vec<&[Cell]> = cells
        .chunk_by(|a, b| a.job.build_name() == b.job.build_name())
        .collect();
    let steps =
        Steps::new(kernels.len() * boot::STEPS_OF_KERNEL + cells.len() * boot::STEPS_OF_BOOT);
    let cores = Cores::new(place::cores());
    std::thread::scope(|scope| {
        for cells in kernels {
            let build = match boot::prepare(place, &cells[0].job, &steps) {
                Ok(build) => Arc::new(build),
                Err(error) => {
                    interrupt::yield_to();
                    steps.print(&format!("FAIL: {}: {error:#}", cells[0].job.build_name()));
                    continue;
                }
            };
            for cell in cells {
                let (build, steps, cores) = (build.clone(), &steps, &cores);
                let is_fresh = options.fresh == "1";
                scope.spawn(move || {
                    let _core = cores.take();
                    if let Err(error) = look(place, cell, &build, steps, is_fresh) {
                        interrupt::yield_to();
                        steps.print(&format!("FAIL: {}: {error:#}", cell.job.run_name()));
                    }
                });
            }
        }
    });
    interrupt::yield_to();
    println!("{:.0} s in all", steps.elapsed());
    finish(&cells, options)
}

/// Boots a cell, unless that is known already.
fn look(
    place: &Place,
    cell: &Cell,
    build: &Build<'_>,
    steps: &Steps,
    is_fresh: bool,
) -> Result<()> {
    let ready = Ready::make(place, &cell.job, build, steps)?;
    let identity = ready.identity()?;
    let known = cell.remembered(place, &identity);
    if let Some(seen) = known.filter(|_| !is_fresh) {
        let step = steps.begin(&cell.job.run_name());
        step.end(&format!("{}, as seen before", seen.text()));
        return cell.remember(place, seen);
    }
    let outcome = ready.boot(steps)?;
    let verdicts = judge(&cell.job, &outcome)?;
    if cell.mode != Mode::C {
        steps.print(&explain::explain(&cell.job, &[&outcome.log], &verdicts));
    }
    cell.remember(place, Seen::new(&identity, &verdicts))
}

/// Table, file and last lines.
fn finish(cells: &[Cell], options: &Options) -> Result<bool> {
    println!("{}", page::table(cells));
    if !options.table.is_empty() {
        tree::write_whole(options.table.as_ref(), page::document(cells).as_bytes())?;
        println!("written: {}", options.table);
    }
    let mut counts = Counts::default();
    for cell in cells {
        counts += cell.counts();
    }
    let missing = cells.iter().filter(|cell| cell.seen().is_none()).count();
    let is_green = counts.failed == 0 && missing == 0;
    let word = if is_green { "PASS" } else { "FAIL" };
    println!(
        "{word}: {} cells, {missing} of them not judged",
        cells.len()
    );
    println!("{counts}");
    Ok(is_green)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn place(cache: &Path) -> Place {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Place::find(Some(root), Some(cache.into())).unwrap()
    }

    fn all() -> Vec<Cell> {
        cells(&place("/nonexistent".as_ref()), &any()).unwrap()
    }

    fn any() -> Options {
        Options {
            kernel: String::new(),
            machine: String::new(),
            fresh: "0".to_owned(),
            table: String::new(),
        }
    }

    fn seen(failed: u64) -> Option<Seen> {
        Some(Seen {
            identity: "x".to_owned(),
            passed: 1074 - failed,
            failed,
            jited: 1060,
            run: 1060,
        })
    }

    #[test]
    fn every_cell_must_be_judged_and_pass() {
        let cells = all();
        assert!(!finish(&cells, &any()).unwrap());
        for cell in &cells {
            *cell.seen.lock().unwrap() = seen(if cell.mode == Mode::C { 19 } else { 0 });
        }
        assert!(finish(&cells, &any()).unwrap());
        *cells[1].seen.lock().unwrap() = seen(1);
        assert!(!finish(&cells, &any()).unwrap());
        *cells[1].seen.lock().unwrap() = None;
        assert!(!finish(&cells, &any()).unwrap());
    }

    #[test]
    fn a_row_of_the_page_is_a_row_of_the_matrix() {
        let cells = all();
        *cells[0].seen.lock().unwrap() = seen(0);
        let page = page::document(&cells);
        let machine = Some(cells[0].machine.as_str());
        let mut rows = page.lines();
        let row = rows.find(|line| line.split_whitespace().nth(1) == machine);
        let row = row.unwrap_or_else(|| panic!("{page}"));
        assert!(row.contains("  1074/1074 [1060/1060]  not judged"), "{row}");
        let rules = page.lines().filter(|line| line.starts_with("======  "));
        assert_eq!(rules.count(), 3);
        assert!(page.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn an_unknown_row_lists_the_known_ones() {
        let place = place("/nonexistent".as_ref());
        let options = Options {
            machine: "pdp11".to_owned(),
            ..any()
        };
        let error = cells(&place, &options).err().unwrap().to_string();
        assert!(error.contains(" malta-be-r2, "), "{error}");
    }

    #[test]
    fn only_what_passed_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        let cells = cells(&place, &any()).unwrap();
        for cell in &cells[..4] {
            for failed in [0, 1] {
                cell.remember(&place, seen(failed).unwrap()).unwrap();
                let known = failed == 0 || cell.mode == Mode::C;
                assert_eq!(cell.remembered(&place, "x").is_some(), known);
                assert_eq!(cell.remembered(&place, "y"), None);
            }
        }
    }
}
