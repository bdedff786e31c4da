// SPDX-License-Identifier: GPL-2.0

//! One instruction.

use super::alu::{self, Swap, Width};
use super::fields::{class, Fields};
use super::memory::ByteOrder;
use super::{Kernel, Machine, Next, Trap, AX, MAX_TAIL_CALLS};

/// Modes of load and store instructions (section 5, table 10).
mod mode {
    pub(super) const IMM: u8 = 0x00;
    pub(super) const MEM: u8 = 0x60;
    pub(super) const MEMSX: u8 = 0x80;
    pub(super) const ATOMIC: u8 = 0xc0;
}

/// Immediates of atomic instructions (section 5.3); the last two are Linux's.
mod atomic {
    pub(super) const FETCH: i32 = 0x01;
    pub(super) const XCHG: i32 = 0xe1;
    pub(super) const CMPXCHG: i32 = 0xf1;
    pub(super) const LOAD_ACQUIRE: i32 = 0x100;
    pub(super) const STORE_RELEASE: i32 = 0x110;
}

/// The speculation barrier of Linux: class ST, size W, mode 6.
const NOSPEC: u8 = 0xc2;

impl<K: Kernel> Machine<'_, K> {
    /// Executes the instruction at [`Machine::at`].
    ///
    /// # Errors
    ///
    /// A trap, if the program does what it may not do.
    pub fn step(&mut self) -> Result<Next, Trap> {
        let insn = self.fetch(self.at)?;
        let here = self.at;
        self.at = here + 1;
        match insn.class() {
            class::ALU => self.arithmetic(Width::Word, &insn)?,
            class::ALU64 => self.arithmetic(Width::Doubleword, &insn)?,
            class::JMP => return self.jump(Width::Doubleword, &insn, here),
            class::JMP32 => return self.jump(Width::Word, &insn, here),
            class::LD => self.load_immediate(&insn)?,
            class::LDX => self.load(&insn)?,
            class::ST if insn.opcode == NOSPEC => {}
            class::ST => self.store(&insn, insn.immediate64())?,
            _ if insn.mode() == mode::ATOMIC => self.atomic(&insn)?,
            _ => {
                let value = self.read(insn.src)?;
                self.store(&insn, value)?;
            }
        }
        Ok(Next::Instruction)
    }

    /// The second operand: a register, or the sign-extended immediate (section 4).
    fn source(&self, insn: &Fields) -> Result<u64, Trap> {
        if insn.is_register_source() {
            self.read(insn.src)
        } else {
            Ok(insn.immediate64())
        }
    }

    /// Sections 4.1 and 4.2.
    fn arithmetic(&mut self, width: Width, insn: &Fields) -> Result<(), Trap> {
        let bad = Trap::BadInstruction;
        let from_register = insn.is_register_source();
        match insn.operation() {
            // MOV. As the source is the destination and the immediate 1, a word's move is the
            // zero-extension that Linux's verifier inserts (insn_is_zext(), linux/filter.h).
            0xb0 => {
                let src = self.source(insn)?;
                let value = match insn.offset {
                    0 => width.unsigned(src),
                    _ if !from_register => return Err(bad),
                    offset => alu::move_sign_extended(width, offset, src).ok_or(bad)?,
                };
                let zero_extends = insn.offset == 0
                    && from_register
                    && insn.src == insn.dst
                    && insn.immediate == 1;
                match width {
                    Width::Word if !zero_extends => self.write_word(insn.dst, value),
                    _ => self.write(insn.dst, value),
                }
            }
            // END
            0xd0 if insn.offset == 0 => {
                let kind = match (width, from_register) {
                    (Width::Word, false) => Swap::To(ByteOrder::Little),
                    (Width::Word, true) => Swap::To(ByteOrder::Big),
                    (Width::Doubleword, false) => Swap::Unconditional,
                    (Width::Doubleword, true) => return Err(bad),
                };
                let value = self.read(insn.dst)?;
                let swapped =
                    alu::swap(kind, self.setup.order, insn.immediate, value).ok_or(bad)?;
                match insn.immediate {
                    64 => self.write(insn.dst, swapped),
                    _ => self.write_word(insn.dst, swapped),
                }
            }
            // NEG
            0x80 if insn.offset == 0 && !from_register => {
                let value = self.read(insn.dst)?.wrapping_neg();
                self.write_result(width, insn.dst, value)
            }
            operation => {
                let (dst, src) = (self.read(insn.dst)?, self.source(insn)?);
                let value = alu::binary(width, operation, insn.offset, dst, src).ok_or(bad)?;
                self.write_result(width, insn.dst, value)
            }
        }
    }

    fn write_result(&mut self, width: Width, number: u8, value: u64) -> Result<(), Trap> {
        match width {
            Width::Word => self.write_word(number, value),
            Width::Doubleword => self.write(number, value),
        }
    }

    /// Section 4.3.
    fn jump(&mut self, width: Width, insn: &Fields, here: usize) -> Result<Next, Trap> {
        let bad = Trap::BadInstruction;
        let mut distance = i64::from(insn.offset);
        let taken = match (insn.operation(), width, insn.is_register_source()) {
            (0x00, Width::Doubleword, false) => true,
            (0x00, Width::Word, false) => {
                distance = i64::from(insn.immediate);
                true
            }
            (0x80, Width::Doubleword, false) if insn.src == 0 => {
                self.call(insn.immediate)?;
                false
            }
            (0x90, Width::Doubleword, false) => return Ok(Next::Exit),
            (0xf0, Width::Doubleword, false) => {
                self.tail_call()?;
                false
            }
            (operation, ..) => {
                let (dst, src) = (self.read(insn.dst)?, self.source(insn)?);
                alu::condition(width, operation, dst, src).ok_or(bad)?
            }
        };
        if taken {
            self.at = usize::try_from(here as i64 + 1 + distance).map_err(|_| Trap::OffTheEnd)?;
        }
        Ok(Next::Instruction)
    }

    /// Section 4.3.1. The helper leaves nothing to rely on in R1 to R5, nor in the auxiliary
    /// register.
    fn call(&mut self, offset: i32) -> Result<(), Trap> {
        let arguments = [1, 2, 3, 4, 5].map(|number| self.read(number).ok());
        let result = self
            .kernel
            .call(&mut self.memory, offset, arguments)
            .ok_or(Trap::BadCall)?;
        self.write(0, result)?;
        for index in (1..=5).chain([AX]) {
            self.registers[index] = self.kernel.junk();
            self.defined[index] = false;
        }
        Ok(())
    }

    /// `JMP_TAIL_CALL` of `___bpf_prog_run()`: R3's low word is the index; only a call that finds a
    /// program counts. The program that is called has R1, a stack, and nothing else.
    fn tail_call(&mut self) -> Result<(), Trap> {
        let (context, array, index) = (self.read(1)?, self.read(2)?, self.read(3)? as u32);
        let found = self.kernel.program(array, index);
        if self.tail_calls >= MAX_TAIL_CALLS {
            return Ok(());
        }
        if let Some(program) = found {
            self.tail_calls += 1;
            self.enter(program, context);
        }
        Ok(())
    }

    /// Section 5.4: the values 0 to 6 of the source field say what the constant is the address
    /// of; the kernel has put that address in its place.
    fn load_immediate(&mut self, insn: &Fields) -> Result<(), Trap> {
        if insn.mode() != mode::IMM || insn.size() != 8 {
            return Err(Trap::BadInstruction);
        }
        let second = self.fetch(self.at)?;
        if second.opcode != 0 {
            return Err(Trap::BadInstruction);
        }
        self.at += 1;
        let low = u64::from(insn.immediate as u32);
        let high = u64::from(second.immediate as u32);
        self.write(insn.dst, high << 32 | low)
    }

    /// Addresses have 32 bits: those above do not count.
    fn address(&self, base: u8, offset: i16) -> Result<u32, Trap> {
        Ok((self.read(base)? as u32).wrapping_add(i32::from(offset) as u32))
    }

    /// Sections 5.1 and 5.2.
    fn load(&mut self, insn: &Fields) -> Result<(), Trap> {
        let address = self.address(insn.src, insn.offset)?;
        let size = insn.size();
        let value = self.memory.load(address, size).map_err(Trap::Memory)?;
        match (insn.mode(), size) {
            (mode::MEM, 8) => self.write(insn.dst, value),
            (mode::MEM, _) => self.write_word(insn.dst, value),
            (mode::MEMSX, 1 | 2 | 4) => {
                self.write(insn.dst, alu::sign_extend(value, size * 8) as u64)
            }
            _ => Err(Trap::BadInstruction),
        }
    }

    /// Section 5.1.
    fn store(&mut self, insn: &Fields, value: u64) -> Result<(), Trap> {
        if insn.mode() != mode::MEM {
            return Err(Trap::BadInstruction);
        }
        let address = self.address(insn.dst, insn.offset)?;
        self.memory
            .store(address, insn.size(), value)
            .map_err(Trap::Memory)
    }

    /// Section 5.3, and Linux's load-acquire and store-release.
    fn atomic(&mut self, insn: &Fields) -> Result<(), Trap> {
        let size = insn.size();
        match insn.immediate {
            // Linux has no doubleword forms of these on a 32-bit machine.
            atomic::LOAD_ACQUIRE if size != 8 => {
                let address = self.address(insn.src, insn.offset)?;
                let value = self.memory.load(address, size).map_err(Trap::Memory)?;
                return self.write_word(insn.dst, value);
            }
            atomic::STORE_RELEASE if size != 8 => {
                let address = self.address(insn.dst, insn.offset)?;
                let value = self.read(insn.src)?;
                return self
                    .memory
                    .store(address, size, value)
                    .map_err(Trap::Memory);
            }
            _ => {}
        }
        let width = match size {
            4 => Width::Word,
            8 => Width::Doubleword,
            _ => return Err(Trap::BadInstruction),
        };
        let address = self.address(insn.dst, insn.offset)?;
        let src = self.read(insn.src)?;
        let old = self.memory.load(address, size).map_err(Trap::Memory)?;
        let (new, replaces) = match insn.immediate {
            atomic::XCHG => (Some(src), Some(insn.src)),
            // The destination is R0.
            atomic::CMPXCHG => {
                let equal = old == width.unsigned(self.read(0)?);
                (equal.then_some(src), Some(0))
            }
            operation => {
                let new = alu::atomic(operation & !atomic::FETCH, old, src)
                    .ok_or(Trap::BadInstruction)?;
                let fetches = operation & atomic::FETCH != 0;
                (Some(new), fetches.then_some(insn.src))
            }
        };
        if let Some(new) = new {
            self.memory
                .store(address, size, new)
                .map_err(Trap::Memory)?;
        }
        match replaces {
            Some(number) => self.write_result(width, number, old),
            None => Ok(()),
        }
    }
}
