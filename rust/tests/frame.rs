// SPDX-License-Identifier: GPL-2.0

//! Stack frames: everything in it has a place of its own, inside the frame and aligned.

use std::collections::BTreeMap;

use super::{program, BE_R2, LE_R2, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, dialect, Image, Options};
use crate::jit::abi::tail_entry;
use crate::jit::error::Error;
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::{Cpu, Reg};

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
            (Op::Addiu, Reg::SP) => seen.size = -simm,
            (Op::Addiu, Reg::FP) => seen.r10 = Some(simm),
            (Op::Sw, reg) if reg != Reg::ZERO => {
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

#[test]
fn saved_registers_have_places_of_their_own() {
    for (name, cpu) in MACHINES {
        for stack_depth in [0, 1, 7, 8, 9, 511, 512] {
            let image = image(ALL, &cpu, stack_depth).expect("compiles");
            let frame = seen(&image);
            assert_eq!(frame.size % 8, 0, "{name}");
            let saved: Vec<&str> = frame.saved.values().map(|reg| reg.name()).collect();
            assert_eq!(
                saved,
                ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "fp", "ra"]
            );
            let r10 = frame.r10.expect("R10 is used");
            assert_eq!(r10 % 8, 0);
            assert!(frame.saved.keys().all(|at| (r10..frame.size).contains(at)));
            // Below the BPF stack: what a call takes and what a lowering keeps.
            let kept = 7 * 8;
            assert!(r10 - i64::from(stack_depth) >= 16 + 24 + kept, "{r10}");
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
                Op::Lw => assert_eq!(restored.insert(simm, rt), None),
                Op::Addiu if rt == Reg::SP => released += simm,
                _ => {}
            }
        }
        assert_eq!((restored, released), (frame.saved, frame.size), "{name}");
    }
}

#[test]
fn tail_calls_enter_behind_the_normal_entry() {
    for (cpu, words) in [(LE_R2, 2), (BE_R2, 3)] {
        assert_eq!(tail_entry(cpu.endian), words);
        let image = image(ALL, &cpu, 8).expect("compiles");
        // Before it, the count is cleared; from it on, the frame is made.
        let ops = |range: std::ops::Range<usize>| -> Vec<Op> {
            let words = image.words[range].iter();
            words
                .map(|bits| Word::decode(*bits).expect("an instruction").op)
                .collect()
        };
        assert_eq!(ops(0..1), [Op::Sw]);
        assert_eq!(ops(words as usize..words as usize + 1), [Op::Addiu]);
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
        let result = image("r0 = 0; exit", &LE_R2, depth);
        match result {
            Ok(_) => assert!(fits, "{depth}"),
            Err(error) => assert_eq!((error, fits), (Error::TooLong, false), "{depth}"),
        }
    }
    // The whole of it: the size itself must fit, and what is above it for the caller.
    let largest = (0..=32_768)
        .rev()
        .step_by(8)
        .find(|&depth| image("exit", &LE_R2, depth).is_ok());
    assert_eq!(largest, Some(32_744));
    assert_eq!(dialect(&LE_R2).ax, 12);
}
