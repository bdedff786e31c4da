// SPDX-License-Identifier: GPL-2.0

//! Calls: of helpers with every set of arguments, of functions of the program, and tail calls.

use super::{Around, Form, EVERYTHING};
use crate::jit::bpf::{Reg, RegSet};
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
