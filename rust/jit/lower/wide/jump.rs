// SPDX-License-Identifier: GPL-2.0

//! Jumps. Of words, comparisons for order are right, signed and unsigned, if both are sign-extended;
//! that keeps the order.

use super::{Lowering, N64, T6, T8, T9};
use crate::jit::asm::{BranchCond, Slot};
use crate::jit::bpf::{Cond, Operand, Reg as BpfReg, Width};
use crate::jit::lower::compare::{as_less, below};
use crate::jit::mips::{Reg, Uimm16};

impl Lowering<'_, N64> {
    /// `goto target`
    pub(crate) fn jump(&mut self) -> Option<()> {
        self.asm.jump();
        Some(())
    }

    /// `goto *dst`
    pub(crate) fn jump_indirect(&mut self, dst: BpfReg) -> Option<()> {
        let to = self.reg(dst);
        self.asm.jump_reg(to, Slot::Nop);
        Some(())
    }

    /// `if (dst cond src) goto target`
    pub(crate) fn jump_if(
        &mut self,
        width: Width,
        cond: Cond,
        dst: BpfReg,
        src: Operand,
    ) -> Option<()> {
        let d = self.reg(dst);
        match (width, src) {
            (_, Operand::Imm(imm)) if cond == Cond::Set => self.jump_if_set(width, d, imm),
            // These are decided, whatever the value.
            (_, Operand::Imm(0)) if cond == Cond::Ge => self.asm.jump(),
            (_, Operand::Imm(0)) if cond == Cond::Lt => {}
            (Width::W64, Operand::Imm(imm)) => self.jump_imm(cond, d, imm),
            (Width::W64, Operand::Reg(src)) => {
                let s = self.reg(src);
                self.jump_reg(cond, d, s);
            }
            (Width::W32, Operand::Imm(imm)) => {
                self.signed_word(T8, d);
                self.jump_imm(cond, T8, imm);
            }
            (Width::W32, Operand::Reg(src)) => {
                let s = self.reg(src);
                self.jump32(cond, d, s);
            }
        }
        Some(())
    }

    /// `if ((u32) d cond (u32) s) goto target`
    fn jump32(&mut self, cond: Cond, d: Reg, s: Reg) {
        match cond {
            Cond::Set => {
                self.asm.and(T9, d, s);
                self.signed_word(T9, T9);
                self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
            }
            _ => {
                self.signed_word(T8, d);
                self.signed_word(T9, s);
                self.jump_reg(cond, T8, T9);
            }
        }
    }

    /// `if (d cond (s64) imm) goto target`; of words, if `d` is sign-extended.
    fn jump_imm(&mut self, cond: Cond, d: Reg, imm: i32) {
        if imm == 0 {
            return self.jump_against_zero(cond, d);
        }
        if !matches!(cond, Cond::Eq | Cond::Ne) {
            if let Some(bound) = below(cond, imm) {
                let less = as_less(cond);
                if less.signed {
                    self.asm.slti(T9, d, bound);
                } else {
                    self.asm.sltiu(T9, d, bound);
                }
                // d <= imm is d < imm + 1.
                return self.jump_if_less(T9, less.negated != less.swapped);
            }
        }
        let s = self.immediate_in(T6, imm);
        self.jump_reg(cond, d, s);
    }

    fn jump_against_zero(&mut self, cond: Cond, d: Reg) {
        let test = match cond {
            Cond::Eq | Cond::Le => BranchCond::zero(d),
            Cond::Ne | Cond::Gt => BranchCond::nonzero(d),
            Cond::Sgt => BranchCond::Gtz(d),
            Cond::Sle => BranchCond::Lez(d),
            Cond::Slt => BranchCond::Ltz(d),
            Cond::Sge => BranchCond::Gez(d),
            Cond::Ge => return self.asm.jump(),
            Cond::Lt | Cond::Set => return,
        };
        self.asm.jump_if(test, Slot::Nop);
    }

    /// `if (d cond s) goto target`
    fn jump_reg(&mut self, cond: Cond, d: Reg, s: Reg) {
        match cond {
            Cond::Eq => self.asm.jump_if(BranchCond::Eq(d, s), Slot::Nop),
            Cond::Ne => self.asm.jump_if(BranchCond::Ne(d, s), Slot::Nop),
            Cond::Set => {
                self.asm.and(T9, d, s);
                self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
            }
            _ => {
                let less = as_less(cond);
                let (a, b) = if less.swapped { (s, d) } else { (d, s) };
                if less.signed {
                    self.asm.slt(T9, a, b);
                } else {
                    self.asm.sltu(T9, a, b);
                }
                self.jump_if_less(T9, less.negated);
            }
        }
    }

    fn jump_if_less(&mut self, less: Reg, negated: bool) {
        let test = if negated {
            BranchCond::zero(less)
        } else {
            BranchCond::nonzero(less)
        };
        self.asm.jump_if(test, Slot::Nop);
    }

    /// `if (d & imm) goto target`. What is negative as an immediate has bits above the word, which
    /// do not count for a word.
    fn jump_if_set(&mut self, width: Width, d: Reg, imm: i32) {
        match (imm, Uimm16::new(imm as u32)) {
            (0, _) => return,
            (_, Some(imm)) => self.asm.andi(T9, d, imm),
            (_, None) => {
                let s = self.immediate_in(T6, imm);
                self.asm.and(T9, d, s);
                if width == Width::W32 && imm < 0 {
                    self.signed_word(T9, T9);
                }
            }
        }
        self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
    }
}
