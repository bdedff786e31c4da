// SPDX-License-Identifier: GPL-2.0

//! Changes to programs that keep every jump's target.

use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::*;

/// Puts other instructions in the place of each: `replace` says which, for an instruction at an
/// index. The second slot of a two-slot instruction stays or goes with the first. None if a jump
/// gets too long.
pub(super) fn rebuild(
    program: &[Fields],
    replace: impl Fn(usize, &Fields) -> Vec<Fields>,
) -> Option<Vec<Fields>> {
    let mut starts = Vec::with_capacity(program.len() + 1);
    let mut jumps = Vec::new();
    let mut new = Vec::new();
    for (at, insn) in program.iter().enumerate() {
        starts.push(new.len());
        if insn.opcode == 0 {
            continue;
        }
        let replacement = replace(at, insn);
        if replacement.first() == Some(insn) {
            if let Some(distance) = distance(insn) {
                jumps.push((new.len(), at as i64 + 1 + distance));
            }
        }
        for (index, next) in replacement.into_iter().enumerate() {
            new.push(next);
            if index == 0 && is_two_slots(&next) {
                new.push(*program.get(at + 1)?);
            }
        }
    }
    starts.push(new.len());
    for (at, target) in jumps {
        let target = *starts.get(usize::try_from(target).ok()?)?;
        set_distance(&mut new[at], target as i64 - at as i64 - 1)?;
    }
    Some(new)
}

fn is_two_slots(insn: &Fields) -> bool {
    insn.opcode == class::LD | DW
}

/// How far a jump goes, if it is one.
fn distance(insn: &Fields) -> Option<i64> {
    match (insn.class(), insn.operation()) {
        (class::JMP, 0x80 | 0x90 | 0xf0) => None,
        (class::JMP32, 0) => Some(insn.immediate.into()),
        (class::JMP | class::JMP32, _) => Some(insn.offset.into()),
        _ => None,
    }
}

fn set_distance(insn: &mut Fields, distance: i64) -> Option<()> {
    if insn.class() == class::JMP32 && insn.operation() == 0 {
        insn.immediate = distance.try_into().ok()?;
    } else {
        insn.offset = distance.try_into().ok()?;
    }
    Some(())
}

/// Puts an explicit zero-extension after every instruction that defines a low word, as the
/// verifier does.
pub(super) fn with_zero_extensions(program: &[Fields]) -> Option<Vec<Fields>> {
    rebuild(program, |_, insn| match word_defined(insn) {
        Some(reg) => vec![*insn, zero_extend(reg)],
        None => vec![*insn],
    })
}

/// Takes the instructions from one index up to another out.
pub(super) fn without(program: &[Fields], from: usize, to: usize) -> Option<Vec<Fields>> {
    rebuild(program, |at, insn| {
        if (from..to).contains(&at) {
            Vec::new()
        } else {
            vec![*insn]
        }
    })
}
