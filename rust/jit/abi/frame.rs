// SPDX-License-Identifier: GPL-2.0

//! The stack frame of a compiled program: what it holds, how it is made and taken down.
//!
//! ```text
//! higher addresses :  home area of the caller       :
//!                  :  its first word: tail calls    :
//!                  +================================+ <- sp at entry
//!                  |  saved registers               |
//!                  +--------------------------------+ <- fp, BPF R10
//!                  |  BPF stack                     |
//!                  +--------------------------------+
//!                  |  caller-saved registers, kept  |
//!                  |  across calls inside a lowering|
//!                  +--------------------------------+
//!                  |  arguments 3 to 5 of a call    |
//!                  |  home area for the callee      |
//! lower addresses  +================================+ <- sp
//! ```
//!
//! The caller, C code or another program's tail call, has reserved the 16 bytes above its frame
//! for the callee's use (o32): the first word counts the tail calls made so far. The normal entry
//! clears it; a tail call enters behind that, at [`tail_entry`], with the caller's frame already
//! taken down, so that the word stays where it is along the whole chain.

use super::o32::{self, RegisterMap, HOME_AREA, STACK_ALIGNMENT};
use crate::jit::analysis::Usage;
use crate::jit::asm::{Block, Slot};
use crate::jit::bpf;
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Endian, Insn, Pair, Reg, RegMask, Simm16};

/// Bytes of a native register on the stack.
const WORD: u32 = 4;

/// Bytes of a BPF register on the stack.
const DOUBLEWORD: u32 = 8;

/// Distance of the tail-call entry from the start of the image, in words: what the normal entry
/// does, and a tail call must not do again.
pub(crate) const fn tail_entry(endian: Endian) -> u32 {
    match endian {
        Endian::Little => 2,
        Endian::Big => 3,
    }
}

/// A program's stack frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    map: RegisterMap,
    endian: Endian,
    /// Native registers to save, lowest number at the lowest address.
    saved: RegMask,
    saved_at: u32,
    caller_saved_at: u32,
    size: Simm16,
    minus_size: Simm16,
    has_frame_pointer: bool,
}

impl Frame {
    /// Lays out the frame of a program that uses what `usage` says and `stack_depth` bytes of BPF
    /// stack.
    ///
    /// # Errors
    ///
    /// `TooLong` if the frame is larger than an offset can be.
    pub(crate) fn new(endian: Endian, usage: &Usage, stack_depth: u32) -> Result<Frame> {
        let map = RegisterMap::new(endian);
        let mut saved = RegMask::EMPTY;
        for reg in o32::CALLEE_SAVED {
            if usage.registers.contains(reg) {
                saved = saved.union(map.pair(reg).mask());
            }
        }
        let has_frame_pointer = usage.registers.contains(bpf::Reg::R10);
        if has_frame_pointer {
            saved = saved.with(Reg::FP);
        }
        if usage.makes_calls() || usage.registers.contains(bpf::Reg::Ax) {
            saved = saved.with(Reg::RA);
        }

        let outgoing = if usage.makes_calls() {
            HOME_AREA.wrapping_add(DOUBLEWORD.wrapping_mul(o32::STACK_ARGUMENTS.len() as u32))
        } else {
            0
        };
        let kept = if usage.calls_functions {
            usage.registers.intersection(o32::CALLER_SAVED).count()
        } else {
            0
        };
        let parts = || {
            let locals_at = outgoing.checked_add(kept.checked_mul(DOUBLEWORD)?)?;
            let locals = stack_depth.checked_next_multiple_of(STACK_ALIGNMENT)?;
            let saved_at = locals_at.checked_add(locals)?;
            let size = saved_at
                .checked_add(saved.count().checked_mul(WORD)?)?
                .checked_next_multiple_of(STACK_ALIGNMENT)?;
            // Room above for the caller's home area, which is addressed from this sp.
            Simm16::new(i32::try_from(size.checked_add(HOME_AREA)?).ok()?)?;
            let size = i32::try_from(size).ok()?;
            Some((
                saved_at,
                Simm16::new(size)?,
                Simm16::new(size.checked_neg()?)?,
            ))
        };
        let (saved_at, size, minus_size) = parts().ok_or(Error::TooLong)?;
        Ok(Frame {
            map,
            endian,
            saved,
            saved_at,
            caller_saved_at: outgoing,
            size,
            minus_size,
            has_frame_pointer,
        })
    }

