// SPDX-License-Identifier: GPL-2.0

//! Every program of up to three instructions over an alphabet of words and doublewords, with every jump,
//! and longer ones by chance: whatever the analyses say, the program does what it does without them. That
//! their facts fit together is judged at every compilation (`rust/host/facts.rs`); here nothing is believed
//! but that code without analyses is right.
//!
//! Registers begin with any value, of which the analyses know nothing but what they may: so a program may
//! read what it has not written, as long as it passes nothing of it on the stack.

use super::processor::{run, Event};
use crate::host::random::Random;
use crate::host::{compile, Options};
use crate::jit::abi::Linkage;
use crate::jit::analysis::Analyses;
use crate::jit::bpf::Raw;
use crate::jit::mips::{Cpu, Endian};
use crate::tests::{BE_R2, BE_R6, LE_R1, LE_R2, LE_R6};

/// The longest program of which all are tried.
const LONGEST: usize = 3;

/// How many are tried of those that are longer, and how long they are.
const SOME: usize = 6_000;
const LONGER: usize = 12;

/// All analyses, and all but one each.
const WAYS: [Analyses; 4] = [
    Analyses::ALL,
    Analyses {
        known: false,
        ..Analyses::ALL
    },
    Analyses {
        demand: false,
        ..Analyses::ALL
    },
    Analyses {
        distance: false,
        ..Analyses::ALL
    },
];

/// Opcode, destination, source, offset and immediate of what goes on with the next instruction.
const STRAIGHT: [(u8, u8, u8, i16, i32); 33] = [
    // r2 = r1; r0 = r2; r1 = 7; r1 = -7; w1 = -7; w2 = w1; w1 = w1; r2 = (s8)r1
    (0xbf, 2, 1, 0, 0),
    (0xbf, 0, 2, 0, 0),
    (0xb7, 1, 0, 0, 7),
    (0xb7, 1, 0, 0, -7),
    (0xb4, 1, 0, 0, -7),
    (0xbc, 2, 1, 0, 0),
    (0xbc, 1, 1, 0, 0),
    (0xbf, 2, 1, 8, 0),
    // r2 += r1; r1 += -8; r2 -= r1; w2 += w1; r2 &= r1; r1 &= 0xff; r2 |= r1; r2 ^= -1; r2 *= r1; r1 = -r1
    (0x0f, 2, 1, 0, 0),
    (0x07, 1, 0, 0, -8),
    (0x1f, 2, 1, 0, 0),
    (0x0c, 2, 1, 0, 0),
    (0x5f, 2, 1, 0, 0),
    (0x57, 1, 0, 0, 0xff),
    (0x4f, 2, 1, 0, 0),
    (0xa7, 2, 0, 0, -1),
    (0x2f, 2, 1, 0, 0),
    (0x87, 1, 0, 0, 0),
    // r1 <<= 32; r1 >>= 32; r1 s>>= 33; r2 >>= 5; r2 s>>= 5; r2 <<= r1
    (0x67, 1, 0, 0, 32),
    (0x77, 1, 0, 0, 32),
    (0xc7, 1, 0, 0, 33),
    (0x77, 2, 0, 0, 5),
    (0xc7, 2, 0, 0, 5),
    (0x6f, 2, 1, 0, 0),
    // r1 = *(u8 *)(r10 - 8); r1 = *(s32 *)(r10 - 8); r2 = *(u64 *)(r2 + 0)
    (0x71, 1, 10, -8, 0),
    (0x81, 1, 10, -8, 0),
    (0x79, 2, 2, 0, 0),
    // *(u64 *)(r10 - 8) = r1; *(u64 *)(r2 + 0) = r1; r2 = r10; r2 += -8; call 1
    (0x7b, 10, 1, -8, 0),
    (0x7b, 2, 1, 0, 0),
    (0xbf, 2, 10, 0, 0),
    (0x07, 2, 0, 0, -8),
    (0x85, 0, 0, 0, 1),
    // exit
    (0x95, 0, 0, 0, 0),
];

