// SPDX-License-Identifier: GPL-2.0

//! Memory for the time of a compilation: zeroes, virtually contiguous, since programs can be long.
//!
//! `kernel::alloc::Vec` fills what it allocates element by element, in code of its own for each type, and checks
//! sums that cannot overflow by panics that stay in a kernel compiled for size.

use core::mem::size_of;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::slice;

use kernel::bindings;

use crate::jit::analysis::Fact;
use crate::jit::asm::Fault;
use crate::jit::error::{Error, Result};
use crate::jit::runtime::Function;
use crate::jit::trampoline::{Node, Skip};

/// What zeroes are values of, that nothing has to be done for when they are gone.
///
/// # Safety
///
/// They must be.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: A number.
unsafe impl Plain for u32 {}
// SAFETY: Numbers and sets that are numbers.
unsafe impl Plain for Fact {}
// SAFETY: Numbers.
unsafe impl Plain for Fault {}
// SAFETY: Numbers, and truth values, of which 0 is false.
unsafe impl Plain for Function {}
// SAFETY: Likewise.
unsafe impl Plain for Node {}
// SAFETY: Numbers.
unsafe impl Plain for Skip {}

/// So many values, zeroes at first.
pub(super) struct Zeroes<T: Plain> {
    start: NonNull<T>,
    len: usize,
}

impl<T: Plain> Zeroes<T> {
    /// Allocates memory.
    ///
    /// # Errors
    ///
    /// `NoMemory`
    pub(super) fn new(len: usize) -> Result<Self> {
        // SAFETY: Checks that the product fits, and returns NULL or aligned memory of that size.
        let memory = unsafe { bindings::bpf_jit_mips_zalloc(len, size_of::<T>()) };
        match NonNull::new(memory.cast()) {
            Some(start) => Ok(Zeroes { start, len }),
            None => Err(Error::NoMemory),
        }
    }

    /// None of them, without memory.
    pub(super) fn none() -> Self {
        Zeroes {
            start: NonNull::dangling(),
            len: 0,
        }
    }
}

impl<T: Plain> Deref for Zeroes<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: new() has so many values, aligned, which are ours.
        unsafe { slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> DerefMut for Zeroes<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: Likewise, and borrowed alone.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl<T: Plain> Drop for Zeroes<T> {
    fn drop(&mut self) {
        // Without any there is no memory, or none that has to be freed.
        if self.len != 0 {
            // SAFETY: It comes from new(), and is not used any more.
            unsafe { bindings::bpf_jit_mips_zfree(self.start.as_ptr().cast()) };
        }
    }
}
