// SPDX-License-Identifier: GPL-2.0

//! Bit-vectors: what both models compute with.
//!
//! A model is written once, over any [`Word`]. Over [`Bits`] it executes; over
//! [`Term`](crate::model::term::Term) it says, for all values at once, what an execution would
//! give. The operations are those of SMT-LIB's theory of fixed-size bit-vectors, and total as
//! there: division by zero has a value, and a shift by the width or more shifts everything out.

mod bits;
#[cfg(test)]
mod tests;

pub use bits::Bits;

use std::fmt::Debug;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Sub};

/// A bit-vector of 1 to 64 bits. Operands of a binary operation have the same width.
pub trait Word:
    Copy
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
    + BitXor<Output = Self>
    + Not<Output = Self>
    + Neg<Output = Self>
{
    /// The low `width` bits of a constant.
    fn new(width: u32, value: u64) -> Self;

    /// How many bits it has.
    fn width(self) -> u32;

    /// Its value, if it is a constant.
    fn value(self) -> Option<u64>;

    /// `bvudiv`: the unsigned quotient; all ones where the divisor is zero.
    fn quotient(self, divisor: Self) -> Self;

    /// `bvurem`: the unsigned remainder; the dividend where the divisor is zero.
    fn remainder(self, divisor: Self) -> Self;

    /// `bvsdiv`: the signed quotient, truncated towards zero; where the divisor is zero, 1 for a
    /// negative dividend, else -1.
    fn signed_quotient(self, divisor: Self) -> Self;

    /// `bvsrem`: the signed remainder, with the sign of the dividend, which it is where the
    /// divisor is zero.
    fn signed_remainder(self, divisor: Self) -> Self;

    /// `bvshl`
    fn shift_left(self, amount: Self) -> Self;

    /// `bvlshr`
    fn shift_right(self, amount: Self) -> Self;

    /// `bvashr`
    fn shift_right_signed(self, amount: Self) -> Self;

    /// `extract`: `width` bits from bit `low` up.
    fn slice(self, low: u32, width: u32) -> Self;

    /// `concat`: this above the other.
    fn concat(self, low: Self) -> Self;

    /// `sign_extend`, to a width.
    fn sign_extend(self, width: u32) -> Self;

    /// `=`, as one bit.
    fn equals(self, other: Self) -> Self;

    /// `bvult`, as one bit.
    fn is_below(self, other: Self) -> Self;

    /// `bvslt`, as one bit.
    fn is_less(self, other: Self) -> Self;

    /// `ite`: `then` where this bit is 1.
    fn select(self, then: Self, otherwise: Self) -> Self;

    /// `zero_extend`, to a width.
    fn zero_extend(self, width: u32) -> Self {
        match width - self.width() {
            0 => self,
            more => Self::new(more, 0).concat(self),
        }
    }

    /// The low `width` bits.
    fn low(self, width: u32) -> Self {
        self.slice(0, width)
    }

    /// The low bits, or with zeros above: whichever gives the width.
    fn resize(self, width: u32) -> Self {
        if width < self.width() {
            self.low(width)
        } else {
            self.zero_extend(width)
        }
    }

    /// A constant of the same width.
    fn constant(self, value: u64) -> Self {
        Self::new(self.width(), value)
    }

    /// Whether it is zero, as one bit.
    fn is_zero(self) -> Self {
        self.equals(self.constant(0))
    }

    /// One bit.
    fn bit(value: bool) -> Self {
        Self::new(1, u64::from(value))
    }

    /// The bytes, lowest first.
    fn bytes(self) -> Vec<Self> {
        (0..self.width() / 8)
            .map(|byte| self.slice(byte * 8, 8))
            .collect()
    }

    /// The opposite of [`Word::bytes`].
    fn from_bytes(bytes: &[Self]) -> Self {
        bytes
            .iter()
            .skip(1)
            .fold(bytes[0], |low, &byte| byte.concat(low))
    }

    /// The bytes in the opposite order.
    fn swap_bytes(self) -> Self {
        let mut bytes = self.bytes();
        bytes.reverse();
        Self::from_bytes(&bytes)
    }
}
