// SPDX-License-Identifier: GPL-2.0

//! What is known of high words, and which words are demanded: exact on the way to a label and behind it, in
//! loops as well, and never more sweeps than there may be.

use super::{program, rules, LE_R2};
use crate::host::{dialect, facts, work};
use crate::jit::abi::{Linkage, Role};
use crate::jit::analysis::{Analyses, Demand, Fact, Facts, High, Rules, Words, SWEEPS};
use crate::jit::bpf::{Raw, Reg};
use crate::jit::layout::Program;
use crate::jit::mips::Width;

/// With all analyses.
const ALL: Rules = rules(Analyses::ALL);

/// A register, what is known of it as some of `z` and `s`, and what is demanded of it as some of `l` and `h`.
type Expected<'a> = (Reg, &'a str, &'a str);

fn check_with(rules: &Rules, source: &str, expected: &[(u32, &[Expected<'_>])]) {
    let insns = program(source, &LE_R2);
    assert_eq!(
        facts::judge(dialect(&LE_R2), &insns, rules),
        Ok(()),
        "{source}"
    );
    let mut memory = vec![Fact::default(); insns.len()];
    let facts = Facts::gather(dialect(&LE_R2), &insns, rules, &mut memory)
        .expect("facts")
        .1;
    for &(at, registers) in expected {
        let known = facts.before(at).known;
        let demand = facts.demand(at).unwrap_or(Demand::NOTHING);
        for &(reg, high, words) in registers {
            let expected = High {
                is_zero: high.contains('z'),
                is_sign: high.contains('s'),
            };
            assert_eq!(known.of(reg), expected, "{reg:?} before {at} of {source}");
            let expected = Words {
                low: words.contains('l'),
                high: words.contains('h'),
            };
            assert_eq!(demand.of(reg), expected, "{reg:?} before {at} of {source}");
        }
    }
}

fn check(source: &str, expected: &[(u32, &[Expected<'_>])]) {
    check_with(&ALL, source, expected);
}

use Reg::{R0, R1, R2, R3, R6};

#[test]
fn straight_code() {
    check(
        "r2 = *(u8 *)(r1 + 0); r3 = *(s16 *)(r1 + 2); r1 = *(u64 *)(r1 + 8); r2 += r3; r2 += r1; \
         *(u64 *)(r10 - 8) = r2; r0 = r2; exit",
        &[
            (0, &[(R1, "z", "l"), (R0, "", "")]),
            (1, &[(R2, "zs", "l")]),
            (2, &[(R2, "zs", "l"), (R3, "s", "lh")]),
            (4, &[(R2, "", "lh"), (R1, "", "lh")]),
            (6, &[(R2, "", "l")]),
            (7, &[(R0, "", "l")]),
        ],
    );
}

#[test]
fn a_result_of_which_nothing_is_read_reads_nothing() {
    check(
        "r2 = *(u64 *)(r1 + 0); r3 = r2; r3 += 7; r2 = r1; r0 = 0; exit",
        &[(0, &[(R1, "z", "")]), (1, &[(R2, "", "")])],
    );
}

#[test]
fn who_takes_all_of_the_result() {
    let rules = Rules {
        returns_r0: true,
        ..ALL
    };
    let source = "r0 = r1; r0 += r1; exit";
    check_with(&rules, source, &[(1, &[(R0, "z", "l"), (R1, "z", "l")])]);
    check_with(&rules, source, &[(2, &[(R0, "", "lh")])]);
    check(source, &[(2, &[(R0, "", "l")])]);
}

#[test]
fn explicit_extensions() {
    let rules = Rules {
        zero_extends: false,
        ..ALL
    };
    check_with(
        &rules,
        "w2 = w1; r3 = r2; r2 = (u32)r2; *(u64 *)(r1 + 0) = r2; r0 = r3; exit",
        &[
            (1, &[(R2, "", "l")]),
            (3, &[(R2, "z", "l"), (R1, "z", "l")]),
        ],
    );
}

#[test]
fn paths_meet() {
    let source = "r2 = 1; if w1 == 0 goto +1; r2 = -1; if r2 == 7 goto +0; r0 = r2; exit";
    check(source, &[(3, &[(R2, "s", "l")])]);
    let source =
        "r2 = 1; if w1 == 0 goto +1; r2 = *(u32 *)(r1 + 0); if r2 == 7 goto +0; r0 = 0; exit";
    check(source, &[(3, &[(R2, "z", "l")])]);
}

#[test]
fn loops() {
    // What was zero is not in the second round.
    check(
        "r2 = 0; r3 = 0; again: r2 += 1; w3 += 1; if w3 != 9 goto again; *(u64 *)(r1 + 0) = r2; \
         *(u64 *)(r1 + 8) = r3; r0 = 0; exit",
        &[(2, &[(R2, "", "lh"), (R3, "z", "l"), (R1, "z", "l")])],
    );
    // One register after the other.
    check(
        "r2 = 0; r3 = 0; r6 = 0; again: r6 = r3; r3 = r2; r2 = *(u64 *)(r1 + 0); if w2 != 9 goto again; \
         *(u64 *)(r1 + 0) = r6; r0 = 0; exit",
        &[(3, &[(R2, "", "lh"), (R3, "", "lh"), (R6, "", "")])],
    );
}

#[test]
fn calls() {
    check(
        "r2 = 1; r6 = 1; r3 = 1; call 1; r2 = r6; r0 = r6; exit",
        &[
            (3, &[(R1, "z", "lh"), (R2, "zs", "lh"), (R3, "zs", "l")]),
            (4, &[(R0, "", ""), (R1, "", ""), (R6, "zs", "l")]),
        ],
    );
}

/// Blocks in reverse order, each of which goes on with the one before it: what is known at the first that runs
/// comes one block further in each sweep. R6 is the same everywhere.
fn backward(blocks: usize) -> Vec<Raw> {
    let source = format!("r2 = 1; r6 = 1; goto +{}", 2 * blocks);
    let mut insns = program(&source, &LE_R2);
    insns.extend(program("r0 = r2; exit", &LE_R2));
    for _ in 0..blocks {
        insns.extend(program("r2 ^= r3; goto -4", &LE_R2));
    }
    insns
}

#[test]
fn sweeps_are_bounded() {
    for blocks in [1, 2, 3, 4, 50, 200] {
        let insns = backward(blocks);
        assert_eq!(facts::judge(dialect(&LE_R2), &insns, &ALL), Ok(()));
        let mut memory = vec![Fact::default(); insns.len()];
        work::take();
        let facts = Facts::gather(dialect(&LE_R2), &insns, &ALL, &mut memory)
            .expect("facts")
            .1;
        let sweeps = work::take().decoded / insns.len() as u64;
        assert!(sweeps <= 2 * u64::from(SWEEPS), "{blocks}: {sweeps}");
        // Beyond that, nothing is known at labels.
        let expected = match blocks + 1 < SWEEPS as usize {
            true => High::SMALL,
            false => High::UNKNOWN,
        };
        assert_eq!(facts.before(3).known.of(R6), expected, "{blocks}");
    }
}

#[test]
fn entries_and_ends() {
    let rules = |role, linkage| {
        let program = Program {
            insns: &[],
            dialect: dialect(&LE_R2),
            role,
            linkage,
            stack_depth: 0,
            reaches_tail_calls: false,
            is_boundary: false,
            private_stack: None,
            verifier_zext: false,
            arena: None,
            functions: &[],
            analyses: Analyses::ALL,
            fills_slots: false,
            forwards_copies: false,
        };
        let rules = program.rules(Width::W32);
        (rules.has_context, rules.returns_r0)
    };
    let usual = Linkage::default();
    for role in [Role::Whole, Role::Main] {
        assert_eq!(rules(role, usual), (true, false));
        let extension = Linkage {
            extends: true,
            ..usual
        };
        assert_eq!(rules(role, extension), (false, true));
        let trampoline = Linkage {
            returns_r0: true,
            ..usual
        };
        assert_eq!(rules(role, trampoline), (true, true));
    }
    assert_eq!(rules(Role::Subprogram, usual), (false, true));
    assert_eq!(rules(Role::Exception, usual), (false, false));
}
