// SPDX-License-Identifier: GPL-2.0

//! What BPF and MIPS instructions mean, written from the specifications alone: executable, and,
//! by the same text, symbolic. The models share no code with the core that they judge.

#[cfg(test)]
mod both;
pub mod bpf;
pub mod mips;
pub mod term;
pub mod word;
pub mod world;
