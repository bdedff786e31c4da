// SPDX-License-Identifier: GPL-2.0

//! Loads and stores. An address is a register plus a signed 16-bit offset, as MIPS has it.

use super::{Lowering, N64, T6};
use crate::jit::bpf::{Mem, Operand, Reg as BpfReg, Size};
use crate::jit::mips::Simm16;

impl Lowering<'_, N64> {
    /// `dst = *(size *) (base + offset)`
    pub(crate) fn load(&mut self, dst: BpfReg, mem: Mem, size: Size, signed: bool) -> Option<()> {
        let d = self.reg(dst);
        let base = self.reg(mem.base);
        let offset = Simm16::from_i16(mem.offset);
        match (size, signed) {
            (Size::B, false) => self.asm.lbu(d, offset, base),
            (Size::B, true) => self.asm.lb(d, offset, base),
            (Size::H, false) => self.asm.lhu(d, offset, base),
            (Size::H, true) => self.asm.lh(d, offset, base),
            (Size::W, false) => self.asm.lwu(d, offset, base),
            (Size::W, true) => self.asm.lw(d, offset, base),
            (Size::Dw, _) => self.asm.ld(d, offset, base),
        }
        Some(())
    }

    /// `*(size *) (base + offset) = src`
    pub(crate) fn store(&mut self, mem: Mem, size: Size, src: Operand) -> Option<()> {
        let s = match src {
            Operand::Reg(src) => self.reg(src),
            Operand::Imm(imm) => self.immediate_in(T6, imm),
        };
        let base = self.reg(mem.base);
        let offset = Simm16::from_i16(mem.offset);
        match size {
            Size::B => self.asm.sb(s, offset, base),
            Size::H => self.asm.sh(s, offset, base),
            Size::W => self.asm.sw(s, offset, base),
            Size::Dw => self.asm.sd(s, offset, base),
        }
        Some(())
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
