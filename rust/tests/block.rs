// SPDX-License-Identifier: GPL-2.0

//! Blocks: labels, delay slots, near and far forms, and faults that must not go unnoticed.

use super::{LE_R1, LE_R2, LE_R6};
use crate::host::mips::print;
use crate::jit::asm::{Block, BranchCond, Form, Sink, Slot, Target};
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Cpu, Insn, Reg};

/// The words of a block that stands at word `at` of an image.
fn flush(block: &mut Block, at: usize) -> Result<Vec<u32>> {
    let mut words = vec![0; 200_000];
    let mut sink = Sink::writing(&mut words);
    for _ in 0..at {
        let mut nop = Block::new();
        nop.start(&LE_R2, Target::NONE);
        nop.push(Insn::NOP);
        nop.flush(&mut sink, 0)?;
    }
    block.flush(&mut sink, 7)?;
    let end = sink.len() as usize;
    Ok(words[at..end].to_vec())
}

fn texts(words: &[u32]) -> Vec<String> {
    let address = |at: usize| at as u32 * 4;
    let words = words.iter().enumerate();
    words.map(|(at, word)| print(*word, address(at))).collect()
}

fn target(form: Form, position: u32) -> Target {
    Target {
        form,
        position,
        image: 0xc000_0000,
    }
}

fn started(target: Target) -> Block {
    started_for(&LE_R2, target)
}

fn started_for(cpu: &Cpu, target: Target) -> Block {
    let mut block = Block::new();
    block.start(cpu, target);
    block
}

const FAULT: Error = Error::Internal { at: 7 };
const COND: BranchCond = BranchCond::Eq(Reg::A0, Reg::A1);

#[test]
fn labels_go_both_ways_and_slots_are_kept() {
    let mut block = started(Target::NONE);
    let (back, on) = (block.label(), block.label());
    block.bind(back);
    block.branch(
        COND,
        on,
        Slot::Fill(Insn::addu(Reg::V0, Reg::V1, Reg::ZERO)),
    );
    block.branch(BranchCond::Ltz(Reg::A0), back, Slot::Nop);
    block.bind(on);
    block.sync();
    assert_eq!(
        texts(&flush(&mut block, 0).expect("no fault")),
        [
            "beq a0, a1, 0x10",
            "addu v0, v1, zero",
            "bltz a0, 0x0",
            "nop",
            "sync"
        ]
    );
}

#[test]
fn near_and_far_jumps() {
    let mut block = started(target(Form::Near, 100));
    block.jump_if(COND, Slot::Nop);
    assert_eq!(
        texts(&flush(&mut block, 0).expect("no fault")),
        ["beq a0, a1, 0x190", "nop"]
    );
    let mut block = started(target(Form::Far, 100));
    block.jump_if(COND, Slot::Nop);
    assert_eq!(
        texts(&flush(&mut block, 0).expect("no fault")),
        [
            "bne a0, a1, 0x18",
            "nop",
            "lui t9, 0xc000",
            "ori t9, t9, 0x190",
            "jr t9",
            "nop"
        ]
    );
    let mut block = started(target(Form::Far, 100));
    block.jump();
    assert_eq!(
        texts(&flush(&mut block, 0).expect("no fault")),
        ["lui t9, 0xc000", "ori t9, t9, 0x190", "jr t9", "nop"]
    );
}

#[test]
fn release_6_jumps_and_calls_without_a_slot() {
    for form in [Form::Near, Form::Far] {
        let mut block = started_for(&LE_R6, target(form, 100));
        block.jump();
        assert_eq!(
            texts(&flush(&mut block, 0).expect("no fault")),
            ["bc 0x190"]
        );
    }
    let mut block = started_for(&LE_R6, target(Form::Far, 100));
    block.jump_if(COND, Slot::Nop);
    block.call(0x8021_a4c0, Slot::Nop);
    block.call(0x8021_1234, Slot::Fill(Insn::NOP));
    block.jump_reg(Reg::RA, Slot::Nop);
    block.jump_reg(Reg::RA, Slot::Fill(Insn::NOP));
    assert_eq!(
        texts(&flush(&mut block, 0).expect("no fault")),
        [
            "bne a0, a1, 0xc",
            "nop",
            "bc 0x190",
            "lui t9, 0x8022",
            "jialc t9, -23360",
            "lui t9, 0x8021",
            "nop",
            "jialc t9, 4660",
            "jic ra, 0",
            "jalr zero, ra",
            "nop",
        ]
    );
}

