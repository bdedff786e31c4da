// SPDX-License-Identifier: GPL-2.0

//! A block under construction.

use super::branch::{Fixup, Goal, Label, Target};
use super::sink::{Fault, Sink};
use super::slot::{close_gap, FIXED};
use crate::jit::error::{Error, Result};
use crate::jit::mips::table::Effects;
use crate::jit::mips::{Cpu, Insn, RegMask};
use crate::jit::work::{count, Step};

/// The most instructions a block can have. The longest lowering, a 64-bit compare-and-exchange
/// that saves every caller-saved register, has fewer.
const CAPACITY: usize = 48;

/// The most labels a block can have.
const LABELS: usize = 8;

/// The most branches a block can have.
const FIXUPS: usize = 12;

/// The most instructions of a block that may find no memory.
const GUARDED: usize = 2;

/// The instructions that one BPF instruction becomes.
#[derive(Debug)]
pub(crate) struct Block {
    insns: [Insn; CAPACITY],
    len: usize,
    /// Behind the last instruction that stays where it is.
    pub(super) movable: usize,
    labels: [Option<u8>; LABELS],
    label_count: usize,
    fixups: [Option<Fixup>; FIXUPS],
    fixup_count: usize,
    guarded: [Option<(u8, Label)>; GUARDED],
    guarded_count: usize,
    /// The CPU that the instructions are for.
    pub(super) cpu: Cpu,
    /// Where a jump out of this block goes.
    pub(super) target: Target,
    /// The label of the far jump that an earlier branch of this block shares.
    pub(super) taken: Option<Label>,
    /// Something was emitted with a slot that may be filled.
    pub(super) has_empty_slot: bool,
    /// Something was emitted that has an address in the image.
    pub(super) is_bound: bool,
    /// Registers that something was copied to.
    pub(super) copied: RegMask,
    faulty: bool,
}

impl Block {
    /// An empty block.
    pub(crate) const fn new() -> Self {
        Block {
            insns: [Insn::NOP; CAPACITY],
            len: 0,
            movable: 0,
            labels: [None; LABELS],
            label_count: 0,
            fixups: [None; FIXUPS],
            fixup_count: 0,
            guarded: [None; GUARDED],
            guarded_count: 0,
            cpu: Cpu::LEAST,
            target: Target::NONE,
            taken: None,
            has_empty_slot: false,
            is_bound: false,
            copied: RegMask::EMPTY,
            faulty: false,
        }
    }

    /// Empties the block and sets what it is for, and where jumps out of it go.
    pub(crate) fn start(&mut self, cpu: &Cpu, target: Target) {
        count(Step::Block);
        self.len = 0;
        self.movable = 0;
        self.label_count = 0;
        self.fixup_count = 0;
        self.guarded_count = 0;
        self.cpu = *cpu;
        self.target = target;
        self.taken = None;
        self.has_empty_slot = false;
        self.is_bound = false;
        self.copied = RegMask::EMPTY;
        self.faulty = false;
    }

    /// Appends an instruction.
    ///
    /// Never inlined: it is what lowerings consist of.
    #[inline(never)]
    pub(crate) fn push(&mut self, insn: Insn) {
        count(Step::Push);
        let traits = insn.op().traits();
        match self.insns.get_mut(self.len) {
            Some(place) if self.cpu.has(traits) => {
                *place = insn;
                self.len = self.len.wrapping_add(1);
                if traits.effects.intersects(FIXED) {
                    // The slot of a branch belongs to it.
                    let slot = usize::from(traits.effects.intersects(Effects::BRANCHES));
                    self.movable = self.len.wrapping_add(slot);
                }
            }
            _ => self.faulty = true,
        }
    }

    /// Appends a load or store that may find no memory: what follows the label is next then.
    ///
    /// It must not stand in a delay slot, since the processor says where the branch is.
    pub(crate) fn push_guarded(&mut self, insn: Insn, resume: Label) {
        let at = self.position();
        match self.guarded.get_mut(self.guarded_count) {
            Some(place) => {
                *place = Some((at, resume));
                self.guarded_count = self.guarded_count.wrapping_add(1);
            }
            None => self.faulty = true,
        }
        self.push(insn);
    }

    /// The instructions so far.
    pub(crate) fn insns(&self) -> &[Insn] {
        self.insns.get(..self.len).unwrap_or(&[])
    }

    /// The registers that they write.
    pub(crate) fn writes(&self) -> RegMask {
        let mut written = RegMask::EMPTY;
        for insn in self.insns() {
            written = written.union(insn.writes());
        }
        written
    }

    /// The index of the next instruction.
    pub(super) fn position(&self) -> u8 {
        // No more than CAPACITY.
        self.len as u8
    }

    /// A new label, not yet bound.
    pub(crate) fn label(&mut self) -> Label {
        let label = Label(self.label_count as u8);
        match self.labels.get_mut(self.label_count) {
            Some(place) => {
                *place = None;
                self.label_count = self.label_count.wrapping_add(1);
            }
            None => self.faulty = true,
        }
        label
    }

    /// Binds a label to the next instruction. A label is bound once.
    pub(crate) fn bind(&mut self, label: Label) {
        let position = self.position();
        match self.labels.get_mut(usize::from(label.0)) {
            Some(place @ None) => *place = Some(position),
            _ => self.faulty = true,
        }
    }

