// SPDX-License-Identifier: GPL-2.0

//! What is known where each instruction begins, and how it is found out.
//!
//! Forward: which registers some path has written (*defined*: at entry those are the arguments, and a
//! call undefines R1 to R5), what is known of high words ([`Known`]), and distances from R10. Backward:
//! which words some path reads ([`Demand`]); a register of which none is demanded is not live. A register
//! that is not both defined and live has no value worth keeping: a call inside a lowering need not save it,
//! a helper call need not pass it.
//!
//! Each direction begins with what is best, as if no path had come there yet, and sweeps over the program:
//! at a label what comes along different paths is joined, which only ever makes facts weaker. What a sweep
//! learns at a jump against its direction it has needed before, so it is followed by another, until one
//! learns nothing there. Then facts hold along every edge: for programs without loops after one sweep, for
//! others mostly after two or three, exactly in either case. Each sweep but the last weakens something, but
//! there is no constant that bounds how many do: facts may have to go around a chain of loops. So the last
//! of [`SWEEPS`] begins by giving up all that labels could say: nothing that it learns is news to those who
//! have jumped there. That holds along every edge, too. So the work is linear.

use super::demand::{Demand, Words};
use super::distance::{Distance, Distances, Mark};
use super::known::Known;
use super::{Analyses, Rules};
use crate::jit::bpf::{decode, Dialect, Raw, Reg, RegSet};
use crate::jit::error::{Error, Result};

/// The most sweeps in either direction.
pub(crate) const SWEEPS: u32 = 5;

/// What is known where an instruction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    defined: RegSet,
    known: Known,
    demand: Demand,
    mark: Mark,
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
}

impl<'a> Facts<'a> {
    /// Analyses a program that [`super::Usage::gather`] has accepted.
    ///
    /// # Errors
    ///
    /// `NoMemory` if `memory` is neither empty nor as long as the program.
    pub(crate) fn gather(
        dialect: Dialect,
        program: &[Raw],
        rules: &Rules,
        memory: &'a mut [Fact],
    ) -> Result<Facts<'a>> {
        if !memory.is_empty() {
            if memory.len() != program.len() {
                return Err(Error::NoMemory);
            }
            memory.fill(Fact::default());
            Sweeper {
                dialect,
                program,
                rules,
                facts: &mut *memory,
            }
            .find()?;
        }
        Ok(Facts {
            facts: memory,
            rules: *rules,
        })
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
    fn before(&self, rules: &Rules) -> Before {
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

/// What reaches an instruction.
#[derive(Clone, Copy)]
struct Reaching {
    defined: RegSet,
    known: Known,
    distances: Distances,
}

impl Reaching {
    /// Nothing new: no path, or one that was there before.
    const NOTHING: Reaching = Reaching {
        defined: RegSet::EMPTY,
        known: Known::UNREACHED,
        distances: Distances::NONE,
    };
}

/// Whether a sweep looks at everything: the first one does, and the one that gives up.
fn is_whole(sweep: u32) -> bool {
    sweep == 1 || sweep == SWEEPS
}

/// What finds facts.
struct Sweeper<'a> {
    dialect: Dialect,
    program: &'a [Raw],
    rules: &'a Rules,
    facts: &'a mut [Fact],
}

impl Sweeper<'_> {
    /// Never inlined: what sweeps have on the stack is not there while the program is lowered.
    #[inline(never)]
    fn find(&mut self) -> Result {
        for sweep in 1..=SWEEPS {
            if sweep == SWEEPS {
                self.each_label(|fact| {
                    fact.defined = RegSet::ALL;
                    fact.known = Known::LEAST;
                });
            }
            if !self.sweep_forward(is_whole(sweep))? {
                break;
            }
        }
        for sweep in 1..=SWEEPS {
            if sweep == SWEEPS {
                self.each_label(|fact| fact.demand = Demand::ALL);
            }
            if !self.sweep_backward(is_whole(sweep))? {
                break;
            }
        }
        Ok(())
    }

    fn each_label(&mut self, give_up: impl Fn(&mut Fact)) {
        for fact in self.facts.iter_mut().filter(|fact| fact.mark.is_label()) {
            give_up(fact);
        }
    }

    fn fact(&mut self, at: u32) -> Option<&mut Fact> {
        self.facts.get_mut(usize::try_from(at).ok()?)
    }

