// SPDX-License-Identifier: GPL-2.0

//! Random programs of the shape that the verifier accepts.
//!
//! Control flow is forward branches and loops that end; registers are read only where every path
//! has written them; R1 to R5 are gone after a call; memory is addressed through pointers that are
//! known to be right, at aligned addresses, or by instructions that may find none ([`linux`], for 64-bit
//! machines). A program ends with storing every defined register in
//! the data; the last instruction is the exit, or a jump back to it.
//!
//! One callee-saved register, chosen at the beginning, points to the data all along. The program
//! is built front to back; [`Generator::defined`] is what the verifier would know at that place.

mod calls;
mod linux;
mod statement;

use std::ops::Range;

use super::machine::Machine;
use super::places::{helper_number, ARRAY_POINTER, DATA_SIZE};
use super::random::Random;
use super::subject::Subject;
use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::*;

/// Where in the data registers come from, and go to at the end.
const INPUT: i16 = 0;
const OUTPUT: i16 = 128;

/// Bytes that each function has for that, behind the program's.
const OUTPUT_EACH: i16 = 80;

/// R1 to R5, as far as registers are bits.
const ARGUMENTS: u16 = 0b11_1110;

/// Where in the data programs load and store: behind the registers' places, in multiples of 8.
const AREA: Range<i16> = 0x200..0xf00;

/// Bytes of stack, of a program alone and of one that others call. The first finds its stack as the
/// judge has prepared it, the other has to write before it reads.
const STACK: i16 = 512;
const CALLED_STACK: i16 = 64;

/// For which comparison a program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// The model's, which has the same stack at the same address.
    Model,
    /// The kernel's interpreter's, which has another stack, with other content, and leaves it to the
    /// verifier that no divisor is zero.
    Interpreter,
}

/// A random program under construction.
struct Generator<'r> {
    place: Place,
    /// Registers that point to the stack, until the end of the statement.
    hidden: Vec<u8>,
    random: &'r mut Random,
    program: Vec<Fields>,
    /// Points to the data.
    base: u8,
    /// Registers that may be read: bit n for Rn.
    defined: u16,
    /// Registers that must not be written: the base, and counters of loops.
    reserved: u16,
    /// Statements left to generate.
    budget: usize,
    /// Blocks around the current one.
    depth: usize,
    /// Bytes of stack.
    stack: i16,
    /// Where the exit is, if it is not at the end.
    exit: Option<usize>,
    /// Something is far already: no jump must lead over two such places.
    is_padded: bool,
}

/// A subject for a machine: mostly one program, sometimes a few that call each other, sometimes one with
/// functions. What every machine has is the same for all.
pub(super) fn subject(random: &mut Random, machine: &Machine) -> Subject {
    let count = if random.chance(8) { 3 } else { 1 };
    let slots = if count > 1 { 4 } else { 0 };
    let functions = if random.chance(12) {
        1 + random.below(3)
    } else {
        0
    };
    let mut programs = Vec::new();
    for number in 0..count + functions {
        let place = Place {
            slots,
            against: Against::Model,
            machine: Some(*machine),
            callees: match number {
                0 => count..count + functions,
                // The programs that it calls have no functions; a function may call those behind it.
                _ if number < count => 0..0,
                _ => number + 1..count + functions,
            },
            function: number.checked_sub(count),
            has_functions: functions > 0,
        };
        programs.push(program(random, place));
    }
    let is_alone = slots == 0 && functions == 0;
    // One with functions would call them again on top of those that wait for it.
    let first = if functions > 0 { 2 } else { 0 };
    Subject {
        programs,
        functions,
        handles_exceptions: false,
        array: [Some(first), None, Some(1), Some(2)][..slots].to_vec(),
        stack_depth: stack(is_alone) as u32,
    }
}

/// What a program is for.
struct Place {
    against: Against,
    /// Whose programs Linux runs, if they may have all that it adds for that.
    machine: Option<Machine>,
    /// Slots of the program array; none if no program makes tail calls.
    slots: usize,
    /// Which functions it may call.
    callees: Range<usize>,
    /// Which function it is, if it is one.
    function: Option<usize>,
    /// There are functions.
    has_functions: bool,
}

