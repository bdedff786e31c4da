// SPDX-License-Identifier: GPL-2.0

//! Copies: what computes in the place of a copy computes from the original, and the copy is left out.
//!
//! BPF has instructions of two operands, MIPS of three:
//!
//! ```text
//! r3 = r1        addu   t0, a0, zero
//! r3 += 14       addiu  t0, t0, 14      -->     addiu  t0, a0, 14
//! ```
//!
//! The copy is of the same block or one of those before, of which a [`Window`](super::slot::Window) has the last
//! instructions. Nothing in between reads it, or writes the original; so nobody ever reads what is left out. Which
//! instructions that are depends on registers alone, as with slots (`slot.rs`), which are filled afterwards.

use super::block::Block;
use super::sink::Sink;
use super::slot::{has, Place, FIXED};
use crate::jit::error::{Error, Result};
use crate::jit::mips::table::Op;
use crate::jit::mips::{Insn, Reg, RegMask, Width};

impl Block {
    /// Leaves out a copy in front of the block that one of its instructions computes from in its place, and all of
    /// the block itself. Says where in the image the one in front was: it is one shorter from there on.
    ///
    /// `index` is of the first instruction to ask, and goes on to where to ask next: in the order in which they
    /// compute. What one of them leaves out is no reason to ask those before it again.
    ///
    /// # Errors
    ///
    /// `Internal`, in the name of instruction `at`, if the image has no such instruction.
    pub(crate) fn forward_copies(
        &mut self,
        sink: &mut Sink<'_>,
        at: u32,
        index: &mut usize,
    ) -> Result<Option<u32>> {
        if sink.copied.union(self.copied).is_empty() || !self.is_straight() {
            return Ok(None);
        }
        while let Some(&insn) = self.insns().get(*index).filter(|&&insn| !has(insn, FIXED)) {
            let Some((place, shorter)) = self.forwarded(insn, *index, sink) else {
                *index = index.wrapping_add(1);
                continue;
            };
            self.set(*index, shorter);
            match place {
                Place::Here(copy) => self.take_out(copy),
                Place::Before(copy) => {
                    let position = sink.take_out(copy).ok_or(Error::Internal { at })?;
                    return Ok(Some(position));
                }
            }
        }
        Ok(None)
    }

    /// The copy that instruction `index` computes from in its place, and what computes from the original.
    fn forwarded(&self, insn: Insn, index: usize, sink: &Sink<'_>) -> Option<(Place, Insn)> {
        let copied = sink.copied.union(self.copied);
        let both = insn
            .reads()
            .intersection(insn.writes())
            .intersection(copied);
        let rd = both.only()?;
        let mut written = RegMask::EMPTY;
        let here = self.insns().get(..index)?;
        let found = self.find_copy(here, rd, &mut written)?;
        let (place, rs) = match found {
            Some((copy, rs)) => (Place::Here(copy), rs),
            None => {
                let (copy, rs) = self.find_copy(sink.window.insns(), rd, &mut written)??;
                (Place::Before(copy), rs)
            }
        };
        Some((place, insn.with_source(rd, rs)?))
    }

    /// The copy to `rd` among these, of which nothing behind reads it or writes the original; none
    /// if none of them has to do with it.
    fn find_copy(
        &self,
        insns: &[Insn],
        rd: Reg,
        written: &mut RegMask,
    ) -> Option<Option<(usize, Reg)>> {
        let mut index = insns.len();
        for &insn in insns.iter().rev() {
            index = index.wrapping_sub(1);
            let writes = insn.writes();
            if writes.contains(rd) {
                let rs = self.original(insn)?;
                return (!written.contains(rs)).then_some(Some((index, rs)));
            }
            if insn.reads().contains(rd) {
                return None;
            }
            *written = written.union(writes);
        }
        Some(None)
    }

    /// What an instruction copies all of, if it is a copy.
    fn original(&self, insn: Insn) -> Option<Reg> {
        let (rs, rt) = insn.sources();
        let is_whole = match insn.op() {
            Op::Or => true,
            Op::Addu => self.cpu.width == Width::W32 || rs == Reg::ZERO,
            _ => false,
        };
        (is_whole && rt == Reg::ZERO).then_some(rs)
    }
}
