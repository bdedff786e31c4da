// SPDX-License-Identifier: GPL-2.0

//! BPF registers, and sets of them.

use core::iter;

/// A BPF register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub(crate) enum Reg {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    /// The read-only frame pointer.
    R10,
    /// The kernel's auxiliary register: constant blinding and rewritten instructions use it.
    Ax,
}

impl Reg {
    /// R6 to R9, which a function leaves as it found them.
    pub(crate) const SAVED: RegSet = RegSet::of(Reg::R6)
        .with(Reg::R7)
        .with(Reg::R8)
        .with(Reg::R9);
    /// Every register.
    pub(crate) const ALL: [Reg; 12] = [
        Reg::R0,
        Reg::R1,
        Reg::R2,
        Reg::R3,
        Reg::R4,
        Reg::R5,
        Reg::R6,
        Reg::R7,
        Reg::R8,
        Reg::R9,
        Reg::R10,
        Reg::Ax,
    ];
}

/// A set of BPF registers.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RegSet(u16);

impl RegSet {
    /// No register.
    pub(crate) const EMPTY: RegSet = RegSet(0);
    /// R1 to R5, which carry arguments and do not survive a call.
    pub(crate) const ARGUMENTS: RegSet = RegSet::of(Reg::R1)
        .with(Reg::R2)
        .with(Reg::R3)
        .with(Reg::R4)
        .with(Reg::R5);
    /// R6 to R9, which a function leaves as it found them.
    pub(crate) const SAVED: RegSet = RegSet::of(Reg::R6)
        .with(Reg::R7)
        .with(Reg::R8)
        .with(Reg::R9);
    /// Every register.
    pub(crate) const ALL: RegSet = RegSet(0xfff);

    /// Just this register.
    pub(crate) const fn of(reg: Reg) -> RegSet {
        RegSet(1u16.wrapping_shl(reg as u32))
    }

    /// This set and one more register.
    pub(crate) const fn with(self, reg: Reg) -> RegSet {
        RegSet(self.0 | RegSet::of(reg).0)
    }

    /// This set less one register.
    pub(crate) const fn without(self, reg: Reg) -> RegSet {
        RegSet(self.0 & !RegSet::of(reg).0)
    }

    /// What is in either.
    pub(crate) const fn union(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    /// What is in both.
    pub(crate) const fn intersection(self, other: RegSet) -> RegSet {
        RegSet(self.0 & other.0)
    }

    /// What is in this set and not in the other.
    pub(crate) const fn minus(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    /// Whether this register is in the set.
    pub(crate) const fn contains(self, reg: Reg) -> bool {
        self.0 & RegSet::of(reg).0 != 0
    }

    /// The registers of the set, lowest first.
    pub(crate) fn iter(self) -> impl Iterator<Item = Reg> {
        let mut rest = self.0;
        iter::from_fn(move || {
            let lowest = usize::try_from(rest.trailing_zeros()).ok()?;
            rest &= rest.wrapping_sub(1);
            Reg::ALL.get(lowest).copied()
        })
    }

    /// How many registers the set has.
    pub(crate) const fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl core::fmt::Debug for RegSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
