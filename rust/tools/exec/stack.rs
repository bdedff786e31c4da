// SPDX-License-Identifier: GPL-2.0

//! The stack of the emulated machine, every access to which is judged: it must not lie below `$sp`,
//! where an interrupt would overwrite it, nor above the caller's home area.
//!
//! To the emulator it is a device. A hook on memory would tell as much, but before it calls one,
//! Unicorn 2.1.5 takes its state back to the instruction that accesses: after an access in a
//! delay slot, the flags that say so stay set, and where the branch goes is lost.

use unicorn_engine::{uc_error, Unicorn};

use super::cpu;
use super::emulator::World;
use super::places::*;
use crate::jit::mips::{Endian, Reg};

const BEGIN: u32 = STACK_END - STACK_SIZE;

/// The bytes of the stack.
pub(super) struct Stack(Vec<u8>);

impl Stack {
    pub(super) fn new() -> Self {
        Stack(vec![0; STACK_SIZE as usize])
    }

    /// What is at an address, if it is all of the stack.
    fn at(&mut self, address: u32, size: usize) -> Option<&mut [u8]> {
        let offset = address.checked_sub(BEGIN)? as usize;
        self.0.get_mut(offset..offset + size)
    }
}

/// Puts the stack in its place.
///
/// # Errors
///
/// What the emulator says.
pub(super) fn map(unicorn: &mut Unicorn<'_, World>) -> Result<(), uc_error> {
    unicorn.mmio_map(
        physical(BEGIN),
        STACK_SIZE.into(),
        Some(
            |unicorn: &mut Unicorn<'_, World>, offset: u64, size: usize| {
                let address = BEGIN + offset as u32;
                judge(unicorn, "read", address, size);
                load(unicorn, address, size).unwrap_or_default()
            },
        ),
        Some(
            |unicorn: &mut Unicorn<'_, World>, offset: u64, size: usize, value: u64| {
                let address = BEGIN + offset as u32;
                judge(unicorn, "write", address, size);
                // It is in the stack, or the device would not have been asked.
                let _ = store(unicorn, address, size, value);
            },
        ),
    )
}

fn judge(unicorn: &mut Unicorn<'_, World>, kind: &str, address: u32, size: usize) {
    let world = unicorn.get_data();
    let sp = cpu::register(unicorn, &world.machine, Reg::SP) as u32;
    let end = STACK_POINTER + home_area(&world.machine);
    if address < sp || address + size as u32 > end {
        let fault = format!("{kind} of {size} bytes at {address:#x} with sp at {sp:#x}");
        unicorn.get_data_mut().blame(fault);
    }
}

/// A value in memory, the stack or another; not judged. None if there is nothing.
pub(super) fn load(unicorn: &mut Unicorn<'_, World>, address: u32, size: usize) -> Option<u64> {
    let bytes = read(unicorn, address, size)?;
    let append = |value: u64, byte: u8| value << 8 | u64::from(byte);
    Some(match unicorn.get_data().machine.endian {
        Endian::Little => bytes.into_iter().rev().fold(0, append),
        Endian::Big => bytes.into_iter().fold(0, append),
    })
}

/// The same as bytes.
pub(super) fn read(unicorn: &mut Unicorn<'_, World>, address: u32, size: usize) -> Option<Vec<u8>> {
    if let Some(bytes) = unicorn.get_data_mut().stack.at(address, size) {
        return Some(bytes.to_vec());
    }
    unicorn.mem_read_as_vec(physical(address), size).ok()
}

/// Puts a value in memory, the stack or another.
pub(super) fn store(
    unicorn: &mut Unicorn<'_, World>,
    address: u32,
    size: usize,
    value: u64,
) -> Option<()> {
    match unicorn.get_data().machine.endian {
        Endian::Little => write(unicorn, address, &value.to_le_bytes()[..size]),
        Endian::Big => write(unicorn, address, &value.to_be_bytes()[8 - size..]),
    }
}

/// The same with bytes.
pub(super) fn write(unicorn: &mut Unicorn<'_, World>, address: u32, bytes: &[u8]) -> Option<()> {
    if let Some(place) = unicorn.get_data_mut().stack.at(address, bytes.len()) {
        place.copy_from_slice(bytes);
        return Some(());
    }
    unicorn.mem_write(physical(address), bytes).ok()
}
