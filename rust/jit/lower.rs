// SPDX-License-Identifier: GPL-2.0

//! What each BPF instruction becomes.
//!
//! Two exhaustive matches over [`Insn`]: there is no instruction without a lowering. [`pair`] holds
//! those for 32-bit machines, where a BPF register is a pair of native ones, [`wide`] those for
//! 64-bit machines, where it is one. Each lowering opens with the BPF meaning in kernel notation and
//! then says what is subtle.
//!
//! Temporaries are `t6` to `t9`; their content never survives an instruction. A lowering writes
//! no other register that does not belong to its destination.

mod compare;
pub(crate) mod pair;
pub(crate) mod wide;

use core::cmp::Ordering;

use crate::jit::abi::{Abi, Frame, TAIL_ENTRY};
use crate::jit::analysis::{is_removable, Distance, Known, Words};
use crate::jit::asm::Block;
use crate::jit::bpf::{Insn, RegSet};
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Cpu, Simm16};
use crate::jit::runtime::{Function, Runtime};

/// What holds for every instruction of a program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a, A> {
    pub(crate) cpu: &'a Cpu,
    pub(crate) runtime: &'a Runtime,
    pub(crate) frame: Frame<A>,
    /// 32-bit results must clear the high word: the verifier has not said where it matters.
    pub(crate) zero_extends: bool,
    /// The program's arena, if it needs it.
    pub(crate) arena: Option<Arena>,
    /// The kernel functions that the program calls, in the order of their calls.
    pub(crate) functions: &'a [Function],
}

impl<A> Setting<'_, A> {
    /// The kernel function that the instruction in this slot calls. Not by `binary_search_by_key()`,
    /// which adds with a check of overflow that ends in a panic.
    pub(crate) fn function(&self, slot: u32) -> Option<&Function> {
        let mut rest = self.functions;
        loop {
            let (before, after) = rest.split_at_checked(rest.len() / 2)?;
            let (middle, behind) = after.split_first()?;
            rest = match slot.cmp(&middle.slot) {
                Ordering::Less => before,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => behind,
            };
        }
    }
}

/// The program's arena: memory that it shares with user space, at different addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arena {
    /// Where the kernel has it.
    pub(crate) kernel_base: u64,
    /// Where the process that made it has it.
    pub(crate) user_base: u64,
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
    /// What is known of high words before.
    pub(crate) known: Known,
    /// Which words of the result are read behind.
    pub(crate) wanted: Words,
    /// How far below R10 a sum is, or the base of an access.
    pub(crate) distance: Option<Distance>,
    /// What a swap has is no more than 16 bits.
    pub(crate) is_half: bool,
}

/// Lowers one instruction into an empty block.
pub(crate) struct Lowering<'a, A> {
    asm: &'a mut Block,
    setting: &'a Setting<'a, A>,
    place: Place,
}

impl<'a, A: Abi> Lowering<'a, A> {
    /// Prepares to lower an instruction at a place into `asm`, whose target is set.
    pub(crate) fn new(asm: &'a mut Block, setting: &'a Setting<'a, A>, place: Place) -> Self {
        Lowering {
            asm,
            setting,
            place,
        }
    }

    /// `barrier_nospec()`, where the CPU needs one.
    pub(crate) fn no_spec(&mut self) -> Option<()> {
        if self.setting.cpu.barriers.speculation {
            self.asm.stop_speculation();
        }
        Some(())
    }

    /// Lowers the instruction at index `at`. What does nothing but to give a result that nobody reads is
    /// nothing.
    ///
    /// # Errors
    ///
    /// `Internal` if an operand does not fit its field, which no instruction brings about.
    pub(crate) fn lower(&mut self, insn: &Insn, at: u32) -> Result {
        if self.place.wanted.are_none() && is_removable(insn) {
            return Ok(());
        }
        A::lower(self, insn).ok_or(Error::Internal { at })
    }
}

/// The offset of a field of a kernel structure.
pub(crate) fn structure_offset(bytes: u32) -> Option<Simm16> {
    Simm16::new(i32::try_from(bytes).ok()?)
}

/// From `prog->bpf_func` to where a tail call enters, in bytes.
fn from_function_to_tail_entry() -> Option<Simm16> {
    let bytes = TAIL_ENTRY.checked_mul(4)?;
    Simm16::new(i32::try_from(bytes).ok()?.checked_neg()?)
}

/// The power of two that a positive immediate is, if it is one.
fn log2(imm: i32) -> Option<u32> {
    if imm > 0 && imm.count_ones() == 1 {
        Some(imm.trailing_zeros())
    } else {
        None
    }
}
