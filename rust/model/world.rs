// SPDX-License-Identifier: GPL-2.0

//! What surrounds a processor: memory, choices, and what nobody promises.

use super::word::Word;

/// An access that no correct program makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// First byte of the access, where it is known.
    pub address: Option<u32>,
    /// Its length in bytes.
    pub size: u32,
}

/// What an access is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To know what is there.
    Load,
    /// To change it.
    Store,
}

/// What surrounds a processor.
pub trait World<W: Word> {
    /// Loads bytes at an address, which is a word, in the machine's byte order.
    ///
    /// # Errors
    ///
    /// A fault, if they cannot be addressed or the address is no multiple of their number.
    fn load(&mut self, address: W, bytes: u32) -> Result<W, Fault>;

    /// Stores a value of whole bytes.
    ///
    /// # Errors
    ///
    /// As [`World::load`].
    fn store(&mut self, address: W, value: W) -> Result<(), Fault>;

    /// Whether there is no memory at an address, for an access that may find none and comes next if
    /// there is. Another access, later, may find it otherwise; so may one with another purpose.
    fn is_absent(&mut self, _address: W, _bytes: u32, _purpose: Purpose) -> bool {
        false
    }

    /// Orders all accesses before it before all that follow.
    fn fence(&mut self) {}

    /// Whether a condition, which is one bit, holds. Where it holds for some values only, this
    /// execution is about those for which the answer is right.
    fn decide(&mut self, condition: W) -> bool;

    /// A value of which nothing is promised.
    fn unknown(&mut self, width: u32) -> W;
}
