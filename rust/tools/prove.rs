// SPDX-License-Identifier: GPL-2.0

//! `make prove`: for every instruction, that the words the core emits for it do what it means, for
//! all values of registers and memory.
//!
//! ```text
//!                +-- core --> words --> MIPS model over terms --+
//!  instruction --+                                              +-- equal? --> solver
//!                +------------------> BPF model over terms -----+
//! ```
//!
//! [`theorem`] says what is proved of an instruction, [`frame`] of prologue and epilogue, [`trampoline`]
//! of trampolines; [`forms`] of which instructions; [`shape`] how it is proved for all immediates and
//! offsets. What is trusted is in `Documentation/verification.rst`.

mod argument;
mod case;
mod complete;
mod convention;
mod counter;
mod entry;
mod forms;
mod frame;
mod frame_goals;
mod meaning;
mod numbers;
mod observe;
mod path;
mod processor;
mod programs;
mod registers;
mod report;
mod run;
mod scene;
mod shape;
mod solver;
mod space;
mod theorem;
mod trampoline;
mod words;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{bail, Context, Result};
use clap::Parser;

use crate::model::term::smt::PRODUCT_LEMMA;
use case::{Outcome, Prover};
use forms::Form;
use report::{Report, Row};
use scene::{Machine, MACHINES};
use solver::{Memory, Solver};

/// Proves that emitted code does what the BPF instruction means.
#[derive(Debug, Parser)]
#[command(name = "prove")]
struct Arguments {
    /// Only for this machine: le-r1, le-r2, le-r6, le64-r1 and so on, or the same with be.
    #[arg(long)]
    machine: Option<String>,
    /// Only forms whose name contains this.
    #[arg(long)]
    form: Option<String>,
    /// The solver: z3.
    #[arg(long, default_value = "z3")]
    solver: PathBuf,
    /// Where to remember what was proved; in the cache, if MIPS_BPF_JIT_CACHE names one.
    #[arg(long)]
    memory: Option<PathBuf>,
    /// Check the classes of all 2^32 immediates; takes hours.
    #[arg(long)]
    all_immediates: bool,
    /// End at the first form that is not proved.
    #[arg(long)]
    stop: bool,
    /// How many solvers to run side by side.
    #[arg(long)]
    jobs: Option<usize>,
    /// Write the table of what is proved to this file, too.
    #[arg(long)]
    table: Option<PathBuf>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    super::conclude("prove", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<bool> {
    let file = arguments.memory.clone().or_else(|| {
        let cache = std::env::var_os("MIPS_BPF_JIT_CACHE")?;
        Some(PathBuf::from(cache).join("proved"))
    });
    let memory = Memory::new(file)?;
    let machines: Vec<Machine> = MACHINES
        .into_iter()
        .filter(|machine| match &arguments.machine {
            Some(name) => machine.is_called(name),
            None => true,
        })
        .collect();
    if machines.is_empty() {
        let known = MACHINES.map(|machine| machine.name).join(", ");
        bail!("unknown machine: known are {known}");
    }
    if machines
        .iter()
        .all(|machine| wanted(arguments, machine).is_empty())
    {
        bail!("no form has such a name: --form is part of a name in the table");
    }
    for machine in &machines {
        if let Some(insn) = complete::forgotten(machine, &forms::forms(machine)).first() {
            bail!("the core decodes {insn:x?}, which is in no form of rust/tools/prove/forms.rs");
        }
    }
    let mut report = Report::new(machines.len());
    report.lemma(prove_lemma(arguments, &memory)?);
    for machine in &machines {
        let began = Instant::now();
        report.begin(machine);
        let rows = prove_all(arguments, &memory, machine, &wanted(arguments, machine))?;
        let has_failed = rows.iter().any(Row::has_failed);
        report.end(machine, rows, began.elapsed());
        memory.save()?;
        if arguments.stop && has_failed {
            break;
        }
    }
    report.finish(arguments.table.as_deref())
}

/// The names of all forms on machines of so many bits.
pub(super) fn form_names(bits: u32) -> Vec<String> {
    let machine = MACHINES
        .iter()
        .find(|machine| machine.is_wide() == (bits == 64));
    let forms = machine.map(forms::forms).unwrap_or_default();
    let forms = forms.into_iter().chain(frame_forms());
    forms.map(|form| form.name).collect()
}

/// The forms to prove for a machine.
fn wanted(arguments: &Arguments, machine: &Machine) -> Vec<Form> {
    forms::forms(machine)
        .into_iter()
        .chain(frame_forms())
        .filter(|form| match &arguments.form {
            Some(part) => form.name.contains(part.as_str()),
            None => true,
        })
        .collect()
}

/// Frames and trampolines are proved like instructions, without being any.
fn frame_forms() -> [Form; 5] {
    let trampolines = [
        trampoline::CALLBACKS,
        trampoline::BEFORE,
        trampoline::AROUND,
    ];
    let [callbacks, before, around] = trampolines;
    [case::FRAMES, case::CALLS, callbacks, before, around].map(|name| Form {
        name: name.to_owned(),
        cases: Vec::new(),
    })
}

fn prove_lemma(arguments: &Arguments, memory: &Memory) -> Result<bool> {
    Solver::new(&arguments.solver, memory).refutes(PRODUCT_LEMMA)
}

/// Proves all forms for a machine, several side by side.
fn prove_all(
    arguments: &Arguments,
    memory: &Memory,
    machine: &Machine,
    forms: &[Form],
) -> Result<Vec<Row>> {
    let next = AtomicUsize::new(0);
    let is_over = AtomicBool::new(false);
    let rows: Mutex<Vec<(usize, Result<Row>)>> = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.unwrap_or(cores) {
            scope.spawn(|| {
                let solver = Solver::new(&arguments.solver, memory);
                let mut prover = Prover::new(machine, solver, arguments.all_immediates);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(form) = forms.get(index) else {
                        return;
                    };
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let row = prover.prove(form).map(|outcome: Outcome| Row {
                        form: form.name.clone(),
                        outcome,
                    });
                    if arguments.stop && !row.as_ref().is_ok_and(|row| !row.has_failed()) {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    if let Ok(mut rows) = rows.lock() {
                        rows.push((index, row));
                    }
                }
            });
        }
    });
    let mut rows = rows
        .into_inner()
        .map_err(|_| anyhow::anyhow!("a prover has panicked"))?;
    rows.sort_by_key(|(index, _)| *index);
    rows.into_iter()
        .map(|(_, row)| row)
        .collect::<Result<Vec<Row>>>()
        .with_context(|| format!("on {}", machine.name))
}
