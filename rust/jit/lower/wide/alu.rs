// SPDX-License-Identifier: GPL-2.0

//! Arithmetic: which lowering does which operation, and moves.

use super::{Lowering, N64};
use crate::jit::bpf::{AluOp, Operand, Reg as BpfReg, Size, Width};
use crate::jit::mips::{Reg, Shift5};

impl Lowering<'_, N64> {
    /// `dst = dst op src`
    pub(crate) fn alu(&mut self, width: Width, op: AluOp, dst: BpfReg, src: Operand) -> Option<()> {
        let d = self.reg(dst);
        match (width, src) {
            (Width::W32, Operand::Imm(imm)) => self.alu32_imm(op, d, imm)?,
            (Width::W32, Operand::Reg(src)) => {
                let s = self.reg(src);
                self.alu32_reg(op, d, s);
            }
            (Width::W64, Operand::Imm(imm)) => self.alu64_imm(op, d, imm)?,
            (Width::W64, Operand::Reg(src)) => {
                let s = self.reg(src);
                self.alu64_reg(op, d, s);
            }
        }
        Some(())
    }

    /// `dst = -dst`
    pub(crate) fn neg(&mut self, width: Width, dst: BpfReg) -> Option<()> {
        let d = self.reg(dst);
        self.asm.dsubu(d, Reg::ZERO, d);
        if width == Width::W32 {
            self.finish_word(d);
        }
        Some(())
    }

    /// `dst = src`
    pub(crate) fn mov(&mut self, width: Width, dst: BpfReg, src: Operand) -> Option<()> {
        let d = self.reg(dst);
        match (width, src) {
            (Width::W32, Operand::Imm(imm)) => self.load_word(d, imm),
            (Width::W64, Operand::Imm(imm)) => self.asm.load_word(d, imm as u32),
            (Width::W32, Operand::Reg(src)) if self.setting.zero_extends => {
                let s = self.reg(src);
                self.unsigned_word(d, s);
            }
            (_, Operand::Reg(src)) => {
                let s = self.reg(src);
                self.copy(d, s);
            }
        }
        Some(())
    }

    /// `d = (u32) imm`, or another value with that low word, if only that counts.
    pub(super) fn load_word(&mut self, d: Reg, imm: i32) {
        if self.setting.zero_extends {
            self.asm.load_doubleword(d, u64::from(imm as u32));
        } else {
            self.asm.load_word(d, imm as u32);
        }
    }

    /// `dst = (s8, s16 or s32) src`. The shifts work on words: their result is sign-extended.
    pub(crate) fn mov_sx(
        &mut self,
        width: Width,
        dst: BpfReg,
        src: BpfReg,
        from: Size,
    ) -> Option<()> {
        let d = self.reg(dst);
        let s = self.reg(src);
        let above = match from {
            Size::B => Shift5::masked(24),
            Size::H => Shift5::masked(16),
            Size::W | Size::Dw => Shift5::masked(0),
        };
        self.asm.sll(d, s, above);
        if above != Shift5::masked(0) {
            self.asm.sra(d, d, above);
        }
        if width == Width::W32 {
            self.finish_word(d);
        }
        Some(())
    }

    /// `dst = (u32) dst`
    pub(crate) fn zero_extend(&mut self, dst: BpfReg) -> Option<()> {
        let d = self.reg(dst);
        self.unsigned_word(d, d);
        Some(())
    }

    /// `dst = value`
    pub(crate) fn load_imm64(&mut self, dst: BpfReg, value: u64) -> Option<()> {
        let d = self.reg(dst);
        self.asm.load_doubleword(d, value);
        Some(())
    }
}
