// SPDX-License-Identifier: GPL-2.0

//! 64-bit shifts.
//!
//! A variable shift has no branch. With `c` the amount modulo 64, the native shifts use its low
//! five bits; bit 5 then says whether to move the one word over to the other. The bits that cross
//! from one word to the other are shifted by `32 - c` in two steps, by 1 and by `31 - c`, so that
//! an amount of 0 moves nothing: the low five bits of `~c` are `31 - c`.

use super::{Lowering, T6, T7, T8, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::AluOp;
use crate::jit::mips::{Pair, Reg, Shift5, Uimm16};

/// The bit of a shift amount that says "by a whole word".
fn word_bit() -> Uimm16 {
    Uimm16::low_half(32)
}

impl Lowering<'_, O32> {
    /// `d = d << imm`, `d >> imm` or `d s>> imm`, with the amount less than 64
    pub(super) fn shift64_imm(&mut self, op: AluOp, d: Pair, amount: u32) -> Option<()> {
        if amount == 0 {
            return Some(());
        }
        let crossing = 32u32.checked_sub(amount).and_then(Shift5::new);
        match (op, crossing) {
            (AluOp::Lsh, Some(crossing)) if amount < 32 => {
                let amount = Shift5::new(amount)?;
                self.asm.srl(T9, d.lo, crossing);
                self.asm.sll(d.lo, d.lo, amount);
                self.asm.sll(d.hi, d.hi, amount);
                self.asm.or(d.hi, d.hi, T9);
            }
            (_, Some(crossing)) if amount < 32 => {
                let amount = Shift5::new(amount)?;
                self.asm.sll(T9, d.hi, crossing);
                self.asm.srl(d.lo, d.lo, amount);
                self.shift_high(op, d.hi, d.hi, amount);
                self.asm.or(d.lo, d.lo, T9);
            }
            _ => self.shift_by_words(op, d, Shift5::new(amount.checked_sub(32)?)?),
        }
        Some(())
    }

    /// A shift by 32 and `rest` more.
    fn shift_by_words(&mut self, op: AluOp, d: Pair, rest: Shift5) {
        let whole = rest == Shift5::masked(0);
        match op {
            AluOp::Lsh => {
                if whole {
                    self.asm.copy(d.hi, d.lo);
                } else {
                    self.asm.sll(d.hi, d.lo, rest);
                }
                self.asm.clear(d.lo);
            }
            _ => {
                if whole {
                    self.asm.copy(d.lo, d.hi);
                } else {
                    self.shift_high(op, d.lo, d.hi, rest);
                }
                if op == AluOp::Arsh {
                    self.asm.sra(d.hi, d.hi, Shift5::masked(31));
                } else {
                    self.asm.clear(d.hi);
                }
            }
        }
    }

    fn shift_high(&mut self, op: AluOp, rd: Reg, rs: Reg, amount: Shift5) {
        if op == AluOp::Arsh {
            self.asm.sra(rd, rs, amount);
        } else {
            self.asm.srl(rd, rs, amount);
        }
    }

    /// `d = d << c`, `d >> c` or `d s>> c`, with `c` modulo 64. The amount may be `d.lo` itself:
    /// everything that depends on it is computed before that changes.
    pub(super) fn shift64_reg(&mut self, op: AluOp, d: Pair, c: Reg) {
        match op {
            AluOp::Lsh => self.shift_left64(d, c),
            _ => self.shift_right64(op, d, c),
        }
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
