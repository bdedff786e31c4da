// SPDX-License-Identifier: GPL-2.0

//! The stack frame of a compiled program: what it holds, how it is made and taken down.
//!
//! ```text
//! higher addresses :  home area of the caller       :
//!                  :  its first word: tail calls    :
//!                  +================================+ <- sp at entry
//!                  |  saved registers               |
//!                  +--------------------------------+ <- fp, BPF R10
//!                  |  BPF stack                     |
//!                  +--------------------------------+
//!                  |  caller-saved registers, kept  |
//!                  |  across calls inside a lowering|
//!                  +--------------------------------+
//!                  |  its arguments beyond five     |
//!                  |  arguments 3 to 5 of a call    |
//!                  |  home area for the callee      |
//! lower addresses  +================================+ <- sp
//! ```
//!
//! This is o32's; n64 has neither of the two lowest parts, nor a home area. Where arguments beyond five
//! are is in `argument.rs`.
//!
//! Tail calls made are counted along the whole chain of programs, and through the functions of each.
//!
//! Under o32 the count is in the first word of the home area that the caller, C code or another
//! program's tail call, has reserved: it stays where it is along the chain. A function that calls
//! another one of its program copies the count to the first word of the home area that it has reserved
//! itself, and back when that has returned.
//!
//! Under n64 what travels in `$v1` from one program to the next is the count, as long as no function
//! was called, and the address of the count in a function, since that is in the frame of its caller.
//! No address is as small as a count. A program that counts keeps both: what came, where its own
//! count would be, and the address of the count.
//!
//! Entries are in `entry.rs`. Functions have an entry for C code, which takes arguments from the stack,
//! and behind it one for their program ([`Abi::SUBPROGRAM_ENTRY`]).
//!
//! A program that may throw an exception saves all registers that C code relies on, at the upper end of
//! its frame. The callback that handles it is called with the end of this frame, loads them back, and
//! makes a frame of its own in the same place ([`Role::Exception`]); what was below is given up.

pub(crate) mod argument;
mod entry;

use core::marker::PhantomData;

use super::o32;
use super::shape::{Linkage, Role, Shape};
use super::Abi;
use crate::jit::analysis::{Usage, Words};
use crate::jit::asm::{Block, Slot};
use crate::jit::bpf;
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Endian, Insn, Reg, RegMask, Simm16};
use crate::jit::runtime::Processors;

pub(crate) use argument::ArgumentPlace;

/// Bytes of a BPF register on the stack, and its alignment.
const DOUBLEWORD: u32 = 8;

/// Registers that a function must leave as it found them, o32 and n64.
const PRESERVED: RegMask = RegMask::of(Reg::S0)
    .with(Reg::S1)
    .with(Reg::S2)
    .with(Reg::S3)
    .with(Reg::S4)
    .with(Reg::S5)
    .with(Reg::S6)
    .with(Reg::S7)
    .with(Reg::FP)
    .with(Reg::RA);

/// A program's stack frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<A> {
    endian: Endian,
    /// Native registers to save, lowest number at the lowest address.
    saved: RegMask,
    saved_at: u32,
    caller_saved_at: u32,
    /// Arguments beyond five are passed or taken.
    has_stack_arguments: bool,
    /// Where tail calls are counted, if the program counts or its caller reserves the place.
    count_at: Simm16,
    /// Tail calls are made, here or in a function that is called here.
    keeps_count: bool,
    role: Role,
    linkage: Linkage,
    /// What of the context is read.
    context: Words,
    size: Simm16,
    minus_size: Simm16,
    has_frame_pointer: bool,
    /// Address of the arena, if the program needs it.
    arena: Option<u64>,
    private_stack: Option<u64>,
    processors: Option<Processors>,
    abi: PhantomData<A>,
}