#[test]
fn an_early_branch_shares_the_far_jump() {
    let mut block = started(target(Form::Far, 0));
    block.jump_if_early(COND, Slot::Nop);
    block.jump_if(BranchCond::Gtz(Reg::A0), Slot::Nop);
    block.sync();
    assert_eq!(
        texts(&flush(&mut block, 0).expect("no fault")),
        [
            "beq a0, a1, 0x10",
            "nop",
            "blez a0, 0x20",
            "nop",
            "lui t9, 0xc000",
            "ori t9, t9, 0x0",
            "jr t9",
            "nop",
            "sync"
        ]
    );
}

#[test]
fn conditions_have_inverses() {
    for cond in [
        BranchCond::Eq(Reg::A0, Reg::A1),
        BranchCond::Ne(Reg::A0, Reg::A1),
        BranchCond::Lez(Reg::A0),
        BranchCond::Gtz(Reg::A0),
        BranchCond::Ltz(Reg::A0),
        BranchCond::Gez(Reg::A0),
    ] {
        assert_ne!(cond.inverse(), cond);
        assert_eq!(cond.inverse().inverse(), cond);
    }
}

#[test]
fn a_near_target_reaches_as_far_as_a_branch_does() {
    let at = 0x9000;
    for (position, fits) in [
        (at as u32 + 0x8000, true),
        (at as u32 + 0x8001, false),
        (at as u32 + 1 - 0x8000, true),
        (at as u32 - 0x8000, false),
    ] {
        let mut block = started(target(Form::Near, position));
        block.jump();
        assert_eq!(flush(&mut block, at).is_ok(), fits, "{position:#x}");
    }
}

#[test]
fn what_overflows_is_a_fault() {
    let mut insns = started(Target::NONE);
    (0..1000).for_each(|_| insns.sync());
    let mut labels = started(Target::NONE);
    (0..1000).for_each(|_| {
        let label = labels.label();
        labels.bind(label);
    });
    let mut branches = started(Target::NONE);
    let label = branches.label();
    branches.bind(label);
    (0..20).for_each(|_| branches.branch(COND, label, Slot::Nop));
    for mut block in [insns, labels, branches] {
        assert_eq!(flush(&mut block, 0), Err(FAULT));
        // A fault does not outlive its block.
        block.start(&LE_R2, Target::NONE);
        block.sync();
        assert_eq!(flush(&mut block, 0).map(|words| words.len()), Ok(1));
    }
}

#[test]
fn labels_are_bound_exactly_once() {
    let mut unbound = started(Target::NONE);
    let label = unbound.label();
    unbound.branch(COND, label, Slot::Nop);
    assert_eq!(flush(&mut unbound, 0), Err(FAULT));

    let mut twice = started(Target::NONE);
    let label = twice.label();
    twice.bind(label);
    twice.bind(label);
    assert_eq!(flush(&mut twice, 0), Err(FAULT));
}

#[test]
fn other_releases_instructions_and_full_sinks_are_faults() {
    for (cpu, is_there) in [
        (LE_R1, [false, true, false]),
        (LE_R2, [true, true, false]),
        (LE_R6, [true, false, true]),
    ] {
        let insns = [
            Insn::seb(Reg::V0, Reg::V0),
            Insn::mflo(Reg::V0),
            Insn::selnez(Reg::V0, Reg::V0, Reg::V1),
        ];
        for (insn, is_there) in insns.into_iter().zip(is_there) {
            let mut block = started_for(&cpu, Target::NONE);
            block.push(insn);
            let flushed = block.flush(&mut Sink::measuring(), 7);
            assert_eq!(flushed.is_ok(), is_there, "{insn:?} in {cpu:?}");
        }
    }

    let mut block = started(Target::NONE);
    block.sync();
    let mut words = [0; 1];
    let mut sink = Sink::writing(&mut words);
    assert_eq!(block.flush(&mut sink, 7), Ok(()));
    assert_eq!(block.flush(&mut sink, 7), Err(FAULT));
}

#[test]
fn measuring_counts_what_writing_stores() {
    let mut block = started(target(Form::Far, 1 << 20));
    block.jump_if(COND, Slot::Nop);
    block.call(0x8000_1234, Slot::Nop);
    let mut sink = Sink::measuring();
    assert_eq!(block.flush(&mut sink, 0), Ok(()));
    assert!(!sink.is_writing());
    assert_eq!(
        sink.len() as usize,
        flush(&mut block, 0).expect("no fault").len()
    );
}
