// SPDX-License-Identifier: GPL-2.0

//! Whether facts fit together along every edge of a program.
//!
//! `make prove` has shown of every instruction that it needs no more than it demands, and what is true behind
//! it of what was known before. What remains to be shown of a program is that this fits together: what is
//! known at an instruction is known along each edge that leads there, and what it demands is demanded along
//! each edge to it; that holds at the entry and at the end. It does not matter how facts were found.
//!
//! Distances from R10 are searched once more, backward along the only way that leads to an instruction.

use std::collections::BTreeSet;

use crate::jit::analysis::{Demand, Fact, Facts, Known, Rules};
use crate::jit::bpf::{decode, AluOp, Dialect, Insn, Operand, Raw, Reg, RegSet, Width};
use crate::jit::error::Result as CoreResult;

/// Finds an edge along which facts do not fit together. A program that the core refuses has none.
///
/// # Errors
///
/// One line that says which.
pub(crate) fn judge(dialect: Dialect, program: &[Raw], rules: &Rules) -> Result<(), String> {
    let mut memory = vec![Fact::default(); program.len()];
    let Ok(insns) = decoded(dialect, program) else {
        return Ok(());
    };
    if insns
        .iter()
        .any(|(_, insn)| matches!(insn, Insn::JumpIndirect { .. }))
    {
        return Ok(());
    }
    let Ok((_, facts)) = Facts::gather(dialect, program, rules, &mut memory) else {
        return Err("facts do not fit their memory".to_owned());
    };
    // As they are lowered.
    let code = (&dialect, program);
    let lowered = |&(at, insn): &(u32, Insn)| {
        let reduced = facts.reduced(code, at, &insn);
        (at, reduced.map_or(insn, |(reduced, _)| reduced))
    };
    let insns: Vec<(u32, Insn)> = insns.iter().map(lowered).collect();
    let program = Program {
        insns: &insns,
        facts: &facts,
        rules,
        targets: insns.iter().filter_map(|(_, insn)| insn.target()).collect(),
    };
    program.judge_entry()?;
    (0..insns.len()).try_for_each(|index| program.judge_insn(index))
}

/// Every instruction with the slot that it begins in.
fn decoded(dialect: Dialect, program: &[Raw]) -> CoreResult<Vec<(u32, Insn)>> {
    let mut insns = Vec::new();
    let mut at = 0;
    while at < program.len() as u32 {
        let insn = decode(&dialect, program, at)?;
        insns.push((at, insn));
        at += insn.slots();
    }
    Ok(insns)
}

struct Program<'a> {
    insns: &'a [(u32, Insn)],
    facts: &'a Facts<'a>,
    rules: &'a Rules,
    /// Where jumps go.
    targets: BTreeSet<u32>,
}

impl Program<'_> {
    fn judge_entry(&self) -> Result<(), String> {
        if self.insns.is_empty() {
            return Ok(());
        }
        let arguments = self.rules.arguments.with(Reg::R10);
        let known = self.rules.known_at_entry();
        self.judge_edge(0, (arguments, known))
            .map_err(|wrong| format!("at the entry {wrong}"))
    }

    /// What is known at a place must be known of what comes there.
    fn judge_edge(&self, to: u32, (defined, known): (RegSet, Known)) -> Result<(), String> {
        let there = self.facts.before(to);
        if there.defined.union(defined) != there.defined {
            return Err(format!(
                "{defined:?} may be defined, not {:?}",
                there.defined
            ));
        }
        match there.known.meet(known) == there.known {
            true => Ok(()),
            false => Err(format!("{known:?} is known, and {:?} there", there.known)),
        }
    }

    fn judge_insn(&self, index: usize) -> Result<(), String> {
        let (at, insn) = self.insns[index];
        let before = self.facts.before(at);
        let mut defined = before.defined;
        if insn.is_call() {
            defined = defined.minus(RegSet::ARGUMENTS.with(Reg::Ax));
        }
        if let Some(dst) = insn.writes() {
            defined = defined.with(dst);
        }
        let known = before
            .known
            .after(&insn, before.distance, self.rules.zero_extends);
        let following = insn.falls_through().then(|| at + insn.slots());
        let mut demand = Demand::NOTHING;
        for to in following.into_iter().chain(insn.target()) {
            demand = demand.union(match self.facts.demand(to) {
                Some(there) => {
                    self.judge_edge(to, (defined, known))
                        .map_err(|wrong| format!("from {at} to {to} {wrong}"))?;
                    there
                }
                None => self.rules.returned(),
            });
        }
        let needed = demand.before(&insn, &before);
        let here = self.facts.demand(at).unwrap_or(Demand::NOTHING);
        if here.union(needed) != here {
            return Err(format!("{at} demands {needed:?}, not only {here:?}"));
        }
        self.judge_distance(index)
    }

    fn judge_distance(&self, index: usize) -> Result<(), String> {
        let (at, insn) = self.insns[index];
        let Some(claimed) = self.facts.before(at).distance else {
            return Ok(());
        };
        let found = match insn {
            Insn::Load { mem, .. } | Insn::Store { mem, .. } => self.distance(index, mem.base),
            Insn::Alu { dst, .. } => self.distance_behind(index, dst),
            _ => None,
        };
        match found == Some(claimed.offset()) {
            true => Ok(()),
            false => Err(format!("at {at} there is {found:?}, not {claimed:?}")),
        }
    }

    /// How far a register is from R10 before an instruction, if only one way leads there.
    fn distance(&self, index: usize, reg: Reg) -> Option<i32> {
        if reg == Reg::R10 {
            return Some(0);
        }
        let (at, _) = self.insns[index];
        let before = index.checked_sub(1)?;
        if self.targets.contains(&at) || !self.insns[before].1.falls_through() {
            return None;
        }
        self.distance_behind(before, reg)
    }

    fn distance_behind(&self, index: usize, reg: Reg) -> Option<i32> {
        let (_, insn) = self.insns[index];
        let is_lost = insn.is_call() && RegSet::ARGUMENTS.with(Reg::Ax).contains(reg);
        match insn {
            _ if is_lost => None,
            _ if insn.writes() != Some(reg) => self.distance(index, reg),
            Insn::Mov {
                width: Width::W64,
                src: Operand::Reg(src),
                ..
            } => self.distance(index, src),
            Insn::Alu {
                width: Width::W64,
                op: op @ (AluOp::Add | AluOp::Sub),
                src: Operand::Imm(imm),
                ..
            } => {
                let sum = if op == AluOp::Add {
                    imm
                } else {
                    imm.checked_neg()?
                };
                self.distance(index, reg)?.checked_add(sum)
            }
            _ => None,
        }
    }
}
