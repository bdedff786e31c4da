// SPDX-License-Identifier: GPL-2.0

//! Which words of registers somebody reads, backward.
//!
//! A word is demanded where some path reads it before it is overwritten. What is not demanded holds
//! anything: an instruction of whose result nothing is demanded is left out, one of whose result the low
//! word is demanded computes no high word. Two things make a high word superfluous that BPF reads:
//! a result of which only the low word is demanded, mostly, and a source that is known to be zero, for
//! which `$zero` stands.
//!
//! `reads.rs` is the other half of `lower/pair/`: it says what the lowerings there read. An instruction
//! that it has no entry for demands all that it reads, and its lowering finds all of that in registers,
//! so a new instruction is right before it is good. `make prove` holds each entry against the lowering:
//! what is not demanded has no known value there.

mod reads;

use super::Before;
use crate::jit::bpf::{Insn, Reg, RegSet};
use reads::reads;

/// Which words of a register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) low: bool,
    pub(crate) high: bool,
}

impl Words {
    pub(crate) const BOTH: Words = Words {
        low: true,
        high: true,
    };

    /// Whether it is neither.
    pub(crate) const fn are_none(self) -> bool {
        !self.low && !self.high
    }
}

/// Words of registers that somebody reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Demand {
    low: RegSet,
    high: RegSet,
}

impl Demand {
    pub(crate) const NOTHING: Demand = Demand {
        low: RegSet::EMPTY,
        high: RegSet::EMPTY,
    };
    pub(crate) const ALL: Demand = Demand {
        low: RegSet::ALL,
        high: RegSet::ALL,
    };

    pub(crate) fn of(self, reg: Reg) -> Words {
        Words {
            low: self.low.contains(reg),
            high: self.high.contains(reg),
        }
    }

    /// Registers of which some word is demanded.
    pub(crate) fn registers(self) -> RegSet {
        self.low.union(self.high)
    }

    /// What one of two paths demands.
    pub(crate) fn union(self, other: Demand) -> Demand {
        Demand {
            low: self.low.union(other.low),
            high: self.high.union(other.high),
        }
    }

    fn without(self, reg: Reg) -> Demand {
        Demand {
            low: self.low.without(reg),
            high: self.high.without(reg),
        }
    }

    /// All of these registers, too.
    pub(crate) fn with_all(self, registers: RegSet) -> Demand {
        Demand {
            low: self.low.union(registers),
            high: self.high.union(registers),
        }
    }

    /// These words of a register, too.
    pub(crate) fn with(self, reg: Reg, words: Words) -> Demand {
        let set = |set: RegSet, is_in: bool| if is_in { set.with(reg) } else { set };
        Demand {
            low: set(self.low, words.low),
            high: set(self.high, words.high),
        }
    }

    fn with_low(self, reg: Reg) -> Demand {
        Demand {
            low: self.low.with(reg),
            ..self
        }
    }

    fn with_high(self, reg: Reg) -> Demand {
        Demand {
            high: self.high.with(reg),
            ..self
        }
    }

    /// What is demanded before an instruction, behind which this is.
    pub(crate) fn before(self, insn: &Insn, before: &Before) -> Demand {
        let Some(dst) = insn.writes() else {
            return self.union(reads(insn, Words::BOTH, before));
        };
        let (wanted, others) = (self.of(dst), self.without(dst));
        if wanted.are_none() && is_removable(insn) && before.analyses.demand {
            return others;
        }
        others.union(reads(insn, wanted, before))
    }
}

/// Whether an instruction does nothing but to give its result: it is left out if nobody wants that. A load
/// is such an instruction, unless it orders others.
pub(crate) fn is_removable(insn: &Insn) -> bool {
    matches!(
        insn,
        Insn::Alu { .. }
            | Insn::Neg { .. }
            | Insn::Mov { .. }
            | Insn::MovSx { .. }
            | Insn::ZeroExtend { .. }
            | Insn::ThisCpu { .. }
            | Insn::Swap { .. }
            | Insn::LoadImm64 { .. }
            | Insn::LoadSubprogram { .. }
            | Insn::Load { .. }
            | Insn::LoadArgument { .. }
            | Insn::CallInline { .. }
    )
}
