// SPDX-License-Identifier: GPL-2.0

//! 64-bit shifts.
//!
//! A variable shift has no branch. With `c` the amount modulo 64, the native shifts use its low
//! five bits; bit 5 then says whether to move the one word over to the other. The bits that cross
//! from one word to the other are shifted by `32 - c` in two steps, by 1 and by `31 - c`, so that
//! an amount of 0 moves nothing: the low five bits of `~c` are `31 - c`.

use super::{Lowering, T6, T7, T8, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::{AluOp, Reg as BpfReg};
use crate::jit::mips::{Pair, Reg, Shift5, Uimm16};

/// The bit of a shift amount that says "by a whole word".
fn word_bit() -> Uimm16 {
    Uimm16::low_half(32)
}

impl Lowering<'_, O32> {
    /// `dst = dst << imm`, `dst >> imm` or `dst s>> imm`, with the amount less than 64
    pub(super) fn shift64_imm(&mut self, op: AluOp, dst: BpfReg, amount: u32) -> Option<()> {
        if amount == 0 {
            return Some(());
        }
        let crossing = 32u32.checked_sub(amount).and_then(Shift5::new);
        match (op, crossing) {
            (AluOp::Lsh, Some(crossing)) if amount < 32 => {
                self.shift_left64_imm(dst, Shift5::new(amount)?, crossing);
            }
            (_, Some(crossing)) if amount < 32 => {
                self.shift_right64_imm(op, dst, Shift5::new(amount)?, crossing);
            }
            (AluOp::Lsh, _) => {
                let (d, rest) = (self.pair(dst), Shift5::new(amount.checked_sub(32)?)?);
                if self.wants_high() {
                    self.shift_or_copy(op, d.hi, d.lo, rest);
                }
                if self.wants_low() {
                    self.asm.clear(d.lo);
                }
            }
            _ => self.shift_right_by_words(op, dst, Shift5::new(amount.checked_sub(32)?)?),
        }
        Some(())
    }

    /// A shift to the left by less than 32.
    fn shift_left64_imm(&mut self, dst: BpfReg, amount: Shift5, crossing: Shift5) {
        let (d, high) = (self.pair(dst), self.source(dst).hi);
        let crossed = match high {
            Reg::ZERO => d.hi,
            _ => T9,
        };
        if self.wants_high() {
            self.asm.srl(crossed, d.lo, crossing);
        }
        if self.wants_low() {
            self.asm.sll(d.lo, d.lo, amount);
        }
        if self.wants_high() && high != Reg::ZERO {
            self.asm.sll(d.hi, high, amount);
            self.asm.or(d.hi, d.hi, crossed);
        }
    }

    /// A shift to the right by less than 32. A high word that is zero, or a sign that goes on as one, stays.
    fn shift_right64_imm(&mut self, op: AluOp, dst: BpfReg, amount: Shift5, crossing: Shift5) {
        let d = self.pair(dst);
        let known = self.place.known.of(dst);
        let is_sign = op == AluOp::Arsh && known.is_sign;
        if known.is_zero || is_sign {
            if self.wants_low() {
                let op = if known.is_zero { AluOp::Rsh } else { op };
                self.shift_word(op, d.lo, d.lo, amount);
            }
            return;
        }
        if self.wants_low() {
            self.asm.sll(T9, d.hi, crossing);
            self.asm.srl(d.lo, d.lo, amount);
        }
        if self.wants_high() {
            self.shift_word(op, d.hi, d.hi, amount);
        }
        if self.wants_low() {
            self.asm.or(d.lo, d.lo, T9);
        }
    }

    /// A shift to the right by 32 and `rest` more.
    fn shift_right_by_words(&mut self, op: AluOp, dst: BpfReg, rest: Shift5) {
        let d = self.pair(dst);
        let known = self.place.known.of(dst);
        let is_sign = op == AluOp::Arsh && known.is_sign;
        let sign = Shift5::masked(31);
        match known.is_zero {
            _ if !self.wants_low() => {}
            true => self.asm.clear(d.lo),
            false if is_sign => self.asm.sra(d.lo, d.lo, sign),
            false => self.shift_or_copy(op, d.lo, d.hi, rest),
        }
        if op != AluOp::Arsh {
            self.clear_high_of(dst);
        } else if self.wants_high() && !known.is_zero && !known.is_sign {
            self.asm.sra(d.hi, d.hi, sign);
        }
    }

    /// `rd` = `rs`, shifted by an amount that may be zero.
    fn shift_or_copy(&mut self, op: AluOp, rd: Reg, rs: Reg, amount: Shift5) {
        if amount == Shift5::masked(0) {
            self.asm.copy(rd, rs);
        } else {
            self.shift_word(op, rd, rs, amount);
        }
    }

    fn shift_word(&mut self, op: AluOp, rd: Reg, rs: Reg, amount: Shift5) {
        match op {
            AluOp::Lsh => self.asm.sll(rd, rs, amount),
            AluOp::Arsh => self.asm.sra(rd, rs, amount),
            _ => self.asm.srl(rd, rs, amount),
        }
    }

    /// `dst = dst << c`, `dst >> c` or `dst s>> c`, with `c` modulo 64. The amount may be the low word
    /// itself: everything that depends on it is computed before that changes.
    pub(super) fn shift64_reg(&mut self, op: AluOp, dst: BpfReg, c: Reg) {
        let d = self.pair(dst);
        let is_word = match op {
            AluOp::Lsh => !self.wants_high(),
            _ => self.place.known.of(dst).is_zero,
        };
        match op {
            _ if is_word => self.shift_only_word(op, d.lo, c),
            AluOp::Lsh => self.shift_left64(d, c),
            _ => self.shift_right64(op, d, c),
        }
    }

    /// Where nothing comes from the high word, and a high word of the result stays or matters to nobody:
    /// an amount of 32 or more leaves nothing.
    fn shift_only_word(&mut self, op: AluOp, low: Reg, c: Reg) {
        let (by_word, temporary) = (T9, T8);
        self.asm.andi(by_word, c, word_bit());
        match op {
            AluOp::Lsh => self.asm.sllv(low, low, c),
            _ => self.asm.srlv(low, low, c),
        }
        self.move_if(low, Reg::ZERO, by_word, temporary);
    }

    fn shift_left64(&mut self, d: Pair, c: Reg) {
        let (complement, crossing, high, by_word) = (T6, T7, T8, T9);
        self.asm.nor(complement, c, Reg::ZERO);
        self.asm.srl(crossing, d.lo, Shift5::masked(1));
        self.asm.srlv(crossing, crossing, complement);
        self.asm.sllv(high, d.hi, c);
        self.asm.andi(by_word, c, word_bit());
        self.asm.sllv(d.lo, d.lo, c);
        self.asm.or(d.hi, high, crossing);
        self.move_if(d.hi, d.lo, by_word, crossing);
        self.move_if(d.lo, Reg::ZERO, by_word, crossing);
    }

    fn shift_right64(&mut self, op: AluOp, d: Pair, c: Reg) {
        let (complement, crossing, low, by_word) = (T6, T7, T8, T9);
        self.asm.nor(complement, c, Reg::ZERO);
        self.asm.sll(crossing, d.hi, Shift5::masked(1));
        self.asm.sllv(crossing, crossing, complement);
        self.asm.srlv(low, d.lo, c);
        self.asm.andi(by_word, c, word_bit());
        // What the high word becomes where the shift is by a word or more.
        let above = if op == AluOp::Arsh {
            let sign = complement;
            self.asm.sra(sign, d.hi, Shift5::masked(31));
            self.asm.srav(d.hi, d.hi, c);
            sign
        } else {
            self.asm.srlv(d.hi, d.hi, c);
            Reg::ZERO
        };
        self.asm.or(d.lo, low, crossing);
        self.move_if(d.lo, d.hi, by_word, crossing);
        self.move_if(d.hi, above, by_word, crossing);
    }
}
