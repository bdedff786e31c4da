// SPDX-License-Identifier: GPL-2.0

//! A trampoline to be proved: its description, which of its programs are patched out, and the words that
//! the core emits for it.

use crate::host::mips::print;
use crate::jit::abi::{N64, O32};
use crate::jit::asm::Block;
use crate::jit::error::Result as CoreResult;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Disp16, Insn, Reg, Width};
use crate::jit::runtime::Value;
use crate::jit::trampoline::emit::Emitter;
use crate::jit::trampoline::{Description, Node, Outcome, RunContext, Skip, Target};
use crate::tools::machine::Machine;

/// See the file.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) target: Target,
    pub(super) outcome: Outcome,
    pub(super) arguments: Vec<Value>,
    pub(super) result: Value,
    pub(super) function: Option<u64>,
    pub(super) entries: Vec<Node>,
    pub(super) exits: Vec<Node>,
    pub(super) has_sessions: bool,
    pub(super) run_context: RunContext,
    pub(super) leaves_at_once: bool,
    /// Programs that are patched out, by their numbers: those behind the function come last.
    pub(super) skipped: Vec<usize>,
    /// Those behind the function are, all at once.
    pub(super) skips_exits: bool,
}

/// The words of a trampoline, and where programs are patched out.
struct Code {
    words: Vec<u32>,
    skips: Vec<Skip>,
    at_once: Skip,
}

impl Code {
    /// Makes a `nop` a branch, as the kernel does it.
    fn patch(&mut self, skip: Skip) -> Result<(), String> {
        let place = self.words.get_mut(skip.at as usize).ok_or("no word")?;
        let distance = Disp16::between(skip.at, skip.behind).ok_or("a program too long")?;
        if *place != Insn::NOP.word() {
            return Err(format!("word {} is no nop", skip.at));
        }
        *place = Insn::beq(Reg::ZERO, Reg::ZERO, distance).word();
        Ok(())
    }
}

impl Shape {
    fn description(&self) -> Description<'_> {
        Description {
            target: self.target,
            outcome: self.outcome,
            arguments: &self.arguments,
            result: self.result,
            function: self.function,
            entries: &self.entries,
            exits: &self.exits,
            has_sessions: self.has_sessions,
            run_context: self.run_context,
            leaves_at_once: self.leaves_at_once,
        }
    }

    /// The same with addresses as the kernel of a machine has them: where they are words, sign-extended.
    pub(super) fn on(mut self, machine: &Machine) -> Shape {
        let address = |address: &mut u64| {
            if !machine.is_wide() {
                *address = i64::from(*address as i32) as u64;
            }
        };
        for node in self.entries.iter_mut().chain(&mut self.exits) {
            let all = [
                &mut node.program,
                &mut node.enter,
                &mut node.exit,
                &mut node.function,
                &mut node.insns,
            ];
            all.into_iter().for_each(address);
        }
        if let Outcome::Call(held) = &mut self.outcome {
            let all = [&mut held.image, &mut held.enter, &mut held.exit];
            all.into_iter().for_each(address);
        }
        self
    }

    pub(super) fn node(&self, program: usize) -> Node {
        let all = self.entries.iter().chain(&self.exits);
        all.copied().nth(program).unwrap_or_default()
    }

    /// Whether a program finds the function's result in its context.
    pub(super) fn shows_result(&self, program: usize) -> bool {
        self.has_sessions || program >= self.entries.len()
    }

    /// How many of a function's registers it finds as they were: a program has one argument that
    /// counts, an extension those of its type, and a function all.
    pub(super) fn kept(&self) -> usize {
        match self.target {
            Target::Callback => 0,
            Target::Main => self.slots().max(1),
            Target::Subprogram => 5,
        }
    }

    /// Doublewords of arguments.
    pub(super) fn slots(&self) -> usize {
        let slots = self.arguments.iter();
        slots
            .map(|value| usize::from(value.bytes).div_ceil(8))
            .sum()
    }

    /// The words as they are executed.
    ///
    /// # Errors
    ///
    /// What the core says, or what cannot be patched.
    pub(super) fn emit(&self, machine: &Machine) -> Result<Vec<u32>, String> {
        let emitted = self.code(machine);
        let mut code = emitted.map_err(|error| format!("the core says {error:?}"))?;
        for &program in &self.skipped {
            let skip = code.skips.get(program).copied().ok_or("no such program")?;
            code.patch(skip)?;
        }
        if self.skips_exits {
            code.patch(code.at_once)?;
        }
        Ok(code.words)
    }

    fn code(&self, machine: &Machine) -> CoreResult<Code> {
        let cpu = machine.cpu(Barriers::NONE);
        let description = self.description();
        let mut skips = vec![Skip::default(); self.entries.len() + self.exits.len()];
        let mut block = Block::new();
        macro_rules! emit {
            ($abi:ty) => {{
                let mut emitter = Emitter::<$abi>::new(&cpu, &description, &mut block, &mut skips)?;
                let mut words = vec![0; emitter.measure()? as usize];
                emitter.write(&mut words)?;
                (words, emitter.at_once())
            }};
        }
        let (words, at_once) = match machine.width {
            Width::W32 => emit!(O32),
            Width::W64 => emit!(N64),
        };
        Ok(Code {
            words,
            skips,
            at_once,
        })
    }

    /// The shape and its listing, for who has to find out what is wrong.
    pub(super) fn tell(&self, machine: &Machine, begin: u32) -> String {
        let mut text = format!("{self:?} on {}\n", machine.name);
        for (word, at) in self.emit(machine).unwrap_or_default().iter().zip(0u32..) {
            let address = begin.wrapping_add(at * 4);
            text += &format!("  {address:08x} {word:08x} {}\n", print(*word, address));
        }
        text
    }
}
