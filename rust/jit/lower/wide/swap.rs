// SPDX-License-Identifier: GPL-2.0

//! Byte swaps (RFC 9669 section 4.2): DSBH swaps the bytes of each halfword, DSHD the halfwords of
//! the doubleword. Release 1 has neither.

use super::{Lowering, N64, T6, T7};
use crate::jit::bpf::{Reg as BpfReg, Size, Swap};
use crate::jit::mips::{Endian, Reg, Shift5, Uimm16};

const BYTE: Shift5 = Shift5::masked(8);
const HALF: Shift5 = Shift5::masked(16);
const THREE_BYTES: Shift5 = Shift5::masked(24);

/// Shifts by a word and so much more have instructions of their own.
const NONE: Shift5 = Shift5::masked(0);

const LOW_BYTE: Uimm16 = Uimm16::low_half(0xff);
const SECOND_BYTE: Uimm16 = Uimm16::low_half(0xff00);
const LOW_HALF: Uimm16 = Uimm16::low_half(0xffff);

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
            (Size::W, true) => self.swap_word(d),
            (Size::W, false) => self.finish_word(d),
            (_, true) => self.swap_half(d),
            (_, false) => self.asm.andi(d, d, LOW_HALF),
        }
        Some(())
    }

    /// `d = swap64(d)`
    fn swap_doubleword(&mut self, d: Reg) {
        if self.setting.cpu.has_r2() {
            self.asm.dsbh(d, d);
            self.asm.dshd(d, d);
            return;
        }
        self.swap_bytes_of_halves(d);
        self.reverse_halves(d);
    }

    /// What DSBH does: `d = (d & mask) << 8 | d >> 8 & mask`, with a mask of every other byte.
    fn swap_bytes_of_halves(&mut self, d: Reg) {
        let (mask, part) = (T6, T7);
        self.asm.lui(mask, LOW_BYTE);
        self.asm.ori(mask, mask, LOW_BYTE);
        self.asm.dsll32(part, mask, NONE);
        self.asm.or(mask, mask, part);
        self.asm.dsrl(part, d, BYTE);
        self.asm.and(part, part, mask);
        self.asm.and(d, d, mask);
        self.asm.dsll(d, d, BYTE);
        self.asm.or(d, d, part);
    }

    /// What DSHD does: the outer halfwords lose their neighbours in a shift, the inner ones by
    /// a mask.
    fn reverse_halves(&mut self, d: Reg) {
        let (sum, part) = (T6, T7);
        self.asm.dsll32(sum, d, HALF);
        self.asm.dsrl32(part, d, HALF);
        self.asm.or(sum, sum, part);
        self.asm.dsrl(part, d, HALF);
        self.asm.andi(part, part, LOW_HALF);
        self.asm.dsll32(part, part, NONE);
        self.asm.or(sum, sum, part);
        self.asm.dsrl32(d, d, NONE);
        self.asm.andi(d, d, LOW_HALF);
        self.asm.dsll(d, d, HALF);
        self.asm.or(d, d, sum);
    }

    /// `d = swap32(d)`; without Release 2, byte by byte.
    fn swap_word(&mut self, d: Reg) {
        if self.setting.cpu.has_r2() {
            self.asm.dsbh(d, d);
            self.asm.dshd(d, d);
            self.asm.dsrl32(d, d, NONE);
            return;
        }
        let (sum, part) = (T6, T7);
        self.asm.andi(sum, d, LOW_BYTE);
        self.asm.dsll(sum, sum, THREE_BYTES);
        self.asm.andi(part, d, SECOND_BYTE);
        self.asm.dsll(part, part, BYTE);
        self.asm.or(sum, sum, part);
        self.asm.dsrl(part, d, BYTE);
        self.asm.andi(part, part, SECOND_BYTE);
        self.asm.or(sum, sum, part);
        self.asm.dsrl(d, d, THREE_BYTES);
        self.asm.andi(d, d, LOW_BYTE);
        self.asm.or(d, d, sum);
    }

    /// `d = swap16(d)`
    fn swap_half(&mut self, d: Reg) {
        if self.setting.cpu.has_r2() {
            self.asm.dsbh(d, d);
            self.asm.andi(d, d, LOW_HALF);
            return;
        }
        let high = T6;
        self.asm.andi(high, d, LOW_BYTE);
        self.asm.dsll(high, high, BYTE);
        self.asm.dsrl(d, d, BYTE);
        self.asm.andi(d, d, LOW_BYTE);
        self.asm.or(d, d, high);
    }
}
