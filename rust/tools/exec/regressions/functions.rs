// SPDX-License-Identifier: GPL-2.0

//! Functions of a program: what a call passes and keeps, and the count of tail calls through them.

use crate::tools::build::{CALL, C_FUNCTION};
use crate::tools::exec::functions::THROW;
use crate::tools::exec::machine::Machine;
use crate::tools::exec::places::{helper_offset, ARRAY_POINTER};
use crate::tools::exec::subject::{parse, Subject};

/// Five arguments of 64 bits, and the result; R6 to R9 and the stack of the caller stay.
const MAIN: &str = "
    r6 = r1; r7 = *(u64 *)(r6 + 8); r8 = 0x123456789abcdef0 ll; r9 = -5;
    *(u64 *)(r10 - 8) = r7; *(u64 *)(r10 - 64) = r8;
    r1 = *(u64 *)(r6 + 0); r2 = r7; r3 = *(u64 *)(r6 + 16); r4 = *(u64 *)(r6 + 24); r5 = *(u64 *)(r6 + 32);
    call pc FIRST;
    *(u64 *)(r6 + 40) = r0; *(u64 *)(r6 + 48) = r7; *(u64 *)(r6 + 56) = r8; *(u64 *)(r6 + 64) = r9;
    r1 = *(u64 *)(r10 - 8); *(u64 *)(r6 + 72) = r1; r1 = *(u64 *)(r10 - 64); *(u64 *)(r6 + 80) = r1;
    exit";

/// Uses everything, and calls a helper.
const BUSY: &str = "
    *(u64 *)(r10 - 8) = r5; *(u64 *)(r10 - 64) = r4; r6 = r1; r7 = r2; r8 = r3; r9 = r4;
    r1 = r6; call HELPER; r0 += r6; r7 -= r8; r0 ^= r7; r0 += r9;
    r1 = *(u64 *)(r10 - 8); r2 = *(u64 *)(r10 - 64); r0 += r1; r0 ^= r2; r6 = 1; r7 = 2; r8 = 3; r9 = 4; exit";

/// Uses nothing but its arguments.
const LEAF: &str = "r0 = r1; r0 += r2; r0 ^= r3; r0 -= r4; r0 += r5; exit";

/// Calls the next one, with its arguments in another order.
const NESTED: &str = "
    r6 = r5; r0 = r1; r1 = r2; r2 = r3; r3 = r4; r4 = r0; r5 = r6; r7 = r4; call pc SECOND;
    r0 += r7; r0 ^= r6; exit";

/// Where the functions are: as a number that a callback would be passed as.
const ADDRESSES: &str = "
    r6 = r1; r1 = FIRST function; r2 = SECOND function; *(u64 *)(r6 + 40) = r1; *(u64 *)(r6 + 48) = r2;
    r0 = r1; r0 -= r2; exit";

/// Counts entries at offset 0 of the data, and tries a tail call.
const COUNTING: &str = "
    r6 = r1; r0 = *(u32 *)(r6 + 0); r0 += 1; *(u32 *)(r6 + 0) = r0;
    r1 = r6; r2 = ARRAY ll; r3 = SLOT; tail_call; r0 = *(u32 *)(r6 + 0); exit";

/// Calls a function again and again.
const REPEATING: &str = "
    r6 = r1; r7 = 50;
    again: r1 = r6; call pc FIRST; r7 += -1; if r7 != 0 goto again;
    AFTER
    r0 = *(u32 *)(r6 + 0); exit";

/// Throws an exception whose number is at offset 8 of the data, below whatever calls it.
const THROWS: &str = "
    *(u64 *)(r10 - 8) = r1; r6 = r1; r7 = 7; r8 = 8; r9 = 9; r1 = *(u64 *)(r6 + 8); call kfunc;
    r0 = 77; exit";

/// Calls what throws: nothing behind that happens.
const CALLS: &str = "
    r6 = r1; r7 = r1; r8 = 5; r9 = 6; *(u64 *)(r10 - 16) = r8; call pc FIRST;
    r0 = 1; *(u64 *)(r6 + 40) = r0; exit";

