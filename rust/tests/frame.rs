// SPDX-License-Identifier: GPL-2.0

//! Stack frames: everything in it has a place of its own, inside the frame and aligned.

use std::collections::BTreeMap;

use super::{program, BE64_R2, BE_R2, LE64_R2, LE_R2, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, dialect, Image, Options};
use crate::jit::abi::{Abi, N64, O32};
use crate::jit::error::Error;
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::{Cpu, Reg, Width};

fn image(source: &str, cpu: &Cpu, stack_depth: u32) -> Result<Image, Error> {
    let options = Options {
        stack_depth,
        ..Options::default()
    };
    compile(&program(source, cpu), cpu, &options)
}

/// What a frame is seen to be: its size, where registers are saved, and how far up R10 is.
struct Seen {
    size: i64,
    saved: BTreeMap<i64, Reg>,
    r10: Option<i64>,
}

fn seen(image: &Image) -> Seen {
    let mut seen = Seen {
        size: 0,
        saved: BTreeMap::new(),
        r10: None,
    };
    let prologue = image.offsets[0] as usize / 4;
    for &bits in &image.words[..prologue] {
        let word = Word::decode(bits).expect("an instruction");
        let simm = i64::from(word.field(Field::Simm) as u16 as i16);
        let rt = Reg::from_number(word.field(Field::Rt));
        match (word.op, rt) {
            (Op::Addiu | Op::Daddiu, Reg::SP) => seen.size = -simm,
            (Op::Addiu | Op::Daddiu, Reg::FP) => seen.r10 = Some(simm),
            // $v1 is kept, not saved: the count of tail calls.
            (Op::Sw | Op::Sd, reg) if !matches!(reg, Reg::ZERO | Reg::V1) => {
                assert_eq!(seen.saved.insert(simm, reg), None, "two at {simm}");
            }
            _ => {}
        }
    }
    seen
}

/// Everything that a program can make a frame hold.
const ALL: &str = "r6 = r1; r7 = 0; r8 = 0; r9 = 0; *(u64 *)(r10 - 8) = r6; ax = 1; r0 = 3; \
                   r0 /= r6; r1 = r6; r2 = 0; r3 = 0; r4 = 0; r5 = 0; call 5; exit";

