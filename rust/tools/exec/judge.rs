// SPDX-License-Identifier: GPL-2.0

//! The judgement: emulated code against the model.
//!
//! A subject is compiled for a machine, put in the emulator's memory, and run on one input after
//! another. Model and emulator start with the same memory and the same R10, and must end with the
//! same result, data, stack and calls of helpers.

use super::emulator::{Emulator, Outcome, STACK_USED};
use super::kernel::Call;
use super::link::NO_STACK;
use super::machine::{Machine, Variant};
use super::model::ModelKernel;
use super::places::*;
use super::random::Random;
use super::subject::{Subject, AX};
use crate::host::{self, Image};
use crate::jit::runtime::Counted;
use crate::model::bpf::memory::Memory;
use crate::model::bpf::{self, Arena, Setup, Trap, UpperHalf};
use crate::model::word::{Bits, Word};

/// More steps than any program here takes.
const LIMIT: u64 = 1_000_000;

/// Whose fault it is.
#[derive(Clone, Debug)]
pub(super) enum Wrong {
    /// The emitted code's.
    Code(String),
    /// The core's, which does not compile the program, or not to a sound image.
    Core(String),
    /// The test's: the program does what no program may do, before this slot.
    Test(Trap, usize),
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Wrong::Code(wrong) | Wrong::Core(wrong) => f.write_str(wrong),
            Wrong::Test(trap, at) => {
                write!(f, "the test itself is wrong: {trap:?} before {at}")
            }
        }
    }
}

/// A subject in the emulator's memory.
pub(super) struct Compiled {
    pub(super) images: Vec<Image>,
    pub(super) programs: Vec<bpf::Program>,
    pub(super) array: Vec<Option<usize>>,
    pub(super) exception_callback: Option<usize>,
    pub(super) stack_depth: u32,
    pub(super) variant: Variant,
}

impl Compiled {
    /// Whether it accesses what may not be there.
    fn probes(&self) -> bool {
        self.images.iter().any(|image| !image.faults.is_empty())
    }
}

/// One machine, with an emulator and the model to compare.
pub(super) struct Judge {
    pub(super) machine: Machine,
    pub(super) emulator: Emulator,
    /// How often emulator and model have run.
    pub(super) runs: u64,
}

impl Judge {
    pub(super) fn new(machine: Machine) -> Self {
        Judge {
            machine,
            emulator: Emulator::new(machine),
            runs: 0,
        }
    }

