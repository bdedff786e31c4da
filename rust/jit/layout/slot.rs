// SPDX-License-Identifier: GPL-2.0

//! Filling delay slots: which places are entered from elsewhere, and what begins a word earlier then.
//!
//! What moves is in `asm/slot.rs`: from above, or what is next. Both passes do the same. Of what is not jumped
//! to only line information depends on where it begins: that is the measuring pass's word. What is jumped to
//! stays where it is, since no instruction moves across it.

use super::{Compiler, ENTERED, POSITION};
use crate::jit::abi::{Abi, TEMPORARIES};
use crate::jit::asm::Sink;
use crate::jit::bpf::{decode, Insn, Reg, RegSet};
use crate::jit::error::{Error, Result};

impl<A: Abi> Compiler<'_, A> {
    /// Fills the delay slot of the block of an instruction.
    pub(super) fn fill_slot(&mut self, sink: &mut Sink<'_>, at: u32) -> Result {
        if !self.program.fills_slots {
            return Ok(());
        }
        match self.block.fill_slot_from(sink, at)? {
            Some(position) => self.close_gap(sink, position, at),
            None => Ok(()),
        }
    }

    /// Lets the block of an instruction compute from the originals of what has been copied for it.
    pub(super) fn forward_copies(&mut self, sink: &mut Sink<'_>, at: u32) -> Result {
        if !self.program.forwards_copies {
            return Ok(());
        }
        let mut index = 0;
        while let Some(position) = self.block.forward_copies(sink, at, &mut index)? {
            self.close_gap(sink, position, at)?;
        }
        Ok(())
    }

    /// What begins behind a word that has been taken out, up to instruction `at`, begins a word earlier.
    fn close_gap(&mut self, sink: &Sink<'_>, position: u32, at: u32) -> Result {
        if sink.is_writing() {
            // It was measured like this.
            return Ok(());
        }
        let mut moved = at;
        loop {
            let place = self.offset_mut(moved)?;
            if *place & POSITION <= position {
                return Ok(());
            }
            *place = place.wrapping_sub(1);
            moved = moved.checked_sub(1).ok_or(Error::Internal { at })?;
        }
    }

    /// Lets the block of the next instruction fill the slot that this conditional jump has left empty.
    pub(super) fn open_slot(&self, sink: &mut Sink<'_>, insn: &Insn) {
        if let Insn::Branch { target, .. } = *insn {
            if self.program.fills_slots && self.block.ends_in_empty_slot() {
                sink.open_slot(target);
            }
        }
    }

    /// Fills the slot in front, if it is open, with what nobody reads where that jumps to: temporaries, and words
    /// that are not demanded there.
    pub(super) fn fill_slot_in_front(&mut self, sink: &mut Sink<'_>, at: u32) -> Result {
        let endian = self.setting.cpu.endian;
        let facts = &self.facts;
        self.block.fill_slot_in_front(sink, at, |writes, target| {
            let mut read = writes.minus(TEMPORARIES);
            if read.is_empty() {
                return true;
            }
            let Some(demand) = facts.demand(target) else {
                return false;
            };
            for reg in RegSet::ALL.without(Reg::R10).without(Reg::Ax).iter() {
                let all = A::registers(endian, reg);
                read = read.minus(all.minus(A::words(endian, reg, demand.of(reg))));
            }
            read.is_empty()
        })
    }

    /// Marks what is jumped to.
    pub(super) fn find_entered(&mut self) -> Result {
        let insns = self.program.insns;
        let mut at = 0u32;
        for raw in insns {
            if raw.is_jump() {
                let insn = decode(&self.program.dialect, insns, at)?;
                let next = at.wrapping_add(insn.slots());
                let target = match insn {
                    // The last one needs no jump.
                    Insn::Exit if next >= self.len => None,
                    insn => self.target_index(&insn),
                };
                if let Some(target) = target {
                    *self.offset_mut(target)? |= ENTERED;
                }
            }
            at = at.wrapping_add(1);
        }
        Ok(())
    }
}
