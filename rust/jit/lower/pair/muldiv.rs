// SPDX-License-Identifier: GPL-2.0

//! 64-bit multiplication, and division by the kernel's functions.

use super::{log2, sign_word, Lowering, T6, T8, T9};
use crate::jit::abi::{o32, O32};
use crate::jit::bpf::{AluOp, Operand, Reg as BpfReg, Width};
use crate::jit::mips::{Pair, Reg};

impl Lowering<'_, O32> {
    /// `dst *= src`. Of the four partial products, that of the high words is beyond 64 bits, and of
    /// the mixed ones only the low halves count, if the high words are any but zero.
    pub(super) fn mul64_reg(&mut self, dst: BpfReg, src: BpfReg) {
        let (d, a, b) = (self.pair(dst), self.source(dst), self.source(src));
        if !self.wants_high() {
            return self.multiply(d.lo, d.lo, b.lo);
        }
        // A product of words may leave HI and LO unpredictable: the full one comes last.
        if a.hi != Reg::ZERO {
            self.multiply(T8, a.hi, b.lo);
        }
        if b.hi != Reg::ZERO {
            self.multiply(T9, a.lo, b.hi);
        }
        let above = match (a.hi, b.hi) {
            (Reg::ZERO, Reg::ZERO) => Reg::ZERO,
            (Reg::ZERO, _) => T9,
            (_, Reg::ZERO) => T8,
            _ => {
                self.asm.addu(T8, T8, T9);
                T8
            }
        };
        self.finish_mul64(d, b.lo, above);
    }

    /// `dst *= (s64) imm`. Where the high word of `imm` is -1, its product with the low word is that
    /// word's negative.
    pub(super) fn mul64_imm(&mut self, dst: BpfReg, imm: i32) -> Option<()> {
        if !self.wants_high() {
            return self.alu32_imm(AluOp::Mul, dst, imm);
        }
        if self.simple_muldiv(Width::W64, AluOp::Mul, dst, imm)? {
            return Some(());
        }
        let (d, high) = (self.pair(dst), self.source(dst).hi);
        let factor = self.word_in(T6, imm as u32);
        let mut above = Reg::ZERO;
        if high != Reg::ZERO {
            above = T8;
            self.multiply(above, high, factor);
        }
        if imm < 0 {
            self.asm.subu(T8, above, d.lo);
            above = T8;
        }
        self.finish_mul64(d, factor, above);
        Some(())
    }

    /// `d = d.lo * factor`, with something added to the high word.
    fn finish_mul64(&mut self, d: Pair, factor: Reg, above: Reg) {
        self.multiply_wide(d, factor);
        if above != Reg::ZERO {
            self.asm.addu(d.hi, d.hi, above);
        }
    }

    /// `dst = dst op (s64) imm`, a division or a remainder
    pub(super) fn div64_imm(&mut self, op: AluOp, dst: BpfReg, imm: i32) -> Option<()> {
        if self.simple_muldiv(Width::W64, op, dst, imm)? {
            return Some(());
        }
        self.div64_call(op, dst, Operand::Imm(imm))
    }

    /// `dst = dst op src`, a division or a remainder
    pub(super) fn div64_reg(&mut self, op: AluOp, dst: BpfReg, src: BpfReg) -> Option<()> {
        self.div64_call(op, dst, Operand::Reg(src))
    }

    fn div64_call(&mut self, op: AluOp, dst: BpfReg, divisor: Operand) -> Option<()> {
        let runtime = self.setting.runtime;
        let function = match op {
            AluOp::Div => runtime.div64,
            AluOp::Mod => runtime.mod64,
            AluOp::Sdiv => runtime.sdiv64,
            _ => runtime.smod64,
        };
        let first = self.pair(o32::ARGUMENT_1);
        let second = self.pair(o32::ARGUMENT_2);
        let d = self.pair(dst);
        self.begin_function_call(Some(dst))?;
        match divisor {
            // The dividend takes the place of the divisor, which steps aside first.
            Operand::Reg(o32::ARGUMENT_1) if dst == o32::ARGUMENT_2 => {
                let aside = Pair { hi: T8, lo: T9 };
                self.copy_pair(aside, first);
                self.copy_pair(first, d);
                self.copy_pair(second, aside);
            }
            Operand::Reg(o32::ARGUMENT_1) => {
                self.copy_pair(second, first);
                self.copy_pair(first, d);
            }
            Operand::Reg(src) => {
                let s = self.pair(src);
                self.copy_pair(first, d);
                self.copy_pair(second, s);
            }
            Operand::Imm(imm) => {
                self.copy_pair(first, d);
                self.asm.load_word(second.lo, imm as u32);
                self.asm.load_word(second.hi, sign_word(imm));
            }
        }
        self.finish_function_call(function, Some(dst))
    }

    /// Multiplication and division by immediates that need neither: true if `dst = dst op imm` is
    /// done, a word or a pair according to `width`.
    pub(super) fn simple_muldiv(
        &mut self,
        width: Width,
        op: AluOp,
        dst: BpfReg,
        imm: i32,
    ) -> Option<bool> {
        let d = self.pair(dst);
        let clears = match op {
            AluOp::Mul | AluOp::Div | AluOp::Sdiv => imm == 0,
            AluOp::Mod => imm == 1,
            AluOp::Smod => imm == 1 || imm == -1,
            _ => false,
        };
        // x % 0 = x.
        let keeps = match op {
            AluOp::Mul | AluOp::Div | AluOp::Sdiv => imm == 1,
            _ => imm == 0,
        };
        let negates = matches!(op, AluOp::Mul | AluOp::Sdiv) && imm == -1;
        match width {
            _ if keeps => {}
            Width::W32 if clears => self.asm.clear(d.lo),
            Width::W32 if negates => self.asm.subu(d.lo, Reg::ZERO, d.lo),
            Width::W64 if clears => self.clear_pair(d),
            Width::W64 if negates => self.neg64(dst),
            _ => return self.power_of_two(width, op, dst, imm),
        }
        Some(true)
    }

    /// Multiplication and unsigned division by a power of two are shifts, the remainder a mask.
    fn power_of_two(&mut self, width: Width, op: AluOp, dst: BpfReg, imm: i32) -> Option<bool> {
        let d = self.pair(dst);
        // The least 32-bit value is a power of two as an unsigned word, and only as one.
        let amount = match (width, imm) {
            (Width::W32, i32::MIN) => 31,
            _ => match log2(imm) {
                Some(amount) => amount,
                None => return Some(false),
            },
        };
        let mask = imm.wrapping_sub(1);
        match (op, width) {
            (AluOp::Mul, Width::W32) => self.shift_imm(AluOp::Lsh, d.lo, amount),
            (AluOp::Div, Width::W32) => self.shift_imm(AluOp::Rsh, d.lo, amount),
            (AluOp::Mod, Width::W32) => self.and_imm(d.lo, mask),
            (AluOp::Mul, Width::W64) => self.shift64_imm(AluOp::Lsh, dst, amount)?,
            (AluOp::Div, Width::W64) => self.shift64_imm(AluOp::Rsh, dst, amount)?,
            (AluOp::Mod, Width::W64) => {
                self.and_imm(d.lo, mask);
                self.clear_high_of(dst);
            }
            _ => return Some(false),
        }
        Some(true)
    }
}
