// SPDX-License-Identifier: GPL-2.0

//! Random statements: one instruction or a few that belong together.

use super::*;
use crate::tools::exec::kernel::{self, arity};
use crate::tools::exec::places::call;
use crate::tools::exec::subject::AX;

impl Generator<'_> {
    pub(super) fn statement(&mut self) {
        match self.random.below(100) {
            0..=29 => self.arithmetic(),
            30..=37 => self.move_or_swap(),
            38..=41 => self.constant(),
            42..=56 => self.read(),
            57..=71 => self.write(),
            72..=79 => self.atomic(),
            80..=89 => self.call(),
            90..=93 => self.blinded(),
            94..=96 => self.stack_pointer(),
            97 => self.push(insn(0xc2, 0, 0, 0, 0)),
            _ => self.swap_in_memory(),
        }
        for register in std::mem::take(&mut self.hidden) {
            self.push(mov_imm(register, register.into()));
        }
    }

    /// A defined register, to read; R10 now and then.
    pub(super) fn readable(&mut self) -> u8 {
        loop {
            let reg = self.random.below(11) as u8;
            let shows_stack = reg == R10 && self.place.against == Against::Interpreter;
            if self.is_defined(reg) && !shows_stack && (reg != R10 || self.random.chance(20)) {
                return reg;
            }
        }
    }

    /// A register to overwrite.
    pub(super) fn writable(&mut self) -> u8 {
        loop {
            let reg = self.random.below(10) as u8;
            if !self.is_reserved(reg) {
                return reg;
            }
        }
    }

    /// A register to change: defined and not reserved, made so if there is none.
    pub(super) fn changeable(&mut self) -> u8 {
        for _ in 0..20 {
            let reg = self.writable();
            if self.is_defined(reg) {
                return reg;
            }
        }
        let reg = self.writable();
        let immediate = self.immediate();
        self.push(mov_imm(reg, immediate));
        self.defined |= 1 << reg;
        reg
    }

    pub(super) fn immediate(&mut self) -> i32 {
        match self.random.below(4) {
            0 => self.random.word() as i32,
            1 => self.random.below(64) as i32,
            _ => self.random.choose(&crate::tools::exec::forms::IMMEDIATES),
        }
    }

    /// A class of arithmetic, or the same of jumps.
    fn width(&mut self, word: u8, doubleword: u8) -> u8 {
        if self.random.chance(40) {
            word
        } else {
            doubleword
        }
    }

    fn arithmetic(&mut self) {
        let class = self.width(class::ALU, class::ALU64);
        let (_, operation, offset) = self.random.choose(&BINARY);
        let dst = self.changeable();
        if self.random.chance(5) {
            return self.push(insn(class | NEG, dst, 0, 0, 0));
        }
        // The interpreter divides without a look at the divisor.
        let must_be_odd =
            self.place.against == Against::Interpreter && matches!(operation, DIV | MOD);
        if self.random.chance(50) {
            let src = if must_be_odd {
                let src = self.changeable();
                self.push(insn(class::ALU64 | OR, src, 0, 0, 1));
                src
            } else {
                self.readable()
            };
            self.push(insn(class | operation | X, dst, src, offset, 0));
        } else {
            let immediate = match operation {
                // The verifier refuses what is not less than the width.
                LSH | RSH | ARSH if self.place.against == Against::Interpreter => {
                    self.immediate() & if class == class::ALU { 31 } else { 63 }
                }
                _ => self.immediate() | i32::from(must_be_odd),
            };
            self.push(insn(class | operation, dst, 0, offset, immediate));
        }
    }

    fn move_or_swap(&mut self) {
        let class = self.width(class::ALU, class::ALU64);
        match self.random.below(4) {
            0 => {
                let dst = self.changeable();
                let size = self.random.choose(&[16, 32, 64]);
                let register = if class == class::ALU && self.random.chance(50) {
                    X
                } else {
                    0
                };
                self.push(insn(class | END | register, dst, 0, 0, size));
            }
            1 => {
                let (dst, immediate) = (self.writable(), self.immediate());
                self.push(insn(class | MOV, dst, 0, 0, immediate));
                self.defined |= 1 << dst;
            }
            _ => {
                let src = self.readable();
                let dst = self.writable();
                let offsets: &[i16] = match class {
                    class::ALU => &[0, 0, 8, 16],
                    _ => &[0, 0, 0, 8, 16, 32],
                };
                let offset = self.random.choose(offsets);
                self.push(insn(class | MOV | X, dst, src, offset, 0));
                self.defined |= 1 << dst;
            }
        }
    }

    fn constant(&mut self) {
        let dst = self.writable();
        let value = match self.random.chance(50) {
            true => self.random.next(),
            false => self.random.choose(&crate::tools::exec::forms::VALUES),
        };
        self.program.extend(load_imm64(dst, value));
        self.defined |= 1 << dst;
    }

    /// Somewhere to load or store so many bytes: a register and an offset. Sometimes it is a
    /// register of its own, far off, with an offset that leads back.
    pub(super) fn place(&mut self, bytes: u8, avoid: &[u8]) -> (u8, i16) {
        let bytes = i16::from(bytes);
        let (base, low, high) = match self.random.below(3) {
            0 => (R10, -self.stack, 0),
            _ => (self.base, AREA.start, AREA.end),
        };
        let count = (high - low) / bytes;
        let offset = low + bytes * self.random.below(count as usize) as i16;
        if !self.random.chance(25) {
            return (base, offset);
        }
        let Some(pointer) = (0..8)
            .map(|_| self.writable())
            .find(|reg| !avoid.contains(reg))
        else {
            return (base, offset);
        };
        let own = match self.random.below(4) {
            0 => i16::MAX - (self.random.below(8) as i16),
            1 => i16::MIN + (self.random.below(8) as i16),
            _ => self.random.word() as i16 / 16,
        };
        self.push(mov(pointer, base));
        self.push(add_imm(pointer, i32::from(offset) - i32::from(own)));
        self.defined |= 1 << pointer;
        if base == R10 {
            self.hide(pointer);
        }
        (pointer, own)
    }

    /// What is in a register depends on where the stack is: if that is not the same everywhere, the
    /// statement ends with another value in it.
    fn hide(&mut self, register: u8) {
        if self.place.against == Against::Interpreter {
            self.hidden.push(register);
        }
    }

    /// Whether there is a load-acquire and a store-release of this size.
    fn orders(&self, size: u8) -> bool {
        size != DW || self.is_wide()
    }

    fn read(&mut self) {
        let (size, bytes) = self.random.choose(&SIZES);
        let (base, offset) = self.place(bytes, &[]);
        let dst = self.writable();
        let kind = self.random.below(8);
        self.push(match kind {
            0 if self.orders(size) => atomic(size, dst, offset, base, LOAD_ACQUIRE),
            1 | 2 if size != DW => load_signed(size, dst, base, offset),
            _ => load(size, dst, base, offset),
        });
        self.defined |= 1 << dst;
    }

    fn write(&mut self) {
        let (size, bytes) = self.random.choose(&SIZES);
        if self.random.chance(30) {
            let (base, offset) = self.place(bytes, &[]);
            let immediate = self.immediate();
            return self.push(store_imm(size, base, offset, immediate));
        }
        let src = self.readable();
        let (base, offset) = self.place(bytes, &[src]);
        let kind = self.random.below(8);
        self.push(match kind {
            0 if self.orders(size) => atomic(size, base, offset, src, STORE_RELEASE),
            _ => store(size, base, offset, src),
        });
    }

    fn atomic(&mut self) {
        let (size, bytes) = self.random.choose(&[(W, 4), (DW, 8)]);
        let (_, operation) = self.random.choose(&ATOMICS);
        let reads_r0 = operation == CMPXCHG;
        if reads_r0 && !self.is_defined(0) {
            self.push(mov_imm(0, 1));
            self.defined |= 1;
        }
        let src = self.changeable();
        let (base, offset) = self.place(bytes, &[src, if reads_r0 { 0 } else { src }]);
        if reads_r0 && self.random.chance(60) {
            // Most random values are different.
            self.push(load(size, 0, base, offset));
        }
        self.push(atomic(size, base, offset, src, operation));
    }

    /// Gives the arguments values, and calls.
    fn call(&mut self) {
        let helper = self.random.below(kernel::LAST_HELPER as usize + 1) as u32;
        if helper == kernel::FILL || helper == kernel::DIGEST {
            let bytes = 8 * (1 + self.random.below(6) as i16);
            let room = ((self.stack - bytes) / 8 + 1) as usize;
            let (base, offset) = match self.random.chance(50) {
                true => (R10, -self.stack + 8 * self.random.below(room) as i16),
                false => (self.base, AREA.start + 8 * self.random.below(200) as i16),
            };
            self.push(mov(1, base));
            self.push(add_imm(1, offset.into()));
            self.push(mov_imm(2, bytes.into()));
            if helper == kernel::FILL {
                let seed = self.immediate();
                self.push(mov_imm(3, seed));
            }
        } else {
            for reg in 1..=arity(helper) as u8 {
                self.argument(reg);
            }
        }
        self.push(call(helper));
        self.defined &= !ARGUMENTS;
        self.defined |= 1;
        if helper == kernel::LOOKUP {
            let value = self.readable();
            self.push(store(DW, 0, 0, value));
            let dst = self.writable();
            self.push(load(W, dst, 0, 4));
            self.defined |= 1 << dst;
        }
    }

    /// Gives an argument some value, if it has none.
    pub(super) fn argument(&mut self, reg: u8) {
        if !self.is_defined(reg) || self.random.chance(40) {
            let from = self.readable();
            self.push(if from == reg {
                mov_imm(reg, 3)
            } else {
                mov(reg, from)
            });
            self.defined |= 1 << reg;
        }
    }

    /// What constant blinding makes of an instruction with an immediate.
    fn blinded(&mut self) {
        let (immediate, key) = (self.immediate(), self.random.word() as i32);
        let class = self.width(class::ALU, class::ALU64);
        // Nothing may stand between what sets the register and what uses it.
        let changed = self.changeable();
        self.push(insn(class | MOV, AX, 0, 0, immediate ^ key));
        self.push(insn(class | 0xa0, AX, 0, 0, key));
        match self.random.below(3) {
            0 => {
                let (_, operation, offset) = self.random.choose(&BINARY);
                if self.place.against == Against::Interpreter && matches!(operation, DIV | MOD) {
                    // The interpreter divides by way of this register.
                    return self.push(insn(class | ADD | X, changed, AX, 0, 0));
                }
                self.push(insn(class | operation | X, changed, AX, offset, 0));
            }
            1 => {
                let dst = self.writable();
                self.push(insn(class | MOV | X, dst, AX, 0, 0));
                self.defined |= 1 << dst;
            }
            _ => {
                let (size, bytes) = self.random.choose(&SIZES);
                let count = (AREA.end - AREA.start) as usize / usize::from(bytes);
                let offset = AREA.start + i16::from(bytes) * self.random.below(count) as i16;
                self.push(store(size, self.base, offset, AX));
            }
        }
    }

    /// A pointer into the stack, and a use of it.
    fn stack_pointer(&mut self) {
        let pointer = self.writable();
        let offset = -8 * (1 + self.random.below(self.stack as usize / 8) as i16);
        self.push(mov(pointer, R10));
        self.push(add_imm(pointer, offset.into()));
        self.defined |= 1 << pointer;
        let value = loop {
            let value = self.readable();
            if value != pointer || self.place.against == Against::Model {
                break value;
            }
        };
        self.push(store(DW, pointer, 0, value));
        self.hide(pointer);
    }

    /// A doubleword goes through memory in two halves.
    fn swap_in_memory(&mut self) {
        let value = self.readable();
        let offset = AREA.start + 8 * self.random.below(100) as i16;
        self.push(store(DW, self.base, offset, value));
        let dst = self.writable();
        self.push(load(W, dst, self.base, offset + 4));
        self.push(store(W, self.base, offset, dst));
        self.defined |= 1 << dst;
    }

    /// A conditional jump, to be directed.
    pub(super) fn branch(&mut self) -> Fields {
        let class = self.width(class::JMP32, class::JMP);
        let (_, condition) = self.random.choose(&CONDITIONS);
        let dst = self.readable();
        if self.random.chance(50) {
            let src = self.readable();
            return insn(class | condition | X, dst, src, 0, 0);
        }
        let immediate = self.immediate();
        insn(class | condition, dst, 0, 0, immediate)
    }
}
