// SPDX-License-Identifier: GPL-2.0

//! What C functions that programs call often take and give.
//!
//! A helper takes five registers, and gives all of R0. What is behind it is a C function that looks at fewer: a
//! pointer or a number of 32 bits is in the low word of its register (`BPF_CALL_x()` in
//! `include/linux/filter.h`), and what it gives is mostly an `int`, or a pointer. On register pairs that is half of
//! the code for a call. Of which functions that is known, the kernel's glue says
//! (`rust/bpf_jit_mips_helpers.c`); of others, nothing.

use super::{Reg, RegSet};

/// What a helper takes and gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature(u16);

/// The first bit that stands for the high word of an argument.
const HIGH: u32 = 5;

impl Signature {
    /// Five arguments of 64 bits, and a result of which nothing is known.
    pub(crate) const ANY: Signature = Signature(0x3ff);
    /// The result is a word, zero-extended.
    pub(crate) const WORD: u16 = 1 << 10;
    /// The result is an `int`, sign-extended.
    pub(crate) const INT: u16 = 1 << 11;

    /// One that has a bit for the low word of each argument, from bit 0 up; the same for high words from bit 5 up;
    /// and for the result [`Signature::WORD`], [`Signature::INT`], or neither.
    pub(crate) const fn new(bits: u16) -> Signature {
        Signature(bits)
    }

    /// Arguments of which somebody reads the low word.
    pub(crate) fn low(self) -> RegSet {
        self.arguments(0)
    }

    /// Arguments of which somebody reads the high word.
    pub(crate) fn high(self) -> RegSet {
        self.arguments(HIGH)
    }

    fn arguments(self, first: u32) -> RegSet {
        let mut set = RegSet::EMPTY;
        let mut rest = self.0.wrapping_shr(first);
        for reg in [Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            if rest & 1 != 0 {
                set = set.with(reg);
            }
            rest >>= 1;
        }
        set
    }

    /// The high word of the result is zero.
    pub(crate) fn gives_word(self) -> bool {
        self.0 & Signature::WORD != 0
    }

    /// The high word of the result is the sign of the low one.
    pub(crate) fn gives_int(self) -> bool {
        self.0 & Signature::INT != 0
    }
}

/// A function of the kernel that programs call: `struct bpf_jit_mips_helper`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Helper {
    /// Where it is, as far as that fits 32 bits; 0 if this kernel does not have it.
    pub(crate) address: usize,
    pub(crate) signature: u16,
}

/// The functions that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Helpers {
    /// The address of `__bpf_call_base`, to which calls are relative.
    pub(crate) base: u32,
    pub(crate) all: &'static [Helper],
}

impl Helpers {
    /// None at all.
    #[allow(dead_code)]
    pub(crate) const NONE: Helpers = Helpers { base: 0, all: &[] };

    /// What the helper at this offset takes and gives.
    pub(super) fn signature(&self, offset: i32) -> Signature {
        let address = self.base.wrapping_add_signed(offset);
        let found = self
            .all
            .iter()
            .find(|helper| helper.address as u32 == address);
        found.map_or(Signature::ANY, |helper| Signature::new(helper.signature))
    }
}
