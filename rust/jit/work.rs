// SPDX-License-Identifier: GPL-2.0

//! The steps of a compilation, for whoever counts them: is the work linear?
//!
//! Every pass over a program decodes it, whatever else it does; every lowering begins a block and
//! pushes instructions; every word goes to the sink. So these four, each bounded by a constant times
//! the length of the program, bound it all. The host counts and judges them in every compilation of
//! the fuzzer; in the kernel a step is nothing, and costs nothing.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// An instruction is decoded.
    Decode,
    /// A block is begun.
    Block,
    /// An instruction is appended to a block.
    Push,
    /// A word goes to the sink.
    Word,
}

#[cfg(any(test, feature = "judges"))]
pub(crate) use crate::host::work::count;

/// Takes note of a step: the kernel does not.
#[cfg(not(any(test, feature = "judges")))]
#[inline(always)]
pub(crate) fn count(_: Step) {}
