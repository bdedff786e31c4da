// SPDX-License-Identifier: GPL-2.0

//! Bit-vectors with a value.

use super::Word;
use std::fmt;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Sub};

/// A bit-vector with a value. Bits above its width are zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Bits {
    width: u32,
    value: u64,
}

impl Bits {
    /// The value, zero-extended.
    pub fn unsigned(self) -> u64 {
        self.value
    }

    /// The value in two's complement.
    pub fn signed(self) -> i64 {
        let unused = 64 - self.width;
        ((self.value << unused) as i64) >> unused
    }

    fn with(self, value: u64) -> Self {
        Bits::new(self.width, value)
    }

    /// The amount, if it is less than the width.
    fn amount(self, amount: Self) -> Option<u32> {
        u32::try_from(amount.value).ok().filter(|&a| a < self.width)
    }
}

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}:{}", self.value, self.width)
    }
}

macro_rules! operators {
    ($($operator:ident $function:ident $wrapping:ident;)*) => {
        $(impl $operator for Bits {
            type Output = Bits;

            fn $function(self, other: Bits) -> Bits {
                debug_assert_eq!(self.width, other.width);
                self.with($wrapping(self.value, other.value))
            }
        })*
    };
}

fn and(a: u64, b: u64) -> u64 {
    a & b
}

fn or(a: u64, b: u64) -> u64 {
    a | b
}

fn xor(a: u64, b: u64) -> u64 {
    a ^ b
}

fn sum(a: u64, b: u64) -> u64 {
    a.wrapping_add(b)
}

fn difference(a: u64, b: u64) -> u64 {
    a.wrapping_sub(b)
}

fn product(a: u64, b: u64) -> u64 {
    a.wrapping_mul(b)
}

operators! {
    Add add sum;
    Sub sub difference;
    Mul mul product;
    BitAnd bitand and;
    BitOr bitor or;
    BitXor bitxor xor;
}

impl Not for Bits {
    type Output = Bits;

    fn not(self) -> Bits {
        self.with(!self.value)
    }
}

impl Neg for Bits {
    type Output = Bits;

    fn neg(self) -> Bits {
        self.with(self.value.wrapping_neg())
    }
}

impl Word for Bits {
    fn new(width: u32, value: u64) -> Self {
        debug_assert!((1..=64).contains(&width));
        Bits {
            width,
            value: value & (u64::MAX >> (64 - width)),
        }
    }

    fn width(self) -> u32 {
        self.width
    }

    fn value(self) -> Option<u64> {
        Some(self.value)
    }

    fn quotient(self, divisor: Self) -> Self {
        self.with(self.value.checked_div(divisor.value).unwrap_or(u64::MAX))
    }

    fn remainder(self, divisor: Self) -> Self {
        self.with(self.value.checked_rem(divisor.value).unwrap_or(self.value))
    }

    fn signed_quotient(self, divisor: Self) -> Self {
        self.with(match (self.signed(), divisor.signed()) {
            (dividend, 0) if dividend < 0 => 1,
            (_, 0) => u64::MAX,
            (dividend, divisor) => dividend.wrapping_div(divisor) as u64,
        })
    }

    fn signed_remainder(self, divisor: Self) -> Self {
        self.with(match (self.signed(), divisor.signed()) {
            (dividend, 0) => dividend as u64,
            (dividend, divisor) => dividend.wrapping_rem(divisor) as u64,
        })
    }

    fn shift_left(self, amount: Self) -> Self {
        self.with(self.amount(amount).map_or(0, |amount| self.value << amount))
    }

    fn shift_right(self, amount: Self) -> Self {
        self.with(self.amount(amount).map_or(0, |amount| self.value >> amount))
    }

    fn shift_right_signed(self, amount: Self) -> Self {
        let amount = self.amount(amount).unwrap_or(self.width - 1);
        self.with((self.signed() >> amount) as u64)
    }

    fn slice(self, low: u32, width: u32) -> Self {
        debug_assert!(low + width <= self.width);
        Bits::new(width, self.value >> low)
    }

    fn concat(self, low: Self) -> Self {
        Bits::new(self.width + low.width, self.value << low.width | low.value)
    }

    fn sign_extend(self, width: u32) -> Self {
        Bits::new(width, self.signed() as u64)
    }

    fn equals(self, other: Self) -> Self {
        Bits::bit(self == other)
    }

    fn is_below(self, other: Self) -> Self {
        Bits::bit(self.value < other.value)
    }

    fn is_less(self, other: Self) -> Self {
        Bits::bit(self.signed() < other.signed())
    }

    fn select(self, then: Self, otherwise: Self) -> Self {
        if self.value == 1 {
            then
        } else {
            otherwise
        }
    }
}
