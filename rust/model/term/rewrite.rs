// SPDX-License-Identifier: GPL-2.0

//! Constructors of nodes that are not what they were asked for, but equal to it.
//!
//! Constants are folded. A sum has its constant on the right and only one; operands of what
//! commutes are ordered. Slices go down to where bits come from. The product of two doublewords
//! is written with products of words, which is what a 32-bit machine computes:
//!
//! ```text
//! (ah 2^32 + al) (bh 2^32 + bl) = al bl + 2^32 (ah bl + al bh)   modulo 2^64
//! ```
//!
//! a lemma that [`super::smt::PRODUCT_LEMMA`] states for the solver, over the integers.

use super::{Binary, Node, Term};
use crate::model::word::{Bits, Word};

const DOUBLEWORD: u32 = 64;
const WORD: u32 = 32;

pub(super) fn binary(op: Binary, a: Term, b: Term) -> Term {
    if let (Some(a), Some(b)) = (a.bits(), b.bits()) {
        return op.apply(a, b).into();
    }
    let (a, b) = if op.commutes() { ordered(a, b) } else { (a, b) };
    let simpler = match op {
        Binary::Add => sum(a, b),
        Binary::Sub => difference(a, b),
        Binary::Mul => product(a, b),
        Binary::Quotient | Binary::Remainder | Binary::SignedQuotient | Binary::SignedRemainder => {
            division(op, a, b)
        }
        Binary::And | Binary::Or | Binary::Xor => logic(op, a, b),
        Binary::ShiftLeft | Binary::ShiftRight | Binary::ShiftRightSigned => {
            (b.value() == Some(0)).then_some(a)
        }
        Binary::Equals if a == b => Some(Term::bit(true)),
        Binary::Equals => equality(a, b),
        Binary::IsBelow | Binary::IsLess if a == b => Some(Term::bit(false)),
        // Nothing is below zero.
        Binary::IsBelow if b.value() == Some(0) => Some(Term::bit(false)),
        _ => None,
    };
    simpler.unwrap_or_else(|| {
        let width = if op.is_comparison() { 1 } else { a.width };
        Term::store(Node::Binary(op, a, b), width)
    })
}

/// A constant goes to the right, else the older term to the left.
fn ordered(a: Term, b: Term) -> (Term, Term) {
    match (a.bits(), b.bits()) {
        (Some(_), _) => (b, a),
        (None, Some(_)) => (a, b),
        _ if b < a => (b, a),
        _ => (a, b),
    }
}

fn sum(a: Term, b: Term) -> Option<Term> {
    let constant = b.bits();
    if let Some(offset) = constant {
        if offset.unsigned() == 0 {
            return Some(a);
        }
        if let (Some(base), Some(inner)) = (split(a), inner_constant(a)) {
            return Some(base + Term::from(inner + offset));
        }
        return None;
    }
    for (difference, other) in [(a, b), (b, a)] {
        if let Node::Binary(Binary::Sub, zero, term) = difference.node() {
            if zero.value() == Some(0) {
                return Some(other - term);
            }
        }
    }
    // Constants move outwards.
    for (with, other) in [(a, b), (b, a)] {
        if let (Some(base), Some(inner)) = (split(with), inner_constant(with)) {
            return Some(base + other + Term::from(inner));
        }
    }
    None
}

/// The term of a sum with a constant.
fn split(a: Term) -> Option<Term> {
    match a.node() {
        Node::Binary(Binary::Add, base, offset) if offset.bits().is_some() => Some(base),
        _ => None,
    }
}

fn inner_constant(a: Term) -> Option<Bits> {
    match a.node() {
        Node::Binary(Binary::Add, _, offset) => offset.bits(),
        _ => None,
    }
}

fn difference(a: Term, b: Term) -> Option<Term> {
    if a == b {
        return Some(a.constant(0));
    }
    if let Some(b) = b.bits() {
        return Some(a + Term::from(-b));
    }
    None
}

/// The exponent of a power of two.
fn exponent(constant: Bits) -> Option<u64> {
    let value = constant.unsigned();
    value
        .is_power_of_two()
        .then(|| value.trailing_zeros().into())
}

fn is_ones(constant: Bits) -> bool {
    (!constant).unsigned() == 0
}

