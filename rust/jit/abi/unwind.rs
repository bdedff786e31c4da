// SPDX-License-Identifier: GPL-2.0

//! From a program's frame to its caller's, by the code that has made the frame: who throws an exception
//! is some functions of a program below the one whose place the callback takes, and nothing else says how
//! large their frames are.

use super::Abi;
use crate::jit::mips::{Reg, Simm16};

/// The bits of an immediate in an instruction.
const IMMEDIATE: u32 = 0xffff;

/// A frame of a program that makes calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unwound {
    /// Bytes from `$sp` to where it was at entry.
    pub(crate) size: u16,
    /// Bytes from `$sp` to where the return address is saved.
    pub(crate) return_at: u16,
}

/// Reads the frame off an image. None if its prologue, which is what the first words are, saves no return
/// address.
pub(crate) fn unwind<A: Abi>(prologue: impl Iterator<Item = u32>) -> Option<Unwound> {
    let make = A::add(Reg::SP, Reg::SP, Simm16::ZERO).word();
    let save = A::store(Reg::RA, Simm16::ZERO, Reg::SP).word();
    let mut size = None;
    for word in prologue {
        let immediate = word as i16;
        match (size, word & !IMMEDIATE) {
            (None, bits) if bits == make => {
                size = Some(u16::try_from(immediate.checked_neg()?).ok()?);
            }
            (Some(size), bits) if bits == save => {
                let return_at = u16::try_from(immediate).ok()?;
                return Some(Unwound { size, return_at });
            }
            _ => {}
        }
    }
    None
}
