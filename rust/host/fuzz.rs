// SPDX-License-Identifier: GPL-2.0

//! Whatever the kernel hands over, does the core keep its promises?
//!
//! ```text
//!  bytes --input--> program, cpu, sizes of the lent memory --core--> image, or an error
//!                                                               |
//!                                                   judge: what must hold of it
//! ```
//!
//! Input is any sequence of bytes: [`input`] has its format, in which every array of instructions,
//! also one that the verifier would never let through, can be written. `make fuzz` lets libFuzzer
//! look for a sequence that fails, helped by [`mutate`], which knows what an instruction is, and
//! beginning with [`seed`]s; `cargo test` tries a few thousand.

pub(crate) mod input;
pub(crate) mod judge;
pub(crate) mod mutate;
pub(crate) mod seed;

pub(crate) use input::Input;