fn product(a: Term, b: Term) -> Option<Term> {
    match b.bits() {
        Some(zero) if zero.unsigned() == 0 => return Some(b),
        Some(minus_one) if is_ones(minus_one) => return Some(-a),
        Some(factor) => {
            if let Some(exponent) = exponent(factor) {
                return Some(a.shift_left(a.constant(exponent)));
            }
        }
        None => {}
    }
    if a.width != DOUBLEWORD {
        return None;
    }
    let (high_a, low_a) = (a.slice(WORD, WORD), a.low(WORD));
    let (high_b, low_b) = (b.slice(WORD, WORD), b.low(WORD));
    if high_a.value() == Some(0) && high_b.value() == Some(0) {
        return None;
    }
    super::TABLE.with_borrow_mut(|table| table.lemma_uses += 1);
    let low = low_a.zero_extend(DOUBLEWORD) * low_b.zero_extend(DOUBLEWORD);
    let mixed = high_a * low_b + low_a * high_b;
    Some(low + mixed.concat(mixed.constant(0)))
}

/// Division by itself, by powers of two, and by -1. What is divided by zero is as in SMT-LIB.
fn division(op: Binary, a: Term, b: Term) -> Option<Term> {
    if a == b {
        let ones = !a.constant(0);
        return Some(match op {
            Binary::Quotient | Binary::SignedQuotient => a.is_zero().select(ones, a.constant(1)),
            _ => a.constant(0),
        });
    }
    let divisor = b.bits()?;
    let is_signed = matches!(op, Binary::SignedQuotient | Binary::SignedRemainder);
    if is_signed {
        let (is_one, is_minus_one) = (divisor.unsigned() == 1, is_ones(divisor));
        return match op {
            _ if !is_one && !is_minus_one => None,
            Binary::SignedRemainder => Some(a.constant(0)),
            _ if is_one => Some(a),
            _ => Some(-a),
        };
    }
    let exponent = exponent(divisor)?;
    Some(match op {
        Binary::Quotient => a.shift_right(a.constant(exponent)),
        _ => a & a.constant(divisor.unsigned() - 1),
    })
}

fn logic(op: Binary, a: Term, b: Term) -> Option<Term> {
    if a == b {
        return Some(match op {
            Binary::Xor => a.constant(0),
            _ => a,
        });
    }
    if let Some(parts) = by_parts(op, a, b) {
        return Some(parts);
    }
    let constant = b.bits()?;
    let is_zero = constant.unsigned() == 0;
    let is_ones = is_ones(constant);
    match op {
        Binary::And if is_zero => Some(b),
        Binary::And if is_ones => Some(a),
        Binary::Or if is_zero => Some(a),
        Binary::Or if is_ones => Some(b),
        Binary::Xor if is_zero => Some(a),
        Binary::Xor if is_ones => Some(!a),
        _ => None,
    }
}

/// Part by part, where both have the same parts, or one is a constant with a simple part.
fn by_parts(op: Binary, a: Term, b: Term) -> Option<Term> {
    let Node::Concat(high, low) = a.node() else {
        return None;
    };
    let (above, below) = match b.node() {
        Node::Concat(above, below) if below.width == low.width => (above, below),
        Node::Constant(_) => (b.slice(low.width, high.width), b.low(low.width)),
        _ => return None,
    };
    Some(binary(op, high, above).concat(binary(op, low, below)))
}

/// A bit equal to 1 is itself. Sums that differ in their constants only are not equal.
fn equality(a: Term, b: Term) -> Option<Term> {
    let ((base_a, offset_a), (base_b, offset_b)) = (a.base_and_offset(), b.base_and_offset());
    if base_a == base_b && offset_a != offset_b {
        return Some(Term::bit(false));
    }
    let constant = b.bits()?;
    match (constant.unsigned(), a.node()) {
        (1, _) if a.width == 1 => Some(a),
        (0, _) if a.width == 1 => Some(!a),
        // Part by part, where one is known.
        (_, Node::Concat(upper, lower)) if upper.bits().or(lower.bits()).is_some() => {
            let above = constant.slice(lower.width, upper.width);
            let below = constant.low(lower.width);
            Some(upper.equals(above.into()) & lower.equals(below.into()))
        }
        _ => None,
    }
}

pub(super) fn not(a: Term) -> Term {
    match a.node() {
        Node::Constant(_) => (!Bits::new(a.width, a.value().unwrap_or_default())).into(),
        Node::Not(inner) => inner,
        _ => Term::store(Node::Not(a), a.width),
    }
}

