// SPDX-License-Identifier: GPL-2.0

//! Which registers hold a value that matters, at each instruction.
//!
//! *Live*, backward: some path from here reads the register before writing it. *Defined*, forward:
//! some path to here has written it; at entry those are the arguments, and a call undefines R1 to R5. A
//! register that is not both has no value worth keeping: a call inside a lowering need not save
//! it, a helper call need not pass it.
//!
//! One pass each. A pass that meets an edge against its own direction, whose other end it has not
//! seen, takes every register for live or defined there: sound, and exact for programs without
//! loops.

use crate::jit::bpf::{decode, Dialect, Raw, Reg, RegSet};
use crate::jit::error::{Error, Result};

/// What is known where an instruction begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fact {
    live: RegSet,
    defined: RegSet,
}

/// The facts of a program, in memory that the caller lends: one for each slot, or none at all.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    facts: &'a [Fact],
}

impl<'a> Facts<'a> {
    /// Analyses a program that [`super::Usage::gather`] has accepted, and that begins with these
    /// arguments.
    ///
    /// # Errors
    ///
    /// `NoMemory` if `memory` is neither empty nor as long as the program.
    pub(crate) fn gather(
        dialect: Dialect,
        program: &[Raw],
        arguments: RegSet,
        memory: &'a mut [Fact],
    ) -> Result<Facts<'a>> {
        if !memory.is_empty() {
            if memory.len() != program.len() {
                return Err(Error::NoMemory);
            }
            memory.fill(Fact::default());
            find_live(dialect, program, memory)?;
            find_defined(dialect, program, arguments, memory)?;
        }
        Ok(Facts { facts: memory })
    }

    /// Registers whose value at instruction `at` some path reads after the instruction `next`
    /// begins, which follows it.
    pub(crate) fn live_across(&self, at: u32, next: u32) -> RegSet {
        self.defined_before(at).intersection(match self.get(next) {
            Some(fact) => fact.live,
            None => RegSet::ALL,
        })
    }

    /// Registers that may hold a value where instruction `at` begins.
    pub(crate) fn defined_before(&self, at: u32) -> RegSet {
        self.get(at).map_or(RegSet::ALL, |fact| fact.defined)
    }

    fn get(&self, at: u32) -> Option<&Fact> {
        self.facts.get(usize::try_from(at).ok()?)
    }
}

fn fact(facts: &mut [Fact], at: u32) -> Option<&mut Fact> {
    facts.get_mut(usize::try_from(at).ok()?)
}

/// Backward. Also marks targets of backward jumps as places where anything may be defined, for
/// the forward pass.
fn find_live(dialect: Dialect, program: &[Raw], facts: &mut [Fact]) -> Result {
    for (at, raw) in program.iter().enumerate().rev() {
        if raw.code == 0 {
            // The second slot of an instruction.
            continue;
        }
        let at = at as u32;
        let insn = decode(dialect, program, at)?;
        let mut live = RegSet::EMPTY;
        if insn.falls_through() {
            let next = at.wrapping_add(insn.slots());
            // Behind the end is the epilogue.
            live = fact(facts, next).map_or(RegSet::of(Reg::R0), |next| next.live);
        }
        if let Some(target) = insn.target() {
            if let Some(there) = fact(facts, target) {
                live = live.union(if target > at {
                    there.live
                } else {
                    there.defined = RegSet::ALL;
                    RegSet::ALL
                });
            }
        }
        if let Some(reg) = insn.writes() {
            live = live.without(reg);
        }
        if let Some(here) = fact(facts, at) {
            here.live = live.union(insn.reads());
        }
    }
    Ok(())
}

/// Forward.
fn find_defined(
    dialect: Dialect,
    program: &[Raw],
    arguments: RegSet,
    facts: &mut [Fact],
) -> Result {
    let mut reaching = arguments.with(Reg::R10);
    let mut at = 0;
    while let Some(here) = fact(facts, at) {
        here.defined = here.defined.union(reaching);
        let mut defined = here.defined;
        let insn = decode(dialect, program, at)?;
        if insn.is_call() {
            defined = defined.minus(RegSet::ARGUMENTS).without(Reg::Ax);
        }
        if let Some(reg) = insn.writes() {
            defined = defined.with(reg);
        }
        if let Some(there) = insn.target().and_then(|target| fact(facts, target)) {
            there.defined = there.defined.union(defined);
        }
        reaching = if insn.falls_through() {
            defined
        } else {
            RegSet::EMPTY
        };
        at = at.wrapping_add(insn.slots());
    }
    Ok(())
}
