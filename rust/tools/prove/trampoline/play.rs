// SPDX-License-Identifier: GPL-2.0

//! A run of a trampoline: what it calls, in which order, and what each function must find and may do.
//!
//! A function overwrites all registers that C lets it overwrite, its arguments on the stack with the room
//! that o32 has for those in registers, and everything below `$sp`; its result is any value. Besides,
//!
//! - what notes that a program begins or ends writes to the run context, but not to the cookie in it;
//! - a program may leave another cookie for the second run of its session;
//! - the function leaves another count of tail calls under o32.

use std::collections::VecDeque;

use super::super::convention::{in_memory_order, is_caller_saved, AT, GP, K0, K1, SP, V0, V1};
use super::super::scene::Machine;
use super::super::space::frame_words;
use super::super::world::MipsWorld;
use super::shape::Shape;
use super::values;
use crate::jit::trampoline::{Outcome, Target};
use crate::model::mips::{self, Next};
use crate::model::term::Term;
use crate::model::word::Word;

/// The processor that a trampoline runs on.
pub(super) type Processor<'w, 'p> = mips::Machine<'w, Term, MipsWorld<'p>>;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// `__bpf_tramp_enter(image)`
    Hold,
    /// `__bpf_tramp_exit(image)`
    Release,
    /// `start = enter(program, run_context)`
    Enter(usize),
    /// The program, unless `start` is 0.
    Run(usize),
    /// `exit(program, start, run_context)`
    Exit(usize),
    /// The function that the trampoline stands before.
    Function,
}

/// What the function has returned, and left as the count of tail calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Returned {
    pub(super) registers: [Term; 2],
    /// As programs see it.
    pub(super) shown: Term,
    pub(super) count: Term,
}

/// Where programs are told what, and what is there.
#[derive(Clone, Debug)]
pub(super) struct RunContext {
    pub(super) place: i32,
    pub(super) words: Vec<(i32, Term)>,
}

/// See the file.
pub(super) struct Play<'a> {
    pub(super) machine: &'a Machine,
    pub(super) shape: &'a Shape,
    pub(super) entry: [Term; 32],
    /// The count of tail calls, or what stands for it.
    pub(super) count: Option<Term>,
    /// What must be called yet.
    script: VecDeque<Action>,
    /// Doublewords of arguments, as programs see them.
    pub(super) arguments: Vec<Term>,
    pub(super) start: Option<Term>,
    pub(super) run_context: Option<RunContext>,
    /// The cookie of each session, in order.
    pub(super) cookies: Vec<Term>,
    /// The session of the program that runs, and the place of its cookie.
    pub(super) session: Option<(usize, i32)>,
    /// What a callback returns.
    pub(super) result: Term,
    pub(super) function: Option<Returned>,
    pub(super) goals: Vec<(String, Term)>,
}

/// What must be called, in order.
fn script(shape: &Shape) -> VecDeque<Action> {
    let program = |number: usize| {
        let actions = [Action::Enter, Action::Run, Action::Exit];
        let is_there = !shape.skipped.contains(&number);
        actions
            .into_iter()
            .filter(move |_| is_there)
            .map(move |action| action(number))
    };
    let entries = shape.entries.len();
    let behind = match shape.skips_exits {
        true => 0,
        false => shape.exits.len(),
    };
    let before = (0..entries).flat_map(program);
    let Outcome::Call(_) = shape.outcome else {
        return before.collect();
    };
    let behind = (entries..entries + behind).flat_map(program);
    [Action::Hold]
        .into_iter()
        .chain(before)
        .chain([Action::Function])
        .chain(behind)
        .chain([Action::Release])
        .collect()
}

impl<'a> Play<'a> {
    pub(super) fn new(
        machine: &'a Machine,
        shape: &'a Shape,
        (entry, arguments): ([Term; 32], Vec<Term>),
        count: Option<Term>,
    ) -> Self {
        let sessions = shape.entries.iter();
        let sessions = sessions.filter(|node| node.has_session_cookie).count();
        Play {
            machine,
            shape,
            entry,
            count,
            script: script(shape),
            arguments,
            start: None,
            run_context: None,
            cookies: vec![Term::new(64, 0); sessions],
            session: None,
            result: Term::new(64, 0),
            function: None,
            goals: Vec::new(),
        }
    }

