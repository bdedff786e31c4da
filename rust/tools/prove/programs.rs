// SPDX-License-Identifier: GPL-2.0

//! Programs as far as their frames depend on them, and what is proved in each frame.

use super::convention::{S0, S7};
use super::forms::{counters, Case, EVERYTHING};
use super::scene::{Around, Machine};
use super::shape::Many;
use crate::host::TIMED_MAY_GOTO;
use crate::jit::abi::Role;
use crate::jit::analysis::{StackArguments, Usage, Words};
use crate::jit::bpf::{Reg, RegSet};
use crate::jit::mips::{Reg as Native, RegMask};
use crate::jit::runtime::{Counted, Function, Value, REGISTER_ARGUMENTS};
use crate::model::bpf::fields::class;
use crate::tools::build::*;
use crate::tools::prototype::value;

/// Programs that use this and that: what their frames and calls depend on.
pub(super) fn programs(machine: &Machine) -> Vec<Around> {
    let optional = [Reg::R6, Reg::R7, Reg::R8, Reg::R9, Reg::R10, Reg::Ax];
    let mut programs = Vec::new();
    for subset in 0..1u32 << (optional.len() + 2) {
        let has = |bit: usize| subset >> bit & 1 != 0;
        let always = RegSet::ARGUMENTS.with(Reg::R0);
        let registers = optional
            .into_iter()
            .enumerate()
            .filter(|&(bit, _)| has(bit))
            .fold(always, |set, (_, reg)| set.with(reg));
        let usage = Usage {
            registers,
            makes_calls: has(optional.len()),
            calls_functions: has(optional.len() + 1),
            makes_tail_calls: true,
            ..Usage::default()
        };
        for stack_depth in [0, 4, 8, 512] {
            programs.push(Around {
                usage,
                role: Role::Whole,
                stack_depth,
                kept: registers,
                passed: registers,
                ..EVERYTHING
            });
        }
    }
    if machine.is_wide() {
        let with_arena: Vec<Around> = programs.iter().filter_map(with_arena).collect();
        programs.extend(with_arena);
    }
    // The least that a program can use.
    programs.push(Around {
        usage: Usage {
            registers: RegSet::of(Reg::R0),
            ..Usage::default()
        },
        role: Role::Whole,
        stack_depth: 0,
        ..EVERYTHING
    });
    let others: Vec<Around> = programs
        .iter()
        .flat_map(|around| {
            let mut others = with_functions(around);
            others.extend(with_exceptions(around));
            others.extend(with_private_stack(machine, around));
            others.extend(with_stack_arguments(around));
            others.extend(with_contexts(around));
            others.extend(with_less_written(machine, around));
            others
        })
        .collect();
    programs.extend(others);
    programs
}

/// The same as one that may throw exceptions, and as a callback that makes no tail calls.
fn with_exceptions(around: &Around) -> Vec<Around> {
    let boundary = Around {
        role: Role::Main,
        is_boundary: true,
        ..*around
    };
    let callback = Around {
        role: Role::Exception,
        usage: Usage {
            makes_tail_calls: false,
            ..around.usage
        },
        ..*around
    };
    let mut both = vec![boundary, callback];
    both.retain(|around| matches!(around.stack_depth, 0 | 8));
    both
}

/// The same, writing only some words of R6 to R9.
fn with_less_written(machine: &Machine, around: &Around) -> Vec<Around> {
    if around.stack_depth != 8 || machine.is_wide() {
        return Vec::new();
    }
    let words = |of: fn(usize) -> bool| {
        let natives = (S0..=S7).filter(|register| of(register - S0));
        natives.fold(RegMask::EMPTY, |set, register| {
            set.with(Native::from_number(register as u32))
        })
    };
    let sets: [fn(usize) -> bool; 4] = [
        |number| number % 2 == 0,
        |number| number % 2 == 1,
        |number| number < 3,
        |_| false,
    ];
    let with = |written| Around { written, ..*around };
    sets.into_iter().map(|of| with(words(of))).collect()
}

/// The same, reading less of the context, with and without tail calls.
fn with_contexts(around: &Around) -> Vec<Around> {
    let Usage {
        makes_calls,
        calls_functions,
        ..
    } = around.usage;
    if around.stack_depth != 0 || makes_calls || calls_functions {
        return Vec::new();
    }
    let words = |low, high| Words { low, high };
    [words(false, false), words(true, false), words(false, true)]
        .into_iter()
        .flat_map(|context| {
            [false, true].map(|makes_tail_calls| Around {
                context,
                usage: Usage {
                    makes_tail_calls,
                    ..around.usage
                },
                ..*around
            })
        })
        .collect()
}

