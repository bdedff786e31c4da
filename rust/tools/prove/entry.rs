// SPDX-License-Identifier: GPL-2.0

//! The ways into an image, and what comes by them.
//!
//! A program is entered as a C function that gets a context, and a word before that by tail calls. A function of
//! a program is entered as a C function of five doublewords, and behind that by its program.

use std::collections::BTreeMap;

use super::convention::{name, pair, A0, ARGUMENTS, FP, HOME_AREA, RA, S0, S7, SP};
use super::scene::{Around, Machine};
use super::space::{frame_doubleword, frame_words};
use crate::jit::abi::Role;
use crate::jit::analysis::Words;
use crate::model::term::Term;
use crate::model::word::Word;

/// A way into an image.
pub(super) struct Entry {
    /// Words before it.
    pub(super) skipped: u32,
    role: Role,
    /// C code comes here.
    is_outer: bool,
    /// The count of tail calls begins.
    pub(super) is_first: bool,
}

/// The ways into an image.
pub(super) fn entries(machine: &Machine, around: &Around) -> Vec<Entry> {
    let role = around.role;
    let (outer, inner) = match role {
        Role::Subprogram => (0, Some(machine.subprogram_entry())),
        Role::Whole | Role::Main => (1, Some(0)),
        // The kernel calls it alone.
        Role::Exception => (0, None),
    };
    let entry = |(skipped, is_outer)| Entry {
        skipped,
        role,
        is_outer,
        is_first: is_outer && matches!(role, Role::Whole | Role::Main),
    };
    let inner = inner.map(|skipped| (skipped, false));
    [(outer, true)]
        .into_iter()
        .chain(inner)
        .map(entry)
        .collect()
}

/// Registers and frame where an image is entered, each with what they stand for: what the caller had.
pub(super) struct Entered {
    pub(super) gpr: [Term; 32],
    pub(super) frame: BTreeMap<i32, Term>,
    /// Registers as who called the program had them, with its stack pointer.
    pub(super) callers: [Term; 32],
}

/// What comes by an entry. A tail call passes an address. A callback finds what its program's caller had below
/// the end of that program's frame.
pub(super) fn entered(machine: &Machine, around: &Around, entry: &Entry) -> Entered {
    let mut gpr = machine.unknown_registers();
    if !machine.is_wide() && entry.is_tail_call() {
        let (high, _) = pair(machine.order(), 1);
        gpr[high] = machine.term(0);
    }
    let mut frame = entry_frame(machine, around);
    let mut callers = gpr;
    if around.role == Role::Exception {
        callers[SP] = machine.value(&gpr, 2).low(machine.gprlen());
        for (place, register) in boundary(machine) {
            let name = format!("caller's {}", name(register));
            callers[register] = Term::variable(machine.gprlen(), name);
            frame.extend(frame_words(machine.order(), place, callers[register]));
        }
    }
    Entered {
        gpr,
        frame,
        callers,
    }
}

/// Where a program keeps its caller's registers whose place a callback may take, from the end of its frame.
pub(super) fn boundary(machine: &Machine) -> Vec<(i32, usize)> {
    let registers: Vec<usize> = (S0..=S7).chain([FP, RA]).collect();
    let bytes = machine.gprlen() as i32 / 8;
    let lowest = -bytes * registers.len() as i32;
    (0..)
        .map(|number| lowest + bytes * number)
        .zip(registers)
        .collect()
}

impl Entry {
    fn is_tail_call(&self) -> bool {
        !self.is_outer && matches!(self.role, Role::Whole | Role::Main)
    }

    /// Words of what comes that are read, by their lowest bits: of a context it may be none.
    pub(super) fn read_words(&self, around: &Around) -> Vec<(&'static str, u32)> {
        let is_context = self.is_outer && matches!(self.role, Role::Whole | Role::Main);
        let words = match is_context {
            true => around.context,
            false => Words::BOTH,
        };
        let both = [(words.low, ("low", 0)), (words.high, ("high", 32))];
        both.into_iter()
            .filter_map(|(is_read, word)| is_read.then_some(word))
            .collect()
    }

    /// What comes in BPF registers.
    pub(super) fn arguments(
        &self,
        machine: &Machine,
        gpr: &[Term; 32],
        frame: &BTreeMap<i32, Term>,
    ) -> Vec<(usize, Term)> {
        let as_programs_have_it = |number| (number, machine.value(gpr, number));
        match (self.role, self.is_outer) {
            (Role::Subprogram, true) if !machine.is_wide() => {
                let on_stack = |number: usize| {
                    let place = HOME_AREA + 8 * (number as i32 - 3);
                    let value = frame_doubleword(machine.order(), frame, place);
                    value.map(|value| (number, value))
                };
                [1, 2]
                    .into_iter()
                    .map(as_programs_have_it)
                    .chain([3, 4, 5].into_iter().filter_map(on_stack))
                    .collect()
            }
            (Role::Exception, _) => vec![as_programs_have_it(1)],
            (Role::Subprogram, _) => (1..=5).map(as_programs_have_it).collect(),
            (_, true) => vec![(1, gpr[A0].zero_extend(64))],
            (_, false) => vec![as_programs_have_it(1)],
        }
    }
}

/// What callers have put above the frame under o32: the count of tail calls, and arguments.
fn entry_frame(machine: &Machine, around: &Around) -> BTreeMap<i32, Term> {
    if machine.is_wide() {
        return BTreeMap::new();
    }
    let mut frame = BTreeMap::from([(0, Term::variable(32, "tail calls"))]);
    if around.role == Role::Subprogram {
        let places = (HOME_AREA..ARGUMENTS).step_by(4);
        frame.extend(places.map(|place| (place, Term::variable(32, format!("argument[{place}]")))));
    }
    frame
}
