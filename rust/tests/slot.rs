// SPDX-License-Identifier: GPL-2.0

//! Delay slots filled from above.
//!
//! Each image here is compared with one whose slots are empty ([`crate::host::schedule`], by
//! [`compile`]). What is filled and what is not is in `golden/slots*.golden`.

use super::{forms, program, LE64_R2, LE_R2, MACHINES};
use crate::host::{compile, dialect, schedule, Options};
use crate::jit::asm::{Block, Sink, Slot, Target};
use crate::jit::bpf::Raw;
use crate::jit::mips::{self, Cpu};

fn options(fills_slots: bool) -> Options<'static> {
    Options {
        fills_slots,
        ..Options::default()
    }
}

/// Every form twice, once with a jump to the second, and something between that may move.
fn every_form(cpu: &Cpu) -> Vec<Vec<Raw>> {
    forms::programs(cpu, &options(true), |form| {
        [
            format!("r3 = 7; {form}; r4 = *(u32 *)(r10 - 8); {form}; r0 = r3; exit"),
            format!("if r5 == 1 goto +2; r3 = 7; r4 = r10; {form}; r3 += 1; {form}; exit"),
        ]
    })
}

#[test]
fn only_slots_change() {
    for (name, cpu) in MACHINES {
        let programs = every_form(&cpu);
        assert!(programs.len() > 300, "{name}: {}", programs.len());
        for insns in programs {
            compile(&insns, &cpu, &options(true)).expect("compiles");
        }
    }
}

#[test]
fn whole_programs_get_shorter() {
    let source = "r2 = r10; call 1; if r0 == 0 goto +2; r1 = r0; call 2; r0 = 0; exit";
    for (name, cpu) in MACHINES {
        let insns = program(source, &cpu);
        let length = |fills| match compile(&insns, &cpu, &options(fills)) {
            Ok(image) => image.words.len(),
            Err(error) => panic!("{name}: {error:?}"),
        };
        let [empty, filled] = [false, true].map(length);
        // Where calls and jumps have no slots, there is less to fill.
        let is_shorter = filled < empty || cpu.release.is_r6() && filled == empty;
        assert!(is_shorter, "{name}: {filled}, {empty}");
    }
}

/// The judge is asked about images that were filled otherwise.
#[test]
fn what_moves_wrongly_is_seen() {
    let told = |source: &str, wrong: &dyn Fn(&mut Vec<u32>)| {
        let cpu = LE_R2;
        let insns = program(source, &cpu);
        let plain = compile(&insns, &cpu, &options(false)).expect("compiles");
        let mut filled = plain.clone();
        wrong(&mut filled.words);
        schedule::judge(&plain, &filled, &insns, dialect(&cpu), &|_| None).unwrap_err()
    };
    // The word in front of the first branch goes into its slot.
    let swap = |branch: fn(u32) -> bool| {
        move |words: &mut Vec<u32>| {
            let at = words
                .iter()
                .skip(1)
                .position(|&word| branch(word))
                .expect("a branch")
                + 1;
            let moved = words.remove(at - 1);
            words[at] = moved;
        }
    };
    let conditional = swap(|word| word >> 26 == 4);
    let call = swap(|word| word == 0x0320_f809);
    let word = told("if w1 > 5 goto +0; exit", &conditional);
    assert!(word.contains("must not move"), "{word}");
    let label = "r2 = 1; if w1 == 0 goto -1; r0 = r2; exit";
    assert!(
        told(label, &conditional).contains("a target"),
        "{}",
        told(label, &conditional)
    );
    assert!(told("call 1; exit", &call).contains("must not move"));
    // The word behind the slot of the first branch goes into it.
    let next = |words: &mut Vec<u32>| {
        let branch = words.iter().skip(1).position(|word| word >> 26 == 4);
        let slot = branch.expect("a branch") + 2;
        words[slot] = words.remove(slot + 1);
    };
    let read = told("r0 = 7; if w1 == 0 goto +1; r0 = 1; exit", &next);
    assert!(read.contains("is read where it goes"), "{read}");
    let load = told("if w1 == 0 goto +1; r0 = *(u32 *)(r1 + 0); exit", &next);
    assert!(load.contains("does more"), "{load}");
    let jump = told("r0 = 7; goto +1; r0 = 1; exit", &next);
    assert!(jump.contains("nothing decides"), "{jump}");
    let lose = |words: &mut Vec<u32>| words.truncate(words.len() - 1);
    assert!(told("r0 = 1; exit", &lose).contains("lost"));
    let insert = |words: &mut Vec<u32>| words.push(0);
    assert!(told("r0 = 1; exit", &insert).contains("there is more"));
}

