// SPDX-License-Identifier: GPL-2.0

//! Lowering to register pairs, for 32-bit machines: one file for each class of instructions.

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
mod muldiv;
mod probe;
mod release;
mod shift;
mod swap;

use super::{log2, Lowering};
use crate::jit::abi::O32;
use crate::jit::bpf::{self, Insn};
use crate::jit::mips::{Pair, Reg};

/// Temporary registers of a lowering.
const T6: Reg = Reg::T6;
const T7: Reg = Reg::T7;
const T8: Reg = Reg::T8;
const T9: Reg = Reg::T9;

/// The high word of a sign-extended 32-bit immediate.
fn sign_word(imm: i32) -> u32 {
    if imm < 0 {
        !0
    } else {
        0
    }
}

/// Lowers an instruction: an exhaustive match.
pub(crate) fn lower(l: &mut Lowering<'_, O32>, insn: &Insn) -> Option<()> {
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
        Insn::ZeroExtend { dst } => l.zero_extend(dst),
        // Never decoded for 32-bit machines.
        Insn::CastUser { .. } => None,
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
        Insn::Call { offset, signature } => l.call(offset, signature),
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

impl Lowering<'_, O32> {
    /// The registers that hold a BPF register. Both hold what they should if an instruction demands both
    /// ([`Demand`](crate::jit::analysis::Demand)).
    fn pair(&self, reg: bpf::Reg) -> Pair {
        self.setting.frame.map().pair(reg)
    }

    /// The registers to read a BPF register from: a high word that is known to be zero is demanded of
    /// nobody, and is `$zero`.
    fn source(&self, reg: bpf::Reg) -> Pair {
        let pair = self.pair(reg);
        match self.place.known.of(reg).is_zero {
            true => Pair {
                hi: Reg::ZERO,
                ..pair
            },
            false => pair,
        }
    }

    /// Whether somebody reads the low word of the result.
    fn wants_low(&self) -> bool {
        self.place.wanted.low
    }

    /// Whether somebody reads the high word of the result.
    fn wants_high(&self) -> bool {
        self.place.wanted.high
    }

    /// Completes a 32-bit result: BPF zero-extends it. Where the verifier marks the places that
    /// need it, it has put an explicit zero-extension there.
    fn finish_word(&mut self, d: Pair) {
        if self.setting.zero_extends {
            self.clear_high(d);
        }
    }

    /// The same of a result in place of an operand, of which the high word may be zero already.
    fn finish_word_of(&mut self, dst: bpf::Reg) {
        if self.setting.zero_extends {
            self.clear_high_of(dst);
        }
    }

    /// `d.hi = 0`, if somebody reads it.
    fn clear_high(&mut self, d: Pair) {
        if self.wants_high() {
            self.asm.clear(d.hi);
        }
    }

    /// The same of what has been an operand.
    fn clear_high_of(&mut self, dst: bpf::Reg) {
        if !self.place.known.of(dst).is_zero {
            self.clear_high(self.pair(dst));
        }
    }

    /// A register that holds the word: `$zero`, or the given temporary.
    fn word_in(&mut self, temporary: Reg, word: u32) -> Reg {
        if word == 0 {
            return Reg::ZERO;
        }
        self.asm.load_word(temporary, word);
        temporary
    }

    /// A pair that holds the sign-extended immediate, in `t6` and `t7` unless a word is zero.
    fn sign_extended(&mut self, imm: i32) -> Pair {
        let lo = self.word_in(T6, imm as u32);
        let hi = if imm == -1 {
            lo
        } else {
            self.word_in(T7, sign_word(imm))
        };
        Pair { hi, lo }
    }

    /// `d = s`, word by word.
    fn copy_pair(&mut self, d: Pair, s: Pair) {
        self.asm.copy(d.lo, s.lo);
        self.asm.copy(d.hi, s.hi);
    }

    /// `d = 0`, a result
    fn clear_pair(&mut self, d: Pair) {
        if self.wants_low() {
            self.asm.clear(d.lo);
        }
        self.clear_high(d);
    }
}
