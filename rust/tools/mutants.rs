// SPDX-License-Identifier: GPL-2.0

//! `make mutants`: seeds bugs in the core, one at a time, and sees that the judges find them.
//!
//! The bugs are data, in `rust/mutants/`: every class of bugs that JITs for BPF are known to have
//! had. The tree is copied; in the copy, each mutant is applied, built, judged by the rungs of
//! [`rung`], and taken back. A rung counts as catching a mutant if it fails, so each must pass
//! before, without any mutant.
//!
//! | rung | what judges |
//! |---|---|
//! | `golden` | listings and code sizes, which every change of emitted code changes |
//! | `unit` | the other host tests |
//! | `encode` | GNU as and LLVM; for mutants of the instruction table |
//! | `prove` | the proofs, on the mutant's machine |
//! | `exec` | the emulator, on the mutant's machine |
//!
//! Golden listings say that code has changed, not that it is wrong: a mutant must be caught by
//! another rung. The first that catches it ends its run, unless all rungs are asked for.

mod memory;
mod rung;
mod table;
mod tree;

use std::io::{stdout, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{bail, Context, Result};
use clap::Parser;

use crate::host::mutants::{catalogue, Mutant};
use memory::Memory;
use rung::{Bench, Job, Rung, Verdict};
use tree::Tree;

/// Seeds bugs in the core and sees that the judges find them.
#[derive(Debug, Parser)]
#[command(name = "mutants")]
struct Arguments {
    /// Only this mutant, or the mutants of this area.
    #[arg(long)]
    mutant: Option<String>,
    /// Run every rung on every mutant, also when one has caught it.
    #[arg(long)]
    all_rungs: bool,
    /// Do not judge again what an earlier run has seen caught, in the same core.
    #[arg(long)]
    resume: bool,
    /// Where to copy the tree to and to build; in the cache, if MIPS_BPF_JIT_CACHE names one.
    #[arg(long)]
    work: Option<PathBuf>,
    /// Write the table of what catches what to this file.
    #[arg(long)]
    table: Option<PathBuf>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    super::conclude("mutants", run(&Arguments::parse()))
}

/// What each rung said, in the order of [`Rung::ALL`].
type Verdicts = [Verdict; Rung::ALL.len()];

/// What came of a mutant.
struct Outcome {
    mutant: Mutant,
    /// None if it does not build.
    verdicts: Option<Verdicts>,
}

impl Outcome {
    /// The rungs that have caught the mutant.
    fn caught_by(&self) -> impl Iterator<Item = Rung> + '_ {
        let verdicts = Rung::ALL.into_iter().zip(self.verdicts.iter().flatten());
        verdicts.filter_map(|(rung, &verdict)| (verdict == Verdict::Caught).then_some(rung))
    }

    /// Whether a rung has caught it that judges what code means.
    fn is_caught(&self) -> bool {
        self.caught_by().any(Rung::is_of_meaning)
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let areas = wanted(&root, arguments)?;
    let count: usize = areas.iter().map(|(_, mutants)| mutants.len()).sum();
    let work = match &arguments.work {
        Some(work) => work.clone(),
        None => std::env::var_os("MIPS_BPF_JIT_CACHE")
            .map(|cache| PathBuf::from(cache).join("mutants"))
            .context("nowhere to work: --work, or MIPS_BPF_JIT_CACHE, names a directory")?,
    };
    let tree = Tree::copy(&root, &work.join("tree"))?;
    let bench = Bench::new(&work)?;
    let mutants = areas.iter().flat_map(|(_, mutants)| mutants);
    bench.judge_unmutated(&tree, mutants)?;
    let memory = Memory::read(work.join("caught"), &tree.core);

    let mut results = Vec::new();
    let (mut number, mut caught) = (0, 0);
    for (area, mutants) in areas {
        let mut outcomes = Vec::new();
        for mutant in mutants {
            number += 1;
            print!("[{number}/{count}] {} ... ", mutant.name);
            stdout().flush()?;
            let began = Instant::now();
            let known = memory.recall(&mutant).filter(|_| arguments.resume);
            let verdicts = match known {
                Some(verdicts) => Some(verdicts),
                None => judge(&tree, &bench, &mutant, arguments.all_rungs)?,
            };
            let outcome = Outcome { mutant, verdicts };
            tell(&outcome, began);
            if outcome.is_caught() {
                caught += 1;
                memory.note(&outcome)?;
            }
            outcomes.push(outcome);
        }
        results.push((area, outcomes));
    }
    if let Some(file) = &arguments.table {
        std::fs::write(file, table::table(&results))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("{caught} passed, {} failed", count - caught);
    Ok(caught == count)
}

/// The mutants to judge, by area.
fn wanted(root: &Path, arguments: &Arguments) -> Result<Vec<(String, Vec<Mutant>)>> {
    let mut areas = catalogue(root)?;
    if let Some(wanted) = &arguments.mutant {
        for (area, mutants) in &mut areas {
            mutants.retain(|mutant| mutant.name == *wanted || area == wanted);
        }
    }
    areas.retain(|(_, mutants)| !mutants.is_empty());
    if areas.is_empty() {
        bail!("no such mutant: rust/mutants/ has their names");
    }
    Ok(areas)
}

/// Applies a mutant, runs the rungs, and takes it back.
fn judge(tree: &Tree, bench: &Bench, mutant: &Mutant, all_rungs: bool) -> Result<Option<Verdicts>> {
    let source = tree.read(&mutant.file)?;
    tree.write(&mutant.file, &mutant.apply(&source)?)?;
    let verdicts = rungs(tree, bench, mutant, all_rungs);
    tree.write(&mutant.file, &source)?;
    verdicts
}

fn rungs(tree: &Tree, bench: &Bench, mutant: &Mutant, all_rungs: bool) -> Result<Option<Verdicts>> {
    if !bench.build(tree, &mutant.name)? {
        return Ok(None);
    }
    let mut verdicts = Verdicts::default();
    for (rung, verdict) in Rung::ALL.into_iter().zip(&mut verdicts) {
        if !rung.applies_to(mutant) {
            continue;
        }
        *verdict = bench.run(tree, rung, Job::of(mutant))?;
        if *verdict == Verdict::Caught && rung.is_of_meaning() && !all_rungs {
            break;
        }
    }
    Ok(Some(verdicts))
}

/// The rest of a mutant's line.
fn tell(outcome: &Outcome, began: Instant) {
    let mutant = &outcome.mutant;
    let took = began.elapsed().as_secs_f64();
    let names: Vec<&str> = outcome.caught_by().map(Rung::name).collect();
    if outcome.is_caught() {
        println!("caught by {} ({took:.0} s)", names.join(", "));
        return;
    }
    match outcome.verdicts {
        None => println!("DOES NOT BUILD ({took:.0} s)"),
        Some(_) => println!("NOT CAUGHT ({took:.0} s)"),
    }
    println!("  {}, on {}", mutant.why, mutant.machine);
    println!("  again: make mutants MUTANT={}", mutant.name);
}
