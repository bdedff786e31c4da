// SPDX-License-Identifier: GPL-2.0

//! The host's view of the JIT: the pure core, and what judges it.
//!
//! The kernel never sees this crate root; `bpf_jit_mips.rs` is its own.

#[cfg(feature = "fuzz")]
pub mod fuzz;
#[cfg(any(test, feature = "judges"))]
mod host;
mod jit;
pub mod model;
#[cfg(test)]
mod tests;
#[cfg(feature = "tools")]
pub mod tools;
