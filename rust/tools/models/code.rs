// SPDX-License-Identifier: GPL-2.0

//! The instructions of the rig: not by the core's table, since that is what is tried.

use crate::tools::machine::Machine;

pub(super) const ZERO: u32 = 0;
pub(super) const AT: u32 = 1;
pub(super) const T0: u32 = 8;
pub(super) const T1: u32 = 9;
pub(super) const K0: u32 = 26;
pub(super) const K1: u32 = 27;
pub(super) const RA: u32 = 31;

pub(super) const NOP: u32 = 0;

pub(super) fn lw(rt: u32, offset: u16, base: u32) -> u32 {
    0x8c00_0000 | base << 21 | rt << 16 | u32::from(offset)
}

pub(super) fn sw(rt: u32, offset: u16, base: u32) -> u32 {
    0xac00_0000 | base << 21 | rt << 16 | u32::from(offset)
}

/// Instructions for whole registers, and where they are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    is_wide: bool,
}

impl Whole {
    pub(super) fn of(machine: Machine) -> Whole {
        Whole {
            is_wide: machine.is_wide(),
        }
    }

    /// LW or LD
    pub(super) fn load(self, rt: u32, offset: u16, base: u32) -> u32 {
        match self.is_wide {
            true => 0xdc00_0000 | base << 21 | rt << 16 | u32::from(offset),
            false => lw(rt, offset, base),
        }
    }

    /// SW or SD
    pub(super) fn store(self, rt: u32, offset: u16, base: u32) -> u32 {
        match self.is_wide {
            true => 0xfc00_0000 | base << 21 | rt << 16 | u32::from(offset),
            false => sw(rt, offset, base),
        }
    }

    /// ADDIU or DADDIU
    pub(super) fn add(self, rt: u32, rs: u32, immediate: u16) -> u32 {
        let opcode = if self.is_wide {
            0x6400_0000
        } else {
            0x2400_0000
        };
        opcode | rs << 21 | rt << 16 | u32::from(immediate)
    }

    /// Bytes of a register.
    pub(super) fn bytes(self) -> usize {
        match self.is_wide {
            true => 8,
            false => 4,
        }
    }

    /// Where a register of a record is.
    pub(super) fn at(self, index: usize) -> u16 {
        (index * self.bytes()) as u16
    }
}

pub(super) fn xor(rd: u32, rs: u32, rt: u32) -> u32 {
    rs << 21 | rt << 16 | rd << 11 | 0o46
}

pub(super) fn or(rd: u32, rs: u32, rt: u32) -> u32 {
    rs << 21 | rt << 16 | rd << 11 | 0o45
}

pub(super) fn and(rd: u32, rs: u32, rt: u32) -> u32 {
    rs << 21 | rt << 16 | rd << 11 | 0o44
}

pub(super) fn beq(rs: u32, rt: u32, words: i32) -> u32 {
    0x1000_0000 | rs << 21 | rt << 16 | words as u32 & 0xffff
}

pub(super) fn bne(rs: u32, rt: u32, words: i32) -> u32 {
    0x1400_0000 | rs << 21 | rt << 16 | words as u32 & 0xffff
}

/// As every release has it: JALR without a link.
pub(super) fn jr(rs: u32) -> u32 {
    rs << 21 | 0o11
}

pub(super) fn jal(target: u32) -> u32 {
    0x0c00_0000 | target >> 2 & 0x03ff_ffff
}

pub(super) fn mthi(rs: u32) -> u32 {
    rs << 21 | 0o21
}

pub(super) fn mtlo(rs: u32) -> u32 {
    rs << 21 | 0o23
}

pub(super) fn mfhi(rd: u32) -> u32 {
    rd << 11 | 0o20
}

pub(super) fn mflo(rd: u32) -> u32 {
    rd << 11 | 0o22
}
