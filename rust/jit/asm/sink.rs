// SPDX-License-Identifier: GPL-2.0

//! Where finished words go.

use super::branch::{aim_far, Form, Target};
use super::slot::{close_gap, Window};
use crate::jit::mips::{Insn, RegMask};
use crate::jit::work::{count, Step};

/// An instruction of an image that may find no memory, and where to go on if it does not: an entry of
/// the program's exception table. Both in words from the start of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: u32,
    pub(crate) resume: u32,
}

/// What a sink does with words.
#[derive(Debug)]
enum Store<'a> {
    /// Nothing: they are counted.
    None,
    /// Keeps them, but for where jumps go, as long as there is memory.
    Draft(&'a mut [u32]),
    Image(&'a mut [u32]),
}

/// Where finished words and faults go: counted, and stored where there is memory for them.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    store: Store<'a>,
    len: u32,
    /// Something in it depends on where the image will be.
    pub(super) is_bound: bool,
    faults: &'a mut [Fault],
    fault_count: u32,
    /// What may still move into a slot.
    pub(super) window: Window,
    /// Registers that something in the window may be copied to.
    pub(super) copied: RegMask,
    /// The last word, if it is the empty slot of a branch, and the instruction that this goes to.
    pub(super) open: Option<(u32, u32)>,
}

impl<'a> Sink<'a> {
    /// Only counts: the measuring pass.
    pub(crate) fn measuring() -> Self {
        Sink {
            store: Store::None,
            len: 0,
            is_bound: false,
            faults: &mut [],
            fault_count: 0,
            window: Window::EMPTY,
            copied: RegMask::EMPTY,
            open: None,
        }
    }

    /// Stores: the writing pass.
    pub(crate) fn writing(words: &'a mut [u32]) -> Self {
        Sink {
            store: Store::Image(words),
            ..Sink::measuring()
        }
    }

    /// Stores what can be stored while measuring, in memory that may be too short.
    pub(crate) fn drafting(words: &'a mut [u32]) -> Self {
        Sink {
            store: Store::Draft(words),
            ..Sink::measuring()
        }
    }

    /// Whether a draft has come about that has all words and is the same at any address.
    pub(crate) fn is_draft(&self) -> bool {
        matches!(self.store, Store::Draft(_)) && !self.is_bound && self.fault_count == 0
    }

    /// The same, with room for faults.
    pub(crate) fn with_faults(self, faults: &'a mut [Fault]) -> Self {
        Sink { faults, ..self }
    }

    /// How many words have come so far.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// How many faults have come so far.
    pub(crate) fn fault_count(&self) -> u32 {
        self.fault_count
    }

    pub(super) fn push_fault(&mut self, fault: Fault) -> Option<()> {
        if self.is_writing() {
            let at = usize::try_from(self.fault_count).ok()?;
            *self.faults.get_mut(at)? = fault;
        }
        self.fault_count = self.fault_count.checked_add(1)?;
        Some(())
    }

    /// Stores the words of instructions.
    pub(super) fn extend(&mut self, insns: &[Insn]) -> Option<()> {
        let begins = usize::try_from(self.len).ok()?;
        let ends = begins.checked_add(insns.len())?;
        self.len = u32::try_from(ends).ok()?;
        let places = match &mut self.store {
            Store::None => None,
            Store::Draft(words) => words.get_mut(begins..ends),
            Store::Image(words) => Some(words.get_mut(begins..ends)?),
        };
        match places {
            Some(places) => {
                for (place, insn) in places.iter_mut().zip(insns) {
                    count(Step::Word);
                    *place = insn.word();
                }
            }
            None => self.store = Store::None,
        }
        Some(())
    }

    /// The memory that it stores in.
    pub(crate) fn into_memory(self) -> &'a mut [u32] {
        match self.store {
            Store::None => &mut [],
            Store::Draft(words) | Store::Image(words) => words,
        }
    }

    /// Stores finished words.
    pub(crate) fn copy(&mut self, words: &[u32]) -> Option<()> {
        let begins = usize::try_from(self.len).ok()?;
        let ends = begins.checked_add(words.len())?;
        self.len = u32::try_from(ends).ok()?;
        let mut places = self.stored()?.get_mut(begins..ends)?.iter_mut();
        for &word in words {
            count(Step::Word);
            *places.next()? = word;
        }
        Some(())
    }

    /// What of these words goes to the block's target, which is this one, does so from here on.
    pub(crate) fn aim(&mut self, begins: u32, ends: u32, target: Target) -> Option<()> {
        let mut at = begins;
        while at < ends {
            let words = self.stored()?.get_mut(usize::try_from(at).ok()?..)?;
            if let (Form::Far, Some(three)) = (target.form, words.first_chunk_mut()) {
                aim_far(three, target.address());
            }
            let place = words.first_mut()?;
            *place = Insn::aimed(*place, at, target.position)?;
            at = at.wrapping_add(1);
        }
        Some(())
    }

    fn stored(&mut self) -> Option<&mut [u32]> {
        match &mut self.store {
            Store::None => None,
            Store::Draft(words) | Store::Image(words) => Some(words),
        }
    }

    /// What came so far stays where it is: what comes next is entered from elsewhere, too.
    pub(crate) fn settle(&mut self) {
        self.window.clear();
        self.copied = RegMask::EMPTY;
        self.open = None;
    }

    /// The last word is the empty slot of a branch to this instruction: what comes next may fill it, if it does no
    /// harm there.
    pub(crate) fn open_slot(&mut self, target: u32) {
        self.open = self.len.checked_sub(1).map(|slot| (slot, target));
    }

    pub(super) fn set(&mut self, at: u32, word: u32) -> Option<()> {
        if let Some(words) = self.stored() {
            *words.get_mut(usize::try_from(at).ok()?)? = word;
        }
        Some(())
    }

    /// Takes an instruction of the window out of the image. Says where it was.
    pub(super) fn take_out(&mut self, index: usize) -> Option<u32> {
        let behind = u32::try_from(self.window.remove(index)?).ok()?;
        self.len = self.len.checked_sub(1)?;
        let position = self.len.checked_sub(behind)?;
        let end = usize::try_from(self.len).ok()?;
        if let Some(words) = self.stored() {
            close_gap(words.get_mut(..=end)?, usize::try_from(position).ok()?);
        }
        Some(position)
    }

    /// Whether the image is written.
    pub(crate) fn is_writing(&self) -> bool {
        matches!(self.store, Store::Image(_))
    }
}
