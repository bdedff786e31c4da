// SPDX-License-Identifier: GPL-2.0

//! Calls of kernel functions with C prototypes (kfuncs).
//!
//! Under o32 arguments are words: four in `$a0` to `$a3`, the others on the stack, from behind the home
//! area up. An argument of 64 bits begins at an even word and is in memory order, as a BPF register is;
//! of any other, C wants the low word alone, and one of less than a word extended as its type says.
//!
//! ```text
//! f(u32, u64, u8, u64)      R1       R2       R3       R4
//! BPF has                a0 a1    a2 a3    t0 t1    t2 t3
//! C wants                a0 --    a2 a3    16 --    24 28      (sp)
//! ```
//!
//! So no argument is further on than its register, nor those beyond five than where BPF has them, which is
//! where they would be if all had 64 bits: moved in their order, none overwrites one that is still to come.
//!
//! A `long` is a word here, but a doubleword to a program, which compares all of R0 with zero to find an
//! error number. So a signed result is extended with its sign.
//!
//! Source: MIPS ABI supplement, chapter 3.

use super::{Lowering, T8};
use crate::jit::abi::{o32, O32};
use crate::jit::asm::Slot;
use crate::jit::bpf::Reg as BpfReg;
use crate::jit::mips::{Reg, Shift5, Uimm16};
use crate::jit::runtime::{Value, REGISTER_ARGUMENTS};

/// Bytes of a word.
const WORD: u32 = 4;

/// How many arguments are in registers.
const REGISTERS: u32 = ARGUMENTS.len() as u32;

/// Registers of arguments.
const ARGUMENTS: [BpfReg; REGISTER_ARGUMENTS] =
    [BpfReg::R1, BpfReg::R2, BpfReg::R3, BpfReg::R4, BpfReg::R5];

impl Lowering<'_, O32> {
    /// `R0 = function(R1, R2, R3, R4, R5, ...)`
    pub(crate) fn call_function(&mut self, slot: u32) -> Option<()> {
        let setting = self.setting;
        let function = setting.function(slot)?;
        let mut word = 0u32;
        // Not an open range, whose overflow would be a panic.
        for (index, value) in (0..u32::MAX).zip(function.arguments) {
            match value.bytes {
                0 => {}
                8 => {
                    word = word.checked_next_multiple_of(2)?;
                    self.pass_doubleword(word, index)?;
                    word = word.wrapping_add(2);
                }
                _ => {
                    self.pass_narrow(word, index, value)?;
                    word = word.wrapping_add(1);
                }
            }
        }
        if function.takes_stack_pointer {
            self.pass(word, Reg::SP)?;
        }
        self.asm.call(function.address as u32, Slot::Nop);
        if matches!(function.result.bytes, 1..=4) {
            let r0 = self.pair(BpfReg::R0);
            self.asm.copy(r0.lo, o32::WORD_RESULT);
            if function.result.signed {
                self.asm.sra(r0.hi, r0.lo, Shift5::masked(31));
            } else {
                self.asm.clear(r0.hi);
            }
        }
        Some(())
    }

    /// Puts a word where C wants the one with this number.
    fn pass(&mut self, word: u32, value: Reg) -> Option<()> {
        match o32::word_argument(word) {
            Some(reg) => self.asm.copy(reg, value),
            None => {
                let at = self.setting.frame.word_argument(word)?;
                self.asm.sw(value, at, Reg::SP);
            }
        }
        Some(())
    }

    /// Puts the argument with this index into two words.
    fn pass_doubleword(&mut self, word: u32, index: u32) -> Option<()> {
        let frame = self.setting.frame;
        if let Some(&reg) = ARGUMENTS.get(usize::try_from(index).ok()?) {
            let pair = self.pair(reg);
            let (low, high) = frame.map().word_offsets();
            self.pass(word.wrapping_add(low / WORD), pair.lo)?;
            return self.pass(word.wrapping_add(high / WORD), pair.hi);
        }
        let from = self.argument_words(frame.passed(index.checked_sub(REGISTERS)?)?)?;
        let to = frame.words(word.checked_mul(WORD)?)?;
        if from != to {
            for (from, to) in [(from.0, to.0), (from.1, to.1)] {
                self.asm.lw(T8, from, Reg::SP);
                self.asm.sw(T8, to, Reg::SP);
            }
        }
        Some(())
    }

    /// Puts one of no more than a word into one, extended to it.
    fn pass_narrow(&mut self, word: u32, index: u32, kind: Value) -> Option<()> {
        let value = match ARGUMENTS.get(usize::try_from(index).ok()?) {
            Some(&reg) => self.pair(reg).lo,
            None => {
                let place = self.setting.frame.passed(index.checked_sub(REGISTERS)?)?;
                let (low, _) = self.argument_words(place)?;
                let is_there = self.setting.frame.word_argument(word)? == low;
                if kind.bytes == 4 && is_there {
                    return Some(());
                }
                self.asm.lw(T8, low, Reg::SP);
                T8
            }
        };
        let extended = o32::word_argument(word).unwrap_or(T8);
        match (kind.bytes, kind.signed) {
            (1, false) => self.asm.andi(extended, value, Uimm16::low_half(0xff)),
            (1, true) => self.sign_extend_byte(extended, value),
            (2, false) => self.asm.andi(extended, value, Uimm16::low_half(0xffff)),
            (2, true) => self.sign_extend_half(extended, value),
            _ => return self.pass(word, value),
        }
        self.pass(word, extended)
    }
}
