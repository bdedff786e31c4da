// SPDX-License-Identifier: GPL-2.0

//! An executable model of BPF.
//!
//! It answers what a program does: every register, every byte of memory, every call, for the
//! instruction set of RFC 9669 (versions 1 to 4 of the "cpu") and the few instructions that Linux
//! 7.3 adds in `___bpf_prog_run()`: tail calls, load-acquire, store-release, the auxiliary
//! register and the speculation barrier.
//!
//! | section | here |
//! |---|---|
//! | 3 encoding | [`fields`] |
//! | 4.1 arithmetic, 4.2 byte swaps, 4.3 conditions | [`alu`] |
//! | 4.3 jumps, calls, exit; 4.3.1 helper functions | [`Machine::step`] |
//! | 5.1, 5.2 loads and stores | [`Machine::step`], [`memory`] |
//! | 5.3 atomic operations | [`Machine::step`] |
//! | 5.4 64-bit immediates | [`Machine::step`] |
//!
//! What a program may not do (an address outside all regions, a write to R10, a read of a register
//! that it has not written, an opcode that does not exist) is a [`Trap`]. Everything outside the program is the [`Kernel`]'s affair.

pub mod alu;
mod execute;
pub mod fields;
pub mod memory;
#[cfg(test)]
mod tests;

use fields::{Fields, Slot};
use memory::{ByteOrder, Fault, Memory};

/// How many registers there are: R0 to R10, and the auxiliary register.
pub const REGISTERS: usize = 12;

/// Index of the frame pointer.
pub const R10: usize = 10;

/// Index of the auxiliary register, whatever its number in an instruction is.
pub const AX: usize = 11;

/// `MAX_TAIL_CALL_CNT` of `include/linux/bpf.h`.
pub const MAX_TAIL_CALLS: u32 = 33;

/// Why a program cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// There is no such instruction.
    BadInstruction,
    /// There is no such register, or it must not be written.
    BadRegister,
    /// Control has left the program.
    OffTheEnd,
    /// An access outside of memory.
    Memory(Fault),
    /// The value of a register of which nothing is known decides what happens.
    Undefined,
    /// The kernel has no such helper, or not for these arguments.
    BadCall,
    /// More steps than allowed.
    Endless,
}

/// A program, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its instructions.
    pub slots: Vec<Slot>,
    /// R10: the end of its stack.
    pub stack: u32,
}

/// What surrounds programs.
pub trait Kernel {
    /// Calls the helper at `__bpf_call_base + offset` with R1 to R5, as far as they are defined.
    /// Its result, or None if there is no such helper or it needs more.
    fn call(
        &mut self,
        memory: &mut Memory,
        offset: i32,
        arguments: [Option<u64>; 5],
    ) -> Option<u64>;

    /// The index, among the machine's programs, of the one in a slot of a program array; None if
    /// the slot is empty or outside of the array.
    fn program(&mut self, array: u64, index: u32) -> Option<usize>;

    /// What a register holds of which nothing is promised.
    fn junk(&mut self) -> u64;
}

/// What becomes of the upper half of the register of a 32-bit result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpperHalf {
    /// It is zero (RFC 9669 section 4.1).
    Zero,
    /// Nothing is promised: programs clear it themselves where it matters
    /// (`prog->aux->verifier_zext`).
    Unspecified,
}

/// What is fixed about a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Order of bytes, in data and instructions.
    pub order: ByteOrder,
    /// Number of the auxiliary register in instructions.
    pub ax: u8,
    /// What 32-bit results do.
    pub upper_half: UpperHalf,
}

/// A machine that executes BPF programs.
pub struct Machine<'k, K> {
    setup: Setup,
    kernel: &'k mut K,
    /// Programs, among which tail calls choose.
    programs: &'k [Program],
    /// R0 to R10 and the auxiliary register.
    pub registers: [u64; REGISTERS],
    /// Whether the program may read it.
    defined: [bool; REGISTERS],
    /// All that the program can address.
    pub memory: Memory,
    /// The program being executed.
    pub program: usize,
    /// The next instruction's slot.
    pub at: usize,
    /// Tail calls made.
    pub tail_calls: u32,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To the instruction at [`Machine::at`].
    Instruction,
    /// Out of the program.
    Exit,
}

impl<'k, K: Kernel> Machine<'k, K> {
    /// A machine about to execute the first of some programs: R1 is the context, R10 the end of
    /// the stack, and nothing is known of other registers.
    pub fn new(
        setup: Setup,
        kernel: &'k mut K,
        programs: &'k [Program],
        memory: Memory,
        context: u32,
    ) -> Self {
        let mut machine = Machine {
            setup,
            kernel,
            programs,
            registers: [0; REGISTERS],
            defined: [false; REGISTERS],
            memory,
            program: 0,
            at: 0,
            tail_calls: 0,
        };
        machine.enter(0, u64::from(context));
        machine
    }

    /// Begins to execute a program, which knows its context and its stack.
    fn enter(&mut self, program: usize, context: u64) {
        self.program = program;
        self.at = 0;
        self.registers = [0; REGISTERS].map(|_: u64| self.kernel.junk());
        self.registers[1] = context;
        self.registers[R10] = self.programs.get(program).map_or(0, |p| p.stack.into());
        self.defined = [false; REGISTERS];
        self.defined[1] = true;
        self.defined[R10] = true;
    }

    /// Executes until the program exits; the result is R0.
    ///
    /// # Errors
    ///
    /// A trap, if the program does what it may not do, or takes more than `limit` steps.
    pub fn run(&mut self, limit: u64) -> Result<u64, Trap> {
        for _ in 0..limit {
            if self.step()? == Next::Exit {
                return self.read(0);
            }
        }
        Err(Trap::Endless)
    }

    fn fetch(&self, at: usize) -> Result<Fields, Trap> {
        self.programs
            .get(self.program)
            .and_then(|program| program.slots.get(at))
            .map(|slot| Fields::of(*slot, self.setup.order))
            .ok_or(Trap::OffTheEnd)
    }

    fn index(&self, number: u8) -> Result<usize, Trap> {
        match usize::from(number) {
            index @ 0..=R10 => Ok(index),
            _ if number == self.setup.ax => Ok(AX),
            _ => Err(Trap::BadRegister),
        }
    }

    fn read(&self, number: u8) -> Result<u64, Trap> {
        let index = self.index(number)?;
        if !self.defined[index] {
            return Err(Trap::Undefined);
        }
        Ok(self.registers[index])
    }

    fn write(&mut self, number: u8, value: u64) -> Result<(), Trap> {
        match self.index(number)? {
            R10 => Err(Trap::BadRegister),
            index => {
                self.registers[index] = value;
                self.defined[index] = true;
                Ok(())
            }
        }
    }

    /// Writes a result of which the instruction defines the low word.
    fn write_word(&mut self, number: u8, value: u64) -> Result<(), Trap> {
        let upper = match self.setup.upper_half {
            UpperHalf::Zero => 0,
            UpperHalf::Unspecified => self.kernel.junk() & !0xffff_ffff,
        };
        self.write(number, upper | (value & 0xffff_ffff))
    }
}
