// SPDX-License-Identifier: GPL-2.0

//! What the functions that a trampoline calls must find, and how it must end.

use super::super::convention::{self, in_memory_order, A0, AT, FP, RA, S0, S7, SP, V0, V1};
use super::super::space::frame_doubleword;
use super::super::world::MipsWorld;
use super::play::{Action, Play, Processor, RunContext};
use super::values;
use crate::jit::trampoline::Outcome;
use crate::model::term::Term;
use crate::model::word::Word;

/// Bytes of a doubleword.
const DOUBLEWORD: i32 = 8;

/// Words that o32 has room for on the stack, however few arguments there are.
const HOME_WORDS: i32 = 4;

/// `BPF_TRAMP_COOKIE_INDEX_SHIFT` and `BPF_TRAMP_IS_RETURN_SHIFT`: beside the number of arguments a program
/// finds how far below them its session's cookie is, and whether this is the second run.
const COOKIE_SHIFT: u32 = 8;
const IS_RETURN: u32 = 63;

impl Play<'_> {
    fn doubleword(&self, world: &MipsWorld<'_>, place: i32) -> Result<Term, String> {
        let found = frame_doubleword(self.machine.order(), &world.frame, place);
        found.ok_or(format!("nothing is at {place}"))
    }

    /// What the function finds; how many words of arguments o32 has for it.
    pub(super) fn find(
        &mut self,
        processor: &mut Processor<'_, '_>,
        action: Action,
        sp: i32,
    ) -> Result<i32, String> {
        let gpr = processor.gpr;
        let world = &*processor.platform;
        match action {
            Action::Hold | Action::Release => {
                if let Outcome::Call(held) = self.shape.outcome {
                    self.demand("the image", gpr[A0].equals(self.pointer(held.image)));
                }
            }
            Action::Enter(program) => self.begins(world, &gpr, program)?,
            Action::Run(program) => self.runs(world, &gpr, program)?,
            Action::Exit(program) => {
                self.ends(world, &gpr, (program, sp))?;
                return Ok(HOME_WORDS + 1);
            }
            Action::Function => self.goes_on(world, &gpr, sp),
        }
        Ok(HOME_WORDS)
    }

    fn begins(
        &mut self,
        world: &MipsWorld<'_>,
        gpr: &[Term; 32],
        program: usize,
    ) -> Result<(), String> {
        let node = self.shape.node(program);
        self.demand("the program", gpr[A0].equals(self.pointer(node.program)));
        let place = self.distance(gpr[A0 + 1])?;
        let end = place + self.shape.run_context.bytes as i32;
        if place % DOUBLEWORD != 0 || end > 0 {
            return Err(format!("the run context is at {place}"));
        }
        let cookie = place + self.shape.run_context.cookie as i32;
        let found = self.doubleword(world, cookie)?;
        self.demand("the cookie", found.equals(Term::new(64, node.cookie)));
        self.run_context = Some(RunContext {
            place,
            words: Vec::new(),
        });
        Ok(())
    }

    /// Whether the run context is as what noted the program has left it.
    fn keeps_run_context(&mut self, world: &MipsWorld<'_>) -> Option<i32> {
        let RunContext { place, words } = self.run_context.clone()?;
        for (place, word) in words {
            let is_kept = world.frame.get(&place) == Some(&word);
            self.demand("the run context stays", Term::bit(is_kept));
        }
        Some(place)
    }

    fn runs(
        &mut self,
        world: &MipsWorld<'_>,
        gpr: &[Term; 32],
        program: usize,
    ) -> Result<(), String> {
        let node = self.shape.node(program);
        self.keeps_run_context(world);
        if node.insns != 0 {
            let found = gpr[A0 + 1].equals(self.pointer(node.insns));
            self.demand("what is interpreted", found);
        }
        let context = self.distance(gpr[A0])?;
        if context % DOUBLEWORD != 0 {
            return Err(format!("the context is at {context}"));
        }
        let slots = self.arguments.len() as i32;
        for (number, expected) in (0..).zip(self.arguments.clone()) {
            let found = self.doubleword(world, context + DOUBLEWORD * number)?;
            self.demand(format!("argument {}", number + 1), found.equals(expected));
        }
        let said = self.doubleword(world, context - DOUBLEWORD)?;
        let count = said.low(COOKIE_SHIFT);
        self.demand(
            "the number of arguments",
            count.equals(count.constant(slots as u64)),
        );
        let is_second = self.shape.has_sessions && self.function.is_some();
        let expected = u64::from(is_second) << (IS_RETURN - 2 * COOKIE_SHIFT);
        let above = said.slice(2 * COOKIE_SHIFT, 64 - 2 * COOKIE_SHIFT);
        self.demand("which run it is", above.equals(above.constant(expected)));
        if let Some(function) = self.shape.function {
            let found = self.doubleword(world, context - 2 * DOUBLEWORD)?;
            self.demand(
                "the function's address",
                found.equals(found.constant(function)),
            );
        }
        if self.shape.shows_result(program) {
            let found = self.doubleword(world, context + DOUBLEWORD * slots)?;
            let shown = self.function.map_or(found.constant(0), |left| left.shown);
            self.demand("the function's result", found.equals(shown));
        }
        if node.has_session_cookie {
            let index = said.slice(COOKIE_SHIFT, COOKIE_SHIFT).value();
            let index = index.ok_or("nobody knows where the cookie is")?;
            let place = context - DOUBLEWORD * index as i32;
            let session = self.session_of(program);
            let found = self.doubleword(world, place)?;
            let expected = self.cookies.get(session).copied();
            let expected = expected.ok_or("one session too many")?;
            self.demand("the session's cookie", found.equals(expected));
            self.session = Some((session, place));
        }
        Ok(())
    }

    /// Which of the sessions a program belongs to: those that ask for cookies come in the same order
    /// before the function and behind it.
    fn session_of(&self, program: usize) -> usize {
        let entries = self.shape.entries.len();
        let side = match program.checked_sub(entries) {
            None => &self.shape.entries[..program],
            Some(behind) => &self.shape.exits[..behind],
        };
        side.iter().filter(|node| node.has_session_cookie).count()
    }

    fn ends(
        &mut self,
        world: &MipsWorld<'_>,
        gpr: &[Term; 32],
        (program, sp): (usize, i32),
    ) -> Result<(), String> {
        let node = self.shape.node(program);
        self.demand("the program", gpr[A0].equals(self.pointer(node.program)));
        let (start, run_context) = match self.machine.is_wide() {
            true => (gpr[A0 + 1], gpr[A0 + 2]),
            false => {
                let (high, low) = in_memory_order(self.machine.order(), A0 + 2);
                let third = world.frame.get(&(sp + 4 * HOME_WORDS));
                (
                    gpr[high].concat(gpr[low]),
                    *third.ok_or("no third argument")?,
                )
            }
        };
        let expected = self.start.take().ok_or("a program that has not begun")?;
        self.demand("when the program began", start.equals(expected));
        let place = self.keeps_run_context(world);
        match place == Some(self.distance(run_context)?) {
            true => Ok(()),
            false => Err("another run context".to_owned()),
        }
    }

    fn goes_on(&mut self, world: &MipsWorld<'_>, gpr: &[Term; 32], sp: i32) {
        self.judge_registers(gpr);
        let found = match self.machine.is_wide() {
            true => Some(gpr[V1]),
            false => world.frame.get(&sp).copied(),
        };
        let is_passed = found
            .zip(self.count)
            .map(|(found, count)| found.equals(count));
        let is_passed = is_passed.unwrap_or(Term::bit(false));
        self.demand("the count of tail calls", is_passed);
    }

    /// The function has its registers.
    fn judge_registers(&mut self, gpr: &[Term; 32]) {
        for number in 1..=self.shape.kept() {
            let [found, expected] = [gpr, &self.entry].map(|gpr| self.machine.value(gpr, number));
            self.demand(format!("R{number}"), found.equals(expected));
        }
    }

    /// How it ends: `$sp` and all that C code relies on are as they were, and so is what belongs to the
    /// caller's frame; it returns what it must, or goes on with the function as if nothing had been.
    pub(super) fn judge_end(&mut self, world: &MipsWorld<'_>, gpr: &[Term; 32], target: Term) {
        for register in (S0..=S7).chain([FP, SP]) {
            let what = format!("${} is as it was", convention::name(register));
            self.demand(what, gpr[register].equals(self.entry[register]));
        }
        let count = world.frame.get(&0).copied();
        let mut left = self.count;
        match self.shape.outcome {
            Outcome::Continue => {
                self.demand("it goes on", target.equals(self.entry[AT]));
                self.demand("$ra is as it was", gpr[RA].equals(self.entry[RA]));
                self.judge_registers(gpr);
                if let Some(count) = self.count.filter(|_| self.machine.is_wide()) {
                    self.demand("what counts tail calls", gpr[V1].equals(count));
                }
            }
            Outcome::Call(_) => {
                self.demand("it returns", target.equals(self.entry[RA]));
                let Some(returned) = self.function else {
                    return self.demand("the function is called", Term::bit(false));
                };
                left = Some(returned.count);
                let both = [V0, V1].into_iter().zip(returned.registers);
                for (register, value) in both.take(self.machine.natives(0).len()) {
                    self.demand("what the function returned", gpr[register].equals(value));
                }
            }
            Outcome::Return => {
                self.demand("it returns", target.equals(self.entry[RA]));
                let returned =
                    values::is_returned(self.machine, self.shape.result, self.result, gpr);
                if let Some(is_returned) = returned {
                    self.demand("the result", is_returned);
                }
            }
        }
        if let (Some(count), Some(left), false) = (count, left, self.machine.is_wide()) {
            self.demand("the count of tail calls", count.equals(left));
        }
    }
}
