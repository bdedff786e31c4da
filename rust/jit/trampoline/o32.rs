// SPDX-License-Identifier: GPL-2.0

//! Trampolines of 32-bit kernels.
//!
//! C passes words, of which `$a0` to `$a3` have the first four, and the stack the others, behind room for
//! four. A value of 64 bits begins at an even word and is in memory order. A program's context has 64 bits
//! of each argument.
//!
//! ```text
//! f(u32, u64, s8)       a0   a2 a3   16(sp)
//! context             a0 0   a2 a3   byte sign     little endian
//! ```
//!
//! Tail calls are counted where the function's caller has reserved room for its first word
//! ([`frame`](crate::jit::abi)).
//!
//! Source: MIPS ABI supplement, chapter 3.

use super::convention::{extend, Convention, Places, TEMPORARY};
use super::layout::{offset, DOUBLEWORD};
use crate::jit::abi::{o32, Abi, O32};
use crate::jit::asm::{Block, BranchCond, Label, Slot};
use crate::jit::bpf;
use crate::jit::mips::{Endian, Insn, Reg, Shift5, Simm16};
use crate::jit::runtime::Value;

/// Bytes of a word.
const WORD: u32 = O32::REGISTER;

/// `__bpf_prog_exit(prog, u64 start, run_ctx)`: the third argument is word 4, behind one that is left out.
const THIRD: u32 = 4 * WORD;

/// The words of a function's result.
const RESULT: [Reg; 2] = [Reg::V0, Reg::V1];

/// The words of a second argument of 64 bits.
const SECOND: [Reg; 2] = [Reg::A2, Reg::A3];

/// Offsets from `$sp` of the low and the high word of a doubleword.
fn words(endian: Endian, at: u32) -> Option<(Simm16, Simm16)> {
    let (low, high) = o32::RegisterMap::new(endian).word_offsets();
    Some((
        offset(at.checked_add(low)?)?,
        offset(at.checked_add(high)?)?,
    ))
}

/// The register of a word of the arguments, which may have to be loaded.
fn word(asm: &mut Block, places: &mut Places) -> Option<Reg> {
    let number = places.take();
    if let Some(reg) = o32::word_argument(number) {
        return Some(reg);
    }
    let at = places.size.checked_add(number.checked_mul(WORD)?)?;
    asm.lw(TEMPORARY, offset(at)?, Reg::SP);
    Some(TEMPORARY)
}

/// Stores a word, and above it its sign or zero.
fn store_extended(asm: &mut Block, endian: Endian, signed: bool, at: u32) -> Option<()> {
    let (low, high) = words(endian, at)?;
    asm.sw(TEMPORARY, low, Reg::SP);
    if signed {
        asm.sra(TEMPORARY, TEMPORARY, Shift5::masked(31));
        asm.sw(TEMPORARY, high, Reg::SP);
    } else {
        asm.sw(Reg::ZERO, high, Reg::SP);
    }
    Some(())
}

impl Convention for O32 {
    const CALL_AREA: u32 = THIRD.wrapping_add(DOUBLEWORD);

    fn store_constant(asm: &mut Block, endian: Endian, at: u32, value: u64) -> Option<()> {
        let (low, high) = words(endian, at)?;
        for (word, at) in [(value as u32, low), ((value >> 32) as u32, high)] {
            if word == 0 {
                asm.sw(Reg::ZERO, at, Reg::SP);
            } else {
                asm.load_word(TEMPORARY, word);
                asm.sw(TEMPORARY, at, Reg::SP);
            }
        }
        Some(())
    }

    fn save(asm: &mut Block, endian: Endian, reg: bpf::Reg, at: u32) -> Option<()> {
        let pair = o32::RegisterMap::new(endian).pair(reg);
        let (low, high) = words(endian, at)?;
        asm.sw(pair.lo, low, Reg::SP);
        asm.sw(pair.hi, high, Reg::SP);
        Some(())
    }

    fn take_back(asm: &mut Block, endian: Endian, reg: bpf::Reg, at: u32) -> Option<()> {
        let pair = o32::RegisterMap::new(endian).pair(reg);
        let (low, high) = words(endian, at)?;
        asm.lw(pair.lo, low, Reg::SP);
        asm.lw(pair.hi, high, Reg::SP);
        Some(())
    }