/// The same as functions that pass and take arguments in no BPF register.
fn with_stack_arguments(around: &Around) -> Vec<Around> {
    let counts = [(7, 7), (7, 0), (0, 7), (1, 0), (4, 2)];
    let with = |(passed, taken)| Around {
        role: Role::Subprogram,
        usage: Usage {
            calls_subprograms: around.usage.makes_calls.then_some(0),
            stack_arguments: StackArguments { passed, taken },
            ..around.usage
        },
        ..*around
    };
    let mut all = counts.map(with).to_vec();
    all.retain(|around| around.stack_depth == 8);
    all
}

/// The same with a stack that each processor has, in kernels for one and for several.
fn with_private_stack(machine: &Machine, around: &Around) -> Vec<Around> {
    let with = |is_alone| Around {
        is_alone,
        private_stack: Some(match machine.is_wide() {
            true => PRIVATE_STACK,
            false => PRIVATE_STACK & 0xffff_ffff,
        }),
        ..*around
    };
    let mut both = vec![with(false), with(true)];
    both.retain(|around| around.stack_depth == 8);
    both
}

/// An address of what each processor has of its own.
const PRIVATE_STACK: u64 = 0xa800_0000_8765_4328;

/// The same with an arena, of which the frame saves a register more.
fn with_arena(around: &Around) -> Option<Around> {
    let usage = Usage {
        needs_arena: Some(0),
        ..around.usage
    };
    (around.stack_depth == 8).then_some(Around { usage, ..*around })
}

/// The same as one of several functions, where it makes calls: one that counts tail calls for those
/// that it calls, and one that does not.
fn with_functions(around: &Around) -> Vec<Around> {
    let mut functions = Vec::new();
    for role in [Role::Main, Role::Subprogram] {
        for reaches_tail_calls in [true, false] {
            let usage = Usage {
                calls_subprograms: around.usage.makes_calls.then_some(0),
                makes_tail_calls: reaches_tail_calls && around.usage.makes_tail_calls,
                ..around.usage
            };
            functions.push(Around {
                usage,
                role,
                reaches_tail_calls,
                ..*around
            });
        }
    }
    functions.retain(|around| matches!(around.stack_depth, 0 | 8));
    functions
}

/// The same with a call of a C function that takes as many arguments, words and doublewords by turns.
fn with_function(machine: &Machine, around: &Around) -> Around {
    let count = REGISTER_ARGUMENTS + around.usage.stack_arguments.passed as usize;
    let argument = |index: usize| match index {
        index if index >= count => Value::default(),
        index if index % 2 == 0 => value(8, false),
        _ => value(2, true),
    };
    let function = Function {
        slot: 0,
        address: machine.pointer(0x8020_8004),
        arguments: std::array::from_fn(argument),
        result: value(8, false),
        takes_stack_pointer: false,
    };
    Around {
        function: Some(function),
        ..*around
    }
}

/// Instructions whose code depends on the frame, as far as a program that uses this may have them.
pub(super) fn calls_in(machine: &Machine, around: &Around) -> Vec<Case> {
    let mut insns = Vec::new();
    if around.usage.makes_calls {
        insns.push(call_offset(0x1234));
    }
    if around.usage.calls_functions {
        insns.push(insn(class::ALU64 | DIV | X, 3, 4, 0, 0));
        insns.push(insn(class::ALU64 | MOD | X, 2, 1, 1, 0));
        insns.push(atomic(DW, 1, 8, 2, CMPXCHG));
        insns.push(atomic(DW, 4, -8, 5, 0x01));
        insns.push(call_offset(TIMED_MAY_GOTO));
    }
    if around.usage.calls_subprograms.is_some() {
        insns.push(call_subprogram(0x1234));
    }
    let StackArguments { passed, taken } = around.usage.stack_arguments;
    insns.extend((0..passed as i16).map(|index| store_argument(index, 2)));
    insns.extend((0..taken as i16).map(|index| load_argument(6, index)));
    // Under n64, a program that makes none has no place to count them.
    let makes_tail_calls = around.usage.makes_tail_calls || !machine.is_wide();
    let kinds = [Counted::Hits, Counted::Lookups]
        .into_iter()
        .flat_map(|counted| {
            let counters = counters(machine).iter();
            counters.map(move |&counter| (counted, counter))
        });
    let tail_calls = kinds
        .filter(|_| makes_tail_calls)
        .map(|(counted, counter)| {
            let around = Around {
                counted,
                counter,
                ..*around
            };
            (tail_call(), around)
        });
    let function = (passed != 0).then(|| (call_function(0), with_function(machine, around)));
    let others = insns.into_iter().map(|insn| (insn, *around));
    tail_calls
        .chain(function)
        .chain(others)
        .map(|(insn, around)| Case {
            insns: vec![insn],
            around,
            many: Many::Fixed,
        })
        .collect()
}
