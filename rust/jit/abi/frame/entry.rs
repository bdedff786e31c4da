// SPDX-License-Identifier: GPL-2.0

//! The ways into a program.
//!
//! The normal entry clears the count and finds the context where C code passes it. A tail call enters a
//! word before it ([`TAIL_ENTRY`]), with the caller's frame already taken down, and goes around that:
//!
//! ```text
//!             b     body                 nop if nothing is to be skipped
//! bpf_func:    addiu sp, sp, -N          executed by both
//!             sw    zero, N(sp)          if tail calls are counted here
//!             move  a1, zero             if R1's high word is read
//! body:       sw    ra, N-4(sp)
//! ```

use super::Frame;
use crate::jit::abi::{Abi, Role, TAIL_ENTRY};
use crate::jit::asm::Block;
use crate::jit::mips::{Disp16, Insn, Reg, Simm16};

/// What a program's entries begin with.
struct Entering {
    /// What both execute first.
    both: Option<Insn>,
    /// What only the one for C code does.
    outer: [Option<Insn>; 3],
}

impl<A: Abi> Frame<A> {
    /// Whether the program has no other functions.
    pub(crate) fn is_alone(&self) -> bool {
        self.role == Role::Whole
    }

    /// Emits the entry for tail calls, and behind it the one for C code. What only that one does is skipped
    /// by a branch, whose delay slot it begins with: what both do, or nothing.
    pub(super) fn enter(&self, asm: &mut Block) -> Option<()> {
        let Entering { both, outer } = self.entering();
        let skipped = self.skipped();
        if skipped == 0 {
            asm.push(Insn::NOP);
        } else {
            let behind = TAIL_ENTRY.checked_add(1)?.checked_add(skipped)?;
            let over = Disp16::between(0, behind)?;
            asm.push(Insn::beq(Reg::ZERO, Reg::ZERO, over));
        }
        match both {
            Some(insn) => asm.push(insn),
            None if skipped != 0 => asm.push(Insn::NOP),
            None => {}
        }
        for insn in outer.iter().flatten() {
            asm.push(*insn);
        }
        if self.linkage.is_attachable && outer.iter().all(Option::is_none) {
            asm.push(Insn::NOP);
        }
        Some(())
    }

    /// Instructions that only the entry for C code executes. One of them can become a branch to a trampoline.
    fn skipped(&self) -> u32 {
        let mut count = 0u32;
        for _ in self.entering().outer.iter().flatten() {
            count = count.wrapping_add(1);
        }
        count.max(self.linkage.is_attachable.into())
    }

    fn entering(&self) -> Entering {
        let [mut first, second] = match self.linkage.extends {
            true => [None, None],
            false => A::enter(self.endian, self.context),
        };
        let both = match self.size {
            Simm16::ZERO if !A::repeats_enter(self.endian) => None,
            Simm16::ZERO => first.take(),
            _ => Some(A::add(Reg::SP, Reg::SP, self.minus_size)),
        };
        let clear = self.keeps_count.then(|| A::clear_count(self.count_at));
        Entering {
            both,
            outer: [clear, first, second],
        }
    }
}
