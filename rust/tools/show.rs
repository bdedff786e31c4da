// SPDX-License-Identifier: GPL-2.0

//! `make show`: BPF, typed instruction, MIPS words and mnemonics side by side.
//!
//! The program comes as assembler text, as raw bytes in hexadecimal, or as an object file; which
//! of them it is can be seen. Addresses of the kernel are made up, see [`crate::host::RUNTIME`].

mod machine;
mod source;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use self::machine::Machine;
use self::source::{Function, Selection};
use crate::host::listing::{listing, Columns};
use crate::host::{check, compile_unjudged, dialect, runtime, Options};
use crate::jit::analysis::Analyses;
use crate::jit::bpf::Raw;
use crate::jit::error::Error;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::Cpu;
use crate::jit::runtime::Counted;

/// Lists BPF and the MIPS code made of it, side by side.
#[derive(Parser, Debug)]
#[command(name = "show")]
struct Arguments {
    /// Machine to compile for, by the name of its file in boot-tests/machines
    #[arg(long, default_value = "malta-le-r2")]
    machine: String,
    /// The program has explicit zero-extensions, as where the verifier inserts them
    #[arg(long)]
    verifier_zext: bool,
    /// Do without the optional analyses
    #[arg(long)]
    no_facts: bool,
    /// Do without one of those about words
    #[arg(long, value_name = "ANALYSIS")]
    without: Vec<Analysis>,
    /// Compile for a multiprocessor that orders memory as weakly as any
    #[arg(long)]
    barriers: bool,
    /// Bytes of BPF stack
    #[arg(long, default_value_t = 512, value_name = "BYTES")]
    stack: u32,
    /// Object file, or file with text
    #[arg(long, conflicts_with = "bpf")]
    file: Option<PathBuf>,
    /// Only this section of an object file
    #[arg(long)]
    section: Option<String>,
    /// Only this function of an object file
    #[arg(long)]
    function: Option<String>,
    /// Text ('r0 = 1; exit'), bytes in hexadecimal, eight an instruction, or the name of a file
    #[arg(required_unless_present = "file")]
    bpf: Option<String>,
}

/// What can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Analysis {
    /// What is known of high words
    Known,
    /// Which words are read
    Demand,
    /// Registers that are R10 and a constant
    Distance,
}

/// All analyses but some.
fn analyses(without: &[Analysis]) -> Analyses {
    let is_done = |analysis| !without.contains(&analysis);
    Analyses {
        known: is_done(Analysis::Known),
        demand: is_done(Analysis::Demand),
        distance: is_done(Analysis::Distance),
    }
}

/// Runs the command.
pub fn main() -> ExitCode {
    super::conclude("show", show(&Arguments::parse()))
}

/// Shows every function; false if one of them has no proper image.
fn show(arguments: &Arguments) -> Result<bool> {
    let machine = Machine::named(&arguments.machine)?;
    let mut cpu = machine.cpu;
    if arguments.barriers {
        cpu.barriers = Barriers::ALL;
    }
    let options = Options {
        stack_depth: arguments.stack,
        verifier_zext: arguments.verifier_zext,
        facts: !arguments.no_facts,
        analyses: analyses(&arguments.without),
        runtime: runtime(cpu.width, Counted::Hits),
        fills_slots: true,
        forwards_copies: true,
        ..Options::default()
    };
    let selection = Selection {
        section: arguments.section.as_deref(),
        function: arguments.function.as_deref(),
    };
    let functions = match (&arguments.file, &arguments.bpf) {
        (Some(path), _) => source::read_file(path, &selection, &cpu)?,
        (None, bpf) => source::read(bpf.as_deref().unwrap_or_default(), &selection, &cpu)?,
    };
    let mut all_well = true;
    for (index, function) in functions.iter().enumerate() {
        if index > 0 {
            print("\n")?;
        }
        match describe(function, &arguments.machine, &cpu, &options) {
            Ok(description) => print(&description)?,
            Err(fault) => {
                eprintln!("show: {}: {fault}", function.name);
                all_well = false;
            }
        }
    }
    Ok(all_well)
}

/// Prints, also where the reader has seen enough and is gone.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The listing with its heading; an error if there is no image, or a wrong one.
fn describe(
    function: &Function,
    machine: &str,
    cpu: &Cpu,
    options: &Options<'_>,
) -> Result<String, String> {
    let Function {
        name,
        program,
        notes,
    } = function;
    let image = compile_unjudged(program, cpu, options).map_err(|error| explain(error, program))?;
    let listing = listing(program, dialect(cpu), &image, Columns::TextAndTyped)
        .map_err(|error| explain(error, program))?;
    let mut text = format!(
        "{name} on {machine}: {} BPF slots, {} words, {} bytes\n",
        program.len(),
        image.words.len(),
        image.words.len() * 4
    );
    for note in notes {
        text = text + note + "\n";
    }
    text += &listing;
    match check::judge(&image, cpu) {
        Ok(()) => Ok(text),
        Err(fault) => Err(format!("the image is wrong: {fault}\n{text}")),
    }
}

/// An error in words, with the instruction that it is about.
fn explain(error: Error, program: &[Raw]) -> String {
    let raw = |at: u32| {
        let raw = program.get(at as usize).copied().unwrap_or_default();
        format!(
            "instruction {at} (code {:#04x}, registers {:#04x}, off {}, imm {:#x})",
            raw.code, raw.regs, raw.off, raw.imm
        )
    };
    match error {
        Error::Unsupported { at, .. } => format!("{} is not supported", raw(at)),
        Error::OutOfReach { at } => {
            format!("{} jumps out of the program or into the middle", raw(at))
        }
        Error::LongResult => "an extension returns 64 bits".to_string(),
        Error::TooLong => "the program, its stack or its image is too large".to_string(),
        Error::NoMemory => "the memory lent to the compiler does not suffice".to_string(),
        Error::Internal { at } => format!("{} makes the compiler contradict itself", raw(at)),
    }
}
