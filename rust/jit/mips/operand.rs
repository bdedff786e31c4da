// SPDX-License-Identifier: GPL-2.0

//! Operands as proofs.
//!
//! A value that does not fit its field of an instruction cannot be built, so it cannot wrap
//! silently. Each type is the content of one field, already checked; the field's place is in the
//! instruction table.

/// A signed 16-bit immediate or offset, as in `addiu` and `lw`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Simm16(i16);

impl Simm16 {
    /// Zero.
    pub(crate) const ZERO: Simm16 = Simm16(0);
    /// Minus one: all bits set when sign-extended.
    pub(crate) const MINUS_ONE: Simm16 = Simm16(-1);

    /// The value, if it fits 16 signed bits.
    pub(crate) fn new(value: i32) -> Option<Simm16> {
        i16::try_from(value).ok().map(Simm16)
    }

    /// The value; 16 bits always fit.
    pub(crate) const fn from_i16(value: i16) -> Simm16 {
        Simm16(value)
    }

    /// Bits 15 to 0 of a word, as an instruction takes them that adds a signed half.
    pub(crate) const fn low_half(word: u32) -> Simm16 {
        Simm16(word as i16)
    }

    /// The value a machine computes with.
    pub(crate) const fn value(self) -> i32 {
        self.0 as i32
    }

    /// The bits as they stand in the instruction.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u16 as u32
    }
}

/// A signed 9-bit offset, as in `ll` and `sc` of Release 6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Simm9(i16);

impl Simm9 {
    /// Zero.
    pub(crate) const ZERO: Simm9 = Simm9(0);

    /// The value, if it fits nine signed bits.
    pub(crate) fn new(value: i32) -> Option<Simm9> {
        if (-256..256).contains(&value) {
            Some(Simm9(value as i16))
        } else {
            None
        }
    }

    /// The bits as they stand in the instruction, shifted down.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u16 as u32 & 0x1ff
    }
}

/// An unsigned 16-bit immediate, as in `ori` and `lui`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uimm16(u16);

impl Uimm16 {
    /// Zero.
    pub(crate) const ZERO: Uimm16 = Uimm16(0);

    /// The value, if it fits 16 unsigned bits.
    pub(crate) fn new(value: u32) -> Option<Uimm16> {
        u16::try_from(value).ok().map(Uimm16)
    }

    /// Bits 31 to 16 of a word, as `lui` takes them.
    pub(crate) const fn high_half(word: u32) -> Uimm16 {
        Uimm16((word >> 16) as u16)
    }

    /// Bits 15 to 0 of a word, as `ori` takes them.
    pub(crate) const fn low_half(word: u32) -> Uimm16 {
        Uimm16(word as u16)
    }

    /// The value a machine computes with.
    pub(crate) const fn value(self) -> u32 {
        self.0 as u32
    }

    /// The bits as they stand in the instruction.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }
}

/// A shift amount, 0 to 31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shift5(u8);

impl Shift5 {
    /// The shift amount, if a 32-bit register can be shifted by it.
    pub(crate) fn new(amount: u32) -> Option<Shift5> {
        if amount < 32 {
            Some(Shift5(amount as u8))
        } else {
            None
        }
    }

    /// The low five bits of an amount, as RFC 9669 section 4.1 masks 32-bit shifts.
    pub(crate) const fn masked(amount: u32) -> Shift5 {
        Shift5((amount & 31) as u8)
    }

    /// The bits as they stand in the instruction.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32
    }
}

/// The lowest bit of a bit-field, 0 to 31, as in `ext` and `ins`.
pub(crate) type FieldPos = Shift5;

/// The width of a bit-field, 1 to 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FieldSize(u8);

impl FieldSize {
    /// All of a word.
    pub(crate) const WORD: FieldSize = FieldSize(32);

    /// The width, if there is a bit-field so wide.
    pub(crate) fn new(size: u32) -> Option<FieldSize> {
        if (1..=32).contains(&size) {
            Some(FieldSize(size as u8))
        } else {
            None
        }
    }

    /// The bits as they stand in `ext`: the width less one.
    pub(crate) const fn bits(self) -> u32 {
        (self.0 as u32).wrapping_sub(1) & 31
    }
}

/// A branch displacement: the distance in words from the delay slot to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disp16(i16);

impl Disp16 {
    /// To the delay slot itself: stands in until the target is known.
    pub(crate) const ZERO: Disp16 = Disp16(0);

    /// Stands for a target in a draft: out of reach of anything in the same block.
    pub(crate) const UNKNOWN: Disp16 = Disp16(i16::MIN);

    /// The displacement of a branch in word `from` to word `to`, if it is in reach.
    pub(crate) fn between(from: u32, to: u32) -> Option<Disp16> {
        let slot = i64::from(from).wrapping_add(1);
        i16::try_from(i64::from(to).wrapping_sub(slot))
            .ok()
            .map(Disp16)
    }

    /// Distance in words.
    pub(crate) const fn value(self) -> i32 {
        self.0 as i32
    }

    /// The bits as they stand in the instruction.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u16 as u32
    }
}

/// The displacement of a compact branch: the distance in words from the next instruction to the
/// target, in 26 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disp26(i32);

impl Disp26 {
    /// To the next instruction: stands in until the target is known.
    pub(crate) const ZERO: Disp26 = Disp26(0);

    /// Stands for a target in a draft: out of reach of anything in the same block.
    pub(crate) const UNKNOWN: Disp26 = Disp26((Disp26::REACH as i32).wrapping_neg());

    /// How many words a branch reaches back, and one less forward.
    pub(crate) const REACH: u32 = 1 << 25;

    /// The displacement of a branch in word `from` to word `to`, if it is in reach.
    pub(crate) fn between(from: u32, to: u32) -> Option<Disp26> {
        let next = i64::from(from).wrapping_add(1);
        let distance = i32::try_from(i64::from(to).wrapping_sub(next)).ok()?;
        let reach = Disp26::REACH as i32;
        if (-reach..reach).contains(&distance) {
            Some(Disp26(distance))
        } else {
            None
        }
    }

    /// Distance in words.
    pub(crate) const fn value(self) -> i32 {
        self.0
    }

    /// The bits as they stand in the instruction.
    pub(crate) const fn bits(self) -> u32 {
        self.0 as u32 & 0x03ff_ffff
    }
}
