// SPDX-License-Identifier: GPL-2.0

//! Trampolines of 64-bit kernels.
//!
//! C passes doublewords, the first eight in registers 4 to 11, the others on the stack. A word comes
//! sign-extended, whatever its type; a program's context has it extended as its type says. A structure of
//! 8 or 16 bytes is one or two doublewords, as memory has it.
//!
//! Source: MIPSpro N32 ABI Handbook, chapter 2.

use super::convention::{extend, Convention, Places, TEMPORARY};
use super::layout::{offset, DOUBLEWORD};
use crate::jit::abi::{n64, N64};
use crate::jit::asm::{Block, BranchCond, Label, Slot};
use crate::jit::bpf;
use crate::jit::mips::{Endian, FieldPos, FieldSize, Insn, Reg, Shift5, Uimm16};
use crate::jit::runtime::Value;

/// Registers of a C function's arguments; o32's names.
const ARGUMENTS: [Reg; 8] = [
    Reg::A0,
    Reg::A1,
    Reg::A2,
    Reg::A3,
    Reg::T0,
    Reg::T1,
    Reg::T2,
    Reg::T3,
];

/// The register of a doubleword of the arguments, which may have to be loaded.
fn doubleword(asm: &mut Block, places: &mut Places) -> Option<Reg> {
    let number = places.take();
    let index = usize::try_from(number).ok()?;
    if let Some(&reg) = ARGUMENTS.get(index) {
        return Some(reg);
    }
    let above = number.checked_sub(ARGUMENTS.len() as u32)?;
    let at = places.size.checked_add(above.checked_mul(DOUBLEWORD)?)?;
    asm.ld(TEMPORARY, offset(at)?, Reg::SP);
    Some(TEMPORARY)
}

/// `rd` = the value that the low bits of `rs` are, as 64 bits.
fn widen(asm: &mut Block, rd: Reg, rs: Reg, value: Value) -> Option<()> {
    match (value.bytes, value.signed) {
        (4, false) => asm.field(rd, rs, FieldPos::masked(0), FieldSize::WORD),
        (1 | 2, true) => {
            // A word must be one before it is shifted.
            asm.sll(rd, rs, Shift5::masked(0));
            extend(asm, rd, rd, value)?;
        }
        _ => extend(asm, rd, rs, value)?,
    }
    Some(())
}

impl Convention for N64 {
    const CALL_AREA: u32 = 0;

    fn store_constant(asm: &mut Block, _: Endian, at: u32, value: u64) -> Option<()> {
        let from = if value == 0 { Reg::ZERO } else { TEMPORARY };
        if value != 0 {
            asm.load_doubleword(TEMPORARY, value);
        }
        asm.sd(from, offset(at)?, Reg::SP);
        Some(())
    }

    fn save(asm: &mut Block, _: Endian, reg: bpf::Reg, at: u32) -> Option<()> {
        asm.sd(n64::register(reg), offset(at)?, Reg::SP);
        Some(())
    }

    fn take_back(asm: &mut Block, _: Endian, reg: bpf::Reg, at: u32) -> Option<()> {
        asm.ld(n64::register(reg), offset(at)?, Reg::SP);
        Some(())
    }

    fn save_argument(
        asm: &mut Block,
        _: Endian,
        places: &mut Places,
        value: Value,
        at: u32,
    ) -> Option<()> {
        let count = match value.bytes {
            1 | 2 | 4 | 8 => 1,
            16 => 2,
            _ => return None,
        };
        for index in 0..count {
            let from = doubleword(asm, places)?;
            let at = at.checked_add(DOUBLEWORD.checked_mul(index)?)?;
            if value.bytes < 8 {
                widen(asm, TEMPORARY, from, value)?;
                asm.sd(TEMPORARY, offset(at)?, Reg::SP);
            } else {
                asm.sd(from, offset(at)?, Reg::SP);
            }
        }
        Some(())
    }

    fn load_pointer(asm: &mut Block, rd: Reg, address: u64) {
        asm.load_doubleword(rd, address);
    }

    fn load_pointer_fixed(asm: &mut Block, rd: Reg, address: u64) {
        let half = Shift5::masked(16);
        asm.load_word_fixed(rd, (address >> 32) as u32);
        for part in [address >> 16, address] {
            asm.dsll(rd, rd, half);
            asm.ori(rd, rd, Uimm16::low_half(part as u32));
        }
    }

    fn keep_start(asm: &mut Block, at: u32, none: Label, slot: Insn) -> Option<()> {
        asm.sd(Reg::V0, offset(at)?, Reg::SP);
        asm.branch(BranchCond::zero(Reg::V0), none, Slot::Fill(slot));
        Some(())
    }

    fn pass_start(asm: &mut Block, at: u32, third: u32) -> Option<()> {
        asm.ld(Reg::A1, offset(at)?, Reg::SP);
        asm.daddiu(Reg::A2, Reg::SP, offset(third)?);
        Some(())
    }

    fn keep_result(asm: &mut Block, at: u32) -> Option<()> {
        asm.sd(Reg::V0, offset(at)?, Reg::SP);
        Some(())
    }

    fn take_back_result(asm: &mut Block, at: u32) -> Option<()> {
        asm.ld(Reg::V0, offset(at)?, Reg::SP);
        Some(())
    }

    /// A pointer is no word: RAM is in XKPHYS.
    fn save_result(
        asm: &mut Block,
        endian: Endian,
        is_word: bool,
        value: Value,
        at: u32,
    ) -> Option<()> {
        let seen = match value.bytes {
            1 | 2 | 4 => value,
            0 | 8 if is_word => Value {
                bytes: 4,
                signed: false,
            },
            0 | 8 => return Self::save(asm, endian, bpf::Reg::R0, at),
            _ => return None,
        };
        widen(asm, TEMPORARY, n64::register(bpf::Reg::R0), seen)?;
        asm.sd(TEMPORARY, offset(at)?, Reg::SP);
        Some(())
    }

    /// An unsigned word is returned sign-extended, too.
    fn return_result(asm: &mut Block, _: Endian, value: Value, at: u32) -> Option<()> {
        asm.ld(Reg::V0, offset(at)?, Reg::SP);
        if value.bytes == 4 {
            asm.sll(Reg::V0, Reg::V0, Shift5::masked(0));
        }
        Some(())
    }

    fn keep_tail_calls(asm: &mut Block, at: u32) -> Option<()> {
        asm.sd(n64::COUNT, offset(at)?, Reg::SP);
        Some(())
    }

    fn take_back_tail_calls(asm: &mut Block, at: u32) -> Option<()> {
        asm.ld(n64::COUNT, offset(at)?, Reg::SP);
        Some(())
    }

    fn lend_tail_calls(_: &mut Block, _: u32) -> Option<()> {
        Some(())
    }

    fn return_tail_calls(_: &mut Block, _: u32) -> Option<()> {
        Some(())
    }
}
