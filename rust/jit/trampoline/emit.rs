// SPDX-License-Identifier: GPL-2.0

//! What all trampolines have in common: the order of things.

use super::convention::{Convention, Places, TEMPORARY};
use super::layout::{offset, Layout, DOUBLEWORD, REGISTERS};
use super::{Description, Node, Outcome, Skip, Target};
use crate::jit::abi::frame::argument;
use crate::jit::abi::ArgumentPlace;
use crate::jit::asm::{Block, Sink, Slot, Target as Jump};
use crate::jit::bpf;
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Cpu, Endian, Insn, Reg, Simm16};

/// `BPF_TRAMP_COOKIE_INDEX_SHIFT` and `BPF_TRAMP_IS_RETURN_SHIFT` (`include/linux/bpf.h`): beside the
/// number of arguments there is how far below the context the session's cookie is, and whether this is
/// its second run.
const COOKIE_SHIFT: u32 = 8;
const IS_RETURN: u64 = 1 << 63;

/// BPF registers of arguments.
const ARGUMENTS: [bpf::Reg; 5] = [
    bpf::Reg::R1,
    bpf::Reg::R2,
    bpf::Reg::R3,
    bpf::Reg::R4,
    bpf::Reg::R5,
];

/// Where a program's function goes on behind a trampoline, at its entry.
pub(crate) const OWN_RETURN: Reg = Reg::AT;

/// What happens to arguments that are in no BPF register.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Move {
    /// From where the function has been passed them, to the context.
    Save,
    /// To where it finds them when the trampoline calls it.
    Pass,
    /// To where they came from, as far as programs may have changed that.
    TakeBack,
}

/// A doubleword of the frame, or of what is around it, by distances from sp.
fn copy<A: Convention>(asm: &mut Block, from: u32, to: u32) -> Option<()> {
    let mut at = 0u32;
    while at < DOUBLEWORD {
        let (from, to) = (from.checked_add(at)?, to.checked_add(at)?);
        asm.push(A::load(TEMPORARY, offset(from)?, Reg::SP));
        asm.push(A::store(TEMPORARY, offset(to)?, Reg::SP));
        at = at.wrapping_add(A::REGISTER);
    }
    Some(())
}

/// Emits one trampoline.
pub(crate) struct Emitter<'a, A> {
    cpu: &'a Cpu,
    description: &'a Description<'a>,
    layout: Layout,
    block: &'a mut Block,
    skips: &'a mut [Skip],
    skip_count: usize,
    at_once: Skip,
    convention: core::marker::PhantomData<A>,
}

impl<'a, A: Convention> Emitter<'a, A> {
    /// Prepares to emit it. `skips` takes one for each program, those before the function first.
    ///
    /// # Errors
    ///
    /// As [`Layout::new`] has them.
    pub(crate) fn new(
        cpu: &'a Cpu,
        description: &'a Description<'a>,
        block: &'a mut Block,
        skips: &'a mut [Skip],
    ) -> Result<Self> {
        Ok(Emitter {
            cpu,
            description,
            layout: Layout::new::<A>(description)?,
            block,
            skips,
            skip_count: 0,
            at_once: Skip::default(),
            convention: core::marker::PhantomData,
        })
    }

