// SPDX-License-Identifier: GPL-2.0

//! Atomic read-modify-write operations: 32 bits by `ll` and `sc`, 64 bits by the kernel's
//! `atomic64_t` functions.
//!
//! Ordering is the kernel's (`Documentation/atomic_t.txt`): an operation that returns a value is
//! fully ordered, one that does not is unordered. The barriers are those of
//! `smp_mb__before_atomic()` and `smp_mb__after_atomic()`; the kernel's functions have their own.

use super::{Lowering, T8, T9};
use crate::jit::abi::{o32, O32};
use crate::jit::asm::{copy, BranchCond, Slot};
use crate::jit::bpf::{AtomicOp, Mem, Reg as BpfReg, Width};
use crate::jit::mips::{Reg, Simm16};

impl Lowering<'_, O32> {
    /// `lock *(u32 or u64 *) (base + offset) op= src`
    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        width: Width,
        mem: Mem,
        src: BpfReg,
    ) -> Option<()> {
        match (width, op) {
            (Width::W64, AtomicOp::Cmpxchg) => self.cmpxchg64(mem, src),
            (Width::W64, AtomicOp::Xchg) => self.xchg64(mem, src),
            (Width::W64, _) => self.fetch_op64(op, mem, src),
            (Width::W32, AtomicOp::Cmpxchg) => {
                self.cmpxchg32(mem, src);
                Some(())
            }
            (Width::W32, _) => {
                self.fetch_op32(op, mem, src);
                Some(())
            }
        }
    }

    /// `old = *p; *p = old op src; src = old` if the operation fetches. The old value stays in a
    /// temporary until the loop is done, since `src` may be the base as well.
    fn fetch_op32(&mut self, op: AtomicOp, mem: Mem, src: BpfReg) {
        let s = self.pair(src);
        let word = self.linked(mem);
        let (old, new) = (T8, T9);
        let fetches = !matches!(
            op,
            AtomicOp::Add | AtomicOp::And | AtomicOp::Or | AtomicOp::Xor
        );

        if fetches {
            self.barrier_before();
        }
        let retry = self.asm.label();
        self.asm.bind(retry);
        self.barrier_linked();
        self.load_linked(old, word);
        match op {
            AtomicOp::Add | AtomicOp::FetchAdd => self.asm.addu(new, old, s.lo),
            AtomicOp::And | AtomicOp::FetchAnd => self.asm.and(new, old, s.lo),
            AtomicOp::Or | AtomicOp::FetchOr => self.asm.or(new, old, s.lo),
            AtomicOp::Xor | AtomicOp::FetchXor => self.asm.xor(new, old, s.lo),
            AtomicOp::Xchg | AtomicOp::Cmpxchg => self.asm.copy(new, s.lo),
        }
        self.store_conditional(new, word);
        self.asm.branch(BranchCond::zero(new), retry, Slot::Nop);
        if fetches {
            self.barrier_after();
            self.asm.copy(s.lo, old);
            self.finish_word(s);
        }
    }

    /// `old = *p; if (old == (u32) R0) *p = src; R0 = old`
    fn cmpxchg32(&mut self, mem: Mem, src: BpfReg) {
        let s = self.pair(src);
        let r0 = self.pair(BpfReg::R0);
        let word = self.linked(mem);
        let (old, new) = (T8, T9);

        self.barrier_before();
        let retry = self.asm.label();
        let differs = self.asm.label();
        self.asm.bind(retry);
        self.barrier_linked();
        self.load_linked(old, word);
        self.asm.branch(
            BranchCond::Ne(old, r0.lo),
            differs,
            Slot::Fill(copy(new, s.lo)),
        );
        self.store_conditional(new, word);
        self.asm.branch(BranchCond::zero(new), retry, Slot::Nop);
        self.asm.bind(differs);
        self.barrier_after();
        self.asm.copy(r0.lo, old);
        self.finish_word(r0);
    }

    /// `atomic64_op(src, p)`, or `src = atomic64_fetch_op(src, p)`
    fn fetch_op64(&mut self, op: AtomicOp, mem: Mem, src: BpfReg) -> Option<()> {
        let functions = &self.setting.runtime.atomic64;
        let (function, result) = match op {
            AtomicOp::Add => (functions.add, None),
            AtomicOp::And => (functions.and, None),
            AtomicOp::Or => (functions.or, None),
            AtomicOp::Xor => (functions.xor, None),
            AtomicOp::FetchAdd => (functions.fetch_add, Some(src)),
            AtomicOp::FetchAnd => (functions.fetch_and, Some(src)),
            AtomicOp::FetchOr => (functions.fetch_or, Some(src)),
            _ => (functions.fetch_xor, Some(src)),
        };
        let value = self.pair(o32::ARGUMENT_1);
        let s = self.pair(src);
        self.begin_function_call(result)?;
        let pointer = self.pointer(mem);
        self.copy_pair(value, s);
        self.asm.copy(o32::WORD_AFTER_PAIR, pointer);
        self.finish_function_call(function, result)
    }

    /// `src = atomic64_xchg(p, src)`
    fn xchg64(&mut self, mem: Mem, src: BpfReg) -> Option<()> {
        let function = self.setting.runtime.atomic64.xchg;
        let new = self.pair(o32::ARGUMENT_2);
        let s = self.pair(src);
        self.begin_function_call(Some(src))?;
        let pointer = self.pointer(mem);
        self.copy_pair(new, s);
        self.asm.copy(o32::WORD_ARGUMENT_1, pointer);
        self.finish_function_call(function, Some(src))
    }

    /// `R0 = atomic64_cmpxchg(p, R0, src)`: the new value goes on the stack.
    fn cmpxchg64(&mut self, mem: Mem, src: BpfReg) -> Option<()> {
        let function = self.setting.runtime.atomic64.cmpxchg;
        let old = self.pair(o32::ARGUMENT_2);
        let r0 = self.pair(BpfReg::R0);
        let s = self.pair(src);
        let (low, high) = self.setting.frame.stack_argument(0)?;
        self.begin_function_call(Some(BpfReg::R0))?;
        let pointer = self.pointer(mem);
        self.asm.sw(s.lo, low, Reg::SP);
        self.asm.sw(s.hi, high, Reg::SP);
        self.copy_pair(old, r0);
        self.asm.copy(o32::WORD_ARGUMENT_1, pointer);
        self.finish_function_call(function, Some(BpfReg::R0))
    }

    /// The address in a temporary, out of the way of arguments.
    fn pointer(&mut self, mem: Mem) -> Reg {
        let base = self.pair(mem.base).lo;
        let pointer = T8;
        self.asm.addiu(pointer, base, Simm16::from_i16(mem.offset));
        pointer
    }

    /// `smp_mb__before_atomic()`: the barrier of each load-linked is enough where there is one.
    fn barrier_before(&mut self) {
        if self.setting.cpu.barriers.llsc && !self.setting.cpu.barriers.linked {
            self.asm.sync();
        }
    }

    /// What comes right before a load-linked.
    fn barrier_linked(&mut self) {
        if self.setting.cpu.barriers.linked {
            self.asm.sync();
        }
    }

    /// `smp_mb__after_atomic()`
    fn barrier_after(&mut self) {
        if self.setting.cpu.barriers.llsc {
            self.asm.sync();
        }
    }
}
