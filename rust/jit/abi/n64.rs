// SPDX-License-Identifier: GPL-2.0

//! The n64 register map.
//!
//! A BPF register is a native one.
//!
//! | BPF     | MIPS   | number | |
//! |---------|--------|--------|---|
//! | R0      | v0     | 2      | return value |
//! | R1-R5   | a0-a4  | 4-8    | arguments, all in registers |
//! | R6-R9   | s0-s3  | 16-19  | callee-saved |
//! | R10     | fp     | 30     | frame pointer |
//! | AX      | at     | 1      | constant blinding and rewritten instructions |
//! | -       | s4     | 20     | address of the program's arena, if it uses one |
//! | -       | v1     | 3      | tail calls made, or where they are counted, from one program to the next |
//! | -       | a5-a7  | 9-11   | arguments beyond five, of a function that has them |
//! | -       | t2, t3, t8, t9 | 14, 15, 24, 25 | temporaries of a lowering |
//!
//! n64 names registers 8 to 15 otherwise than o32. This source has the o32 names for the numbers
//! throughout: a4 to a7 are `T0` to `T3`, t2 and t3 are `T6` and `T7`.
//!
//! A register holds all 64 bits of a BPF register. An instruction that computes with words is
//! UNPREDICTABLE unless its operands are sign-extended (MD00087), which a BPF register need not
//! be: so lowerings of 32-bit operations either use the 64-bit instruction, whose low word is the
//! same, or sign-extend the operands first, by `sll` with an amount of 0. Kernel addresses are
//! sign-extended words: the kernel is built with `-msym32`, and images lie in CKSSEG.
//!
//! Source: MIPSpro N32 ABI Handbook, chapter 2; `arch/mips/include/asm/regdef.h`.

use super::Abi;
use crate::jit::analysis::Words;
use crate::jit::asm::{copy, Block};
use crate::jit::bpf;
use crate::jit::lower::{structure_offset, Lowering};
use crate::jit::mips::{Endian, Insn, Reg, RegMask, Shift5, Simm16, Uimm16, Width};
use crate::jit::runtime::Processors;

/// The native register that holds a BPF register.
pub(crate) const fn register(reg: bpf::Reg) -> Reg {
    match reg {
        bpf::Reg::R0 => Reg::V0,
        bpf::Reg::R1 => Reg::A0,
        bpf::Reg::R2 => Reg::A1,
        bpf::Reg::R3 => Reg::A2,
        bpf::Reg::R4 => Reg::A3,
        bpf::Reg::R5 => Reg::T0,
        bpf::Reg::R6 => Reg::S0,
        bpf::Reg::R7 => Reg::S1,
        bpf::Reg::R8 => Reg::S2,
        bpf::Reg::R9 => Reg::S3,
        bpf::Reg::R10 => Reg::FP,
        bpf::Reg::Ax => Reg::AT,
    }
}

/// What travels with a tail call, and into functions of a program: tail calls made so far, or the
/// address of the doubleword that counts them, which as a number is larger than [`LARGEST_COUNT`].
pub(crate) const COUNT: Reg = Reg::V1;

/// No count of tail calls is as large, and every address is larger.
const LARGEST_COUNT: i32 = 0x7fff;

/// Bytes of a doubleword.
const DOUBLEWORD: i32 = 8;

/// Where a program that counts tail calls has the address of the count, if it keeps the count `at`.
pub(crate) fn address_of_count(at: Simm16) -> Option<Simm16> {
    Simm16::new(at.value().wrapping_add(DOUBLEWORD))
}

/// The convention of 64-bit kernels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct N64;

