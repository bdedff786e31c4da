// SPDX-License-Identifier: GPL-2.0

//! What each instruction reads, word by word: what the lowerings in `lower/pair/` read.

use super::{Demand, Words};
use crate::jit::analysis::{Before, Comparison};
use crate::jit::bpf::{AluOp, AtomicOp, Insn, Mem, Operand, Reg, RegSet, Size, Width};

/// What an instruction reads to give the words that are wanted of its result. Words that stay as they
/// are count as read.
pub(super) fn reads(insn: &Insn, wanted: Words, before: &Before) -> Demand {
    if !before.analyses.demand {
        return Demand::NOTHING.with_all(insn.reads());
    }
    let reading = Reading { wanted, before };
    match *insn {
        Insn::Load { mem, .. } | Insn::LoadAcquire { mem, .. } => reading.base(mem),
        Insn::Store { mem, size, src } => {
            let demand = reading.base(mem);
            demand.union(reading.stored(src, size == Size::Dw))
        }
        Insn::StoreRelease { mem, size, src } => {
            let stored = reading.stored(Operand::Reg(src), size == Size::Dw);
            reading.base(mem).union(stored)
        }
        Insn::StoreArgument { src, .. } => reading.stored(src, true),
        Insn::Atomic {
            op,
            width,
            mem,
            src,
        } => reading.atomic(op, width, mem, src),
        Insn::Branch {
            width,
            cond,
            dst,
            src,
            ..
        } => {
            let comparison = Comparison::new(width, cond, dst, src, before.known);
            reading.compared(comparison, dst, src)
        }
        ref insn if insn.is_call() => reading.arguments(insn),
        // The next program finds all of R1 where this one has it.
        Insn::TailCall => Demand::NOTHING
            .with_all(RegSet::of(Reg::R1))
            .with_low(Reg::R2)
            .with_low(Reg::R3),
        Insn::Exit => before.returned,
        ref insn => reading.operands(insn),
    }
}

/// What an instruction reads.
struct Reading<'a> {
    /// Of its result.
    wanted: Words,
    before: &'a Before,
}

