// SPDX-License-Identifier: GPL-2.0

//! Delay slots: what fills those that a lowering leaves empty.
//!
//! A branch executes its slot whichever way it goes. So an instruction from above it may move there, if
//! it gives the same behind all that it passes, and if nobody jumps to in between:
//!
//! ```text
//! addiu  a2, fp, -8                     lui    t9, %hi(helper)
//! lui    t9, %hi(helper)                ori    t9, t9, %lo(helper)
//! ori    t9, t9, %lo(helper)    -->     jalr   ra, t9
//! jalr   ra, t9                          addiu a2, fp, -8
//!  nop
//! ```
//!
//! It may be of the same block or of those before, of which a [`Window`] has the last instructions. The
//! nearest is taken. It is a word less either way, near or far: so the argument of `layout.rs`, that what
//! was in reach stays in reach, holds.
//!
//! Where nothing from above can, the instruction behind a conditional branch may, if it does no harm where the branch
//! goes: it does nothing but to write registers that nobody reads there.
//!
//! Which instruction that is depends on registers and effects alone (the table's), never on an immediate:
//! a block that is written later with other addresses is as long.

use super::block::Block;
use super::sink::Sink;
use crate::jit::error::{Error, Result};
use crate::jit::mips::table::{Effects, Op};
use crate::jit::mips::{Insn, Reg, RegMask};

/// How many instructions in front of a block may move into it.
pub(crate) const WINDOW: usize = 4;

/// Room for more, so that they move to its begin only now and then.
const ROOM: usize = 2 * WINDOW;

/// The last instructions of an image that are executed one after the other, and entered only at the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    insns: [Insn; ROOM],
    begins: usize,
    ends: usize,
}

impl Window {
    pub(super) const EMPTY: Window = Window {
        insns: [Insn::NOP; ROOM],
        begins: 0,
        ends: 0,
    };

    /// Takes out all.
    pub(super) fn clear(&mut self) {
        self.begins = 0;
        self.ends = 0;
    }

    /// The instructions, the last one last.
    pub(super) fn insns(&self) -> &[Insn] {
        self.insns.get(self.begins..self.ends).unwrap_or(&[])
    }

    /// Adds these, which are no more than there is room for. The first ones make room.
    fn append(&mut self, last: &[Insn]) {
        if self.ends.wrapping_add(last.len()) > ROOM {
            let all = *self;
            let mut kept = 0usize;
            for (place, &insn) in self.insns.iter_mut().zip(all.insns()) {
                *place = insn;
                kept = kept.wrapping_add(1);
            }
            self.begins = 0;
            self.ends = kept;
        }
        for &insn in last {
            if let Some(place) = self.insns.get_mut(self.ends) {
                *place = insn;
                self.ends = self.ends.wrapping_add(1);
            }
        }
        self.begins = self.begins.max(self.ends.saturating_sub(WINDOW));
    }

    /// Takes out the instruction at this index. Says how many are behind it.
    pub(super) fn remove(&mut self, index: usize) -> Option<usize> {
        let at = self.begins.checked_add(index)?;
        let behind = self.ends.checked_sub(at)?.checked_sub(1)?;
        close_gap(self.insns.get_mut(..self.ends)?, at);
        self.ends = self.ends.wrapping_sub(1);
        Some(behind)
    }
}

/// Moves all that is behind an index one to the front.
pub(super) fn close_gap<T: Copy>(all: &mut [T], index: usize) {
    let mut at = index;
    while let Some(&next) = all.get(at.wrapping_add(1)) {
        if let Some(place) = all.get_mut(at) {
            *place = next;
        }
        at = at.wrapping_add(1);
    }
}

/// Where an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the block.
    Here(usize),
    /// In front of it, in the window.
    Before(usize),
}

const MEMORY: Effects = Effects::LOADS.union(Effects::STORES);
const HILO: Effects = Effects::READS_HILO.union(Effects::WRITES_HILO);

