// SPDX-License-Identifier: GPL-2.0

//! What a program uses: registers and calls. Gathering it also validates every instruction, so
//! that later passes meet no error that is the program's.

use crate::jit::bpf::{decode, AluOp, Dialect, Insn, Operand, Raw, RegSet, Width};
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
        let len = u32::try_from(program.len()).map_err(|_| Error::TooLong)?;
        if len > i32::MAX as u32 {
            return Err(Error::TooLong);
        }
        let mut usage = Usage::default();
        let mut at = 0;
        while at < len {
            let insn = decode(dialect, program, at)?;
            usage.add(&insn, arguments);
            usage.calls_functions |= is_function_call(&insn, dialect.width);
            if usage.needs_arena.is_none() && insn.needs_arena() {
                usage.needs_arena = Some(at);
            }
            if usage.calls_subprograms.is_none() && matches!(insn, Insn::CallSubprogram { .. }) {
                usage.calls_subprograms = Some(at);
            }
            at = at.wrapping_add(insn.slots());
        }
        Ok(usage)
    }

    fn add(&mut self, insn: &Insn, arguments: RegSet) {
        // What is called takes the arguments that the program may have had from the start, and of the
        // others those that some instruction writes.
        self.registers = self.registers.union(match insn {
            insn if insn.is_call() => arguments,
            insn => insn.reads(),
        });
        if let Some(reg) = insn.writes() {
            self.registers = self.registers.with(reg);
        }
        let StackArguments { passed, taken } = &mut self.stack_arguments;
        match *insn {
            Insn::StoreArgument { index, .. } => *passed = index.wrapping_add(1).max(*passed),
            Insn::LoadArgument { index, .. } => *taken = index.wrapping_add(1).max(*taken),
            _ => {}
        }
        self.makes_calls |= insn.is_call();
        self.jumps_indirectly |= matches!(insn, Insn::JumpIndirect { .. });
        self.makes_tail_calls |= matches!(insn, Insn::TailCall);
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
