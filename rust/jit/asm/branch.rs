// SPDX-License-Identifier: GPL-2.0

//! Control transfers: labels, targets, delay slots, near and far forms, calls.

use super::Block;
use crate::jit::mips::{Disp16, Disp26, Insn, Reg, Simm16, Uimm16};

/// A place in the block under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label(pub(super) u8);

/// How a jump to another BPF instruction is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A branch: 16 bits of displacement in words, 128 KiB either way.
    Near,
    /// Anywhere: through a register, or since Release 6 by a branch of 26 bits.
    Far,
}

/// The place outside the block that its jumps go to: another BPF instruction, or the epilogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) form: Form,
    /// In words from the start of the image. Used by the writing pass only: before, it may not be
    /// known.
    pub(crate) position: u32,
    /// Address of the image, for far jumps.
    pub(crate) image: u32,
}

impl Target {
    /// For a block that jumps nowhere else.
    pub(crate) const NONE: Target = Target {
        form: Form::Near,
        position: 0,
        image: 0,
    };

    pub(super) fn address(&self) -> u32 {
        self.image.wrapping_add(self.position.wrapping_mul(4))
    }
}

/// What stands in a branch's delay slot. It is executed whether or not the branch is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Nop,
    Fill(Insn),
}

/// The conditions that MIPS branches test. Each has an inverse, which far jumps need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BranchCond {
    Eq(Reg, Reg),
    Ne(Reg, Reg),
    Lez(Reg),
    Gtz(Reg),
    Ltz(Reg),
    Gez(Reg),
}

impl BranchCond {
    /// Not equal to zero.
    pub(crate) const fn nonzero(reg: Reg) -> Self {
        BranchCond::Ne(reg, Reg::ZERO)
    }

    /// Equal to zero.
    pub(crate) const fn zero(reg: Reg) -> Self {
        BranchCond::Eq(reg, Reg::ZERO)
    }

    /// The condition that holds exactly when this one does not.
    pub(crate) const fn inverse(self) -> Self {
        match self {
            BranchCond::Eq(a, b) => BranchCond::Ne(a, b),
            BranchCond::Ne(a, b) => BranchCond::Eq(a, b),
            BranchCond::Lez(a) => BranchCond::Gtz(a),
            BranchCond::Gtz(a) => BranchCond::Lez(a),
            BranchCond::Ltz(a) => BranchCond::Gez(a),
            BranchCond::Gez(a) => BranchCond::Ltz(a),
        }
    }

    fn insn(self) -> Insn {
        match self {
            BranchCond::Eq(a, b) => Insn::beq(a, b, Disp16::ZERO),
            BranchCond::Ne(a, b) => Insn::bne(a, b, Disp16::ZERO),
            BranchCond::Lez(a) => Insn::blez(a, Disp16::ZERO),
            BranchCond::Gtz(a) => Insn::bgtz(a, Disp16::ZERO),
            BranchCond::Ltz(a) => Insn::bltz(a, Disp16::ZERO),
            BranchCond::Gez(a) => Insn::bgez(a, Disp16::ZERO),
        }
    }
}

/// What a branch goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Local(Label),
    Target,
}

/// A branch whose displacement is filled in when the block is finished.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixup {
    pub(super) at: u8,
    pub(super) goal: Goal,
}

/// The register a far jump goes through.
const FAR: Reg = Reg::T9;

/// Lets a jump through a register go to an address, if these words are one.
pub(super) fn aim_far(words: &mut [u32; 3], address: u32) {
    let load = |address: u32| {
        let high = Insn::lui(FAR, Uimm16::high_half(address));
        let low = Insn::ori(FAR, FAR, Uimm16::low_half(address));
        [high.word(), low.word()]
    };
    let upper = |word: u32| word.wrapping_shr(16);
    let [high, low, jump] = words;
    let [any_high, any_low] = load(0);
    if upper(*high) == upper(any_high)
        && upper(*low) == upper(any_low)
        && *jump == Insn::jr(FAR).word()
    {
        [*high, *low] = load(address);
    }
}

impl Block {
    /// Branches to a label of this block.
    pub(crate) fn branch(&mut self, cond: BranchCond, label: Label, slot: Slot) {
        self.branch_to(cond, Goal::Local(label), slot);
    }

    /// Goes to a label of this block.
    pub(crate) fn skip_to(&mut self, label: Label, slot: Slot) {
        self.branch(BranchCond::zero(Reg::ZERO), label, slot);
    }

    /// Jumps to the block's target if the condition holds; more of the block follows, and ends
    /// with [`Block::jump_if`].
    pub(crate) fn jump_if_early(&mut self, cond: BranchCond, slot: Slot) {
        match self.target.form {
            Form::Near => self.branch_to(cond, Goal::Target, slot),
            Form::Far => {
                let taken = match self.taken {
                    Some(label) => label,
                    None => self.label(),
                };
                self.taken = Some(taken);
                self.branch(cond, taken, slot);
            }
        }
    }

