// SPDX-License-Identifier: GPL-2.0

//! Jumps.

use super::{Lowering, T6, T8, T9};
use crate::jit::abi::O32;
use crate::jit::analysis::Comparison;
use crate::jit::asm::{BranchCond, Slot};
use crate::jit::bpf::{Cond, Operand, Reg as BpfReg, Width};
use crate::jit::lower::compare::{as_less, below};
use crate::jit::mips::{Insn, Pair, Reg, Uimm16};

impl Lowering<'_, O32> {
    /// `goto target`
    pub(crate) fn jump(&mut self) -> Option<()> {
        self.asm.jump();
        Some(())
    }

    /// `goto *dst`
    pub(crate) fn jump_indirect(&mut self, dst: BpfReg) -> Option<()> {
        let to = self.pair(dst).lo;
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
        let d = self.source(dst);
        match (
            Comparison::new(width, cond, dst, src, self.place.known),
            src,
        ) {
            (Comparison::Low(cond), Operand::Imm(imm)) => self.jump32_imm(cond, d.lo, imm),
            (Comparison::Low(cond), Operand::Reg(src)) => {
                let s = self.pair(src);
                self.jump32(cond, d.lo, s.lo);
            }
            // What has something of its own to do in these cases, is about immediates.
            (_, Operand::Imm(imm)) => self.jump64_imm(cond, d, imm),
            (_, Operand::Reg(src)) => {
                let s = self.source(src);
                self.jump64(cond, d, s);
            }
        }
        Some(())
    }

    fn jump32_imm(&mut self, cond: Cond, d: Reg, imm: i32) {
        if imm == 0 {
            return self.jump_against_zero(cond, d, d);
        }
        match cond {
            Cond::Eq | Cond::Ne => {}
            Cond::Set => {
                self.and_into(T9, d, imm);
                return self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
            }
            _ => {
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
        }
        let word = self.word_in(T6, imm as u32);
        self.jump32(cond, d, word);
    }

    /// A comparison with zero. `any` is zero if and only if the value is; `sign` has its sign.
    fn jump_against_zero(&mut self, cond: Cond, any: Reg, sign: Reg) {
        let test = match cond {
            Cond::Eq | Cond::Le => BranchCond::zero(any),
            Cond::Ne | Cond::Gt => BranchCond::nonzero(any),
            // The high word alone does not tell a small positive value from zero.
            Cond::Sgt if any == sign => BranchCond::Gtz(sign),
            Cond::Sle if any == sign => BranchCond::Lez(sign),
            Cond::Slt => BranchCond::Ltz(sign),
            Cond::Sge => BranchCond::Gez(sign),
            Cond::Ge => return self.asm.jump(),
            Cond::Lt | Cond::Set | Cond::Sgt | Cond::Sle => return,
        };
        self.asm.jump_if(test, Slot::Nop);
    }

    fn jump32(&mut self, cond: Cond, d: Reg, s: Reg) {
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

    /// Jumps if a register is not zero, or if it is.
    fn jump_if_less(&mut self, less: Reg, negated: bool) {
        let test = if negated {
            BranchCond::zero(less)
        } else {
            BranchCond::nonzero(less)
        };
        self.asm.jump_if(test, Slot::Nop);
    }

    fn jump64_imm(&mut self, cond: Cond, d: Pair, imm: i32) {
        match (cond, imm) {
            (Cond::Sgt | Cond::Sle, 0) => {}
            (Cond::Slt | Cond::Sge | Cond::Lt | Cond::Ge | Cond::Set, 0) => {
                return self.jump_against_zero(cond, d.lo, d.hi);
            }
            (_, 0) => {
                self.asm.or(T9, d.lo, d.hi);
                return self.jump_against_zero(cond, T9, d.hi);
            }
            (Cond::Set, _) => {
                self.and_into(T9, d.lo, imm);
                if imm < 0 {
                    self.asm.or(T9, T9, d.hi);
                }
                return self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
            }
            (Cond::Eq | Cond::Ne, _) => {
                if let Some(imm) = Uimm16::new(imm as u32) {
                    // Every bit that differs from those of a value without any above.
                    self.asm.xori(T9, d.lo, imm);
                    self.asm.or(T9, T9, d.hi);
                    return self.jump_if_less(T9, cond == Cond::Eq);
                }
            }
            (_, 1..) if !as_less(cond).signed => {
                if let Some(bound) = below(cond, imm) {
                    let less = as_less(cond);
                    self.asm.sltiu(T9, d.lo, bound);
                    self.move_if(T9, Reg::ZERO, d.hi, T8);
                    return self.jump_if_less(T9, less.negated != less.swapped);
                }
            }
            _ => {}
        }
        let s = self.sign_extended(imm);
        self.jump64(cond, d, s);
    }

    /// The high words decide unless they are equal; the branch that finds out computes, in its
    /// slot, what they decide. Not so where one is known to be zero.
    fn jump64(&mut self, cond: Cond, d: Pair, s: Pair) {
        let high_differs = Insn::xor(T9, d.hi, s.hi);
        match cond {
            Cond::Eq => {
                let differs = self.asm.label();
                self.asm.branch(
                    BranchCond::Ne(d.lo, s.lo),
                    differs,
                    Slot::Fill(high_differs),
                );
                self.asm.jump_if(BranchCond::zero(T9), Slot::Nop);
                self.asm.bind(differs);
            }
            Cond::Ne => {
                self.asm
                    .jump_if_early(BranchCond::Ne(d.lo, s.lo), Slot::Fill(high_differs));
                self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
            }
            Cond::Set => {
                self.asm.and(T8, d.lo, s.lo);
                self.asm.and(T9, d.hi, s.hi);
                self.asm.or(T9, T9, T8);
                self.asm.jump_if(BranchCond::nonzero(T9), Slot::Nop);
            }
            _ => {
                let less = as_less(cond);
                let (a, b) = if less.swapped { (s, d) } else { (d, s) };
                // One of them is less than 2^32: of the other, the high word says whether that is.
                if !less.signed && (a.hi == Reg::ZERO || b.hi == Reg::ZERO) {
                    self.asm.sltu(T9, a.lo, b.lo);
                    match (a.hi, b.hi) {
                        (Reg::ZERO, Reg::ZERO) => {}
                        (_, Reg::ZERO) => self.move_if(T9, Reg::ZERO, a.hi, T8),
                        _ => self.asm.or(T9, T9, b.hi),
                    }
                    return self.jump_if_less(T9, less.negated);
                }
                let decided = self.asm.label();
                let high = if less.signed {
                    Insn::slt(T9, a.hi, b.hi)
                } else {
                    Insn::sltu(T9, a.hi, b.hi)
                };
                self.asm
                    .branch(BranchCond::Ne(a.hi, b.hi), decided, Slot::Fill(high));
                self.asm.sltu(T9, a.lo, b.lo);
                self.asm.bind(decided);
                self.jump_if_less(T9, less.negated);
            }
        }
    }

    /// `rd = rs & imm`, the low word; `rd` is not `rs`.
    fn and_into(&mut self, rd: Reg, rs: Reg, imm: i32) {
        match Uimm16::new(imm as u32) {
            Some(imm) => self.asm.andi(rd, rs, imm),
            None => {
                let word = self.word_in(T6, imm as u32);
                self.asm.and(rd, rs, word);
            }
        }
    }
}