/// What handles exceptions has a stack, uses registers, and calls a helper.
const HANDLES: &str = "
    *(u64 *)(r10 - 8) = r1; r6 = r1; r7 = r1; r7 <<= 3; r8 = 1; r9 = 2; r1 = 5; call HELPER;
    r1 = *(u64 *)(r10 - 8); r0 ^= r1; r0 += r6; r0 ^= r7; exit";

/// Names and subjects of what throws exceptions.
pub(super) fn exceptions(machine: &Machine) -> Vec<(&'static str, Subject)> {
    let subject = |texts: &[&str]| Subject {
        programs: texts
            .iter()
            .map(|text| {
                let mut program = parse(&place(text, (1, 2), 0), machine);
                for insn in &mut program {
                    if insn.opcode == CALL && insn.src == C_FUNCTION {
                        insn.immediate = THROW;
                    }
                }
                program
            })
            .collect(),
        functions: texts.len() - 1,
        handles_exceptions: true,
        array: Vec::new(),
        stack_depth: 64,
    };
    let nested = &CALLS.replace("FIRST", "SECOND");
    vec![
        ("exceptions_of_the_program", subject(&[THROWS, HANDLES])),
        (
            "exceptions_of_a_function",
            subject(&[CALLS, THROWS, HANDLES]),
        ),
        (
            "exceptions_below_two",
            subject(&[CALLS, nested, THROWS, HANDLES]),
        ),
        (
            "exceptions_not_thrown",
            subject(&["r0 = *(u64 *)(r1 + 8); exit", HANDLES]),
        ),
    ]
}

/// Names and subjects.
pub(super) fn functions(machine: &Machine) -> Vec<(&'static str, Subject)> {
    let plain = |texts: &[&str]| Subject {
        programs: texts
            .iter()
            .map(|text| parse(&place(text, (1, 2), 0), machine))
            .collect(),
        functions: texts.len() - 1,
        handles_exceptions: false,
        array: Vec::new(),
        stack_depth: 64,
    };
    // Slot 0 goes on with itself until the count ends it, slot 2 does once.
    let counting = |first: &str, rest: &[&str]| {
        let ours = (2, 3);
        let mut programs = vec![
            parse(&place(first, ours, 0), machine),
            parse(&place(COUNTING, ours, 0), machine),
        ];
        programs.extend(
            rest.iter()
                .map(|text| parse(&place(text, ours, 0), machine)),
        );
        Subject {
            programs,
            functions: rest.len(),
            handles_exceptions: false,
            array: vec![Some(1), None, Some(1)],
            stack_depth: 64,
        }
    };
    let repeating = |after: &str| REPEATING.replace("AFTER", after);
    let through =
        "r6 = r1; call pc SECOND; r1 = r6; r2 = ARRAY ll; r3 = 0; tail_call; r0 = 1; exit";
    vec![
        ("functions_arguments_and_result", plain(&[MAIN, BUSY])),
        ("functions_leaf", plain(&[MAIN, LEAF])),
        ("functions_nested", plain(&[MAIN, NESTED, BUSY])),
        ("functions_addresses", plain(&[ADDRESSES, LEAF, BUSY])),
        (
            "functions_tail_call_of_one",
            counting(&repeating(""), &[COUNTING]),
        ),
        (
            "functions_tail_call_behind_one",
            counting(
                &repeating("r1 = r6; r2 = ARRAY ll; r3 = 2; tail_call;"),
                &[COUNTING],
            ),
        ),
        (
            "functions_tail_call_through_two",
            counting(&repeating(""), &[through, COUNTING]),
        ),
        (
            "functions_tail_call_that_misses",
            counting(&repeating(""), &[&COUNTING.replace("SLOT", "1")]),
        ),
    ]
}

fn place(text: &str, (first, second): (usize, usize), slot: usize) -> String {
    text.replace("ARRAY", &format!("{ARRAY_POINTER:#x}"))
        .replace("HELPER", &helper_offset(1).to_string())
        .replace("FIRST", &first.to_string())
        .replace("SECOND", &second.to_string())
        .replace("SLOT", &slot.to_string())
}
