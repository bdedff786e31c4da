// SPDX-License-Identifier: GPL-2.0

//! Comparisons for order: all of them come out of "less than", the only one that MIPS has.

use crate::jit::bpf::Cond;
use crate::jit::mips::Simm16;

/// How a condition comes out of "less than".
pub(super) struct Less {
    /// Compare the operands the other way round.
    pub(super) swapped: bool,
    /// Jump if not less.
    pub(super) negated: bool,
    pub(super) signed: bool,
}

/// A comparison for order as "less than"; not for equality and bit tests.
pub(super) fn as_less(cond: Cond) -> Less {
    let (swapped, negated) = match cond {
        Cond::Lt | Cond::Slt => (false, false),
        Cond::Ge | Cond::Sge => (false, true),
        Cond::Gt | Cond::Sgt => (true, false),
        _ => (true, true),
    };
    Less {
        swapped,
        negated,
        signed: matches!(cond, Cond::Slt | Cond::Sge | Cond::Sgt | Cond::Sle),
    }
}

/// The bound of an equivalent "less than" against an immediate: `imm`, or `imm + 1` where the
/// comparison includes equality the other way round. None if it does not fit, or if the sum wraps.
pub(super) fn below(cond: Cond, imm: i32) -> Option<Simm16> {
    let less = as_less(cond);
    if !less.swapped {
        return Simm16::new(imm);
    }
    // As an unsigned word, only -1 has no successor.
    if !less.signed && imm == -1 {
        return None;
    }
    Simm16::new(imm.checked_add(1)?)
}
