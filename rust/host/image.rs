// SPDX-License-Identifier: GPL-2.0

//! What compiling gives.

use crate::jit::asm::Fault;

/// A compiled program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) words: Vec<u32>,
    /// Where each BPF slot begins, in bytes from the start; the last is the epilogue.
    pub(crate) offsets: Vec<u32>,
    /// The exception table.
    pub(crate) faults: Vec<Fault>,
    pub(crate) address: u32,
    /// Words before the entry for C code.
    pub(crate) entry: u32,
}

impl Image {
    /// Where C code enters: `prog->bpf_func`.
    pub(crate) fn function(&self) -> u32 {
        self.address + 4 * self.entry
    }
}