    pub(super) fn demand(&mut self, what: impl Into<String>, bit: Term) {
        self.goals.push((what.into(), bit));
    }

    /// Runs to the end.
    ///
    /// # Errors
    ///
    /// What is wrong whatever the values.
    pub(super) fn run(&mut self, processor: &mut Processor<'_, '_>) -> Result<Term, String> {
        loop {
            let (at, sp) = (processor.pc, self.distance(processor.gpr[SP])?);
            processor.platform.frame_stores.clear();
            let next = processor
                .step()
                .map_err(|trap| format!("{trap:x?} at {at:#x}"))?;
            self.judge_step(processor, sp)?;
            match next {
                Next::Instruction if processor.pc > at => {}
                Next::Instruction => return Err(format!("a jump back at {at:#x}")),
                Next::Leave(target) if self.script.is_empty() => return Ok(target),
                Next::Leave(_) => return Err(format!("it ends without {:?}", self.script)),
                Next::Call(target) => self
                    .call(processor, target)
                    .map_err(|wrong| format!("{wrong} at {at:#x}"))?,
            }
        }
    }

    /// How far above `$sp` at entry an address is.
    pub(super) fn distance(&self, address: Term) -> Result<i32, String> {
        match address.base_and_offset() {
            (Some(base), offset) if base == self.entry[SP] => Ok(offset as i32),
            _ => Err(format!("{address:?} is not in the frame")),
        }
    }

    /// What interrupts rely on: nothing is below `$sp`, and what the kernel has of the thread is there.
    fn judge_step(&self, processor: &Processor<'_, '_>, sp: i32) -> Result<(), String> {
        let is_below = |&&place: &&i32| place < sp;
        let stores = &processor.platform.frame_stores;
        if let Some(place) = stores.iter().find(is_below) {
            return Err(format!("a store at {place}, below the stack at {sp}"));
        }
        let is_count = |place: i32| {
            place == 0 && !self.machine.is_wide() && self.shape.target != Target::Callback
        };
        if let Some(place) = stores.iter().find(|&&place| place >= 0 && !is_count(place)) {
            return Err(format!("a store to the caller's frame at {place}"));
        }
        let changed = [GP, K0, K1].map(|reg| processor.gpr[reg] != self.entry[reg]);
        match changed.contains(&true) || !processor.platform.space.events.is_empty() {
            true => Err("a register of the kernel's, or memory elsewhere, is used".to_owned()),
            false => Ok(()),
        }
    }

    /// A function is called, does its work, and returns.
    fn call(&mut self, processor: &mut Processor<'_, '_>, target: Term) -> Result<(), String> {
        let sp = self.distance(processor.gpr[SP])?;
        let alignment = if self.machine.is_wide() { 16 } else { 8 };
        if sp >= 0 || sp % alignment != 0 {
            return Err(format!("a call with a frame of {} bytes", -sp));
        }
        let action = self.action(target)?;
        let words = self.find(processor, action, sp)?;
        self.clobber(processor, sp, words);
        self.give(processor, action, sp);
        Ok(())
    }

    /// What is called at an address: what comes next, but that a program may be left out.
    fn action(&mut self, target: Term) -> Result<Action, String> {
        let is_at = |play: &Self, action| match play.address(action) {
            Some(address) => target.value() == Some(address),
            None => target == play.entry[AT],
        };
        let next = self.script.pop_front().ok_or("one call too many")?;
        let Action::Run(program) = next else {
            return match is_at(self, next) {
                true => Ok(next),
                false => Err(format!("{target:?} is called, not {next:?}")),
            };
        };
        let start = self.start.ok_or("a program that has not begun")?;
        if is_at(self, next) {
            let what = format!("program {program} runs only if it has begun");
            self.demand(what, !start.is_zero());
            return Ok(next);
        }
        let what = format!("program {program} does not run only if it has not begun");
        self.demand(what, start.is_zero());
        match self.script.pop_front() {
            Some(next) if is_at(self, next) => Ok(next),
            next => Err(format!("{target:?} is called, not {next:?}")),
        }
    }

