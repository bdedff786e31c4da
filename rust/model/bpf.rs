// SPDX-License-Identifier: GPL-2.0

//! An executable model of BPF.
//!
//! It answers what a program does: every register, every byte of memory, every call, for the
//! instruction set of RFC 9669 (versions 1 to 4 of the "cpu") and the few instructions that Linux
//! adds in `___bpf_prog_run()`: tail calls, load-acquire, store-release, the auxiliary register and
//! the speculation barrier; and those that Linux adds for compilers alone: accesses that may find no
//! memory, calls of C functions, and arguments beyond five. Where kernels differ, [`Setup`] says how.
//!
//! | section | here |
//! |---|---|
//! | 3 encoding | [`fields`] |
//! | 4.1 arithmetic, 4.2 byte swaps, 4.3 conditions | [`alu`] |
//! | 4.3 jumps, calls, exit; 4.3.1 helper functions | [`Machine::step`] |
//! | 5.1, 5.2 loads and stores | [`access`], [`memory`] |
//! | 5.3 atomic operations | [`access`] |
//! | 5.4 64-bit immediates | [`Machine::step`] |
//!
//! What a program may not do (an address outside all regions, a write to R10, a read of a register
//! that it has not written, an opcode that does not exist) is a [`Trap`]. Everything outside the
//! program is the [`Kernel`]'s affair.

mod access;
pub mod alu;
mod argument;
mod call;
mod execute;
pub mod fields;
mod function;
mod inline;
pub mod memory;
#[cfg(test)]
mod tests;

use super::word::Word;
use super::world::{Fault, World};
pub use access::Stretch;
use fields::{Fields, Slot};
pub use function::{Arena, Prototype, Type};
use memory::ByteOrder;

/// Bits of a word.
pub const WORD: u32 = 32;

/// Bits of a register.
pub const DOUBLEWORD: u32 = 64;

/// How many registers there are: R0 to R10, and the auxiliary register.
pub const REGISTERS: usize = 12;

/// Index of the frame pointer.
pub const R10: usize = 10;

/// Index of the auxiliary register, whatever its number in an instruction is.
pub const AX: usize = 11;

/// `MAX_BPF_FUNC_ARGS` of `include/linux/bpf.h`.
pub const ARGUMENTS: usize = 12;

/// How many of them are in no register.
pub const STACK_ARGUMENTS: usize = 7;

/// `MAX_TAIL_CALL_CNT` of `include/linux/bpf.h`.
pub const MAX_TAIL_CALLS: u32 = 33;

/// `MAX_CALL_FRAMES` of `include/linux/bpf_verifier.h`.
pub const MAX_FUNCTIONS: usize = 8;

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
    /// More steps than allowed, or functions than may wait for others.
    Endless,
}

/// A program, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its instructions.
    pub slots: Vec<Slot>,
    /// R10: the end of its stack, if it is the first to run.
    pub stack: u64,
    /// How much lower the stack of a function is that it calls.
    pub frame: u64,
}

/// What a program array has at an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<P> {
    /// No slot: it is outside of the array.
    Outside,
    /// A slot without a program.
    Empty,
    /// A program.
    Program(P),
}

/// What surrounds programs.
pub trait Kernel<W: Word>: World<W> {
    /// What is in a slot of a program array.
    type Program;

    /// Calls the helper at `__bpf_call_base + offset` with R1 to R5, as far as they are defined.
    /// Its result, or None if there is no such helper or it needs more.
    fn call(&mut self, offset: i32, arguments: [Option<W>; 5]) -> Option<W>;

    /// The number of the processor that executes the program, a word.
    fn processor(&mut self) -> W {
        W::new(WORD, 0)
    }

    /// How far what this processor has of its own is from the address that stands for all, a word on
    /// 32-bit machines.
    fn distance_of_processor(&mut self) -> W {
        W::new(DOUBLEWORD, 0)
    }

