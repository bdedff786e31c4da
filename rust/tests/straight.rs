// SPDX-License-Identifier: GPL-2.0

//! What instructions right before one say of it.

use super::forms::CONDITIONS;
use super::{program, BE_R2, LE64_R2, LE_R1, LE_R2};
use crate::host::{compile, Options};
use crate::jit::analysis::{extension, limit};
use crate::jit::bpf::{AluOp, Cond, Insn, Operand, Reg, Size};
use crate::jit::mips::Cpu;

/// Words between the prologue and the epilogue.
fn words(source: &str, cpu: &Cpu) -> usize {
    let image = compile(&program(source, cpu), cpu, &Options::default()).expect("compiles");
    let (first, last) = (image.offsets[0], image.offsets[image.offsets.len() - 1]);
    ((last - first) / 4) as usize
}

fn holds<T: PartialOrd>(cond: Cond, a: T, b: T) -> bool {
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Gt | Cond::Sgt => a > b,
        Cond::Ge | Cond::Sge => a >= b,
        Cond::Lt | Cond::Slt => a < b,
        Cond::Le | Cond::Sle => a <= b,
        Cond::Set => unreachable!("it has no limit"),
    }
}

/// Of all pairs of constants and words around where anything changes: what is compared in the place of a
/// sum goes the same way.
#[test]
fn a_limit_decides_as_the_sum_does() {
    let around = |number: i64| (number - 2)..=(number + 2);
    let edges = [
        0,
        14,
        0x7fff,
        0x8000,
        1 << 31,
        -(1 << 31),
        (1 << 31) - 14,
        1 << 32,
    ];
    let constants: Vec<i32> = edges
        .iter()
        .flat_map(|&edge| around(edge))
        .filter_map(|number| i32::try_from(number).ok())
        .collect();
    let mut reduced = 0;
    for cond in CONDITIONS {
        let is_unsigned = matches!(cond, Cond::Gt | Cond::Ge | Cond::Lt | Cond::Le);
        for &added in &constants {
            for &imm in &constants {
                let Some(limit) = limit(cond, added, imm) else {
                    continue;
                };
                reduced += 1;
                let near = edges.into_iter().chain([i64::from(limit)]);
                let words = near.flat_map(around);
                for word in words.filter_map(|word| u32::try_from(word).ok()) {
                    let (sum, imm) = (i64::from(word) + i64::from(added), i64::from(imm));
                    let expected = match is_unsigned {
                        true => holds(cond, sum as u64, imm as u64),
                        false => holds(cond, sum, imm),
                    };
                    let told = format!("{word:#x} + {added:#x} {cond:?} {imm:#x}");
                    assert_eq!(holds(cond, word, limit), expected, "{told}");
                }
            }
        }
    }
    assert!(reduced > 4000, "{reduced}");
    assert_eq!(limit(Cond::Slt, -12, 2), Some(14));
    assert_eq!(limit(Cond::Slt, i32::MIN, i32::MAX), Some(u32::MAX));
    assert_eq!(limit(Cond::Slt, 3, 2), None);
    assert_eq!(limit(Cond::Lt, -1, 2), None);
    assert_eq!(limit(Cond::Set, 0, 1), None);
}

#[test]
fn a_filter_looks_at_one_word() {
    // What is loaded, compared, and slots.
    let load = "r9 = *(u32 *)(r1 + 0); ";
    for (source, expected) in [
        ("r2 = r9; r2 -= 12; if r2 s< 2 goto +0; r0 = r9; exit", 5),
        ("r2 = r9; if r2 s< 2 goto +0; r0 = r9; exit", 5),
        // The sum is read.
        ("r2 = r9; r2 -= 12; if r2 s< 2 goto +0; r0 = r2; exit", 7),
    ] {
        assert_eq!(
            words(&format!("{load}{source}"), &LE_R2),
            expected,
            "{source}"
        );
    }
    for source in [
        // Something jumps in between, with another value.
        "r2 = 5; if r9 == 1 goto +2; r2 = r9; r2 -= 12; if r2 s< 2 goto +0; r0 = r9; exit",
        "r2 = 5; if r9 == 1 goto +1; r2 = r9; r2 -= 12; if r2 s< 2 goto +0; r0 = r9; exit",
        // It is not known to be a word.
        "r9 <<= 8; r2 = r9; r2 -= 12; if r2 s< 2 goto +0; r0 = r9; exit",
        // Of another register.
        "r3 = r9; r3 -= 12; if r2 s< 2 goto +0; r0 = r3; exit",
    ] {
        let with = |cpu| words(&format!("r2 = *(u64 *)(r1 + 8); {load}{source}"), cpu);
        assert!(with(&LE_R2) > 8, "{source}");
    }
}

/// A word has no sign: what is at least 2^31 is more than any sum of a small one.
#[test]
fn a_word_is_compared_without_a_sign() {
    const SLTI: u32 = 0x0a;
    const SLTIU: u32 = 0x0b;
    let source = "r9 = *(u32 *)(r1 + 0); r2 = r9; r2 -= 12; if r2 s< 2 goto +0; r0 = r9; exit";
    let image = compile(&program(source, &LE_R2), &LE_R2, &Options::default()).expect("compiles");
    let has = |opcode| image.words.iter().any(|word| word >> 26 == opcode);
    assert!(has(SLTIU) && !has(SLTI));
}

