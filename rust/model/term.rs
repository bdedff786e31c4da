// SPDX-License-Identifier: GPL-2.0

//! Symbolic bit-vectors: expressions over variables.
//!
//! Equal expressions are one: a [`Term`] is an index into a table, one per thread, in which each
//! node is stored once. Constructors fold constants, by [`Bits`], and apply the rewritings of
//! [`rewrite`], so that much of what has to be proved equal is the same term already. What is
//! left goes to a solver as text ([`smt`]).
//!
//! Rewriting and printing are trusted; the tests evaluate random terms, rewritten or not, against
//! [`Bits`].

mod evaluate;
mod rewrite;
pub mod smt;
#[cfg(test)]
mod tests;

pub use evaluate::Assignment;

use super::word::{Bits, Word};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::fmt;
use std::ops::{Add, BitAnd, BitOr, BitXor, Mul, Neg, Not, Sub};

/// An expression.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    index: u32,
    width: u32,
}

/// What an expression is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    /// Its value.
    Constant(u64),
    /// Its number.
    Variable(u32),
    /// The byte at an address in memory as it was in the beginning.
    Byte(Term),
    Not(Term),
    Binary(Binary, Term, Term),
    /// From this bit up.
    Slice(Term, u32),
    /// The upper and the lower part.
    Concat(Term, Term),
    SignExtend(Term),
    /// Condition, then, otherwise.
    Select(Term, Term, Term),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Binary {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Quotient,
    Remainder,
    SignedQuotient,
    SignedRemainder,
    ShiftLeft,
    ShiftRight,
    ShiftRightSigned,
    Equals,
    IsBelow,
    IsLess,
}

#[derive(Default)]
struct Table {
    nodes: Vec<Node>,
    terms: FxHashMap<(Node, u32), Term>,
    /// Names of variables.
    names: Vec<String>,
    /// How often the lemma about products was used.
    lemma_uses: u64,
}

thread_local! {
    static TABLE: RefCell<Table> = RefCell::default();
}

/// Forgets all terms of this thread. Those that are still held mean nothing any more.
pub fn forget_all() {
    TABLE.with_borrow_mut(|table| *table = Table::default());
}

/// How often, since terms were forgotten, a product was written as the lemma of
/// [`smt::PRODUCT_LEMMA`] says.
pub fn lemma_uses() -> u64 {
    TABLE.with_borrow(|table| table.lemma_uses)
}

impl Term {
    /// A new variable, different from all others whatever it is called.
    pub fn variable(width: u32, name: impl Into<String>) -> Term {
        let number = TABLE.with_borrow_mut(|table| {
            table.names.push(name.into());
            table.names.len() - 1
        });
        Term::store(Node::Variable(number as u32), width)
    }

    /// The byte at an address in memory as it was in the beginning.
    pub fn initial_byte(address: Term) -> Term {
        Term::store(Node::Byte(address), 8)
    }

    /// The variable's name, if it is one.
    pub fn name(self) -> Option<String> {
        match self.node() {
            Node::Variable(number) => {
                Some(TABLE.with_borrow(|table| table.names[number as usize].clone()))
            }
            _ => None,
        }
    }

    /// A sum as a term and a constant; the term is None where there is only the constant.
    pub fn base_and_offset(self) -> (Option<Term>, u64) {
        match self.node() {
            Node::Constant(value) => (None, value),
            Node::Binary(Binary::Add, base, offset) => match offset.value() {
                Some(offset) => (Some(base), offset),
                None => (Some(self), 0),
            },
            _ => (Some(self), 0),
        }
    }

    /// From now on, this expression is the other term wherever it is built. Who asks for that has
    /// to assume that they are equal. Not for constants and variables.
    pub fn identify(self, with: Term) {
        debug_assert_eq!(self.width, with.width);
        let node = self.node();
        if !matches!(node, Node::Constant(_) | Node::Variable(_)) {
            TABLE.with_borrow_mut(|table| table.terms.insert((node, self.width), with));
        }
    }

    fn store(node: Node, width: u32) -> Term {
        TABLE.with_borrow_mut(|table| {
            let next = Term {
                index: table.nodes.len() as u32,
                width,
            };
            let term = *table.terms.entry((node, width)).or_insert(next);
            if term == next {
                table.nodes.push(node);
            }
            term
        })
    }

    fn node(self) -> Node {
        TABLE.with_borrow(|table| table.nodes[self.index as usize])
    }

    fn bits(self) -> Option<Bits> {
        match self.node() {
            Node::Constant(value) => Some(Bits::new(self.width, value)),
            _ => None,
        }
    }

    fn binary(self, op: Binary, other: Term) -> Term {
        debug_assert_eq!(self.width, other.width, "{op:?} {self:?} {other:?}");
        rewrite::binary(op, self, other)
    }
}

