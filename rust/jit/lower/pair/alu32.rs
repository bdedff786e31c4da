// SPDX-License-Identifier: GPL-2.0

//! 32-bit arithmetic, on the low word. The caller takes care of the high one.

use super::{Lowering, T6, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::{AluOp, Reg as BpfReg, Width};
use crate::jit::mips::{FieldPos, FieldSize, Reg, Shift5, Simm16, Uimm16};

impl Lowering<'_, O32> {
    /// `d = (u32) d op (u32) imm`, the low word of `dst`
    pub(super) fn alu32_imm(&mut self, op: AluOp, dst: BpfReg, imm: i32) -> Option<()> {
        let d = self.pair(dst).lo;
        match op {
            AluOp::Add => self.add_imm(d, imm),
            AluOp::Sub => self.add_imm(d, imm.wrapping_neg()),
            AluOp::Or | AluOp::Xor => self.or_xor_imm(op, d, imm),
            AluOp::And => self.and_imm(d, imm),
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.shift_imm(op, d, imm as u32),
            AluOp::Mul | AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                if !self.simple_muldiv(Width::W32, op, dst, imm)? {
                    let divisor = self.word_in(T6, imm as u32);
                    match op {
                        AluOp::Mul => self.multiply(d, d, divisor),
                        _ => self.divide(op, d, d, divisor),
                    }
                }
            }
        }
        Some(())
    }

    /// `d = (u32) d op (u32) s`, shift amounts modulo 32
    pub(super) fn alu32_reg(&mut self, op: AluOp, d: Reg, s: Reg) {
        match op {
            AluOp::Add => self.asm.addu(d, d, s),
            AluOp::Sub => self.asm.subu(d, d, s),
            AluOp::Or => self.asm.or(d, d, s),
            AluOp::And => self.asm.and(d, d, s),
            AluOp::Xor => self.asm.xor(d, d, s),
            AluOp::Lsh => self.asm.sllv(d, d, s),
            AluOp::Rsh => self.asm.srlv(d, d, s),
            AluOp::Arsh => self.asm.srav(d, d, s),
            AluOp::Mul => self.multiply(d, d, s),
            // x / x is 1, or 0 for 0; x % x is 0.
            AluOp::Div | AluOp::Sdiv if d == s => self.asm.sltu(d, Reg::ZERO, d),
            AluOp::Mod | AluOp::Smod if d == s => self.asm.clear(d),
            AluOp::Div | AluOp::Sdiv => {
                self.divide(op, d, d, s);
                self.clear_unless(d, s);
            }
            AluOp::Mod | AluOp::Smod => {
                let remainder = T9;
                self.divide(op, remainder, d, s);
                self.move_if(d, remainder, s, remainder);
            }
        }
    }

    /// `d += imm`
    pub(super) fn add_imm(&mut self, d: Reg, imm: i32) {
        if imm == 0 {
            return;
        }
        match Simm16::new(imm) {
            Some(imm) => self.asm.addiu(d, d, imm),
            None => {
                let word = self.word_in(T6, imm as u32);
                self.asm.addu(d, d, word);
            }
        }
    }

    /// `d |= imm` or `d ^= imm`, the low word.
    pub(super) fn or_xor_imm(&mut self, op: AluOp, d: Reg, imm: i32) {
        let is_or = op == AluOp::Or;
        match (imm, Uimm16::new(imm as u32)) {
            (0, _) => {}
            (-1, _) if is_or => self.asm.addiu(d, Reg::ZERO, Simm16::MINUS_ONE),
            (-1, _) => self.asm.nor(d, d, Reg::ZERO),
            (_, Some(imm)) if is_or => self.asm.ori(d, d, imm),
            (_, Some(imm)) => self.asm.xori(d, d, imm),
            (_, None) => {
                let word = self.word_in(T6, imm as u32);
                if is_or {
                    self.asm.or(d, d, word);
                } else {
                    self.asm.xor(d, d, word);
                }
            }
        }
    }

    /// `d &= imm`, the low word.
    pub(super) fn and_imm(&mut self, d: Reg, imm: i32) {
        match (imm, Uimm16::new(imm as u32), self.low_mask(imm)) {
            (-1, _, _) => {}
            (0, _, _) => self.asm.clear(d),
            (_, Some(imm), _) => self.asm.andi(d, d, imm),
            (_, None, Some(size)) => self.asm.ext(d, d, FieldPos::masked(0), size),
            (_, None, None) => {
                let word = self.word_in(T6, imm as u32);
                self.asm.and(d, d, word);
            }
        }
    }

    /// How many bits the mask has if `ext` can apply it: ones from bit 0 up.
    fn low_mask(&self, imm: i32) -> Option<FieldSize> {
        let ones = (imm as u32).trailing_ones();
        if self.setting.cpu.has_r2() && (imm as u32).count_ones() == ones {
            FieldSize::new(ones)
        } else {
            None
        }
    }

    /// Shifts the word by an amount modulo 32.
    pub(super) fn shift_imm(&mut self, op: AluOp, d: Reg, amount: u32) {
        let amount = Shift5::masked(amount);
        if amount.bits() == 0 {
            return;
        }
        match op {
            AluOp::Lsh => self.asm.sll(d, d, amount),
            AluOp::Rsh => self.asm.srl(d, d, amount),
            _ => self.asm.sra(d, d, amount),
        }
    }
}