    /// The address of the kernel's structure of the thread that executes the program, as long as a pointer.
    fn task(&mut self) -> W {
        W::new(DOUBLEWORD, 0)
    }

    /// Whether a call with this immediate looks at the clock for a loop.
    fn is_look_at_clock(&self, _offset: i32) -> bool {
        false
    }

    /// How often a loop may go on, of which this is what it has counted; None if that is no memory.
    fn look_at_clock(&mut self, _counts: W) -> Option<W> {
        None
    }

    /// Calls another function of the program with its arguments, as far as they are defined. Its result, or
    /// None if the machine has to execute it.
    fn call_subprogram(&mut self, _which: i32, _arguments: [Option<W>; ARGUMENTS]) -> Option<W> {
        None
    }

    /// Which of the programs it is, if there is one with this immediate.
    fn subprogram(&self, which: i32) -> Option<usize> {
        usize::try_from(which).ok()
    }

    /// What is in a slot of a program array; the index is a word.
    fn program(&mut self, array: W, index: W) -> Content<Self::Program>;

    /// The slot of the instruction of this program whose code has an address.
    fn instruction(&self, _address: W) -> Option<usize> {
        None
    }

    /// The arena of the program, if it has one.
    fn arena(&self) -> Option<Arena<W>> {
        None
    }

    /// Where a load may look that knows nothing of its address.
    fn stretches(&self) -> Vec<Stretch>;

    /// The C function that an instruction calls.
    fn function(&self, _call: &Fields) -> Option<Prototype> {
        None
    }

    /// The program that goes on if a call of a C function throws an exception.
    fn exception_callback(&self, _call: &Fields) -> Option<usize> {
        None
    }

    /// Calls that function with arguments of its types. Its result, of its type; if it has none,
    /// anything.
    fn call_function(&mut self, _call: &Fields, _arguments: [Option<W>; ARGUMENTS]) -> W {
        W::new(DOUBLEWORD, 0)
    }

    /// The immediate, as a doubleword.
    fn immediate(&self, insn: &Fields) -> W {
        W::new(DOUBLEWORD, insn.immediate64())
    }

    /// The offset of a load or store, as a word.
    fn offset(&self, insn: &Fields) -> W {
        W::new(WORD, i64::from(insn.offset) as u64)
    }
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

/// Which tail calls the limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Those that find a program (Linux since it counts behind the test for one).
    Hits,
    /// Those that find a slot, even if it is empty (Linux before that).
    Lookups,
}

/// What is fixed about a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Order of bytes, in data and instructions.
    pub order: ByteOrder,
    /// Number of the auxiliary register in instructions.
    pub ax: u8,
    /// The register number that stands for where arguments are which are in no register.
    pub parameters: Option<u8>,
    /// What 32-bit results do.
    pub upper_half: UpperHalf,
    /// What counts.
    pub counted: Counted,
    /// Whether Linux is a 64-bit one: addresses are doublewords, and load-acquire and store-release
    /// have doubleword forms.
    pub is_wide: bool,
}

/// A machine that executes BPF programs.
pub struct Machine<'k, W, K> {
    setup: Setup,
    /// What surrounds the programs.
    pub kernel: &'k mut K,
    /// Programs, among which tail calls choose.
    programs: &'k [Program],
    /// R0 to R10 and the auxiliary register.
    pub registers: [W; REGISTERS],
    /// Whether the program may read it.
    pub defined: [bool; REGISTERS],
    /// Arguments in no register that the next call passes.
    pub passed: [Option<W>; STACK_ARGUMENTS],
    /// Those that this function has been passed, until it passes others or calls.
    pub taken: [Option<W>; STACK_ARGUMENTS],
    /// The program being executed.
    pub program: usize,
    /// The next instruction's slot.
    pub at: usize,
    /// Tail calls made, a word.
    pub tail_calls: W,
    /// Functions that wait for the one they have called.
    waiting: Vec<Waiting<W>>,
    /// Whether it is a program that is executed, not a function of one.
    is_program: bool,
    /// Bytes that functions have of the stack that wait for others.
    above: u64,
}

