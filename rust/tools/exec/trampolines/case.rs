// SPDX-License-Identifier: GPL-2.0

//! A trampoline with what is around it, made by chance.

use super::rig::{function, word, Registers};
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
    pub(super) inputs: Vec<u64>,
    pub(super) tail_calls: u64,
    /// What `enter` of each program returns, and the program.
    pub(super) starts: Vec<u64>,
    pub(super) results: Vec<u64>,
    pub(super) function_result: u64,
}

/// Any address, as the core is told of it.
fn pointer(random: &mut Random, machine: &Machine) -> u64 {
    match machine.width {
        Width::W32 => word(random.word()),
        Width::W64 => random.next(),
    }
}

fn node(random: &mut Random, index: usize, machine: &Machine) -> Node {
    Node {
        program: pointer(random, machine),
        enter: function(Action::Enter(index)),
        exit: function(Action::Exit(index)),
        function: function(Action::Run(index)),
        insns: match random.chance(20) {
            true => pointer(random, machine) | 1 << 20,
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

fn outcome(random: &mut Random, machine: &Machine, target: Target) -> Outcome {
    if target == Target::Callback {
        return Outcome::Return;
    }
    if random.chance(40) {
        return Outcome::Continue;
    }
    Outcome::Call(Held {
        image: pointer(random, machine),
        enter: function(Action::Hold),
        exit: function(Action::Release),
    })
}

/// Programs before the function and behind it; sessions are both.
fn nodes(
    random: &mut Random,
    machine: &Machine,
    outcome: Outcome,
    has_sessions: bool,
) -> (Vec<Node>, Vec<Node>) {
    let (entries, exits) = match outcome {
        Outcome::Return => (1, 0),
        Outcome::Continue => (1 + random.below(4), 0),
        Outcome::Call(_) => (random.below(4), random.below(4)),
    };
    let all = (0..entries + exits).map(|index| node(random, index, machine));
    let mut before: Vec<Node> = all.collect();
    let mut behind = before.split_off(entries);
    for (entry, exit) in before.iter_mut().zip(&mut behind) {
        let asks = has_sessions && random.chance(70);
        entry.has_session_cookie = asks;
        exit.has_session_cookie = asks;
    }
    (before, behind)
}

/// Where an argument of a function of a program is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Registers(Registers),
    /// Bytes from `$sp`.
    Stack(u32),
}

impl Case {
    pub(super) fn new(random: &mut Random, machine: &Machine) -> Case {
        let target = random.choose(&[Target::Callback, Target::Main, Target::Subprogram]);
        let outcome = outcome(random, machine, target);
        let is_call = matches!(outcome, Outcome::Call(_));
        let most = if target == Target::Main { 6 } else { 13 };
        let arguments = (0..random.below(most)).map(|_| random.choose(&TYPES));
        let arguments: Vec<Value> = arguments.collect();
        let has_sessions = is_call && random.chance(50);
        let (entries, exits) = nodes(random, machine, outcome, has_sessions);
        let count = entries.len() + exits.len();
        let leaves_at_once = random.chance(50);
        let run_context = random.choose(&[(16, 0), (24, 8), (32, 16)]);
        Case {
            target,
            outcome,
            arguments,
            result: match random.chance(20) {
                true => Value::default(),
                false => random.choose(&TYPES),
            },
            function: (target != Target::Callback && random.chance(50)).then(|| random.next()),
            entries,
            exits,
            has_sessions,
            run_context: RunContext {
                bytes: run_context.0,
                cookie: run_context.1,
            },
            leaves_at_once,
            skipped: (0..count).filter(|_| random.chance(10)).collect(),
            skips_exits: is_call && leaves_at_once && random.chance(20),
            inputs: (0..13).map(|_| random.next()).collect(),
            tail_calls: match machine.width {
                Width::W32 => random.word().into(),
                Width::W64 => random.next(),
            },
            starts: (0..count).map(|_| start(random)).collect(),
            results: (0..count).map(|_| random.next()).collect(),
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
        for (place, &input) in self.all_places(machine).into_iter().zip(&self.inputs) {
            let Place::Registers((first, second)) = place else {
                continue;
            };
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
            let mut stack = match machine.width {
                Width::W32 => vec![(0, machine.bytes(count).to_vec())],
                Width::W64 => Vec::new(),
            };
            for (place, &input) in self.all_places(machine).into_iter().zip(&self.inputs) {
                if let Place::Stack(at) = place {
                    stack.push((at, machine.bytes64(input).to_vec()));
                }
            }
            return stack;
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

    /// R1 to R5, and where arguments beyond are: on the stack as doublewords, from `$sp` up, but for three
    /// that are in registers under n64.
    pub(super) fn all_places(&self, machine: &Machine) -> Vec<Place> {
        let stack =
            |first: u32, count: u32| (0..count).map(move |index| Place::Stack(first + 8 * index));
        if machine.is_wide() {
            let registers = (4..12).map(|number| (Reg::from_number(number), None));
            return registers.map(Place::Registers).chain(stack(0, 4)).collect();
        }
        let pairs = (4..14).step_by(2);
        let registers = pairs.map(|number| {
            let [first, second] = [number, number + 1].map(Reg::from_number);
            Place::Registers((first, Some(second)))
        });
        registers.chain(stack(40, 7)).collect()
    }

    /// Those that the function must find: a program has one argument that counts, and those that BTF says.
    pub(super) fn kept_places(&self, machine: &Machine) -> Vec<Place> {
        self.all_places(machine)[..self.kept()].to_vec()
    }

    pub(super) fn kept(&self) -> usize {
        match self.target {
            Target::Subprogram => self.arguments.len().max(5),
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