    /// Says whether anything is new at a jump back. Unless a sweep is a whole one, it looks only at what comes
    /// behind news, up to a label for which there are none: what reaches that has reached it before.
    fn sweep_forward(&mut self, is_whole: bool) -> Result<bool> {
        let rules = *self.rules;
        let mut has_news = false;
        let mut reaching = Reaching {
            defined: rules.arguments.with(Reg::R10),
            known: rules.known_at_entry(),
            distances: Distances::NONE,
        };
        let (mut at, mut is_news) = (0, is_whole);
        while let Some(here) = self.fact(at) {
            let is_label = here.mark.is_label();
            if is_news && is_label {
                is_news = here.defined.union(reaching.defined) != here.defined
                    || here.known.meet(reaching.known) != here.known;
            }
            if !(is_whole || is_news || here.mark.has_news()) {
                at = at.wrapping_add(1);
                continue;
            }
            if !is_news {
                reaching = Reaching::NOTHING;
            }
            if is_label {
                reaching.distances = Distances::NONE;
            }
            reaching.defined = reaching.defined.union(here.defined);
            reaching.known = reaching.known.meet(here.known);
            here.defined = reaching.defined;
            here.known = reaching.known;
            let insn = decode(self.dialect, self.program, at)?;
            let distance = match rules.analyses.distance {
                true => reaching.distances.for_insn(&insn),
                false => None,
            };
            if let Some(here) = self.fact(at) {
                here.mark = here.mark.with_distance(distance).with_news(false);
            }
            if insn.is_call() {
                let lost = RegSet::ARGUMENTS.with(Reg::Ax);
                reaching.defined = reaching.defined.minus(lost);
            }
            if let Some(reg) = insn.writes() {
                reaching.defined = reaching.defined.with(reg);
            }
            if rules.analyses.known {
                reaching.known = reaching.known.after(&insn, distance, rules.zero_extends);
            }
            if rules.analyses.distance {
                reaching.distances.step(&insn);
            }
            if let Some(target) = insn.target() {
                let is_head = target <= at;
                has_news |= self.join(target, is_head, &reaching) && is_head;
            }
            is_news = insn.falls_through();
            at = at.wrapping_add(insn.slots());
        }
        Ok(has_news)
    }

    /// Lets what reaches a jump reach its target. Says whether that is news there.
    fn join(&mut self, target: u32, is_head: bool, reaching: &Reaching) -> bool {
        let Some(there) = self.fact(target) else {
            return false;
        };
        let known = *there;
        there.defined = there.defined.union(reaching.defined);
        there.known = there.known.meet(reaching.known);
        there.mark = there.mark.labelled(is_head);
        let is_news = *there != known;
        if is_news {
            there.mark = there.mark.with_news(true);
        }
        is_news
    }

    /// Says whether anything is new at the target of a jump back. Unless a sweep is a whole one, it looks only
    /// at what comes before news, and at jumps.
    fn sweep_backward(&mut self, is_whole: bool) -> Result<bool> {
        let rules = *self.rules;
        let (mut has_news, mut is_news) = (false, false);
        // No more than 31 bits, as Usage::gather has found.
        let mut left = self.program.len() as u32;
        while let Some(at) = left.checked_sub(1) {
            left = at;
            let Some(here) = self.fact(at).map(|fact| *fact) else {
                continue;
            };
            let raw = self.raw(at);
            // The second slot of an instruction.
            if raw.code == 0 || !(is_whole || is_news || raw.is_jump()) {
                continue;
            }
            let insn = decode(self.dialect, self.program, at)?;
            let mut demand = Demand::NOTHING;
            if insn.falls_through() {
                let next = at.wrapping_add(insn.slots());
                // Behind the end is the epilogue.
                demand = match self.fact(next) {
                    Some(next) => next.demand,
                    None => rules.returned(),
                };
            }
            if let Some(there) = insn.target().and_then(|target| self.fact(target)) {
                demand = demand.union(there.demand);
            }
            let demand = demand
                .before(&insn, &here.before(&rules))
                .union(here.demand);
            is_news = demand != here.demand;
            if !is_news {
                continue;
            }
            has_news |= here.mark.is_head();
            if let Some(here) = self.fact(at) {
                here.demand = demand;
            }
        }
        Ok(has_news)
    }

    fn raw(&self, at: u32) -> Raw {
        let found = usize::try_from(at).ok().and_then(|at| self.program.get(at));
        found.copied().unwrap_or_default()
    }
}
