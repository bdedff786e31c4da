// SPDX-License-Identifier: GPL-2.0

//! Moves and constants: the shortest way to get a word into a register.

use super::Block;
use crate::jit::mips::{Insn, Reg, Simm16, Uimm16};

impl Block {
    /// `rd = rs`, or nothing if they are the same register.
    pub(crate) fn copy(&mut self, rd: Reg, rs: Reg) {
        if rd != rs {
            self.push(copy(rd, rs));
        }
    }

    /// `rd = 0`
    pub(crate) fn clear(&mut self, rd: Reg) {
        self.push(copy(rd, Reg::ZERO));
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
