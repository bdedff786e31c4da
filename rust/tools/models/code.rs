// SPDX-License-Identifier: GPL-2.0

//! The instructions of the rig: not by the core's table, since that is what is tried.

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

pub(super) fn addiu(rt: u32, rs: u32, immediate: u16) -> u32 {
    0x2400_0000 | rs << 21 | rt << 16 | u32::from(immediate)
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