    /// How many words it has.
    ///
    /// # Errors
    ///
    /// `Unsupported` if a value cannot be passed on.
    pub(crate) fn measure(&mut self) -> Result<u32> {
        let mut sink = Sink::measuring();
        self.emit(&mut sink)?;
        Ok(sink.len())
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// `Internal` if it is not as long as it has been measured.
    pub(crate) fn write(&mut self, words: &mut [u32]) -> Result {
        let len = words.len();
        let mut sink = Sink::writing(words);
        self.emit(&mut sink)?;
        if sink.len() as usize != len {
            return Err(Error::Internal { at: 0 });
        }
        Ok(())
    }

    /// Where all programs behind the function can be patched out at once; known when it is written.
    pub(crate) fn at_once(&self) -> Skip {
        self.at_once
    }

    fn emit(&mut self, sink: &mut Sink<'_>) -> Result {
        self.skip_count = 0;
        self.enter(sink)?;
        self.save_arguments(sink)?;
        self.prepare(sink)?;
        self.run_all(sink, self.description.entries, 0)?;
        if let Outcome::Call(held) = self.description.outcome {
            self.call_function(sink)?;
            self.at_once.at = sink.len();
            if self.description.leaves_at_once {
                // A branch executes what is behind it.
                self.part(sink, |asm, _| {
                    asm.push(Insn::NOP);
                    asm.push(Insn::NOP);
                    Some(())
                })?;
            }
            self.run_all(sink, self.description.exits, self.is_return())?;
            self.at_once.behind = sink.len();
            self.call_with_image(sink, held.exit, held.image)?;
        }
        self.leave(sink)
    }

    /// One part, into an empty block.
    fn part(
        &mut self,
        sink: &mut Sink<'_>,
        emit: impl FnOnce(&mut Block, &Layout) -> Option<()>,
    ) -> Result {
        self.block.start(self.cpu, Jump::NONE);
        emit(self.block, &self.layout).ok_or(Error::Unsupported { at: 0, opcode: 0 })?;
        self.block.flush(sink, 0)
    }

    fn is_attached(&self) -> bool {
        self.description.target != Target::Callback
    }

    fn enter(&mut self, sink: &mut Sink<'_>) -> Result {
        let is_attached = self.is_attached();
        self.part(sink, |asm, layout| {
            let down = Simm16::new(offset(layout.size)?.value().checked_neg()?)?;
            asm.push(A::add(Reg::SP, Reg::SP, down));
            asm.push(A::store(Reg::RA, offset(layout.caller_return)?, Reg::SP));
            if is_attached {
                asm.push(A::store(OWN_RETURN, offset(layout.own_return)?, Reg::SP));
                A::keep_tail_calls(asm, layout.tail_calls)?;
            }
            Some(())
        })
    }

    fn save_arguments(&mut self, sink: &mut Sink<'_>) -> Result {
        let endian = self.cpu.endian;
        if self.is_attached() {
            self.each_register(sink, A::save)?;
            return self.each_other(sink, Move::Save);
        }
        let mut slot = 0u32;
        let mut places = Places {
            next: 0,
            size: self.layout.size,
        };
        for &value in self.description.arguments {
            self.part(sink, |asm, layout| {
                let at = layout.slot(slot)?;
                A::save_argument(asm, endian, &mut places, value, at)
            })?;
            slot = slot.wrapping_add(u32::from(value.bytes).div_ceil(DOUBLEWORD));
        }
        Ok(())
    }

    /// Saves the function's registers, or loads them back.
    fn each_register(
        &mut self,
        sink: &mut Sink<'_>,
        act: fn(&mut Block, Endian, bpf::Reg, u32) -> Option<()>,
    ) -> Result {
        let endian = self.cpu.endian;
        self.part(sink, |asm, layout| {
            for (index, reg) in (0..layout.registers).zip(ARGUMENTS) {
                act(asm, endian, reg, layout.register(index)?)?;
            }
            Some(())
        })
    }

    /// Moves the function's arguments that are in no BPF register.
    fn each_other(&mut self, sink: &mut Sink<'_>, what: Move) -> Result {
        if !self.is_attached() {
            return Ok(());
        }
        let mut index = REGISTERS;
        while index < self.layout.slots {
            self.part(sink, |asm, layout| {
                let slot = layout.slot(index)?;
                match (argument::place::<A>(index.checked_sub(REGISTERS)?)?, what) {
                    (ArgumentPlace::Register(reg), Move::Save) => {
                        asm.push(A::store(reg, offset(slot)?, Reg::SP));
                    }
                    (ArgumentPlace::Register(reg), _) => {
                        asm.push(A::load(reg, offset(slot)?, Reg::SP));
                    }
                    (ArgumentPlace::Stack(at), Move::Save) => {
                        copy::<A>(asm, layout.size.checked_add(at)?, slot)?;
                    }
                    (ArgumentPlace::Stack(at), Move::Pass) => copy::<A>(asm, slot, at)?,
                    // It is still there.
                    (ArgumentPlace::Stack(_), Move::TakeBack) => {}
                }
                Some(())
            })?;
            index = index.wrapping_add(1);
        }
        Ok(())
    }

    /// What the context has besides arguments. A result is 0 until there is one.
    fn prepare(&mut self, sink: &mut Sink<'_>) -> Result {
        let (endian, description) = (self.cpu.endian, self.description);
        self.part(sink, |asm, layout| {
            A::store_constant(asm, endian, layout.count, layout.slots.into())?;
            if let Some(function) = description.function {
                A::store_constant(asm, endian, layout.function, function)?;
            }
            if description.has_sessions || description.outcome == Outcome::Return {
                A::store_constant(asm, endian, layout.result, 0)?;
            }
            Some(())
        })?;
        let mut at = self.layout.cookies;
        while at < self.layout.function {
            self.part(sink, |asm, _| A::store_constant(asm, endian, at, 0))?;
            at = at.wrapping_add(DOUBLEWORD);
        }
        match description.outcome {
            Outcome::Call(held) => self.call_with_image(sink, held.enter, held.image),
            _ => Ok(()),
        }
    }

    fn call_with_image(&mut self, sink: &mut Sink<'_>, function: u64, image: u64) -> Result {
        self.part(sink, |asm, _| {
            A::load_pointer_fixed(asm, Reg::A0, image);
            asm.call_far(function, Slot::Nop);
            Some(())
        })
    }

    /// What the context says of the second run of a session.
    fn is_return(&self) -> u64 {
        match self.description.has_sessions {
            true => IS_RETURN,
            false => 0,
        }
    }

    fn run_all(&mut self, sink: &mut Sink<'_>, nodes: &[Node], said: u64) -> Result {
        let endian = self.cpu.endian;
        let count = u64::from(self.layout.slots) | said;
        if said != 0 {
            self.part(sink, |asm, layout| {
                A::store_constant(asm, endian, layout.count, count)
            })?;
        }
        let mut session = 0u32;
        for node in nodes {
            if node.has_session_cookie {
                self.part(sink, |asm, layout| {
                    let distance = u64::from(layout.cookie_distance(session)?);
                    let said = count | distance.wrapping_shl(COOKIE_SHIFT);
                    A::store_constant(asm, endian, layout.count, said)
                })?;
                session = session.wrapping_add(1);
            }
            self.run(sink, node)?;
        }
        Ok(())
    }

    /// Runs a program, unless its `enter` says that it is not to run.
    fn run(&mut self, sink: &mut Sink<'_>, node: &Node) -> Result {
        let at = sink.len();
        let (endian, description) = (self.cpu.endian, self.description);
        self.part(sink, |asm, layout| {
            let run_context = offset(layout.run_context)?;
            asm.push(Insn::NOP);
            // First, as it must be harmless where the program is patched out.
            A::load_pointer(asm, Reg::A0, node.program);
            let cookie = layout
                .run_context
                .checked_add(description.run_context.cookie)?;
            A::store_constant(asm, endian, cookie, node.cookie)?;
            asm.push(A::store(Reg::A0, offset(layout.program)?, Reg::SP));
            let pass = Slot::Fill(A::add(Reg::A1, Reg::SP, run_context));
            asm.call_far(node.enter, pass);
            Some(())
        })?;
        self.part(sink, |asm, layout| {
            let none = asm.label();
            let context = A::add(Reg::A0, Reg::SP, offset(layout.arguments)?);
            A::keep_start(asm, layout.start, none, context)?;
            if node.insns != 0 {
                A::load_pointer(asm, Reg::A1, node.insns);
            }
            asm.call_far(node.function, Slot::Nop);
            if description.outcome == Outcome::Return && description.result.bytes != 0 {
                // The interpreter returns a word, code that is compiled for this all of R0.
                let is_word = node.insns != 0;
                A::save_result(asm, endian, is_word, description.result, layout.result)?;
            }
            asm.bind(none);
            asm.push(A::load(Reg::A0, offset(layout.program)?, Reg::SP));
            A::pass_start(asm, layout.start, layout.run_context)?;
            asm.call_far(node.exit, Slot::Nop);
            Some(())
        })?;
        let place = self.skips.get_mut(self.skip_count);
        *place.ok_or(Error::NoMemory)? = Skip {
            at,
            behind: sink.len(),
        };
        self.skip_count = self.skip_count.wrapping_add(1);
        Ok(())
    }

    fn call_function(&mut self, sink: &mut Sink<'_>) -> Result {
        self.each_register(sink, A::take_back)?;
        self.each_other(sink, Move::Pass)?;
        let (endian, description) = (self.cpu.endian, self.description);
        self.part(sink, |asm, layout| {
            A::take_back_tail_calls(asm, layout.tail_calls)?;
            A::lend_tail_calls(asm, layout.size)?;
            asm.push(A::load(Reg::T9, offset(layout.own_return)?, Reg::SP));
            asm.push(Insn::jalr(Reg::RA, Reg::T9));
            asm.push(Insn::NOP);
            A::return_tail_calls(asm, layout.size)?;
            A::keep_result(asm, layout.raw_result)?;
            let is_word = description.target == Target::Main;
            A::save_result(asm, endian, is_word, description.result, layout.result)
        })
    }

    fn leave(&mut self, sink: &mut Sink<'_>) -> Result {
        let (endian, description) = (self.cpu.endian, self.description);
        if description.outcome == Outcome::Continue {
            self.each_register(sink, A::take_back)?;
            self.each_other(sink, Move::TakeBack)?;
        }
        self.part(sink, |asm, layout| {
            let up = Slot::Fill(A::add(Reg::SP, Reg::SP, offset(layout.size)?));
            asm.push(A::load(Reg::RA, offset(layout.caller_return)?, Reg::SP));
            match description.outcome {
                Outcome::Continue => {
                    A::take_back_tail_calls(asm, layout.tail_calls)?;
                    asm.push(A::load(Reg::T9, offset(layout.own_return)?, Reg::SP));
                    asm.jump_reg(Reg::T9, up);
                    return Some(());
                }
                Outcome::Call(_) => A::take_back_result(asm, layout.raw_result)?,
                Outcome::Return if description.result.bytes != 0 => {
                    A::return_result(asm, endian, description.result, layout.result)?;
                }
                Outcome::Return => {}
            }
            asm.jump_reg(Reg::RA, up);
            Some(())
        })
    }
}
