// SPDX-License-Identifier: GPL-2.0

//! Where everything goes: branch forms, offsets, and the two passes that make an image.
//!
//! A branch reaches 128 KiB either way; beyond, a jump goes through a register. Most programs are
//! so short that every branch is near, and one measuring pass finds that out. Of the others, a jump over many
//! instructions is far, and one over few is near: one pass more, which finds out whether they are that near.
//! Should they not be:
//!
//! 1. Measure with every jump far. No block gets longer than that.
//! 2. A jump is near if its distance in *that* layout is in reach, else far.
//! 3. Measure again with the forms chosen.
//!
//! It ends because nothing is repeated. It is right because distances only shrink from step 1 to
//! step 3: each block is at most as long as its far form, so what was in reach stays in reach. The
//! price is that a jump whose distance lies between the two layouts is far without need.
//!
//! The measuring pass and the writing pass are the same code. If they ever disagree, or a near
//! target is out of reach after all, the answer is [`Error::Internal`] and no image. Of the first two kinds of
//! programs the words of the measuring pass are kept, and there is nothing left to do but to tell jumps where they
//! go: `layout/draft.rs`.

mod draft;
mod program;
mod reach;
mod saved;
mod slot;

use crate::jit::abi::{Abi, Frame, Shape};
use crate::jit::analysis::{Fact, Facts, Usage, Words};
use crate::jit::asm::{Block, Fault, Form, Sink, Target, WINDOW};
use crate::jit::bpf::{decode, Insn, Reg};
use crate::jit::error::{Error, Result};
use crate::jit::lower::{Lowering, Place, Setting};
use crate::jit::mips::{Cpu, Disp26, RegMask};
use crate::jit::runtime::Runtime;
// Whoever lends memory asks: the kernel, and the host.
#[allow(unused_imports)]
pub(crate) use draft::draft_len;
use draft::Draft;
pub(crate) use program::Program;
use program::{arena_of, check_subprograms, context_of, unsupported};
use reach::{is_in_reach, FEW};

/// Memory that the caller lends for the time of a compilation.
#[derive(Debug)]
pub(crate) struct Workspace<'a> {
    /// One more than the program has slots.
    pub(crate) offsets: &'a mut [u32],
    /// As many as the program has slots, or none to do without the analyses.
    pub(crate) facts: &'a mut [Fact],
    /// For a draft of the image. Where it is too short, as none is, the program is lowered once more.
    pub(crate) draft: &'a mut [u32],
    pub(crate) block: &'a mut Block,
}

/// Set in an offset: the jump of this instruction is far.
const FAR: u32 = 1 << 31;

/// Set in an offset: something jumps to this instruction.
const ENTERED: u32 = 1 << 30;

/// What else an offset has: a position in the image, in words.
const POSITION: u32 = !(FAR | ENTERED);

/// The most words an image can have: a far jump of Release 6 reaches from one end to the other, and
/// offsets in bytes fit.
const MAX_WORDS: u32 = Disp26::REACH;

/// Which forms jumps take in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Forms {
    All(Form),
    /// By how many instructions are in between.
    Guessed,
    Chosen,
}

/// A compilation under way.
#[derive(Debug)]
pub(crate) struct Compiler<'a, A> {
    program: &'a Program<'a>,
    len: u32,
    usage: Usage,
    facts: Facts<'a>,
    setting: Setting<'a, A>,
    shape: Shape,
    /// Registers that instructions have written results to, as far as they have been measured.
    written: RegMask,
    offsets: &'a mut [u32],
    draft: Draft<'a>,
    /// Those that have been measured.
    forms: Forms,
    block: &'a mut Block,
    fault_count: u32,
}

