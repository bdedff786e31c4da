// SPDX-License-Identifier: GPL-2.0

//! Sweeps over a program that find facts.
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
use super::distance::{Distance, Distances};
use super::facts::Fact;
use super::known::Known;
use super::straight::Straight;
use super::{Rules, Usage};
use crate::jit::bpf::{decode, Dialect, Insn, Outcome, Raw, Reg, RegSet};
use crate::jit::error::Result;

/// The most sweeps in either direction.
pub(crate) const SWEEPS: u32 = 5;

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

    /// What reaches the next instruction.
    fn pass(&mut self, insn: &Insn, outcome: Outcome, distance: Option<Distance>, rules: &Rules) {
        if outcome.is_call {
            let lost = RegSet::ARGUMENTS.with(Reg::Ax);
            self.defined = self.defined.minus(lost);
        }
        if let Some(reg) = outcome.writes {
            self.defined = self.defined.with(reg);
        }
        if rules.analyses.known {
            let how = (distance, rules.zero_extends);
            self.known = self.known.behind(insn, outcome, how);
        }
        if rules.analyses.distance {
            self.distances.step(insn, outcome);
        }
    }
}

/// Whether a sweep looks at everything: the first one does, and the one that gives up.
fn is_whole(sweep: u32) -> bool {
    sweep == 1 || sweep == SWEEPS
}

/// What finds facts.
pub(super) struct Sweeper<'a> {
    dialect: Dialect,
    program: &'a [Raw],
    rules: &'a Rules,
    facts: &'a mut [Fact],
    /// What the first sweep has seen.
    usage: Usage,
    /// Words of R6 to R9 that results are written to.
    written: Demand,
}

impl<'a> Sweeper<'a> {
    /// In memory that is as long as the program.
    pub(super) fn new(
        dialect: Dialect,
        program: &'a [Raw],
        rules: &'a Rules,
        facts: &'a mut [Fact],
    ) -> Self {
        facts.fill(Fact::default());
        Sweeper {
            dialect,
            program,
            rules,
            facts,
            usage: Usage::default(),
            written: Demand::NOTHING,
        }
    }

    /// Finds facts, what the program uses, and what it writes of the registers that it has to save.
    ///
    /// # Errors
    ///
    /// The first error of decoding.
    ///
    /// Never inlined: what sweeps have on the stack is not there while the program is lowered.
    #[inline(never)]
    pub(super) fn find(mut self) -> Result<(Usage, Demand)> {
        for sweep in 1..=SWEEPS {
            if sweep == SWEEPS {
                self.each_label(|fact| {
                    fact.defined = RegSet::ALL;
                    fact.known = Known::LEAST;
                });
            }
            if !self.sweep_forward(sweep)? {
                break;
            }
        }
        if self.usage.jumps_indirectly {
            return Ok((self.usage, self.written));
        }
        for sweep in 1..=SWEEPS {
            if sweep == SWEEPS {
                self.each_label(|fact| fact.demand = Demand::ALL);
            }
            if !self.sweep_backward(is_whole(sweep))? {
                break;
            }
        }
        Ok((self.usage, self.written))
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
    fn sweep_forward(&mut self, sweep: u32) -> Result<bool> {
        let is_whole = is_whole(sweep);
        let registers = self.dialect.width;
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
            let decoded = decode(&self.dialect, self.program, at);
            // Not copied.
            let insn = decoded.as_ref().map_err(|&error| error)?;
            let outcome = insn.outcome();
            if sweep == 1 {
                self.usage
                    .add(insn, outcome, at, (rules.arguments, registers));
            }
            let distance = match rules.analyses.distance {
                true => reaching.distances.for_insn(insn),
                false => None,
            };
            if let Some(here) = self.fact(at) {
                here.mark = here.mark.with_distance(distance).with_news(false);
            }
            reaching.pass(insn, outcome, distance, &rules);
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
            let decoded = decode(&self.dialect, self.program, at);
            let mut insn = decoded.as_ref().map_err(|&error| error)?;
            let before = here.before(&rules);
            let reduced;
            if rules.analyses.known && Straight::concerns(insn) {
                let straight = Straight::new((&self.dialect, self.program), self.facts);
                reduced = straight.reduced(at, *insn, before.known);
                insn = &reduced;
            }
            let mut demand = Demand::NOTHING;
            if insn.falls_through() {
                let next = at.wrapping_add(insn.slots());
                // Behind the end is the epilogue.
                demand = match self.fact(next) {
                    Some(next) => next.demand,
                    None => rules.returned(),
                };
            }
            self.note_written(insn, demand);
            if let Some(there) = insn.target().and_then(|target| self.fact(target)) {
                demand = demand.union(there.demand);
            }
            let demand = demand.before(insn, &before).union(here.demand);
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

    /// Notes what an instruction writes of R6 to R9, behind which so much is demanded.
    fn note_written(&mut self, insn: &Insn, demand: Demand) {
        let Some(reg) = insn.writes().filter(|&reg| RegSet::SAVED.contains(reg)) else {
            return;
        };
        let wanted = match self.rules.analyses.demand {
            true => demand.of(reg),
            false => Words::BOTH,
        };
        if !wanted.are_none() {
            self.written = self.written.with(reg, wanted);
        }
    }

    fn raw(&self, at: u32) -> Raw {
        let found = usize::try_from(at).ok().and_then(|at| self.program.get(at));
        found.copied().unwrap_or_default()
    }
}
