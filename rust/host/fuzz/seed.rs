// SPDX-License-Identifier: GPL-2.0

//! Inputs to begin with: the programs of the golden files, and some that are long.
//!
//! A golden file has every form of every instruction, so the fuzzer starts where golden files end.
//! Long programs are what it would hardly find alone: jumps that are far, and so many instructions
//! that a pass within a pass does not go unnoticed.

use std::fs;

use super::input::{LONG, REPEAT};
use super::mutate::CONDITIONS;
use super::Input;
use crate::host::{cpu64, dialect, text};
use crate::jit::abi::Role;
use crate::jit::bpf::raw::{class, X};
use crate::jit::bpf::Raw;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Endian, Release};

/// Where the golden files are.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// What comes first, what is repeated and how often, what comes last.
const REPEATED: [(&str, &str, u16, &str); 6] = [
    // Jumps forward and back over more than a branch reaches, which is 128 KiB.
    ("if r1 == 5 goto +3000; r3 = r1", "tail_call", 3_000, "exit"),
    ("goto +3000", "tail_call", 3_000, "exit"),
    (
        "r0 = 0; call 12",
        "tail_call",
        3_000,
        "if r1 != 0 goto -3001; exit",
    ),
    (
        "exit; if r1 & 1 goto -2",
        "lock *(u64 *)(r1 + 0) += r2",
        4_150,
        "exit",
    ),
    // So many instructions that work which is not linear takes long.
    (
        "gotol +65000; r0 = 1",
        "r0 += r1",
        65_000,
        "goto -32000; exit",
    ),
    (
        "r1 = 0x1234567890 ll; r0 = 1",
        "if r1 == 0 goto -1",
        65_000,
        "exit",
    ),
];

/// Tail calls that no branch reaches over.
const TAIL_CALLS: u16 = 3_000;

/// Operands of a conditional jump: the bit of the opcode that says what it is, and the immediate.
const OPERANDS: [(u8, i32); 6] = [
    (X, 0),
    (0, 0),
    (0, 5),
    (0, -1),
    (0, 0x1_2345),
    (0, i32::MIN),
];

/// All of them, each with a name.
///
/// # Errors
///
/// A golden file cannot be read.
pub(crate) fn seeds() -> std::io::Result<Vec<(String, Input)>> {
    let mut seeds = vec![("empty".to_string(), Input::default())];
    let mut paths = Vec::new();
    for entry in fs::read_dir(GOLDEN)? {
        paths.push(entry?.path());
    }
    paths.sort();
    for (number, path) in paths.iter().enumerate() {
        let source = source(&fs::read_to_string(path)?);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        for variant in [2 * number, 2 * number + 1] {
            let mut input = machine(variant);
            // A file may be about one byte order only.
            if let Ok(slots) = text::parse(&source, dialect(&input.cpu)) {
                input.slots = slots;
                seeds.push((format!("{name}-{}", variant % 2), input));
            }
        }
    }
    for (number, (first, repeated, times, last)) in REPEATED.into_iter().enumerate() {
        let mut input = machine(number);
        input.slots = parse(first, &input);
        repeat(&mut input, parse(repeated, &machine(number)), times);
        input.slots.extend(parse(last, &machine(number)));
        seeds.push((format!("repeated-{number}"), input));
    }
    for number in 0..4 {
        seeds.push((format!("forward-{number}"), forward(number)));
        seeds.push((format!("backward-{number}"), backward(number)));
    }
    Ok(seeds)
}

/// The program of a golden file.
fn source(content: &str) -> String {
    let head = content.split("==>").next().unwrap_or("");
    let is_source = |line: &&str| !line.starts_with("machines:") && !line.starts_with("options:");
    head.lines()
        .filter(is_source)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A machine, and ways to compile, that the number decides; without a program.
fn machine(number: usize) -> Input {
    let mut input = Input::default();
    let is = |bit: usize| number & bit != 0;
    input.cpu.endian = if is(1) { Endian::Big } else { Endian::Little };
    input.cpu.release = match (is(2), is(4)) {
        (true, true) => Release::R6,
        (true, false) => Release::R1,
        (false, _) => Release::R2,
    };
    // The last of a round of three has 64 bits.
    if number % 3 == 2 {
        input.cpu = cpu64(input.cpu.endian, input.cpu.release);
    }
    input.cpu.barriers = if is(4) { Barriers::ALL } else { Barriers::NONE };
    input.verifier_zext = is(8);
    input.role = match (is(32), is(64)) {
        (false, _) => Role::Whole,
        (true, false) => Role::Main,
        (true, true) => Role::Subprogram,
    };
    input.reaches_tail_calls = is(128);
    input.stack_depth = if is(16) { 0 } else { 512 };
    input
}

fn parse(source: &str, input: &Input) -> Vec<Raw> {
    text::parse(source, dialect(&input.cpu)).expect("assembler text")
}

/// Appends an instruction, so many times.
fn repeat(input: &mut Input, insn: Vec<Raw>, times: u16) {
    // One is there already.
    let more = i32::from(times) - 1;
    input.slots.extend(insn);
    let repeat = Raw::new(input.cpu.endian, REPEAT, 0, 0, 1, more);
    input.slots.push(repeat);
    input.has_repeats = true;
    input.has_many |= usize::from(times) > LONG;
}

/// Every conditional jump with every kind of operand, and an offset that its number decides.
fn branches(input: &Input, offset: impl Fn(usize) -> i16) -> Vec<Raw> {
    let mut branches = Vec::new();
    for op in CONDITIONS {
        for class in [class::JMP, class::JMP32] {
            for (source, imm) in OPERANDS {
                let (code, off) = (class | op | source, offset(branches.len()));
                branches.push(Raw::new(input.cpu.endian, code, 1, 2, off, imm));
            }
        }
    }
    branches
}

/// Far jumps forward.
fn forward(number: usize) -> Input {
    let mut input = machine(number);
    let count = branches(&input, |_| 0).len() as i16;
    input.slots = branches(&input, |index| count - index as i16 - 1 + TAIL_CALLS as i16);
    repeat(&mut input, parse("tail_call", &machine(number)), TAIL_CALLS);
    input.slots.extend(parse("exit", &machine(number)));
    input
}

/// Far jumps back.
fn backward(number: usize) -> Input {
    let mut input = machine(number);
    input.slots = parse("exit", &input);
    repeat(&mut input, parse("tail_call", &machine(number)), TAIL_CALLS);
    let branches = branches(&input, |index| -(index as i16 + TAIL_CALLS as i16 + 2));
    input.slots.extend(branches);
    input.slots.extend(parse("exit", &machine(number)));
    input
}
