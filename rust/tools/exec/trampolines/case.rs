// SPDX-License-Identifier: GPL-2.0

//! A trampoline with what is around it: made by chance, and what must come of it.

use super::rig::{function, word, Event, Left, Registers};
use super::{mix, Machine, Random};
use crate::jit::mips::{Endian, Reg, Width};
use crate::jit::runtime::Value;
use crate::jit::trampoline::{Description, Held, Node, Outcome, RunContext, Target};
use crate::tools::exec::places::RETURN;
use crate::tools::prototype::TYPES;

/// So many tail calls a function makes, where they are counted in memory.
pub(super) const TAIL_CALLS: u32 = 5;

/// Where a function goes on, if a trampoline does not call it.
const GOES_ON: u32 = RETURN + 0x100;

/// `BPF_TRAMP_IS_RETURN_SHIFT`
const IS_RETURN: u64 = 1 << 63;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Hold,
    Release,
    Function,
    Enter(usize),
    Run(usize),
    Exit(usize),
}

/// See the file.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) target: Target,
    pub(super) outcome: Outcome,
    pub(super) arguments: Vec<Value>,
    pub(super) result: Value,
    pub(super) function: Option<u64>,
    pub(super) entries: Vec<Node>,
    pub(super) exits: Vec<Node>,
    pub(super) has_sessions: bool,
    pub(super) run_context: RunContext,
    pub(super) leaves_at_once: bool,
    /// Programs that are patched out.
    pub(super) skipped: Vec<usize>,
    /// Those behind the function are, all at once.
    pub(super) skips_exits: bool,
    /// Doublewords of arguments, or registers R1 to R5 of a program.
    inputs: Vec<u64>,
    tail_calls: u64,
    /// What `enter` of each program returns, and the program.
    starts: Vec<u64>,
    results: Vec<u64>,
    function_result: u64,
}

fn node(random: &mut Random, index: usize, machine: &Machine) -> Node {
    let pointer = |random: &mut Random| match machine.width {
        Width::W32 => word(random.word()),
        Width::W64 => random.next(),
    };
    Node {
        program: pointer(random),
        enter: function(Action::Enter(index)),
        exit: function(Action::Exit(index)),
        function: function(Action::Run(index)),
        insns: match random.chance(20) {
            true => pointer(random) | 1 << 20,
            false => 0,
        },
        cookie: match random.below(4) {
            0 => 0,
            1 => random.next() << 32,
            2 => random.word().into(),
            _ => random.next(),
        },
        has_session_cookie: false,
    }
}

impl Case {
    pub(super) fn new(random: &mut Random, machine: &Machine) -> Case {
        let target = random.choose(&[Target::Callback, Target::Main, Target::Subprogram]);
        let is_call = target != Target::Callback && random.chance(60);
        let held = Held {
            image: match machine.width {
                Width::W32 => word(random.word()),
                Width::W64 => random.next(),
            },
            enter: function(Action::Hold),
            exit: function(Action::Release),
        };
        let outcome = match (target, is_call) {
            (Target::Callback, _) => Outcome::Return,
            (_, true) => Outcome::Call(held),
            (_, false) => Outcome::Continue,
        };
        let most = if target == Target::Callback { 13 } else { 6 };
        let arguments: Vec<Value> = (0..random.below(most))
            .map(|_| random.choose(&TYPES))
            .collect();
        let entries = match outcome {
            Outcome::Return => 1,
            Outcome::Continue => 1 + random.below(4),
            Outcome::Call(_) => random.below(4),
        };
        let exits = if is_call { random.below(4) } else { 0 };
        let nodes = entries + exits;
        let mut all: Vec<Node> = (0..nodes).map(|i| node(random, i, machine)).collect();
        let has_sessions = is_call && random.chance(50);
        for at in 0..entries.min(exits) {
            let asks = has_sessions && random.chance(70);
            all[at].has_session_cookie = asks;
            all[entries + at].has_session_cookie = asks;
        }
        let chance = |random: &mut Random, percent| random.chance(percent);
        let leaves_at_once = chance(random, 50);
        let is_void = chance(random, 20);
        let run_context = random.choose(&[(16, 0), (24, 8), (32, 16)]);
        let exit_nodes = all.split_off(entries);
        Case {
            target,
            outcome,
            arguments,
            result: match is_void {
                true => Value::default(),
                false => random.choose(&TYPES),
            },
            function: (target != Target::Callback && random.chance(50)).then(|| random.next()),
            entries: all,
            exits: exit_nodes,
            has_sessions,
            run_context: RunContext {
                bytes: run_context.0,
                cookie: run_context.1,
            },
            leaves_at_once,
            skipped: (0..nodes).filter(|_| random.chance(10)).collect(),
            skips_exits: is_call && leaves_at_once && random.chance(20),
            inputs: (0..13).map(|_| random.next()).collect(),
            tail_calls: match machine.width {
                Width::W32 => random.word().into(),
                Width::W64 => random.next(),
            },
            starts: (0..nodes).map(|_| start(random)).collect(),
            results: (0..nodes).map(|_| random.next()).collect(),
            function_result: random.next(),
        }
    }

