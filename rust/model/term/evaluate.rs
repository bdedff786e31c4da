// SPDX-License-Identifier: GPL-2.0

//! The value of a term.

use super::{Node, Term};
use crate::model::word::{Bits, Word};
use std::collections::HashMap;

/// Values of variables and of memory in the beginning.
#[derive(Clone, Debug, Default)]
pub struct Assignment {
    /// Of variables. Those not here are zero.
    pub variables: HashMap<Term, u64>,
    /// Of bytes, by address. Those not here are zero.
    pub bytes: HashMap<u64, u8>,
}

impl Assignment {
    /// What a term's value is.
    pub fn value(&self, term: Term) -> Bits {
        self.evaluate(term, &mut HashMap::new())
    }

    fn evaluate(&self, term: Term, known: &mut HashMap<Term, Bits>) -> Bits {
        if let Some(&bits) = known.get(&term) {
            return bits;
        }
        let width = term.width();
        let bits = match term.node() {
            Node::Constant(value) => Bits::new(width, value),
            Node::Variable(_) => Bits::new(width, self.variables.get(&term).copied().unwrap_or(0)),
            Node::Byte(address) => {
                let address = self.evaluate(address, known).unsigned();
                Bits::new(width, self.bytes.get(&address).copied().unwrap_or(0).into())
            }
            Node::Not(a) => !self.evaluate(a, known),
            Node::Binary(op, a, b) => op.apply(self.evaluate(a, known), self.evaluate(b, known)),
            Node::Slice(a, low) => self.evaluate(a, known).slice(low, width),
            Node::Concat(high, low) => {
                let high = self.evaluate(high, known);
                high.concat(self.evaluate(low, known))
            }
            Node::SignExtend(a) => self.evaluate(a, known).sign_extend(width),
            Node::Select(condition, then, otherwise) => {
                match self.evaluate(condition, known).unsigned() {
                    0 => self.evaluate(otherwise, known),
                    _ => self.evaluate(then, known),
                }
            }
        };
        known.insert(term, bits);
        bits
    }
}
