// SPDX-License-Identifier: GPL-2.0

//! Atomic read-modify-write operations: `ll` and `sc`, `lld` and `scd`.
//!
//! Ordering is the kernel's (`Documentation/atomic_t.txt`): an operation that returns a value is
//! fully ordered, one that does not is unordered. The barriers are those of
//! `smp_mb__before_atomic()` and `smp_mb__after_atomic()`.

use super::release::{load_linked, store_conditional, Linked};
use super::{signed_word, Lowering, N64, T6, T7, T8, T9};
use crate::jit::asm::{BranchCond, Label, Slot};
use crate::jit::bpf::{Access, AtomicOp, Mem, Reg as BpfReg, Width};
use crate::jit::mips::{Insn, Reg, Uimm16};

impl Lowering<'_, N64> {
    /// `lock *(u32 or u64 *) (base + offset) op= src`
    ///
    /// In an arena there may be no memory: nothing happens then, and what would be read is zero
    /// (`bpf_atomic_load_reg()` in include/linux/filter.h). An address there may be unaligned, too: the
    /// verifier does not know it (`check_ptr_alignment()` in kernel/bpf/verifier.c). It counts as no
    /// memory.
    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        width: Width,
        mem: Mem,
        src: BpfReg,
    ) -> Option<()> {
        let cell = self.linked(mem);
        let faulted = (mem.access == Access::Arena).then(|| self.asm.label());
        let s = self.reg(src);
        if op == AtomicOp::Cmpxchg {
            self.cmpxchg(width, cell, s, faulted);
        } else {
            self.fetch_op(op, width, cell, s, faulted);
        }
        Some(())
    }

    /// `old = *p; *p = old op s; s = old` if the operation fetches. The old value stays in a
    /// temporary until the loop is done, since `s` may be the base as well. Of 64-bit operations
    /// on a word, `sc` stores the low word.
    fn fetch_op(
        &mut self,
        op: AtomicOp,
        width: Width,
        cell: Linked,
        s: Reg,
        faulted: Option<Label>,
    ) {
        let (old, new) = (T8, T9);
        let fetches = !matches!(
            op,
            AtomicOp::Add | AtomicOp::And | AtomicOp::Or | AtomicOp::Xor
        );

        if fetches {
            self.barrier_before();
        }
        self.check_alignment(width, faulted);
        let retry = self.asm.label();
        self.asm.bind(retry);
        self.barrier_linked();
        self.push_linked(load_linked(old, width, cell), faulted);
        match op {
            AtomicOp::Add | AtomicOp::FetchAdd => self.asm.daddu(new, old, s),
            AtomicOp::And | AtomicOp::FetchAnd => self.asm.and(new, old, s),
            AtomicOp::Or | AtomicOp::FetchOr => self.asm.or(new, old, s),
            AtomicOp::Xor | AtomicOp::FetchXor => self.asm.xor(new, old, s),
            AtomicOp::Xchg | AtomicOp::Cmpxchg => self.copy(new, s),
        }
        self.push_linked(store_conditional(new, width, cell), faulted);
        let done = self.asm.label();
        self.end_loop(new, retry, done, faulted.filter(|_| fetches));
        self.asm.bind(done);
        if fetches {
            self.barrier_after();
            self.fetched(s, old, width);
        } else if let Some(faulted) = faulted {
            self.asm.bind(faulted);
        }
    }

    /// `old = *p; if (old == R0) *p = s; R0 = old`. `ll` leaves a word sign-extended: so must be
    /// what it is compared with.
    fn cmpxchg(&mut self, width: Width, cell: Linked, s: Reg, faulted: Option<Label>) {
        let r0 = self.reg(BpfReg::R0);
        let (old, new) = (T8, T9);

        let expected = match width {
            Width::W32 => {
                self.asm.push(signed_word(T7, r0));
                T7
            }
            Width::W64 => r0,
        };
        self.barrier_before();
        self.check_alignment(width, faulted);
        let retry = self.asm.label();
        let done = self.asm.label();
        self.asm.bind(retry);
        self.barrier_linked();
        self.push_linked(load_linked(old, width, cell), faulted);
        self.asm.branch(
            BranchCond::Ne(old, expected),
            done,
            Slot::Fill(Insn::or(new, s, Reg::ZERO)),
        );
        self.push_linked(store_conditional(new, width, cell), faulted);
        self.end_loop(new, retry, done, faulted);
        self.asm.bind(done);
        self.barrier_after();
        self.fetched(r0, old, width);
    }

    /// Goes on at `done`, behind this, if `sc` has stored, else back. If the access may fault, what was
    /// read becomes zero on that way; the way of success is as long as without it.
    fn end_loop(&mut self, stored: Reg, retry: Label, done: Label, faulted: Option<Label>) {
        let Some(faulted) = faulted else {
            return self.asm.branch(BranchCond::zero(stored), retry, Slot::Nop);
        };
        self.asm
            .branch(BranchCond::nonzero(stored), done, Slot::Nop);
        self.asm.skip_to(retry, Slot::Nop);
        self.asm.bind(faulted);
        self.asm.clear(T8);
    }

    /// The old value, zero-extended, as the result.
    fn fetched(&mut self, d: Reg, old: Reg, width: Width) {
        match width {
            Width::W32 => self.unsigned_word(d, old),
            Width::W64 => self.copy(d, old),
        }
    }

    /// Goes on where the access would if it faulted, unless the address in `t6` is a multiple of its
    /// size. The kernel makes up for any other unaligned access, but not for a load-linked: that is
    /// an oops (`emulate_load_store_insn()` in arch/mips/kernel/unaligned.c).
    fn check_alignment(&mut self, width: Width, faulted: Option<Label>) {
        let Some(faulted) = faulted else { return };
        let below = match width {
            Width::W32 => 3,
            Width::W64 => 7,
        };
        self.asm.andi(T9, T6, Uimm16::low_half(below));
        self.asm.branch(BranchCond::nonzero(T9), faulted, Slot::Nop);
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
