// SPDX-License-Identifier: GPL-2.0

//! A block under construction, and where its words go.

use super::branch::{Fixup, Goal, Label, Target};
use super::slot::{close_gap, Window};
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Cpu, Insn};
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

/// An instruction of an image that may find no memory, and where to go on if it does not: an entry of
/// the program's exception table. Both in words from the start of the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) at: u32,
    pub(crate) resume: u32,
}

/// Where finished words and faults go: counted, and stored where there is memory for them.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    words: Option<&'a mut [u32]>,
    len: u32,
    faults: &'a mut [Fault],
    fault_count: u32,
    /// What may still move into a slot.
    window: Window,
}

impl<'a> Sink<'a> {
    /// Only counts: the measuring pass.
    pub(crate) fn measuring() -> Self {
        Sink {
            words: None,
            len: 0,
            faults: &mut [],
            fault_count: 0,
            window: Window::EMPTY,
        }
    }

    /// Stores: the writing pass.
    pub(crate) fn writing(words: &'a mut [u32]) -> Self {
        Sink {
            words: Some(words),
            ..Sink::measuring()
        }
    }

    /// The same, with room for faults.
    pub(crate) fn with_faults(self, faults: &'a mut [Fault]) -> Self {
        Sink { faults, ..self }
    }

    /// How many words have come so far.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// How many faults have come so far.
    pub(crate) fn fault_count(&self) -> u32 {
        self.fault_count
    }

    fn push_fault(&mut self, fault: Fault) -> Option<()> {
        if self.is_writing() {
            let at = usize::try_from(self.fault_count).ok()?;
            *self.faults.get_mut(at)? = fault;
        }
        self.fault_count = self.fault_count.checked_add(1)?;
        Some(())
    }

    fn push(&mut self, word: u32) -> Option<()> {
        count(Step::Word);
        if let Some(words) = &mut self.words {
            let at = usize::try_from(self.len).ok()?;
            *words.get_mut(at)? = word;
        }
        self.len = self.len.checked_add(1)?;
        Some(())
    }

    /// What came so far stays where it is: what comes next is entered from elsewhere, too.
    pub(crate) fn settle(&mut self) {
        self.window = Window::EMPTY;
    }

    /// Takes an instruction of the window out of the image. Says where it was.
    fn take_out(&mut self, index: usize) -> Option<u32> {
        let behind = u32::try_from(self.window.remove(index)?).ok()?;
        self.len = self.len.checked_sub(1)?;
        let position = self.len.checked_sub(behind)?;
        if let Some(words) = &mut self.words {
            let end = usize::try_from(self.len).ok()?;
            close_gap(words.get_mut(..=end)?, usize::try_from(position).ok()?);
        }
        Some(position)
    }

    /// Whether words are stored.
    pub(crate) fn is_writing(&self) -> bool {
        self.words.is_some()
    }
}

/// The instructions that one BPF instruction becomes.
#[derive(Debug)]
pub(crate) struct Block {
    insns: [Insn; CAPACITY],
    len: usize,
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
    faulty: bool,
}

impl Block {
    /// An empty block.
    pub(crate) const fn new() -> Self {
        Block {
            insns: [Insn::NOP; CAPACITY],
            len: 0,
            labels: [None; LABELS],
            label_count: 0,
            fixups: [None; FIXUPS],
            fixup_count: 0,
            guarded: [None; GUARDED],
            guarded_count: 0,
            cpu: Cpu::LEAST,
            target: Target::NONE,
            taken: None,
            faulty: false,
        }
    }

    /// Empties the block and sets what it is for, and where jumps out of it go.
    pub(crate) fn start(&mut self, cpu: &Cpu, target: Target) {
        count(Step::Block);
        self.len = 0;
        self.label_count = 0;
        self.fixup_count = 0;
        self.guarded_count = 0;
        self.cpu = *cpu;
        self.target = target;
        self.taken = None;
        self.faulty = false;
    }

    /// Appends an instruction.
    pub(crate) fn push(&mut self, insn: Insn) {
        count(Step::Push);
        match self.insns.get_mut(self.len) {
            Some(place) => {
                *place = insn;
                self.len = self.len.wrapping_add(1);
            }
            None => self.faulty = true,
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
        self.resolve(sink)
            .and_then(|()| self.tell_faults(sink))
            .and_then(|()| {
                self.insns().iter().try_for_each(|insn| {
                    if !self.cpu.has(insn.op().row()) {
                        return None;
                    }
                    sink.push(insn.word())
                })
            })
            .ok_or(Error::Internal { at })?;
        self.extend(&mut sink.window);
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
        close_gap(&mut self.insns, index);
        self.len = self.len.saturating_sub(1);
        let move_up = |at: &mut u8| {
            if usize::from(*at) > index {
                *at = at.wrapping_sub(1);
            }
        };
        self.labels.iter_mut().flatten().for_each(move_up);
        for fixup in self.fixups.iter_mut().flatten() {
            move_up(&mut fixup.at);
        }
        for (at, _) in self.guarded.iter_mut().flatten() {
            move_up(at);
        }
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
                Goal::Target => continue,
            };
            let place = self.insns.get_mut(usize::from(fixup.at))?;
            *place = place.with_target(from, to)?;
        }
        Some(())
    }
}