    fn save_argument(
        asm: &mut Block,
        endian: Endian,
        places: &mut Places,
        value: Value,
        at: u32,
    ) -> Option<()> {
        if value.bytes != 8 {
            let from = word(asm, places)?;
            extend(asm, TEMPORARY, from, value)?;
            return store_extended(asm, endian, value.signed, at);
        }
        places.next = places.next.checked_next_multiple_of(2)?;
        for half in [0, WORD] {
            let from = word(asm, places)?;
            asm.sw(from, offset(at.checked_add(half)?)?, Reg::SP);
        }
        Some(())
    }

    fn load_pointer(asm: &mut Block, rd: Reg, address: u64) {
        asm.load_word(rd, address as u32);
    }

    fn load_pointer_fixed(asm: &mut Block, rd: Reg, address: u64) {
        asm.load_word_fixed(rd, address as u32);
    }

    fn keep_start(asm: &mut Block, at: u32, none: Label, slot: Insn) -> Option<()> {
        let [first, second] = RESULT;
        asm.sw(first, offset(at)?, Reg::SP);
        asm.sw(second, offset(at.checked_add(WORD)?)?, Reg::SP);
        asm.or(TEMPORARY, first, second);
        asm.branch(BranchCond::zero(TEMPORARY), none, Slot::Fill(slot));
        Some(())
    }

    fn pass_start(asm: &mut Block, at: u32, third: u32) -> Option<()> {
        let [first, second] = SECOND;
        asm.lw(first, offset(at)?, Reg::SP);
        asm.lw(second, offset(at.checked_add(WORD)?)?, Reg::SP);
        asm.addiu(TEMPORARY, Reg::SP, offset(third)?);
        asm.sw(TEMPORARY, offset(THIRD)?, Reg::SP);
        Some(())
    }

    fn keep_result(asm: &mut Block, at: u32) -> Option<()> {
        let [first, second] = RESULT;
        asm.sw(first, offset(at)?, Reg::SP);
        asm.sw(second, offset(at.checked_add(WORD)?)?, Reg::SP);
        Some(())
    }

    fn take_back_result(asm: &mut Block, at: u32) -> Option<()> {
        let [first, second] = RESULT;
        asm.lw(first, offset(at)?, Reg::SP);
        asm.lw(second, offset(at.checked_add(WORD)?)?, Reg::SP);
        Some(())
    }

    /// A word is in `$v0`.
    fn save_result(
        asm: &mut Block,
        endian: Endian,
        is_word: bool,
        value: Value,
        at: u32,
    ) -> Option<()> {
        let low = match is_word {
            true => o32::WORD_RESULT,
            false => o32::RegisterMap::new(endian).pair(bpf::Reg::R0).lo,
        };
        match value.bytes {
            1 | 2 | 4 => {
                extend(asm, TEMPORARY, low, value)?;
                store_extended(asm, endian, value.signed, at)
            }
            0 | 8 if is_word => {
                asm.copy(TEMPORARY, low);
                store_extended(asm, endian, false, at)
            }
            0 | 8 => Self::save(asm, endian, bpf::Reg::R0, at),
            _ => None,
        }
    }

    fn return_result(asm: &mut Block, endian: Endian, value: Value, at: u32) -> Option<()> {
        if value.bytes == 8 {
            return Self::take_back(asm, endian, bpf::Reg::R0, at);
        }
        let (low, _) = words(endian, at)?;
        asm.lw(o32::WORD_RESULT, low, Reg::SP);
        Some(())
    }

    fn keep_tail_calls(_: &mut Block, _: u32) -> Option<()> {
        Some(())
    }

    fn take_back_tail_calls(_: &mut Block, _: u32) -> Option<()> {
        Some(())
    }

    fn lend_tail_calls(asm: &mut Block, size: u32) -> Option<()> {
        asm.lw(TEMPORARY, offset(size)?, Reg::SP);
        asm.sw(TEMPORARY, Simm16::ZERO, Reg::SP);
        Some(())
    }

    fn return_tail_calls(asm: &mut Block, size: u32) -> Option<()> {
        asm.lw(TEMPORARY, Simm16::ZERO, Reg::SP);
        asm.sw(TEMPORARY, offset(size)?, Reg::SP);
        Some(())
    }
}
