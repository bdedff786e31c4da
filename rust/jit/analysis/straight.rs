// SPDX-License-Identifier: GPL-2.0

//! What the instructions right before one say of it, if it is entered from them only, and what the next one does.
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
//!
//! Where there were no operations on words yet, this is how bits are extended:
//!
//! ```text
//! r2 <<= 56            nothing
//! r2 s>>= 56           r2 = (s8) r2
//! ```

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
                | Insn::Alu {
                    width: Width::W64,
                    op: AluOp::Lsh | AluOp::Rsh | AluOp::Arsh,
                    src: Operand::Imm(32..=63),
                    ..
                }
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

    /// The instruction, or one that does the same with less: a conditional jump that has less to look at, and what
    /// two shifts, there and back, come to.
    pub(super) fn reduced(&self, at: u32, insn: Insn, known: Known) -> Insn {
        let reduced = match insn {
            Insn::Branch { .. } => self.reduce_jump(at, &insn, known),
            _ => self.reduce_shift(at, &insn),
        };
        reduced.unwrap_or(insn)
    }

    /// The first of two shifts is nothing if the second extends what has not been shifted.
    fn reduce_shift(&self, at: u32, insn: &Insn) -> Option<Insn> {
        let (op, dst, amount) = shift(insn)?;
        if op != AluOp::Lsh {
            let first = shift(&self.before(at, class::ALU64)?)?;
            return extension(first, (op, dst, amount));
        }
        let next = at.checked_add(1)?;
        if self.is_label(next) {
            return None;
        }
        let second = decode(self.dialect, self.program, next).ok()?;
        extension((op, dst, amount), shift(&second)?)?;
        Some(Insn::Mov {
            width: Width::W64,
            dst,
            src: Operand::Reg(dst),
        })
    }

    fn reduce_jump(&self, at: u32, insn: &Insn, known: Known) -> Option<Insn> {
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

/// A shift of 64 bits by at least a word: how, of what, and how far.
fn shift(insn: &Insn) -> Option<(AluOp, Reg, i32)> {
    match *insn {
        Insn::Alu {
            width: Width::W64,
            op: op @ (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh),
            dst,
            src: Operand::Imm(amount @ 32..=63),
        } => Some((op, dst, amount)),
        _ => None,
    }
}

/// What two shifts come to that leave the lowest bits where they are, if one instruction does that.
pub(crate) fn extension(
    (first, shifted, left): (AluOp, Reg, i32),
    (op, dst, right): (AluOp, Reg, i32),
) -> Option<Insn> {
    if first != AluOp::Lsh || (shifted, left) != (dst, right) {
        return None;
    }
    let from = match (op, right) {
        (AluOp::Rsh, 32) => return Some(Insn::ZeroExtend { dst }),
        (AluOp::Rsh, 33..=63) => {
            let mask = u64::MAX.wrapping_shr(right as u32) as i32;
            return Some(Insn::Alu {
                width: Width::W64,
                op: AluOp::And,
                dst,
                src: Operand::Imm(mask),
            });
        }
        (AluOp::Arsh, 32) => Size::W,
        (AluOp::Arsh, 48) => Size::H,
        (AluOp::Arsh, 56) => Size::B,
        _ => return None,
    };
    Some(Insn::MovSx {
        width: Width::W64,
        dst,
        src: dst,
        from,
    })
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