/// What transfers control or orders what others do stays where it is.
pub(super) const FIXED: Effects = Effects::BRANCHES
    .union(Effects::COMPACT)
    .union(Effects::ORDERS)
    .union(Effects::TRAPS);

pub(super) fn has(insn: Insn, effects: Effects) -> bool {
    insn.op().traits().effects.intersects(effects)
}

/// Whether the kernel may have to do it: an access that is not aligned, as none of the stack is. In a slot it
/// would find the branch in front, and do that as well, for another hundred instructions (`arch/mips/kernel/branch.c`).
fn may_be_emulated(insn: Insn) -> bool {
    let stack = RegMask::of(Reg::SP).with(Reg::FP);
    let has_byte = matches!(insn.op(), Op::Lb | Op::Lbu | Op::Sb);
    has(insn, MEMORY) && !has_byte && insn.reads().intersection(stack).is_empty()
}

/// All that an instruction comes behind, if it moves into the slot of a branch: that, and what is between.
#[derive(Clone, Copy)]
struct Passed {
    reads: RegMask,
    writes: RegMask,
    effects: Effects,
}

impl Passed {
    fn new(branch: Insn) -> Passed {
        let mut passed = Passed {
            reads: RegMask::EMPTY,
            writes: RegMask::EMPTY,
            effects: Effects::NONE,
        };
        passed.add(branch);
        passed
    }

    fn add(&mut self, insn: Insn) {
        self.reads = self.reads.union(insn.reads());
        self.writes = self.writes.union(insn.writes());
        self.effects = self.effects.union(insn.op().traits().effects);
    }

    /// Whether the instruction gives the same behind all of it.
    fn commutes(&self, insn: Insn) -> bool {
        let effects = insn.op().traits().effects;
        let share = |some: Effects, writes| {
            effects.intersects(some)
                && self.effects.intersects(some)
                && effects.union(self.effects).intersects(writes)
        };
        let touched = insn.writes().intersection(self.reads.union(self.writes));
        let read = insn.reads().intersection(self.writes);
        touched.is_empty()
            && read.is_empty()
            && !share(MEMORY, Effects::STORES)
            && !share(HILO, Effects::WRITES_HILO)
    }

    /// The last of these instructions that may be executed behind those that follow it, and all of this. If there
    /// is none, all have been passed; if one stays where it is, none may pass it.
    fn last_to_pass(&mut self, insns: &[Insn]) -> Passing {
        let mut index = insns.len();
        for &insn in insns.iter().rev() {
            index = index.wrapping_sub(1);
            if has(insn, FIXED) {
                return Passing::Stopped;
            }
            if insn != Insn::NOP && self.commutes(insn) && !may_be_emulated(insn) {
                return Passing::Found(index);
            }
            self.add(insn);
        }
        Passing::NotYet
    }
}

/// What comes of looking for an instruction that may move.
enum Passing {
    Found(usize),
    NotYet,
    Stopped,
}

impl Block {
    /// The first control transfer, if it has a slot and nothing in it.
    fn empty_slot(&self) -> Option<usize> {
        let transfers = Effects::BRANCHES.union(Effects::COMPACT);
        let mut at = 0usize;
        // Not position(), which counts with an overflow that panics.
        while !has(*self.insns().get(at)?, transfers) {
            at = at.wrapping_add(1);
        }
        let branch = *self.insns().get(at)?;
        let slot = *self.insns().get(at.wrapping_add(1))?;
        // The hazard barrier is there for what follows it.
        let is_empty = has(branch, Effects::BRANCHES) && slot == Insn::NOP;
        (is_empty && branch.op() != Op::JalrHb).then_some(at)
    }

    /// The first instruction that is on the same way as this one: entered from above only. None if what is
    /// in front of the block is, too.
    fn entered_at(&self, at: usize) -> Option<usize> {
        if self.is_straight() {
            return None;
        }
        let labels = self.bound_labels().filter(|&label| label <= at);
        let guarded = self.guarded_insns().filter(|&guarded| guarded < at);
        labels
            .chain(guarded.map(|guarded| guarded.wrapping_add(1)))
            .max()
    }

