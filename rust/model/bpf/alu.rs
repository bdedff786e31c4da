// SPDX-License-Identifier: GPL-2.0

//! Arithmetic, byte swaps and conditions as functions of values (RFC 9669 sections 4.1 to 4.3).
//!
//! A 32-bit operation computes with the low words of its operands and gives a word; what becomes
//! of the upper half of the register is the caller's affair.

use super::memory::ByteOrder;
use crate::model::word::Word;

/// A binary operation of section 4.1, table 3, except MOV and END, on operands of either width;
/// `offset` tells signed from unsigned division. None if there is no such instruction.
pub fn binary<W: Word>(operation: u8, offset: i16, d: W, s: W) -> Option<W> {
    let zero = d.constant(0);
    let amount = s & d.constant(u64::from(d.width()) - 1);
    Some(match (operation, offset) {
        (0x00, 0) => d + s,
        (0x10, 0) => d - s,
        (0x20, 0) => d * s,
        // dst = (src != 0) ? (dst / src) : 0
        (0x30, 0) => s.is_zero().select(zero, d.quotient(s)),
        // dst = (src == 0) ? 0 : ((src == -1 && dst == LLONG_MIN) ? LLONG_MIN : (dst s/ src))
        // The least value by -1 is itself, modulo the width.
        (0x30, 1) => s.is_zero().select(zero, d.signed_quotient(s)),
        (0x40, 0) => d | s,
        (0x50, 0) => d & s,
        (0x60, 0) => d.shift_left(amount),
        (0x70, 0) => d.shift_right(amount),
        // dst = (src != 0) ? (dst % src) : dst
        (0x90, 0) => s.is_zero().select(d, d.remainder(s)),
        // dst = (src == 0) ? dst : ((src == -1 && dst == LLONG_MIN) ? 0: (dst s% src))
        (0x90, 1) => s.is_zero().select(d, d.signed_remainder(s)),
        (0xa0, 0) => d ^ s,
        (0xc0, 0) => d.shift_right_signed(amount),
        _ => return None,
    })
}

/// A MOV from a register with an offset: the low `offset` bits of a source of either width,
/// sign-extended. None if there is no such instruction.
pub fn move_sign_extended<W: Word>(offset: i16, src: W) -> Option<W> {
    match (src.width(), offset) {
        (_, 8 | 16) | (64, 32) => Some(src.low(offset as u32).sign_extend(src.width())),
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

/// A byte swap of the low `bits` bits, zero-extended. None if there is no such instruction.
pub fn swap<W: Word>(kind: Swap, order: ByteOrder, bits: i32, value: W) -> Option<W> {
    let kept = match bits {
        16 | 32 | 64 => value.low(bits as u32),
        _ => return None,
    };
    let converted = match kind {
        Swap::To(to) if to == order => kept,
        _ => kept.swap_bytes(),
    };
    Some(converted.zero_extend(value.width()))
}

/// A condition of section 4.3, table 6, on operands of either width, as one bit. None if there is
/// no such jump.
pub fn condition<W: Word>(operation: u8, d: W, s: W) -> Option<W> {
    Some(match operation {
        0x10 => d.equals(s),
        0x20 => s.is_below(d),
        0x30 => !d.is_below(s),
        0x40 => !(d & s).is_zero(),
        0x50 => !d.equals(s),
        0x60 => s.is_less(d),
        0x70 => !d.is_less(s),
        0xa0 => d.is_below(s),
        0xb0 => !s.is_below(d),
        0xc0 => d.is_less(s),
        0xd0 => !s.is_less(d),
        _ => return None,
    })
}

/// The operation of an atomic instruction (section 5.3, tables 14 and 15), without the bit FETCH.
/// None if there is no such instruction.
pub fn atomic<W: Word>(operation: i32, old: W, src: W) -> Option<W> {
    Some(match operation {
        0x00 => old + src,
        0x40 => old | src,
        0x50 => old & src,
        0xa0 => old ^ src,
        _ => return None,
    })
}
