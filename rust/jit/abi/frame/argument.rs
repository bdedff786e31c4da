// SPDX-License-Identifier: GPL-2.0

//! Arguments that are in no BPF register.
//!
//! They are where a C function has them if all its arguments are 64-bit values, so that most kernel
//! functions, and C code that calls a function of a program, find them there:
//!
//! ```text
//! argument         6       7       8       9       10      11      12
//! o32   sp+       40      48      56      64      72      80      88
//! n64             a5      a6      a7   sp+ 0       8      16      24
//! ```
//!
//! `sp` is that of the caller, which for the function that takes them is the end of its own frame. Nothing
//! else is in those registers.

use super::{offset, Frame, DOUBLEWORD};
use crate::jit::abi::o32::{RegisterMap, O32};
use crate::jit::abi::Abi;
use crate::jit::analysis::{StackArguments, Usage};
use crate::jit::mips::{Reg, Simm16};

/// Where an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ArgumentPlace {
    Register(Reg),
    /// So many bytes from sp.
    Stack(u32),
}

/// Where the argument beyond five with this index is for a function that is called.
pub(crate) fn place<A: Abi>(index: u32) -> Option<ArgumentPlace> {
    let mut registers = A::ARGUMENTS.iter();
    match registers.nth(usize::try_from(index).ok()?) {
        Some(reg) => Some(ArgumentPlace::Register(reg)),
        None => {
            let at = A::OUTGOING.checked_add(bytes::<A>(index))?;
            Some(ArgumentPlace::Stack(at))
        }
    }
}

/// How far above `sp` the last of so many ends, of those on the stack.
pub(crate) fn end<A: Abi>(count: u32) -> u32 {
    match bytes::<A>(count) {
        0 => 0,
        bytes => A::OUTGOING.saturating_add(bytes),
    }
}

/// Bytes that so many arguments take on the stack.
fn bytes<A: Abi>(count: u32) -> u32 {
    let on_stack = count.saturating_sub(A::ARGUMENTS.count());
    on_stack.saturating_mul(DOUBLEWORD)
}

/// Bytes at the lower end of the frame that calls take.
pub(super) fn outgoing<A: Abi>(usage: &Usage) -> u32 {
    let passed = usage.stack_arguments.passed;
    match usage.makes_calls || usage.calls_functions || passed != 0 {
        true => A::OUTGOING.saturating_add(bytes::<A>(passed)),
        false => 0,
    }
}

/// How far above the frame the last argument ends that the program takes from the stack.
pub(super) fn above<A: Abi>(arguments: StackArguments) -> u32 {
    end::<A>(arguments.taken)
}

impl<A: Abi> Frame<A> {
    /// Where this argument beyond five is for a function that is called; the first has index 0.
    pub(crate) fn passed(&self, index: u32) -> Option<ArgumentPlace> {
        place::<A>(index)
    }

    /// Where one is that this function has been called with.
    pub(crate) fn taken(&self, index: u32) -> Option<ArgumentPlace> {
        Some(match self.passed(index)? {
            ArgumentPlace::Stack(at) => {
                let size = u32::try_from(self.size.value()).ok()?;
                ArgumentPlace::Stack(size.checked_add(at)?)
            }
            register => register,
        })
    }
}

/// What calls of kernel functions inside lowerings need, and arguments.
impl Frame<O32> {
    /// The register map.
    pub(crate) fn map(&self) -> RegisterMap {
        RegisterMap::new(self.endian)
    }

    /// Offsets from sp of the low and the high word of an outgoing stack argument; the first has
    /// index 0.
    pub(crate) fn stack_argument(&self, index: u32) -> Option<(Simm16, Simm16)> {
        self.words(O32::HOME_AREA.wrapping_add(index.wrapping_mul(DOUBLEWORD)))
    }

    /// Offset from sp of a word among the outgoing arguments, of which the first are those that are
    /// in registers.
    pub(crate) fn word_argument(&self, number: u32) -> Option<Simm16> {
        offset(number.checked_mul(O32::REGISTER)?)
    }

    /// Offsets from sp of the low and the high word of a doubleword there.
    pub(crate) fn words(&self, at: u32) -> Option<(Simm16, Simm16)> {
        let (low, high) = self.map().word_offsets();
        Some((
            offset(at.wrapping_add(low))?,
            offset(at.wrapping_add(high))?,
        ))
    }
}
