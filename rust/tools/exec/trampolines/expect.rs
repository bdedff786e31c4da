// SPDX-License-Identifier: GPL-2.0

//! What must come of a case, by its description alone.

use super::case::{Action, Case, TAIL_CALLS};
use super::rig::{word, Event, Left};
use super::{mix, Machine};
use crate::jit::mips::Width;
use crate::jit::runtime::Value;
use crate::jit::trampoline::{Outcome, Target};

/// `BPF_TRAMP_IS_RETURN_SHIFT`
const IS_RETURN: u64 = 1 << 63;

/// A value as 64 bits.
fn extend(value: Value, input: u64) -> u64 {
    let above = 64 - 8 * u32::from(value.bytes);
    match value.signed {
        true => ((input << above) as i64 >> above) as u64,
        false => input << above >> above,
    }
}

impl Case {
    pub(super) fn expected(&self, machine: &Machine) -> Vec<Event> {
        let mut events = Vec::new();
        let entries = self.entries.len();
        let mut sessions = vec![0; entries.max(self.exits.len())];
        let count = u64::from(self.slots());
        if let Outcome::Call(held) = self.outcome {
            events.push(Event::Hold(Action::Hold, self.seen(machine, held.image)));
        }
        for (program, place) in sessions.iter_mut().enumerate().take(entries) {
            events.extend(self.events_of(machine, program, count, 0, place));
        }
        if let Outcome::Call(held) = self.outcome {
            events.push(Event::Function {
                registers: self.inputs[..self.kept()].to_vec(),
                tail_calls: self.tail_calls,
            });
            let said = if self.has_sessions { IS_RETURN } else { 0 };
            let result = self.shown_result();
            let exits = if self.skips_exits {
                0
            } else {
                self.exits.len()
            };
            for (exit, place) in sessions.iter_mut().enumerate().take(exits) {
                events.extend(self.events_of(machine, entries + exit, count | said, result, place));
            }
            events.push(Event::Hold(Action::Release, self.seen(machine, held.image)));
        }
        events
    }

    /// A pointer as it is in a register.
    fn seen(&self, machine: &Machine, pointer: u64) -> u64 {
        match machine.width {
            Width::W32 => pointer & 0xffff_ffff,
            Width::W64 => pointer,
        }
    }

    fn events_of(
        &self,
        machine: &Machine,
        program: usize,
        count: u64,
        result: u64,
        session: &mut u64,
    ) -> Vec<Event> {
        if self.skipped.contains(&program) {
            return Vec::new();
        }
        let node = self.node(program);
        let pointer = self.seen(machine, node.program);
        let start = self.starts[program];
        let mut events = vec![Event::Enter {
            program: pointer,
            cookie: node.cookie,
        }];
        if start != 0 {
            let found = *session;
            if node.has_session_cookie {
                *session = mix(found ^ program as u64);
            }
            events.push(Event::Run {
                program,
                insns: (node.insns != 0).then(|| self.seen(machine, node.insns)),
                count,
                function: self.function,
                session: node.has_session_cookie.then_some(found),
                arguments: self.seen_arguments(),
                result: self.shows_result(program).then_some(result),
            });
        }
        events.push(Event::Exit {
            program: pointer,
            start,
        });
        events
    }

    fn seen_arguments(&self) -> Vec<u64> {
        let arguments = self.arguments.iter().zip(&self.inputs);
        arguments
            .map(|(&value, &input)| match self.target {
                Target::Callback => extend(value, input),
                _ => input,
            })
            .collect()
    }

    /// The function's result as programs see it.
    fn shown_result(&self) -> u64 {
        match (self.result.bytes, self.target) {
            (1..=4, _) => extend(self.result, self.function_result),
            (_, Target::Main) => self.function_result & 0xffff_ffff,
            _ => self.function_result,
        }
    }

    /// What a run has left besides events.
    ///
    /// # Errors
    ///
    /// What is not as it must be.
    pub(super) fn judge_end(&self, machine: &Machine, left: &Left) -> Result<(), String> {
        let differs = |what: &str, is: u64, should: u64| match is == should {
            true => Ok(()),
            false => Err(format!("{what} is {is:#x}, not {should:#x}")),
        };
        let in_register = |value: u64| self.seen(machine, value);
        match self.outcome {
            Outcome::Continue => {
                for (at, &input) in self.inputs.iter().enumerate().take(self.kept()) {
                    differs(&format!("R{}", at + 1), left.registers[at], input)?;
                }
                differs("what counts tail calls", left.tail_calls, self.tail_calls)
            }
            Outcome::Call(_) => {
                if !machine.is_wide() {
                    let made = (self.tail_calls as u32).wrapping_add(TAIL_CALLS);
                    differs("the count of tail calls", left.tail_calls, made.into())?;
                }
                match self.target {
                    Target::Main => differs(
                        "$v0",
                        left.word,
                        in_register(word(self.function_result as u32)),
                    ),
                    _ => differs("R0", left.r0, self.function_result),
                }
            }
            Outcome::Return => self.judge_returned(machine, left, differs),
        }
    }

    /// What C gets: the program's result, or 0 if it has not run.
    fn judge_returned(
        &self,
        machine: &Machine,
        left: &Left,
        differs: impl Fn(&str, u64, u64) -> Result<(), String>,
    ) -> Result<(), String> {
        let has_run = self.starts[0] != 0 && !self.skipped.contains(&0);
        let is_word = self.node(0).insns != 0;
        let result = match (has_run, is_word) {
            (false, _) => 0,
            (true, true) => self.results[0] & 0xffff_ffff,
            (true, false) => self.results[0],
        };
        match self.result.bytes {
            0 => Ok(()),
            8 => differs("the result", left.r0, result),
            // Words are sign-extended in registers, whatever their type.
            4 => differs(
                "the result",
                left.word,
                self.seen(machine, word(result as u32)),
            ),
            _ => {
                let value = extend(self.result, result);
                differs("the result", left.word, self.seen(machine, value))
            }
        }
    }
}
