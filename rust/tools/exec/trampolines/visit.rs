// SPDX-License-Identifier: GPL-2.0

//! A visit to a function that a trampoline calls: what it sees, and what it does to the machine.

use unicorn_engine::Unicorn;

use super::case::{Action, Case, TAIL_CALLS};
use super::rig::{
    self, doubleword, load_word, tail_calls, value, word, write, Event, State, Wrong, STACK,
    STACK_POINTER,
};
use super::{cpu, mix};
use crate::jit::mips::{Endian, Reg, Width};
use crate::tools::exec::places::{FUNCTIONS, FUNCTION_SIZE};

/// Bytes below `$sp` that a function uses.
const CALLEE: u32 = 64;

/// What a call of a C function may overwrite, besides its result.
const SCRAMBLED: [Reg; 15] = [
    Reg::AT,
    Reg::A0,
    Reg::A1,
    Reg::A2,
    Reg::A3,
    Reg::T0,
    Reg::T1,
    Reg::T2,
    Reg::T3,
    Reg::T4,
    Reg::T5,
    Reg::T6,
    Reg::T7,
    Reg::T8,
    Reg::T9,
];

/// Which function is at an address.
fn action(at: u32) -> Action {
    let number = (at - FUNCTIONS) / FUNCTION_SIZE;
    let index = (number / 4).wrapping_sub(1) as usize;
    match (number, number % 4) {
        (0, _) => Action::Hold,
        (1, _) => Action::Release,
        (2, _) => Action::Function,
        (_, 0) => Action::Enter(index),
        (_, 1) => Action::Run(index),
        _ => Action::Exit(index),
    }
}

/// Notes what a function sees, and does what it does.
pub(super) fn visit(unicorn: &mut Unicorn<'_, State>, at: u32) -> Result<(), Wrong> {
    let machine = unicorn.get_data().machine;
    let case = unicorn.get_data().case.clone().ok_or("no case")?;
    let [sp, a0, a1, a2] =
        [Reg::SP, Reg::A0, Reg::A1, Reg::A2].map(|reg| cpu::register(unicorn, &machine, reg));
    let sp = sp as u32;
    let is_wide = machine.width == Width::W64;
    let alignment = if is_wide { 16 } else { 8 };
    if sp % alignment != 0 || !(STACK + 0x100..=STACK_POINTER).contains(&sp) {
        return Err(format!("function {at:#x} called with sp {sp:#x}"));
    }
    let action = action(at);
    let event = match action {
        Action::Hold | Action::Release => Event::Hold(action, a0),
        Action::Enter(_) => Event::Enter {
            program: a0,
            cookie: doubleword(unicorn, a1 as u32 + case.run_context.cookie),
        },
        Action::Run(program) => run(unicorn, &case, program, a0 as u32, a1)?,
        Action::Exit(_) => Event::Exit {
            program: a0,
            start: match is_wide {
                true => a1,
                false => value(unicorn, machine.endian, (Reg::A2, Some(Reg::A3))),
            },
        },
        Action::Function => Event::Function {
            registers: {
                let places = case.kept_places(&machine).into_iter();
                places
                    .map(|place| rig::at(unicorn, machine.endian, sp, place))
                    .collect()
            },
            tail_calls: tail_calls(unicorn, sp),
        },
    };
    let run_context = match action {
        Action::Enter(_) => Some(a1 as u32),
        Action::Exit(_) if is_wide => Some(a2 as u32),
        Action::Exit(_) => Some(load_word(unicorn, sp + 16)),
        _ => None,
    };
    let state = unicorn.get_data_mut();
    state.events.push(event);
    if let Some(address) = run_context {
        let known = *state.run_context.get_or_insert(address);
        let end = address + case.run_context.bytes;
        if address != known || address % 8 != 0 || address < sp || end > STACK_POINTER {
            return Err(format!(
                "run context at {address:#x}, and {known:#x} before"
            ));
        }
    }
    leave(unicorn, &case, action, sp);
    Ok(())
}

/// A program runs: it has a context, and may find the cookie of its session there, and leave another.
fn run(
    unicorn: &mut Unicorn<'_, State>,
    case: &Case,
    program: usize,
    context: u32,
    insns: u64,
) -> Result<Event, Wrong> {
    let node = case.node(program);
    let slots = case.slots();
    let count = doubleword(unicorn, context - 8);
    let mut session = None;
    if node.has_session_cookie {
        let place = context - 8 * (count >> 8 & 0xff) as u32;
        let run_context = unicorn.get_data().run_context.unwrap_or_default();
        if place >= context - 16 || place < run_context + case.run_context.bytes {
            return Err(format!(
                "a cookie at {place:#x} with the context at {context:#x}"
            ));
        }
        session = Some(doubleword(unicorn, place));
        let left = mix(session.unwrap_or_default() ^ program as u64);
        write(unicorn, place, &unicorn.get_data().machine.bytes64(left));
    }
    let arguments = (0..slots).map(|slot| doubleword(unicorn, context + 8 * slot));
    let arguments = arguments.collect();
    Ok(Event::Run {
        program,
        insns: (node.insns != 0).then_some(insns),
        count: count & !0xff00,
        function: case.function.map(|_| doubleword(unicorn, context - 16)),
        session,
        arguments,
        result: case
            .shows_result(program)
            .then(|| doubleword(unicorn, context + 8 * slots)),
    })
}

/// Returns: everything that a function may overwrite is junk.
fn leave(unicorn: &mut Unicorn<'_, State>, case: &Case, action: Action, sp: u32) {
    let machine = unicorn.get_data().machine;
    for reg in SCRAMBLED.into_iter().chain([Reg::V0, Reg::V1]) {
        let junk = unicorn.get_data_mut().junk.next();
        cpu::set_register(unicorn, &machine, reg, junk);
    }
    let home = if machine.width == Width::W64 { 0 } else { 16 };
    let is_counted = action == Action::Function && home != 0;
    let count = load_word(unicorn, sp);
    for at in (sp - CALLEE..sp + home).step_by(8) {
        let junk = unicorn.get_data_mut().junk.next();
        write(unicorn, at, &junk.to_le_bytes());
    }
    if is_counted {
        let bytes = machine.bytes(count.wrapping_add(TAIL_CALLS));
        write(unicorn, sp, &bytes);
    }
    let (value, is_word) = case.returned(action);
    let low = value as u32;
    if is_word || machine.width == Width::W64 {
        let value = if is_word { word(low) } else { value };
        cpu::set_register(unicorn, &machine, Reg::V0, value);
        return;
    }
    let (first, second) = match machine.endian {
        Endian::Little => (value, value >> 32),
        Endian::Big => (value >> 32, value),
    };
    cpu::set_register(unicorn, &machine, Reg::V0, first);
    cpu::set_register(unicorn, &machine, Reg::V1, second);
}
