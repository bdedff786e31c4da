// SPDX-License-Identifier: GPL-2.0

//! Arithmetic: which lowering does which operation, and moves.

use super::{log2, sign_word, Lowering, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::{AluOp, Operand, Reg as BpfReg, Size, Width};
use crate::jit::mips::{Pair, Reg, Shift5};

impl Lowering<'_, O32> {
    /// `dst = dst op src`
    pub(crate) fn alu(&mut self, width: Width, op: AluOp, dst: BpfReg, src: Operand) -> Option<()> {
        let d = self.pair(dst);
        match (width, src) {
            (Width::W32, Operand::Imm(imm)) => {
                self.alu32_imm(op, d.lo, imm)?;
                self.finish_word(d);
            }
            (Width::W32, Operand::Reg(src)) => {
                let s = self.pair(src);
                self.alu32_reg(op, d.lo, s.lo);
                self.finish_word(d);
            }
            (Width::W64, Operand::Imm(imm)) => match op {
                AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => {
                    self.alu64_imm(op, d, imm);
                }
                AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
                    self.shift64_imm(op, d, imm as u32 & 63)?;
                }
                AluOp::Mul => self.mul64_imm(d, imm)?,
                AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                    self.div64_imm(op, dst, imm)?;
                }
            },
            (Width::W64, Operand::Reg(src)) => match op {
                AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => {
                    let s = self.pair(src);
                    self.alu64_reg(op, d, s);
                }
                AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
                    let s = self.pair(src);
                    self.shift64_reg(op, d, s.lo);
                }
                AluOp::Mul => {
                    let s = self.pair(src);
                    self.mul64_reg(d, s);
                }
                AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => {
                    self.div64_reg(op, dst, src)?;
                }
            },
        }
        Some(())
    }

    /// `dst = -dst`
    pub(crate) fn neg(&mut self, width: Width, dst: BpfReg) -> Option<()> {
        let d = self.pair(dst);
        match width {
            Width::W32 => {
                self.asm.subu(d.lo, Reg::ZERO, d.lo);
                self.finish_word(d);
            }
            Width::W64 => self.neg64(d),
        }
        Some(())
    }

    /// `-d`: the low word borrows from the high one unless it is zero.
    pub(super) fn neg64(&mut self, d: Pair) {
        let borrow = T9;
        self.asm.sltu(borrow, Reg::ZERO, d.lo);
        self.asm.subu(d.lo, Reg::ZERO, d.lo);
        self.asm.subu(d.hi, Reg::ZERO, d.hi);
        self.asm.subu(d.hi, d.hi, borrow);
    }

    /// `dst = src`
    pub(crate) fn mov(&mut self, width: Width, dst: BpfReg, src: Operand) -> Option<()> {
        let d = self.pair(dst);
        match (width, src) {
            (Width::W32, Operand::Imm(imm)) => {
                self.asm.load_word(d.lo, imm as u32);
                self.finish_word(d);
            }
            (Width::W32, Operand::Reg(src)) => {
                let s = self.pair(src);
                self.asm.copy(d.lo, s.lo);
                self.finish_word(d);
            }
            (Width::W64, Operand::Imm(imm)) => {
                self.asm.load_word(d.lo, imm as u32);
                self.asm.load_word(d.hi, sign_word(imm));
            }
            (Width::W64, Operand::Reg(src)) => {
                let s = self.pair(src);
                self.copy_pair(d, s);
            }
        }
        Some(())
    }

    /// `dst = (s8, s16 or s32) src`
    pub(crate) fn mov_sx(
        &mut self,
        width: Width,
        dst: BpfReg,
        src: BpfReg,
        from: Size,
    ) -> Option<()> {
        let d = self.pair(dst);
        let s = self.pair(src);
        match from {
            Size::B => self.sign_extend_byte(d.lo, s.lo),
            Size::H => self.sign_extend_half(d.lo, s.lo),
            Size::W | Size::Dw => self.asm.copy(d.lo, s.lo),
        }
        match width {
            Width::W32 => self.finish_word(d),
            Width::W64 => self.asm.sra(d.hi, d.lo, Shift5::masked(31)),
        }
        Some(())
    }

    pub(super) fn sign_extend_byte(&mut self, rd: Reg, rs: Reg) {
        if self.setting.cpu.has_r2() {
            self.asm.seb(rd, rs);
        } else {
            let amount = Shift5::masked(24);
            self.asm.sll(rd, rs, amount);
            self.asm.sra(rd, rd, amount);
        }
    }

    pub(super) fn sign_extend_half(&mut self, rd: Reg, rs: Reg) {
        if self.setting.cpu.has_r2() {
            self.asm.seh(rd, rs);
        } else {
            let amount = Shift5::masked(16);
            self.asm.sll(rd, rs, amount);
            self.asm.sra(rd, rd, amount);
        }
    }

    /// `dst = (u32) dst`
    pub(crate) fn zero_extend(&mut self, dst: BpfReg) -> Option<()> {
        let d = self.pair(dst);
        self.asm.clear(d.hi);
        Some(())
    }

    /// `dst = value`
    pub(crate) fn load_imm64(&mut self, dst: BpfReg, value: u64) -> Option<()> {
        let d = self.pair(dst);
        self.asm.load_word(d.lo, value as u32);
        self.asm.load_word(d.hi, (value >> 32) as u32);
        Some(())
    }

    /// Multiplication and division by immediates that need neither: true if `d = d op imm` is
    /// done, a word or a pair according to `width`.
    pub(super) fn simple_muldiv(
        &mut self,
        width: Width,
        op: AluOp,
        d: Pair,
        imm: i32,
    ) -> Option<bool> {
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
            Width::W64 if negates => self.neg64(d),
            _ => return self.power_of_two(width, op, d, imm),
        }
        Some(true)
    }

    /// Multiplication and unsigned division by a power of two are shifts, the remainder a mask.
    fn power_of_two(&mut self, width: Width, op: AluOp, d: Pair, imm: i32) -> Option<bool> {
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
            (AluOp::Mul, Width::W64) => self.shift64_imm(AluOp::Lsh, d, amount)?,
            (AluOp::Div, Width::W64) => self.shift64_imm(AluOp::Rsh, d, amount)?,
            (AluOp::Mod, Width::W64) => self.alu64_imm(AluOp::And, d, mask),
            _ => return Some(false),
        }
        Some(true)
    }
}