    pub(super) fn description(&self) -> Description<'_> {
        Description {
            target: self.target,
            outcome: self.outcome,
            arguments: &self.arguments,
            result: self.result,
            function: self.function,
            entries: &self.entries,
            exits: &self.exits,
            has_sessions: self.has_sessions,
            run_context: self.run_context,
            leaves_at_once: self.leaves_at_once,
        }
    }

    pub(super) fn node(&self, program: usize) -> Node {
        let all = self.entries.iter().chain(&self.exits);
        all.copied().nth(program).unwrap_or_default()
    }

    pub(super) fn slots(&self) -> u32 {
        self.arguments.len() as u32
    }

    pub(super) fn goes_on(&self) -> bool {
        self.outcome == Outcome::Continue
    }

    /// Where it ends.
    pub(super) fn end(&self) -> u32 {
        if self.goes_on() {
            GOES_ON
        } else {
            RETURN
        }
    }

    /// Whether a program finds the function's result in its context.
    pub(super) fn shows_result(&self, program: usize) -> bool {
        self.has_sessions || program >= self.entries.len()
    }

    /// What is in registers when the trampoline is entered.
    pub(super) fn registers(&self, machine: &Machine) -> Vec<(Reg, u64)> {
        if self.target == Target::Callback {
            let places = self.places(machine).into_iter();
            return places
                .filter_map(|(place, value)| Some((argument(machine, place)?, value)))
                .collect();
        }
        let own = match self.outcome {
            Outcome::Call(_) => function(Action::Function),
            _ => word(GOES_ON),
        };
        let mut registers = vec![(Reg::AT, own)];
        if machine.is_wide() {
            registers.push((Reg::V1, self.tail_calls));
        }
        for ((first, second), &input) in self.all_registers(machine).into_iter().zip(&self.inputs) {
            let (low, high) = (input & 0xffff_ffff, input >> 32);
            match (second, machine.endian) {
                (None, _) => registers.push((first, input)),
                (Some(second), Endian::Little) => registers.extend([(first, low), (second, high)]),
                (Some(second), Endian::Big) => registers.extend([(first, high), (second, low)]),
            }
        }
        registers
    }

    /// What is on the stack, from `$sp` up.
    pub(super) fn stack(&self, machine: &Machine) -> Vec<(u32, Vec<u8>)> {
        if self.target != Target::Callback {
            let count = self.tail_calls as u32;
            return match machine.width {
                Width::W32 => vec![(0, machine.bytes(count).to_vec())],
                Width::W64 => Vec::new(),
            };
        }
        let places = self.places(machine).into_iter();
        let stacked = places.filter(|&(place, _)| argument(machine, place).is_none());
        stacked
            .map(|(place, value)| match machine.width {
                Width::W32 => (4 * place, machine.bytes(value as u32).to_vec()),
                Width::W64 => (8 * (place - 8), machine.bytes64(value).to_vec()),
            })
            .collect()
    }

    /// Where C has the arguments: numbers of words under o32, of doublewords under n64.
    fn places(&self, machine: &Machine) -> Vec<(u32, u64)> {
        let mut next = 0;
        let mut places = Vec::new();
        for (value, &input) in self.arguments.iter().zip(&self.inputs) {
            if machine.is_wide() || value.bytes < 8 {
                places.push((next, input));
                next += 1;
                continue;
            }
            next += next % 2;
            let (low, high) = (input & 0xffff_ffff, input >> 32);
            let (first, second) = match machine.endian {
                Endian::Little => (low, high),
                Endian::Big => (high, low),
            };
            places.extend([(next, first), (next + 1, second)]);
            next += 2;
        }
        places
    }

    /// R1 to R5.
    pub(super) fn all_registers(&self, machine: &Machine) -> [Registers; 5] {
        if machine.is_wide() {
            return [Reg::A0, Reg::A1, Reg::A2, Reg::A3, Reg::T0].map(|reg| (reg, None));
        }
        [
            (Reg::A0, Some(Reg::A1)),
            (Reg::A2, Some(Reg::A3)),
            (Reg::T0, Some(Reg::T1)),
            (Reg::T2, Some(Reg::T3)),
            (Reg::T4, Some(Reg::T5)),
        ]
    }

    /// Those that the function must find: a program has one argument that counts, and those that BTF says.
    pub(super) fn kept_registers(&self, machine: &Machine) -> Vec<Registers> {
        self.all_registers(machine)[..self.kept()].to_vec()
    }

    fn kept(&self) -> usize {
        match self.target {
            Target::Subprogram => 5,
            _ => self.arguments.len().max(1),
        }
    }

    /// What something that is called returns, and whether only a word of it counts.
    pub(super) fn returned(&self, action: Action) -> (u64, bool) {
        let of = |list: &[u64], index: usize| list.get(index).copied().unwrap_or_default();
        match action {
            Action::Enter(index) => (of(&self.starts, index), false),
            Action::Run(index) => {
                let is_word = self.target != Target::Callback || self.node(index).insns != 0;
                (of(&self.results, index), is_word)
            }
            Action::Function => (self.function_result, self.target == Target::Main),
            _ => (mix(self.function_result), false),
        }
    }
}

