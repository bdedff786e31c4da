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
//! So no argument is further on than its register: moved in their order, none overwrites one that is still
//! to come.
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
use crate::jit::runtime::Value;

/// Bytes of a word.
const WORD: u32 = 4;

/// Registers of arguments.
const ARGUMENTS: [BpfReg; 5] = [BpfReg::R1, BpfReg::R2, BpfReg::R3, BpfReg::R4, BpfReg::R5];

impl Lowering<'_, O32> {
    /// `R0 = function(R1, R2, R3, R4, R5)`
    pub(crate) fn call_function(&mut self, slot: u32) -> Option<()> {
        let function = *self.setting.function(slot)?;
        let mut word = 0u32;
        for (reg, value) in ARGUMENTS.into_iter().zip(function.arguments) {
            let pair = self.pair(reg);
            match value.bytes {
                0 => {}
                8 => {
                    word = word.checked_next_multiple_of(2)?;
                    let (low, high) = self.setting.frame.map().word_offsets();
                    self.pass(word.wrapping_add(low / WORD), pair.lo)?;
                    self.pass(word.wrapping_add(high / WORD), pair.hi)?;
                    word = word.wrapping_add(2);
                }
                _ => {
                    self.pass_narrow(word, pair.lo, value)?;
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

    /// The same with a value of no more than a word, extended to one.
    fn pass_narrow(&mut self, word: u32, value: Reg, kind: Value) -> Option<()> {
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
