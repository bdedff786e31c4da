// SPDX-License-Identifier: GPL-2.0

//! Changes to an input that keep most of it meaningful.
//!
//! A random byte in the place of another makes most programs invalid, and an invalid program ends in
//! the decoder. So half of the fuzzer's changes are these: they put in instructions that exist, let
//! jumps go where instructions begin, and try the numbers at which the core's decisions change. The
//! other half is libFuzzer's own and knows nothing, so that nothing is out of its reach.

use super::input::{HEADER, LONG, REPEAT, SLOT};
use super::Input;
use crate::host::random::Random;
use crate::jit::abi::Role;
use crate::jit::bpf::raw::{alu, atomic, class, jmp, mode, size, X};
use crate::jit::bpf::Raw;
use crate::jit::runtime::Counted;

const SIZES: [u8; 4] = [size::B, size::H, size::W, size::DW];

const BINARY: [u8; 12] = [
    alu::ADD,
    alu::SUB,
    alu::MUL,
    alu::DIV,
    alu::OR,
    alu::AND,
    alu::LSH,
    alu::RSH,
    alu::MOD,
    alu::XOR,
    alu::MOV,
    alu::ARSH,
];

pub(super) const CONDITIONS: [u8; 11] = [
    jmp::JEQ,
    jmp::JNE,
    jmp::JGT,
    jmp::JGE,
    jmp::JLT,
    jmp::JLE,
    jmp::JSGT,
    jmp::JSGE,
    jmp::JSLT,
    jmp::JSLE,
    jmp::JSET,
];

const ATOMICS: [i32; 12] = [
    atomic::ADD,
    atomic::OR,
    atomic::AND,
    atomic::XOR,
    atomic::ADD | atomic::FETCH,
    atomic::OR | atomic::FETCH,
    atomic::AND | atomic::FETCH,
    atomic::XOR | atomic::FETCH,
    atomic::XCHG,
    atomic::CMPXCHG,
    atomic::LOAD_ACQ,
    atomic::STORE_REL,
];

/// Numbers at which something changes, as immediates, offsets, depths and addresses; their
/// neighbours and negatives are tried as well.
const EDGES: [i32; 14] = [
    0,
    8,
    31,
    32,
    63,
    64,
    512,
    0x7f00,
    0x7fff,
    0x8000,
    0x1_0000,
    0x1_ffff,
    0x7fff_0000,
    i32::MAX,
];

/// A change of an input, of at most `longest` bytes, that the seed decides.
pub(crate) fn mutate(bytes: &[u8], longest: usize, seed: u64) -> Vec<u8> {
    let mut input = Input::from_bytes(bytes);
    let mut random = Random::new(seed);
    for _ in 0..=random.below(4) {
        change(&mut input, &mut random);
    }
    let room = longest.saturating_sub(HEADER) / SLOT;
    input.slots.truncate(room);
    let mut bytes = input.to_bytes();
    bytes.truncate(longest);
    bytes
}

/// The same without its repeats, every other time. Long programs take a thousand times longer than
/// others: where nothing makes them short, the corpus fills with them and the fuzzer crawls.
pub(crate) fn shorten(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut input = Input::from_bytes(bytes);
    if !input.has_repeats || Random::new(seed).chance(50) {
        return bytes.to_vec();
    }
    input.slots.retain(|raw| raw.code != REPEAT);
    input.has_repeats = false;
    input.to_bytes()
}

fn change(input: &mut Input, random: &mut Random) {
    let len = input.slots.len();
    let at = random.below(len + 1);
    match random.below(16) {
        0 => header(input, random),
        1..=3 => {
            let end = (at + 1 + random.below(4)).min(len);
            input.slots.drain(at.min(end)..end);
        }
        4 | 5 if len > 0 => {
            let from = random.below(len);
            let end = (from + 1 + random.below(16)).min(len);
            let copied = input.slots[from..end].to_vec();
            input.slots.splice(at..at, copied);
        }
        6 | 7 if at < len => retarget(input, random, at),
        8 if at < len => input.slots[at].imm = number(random),
        9 if at < len => input.slots[at].off = number(random) as i16,
        10 if random.chance(20) => {
            input.has_repeats = true;
            let count = 1 + random.below(at + 1);
            let times = random.below(LONG / count + 1);
            let code = REPEAT;
            input
                .slots
                .insert(at, raw(input, code, 0, 0, count as i16, times as i32));
        }
        11..=13 if at < len => {
            let insns = instruction(input, random, at);
            let end = (at + insns.len()).min(len);
            input.slots.splice(at..end, insns);
        }
        _ => {
            let insns = instruction(input, random, at);
            input.slots.splice(at..at, insns);
        }
    }
}

