// SPDX-License-Identifier: GPL-2.0

//! Where tail calls are counted, and what is to be shown of the count.
//!
//! Under o32 the count is a word behind the frame. Under n64 the frame of a program that counts has two
//! doublewords: what came in `$v1`, and the address of the count. Either the count itself came, and
//! the address is that of the first doubleword; or the address came, and the count is a doubleword in
//! memory that is neither in this frame nor in a structure of the kernel's.

use super::frame::Layout;
use super::meaning::Meaning;
use super::scene::{Around, Counter, Machine};
use super::space::{frame_doubleword, frame_words, Space};
use super::theorem::Obligation;
use super::world::MipsWorld;
use crate::model::bpf::Next;
use crate::model::term::Term;
use crate::model::word::Word;

/// Bytes of a count elsewhere.
pub(super) const DOUBLEWORD: u32 = 8;

/// Where the count is before an instruction.
pub(super) enum Counted {
    /// Nowhere: nothing here counts.
    Nowhere,
    /// In a word of the frame, or behind it.
    Word {
        place: i32,
        count: Term,
        /// The program counts, and does not leave it to those behind it.
        counts: bool,
    },
    /// In a doubleword of the frame, whose address follows.
    Own {
        place: i32,
        count: Term,
        address: Term,
    },
    /// At an address, twice in the frame from this place up.
    Other { place: i32, address: Term },
}

impl Counted {
    pub(super) fn new(
        machine: &Machine,
        around: &Around,
        layout: &Layout,
        (sp, count): (Term, Term),
    ) -> Self {
        let Some(place) = layout.count else {
            return Counted::Nowhere;
        };
        if !machine.is_wide() {
            let counts = around.counts();
            return Counted::Word {
                place,
                count,
                counts,
            };
        }
        match around.counter {
            Counter::Own => Counted::Own {
                place,
                count,
                address: sp + machine.term(place),
            },
            Counter::Other => Counted::Other {
                place,
                address: Term::variable(64, "where tail calls are counted"),
            },
        }
    }

    /// What it has of the frame.
    pub(super) fn words(&self, machine: &Machine) -> Vec<(i32, Term)> {
        let doublewords = |place: i32, first: Term, second: Term| {
            let mut words = frame_words(machine.order(), place, first);
            words.extend(frame_words(machine.order(), place + 8, second));
            words
        };
        match *self {
            Counted::Nowhere => Vec::new(),
            Counted::Word { place, count, .. } => vec![(place, count)],
            Counted::Own {
                place,
                count,
                address,
            } => doublewords(place, count.zero_extend(64), address),
            Counted::Other { place, address } => doublewords(place, address, address),
        }
    }

    /// A tail call has counted, as far as BPF says, and goes on here.
    pub(super) fn judge(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        world: &mut MipsWorld<'_>,
    ) {
        let (_, counted) = meaning.tail_calls;
        let found = match *self {
            Counted::Nowhere => None,
            Counted::Word { place, .. } => Some(world.frame_word(place)),
            Counted::Own { place, address, .. } => {
                demand_place(obligation, world, place + 8, address);
                let own = frame_doubleword(world.order(), &world.frame, place);
                own.map(|own| demand_word(obligation, own))
            }
            Counted::Other { place, address } => {
                demand_place(obligation, world, place, address);
                demand_place(obligation, world, place + 8, address);
                let found = world.space.clone().load(address, DOUBLEWORD);
                Some(demand_word(obligation, found))
            }
        };
        let is_counted = found.map_or(Term::bit(false), |found| found.equals(counted));
        obligation.demand("the count of tail calls", is_counted);
    }

    /// The same, and it leaves for a program that goes on counting.
    pub(super) fn judge_leaving(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        world: &mut MipsWorld<'_>,
        v1: Term,
    ) {
        self.judge(obligation, meaning, world);
        let (_, counted) = meaning.tail_calls;
        let expected = match *self {
            Counted::Nowhere | Counted::Word { .. } => return,
            Counted::Own { .. } => counted.zero_extend(64),
            Counted::Other { address, .. } => address,
        };
        obligation.demand("what the program counts with", v1.equals(expected));
    }

    /// A function of the program has the count while it runs, and what it leaves is the count. What is in
    /// the frame of the count under n64 stays, as the function has its address.
    pub(super) fn judge_passing(&self, obligation: &mut Obligation, world: &mut MipsWorld<'_>) {
        let Some(&(came, left)) = world.counts.last() else {
            return obligation.demand_fact("a function of the program is called", false);
        };
        match *self {
            Counted::Word {
                place,
                count,
                counts,
            } => {
                let has_it = came.equals(count);
                if counts {
                    obligation.demand("the function has the count", has_it);
                }
                let expected = if counts { left } else { count };
                let found = world.frame_word(place);
                obligation.demand("the count that it leaves", found.equals(expected));
            }
            Counted::Own { place, address, .. } => {
                obligation.demand("the function has the count", came.equals(address));
                demand_place(obligation, world, place + 8, address);
            }
            Counted::Other { place, address } => {
                obligation.demand("the function has the count", came.equals(address));
                demand_place(obligation, world, place, address);
                demand_place(obligation, world, place + 8, address);
            }
            Counted::Nowhere => {}
        }
    }

    /// Where programs of other frames count, if they do.
    pub(super) fn elsewhere(&self) -> Option<Term> {
        match *self {
            Counted::Other { address, .. } => Some(address),
            _ => None,
        }
    }

    /// What is so elsewhere: there is the count, and nothing that a tail call reads otherwise.
    pub(super) fn assumptions(&self, meaning: &Meaning, machine: &Machine) -> Vec<Term> {
        let Counted::Other { address, .. } = *self else {
            return Vec::new();
        };
        let (before, _) = meaning.tail_calls;
        let initial = Space::new(machine.order()).load(address, DOUBLEWORD);
        let mut assumptions = vec![
            initial.equals(before.zero_extend(64)),
            address.low(3).is_zero(),
        ];
        let field = |program: Term| {
            let runtime = machine.runtime();
            let offset = program.constant(u64::from(runtime.prog_bpf_func));
            (program + offset, machine.gprlen() / 8)
        };
        let program = match meaning.next {
            Next::TailCall(program, _) => Some(field(program)),
            _ => None,
        };
        for (other, bytes) in meaning.readable.iter().copied().chain(program) {
            let is_outside = |distance: Term, bytes: u32| {
                !distance.is_below(distance.constant(u64::from(bytes)))
            };
            assumptions.push(is_outside(address - other, bytes));
            assumptions.push(is_outside(other - address, DOUBLEWORD));
        }
        assumptions
    }
}

/// A count that has 64 bits is a word.
fn demand_word(obligation: &mut Obligation, count: Term) -> Term {
    obligation.demand("the count is a word", count.slice(32, 32).is_zero());
    count.low(32)
}

/// A doubleword of the frame is this.
fn demand_place(obligation: &mut Obligation, world: &MipsWorld<'_>, place: i32, expected: Term) {
    let now = frame_doubleword(world.order(), &world.frame, place);
    let is_kept = now.map_or(Term::bit(false), |now| now.equals(expected));
    obligation.demand(
        format!("what the frame has at {place} to count with"),
        is_kept,
    );
}
