// SPDX-License-Identifier: GPL-2.0

//! Arguments that are in no BPF register, stated for the proofs alone: they are where C has them that takes
//! 64 bits of each, under o32 all on the stack, under n64 three in registers and the others on the stack.
//!
//! What a function passes is where its `$sp` points, what it takes above its frame. Under n64 the registers
//! hold either: it takes nothing any more when it passes something.

use std::collections::BTreeMap;

use super::convention::ARGUMENTS;
use super::frame::Layout;
use super::meaning::Meaning;
use super::scene::{Around, Machine};
use super::space::{frame_doubleword, frame_words};
use super::theorem::Obligation;
use super::world::MipsWorld;
use crate::model::bpf::STACK_ARGUMENTS;
use crate::model::term::Term;
use crate::model::word::Word;

/// The first register of such an argument under n64, and how many there are.
const FIRST: usize = 9;
const REGISTERS: usize = 3;

/// Where one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Register(usize),
    /// A doubleword, by its distance from `$sp`.
    Stack(i32),
}

/// Values of arguments, as far as there are some.
pub(super) type Values = [Option<Term>; STACK_ARGUMENTS];

/// Where the one with this index is.
pub(super) fn place(machine: &Machine, index: usize) -> Place {
    match index.checked_sub(REGISTERS) {
        _ if !machine.is_wide() => Place::Stack(ARGUMENTS + 8 * index as i32),
        None => Place::Register(FIRST + index),
        Some(index) => Place::Stack(8 * index as i32),
    }
}

/// How far from `$sp` the last of so many ends that are passed.
pub(super) fn end(machine: &Machine, count: u32) -> i32 {
    match (count as usize)
        .checked_sub(1)
        .map(|last| place(machine, last))
    {
        Some(Place::Stack(at)) => at + 8,
        _ => 0,
    }
}

/// Before an instruction: what is passed, and what is taken; and the words of the frame and above that
/// these are.
pub(super) struct Before {
    pub(super) passed: Values,
    pub(super) taken: Values,
    pub(super) passed_words: BTreeMap<i32, Term>,
    pub(super) taken_words: BTreeMap<i32, Term>,
}

impl Before {
    /// For a program whose frame is laid out like this.
    pub(super) fn new(
        machine: &Machine,
        around: &Around,
        layout: &Layout,
        gpr: &[Term; 32],
    ) -> Before {
        let counts = around.usage.stack_arguments;
        let (passed, passed_words) = values(machine, gpr, ("passed", counts.passed), 0);
        let (taken, taken_words) = values(machine, gpr, ("taken", counts.taken), layout.size);
        Before {
            passed,
            taken,
            passed_words,
            taken_words,
        }
    }
}

fn values(
    machine: &Machine,
    gpr: &[Term; 32],
    (name, count): (&str, u32),
    from: i32,
) -> (Values, BTreeMap<i32, Term>) {
    let mut words = BTreeMap::new();
    let values = std::array::from_fn(|index| {
        (index < count as usize).then(|| match place(machine, index) {
            Place::Register(number) => gpr[number],
            Place::Stack(at) => {
                let value = Term::variable(64, format!("{name}[{index}]"));
                words.extend(frame_words(machine.order(), from + at, value));
                value
            }
        })
    });
    (values, words)
}

/// Those that a function takes in registers are still there behind its prologue.
pub(super) fn arrival_goals(
    machine: &Machine,
    around: &Around,
    before: &[Term; 32],
    after: &[Term; 32],
) -> Vec<(String, Term)> {
    let count = around.usage.stack_arguments.taken as usize;
    let places = (0..count).map(|index| (index, place(machine, index)));
    places
        .filter_map(|(index, place)| match place {
            Place::Register(number) => {
                let what = format!("argument {} arrives", index + 6);
                Some((what, after[number].equals(before[number])))
            }
            // Nothing is stored outside of the frame.
            Place::Stack(_) => None,
        })
        .collect()
}

/// The value of one that a function which is called finds, `moved` bytes from where `$sp` was.
pub(super) fn found(
    machine: &Machine,
    gpr: &[Term; 32],
    frame: &BTreeMap<i32, Term>,
    (index, moved): (usize, i32),
) -> Option<Term> {
    match place(machine, index) {
        Place::Register(number) => Some(gpr[number]),
        Place::Stack(at) => frame_doubleword(machine.order(), frame, moved + at),
    }
}

/// Behind an instruction, arguments are where they are looked for.
pub(super) fn judge(
    obligation: &mut Obligation,
    meaning: &Meaning,
    world: &MipsWorld<'_>,
    (layout, after): (&Layout, &[Term; 32]),
) {
    let kinds = [
        ("passed", &meaning.passed, 0),
        ("taken", &meaning.taken, layout.size),
    ];
    for (name, values, from) in kinds {
        for (index, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            let what = format!("argument {} that is {name}", index + 6);
            match found(world.machine, after, &world.frame, (index, from)) {
                Some(found) => obligation.demand(what, found.equals(*value)),
                None => obligation.demand_fact(what, false),
            }
        }
    }
}
