// SPDX-License-Identifier: GPL-2.0

//! Running emitted words symbolically, from their first to where control leaves them.
//!
//! A loop is proved by induction: when control comes back to a word, the run starts there once more
//! with unknown values in all registers that the first round has changed, and must not change
//! others when it comes back again. Rounds that come back must not have stored anything.

use std::collections::BTreeMap;

use super::argument;
use super::convention::{
    doubleword, in_memory_order, is_caller_saved, Function, A0, A2, ARGUMENTS, HOME_AREA, SP, V0,
    V1,
};
use super::world::{in_bpf_registers, Call, Callee, MipsWorld};
use crate::host::RUNTIME;
use crate::model::bpf;
use crate::model::mips::{Machine, Next};
use crate::model::term::Term;
use crate::model::word::Word;
use crate::model::world::World;
use crate::tools::prototype;

/// Where control went.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// To an address outside of the code.
    At(u64),
    /// To the address in a register.
    Register(Term),
    /// Back to where it has been: this way proves nothing new.
    Loop,
}

/// A round of a loop begins here.
struct Head {
    gpr: [Term; 32],
    frame: BTreeMap<i32, Term>,
    events: usize,
    stores: usize,
    /// Registers that rounds change, once a round has come back.
    changing: Option<[bool; 32]>,
}

/// Runs to the end.
///
/// # Errors
///
/// What went wrong, for whatever values.
pub(super) fn run(machine: &mut Machine<'_, Term, MipsWorld<'_>>) -> Result<End, String> {
    let begin = machine.platform.begin;
    let end = begin + machine.platform.words.len() as u64 * 4;
    let is_inside = |pc: u64| (begin..end).contains(&pc);
    let mut heads: BTreeMap<u64, Head> = BTreeMap::new();
    let (mut at, mut has_begun) = (machine.pc, false);
    loop {
        if !is_inside(machine.pc) {
            return Ok(End::At(machine.pc));
        }
        let world = &*machine.platform;
        if world.fences_linked && world.is_load_linked(machine.pc) && !world.has_just_fenced() {
            return Err(format!(
                "no barrier before the load-linked at {:#x}",
                machine.pc
            ));
        }
        match heads.get_mut(&machine.pc) {
            Some(head) if machine.pc <= at && has_begun => {
                if come_back(machine, head)? {
                    return Ok(End::Loop);
                }
            }
            None if machine.pc <= at && has_begun => {
                return Err("a jump back into a loop".to_owned())
            }
            Some(_) => {}
            None => {
                heads.insert(machine.pc, Head::new(machine));
            }
        }
        has_begun = true;
        at = machine.pc;
        match machine.step() {
            Ok(Next::Instruction) => {}
            Ok(Next::Leave(target)) => return Ok(End::Register(target)),
            Ok(Next::Call(target)) => call(machine, target)?,
            Err(trap) => return Err(format!("{trap:x?} at {at:#x}")),
        }
    }
}

impl Head {
    fn new(machine: &Machine<'_, Term, MipsWorld<'_>>) -> Self {
        Head {
            gpr: machine.gpr,
            frame: machine.platform.frame.clone(),
            events: machine.platform.space.events.len(),
            stores: machine.platform.space.store_count(),
            changing: None,
        }
    }
}

/// Control has come back. Says whether the loop is done with.
fn come_back(
    machine: &mut Machine<'_, Term, MipsWorld<'_>>,
    head: &mut Head,
) -> Result<bool, String> {
    let world = &mut *machine.platform;
    let gprlen = world.machine.gprlen();
    if world.frame != head.frame || world.space.store_count() != head.stores {
        return Err("a loop stores and goes on".to_owned());
    }
    let differs: [bool; 32] = std::array::from_fn(|r| machine.gpr[r] != head.gpr[r]);
    if let Some(changing) = head.changing {
        return match (0..32).find(|&r| differs[r] && !changing[r]) {
            Some(register) => Err(format!("each round of a loop changes ${register} anew")),
            None => Ok(true),
        };
    }
    for register in (0..32).filter(|&register| differs[register]) {
        head.gpr[register] = world.unknown(gprlen);
    }
    head.changing = Some(differs);
    machine.gpr = head.gpr;
    machine.hi = world.unknown(gprlen);
    machine.lo = world.unknown(gprlen);
    world.space.events.truncate(head.events);
    Ok(false)
}