    /// Remembers that the next instruction is a branch to `goal`.
    pub(super) fn fix(&mut self, goal: Goal) {
        let at = self.position();
        match self.fixups.get_mut(self.fixup_count) {
            Some(place) => {
                *place = Some(Fixup { at, goal });
                self.fixup_count = self.fixup_count.wrapping_add(1);
            }
            None => self.faulty = true,
        }
    }

    /// Resolves the block's branches and hands its words to the sink.
    ///
    /// # Errors
    ///
    /// `Internal`, in the name of instruction `at`: the block overflowed, a label is unbound, a
    /// near target is out of reach, the CPU lacks an instruction, or the sink is full.
    pub(crate) fn flush(&mut self, sink: &mut Sink<'_>, at: u32) -> Result {
        if self.len == 0 && self.label_count == 0 && !self.faulty {
            return Ok(());
        }
        self.resolve(sink)
            .and_then(|()| self.tell_faults(sink))
            .and_then(|()| sink.extend(self.insns()))
            .ok_or(Error::Internal { at })?;
        sink.is_bound |= self.is_bound;
        self.show(sink);
        Ok(())
    }

    /// Fills the slot of the block's first branch, if it is empty, with an instruction from above. If that
    /// is in front of the block, says where in the image it was: it is one shorter from there on.
    ///
    /// # Errors
    ///
    /// `Internal`, in the name of instruction `at`, if the image has no such instruction.
    pub(crate) fn fill_slot_from(&mut self, sink: &mut Sink<'_>, at: u32) -> Result<Option<u32>> {
        match self.fill_slot(&sink.window) {
            Some(index) => match sink.take_out(index) {
                None => Err(Error::Internal { at }),
                position => Ok(position),
            },
            None => Ok(None),
        }
    }

    /// Whether it is entered at its begin only, and nothing in it may go on elsewhere.
    pub(super) fn is_straight(&self) -> bool {
        self.label_count == 0 && self.guarded_count == 0
    }

    /// Where labels are bound.
    pub(super) fn bound_labels(&self) -> impl Iterator<Item = usize> + '_ {
        let labels = self.labels.get(..self.label_count).unwrap_or(&[]);
        labels.iter().flatten().map(|&label| usize::from(label))
    }

    /// Which instructions may find no memory.
    pub(super) fn guarded_insns(&self) -> impl Iterator<Item = usize> + '_ {
        let guarded = self.guarded.get(..self.guarded_count).unwrap_or(&[]);
        guarded.iter().flatten().map(|&(at, _)| usize::from(at))
    }

    /// Replaces an instruction.
    pub(super) fn set(&mut self, at: usize, insn: Insn) {
        match self.insns.get_mut(at) {
            Some(place) => *place = insn,
            None => self.faulty = true,
        }
    }

    /// Takes out an instruction. What is behind it comes one to the front.
    pub(super) fn take_out(&mut self, index: usize) {
        if let Some(insns) = self.insns.get_mut(..self.len) {
            close_gap(insns, index);
        }
        self.len = self.len.saturating_sub(1);
        if self.movable > index {
            self.movable = self.movable.wrapping_sub(1);
        }
        let move_up = |at: &mut u8| {
            if usize::from(*at) > index {
                *at = at.wrapping_sub(1);
            }
        };
        let labels = self.labels.iter_mut().take(self.label_count);
        labels.flatten().for_each(move_up);
        let fixups = self.fixups.iter_mut().take(self.fixup_count);
        fixups.flatten().for_each(|fixup| move_up(&mut fixup.at));
        let guarded = self.guarded.iter_mut().take(self.guarded_count);
        guarded.flatten().for_each(|(at, _)| move_up(at));
    }

    fn tell_faults(&self, sink: &mut Sink<'_>) -> Option<()> {
        for &(at, label) in self.guarded.get(..self.guarded_count)?.iter().flatten() {
            let resume = self.labels.get(usize::from(label.0)).copied()??;
            let fault = Fault {
                at: sink.len().checked_add(u32::from(at))?,
                resume: sink.len().checked_add(u32::from(resume))?,
            };
            sink.push_fault(fault)?;
        }
        Some(())
    }

    fn resolve(&mut self, sink: &Sink<'_>) -> Option<()> {
        if self.faulty {
            return None;
        }
        for fixup in self.fixups.get(..self.fixup_count)?.iter().flatten() {
            let at = u32::from(fixup.at);
            let (from, to) = match fixup.goal {
                Goal::Local(label) => {
                    let to = self.labels.get(usize::from(label.0)).copied()??;
                    (at, u32::from(to))
                }
                Goal::Target if sink.is_writing() => {
                    (sink.len().checked_add(at)?, self.target.position)
                }
                // While measuring, a target's position may still be unknown.
                Goal::Target => {
                    let place = self.insns.get_mut(usize::from(fixup.at))?;
                    *place = place.without_target();
                    continue;
                }
            };
            let place = self.insns.get_mut(usize::from(fixup.at))?;
            *place = place.with_target(from, to)?;
        }
        Some(())
    }
}