    /// The instruction that can fill the slot of the first branch, which is `at`.
    fn filler(&self, at: usize, window: &Window) -> Option<Place> {
        let entered = self.entered_at(at.wrapping_add(1));
        let branch = *self.insns().get(at)?;
        let first = entered.unwrap_or(0);
        let here = self.insns().get(first..at)?;
        let mut passed = Passed::new(branch);
        match passed.last_to_pass(here) {
            Passing::Found(index) => return Some(Place::Here(first.wrapping_add(index))),
            Passing::Stopped => return None,
            Passing::NotYet if entered.is_some() => return None,
            Passing::NotYet => {}
        }
        match passed.last_to_pass(window.insns()) {
            Passing::Found(index) => Some(Place::Before(index)),
            _ => None,
        }
    }

    /// Fills the slot of the first branch, if it is empty and something can fill it. Says which
    /// instruction of the window that was, which is to be taken out of the image.
    pub(super) fn fill_slot(&mut self, window: &Window) -> Option<usize> {
        if !self.has_empty_slot {
            return None;
        }
        let at = self.empty_slot()?;
        match self.filler(at, window)? {
            Place::Here(index) => {
                let filler = *self.insns().get(index)?;
                self.set(at.wrapping_add(1), filler);
                self.take_out(index);
                None
            }
            Place::Before(index) => {
                let filler = *window.insns().get(index)?;
                self.set(at.wrapping_add(1), filler);
                Some(index)
            }
        }
    }

    /// Lets the first instruction fill the slot in front, if it may: what is executed in a slot is
    /// executed wherever the branch goes, which is where writing these registers must be harmless.
    ///
    /// # Errors
    ///
    /// `Internal`, in the name of instruction `at`, if the image has no such slot.
    pub(crate) fn fill_slot_in_front(
        &mut self,
        sink: &mut Sink<'_>,
        at: u32,
        is_harmless: impl Fn(RegMask, u32) -> bool,
    ) -> Result {
        let Some((slot, target)) = sink.open else {
            return Ok(());
        };
        let Some(&insn) = self.insns().first() else {
            return Ok(());
        };
        sink.open = None;
        if self.may_come_first(insn) && is_harmless(insn.writes(), target) {
            sink.set(slot, insn.word()).ok_or(Error::Internal { at })?;
            self.take_out(0);
        }
        Ok(())
    }

    /// Whether all that the first instruction does is to write registers, and nothing comes to it but from in
    /// front.
    fn may_come_first(&self, insn: Insn) -> bool {
        let others = MEMORY.union(HILO).union(FIXED).union(Effects::LINKS);
        let is_entered = self.bound_labels().any(|label| label == 0);
        insn != Insn::NOP && !has(insn, others) && !insn.writes().is_empty() && !is_entered
    }

    /// Whether the block ends with a conditional branch to elsewhere, and its slot, which is empty.
    pub(crate) fn ends_in_empty_slot(&self) -> bool {
        let insns = self.insns();
        let ends = self.bound_labels().any(|label| label >= insns.len());
        match insns.split_last_chunk::<2>() {
            Some((_, &[branch, slot])) if !ends && slot == Insn::NOP => {
                has(branch, Effects::BRANCHES) && branch.is_conditional()
            }
            _ => false,
        }
    }

    /// Lets a window have what of this block is executed last, one after the other.
    pub(super) fn show(&self, sink: &mut Sink<'_>) {
        let window = &mut sink.window;
        let insns = self.insns();
        let entered = self.entered_at(insns.len());
        let first = self.movable.max(entered.unwrap_or(0));
        let is_entered = self.movable != 0 || entered.is_some();
        if is_entered || insns.len() >= WINDOW {
            window.clear();
            sink.copied = RegMask::EMPTY;
        }
        let from = first.max(insns.len().saturating_sub(WINDOW));
        window.append(insns.get(from..).unwrap_or(&[]));
        sink.copied = sink.copied.union(self.copied);
    }
}
