// SPDX-License-Identifier: GPL-2.0

//! What is known of the high words of registers, forward.
//!
//! Two facts, each true on every path or not known: the word is zero; it is the sign of the low word.
//! Both together say that the value is positive and fits 31 bits. [`Known::after`] says what an
//! instruction makes of them; anything that is not in its tables leaves a register of which nothing is
//! known, so that a new instruction is right before it is good. `make prove` proves each entry: that
//! what is claimed behind an instruction follows from what was known before and what it means.

use super::distance::Distance;
use crate::jit::bpf::{AluOp, Inline, Insn, Operand, Outcome, Reg, RegSet, Size, Width};

/// What is known of one high word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct High {
    pub(crate) is_zero: bool,
    pub(crate) is_sign: bool,
}

impl High {
    pub(crate) const UNKNOWN: High = High {
        is_zero: false,
        is_sign: false,
    };
    pub(crate) const ZERO: High = High {
        is_zero: true,
        is_sign: false,
    };
    pub(crate) const SIGN: High = High {
        is_zero: false,
        is_sign: true,
    };
    /// The value is less than 2^31.
    pub(crate) const SMALL: High = High {
        is_zero: true,
        is_sign: true,
    };

    /// That of a constant.
    pub(crate) const fn of(value: u64) -> High {
        High {
            is_zero: value == value as u32 as u64,
            is_sign: value == value as i32 as i64 as u64,
        }
    }

    const fn is_small(self) -> bool {
        self.is_zero && self.is_sign
    }

    /// Known of both.
    const fn both(self, other: High) -> High {
        High {
            is_zero: self.is_zero && other.is_zero,
            is_sign: self.is_sign && other.is_sign,
        }
    }
}

/// What is known of the high words of all registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    zero: RegSet,
    sign: RegSet,
}

impl Known {
    /// Nothing at all: how code is made without this analysis.
    pub(crate) const UNKNOWN: Known = Known {
        zero: RegSet::EMPTY,
        sign: RegSet::EMPTY,
    };
    /// No more than is true everywhere: R10 is an address.
    pub(crate) const LEAST: Known = Known {
        zero: RegSet::of(Reg::R10),
        sign: RegSet::EMPTY,
    };
    /// Anything, of a place that no path has come to yet.
    pub(crate) const UNREACHED: Known = Known {
        zero: RegSet::ALL,
        sign: RegSet::ALL,
    };

    pub(crate) fn of(self, reg: Reg) -> High {
        High {
            is_zero: self.zero.contains(reg),
            is_sign: self.sign.contains(reg),
        }
    }

    /// The same but for one register.
    pub(crate) fn with(self, reg: Reg, high: High) -> Known {
        let set = |set: RegSet, is_in| match is_in {
            true => set.with(reg),
            false => set.without(reg),
        };
        Known {
            zero: set(self.zero, high.is_zero),
            sign: set(self.sign, high.is_sign),
        }
    }

    /// What holds on either of two paths.
    pub(crate) fn meet(self, other: Known) -> Known {
        Known {
            zero: self.zero.intersection(other.zero),
            sign: self.sign.intersection(other.sign),
        }
    }

    /// What is known of an operand.
    pub(crate) fn of_operand(self, operand: Operand) -> High {
        match operand {
            Operand::Reg(reg) => self.of(reg),
            Operand::Imm(imm) => High::of(i64::from(imm) as u64),
        }
    }

    /// What is known behind an instruction. The sum of a register and a constant may be at a distance
    /// from R10.
    pub(crate) fn after(
        self,
        insn: &Insn,
        distance: Option<Distance>,
        zero_extends: bool,
    ) -> Known {
        self.behind(insn, insn.outcome(), (distance, zero_extends))
    }

    /// The same, if it is known what the instruction does to registers.
    pub(super) fn behind(
        self,
        insn: &Insn,
        outcome: Outcome,
        (distance, zero_extends): (Option<Distance>, bool),
    ) -> Known {
        let mut known = self;
        if outcome.is_call {
            let lost = RegSet::ARGUMENTS.with(Reg::Ax);
            known.zero = known.zero.minus(lost);
            known.sign = known.sign.minus(lost);
        }
        match outcome.writes {
            Some(reg) => known.with(reg, self.result(insn, distance, zero_extends)),
            None => known,
        }
    }

