// SPDX-License-Identifier: GPL-2.0

//! Memory: a 32-bit address space with regions in it, and nothing between them.
//!
//! The regular load and store operations of RFC 9669 section 5.1 move 1, 2, 4 or 8 bytes in the
//! machine's byte order, at addresses that are multiples of their size: the verifier makes sure
//! of that on machines like MIPS.

use crate::model::word::{Bits, Word};
use crate::model::world::Fault;

/// The machine's order of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Low byte first.
    Little,
    /// High byte first.
    Big,
}

/// Addressable bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// Address of the first byte.
    pub base: u32,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// All that a program can address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Memory {
    order: ByteOrder,
    /// Regions do not overlap.
    pub regions: Vec<Region>,
}

impl Memory {
    /// Memory without any region.
    pub fn new(order: ByteOrder) -> Self {
        Memory {
            order,
            regions: Vec::new(),
        }
    }

    /// The machine's byte order.
    pub fn order(&self) -> ByteOrder {
        self.order
    }

    /// Adds a region.
    pub fn add(&mut self, base: u32, bytes: Vec<u8>) {
        self.regions.push(Region { base, bytes });
    }

    fn bytes(&mut self, address: u32, size: u32) -> Result<&mut [u8], Fault> {
        let fault = Fault {
            address: Some(address),
            size,
        };
        if address % size != 0 {
            return Err(fault);
        }
        self.regions
            .iter_mut()
            .find_map(|region| {
                let start = address.checked_sub(region.base)? as usize;
                region.bytes.get_mut(start..start + size as usize)
            })
            .ok_or(fault)
    }

    /// Loads `size` bytes, zero-extended.
    ///
    /// # Errors
    ///
    /// A fault, if they are not all in one region or not aligned.
    pub fn load(&mut self, address: u32, size: u32) -> Result<u64, Fault> {
        let order = self.order;
        let bytes = self.bytes(address, size)?.iter();
        let append = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Ok(match order {
            ByteOrder::Little => bytes.rev().fold(0, append),
            ByteOrder::Big => bytes.fold(0, append),
        })
    }

    /// Stores the low `size` bytes of a value.
    ///
    /// # Errors
    ///
    /// A fault, if they are not all in one region or not aligned.
    pub fn store(&mut self, address: u32, size: u32, value: u64) -> Result<(), Fault> {
        let order = self.order;
        let little = value.to_le_bytes();
        let bytes = self.bytes(address, size)?.iter_mut();
        let values = little.iter().take(size as usize);
        match order {
            ByteOrder::Little => bytes.zip(values).for_each(|(to, from)| *to = *from),
            ByteOrder::Big => bytes.zip(values.rev()).for_each(|(to, from)| *to = *from),
        }
        Ok(())
    }

    /// Where an access is, of either width: of doublewords only the sign-extended words are
    /// addresses of something.
    fn place(address: Bits, size: u32) -> Result<u32, Fault> {
        let word = address.low(32);
        match word.sign_extend(address.width()) == address {
            true => Ok(word.unsigned() as u32),
            false => Err(Fault {
                address: None,
                size,
            }),
        }
    }

    /// Loads a bit-vector, for a [`World`](crate::model::world::World).
    ///
    /// # Errors
    ///
    /// As [`Memory::load`].
    pub fn read(&mut self, address: Bits, bytes: u32) -> Result<Bits, Fault> {
        let value = self.load(Self::place(address, bytes)?, bytes)?;
        Ok(Bits::new(bytes * 8, value))
    }

    /// Stores a bit-vector, for a [`World`](crate::model::world::World).
    ///
    /// # Errors
    ///
    /// As [`Memory::store`].
    pub fn write(&mut self, address: Bits, value: Bits) -> Result<(), Fault> {
        let bytes = value.width() / 8;
        self.store(Self::place(address, bytes)?, bytes, value.unsigned())
    }
}
