// SPDX-License-Identifier: GPL-2.0

//! Registers that point below R10, forward, in straight code.
//!
//! A program that passes the address of something on its stack copies R10 and subtracts from it. Both
//! are one instruction of MIPS, if it is known that the register has R10 in it; and what is in the stack
//! below R10 has an address, so that the difference borrows nothing from the high word.
//!
//! Nothing is remembered at labels, so that this takes no memory but what [`Mark`] has for each
//! instruction: the distance of the register that it computes with.

use crate::jit::bpf::{Access, AluOp, Insn, Mem, Operand, Outcome, Reg, Size, Width};
use crate::jit::mips::Simm16;

/// How many bytes a register is below R10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Distance(u16);

impl Distance {
    /// The farthest: all of a BPF stack (`MAX_BPF_STACK`). R10 is no lower.
    pub(crate) const MAX: u16 = 512;

    /// The register is R10 plus this.
    pub(crate) fn new(offset: i32) -> Option<Distance> {
        let below = u16::try_from(offset.checked_neg()?).ok()?;
        (below <= Distance::MAX).then_some(Distance(below))
    }

    /// What to add to R10.
    pub(crate) fn offset(self) -> i32 {
        i32::from(self.0).wrapping_neg()
    }

    /// That of the register plus this.
    fn plus(self, imm: i32) -> Option<Distance> {
        Distance::new(self.offset().checked_add(imm)?)
    }
}

/// What is noted of an instruction: a distance, and who jumps there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u16);

/// Some instruction jumps here.
const LABEL: u16 = 1 << 14;

/// One further on jumps here.
const HEAD: u16 = 1 << 15;

/// What is known here has changed since a sweep came by.
const NEWS: u16 = 1 << 13;

/// The bits that say how far, and what they are if nobody knows.
const DISTANCE: u16 = NEWS - 1;

impl Mark {
    pub(super) const NONE: Mark = Mark(DISTANCE);

    pub(super) fn distance(self) -> Option<Distance> {
        match self.0 & DISTANCE {
            DISTANCE => None,
            below => Some(Distance(below)),
        }
    }

    pub(super) fn with_distance(self, distance: Option<Distance>) -> Mark {
        let below = distance.map_or(DISTANCE, |distance| distance.0);
        Mark((self.0 & !DISTANCE) | (below & DISTANCE))
    }

    pub(super) fn is_label(self) -> bool {
        self.0 & LABEL != 0
    }

    pub(super) fn is_head(self) -> bool {
        self.0 & HEAD != 0
    }

    pub(super) fn has_news(self) -> bool {
        self.0 & NEWS != 0
    }

    pub(super) fn with_news(self, has_news: bool) -> Mark {
        let news = if has_news { NEWS } else { 0 };
        Mark((self.0 & !NEWS) | news)
    }

    /// The target of a jump from behind, or from before.
    pub(super) fn labelled(self, is_head: bool) -> Mark {
        let head = if is_head { HEAD } else { 0 };
        Mark(self.0 | LABEL | head)
    }
}

/// Where a store or load at an offset from a register is from R10, if that reaches: all of it.
pub(crate) fn reach_through(distance: Distance, offset: i16, size: Size) -> Option<i16> {
    let at = distance.offset().checked_add(i32::from(offset))?;
    let last = at.checked_add(i32::try_from(size.bytes()).ok()?)?;
    Simm16::new(last)?;
    i16::try_from(at).ok()
}

/// The distances of all registers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Distances {
    /// R0 to R9, and AX last.
    below: [Option<Distance>; 12],
}

impl Distances {
    pub(super) const NONE: Distances = Distances { below: [None; 12] };

    fn of(&self, reg: Reg) -> Option<Distance> {
        match reg {
            Reg::R10 => Distance::new(0),
            reg => self.below.get(reg as usize).copied().flatten(),
        }
    }

    /// The distance that matters to an instruction: of what it copies or computes from R10, its result;
    /// of what it accesses, the base.
    pub(super) fn for_insn(&self, insn: &Insn) -> Option<Distance> {
        match *insn {
            // Of no use where there is nothing to do.
            Insn::Alu {
                src: Operand::Imm(0),
                ..
            } => None,
            Insn::Alu {
                width: Width::W64, ..
            } => self.result(insn),
            Insn::Load { mem, size, .. } | Insn::Store { mem, size, .. } => self.of_base(mem, size),
            _ => None,
        }
    }

    fn of_base(&self, mem: Mem, size: Size) -> Option<Distance> {
        if mem.access != Access::Proved || mem.base == Reg::R10 {
            return None;
        }
        let distance = self.of(mem.base)?;
        reach_through(distance, mem.offset, size)?;
        Some(distance)
    }

    fn result(&self, insn: &Insn) -> Option<Distance> {
        match *insn {
            Insn::Mov {
                width: Width::W64,
                src: Operand::Reg(src),
                ..
            } => self.of(src),
            Insn::Alu {
                width: Width::W64,
                op: op @ (AluOp::Add | AluOp::Sub),
                dst,
                src: Operand::Imm(imm),
            } => {
                let imm = match op {
                    AluOp::Sub => imm.checked_neg()?,
                    _ => imm,
                };
                self.of(dst)?.plus(imm)
            }
            _ => None,
        }
    }

    /// Behind an instruction.
    pub(super) fn step(&mut self, insn: &Insn, outcome: Outcome) {
        if outcome.is_call {
            *self = Distances {
                below: self.below_calls(),
            };
        }
        let place = outcome.writes.map(|reg| reg as usize);
        if let Some(place) = place.filter(|&place| place < self.below.len()) {
            let result = self.result(insn);
            if let Some(place) = self.below.get_mut(place) {
                *place = result;
            }
        }
    }

    /// What a call leaves: R6 to R9.
    fn below_calls(&self) -> [Option<Distance>; 12] {
        let mut below = [None; 12];
        for reg in [Reg::R6, Reg::R7, Reg::R8, Reg::R9] {
            if let Some(place) = below.get_mut(reg as usize) {
                *place = self.of(reg);
            }
        }
        below
    }
}
