// SPDX-License-Identifier: GPL-2.0

//! What each BPF instruction becomes.
//!
//! An exhaustive match over [`Insn`]: there is no instruction without a lowering. [`pair`] holds
//! the lowerings for 32-bit machines, where a BPF register is a pair of native ones. Each opens
//! with the BPF meaning in kernel notation and then says what is subtle.
//!
//! Temporaries are `t6` to `t9`; their content never survives an instruction. A lowering writes
//! no other register that does not belong to its destination.

mod pair;

use crate::jit::abi::Frame;
use crate::jit::asm::Block;
use crate::jit::bpf::{self, Insn, RegSet};
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Cpu, Pair};
use crate::jit::runtime::Runtime;

/// What holds for every instruction of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) cpu: &'a Cpu,
    pub(crate) runtime: &'a Runtime,
    pub(crate) frame: Frame,
    /// 32-bit results must clear the high word: the verifier has not said where it matters.
    pub(crate) zero_extends: bool,
}

/// What holds for one instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Registers whose values a call inside the lowering must preserve.
    pub(crate) kept: RegSet,
    /// Arguments that a helper call has to pass.
    pub(crate) passed: RegSet,
    /// The epilogue follows directly.
    pub(crate) is_last: bool,
}

/// Lowers one instruction into an empty block.
pub(crate) struct Lowering<'a> {
    asm: &'a mut Block,
    setting: &'a Setting<'a>,
    place: Place,
}

impl<'a> Lowering<'a> {
    /// Prepares to lower an instruction at a place into `asm`, whose target is set.
    pub(crate) fn new(asm: &'a mut Block, setting: &'a Setting<'a>, place: Place) -> Self {
        Lowering {
            asm,
            setting,
            place,
        }
    }

    /// Lowers the instruction at index `at`.
    ///
    /// # Errors
    ///
    /// `Internal` if an operand does not fit its field, which no instruction brings about.
    pub(crate) fn lower(&mut self, insn: &Insn, at: u32) -> Result {
        self.emit(insn).ok_or(Error::Internal { at })
    }

    fn emit(&mut self, insn: &Insn) -> Option<()> {
        match *insn {
            Insn::Alu {
                width,
                op,
                dst,
                src,
            } => self.alu(width, op, dst, src),
            Insn::Neg { width, dst } => self.neg(width, dst),
            Insn::Mov { width, dst, src } => self.mov(width, dst, src),
            Insn::MovSx {
                width,
                dst,
                src,
                from,
            } => self.mov_sx(width, dst, src, from),
            Insn::ZeroExtend { dst } => self.zero_extend(dst),
            Insn::Swap { dst, size, kind } => self.swap(dst, size, kind),
            Insn::LoadImm64 { dst, value } => self.load_imm64(dst, value),
            Insn::Load {
                dst,
                mem,
                size,
                signed,
            } => self.load(dst, mem, size, signed),
            Insn::Store { mem, size, src } => self.store(mem, size, src),
            Insn::Atomic {
                op,
                width,
                mem,
                src,
            } => self.atomic(op, width, mem, src),
            Insn::LoadAcquire { dst, mem, size } => self.load_acquire(dst, mem, size),
            Insn::StoreRelease { mem, size, src } => self.store_release(mem, size, src),
            Insn::Jump { .. } => self.jump(),
            Insn::Branch {
                width,
                cond,
                dst,
                src,
                ..
            } => self.jump_if(width, cond, dst, src),
            Insn::Call { offset } => self.call(offset),
            Insn::TailCall => self.tail_call(),
            Insn::Exit => self.exit(),
            // Nothing to do: the interpreter's barrier_nospec() is empty on MIPS as well.
            Insn::NoSpec => Some(()),
        }
    }

    fn pair(&self, reg: bpf::Reg) -> Pair {
        self.setting.frame.map().pair(reg)
    }
}
