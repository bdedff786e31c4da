// SPDX-License-Identifier: GPL-2.0

//! The theorems about trampolines: each runs on the MIPS model with functions around it of which nothing
//! is known but what C lets them do ([`play`]).
//!
//! For all values of all registers, of the caller's frame, and of what functions return:
//!
//! 1. What is called, and in which order: each program between what notes that it begins and ends, unless
//!    it is noted that it does not begin, or it is patched out; the function between the programs; the
//!    image is held meanwhile.
//! 2. With what arguments: addresses from the description; the start time from one to the other; a context
//!    that has the arguments extended as their types say ([`values`]), the number of them, the function's
//!    address, its result, 0 before there is one; cookies, of links and of sessions.
//! 3. The function has its registers and the count of tail calls, called or gone on with.
//! 4. What is returned: what the program has, 0 if it has not run, as the type says; or what the function has.
//! 5. Callee-saved registers, `$sp`, `$gp`, `$k0` and `$k1` are as they were, these at any time. No memory is
//!    accessed but the frame, of which nothing is used below `$sp`, and of the caller's frame the arguments
//!    and the count. Calls are made with an aligned `$sp`.
//!
//! What a trampoline is made for are the cases: [`shapes`].

mod finds;
mod play;
mod shape;
mod shapes;
mod values;

use std::collections::BTreeSet;

use anyhow::Result;

use super::case::Prover;
use super::convention::V1;
use super::path::Path;
use super::scene::{Machine, IMAGE};
use super::space::Space;
use super::theorem::Obligation;
use super::world::{Callee, MipsWorld};
use crate::jit::trampoline::Target;
use crate::model::mips;
use crate::model::term::{forget_all, Term};
use crate::model::word::Word;
use play::Play;
use shape::Shape;

/// The forms that stand for trampolines: callbacks, those behind which a function goes on, and those that
/// call it.
pub(super) const CALLBACKS: &str = "trampoline: callback";
pub(super) const BEFORE: &str = "trampoline: before";
pub(super) const AROUND: &str = "trampoline: around";

/// Proves the trampolines of a form.
///
/// # Errors
///
/// The solver does not work.
pub(super) fn prove(prover: &mut Prover<'_>, form: &str) -> Result<()> {
    let machine = prover.machine();
    let shapes = match form {
        CALLBACKS => shapes::callbacks(machine),
        BEFORE => shapes::before(machine),
        _ => shapes::around(machine),
    };
    for shape in shapes {
        let shape = shape.on(machine);
        forget_all();
        prover.theorem(
            |path| obligation(machine, &shape, path),
            || shape.tell(machine, IMAGE),
        )?;
    }
    Ok(())
}

/// What has to be shown of a trampoline on one way.
fn obligation(machine: &Machine, shape: &Shape, path: &mut Path) -> Result<Obligation, String> {
    let words = shape.emit(machine)?;
    let words: Vec<Term> = words
        .iter()
        .map(|&word| Term::new(32, u64::from(word)))
        .collect();
    let gpr = machine.unknown_registers();
    let frame = values::callers_frame(machine, shape);
    let arguments = values::arguments(machine, shape, &gpr, &frame);
    let arguments = arguments.ok_or("more arguments than a caller has room for")?;
    let count = match (shape.target, machine.is_wide()) {
        (Target::Callback, _) => None,
        (_, true) => Some(gpr[V1]),
        (_, false) => frame.get(&0).copied(),
    };
    let mut world = MipsWorld {
        machine,
        path,
        space: Space::new(machine.order()),
        words: &words,
        begin: machine.pointer(IMAGE),
        faults: &[],
        fences_linked: false,
        sp: gpr[super::convention::SP],
        frame,
        frame_stores: BTreeSet::new(),
        demands: Vec::new(),
        callee: Callee::Function,
        function: None,
        calls: Vec::new(),
        stack_arguments: 0,
        counts: Vec::new(),
        has_called: false,
        probes: false,
    };
    let pc = world.begin;
    let mut play = Play::new(machine, shape, (gpr, arguments), count);
    let mut processor = mips::Machine::new(machine.architecture(), &mut world, gpr, pc);
    let target = play.run(&mut processor)?;
    let after = processor.gpr;
    play.judge_end(&world, &after, target);
    let mut goals = play.goals;
    goals.append(&mut world.demands);
    Ok(Obligation {
        assumptions: world.path.assumptions(),
        goals,
    })
}
