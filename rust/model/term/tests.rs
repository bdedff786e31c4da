// SPDX-License-Identifier: GPL-2.0

//! Terms against values: whatever a random expression is rewritten to, it has the same value.

use super::{Assignment, Term};
use crate::model::both::Random;
use crate::model::word::{Bits, Word};

/// A random operation on two operands of the same width and a bit, for any word.
fn operation<W: Word>(number: u64, a: W, b: W, condition: W) -> W {
    let width = a.width();
    let half = width / 2;
    match number {
        0 => a + b,
        1 => a - b,
        2 => a * b,
        3 => a & b,
        4 => a | b,
        5 => a ^ b,
        6 => !a,
        7 => -a,
        8 => a.quotient(b),
        9 => a.remainder(b),
        10 => a.signed_quotient(b),
        11 => a.signed_remainder(b),
        12 => a.shift_left(b),
        13 => a.shift_right(b),
        14 => a.shift_right_signed(b),
        15 => a.equals(b).zero_extend(width),
        16 => a.is_below(b).zero_extend(width),
        17 => a.is_less(b).sign_extend(width),
        18 => condition.select(a, b),
        19 => a
            .low(half)
            .concat(b.slice(width - half, half))
            .resize(width),
        20 => a.slice(half, width - half).sign_extend(width),
        21 => a.low(half).sign_extend(width),
        22 => a.slice(half, width - half).concat(a.low(half)),
        23 => a.low(half).concat(b.low(width - half)),
        24 => a.swap_bytes(),
        25 => a.low(half).zero_extend(width),
        _ => a.equals(a.constant(3)).select(b, a),
    }
}

const OPERATIONS: u64 = 27;

/// Builds the same random expression of words and of terms; the values must agree.
fn judge(random: &mut Random, width: u32) {
    let mut assignment = Assignment::default();
    let mut pairs: Vec<(Bits, Term)> = Vec::new();
    for number in 0..4 {
        let value = Bits::new(width, random.value());
        let term = if number < 2 {
            let term = Term::variable(width, format!("x{number}"));
            assignment.variables.insert(term, value.unsigned());
            term
        } else {
            Term::from(value)
        };
        pairs.push((value, term));
    }
    for _ in 0..12 {
        let mut pick = || pairs[random.next() as usize % pairs.len()];
        let (a, b, c) = (pick(), pick(), pick());
        let number = random.below(OPERATIONS);
        let bit = random.below(u64::from(width)) as u32;
        let bits = operation(number, a.0, b.0, c.0.slice(bit, 1));
        let term = operation(number, a.1, b.1, c.1.slice(bit, 1));
        assert_eq!(
            assignment.value(term),
            bits,
            "operation {number} of {a:?}, {b:?}, {c:?} is {term:?}"
        );
        pairs.push((bits, term));
    }
}

#[test]
fn random_terms_have_the_value_of_words() {
    let mut random = Random(0x5eed);
    for round in 0..20_000 {
        judge(&mut random, [8, 16, 32, 64][round % 4]);
        if round % 500 == 0 {
            super::forget_all();
        }
    }
}

#[test]
fn equal_sums_are_one_term() {
    let x = Term::variable(32, "x");
    let four = x.constant(4);
    assert_eq!(x + four + four, x + x.constant(8));
    assert_eq!(x - four + four, x);
    let bytes = x.bytes();
    assert_eq!(Term::from_bytes(&bytes), x);
}

#[test]
fn variables_differ_whatever_their_names() {
    assert_ne!(Term::variable(32, "x"), Term::variable(32, "x"));
}
