// SPDX-License-Identifier: GPL-2.0

//! Values as C has them, and as programs see them: of the arguments of a trampoline, and of the results of
//! what it calls.
//!
//! Sources: MIPS ABI supplement, chapter 3; MIPSpro N32 ABI Handbook, chapter 2.

use std::collections::BTreeMap;

use super::super::convention::{A0, V0};
use super::super::scene::Machine;
use super::super::space::frame_doubleword;
use super::shape::Shape;
use crate::jit::runtime::Value;
use crate::jit::trampoline::Target;
use crate::model::bpf::memory::ByteOrder;
use crate::model::term::Term;
use crate::model::word::Word;

/// Words and doublewords of arguments in registers.
const WORDS_IN_REGISTERS: usize = 4;
const DOUBLEWORDS_IN_REGISTERS: usize = 8;

/// More than any function's arguments take of its caller's frame.
const STACKED: i32 = 128;

/// Bits of a doubleword.
const DOUBLEWORD: u32 = 64;

/// A value of a type, of which the low bits of a register count.
fn extend(value: Value, register: Term, width: u32) -> Term {
    let bits = u32::from(value.bytes) * 8;
    let low = register.low(bits);
    match value.signed {
        true => low.sign_extend(width),
        false => low.zero_extend(width),
    }
}

/// A word that a function returns, as a register has it.
pub(super) fn in_register(machine: &Machine, word: Term) -> Term {
    word.sign_extend(machine.gprlen())
}

/// What a caller has put above the frame.
pub(super) fn callers_frame(machine: &Machine, shape: &Shape) -> BTreeMap<i32, Term> {
    let bytes = match (shape.target, machine.is_wide()) {
        (Target::Callback, _) => STACKED,
        (_, true) => 0,
        // The count of tail calls.
        (_, false) => 4,
    };
    let places = (0..bytes).step_by(4);
    places
        .map(|place| (place, Term::variable(32, format!("caller[{place}]"))))
        .collect()
}

/// The doublewords of arguments as programs see them: those of a function in BPF's registers as they are,
/// those of C as their types say, whatever else is in a register.
pub(super) fn arguments(
    machine: &Machine,
    shape: &Shape,
    gpr: &[Term; 32],
    frame: &BTreeMap<i32, Term>,
) -> Option<Vec<Term>> {
    if shape.target != Target::Callback {
        let registers = 1..=shape.slots();
        return Some(registers.map(|number| machine.value(gpr, number)).collect());
    }
    match machine.is_wide() {
        true => wide(machine.order(), &shape.arguments, gpr, frame),
        false => narrow(machine.order(), &shape.arguments, gpr, frame),
    }
}

/// n64: each argument has a doubleword, or two if it is a structure of 16 bytes; eight are in registers.
fn wide(
    order: ByteOrder,
    values: &[Value],
    gpr: &[Term; 32],
    frame: &BTreeMap<i32, Term>,
) -> Option<Vec<Term>> {
    let mut next = 0;
    let mut take = || {
        let number = next;
        next += 1;
        match number {
            0..DOUBLEWORDS_IN_REGISTERS => Some(gpr[A0 + number]),
            _ => {
                let place = 8 * (number - DOUBLEWORDS_IN_REGISTERS) as i32;
                frame_doubleword(order, frame, place)
            }
        }
    };
    let mut found = Vec::new();
    for &value in values {
        match value.bytes {
            8 => found.push(take()?),
            16 => found.extend([take()?, take()?]),
            _ => found.push(extend(value, take()?, DOUBLEWORD)),
        }
    }
    Some(found)
}

/// o32: words in a row, but that 64 bits begin at an even one, and are in memory order; four words are in
/// registers, for which there is room on the stack.
fn narrow(
    order: ByteOrder,
    values: &[Value],
    gpr: &[Term; 32],
    frame: &BTreeMap<i32, Term>,
) -> Option<Vec<Term>> {
    let word = |number: usize| match number {
        0..WORDS_IN_REGISTERS => Some(gpr[A0 + number]),
        _ => frame.get(&(4 * number as i32)).copied(),
    };
    let mut next = 0;
    let mut found = Vec::new();
    for &value in values {
        if value.bytes != 8 {
            found.push(extend(value, word(next)?, DOUBLEWORD));
            next += 1;
            continue;
        }
        next += next % 2;
        let (first, second) = (word(next)?, word(next + 1)?);
        found.push(match order {
            ByteOrder::Little => second.concat(first),
            ByteOrder::Big => first.concat(second),
        });
        next += 2;
    }
    Some(found)
}

/// The result of a function as programs behind it see it. A program returns a word, and so does an
/// extension; a function all of R0, of which its type may say that less counts.
pub(super) fn shown(machine: &Machine, shape: &Shape, gpr: &[Term; 32]) -> Term {
    let is_word = shape.target == Target::Main;
    let low = match is_word {
        true => gpr[V0].low(32),
        false => machine.value(gpr, 0).low(32),
    };
    match shape.result.bytes {
        1 | 2 | 4 => extend(shape.result, low, DOUBLEWORD),
        _ if is_word => low.zero_extend(DOUBLEWORD),
        _ => machine.value(gpr, 0),
    }
}

/// Whether C gets the result that it must get: what the program has returned, as the type says.
pub(super) fn is_returned(
    machine: &Machine,
    value: Value,
    result: Term,
    gpr: &[Term; 32],
) -> Option<Term> {
    let gprlen = machine.gprlen();
    Some(match value.bytes {
        0 => return None,
        8 => machine.value(gpr, 0).equals(result),
        // Words are sign-extended in registers, whatever their type.
        4 => gpr[V0].equals(result.low(32).sign_extend(gprlen)),
        _ => gpr[V0].equals(extend(value, result, gprlen)),
    })
}
