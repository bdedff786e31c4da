// SPDX-License-Identifier: GPL-2.0

//! Which words a conditional jump has to look at.

use super::known::Known;
use crate::jit::bpf::{Cond, Operand, Reg, Width};

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Nothing: it always jumps, or never.
    Nothing,
    /// The low words, by this condition.
    Low(Cond),
    /// The sign, which is in the high word of the first operand.
    Sign,
    /// All words.
    Whole,
}

impl Comparison {
    /// How to find out whether `dst cond src` holds.
    ///
    /// Where both high words are zero, 64-bit values are as their low words, which have no sign. Where
    /// both are signs, order is that of the low words, signed and unsigned: extending a sign keeps
    /// either. A bit in common is one of the low words if a high word is zero, or if both are signs.
    pub(crate) fn new(
        width: Width,
        cond: Cond,
        dst: Reg,
        src: Operand,
        known: Known,
    ) -> Comparison {
        let (a, b) = (known.of(dst), known.of_operand(src));
        match (cond, src) {
            _ if width == Width::W32 => Comparison::Low(cond),
            (Cond::Lt | Cond::Ge | Cond::Set, Operand::Imm(0)) => Comparison::Nothing,
            (Cond::Set, _) if a.is_zero || b.is_zero => Comparison::Low(cond),
            _ if a.is_zero && b.is_zero => Comparison::Low(unsigned(cond)),
            _ if a.is_sign && b.is_sign => Comparison::Low(cond),
            (Cond::Slt | Cond::Sge, Operand::Imm(0)) => Comparison::Sign,
            _ => Comparison::Whole,
        }
    }
}

/// The same condition of values that have no sign.
pub(super) fn unsigned(cond: Cond) -> Cond {
    match cond {
        Cond::Sgt => Cond::Gt,
        Cond::Sge => Cond::Ge,
        Cond::Slt => Cond::Lt,
        Cond::Sle => Cond::Le,
        cond => cond,
    }
}
