// SPDX-License-Identifier: GPL-2.0

//! 64-bit addition, subtraction and logic.
//!
//! Who wants the low word alone gets what 32 bits are for. A high word that is zero makes sums shorter,
//! and leaves the other operand as it is.

use super::{Lowering, T6, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::{AluOp, Reg as BpfReg};
use crate::jit::mips::{Pair, Reg, Shift5, Simm16};

impl Lowering<'_, O32> {
    /// `dst = dst op src`
    pub(super) fn alu64_reg(&mut self, op: AluOp, dst: BpfReg, src: BpfReg) {
        let (d, a, b) = (self.pair(dst), self.source(dst), self.source(src));
        match op {
            AluOp::Add | AluOp::Sub if !self.wants_high() => self.alu32_reg(op, d.lo, b.lo),
            AluOp::Add => self.add64(d.hi, a, b),
            AluOp::Sub => self.sub64(d.hi, a, b),
            _ => {
                if self.wants_low() {
                    self.alu32_reg(op, d.lo, b.lo);
                }
                if self.wants_high() {
                    self.logic_high(op, d.hi, a.hi, b.hi);
                }
            }
        }
    }

    /// `hi = a op b` of high words, of which `$zero` is what is known; `hi` holds `a` already.
    fn logic_high(&mut self, op: AluOp, hi: Reg, a: Reg, b: Reg) {
        match (op, a, b) {
            (AluOp::And, Reg::ZERO, _) => {}
            (AluOp::And, _, Reg::ZERO) => self.asm.clear(hi),
            (AluOp::And, ..) => self.asm.and(hi, a, b),
            (_, _, Reg::ZERO) => {}
            (_, Reg::ZERO, _) => self.asm.copy(hi, b),
            (AluOp::Or, ..) => self.asm.or(hi, a, b),
            _ => self.asm.xor(hi, a, b),
        }
    }

    /// `hi, a.lo = a + b`: a sum less than a term has carried. Doubling loses the term; its top bit is
    /// the carry.
    fn add64(&mut self, hi: Reg, a: Pair, b: Pair) {
        let carry = match (a.hi, b.hi) {
            (Reg::ZERO, Reg::ZERO) => hi,
            _ => T9,
        };
        if a.lo == b.lo {
            self.asm.srl(carry, a.lo, Shift5::masked(31));
            self.asm.addu(a.lo, a.lo, a.lo);
        } else {
            self.asm.addu(a.lo, a.lo, b.lo);
            self.asm.sltu(carry, a.lo, b.lo);
        }
        match (a.hi, b.hi) {
            (Reg::ZERO, Reg::ZERO) => {}
            (Reg::ZERO, term) | (term, Reg::ZERO) => self.asm.addu(hi, term, carry),
            (a, b) => {
                self.asm.addu(hi, a, b);
                self.asm.addu(hi, hi, carry);
            }
        }
    }

    /// `hi, a.lo = a - b`
    fn sub64(&mut self, hi: Reg, a: Pair, b: Pair) {
        let borrow = T9;
        self.asm.sltu(borrow, a.lo, b.lo);
        self.asm.subu(a.lo, a.lo, b.lo);
        self.subtract_high(hi, a.hi, b.hi, borrow);
    }

    /// `hi = a - b - borrow` of high words
    pub(super) fn subtract_high(&mut self, hi: Reg, a: Reg, b: Reg, borrow: Reg) {
        let rest = match b {
            Reg::ZERO => a,
            b => {
                self.asm.subu(hi, a, b);
                hi
            }
        };
        self.asm.subu(hi, rest, borrow);
    }

    /// `dst = dst op (s64) imm`
    pub(super) fn alu64_imm(&mut self, op: AluOp, dst: BpfReg, imm: i32) {
        let (d, high) = (self.pair(dst), self.source(dst).hi);
        match (op, imm < 0) {
            (AluOp::Add, _) if !self.wants_high() => self.add_imm(d.lo, imm),
            (AluOp::Sub, _) if !self.wants_high() => self.add_imm(d.lo, imm.wrapping_neg()),
            (AluOp::Add, false) | (AluOp::Sub, true) => {
                self.add_magnitude(d, high, imm.unsigned_abs());
            }
            (AluOp::Add, true) | (AluOp::Sub, false) => {
                self.subtract_magnitude(d, high, imm.unsigned_abs());
            }
            (AluOp::And, negative) => {
                if self.wants_low() {
                    self.and_imm(d.lo, imm);
                }
                if !negative {
                    self.clear_high_of(dst);
                }
            }
            (_, negative) => {
                if self.wants_low() {
                    self.or_xor_imm(op, d.lo, imm);
                }
                match op {
                    _ if !negative || !self.wants_high() => {}
                    AluOp::Or => self.asm.addiu(d.hi, Reg::ZERO, Simm16::MINUS_ONE),
                    _ => self.asm.nor(d.hi, high, Reg::ZERO),
                }
            }
        }
    }

    /// `d = (high, d.lo) + k`, where `k` is zero-extended.
    fn add_magnitude(&mut self, d: Pair, high: Reg, k: u32) {
        if k == 0 {
            return;
        }
        let carry = match high {
            Reg::ZERO => d.hi,
            _ => T9,
        };
        match i32::try_from(k).ok().and_then(Simm16::new) {
            Some(imm) => {
                self.asm.addiu(d.lo, d.lo, imm);
                self.asm.sltiu(carry, d.lo, imm);
            }
            None => {
                let word = self.word_in(T6, k);
                self.asm.addu(d.lo, d.lo, word);
                self.asm.sltu(carry, d.lo, word);
            }
        }
        if high != Reg::ZERO {
            self.asm.addu(d.hi, high, carry);
        }
    }

    /// `d = (high, d.lo) - k`, where `k` is zero-extended.
    fn subtract_magnitude(&mut self, d: Pair, high: Reg, k: u32) {
        let borrow = T9;
        let positive = i32::try_from(k).ok();
        let both = positive.and_then(|k| Some((Simm16::new(k)?, Simm16::new(k.checked_neg()?)?)));
        match both {
            Some((Simm16::ZERO, _)) => return,
            Some((imm, minus_imm)) => {
                self.asm.sltiu(borrow, d.lo, imm);
                self.asm.addiu(d.lo, d.lo, minus_imm);
            }
            None => {
                let word = self.word_in(T6, k);
                self.asm.sltu(borrow, d.lo, word);
                self.asm.subu(d.lo, d.lo, word);
            }
        }
        self.asm.subu(d.hi, high, borrow);
    }
}