impl<'a, A: Abi> Compiler<'a, A> {
    /// Validates and analyses a program.
    ///
    /// # Errors
    ///
    /// What decoding says of the program; `TooLong`; `NoMemory` if the workspace is too small.
    ///
    /// Never inlined: what it has on the stack is not there while the program is lowered.
    #[inline(never)]
    pub(crate) fn new(
        program: &'a Program<'a>,
        cpu: &'a Cpu,
        runtime: &'a Runtime,
        workspace: Workspace<'a>,
    ) -> Result<Self> {
        let (dialect, insns) = (program.dialect, program.insns);
        let rules = program.rules(A::WIDTH);
        if workspace.offsets.len().checked_sub(1) != Some(insns.len()) {
            return Err(Error::NoMemory);
        }
        let (usage, facts) = Facts::gather(dialect, insns, &rules, workspace.facts)?;
        let arena = arena_of(program, &usage)?;
        check_subprograms(program, &usage)?;
        let shape = Shape {
            role: program.role,
            linkage: program.linkage,
            context: context_of(program, &usage, facts.wanted(Reg::R1, 0)),
            written: saved::expected::<A>(cpu.endian, &facts),
            stack_depth: program.stack_depth,
            arena,
            reaches_tail_calls: program.reaches_tail_calls,
            is_boundary: program.is_boundary,
            private_stack: program.private_stack,
            processors: runtime.processors,
        };
        let frame = Frame::new(cpu.endian, &usage, &shape)?;
        Ok(Compiler {
            program,
            // No more than 31 bits, as Facts::gather has found.
            len: insns.len() as u32,
            usage,
            facts,
            setting: Setting {
                cpu,
                runtime,
                frame,
                zero_extends: !program.verifier_zext,
                arena,
                functions: program.functions,
            },
            shape,
            written: RegMask::EMPTY,
            offsets: workspace.offsets,
            draft: Draft::new(workspace.draft),
            forms: Forms::All(Form::Near),
            block: workspace.block,
            fault_count: 0,
        })
    }

    /// Finds the form of every jump and the length of the image, in words.
    ///
    /// # Errors
    ///
    /// `TooLong` if the image would be larger than an image can be.
    pub(crate) fn measure(&mut self) -> Result<u32> {
        self.offsets.fill(0);
        if self.program.fills_slots || self.program.forwards_copies {
            self.find_entered()?;
        }
        let words = match self.measure_at_once(Forms::All(Form::Near))? {
            Some(words) => Some(words),
            None if self.len > FEW => self.measure_at_once(Forms::Guessed)?,
            None => None,
        };
        let words = match words {
            Some(words) => words,
            None => {
                self.pass(&mut Sink::measuring(), Forms::All(Form::Far), 0)?;
                self.save_what_is_written()?;
                self.choose_forms()?;
                self.forms = Forms::Chosen;
                self.pass(&mut Sink::measuring(), Forms::Chosen, 0)?
            }
        };
        if words > MAX_WORDS {
            return Err(Error::TooLong);
        }
        Ok(words)
    }

    /// How many faults the image has: known when it is measured.
    pub(crate) fn fault_count(&self) -> u32 {
        self.fault_count
    }

    /// Writes the image that will stand at `address`; `words` is as long as [`Compiler::measure`]
    /// said, and `faults` as long as [`Compiler::fault_count`] said. Faults come in the order of what
    /// may fault, as an exception table must have them.
    ///
    /// # Errors
    ///
    /// `Internal` if the two passes disagree.
    pub(crate) fn write(
        &mut self,
        words: &mut [u32],
        faults: &mut [Fault],
        address: u32,
    ) -> Result {
        if self.draft.is_whole() {
            return self.write_draft(words, faults, address);
        }
        let lengths = (words.len(), faults.len());
        let mut sink = Sink::writing(words).with_faults(faults);
        let written = self.pass(&mut sink, self.forms, address)?;
        if (written as usize, self.fault_count as usize) != lengths {
            return Err(Error::Internal { at: self.len });
        }
        Ok(())
    }

    /// Words of the image before the entry for C code.
    pub(crate) fn entry(&self) -> u32 {
        self.setting.frame.entry()
    }

