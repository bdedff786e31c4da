// SPDX-License-Identifier: GPL-2.0

//! Byte swaps (RFC 9669 section 4.2).

use super::{Lowering, T6, T7, T8};
use crate::jit::abi::O32;
use crate::jit::bpf::{Reg as BpfReg, Size, Swap};
use crate::jit::mips::{Endian, Pair, Reg, Shift5, Uimm16};

impl Lowering<'_, O32> {
    /// `dst = swap(dst)`, of the low bytes; the others become zero
    pub(crate) fn swap(&mut self, dst: BpfReg, size: Size, kind: Swap) -> Option<()> {
        let d = self.pair(dst);
        let swaps = match kind {
            Swap::Always => true,
            Swap::ToLe => self.setting.cpu.endian == Endian::Big,
            Swap::ToBe => self.setting.cpu.endian == Endian::Little,
        };
        match (size, swaps) {
            (Size::Dw, true) => self.swap_doubleword(d),
            (Size::Dw, false) => {}
            (Size::W, true) => self.swap_word(d.lo, d.lo),
            (Size::W, false) => {}
            (_, true) => self.swap_half(d.lo),
            (_, false) if self.place.is_half => {}
            (_, false) => self.asm.andi(d.lo, d.lo, Uimm16::low_half(0xffff)),
        }
        if size != Size::Dw {
            // The 64-bit form is no 32-bit result to every verifier: older ones insert no extension.
            if kind == Swap::Always {
                self.clear_high_of(dst);
            } else {
                self.finish_word_of(dst);
            }
        }
        Some(())
    }

    /// The words change places, each swapped.
    fn swap_doubleword(&mut self, d: Pair) {
        let low = T6;
        self.swap_word(low, d.hi);
        self.swap_word(d.hi, d.lo);
        self.asm.copy(d.lo, low);
    }

    /// `rd = swap32(rs)`; without Release 2, byte by byte.
    fn swap_word(&mut self, rd: Reg, rs: Reg) {
        let byte = Shift5::masked(8);
        let three_bytes = Shift5::masked(24);
        if self.setting.cpu.has_r2() {
            self.asm.wsbh(rd, rs);
            self.asm.rotr(rd, rd, Shift5::masked(16));
            return;
        }
        let second_byte = Uimm16::low_half(0xff00);
        let (outer, inner) = (T7, T8);
        self.asm.sll(outer, rs, three_bytes);
        self.asm.srl(inner, rs, three_bytes);
        self.asm.or(outer, outer, inner);
        self.asm.andi(inner, rs, second_byte);
        self.asm.sll(inner, inner, byte);
        self.asm.or(outer, outer, inner);
        self.asm.srl(rd, rs, byte);
        self.asm.andi(rd, rd, second_byte);
        self.asm.or(rd, rd, outer);
    }

    /// `d = swap16(d)`, the rest of the word zeroed, if it is not zero already.
    fn swap_half(&mut self, d: Reg) {
        let byte = Shift5::masked(8);
        let half = Uimm16::low_half(0xffff);
        if self.setting.cpu.has_r2() {
            self.asm.wsbh(d, d);
            if !self.place.is_half {
                self.asm.andi(d, d, half);
            }
            return;
        }
        let low = T7;
        if !self.place.is_half {
            self.asm.andi(d, d, half);
        }
        self.asm.srl(low, d, byte);
        self.asm.sll(d, d, byte);
        self.asm.or(d, d, low);
        self.asm.andi(d, d, half);
    }
}
