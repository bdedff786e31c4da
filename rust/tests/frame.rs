// SPDX-License-Identifier: GPL-2.0

//! Stack frames: everything in it has a place of its own, inside the frame and aligned.

use std::collections::BTreeMap;

use super::{program, BE64_R2, BE_R2, LE64_R2, LE_R2, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, dialect, Image, Options};
use crate::jit::error::Error;
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::{Cpu, Endian, Reg, Width};

fn image(source: &str, cpu: &Cpu, stack_depth: u32) -> Result<Image, Error> {
    let options = Options {
        stack_depth,
        ..Options::default()
    };
    compile(&program(source, cpu), cpu, &options)
}

/// With both words of every result.
fn whole(source: &str, cpu: &Cpu, stack_depth: u32) -> Image {
    let options = Options {
        stack_depth,
        ..Options::plain()
    };
    compile(&program(source, cpu), cpu, &options).expect("compiles")
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
            let frame = seen(&whole(ALL, &cpu, stack_depth));
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
    let frame = seen(&whole("r7 = 1; r0 = r7; exit", &LE_R2, 0));
    assert_eq!((frame.size, frame.saved.len(), frame.r10), (8, 2, None));
    // AX's high word is in $ra.
    let frame = seen(&image("ax = 1; exit", &LE_R2, 0).expect("compiles"));
    assert_eq!(frame.saved.values().collect::<Vec<_>>(), [&Reg::RA]);
}

/// Registers are saved that instructions write: of a pair of which nobody reads the high word, one.
#[test]
fn what_is_not_written_is_not_saved() {
    let saved = |source: &str, cpu| -> Vec<&str> {
        let frame = seen(&image(source, cpu, 8).expect("compiles"));
        let names = frame.saved.values().map(|reg| reg.name());
        names.filter(|name| name.starts_with('s')).collect()
    };
    for (source, on_pairs, on_singles) in [
        ("r0 = r7; exit", &[][..], &[][..]),
        ("r7 = r1; r0 = r7; exit", &["s2"], &["s1"]),
        (
            "r7 = r1; r7 *= r7; r7 >>= 32; r0 = r7; exit",
            &["s2", "s3"],
            &["s1"],
        ),
        // Taken down in the middle, too.
        (
            "r7 = r1; r2 = 0; r3 = 0; tail_call; r0 = r7; exit",
            &["s2"],
            &["s1"],
        ),
        // As behind branches that do not reach.
        (
            "r7 = r1; if r7 == 1 goto +0; r0 = r7; exit",
            &["s2"],
            &["s1"],
        ),
    ] {
        assert_eq!(saved(source, &LE_R2), on_pairs, "{source}");
        assert_eq!(saved(source, &LE64_R2), on_singles, "{source}");
    }
    let stores = "*(u64 *)(r1 + 0) = r1; ".repeat(30_000);
    let long = format!("r7 = r1; if r1 == 1 goto +30000; {stores}r0 = r7; exit");
    assert_eq!(saved(&long, &LE_R2), ["s2"]);
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
fn tail_calls_enter_before_the_normal_entry() {
    /// The value of R1 is read, and it is stored where the stack is.
    const PLAIN: &str = "*(u64 *)(r10 - 8) = r1; r0 = 1; exit";
    const COUNTS: &str = "*(u64 *)(r10 - 8) = r1; r2 = 0; r3 = 0; tail_call; r0 = 1; exit";
    for (cpu, source, outer) in [
        (LE_R2, PLAIN, &[][..]),
        (BE_R2, PLAIN, &[Op::Addu]),
        (LE64_R2, PLAIN, &[]),
        (LE_R2, COUNTS, &[Op::Sw, Op::Addu]),
        (BE_R2, COUNTS, &[Op::Sw, Op::Addu, Op::Addu]),
        (BE64_R2, COUNTS, &[Op::Addu]),
    ] {
        let image = image(source, &cpu, 8).expect("compiles");
        assert_eq!(image.function(), image.address + 4);
        let word = |at: usize| Word::decode(image.words[at]).expect("an instruction");
        let make = match cpu.width {
            Width::W32 => Op::Addiu,
            Width::W64 => Op::Daddiu,
        };
        // The frame is made by both; then comes what a tail call goes around.
        assert_eq!(word(1).op, make);
        let behind = 2 + outer.len();
        let ops: Vec<Op> = (2..behind).map(|at| word(at).op).collect();
        assert_eq!(ops, outer, "{source}");
        let op = word(behind).op;
        assert!(
            matches!(op, Op::Sw | Op::Sd | Op::Addiu),
            "{op:?} in {source} on {cpu:?}"
        );
        match outer.is_empty() {
            true => assert_eq!(image.words[0], 0),
            false => assert_eq!(word(0).distance(), Some(behind as i32)),
        }
    }
}

#[test]
fn a_program_without_a_frame_begins_with_what_it_does() {
    let words = |source: &str, cpu: &Cpu| {
        let options = Options {
            stack_depth: 0,
            fills_slots: true,
            ..Options::default()
        };
        let image = compile(&program(source, cpu), cpu, &options);
        image.expect("compiles").words
    };
    // A word for tail calls, the return, and its slot; but on little endian, one that gives C what it
    // wants of R0.
    for (_, cpu) in MACHINES {
        let finishes = cpu.width == Width::W64 || cpu.endian == Endian::Big;
        let expected = 3 + usize::from(finishes);
        assert_eq!(words("r0 = 1; exit", &cpu).len(), expected);
    }
    // What makes R1 the context changes nothing there on little endian.
    let helper = "call 5; exit";
    let begins = |cpu| {
        let words = words(helper, &cpu);
        let is_nop = words[0] == 0;
        (is_nop, words.len())
    };
    assert!(!begins(LE_R2).0);
    let reads = "r0 = r1; r0 >>= 32; exit";
    assert_eq!(words(reads, &LE_R2)[0], 0);
    // Nobody counts for nobody.
    let counts = "r2 = 0; r3 = 0; tail_call; r0 = 0; exit";
    let clears = |source: &str| {
        let is_clear = |&bits: &u32| bits == 0xafa0_0000;
        words(source, &LE_R2)
            .iter()
            .filter(|bits| is_clear(bits))
            .count()
    };
    assert_eq!((clears(counts), clears(reads)), (1, 0));
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
