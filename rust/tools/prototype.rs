// SPDX-License-Identifier: GPL-2.0

//! C prototypes of kernel functions (kfuncs): as the model has what the core is told, and how n64 has
//! their values in registers.
//!
//! Source: MIPSpro N32 ABI Handbook, chapter 2.

use crate::jit::runtime::{Function, Value};
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

/// Bits of a register.
const REGISTER: u32 = 64;

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

/// A value of a C type in a register under n64: words are sign-extended whatever their type, what is
/// smaller as its type says. No bit of the register is left open.
pub(super) fn in_register<W: Word>(kind: Type, value: W) -> W {
    match kind.bits {
        32 => value.sign_extend(REGISTER),
        _ => kind.extend(value, REGISTER),
    }
}
