// SPDX-License-Identifier: GPL-2.0

//! Lowering to single registers, for 64-bit machines: one file for each class of instructions.
//!
//! A register holds the 64 bits of a BPF register. What computes with words wants them
//! sign-extended and leaves them so (see `abi/n64.rs`); a BPF result of 32 bits is zero-extended.
//! [`Lowering::signed_word`] is the way in, [`Lowering::finish_word`] the way out.

mod alu;
mod alu32;
mod alu64;
mod argument;
mod atomic;
mod call;
mod function;
mod inline;
mod jump;
mod memory;
mod probe;
mod release;
mod swap;

use super::{log2, Lowering};
use crate::jit::abi::{n64, N64};
use crate::jit::bpf::{self, Insn};
use crate::jit::mips::{FieldPos, FieldSize, Reg, Shift5};

/// Temporary registers of a lowering.
const T6: Reg = Reg::T6;
const T7: Reg = Reg::T7;
const T8: Reg = Reg::T8;
const T9: Reg = Reg::T9;

/// Lowers an instruction: an exhaustive match.
pub(crate) fn lower(l: &mut Lowering<'_, N64>, insn: &Insn) -> Option<()> {
    match *insn {
        Insn::Alu {
            width,
            op,
            dst,
            src,
        } => l.alu(width, op, dst, src),
        Insn::Neg { width, dst } => l.neg(width, dst),
        Insn::Mov { width, dst, src } => l.mov(width, dst, src),
        Insn::MovSx {
            width,
            dst,
            src,
            from,
        } => l.mov_sx(width, dst, src, from),
        Insn::CastUser { dst, src } => l.cast_user(dst, src),
        Insn::ZeroExtend { dst } => l.zero_extend(dst),
        Insn::ThisCpu { dst, src } => l.this_cpu(dst, src),
        Insn::Swap { dst, size, kind } => l.swap(dst, size, kind),
        Insn::LoadImm64 { dst, value } => l.load_imm64(dst, value),
        Insn::Load {
            dst,
            mem,
            size,
            signed,
        } => l.load(dst, mem, size, signed),
        Insn::Store { mem, size, src } => l.store(mem, size, src),
        Insn::StoreArgument { index, src } => l.store_argument(index, src),
        Insn::LoadArgument { dst, index } => l.load_argument(dst, index),
        Insn::Atomic {
            op,
            width,
            mem,
            src,
        } => l.atomic(op, width, mem, src),
        Insn::LoadAcquire { dst, mem, size } => l.load_acquire(dst, mem, size),
        Insn::StoreRelease { mem, size, src } => l.store_release(mem, size, src),
        Insn::Jump { .. } => l.jump(),
        Insn::JumpIndirect { dst } => l.jump_indirect(dst),
        Insn::Branch {
            width,
            cond,
            dst,
            src,
            ..
        } => l.jump_if(width, cond, dst, src),
        Insn::Call { offset, .. } => l.call(offset),
        Insn::CallInline { helper } => l.call_inline(helper),
        Insn::CheckTime => l.check_time(),
        Insn::CallSubprogram { offset } => l.call_subprogram(offset),
        Insn::LoadSubprogram { dst, value } => l.load_subprogram(dst, value),
        Insn::CallFunction { slot } => l.call_function(slot),
        Insn::TailCall => l.tail_call(),
        Insn::Exit => l.exit(),
        Insn::NoSpec => l.no_spec(),
    }
}

/// `rd = (s32) rs` as an instruction. SLL takes any operand.
fn signed_word(rd: Reg, rs: Reg) -> crate::jit::mips::Insn {
    crate::jit::mips::Insn::sll(rd, rs, Shift5::masked(0))
}

impl Lowering<'_, N64> {
    fn reg(&self, reg: bpf::Reg) -> Reg {
        n64::register(reg)
    }

    /// `rd = rs`
    fn copy(&mut self, rd: Reg, rs: Reg) {
        if rd != rs {
            self.asm.copy_doubleword(rd, rs);
        }
    }

    /// `rd = (s32) rs`
    fn signed_word(&mut self, rd: Reg, rs: Reg) {
        self.asm.push(signed_word(rd, rs));
    }

    /// `rd = (u32) rs`
    fn unsigned_word(&mut self, rd: Reg, rs: Reg) {
        self.asm.field(rd, rs, FieldPos::masked(0), FieldSize::WORD);
    }

    /// Completes a 32-bit result whose bits above are anything: BPF zero-extends it. Where the
    /// verifier marks the places that need it, it has put an explicit zero-extension there.
    fn finish_word(&mut self, d: Reg) {
        if self.setting.zero_extends {
            self.unsigned_word(d, d);
        }
    }

    /// A register that holds the sign-extended immediate: `$zero`, or the given temporary.
    fn immediate_in(&mut self, temporary: Reg, imm: i32) -> Reg {
        if imm == 0 {
            return Reg::ZERO;
        }
        self.asm.load_word(temporary, imm as u32);
        temporary
    }
}
