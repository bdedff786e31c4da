// SPDX-License-Identifier: GPL-2.0

//! Where jumps go, and which form that takes.

use super::{Compiler, Forms, FAR, POSITION};
use crate::jit::abi::Abi;
use crate::jit::asm::{Form, Target};
use crate::jit::bpf::{decode, Insn};
use crate::jit::error::Result;
use crate::jit::mips::Disp16;

impl<A: Abi> Compiler<'_, A> {
    /// Where the jumps of an instruction go.
    pub(super) fn target(&self, insn: &Insn, at: u32, forms: Forms, image: u32) -> Target {
        let target = match insn {
            // To what follows, always as far as that is.
            Insn::NoSpec => Some(at.wrapping_add(insn.slots())),
            insn => self.target_index(insn),
        };
        let Some(target) = target else {
            return Target::NONE;
        };
        let form = match forms {
            Forms::All(form) => form,
            Forms::Guessed if is_far(at, target) => Form::Far,
            Forms::Guessed => Form::Near,
            Forms::Chosen if self.offset(at) & FAR != 0 => Form::Far,
            Forms::Chosen => Form::Near,
        };
        Target {
            form,
            position: self.offset(target) & POSITION,
            image,
        }
    }

    pub(super) fn target_index(&self, insn: &Insn) -> Option<u32> {
        match insn {
            Insn::Exit => Some(self.len),
            insn => insn.target(),
        }
    }

    /// Whether not all of a program is in a branch's reach that has so many words up to instruction `at`, or will not
    /// be: by a quarter, if it goes on like this.
    pub(super) fn is_too_long(&self, at: u32, words: u32) -> bool {
        let will_be = |at: u32| {
            let expected = u64::from(words).wrapping_mul(self.len.into());
            expected > u64::from(at).wrapping_mul(LONG)
        };
        let is_sample = at != 0 && at & SAMPLE.wrapping_sub(1) == 0;
        !is_in_reach(0, words) || is_sample && will_be(at)
    }

    /// Whether a branch reaches, wherever few instructions are in between.
    pub(super) fn are_near_in_reach(&self) -> Result<bool> {
        let mut at = 0u32;
        for raw in self.program.insns {
            if raw.is_jump() {
                let insn = decode(&self.program.dialect, self.program.insns, at)?;
                let target = self.target_index(&insn);
                if let Some(target) = target.filter(|&target| !is_far(at, target)) {
                    if !self.reaches(at, at.wrapping_add(1), target) {
                        return Ok(false);
                    }
                }
            }
            at = at.wrapping_add(1);
        }
        Ok(true)
    }

    /// Whether branches of the instruction at `at`, behind which `next` begins, reach a target.
    fn reaches(&self, at: u32, next: u32, target: u32) -> bool {
        let [begins, ends, to] = [at, next, target].map(|at| self.offset(at) & POSITION);
        is_in_reach(begins, to) && is_in_reach(ends, to)
    }

    /// Step 2: near where the distance in the layout just measured is in reach.
    pub(super) fn choose_forms(&mut self) -> Result {
        let mut at = 0;
        while at < self.len {
            let insn = decode(&self.program.dialect, self.program.insns, at)?;
            let next = at.wrapping_add(insn.slots());
            if let Some(target) = self.target_index(&insn) {
                if !self.reaches(at, next, target) {
                    if let Some(place) = usize::try_from(at)
                        .ok()
                        .and_then(|at| self.offsets.get_mut(at))
                    {
                        *place |= FAR;
                    }
                }
            }
            at = next;
        }
        Ok(())
    }
}

/// At every so many instructions it is asked how long a program will be.
const SAMPLE: u32 = 1 << 12;

/// Whether so many instructions are in between that a branch will not reach, at a guess: of six words each.
fn is_far(at: u32, target: u32) -> bool {
    at.abs_diff(target) > FEW
}

/// A branch reaches 32,767 words.
pub(super) const FEW: u32 = 5461;

/// The same and a quarter.
const LONG: u64 = 40_959;

/// Whether a branch in one word reaches the other.
pub(super) fn is_in_reach(from: u32, to: u32) -> bool {
    Disp16::between(from, to).is_some()
}
