// SPDX-License-Identifier: GPL-2.0

//! Where lowerings are proved: machines, the program around, and the code that the core emits.

use super::words::{decoded, AboutWords, Said};
use crate::host;
use crate::jit::abi::{Abi, Frame, Linkage, Role, Shape, N64, O32};
use crate::jit::analysis::{Known, Usage, Words};
use crate::jit::asm::{Block, Fault, Form, Sink, Target};
use crate::jit::bpf::{RegSet, Signature};
use crate::jit::error::{Error, Result as CoreResult};
use crate::jit::lower::{Arena, Lowering, Place, Setting};
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Cpu, Disp16, Insn, RegMask, Release, Width};
use crate::jit::runtime::{Counted, Function, Processors, Runtime};
use crate::model::bpf::fields::Fields;
use crate::model::mips;
pub(super) use crate::tools::machine::{Machine, MACHINES};

impl Machine {
    /// The architecture, as the model has it.
    pub(super) fn architecture(&self) -> mips::Architecture {
        mips::Architecture {
            release: match self.release {
                Release::R1 => mips::Release::R1,
                Release::R2 => mips::Release::R2,
                Release::R6 => mips::Release::R6,
            },
            gprlen: self.gprlen(),
        }
    }

    /// The offsets in kernel structures, and addresses.
    pub(super) fn runtime(&self) -> Runtime {
        host::runtime(self.width, Counted::Hits)
    }

    pub(super) fn cpu(&self, barriers: Barriers) -> Cpu {
        Cpu {
            width: self.width,
            endian: self.endian,
            release: self.release,
            barriers,
        }
    }
}

/// Where the image of a snippet stands.
pub(super) const IMAGE: u32 = 0xc004_0000;

/// Where the target of a jump is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A little ahead.
    Ahead,
    /// Behind, at the start of the image.
    Behind,
    /// As far ahead as a branch reaches.
    LastAhead,
    /// As far behind as a branch reaches.
    LastBehind,
    /// Far ahead, out of reach of a branch.
    FarAhead,
    /// Far behind.
    FarBehind,
    /// What follows anyway.
    Next,
}

impl Goal {
    pub(super) const ALL: [Goal; 6] = [
        Goal::Ahead,
        Goal::Behind,
        Goal::LastAhead,
        Goal::LastBehind,
        Goal::FarAhead,
        Goal::FarBehind,
    ];

    /// How many words are before the instruction.
    fn filler(self) -> u32 {
        match self {
            Goal::Behind | Goal::FarBehind => 77,
            Goal::LastBehind => 32_790,
            _ => 0,
        }
    }
}

/// The program around an instruction, as far as its lowering depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) usage: Usage,
    pub(super) role: Role,
    /// Functions of the program make tail calls.
    pub(super) reaches_tail_calls: bool,
    /// Who counts tail calls, under n64.
    pub(super) counter: Counter,
    /// What it writes of registers that it has to save: nothing else.
    pub(super) written: RegMask,
    /// What of the context is read.
    pub(super) context: Words,
    pub(super) stack_depth: u32,
    /// The program has explicit zero-extensions.
    pub(super) verifier_zext: bool,
    pub(super) barriers: Barriers,
    /// Which tail calls the kernel counts.
    pub(super) counted: Counted,
    /// Registers that somebody reads behind the instruction.
    pub(super) kept: RegSet,
    /// Registers that were written before it.
    pub(super) passed: RegSet,
    /// The epilogue follows.
    pub(super) is_last: bool,
    pub(super) goal: Goal,
    /// Where a process has the program's arena.
    pub(super) user_base: u64,
    /// The C function that the instruction calls, if it does.
    pub(super) function: Option<Function>,
    /// What is known of the helper that the instruction calls.
    pub(super) signature: Signature,
    /// The kernel is for one processor.
    pub(super) is_alone: bool,
    /// An exception callback may take the program's place.
    pub(super) is_boundary: bool,
    /// R10 for all processors, if each has a stack for the program.
    pub(super) private_stack: Option<u64>,
    /// What a swap has is no more than 16 bits.
    pub(super) is_half: bool,
    /// What the analyses of words say; if nothing, the code is as without them.
    pub(super) words: Option<AboutWords>,
}

