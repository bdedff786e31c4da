// SPDX-License-Identifier: GPL-2.0

//! The o32 register map.
//!
//! A 64-bit BPF register is a pair of native registers whose halves lie in memory order, as o32
//! passes 64-bit values: the low word comes first on a little-endian machine, second on a
//! big-endian one.
//!
//! | BPF     | MIPS   | |
//! |---------|--------|---|
//! | R0      | v0, v1 | return value |
//! | R1, R2  | a0-a3  | arguments in registers |
//! | R3-R5   | t0-t5  | arguments that a call takes on the stack |
//! | R6-R9   | s0-s7  | callee-saved |
//! | R10     | zero, fp | the high word of a kernel address is zero |
//! | AX      | ra, at | constant blinding and rewritten instructions |
//! | -       | t6-t9  | temporaries of a lowering |
//!
//! AX's high word would naturally be `$gp`, the other register no compiler touches. But `$gp`
//! holds `current_thread_info()`, and an exception taken in kernel mode does not reload it: an
//! image that writes it hangs the machine at the next interrupt. `$ra` is saved in the frame and
//! dead between calls.
//!
//! Source: MIPS ABI supplement, third edition, chapter 3; `arch/mips/include/asm/regdef.h`.

use super::Abi;
use crate::jit::analysis::Words;
use crate::jit::asm::{copy, Block};
use crate::jit::bpf::{self, RegSet};
use crate::jit::lower::{structure_offset, Lowering};
use crate::jit::mips::{Endian, Insn, Pair, Reg, RegMask, Shift5, Simm16, Uimm16, Width};
use crate::jit::runtime::Processors;

/// Bytes of a 64-bit value on the stack.
const DOUBLEWORD: u32 = 8;

/// BPF registers that a call of a C function overwrites.
pub(crate) const CALLER_SAVED: RegSet = RegSet::ARGUMENTS.with(bpf::Reg::R0).with(bpf::Reg::Ax);

/// The pairs of the first and second 64-bit argument, and of the return value, of a C function.
pub(crate) const ARGUMENT_1: bpf::Reg = bpf::Reg::R1;
/// See [`ARGUMENT_1`].
pub(crate) const ARGUMENT_2: bpf::Reg = bpf::Reg::R2;
/// See [`ARGUMENT_1`].
pub(crate) const RESULT: bpf::Reg = bpf::Reg::R0;

/// The first argument of a C function, if it is 32 bits wide.
pub(crate) const WORD_ARGUMENT_1: Reg = Reg::A0;

/// The argument of a C function that follows a 64-bit one, if it is 32 bits wide.
pub(crate) const WORD_AFTER_PAIR: Reg = Reg::A2;

/// The result of a C function, if it is 32 bits wide.
pub(crate) const WORD_RESULT: Reg = Reg::V0;

/// The register of a word among the arguments of a C function, if it is not on the stack.
pub(crate) const fn word_argument(number: u32) -> Option<Reg> {
    match number {
        0 => Some(Reg::A0),
        1 => Some(Reg::A1),
        2 => Some(Reg::A2),
        3 => Some(Reg::A3),
        _ => None,
    }
}

/// BPF registers that a helper call takes on the stack, each with its place there.
pub(crate) const STACK_ARGUMENTS: [(bpf::Reg, u32); 3] =
    [(bpf::Reg::R3, 0), (bpf::Reg::R4, 1), (bpf::Reg::R5, 2)];

/// The register map of a machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegisterMap {
    endian: Endian,
}

impl RegisterMap {
    /// The map of a machine of this byte order.
    pub(crate) const fn new(endian: Endian) -> Self {
        RegisterMap { endian }
    }

    /// The native registers that hold a BPF register.
    pub(crate) const fn pair(&self, reg: bpf::Reg) -> Pair {
        match reg {
            bpf::Reg::R0 => self.in_memory_order(Reg::V0, Reg::V1),
            bpf::Reg::R1 => self.in_memory_order(Reg::A0, Reg::A1),
            bpf::Reg::R2 => self.in_memory_order(Reg::A2, Reg::A3),
            bpf::Reg::R3 => self.in_memory_order(Reg::T0, Reg::T1),
            bpf::Reg::R4 => self.in_memory_order(Reg::T2, Reg::T3),
            bpf::Reg::R5 => self.in_memory_order(Reg::T4, Reg::T5),
            bpf::Reg::R6 => self.in_memory_order(Reg::S0, Reg::S1),
            bpf::Reg::R7 => self.in_memory_order(Reg::S2, Reg::S3),
            bpf::Reg::R8 => self.in_memory_order(Reg::S4, Reg::S5),
            bpf::Reg::R9 => self.in_memory_order(Reg::S6, Reg::S7),
            bpf::Reg::R10 => Pair {
                hi: Reg::ZERO,
                lo: Reg::FP,
            },
            bpf::Reg::Ax => Pair {
                hi: Reg::RA,
                lo: Reg::AT,
            },
        }
    }

    /// Offsets of the low and the high word within a 64-bit value in memory, in bytes.
    pub(crate) const fn word_offsets(&self) -> (u32, u32) {
        match self.endian {
            Endian::Little => (0, 4),
            Endian::Big => (4, 0),
        }
    }

