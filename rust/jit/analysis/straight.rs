// SPDX-License-Identifier: GPL-2.0

//! What the instructions right before one say of it, if it is entered from them only.
//!
//! The kernel makes this of each load of a packet's bytes in a filter for sockets:
//!
//! ```text
//! r2 = r9              how much there is; the high word is zero
//! r2 -= 12
//! if r2 s< 2 goto +3   if w9 < 14 goto +3
//! r0 = *(u16 *)(r8 + 12)
//! r0 = be16 r0         what is swapped has 16 bits
//! ```
//!
//! A sum of a word and a constant has 64 bits, but is not compared with anything that it could not be
//! compared with before adding. If nobody else reads it, it need not be computed.

use super::comparison::unsigned;
use super::facts::Fact;
use super::known::Known;
use crate::jit::bpf::raw::class;
use crate::jit::bpf::{decode, AluOp, Cond, Dialect, Insn, Operand, Raw, Reg, Size, Width};

/// A program, and where it is jumped to.
pub(super) struct Straight<'a> {
    dialect: &'a Dialect,
    program: &'a [Raw],
    facts: &'a [Fact],
}

impl<'a> Straight<'a> {
    pub(super) fn new((dialect, program): (&'a Dialect, &'a [Raw]), facts: &'a [Fact]) -> Self {
        Straight {
            dialect,
            program,
            facts,
        }
    }

    /// Whether those right before may say anything of an instruction: only of few.
    #[inline]
    pub(super) fn concerns(insn: &Insn) -> bool {
        matches!(
            insn,
            Insn::Branch {
                width: Width::W64,
                src: Operand::Imm(_),
                ..
            } | Insn::Swap { size: Size::H, .. }
        )
    }

    /// Whether something may jump to an instruction.
    fn is_label(&self, at: u32) -> bool {
        let fact = usize::try_from(at).ok().and_then(|at| self.facts.get(at));
        fact.is_none_or(Fact::is_label)
    }

    /// The instruction right before one that is entered from there only, if it is of this class.
    fn before(&self, at: u32, class: u8) -> Option<Insn> {
        let before = at.checked_sub(1)?;
        let raw = self.program.get(usize::try_from(before).ok()?)?;
        // A second slot has no opcode.
        if raw.class() != class || raw.code == 0 || self.is_label(at) {
            return None;
        }
        decode(self.dialect, self.program, before).ok()
    }

    /// What a register is where an instruction begins, as a register that is still the same and a constant.
    fn sum(&self, at: u32, reg: Reg) -> Option<(Reg, i32)> {
        let copied = |insn| match insn {
            Insn::Mov {
                width: Width::W64,
                dst,
                src: Operand::Reg(src),
            } if dst == reg && src != reg => Some(src),
            _ => None,
        };
        let (op, imm) = match self.before(at, class::ALU64)? {
            Insn::Alu {
                width: Width::W64,
                op: op @ (AluOp::Add | AluOp::Sub),
                dst,
                src: Operand::Imm(imm),
            } if dst == reg => (op, imm),
            insn => return Some((copied(insn)?, 0)),
        };
        let base = copied(self.before(at.checked_sub(1)?, class::ALU64)?)?;
        match op {
            AluOp::Sub => Some((base, imm.checked_neg()?)),
            _ => Some((base, imm)),
        }
    }

    /// The conditional jump, or one that goes the same ways and has less to look at.
    pub(super) fn reduced(&self, at: u32, insn: Insn, known: Known) -> Insn {
        self.reduce(at, &insn, known).unwrap_or(insn)
    }

    fn reduce(&self, at: u32, insn: &Insn, known: Known) -> Option<Insn> {
        let Insn::Branch {
            width: Width::W64,
            cond,
            dst,
            src: Operand::Imm(imm),
            target,
        } = *insn
        else {
            return None;
        };
        let (base, added) = self.sum(at, dst)?;
        if !known.of(base).is_zero {
            return None;
        }
        Some(Insn::Branch {
            width: Width::W32,
            cond: unsigned(cond),
            dst: base,
            src: Operand::Imm(limit(cond, added, imm)? as i32),
            target,
        })
    }

    /// Whether what the instruction swaps has no more than 16 bits.
    pub(super) fn is_half(&self, at: u32, insn: &Insn) -> bool {
        let Insn::Swap {
            dst: swapped,
            size: Size::H,
            ..
        } = *insn
        else {
            return false;
        };
        matches!(
            self.before(at, class::LDX),
            Some(Insn::Load {
                dst,
                size: Size::B | Size::H,
                signed: false,
                ..
            }) if dst == swapped
        )
    }
}

/// What a word is to be compared with as a number without a sign, in the place of its sum with a constant with
/// another one. None if no word can be.
pub(crate) fn limit(cond: Cond, added: i32, imm: i32) -> Option<u32> {
    match cond {
        // From -2^31 to less than 2^33: that has a sign, but does not overflow.
        Cond::Eq | Cond::Ne | Cond::Slt | Cond::Sle | Cond::Sgt | Cond::Sge => {}
        // Not below zero on either side.
        Cond::Lt | Cond::Le | Cond::Gt | Cond::Ge if added >= 0 && imm >= 0 => {}
        _ => return None,
    }
    let limit = i64::from(imm).checked_sub(i64::from(added))?;
    u32::try_from(limit).ok()
}