impl From<Bits> for Term {
    fn from(bits: Bits) -> Term {
        Term::new(bits.width(), bits.unsigned())
    }
}

impl Binary {
    fn apply(self, a: Bits, b: Bits) -> Bits {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::And => a & b,
            Binary::Or => a | b,
            Binary::Xor => a ^ b,
            Binary::Quotient => a.quotient(b),
            Binary::Remainder => a.remainder(b),
            Binary::SignedQuotient => a.signed_quotient(b),
            Binary::SignedRemainder => a.signed_remainder(b),
            Binary::ShiftLeft => a.shift_left(b),
            Binary::ShiftRight => a.shift_right(b),
            Binary::ShiftRightSigned => a.shift_right_signed(b),
            Binary::Equals => a.equals(b),
            Binary::IsBelow => a.is_below(b),
            Binary::IsLess => a.is_less(b),
        }
    }

    fn is_comparison(self) -> bool {
        matches!(self, Binary::Equals | Binary::IsBelow | Binary::IsLess)
    }

    fn commutes(self) -> bool {
        matches!(
            self,
            Binary::Add | Binary::Mul | Binary::And | Binary::Or | Binary::Xor | Binary::Equals
        )
    }
}

macro_rules! operators {
    ($($operator:ident $function:ident $op:ident;)*) => {
        $(impl $operator for Term {
            type Output = Term;

            fn $function(self, other: Term) -> Term {
                self.binary(Binary::$op, other)
            }
        })*
    };
}

operators! {
    Add add Add;
    Sub sub Sub;
    Mul mul Mul;
    BitAnd bitand And;
    BitOr bitor Or;
    BitXor bitxor Xor;
}

impl Not for Term {
    type Output = Term;

    fn not(self) -> Term {
        rewrite::not(self)
    }
}

impl Neg for Term {
    type Output = Term;

    fn neg(self) -> Term {
        self.constant(0) - self
    }
}

impl Word for Term {
    fn new(width: u32, value: u64) -> Self {
        let bits = Bits::new(width, value);
        Term::store(Node::Constant(bits.unsigned()), width)
    }

    fn width(self) -> u32 {
        self.width
    }

    fn value(self) -> Option<u64> {
        self.bits().map(Bits::unsigned)
    }

    fn quotient(self, divisor: Self) -> Self {
        self.binary(Binary::Quotient, divisor)
    }

    fn remainder(self, divisor: Self) -> Self {
        self.binary(Binary::Remainder, divisor)
    }

    fn signed_quotient(self, divisor: Self) -> Self {
        self.binary(Binary::SignedQuotient, divisor)
    }

    fn signed_remainder(self, divisor: Self) -> Self {
        self.binary(Binary::SignedRemainder, divisor)
    }

    fn shift_left(self, amount: Self) -> Self {
        self.binary(Binary::ShiftLeft, amount)
    }

    fn shift_right(self, amount: Self) -> Self {
        self.binary(Binary::ShiftRight, amount)
    }

    fn shift_right_signed(self, amount: Self) -> Self {
        self.binary(Binary::ShiftRightSigned, amount)
    }

    fn slice(self, low: u32, width: u32) -> Self {
        debug_assert!(low + width <= self.width);
        rewrite::slice(self, low, width)
    }

    fn concat(self, low: Self) -> Self {
        rewrite::concat(self, low)
    }

    fn sign_extend(self, width: u32) -> Self {
        rewrite::sign_extend(self, width)
    }

    fn equals(self, other: Self) -> Self {
        self.binary(Binary::Equals, other)
    }

    fn is_below(self, other: Self) -> Self {
        self.binary(Binary::IsBelow, other)
    }

    fn is_less(self, other: Self) -> Self {
        self.binary(Binary::IsLess, other)
    }

    fn select(self, then: Self, otherwise: Self) -> Self {
        debug_assert_eq!(then.width, otherwise.width);
        rewrite::select(self, then, otherwise)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            Node::Constant(value) => write!(f, "{value:#x}"),
            Node::Variable(number) => {
                let name = TABLE.with_borrow(|table| table.names[number as usize].clone());
                f.write_str(&name)
            }
            Node::Byte(address) => write!(f, "byte[{address:?}]"),
            Node::Not(a) => write!(f, "~{a:?}"),
            Node::Binary(op, a, b) => write!(f, "({op:?} {a:?} {b:?})"),
            Node::Slice(a, low) => write!(f, "{a:?}[{}:{low}]", low + self.width - 1),
            Node::Concat(high, low) => write!(f, "({high:?} . {low:?})"),
            Node::SignExtend(a) => write!(f, "sext({a:?})"),
            Node::Select(c, a, b) => write!(f, "({c:?} ? {a:?} : {b:?})"),
        }
    }
}
