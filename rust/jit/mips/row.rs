// SPDX-License-Identifier: GPL-2.0

//! What the instruction table has columns for.

use super::cpu::Releases;
use super::reg::{Reg, RegMask};

/// A field of an instruction word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Field {
    /// Register in bits 15 to 11.
    Rd,
    /// Register in bits 25 to 21.
    Rs,
    /// Register in bits 20 to 16.
    Rt,
    /// Base register of an address, in bits 25 to 21.
    Base,
    /// Shift amount in bits 10 to 6.
    Sa,
    /// Signed immediate in bits 15 to 0.
    Simm,
    /// Signed immediate in bits 15 to 7.
    Simm9,
    /// Unsigned immediate in bits 15 to 0.
    Uimm,
    /// Branch displacement in words, in bits 15 to 0.
    Disp,
    /// Branch displacement in words, in bits 25 to 0.
    Disp26,
    /// Lowest bit of a bit-field, in bits 10 to 6.
    Pos,
    /// Width of a bit-field less one, in bits 15 to 11.
    Size,
}

impl Field {
    /// The field's lowest bit.
    pub(crate) const fn shift(self) -> u32 {
        match self {
            Field::Rs | Field::Base => 21,
            Field::Rt => 16,
            Field::Rd | Field::Size => 11,
            Field::Sa | Field::Pos => 6,
            Field::Simm9 => 7,
            Field::Simm | Field::Uimm | Field::Disp | Field::Disp26 => 0,
        }
    }

    /// The field's bits, in place.
    pub(crate) const fn mask(self) -> u32 {
        match self {
            Field::Simm | Field::Uimm | Field::Disp => 0xffff,
            Field::Simm9 => 0xff80,
            Field::Disp26 => 0x03ff_ffff,
            _ => 0x1fu32.wrapping_shl(self.shift()),
        }
    }

    /// What a word has in this field, shifted down.
    pub(crate) const fn extract(self, word: u32) -> u32 {
        (word & self.mask()).wrapping_shr(self.shift())
    }
}

/// What an instruction does with an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types)]
pub(crate) enum Role {
    /// Reads the register.
    r,
    /// Writes the register.
    w,
    /// Reads and writes it: the old value can survive.
    rw,
    /// The operand is no register.
    imm,
}

/// An operand of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) field: Field,
    pub(crate) role: Role,
}

/// What an instruction does beyond general-purpose registers: a set of the constants below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effects(u16);

impl Effects {
    /// Nothing beyond registers.
    pub(crate) const NONE: Effects = Effects(0);
    /// Writes HI and LO, or leaves them unpredictable.
    pub(crate) const WRITES_HILO: Effects = Effects(1);
    /// Reads HI or LO.
    pub(crate) const READS_HILO: Effects = Effects(2);
    /// Reads memory.
    pub(crate) const LOADS: Effects = Effects(4);
    /// Writes memory.
    pub(crate) const STORES: Effects = Effects(8);
    /// Orders memory accesses, or takes part in an LL/SC sequence: nothing may move across it.
    pub(crate) const ORDERS: Effects = Effects(16);
    /// Has a delay slot.
    pub(crate) const BRANCHES: Effects = Effects(32);
    /// Traps.
    pub(crate) const TRAPS: Effects = Effects(64);
    /// Transfers control without a delay slot.
    pub(crate) const COMPACT: Effects = Effects(128);
    /// Writes the return address to `$ra`, which is no operand.
    pub(crate) const LINKS: Effects = Effects(256);
    /// Reads or writes more than 32 bits of a register: an instruction of MIPS64 only.
    pub(crate) const WIDE: Effects = Effects(512);

    /// Whether this set has something of the other.
    pub(crate) const fn intersects(self, other: Effects) -> bool {
        self.0 & other.0 != 0
    }

    /// What either set has.
    pub(crate) const fn union(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }
}