/// A program for the kernel, and the bytes of stack that it needs. Calls have the helper's number.
pub(super) fn for_kernel(random: &mut Random) -> (Vec<Fields>, u32) {
    let place = Place {
        against: Against::Interpreter,
        machine: None,
        slots: 0,
        callees: 0..0,
        function: None,
        has_functions: false,
    };
    let mut program = program(random, place);
    for insn in program.iter_mut().filter(|insn| insn.opcode == CALL) {
        insn.immediate = helper_number(insn.immediate).map_or(0, |number| number as i32);
    }
    (program, CALLED_STACK as u32)
}

fn stack(is_alone: bool) -> i16 {
    match is_alone {
        true => STACK,
        false => CALLED_STACK,
    }
}

/// The data that programs start with.
pub(super) fn data(random: &mut Random, machine: &Machine) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < DATA_SIZE as usize {
        let value = match random.chance(60) {
            true => random.choose(&super::forms::VALUES),
            false => random.next(),
        };
        bytes.extend(machine.bytes64(value));
    }
    bytes
}

fn program(random: &mut Random, place: Place) -> Vec<Fields> {
    let budget = match random.below(10) {
        0 => 2,
        1..=5 => 12,
        6..=8 => 40,
        _ => 120,
    };
    let base = random.choose(&[6, 7, 8, 9]);
    let is_alone = place.slots == 0 && !place.has_functions && place.against == Against::Model;
    let mut generator = Generator {
        hidden: Vec::new(),
        random,
        program: Vec::new(),
        base,
        defined: 1 << base | 1 << R10,
        reserved: 1 << base,
        budget,
        depth: 0,
        stack: stack(is_alone),
        place,
        exit: None,
        is_padded: false,
    };
    generator.begin();
    generator.block();
    generator.end();
    generator.program
}

