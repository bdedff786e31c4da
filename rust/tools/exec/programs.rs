// SPDX-License-Identifier: GPL-2.0

//! Random programs in a file, for `SUITE=jit_diff`: `boot-tests/modules/jit_diff.c` says how it is
//! made up.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{bail, Context, Result};
use clap::Parser;

use super::generate::for_kernel;
use super::machine::{Machine, Variant, MACHINES};
use super::random::{fresh_seed, mix, Random};
use super::subject::{Subject, AX};
use crate::jit::mips::Endian;
use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::{load, store, LOAD_ACQUIRE, STORE_RELEASE};

/// Makes random programs for a kernel to compile and to interpret.
#[derive(Debug, Parser)]
#[command(name = "programs")]
struct Arguments {
    /// Byte order of the kernel: little or big.
    #[arg(long)]
    endian: String,
    /// How many.
    #[arg(long)]
    count: u32,
    /// Where to write them.
    #[arg(long, required_unless_present = "show")]
    output: Option<PathBuf>,
    /// Of the first; program number n has this plus n. A new one unless given, here or as SEED in
    /// the environment.
    #[arg(long)]
    seed: Option<u64>,
    /// Print the program with this number instead.
    #[arg(long)]
    show: Option<u32>,
    #[command(flatten)]
    kernel: Kernel,
}

/// What the kernel's interpreter takes, where kernels differ.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Kernel {
    /// Number of the auxiliary register.
    #[arg(long, default_value_t = AX)]
    ax: u8,
    /// Without load-acquire and store-release.
    #[arg(long)]
    unordered: bool,
}

impl Kernel {
    /// An instruction as this kernel knows it, or one that does the same.
    fn adapt(&self, insn: &mut Fields) {
        if self.unordered && insn.class() == class::STX && insn.mode() == ATOMIC {
            match insn.immediate {
                LOAD_ACQUIRE => *insn = load(insn.opcode & SIZE, insn.dst, insn.src, insn.offset),
                STORE_RELEASE => *insn = store(insn.opcode & SIZE, insn.dst, insn.offset, insn.src),
                _ => {}
            }
        }
        for register in [&mut insn.dst, &mut insn.src] {
            if *register == AX {
                *register = self.ax;
            }
        }
    }
}

/// Bits of an opcode: an operand's size, and the mode of atomic instructions.
const SIZE: u8 = 0x18;
const ATOMIC: u8 = 0xc0;

/// First word of the file.
const MAGIC: u32 = 0x4a44_4946;

/// Runs the command.
pub fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("programs: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let endian = match arguments.endian.as_str() {
        "little" => Endian::Little,
        "big" => Endian::Big,
        other => bail!("unknown byte order {other:?}: known are little, big"),
    };
    let machine = MACHINES
        .into_iter()
        .find(|machine| machine.endian == endian);
    let machine = machine.context("no machine of this byte order")?;
    let seed = match (arguments.seed, std::env::var("SEED")) {
        (Some(seed), _) => seed,
        (None, Ok(text)) if !text.is_empty() => text
            .parse()
            .with_context(|| format!("SEED={text} is no number"))?,
        _ => fresh_seed(),
    };
    println!("seed {seed}: make boot SUITE=jit_diff SEED={seed} makes the same programs");
    if let Some(number) = arguments.show {
        print!("{}", text(&machine, &arguments.kernel, seed, number));
        return Ok(());
    }
    let bytes = file(&machine, &arguments.kernel, seed, arguments.count);
    let output = arguments.output.as_ref().context("no --output")?;
    std::fs::write(output, bytes).with_context(|| format!("cannot write {}", output.display()))
}

fn program(seed: u64, number: u32) -> (Vec<Fields>, u32) {
    let mut random = Random::new(mix(seed.wrapping_add(u64::from(number))));
    for_kernel(&mut random)
}

fn file(machine: &Machine, kernel: &Kernel, seed: u64, count: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(machine.bytes(MAGIC));
    bytes.extend(machine.bytes(count));
    bytes.extend(machine.bytes64(seed));
    for number in 0..count {
        let (insns, stack_depth) = program(seed, number);
        bytes.extend(machine.bytes(insns.len() as u32));
        bytes.extend(machine.bytes(stack_depth));
        for mut insn in insns {
            kernel.adapt(&mut insn);
            bytes.extend(insn.slot(machine.order()));
        }
    }
    bytes
}

/// The program as text, with the auxiliary register that host tools know.
fn text(machine: &Machine, kernel: &Kernel, seed: u64, number: u32) -> String {
    let (mut insns, _) = program(seed, number);
    let kernel = Kernel { ax: AX, ..*kernel };
    insns.iter_mut().for_each(|insn| kernel.adapt(insn));
    Subject::new(insns).text(machine, &Variant::numbered(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::build::{exit, CALL};

    /// Blinding makes three instructions of one at most: a jump of 16 bits must still reach then, or
    /// the kernel interprets the program.
    #[test]
    fn jumps_reach_when_blinded() {
        for number in 0..20_000 {
            let (insns, _) = program(1_795_388_437_553_848, number);
            let jumps = insns.iter().filter(|insn| {
                let is_call = insn.opcode == CALL || insn.opcode == exit().opcode;
                matches!(insn.class(), class::JMP | class::JMP32) && !is_call
            });
            for jump in jumps {
                let distance = jump.offset.unsigned_abs();
                assert!(
                    distance <= i16::MAX as u16 / 3,
                    "#{number} jumps over {distance} slots"
                );
            }
        }
    }
}
