// SPDX-License-Identifier: GPL-2.0

//! The ways into an image, and what comes by them.
//!
//! A program is entered as a C function that gets a context, and behind that by tail calls. A function of
//! a program is entered as a C function of five doublewords, and behind that by its program.

use std::collections::BTreeMap;

use super::convention::{A0, ARGUMENTS, HOME_AREA};
use super::scene::{Around, Machine};
use super::space::frame_doubleword;
use crate::jit::abi::Role;
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
pub(super) fn entries(machine: &Machine, around: &Around) -> [Entry; 2] {
    let role = around.role;
    let inner = match role {
        Role::Subprogram => machine.subprogram_entry(),
        Role::Whole | Role::Main => machine.tail_entry(),
    };
    [(0, true), (inner, false)].map(|(skipped, is_outer)| Entry {
        skipped,
        role,
        is_outer,
        is_first: is_outer && role != Role::Subprogram,
    })
}

impl Entry {
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
            (Role::Subprogram, _) => (1..=5).map(as_programs_have_it).collect(),
            (_, true) => vec![(1, gpr[A0].zero_extend(64))],
            (_, false) => vec![as_programs_have_it(1)],
        }
    }
}

/// What callers have put above the frame under o32: the count of tail calls, and arguments.
pub(super) fn entry_frame(machine: &Machine, around: &Around) -> BTreeMap<i32, Term> {
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