/// What is saved of a program that uses everything.
const PAIRS: &[&str] = &["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "fp", "ra"];
const SINGLES: &[&str] = &["s0", "s1", "s2", "s3", "fp", "ra"];

#[test]
fn saved_registers_have_places_of_their_own() {
    for (name, cpu) in MACHINES {
        for stack_depth in [0, 1, 7, 8, 9, 511, 512] {
            let image = image(ALL, &cpu, stack_depth).expect("compiles");
            let frame = seen(&image);
            let (alignment, names, below) = match cpu.width {
                // Below the BPF stack: what a call takes and what a lowering keeps.
                Width::W32 => (8, PAIRS, 16 + 24 + 7 * 8),
                Width::W64 => (16, SINGLES, 0),
            };
            assert_eq!(frame.size % alignment, 0, "{name}");
            let saved: Vec<&str> = frame.saved.values().map(|reg| reg.name()).collect();
            assert_eq!(saved, names);
            let r10 = frame.r10.expect("R10 is used");
            assert_eq!(r10 % 8, 0);
            assert!(frame.saved.keys().all(|at| (r10..frame.size).contains(at)));
            assert!(r10 - i64::from(stack_depth) >= below, "{r10}");
        }
    }
}

#[test]
fn what_is_not_used_has_no_place() {
    let frame = seen(&image("r0 = 1; exit", &LE_R2, 0).expect("compiles"));
    assert_eq!((frame.size, frame.saved.len(), frame.r10), (0, 0, None));
    let frame = seen(&image("r0 = r7; exit", &LE_R2, 0).expect("compiles"));
    assert_eq!((frame.size, frame.saved.len(), frame.r10), (8, 2, None));
    // AX's high word is in $ra.
    let frame = seen(&image("ax = 1; exit", &LE_R2, 0).expect("compiles"));
    assert_eq!(frame.saved.values().collect::<Vec<_>>(), [&Reg::RA]);
}

#[test]
fn the_epilogue_undoes_the_prologue() {
    for (name, cpu) in MACHINES {
        let image = image(ALL, &cpu, 64).expect("compiles");
        let frame = seen(&image);
        let begins = image.offsets[image.offsets.len() - 1] as usize / 4;
        let mut restored = BTreeMap::new();
        let mut released = 0;
        for &bits in &image.words[begins..] {
            let word = Word::decode(bits).expect("an instruction");
            let simm = i64::from(word.field(Field::Simm) as u16 as i16);
            let rt = Reg::from_number(word.field(Field::Rt));
            match word.op {
                Op::Lw | Op::Ld => assert_eq!(restored.insert(simm, rt), None),
                Op::Addiu | Op::Daddiu if rt == Reg::SP => released += simm,
                _ => {}
            }
        }
        assert_eq!((restored, released), (frame.saved, frame.size), "{name}");
    }
}

#[test]
fn tail_calls_enter_behind_the_normal_entry() {
    for (cpu, words) in [(LE_R2, 2), (BE_R2, 3), (LE64_R2, 1), (BE64_R2, 1)] {
        let (entry, clear, make) = match cpu.width {
            Width::W32 => (O32::tail_entry(cpu.endian), Op::Sw, Op::Addiu),
            Width::W64 => (N64::tail_entry(cpu.endian), Op::Addu, Op::Daddiu),
        };
        assert_eq!(entry, words);
        let image = image(ALL, &cpu, 8).expect("compiles");
        // Before it, the count is cleared; from it on, the frame is made.
        let ops = |range: std::ops::Range<usize>| -> Vec<Op> {
            let words = image.words[range].iter();
            words
                .map(|bits| Word::decode(*bits).expect("an instruction").op)
                .collect()
        };
        assert_eq!(ops(0..1), [clear]);
        assert_eq!(ops(words as usize..words as usize + 1), [make]);
    }
}

#[test]
fn frames_too_large_are_refused() {
    for (depth, fits) in [
        (32_700, true),
        (32_728, true),
        (32_768, false),
        (u32::MAX, false),
    ] {
        let result = image("r0 = r10; exit", &LE_R2, depth);
        match result {
            Ok(_) => assert!(fits, "{depth}"),
            Err(error) => assert_eq!((error, fits), (Error::TooLong, false), "{depth}"),
        }
    }
    // The whole of it: the size itself must fit, and what is above it for the caller.
    let largest = (0..=32_768)
        .rev()
        .step_by(8)
        .find(|&depth| image("r0 = r10; exit", &LE_R2, depth).is_ok());
    assert_eq!(largest, Some(32_736));
    // Without R10 there is no stack.
    assert!(image("exit", &LE_R2, u32::MAX).is_ok());
    assert_eq!(dialect(&LE_R2).ax, 12);
}

/// Under n64, the count of tail calls has a place where it is needed only.
#[test]
fn the_count_of_tail_calls_is_kept_by_programs_that_make_some() {
    let kept = |source: &str| {
        let image = image(source, &LE64_R2, 8).expect("compiles");
        let prologue = image.offsets[0] as usize / 4;
        let stores = image.words[..prologue].iter().filter_map(|&bits| {
            let word = Word::decode(bits).expect("an instruction");
            let is_count = Reg::from_number(word.field(Field::Rt)) == Reg::V1;
            (word.op == Op::Sd && is_count).then(|| word.field(Field::Simm))
        });
        (stores.collect::<Vec<_>>(), seen(&image).r10)
    };
    assert_eq!(
        kept("r0 = 0; *(u64 *)(r10 - 8) = r0; exit"),
        (vec![], Some(8))
    );
    let (stores, r10) = kept("r2 = 0; r3 = 0; *(u64 *)(r10 - 8) = r2; tail_call; r0 = 0; exit");
    // The address of the count has a place, too.
    assert_eq!((stores, r10), (vec![0], Some(24)));
}
