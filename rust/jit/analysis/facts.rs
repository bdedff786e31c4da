// SPDX-License-Identifier: GPL-2.0

//! What is known where each instruction begins, and how it is found out.
//!
//! Forward: which registers some path has written (*defined*: at entry those are the arguments, and a
//! call undefines R1 to R5), what is known of high words ([`Known`]), and distances from R10. Backward:
//! which words some path reads ([`Demand`]); a register of which none is demanded is not live. A register
//! that is not both defined and live has no value worth keeping: a call inside a lowering need not save it,
//! a helper call need not pass it.

use super::demand::{Demand, Words};
use super::distance::{Distance, Mark};
use super::known::Known;
use super::straight::Straight;
use super::sweep::Sweeper;
use super::{Analyses, Rules, Usage};
use crate::jit::bpf::{Dialect, Insn, Raw, Reg, RegSet};
use crate::jit::error::{Error, Result};

/// What is known where an instruction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(super) defined: RegSet,
    pub(super) known: Known,
    pub(super) demand: Demand,
    pub(super) mark: Mark,
}

// Memory is scarce on a router, and programs are long.
const _: () = assert!(core::mem::size_of::<Fact>() <= 12);

impl Default for Fact {
    /// A place that no path has come to.
    fn default() -> Self {
        Fact {
            defined: RegSet::EMPTY,
            known: Known::UNREACHED,
            demand: Demand::NOTHING,
            mark: Mark::NONE,
        }
    }
}

/// What is known before an instruction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    pub(crate) known: Known,
    /// Registers that may hold a value.
    pub(crate) defined: RegSet,
    /// Of the register that the instruction computes with or accesses memory by.
    pub(crate) distance: Option<Distance>,
    /// What is demanded where the program returns.
    pub(crate) returned: Demand,
    pub(crate) analyses: Analyses,
}

/// The facts of a program, in memory that the caller lends: one for each slot, or none at all.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    facts: &'a [Fact],
    rules: Rules,
    /// Words of R6 to R9 that instructions write results to, as far as anybody demands them.
    written: Demand,
}

impl<'a> Facts<'a> {
    /// Validates and analyses a program.
    ///
    /// Who jumps to an address may come to any instruction, with anything: of such a program there are no facts.
    ///
    /// # Errors
    ///
    /// Those of [`Usage::gather`]; `NoMemory` if `memory` is neither empty nor as long as the program.
    pub(crate) fn gather(
        dialect: Dialect,
        program: &[Raw],
        rules: &Rules,
        memory: &'a mut [Fact],
    ) -> Result<(Usage, Facts<'a>)> {
        let nothing = Facts {
            facts: &[],
            rules: *rules,
            written: Demand::ALL,
        };
        if memory.is_empty() {
            let usage = Usage::gather(dialect, program, rules.arguments)?;
            return Ok((usage, nothing));
        }
        Usage::length(program)?;
        if memory.len() != program.len() {
            return Err(Error::NoMemory);
        }
        let (usage, written) = Sweeper::new(dialect, program, rules, &mut *memory).find()?;
        if usage.jumps_indirectly {
            return Ok((usage, nothing));
        }
        let facts = Facts {
            facts: memory,
            rules: *rules,
            written,
        };
        Ok((usage, facts))
    }

    /// Registers whose value at instruction `at` some path reads after the instruction `next`
    /// begins, which follows it.
    pub(crate) fn live_across(&self, at: u32, next: u32) -> RegSet {
        let live = match self.get(next) {
            Some(fact) => fact.demand.registers(),
            None => RegSet::ALL,
        };
        self.defined_before(at).intersection(live)
    }

    /// Registers that may hold a value where instruction `at` begins.
    pub(crate) fn defined_before(&self, at: u32) -> RegSet {
        self.get(at).map_or(RegSet::ALL, |fact| fact.defined)
    }

    /// What is known where instruction `at` begins.
    pub(crate) fn before(&self, at: u32) -> Before {
        match self.get(at) {
            Some(fact) => fact.before(&self.rules),
            None => Before {
                known: Known::UNKNOWN,
                defined: RegSet::ALL,
                distance: None,
                returned: Demand::ALL,
                analyses: Analyses::NONE,
            },
        }
    }

    /// What there is to lower in the place of the instruction at `at`, and whether what it computes with has no
    /// more than 16 bits; none if those in front say nothing of it.
    pub(crate) fn reduced(
        &self,
        code: (&Dialect, &[Raw]),
        at: u32,
        insn: &Insn,
    ) -> Option<(Insn, bool)> {
        if !(self.rules.analyses.known && Straight::concerns(insn)) {
            return None;
        }
        let straight = Straight::new(code, self.facts);
        let is_half = straight.is_half(at, insn);
        Some((straight.reduced(at, *insn, self.before(at).known), is_half))
    }

    /// Words of one of R6 to R9 that results are probably written to: those that somebody demands.
    pub(crate) fn written(&self, reg: Reg) -> Words {
        self.written.of(reg)
    }

    /// What is demanded where instruction `at` begins.
    pub(crate) fn demand(&self, at: u32) -> Option<Demand> {
        self.get(at).map(|fact| fact.demand)
    }

    /// Which words of a register are read behind an instruction that does not jump, where `next` begins.
    pub(crate) fn wanted(&self, reg: Reg, next: u32) -> Words {
        match self.get(next) {
            Some(fact) if self.rules.analyses.demand => fact.demand.of(reg),
            None if self.rules.analyses.demand && !self.facts.is_empty() => {
                self.rules.returned().of(reg)
            }
            _ => Words::BOTH,
        }
    }

    fn get(&self, at: u32) -> Option<&Fact> {
        self.facts.get(usize::try_from(at).ok()?)
    }
}

impl Fact {
    /// Whether something jumps here.
    pub(super) fn is_label(&self) -> bool {
        self.mark.is_label()
    }

    pub(super) fn before(&self, rules: &Rules) -> Before {
        Before {
            known: match rules.analyses.known {
                true => self.known,
                false => Known::UNKNOWN,
            },
            defined: self.defined,
            distance: self.mark.distance(),
            returned: rules.returned(),
            analyses: rules.analyses,
        }
    }
}

impl Rules {
    /// What is demanded where the program returns.
    pub(crate) fn returned(&self) -> Demand {
        let high = self.returns_r0 || !self.analyses.demand;
        Demand::NOTHING.with(Reg::R0, Words { low: true, high })
    }

    /// What is known where the program begins.
    pub(crate) fn known_at_entry(&self) -> Known {
        match self.has_context && self.analyses.known {
            true => Known::LEAST.with(Reg::R1, super::High::ZERO),
            false => Known::LEAST,
        }
    }
}