impl Reading<'_> {
    fn is_zero(&self, reg: Reg) -> bool {
        self.before.known.of(reg).is_zero
    }

    /// The low word of an operand.
    fn low(&self, operand: Operand) -> Demand {
        match operand {
            Operand::Reg(reg) => Demand::NOTHING.with_low(reg),
            Operand::Imm(_) => Demand::NOTHING,
        }
    }

    /// The low word of an operand, and the high one unless `$zero` stands for it.
    fn both(&self, operand: Operand) -> Demand {
        match operand {
            Operand::Reg(reg) if !self.is_zero(reg) => Demand::NOTHING.with_all(RegSet::of(reg)),
            operand => self.low(operand),
        }
    }

    /// A word that is zero-extended where it is: a high word that is zero stays.
    fn truncated(&self, dst: Reg, low: bool) -> Demand {
        let high = self.wanted.high && self.is_zero(dst);
        Demand::NOTHING.with(dst, Words { low, high })
    }

    /// `(u32) dst op (u32) src`
    fn word(&self, dst: Reg, src: Operand) -> Demand {
        self.truncated(dst, true).union(self.low(src))
    }

    /// `dst = (u32) src`
    fn word_of(&self, dst: Reg, src: Operand) -> Demand {
        match src {
            Operand::Reg(src) if src == dst => self.truncated(dst, true),
            src => self.low(src),
        }
    }

    /// `dst op src`, where the low words matter to the high word of the result.
    fn sum(&self, dst: Reg, src: Operand) -> Demand {
        match self.wanted.high {
            true => self.both(Operand::Reg(dst)).union(self.both(src)),
            false => self.low(Operand::Reg(dst)).union(self.low(src)),
        }
    }

    /// The words of the result are those of the operand.
    fn kept(&self, dst: Reg) -> Demand {
        Demand::NOTHING.with(dst, self.wanted)
    }

    /// What is read to compute something.
    fn operands(&self, insn: &Insn) -> Demand {
        match *insn {
            Insn::Alu {
                width: Width::W32,
                dst,
                src,
                ..
            } => self.word(dst, src),
            Insn::Alu { op, dst, src, .. } => self.alu64(op, dst, src),
            Insn::Neg { width, dst } => match width {
                Width::W32 => self.word(dst, Operand::Reg(dst)),
                Width::W64 => self.sum(dst, Operand::Imm(0)),
            },
            Insn::Mov { width, dst, src } => match (width, src) {
                (Width::W32, src) => self.word_of(dst, src),
                (Width::W64, Operand::Reg(src)) if src != dst => {
                    let high = self.wanted.high && !self.is_zero(src);
                    let low = self.wanted.low;
                    Demand::NOTHING.with(src, Words { low, high })
                }
                (Width::W64, Operand::Reg(_)) => self.kept(dst),
                (Width::W64, Operand::Imm(_)) => Demand::NOTHING,
            },
            Insn::MovSx {
                width: Width::W32,
                dst,
                src,
                ..
            } => self.word_of(dst, Operand::Reg(src)),
            Insn::MovSx { src, .. } | Insn::ThisCpu { src, .. } => Demand::NOTHING.with_low(src),
            Insn::ZeroExtend { dst } => self.truncated(dst, self.wanted.low),
            Insn::Swap { dst, size, .. } if size != Size::Dw => self.truncated(dst, true),
            ref insn => Demand::NOTHING.with_all(insn.reads()),
        }
    }

    fn alu64(&self, op: AluOp, dst: Reg, src: Operand) -> Demand {
        if self.before.distance.is_some() {
            return Demand::NOTHING;
        }
        match (op, src) {
            (AluOp::Add | AluOp::Sub, Operand::Imm(0)) | (AluOp::Mul, Operand::Imm(1)) => {
                self.kept(dst)
            }
            (AluOp::Add | AluOp::Sub | AluOp::Mul, _) => self.sum(dst, src),
            (AluOp::And | AluOp::Or | AluOp::Xor, _) => self.logic(op, dst, src),
            (AluOp::Lsh | AluOp::Rsh | AluOp::Arsh, Operand::Imm(imm)) => {
                self.shift(op, dst, imm as u32 & 63)
            }
            (AluOp::Lsh, src) => {
                let high = self.wanted.high;
                let demand = Demand::NOTHING.with(dst, Words { low: true, high });
                demand.union(self.low(src))
            }
            (AluOp::Rsh | AluOp::Arsh, src) => {
                let high = self.wanted.high || !self.is_zero(dst);
                let demand = Demand::NOTHING.with(dst, Words { low: true, high });
                demand.union(self.low(src))
            }
            // What calls a function passes all of both.
            (AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod, Operand::Reg(src)) => {
                Demand::NOTHING.with_all(RegSet::of(dst).with(src))
            }
            (AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod, Operand::Imm(_)) => {
                Demand::NOTHING.with_all(RegSet::of(dst))
            }
        }
    }

    /// Words do not matter to each other. What is zero makes a conjunction zero, and lets anything else
    /// be as the other operand.
    fn logic(&self, op: AluOp, dst: Reg, src: Operand) -> Demand {
        let mut demand = Demand::NOTHING;
        if self.wanted.low {
            demand = demand.with_low(dst).union(self.low(src));
        }
        if !self.wanted.high {
            return demand;
        }
        let stays = demand.with_high(dst);
        match (op, src) {
            (AluOp::And, _) if self.is_zero(dst) => stays,
            (AluOp::And, src) if self.before.known.of_operand(src).is_zero => demand,
            // All ones, whatever it was.
            (AluOp::Or, Operand::Imm(imm)) if imm < 0 => demand,
            (AluOp::Xor, Operand::Imm(imm)) if imm < 0 && self.is_zero(dst) => demand,
            (_, Operand::Imm(_)) => stays,
            (AluOp::And, Operand::Reg(src)) => stays.with_high(src),
            (_, Operand::Reg(src)) if self.is_zero(src) => stays,
            (_, Operand::Reg(src)) if self.is_zero(dst) => demand.with_high(src),
            (_, Operand::Reg(src)) => stays.with_high(src),
        }
    }

    fn shift(&self, op: AluOp, dst: Reg, amount: u32) -> Demand {
        let Words { low, high } = self.wanted;
        let known = self.before.known.of(dst);
        let is_signed = op == AluOp::Arsh && known.is_sign;
        let needs = |low: bool, high: bool| Demand::NOTHING.with(dst, Words { low, high });
        match (op, amount) {
            (_, 0) => self.kept(dst),
            (AluOp::Lsh, ..=31) => needs(true, high && !known.is_zero),
            (AluOp::Lsh, _) => needs(high, false),
            // The high word stays if it is zero or a sign.
            (_, ..=31) => needs(low, high || low && !known.is_zero && !is_signed),
            (AluOp::Rsh, _) => {
                let stays = high && known.is_zero;
                needs(false, stays || low && !known.is_zero)
            }
            _ => {
                let comes_down = low && !known.is_zero && !is_signed;
                let is_sign_of_low = low && !known.is_zero && is_signed;
                needs(is_sign_of_low, high || comes_down)
            }
        }
    }

    fn base(&self, mem: Mem) -> Demand {
        match self.before.distance {
            Some(_) => Demand::NOTHING,
            None => Demand::NOTHING.with_low(mem.base),
        }
    }

    fn stored(&self, src: Operand, is_doubleword: bool) -> Demand {
        match is_doubleword {
            true => self.both(src),
            false => self.low(src),
        }
    }

    fn atomic(&self, op: AtomicOp, width: Width, mem: Mem, src: Reg) -> Demand {
        let mut operands = RegSet::of(src);
        if op == AtomicOp::Cmpxchg {
            operands = operands.with(Reg::R0);
        }
        let base = Demand::NOTHING.with_low(mem.base);
        match width {
            Width::W64 => base.with_all(operands),
            Width::W32 => Demand {
                low: base.low.union(operands),
                ..base
            },
        }
    }

    fn compared(&self, comparison: Comparison, dst: Reg, src: Operand) -> Demand {
        match comparison {
            Comparison::Nothing => Demand::NOTHING,
            Comparison::Low(_) => self.low(Operand::Reg(dst)).union(self.low(src)),
            Comparison::Sign => Demand::NOTHING.with_high(dst),
            Comparison::Whole => self.both(Operand::Reg(dst)).union(self.both(src)),
        }
    }

    /// What is passed: words that somebody takes. A helper takes the last three on the stack, where `$zero` is
    /// stored as any other.
    fn arguments(&self, insn: &Insn) -> Demand {
        let passed = self.before.defined.intersection(insn.reads());
        let Insn::Call { signature, .. } = *insn else {
            return Demand::NOTHING.with_all(passed);
        };
        let on_stack = RegSet::of(Reg::R3).with(Reg::R4).with(Reg::R5);
        let mut demand = Demand::NOTHING;
        for reg in passed.iter() {
            let is_placed = on_stack.contains(reg) && self.is_zero(reg);
            let words = Words {
                low: signature.low().contains(reg),
                high: signature.high().contains(reg) && !is_placed,
            };
            demand = demand.with(reg, words);
        }
        demand
    }
}