/// Where the count of tail calls is that a program goes on with, under n64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// In the program's frame: no function of a program was left for it.
    Own,
    /// Anywhere: in a frame of another program.
    Other,
}

impl Around {
    /// Whether tail calls are counted here.
    pub(super) fn counts(&self) -> bool {
        self.usage.makes_tail_calls
            || self.usage.calls_subprograms.is_some() && self.reaches_tail_calls
    }

    /// How the kernel around tells its processors apart.
    pub(super) fn processors(&self) -> Option<Processors> {
        host::RUNTIME.processors.filter(|_| !self.is_alone)
    }

    /// The program's arena, if it needs one: only 64-bit kernels have them.
    pub(super) fn arena(&self, machine: &Machine) -> Option<Arena> {
        let arena = Arena {
            user_base: self.user_base,
            ..host::ARENA
        };
        let has_arena = self.usage.needs_arena.is_some() && machine.is_wide();
        has_arena.then_some(arena)
    }
}

/// The opcode of words that stand for something else: no release has an instruction of it.
const NOTE: u32 = 0o73 << 26;

/// Accesses and where to go on, each in bytes from the first word.
pub(super) type Faults = Vec<(u32, u32)>;

/// What an instruction became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) words: Vec<u32>,
    /// Address of the first word.
    pub(super) begin: u32,
    /// Where its jumps go.
    pub(super) target: u32,
    /// What may find no memory, and where to go on then, in bytes from the first word.
    pub(super) faults: Faults,
    /// What the analyses say that depends on the numbers in the instruction.
    pub(super) said: Vec<u32>,
}

impl Snippet {
    pub(super) fn end(&self) -> u32 {
        self.begin.wrapping_add(self.words.len() as u32 * 4)
    }

    /// The words, and behind them the faults and what is said, each as a word that is no instruction:
    /// theorems are the same if they are.
    pub(super) fn with_notes(&self) -> Vec<u32> {
        let fault = |&(at, resume): &(u32, u32)| NOTE | at << 13 | resume;
        let faults = self.faults.iter().map(fault);
        let said = self.said.iter().map(|said| NOTE | said);
        self.words
            .iter()
            .copied()
            .chain(faults)
            .chain(said)
            .collect()
    }
}

/// Lets the core lower an instruction.
///
/// # Errors
///
/// What the core says.
pub(super) fn emit(
    machine: &Machine,
    around: &Around,
    insns: &[Fields],
) -> Result<Snippet, String> {
    match machine.width {
        Width::W32 => emit_for::<O32>(machine, around, insns),
        Width::W64 => emit_for::<N64>(machine, around, insns),
    }
}

fn emit_for<A: Abi>(
    machine: &Machine,
    around: &Around,
    insns: &[Fields],
) -> Result<Snippet, String> {
    let cpu = machine.cpu(around.barriers);
    let decoded = decoded(machine, around, insns)?;
    let frame = frame::<A>(machine, around)?;
    let setting = Setting {
        cpu: &cpu,
        runtime: &Runtime {
            processors: around.processors(),
            ..host::runtime(machine.width, around.counted)
        },
        frame,
        zero_extends: !around.verifier_zext,
        arena: around.arena(machine),
        functions: around.function.as_slice(),
    };
    let place = Place {
        kept: around.kept,
        passed: around.passed,
        is_last: around.is_last,
        known: around.words.map_or(Known::UNKNOWN, |words| words.known),
        wanted: around.words.map_or(Words::BOTH, |words| words.wanted),
        distance: around.words.and_then(|words| words.distance_for(&decoded)),
        is_half: around.is_half,
    };
    let filler = around.goal.filler();
    let lower = |target| {
        lower(filler, target, &cpu, |block| {
            Lowering::new(block, &setting, place).lower(&decoded, 0)
        })
    };
    let near = Target {
        form: Form::Near,
        position: filler,
        image: IMAGE,
    };
    let len = lower(near)?.0.len() as u32;
    let (form, position) = position(around.goal, filler, len)?;
    let (words, faults) = lower(Target {
        form,
        position,
        image: IMAGE,
    })?;
    Ok(Snippet {
        words,
        begin: IMAGE.wrapping_add(filler * 4),
        target: IMAGE.wrapping_add(position * 4),
        faults,
        said: Said::of(machine, around, insns)?.map_or(Vec::new(), |said| said.notes()),
    })
}

