// SPDX-License-Identifier: GPL-2.0

//! The fields of an instruction (RFC 9669 section 3).
//!
//! ```text
//! byte   0        1          2  3     4  5  6  7
//!        opcode   registers  offset   immediate
//! ```
//!
//! On a little-endian machine the destination is the low nibble of the second byte and numbers
//! begin with their low byte; on a big-endian machine it is the other way round.

use super::memory::ByteOrder;

/// An instruction slot as it lies in memory.
pub type Slot = [u8; 8];

/// The five fields of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields {
    /// The operation.
    pub opcode: u8,
    /// Number of the destination register.
    pub dst: u8,
    /// Number of the source register.
    pub src: u8,
    /// A signed distance, in bytes or in slots.
    pub offset: i16,
    /// A signed constant.
    pub immediate: i32,
}

/// Instruction classes: the low three bits of the opcode (section 3.1, table 2).
#[allow(missing_docs)]
pub mod class {
    pub const LD: u8 = 0;
    pub const LDX: u8 = 1;
    pub const ST: u8 = 2;
    pub const STX: u8 = 3;
    pub const ALU: u8 = 4;
    pub const JMP: u8 = 5;
    pub const JMP32: u8 = 6;
    pub const ALU64: u8 = 7;
}

impl Fields {
    /// Takes a slot apart.
    pub fn of(slot: Slot, order: ByteOrder) -> Self {
        let [opcode, registers, o0, o1, i0, i1, i2, i3] = slot;
        let (low, high) = (registers & 0xf, registers >> 4);
        match order {
            ByteOrder::Little => Fields {
                opcode,
                dst: low,
                src: high,
                offset: i16::from_le_bytes([o0, o1]),
                immediate: i32::from_le_bytes([i0, i1, i2, i3]),
            },
            ByteOrder::Big => Fields {
                opcode,
                dst: high,
                src: low,
                offset: i16::from_be_bytes([o0, o1]),
                immediate: i32::from_be_bytes([i0, i1, i2, i3]),
            },
        }
    }

    /// Puts a slot together.
    pub fn slot(&self, order: ByteOrder) -> Slot {
        let (registers, [o0, o1], [i0, i1, i2, i3]) = match order {
            ByteOrder::Little => (
                self.src << 4 | self.dst,
                self.offset.to_le_bytes(),
                self.immediate.to_le_bytes(),
            ),
            ByteOrder::Big => (
                self.dst << 4 | self.src,
                self.offset.to_be_bytes(),
                self.immediate.to_be_bytes(),
            ),
        };
        [self.opcode, registers, o0, o1, i0, i1, i2, i3]
    }

    /// The class.
    pub fn class(&self) -> u8 {
        self.opcode & 7
    }

    /// The operation of an arithmetic or jump instruction (sections 4.1 to 4.3).
    pub fn operation(&self) -> u8 {
        self.opcode & 0xf0
    }

    /// The bit S of an arithmetic or jump instruction: the source is a register.
    pub fn is_register_source(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// How many bytes a load or store moves (section 5, table 11).
    pub fn size(&self) -> u32 {
        match self.opcode & 0x18 {
            0x00 => 4,
            0x08 => 2,
            0x10 => 1,
            _ => 8,
        }
    }

    /// The mode of a load or store (section 5, table 10).
    pub fn mode(&self) -> u8 {
        self.opcode & 0xe0
    }

    /// The immediate, sign-extended to 64 bits.
    pub fn immediate64(&self) -> u64 {
        i64::from(self.immediate) as u64
    }
}
