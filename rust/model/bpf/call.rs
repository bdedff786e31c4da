// SPDX-License-Identifier: GPL-2.0

//! Calls of other functions of the program (RFC 9669 section 4.3.2, program-local functions).
//!
//! A function has R1 to R5 of its caller, what other arguments it passes, a stack of its own, and nothing
//! else. It returns R0; R6 to R9
//! of the caller are as they were, and R1 to R5 are lost.

use super::{
    Kernel, Machine, Next, Trap, Waiting, DOUBLEWORD, MAX_FUNCTIONS, R10, REGISTERS,
    STACK_ARGUMENTS, WORD,
};
use crate::model::word::Word;

impl<W: Word, K: Kernel<W>> Machine<'_, W, K> {
    /// Calls the function with this immediate.
    pub(super) fn call_subprogram(&mut self, which: i32) -> Result<Next<K::Program, W>, Trap> {
        let arguments = self.arguments();
        if let Some(result) = self.kernel.call_subprogram(which, arguments) {
            self.write(0, result)?;
            self.lose_arguments();
            return Ok(Next::Instruction);
        }
        let program = self.kernel.subprogram(which);
        let program = program.filter(|&program| program < self.programs.len());
        let program = program.ok_or(Trap::BadCall)?;
        if self.waiting.len() + 1 >= MAX_FUNCTIONS {
            return Err(Trap::Endless);
        }
        let caller = self.programs.get(self.program);
        let frame = caller.map_or(0, |caller| caller.frame);
        self.waiting.push(Waiting {
            program: self.program,
            at: self.at,
            registers: self.registers,
            defined: self.defined,
            is_program: self.is_program,
            above: self.above,
        });
        self.above += frame;
        self.is_program = false;
        self.program = program;
        self.at = 0;
        for register in (0..REGISTERS).filter(|register| !(1..=5).contains(register)) {
            self.registers[register] = self.kernel.unknown(DOUBLEWORD);
            self.defined[register] = false;
        }
        self.registers[R10] = W::new(DOUBLEWORD, self.stack());
        self.defined[R10] = true;
        self.taken = self.passed;
        self.passed = [None; STACK_ARGUMENTS];
        Ok(Next::Instruction)
    }

    /// Throws an exception, of which R1 is the number: functions that wait for others are given up, up to
    /// the program that they are of. In its place the callback goes on, which knows the number and a stack.
    pub(super) fn throw(&mut self, callback: usize) -> Result<(), Trap> {
        let number = self.read(1)?;
        while !self.is_program {
            let caller = self.waiting.pop().ok_or(Trap::BadCall)?;
            self.is_program = caller.is_program;
            self.above = caller.above;
        }
        self.enter(callback, number);
        Ok(())
    }

    /// Returns from a function, or from the program. A program that a function has made a tail call
    /// to returns in its place, with a word: nothing is promised of R0's upper half then.
    pub(super) fn exit(&mut self) -> Result<Next<K::Program, W>, Trap> {
        let Some(caller) = self.waiting.pop() else {
            return Ok(Next::Exit);
        };
        let mut result = self.read(0)?;
        if self.is_program {
            result = self.kernel.unknown(WORD).concat(result.low(WORD));
        }
        self.is_program = caller.is_program;
        self.above = caller.above;
        self.program = caller.program;
        self.at = caller.at;
        self.registers = caller.registers;
        self.defined = caller.defined;
        self.write(0, result)?;
        self.lose_arguments();
        Ok(Next::Instruction)
    }
}