    /// Where a function is; None if nobody knows.
    fn address(&self, action: Action) -> Option<u64> {
        let held = match self.shape.outcome {
            Outcome::Call(held) => Some(held),
            _ => None,
        };
        let address = match action {
            Action::Hold => held?.enter,
            Action::Release => held?.exit,
            Action::Enter(program) => self.shape.node(program).enter,
            Action::Run(program) => self.shape.node(program).function,
            Action::Exit(program) => self.shape.node(program).exit,
            Action::Function => return None,
        };
        Some(self.pointer(address).value().unwrap_or(address))
    }

    /// A pointer as a register has it.
    pub(super) fn pointer(&self, address: u64) -> Term {
        Term::new(self.machine.gprlen(), address)
    }

    /// What a function may overwrite, it does; o32 has so many words of arguments for it.
    fn clobber(&self, processor: &mut Processor<'_, '_>, sp: i32, words: i32) {
        let gprlen = self.machine.gprlen();
        let unknown = |what: &str| Term::variable(gprlen, what);
        for register in (0..32).filter(|&register| is_caller_saved(register)) {
            processor.gpr[register] = unknown("overwritten");
        }
        (processor.hi, processor.lo) = (unknown("hi"), unknown("lo"));
        let world = &mut *processor.platform;
        let callees = if self.machine.is_wide() { 0 } else { 4 * words };
        world.frame.retain(|&place, _| place >= sp + callees);
    }

    /// What it gives back.
    fn give(&mut self, processor: &mut Processor<'_, '_>, action: Action, sp: i32) {
        match action {
            Action::Hold | Action::Release => {}
            Action::Enter(_) => {
                let start = Term::variable(64, "start");
                self.start = Some(start);
                self.give_doubleword(processor, start);
                self.note(processor);
            }
            Action::Run(program) => self.give_result(processor, program),
            Action::Exit(_) => self.run_context = None,
            Action::Function => self.give_functions(processor, sp),
        }
    }

    /// Who notes that a program begins writes to the run context.
    fn note(&mut self, processor: &mut Processor<'_, '_>) {
        let Some(run_context) = &mut self.run_context else {
            return;
        };
        let (place, layout) = (run_context.place, self.shape.run_context);
        let cookie = place + layout.cookie as i32;
        let frame = &mut processor.platform.frame;
        for at in (place..place + layout.bytes as i32).step_by(4) {
            if !(cookie..cookie + 8).contains(&at) {
                frame.insert(at, Term::variable(32, "run context"));
            }
            let word = frame.get(&at).copied();
            run_context.words.extend(word.map(|word| (at, word)));
        }
    }

    fn give_doubleword(&self, processor: &mut Processor<'_, '_>, value: Term) {
        if self.machine.is_wide() {
            processor.gpr[V0] = value;
            return;
        }
        let (high, low) = in_memory_order(self.machine.order(), V0);
        processor.gpr[high] = value.slice(32, 32);
        processor.gpr[low] = value.low(32);
    }

    /// A program returns a word, but one that is compiled for a trampoline all of R0. It leaves any cookie
    /// to the second run of its session.
    fn give_result(&mut self, processor: &mut Processor<'_, '_>, program: usize) {
        let is_callback = self.shape.target == Target::Callback;
        if is_callback && self.shape.node(program).insns == 0 {
            self.result = Term::variable(64, "R0");
            self.give_doubleword(processor, self.result);
        } else {
            let word = Term::variable(32, "result");
            self.result = word.zero_extend(64);
            processor.gpr[V0] = values::in_register(self.machine, word);
        }
        if let Some((session, place)) = self.session.take() {
            let left = Term::variable(64, "cookie left");
            self.cookies[session] = left;
            let words = frame_words(self.machine.order(), place, left);
            processor.platform.frame.extend(words);
        }
    }

    /// A program that is a function returns a word, a function all of R0; what C does not look at is
    /// anything.
    fn give_functions(&mut self, processor: &mut Processor<'_, '_>, sp: i32) {
        match self.shape.target {
            Target::Main => {
                let word = Term::variable(32, "result");
                processor.gpr[V0] = values::in_register(self.machine, word);
            }
            _ => self.give_doubleword(processor, Term::variable(64, "R0")),
        }
        let count = Term::variable(32, "tail calls behind");
        if !self.machine.is_wide() {
            processor.platform.frame.insert(sp, count);
        }
        let gpr = &processor.gpr;
        self.function = Some(Returned {
            registers: [gpr[V0], gpr[V1]],
            shown: values::shown(self.machine, self.shape, gpr),
            count,
        });
    }
}
