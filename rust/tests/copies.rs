// SPDX-License-Identifier: GPL-2.0

//! Copies that are left out.
//!
//! Each image here is compared with one that has them ([`crate::host::schedule`], by [`compile`]). What is left
//! out and what is not is in `golden/copies.golden`.

use super::{forms, program, LE64_R2, LE_R2, MACHINES};
use crate::host::{compile, dialect, schedule, Options};
use crate::jit::asm::{Block, Sink, Target};
use crate::jit::bpf::Raw;
use crate::jit::mips::{Cpu, Reg as Native, Simm16};

fn options(forwards_copies: bool, fills_slots: bool) -> Options<'static> {
    Options {
        forwards_copies,
        fills_slots,
        ..Options::default()
    }
}

/// Every form, of copies: once both are read behind, once the destination alone, and jumped to.
fn every_form(cpu: &Cpu) -> Vec<Vec<Raw>> {
    forms::programs(cpu, &options(true, true), |form| {
        [
            format!("r1 = r3; r2 = r4; {form}; r0 = r1; r0 += r2; r0 += r3; exit"),
            format!("r2 = r4; r1 = r2; {form}; r0 = r1; r0 ^= r4; exit"),
            format!("if r5 == 1 goto +2; r2 = r4; r1 = r3; {form}; r1 += 1; {form}; exit"),
        ]
    })
}

#[test]
fn only_copies_are_left_out() {
    for (name, cpu) in MACHINES {
        let programs = every_form(&cpu);
        assert!(programs.len() > 450, "{name}: {}", programs.len());
        let mut shorter = 0;
        for insns in programs {
            let length = |forwards, fills| {
                let image = compile(&insns, &cpu, &options(forwards, fills)).expect("compiles");
                image.words.len()
            };
            let [with, without] = [length(false, false), length(true, false)];
            assert!(without <= with, "{name}");
            shorter += usize::from(without < with);
            length(true, true);
        }
        assert!(shorter > 60, "{name}: {shorter}");
    }
}

/// The judge is asked about images in which something else has been left out.
#[test]
fn what_is_left_out_wrongly_is_seen() {
    let told = |source: &str, cpu: Cpu, wrong: &[(&str, Option<u32>)]| {
        let insns = program(source, &cpu);
        let plain = compile(&insns, &cpu, &options(false, false)).expect("compiles");
        let mut without = plain.clone();
        for (old, new) in wrong {
            let is_it = |&word: &u32| crate::host::mips::print(word, 0) == *old;
            let at = without.words.iter().position(is_it).expect("it is there");
            match new {
                Some(new) => without.words[at] = *new,
                None => drop(without.words.remove(at)),
            }
        }
        schedule::judge(&plain, &without, &insns, dialect(&cpu), &|_| None).expect_err(source)
    };
    let copy = ("addu t0, a0, zero", None);
    // addiu t0, a0, 14
    let shorter = ("addiu t0, t0, 14", Some(0x2488_000e));
    let end = "r3 += 14; r0 = *(u32 *)(r3 + 0); exit";
    let of = |between: &str| {
        let source = format!("r3 = r1; {between}; {end}");
        told(&source, LE_R2, &[copy, shorter])
    };
    assert!(of("*(u32 *)(r2 + 0) = r3").contains("is touched between"));
    assert!(of("w1 += 1; *(u32 *)(r2 + 0) = r1").contains("the original changes"));
    assert!(of("if w2 == 0 goto +0").contains("is a target"));
    let jumped = format!("if w2 == 0 goto +1; r3 = r1; {end}");
    assert!(told(&jumped, LE_R2, &[copy, shorter]).contains("is a target"));
    let saved = [
        ("addu s0, a0, zero", None),
        ("addiu s0, s0, 14", Some(0x2490_000e)),
    ];
    let called = "r6 = r1; call 1; r6 += 14; r0 = *(u32 *)(r6 + 0); exit";
    assert!(told(called, LE_R2, &saved).contains("goes elsewhere"));
    // The copy is read again.
    let store = ("sw t0, 0(a2)", Some(0xacc4_0000));
    let again = "r3 = r1; *(u32 *)(r2 + 0) = r3; r0 = *(u32 *)(r3 + 0); exit";
    assert!(told(again, LE_R2, &[copy, store]).contains("lives on"));
    // Half a copy.
    let half = "w2 = w3; r2 += 1; r0 = r2; exit";
    let words = [
        ("dext a1, a2, 0, 32", None),
        ("daddiu a1, a1, 1", Some(0x64c5_0001)),
    ];
    assert!(told(half, LE64_R2, &words).contains("is lost"));
}

/// A word of the copy is in the slot of the branch in front, or a word between is: others are left out all the same.
#[test]
fn slots_are_filled_behind() {
    let body = "if w2 == 0 goto +4; r3 = r1; r3 += 14; *(u32 *)(r3 + 0) = 1; r4 = r1; exit";
    for (_, cpu) in MACHINES {
        for source in [body, "r3 = r1; r4 = r2; r3 += 14; call 1; r0 = 0; exit"] {
            compile(&program(source, &cpu), &cpu, &options(true, true)).expect("compiles");
        }
    }
}

/// One of two copies is left out, whose place was in the way of leaving out the other.
#[test]
fn copies_in_front_of_one_another() {
    for (_, cpu) in MACHINES {
        let options = Options {
            facts: false,
            ..options(true, true)
        };
        let source = "r3 >>= 32; r3 ^= r4; r0 = r3; exit";
        compile(&program(source, &cpu), &cpu, &options).expect("compiles");
    }
}

/// What copies a word is no copy where registers have two.
#[test]
fn a_copy_has_all_of_the_register() {
    let length = |cpu: &Cpu, copies_all: bool| {
        let (rd, rs) = (Native::T6, Native::T7);
        let mut block = Block::new();
        block.start(cpu, Target::NONE);
        match copies_all {
            true => block.copy_doubleword(rd, rs),
            false => block.copy(rd, rs),
        }
        block.addiu(rd, rd, Simm16::MINUS_ONE);
        let left_out = block.forward_copies(&mut Sink::measuring(), 0, &mut 0);
        assert_eq!(left_out, Ok(None), "all is in the block");
        block.insns().len()
    };
    assert_eq!(length(&LE_R2, false), 1);
    assert_eq!(length(&LE64_R2, true), 1);
    assert_eq!(length(&LE64_R2, false), 2);
}
