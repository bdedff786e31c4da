// SPDX-License-Identifier: GPL-2.0

//! One instruction.

use super::access::mode;
use super::alu::{self, Swap};
use super::fields::{class, Fields};
use super::memory::ByteOrder;
use super::{Content, Counted, Kernel, Machine, Next, Trap, AX, DOUBLEWORD, MAX_TAIL_CALLS, WORD};
use crate::model::word::Word;

/// Offset and immediate of a MOV that is Linux's cast of a pointer to user space.
const CAST: i16 = 1;
const TO_USER: i32 = 1 << 16;

/// Offset of a MOV that is Linux's way from an address of what each processor has of its own to that of
/// the processor that executes it.
const PER_PROCESSOR: i16 = -1;

/// Source field of a CALL that calls another function of the program.
const SUBPROGRAM: u8 = 1;

/// Source field of a CALL that calls a function with a C prototype.
const C_FUNCTION: u8 = 2;

/// The speculation barrier of Linux: class ST, size W, mode 6.
const NOSPEC: u8 = 0xc2;

impl<W: Word, K: Kernel<W>> Machine<'_, W, K> {
    /// Executes the instruction at [`Machine::at`].
    ///
    /// # Errors
    ///
    /// A trap, if the program does what it may not do.
    pub fn step(&mut self) -> Result<Next<K::Program, W>, Trap> {
        let insn = self.fetch(self.at)?;
        let here = self.at;
        self.at = here + 1;
        match insn.class() {
            class::ALU => self.arithmetic(WORD, &insn)?,
            class::ALU64 => self.arithmetic(DOUBLEWORD, &insn)?,
            class::JMP => return self.jump(DOUBLEWORD, &insn, here),
            class::JMP32 => return self.jump(WORD, &insn, here),
            class::LD => self.load_immediate(&insn)?,
            class::LDX if self.is_of_arguments(insn.src) => self.load_argument(&insn)?,
            class::LDX => self.load(&insn)?,
            class::ST if insn.opcode == NOSPEC => self.kernel.fence(),
            class::ST => {
                let value = self.kernel.immediate(&insn);
                match self.is_of_arguments(insn.dst) {
                    true => self.store_argument(&insn, value)?,
                    false => self.store(&insn, value)?,
                }
            }
            class::STX if self.is_of_arguments(insn.dst) => {
                let value = self.read(insn.src)?;
                self.store_argument(&insn, value)?;
            }
            _ if matches!(insn.mode(), mode::ATOMIC | mode::PROBE_ATOMIC) => self.atomic(&insn)?,
            _ => {
                let value = self.read(insn.src)?;
                self.store(&insn, value)?;
            }
        }
        Ok(Next::Instruction)
    }

    /// The second operand: a register, or the sign-extended immediate (section 4).
    fn source(&self, insn: &Fields) -> Result<W, Trap> {
        if insn.is_register_source() {
            self.read(insn.src)
        } else {
            Ok(self.kernel.immediate(insn))
        }
    }

    /// Sections 4.1 and 4.2.
    fn arithmetic(&mut self, width: u32, insn: &Fields) -> Result<(), Trap> {
        let bad = Trap::BadInstruction;
        let from_register = insn.is_register_source();
        match insn.operation() {
            // MOV. As the source is the destination and the immediate 1, a word's move is the
            // zero-extension that Linux's verifier inserts (insn_is_zext(), linux/filter.h).
            0xb0 => {
                let src = self.source(insn)?.low(width);
                let value = match insn.offset {
                    0 => src,
                    _ if !from_register => return Err(bad),
                    PER_PROCESSOR if width == DOUBLEWORD && insn.immediate == 0 => {
                        self.this_processors(src)
                    }
                    CAST if width == DOUBLEWORD && insn.immediate == TO_USER => {
                        self.cast_to_user(src)?
                    }
                    offset => alu::move_sign_extended(offset, src).ok_or(bad)?,
                };
                let zero_extends = insn.offset == 0
                    && from_register
                    && insn.src == insn.dst
                    && insn.immediate == 1;
                if width == WORD && zero_extends {
                    return self.write(insn.dst, value.zero_extend(DOUBLEWORD));
                }
                self.write_result(insn.dst, value)
            }
            // END
            0xd0 if insn.offset == 0 => {
                let kind = match (width, from_register) {
                    (WORD, false) => Swap::To(ByteOrder::Little),
                    (WORD, true) => Swap::To(ByteOrder::Big),
                    (_, false) => Swap::Unconditional,
                    (_, true) => return Err(bad),
                };
                let value = self.read(insn.dst)?;
                let swapped =
                    alu::swap(kind, self.setup.order, insn.immediate, value).ok_or(bad)?;
                match insn.immediate {
                    64 => self.write(insn.dst, swapped),
                    _ => self.write_result(insn.dst, swapped.low(WORD)),
                }
            }
            // NEG
            0x80 if insn.offset == 0 && !from_register => {
                let value = -self.read(insn.dst)?.low(width);
                self.write_result(insn.dst, value)
            }
            operation => {
                let (dst, src) = (
                    self.read(insn.dst)?.low(width),
                    self.source(insn)?.low(width),
                );
                let value = alu::binary(operation, insn.offset, dst, src).ok_or(bad)?;
                self.write_result(insn.dst, value)
            }
        }
    }

    /// Section 4.3.
    fn jump(
        &mut self,
        width: u32,
        insn: &Fields,
        here: usize,
    ) -> Result<Next<K::Program, W>, Trap> {
        let bad = Trap::BadInstruction;
        let mut distance = i64::from(insn.offset);
        let taken = match (insn.operation(), width, insn.is_register_source()) {
            (0x00, DOUBLEWORD, false) => true,
            (0x00, WORD, false) => {
                distance = i64::from(insn.immediate);
                true
            }
            (0x00, DOUBLEWORD, true) if (insn.src, insn.offset, insn.immediate) == (0, 0, 0) => {
                let target = self.read(insn.dst)?;
                return Ok(Next::Address(target));
            }
            (0x80, DOUBLEWORD, false) if insn.src == 0 => {
                self.call_helper(insn.immediate)?;
                false
            }
            (0x80, DOUBLEWORD, false) if insn.src == C_FUNCTION => {
                if let Some(callback) = self.kernel.exception_callback(insn) {
                    self.throw(callback)?;
                    return Ok(Next::Instruction);
                }
                self.call_function(insn)?;
                false
            }
            (0x80, DOUBLEWORD, false) if insn.src == SUBPROGRAM => {
                return self.call_subprogram(insn.immediate);
            }
            (0x90, DOUBLEWORD, false) => return self.exit(),
            (0xf0, DOUBLEWORD, false) => return self.tail_call(),
            (operation, ..) => {
                let (dst, src) = (
                    self.read(insn.dst)?.low(width),
                    self.source(insn)?.low(width),
                );
                let condition = alu::condition(operation, dst, src).ok_or(bad)?;
                self.kernel.decide(condition)
            }
        };
        if taken {
            self.at = usize::try_from(here as i64 + 1 + distance).map_err(|_| Trap::OffTheEnd)?;
        }
        Ok(Next::Instruction)
    }

    /// Section 4.3.1. The helper leaves nothing to rely on in R1 to R5, nor in the auxiliary
    /// register.
    pub(super) fn call(&mut self, offset: i32) -> Result<(), Trap> {
        let arguments = [1, 2, 3, 4, 5].map(|number| self.read(number).ok());
        let result = self.kernel.call(offset, arguments).ok_or(Trap::BadCall)?;
        self.write(0, result)?;
        self.lose_arguments();
        Ok(())
    }

    /// What a call leaves of registers that the function may use.
    pub(super) fn lose_arguments(&mut self) {
        for index in (1..=5).chain([AX]) {
            self.registers[index] = self.kernel.unknown(DOUBLEWORD);
            self.defined[index] = false;
        }
        self.lose_stack_arguments();
    }

    /// `JMP_TAIL_CALL` of `___bpf_prog_run()`: R3's low word is the index. The program that is called
    /// has R1, a stack, and nothing else.
    fn tail_call(&mut self) -> Result<Next<K::Program, W>, Trap> {
        let (context, array, index) = (self.read(1)?, self.read(2)?, self.read(3)?.low(WORD));
        let limit = W::new(WORD, u64::from(MAX_TAIL_CALLS));
        let found = self.kernel.program(array, index);
        if !self.kernel.decide(self.tail_calls.is_below(limit)) {
            return Ok(Next::Instruction);
        }
        let counts = match found {
            Content::Outside => false,
            Content::Empty => self.setup.counted == Counted::Lookups,
            Content::Program(_) => true,
        };
        if counts {
            self.tail_calls = self.tail_calls + W::new(WORD, 1);
        }
        Ok(match found {
            Content::Program(program) => Next::TailCall(program, context),
            Content::Outside | Content::Empty => Next::Instruction,
        })
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
        let high = self.kernel.immediate(&second).low(WORD);
        let low = self.kernel.immediate(insn).low(WORD);
        self.write(insn.dst, high.concat(low))
    }
}