fn header(input: &mut Input, random: &mut Random) {
    match random.below(11) {
        0 => {
            let mut bytes = input.to_bytes();
            bytes[0] = random.word() as u8;
            *input = Input::from_bytes(&bytes);
            input.has_many = random.chance(1);
        }
        1 => input.ax = random.choose(&[11, 12, 13, 0, 10, 15, 16, 31]),
        2 => input.stack_depth = number(random) as u32,
        3 => input.stack_depth = random.below(64) as u32 * 8,
        4 => input.address = number(random) as u32,
        5 => input.misfit.offsets = number(random) as i8,
        6 => input.misfit.facts = number(random) as i8,
        7 => input.misfit.words = number(random),
        8 => {
            let roles = [Role::Whole, Role::Main, Role::Subprogram, Role::Exception];
            input.role = random.choose(&roles);
            input.is_boundary = random.next() % 4 == 0;
            input.has_private_stack = random.next() % 4 == 0;
        }
        9 => input.reaches_tail_calls = !input.reaches_tail_calls,
        _ => input.counted = random.choose(&[Counted::Hits, Counted::Lookups]),
    }
}

/// Near an edge, or anything.
fn number(random: &mut Random) -> i32 {
    if random.chance(20) {
        return random.word() as i32;
    }
    let edge = random
        .choose(&EDGES)
        .wrapping_add(random.below(5) as i32 - 2);
    if random.chance(40) {
        edge.wrapping_neg()
    } else {
        edge
    }
}

/// Lets an instruction, if it is a jump, go somewhere in the program.
fn retarget(input: &mut Input, random: &mut Random, at: usize) {
    let target = random.below(input.slots.len());
    let distance = target as i64 - at as i64 - 1;
    let raw = &mut input.slots[at];
    if raw.class() == class::JMP32 && raw.op() == jmp::JA {
        raw.imm = distance as i32;
    } else {
        raw.off = distance as i16;
    }
}

fn raw(input: &Input, code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
    Raw::new(input.cpu.endian, code, dst, src, off, imm)
}

/// An instruction that exists, to stand at an index: one slot or two.
fn instruction(input: &Input, random: &mut Random, at: usize) -> Vec<Raw> {
    let register = |random: &mut Random| match random.below(12) {
        11 => input.ax,
        reg => reg as u8,
    };
    let (dst, src) = (register(random), register(random));
    let build = |code, off, imm| vec![raw(input, code, dst, src, off, imm)];
    let source = if random.chance(50) { X } else { 0 };
    match random.below(12) {
        0..=3 => arithmetic(input, random, dst, src, source),
        4 => build(
            class::LDX | random.choose(&[mode::MEM, mode::MEMSX]) | random.choose(&SIZES),
            offset(random),
            0,
        ),
        5 => build(
            class::ST | mode::MEM | random.choose(&SIZES),
            offset(random),
            number(random),
        ),
        6 => build(
            class::STX | mode::MEM | random.choose(&SIZES),
            offset(random),
            0,
        ),
        7 => {
            let size = random.choose(&[size::W, size::DW, size::B]);
            build(
                class::STX | mode::ATOMIC | size,
                offset(random),
                random.choose(&ATOMICS),
            )
        }
        8 => {
            let low = raw(
                input,
                class::LD | mode::IMM | size::DW,
                dst,
                0,
                0,
                number(random),
            );
            vec![low, raw(input, 0, 0, 0, 0, number(random))]
        }
        _ => jump(input, random, at, dst, src, source),
    }
}

fn offset(random: &mut Random) -> i16 {
    match random.chance(70) {
        true => random.below(64) as i16 - 32,
        false => number(random) as i16,
    }
}

fn arithmetic(input: &Input, random: &mut Random, dst: u8, src: u8, source: u8) -> Vec<Raw> {
    let class = random.choose(&[class::ALU, class::ALU64]);
    let build = |code, off, imm| vec![raw(input, class | code, dst, src, off, imm)];
    match random.below(8) {
        0 => build(alu::NEG, 0, 0),
        1 => build(alu::END | source, 0, random.choose(&[16, 32, 64])),
        2 => build(alu::MOV | X, random.choose(&[8, 16, 32]), 0),
        3 => {
            let op = random.choose(&[alu::DIV, alu::MOD]);
            build(op | source, random.choose(&[0, 1]), number(random))
        }
        // A zero-extension of the verifier's.
        4 => vec![raw(input, class::ALU | alu::MOV | X, dst, dst, 0, 1)],
        _ => build(random.choose(&BINARY) | source, 0, number(random)),
    }
}

fn jump(input: &Input, random: &mut Random, at: usize, dst: u8, src: u8, source: u8) -> Vec<Raw> {
    let target = random.below(input.slots.len() + 1);
    let distance = (target as i64 - at as i64 - 1) as i32;
    let build = |code, off, imm| vec![raw(input, code, dst, src, off, imm)];
    match random.below(10) {
        0 => build(class::JMP | jmp::JA, distance as i16, 0),
        1 => build(class::JMP32 | jmp::JA, 0, distance),
        2 => vec![raw(input, class::JMP | jmp::CALL, 0, 0, 0, number(random))],
        3 => build(class::JMP | jmp::TAIL_CALL, 0, 0),
        4 => build(class::JMP | jmp::EXIT, 0, 0),
        5 => build(class::ST | mode::NOSPEC | size::W, 0, 0),
        _ => {
            let class = random.choose(&[class::JMP, class::JMP32]);
            let condition = random.choose(&CONDITIONS);
            build(class | condition | source, distance as i16, number(random))
        }
    }
}
