// SPDX-License-Identifier: GPL-2.0

//! A conformance vector: a program, what it is given, and the result it must have.

use super::super::edit::rebuild;
use super::super::judge::{Judge, Wrong};
use super::super::machine::Variant;
use super::super::places::call;
use super::super::subject::Subject;
use crate::model::bpf::fields::{class, Fields};
use crate::model::bpf::Trap;
use crate::model::world::Fault;
use crate::tools::build::*;

/// Bytes of stack, as in other implementations.
const STACK: i16 = 512;

/// Bytes below the stack, in which the whole result is left: what an image returns is a word.
const RESULT: i16 = 8;

/// Why a vector is not run.
pub(super) type Skip = &'static str;

/// What becomes of a vector.
pub(super) enum Verdict {
    Passed,
    NotRun(Skip),
    Failed(String),
}

/// The result expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Doubleword(u64),
    Word(u32),
}

/// What the program finds in R1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Context {
    /// The address of these bytes, with their number in R2. There may be none.
    Bytes(Vec<u8>),
    /// Something that only a kernel has.
    Kernel,
}

/// A vector.
#[derive(Clone, Debug)]
pub(super) struct Vector {
    pub(super) program: Vec<Fields>,
    pub(super) context: Context,
    pub(super) expected: Expected,
}

impl Vector {
    /// Runs it in the model and, compiled in every way, in the emulator.
    pub(super) fn judge(&self, judge: &mut Judge) -> Verdict {
        let variants: Vec<Variant> = Variant::all().collect();
        match &self.context {
            Context::Kernel => {
                // A call leaves nothing in R1: is the program the same without?
                let mut without = vec![call(0)];
                without.extend(&self.program);
                match self.run(judge, without, &[], &variants[..1]) {
                    Err(Wrong::Test(Trap::Undefined, _)) => Verdict::NotRun("uses its context"),
                    Err(Wrong::Test(Trap::Memory(fault), _)) if is_unaligned(fault) => {
                        Verdict::NotRun("has unaligned accesses")
                    }
                    Err(wrong) => Verdict::Failed(wrong.to_string()),
                    Ok(_) => self.verdict(self.run(judge, self.program.clone(), &[], &variants)),
                }
            }
            Context::Bytes(bytes) => self.judge_with(judge, bytes, &variants),
        }
    }

    fn judge_with(&self, judge: &mut Judge, bytes: &[u8], variants: &[Variant]) -> Verdict {
        // Where this comes from, registers are zero until they are written. Here the model refuses
        // to read them, and little depends on it.
        for clears in [false, true] {
            // Accesses are aligned here, so that the bytes must be so that they are.
            for skew in 0..8 {
                let mut program = match clears {
                    true => (0..10)
                        .filter(|reg| *reg != 1)
                        .map(|reg| mov_imm(reg, 0))
                        .collect(),
                    false => Vec::new(),
                };
                program.extend(self.with_bytes(skew, bytes.len()));
                let mut input = vec![0; skew as usize];
                input.extend(bytes);
                match self.run(judge, program, &input, variants) {
                    Err(Wrong::Test(Trap::Memory(fault), _)) if is_unaligned(fault) => {}
                    Err(Wrong::Test(Trap::Undefined, _)) if !clears => break,
                    ran => return self.verdict(ran),
                }
            }
        }
        Verdict::NotRun("has unaligned accesses")
    }

    /// The program with the bytes' address and number in R1 and R2.
    fn with_bytes(&self, skew: i32, length: usize) -> Vec<Fields> {
        let mut program = match length {
            0 => vec![mov_imm(1, 0)],
            _ => vec![add_imm(1, skew)],
        };
        program.push(mov_imm(2, length as i32));
        program.extend(&self.program);
        program
    }

    /// Runs a program in some ways; its result, which is the same in all of them.
    fn run(
        &self,
        judge: &mut Judge,
        program: Vec<Fields>,
        input: &[u8],
        variants: &[Variant],
    ) -> Result<u64, Wrong> {
        let is_exit = |insn: &Fields| insn.opcode == class::JMP | 0x90;
        let observed = rebuild(&program, |_, insn| match is_exit(insn) {
            true => vec![store(DW, R10, -STACK - RESULT, 0), *insn],
            false => vec![*insn],
        });
        let mut subject = Subject::new(observed.unwrap_or(program));
        subject.stack_depth = (STACK + RESULT) as u32;
        let mut result = 0;
        for &variant in variants {
            result = judge.judge(&subject, variant, &[input.to_vec()])?;
        }
        Ok(result)
    }

    fn verdict(&self, ran: Result<u64, Wrong>) -> Verdict {
        let result = match ran {
            Ok(result) => result,
            Err(wrong) => return Verdict::Failed(wrong.to_string()),
        };
        let is_expected = match self.expected {
            Expected::Doubleword(expected) => result == expected,
            Expected::Word(expected) => result as u32 == expected,
        };
        match is_expected {
            true => Verdict::Passed,
            false => Verdict::Failed(format!(
                "the result is {result:#x} in the model and in the emulator, and should be {:x?}",
                self.expected
            )),
        }
    }
}

fn is_unaligned(fault: Fault) -> bool {
    fault
        .address
        .is_some_and(|address| address % fault.size != 0)
}
