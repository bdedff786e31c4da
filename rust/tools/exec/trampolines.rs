// SPDX-License-Identifier: GPL-2.0

//! Trampolines, executed: random ones, of which is known what each function that they call must see.
//!
//! The functions are those that the kernel has around programs, the programs, and the function that the
//! trampoline stands before; each is a return here, and does what C may do. A trampoline must call them
//! in the right order with the right arguments, show programs the right context, and return what it must
//! return, with its caller's registers and frame as they were. Small arguments have junk above them.
//!
//! What must come is computed from the description alone ([`expect`]), which the core gets, too.

mod case;
mod expect;
mod rig;
mod visit;

use super::cpu;
use super::machine::Machine;
use super::random::{mix, Random};
use crate::jit::abi::{N64, O32};
use crate::jit::asm::Block;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Cpu, Disp16, Insn, Reg, Width};
use crate::jit::trampoline::emit::Emitter;
use crate::jit::trampoline::Skip;
use case::Case;
use rig::Rig;

/// How many there are on each machine.
pub(super) const COUNT: u64 = 2_000;

/// One machine.
pub(super) struct Judge {
    machine: Machine,
    rig: Rig,
}

/// The code of a trampoline, and where programs are patched out.
struct Code {
    words: Vec<u32>,
    skips: Vec<Skip>,
    at_once: Skip,
}

fn emit(machine: &Machine, case: &Case) -> Result<Code, String> {
    let cpu = Cpu {
        width: machine.width,
        endian: machine.endian,
        release: machine.release,
        barriers: Barriers::NONE,
    };
    let description = case.description();
    let mut skips = vec![Skip::default(); case.entries.len() + case.exits.len()];
    let mut block = Block::new();
    macro_rules! emit {
        ($abi:ty) => {{
            let mut work = || {
                let mut emitter = Emitter::<$abi>::new(&cpu, &description, &mut block, &mut skips)?;
                let mut words = vec![0; emitter.measure()? as usize];
                emitter.write(&mut words)?;
                Ok((words, emitter.at_once()))
            };
            work()
        }};
    }
    let emitted: crate::jit::error::Result<_> = match machine.width {
        Width::W32 => emit!(O32),
        Width::W64 => emit!(N64),
    };
    let (words, at_once) = emitted.map_err(|error| format!("the core says {error:?}"))?;
    Ok(Code {
        words,
        skips,
        at_once,
    })
}

impl Code {
    /// Makes a `nop` a branch, as the kernel does it.
    fn patch(&mut self, skip: Skip) -> Result<(), String> {
        let place = &mut self.words[skip.at as usize];
        let distance = Disp16::between(skip.at, skip.behind).ok_or("a program too long")?;
        if *place != Insn::NOP.word() {
            return Err(format!("word {} is no nop", skip.at));
        }
        *place = Insn::beq(Reg::ZERO, Reg::ZERO, distance).word();
        Ok(())
    }
}

impl Judge {
    pub(super) fn new(machine: Machine) -> Self {
        Judge {
            machine,
            rig: Rig::new(machine),
        }
    }

    /// Judges the trampoline of a seed.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn judge(&mut self, seed: u64) -> Result<(), String> {
        let mut random = Random::new(mix(seed));
        let case = Case::new(&mut random, &self.machine);
        self.run(&case, random.next())
            .map_err(|wrong| format!("{wrong}\n{case:#?}"))
    }

    fn run(&mut self, case: &Case, seed: u64) -> Result<(), String> {
        let mut code = emit(&self.machine, case)?;
        for &program in &case.skipped {
            code.patch(code.skips[program])?;
        }
        if case.skips_exits {
            code.patch(code.at_once)?;
        }
        let address = self.rig.reserve(code.words.len());
        self.rig.load(address, &code.words);
        let left = self.rig.run(address, case, seed)?;
        let expected = case.expected(&self.machine);
        for (number, event) in expected.iter().enumerate() {
            match left.events.get(number) {
                Some(found) if found == event => {}
                found => return Err(format!("{found:?} came, not {event:?}")),
            }
        }
        if let Some(more) = left.events.get(expected.len()) {
            return Err(format!("{more:?} came at the end"));
        }
        case.judge_end(&self.machine, &left)
    }
}