#[test]
fn a_half_that_was_loaded_is_swapped_at_once() {
    let swap = |source: &str, cpu: &Cpu| words(&format!("{source}; r0 = be16 r0; exit"), cpu);
    for (cpu, expected) in [(LE_R2, 2), (BE_R2, 1), (LE_R1, 5), (LE64_R2, 3)] {
        assert_eq!(swap("r0 = *(u16 *)(r1 + 0)", &cpu), expected);
    }
    assert_eq!(swap("r0 = *(u8 *)(r1 + 0)", &LE_R2), 2);
    for source in [
        "r0 = *(u32 *)(r1 + 0)",
        "r0 = *(s16 *)(r1 + 0)",
        "r0 = *(u32 *)(r1 + 0); r2 = *(u16 *)(r1 + 0); *(u32 *)(r1 + 0) = r2",
        "r0 = *(u32 *)(r1 + 0); if r1 == 1 goto +1; r0 = *(u16 *)(r1 + 0)",
    ] {
        let whole = swap(source, &LE_R2) - words(&format!("{source}; exit"), &LE_R2);
        assert_eq!(whole, 2, "{source}");
    }
}

/// What an instruction that extends leaves of a value.
fn extended(insn: Insn, value: u64) -> u64 {
    match insn {
        Insn::ZeroExtend { .. } => u64::from(value as u32),
        Insn::Alu {
            op: AluOp::And,
            src: Operand::Imm(mask),
            ..
        } => value & i64::from(mask) as u64,
        Insn::MovSx { from, .. } => match from {
            Size::B => i64::from(value as i8) as u64,
            Size::H => i64::from(value as i16) as u64,
            _ => i64::from(value as i32) as u64,
        },
        other => panic!("{other:?} extends nothing"),
    }
}

/// Of all shifts by a word or more: what they come to leaves the same of every bit, and of all.
#[test]
fn shifts_there_and_back_are_extensions() {
    let mut reduced = 0;
    let ops = [AluOp::Lsh, AluOp::Rsh, AluOp::Arsh];
    let shifts = ops
        .into_iter()
        .flat_map(|op| (32..64).map(move |by| (op, by)));
    let shifted = |(op, by): (AluOp, i32), value: u64| match op {
        AluOp::Lsh => value << by,
        AluOp::Rsh => value >> by,
        _ => (value as i64 >> by) as u64,
    };
    for first in shifts.clone() {
        for second in shifts.clone() {
            let of = |(op, by), dst| (op, dst, by);
            let other = extension(of(first, Reg::R1), of(second, Reg::R2));
            assert!(other.is_none(), "of another register");
            let Some(insn) = extension(of(first, Reg::R1), of(second, Reg::R1)) else {
                continue;
            };
            reduced += 1;
            let bits =
                (0..64).flat_map(|bit| [1 << bit, !(1 << bit), u64::MAX >> bit, u64::MAX << bit]);
            for value in bits.chain([0, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]) {
                let expected = shifted(second, shifted(first, value));
                assert_eq!(
                    extended(insn, value),
                    expected,
                    "{first:?} {second:?} {value:#x}"
                );
            }
        }
    }
    assert_eq!(reduced, 32 + 3);
}

#[test]
fn shifts_there_and_back_are_one_word() {
    let load = "r2 = *(u64 *)(r1 + 0); r3 = *(u64 *)(r1 + 8); ";
    let whole = "; *(u64 *)(r1 + 0) = r2; r0 = 0; exit";
    let count = |source: &str| words(&format!("{load}{source}{whole}"), &LE_R2) as isize;
    // The words that something loads, computes and stores, but for these.
    let rest = count("r2 += 0") - 1;
    for (source, expected) in [
        // What is not loaded is a word less.
        ("r2 <<= 32; r2 >>= 32", 0),
        ("r2 <<= 32; r2 s>>= 32", 1),
        ("r2 <<= 48; r2 >>= 48", 1),
        ("r2 <<= 56; r2 s>>= 56", 2),
        ("r2 <<= 33; r2 >>= 33", 1),
    ] {
        assert_eq!(count(source) - rest, expected, "{source}");
    }
    for source in [
        // Something jumps between them.
        "r2 <<= 32; r2 >>= 32; r3 -= 1; if r3 s> 5 goto -3",
        "if r3 == 7 goto +1; r2 <<= 48; r2 >>= 48",
        // Other amounts, another register, something between.
        "r2 <<= 40; r2 >>= 48",
        "r2 <<= 48; r3 >>= 48",
        "r2 <<= 48; r2 += r3; r2 >>= 48",
        "r2 <<= 40; r2 s>>= 40",
    ] {
        let source = format!("{load}{source}{whole}");
        let image = compile(&program(&source, &LE_R2), &LE_R2, &Options::default());
        // A shift to the left is one of the low word, into the high one.
        let image = image.expect("compiles");
        let shifts = |&word: &u32| word >> 26 == 0 && word & 63 == 0 && word != 0;
        let copies = |&word: &u32| word == 0x00c0_3821;
        let is_there = image.words.iter().any(|word| shifts(word) || copies(word));
        assert!(is_there, "{source}");
    }
}
