// SPDX-License-Identifier: GPL-2.0

//! Calling conventions: which native registers hold BPF registers, and what a stack frame looks
//! like.
//!
//! Register roles stand here and nowhere else. [`o32`] is the convention of 32-bit kernels. A
//! trait over conventions comes with the second one: its shape is what the two have in common.

mod frame;
pub(crate) mod o32;

pub(crate) use frame::{tail_entry, Frame};