/// What is next fills the slot of a conditional jump, if nobody reads what it writes where that goes.
#[test]
fn what_is_next_fills_a_slot_where_it_does_no_harm() {
    let slot = |source: &str, cpu: &Cpu| {
        let image = compile(&program(source, cpu), cpu, &options(true)).expect("compiles");
        let branch = image.words.iter().skip(1).position(|word| word >> 26 == 4);
        image.words[branch.expect("a branch") + 2]
    };
    for cpu in [LE_R2, LE64_R2] {
        let body = "w1 += 1; if w1 == 0 goto +2; r2 = 2; *(u32 *)(r3 + 0) = r2;";
        for (rest, is_filled) in [
            ("r0 = 3; exit", true),
            // It is read there.
            ("r0 = r2; exit", false),
            // Something else comes to it, too.
            ("r0 = 3; if r3 == 0 goto -4; exit", false),
        ] {
            let source = format!("{body} {rest}");
            assert_eq!(slot(&source, &cpu) != 0, is_filled, "{source}");
        }
    }
    // A jump that is never taken begins where what it does not jump to begins, and seems to read.
    let never = "if w1 == 0 goto +2; r2 = r1; if r2 & 0 goto +0; r0 = 3; exit";
    assert_ne!(slot(never, &LE64_R2), 0);
    // Temporaries are nobody's; what is empty is passed over; a load may find nothing, or a device.
    let first = |source: &str| slot(source, &LE_R2);
    assert_ne!(first("if w1 == 0 goto +1; *(u32 *)(r1 + 0) = 1; exit"), 0);
    assert_ne!(
        first("if w1 == 0 goto +3; r3 = 1; r2 = 1; *(u32 *)(r1 + 0) = r2; exit"),
        0
    );
    assert_eq!(
        first("if w1 == 0 goto +2; r2 = *(u32 *)(r1 + 0); *(u32 *)(r1 + 4) = r2; exit"),
        0
    );
    assert_eq!(first("if w1 == 0 goto +1; *(u32 *)(r1 + 0) = r1; exit"), 0);
    // Far away, the slot is that of the jump around the jump.
    let stores = "*(u64 *)(r1 + 0) = r1; ".repeat(20_000);
    let far = format!("if w1 == 0 goto +20001; r2 = 2; {stores}exit");
    compile(&program(&far, &LE_R2), &LE_R2, &options(true)).expect("compiles");
}

#[test]
fn a_program_that_jumps_to_addresses_is_entered_everywhere() {
    for cpu in [LE_R2, LE64_R2] {
        let insns = program("r2 = 1; call 1; r0 = 2; gotox r1", &cpu);
        let image = compile(&insns, &cpu, &options(true)).expect("compiles");
        let plain = compile(&insns, &cpu, &options(false)).expect("compiles");
        assert_eq!(image.words, plain.words);
    }
}

/// HI and LO are no operands, but what is in them is somebody's.
#[test]
fn what_takes_a_product_stays_before_the_next() {
    let [t6, t7, t8] = [mips::Reg::T6, mips::Reg::T7, mips::Reg::T8];
    let length = |next: mips::Insn| {
        let mut block = Block::new();
        block.start(&LE_R2, Target::NONE);
        block.mflo(t8);
        block.push(next);
        block.jump_reg(t6, Slot::Nop);
        assert_eq!(block.fill_slot_from(&mut Sink::measuring(), 0), Ok(None));
        block.insns().len()
    };
    assert_eq!(length(mips::Insn::addu(t6, t7, t7)), 3);
    assert_eq!(length(mips::Insn::mul(t6, t7, t7)), 4);
}

/// A frame's accesses are aligned, and so is a byte.
#[test]
fn what_may_be_emulated_fills_no_slot() {
    for (access, moves) in [
        ("r0 = *(u8 *)(r1 + 0)", true),
        ("*(u8 *)(r1 + 0) = r3", true),
        ("r0 = *(u32 *)(r10 - 8)", true),
        ("r0 = *(u16 *)(r1 + 0)", false),
        ("r0 = *(u32 *)(r1 + 0)", false),
        ("*(u32 *)(r1 + 0) = r3", false),
    ] {
        let source = format!("{access}; if w2 == w4 goto +1; *(u32 *)(r10 - 8) = r5; exit");
        let image = compile(&program(&source, &LE_R2), &LE_R2, &options(true)).expect("compiles");
        let is_branch = |&word: &u32| crate::host::mips::print(word, 0).starts_with("beq a2");
        let at = image.words.iter().position(is_branch).expect("a branch");
        assert_eq!(image.words[at + 1] != 0, moves, "{access}");
    }
}
