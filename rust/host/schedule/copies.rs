// SPDX-License-Identifier: GPL-2.0

//! May a copy be left out, because a word further on computes from the original in its place?

use std::collections::BTreeSet;

use crate::host::mips::{print, Word};
use crate::jit::mips::table::{Field, Op, Role};
use crate::jit::mips::{Reg, RegMask, Width};

/// Which of the held words, if any, is the copy without which the word at `at` is `shorter`.
///
/// # Errors
///
/// One line that says why it must not be left out.
pub(super) fn left_out(
    words: &[u32],
    held: &[usize],
    (at, shorter): (usize, u32),
    entered: &BTreeSet<usize>,
    width: Width,
) -> Result<Option<usize>, String> {
    let computes = |&copy: &usize| {
        let (rd, rs) = copied(words[copy], width)?;
        (copy < at && replaced(words[at], rd, rs)? == shorter).then_some((copy, rd, rs))
    };
    let Some((index, (copy, rd, rs))) = held
        .iter()
        .enumerate()
        .rev()
        .find_map(|(index, copy)| Some((index, computes(copy)?)))
    else {
        return Ok(None);
    };
    let told = |why: &str| {
        let (left, shorter) = (print(words[copy], 0), print(shorter, 0));
        Err(format!("{left} must not be left out for {shorter}: {why}"))
    };
    if let Some(label) = entered.range(copy + 1..=at).next() {
        return told(&format!("word {label} is a target"));
    }
    for &bits in &words[copy + 1..at] {
        let Some(word) = Word::decode(bits) else {
            return told("there is no instruction between");
        };
        if word.transfers() {
            return told("it goes elsewhere between");
        }
        if word.reads().contains(rd) || word.writes().contains(rd) {
            return told("what is copied is touched between");
        }
        if word.writes().contains(rs) && rs != Reg::ZERO {
            return told("the original changes");
        }
    }
    let overwrites = |word: Word| !word.transfers() && word.writes() == RegMask::of(rd);
    match Word::decode(words[at]).is_some_and(overwrites) {
        true => Ok(Some(index)),
        false => told("what is copied lives on"),
    }
}

/// The registers of a copy of all bits.
fn copied(bits: u32, width: Width) -> Option<(Reg, Reg)> {
    let word = Word::decode(bits)?;
    let [rd, rs, rt] = [Field::Rd, Field::Rs, Field::Rt].map(|field| word.field(field));
    let is_whole = match word.op {
        Op::Or => true,
        Op::Addu => width == Width::W32 || rs == 0,
        _ => false,
    };
    (is_whole && rt == 0).then_some((Reg::from_number(rd), Reg::from_number(rs)))
}

/// The word with one register for another wherever it reads it; none if it does not, or also writes it there.
fn replaced(bits: u32, from: Reg, to: Reg) -> Option<u32> {
    let word = Word::decode(bits)?;
    let mut replaced = bits;
    for operand in word.row().operands {
        let (shift, mask) = (operand.field.shift(), operand.field.mask());
        match operand.role {
            Role::r if word.field(operand.field) == from.number() => {
                replaced = replaced & !mask | to.number() << shift;
            }
            Role::rw if word.field(operand.field) == from.number() => return None,
            _ => {}
        }
    }
    (replaced != bits).then_some(replaced)
}
