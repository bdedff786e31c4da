// SPDX-License-Identifier: GPL-2.0

//! An instruction word, taken apart.
//!
//! ```text
//! bit   31    26  25 21  20 16  15 11  10 6  5      0
//! I     opcode    rs     rt     immediate
//! R     opcode    rs     rt     rd     sa    function
//! 26    opcode    displacement
//! 9     opcode    base   rt     offset   0   function
//! ```

use crate::model::word::Word;

/// An instruction word. Everything but an immediate is constant.
#[derive(Clone, Copy, Debug)]
pub struct Word32<W> {
    word: W,
    /// Bits 31 to 16.
    upper: u32,
    /// Bits 15 to 0, where they are constant.
    lower: Option<u32>,
}

impl<W: Word> Word32<W> {
    /// None if opcode or registers are not constant.
    pub fn new(word: W) -> Option<Self> {
        Some(Word32 {
            word,
            upper: word.slice(16, 16).value()? as u32,
            lower: word.low(16).value().map(|bits| bits as u32),
        })
    }

    /// The word, with zeros for what is not constant.
    pub fn known(self) -> u32 {
        self.upper << 16 | self.lower.unwrap_or(0)
    }

    /// Whether all of it is constant.
    pub fn is_constant(self) -> bool {
        self.lower.is_some()
    }

    /// Bits 31 to 26.
    pub fn opcode(self) -> u32 {
        self.upper >> 10
    }

    /// Bits 25 to 21.
    pub fn rs(self) -> usize {
        (self.upper >> 5 & 31) as usize
    }

    /// Bits 20 to 16.
    pub fn rt(self) -> usize {
        (self.upper & 31) as usize
    }

    fn field(self, low: u32, width: u32) -> u32 {
        let bits = self.word.slice(low, width).value();
        // No field has so many bits: what is not constant fits no pattern.
        bits.map_or(u32::MAX, |bits| bits as u32)
    }

    /// Bits 15 to 11, if they are constant; else no register.
    pub fn rd(self) -> usize {
        self.field(11, 5) as usize
    }

    /// Bits 10 to 6, if they are constant.
    pub fn sa(self) -> u32 {
        self.field(6, 5)
    }

    /// Bits 5 to 0, if they are constant.
    pub fn function(self) -> u32 {
        self.field(0, 6)
    }

    /// Bits 10 to 6.
    pub fn amount(self) -> W {
        self.word.slice(6, 5)
    }

    /// Bits 15 to 11.
    pub fn size(self) -> W {
        self.word.slice(11, 5)
    }

    /// Bits 15 to 7.
    pub fn offset9(self) -> W {
        self.word.slice(7, 9)
    }

    /// Bit 6, if it is constant; else no bit.
    pub fn bit6(self) -> u32 {
        self.field(6, 1)
    }

    /// Bits 25 to 0 as a signed number, if they are constant.
    pub fn wide_displacement(self) -> Option<i32> {
        let bits = self.word.low(26).value()? as u32;
        Some((bits << 6) as i32 >> 6)
    }

    /// Bits 15 to 0.
    pub fn immediate(self) -> W {
        self.word.low(16)
    }
}
