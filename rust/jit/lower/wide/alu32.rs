// SPDX-License-Identifier: GPL-2.0

//! 32-bit arithmetic. Addition, logic, negation and multiplication give the right low word whatever
//! is above it, so they are done with 64 bits; shifts to the right and division need extended
//! operands.

use super::{log2, Lowering, N64, T6, T9};
use crate::jit::bpf::AluOp;
use crate::jit::mips::{FieldSize, Reg, Shift5};

impl Lowering<'_, N64> {
    /// `d = (u32) d op (u32) imm`
    pub(super) fn alu32_imm(&mut self, op: AluOp, d: Reg, imm: i32) -> Option<()> {
        match op {
            // What is not negative clears the bits above itself.
            AluOp::And if imm >= 0 => self.and_imm(d, imm),
            AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => {
                self.simple64_imm(op, d, imm);
                self.finish_word(d);
            }
            AluOp::Lsh => {
                self.asm.sll(d, d, Shift5::masked(imm as u32));
                self.finish_word(d);
            }
            AluOp::Rsh => self.shift_right32(d, Shift5::masked(imm as u32))?,
            AluOp::Arsh => {
                self.signed_word(d, d);
                let amount = Shift5::masked(imm as u32);
                if amount != Shift5::masked(0) {
                    self.asm.sra(d, d, amount);
                }
                self.finish_word(d);
            }
            AluOp::Mul | AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                self.muldiv32_imm(op, d, imm)?;
            }
        }
        Some(())
    }

    /// `d = (u32) d >> amount`: a bit-field.
    fn shift_right32(&mut self, d: Reg, amount: Shift5) -> Option<()> {
        let size = FieldSize::new(32u32.checked_sub(amount.bits())?)?;
        self.asm.field(d, d, amount, size);
        Some(())
    }

    /// `d = (u32) d op (u32) imm`, a multiplication or division
    fn muldiv32_imm(&mut self, op: AluOp, d: Reg, imm: i32) -> Option<()> {
        // The least word is a power of two as an unsigned one, and only as one.
        let power = if imm == i32::MIN { Some(31) } else { log2(imm) };
        match (op, imm, power) {
            (AluOp::Mul | AluOp::Div | AluOp::Sdiv, 0, _)
            | (AluOp::Mod, 1, _)
            | (AluOp::Smod, 1 | -1, _) => self.asm.clear(d),
            (AluOp::Mul | AluOp::Div | AluOp::Sdiv, 1, _) | (_, 0, _) => self.finish_word(d),
            (AluOp::Mul | AluOp::Sdiv, -1, _) => {
                self.asm.dsubu(d, Reg::ZERO, d);
                self.finish_word(d);
            }
            (AluOp::Mul, _, Some(amount)) => {
                self.asm.sll(d, d, Shift5::new(amount)?);
                self.finish_word(d);
            }
            (AluOp::Div, _, Some(amount)) => self.shift_right32(d, Shift5::new(amount)?)?,
            // One less than the least word is the greatest.
            (AluOp::Mod, _, Some(_)) => self.and_imm(d, imm.wrapping_sub(1)),
            _ => {
                let s = self.immediate_in(T6, imm);
                self.muldiv32(op, d, s);
                self.finish_word(d);
            }
        }
        Some(())
    }

    /// `d = (u32) d op (u32) s`, shift amounts modulo 32
    pub(super) fn alu32_reg(&mut self, op: AluOp, d: Reg, s: Reg) {
        match op {
            AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => {
                self.alu64_reg(op, d, s);
            }
            AluOp::Lsh => self.asm.sllv(d, d, s),
            // The low five bits of an amount are the same in its sign-extended word.
            AluOp::Rsh => {
                self.signed_word(d, d);
                self.asm.srlv(d, d, s);
            }
            AluOp::Arsh => {
                self.signed_word(d, d);
                self.asm.srav(d, d, s);
            }
            AluOp::Mul => self.muldiv32(op, d, s),
            AluOp::Div | AluOp::Sdiv => {
                self.signed_word(T6, s);
                self.muldiv32(op, d, T6);
                self.clear_unless(d, T6);
            }
            AluOp::Mod | AluOp::Smod => {
                let remainder = T9;
                self.signed_word(T6, s);
                self.signed_word(d, d);
                self.divide32(op, remainder, d, T6);
                self.move_if(d, remainder, T6, remainder);
            }
        }
        self.finish_word(d);
    }

    /// Multiplication, or division by the sign-extended word `s`, which is not zero or whose result
    /// does not count then.
    fn muldiv32(&mut self, op: AluOp, d: Reg, s: Reg) {
        if op == AluOp::Mul {
            return self.multiply(d, d, s);
        }
        self.signed_word(d, d);
        self.divide32(op, d, d, s);
    }
}
