// SPDX-License-Identifier: GPL-2.0

//! 64-bit multiplication, and division by the kernel's functions.

use super::{sign_word, Lowering, T6, T8, T9};
use crate::jit::abi::{o32, O32};
use crate::jit::bpf::{AluOp, Operand, Reg as BpfReg, Width};
use crate::jit::mips::{Pair, Reg};

impl Lowering<'_, O32> {
    /// `d *= s`. Of the four partial products, that of the high words is beyond 64 bits, and of
    /// the mixed ones only the low halves count.
    pub(super) fn mul64_reg(&mut self, d: Pair, s: Pair) {
        // A product of words may leave HI and LO unpredictable: the full one comes last.
        self.multiply(T8, d.hi, s.lo);
        self.multiply(T9, d.lo, s.hi);
        self.asm.addu(T8, T8, T9);
        self.finish_mul64(d, s.lo);
    }

    /// `d *= (s64) imm`. Where the high word of `imm` is -1, its product with `d.lo` is `-d.lo`.
    pub(super) fn mul64_imm(&mut self, d: Pair, imm: i32) -> Option<()> {
        if self.simple_muldiv(Width::W64, AluOp::Mul, d, imm)? {
            return Some(());
        }
        let factor = self.word_in(T6, imm as u32);
        self.multiply(T8, d.hi, factor);
        if imm < 0 {
            self.asm.subu(T8, T8, d.lo);
        }
        self.finish_mul64(d, factor);
        Some(())
    }

    /// `d = d.lo * factor`, with `t8` added to the high word.
    fn finish_mul64(&mut self, d: Pair, factor: Reg) {
        self.multiply_wide(d, factor);
        self.asm.addu(d.hi, d.hi, T8);
    }

    /// `dst = dst op (s64) imm`, a division or a remainder
    pub(super) fn div64_imm(&mut self, op: AluOp, dst: BpfReg, imm: i32) -> Option<()> {
        let d = self.pair(dst);
        if self.simple_muldiv(Width::W64, op, d, imm)? {
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
}