    const fn in_memory_order(&self, first: Reg, second: Reg) -> Pair {
        match self.endian {
            Endian::Little => Pair {
                hi: second,
                lo: first,
            },
            Endian::Big => Pair {
                hi: first,
                lo: second,
            },
        }
    }
}

/// The convention of 32-bit kernels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct O32;

impl Abi for O32 {
    const WIDTH: Width = Width::W32;
    const REGISTER: u32 = 4;
    const STACK_ALIGNMENT: u32 = 8;
    /// For the callee to store its register arguments in.
    const HOME_AREA: u32 = 16;
    const OUTGOING: u32 =
        Self::HOME_AREA.wrapping_add(DOUBLEWORD.wrapping_mul(STACK_ARGUMENTS.len() as u32));
    const ARGUMENTS: RegMask = RegMask::EMPTY;
    /// The first word of the home area counts.
    const COUNT_SIZE: u32 = 0;
    /// Two loads for each argument on the stack.
    const SUBPROGRAM_ENTRY: u32 = 2 * STACK_ARGUMENTS.len() as u32;
    const ARENA: Reg = Reg::ZERO;

    fn registers(endian: Endian, reg: bpf::Reg) -> RegMask {
        RegisterMap::new(endian).pair(reg).mask()
    }

    fn words(endian: Endian, reg: bpf::Reg, words: Words) -> RegMask {
        let pair = RegisterMap::new(endian).pair(reg);
        let of = |is_one: bool, native| match is_one {
            true => RegMask::of(native),
            false => RegMask::EMPTY,
        };
        of(words.low, pair.lo).union(of(words.high, pair.hi))
    }

    /// The context is a 32-bit pointer.
    fn enter(endian: Endian, context: Words) -> [Option<Insn>; 2] {
        let r1 = RegisterMap::new(endian).pair(bpf::Reg::R1);
        let is_elsewhere = r1.lo != WORD_ARGUMENT_1;
        [
            (context.low && is_elsewhere).then(|| copy(r1.lo, WORD_ARGUMENT_1)),
            context.high.then(|| copy(r1.hi, Reg::ZERO)),
        ]
    }

    /// Where the low word is passed in its place.
    fn repeats_enter(endian: Endian) -> bool {
        RegisterMap::new(endian).pair(bpf::Reg::R1).lo == WORD_ARGUMENT_1
    }

    fn clear_count(at: Simm16) -> Insn {
        Insn::sw(Reg::ZERO, at, Reg::SP)
    }

    fn enter_subprogram(asm: &mut Block, endian: Endian) -> Option<()> {
        let map = RegisterMap::new(endian);
        let (low, high) = map.word_offsets();
        for (reg, index) in STACK_ARGUMENTS {
            let at = Self::HOME_AREA.wrapping_add(index.wrapping_mul(DOUBLEWORD));
            let place = |word: u32| Simm16::new(i32::try_from(at.wrapping_add(word)).ok()?);
            let pair = map.pair(reg);
            asm.lw(pair.lo, place(low)?, Reg::SP);
            asm.lw(pair.hi, place(high)?, Reg::SP);
        }
        Some(())
    }

    fn keep_count(_: &mut Block, _: Simm16) -> Option<()> {
        Some(())
    }

    fn finish(asm: &mut Block, endian: Endian) {
        asm.copy(WORD_RESULT, RegisterMap::new(endian).pair(bpf::Reg::R0).lo);
    }

    fn store(reg: Reg, offset: Simm16, base: Reg) -> Insn {
        Insn::sw(reg, offset, base)
    }

    fn load(reg: Reg, offset: Simm16, base: Reg) -> Insn {
        Insn::lw(reg, offset, base)
    }

    fn add(rd: Reg, rs: Reg, imm: Simm16) -> Insn {
        Insn::addiu(rd, rs, imm)
    }

    fn address(endian: Endian, reg: bpf::Reg) -> Reg {
        RegisterMap::new(endian).pair(reg).lo
    }

    fn this_cpu(asm: &mut Block, rd: Reg, rs: Reg, processors: Option<Processors>) -> Option<()> {
        let Some(processors) = processors else {
            asm.copy(rd, rs);
            return Some(());
        };
        let (index, offsets) = (Reg::T8, Reg::T9);
        let low = Simm16::low_half(processors.offsets);
        let rest = processors.offsets.wrapping_sub(low.value() as u32);
        asm.lw(index, structure_offset(processors.number)?, Reg::GP);
        asm.lui(offsets, Uimm16::high_half(rest));
        asm.sll(
            index,
            index,
            Shift5::masked(Self::REGISTER.trailing_zeros()),
        );
        asm.addu(index, index, offsets);
        asm.lw(index, low, index);
        asm.addu(rd, rs, index);
        Some(())
    }

    fn load_address(asm: &mut Block, rd: Reg, address: u64) {
        asm.load_word(rd, address as u32);
    }

    #[cfg_attr(only_n64, allow(unused_variables))]
    fn lower(lowering: &mut Lowering<'_, Self>, insn: &bpf::Insn) -> Option<()> {
        // Of the two ABIs a kernel has one, and no code for the other.
        #[cfg(not(only_n64))]
        let lowered = crate::jit::lower::pair::lower(lowering, insn);
        #[cfg(only_n64)]
        let lowered = None;
        lowered
    }
}
