// SPDX-License-Identifier: GPL-2.0

//! Every program of up to five instructions over a small alphabet, with every jump: what the
//! analysis says must be no less than what paths through the program say.

use super::LIVENESS;
use crate::host::dialect;
use crate::jit::analysis::{Fact, Facts};
use crate::jit::bpf::{Raw, Reg};
use crate::jit::mips::Endian;
use crate::tests::LE_R2;

/// The longest program.
const LONGEST: usize = 5;

/// An instruction of the alphabet, with what RFC 9669 says of registers: bit n stands for Rn.
#[derive(Clone, Copy, Debug)]
struct Letter {
    raw: Raw,
    reads: u16,
    writes: u16,
    /// Loses the values in these.
    loses: u16,
    /// Where it can go to.
    next: Next,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    Following,
    Target(usize),
    Either(usize),
    Nowhere,
}

fn raw(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
    Raw::new(Endian::Little, code, dst, src, off, imm)
}

/// All instructions for a place in a program of this length.
fn alphabet(at: usize, len: usize) -> Vec<Letter> {
    let straight = |raw, reads, writes, loses| Letter {
        raw,
        reads,
        writes,
        loses,
        next: Next::Following,
    };
    let mut letters = vec![
        // r2 = r1; r1 = 7; r0 = r2; r2 += r1; call 1
        straight(raw(0xbf, 2, 1, 0, 0), 0b0010, 0b0100, 0),
        straight(raw(0xb7, 1, 0, 0, 7), 0, 0b0010, 0),
        straight(raw(0xbf, 0, 2, 0, 0), 0b0100, 0b0001, 0),
        straight(raw(0x0f, 2, 1, 0, 0), 0b0110, 0b0100, 0),
        straight(raw(0x85, 0, 0, 0, 1), 0b11_1110, 0b0001, 0b11_1110),
        // exit
        Letter {
            next: Next::Nowhere,
            ..straight(raw(0x95, 0, 0, 0, 0), 0b0001, 0, 0)
        },
    ];
    for target in 0..len {
        let distance = target as i16 - at as i16 - 1;
        // goto; if r1 == 0 goto
        letters.push(Letter {
            next: Next::Target(target),
            ..straight(raw(0x05, 0, 0, distance, 0), 0, 0, 0)
        });
        letters.push(Letter {
            next: Next::Either(target),
            ..straight(raw(0x15, 1, 0, distance, 0), 0b0010, 0, 0)
        });
    }
    letters
}

/// The places that can follow; one behind the last is the end, which returns R0.
fn successors(program: &[Letter], at: usize) -> Vec<usize> {
    match program[at].next {
        Next::Following => vec![at + 1],
        Next::Target(target) => vec![target],
        Next::Either(target) => vec![at + 1, target],
        Next::Nowhere => Vec::new(),
    }
}

/// For each place, the registers that some path from it reads before it writes them.
fn live(program: &[Letter]) -> Vec<u16> {
    let mut live = vec![0; program.len() + 1];
    live[program.len()] = 1;
    // A path needs to visit no place twice.
    for _ in 0..=program.len() {
        for at in 0..program.len() {
            let behind = successors(program, at)
                .into_iter()
                .fold(0, |all, next| all | live[next]);
            live[at] = program[at].reads | behind & !program[at].writes;
        }
    }
    live
}

/// For each place, the registers in which some path to it has left a value.
fn defined(program: &[Letter]) -> Vec<u16> {
    let mut defined: Vec<Option<u16>> = vec![None; program.len() + 1];
    defined[0] = Some(1 << 1 | 1 << 10);
    for _ in 0..=program.len() {
        for at in 0..program.len() {
            if let Some(before) = defined[at] {
                let after = before & !program[at].loses | program[at].writes;
                for next in successors(program, at) {
                    defined[next] = Some(defined[next].unwrap_or(0) | after);
                }
            }
        }
    }
    defined.into_iter().map(|set| set.unwrap_or(0)).collect()
}

fn judge(program: &[Letter]) {
    let raws: Vec<Raw> = program.iter().map(|letter| letter.raw).collect();
    let mut memory = vec![Fact::default(); raws.len()];
    let facts = Facts::gather(dialect(&LE_R2), &raws, &LIVENESS, &mut memory)
        .expect("facts")
        .1;
    let (live, defined) = (live(program), defined(program));
    for at in 0..program.len() {
        let found = facts.defined_before(at as u32);
        let across = facts.live_across(at as u32, at as u32 + 1);
        for (number, register) in Reg::ALL.into_iter().enumerate().take(11) {
            let is_in = |set: u16| set >> number & 1 != 0;
            assert!(
                !is_in(defined[at]) || found.contains(register),
                "{register:?} has a value before {at} of {raws:?}"
            );
            let is_needed = is_in(defined[at]) && is_in(live[at + 1]);
            let is_kept = across.contains(register) || is_in(program[at].writes);
            assert!(
                !is_needed || is_kept || !matches!(program[at].next, Next::Following),
                "{register:?} is read behind {at} of {raws:?}"
            );
        }
    }
}

fn each(len: usize, program: &mut Vec<Letter>, count: &mut u64) {
    if program.len() == len {
        *count += 1;
        return judge(program);
    }
    for letter in alphabet(program.len(), len) {
        program.push(letter);
        each(len, program, count);
        program.pop();
    }
}

#[test]
fn every_small_program() {
    let mut count = 0;
    for len in 1..=LONGEST {
        each(len, &mut Vec::new(), &mut count);
    }
    // 6 letters, and two for each target.
    let expected: u64 = (1..=LONGEST)
        .map(|n| (6 + 2 * n as u64).pow(n as u32))
        .sum();
    assert_eq!(count, expected);
}