/// The words of a block behind so many others, and its faults.
fn lower(
    filler: u32,
    target: Target,
    cpu: &Cpu,
    lower: impl Fn(&mut Block) -> CoreResult,
) -> Result<(Vec<u32>, Faults), String> {
    let told = |error| format!("lowering: {error:?}");
    let mut words = vec![0; filler as usize + 64];
    let mut faults = [Fault::default(); 4];
    let mut sink = Sink::writing(&mut words).with_faults(&mut faults);
    let mut block = Block::new();
    while sink.len() < filler {
        block.start(cpu, Target::NONE);
        block.push(Insn::NOP);
        block.flush(&mut sink, 0).map_err(told)?;
    }
    block.start(cpu, target);
    lower(&mut block)
        .and_then(|()| block.flush(&mut sink, 0))
        .map_err(told)?;
    let (len, fault_count) = (sink.len(), sink.fault_count());
    words.truncate(len as usize);
    words.drain(..filler as usize);
    let bytes = |position: u32| position.wrapping_sub(filler).wrapping_mul(4);
    let faults = faults.iter().take(fault_count as usize);
    let faults = faults.map(|fault| (bytes(fault.at), bytes(fault.resume)));
    Ok((words, faults.collect()))
}

/// Where the target is, in words from the start of the image; the near form's length is `len`.
fn position(goal: Goal, filler: u32, len: u32) -> Result<(Form, u32), String> {
    let is_near = |to: u32| {
        Disp16::between(filler, to).is_some() && Disp16::between(filler + len, to).is_some()
    };
    let found = match goal {
        Goal::Ahead => Some(filler + len + 9),
        Goal::Behind => Some(0),
        Goal::LastAhead => (filler + 30_000..filler + 40_000)
            .rev()
            .find(|&to| is_near(to)),
        Goal::LastBehind => (0..filler).find(|&to| is_near(to)),
        Goal::FarAhead => return Ok((Form::Far, filler + 0x12_3456)),
        Goal::FarBehind => return Ok((Form::Far, 1)),
        Goal::Next => Some(filler + len),
    };
    found
        .map(|to| (Form::Near, to))
        .ok_or_else(|| "no such target".to_owned())
}

/// The frame of the program around.
fn frame<A: Abi>(machine: &Machine, around: &Around) -> Result<Frame<A>, String> {
    let shape = Shape {
        role: around.role,
        linkage: Linkage::default(),
        context: around.context,
        written: around.written,
        stack_depth: around.stack_depth,
        arena: around.arena(machine),
        reaches_tail_calls: around.reaches_tail_calls,
        is_boundary: around.is_boundary,
        private_stack: around.private_stack,
        processors: around.processors(),
    };
    Frame::new(machine.endian, &around.usage, &shape).map_err(|error| format!("frame: {error:?}"))
}

/// What makes a frame, and what takes it down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Prologue,
    Epilogue,
}

/// The code of the prologue, or of the epilogue.
///
/// # Errors
///
/// What the core says.
pub(super) fn emit_frame(
    machine: &Machine,
    around: &Around,
    part: Part,
) -> Result<Snippet, String> {
    match machine.width {
        Width::W32 => emit_part::<O32>(machine, around, part),
        Width::W64 => emit_part::<N64>(machine, around, part),
    }
}

fn emit_part<A: Abi>(machine: &Machine, around: &Around, part: Part) -> Result<Snippet, String> {
    let frame = frame::<A>(machine, around)?;
    let (words, faults) = lower(0, Target::NONE, &machine.cpu(around.barriers), |block| {
        let emitted = match part {
            Part::Prologue => frame.prologue(block),
            Part::Epilogue => frame.epilogue(block),
        };
        emitted.ok_or(Error::TooLong)
    })?;
    Ok(Snippet {
        words,
        begin: IMAGE,
        target: IMAGE,
        faults,
        said: Vec::new(),
    })
}
