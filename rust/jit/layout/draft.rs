// SPDX-License-Identifier: GPL-2.0

//! The words of the measuring pass, kept for the image: most programs are lowered only once.
//!
//! What a measuring pass does not know yet is where jumps go. So each branch out of its block is kept with a
//! distance that no branch inside a block has, and aimed when all instructions have their places. So is a jump
//! through a register, which is known by what it consists of.
//!
//! There is no draft of what else has an address in the image, or of faults: these are lowered once more. So is
//! everything where the caller has no memory for drafts.

use core::mem::take;

use super::{is_in_reach, Compiler, Forms, POSITION};
use crate::jit::abi::Abi;
use crate::jit::asm::{Fault, Sink};
use crate::jit::bpf::decode;
use crate::jit::error::{Error, Result};

/// How many words a draft needs at most, for programs of usual density: the image of this many slots.
pub(crate) fn draft_len(slots: usize) -> usize {
    slots.saturating_mul(2).saturating_add(64)
}

/// What has been kept.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    words: &'a mut [u32],
    /// How many there are, if it has all of the program.
    len: Option<u32>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(words: &'a mut [u32]) -> Self {
        Draft { words, len: None }
    }

    /// Whether it has all of the program.
    pub(super) fn is_whole(&self) -> bool {
        self.len.is_some()
    }

    pub(super) fn give_up(&mut self) {
        self.len = None;
    }
}

impl<A: Abi> Compiler<'_, A> {
    /// Measures with jumps of these forms, and keeps the words. None if not all of them are in reach.
    ///
    /// # Errors
    ///
    /// As a pass has them.
    pub(super) fn measure_at_once(&mut self, forms: Forms) -> Result<Option<u32>> {
        self.forms = forms;
        let mut words = self.pass_at_once()?;
        if words.is_some() && !self.save_what_is_written()? {
            words = self.pass_at_once()?;
        }
        Ok(words)
    }

    fn pass_at_once(&mut self) -> Result<Option<u32>> {
        self.draft.give_up();
        let mut sink = Sink::drafting(take(&mut self.draft.words));
        let words = self.pass(&mut sink, self.forms, 0)?;
        let is_right = match self.forms {
            Forms::All(_) => is_in_reach(0, words),
            _ => self.are_near_in_reach()?,
        };
        if is_right && sink.is_draft() {
            self.draft.len = Some(words);
        }
        self.draft.words = sink.into_memory();
        Ok(is_right.then_some(words))
    }

    /// Writes the image from its draft.
    ///
    /// # Errors
    ///
    /// `Internal` if that is not as long as was measured.
    pub(super) fn write_draft(
        &mut self,
        words: &mut [u32],
        faults: &[Fault],
        address: u32,
    ) -> Result {
        let wrong = Err(Error::Internal { at: self.len });
        let len = words.len();
        let mut sink = Sink::writing(words);
        let all = self
            .draft
            .len
            .and_then(|len| self.draft.words.get(..len as usize));
        if all.and_then(|all| sink.copy(all)).is_none() {
            return wrong;
        }
        if sink.len() as usize != len || !faults.is_empty() {
            return wrong;
        }
        self.aim(&mut sink, address)
    }

    /// Tells jumps where they go in the image at an address.
    fn aim(&mut self, sink: &mut Sink<'_>, image: u32) -> Result {
        let mut at = 0u32;
        for raw in self.program.insns {
            if raw.is_jump() {
                let insn = decode(&self.program.dialect, self.program.insns, at)?;
                if self.target_index(&insn).is_some() {
                    let target = self.target(&insn, at, self.forms, image);
                    let begins = self.offset(at) & POSITION;
                    let ends = self.offset(at.wrapping_add(1)) & POSITION;
                    sink.aim(begins, ends, target)
                        .ok_or(Error::Internal { at })?;
                }
            }
            at = at.wrapping_add(1);
        }
        Ok(())
    }
}
