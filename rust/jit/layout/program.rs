// SPDX-License-Identifier: GPL-2.0

//! A program as the core gets it, and what follows from what it is.

use crate::jit::abi::{Linkage, Role};
use crate::jit::analysis::{Analyses, Rules, Usage, Words};
use crate::jit::bpf::{Dialect, Raw, Reg, RegSet};
use crate::jit::error::{Error, Result};
use crate::jit::lower::Arena;
use crate::jit::mips::Width;
use crate::jit::runtime::Function;

/// A program as the kernel hands it over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program<'a> {
    pub(crate) insns: &'a [Raw],
    pub(crate) dialect: Dialect,
    /// Which function of a program this is.
    pub(crate) role: Role,
    pub(crate) linkage: Linkage,
    /// Bytes of BPF stack below R10.
    pub(crate) stack_depth: u32,
    /// Functions of the program make tail calls, or this one does (`prog->aux->tail_call_reachable`).
    pub(crate) reaches_tail_calls: bool,
    /// An exception callback may take the place of this function (`prog->aux->exception_boundary`).
    pub(crate) is_boundary: bool,
    /// R10, if the BPF stack is memory that each processor has for this program: an address of such.
    pub(crate) private_stack: Option<u64>,
    /// The verifier has inserted a zero-extension wherever a 32-bit result needs one
    /// (`prog->aux->verifier_zext`).
    pub(crate) verifier_zext: bool,
    /// The arena that the program has a map of.
    pub(crate) arena: Option<Arena>,
    /// The kernel functions that the program calls, in the order of their calls.
    pub(crate) functions: &'a [Function],
    /// Which of the analyses to do if there is memory for them.
    pub(crate) analyses: Analyses,
    /// Instructions move into delay slots.
    pub(crate) fills_slots: bool,
    /// Copies are left out where what computes in their place can compute from the original.
    pub(crate) forwards_copies: bool,
}

impl Program<'_> {
    /// What analyses have to know, on a machine with such registers.
    pub(crate) fn rules(&self, registers: Width) -> Rules {
        let Linkage {
            extends,
            returns_r0,
            ..
        } = self.linkage;
        let has_context = matches!(self.role, Role::Whole | Role::Main) && !extends;
        Rules {
            arguments: match self.role {
                Role::Exception => RegSet::of(Reg::R1),
                _ if has_context => RegSet::of(Reg::R1),
                _ => RegSet::ARGUMENTS,
            },
            has_context,
            // An extension may return to a program, as the function does that it takes the place of.
            returns_r0: self.role == Role::Subprogram || returns_r0 || extends,
            zero_extends: !self.verifier_zext,
            analyses: match registers {
                Width::W32 => self.analyses,
                Width::W64 => Analyses::NONE,
            },
        }
    }
}

/// The arena, if the program does anything with it.
///
/// # Errors
///
/// `Unsupported` if there is none, which the verifier does not let happen.
pub(super) fn arena_of(program: &Program<'_>, usage: &Usage) -> Result<Option<Arena>> {
    match (usage.needs_arena, program.arena) {
        (None, _) => Ok(None),
        (Some(at), None) => Err(unsupported(program, at)),
        (Some(_), arena) => Ok(arena),
    }
}

/// What of the context is read, where the program reads these words of R1.
pub(super) fn context_of(program: &Program<'_>, usage: &Usage, wanted: Words) -> Words {
    match usage.registers.contains(Reg::R1) {
        // What takes its place, or runs before it, reads all of it.
        _ if program.linkage.is_attachable => Words::BOTH,
        true => wanted,
        false => Words::default(),
    }
}

/// A program that calls functions of its own is compiled function by function. Not so if the verifier has
/// removed the others as dead: an address of one is then a number that nothing uses, and a call of one is
/// never executed (that of a loop of no rounds, which has replaced `bpf_loop()`).
///
/// # Errors
///
/// `Unsupported` for an exception callback with tail calls, which the verifier does not let through: nothing
/// counts them.
pub(super) fn check_subprograms(program: &Program<'_>, usage: &Usage) -> Result {
    let calls = usage.calls_subprograms;
    let counts = usage.makes_tail_calls || calls.is_some() && program.reaches_tail_calls;
    match (program.role, calls) {
        (Role::Exception, at) if counts => Err(unsupported(program, at.unwrap_or_default())),
        _ => Ok(()),
    }
}

pub(super) fn unsupported(program: &Program<'_>, at: u32) -> Error {
    let insn = usize::try_from(at)
        .ok()
        .and_then(|at| program.insns.get(at));
    let opcode = insn.map_or(0, |insn| insn.code);
    Error::Unsupported { at, opcode }
}
