// SPDX-License-Identifier: GPL-2.0

//! Operations that the releases do in different ways, whose names say what they have in common.
//!
//! | operation | before Release 6 | Release 6 |
//! |---|---|---|
//! | product, quotient, remainder | in HI and LO | in a register |
//! | conditional move | `movn` | `selnez`, `seleqz`, `or` |
//! | offset of an atomic access | 16 bits | 9 bits |
//!
//! Source: MD00086, revision 6, the pages of these instructions and appendix A.

use super::{Lowering, T7};
use crate::jit::abi::O32;
use crate::jit::bpf::{AluOp, Mem};
use crate::jit::mips::{Pair, Reg, Simm16, Simm9};

/// A word in memory as `ll` and `sc` take its address.
#[derive(Clone, Copy, Debug)]
pub(super) enum Linked {
    Wide(Reg, Simm16),
    Short(Reg, Simm9),
}

impl Lowering<'_, O32> {
    /// `rd = rs * rt`, the low word. May leave HI and LO unpredictable.
    pub(super) fn multiply(&mut self, rd: Reg, rs: Reg, rt: Reg) {
        if self.setting.cpu.is_r6() {
            self.asm.mul_r6(rd, rs, rt);
        } else {
            self.asm.mul(rd, rs, rt);
        }
    }

    /// `d = (u64) d.lo * factor`, with `factor` any register but `d.hi`.
    pub(super) fn multiply_wide(&mut self, d: Pair, factor: Reg) {
        if self.setting.cpu.is_r6() {
            self.asm.muhu_r6(d.hi, d.lo, factor);
            self.asm.mul_r6(d.lo, d.lo, factor);
        } else {
            self.asm.multu(d.lo, factor);
            self.asm.mflo(d.lo);
            self.asm.mfhi(d.hi);
        }
    }

    /// `rd = rs / rt` or `rd = rs % rt`, of words. Nothing traps: MD00086 has no division raise an
    /// exception. But if `rt` is zero, nothing is promised of `rd`.
    pub(super) fn divide(&mut self, op: AluOp, rd: Reg, rs: Reg, rt: Reg) {
        if self.setting.cpu.is_r6() {
            match op {
                AluOp::Sdiv => self.asm.div_r6(rd, rs, rt),
                AluOp::Smod => self.asm.mod_r6(rd, rs, rt),
                AluOp::Mod => self.asm.modu_r6(rd, rs, rt),
                _ => self.asm.divu_r6(rd, rs, rt),
            }
            return;
        }
        match op {
            AluOp::Sdiv | AluOp::Smod => self.asm.div(rs, rt),
            _ => self.asm.divu(rs, rt),
        }
        match op {
            AluOp::Mod | AluOp::Smod => self.asm.mfhi(rd),
            _ => self.asm.mflo(rd),
        }
    }

    /// `if (condition) rd = rs`. The temporary is lost; it may be `rs`.
    pub(super) fn move_if(&mut self, rd: Reg, rs: Reg, condition: Reg, temporary: Reg) {
        if !self.setting.cpu.is_r6() {
            self.asm.movn(rd, rs, condition);
        } else if rs == Reg::ZERO {
            self.asm.seleqz(rd, rd, condition);
        } else {
            self.asm.selnez(temporary, rs, condition);
            self.asm.seleqz(rd, rd, condition);
            self.asm.or(rd, rd, temporary);
        }
    }

    /// `if (!condition) rd = 0`
    pub(super) fn clear_unless(&mut self, rd: Reg, condition: Reg) {
        if self.setting.cpu.is_r6() {
            self.asm.selnez(rd, rd, condition);
        } else {
            self.asm.movz(rd, Reg::ZERO, condition);
        }
    }

    /// Where an atomic operation's word is; computes the address in `t7` if it is out of reach.
    pub(super) fn linked(&mut self, mem: Mem) -> Linked {
        let base = self.pair(mem.base).lo;
        let offset = Simm16::from_i16(mem.offset);
        if !self.setting.cpu.is_r6() {
            return Linked::Wide(base, offset);
        }
        if let Some(offset) = Simm9::new(i32::from(mem.offset)) {
            return Linked::Short(base, offset);
        }
        let address = T7;
        self.asm.addiu(address, base, offset);
        Linked::Short(address, Simm9::ZERO)
    }

    /// `rt = *word`, to be stored to by [`Lowering::store_conditional`]
    pub(super) fn load_linked(&mut self, rt: Reg, word: Linked) {
        match word {
            Linked::Wide(base, offset) => self.asm.ll(rt, offset, base),
            Linked::Short(base, offset) => self.asm.ll_r6(rt, offset, base),
        }
    }

    /// `*word = rt; rt = 1`, or just `rt = 0`
    pub(super) fn store_conditional(&mut self, rt: Reg, word: Linked) {
        match word {
            Linked::Wide(base, offset) => self.asm.sc(rt, offset, base),
            Linked::Short(base, offset) => self.asm.sc_r6(rt, offset, base),
        }
    }
}
