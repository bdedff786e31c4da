// SPDX-License-Identifier: GPL-2.0

//! Which trampolines are proved: what the emitter decides by is there in every combination that it could
//! meet, or, where parts of it are emitted for themselves, each part in every variant.

use super::super::scene::Machine;
use super::shape::Shape;
use crate::jit::runtime::Value;
use crate::jit::trampoline::{Held, Node, Outcome, RunContext, Target};
use crate::tools::prototype::{value, TYPES};

/// The most arguments that a C function can have (`MAX_BPF_FUNC_ARGS`).
const MOST: usize = 12;

/// The most that a program's function has, in registers.
const IN_REGISTERS: usize = 5;

/// Nothing, for a result.
const NOTHING: Value = value(0, false);

/// A structure of two doublewords, of 64-bit kernels.
const STRUCTURE: Value = value(16, false);

/// Addresses that take one instruction, two, and two of which the second has a negative immediate; of 64 bits
/// that many need more.
const ADDRESSES: [u64; 4] = [
    0xffff_ffff_8020_0000,
    0xffff_ffff_8012_3450,
    0xffff_ffff_c004_8ffc,
    0x9800_0000_0fed_8008,
];

/// Cookies of which each half has each kind of value.
const COOKIES: [u64; 5] = [
    0,
    0x1234,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_8000,
    0x1234_5678_9abc_def0,
];

/// Sizes of the run context, and where it has the cookie.
const RUN_CONTEXTS: [(u32, u32); 3] = [(16, 0), (24, 8), (32, 16)];

/// A program that is compiled. Every address is another one.
fn node(number: usize) -> Node {
    let at = |index: usize| {
        let number = 3 * number + index;
        ADDRESSES[number % ADDRESSES.len()] + 0x1_0000 * (number / ADDRESSES.len()) as u64
    };
    Node {
        program: 0xa800_0000_8765_4320 + 0x100 * number as u64,
        enter: at(0),
        exit: at(1),
        function: at(2),
        insns: 0,
        cookie: COOKIES[number % COOKIES.len()],
        has_session_cookie: false,
    }
}

/// The same, interpreted.
fn interpreted(number: usize) -> Node {
    Node {
        insns: 0xa800_0000_8123_4568,
        ..node(number)
    }
}

const HELD: Held = Held {
    image: 0x9800_0000_8abc_8000,
    enter: 0xffff_ffff_8030_0000,
    exit: 0xffff_ffff_8031_9abc,
};

/// A callback of nothing.
fn callback() -> Shape {
    Shape {
        target: Target::Callback,
        outcome: Outcome::Return,
        arguments: Vec::new(),
        result: value(4, true),
        function: None,
        entries: vec![node(0)],
        exits: Vec::new(),
        has_sessions: false,
        run_context: run_context(0),
        leaves_at_once: false,
        skipped: Vec::new(),
        skips_exits: false,
    }
}

fn run_context(number: usize) -> RunContext {
    let (bytes, cookie) = RUN_CONTEXTS[number % RUN_CONTEXTS.len()];
    RunContext { bytes, cookie }
}

/// What functions return.
fn results() -> impl Iterator<Item = Value> {
    [NOTHING].into_iter().chain(TYPES)
}

/// Callbacks: every type in every place and, since o32 aligns doublewords, every row of words and
/// doublewords; every type of a result, of a program that is compiled and of one that is not, that runs, does
/// not, and is patched out.
pub(super) fn callbacks(machine: &Machine) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for arguments in rows(machine) {
        shapes.push(Shape {
            arguments,
            ..callback()
        });
    }
    for result in results() {
        for entry in [node(0), interpreted(0)] {
            for skipped in [vec![], vec![0]] {
                shapes.push(Shape {
                    arguments: vec![TYPES[0]],
                    result,
                    entries: vec![entry],
                    skipped,
                    ..callback()
                });
            }
        }
    }
    for number in 0..ADDRESSES.len() * RUN_CONTEXTS.len() * COOKIES.len() {
        shapes.push(Shape {
            run_context: run_context(number),
            entries: vec![node(number)],
            ..callback()
        });
    }
    shapes
}

/// Arguments of C functions.
fn rows(machine: &Machine) -> Vec<Vec<Value>> {
    let kind = |number: usize| TYPES[number % TYPES.len()];
    let mut rows = Vec::new();
    for count in 0..=MOST {
        for first in 0..TYPES.len() {
            rows.push((0..count).map(|number| kind(first + number)).collect());
        }
    }
    if machine.is_wide() {
        for place in 0..MOST - 1 {
            let mut row: Vec<Value> = (0..MOST - 1).map(kind).collect();
            row[place] = STRUCTURE;
            rows.push(row);
        }
        return rows;
    }
    let (doublewords, words): (Vec<Value>, Vec<Value>) =
        TYPES.into_iter().partition(|value| value.bytes == 8);
    for pattern in 0..1usize << MOST {
        let kinds = (0..MOST).map(|number| {
            let list = match pattern >> number & 1 {
                0 => &words,
                _ => &doublewords,
            };
            list[(pattern + number) % list.len()]
        });
        rows.push(kinds.collect());
    }
    rows
}

