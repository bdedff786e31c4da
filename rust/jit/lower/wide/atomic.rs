// SPDX-License-Identifier: GPL-2.0

//! Atomic read-modify-write operations: `ll` and `sc`, `lld` and `scd`.
//!
//! Ordering is the kernel's (`Documentation/atomic_t.txt`): an operation that returns a value is
//! fully ordered, one that does not is unordered. The barriers are those of
//! `smp_mb__before_atomic()` and `smp_mb__after_atomic()`.

use super::release::Linked;
use super::{signed_word, Lowering, N64, T7, T8, T9};
use crate::jit::asm::{BranchCond, Slot};
use crate::jit::bpf::{AtomicOp, Mem, Reg as BpfReg, Width};
use crate::jit::mips::{Insn, Reg};

impl Lowering<'_, N64> {
    /// `lock *(u32 or u64 *) (base + offset) op= src`
    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        width: Width,
        mem: Mem,
        src: BpfReg,
    ) -> Option<()> {
        let cell = self.linked(mem);
        let s = self.reg(src);
        if op == AtomicOp::Cmpxchg {
            self.cmpxchg(width, cell, s);
        } else {
            self.fetch_op(op, width, cell, s);
        }
        Some(())
    }

    /// `old = *p; *p = old op s; s = old` if the operation fetches. The old value stays in a
    /// temporary until the loop is done, since `s` may be the base as well. Of 64-bit operations
    /// on a word, `sc` stores the low word.
    fn fetch_op(&mut self, op: AtomicOp, width: Width, cell: Linked, s: Reg) {
        let (old, new) = (T8, T9);
        let fetches = !matches!(
            op,
            AtomicOp::Add | AtomicOp::And | AtomicOp::Or | AtomicOp::Xor
        );

        if fetches {
            self.atomic_barrier();
        }
        let retry = self.asm.label();
        self.asm.bind(retry);
        self.load_linked(old, width, cell);
        match op {
            AtomicOp::Add | AtomicOp::FetchAdd => self.asm.daddu(new, old, s),
            AtomicOp::And | AtomicOp::FetchAnd => self.asm.and(new, old, s),
            AtomicOp::Or | AtomicOp::FetchOr => self.asm.or(new, old, s),
            AtomicOp::Xor | AtomicOp::FetchXor => self.asm.xor(new, old, s),
            AtomicOp::Xchg | AtomicOp::Cmpxchg => self.copy(new, s),
        }
        self.store_conditional(new, width, cell);
        self.asm.branch(BranchCond::zero(new), retry, Slot::Nop);
        if fetches {
            self.atomic_barrier();
            self.fetched(s, old, width);
        }
    }

    /// `old = *p; if (old == R0) *p = s; R0 = old`. `ll` leaves a word sign-extended: so must be
    /// what it is compared with.
    fn cmpxchg(&mut self, width: Width, cell: Linked, s: Reg) {
        let r0 = self.reg(BpfReg::R0);
        let (old, new) = (T8, T9);

        let expected = match width {
            Width::W32 => {
                self.asm.push(signed_word(T7, r0));
                T7
            }
            Width::W64 => r0,
        };
        self.atomic_barrier();
        let retry = self.asm.label();
        let differs = self.asm.label();
        self.asm.bind(retry);
        self.load_linked(old, width, cell);
        self.asm.branch(
            BranchCond::Ne(old, expected),
            differs,
            Slot::Fill(Insn::or(new, s, Reg::ZERO)),
        );
        self.store_conditional(new, width, cell);
        self.asm.branch(BranchCond::zero(new), retry, Slot::Nop);
        self.asm.bind(differs);
        self.atomic_barrier();
        self.fetched(r0, old, width);
    }

    /// The old value, zero-extended, as the result.
    fn fetched(&mut self, d: Reg, old: Reg, width: Width) {
        match width {
            Width::W32 => self.unsigned_word(d, old),
            Width::W64 => self.copy(d, old),
        }
    }

    /// `smp_mb__before_atomic()`, `smp_mb__after_atomic()`
    fn atomic_barrier(&mut self) {
        if self.setting.cpu.barriers.llsc {
            self.asm.sync();
        }
    }
}
