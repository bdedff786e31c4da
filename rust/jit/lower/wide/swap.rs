// SPDX-License-Identifier: GPL-2.0

//! Byte swaps (RFC 9669 section 4.2): DSBH swaps the bytes of each halfword, DSHD the halfwords of
//! the doubleword.

use super::{Lowering, N64};
use crate::jit::bpf::{Reg as BpfReg, Size, Swap};
use crate::jit::mips::{Endian, Reg, Shift5, Uimm16};

impl Lowering<'_, N64> {
    /// `dst = swap(dst)`, of the low bytes; the others become zero
    pub(crate) fn swap(&mut self, dst: BpfReg, size: Size, kind: Swap) -> Option<()> {
        let d = self.reg(dst);
        let swaps = match kind {
            Swap::Always => true,
            Swap::ToLe => self.setting.cpu.endian == Endian::Big,
            Swap::ToBe => self.setting.cpu.endian == Endian::Little,
        };
        match (size, swaps) {
            (Size::Dw, true) => self.swap_doubleword(d),
            (Size::Dw, false) => {}
            (Size::W, true) => {
                self.swap_doubleword(d);
                self.asm.dsrl32(d, d, Shift5::masked(0));
            }
            (Size::W, false) => self.finish_word(d),
            (_, swaps) => {
                if swaps {
                    self.asm.dsbh(d, d);
                }
                self.asm.andi(d, d, Uimm16::low_half(0xffff));
            }
        }
        Some(())
    }

    fn swap_doubleword(&mut self, d: Reg) {
        self.asm.dsbh(d, d);
        self.asm.dshd(d, d);
    }
}