    /// The register map.
    pub(crate) fn map(&self) -> RegisterMap {
        self.map
    }

    /// Emits the entries and makes the frame.
    pub(crate) fn prologue(&self, asm: &mut Block) -> Option<()> {
        // The normal entry: no tail calls yet. BPF R1 is the context pointer, a 32-bit argument.
        let r1 = self.map.pair(bpf::Reg::R1);
        asm.sw(Reg::ZERO, Simm16::ZERO, Reg::SP);
        asm.copy(r1.lo, o32::WORD_ARGUMENT_1);
        asm.clear(r1.hi);
        // The tail entry: R1 is what the calling program left in it.
        if asm.insns().len() != tail_entry(self.endian) as usize {
            return None;
        }
        if self.size != Simm16::ZERO {
            asm.addiu(Reg::SP, Reg::SP, self.minus_size);
        }
        self.each_saved(|reg, offset| asm.sw(reg, offset, Reg::SP))?;
        if self.has_frame_pointer {
            asm.addiu(Reg::FP, Reg::SP, offset(self.saved_at)?);
        }
        Some(())
    }

    /// Emits the end of the program: R0's low word is the result.
    pub(crate) fn epilogue(&self, asm: &mut Block) -> Option<()> {
        self.restore(asm)?;
        asm.copy(o32::WORD_RESULT, self.map.pair(bpf::Reg::R0).lo);
        asm.jump_reg(Reg::RA, self.release());
        Some(())
    }

    /// Takes down the frame and jumps to the address in `entry`, another program's tail entry.
    pub(crate) fn leave_for(&self, asm: &mut Block, entry: Reg) -> Option<()> {
        self.restore(asm)?;
        asm.jump_reg(entry, self.release());
        Some(())
    }

    /// Offset from sp of the word that counts tail calls.
    pub(crate) fn tail_call_count(&self) -> Simm16 {
        self.size
    }

    /// Stores BPF registers that a call would overwrite, each in a place of its own.
    pub(crate) fn keep(&self, asm: &mut Block, registers: bpf::RegSet) -> Option<()> {
        self.each_kept(registers, |reg, offset| asm.sw(reg, offset, Reg::SP))
    }

    /// Loads back what [`Frame::keep`] stored.
    pub(crate) fn take_back(&self, asm: &mut Block, registers: bpf::RegSet) -> Option<()> {
        self.each_kept(registers, |reg, offset| asm.lw(reg, offset, Reg::SP))
    }

    /// Offsets from sp of the low and the high word of an outgoing stack argument; the first has
    /// index 0.
    pub(crate) fn stack_argument(&self, index: u32) -> Option<(Simm16, Simm16)> {
        self.words(HOME_AREA.wrapping_add(index.wrapping_mul(DOUBLEWORD)))
    }

    fn restore(&self, asm: &mut Block) -> Option<()> {
        self.each_saved(|reg, offset| asm.lw(reg, offset, Reg::SP))
    }

    fn release(&self) -> Slot {
        if self.size == Simm16::ZERO {
            Slot::Nop
        } else {
            Slot::Fill(Insn::addiu(Reg::SP, Reg::SP, self.size))
        }
    }

    fn each_saved(&self, mut act: impl FnMut(Reg, Simm16)) -> Option<()> {
        let mut at = self.saved_at;
        for reg in self.saved.iter() {
            act(reg, offset(at)?);
            at = at.wrapping_add(WORD);
        }
        Some(())
    }

    fn each_kept(&self, registers: bpf::RegSet, mut act: impl FnMut(Reg, Simm16)) -> Option<()> {
        let mut at = self.caller_saved_at;
        for reg in registers.intersection(o32::CALLER_SAVED).iter() {
            let Pair { hi, lo } = self.map.pair(reg);
            let (low, high) = self.words(at)?;
            act(lo, low);
            act(hi, high);
            at = at.wrapping_add(DOUBLEWORD);
        }
        Some(())
    }

    fn words(&self, at: u32) -> Option<(Simm16, Simm16)> {
        let (low, high) = self.map.word_offsets();
        Some((
            offset(at.wrapping_add(low))?,
            offset(at.wrapping_add(high))?,
        ))
    }
}

fn offset(bytes: u32) -> Option<Simm16> {
    Simm16::new(i32::try_from(bytes).ok()?)
}
