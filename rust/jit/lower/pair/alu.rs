// SPDX-License-Identifier: GPL-2.0

//! Arithmetic: which lowering does which operation, and moves.

use super::{Lowering, T9};
use crate::jit::abi::O32;
use crate::jit::bpf::{AluOp, Operand, Reg as BpfReg, Size, Width};
use crate::jit::mips::{Pair, Reg, Shift5, Simm16};

impl Lowering<'_, O32> {
    /// `dst = dst op src`
    pub(crate) fn alu(&mut self, width: Width, op: AluOp, dst: BpfReg, src: Operand) -> Option<()> {
        let d = self.pair(dst);
        match (width, src) {
            (Width::W32, Operand::Imm(imm)) => {
                self.alu32_imm(op, dst, imm)?;
                self.finish_word_of(dst);
            }
            (Width::W32, Operand::Reg(src)) => {
                let s = self.pair(src);
                self.alu32_reg(op, d.lo, s.lo);
                self.finish_word_of(dst);
            }
            (Width::W64, Operand::Imm(imm)) => match (op, self.place.distance) {
                (AluOp::Add | AluOp::Sub, Some(distance)) => {
                    let frame_pointer = self.pair(BpfReg::R10).lo;
                    self.asm
                        .addiu(d.lo, frame_pointer, Simm16::new(distance.offset())?);
                    self.clear_high(d);
                }
                (AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor, _) => {
                    self.alu64_imm(op, dst, imm);
                }
                (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, _) => {
                    self.shift64_imm(op, dst, imm as u32 & 63)?;
                }
                (AluOp::Mul, _) => self.mul64_imm(dst, imm)?,
                (AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod, _) => {
                    self.div64_imm(op, dst, imm)?;
                }
            },
            (Width::W64, Operand::Reg(src)) => match op {
                AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => {
                    self.alu64_reg(op, dst, src);
                }
                AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => {
                    let s = self.pair(src);
                    self.shift64_reg(op, dst, s.lo);
                }
                AluOp::Mul => self.mul64_reg(dst, src),
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
                self.finish_word_of(dst);
            }
            Width::W64 => self.neg64(dst),
        }
        Some(())
    }

    /// `-d`: the low word borrows from the high one unless it is zero.
    pub(super) fn neg64(&mut self, dst: BpfReg) {
        let (d, high) = (self.pair(dst), self.source(dst).hi);
        if !self.wants_high() {
            return self.asm.subu(d.lo, Reg::ZERO, d.lo);
        }
        let borrow = T9;
        self.asm.sltu(borrow, Reg::ZERO, d.lo);
        self.asm.subu(d.lo, Reg::ZERO, d.lo);
        self.subtract_high(d.hi, Reg::ZERO, high, borrow);
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
                if src == dst {
                    self.finish_word_of(dst);
                } else {
                    self.finish_word(d);
                }
            }
            (Width::W64, Operand::Imm(imm)) => self.load_constant(d, i64::from(imm) as u64),
            (Width::W64, Operand::Reg(src)) if src == dst => {}
            (Width::W64, Operand::Reg(src)) => {
                let s = self.source(src);
                if self.wants_low() {
                    self.asm.copy(d.lo, s.lo);
                }
                if self.wants_high() {
                    self.asm.copy(d.hi, s.hi);
                }
            }
        }
        Some(())
    }

    /// `d = value`, a result
    fn load_constant(&mut self, d: Pair, value: u64) {
        if self.wants_low() {
            self.asm.load_word(d.lo, value as u32);
        }
        if self.wants_high() {
            self.asm.load_word(d.hi, (value >> 32) as u32);
        }
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
            Width::W32 if src == dst => self.finish_word_of(dst),
            Width::W32 => self.finish_word(d),
            Width::W64 => self.extend_sign(d),
        }
        Some(())
    }

    /// `d.hi = d.lo s>> 31`, if somebody reads it.
    pub(super) fn extend_sign(&mut self, d: Pair) {
        if self.wants_high() {
            self.asm.sra(d.hi, d.lo, Shift5::masked(31));
        }
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
        self.clear_high_of(dst);
        Some(())
    }

    /// `dst = value`
    pub(crate) fn load_imm64(&mut self, dst: BpfReg, value: u64) -> Option<()> {
        self.load_constant(self.pair(dst), value);
        Some(())
    }
}
