// SPDX-License-Identifier: GPL-2.0

//! Liveness and definedness of registers: exact without loops, safe with them.

mod exhaustive;
mod processor;
mod programs;
mod words;

use super::{program, LE_R2};
use crate::host::dialect;
use crate::jit::analysis::{Analyses, Fact, Facts, Rules, Usage};
use crate::jit::bpf::{Reg, RegSet};
use crate::jit::error::Error;

/// Names of registers as a set.
fn set(names: &str) -> RegSet {
    let number = |name: &str| {
        let found = Reg::ALL.iter().find(|reg| format!("{reg:?}") == name);
        *found.unwrap_or_else(|| panic!("no register {name}"))
    };
    names
        .split_whitespace()
        .fold(RegSet::EMPTY, |set, name| set.with(number(name)))
}

/// The rules of a program without explicit zero-extensions, for which R0's low word is the result.
const fn rules(analyses: Analyses) -> Rules {
    Rules {
        arguments: RegSet::of(Reg::R1),
        has_context: true,
        returns_r0: false,
        zero_extends: true,
        analyses,
    }
}

/// Without the analyses of words.
const LIVENESS: Rules = rules(Analyses::NONE);

/// Checks what is defined before each slot, and what is live across it as well.
fn check(source: &str, expected: &[(u32, &str, &str)]) {
    let insns = program(source, &LE_R2);
    let mut memory = vec![Fact::default(); insns.len()];
    let facts = Facts::gather(dialect(&LE_R2), &insns, &LIVENESS, &mut memory)
        .expect("facts")
        .1;
    for &(at, defined, across) in expected {
        assert_eq!(
            facts.defined_before(at),
            set(defined),
            "defined before {at}"
        );
        let live = facts.live_across(at, at + 1);
        assert_eq!(live, set(across), "live across {at}");
    }
}

#[test]
fn straight_code() {
    check(
        "r0 = 1; r2 = r1; r2 /= r0; r0 = r2; exit",
        &[
            (0, "R1 R10", "R1"),
            (1, "R0 R1 R10", "R0"),
            (2, "R0 R1 R2 R10", "R2"),
        ],
    );
}

#[test]
fn what_the_program_never_wrote_may_still_be_live() {
    // C JIT: R1 lost across the division.
    check(
        "r2 = 5; r2 /= 3; r0 = *(u32 *)(r1 + 4); exit",
        &[(1, "R1 R2 R10", "R1")],
    );
}

#[test]
fn what_an_instruction_reads_is_live_before() {
    for (source, reads) in [
        ("tail_call", "R1 R2 R3"),
        ("call 5", "R1 R2 R3 R4"),
        ("w0 = cmpxchg32_32(r1 + 0, w0, w2)", "R0 R1 R2"),
        ("w3 = atomic_fetch_add((u32 *)(r2 + 0), w3)", "R2 R3"),
        ("lock *(u32 *)(r2 + 0) += w3", "R2 R3"),
        ("w4 = load_acquire((u32 *)(r3 + 0))", "R3"),
        ("store_release((u32 *)(r2 + 0), w3)", "R2 R3"),
        ("*(u32 *)(r2 + 0) = r3", "R2 R3"),
        ("*(u32 *)(r2 + 0) = 7", "R2"),
        ("r4 = *(u32 *)(r3 + 0)", "R3"),
        ("r3 += r2", "R2 R3"),
        ("r3 = -r3", "R3"),
        ("r3 = (s8)r2", "R2"),
        ("r3 = bswap16 r3", "R3"),
        ("if r2 == r3 goto +0", "R2 R3"),
        ("r4 = r2", "R2"),
    ] {
        let before = "r0 = 1; r2 = 2; r3 = 3; r4 = 4; r4 /= 7";
        check(
            &format!("{before}; {source}; r0 = 0; exit"),
            &[(4, "R0 R1 R2 R3 R4 R10", reads)],
        );
    }
}

#[test]
fn what_a_branch_leads_to_is_live_before() {
    check(
        "r0 = 0; r2 = 2; r3 = 3; if r0 == 0 goto +1; exit; r0 = r2; exit",
        &[(2, "R0 R1 R2 R10", "R0 R2"), (3, "R0 R1 R2 R3 R10", "R0")],
    );
}

#[test]
fn paths_meet() {
    check(
        "r0 = 0; if r1 == 0 goto +2; r2 = 2; goto +1; r3 = 3; r6 = 6; exit",
        &[(4, "R0 R1 R10", "R0"), (5, "R0 R1 R2 R3 R10", "R0")],
    );
}

#[test]
fn calls_consume_their_arguments() {
    check(
        "r6 = r1; r2 = 2; ax = 1; call 5; r0 += r6; exit",
        &[(3, "R1 R2 R6 R10 Ax", "R6"), (4, "R0 R6 R10", "R0")],
    );
}

#[test]
fn loops_are_exact() {
    check(
        "r0 = 0; again: r0 += r1; r2 = 1; if r0 < 9 goto again; r0 = r2; exit",
        &[
            (0, "R1 R10", "R1"),
            (1, "R0 R1 R2 R10", "R0 R1"),
            (4, "R0 R1 R2 R10", "R0"),
        ],
    );
}

#[test]
fn two_slot_instructions() {
    let insns = program("r1 = 5 ll; r0 = r1; exit", &LE_R2);
    let mut memory = vec![Fact::default(); insns.len()];
    let facts = Facts::gather(dialect(&LE_R2), &insns, &LIVENESS, &mut memory)
        .expect("facts")
        .1;
    assert_eq!(facts.live_across(0, 2), set("R1"));
    assert_eq!(facts.defined_before(2), set("R1 R10"));
}

#[test]
fn without_memory_everything_is_live() {
    let insns = program("r0 = 0; exit", &LE_R2);
    let facts = Facts::gather(dialect(&LE_R2), &insns, &LIVENESS, &mut [])
        .expect("no facts")
        .1;
    assert_eq!(facts.live_across(0, 1), RegSet::ALL);
    assert_eq!(facts.defined_before(0), RegSet::ALL);
    let mut short = [Fact::default()];
    let refused = Facts::gather(dialect(&LE_R2), &insns, &LIVENESS, &mut short);
    assert_eq!(refused.err(), Some(Error::NoMemory));
}

#[test]
fn usage() {
    let usage = |source| {
        Usage::gather(
            dialect(&LE_R2),
            &program(source, &LE_R2),
            RegSet::of(Reg::R1),
        )
        .expect("usage")
    };
    assert_eq!(usage("r6 = 0; exit").registers, set("R0 R6"));
    // Of a helper's arguments, R1 may be there from the start.
    let helper = usage("r3 = 1; call 5; exit");
    assert_eq!(helper.registers, set("R0 R1 R3"));
    assert!(helper.makes_calls && !helper.calls_functions);
    for (source, calls) in [
        ("r1 /= r2; exit", true),
        ("r1 s%= 5; exit", true),
        ("r1 /= 1; exit", false),
        ("w1 /= w2; exit", false),
        ("lock *(u64 *)(r1 + 0) += r2; exit", true),
        ("lock *(u32 *)(r1 + 0) += w2; exit", false),
        ("r0 = load_acquire((u32 *)(r1 + 0)); exit", false),
        ("tail_call; exit", false),
    ] {
        assert_eq!(usage(source).calls_functions, calls, "{source}");
    }
}