impl<A: Abi> Frame<A> {
    /// Lays out the frame of a program that uses what `usage` says.
    ///
    /// # Errors
    ///
    /// `TooLong` if the frame is larger than an offset can be.
    pub(crate) fn new(endian: Endian, usage: &Usage, shape: &Shape) -> Result<Self> {
        let saved = saved::<A>(endian, usage, shape);
        let (outgoing, kept) = (argument::outgoing::<A>(usage), kept_count::<A>(usage));
        let keeps_count =
            usage.makes_tail_calls || usage.calls_subprograms.is_some() && shape.reaches_tail_calls;
        let count_size = if keeps_count { A::COUNT_SIZE } else { 0 };
        let has_frame_pointer = usage.registers.contains(bpf::Reg::R10);
        let parts = || {
            let count_at = outgoing.checked_add(kept.checked_mul(DOUBLEWORD)?)?;
            let locals_at = count_at.checked_add(count_size)?;
            let locals = match shape.private_stack {
                // Who has no R10 has no address in it.
                _ if !has_frame_pointer => 0,
                Some(_) => 0,
                None => shape.stack_depth.checked_next_multiple_of(DOUBLEWORD)?,
            };
            let saved_bytes = saved.count().checked_mul(A::REGISTER)?;
            let saved_at = locals_at.checked_add(locals)?;
            let size = saved_at
                .checked_add(saved_bytes)?
                .checked_next_multiple_of(A::STACK_ALIGNMENT)?;
            let saved_at = match shape.is_boundary {
                true => size.checked_sub(saved_bytes)?,
                false => saved_at,
            };
            // Room above for what the caller has for this one, which is addressed from this sp.
            let above = A::HOME_AREA.max(argument::above::<A>(usage.stack_arguments));
            Simm16::new(i32::try_from(size.checked_add(above)?).ok()?)?;
            let size = Simm16::new(i32::try_from(size).ok()?)?;
            let count_at = if count_size != 0 {
                offset(count_at)?
            } else {
                size
            };
            let minus_size = Simm16::new(size.value().checked_neg()?)?;
            Some((saved_at, count_at, size, minus_size))
        };
        let (saved_at, count_at, size, minus_size) = parts().ok_or(Error::TooLong)?;
        Ok(Frame {
            endian,
            saved,
            saved_at,
            caller_saved_at: outgoing,
            has_stack_arguments: usage.stack_arguments.are_some(),
            count_at,
            keeps_count,
            role: shape.role,
            linkage: shape.linkage,
            context: shape.context,
            size,
            minus_size,
            has_frame_pointer,
            arena: shape.arena.map(|arena| arena.kernel_base),
            private_stack: shape.private_stack,
            processors: shape.processors,
            abi: PhantomData,
        })
    }

    /// Words of the image before the entry for C code.
    pub(crate) fn entry(&self) -> u32 {
        self.role.entry()
    }

    /// Emits the entries and makes the frame.
    pub(crate) fn prologue(&self, asm: &mut Block) -> Option<()> {
        match self.role {
            Role::Subprogram => {
                A::enter_subprogram(asm, self.endian)?;
                // The entry from programs: registers are what the calling one left in them.
                if asm.insns().len() != A::SUBPROGRAM_ENTRY as usize {
                    return None;
                }
                self.make(asm);
                if self.linkage.is_attachable {
                    asm.push(Insn::NOP);
                }
            }
            Role::Whole | Role::Main => self.enter(asm)?,
            Role::Exception => {
                self.take_over(asm)?;
                self.make(asm);
            }
        }
        // What a jump to a stub executes may be executed twice, in no frame that lasts.
        if self.linkage.is_attachable && self.saved.is_empty() {
            asm.push(Insn::NOP);
        }
        self.each_saved(|reg, offset| asm.push(A::store(reg, offset, Reg::SP)))?;
        if self.keeps_count {
            A::keep_count(asm, self.count_at)?;
        }
        match self.private_stack {
            _ if !self.has_frame_pointer => {}
            Some(end) => {
                A::load_address(asm, Reg::FP, end);
                A::this_cpu(asm, Reg::FP, Reg::FP, self.processors)?;
            }
            None => asm.push(A::add(Reg::FP, Reg::SP, offset(self.saved_at)?)),
        }
        if let Some(address) = self.arena {
            A::load_address(asm, A::ARENA, address);
        }
        Some(())
    }

    fn make(&self, asm: &mut Block) {
        if self.size != Simm16::ZERO {
            asm.push(A::add(Reg::SP, Reg::SP, self.minus_size));
        }
    }

    /// What an exception callback begins with. The kernel calls it with the exception, a number, and the
    /// end of the frame whose place it takes, of which the upper end has what C code relies on. After that
    /// it is as if the caller of that program had called it. What is below `$sp` belongs to interrupts, so
    /// that comes last.
    fn take_over(&self, asm: &mut Block) -> Option<()> {
        let end = A::address(self.endian, bpf::Reg::R2);
        let bytes = i32::try_from(PRESERVED.count().checked_mul(A::REGISTER)?).ok()?;
        let mut at = bytes.wrapping_neg();
        for reg in PRESERVED.iter() {
            asm.push(A::load(reg, Simm16::new(at)?, end));
            at = at.wrapping_add(A::REGISTER as i32);
        }
        asm.push(A::add(Reg::SP, end, Simm16::ZERO));
        Some(())
    }

