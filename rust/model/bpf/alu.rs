// SPDX-License-Identifier: GPL-2.0

//! Arithmetic, byte swaps and conditions as functions of values (RFC 9669 sections 4.1 to 4.3).
//!
//! A 32-bit operation computes with the low words of its operands and gives a word; what becomes
//! of the upper half of the register is the caller's affair.

use super::memory::ByteOrder;

/// How many bits an operation computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// Class ALU or JMP32.
    Word,
    /// Class ALU64 or JMP.
    Doubleword,
}

impl Width {
    fn bits(self) -> u32 {
        match self {
            Width::Word => 32,
            Width::Doubleword => 64,
        }
    }

    /// The value as this width sees it.
    pub fn unsigned(self, value: u64) -> u64 {
        match self {
            Width::Word => value & 0xffff_ffff,
            Width::Doubleword => value,
        }
    }

    /// The value as this width sees it, in two's complement.
    pub fn signed(self, value: u64) -> i64 {
        sign_extend(value, self.bits())
    }
}

/// The low `bits` bits of a value in two's complement.
pub fn sign_extend(value: u64, bits: u32) -> i64 {
    let unused = 64 - bits;
    ((value << unused) as i64) >> unused
}

/// A binary operation of section 4.1, table 3, except MOV and END; `offset` tells signed from
/// unsigned division. None if there is no such instruction.
pub fn binary(width: Width, operation: u8, offset: i16, dst: u64, src: u64) -> Option<u64> {
    let (d, s) = (width.unsigned(dst), width.unsigned(src));
    let amount = (s as u32) & (width.bits() - 1);
    let result = match (operation, offset) {
        (0x00, 0) => d.wrapping_add(s),
        (0x10, 0) => d.wrapping_sub(s),
        (0x20, 0) => d.wrapping_mul(s),
        // dst = (src != 0) ? (dst / src) : 0
        (0x30, 0) => d.checked_div(s).unwrap_or(0),
        // dst = (src == 0) ? 0 : ((src == -1 && dst == LLONG_MIN) ? LLONG_MIN : (dst s/ src))
        (0x30, 1) => signed_quotient(width.signed(d), width.signed(s)),
        (0x40, 0) => d | s,
        (0x50, 0) => d & s,
        (0x60, 0) => d << amount,
        (0x70, 0) => d >> amount,
        // dst = (src != 0) ? (dst % src) : dst
        (0x90, 0) => d.checked_rem(s).unwrap_or(d),
        // dst = (src == 0) ? dst : ((src == -1 && dst == LLONG_MIN) ? 0: (dst s% src))
        (0x90, 1) => signed_remainder(width.signed(d), width.signed(s)),
        (0xa0, 0) => d ^ s,
        (0xc0, 0) => (width.signed(d) >> amount) as u64,
        _ => return None,
    };
    Some(width.unsigned(result))
}

/// Truncates towards zero. The least word by -1 does not overflow 64 bits; its low word is itself.
fn signed_quotient(d: i64, s: i64) -> u64 {
    match s {
        0 => 0,
        s => d.wrapping_div(s) as u64,
    }
}

/// Has the sign of the dividend.
fn signed_remainder(d: i64, s: i64) -> u64 {
    match s {
        0 => d as u64,
        s => d.wrapping_rem(s) as u64,
    }
}

/// A MOV from a register with an offset: the low `offset` bits, sign-extended. None if there is no
/// such instruction.
pub fn move_sign_extended(width: Width, offset: i16, src: u64) -> Option<u64> {
    match (width, offset) {
        (_, 8 | 16) | (Width::Doubleword, 32) => {
            Some(width.unsigned(sign_extend(src, offset as u32) as u64))
        }
        _ => None,
    }
}

/// What a byte swap instruction converts to (section 4.2, tables 4 and 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// `le16`, `le32`, `le64`, `be16`, `be32`, `be64`: from the machine's order to this one.
    To(ByteOrder),
    /// `bswap16`, `bswap32`, `bswap64`: always.
    Unconditional,
}

/// A byte swap of the low `bits` bits. None if there is no such instruction.
pub fn swap(kind: Swap, order: ByteOrder, bits: i32, value: u64) -> Option<u64> {
    let swapped = match bits {
        16 => u64::from((value as u16).swap_bytes()),
        32 => u64::from((value as u32).swap_bytes()),
        64 => value.swap_bytes(),
        _ => return None,
    };
    let kept = match bits {
        16 => value & 0xffff,
        32 => value & 0xffff_ffff,
        _ => value,
    };
    Some(match kind {
        Swap::To(to) if to == order => kept,
        _ => swapped,
    })
}

/// A condition of section 4.3, table 6. None if there is no such jump.
pub fn condition(width: Width, operation: u8, dst: u64, src: u64) -> Option<bool> {
    let (d, s) = (width.unsigned(dst), width.unsigned(src));
    let (ds, ss) = (width.signed(dst), width.signed(src));
    Some(match operation {
        0x10 => d == s,
        0x20 => d > s,
        0x30 => d >= s,
        0x40 => d & s != 0,
        0x50 => d != s,
        0x60 => ds > ss,
        0x70 => ds >= ss,
        0xa0 => d < s,
        0xb0 => d <= s,
        0xc0 => ds < ss,
        0xd0 => ds <= ss,
        _ => return None,
    })
}

/// The operation of an atomic instruction (section 5.3, tables 14 and 15), without the bit FETCH.
/// None if there is no such instruction.
pub fn atomic(operation: i32, old: u64, src: u64) -> Option<u64> {
    Some(match operation {
        0x00 => old.wrapping_add(src),
        0x40 => old | src,
        0x50 => old & src,
        0xa0 => old ^ src,
        _ => return None,
    })
}