/// What a function finds again when the one that it has called returns.
struct Waiting<W> {
    program: usize,
    at: usize,
    registers: [W; REGISTERS],
    defined: [bool; REGISTERS],
    is_program: bool,
    above: u64,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<P, W> {
    /// To the instruction at [`Machine::at`].
    Instruction,
    /// To the instruction whose code has this address.
    Address(W),
    /// Out of the program.
    Exit,
    /// To the start of another program, with a context.
    TailCall(P, W),
}

impl<'k, W: Word, K: Kernel<W>> Machine<'k, W, K> {
    /// A machine about to execute the first of some programs: R1 is the context, R10 the end of
    /// the stack, and nothing is known of other registers.
    pub fn new(setup: Setup, kernel: &'k mut K, programs: &'k [Program], context: W) -> Self {
        let mut machine = Machine {
            setup,
            registers: [W::new(DOUBLEWORD, 0); REGISTERS],
            defined: [false; REGISTERS],
            passed: [None; STACK_ARGUMENTS],
            taken: [None; STACK_ARGUMENTS],
            kernel,
            programs,
            program: 0,
            at: 0,
            tail_calls: W::new(WORD, 0),
            waiting: Vec::new(),
            is_program: true,
            above: 0,
        };
        machine.enter(0, context);
        machine
    }

    /// Begins to execute a program, which knows its context and its stack.
    pub fn enter(&mut self, program: usize, context: W) {
        self.program = program;
        self.is_program = true;
        self.at = 0;
        self.lose_stack_arguments();
        let stack = self.stack();
        self.registers = [(); REGISTERS].map(|()| self.kernel.unknown(DOUBLEWORD));
        self.registers[1] = context;
        self.registers[R10] = W::new(DOUBLEWORD, stack);
        self.defined = [false; REGISTERS];
        self.defined[1] = true;
        self.defined[R10] = true;
    }

    /// R10 of the program that begins.
    fn stack(&self) -> u64 {
        let program = self.programs.get(self.program);
        program.map_or(0, |program| program.stack.wrapping_sub(self.above))
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

    fn read(&self, number: u8) -> Result<W, Trap> {
        let index = self.index(number)?;
        if !self.defined[index] {
            return Err(Trap::Undefined);
        }
        Ok(self.registers[index])
    }

    fn write(&mut self, number: u8, value: W) -> Result<(), Trap> {
        match self.index(number)? {
            R10 => Err(Trap::BadRegister),
            index => {
                self.registers[index] = value;
                self.defined[index] = true;
                Ok(())
            }
        }
    }

    /// Writes a result; of a 32-bit one, the instruction defines the low word.
    fn write_result(&mut self, number: u8, value: W) -> Result<(), Trap> {
        if value.width() == DOUBLEWORD {
            return self.write(number, value);
        }
        let upper = match self.setup.upper_half {
            UpperHalf::Zero => W::new(WORD, 0),
            UpperHalf::Unspecified => self.kernel.unknown(WORD),
        };
        self.write(number, upper.concat(value))
    }
}

impl<W: Word, K: Kernel<W, Program = usize>> Machine<'_, W, K> {
    /// Executes until the program exits; the result is R0.
    ///
    /// # Errors
    ///
    /// A trap, if the program does what it may not do, or takes more than `limit` steps.
    pub fn run(&mut self, limit: u64) -> Result<W, Trap> {
        for _ in 0..limit {
            match self.step()? {
                Next::Instruction => {}
                Next::TailCall(program, context) => self.enter(program, context),
                Next::Address(address) => {
                    self.at = self.kernel.instruction(address).ok_or(Trap::OffTheEnd)?;
                }
                Next::Exit => return self.read(0),
            }
        }
        Err(Trap::Endless)
    }
}
