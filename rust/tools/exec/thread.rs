// SPDX-License-Identifier: GPL-2.0

//! What the kernel knows of the thread and of its processors: `$gp` points to it.

use super::machine::Machine;
use super::places::runtime;
use crate::jit::mips::{Endian, Width};
use crate::jit::runtime::Counted;

/// A page.
pub(super) const THREAD: u32 = 0x8710_0000;

/// The processor that programs run on, and where its task is.
pub(super) const PROCESSOR: u32 = 5;
pub(super) const TASK: u32 = 0x8765_4320;

/// How far what a processor has of its own is from the address for all.
pub(super) fn distance_of_processor(machine: &Machine, number: u32) -> u64 {
    let distance = 0x1234_5678_9abc_def0 + u64::from(number) * 0x1_0001_0001_0000;
    match machine.width {
        Width::W32 => distance & 0xffff_ffff,
        Width::W64 => distance,
    }
}

/// What the kernel knows of the thread and of its processors, and where.
#[cfg(feature = "emulator")]
pub(super) fn contents(machine: &Machine) -> Vec<(u32, Vec<u8>)> {
    let runtime = runtime(machine, Counted::Hits);
    let task = (THREAD + runtime.thread_task, machine.pointer_bytes(TASK));
    let Some(processors) = runtime.processors else {
        return vec![task];
    };
    let number = (
        THREAD + processors.number,
        machine.bytes(PROCESSOR).to_vec(),
    );
    let width = machine.register_bytes();
    let offsets = (0..2 * PROCESSOR).map(|processor| {
        let distance = distance_of_processor(machine, processor);
        let bytes = match machine.endian {
            Endian::Little => distance.to_le_bytes()[..width as usize].to_vec(),
            Endian::Big => distance.to_be_bytes()[8 - width as usize..].to_vec(),
        };
        (processors.offsets + processor * width, bytes)
    });
    [task, number].into_iter().chain(offsets).collect()
}
