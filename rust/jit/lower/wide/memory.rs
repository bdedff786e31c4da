// SPDX-License-Identifier: GPL-2.0

//! Loads and stores. An address is a register plus a signed 16-bit offset, as MIPS has it. What may
//! find no memory is in `probe.rs`.

use super::{Lowering, N64, T6, T7};
use crate::jit::bpf::{Access, Mem, Operand, Reg as BpfReg, Size};
use crate::jit::mips::{Insn, Reg, Simm16};

impl Lowering<'_, N64> {
    /// `dst = *(size *) (base + offset)`
    pub(crate) fn load(&mut self, dst: BpfReg, mem: Mem, size: Size, signed: bool) -> Option<()> {
        let d = self.reg(dst);
        match mem.access {
            Access::Proved => {
                let (base, offset) = (self.reg(mem.base), Simm16::from_i16(mem.offset));
                self.asm.push(load(size, signed, d, offset, base));
            }
            Access::Probed => self.load_probed(d, mem, size, signed),
            Access::Arena => self.load_from_arena(d, mem, size, signed),
        }
        Some(())
    }

    /// `*(size *) (base + offset) = src`
    pub(crate) fn store(&mut self, mem: Mem, size: Size, src: Operand) -> Option<()> {
        let is_arena = mem.access == Access::Arena;
        let s = match src {
            Operand::Reg(src) => self.reg(src),
            // t6 has the address in an arena.
            Operand::Imm(imm) => self.immediate_in(if is_arena { T7 } else { T6 }, imm),
        };
        let offset = Simm16::from_i16(mem.offset);
        if is_arena {
            self.store_to_arena(mem, |base| store(size, s, offset, base));
        } else {
            self.asm.push(store(size, s, offset, self.reg(mem.base)));
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

/// `d = *(size *) (base + offset)`
pub(super) fn load(size: Size, signed: bool, d: Reg, offset: Simm16, base: Reg) -> Insn {
    match (size, signed) {
        (Size::B, false) => Insn::lbu(d, offset, base),
        (Size::B, true) => Insn::lb(d, offset, base),
        (Size::H, false) => Insn::lhu(d, offset, base),
        (Size::H, true) => Insn::lh(d, offset, base),
        (Size::W, false) => Insn::lwu(d, offset, base),
        (Size::W, true) => Insn::lw(d, offset, base),
        (Size::Dw, _) => Insn::ld(d, offset, base),
    }
}

/// `*(size *) (base + offset) = s`
fn store(size: Size, s: Reg, offset: Simm16, base: Reg) -> Insn {
    match size {
        Size::B => Insn::sb(s, offset, base),
        Size::H => Insn::sh(s, offset, base),
        Size::W => Insn::sw(s, offset, base),
        Size::Dw => Insn::sd(s, offset, base),
    }
}
