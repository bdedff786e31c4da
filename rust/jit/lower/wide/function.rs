// SPDX-License-Identifier: GPL-2.0

//! Calls of kernel functions with C prototypes (kfuncs).
//!
//! Under n64 all arguments are in place, but C wants each as wide as its type is: an `int` or
//! an `unsigned int` sign-extended from 32 bits, a smaller one as its type says. So a result of
//! 32 bits comes, of which BPF has the high word clear.
//!
//! Source: MIPSpro N32 ABI Handbook, chapter 2.

use super::{Lowering, N64, T6};
use crate::jit::abi::{n64, ArgumentPlace};
use crate::jit::asm::Slot;
use crate::jit::bpf::Reg as BpfReg;
use crate::jit::lower::structure_offset;
use crate::jit::mips::{Reg, Shift5, Uimm16};
use crate::jit::runtime::{Value, REGISTER_ARGUMENTS};

/// How many arguments are in registers of BPF's.
const REGISTERS: u32 = ARGUMENTS.len() as u32;

/// Registers of arguments.
const ARGUMENTS: [BpfReg; REGISTER_ARGUMENTS] =
    [BpfReg::R1, BpfReg::R2, BpfReg::R3, BpfReg::R4, BpfReg::R5];

impl Lowering<'_, N64> {
    /// `R0 = function(R1, R2, R3, R4, R5, ...)`
    pub(crate) fn call_function(&mut self, slot: u32) -> Option<()> {
        let setting = self.setting;
        let function = setting.function(slot)?;
        // Not an open range, whose overflow would be a panic.
        for (index, value) in (0..u32::MAX).zip(function.arguments) {
            match self.argument(index)? {
                ArgumentPlace::Register(a) => {
                    if value == Value::default() && function.takes_stack_pointer {
                        self.copy(a, Reg::SP);
                        break;
                    }
                    self.pass(a, value);
                }
                ArgumentPlace::Stack(_) if !matches!(value.bytes, 1 | 2 | 4) => {}
                ArgumentPlace::Stack(at) => {
                    let at = structure_offset(at)?;
                    self.asm.ld(T6, at, Reg::SP);
                    self.pass(T6, value);
                    self.asm.sd(T6, at, Reg::SP);
                }
            }
        }
        self.asm.call_far(function.address, Slot::Nop);
        if matches!(function.result.bytes, 1..=4) {
            let r0 = self.reg(BpfReg::R0);
            self.unsigned_word(r0, r0);
        }
        Some(())
    }

    /// Where the argument with this index is.
    fn argument(&self, index: u32) -> Option<ArgumentPlace> {
        match ARGUMENTS.get(usize::try_from(index).ok()?) {
            Some(&reg) => Some(ArgumentPlace::Register(n64::register(reg))),
            None => self.setting.frame.passed(index.checked_sub(REGISTERS)?),
        }
    }

    /// Extends an argument as C wants it.
    fn pass(&mut self, a: Reg, value: Value) {
        let narrow = |bytes: u32| Shift5::masked(32u32.wrapping_sub(bytes.wrapping_mul(8)));
        match (value.bytes, value.signed) {
            (1, false) => self.asm.andi(a, a, Uimm16::low_half(0xff)),
            (2, false) => self.asm.andi(a, a, Uimm16::low_half(0xffff)),
            (bytes @ (1 | 2), true) => {
                self.asm.dsll32(a, a, narrow(bytes.into()));
                self.asm.dsra32(a, a, narrow(bytes.into()));
            }
            (4, _) => self.signed_word(a, a),
            _ => {}
        }
    }
}
