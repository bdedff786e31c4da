// SPDX-License-Identifier: GPL-2.0

//! Programs that are longer than a branch reaches: which jumps are far, and how often they are lowered.

use super::layout::{bare, check_destinations, is_far, REACH};
use super::{program, BE_R1, LE64_R2, LE_R2, LE_R6};
use crate::host::{compile, work, Options, RUNTIME};
use crate::jit::abi::O32;
use crate::jit::analysis::Fact;
use crate::jit::asm::Block;
use crate::jit::layout::{draft_len, Compiler, Workspace};

/// A branch over few instructions is too short for them, or a jump over many is far without need: either way it
/// arrives.
#[test]
fn jumps_of_long_programs_are_far_at_a_guess() {
    let sparse = |over: usize| {
        let (low, many) = ("r1 = 1; ".repeat(over), "r1 *= r2; ".repeat(6000));
        format!("if r1 == r2 goto +{over}; {low}r2 += 1; {many}exit")
    };
    let dense = format!(
        "if r1 == r2 goto +5000; {}r2 += 1; {}exit",
        "r1 *= r2; ".repeat(5000),
        "r1 = 1; ".repeat(1000)
    );
    for cpu in [LE_R2, BE_R1, LE_R6, LE64_R2] {
        for (text, expected) in [
            (sparse(5000), Some(false)),
            (sparse(6000), Some(true)),
            (dense.clone(), None),
        ] {
            let insns = program(&text, &cpu);
            let image = compile(&insns, &cpu, &Options::plain()).expect("compiles");
            check_destinations(&insns, &cpu, &image);
            let is_guessed = image.words.len() > REACH && !cpu.release.is_r6();
            if let (Some(expected), true) = (expected, is_guessed) {
                assert_eq!(is_far(&image, 0), expected);
            }
        }
    }
}

/// However long a program is, it is lowered hardly more than once.
#[test]
fn long_programs_are_lowered_once() {
    for slots in [1000usize, 20_000, 24_000, 30_000, 200_000] {
        // Three words for two, and a jump to the end in every thousand.
        let mut insns = program(&"*(u32 *)(r1 + 0) = 7; r1 += 4; ".repeat(slots / 2), &LE_R2);
        let exit = program("exit", &LE_R2)[0];
        insns.iter_mut().step_by(1000).for_each(|insn| *insn = exit);
        insns[slots - 1] = exit;
        let (mut offsets, mut draft) = (vec![0; slots + 1], vec![0; draft_len(slots)]);
        let mut facts = vec![Fact::default(); slots];
        let mut block = Block::new();
        let program = bare(&insns);
        let workspace = Workspace {
            offsets: &mut offsets,
            facts: &mut facts,
            draft: &mut draft,
            block: &mut block,
        };
        let compiler = Compiler::<O32>::new(&program, &LE_R2, &RUNTIME, workspace);
        let mut compiler = compiler.expect("compiles");
        work::take();
        let mut words = vec![0; compiler.measure().expect("compiles") as usize];
        compiler
            .write(&mut words, &mut [], 0xc004_0000)
            .expect("compiles");
        let blocks = work::take().blocks as usize;
        // What is too long by less than a quarter is tried to the end of a branch's reach.
        let most = if slots == 24_000 {
            2 * slots
        } else {
            slots + slots / 4
        };
        assert!(blocks <= most, "{blocks} blocks for {slots} slots");
        // The words are as if they had been lowered again: compile() compares.
        for fills_slots in [false, true] {
            let options = Options {
                fills_slots,
                forwards_copies: fills_slots,
                ..Options::default()
            };
            let image = compile(&insns, &LE_R2, &options).expect("compiles");
            check_destinations(&insns, &LE_R2, &image);
            assert_eq!(is_far(&image, 0), slots > 20_000, "{slots}");
        }
    }
}