/// if r1 == 0, r1 > r2, r2 s< r1, r1 s>= 0, r2 & 1, w1 != w2; and always
const JUMPS: [(u8, u8, u8, i32); 7] = [
    (0x15, 1, 0, 0),
    (0x2d, 1, 2, 0),
    (0xcd, 2, 1, 0),
    (0x75, 1, 0, 0),
    (0x45, 2, 0, 1),
    (0x5e, 1, 2, 0),
    (0x05, 0, 0, 0),
];

/// All instructions for a place in a program of this length.
fn alphabet(endian: Endian, at: usize, len: usize) -> Vec<Raw> {
    let straight = STRAIGHT
        .iter()
        .map(|&(code, dst, src, off, imm)| Raw::new(endian, code, dst, src, off, imm));
    let jumps = (0..len).flat_map(|target| {
        let distance = target as i16 - at as i16 - 1;
        JUMPS.map(|(code, dst, src, imm)| Raw::new(endian, code, dst, src, distance, imm))
    });
    straight.chain(jumps).collect()
}

/// Compiles a program in one way, and runs it.
fn observe(program: &[Raw], cpu: &Cpu, options: &Options<'_>, seed: u32) -> Vec<Event> {
    let image = compile(program, cpu, options).expect("it compiles");
    run(&image, cpu, seed)
}

/// Whether both have done the same, as far as either has come.
fn judge(program: &[Raw], cpu: &Cpu, seed: u32, way: Analyses) {
    let options = Options {
        stack_depth: 16,
        linkage: Linkage {
            returns_r0: seed & 1 != 0,
            ..Linkage::default()
        },
        analyses: way,
        ..Options::default()
    };
    let with = observe(program, cpu, &options, seed);
    let without = Options {
        facts: false,
        ..options
    };
    let without = observe(program, cpu, &without, seed);
    let shorter = with.len().min(without.len());
    assert_eq!(
        with[..shorter],
        without[..shorter],
        "with {way:?}, and without, seed {seed}: {program:x?}"
    );
    let has_ended =
        |events: &[Event]| matches!(events.last(), Some(Event::Return(_) | Event::Lost));
    assert!(
        !has_ended(&without) || has_ended(&with),
        "with {way:?} it does not end: {program:x?}"
    );
}

fn each(len: usize, program: &mut Vec<Raw>, count: &mut usize) {
    if program.len() == len {
        *count += 1;
        let way = WAYS[*count % 8 % WAYS.len()];
        return judge(program, &LE_R2, *count as u32, way);
    }
    for letter in alphabet(Endian::Little, program.len(), len) {
        program.push(letter);
        each(len, program, count);
        program.pop();
    }
}

#[test]
fn every_short_program_does_the_same() {
    let mut count = 0;
    for len in 1..=LONGEST {
        each(len, &mut Vec::new(), &mut count);
    }
    let letters = |len: usize| STRAIGHT.len() + JUMPS.len() * len;
    let expected: usize = (1..=LONGEST).map(|len| letters(len).pow(len as u32)).sum();
    assert_eq!(count, expected);
}

#[test]
fn some_longer_programs_do_the_same() {
    let mut random = Random::new(1);
    for number in 0..SOME {
        let cpu = [LE_R1, LE_R2, LE_R6, BE_R2, BE_R6][number % 5];
        let len = LONGEST + 1 + random.below(LONGER - LONGEST);
        let letter = |at: usize| {
            let letters = alphabet(cpu.endian, at, len);
            // As many jumps as anything else would be too many.
            let count = match random.below(4) {
                0 => letters.len(),
                _ => STRAIGHT.len() - 1,
            };
            letters[random.below(count)]
        };
        let program: Vec<Raw> = (0..len).map(letter).collect();
        judge(&program, &cpu, number as u32, WAYS[number % WAYS.len()]);
    }
}
