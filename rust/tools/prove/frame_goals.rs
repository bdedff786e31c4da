// SPDX-License-Identifier: GPL-2.0

//! What a frame has to hold, besides registers and the BPF stack: the count of tail calls, what a callback
//! looks for that takes the program's place, and R10 where it is not in the frame.

use super::argument::arrival_goals;
use super::convention::{self, FP, GP, S4, SP};
use super::entry::boundary;
use super::frame::{Layout, Run};
use super::scene::{Around, Machine};
use super::space::{frame_doubleword, Space};
use crate::jit::bpf;
use crate::model::term::Term;
use crate::model::word::Word;

/// R10 is the end of a stack that each processor has, if it is; a callback finds what it looks for; and
/// arguments in registers are still there.
pub(super) fn place_goals(
    machine: &Machine,
    around: &Around,
    layout: &Layout,
    run: &Run,
) -> Vec<(String, Term)> {
    let mut goals = arrival_goals(machine, around, &run.before, &run.after);
    if let Some(stack) = around.private_stack {
        let expected = private_stack(machine, around, stack, run.before[GP]);
        let is_used = around.usage.registers.contains(bpf::Reg::R10);
        let is_right = run.after[FP].equals(expected) | Term::bit(!is_used);
        goals.push(("the stack".to_owned(), is_right));
    }
    if let Some(arena) = around.arena(machine) {
        let address = Term::new(64, arena.kernel_base);
        goals.push(("the arena".to_owned(), run.after[S4].equals(address)));
    }
    if around.is_boundary {
        for (place, register) in boundary(machine) {
            let what = format!(
                "${} is where the callback looks",
                convention::name(register)
            );
            let is_there = layout.saved.contains(&(layout.size + place, register));
            goals.push((what, Term::bit(is_there)));
        }
    }
    goals
}

/// R10 of a program for which each processor has a stack, by the address for all.
fn private_stack(machine: &Machine, around: &Around, stack: u64, thread: Term) -> Term {
    let (gprlen, mut space) = (machine.gprlen(), Space::new(machine.order()));
    let stack = Term::new(gprlen, stack);
    let Some(processors) = around.processors() else {
        return stack;
    };
    let field = thread.constant(processors.number.into());
    let number = space.load(thread + field, 4).zero_extend(gprlen);
    let pointer = gprlen / 8;
    let index = number.shift_left(number.constant(pointer.trailing_zeros().into()));
    let offsets = Term::new(gprlen, machine.pointer(processors.offsets));
    stack + space.load(offsets + index, pointer)
}

/// What came as the count is kept, as far as the program counts.
pub(super) fn count_goals(
    machine: &Machine,
    around: &Around,
    layout: &Layout,
    run: &Run,
    came: Term,
) -> Vec<(&'static str, Term)> {
    let Some(place) = layout.count else {
        // Who makes no tail calls need not count them.
        return vec![("tail calls are counted", Term::bit(!around.counts()))];
    };
    let place = place - layout.size;
    if !machine.is_wide() && !around.counts() {
        return Vec::new();
    }
    if !machine.is_wide() {
        return vec![("the count", run.frame[&place].equals(came))];
    }
    let kept = |place| {
        let value = frame_doubleword(machine.order(), &run.frame, place);
        value.unwrap_or(machine.term(-1))
    };
    let own = run.before[SP] + machine.term(place);
    let address = Machine::is_count(came).select(own, came);
    vec![
        ("what came is kept", kept(place).equals(came)),
        ("the address of the count", kept(place + 8).equals(address)),
    ]
}
