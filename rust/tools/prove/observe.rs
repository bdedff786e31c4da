// SPDX-License-Identifier: GPL-2.0

//! What others see of an instruction: memory accesses and calls.

use super::counter::DOUBLEWORD;
use super::meaning::Meaning;
use super::space::{answers, in_words, same_events, Event};
use super::theorem::Obligation;
use super::world::{Callee, MipsWorld};
use crate::host::RUNTIME;
use crate::jit::bpf::{Reg, RegSet, Signature};
use crate::model::term::Term;
use crate::model::word::Word;

/// Memory is accessed as BPF says. What nobody wants need not be loaded, if that is allowed.
pub(super) fn judge_events(
    obligation: &mut Obligation,
    meaning: &Meaning,
    world: &MipsWorld<'_>,
    (with_fences, may_omit): (bool, bool),
) {
    // Each machine's registers move what they hold at once.
    let accesses = |events: &[Event]| match world.machine.is_wide() {
        true => events.to_vec(),
        false => in_words(events, world.order()),
    };
    let mut expected = accesses(&meaning.space.events);
    let found = accesses(&world.space.events);
    if may_omit {
        expected.retain(|event| match event {
            Event::Load { .. } => found.contains(event),
            // Who loads nothing asks nothing.
            Event::Absent { .. } => !found.is_empty(),
            _ => true,
        });
    }
    // They are the same questions, at the same time: there is memory for both or for neither. That
    // they are, in number and address, is part of what has to be shown.
    for (expected, found) in answers(&expected).zip(answers(&found)) {
        obligation.assumptions.push(found.equals(expected));
    }
    match same_events(&expected, &found, with_fences) {
        Some(bits) => {
            for bit in bits {
                obligation.demand("memory is accessed as BPF says", bit);
            }
        }
        None => obligation.demand_fact(
            format!("memory accesses are {expected:?}, not {found:?}"),
            false,
        ),
    }
}

/// Helpers and other functions are called as BPF says: with the words that they take, if that is known. What they
/// give is what is known of it.
pub(super) fn judge_calls(
    obligation: &mut Obligation,
    meaning: &Meaning,
    world: &MipsWorld<'_>,
    signature: Signature,
) {
    obligation.demand_fact(
        "as many functions are called as BPF says",
        meaning.calls.len() == world.calls.len(),
    );
    for (expected, found) in meaning.calls.iter().zip(&world.calls) {
        let is_helper = expected.callee == Callee::Helper;
        if expected.callee == Callee::Function {
            obligation.demand("the function", found.what.equals(expected.what));
        } else {
            let skipped = match expected.callee {
                Callee::Subprogram => world.machine.subprogram_entry() * 4,
                _ => 0,
            };
            let base = expected
                .what
                .constant(u64::from(RUNTIME.call_base + skipped));
            let address = base + expected.what;
            let extended = address.sign_extend(world.machine.gprlen());
            obligation.demand("what is called", found.what.equals(extended));
            if world.machine.is_wide() {
                // All of a 64-bit kernel is in the segments whose addresses are negative words.
                obligation.assumptions.push(address.slice(31, 1));
            }
        }
        for (number, (expected, found)) in
            expected.arguments.iter().zip(found.arguments).enumerate()
        {
            if let (Some(argument), Some(found)) = (expected, found) {
                let what = format!("argument {}", number + 1);
                match taken(signature, number, is_helper) {
                    0 => {}
                    bits if bits < argument.width() => {
                        let [found, argument] = [found, *argument].map(|word| word.slice(0, bits));
                        obligation.demand(what, found.equals(argument));
                    }
                    _ => obligation.demand(what, found.equals(*argument)),
                }
            }
        }
        if is_helper {
            obligation
                .assumptions
                .extend(given(signature, expected.result));
        }
        // They are the same call: what it returns is one value.
        obligation
            .assumptions
            .push(found.result.equals(expected.result));
    }
}

/// How many bits of an argument a function takes.
fn taken(signature: Signature, number: usize, is_helper: bool) -> u32 {
    let is_in = |set: RegSet| !is_helper || number >= 5 || set.contains(Reg::ALL[1 + number]);
    match (is_in(signature.low()), is_in(signature.high())) {
        (true, false) => 32,
        (false, false) => 0,
        _ => 64,
    }
}

/// What is true of a helper's result.
fn given(signature: Signature, result: Term) -> Option<Term> {
    let (low, high) = (result.slice(0, 32), result.slice(32, 32));
    if signature.gives_word() {
        return Some(high.equals(Term::new(32, 0)));
    }
    let sign = low.sign_extend(64).slice(32, 32);
    signature.gives_int().then(|| high.equals(sign))
}

/// A tail call may read what it has to know, and read and write the count where that is elsewhere, and
/// nothing else.
pub(super) fn judge_structure_loads(
    obligation: &mut Obligation,
    meaning: &Meaning,
    world: &MipsWorld<'_>,
    (program, count): (Option<Term>, Option<Term>),
) {
    let mut readable = meaning.readable.clone();
    if let Some(program) = program {
        let field = program.constant(u64::from(world.machine.runtime().prog_bpf_func));
        readable.insert((program + field, world.machine.gprlen() / 8));
    }
    readable.extend(count.map(|address| (address, DOUBLEWORD)));
    for event in &world.space.events {
        let is_allowed = match *event {
            Event::Load { address, bytes } if readable.contains(&(address, bytes)) => {
                Term::bit(true)
            }
            Event::Load { address, bytes } => readable
                .iter()
                .filter(|(_, readable)| *readable == bytes)
                .fold(Term::bit(false), |any, (at, _)| any | address.equals(*at)),
            Event::Store { address, value } if value.width() == DOUBLEWORD * 8 => {
                count.map_or(Term::bit(false), |count| address.equals(count))
            }
            _ => Term::bit(false),
        };
        obligation.demand(format!("a tail call's {event:?}"), is_allowed);
    }
}