/// A row of the instruction table.
#[derive(Debug)]
pub(crate) struct Row {
    /// The mnemonic.
    pub(crate) name: &'static str,
    /// The fixed bits.
    pub(crate) bits: u32,
    /// The operands, in assembler order.
    pub(crate) operands: &'static [Operand],
    /// The releases that have it.
    pub(crate) releases: Releases,
    /// What it does beyond registers.
    pub(crate) effects: Effects,
}

/// What of a row the JIT looks up: all but what the other columns are for, constructors and printers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traits {
    pub(crate) effects: Effects,
    pub(crate) releases: Releases,
    /// The fields that have registers which it reads.
    pub(super) reads: Registers,
    /// The fields that have registers which it writes.
    pub(super) writes: Registers,
}

impl Traits {
    /// Of nothing that any CPU has.
    pub(super) const NONE: Traits = Traits {
        effects: Effects::NONE,
        releases: Releases::NONE,
        reads: Registers(0),
        writes: Registers(0),
    };

    pub(super) const fn of(row: &Row) -> Traits {
        Traits {
            effects: row.effects,
            releases: row.releases,
            reads: Registers::of(row.operands, false),
            writes: Registers::of(row.operands, true),
        }
    }
}

/// Fields that have registers: bits 0 to 2 are those of [`Field::Rs`], [`Field::Rt`] and [`Field::Rd`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers(u8);

impl Registers {
    /// Those that are read, or those that are written.
    const fn of(operands: &[Operand], is_written: bool) -> Registers {
        let mut fields = 0;
        let mut operands = operands;
        while let [first, rest @ ..] = operands {
            let is_wanted = match first.role {
                Role::r => !is_written,
                Role::w => is_written,
                Role::rw => true,
                Role::imm => false,
            };
            if is_wanted {
                fields |= match first.field {
                    Field::Rs | Field::Base => 1,
                    Field::Rt => 2,
                    _ => 4,
                };
            }
            operands = rest;
        }
        Registers(fields)
    }

    /// The word with another register wherever it has this one there, unless some such field is one of these.
    pub(super) fn replaced(
        self,
        word: u32,
        (from, to): (Reg, Reg),
        others: Registers,
    ) -> Option<u32> {
        let mut replaced = word;
        for (field, bit) in [(Field::Rs, 1), (Field::Rt, 2), (Field::Rd, 4)] {
            if self.0 & bit == 0 || field.extract(word) != from.number() {
                continue;
            }
            if others.0 & bit != 0 {
                return None;
            }
            let bits = to.number().wrapping_shl(field.shift());
            replaced = (replaced & !field.mask()) | bits;
        }
        Some(replaced)
    }

    /// The registers that a word has there.
    pub(super) const fn in_word(self, word: u32) -> RegMask {
        let mut mask = RegMask::EMPTY;
        if self.0 & 1 != 0 {
            mask = mask.with(Reg::from_number(Field::Rs.extract(word)));
        }
        if self.0 & 2 != 0 {
            mask = mask.with(Reg::from_number(Field::Rt.extract(word)));
        }
        if self.0 & 4 != 0 {
            mask = mask.with(Reg::from_number(Field::Rd.extract(word)));
        }
        mask
    }
}

impl Row {
    /// The bits that no operand fills.
    pub(crate) const fn fixed_mask(&self) -> u32 {
        let mut mask = !0;
        let mut operands = self.operands;
        while let [first, rest @ ..] = operands {
            mask &= !first.field.mask();
            operands = rest;
        }
        mask
    }

    /// Whether the fields keep clear of each other and of the fixed bits.
    pub(super) const fn is_disjoint(&self) -> bool {
        let mut taken = self.bits;
        let mut operands = self.operands;
        while let [first, rest @ ..] = operands {
            if taken & first.field.mask() != 0 {
                return false;
            }
            taken |= first.field.mask();
            operands = rest;
        }
        true
    }
}
