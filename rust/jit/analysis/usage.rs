// SPDX-License-Identifier: GPL-2.0

//! What a program uses: registers and calls. Gathering it also validates every instruction, so
//! that later passes meet no error that is the program's.

use crate::jit::bpf::{decode, AluOp, Dialect, Insn, Operand, Outcome, Raw, RegSet, Width};
use crate::jit::error::{Error, Result};
use crate::jit::mips::Width as Registers;

/// Arguments that are in no BPF register.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct StackArguments {
    pub(crate) passed: u32,
    pub(crate) taken: u32,
}

impl StackArguments {
    /// Whether there are any.
    pub(crate) fn are_some(&self) -> bool {
        self.passed != 0 || self.taken != 0
    }
}

/// What a program uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Registers that some instruction reads or writes.
    pub(crate) registers: RegSet,
    /// Some instruction calls a function, the kernel's or the program's.
    pub(crate) makes_calls: bool,
    /// Some instruction is lowered to a call of a kernel function that is none of the program's.
    pub(crate) calls_functions: bool,
    /// How many arguments beyond five it passes to what it calls, and takes itself: as many as up to the
    /// last that some instruction is about.
    pub(crate) stack_arguments: StackArguments,
    /// The first instruction that calls another function of the program.
    pub(crate) calls_subprograms: Option<u32>,
    /// The first instruction that is about the program's arena.
    pub(crate) needs_arena: Option<u32>,
    /// Some instruction goes on anywhere in the program.
    pub(crate) jumps_indirectly: bool,
    /// Some instruction goes on with another program.
    pub(crate) makes_tail_calls: bool,
}

impl Usage {
    /// Reads the whole program, which begins with these arguments.
    ///
    /// # Errors
    ///
    /// The first error of decoding; `TooLong` if indices do not fit 31 bits.
    ///
    /// Never inlined: what it has on the stack is not there later.
    #[inline(never)]
    pub(crate) fn gather(dialect: Dialect, program: &[Raw], arguments: RegSet) -> Result<Usage> {
        let len = Usage::length(program)?;
        let mut usage = Usage::default();
        let mut at = 0;
        while at < len {
            let insn = decode(&dialect, program, at)?;
            usage.add(&insn, insn.outcome(), at, (arguments, dialect.width));
            at = at.wrapping_add(insn.slots());
        }
        Ok(usage)
    }

    /// How many slots a program has.
    ///
    /// # Errors
    ///
    /// `TooLong` if indices do not fit 31 bits.
    pub(super) fn length(program: &[Raw]) -> Result<u32> {
        match u32::try_from(program.len()) {
            Ok(len) if len <= i32::MAX as u32 => Ok(len),
            _ => Err(Error::TooLong),
        }
    }

    /// Adds the instruction at `at` of a program that begins with these arguments, on a machine of such registers.
    pub(super) fn add(
        &mut self,
        insn: &Insn,
        outcome: Outcome,
        at: u32,
        (arguments, registers): (RegSet, Registers),
    ) {
        self.calls_functions |= is_function_call(insn, registers);
        if insn.needs_arena() {
            self.needs_arena = self.needs_arena.or(Some(at));
        }
        // What is called takes the arguments that the program may have had from the start, and of the
        // others those that some instruction writes.
        self.registers = self.registers.union(match outcome.is_call {
            true => arguments,
            false => insn.reads(),
        });
        if let Some(reg) = outcome.writes {
            self.registers = self.registers.with(reg);
        }
        let StackArguments { passed, taken } = &mut self.stack_arguments;
        match *insn {
            Insn::StoreArgument { index, .. } => *passed = index.wrapping_add(1).max(*passed),
            Insn::LoadArgument { index, .. } => *taken = index.wrapping_add(1).max(*taken),
            Insn::JumpIndirect { .. } => self.jumps_indirectly = true,
            Insn::TailCall => self.makes_tail_calls = true,
            Insn::CallSubprogram { .. } => {
                self.calls_subprograms = self.calls_subprograms.or(Some(at));
            }
            _ => {}
        }
        self.makes_calls |= outcome.is_call;
    }
}

/// Whether the instruction may be lowered to a call of a kernel function: on a register pair, where 64
/// bits are more than an instruction computes with, mostly.
fn is_function_call(insn: &Insn, registers: Registers) -> bool {
    match *insn {
        Insn::CheckTime => true,
        _ if registers == Registers::W64 => false,
        Insn::Alu {
            width: Width::W64,
            op: AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod,
            src,
            ..
        } => !matches!(src, Operand::Imm(0 | 1)),
        Insn::Atomic {
            width: Width::W64, ..
        } => true,
        _ => false,
    }
}
