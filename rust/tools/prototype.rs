// SPDX-License-Identifier: GPL-2.0

//! C prototypes of kernel functions (kfuncs): as the model has what the core is told, and how n64 and o32
//! have their values in registers and, o32 alone, on the stack.
//!
//! Sources: MIPSpro N32 ABI Handbook, chapter 2; MIPS ABI supplement, chapter 3.

use crate::jit::runtime::{Function, Value, ARGUMENTS};
use crate::model::bpf::{Prototype, Type};
use crate::model::word::Word;

/// Every type of an argument, and of a result besides a pointer.
pub(super) const TYPES: [Value; 8] = [
    value(1, false),
    value(1, true),
    value(2, false),
    value(2, true),
    value(4, false),
    value(4, true),
    value(8, false),
    value(8, true),
];

/// A type.
pub(super) const fn value(bytes: u8, signed: bool) -> Value {
    Value { bytes, signed }
}

/// A C type as the core has it.
fn kind(value: Value) -> Option<Type> {
    (value.bytes > 0).then(|| Type {
        bits: u32::from(value.bytes) * 8,
        is_signed: value.signed,
    })
}

/// What a C function takes and gives.
pub(super) fn of(function: &Function) -> Prototype {
    Prototype {
        arguments: function.arguments.map(kind),
        result: kind(function.result),
    }
}

/// A value of a C type as registers of so many bits have it: words are sign-extended in wider ones
/// whatever their type, what is smaller than a word as its type says. No bit of a register is left open;
/// what is wider than one is in two.
pub(super) fn in_registers<W: Word>(kind: Type, value: W, register: u32) -> W {
    match kind.bits {
        32.. if kind.bits >= register => value,
        32 => value.sign_extend(register),
        _ => kind.extend(value, register),
    }
}

/// Where o32 has an argument: the number of its first word, and how many it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Where o32 has the arguments: words in a row, but that 64 bits begin at an even one.
pub(super) fn words(prototype: &Prototype) -> [Option<Words>; ARGUMENTS] {
    let mut next = 0;
    prototype.arguments.map(|kind| {
        let count = match kind?.bits {
            64 => 2,
            _ => 1,
        };
        let first = match count {
            2 => next + next % 2,
            _ => next,
        };
        next = first + count;
        Some(Words { first, count })
    })
}
