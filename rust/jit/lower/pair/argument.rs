// SPDX-License-Identifier: GPL-2.0

//! Arguments that are in no BPF register: all are on the stack, as doublewords.

use super::Lowering;
use crate::jit::abi::{ArgumentPlace, O32};
use crate::jit::bpf::{Operand, Reg as BpfReg};
use crate::jit::mips::{Reg, Simm16};

impl Lowering<'_, O32> {
    /// `*(u64 *) (r11 - 8 * (index + 1)) = src`
    pub(crate) fn store_argument(&mut self, index: u32, src: Operand) -> Option<()> {
        let (low, high) = self.argument_words(self.setting.frame.passed(index)?)?;
        let s = match src {
            Operand::Reg(src) => self.source(src),
            Operand::Imm(imm) => self.sign_extended(imm),
        };
        self.asm.sw(s.lo, low, Reg::SP);
        self.asm.sw(s.hi, high, Reg::SP);
        Some(())
    }

    /// `dst = *(u64 *) (r11 + 8 * (index + 1))`
    pub(crate) fn load_argument(&mut self, dst: BpfReg, index: u32) -> Option<()> {
        let (low, high) = self.argument_words(self.setting.frame.taken(index)?)?;
        let d = self.pair(dst);
        if self.wants_low() {
            self.asm.lw(d.lo, low, Reg::SP);
        }
        if self.wants_high() {
            self.asm.lw(d.hi, high, Reg::SP);
        }
        Some(())
    }

    /// Offsets from sp of the low and the high word.
    pub(super) fn argument_words(&self, place: ArgumentPlace) -> Option<(Simm16, Simm16)> {
        match place {
            ArgumentPlace::Stack(at) => self.setting.frame.words(at),
            ArgumentPlace::Register(_) => None,
        }
    }
}