impl Generator<'_> {
    fn push(&mut self, insn: Fields) {
        self.program.push(insn);
    }

    /// Saves the context pointer and gives some registers a value.
    fn begin(&mut self) {
        if self.random.chance(10) {
            self.push(goto(1));
            self.exit = Some(self.program.len());
            self.push(exit());
        }
        self.push(mov(self.base, 1));
        if let Some(function) = self.place.function {
            self.defined |= ARGUMENTS;
            self.take_arguments(function);
        }
        if self.stack != STACK {
            for offset in (-self.stack..0).step_by(8) {
                self.push(store_imm(DW, R10, offset, offset.into()));
            }
        }
        let keeps_r1 = self.random.chance(30);
        let many = self.random.chance(50);
        for reg in 0..10 {
            let wanted = many || self.random.chance(40);
            if reg == self.base || (reg == 1 && keeps_r1) || self.is_defined(reg) || !wanted {
                continue;
            }
            self.push(load(DW, reg, self.base, INPUT + 8 * i16::from(reg)));
            self.defined |= 1 << reg;
        }
        if keeps_r1 {
            self.defined |= 1 << 1;
        }
    }

    /// Stores what is defined, and exits.
    fn end(&mut self) {
        let output = match self.place.function {
            None => OUTPUT,
            Some(number) => OUTPUT + OUTPUT_EACH * (1 + number as i16),
        };
        for reg in 0..10 {
            if self.is_defined(reg) {
                self.push(store(DW, self.base, output + 8 * i16::from(reg), reg));
            }
        }
        if !self.is_defined(0) {
            self.push(mov_imm(0, 7));
        }
        self.leave();
    }

    /// The exit, or a jump back to it, short or long.
    fn leave(&mut self) {
        let Some(at) = self.exit else {
            return self.push(exit());
        };
        let distance = at as i32 - self.program.len() as i32 - 1;
        match i16::try_from(distance) {
            // Also with zero-extensions, or blinded, it must reach.
            Ok(distance) if distance > -2000 && self.random.chance(50) => {
                self.push(goto(distance));
            }
            _ => self.push(goto_long(distance)),
        }
    }

    fn is_defined(&self, reg: u8) -> bool {
        self.defined >> reg & 1 != 0
    }

    /// Whether the next instructions may be executed again.
    fn is_in_loop(&self) -> bool {
        self.reserved != 1 << self.base
    }

    fn is_reserved(&self, reg: u8) -> bool {
        self.reserved >> reg & 1 != 0
    }

    /// Statements, until there are enough of them.
    fn block(&mut self) {
        let share = match self.depth {
            0 => self.budget,
            _ => 1 + self.random.below(6),
        };
        for _ in 0..share {
            if self.budget == 0 {
                return;
            }
            self.budget -= 1;
            match self.random.below(100) {
                0..=9 if self.depth < 4 => self.condition(),
                10..=12 if self.depth < 2 => self.repetition(),
                13 if self.depth > 0 && self.random.chance(30) => {
                    self.early_end();
                    return;
                }
                14..=16 if self.place.slots > 0 => self.tail_call(),
                17..=24 if !self.place.callees.is_empty() => self.function_call(),
                // Where there is no choice, nothing is drawn: the kernel's programs stay as they are.
                _ if self.place.machine.is_some() && self.random.chance(25) => self.linux(),
                _ => self.statement(),
            }
        }
    }

    fn nested(&mut self) {
        self.depth += 1;
        self.block();
        self.depth -= 1;
    }

    /// `if (condition) { block } else { block }`, the second maybe empty; sometimes one is far.
    fn condition(&mut self) {
        let condition = self.branch();
        let jump = self.program.len();
        self.push(condition);
        let before = self.defined;
        if !self.is_padded && self.random.chance(1) && self.random.chance(50) {
            self.padding();
        }
        self.nested();
        let mut after = self.defined;
        if self.random.chance(40) {
            let over = self.program.len();
            self.push(goto(0));
            self.land(jump);
            self.defined = before;
            self.nested();
            self.land(over);
            after &= self.defined;
        } else {
            self.land(jump);
            after &= before;
        }
        self.defined = after;
    }

    /// Jumps over instructions that nothing executes, and that no branch reaches over.
    fn padding(&mut self) {
        let more = match self.place.against {
            Against::Model => 4000,
            // Blinded, it must still be in reach of the jump over it.
            Against::Interpreter => 2500,
        };
        let count = 7000 + self.random.below(more);
        self.is_padded = true;
        let over = self.program.len();
        self.push(goto(0));
        let filler = insn(class::ALU64 | ADD, 0, 0, 0, 0x1234_5678);
        self.program.extend(vec![filler; count]);
        self.land(over);
    }

    /// Makes the jump at an index go to the next instruction.
    fn land(&mut self, jump: usize) {
        let distance = self.program.len() - jump - 1;
        self.program[jump].offset = i16::try_from(distance).unwrap_or(0);
    }

    /// `do { block } while (--counter)`
    fn repetition(&mut self) {
        let Some(counter) = [6, 7, 8, 9].into_iter().find(|reg| !self.is_reserved(*reg)) else {
            return;
        };
        let count = 2 + self.random.below(4) as i32;
        self.push(mov_imm(counter, count));
        self.defined |= 1 << counter;
        self.reserved |= 1 << counter;
        // What a call in the loop takes away is not there the second time.
        self.defined &= !ARGUMENTS;
        let start = self.program.len();
        let before = self.defined;
        self.nested();
        self.defined |= before;
        self.push(add_imm(counter, -1));
        let distance = start as i64 - self.program.len() as i64 - 1;
        let distance = i16::try_from(distance).unwrap_or(0);
        self.push(insn(class::JMP | 0x50, counter, 0, distance, 0));
        self.reserved &= !(1 << counter);
    }

    fn early_end(&mut self) {
        let before = self.defined;
        self.end();
        // What follows is unreachable on this path: all that others know holds.
        self.defined = before;
    }
}
