// SPDX-License-Identifier: GPL-2.0

//! What can be guessed of a class: conditions that its numbers meet, and functions of them that its
//! fields are. Written over any word: evaluated for samples, assumed of terms.

use crate::host::RUNTIME;
use crate::model::word::Word;

/// Bytes from a function's entry for C code to that for its program, under o32.
const SUBPROGRAM_ENTRY: u32 = 24;

/// The quantities that code depends on, each a word.
pub(super) fn quantities<W: Word>(immediate: W, offset: W, second: W) -> Vec<W> {
    let number = |value: u32| W::new(32, u64::from(value));
    vec![
        immediate,
        -immediate,
        immediate + number(1),
        number(RUNTIME.call_base) + immediate,
        offset,
        offset + number(4),
        second,
        number(32) - immediate,
        -(immediate + number(1)),
        number(RUNTIME.call_base + SUBPROGRAM_ENTRY) + immediate,
    ]
}

/// How many conditions there are on each quantity.
pub(super) const CONDITIONS_EACH: usize = 5;

/// Which of the quantities is the offset.
pub(super) const OFFSET: usize = 4;

/// Which of the quantities is the immediate of the second slot.
const SECOND: usize = 6;

/// Conditions on the quantities, one bit each: first those on each, then some on the immediate, and
/// last whether the offset fits the nine bits of LL and SC in Release 6.
pub(super) fn conditions<W: Word>(quantities: &[W]) -> Vec<W> {
    let mut bits = Vec::new();
    for &q in quantities {
        let zero = q.constant(0);
        let low = q.low(16);
        bits.extend([
            low.sign_extend(32).equals(q),
            low.zero_extend(32).equals(q),
            low.is_zero(),
            q.is_zero(),
            q.is_less(zero),
        ]);
    }
    let immediate = quantities[0];
    bits.extend([
        immediate.equals(immediate.constant(u64::from(u32::MAX))),
        immediate.equals(immediate.constant(1)),
        immediate.equals(immediate.constant(1 << 31)),
        immediate.low(5).is_zero(),
        immediate.low(6).is_zero(),
        immediate.low(6).equals(W::new(6, 32)),
        immediate.slice(5, 1),
        // The second one is the sign of the first one: together they are a word, sign-extended.
        immediate
            .slice(31, 1)
            .sign_extend(32)
            .equals(quantities[SECOND]),
    ]);
    let offset = quantities[OFFSET];
    bits.push(offset.low(9).sign_extend(32).equals(offset));
    bits
}

/// What a field can be, in the width that fields of its kind have.
pub(super) fn functions<W: Word>(quantities: &[W], width: u32) -> Vec<W> {
    let mut values = Vec::new();
    for &q in quantities {
        values.push(q.low(width));
        if width == 16 {
            values.push(q.slice(16, 16));
        }
    }
    // As far as a word can be shifted, where it is filled with its sign.
    if width == 5 {
        let amount = quantities[0];
        let most = amount.constant(31).low(5);
        values.push(amount.slice(5, 1).select(most, amount.low(5)));
    }
    // The half above one that is added with its sign.
    for &q in quantities.iter().filter(|_| width == 16) {
        values.push((q + q.constant(0x8000)).slice(16, 16));
    }
    values
}