    /// Where each instruction begins, in bytes from the entry for C code, as
    /// `bpf_prog_fill_jited_linfo()` takes it; the last entry is where the epilogue begins.
    pub(crate) fn into_byte_offsets(self) -> &'a mut [u32] {
        let entry = self.entry();
        for offset in self.offsets.iter_mut() {
            *offset = (*offset & POSITION).wrapping_sub(entry).wrapping_mul(4);
        }
        self.offsets
    }

    /// One pass over the program; returns the length of the image in words.
    fn pass(&mut self, sink: &mut Sink<'_>, forms: Forms, image: u32) -> Result<u32> {
        self.prologue(sink)?;
        let mut at = 0;
        while at < self.len {
            self.locate(at, sink)?;
            let decoded = decode(&self.program.dialect, self.program.insns, at);
            // Not copied.
            let mut insn = decoded.as_ref().map_err(|&error| error)?;
            let next = at.wrapping_add(insn.slots());
            self.start(self.target(insn, at, forms, image));
            self.check_function(insn, at)?;
            let code = (&self.program.dialect, self.program.insns);
            let reduced = self.facts.reduced(code, at, insn);
            let mut place = self.place(insn, at, next);
            if let Some((other, is_half)) = &reduced {
                insn = other;
                place.is_half = *is_half;
            }
            Lowering::new(self.block, &self.setting, place).lower(insn, at)?;
            self.note_written(insn);
            self.forward_copies(sink, at)?;
            self.fill_slot(sink, at)?;
            self.fill_slot_in_front(sink, at)?;
            self.finish(Some(()), sink, at)?;
            self.open_slot(sink, insn);
            if insn.slots() == 2 {
                self.locate(at.wrapping_add(1), sink)?;
            }
            if forms == Forms::All(Form::Near) && self.is_too_long(at, sink.len()) {
                return Ok(u32::MAX);
            }
            at = next;
        }
        self.locate(self.len, sink)?;
        self.epilogue(sink)?;
        self.fault_count = sink.fault_count();
        Ok(sink.len())
    }

    fn prologue(&mut self, sink: &mut Sink<'_>) -> Result {
        self.start(Target::NONE);
        let prologue = self.setting.frame.prologue(self.block);
        self.finish(prologue, sink, 0)?;
        // Entries, and what unwinding looks for.
        sink.settle();
        Ok(())
    }

    fn epilogue(&mut self, sink: &mut Sink<'_>) -> Result {
        self.start(Target::NONE);
        let epilogue = self.setting.frame.epilogue(self.block);
        self.fill_slot(sink, self.len)?;
        sink.settle();
        self.finish(epilogue, sink, self.len)
    }

    /// What holds for the instruction at `at`, behind which `next` begins.
    fn place(&self, insn: &Insn, at: u32, next: u32) -> Place {
        let before = self.facts.before(at);
        let used = self.usage.registers;
        let wanted = |reg| self.facts.wanted(reg, next);
        Place {
            kept: self.facts.live_across(at, next).intersection(used),
            passed: before.defined.intersection(used),
            is_last: next >= self.len,
            known: before.known,
            wanted: insn.writes().map_or(Words::BOTH, wanted),
            distance: before.distance,
            is_half: false,
        }
    }

    /// Refuses a call of a function that is not in the list, or takes arguments that nothing passes.
    fn check_function(&self, insn: &Insn, at: u32) -> Result {
        let Insn::CallFunction { slot } = *insn else {
            return Ok(());
        };
        let passed = self.usage.stack_arguments.passed;
        match self.setting.function(slot) {
            Some(function) if function.stack_arguments() <= passed => Ok(()),
            _ => Err(unsupported(self.program, at)),
        }
    }

    fn start(&mut self, target: Target) {
        self.block.start(self.setting.cpu, target);
    }

    fn finish(&mut self, emitted: Option<()>, sink: &mut Sink<'_>, at: u32) -> Result {
        emitted.ok_or(Error::Internal { at })?;
        self.block.flush(sink, at)
    }

    /// Notes where an instruction begins, or checks that it begins where it was measured to: one that is
    /// not jumped to may begin later than it will when words in front of it have moved or are left out.
    fn locate(&mut self, at: u32, sink: &mut Sink<'_>) -> Result {
        let place = self.offset_mut(at)?;
        let (begins, is_entered) = (*place & POSITION, *place & ENTERED != 0);
        if !sink.is_writing() {
            *place = (*place & !POSITION) | (sink.len() & POSITION);
        } else if begins != sink.len()
            && (is_entered || sink.len().wrapping_sub(begins) > WINDOW as u32)
        {
            return Err(Error::Internal { at });
        }
        if is_entered || self.usage.jumps_indirectly {
            sink.settle();
        }
        Ok(())
    }

    fn offset_mut(&mut self, at: u32) -> Result<&mut u32> {
        let index = usize::try_from(at).ok();
        let place = index.and_then(|index| self.offsets.get_mut(index));
        place.ok_or(Error::Internal { at })
    }

    fn offset(&self, at: u32) -> u32 {
        usize::try_from(at)
            .ok()
            .and_then(|at| self.offsets.get(at))
            .copied()
            .unwrap_or_default()
    }
}
