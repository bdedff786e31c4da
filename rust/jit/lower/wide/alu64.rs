// SPDX-License-Identifier: GPL-2.0

//! 64-bit arithmetic: mostly the instruction of that name.

use super::{log2, Lowering, N64, T6, T9};
use crate::jit::bpf::AluOp;
use crate::jit::mips::{FieldPos, FieldSize, Reg, Shift5, Simm16, Uimm16};

impl Lowering<'_, N64> {
    /// `d = d op s`, shift amounts modulo 64
    pub(super) fn alu64_reg(&mut self, op: AluOp, d: Reg, s: Reg) {
        match op {
            AluOp::Add => self.asm.daddu(d, d, s),
            AluOp::Sub => self.asm.dsubu(d, d, s),
            AluOp::Or => self.asm.or(d, d, s),
            AluOp::And => self.asm.and(d, d, s),
            AluOp::Xor => self.asm.xor(d, d, s),
            AluOp::Lsh => self.asm.dsllv(d, d, s),
            AluOp::Rsh => self.asm.dsrlv(d, d, s),
            AluOp::Arsh => self.asm.dsrav(d, d, s),
            // x / x is 1, or 0 for 0; x % x is 0.
            AluOp::Div | AluOp::Sdiv if d == s => self.asm.sltu(d, Reg::ZERO, d),
            AluOp::Mod | AluOp::Smod if d == s => self.asm.clear(d),
            AluOp::Div | AluOp::Sdiv => {
                self.divide64(op, d, d, s);
                self.clear_unless(d, s);
            }
            AluOp::Mod | AluOp::Smod => {
                let remainder = T9;
                self.divide64(op, remainder, d, s);
                self.move_if(d, remainder, s, remainder);
            }
            AluOp::Mul => self.multiply(d, d, s),
        }
    }

    /// `d = d op (s64) imm`
    pub(super) fn alu64_imm(&mut self, op: AluOp, d: Reg, imm: i32) -> Option<()> {
        match op {
            AluOp::And if imm >= 0 => self.and_imm(d, imm),
            AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => {
                self.simple64_imm(op, d, imm);
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.shift64_imm(op, d, imm as u32 & 63),
            AluOp::Mul | AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                self.muldiv64_imm(op, d, imm);
            }
        }
        Some(())
    }

    /// `d = d op (s64) imm`, an addition, subtraction or a logical operation
    pub(super) fn simple64_imm(&mut self, op: AluOp, d: Reg, imm: i32) {
        let negative = imm.checked_neg().and_then(Simm16::new);
        match (op, imm) {
            (AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::Xor, 0) | (AluOp::And, -1) => return,
            (AluOp::Or, -1) => return self.asm.daddiu(d, Reg::ZERO, Simm16::MINUS_ONE),
            (AluOp::Xor, -1) => return self.asm.nor(d, d, Reg::ZERO),
            _ => {}
        }
        match (op, Simm16::new(imm), negative, Uimm16::new(imm as u32)) {
            (AluOp::Add, Some(imm), _, _) | (AluOp::Sub, _, Some(imm), _) => {
                self.asm.daddiu(d, d, imm);
            }
            (AluOp::Or, _, _, Some(imm)) => self.asm.ori(d, d, imm),
            (AluOp::Xor, _, _, Some(imm)) => self.asm.xori(d, d, imm),
            _ => {
                let s = self.immediate_in(T6, imm);
                self.alu64_reg(op, d, s);
            }
        }
    }

    /// `d &= (u32) imm`
    pub(super) fn and_imm(&mut self, d: Reg, imm: i32) {
        let ones = (imm as u32).trailing_ones();
        let mask = FieldSize::new(ones).filter(|_| (imm as u32).count_ones() == ones);
        match (imm, Uimm16::new(imm as u32), mask) {
            (0, _, _) => self.asm.clear(d),
            (_, Some(imm), _) => self.asm.andi(d, d, imm),
            (_, None, Some(size)) => self.asm.field(d, d, FieldPos::masked(0), size),
            (_, None, None) => {
                let s = self.immediate_in(T6, imm);
                self.asm.and(d, d, s);
            }
        }
    }

    /// Shifts by an amount less than 64.
    fn shift64_imm(&mut self, op: AluOp, d: Reg, amount: u32) {
        let rest = Shift5::masked(amount);
        match (op, amount < 32) {
            _ if amount == 0 => {}
            (AluOp::Lsh, true) => self.asm.dsll(d, d, rest),
            (AluOp::Lsh, false) => self.asm.dsll32(d, d, rest),
            (AluOp::Rsh, true) => self.asm.dsrl(d, d, rest),
            (AluOp::Rsh, false) => self.asm.dsrl32(d, d, rest),
            (_, true) => self.asm.dsra(d, d, rest),
            (_, false) => self.asm.dsra32(d, d, rest),
        }
    }

    /// `d = d op (s64) imm`, a multiplication or division
    fn muldiv64_imm(&mut self, op: AluOp, d: Reg, imm: i32) {
        match (op, imm, log2(imm)) {
            (AluOp::Mul | AluOp::Div | AluOp::Sdiv, 0, _)
            | (AluOp::Mod, 1, _)
            | (AluOp::Smod, 1 | -1, _) => self.asm.clear(d),
            // x % 0 = x.
            (AluOp::Mul | AluOp::Div | AluOp::Sdiv, 1, _) | (_, 0, _) => {}
            (AluOp::Mul | AluOp::Sdiv, -1, _) => self.asm.dsubu(d, Reg::ZERO, d),
            (AluOp::Mul, _, Some(amount)) => self.shift64_imm(AluOp::Lsh, d, amount),
            (AluOp::Div, _, Some(amount)) => self.shift64_imm(AluOp::Rsh, d, amount),
            (AluOp::Mod, _, Some(_)) => self.and_imm(d, imm.wrapping_sub(1)),
            _ => {
                let s = self.immediate_in(T6, imm);
                match op {
                    AluOp::Mul => self.multiply(d, d, s),
                    _ => self.divide64(op, d, d, s),
                }
            }
        }
    }
}
