// SPDX-License-Identifier: GPL-2.0

//! Loads and stores.
//!
//! An address is the low word of its register plus a signed 16-bit offset, which is what a MIPS
//! load takes. The second word of a doubleword lies four bytes on: where that offset no longer
//! fits, the address is computed first. What may find no memory is in `probe.rs`.

use super::{Lowering, T8};
use crate::jit::abi::O32;
use crate::jit::analysis::reach_through;
use crate::jit::bpf::{Access, Mem, Operand, Reg as BpfReg, Size};
use crate::jit::mips::{Insn, Pair, Reg, Simm16};

impl Lowering<'_, O32> {
    /// `dst = *(size *) (base + offset)`
    pub(crate) fn load(&mut self, dst: BpfReg, mem: Mem, size: Size, signed: bool) -> Option<()> {
        let d = self.pair(dst);
        if mem.access == Access::Probed {
            return self.load_probed(d, mem, size, signed);
        }
        if size == Size::Dw {
            let (base, low, high) = self.word_addresses(mem, size)?;
            // The low word last: it may replace the base.
            if self.wants_high() {
                self.asm.lw(d.hi, high, base);
            }
            if self.wants_low() {
                self.asm.lw(d.lo, low, base);
            }
            return Some(());
        }
        let (base, offset) = self.address(mem, size);
        self.asm.push(load_word(size, signed, d.lo, offset, base));
        self.finish_load(d, signed);
        Some(())
    }

    /// Completes what was loaded into the low word.
    pub(super) fn finish_load(&mut self, d: Pair, signed: bool) {
        if signed {
            self.extend_sign(d);
        } else {
            self.finish_word(d);
        }
    }

    /// `*(size *) (base + offset) = src`
    pub(crate) fn store(&mut self, mem: Mem, size: Size, src: Operand) -> Option<()> {
        let s = match src {
            Operand::Reg(src) => self.source(src),
            Operand::Imm(imm) if size == Size::Dw => self.sign_extended(imm),
            Operand::Imm(imm) => Pair {
                hi: Reg::ZERO,
                lo: self.word_in(super::T6, imm as u32),
            },
        };
        let (base, offset) = self.address(mem, size);
        match size {
            Size::B => self.asm.sb(s.lo, offset, base),
            Size::H => self.asm.sh(s.lo, offset, base),
            Size::W => self.asm.sw(s.lo, offset, base),
            Size::Dw => {
                let (base, low, high) = self.word_addresses(mem, size)?;
                self.asm.sw(s.lo, low, base);
                self.asm.sw(s.hi, high, base);
            }
        }
        Some(())
    }

    /// Where an access is: a base, which is the frame pointer if that reaches, and an offset from it.
    fn address(&self, mem: Mem, size: Size) -> (Reg, Simm16) {
        let through = self
            .place
            .distance
            .and_then(|distance| reach_through(distance, mem.offset, size));
        match through {
            Some(offset) => (self.pair(BpfReg::R10).lo, Simm16::from_i16(offset)),
            None => (self.pair(mem.base).lo, Simm16::from_i16(mem.offset)),
        }
    }

    /// Where the low and the high word of a doubleword are: a base, and their offsets from it.
    fn word_addresses(&mut self, mem: Mem, size: Size) -> Option<(Reg, Simm16, Simm16)> {
        let (base, offset) = self.address(mem, size);
        let (low, high) = self.setting.frame.map().word_offsets();
        let place = |word: u32, offset: Simm16| {
            Simm16::new(offset.value().checked_add(i32::try_from(word).ok()?)?)
        };
        if let (Some(low), Some(high)) = (place(low, offset), place(high, offset)) {
            return Some((base, low, high));
        }
        let address = T8;
        self.asm.addiu(address, base, offset);
        Some((
            address,
            place(low, Simm16::ZERO)?,
            place(high, Simm16::ZERO)?,
        ))
    }

    /// `dst = smp_load_acquire(base + offset)`
    pub(crate) fn load_acquire(&mut self, dst: BpfReg, mem: Mem, size: Size) -> Option<()> {
        self.load(dst, mem, size, false)?;
        self.memory_barrier();
        Some(())
    }

    /// `smp_store_release(base + offset, src)`
    pub(crate) fn store_release(&mut self, mem: Mem, size: Size, src: BpfReg) -> Option<()> {
        self.memory_barrier();
        self.store(mem, size, Operand::Reg(src))
    }

    /// `smp_mb()`
    fn memory_barrier(&mut self) {
        if self.setting.cpu.barriers.memory {
            self.asm.sync();
        }
    }
}

/// A load of a word or less, extended to a word.
pub(super) fn load_word(size: Size, signed: bool, rt: Reg, offset: Simm16, base: Reg) -> Insn {
    match (size, signed) {
        (Size::B, false) => Insn::lbu(rt, offset, base),
        (Size::B, true) => Insn::lb(rt, offset, base),
        (Size::H, false) => Insn::lhu(rt, offset, base),
        (Size::H, true) => Insn::lh(rt, offset, base),
        _ => Insn::lw(rt, offset, base),
    }
}
