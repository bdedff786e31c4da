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
//! Which instruction that is depends on registers and effects alone (the table's), never on an immediate:
//! a block that is written later with other addresses is as long.

use super::block::Block;
use crate::jit::mips::table::{Effects, Op};
use crate::jit::mips::{Insn, Reg, RegMask};

/// How many instructions in front of a block may move into it.
const WINDOW: usize = 4;

/// The last instructions of an image that are executed one after the other, and entered only at the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    insns: [Insn; WINDOW],
    len: usize,
}

impl Window {
    pub(super) const EMPTY: Window = Window {
        insns: [Insn::NOP; WINDOW],
        len: 0,
    };

    /// The instructions, the last one last.
    pub(super) fn insns(&self) -> &[Insn] {
        self.insns.get(..self.len).unwrap_or(&[])
    }

    fn push(&mut self, insn: Insn) {
        if self.len == WINDOW {
            let _ = self.remove(0);
        }
        if let Some(place) = self.insns.get_mut(self.len) {
            *place = insn;
            self.len = self.len.wrapping_add(1);
        }
    }

    /// Takes out the instruction at this index. Says how many are behind it.
    pub(super) fn remove(&mut self, index: usize) -> Option<usize> {
        let behind = self.len.checked_sub(index)?.checked_sub(1)?;
        close_gap(&mut self.insns, index);
        self.len = self.len.wrapping_sub(1);
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

/// Where the instruction is that fills a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filler {
    /// In the block.
    Here(usize),
    /// In front of it, in the window.
    Before(usize),
}

const MEMORY: Effects = Effects::LOADS.union(Effects::STORES);
const HILO: Effects = Effects::READS_HILO.union(Effects::WRITES_HILO);

/// What transfers control or orders what others do stays where it is.
const FIXED: Effects = Effects::BRANCHES
    .union(Effects::COMPACT)
    .union(Effects::ORDERS)
    .union(Effects::TRAPS);

fn has(insn: Insn, effects: Effects) -> bool {
    insn.op().row().effects.intersects(effects)
}

/// Whether the two give the same in either order.
fn commute(a: Insn, b: Insn) -> bool {
    // Nothing that is written to $zero is ever read.
    let touches = |writes: RegMask, other: Insn| {
        let both = writes.intersection(other.reads().union(other.writes()));
        !both.is_empty() && both != RegMask::of(Reg::ZERO)
    };
    let share =
        |effects, writes| has(a, effects) && has(b, effects) && (has(a, writes) || has(b, writes));
    !touches(a.writes(), b)
        && !touches(b.writes(), a)
        && !share(MEMORY, Effects::STORES)
        && !share(HILO, Effects::WRITES_HILO)
}

/// Whether an instruction may be executed behind others, of which a branch is the last.
fn may_pass(insn: Insn, others: &[Insn], branch: Insn) -> bool {
    insn != Insn::NOP
        && !has(insn, FIXED)
        && commute(insn, branch)
        && others
            .iter()
            .all(|&other| !has(other, FIXED) && commute(insn, other))
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
        let labels = self.bound_labels().filter(|&label| label <= at);
        let guarded = self.guarded_insns().filter(|&guarded| guarded < at);
        labels
            .chain(guarded.map(|guarded| guarded.wrapping_add(1)))
            .max()
    }

    /// The instruction that can fill the slot of the first branch, which is `at`.
    fn filler(&self, at: usize, window: &Window) -> Option<Filler> {
        let entered = self.entered_at(at.wrapping_add(1));
        let branch = *self.insns().get(at)?;
        let first = entered.unwrap_or(0);
        let here = self.insns().get(first..at)?;
        if let Some(index) = last_to_pass(here, &[], branch) {
            return Some(Filler::Here(first.wrapping_add(index)));
        }
        match entered {
            Some(_) => None,
            None => last_to_pass(window.insns(), here, branch).map(Filler::Before),
        }
    }

    /// Fills the slot of the first branch, if it is empty and something can fill it. Says which
    /// instruction of the window that was, which is to be taken out of the image.
    pub(super) fn fill_slot(&mut self, window: &Window) -> Option<usize> {
        let at = self.empty_slot()?;
        match self.filler(at, window)? {
            Filler::Here(index) => {
                let filler = *self.insns().get(index)?;
                self.set(at.wrapping_add(1), filler);
                self.take_out(index);
                None
            }
            Filler::Before(index) => {
                let filler = *window.insns().get(index)?;
                self.set(at.wrapping_add(1), filler);
                Some(index)
            }
        }
    }

    /// Lets a window have what of this block is executed last, one after the other.
    pub(super) fn extend(&self, window: &mut Window) {
        let mut first = self.entered_at(self.insns().len());
        let mut at = 0usize;
        for &insn in self.insns() {
            at = at.wrapping_add(1);
            if has(insn, Effects::BRANCHES) {
                // Its slot belongs to it.
                first = first.max(Some(at.wrapping_add(1)));
            } else if has(insn, FIXED) {
                first = first.max(Some(at));
            }
        }
        if first.is_some() {
            *window = Window::EMPTY;
        }
        for &insn in self.insns().get(first.unwrap_or(0)..).unwrap_or(&[]) {
            window.push(insn);
        }
    }
}

/// The last of `insns` that may be executed behind those that follow it, `others` and a branch.
fn last_to_pass(insns: &[Insn], others: &[Insn], branch: Insn) -> Option<usize> {
    let mut index = insns.len();
    loop {
        index = index.checked_sub(1)?;
        let (&insn, behind) = insns.get(index..)?.split_first()?;
        if may_pass(insn, others, branch) && may_pass(insn, behind, branch) {
            return Some(index);
        }
    }
}
