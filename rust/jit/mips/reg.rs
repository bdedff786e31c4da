// SPDX-License-Identifier: GPL-2.0

//! General-purpose registers, sets of them, and pairs that hold 64 bits.

use core::iter;

/// A general-purpose register, by its o32 name.
///
/// MIPS ABI supplement, figure 3-18; `arch/mips/include/asm/regdef.h`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reg(u8);

macro_rules! registers {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        #[allow(missing_docs)]
        impl Reg {
            $(pub(crate) const $name: Reg = Reg($number);)*

            /// The name an assembler takes, without the `$`.
            pub(crate) fn name(self) -> &'static str {
                match self.0 {
                    $($number => $text,)*
                    _ => "?",
                }
            }
        }
    };
}

registers! {
    ZERO = 0, "zero";
    AT = 1, "at";
    V0 = 2, "v0";
    V1 = 3, "v1";
    A0 = 4, "a0";
    A1 = 5, "a1";
    A2 = 6, "a2";
    A3 = 7, "a3";
    T0 = 8, "t0";
    T1 = 9, "t1";
    T2 = 10, "t2";
    T3 = 11, "t3";
    T4 = 12, "t4";
    T5 = 13, "t5";
    T6 = 14, "t6";
    T7 = 15, "t7";
    S0 = 16, "s0";
    S1 = 17, "s1";
    S2 = 18, "s2";
    S3 = 19, "s3";
    S4 = 20, "s4";
    S5 = 21, "s5";
    S6 = 22, "s6";
    S7 = 23, "s7";
    T8 = 24, "t8";
    T9 = 25, "t9";
    K0 = 26, "k0";
    K1 = 27, "k1";
    GP = 28, "gp";
    SP = 29, "sp";
    FP = 30, "fp";
    RA = 31, "ra";
}

impl Reg {
    /// The register with this number; only the low five bits count.
    pub(crate) const fn from_number(number: u32) -> Reg {
        Reg((number & 31) as u8)
    }

    /// The register's number, 0 to 31.
    pub(crate) const fn number(self) -> u32 {
        self.0 as u32
    }

    /// The bits as they stand in an instruction.
    pub(crate) const fn bits(self) -> u32 {
        self.number()
    }
}

impl core::fmt::Debug for Reg {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of general-purpose registers.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RegMask(u32);

impl RegMask {
    /// No register.
    pub(crate) const EMPTY: RegMask = RegMask(0);
    /// All registers.
    pub(crate) const ALL: RegMask = RegMask(!0);

    /// Registers that an image must never write.
    ///
    /// `$gp` holds `current_thread_info()`, which an exception taken in kernel mode does not
    /// reload; `$k0` and `$k1` belong to the exception handlers (`asm/stackframe.h`).
    pub(crate) const FORBIDDEN: RegMask = RegMask::of(Reg::GP).with(Reg::K0).with(Reg::K1);

    /// Just this register. `$zero` is no register to a set: nothing is ever stored in it.
    pub(crate) const fn of(reg: Reg) -> RegMask {
        RegMask(1u32.wrapping_shl(reg.number()) & !1)
    }

    /// This set and one more register.
    pub(crate) const fn with(self, reg: Reg) -> RegMask {
        RegMask(self.0 | RegMask::of(reg).0)
    }

    /// What is in either.
    pub(crate) const fn union(self, other: RegMask) -> RegMask {
        RegMask(self.0 | other.0)
    }

    /// What is in this mask and not in the other.
    pub(crate) const fn minus(self, other: RegMask) -> RegMask {
        RegMask(self.0 & !other.0)
    }

    /// What is in both.
    pub(crate) const fn intersection(self, other: RegMask) -> RegMask {
        RegMask(self.0 & other.0)
    }

    /// Whether no register is in the set.
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this register is in the set.
    pub(crate) const fn contains(self, reg: Reg) -> bool {
        self.0 & 1u32.wrapping_shl(reg.number()) != 0
    }

    /// The register, if the set has one and no more.
    pub(crate) fn only(self) -> Option<Reg> {
        let first = self.iter().next()?;
        (self == RegMask::of(first)).then_some(first)
    }

    /// How many registers the set has.
    pub(crate) const fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The registers of the set, lowest number first.
    pub(crate) fn iter(self) -> impl Iterator<Item = Reg> {
        let mut rest = self.0;
        iter::from_fn(move || {
            let lowest = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            (lowest < 32).then_some(Reg::from_number(lowest))
        })
    }
}

impl core::fmt::Debug for RegMask {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Two registers that together hold a 64-bit value, named by what they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// Bits 63 to 32.
    pub(crate) hi: Reg,
    /// Bits 31 to 0.
    pub(crate) lo: Reg,
}

impl Pair {
    /// The pair as a set.
    pub(crate) const fn mask(self) -> RegMask {
        RegMask::of(self.hi).with(self.lo)
    }
}
