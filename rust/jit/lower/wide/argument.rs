// SPDX-License-Identifier: GPL-2.0

//! Arguments that are in no BPF register: the first ones are in native registers, the others on the stack.

use super::{Lowering, N64, T6};
use crate::jit::abi::ArgumentPlace;
use crate::jit::bpf::{Operand, Reg as BpfReg};
use crate::jit::lower::structure_offset;
use crate::jit::mips::Reg;

impl Lowering<'_, N64> {
    /// `*(u64 *) (r11 - 8 * (index + 1)) = src`
    pub(crate) fn store_argument(&mut self, index: u32, src: Operand) -> Option<()> {
        let place = self.setting.frame.passed(index)?;
        let temporary = match place {
            ArgumentPlace::Register(reg) => reg,
            ArgumentPlace::Stack(_) => T6,
        };
        let s = match src {
            Operand::Reg(src) => self.reg(src),
            Operand::Imm(imm) => self.immediate_in(temporary, imm),
        };
        match place {
            ArgumentPlace::Register(reg) => self.copy(reg, s),
            ArgumentPlace::Stack(at) => self.asm.sd(s, structure_offset(at)?, Reg::SP),
        }
        Some(())
    }

    /// `dst = *(u64 *) (r11 + 8 * (index + 1))`
    pub(crate) fn load_argument(&mut self, dst: BpfReg, index: u32) -> Option<()> {
        let d = self.reg(dst);
        match self.setting.frame.taken(index)? {
            ArgumentPlace::Register(reg) => self.copy(d, reg),
            ArgumentPlace::Stack(at) => self.asm.ld(d, structure_offset(at)?, Reg::SP),
        }
        Some(())
    }
}