pub(super) fn slice(a: Term, low: u32, width: u32) -> Term {
    if width == a.width {
        return a;
    }
    let part = |of: Term| of.slice(low, width);
    match a.node() {
        Node::Constant(value) => Term::new(width, value >> low),
        Node::Slice(inner, more) => inner.slice(low + more, width),
        Node::Concat(_, lower) if low + width <= lower.width => lower.slice(low, width),
        Node::Concat(upper, lower) if low >= lower.width => upper.slice(low - lower.width, width),
        Node::Concat(upper, lower) => upper
            .low(low + width - lower.width)
            .concat(lower.slice(low, lower.width - low)),
        Node::SignExtend(inner) if low + width <= inner.width => inner.slice(low, width),
        Node::SignExtend(inner) if low < inner.width => {
            inner.slice(low, inner.width - low).sign_extend(width)
        }
        // Copies of the sign only.
        Node::SignExtend(inner) => inner.slice(inner.width - 1, 1).sign_extend(width),
        Node::Not(inner) => !part(inner),
        Node::Select(condition, then, otherwise) => condition.select(part(then), part(otherwise)),
        Node::Binary(op @ (Binary::And | Binary::Or | Binary::Xor), x, y) => {
            binary(op, part(x), part(y))
        }
        // The low bits of these depend on low bits only.
        Node::Binary(op @ (Binary::Add | Binary::Sub | Binary::Mul), x, y) if low == 0 => {
            binary(op, part(x), part(y))
        }
        // Nothing is carried into the upper part from a part to which zeros are added.
        Node::Binary(Binary::Add, x, y) if is_zero_below(x, low) || is_zero_below(y, low) => {
            part(x) + part(y)
        }
        // By a constant amount: a slice of the other side.
        Node::Binary(Binary::ShiftRight, x, y) => match y.value() {
            Some(amount) if amount <= u64::from(a.width - low - width) => {
                x.slice(low + amount as u32, width)
            }
            _ => Term::store(Node::Slice(a, low), width),
        },
        _ => Term::store(Node::Slice(a, low), width),
    }
}

/// Whether the bits below this one are zeros.
fn is_zero_below(a: Term, bit: u32) -> bool {
    match a.node() {
        Node::Concat(_, lower) => lower.width == bit && lower.value() == Some(0),
        _ => false,
    }
}

pub(super) fn concat(high: Term, low: Term) -> Term {
    let width = high.width + low.width;
    match (high.node(), low.node()) {
        (Node::Constant(above), Node::Constant(below)) => {
            Term::new(width, above << low.width | below)
        }
        // Neighbouring slices of one term.
        (Node::Slice(a, from), Node::Slice(b, at)) if a == b && from == at + low.width => {
            a.slice(at, width)
        }
        // The same, but what is below has a shorter form of its own.
        (Node::Slice(a, from), _)
            if from >= low.width && a.slice(from - low.width, low.width) == low =>
        {
            a.slice(from - low.width, width)
        }
        (_, Node::Concat(middle, rest)) if joins(high, middle) => high.concat(middle).concat(rest),
        _ => Term::store(Node::Concat(high, low), width),
    }
}

/// Whether two terms, one above the other, are one.
fn joins(high: Term, low: Term) -> bool {
    match (high.node(), low.node()) {
        (Node::Constant(_), Node::Constant(_)) => true,
        (Node::Slice(a, from), Node::Slice(b, at)) => a == b && from == at + low.width,
        _ => false,
    }
}

pub(super) fn sign_extend(a: Term, width: u32) -> Term {
    if width == a.width {
        return a;
    }
    match a.node() {
        Node::Constant(_) => {
            let bits = Bits::new(a.width, a.value().unwrap_or_default());
            bits.sign_extend(width).into()
        }
        Node::SignExtend(inner) => inner.sign_extend(width),
        // The sign is known.
        Node::Concat(upper, lower) if upper.bits().is_some() => {
            upper.sign_extend(width - lower.width).concat(lower)
        }
        _ => Term::store(Node::SignExtend(a), width),
    }
}

pub(super) fn select(condition: Term, then: Term, otherwise: Term) -> Term {
    if then == otherwise {
        return then;
    }
    match condition.node() {
        Node::Constant(0) => otherwise,
        Node::Constant(_) => then,
        Node::Not(inner) => inner.select(otherwise, then),
        _ if chosen(condition, then, true) != then => {
            condition.select(chosen(condition, then, true), otherwise)
        }
        _ if chosen(condition, otherwise, false) != otherwise => {
            condition.select(then, chosen(condition, otherwise, false))
        }
        _ if then.width == 1 && then.value() == Some(1) && otherwise.value() == Some(0) => {
            condition
        }
        _ if then.width == 1 && then.value() == Some(0) && otherwise.value() == Some(1) => {
            !condition
        }
        _ => Term::store(Node::Select(condition, then, otherwise), then.width),
    }
}

/// What a term is where a condition has this value.
fn chosen(condition: Term, term: Term, value: bool) -> Term {
    match term.node() {
        Node::Select(same, then, _) if same == condition && value => then,
        Node::Select(same, _, otherwise) if same == condition => otherwise,
        _ => term,
    }
}
