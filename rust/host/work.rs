// SPDX-License-Identifier: GPL-2.0

//! How much the core has done, and how much it may do.
//!
//! The bounds are exact in what the design promises and generous in the rest: so many passes over a
//! program, so many instructions in a block. A pass within a pass exceeds them in any program that
//! is longer than the number of passes.

use std::cell::Cell;

use crate::jit::analysis::SWEEPS;
use crate::jit::work::Step;

/// Passes that decode every instruction of a program: usage, sweeps forward and backward, what is jumped
/// to, whether a guess at forms was right, their choice, and those that lower.
const DECODING_PASSES: u64 = 4 + 2 * SWEEPS as u64 + LOWERING_PASSES;

/// Passes that lower every instruction: near, at a guess, far, as chosen, writing.
const LOWERING_PASSES: u64 = 5;

/// Instructions of the longest block.
const LONGEST_BLOCK: u64 = 48;

/// Steps done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) decoded: u64,
    pub(crate) blocks: u64,
    pub(crate) pushed: u64,
    pub(crate) words: u64,
}

thread_local! {
    static DONE: Cell<Work> = const { Cell::new(Work { decoded: 0, blocks: 0, pushed: 0, words: 0 }) };
}

/// Counts a step of this thread. Not inlined: its edges are not the core's.
#[inline(never)]
pub(crate) fn count(step: Step) {
    DONE.with(|done| {
        let mut work = done.get();
        match step {
            Step::Decode => work.decoded += 1,
            Step::Block => work.blocks += 1,
            Step::Push => work.pushed += 1,
            Step::Word => work.words += 1,
        }
        done.set(work);
    });
}

/// What this thread has done since the last call.
pub(crate) fn take() -> Work {
    DONE.with(Cell::take)
}

impl Work {
    /// Whether so much is linear for one compilation of a program of `slots` slots.
    ///
    /// # Errors
    ///
    /// What was done too often.
    pub(crate) fn judge(&self, slots: usize) -> Result<(), String> {
        let slots = slots as u64;
        // The prologue and the epilogue are blocks, too.
        let blocks = LOWERING_PASSES * (slots + 2);
        let bounds = [
            (
                "instructions decoded",
                self.decoded,
                DECODING_PASSES * slots,
            ),
            ("blocks begun", self.blocks, blocks),
            ("instructions pushed", self.pushed, LONGEST_BLOCK * blocks),
            ("words stored", self.words, LONGEST_BLOCK * blocks),
        ];
        match bounds.iter().find(|(_, done, bound)| done > bound) {
            None => Ok(()),
            Some((what, done, bound)) => Err(format!(
                "work is not linear: {done} {what}, at most {bound} for {slots} slots"
            )),
        }
    }
}
