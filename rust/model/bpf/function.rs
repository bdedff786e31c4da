// SPDX-License-Identifier: GPL-2.0

//! What Linux adds around a program: functions of the kernel with C prototypes ("kfuncs"), and on 64-bit
//! machines arenas.
//!
//! A C function gets of each argument as many bits as its type has. Of a result of 32 bits or fewer,
//! R0 has what C makes of it as an `int` or an `unsigned int`, and above that on a 64-bit machine zeros.
//! On a 32-bit machine it may be a `long`, which has 64 bits in programs: there R0 has it as C makes a wider
//! number of it.

use super::fields::Fields;
use super::{Kernel, Machine, Trap, ARGUMENTS, DOUBLEWORD, WORD};
use crate::model::word::Word;

/// A type of C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    /// 8, 16, 32 or 64.
    pub bits: u32,
    /// Whether it has negative values.
    pub is_signed: bool,
}

/// A C function: what it takes, in R1 to R5 and beyond, and what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prototype {
    /// The first arguments' types.
    pub arguments: [Option<Type>; ARGUMENTS],
    /// The result's.
    pub result: Option<Type>,
}

/// An arena: memory that a program shares with a process. Addresses are doublewords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arena<W> {
    /// Where the kernel has it.
    pub kernel: W,
    /// Where the process has it.
    pub user: W,
}

impl Type {
    /// A value of the type, as a wider one.
    pub fn extend<W: Word>(self, value: W, width: u32) -> W {
        match self.is_signed {
            true => value.sign_extend(width),
            false => value.zero_extend(width),
        }
    }
}

impl<W: Word, K: Kernel<W>> Machine<'_, W, K> {
    /// The call that an instruction is. As after other calls, R1 to R5 have nothing to rely on.
    pub(super) fn call_function(&mut self, call: &Fields) -> Result<(), Trap> {
        let prototype = self.kernel.function(call).ok_or(Trap::BadCall)?;
        let mut arguments = self.arguments();
        for (argument, wanted) in arguments.iter_mut().zip(prototype.arguments) {
            *argument = match wanted {
                Some(wanted) => Some(argument.ok_or(Trap::Undefined)?.low(wanted.bits)),
                None => None,
            };
        }
        let result = self.kernel.call_function(call, arguments);
        self.registers[0] = match prototype.result {
            None => self.kernel.unknown(DOUBLEWORD),
            Some(given) if given.bits > WORD => result,
            Some(given) if self.setup.is_wide => given.extend(result, WORD).zero_extend(DOUBLEWORD),
            Some(given) => given.extend(result, DOUBLEWORD),
        };
        self.defined[0] = prototype.result.is_some();
        self.lose_arguments();
        Ok(())
    }

    /// The address that a process has for a place in its arena, of which the low word is given; null
    /// stays null. An arena does not cross a multiple of 4 GiB there.
    pub(super) fn cast_to_user(&self, pointer: W) -> Result<W, Trap> {
        let arena = self.kernel.arena().ok_or(Trap::BadInstruction)?;
        let low = pointer.low(WORD);
        let address = arena.user.slice(WORD, WORD).concat(low);
        Ok(low.is_zero().select(W::new(DOUBLEWORD, 0), address))
    }
}
