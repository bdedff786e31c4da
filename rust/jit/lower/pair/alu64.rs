// SPDX-License-Identifier: GPL-2.0

//! 64-bit addition, subtraction and logic.

use super::{Lowering, T6, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::AluOp;
use crate::jit::mips::{Pair, Shift5, Simm16};

impl Lowering<'_, O32> {
    /// `d = d op s`
    pub(super) fn alu64_reg(&mut self, op: AluOp, d: Pair, s: Pair) {
        match op {
            AluOp::Add => self.add64(d, s),
            AluOp::Sub => self.sub64(d, s),
            AluOp::Or => {
                self.asm.or(d.lo, d.lo, s.lo);
                self.asm.or(d.hi, d.hi, s.hi);
            }
            AluOp::And => {
                self.asm.and(d.lo, d.lo, s.lo);
                self.asm.and(d.hi, d.hi, s.hi);
            }
            _ => {
                self.asm.xor(d.lo, d.lo, s.lo);
                self.asm.xor(d.hi, d.hi, s.hi);
            }
        }
    }

    /// `d += s`: a sum less than a term has carried. Doubling loses the term; its top bit is the
    /// carry.
    fn add64(&mut self, d: Pair, s: Pair) {
        let carry = T9;
        if d == s {
            self.asm.srl(carry, d.lo, Shift5::masked(31));
            self.asm.addu(d.lo, d.lo, d.lo);
        } else {
            self.asm.addu(d.lo, d.lo, s.lo);
            self.asm.sltu(carry, d.lo, s.lo);
        }
        self.asm.addu(d.hi, d.hi, s.hi);
        self.asm.addu(d.hi, d.hi, carry);
    }

    /// `d -= s`
    fn sub64(&mut self, d: Pair, s: Pair) {
        let borrow = T9;
        self.asm.sltu(borrow, d.lo, s.lo);
        self.asm.subu(d.lo, d.lo, s.lo);
        self.asm.subu(d.hi, d.hi, s.hi);
        self.asm.subu(d.hi, d.hi, borrow);
    }

    /// `d = d op (s64) imm`
    pub(super) fn alu64_imm(&mut self, op: AluOp, d: Pair, imm: i32) {
        match (op, imm < 0) {
            (AluOp::Add, false) | (AluOp::Sub, true) => self.add_magnitude(d, imm.unsigned_abs()),
            (AluOp::Add, true) | (AluOp::Sub, false) => {
                self.subtract_magnitude(d, imm.unsigned_abs());
            }
            (AluOp::And, negative) => {
                self.and_imm(d.lo, imm);
                if !negative {
                    self.asm.clear(d.hi);
                }
            }
            (_, negative) => {
                self.or_xor_imm(op, d.lo, imm);
                if negative {
                    self.or_xor_imm(op, d.hi, -1);
                }
            }
        }
    }

    /// `d += k`, where `k` is zero-extended.
    fn add_magnitude(&mut self, d: Pair, k: u32) {
        let carry = T9;
        if k == 0 {
            return;
        }
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
        self.asm.addu(d.hi, d.hi, carry);
    }

    /// `d -= k`, where `k` is zero-extended.
    fn subtract_magnitude(&mut self, d: Pair, k: u32) {
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
        self.asm.subu(d.hi, d.hi, borrow);
    }
}