/// The register of an argument of a C function, by its place.
fn argument(machine: &Machine, place: u32) -> Option<Reg> {
    let count = if machine.is_wide() { 8 } else { 4 };
    (place < count).then(|| Reg::from_number(4 + place))
}

/// 0 for a program that is not to run, else a time, of which neither half is 0 by necessity.
fn start(random: &mut Random) -> u64 {
    match random.below(6) {
        0 => 0,
        1 => 1,
        2 => random.next() << 32,
        3 => random.word().into(),
        _ => random.next(),
    }
}

/// A value as 64 bits.
fn extend(value: Value, input: u64) -> u64 {
    let above = 64 - 8 * u32::from(value.bytes);
    match value.signed {
        true => ((input << above) as i64 >> above) as u64,
        false => input << above >> above,
    }
}

/// What must come of it.
impl Case {
    pub(super) fn expected(&self, machine: &Machine) -> Vec<Event> {
        let mut events = Vec::new();
        let entries = self.entries.len();
        let mut sessions = vec![0; entries.max(self.exits.len())];
        let count = u64::from(self.slots());
        if let Outcome::Call(held) = self.outcome {
            events.push(Event::Hold(Action::Hold, self.seen(machine, held.image)));
        }
        for program in 0..entries {
            let place = &mut sessions[program];
            events.extend(self.events_of(machine, program, count, 0, place));
        }
        if let Outcome::Call(held) = self.outcome {
            events.push(Event::Function {
                registers: self.inputs[..self.kept()].to_vec(),
                tail_calls: self.tail_calls,
            });
            let said = if self.has_sessions { IS_RETURN } else { 0 };
            let result = self.shown_result();
            for exit in 0..if self.skips_exits {
                0
            } else {
                self.exits.len()
            } {
                let place = &mut sessions[exit];
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