impl Abi for N64 {
    const WIDTH: Width = Width::W64;
    const REGISTER: u32 = 8;
    const STACK_ALIGNMENT: u32 = 16;
    const HOME_AREA: u32 = 0;
    const OUTGOING: u32 = 0;
    /// a5 to a7.
    const ARGUMENTS: RegMask = RegMask::of(Reg::T1).with(Reg::T2).with(Reg::T3);
    /// What comes in `$v1`, and the address of the count.
    const COUNT_SIZE: u32 = 16;
    /// All arguments are in place.
    const SUBPROGRAM_ENTRY: u32 = 0;
    const ARENA: Reg = Reg::S4;

    fn registers(_: Endian, reg: bpf::Reg) -> RegMask {
        RegMask::of(register(reg))
    }

    fn words(endian: Endian, reg: bpf::Reg, words: Words) -> RegMask {
        match words.are_none() {
            true => RegMask::EMPTY,
            false => Self::registers(endian, reg),
        }
    }

    /// The context is in place.
    fn enter(_: Endian, _: Words) -> [Option<Insn>; 2] {
        [None, None]
    }

    fn repeats_enter(_: Endian) -> bool {
        true
    }

    fn clear_count(_: Simm16) -> Insn {
        copy(COUNT, Reg::ZERO)
    }

    fn enter_subprogram(_: &mut Block, _: Endian) -> Option<()> {
        Some(())
    }

    /// `own = $v1; address = $v1 is a count ? &own : $v1`
    fn keep_count(asm: &mut Block, at: Simm16) -> Option<()> {
        let (is_count, address) = (Reg::T8, Reg::T9);
        asm.sd(COUNT, at, Reg::SP);
        asm.sltiu(is_count, COUNT, Simm16::new(LARGEST_COUNT)?);
        asm.daddiu(address, Reg::SP, at);
        asm.copy_if_zero(address, COUNT, is_count, Reg::T7);
        asm.sd(address, address_of_count(at)?, Reg::SP);
        Some(())
    }

    /// A word is returned sign-extended, even an unsigned one.
    fn finish(asm: &mut Block, _: Endian) {
        asm.sll(Reg::V0, register(bpf::Reg::R0), Shift5::masked(0));
    }

    fn store(reg: Reg, offset: Simm16, base: Reg) -> Insn {
        Insn::sd(reg, offset, base)
    }

    fn load(reg: Reg, offset: Simm16, base: Reg) -> Insn {
        Insn::ld(reg, offset, base)
    }

    fn add(rd: Reg, rs: Reg, imm: Simm16) -> Insn {
        Insn::daddiu(rd, rs, imm)
    }

    fn address(_: Endian, reg: bpf::Reg) -> Reg {
        register(reg)
    }

    fn this_cpu(asm: &mut Block, rd: Reg, rs: Reg, processors: Option<Processors>) -> Option<()> {
        let Some(processors) = processors else {
            if rd != rs {
                asm.or(rd, rs, Reg::ZERO);
            }
            return Some(());
        };
        let (index, offsets) = (Reg::T8, Reg::T9);
        let low = Simm16::low_half(processors.offsets);
        let rest = processors.offsets.wrapping_sub(low.value() as u32);
        asm.lwu(index, structure_offset(processors.number)?, Reg::GP);
        asm.lui(offsets, Uimm16::high_half(rest));
        asm.dsll(
            index,
            index,
            Shift5::masked(Self::REGISTER.trailing_zeros()),
        );
        asm.daddu(index, index, offsets);
        asm.ld(index, low, index);
        asm.daddu(rd, rs, index);
        Some(())
    }

    fn load_address(asm: &mut Block, rd: Reg, address: u64) {
        asm.load_doubleword(rd, address);
    }

    #[cfg_attr(only_o32, allow(unused_variables))]
    fn lower(lowering: &mut Lowering<'_, Self>, insn: &bpf::Insn) -> Option<()> {
        // Of the two ABIs a kernel has one, and no code for the other.
        #[cfg(not(only_o32))]
        let lowered = crate::jit::lower::wide::lower(lowering, insn);
        #[cfg(only_o32)]
        let lowered = None;
        lowered
    }
}
