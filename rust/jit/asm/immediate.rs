// SPDX-License-Identifier: GPL-2.0

//! Moves and constants: the shortest way to get a value into a register.
//!
//! On MIPS64, what loads a word leaves it sign-extended.

use super::Block;
use crate::jit::mips::{FieldPos, FieldSize, Insn, Reg, Shift5, Simm16, Uimm16};

impl Block {
    /// `rd = rs`, or nothing if they are the same register.
    pub(crate) fn copy(&mut self, rd: Reg, rs: Reg) {
        if rd != rs {
            self.copied = self.copied.with(rd);
            self.push(copy(rd, rs));
        }
    }

    /// `rd = rs`, all 64 bits.
    pub(crate) fn copy_doubleword(&mut self, rd: Reg, rs: Reg) {
        self.copied = self.copied.with(rd);
        self.or(rd, rs, Reg::ZERO);
    }

    /// `rd = 0`
    pub(crate) fn clear(&mut self, rd: Reg) {
        self.copied = self.copied.with(rd);
        self.push(copy(rd, Reg::ZERO));
    }

    /// `if (!condition) rd = rs`; Release 6 has no conditional move, and takes the temporary.
    pub(crate) fn copy_if_zero(&mut self, rd: Reg, rs: Reg, condition: Reg, temporary: Reg) {
        if !self.cpu.release.is_r6() {
            return self.movz(rd, rs, condition);
        }
        self.seleqz(temporary, rs, condition);
        self.selnez(rd, rd, condition);
        self.or(rd, rd, temporary);
    }

    /// `rd = word`, in one instruction where one can do it.
    pub(crate) fn load_word(&mut self, rd: Reg, word: u32) {
        let low = Uimm16::low_half(word);
        if word == 0 {
            self.clear(rd);
        } else if let Some(imm) = Simm16::new(word as i32) {
            self.addiu(rd, Reg::ZERO, imm);
        } else if let Some(imm) = Uimm16::new(word) {
            self.ori(rd, Reg::ZERO, imm);
        } else if low.value() == 0 {
            self.lui(rd, Uimm16::high_half(word));
        } else {
            self.load_word_fixed(rd, word);
        }
    }

    /// `rd = value`, in six instructions at most; for MIPS64.
    pub(crate) fn load_doubleword(&mut self, rd: Reg, value: u64) {
        let low = value as u32;
        let half = Shift5::masked(16);
        if value == i64::from(low as i32) as u64 {
            return self.load_word(rd, low);
        }
        if value == u64::from(low) {
            return self.load_unsigned_word(rd, low);
        }
        self.load_word(rd, (value >> 32) as u32);
        match (Uimm16::high_half(low), Uimm16::low_half(low)) {
            (Uimm16::ZERO, lower) => {
                self.dsll32(rd, rd, Shift5::masked(0));
                if lower != Uimm16::ZERO {
                    self.ori(rd, rd, lower);
                }
            }
            (upper, lower) => {
                self.dsll(rd, rd, half);
                self.ori(rd, rd, upper);
                self.dsll(rd, rd, half);
                if lower != Uimm16::ZERO {
                    self.ori(rd, rd, lower);
                }
            }
        }
    }

    /// `rd = (u64) word`, for a word that is negative as a signed one, which is how it would be
    /// loaded.
    fn load_unsigned_word(&mut self, rd: Reg, word: u32) {
        if self.cpu.has_r2() {
            self.load_word(rd, word);
            return self.field(rd, rd, FieldPos::masked(0), FieldSize::WORD);
        }
        if word == u32::MAX {
            self.addiu(rd, Reg::ZERO, Simm16::MINUS_ONE);
            return self.dsrl32(rd, rd, Shift5::masked(0));
        }
        let (upper, lower) = (Uimm16::high_half(word), Uimm16::low_half(word));
        self.ori(rd, Reg::ZERO, upper);
        self.dsll(rd, rd, Shift5::masked(16));
        if lower != Uimm16::ZERO {
            self.ori(rd, rd, lower);
        }
    }

    /// `rd` = the bit-field of the low word of `rs`, and zeros above; for MIPS64. Without Release
    /// 2, by shifting out at the left what is above the field, then at the right what is below.
    pub(crate) fn field(&mut self, rd: Reg, rs: Reg, pos: FieldPos, size: FieldSize) {
        if self.cpu.has_r2() {
            return self.dext(rd, rs, pos, size);
        }
        let outside = 31u32.wrapping_sub(size.bits());
        self.dsll32(rd, rs, Shift5::masked(outside.wrapping_sub(pos.bits())));
        self.dsrl32(rd, rd, Shift5::masked(outside));
    }

    /// `rd = word`, always in two instructions.
    pub(crate) fn load_word_fixed(&mut self, rd: Reg, word: u32) {
        self.lui(rd, Uimm16::high_half(word));
        self.ori(rd, rd, Uimm16::low_half(word));
    }
}

/// `rd = rs` as an instruction, for a delay slot.
pub(crate) fn copy(rd: Reg, rs: Reg) -> Insn {
    Insn::addu(rd, rs, Reg::ZERO)
}
