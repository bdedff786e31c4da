// SPDX-License-Identifier: GPL-2.0

//! What is known about a program before it is lowered.
//!
//! Every analysis is one pass over the instructions, in linear time. Each errs on the side of more
//! instructions: without it, or where it does not know, the lowering does more work with the same
//! result. [`Usage`] is always gathered, since the frame depends on it. [`Facts`] are optional: an
//! empty slice switches them off.

mod facts;
mod usage;

pub(crate) use facts::{Fact, Facts};
pub(crate) use usage::{StackArguments, Usage};