    /// What is known of what the instruction writes.
    fn result(self, insn: &Insn, distance: Option<Distance>, zero_extends: bool) -> High {
        match self.is_small_result(insn) {
            Some(_) if !zero_extends => return High::UNKNOWN,
            Some(true) => return High::SMALL,
            Some(false) => return High::ZERO,
            None => {}
        }
        match *insn {
            Insn::Alu { .. } if distance.is_some() => High::ZERO,
            Insn::Alu { op, dst, src, .. } => alu64(op, self.of(dst), self.of_operand(src), src),
            Insn::Neg { dst, .. } if self.of(dst).is_small() => High::SIGN,
            Insn::Mov { src, .. } => self.of_operand(src),
            Insn::MovSx { .. } => High::SIGN,
            Insn::ZeroExtend { dst } => High {
                is_zero: true,
                is_sign: self.of(dst).is_small(),
            },
            Insn::ThisCpu { .. } => High::ZERO,
            Insn::LoadImm64 { value, .. } => High::of(value),
            Insn::Load { signed: true, .. } => High::SIGN,
            Insn::Call { signature, .. } => High {
                is_zero: signature.gives_word(),
                is_sign: signature.gives_int(),
            },
            Insn::CallInline { helper } => match helper {
                Inline::CurrentTask => High::SIGN,
                Inline::ProcessorId | Inline::CurrentTaskBtf => High::ZERO,
            },
            _ => High::UNKNOWN,
        }
    }

    /// If the result is one of 32 bits, whether it is less than 2^31: what is above, it is for others to
    /// say, if the verifier marks the places that need a zero there.
    fn is_small_result(self, insn: &Insn) -> Option<bool> {
        Some(match *insn {
            Insn::Alu {
                width: Width::W32,
                op,
                dst,
                src,
            } => self.is_small_word(op, dst, src),
            Insn::Mov {
                width: Width::W32,
                src,
                ..
            } => self.of_operand(src).is_small(),
            Insn::Neg {
                width: Width::W32, ..
            }
            | Insn::MovSx {
                width: Width::W32, ..
            }
            | Insn::Atomic {
                width: Width::W32, ..
            } => false,
            Insn::Swap { size, .. } if size != Size::Dw => size == Size::H,
            Insn::Load {
                size,
                signed: false,
                ..
            }
            | Insn::LoadAcquire { size, .. }
                if size != Size::Dw =>
            {
                size != Size::W
            }
            _ => return None,
        })
    }

    /// Whether the word that a 32-bit operation gives is less than 2^31.
    fn is_small_word(self, op: AluOp, dst: Reg, src: Operand) -> bool {
        let is_small = self.of(dst).is_small();
        match (op, src) {
            (AluOp::And, src) => is_small || self.of_operand(src).is_small(),
            (AluOp::Rsh, Operand::Imm(imm)) => is_small || imm & 31 != 0,
            (AluOp::Or | AluOp::Xor, src) => is_small && self.of_operand(src).is_small(),
            (AluOp::Rsh | AluOp::Arsh, _) => is_small,
            _ => false,
        }
    }
}

/// What is known of `a op b`, of 64 bits.
fn alu64(op: AluOp, a: High, b: High, operand: Operand) -> High {
    let (is_zero, is_small) = (a.is_zero, a.is_small());
    let no_more = High {
        is_zero,
        is_sign: is_small,
    };
    match (op, operand) {
        // Between -2^31 and 2^32.
        (AluOp::Add, Operand::Imm(imm)) if is_small && imm < 0 => High::SIGN,
        (AluOp::Add, _) if is_small && b.is_small() => High::ZERO,
        (AluOp::Sub, _) if is_small && b.is_small() => High::SIGN,
        (AluOp::And, _) => {
            let is_small = is_small || b.is_small();
            High {
                is_zero: is_zero || b.is_zero,
                is_sign: is_small || a.is_sign && b.is_sign,
            }
        }
        (AluOp::Or | AluOp::Xor, _) => a.both(b),
        (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, Operand::Imm(imm)) => {
            shifted(op, a, imm as u32 & 63)
        }
        // By any amount: no more than before.
        (AluOp::Rsh, _) => no_more,
        (AluOp::Arsh, _) => a,
        _ => High::UNKNOWN,
    }
}

/// What is known of a value shifted by a constant.
fn shifted(op: AluOp, a: High, amount: u32) -> High {
    match (op, amount) {
        (_, 0) => a,
        (AluOp::Lsh, _) => High::UNKNOWN,
        (AluOp::Rsh, 33..) => High::SMALL,
        (AluOp::Rsh, 32) => High {
            is_zero: true,
            is_sign: a.is_zero,
        },
        // What was below bit 32 is below bit 31.
        _ if a.is_zero => High::SMALL,
        (AluOp::Arsh, 32..) => High::SIGN,
        (AluOp::Arsh, _) => a,
        _ => High::UNKNOWN,
    }
}