/// A function of the kernel, or a helper, does its work.
fn call(machine: &mut Machine<'_, Term, MipsWorld<'_>>, target: Term) -> Result<(), String> {
    let order = machine.platform.order();
    let (gprlen, is_wide) = {
        let machine = machine.platform.machine;
        (machine.gprlen(), machine.is_wide())
    };
    machine.platform.has_called = true;
    check_stack_pointer(machine);
    let is_clock = |target: u64| target as u32 == RUNTIME.check_time;
    let result = match target.value().and_then(Function::at) {
        _ if target.value().is_some_and(is_clock) => Some(clock(machine, target)),
        _ if machine.platform.callee == Callee::Subprogram => Some(subprogram(machine, target)),
        _ if machine.platform.callee == Callee::Function && !is_wide => {
            Some(function(machine, target)?)
        }
        // Lowerings of 64 bits call what the program calls only.
        _ if is_wide => Some(wide_helper(machine, target)),
        Some(function) => perform(machine, function)?,
        None => Some(helper(machine, target)),
    };
    for register in (0..32).filter(|&register| is_caller_saved(register)) {
        machine.gpr[register] = machine.platform.unknown(gprlen);
    }
    machine.hi = machine.platform.unknown(gprlen);
    machine.lo = machine.platform.unknown(gprlen);
    // Arguments and the home area belong to the callee. A function of the program leaves the count of
    // tail calls in the latter.
    for place in (0..arguments_end(machine.platform)).step_by(4) {
        let value = machine.platform.unknown(32);
        machine.platform.frame.insert(place, value);
    }
    if is_wide {
        machine.gpr[V0] = result.unwrap_or(machine.gpr[V0]);
        return Ok(());
    }
    if let Some(&(_, left)) = machine.platform.counts.last() {
        machine.platform.frame.insert(0, left);
    }
    match result {
        Some(result) if result.width() == 32 => machine.gpr[V0] = result,
        Some(result) => {
            let (high, low) = in_memory_order(order, V0);
            machine.gpr[high] = result.slice(32, 32);
            machine.gpr[low] = result.low(32);
        }
        None => {}
    }
    Ok(())
}

/// How far from `$sp` the arguments of what is called end.
fn arguments_end(world: &MipsWorld<'_>) -> i32 {
    let machine = world.machine;
    let home = if machine.is_wide() { 0 } else { ARGUMENTS };
    let others = match world.callee {
        Callee::Helper => 0,
        Callee::Function | Callee::Subprogram => argument::end(machine, world.stack_arguments),
    };
    home.max(others)
}

/// How far `$sp` has moved since the instruction began.
fn moved(machine: &Machine<'_, Term, MipsWorld<'_>>) -> i32 {
    (machine.gpr[SP] - machine.platform.sp).value().unwrap_or(0) as i32
}

/// The doubleword among the arguments on the stack.
fn stack_argument(machine: &mut Machine<'_, Term, MipsWorld<'_>>, index: i32) -> Term {
    let place = moved(machine) + HOME_AREA + 8 * index;
    let words = [
        machine.platform.frame_word(place),
        machine.platform.frame_word(place + 4),
    ];
    let (high, low) = in_memory_order(machine.platform.order(), 0);
    words[high].concat(words[low])
}

fn helper(machine: &mut Machine<'_, Term, MipsWorld<'_>>, target: Term) -> Term {
    let order = machine.platform.order();
    let registers = [A0, A2].map(|first| doubleword(order, &machine.gpr, first));
    let stack = [0, 1, 2].map(|index| stack_argument(machine, index));
    let result = Term::variable(64, "the helper's result");
    machine.platform.calls.push(Call {
        what: target,
        callee: Callee::Helper,
        arguments: in_bpf_registers([
            Some(registers[0]),
            Some(registers[1]),
            Some(stack[0]),
            Some(stack[1]),
            Some(stack[2]),
        ]),
        result,
    });
    result
}

/// Behind its arguments, a function may take the stack pointer.
fn check_stack_pointer(machine: &mut Machine<'_, Term, MipsWorld<'_>>) {
    let Some(function) = machine.platform.function else {
        return;
    };
    if !function.takes_stack_pointer {
        return;
    }
    let prototype = prototype::of(&function);
    let behind = match machine.platform.machine.is_wide() {
        true => prototype.arguments.iter().flatten().count(),
        false => {
            let last = prototype::words(&prototype).into_iter().flatten().last();
            last.map_or(0, |words| words.first + words.count)
        }
    };
    let is_passed = machine.gpr[A0 + behind].equals(machine.gpr[SP]);
    let what = "the stack pointer is passed".to_owned();
    machine.platform.demands.push((what, is_passed));
}

