// SPDX-License-Identifier: GPL-2.0

//! Calls of functions of the program, and tail calls.
//!
//! A function gets the data in R1, in R2 to R5 whatever there is, and so many arguments more. It calls only those behind it, so that
//! no chain is longer than there are functions.

use super::*;

/// How many arguments beyond five a function takes, by its number among functions.
fn stack_arguments(function: usize) -> i16 {
    [7, 0, 2, 4][function % 4]
}

impl Generator<'_> {
    /// Loads some of the arguments beyond five.
    pub(super) fn take_arguments(&mut self, function: usize) {
        for index in 0..stack_arguments(function) {
            if self.random.chance(50) {
                let dst = self.writable();
                self.push(load_argument(dst, index));
                self.defined |= 1 << dst;
            }
        }
    }

    /// Stores so many, some of them constants.
    pub(super) fn pass_arguments(&mut self, count: i16) {
        for index in 0..count {
            if self.random.chance(30) {
                let value = self.immediate();
                self.push(store_argument_imm(index, value));
            } else {
                let src = self.readable();
                self.push(store_argument(index, src));
            }
        }
    }

    /// `function(data, ...)`. If it may have made a tail call, nothing is known of the upper half of R0.
    pub(super) fn function_call(&mut self) {
        let Range { start, end } = self.place.callees;
        let number = self.random.below(end - start);
        let callee = start + number;
        // A function calls those behind it, the program all.
        let first = self.place.function.map_or(0, |function| function + 1);
        for argument in 2..=5 {
            if self.is_defined(argument) && self.random.chance(60) {
                continue;
            }
            match self.random.chance(50) {
                true => {
                    let value = self.readable();
                    self.push(mov(argument, value));
                }
                false => {
                    let value = self.random.next();
                    self.program.extend(load_imm64(argument, value));
                }
            }
            self.defined |= 1 << argument;
        }
        self.pass_arguments(stack_arguments(first + number));
        self.push(mov(1, self.base));
        self.push(call_subprogram(callee as i32));
        if self.place.slots > 0 {
            self.push(zero_extend(0));
        }
        self.defined &= !ARGUMENTS;
        self.defined |= 1;
    }

    /// `bpf_tail_call(context, array, index)`, which may or may not find a program.
    pub(super) fn tail_call(&mut self) {
        match self.random.below(3) {
            0 => {
                let index = self.random.below(self.place.slots + 2) as i32;
                self.push(mov_imm(3, index));
            }
            1 => {
                let above = self.random.next() << 32;
                let index = self.random.below(self.place.slots + 1) as u64;
                self.program.extend(load_imm64(3, above | index));
            }
            // Whatever the program has computed, small enough to be found at times.
            _ => {
                if !self.is_defined(3) {
                    let index = self.readable();
                    self.push(mov(3, index));
                }
                if self.random.chance(80) {
                    self.push(insn(class::ALU64 | AND, 3, 0, 0, 7));
                }
            }
        }
        self.push(mov(1, self.base));
        self.program.extend(load_imm64(2, ARRAY_POINTER));
        self.push(tail_call());
        self.defined &= !ARGUMENTS;
    }
}
