// SPDX-License-Identifier: GPL-2.0

//! Why a program stays un-JITed.
//!
//! Every error leaves the program to the interpreter, with one line in the log that names the
//! instruction. None of them leaves a partial image behind.

/// Why a program could not be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The instruction at index `at` has an opcode, or a combination of fields, that the JIT does
    /// not implement.
    Unsupported { at: u32, opcode: u8 },
    /// The instruction at index `at` jumps outside the program or into the middle of a two-slot
    /// instruction.
    OutOfReach { at: u32 },
    /// The program is an extension that returns 64 bits, which not all places it can take let through.
    LongResult,
    /// The program, its stack or its image is larger than a JIT image can be.
    TooLong,
    /// The caller's memory does not suffice.
    NoMemory,
    /// The JIT contradicted itself at instruction index `at`: the writing pass disagreed with the
    /// measuring pass, or an operand did not fit its field. Never seen in a correct JIT.
    Internal { at: u32 },
}

/// The result of every fallible step of the core.
pub(crate) type Result<T = ()> = core::result::Result<T, Error>;