    /// Compiles a subject in one way and runs it on every input; the result of the last, as the
    /// model has it.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(super) fn judge(
        &mut self,
        subject: &Subject,
        variant: Variant,
        inputs: &[Vec<u8>],
    ) -> Result<u64, Wrong> {
        let compiled = self.compile(subject, variant).map_err(Wrong::Core)?;
        let mut result = 0;
        for (number, input) in inputs.iter().enumerate() {
            result = self
                .run(&compiled, input, number as u64)
                .map_err(|wrong| match wrong {
                    Wrong::Code(wrong) => Wrong::Code(format!("input {number}: {wrong}")),
                    wrong => wrong,
                })?;
        }
        Ok(result)
    }

    /// Runs a compiled subject on one input, in the model and in the emulator; the model's result.
    ///
    /// # Errors
    ///
    /// How they differ, or what went wrong.
    fn run(&mut self, compiled: &Compiled, input: &[u8], seed: u64) -> Result<u64, Wrong> {
        self.runs += 1;
        let mut data = input.to_vec();
        data.resize(DATA_SIZE as usize, 0);
        let stack = self.emulator.prepare_stack(seed).to_vec();
        if compiled.probes() {
            self.emulator.prepare_arena(&page_of_junk(!seed));
        }
        let model = self.model(compiled, &data, stack, seed)?;
        let entry = compiled.images[0].function();
        let real = self.emulator.run(entry, &data, seed).map_err(Wrong::Code)?;
        compare_calls(&model.calls, &real.calls)
            .and_then(|()| compare_memory(compiled, &model, &real))
            .and_then(|()| match self.machine.pointer(model.result as u32) {
                result if result == real.result => Ok(model.result),
                result => Err(format!(
                    "the result is {:#x} and should be {result:#x}",
                    real.result
                )),
            })
            .map_err(Wrong::Code)
    }

    fn model(
        &self,
        compiled: &Compiled,
        data: &[u8],
        stack: Vec<u8>,
        seed: u64,
    ) -> Result<ModelOutcome, Wrong> {
        let setup = Setup {
            order: self.machine.order(),
            ax: AX,
            parameters: Some(host::PARAMETERS),
            is_wide: self.machine.is_wide(),
            upper_half: match compiled.variant.verifier_zext {
                true => UpperHalf::Unspecified,
                false => UpperHalf::Zero,
            },
            counted: match compiled.variant.counted {
                Counted::Hits => bpf::Counted::Hits,
                Counted::Lookups => bpf::Counted::Lookups,
            },
        };
        let mut memory = Memory::new(setup.order);
        memory.add(DATA, data.to_vec());
        memory.add(STACK_POINTER - STACK_USED, stack);
        if compiled.probes() {
            memory.add(ARENA_PAGE, page_of_junk(!seed));
            memory.add(READ_ONLY_PAGE, read_only_bytes());
        }
        let mut kernel = ModelKernel {
            memory,
            machine: self.machine,
            array: &compiled.array,
            images: &compiled.images,
            exception_callback: compiled.exception_callback,
            calls: Vec::new(),
            junk: Random::new(seed),
            arena: arena(&self.machine).map(|arena| Arena {
                kernel: Bits::new(64, arena.kernel_base),
                user: Bits::new(64, arena.user_base),
            }),
        };
        let context = Bits::new(64, self.machine.pointer(DATA));
        let mut machine = bpf::Machine::new(setup, &mut kernel, &compiled.programs, context);
        let result = machine
            .run(LIMIT)
            .map_err(|trap| Wrong::Test(trap, machine.at))?;
        let last = machine.program;
        Ok(ModelOutcome {
            result: result.unsigned(),
            last,
            memory: kernel.memory,
            calls: kernel.calls,
        })
    }
}

/// What the model says a run leaves behind.
struct ModelOutcome {
    result: u64,
    /// The program that ran last.
    last: usize,
    memory: Memory,
    calls: Vec<Call>,
}

fn compare_calls(model: &[Call], real: &[Call]) -> Result<(), String> {
    let longest = model.len().max(real.len());
    match (0..longest).find(|&i| model.get(i) != real.get(i)) {
        None => Ok(()),
        Some(i) => Err(format!(
            "call {i} is {:x?} and should be {:x?}",
            real.get(i),
            model.get(i)
        )),
    }
}

/// The data, and the stack of the program that ran last. Where there was a tail call, frames of
/// different size lie over each other, and the stack does not count.
fn compare_memory(
    compiled: &Compiled,
    expected: &ModelOutcome,
    real: &Outcome,
) -> Result<(), String> {
    let differs = |name: &str, base: u32, model: &[u8], real: &[u8]| {
        let at = (0..model.len()).find(|&i| model[i] != real[i]);
        at.map(|at| {
            let start = at & !7;
            let end = (start + 8).min(model.len());
            format!(
                "{name} at {:#x} (offset {start:#x}) is {:02x?} and should be {:02x?}",
                base + start as u32,
                &real[start..end],
                &model[start..end]
            )
        })
    };
    let [data, stack, arena @ ..] = &expected.memory.regions[..] else {
        return Err("the model's memory has changed".to_owned());
    };
    if let [arena, _] = arena {
        if let Some(wrong) = differs("the arena", arena.base, &arena.bytes, &real.arena) {
            return Err(wrong);
        }
    }
    if let Some(wrong) = differs("data", data.base, &data.bytes, &real.data) {
        return Err(wrong);
    }
    let end = compiled.programs[expected.last].stack;
    if compiled.programs.len() == 1 && end != NO_STACK {
        let depth = compiled.stack_depth as usize;
        let end = (end as u32 - stack.base) as usize;
        let own = end - depth..end;
        let base = stack.base + own.start as u32;
        if let Some(wrong) = differs("stack", base, &stack.bytes[own.clone()], &real.stack[own]) {
            return Err(wrong);
        }
    }
    Ok(())
}