    /// Jumps to the block's target if the condition holds.
    pub(crate) fn jump_if(&mut self, cond: BranchCond, slot: Slot) {
        match self.target.form {
            Form::Near => self.branch_to(cond, Goal::Target, slot),
            Form::Far => {
                let stay = self.label();
                self.branch(cond.inverse(), stay, slot);
                if let Some(taken) = self.taken.take() {
                    self.bind(taken);
                }
                self.far_jump();
                self.bind(stay);
            }
        }
    }

    /// Jumps to the block's target.
    pub(crate) fn jump(&mut self) {
        match self.target.form {
            Form::Near if !self.cpu.release.is_r6() => {
                self.branch_to(BranchCond::zero(Reg::ZERO), Goal::Target, Slot::Nop);
            }
            _ => self.far_jump(),
        }
    }

    /// Jumps to the address in a register.
    pub(crate) fn jump_reg(&mut self, reg: Reg, slot: Slot) {
        match slot {
            Slot::Nop if self.cpu.release.is_r6() => self.push(Insn::jic(reg, Simm16::ZERO)),
            _ if self.cpu.release.is_r6() => {
                self.push(Insn::jalr(Reg::ZERO, reg));
                self.slot(slot);
            }
            _ => {
                self.push(Insn::jr(reg));
                self.slot(slot);
            }
        }
    }

    /// Calls a function through `$t9`, which what fills the slot does not touch. Where the jump can
    /// add the low half of the address, it has no slot, and the filler comes before it.
    pub(crate) fn call(&mut self, address: u32, slot: Slot) {
        if self.cpu.release.is_r6() {
            return self.call_fixed(address, slot);
        }
        self.load_word(Reg::T9, address);
        self.push(Insn::jalr(Reg::RA, Reg::T9));
        self.slot(slot);
    }

    /// The same, always as long, whatever the address is.
    pub(crate) fn call_fixed(&mut self, address: u32, slot: Slot) {
        if self.cpu.release.is_r6() {
            let low = Simm16::low_half(address);
            let rest = address.wrapping_sub(low.value() as u32);
            self.lui(Reg::T9, Uimm16::high_half(rest));
            if let Slot::Fill(insn) = slot {
                self.push(insn);
            }
            self.push(Insn::jialc(Reg::T9, low));
            return;
        }
        self.load_word_fixed(Reg::T9, address);
        self.push(Insn::jalr(Reg::RA, Reg::T9));
        self.slot(slot);
    }

    /// Calls a function anywhere in 64 bits of address space, as [`Block::call`] does.
    pub(crate) fn call_far(&mut self, address: u64, slot: Slot) {
        let low = address as u32;
        if address == i64::from(low as i32) as u64 {
            return self.call(low, slot);
        }
        self.load_doubleword(Reg::T9, address);
        self.push(Insn::jalr(Reg::RA, Reg::T9));
        self.slot(slot);
    }

    /// A single instruction where there is one that reaches every word of an image.
    ///
    /// Else always two instructions to load the address, so that the measuring pass, which does not
    /// know it, counts the same as the writing pass.
    fn far_jump(&mut self) {
        if self.cpu.release.is_r6() {
            self.fix(Goal::Target);
            return self.push(Insn::bc(Disp26::ZERO));
        }
        self.load_target();
        self.jump_reg(FAR, Slot::Nop);
    }

    fn load_target(&mut self) {
        let address = self.target.address();
        self.load_word_fixed(FAR, address);
    }

    /// Goes on at the block's target, which follows, and lets nothing there begin before all that is
    /// in front has been done.
    ///
    /// `sync` has loads behind it wait for stores before it. For branches that are not decided yet
    /// there is no instruction with that name; but a jump with a hazard barrier is one that MIPS's
    /// designs do not speculate past. Release 1 has none (`Documentation/spectre.rst`).
    pub(crate) fn stop_speculation(&mut self) {
        self.sync();
        if self.cpu.has_r2() {
            self.is_bound = true;
            self.load_target();
            self.push(Insn::jalr_hb(Reg::ZERO, FAR));
            self.slot(Slot::Nop);
        }
    }

    fn branch_to(&mut self, cond: BranchCond, goal: Goal, slot: Slot) {
        self.fix(goal);
        self.push(cond.insn());
        self.slot(slot);
    }

    fn slot(&mut self, slot: Slot) {
        match slot {
            Slot::Nop => {
                self.has_empty_slot = true;
                self.push(Insn::NOP);
            }
            Slot::Fill(insn) => self.push(insn),
        }
    }
}
