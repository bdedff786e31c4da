// SPDX-License-Identifier: GPL-2.0

//! Calls: of helpers with every set of arguments, of functions of the program, and tail calls.

use super::{Around, Form, EVERYTHING};
use crate::jit::bpf::{Reg, RegSet, Signature};
use crate::jit::runtime::Counted;
use crate::tools::build::{call_offset, call_subprogram, tail_call};
use crate::tools::prove::scene::{Counter, Machine};
use crate::tools::prove::shape::Many;

/// Who may count tail calls on a machine.
pub(in crate::tools::prove) fn counters(machine: &Machine) -> &'static [Counter] {
    match machine.is_wide() {
        true => &[Counter::Own, Counter::Other],
        false => &[Counter::Own],
    }
}

/// Calls of which is known what the helper takes, word by word, and gives: of each argument nothing, a word or a
/// doubleword, of the others words or doublewords.
fn known_helpers() -> Form {
    let mut form = Form::new("call known helper");
    let results = [0, Signature::WORD, Signature::INT];
    let kinds = |number: u16| [0, 1 << number, 1 << number | 1 << (5 + number)];
    for (number, kind) in (0..5).flat_map(|number| [0, 1, 2].map(|kind| (number, kind))) {
        for others in [1, 2] {
            let of = |other| kinds(other)[if other == number { kind } else { others }];
            let arguments = (0..5).fold(0, |bits, other| bits | of(other));
            for passed in [RegSet::ARGUMENTS, RegSet::of(Reg::R1).with(Reg::R4)] {
                let around = Around {
                    passed,
                    signature: Signature::new(arguments | results[(kind + others) % 3]),
                    ..EVERYTHING
                };
                form.add(&[call_offset(0)], around, Many::Immediate);
            }
        }
    }
    form
}

/// Every form of a call.
pub(super) fn forms(machine: &Machine, forms: &mut Vec<Form>) {
    let mut form = Form::new("call helper");
    for subset in 0..16u32 {
        let arguments = [Reg::R2, Reg::R3, Reg::R4, Reg::R5].into_iter().enumerate();
        let passed = arguments
            .filter(|(bit, _)| subset >> bit & 1 != 0)
            .fold(RegSet::of(Reg::R1), |set, (_, reg)| set.with(reg));
        let around = Around {
            passed,
            ..EVERYTHING
        };
        form.add(&[call_offset(0)], around, Many::Immediate);
    }
    forms.push(form);
    if !machine.is_wide() {
        forms.push(known_helpers());
    }
    let mut form = Form::new("call subprogram");
    // Programs that do not count are among those with all frames.
    for &counter in counters(machine) {
        let around = Around {
            counter,
            ..EVERYTHING
        };
        form.add(&[call_subprogram(0)], around, Many::Immediate);
    }
    forms.push(form);
    let mut form = Form::new("tail call");
    for counted in [Counted::Hits, Counted::Lookups] {
        for &counter in counters(machine) {
            let around = Around {
                counted,
                counter,
                ..EVERYTHING
            };
            form.add(&[tail_call()], around, Many::Fixed);
        }
    }
    forms.push(form);
}