/// Arguments of programs and functions: as many as there are registers for, of all types.
fn in_registers(machine: &Machine) -> Vec<Vec<Value>> {
    let mut rows: Vec<Vec<Value>> = (0..=IN_REGISTERS)
        .map(|count| TYPES.into_iter().cycle().skip(count).take(count).collect())
        .collect();
    if machine.is_wide() {
        rows.push(vec![TYPES[4], STRUCTURE, TYPES[7]]);
    }
    rows
}

/// What programs and functions have in common.
fn attached(machine: &Machine) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for target in [Target::Main, Target::Subprogram] {
        for arguments in in_registers(machine) {
            for function in [None, Some(ADDRESSES[2]), Some(ADDRESSES[3])] {
                for entries in 0..=2 {
                    shapes.push(Shape {
                        target,
                        arguments: arguments.clone(),
                        function,
                        entries: (0..entries).map(node).collect(),
                        run_context: run_context(entries),
                        ..callback()
                    });
                }
            }
        }
    }
    shapes
}

/// Programs before a function that is gone on with: as many, interpreted or not, patched out or not.
pub(super) fn before(machine: &Machine) -> Vec<Shape> {
    let continues = |shape| Shape {
        outcome: Outcome::Continue,
        ..shape
    };
    let mut shapes: Vec<Shape> = attached(machine).into_iter().map(continues).collect();
    for target in [Target::Main, Target::Subprogram] {
        for entries in [
            vec![node(0), node(1), node(2)],
            vec![interpreted(0), node(1), interpreted(2)],
        ] {
            for set in subsets(entries.len()) {
                shapes.push(Shape {
                    target,
                    entries: entries.clone(),
                    skipped: set,
                    ..continues(callback())
                });
            }
        }
    }
    shapes
}

/// Programs before and behind a function that is called.
pub(super) fn around(machine: &Machine) -> Vec<Shape> {
    let calls = |shape| Shape {
        outcome: Outcome::Call(HELD),
        ..shape
    };
    let mut shapes = Vec::new();
    for shape in attached(machine).into_iter().map(calls) {
        for exits in 0..=2 {
            shapes.push(Shape {
                exits: (0..exits).map(|number| node(4 + number)).collect(),
                leaves_at_once: exits % 2 == 1,
                ..shape.clone()
            });
        }
    }
    for target in [Target::Main, Target::Subprogram] {
        for result in results() {
            shapes.push(Shape {
                target,
                result,
                exits: vec![node(4)],
                ..calls(callback())
            });
        }
        for shape in with_sessions().into_iter().chain([patched()]) {
            let all = shape.entries.len() + shape.exits.len();
            for set in subsets(all) {
                for (leaves_at_once, skips_exits) in [(false, false), (true, false), (true, true)] {
                    shapes.push(Shape {
                        target,
                        arguments: vec![TYPES[5], TYPES[6]],
                        skipped: set.clone(),
                        leaves_at_once,
                        skips_exits,
                        ..calls(shape.clone())
                    });
                }
            }
        }
    }
    shapes
}

/// Two programs on either side, one of which is interpreted.
fn patched() -> Shape {
    Shape {
        entries: vec![node(0), interpreted(1)],
        exits: vec![interpreted(2), node(3)],
        ..callback()
    }
}

/// Sessions that ask for cookies or do not, with other programs before, between and behind them.
fn with_sessions() -> Vec<Shape> {
    let asks = |number| Node {
        has_session_cookie: true,
        ..node(number)
    };
    let lists = [
        (vec![node(0)], vec![node(1)]),
        (vec![asks(0)], vec![asks(1)]),
        (vec![asks(0), asks(1)], vec![asks(2), asks(3)]),
        (vec![node(0), asks(1), asks(2)], vec![asks(3), asks(4)]),
        (
            vec![asks(0), node(1), asks(2)],
            vec![asks(3), node(4), asks(5)],
        ),
    ];
    let with = |(entries, exits)| Shape {
        entries,
        exits,
        has_sessions: true,
        function: Some(ADDRESSES[1]),
        ..callback()
    };
    lists.into_iter().map(with).collect()
}

/// Every set of so many programs.
fn subsets(count: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1usize << count)
        .map(move |set| (0..count).filter(|number| set >> number & 1 != 0).collect())
}