/// A C function has its arguments in words: four registers, and then the stack. Its result is one word or
/// two.
fn function(machine: &mut Machine<'_, Term, MipsWorld<'_>>, target: Term) -> Result<Term, String> {
    let function = machine.platform.function.ok_or("a call of no function")?;
    let prototype = prototype::of(&function);
    let (order, gpr, moved) = (machine.platform.order(), machine.gpr, moved(machine));
    let mut word = |number: usize| match number {
        0..=3 => gpr[A0 + number],
        _ => machine.platform.frame_word(moved + 4 * number as i32),
    };
    let arguments = prototype::words(&prototype).map(|words| {
        let words = words?;
        let first = word(words.first);
        if words.count == 1 {
            return Some(first);
        }
        let both = [first, word(words.first + 1)];
        let (high, low) = in_memory_order(order, 0);
        Some(both[high].concat(both[low]))
    });
    let bits = prototype.result.map_or(64, |kind| kind.bits.max(32));
    let result = Term::variable(bits, "the function's result");
    machine.platform.calls.push(Call {
        what: target,
        callee: Callee::Function,
        arguments,
        result,
    });
    Ok(result)
}

/// A function of the program finds its arguments where BPF registers are, and the count of tail calls
/// in the home area, or what stands for it in `$v1`.
fn subprogram(machine: &mut Machine<'_, Term, MipsWorld<'_>>, target: Term) -> Term {
    let result = Term::variable(64, "the function's result");
    let (gpr, moved) = (machine.gpr, moved(machine));
    let world = &mut *machine.platform;
    let came = match world.machine.is_wide() {
        true => gpr[V1],
        false => world.frame_word(0),
    };
    let left = Term::variable(32, "tail calls behind");
    world.counts.push((came, left));
    world.calls.push(Call {
        what: target,
        callee: Callee::Subprogram,
        arguments: std::array::from_fn(|number| match number.checked_sub(5) {
            None => Some(world.machine.value(&gpr, 1 + number)),
            Some(index) => argument::found(world.machine, &gpr, &world.frame, (index, moved)),
        }),
        result,
    });
    result
}

/// A look at the clock: a pointer, and how often a loop may go on.
fn clock(machine: &mut Machine<'_, Term, MipsWorld<'_>>, target: Term) -> Term {
    let result = Term::variable(64, "what the clock says");
    let mut arguments = [None; bpf::ARGUMENTS];
    arguments[0] = Some(machine.gpr[A0]);
    machine.platform.calls.push(Call {
        what: target,
        callee: Callee::Helper,
        arguments,
        result,
    });
    result
}

/// Arguments, of which five are in BPF registers.
fn wide_helper(machine: &mut Machine<'_, Term, MipsWorld<'_>>, target: Term) -> Term {
    let result = Term::variable(64, "the helper's result");
    let (world, moved) = (&*machine.platform, moved(machine));
    let call = Call {
        what: target,
        callee: Callee::Helper,
        arguments: std::array::from_fn(|number| match number.checked_sub(5) {
            None => Some(machine.gpr[A0 + number]),
            Some(index) => {
                argument::found(world.machine, &machine.gpr, &world.frame, (index, moved))
            }
        }),
        result,
    };
    machine.platform.calls.push(call);
    result
}

fn perform(
    machine: &mut Machine<'_, Term, MipsWorld<'_>>,
    function: Function,
) -> Result<Option<Term>, String> {
    let order = machine.platform.order();
    let first = doubleword(order, &machine.gpr, A0);
    let second = doubleword(order, &machine.gpr, A2);
    let missing = || "the kernel has no such function".to_owned();
    let fault = |fault| format!("a kernel function's access: {fault:?}");
    let (pointer, fetches) = match function {
        Function::Divide(operation, offset) => {
            let result = super::convention::divide(operation, offset, first, second);
            return result.ok_or_else(missing).map(Some);
        }
        Function::Update { fetches, .. } => (machine.gpr[A2], fetches),
        Function::Exchange | Function::CompareExchange => (machine.gpr[A0], true),
    };
    let new_on_stack = stack_argument(machine, 0);
    let world = &mut *machine.platform;
    if fetches {
        world.fence();
    }
    let old = world.load(pointer, 8).map_err(fault)?;
    let new = match function {
        Function::Update { operation, .. } => {
            Some(super::convention::update(operation, old, first).ok_or_else(missing)?)
        }
        Function::CompareExchange => world.decide(old.equals(second)).then_some(new_on_stack),
        _ => Some(second),
    };
    if let Some(new) = new {
        world.store(pointer, new).map_err(fault)?;
    }
    if fetches {
        world.fence();
    }
    Ok(fetches.then_some(old))
}
