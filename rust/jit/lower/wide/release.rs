// SPDX-License-Identifier: GPL-2.0

//! Operations that the releases do in different ways, whose names say what they have in common.
//!
//! | operation | before Release 6 | Release 6 |
//! |---|---|---|
//! | product, quotient, remainder | in HI and LO | in a register |
//! | conditional move | `movn`, `movz` | `selnez`, `seleqz`, `or` |
//! | offset of an atomic access | 16 bits | 9 bits |
//!
//! Releases 1 and 2 differ in bit-fields (`Block::field()`) and byte swaps alone. An instruction
//! that computes with words wants them sign-extended in every release, Release 6 too; a product's
//! low word is that of the 64-bit product, which wants nothing.
//!
//! Source: MD00087, revision 6, the pages of these instructions and appendix A.

use super::{Lowering, N64, T6};
use crate::jit::bpf::{Access, AluOp, Mem, Width};
use crate::jit::mips::{Insn, Reg, Simm16, Simm9};

/// A place in memory as `ll` and `sc` take its address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Linked {
    Wide(Reg, Simm16),
    Short(Reg, Simm9),
}

impl Lowering<'_, N64> {
    /// `rd = rs * rt`, the low doubleword
    pub(super) fn multiply(&mut self, rd: Reg, rs: Reg, rt: Reg) {
        if self.setting.cpu.is_r6() {
            self.asm.dmul_r6(rd, rs, rt);
        } else {
            self.asm.dmultu(rs, rt);
            self.asm.mflo(rd);
        }
    }

    /// `rd = rs / rt` or `rd = rs % rt`. Nothing traps, not even the least value divided by -1:
    /// MD00087 has no division raise an exception. But if `rt` is zero, nothing is promised of `rd`.
    pub(super) fn divide64(&mut self, op: AluOp, rd: Reg, rs: Reg, rt: Reg) {
        if self.setting.cpu.is_r6() {
            return match op {
                AluOp::Sdiv => self.asm.ddiv_r6(rd, rs, rt),
                AluOp::Smod => self.asm.dmod_r6(rd, rs, rt),
                AluOp::Mod => self.asm.dmodu_r6(rd, rs, rt),
                _ => self.asm.ddivu_r6(rd, rs, rt),
            };
        }
        match op {
            AluOp::Sdiv | AluOp::Smod => self.asm.ddiv(rs, rt),
            _ => self.asm.ddivu(rs, rt),
        }
        self.take_result(op, rd);
    }

    /// The same of sign-extended words; the result is one, too.
    pub(super) fn divide32(&mut self, op: AluOp, rd: Reg, rs: Reg, rt: Reg) {
        if self.setting.cpu.is_r6() {
            return match op {
                AluOp::Sdiv => self.asm.div_r6(rd, rs, rt),
                AluOp::Smod => self.asm.mod_r6(rd, rs, rt),
                AluOp::Mod => self.asm.modu_r6(rd, rs, rt),
                _ => self.asm.divu_r6(rd, rs, rt),
            };
        }
        match op {
            AluOp::Sdiv | AluOp::Smod => self.asm.div(rs, rt),
            _ => self.asm.divu(rs, rt),
        }
        self.take_result(op, rd);
    }

    /// What a division has left in HI and LO.
    fn take_result(&mut self, op: AluOp, rd: Reg) {
        match op {
            AluOp::Mod | AluOp::Smod => self.asm.mfhi(rd),
            _ => self.asm.mflo(rd),
        }
    }

    /// `if (condition) rd = rs`. The temporary is lost; it may be `rs`.
    pub(super) fn move_if(&mut self, rd: Reg, rs: Reg, condition: Reg, temporary: Reg) {
        if !self.setting.cpu.is_r6() {
            return self.asm.movn(rd, rs, condition);
        }
        self.asm.selnez(temporary, rs, condition);
        self.asm.seleqz(rd, rd, condition);
        self.asm.or(rd, rd, temporary);
    }

    /// `if (!condition) rd = 0`
    pub(super) fn clear_unless(&mut self, rd: Reg, condition: Reg) {
        if self.setting.cpu.is_r6() {
            self.asm.selnez(rd, rd, condition);
        } else {
            self.asm.movz(rd, Reg::ZERO, condition);
        }
    }

    /// Where an atomic operation works; computes the address in `t6` if it is in an arena or out of reach.
    pub(super) fn linked(&mut self, mem: Mem) -> Linked {
        let offset = Simm16::from_i16(mem.offset);
        if mem.access == Access::Arena {
            // All of it, since its alignment counts.
            let cell = self.arena_address(mem);
            if offset != Simm16::ZERO {
                self.asm.daddiu(cell, cell, offset);
            }
            return match self.setting.cpu.is_r6() {
                true => Linked::Short(cell, Simm9::ZERO),
                false => Linked::Wide(cell, Simm16::ZERO),
            };
        }
        let base = self.reg(mem.base);
        if !self.setting.cpu.is_r6() {
            return Linked::Wide(base, offset);
        }
        if let Some(offset) = Simm9::new(i32::from(mem.offset)) {
            return Linked::Short(base, offset);
        }
        let address = T6;
        self.asm.daddiu(address, base, offset);
        Linked::Short(address, Simm9::ZERO)
    }
}

/// `rt = *cell`, a word sign-extended, to be stored to by [`store_conditional`]
pub(super) fn load_linked(rt: Reg, width: Width, cell: Linked) -> Insn {
    match (cell, width) {
        (Linked::Wide(base, offset), Width::W32) => Insn::ll(rt, offset, base),
        (Linked::Wide(base, offset), Width::W64) => Insn::lld(rt, offset, base),
        (Linked::Short(base, offset), Width::W32) => Insn::ll_r6(rt, offset, base),
        (Linked::Short(base, offset), Width::W64) => Insn::lld_r6(rt, offset, base),
    }
}

/// `*cell = rt; rt = 1`, or just `rt = 0`
pub(super) fn store_conditional(rt: Reg, width: Width, cell: Linked) -> Insn {
    match (cell, width) {
        (Linked::Wide(base, offset), Width::W32) => Insn::sc(rt, offset, base),
        (Linked::Wide(base, offset), Width::W64) => Insn::scd(rt, offset, base),
        (Linked::Short(base, offset), Width::W32) => Insn::sc_r6(rt, offset, base),
        (Linked::Short(base, offset), Width::W64) => Insn::scd_r6(rt, offset, base),
    }
}
