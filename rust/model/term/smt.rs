// SPDX-License-Identifier: GPL-2.0

//! Terms as text of SMT-LIB 2.6.
//!
//! Names are numbers in the order of first use, so that queries that differ only in names of
//! variables, as those about different registers do, are the same text.

use super::{Binary, Node, Term};
use crate::model::word::Word;
use rustc_hash::FxHashMap;
use std::fmt::Write;

/// That the product of doublewords is what [`super::rewrite`] writes for it: with integers below
/// 2^32 for the words, the difference of both sides is a multiple of 2^64. Its multiple is
/// `ah * bh`. Unsatisfiable, as every query here should be.
pub const PRODUCT_LEMMA: &str = "\
(declare-const ah Int)
(declare-const al Int)
(declare-const bh Int)
(declare-const bl Int)
(define-fun word () Int 4294967296)
(assert (not (=
  (- (* (+ (* ah word) al) (+ (* bh word) bl))
     (+ (* al bl) (* word (+ (* ah bl) (* al bh)))))
  (* word word (* ah bh)))))
";

/// A query: whether there are values for which all of some bits are 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Declarations and assertions.
    pub text: String,
    /// The variables, in the order of their names `v0`, `v1` and so on.
    pub variables: Vec<Term>,
    /// Addresses of bytes of the initial memory, in the order of the names `a0` and so on.
    pub addresses: Vec<Term>,
}

impl Query {
    /// Asserts that all these bits are 1.
    pub fn new(bits: &[Term]) -> Query {
        let mut printer = Printer::default();
        for &bit in bits {
            let name = printer.print(bit);
            let _ = writeln!(printer.text, "(assert (= {name} #b1))");
        }
        Query {
            text: printer.text,
            variables: printer.variables,
            addresses: printer.addresses,
        }
    }
}

#[derive(Default)]
struct Printer {
    text: String,
    names: FxHashMap<Term, String>,
    variables: Vec<Term>,
    addresses: Vec<Term>,
}

impl Printer {
    /// Defines the term, unless it is defined, and everything it consists of; its name.
    fn print(&mut self, term: Term) -> String {
        if let Some(name) = self.names.get(&term) {
            return name.clone();
        }
        let name = match term.node() {
            Node::Constant(value) => return constant(term.width(), value),
            Node::Variable(_) => self.declare(term),
            node => {
                let body = self.body(term, node);
                let name = format!("t{}", self.names.len());
                let width = term.width();
                let _ = writeln!(
                    self.text,
                    "(define-fun {name} () (_ BitVec {width}) {body})"
                );
                name
            }
        };
        self.names.insert(term, name.clone());
        name
    }

    fn declare(&mut self, term: Term) -> String {
        let name = format!("v{}", self.variables.len());
        self.variables.push(term);
        let _ = writeln!(
            self.text,
            "(declare-const {name} (_ BitVec {}))",
            term.width()
        );
        name
    }

    fn body(&mut self, term: Term, node: Node) -> String {
        let width = term.width();
        match node {
            // Told apart by the caller.
            Node::Constant(value) => constant(width, value),
            Node::Variable(_) => self.declare(term),
            Node::Byte(address) => {
                if self.addresses.is_empty() {
                    let _ = writeln!(
                        self.text,
                        "(declare-fun m ((_ BitVec {})) (_ BitVec 8))",
                        address.width()
                    );
                }
                self.addresses.push(address);
                let address = self.print(address);
                format!("(m {address})")
            }
            Node::Not(a) => format!("(bvnot {})", self.print(a)),
            Node::Binary(op, a, b) => {
                let (a, b) = (self.print(a), self.print(b));
                let name = function(op);
                if op.is_comparison() {
                    format!("(ite ({name} {a} {b}) #b1 #b0)")
                } else {
                    format!("({name} {a} {b})")
                }
            }
            Node::Slice(a, low) => {
                let a = self.print(a);
                format!("((_ extract {} {low}) {a})", low + width - 1)
            }
            Node::Concat(high, low) => {
                let (high, low) = (self.print(high), self.print(low));
                format!("(concat {high} {low})")
            }
            Node::SignExtend(a) => {
                let more = width - a.width();
                format!("((_ sign_extend {more}) {})", self.print(a))
            }
            Node::Select(condition, then, otherwise) => {
                let condition = self.print(condition);
                let (then, otherwise) = (self.print(then), self.print(otherwise));
                format!("(ite (= {condition} #b1) {then} {otherwise})")
            }
        }
    }
}

fn constant(width: u32, value: u64) -> String {
    format!("#b{value:0width$b}", width = width as usize)
}

fn function(op: Binary) -> &'static str {
    match op {
        Binary::Add => "bvadd",
        Binary::Sub => "bvsub",
        Binary::Mul => "bvmul",
        Binary::And => "bvand",
        Binary::Or => "bvor",
        Binary::Xor => "bvxor",
        Binary::Quotient => "bvudiv",
        Binary::Remainder => "bvurem",
        Binary::SignedQuotient => "bvsdiv",
        Binary::SignedRemainder => "bvsrem",
        Binary::ShiftLeft => "bvshl",
        Binary::ShiftRight => "bvlshr",
        Binary::ShiftRightSigned => "bvashr",
        Binary::Equals => "=",
        Binary::IsBelow => "bvult",
        Binary::IsLess => "bvslt",
    }
}