    /// Emits the end of the program: R0's low word is the result, that of a function all of R0.
    pub(crate) fn epilogue(&self, asm: &mut Block) -> Option<()> {
        self.restore(asm)?;
        if self.role != Role::Subprogram && !self.linkage.returns_r0 {
            A::finish(asm, self.endian);
        }
        asm.jump_reg(Reg::RA, self.release());
        Some(())
    }

    /// Takes down the frame and jumps to the address in `entry`, another program's tail entry.
    pub(crate) fn leave_for(&self, asm: &mut Block, entry: Reg) -> Option<()> {
        self.restore(asm)?;
        asm.jump_reg(entry, self.release());
        Some(())
    }

    /// Offset from sp of what [`Abi::keep_count`] keeps; under o32 of the word that counts.
    pub(crate) fn tail_call_count(&self) -> Simm16 {
        self.count_at
    }

    /// Whether tail calls are counted here.
    pub(crate) fn keeps_count(&self) -> bool {
        self.keeps_count
    }

    /// Stores BPF registers that a call would overwrite, each in a place of its own.
    pub(crate) fn keep(&self, asm: &mut Block, registers: bpf::RegSet) -> Option<()> {
        self.each_kept(registers, |reg, offset| {
            asm.push(A::store(reg, offset, Reg::SP));
        })
    }

    /// Loads back what [`Frame::keep`] stored.
    pub(crate) fn take_back(&self, asm: &mut Block, registers: bpf::RegSet) -> Option<()> {
        self.each_kept(registers, |reg, offset| {
            asm.push(A::load(reg, offset, Reg::SP));
        })
    }

    fn each_kept(&self, registers: bpf::RegSet, mut act: impl FnMut(Reg, Simm16)) -> Option<()> {
        let mut at = self.caller_saved_at;
        for reg in registers.intersection(o32::CALLER_SAVED).iter() {
            for native in A::registers(self.endian, reg).iter() {
                act(native, offset(at)?);
                at = at.wrapping_add(A::REGISTER);
            }
        }
        if self.has_stack_arguments {
            for native in A::ARGUMENTS.iter() {
                act(native, offset(at)?);
                at = at.wrapping_add(A::REGISTER);
            }
        }
        Some(())
    }

    /// The registers that it saves.
    pub(crate) fn saved(&self) -> RegMask {
        self.saved
    }

    /// Whether there is anything in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.size == Simm16::ZERO
    }

    fn restore(&self, asm: &mut Block) -> Option<()> {
        self.each_saved(|reg, offset| asm.push(A::load(reg, offset, Reg::SP)))
    }

    fn release(&self) -> Slot {
        if self.size == Simm16::ZERO {
            Slot::Nop
        } else {
            Slot::Fill(A::add(Reg::SP, Reg::SP, self.size))
        }
    }

    fn each_saved(&self, mut act: impl FnMut(Reg, Simm16)) -> Option<()> {
        let mut at = self.saved_at;
        for reg in self.saved.iter() {
            act(reg, offset(at)?);
            at = at.wrapping_add(A::REGISTER);
        }
        Some(())
    }
}

/// How many registers a call inside a lowering may have to keep.
fn kept_count<A: Abi>(usage: &Usage) -> u32 {
    if !usage.calls_functions {
        return 0;
    }
    let others = match usage.stack_arguments.are_some() {
        true => A::ARGUMENTS.count(),
        false => 0,
    };
    let registers = usage.registers.intersection(o32::CALLER_SAVED);
    registers.count().saturating_add(others)
}

/// Native registers to save: those that the program writes and C code relies on.
fn saved<A: Abi>(endian: Endian, usage: &Usage, shape: &Shape) -> RegMask {
    // The callback finds there what the caller had, whatever was called before.
    if shape.is_boundary {
        return PRESERVED;
    }
    let mut saved = RegMask::EMPTY;
    for reg in usage.registers.iter() {
        saved = saved.union(A::registers(endian, reg).intersection(PRESERVED));
    }
    saved = saved.intersection(shape.written.with(Reg::FP).with(Reg::RA));
    if usage.makes_calls || usage.calls_functions {
        saved = saved.with(Reg::RA);
    }
    if shape.arena.is_some() {
        saved = saved.union(RegMask::of(A::ARENA).intersection(PRESERVED));
    }
    saved
}

fn offset(bytes: u32) -> Option<Simm16> {
    Simm16::new(i32::try_from(bytes).ok()?)
}
