// SPDX-License-Identifier: GPL-2.0

//! Memory for code.
//!
//! An [`Image`] owns its memory until [`Image::publish`] or [`Image::reserve_for`] hands it to the
//! program, whose `bpf_jit_free()` gives it back; [`Image::take_back`] undoes the latter. Dropped
//! before, it gives itself back.

use core::ffi::{c_uint, c_void};
use core::mem::{align_of, size_of};
use core::ptr::NonNull;
use core::slice;

use kernel::bindings;

use crate::jit::abi::TAIL_ENTRY;
use crate::jit::asm::Fault;
use crate::jit::error::{Error, Result};
use crate::jit::mips::Insn;

/// Bytes of an instruction.
const WORD: u32 = 4;

/// An entry of an exception table (`arch/mips/include/asm/extable.h`).
type Entry = bindings::exception_table_entry;

/// The alignment of the table in an image.
const TABLE_ALIGNMENT: u32 = align_of::<Entry>() as u32;

/// The alignment of an image, of which the first words are on one page: the kernel finds the header at the
/// start of the page of what it calls. No more than `BPF_IMAGE_ALIGNMENT`.
const ALIGNMENT: u32 = 8;

const _: () = assert!(TABLE_ALIGNMENT <= ALIGNMENT && TAIL_ENTRY.wrapping_mul(WORD) < ALIGNMENT);

/// A piece of executable memory under construction.
pub(super) struct Image {
    header: NonNull<bindings::bpf_binary_header>,
    start: NonNull<u32>,
    words: u32,
    /// Words before what the kernel calls.
    entry: u32,
    faults: u32,
}

impl Image {
    /// Allocates memory for `words` instructions, of which the kernel calls the one at `entry`, surrounded by
    /// instructions that trap, and behind them an exception table of `faults` entries.
    ///
    /// # Errors
    ///
    /// `TooLong` if the size does not fit, `NoMemory` if there is none left.
    pub(super) fn new(words: u32, entry: u32, faults: u32) -> Result<Image> {
        let bytes = bytes_of(words, faults).ok_or(Error::TooLong)?;
        let mut start = core::ptr::null_mut();
        // SAFETY: `start` is a place for a pointer; `fill_hole` writes within what it is given.
        let header = unsafe {
            bindings::bpf_jit_binary_alloc(bytes, &mut start, ALIGNMENT, Some(fill_hole))
        };
        match (NonNull::new(header), NonNull::new(start)) {
            (Some(header), Some(start)) => Ok(Image {
                header,
                start: start.cast(),
                words,
                entry,
                faults,
            }),
            _ => Err(Error::NoMemory),
        }
    }

    /// The image that a function of a program got when it was compiled for the first time. It has
    /// none then: whoever fails to make code of it leaves a function without one. `entry` is as it was.
    pub(super) fn take_back(prog: &mut bindings::bpf_prog, entry: u32) -> Option<Image> {
        if prog.is_func() == 0 || prog.jited() == 0 {
            return None;
        }
        let function = prog.bpf_func? as *mut u32;
        // SAFETY: A program that is jited has an image from bpf_jit_binary_alloc().
        let header = unsafe { bindings::bpf_jit_mips_header(function.cast()) };
        let start = function.wrapping_sub(entry as usize);
        let image = Image {
            header: NonNull::new(header)?,
            start: NonNull::new(start)?,
            words: (prog.jited_len / WORD).wrapping_add(entry),
            entry,
            // Nobody asks before of_size().
            faults: 0,
        };
        prog.bpf_func = None;
        prog.set_jited(0);
        prog.jited_len = 0;
        Some(image)
    }

    /// The same image, found to be as large as it must be.
    ///
    /// # Errors
    ///
    /// `Internal` if it is not: code was measured to be as long whatever addresses are.
    pub(super) fn of_size(mut self, words: u32, faults: u32) -> Result<Image> {
        // SAFETY: The header is that of a live allocation.
        let allocated = unsafe { (*self.header.as_ptr()).size } as usize;
        let before = (self.start.as_ptr() as usize).wrapping_sub(self.header.as_ptr() as usize);
        let room = allocated.checked_sub(before);
        let needed = bytes_of(words, faults).map(|bytes| bytes as usize);
        if self.words != words || needed.is_none() || needed > room {
            return Err(Error::Internal { at: 0 });
        }
        self.faults = faults;
        Ok(self)
    }

    /// Hands the image to a function of a program, to be written later.
    pub(super) fn reserve_for(self, prog: &mut bindings::bpf_prog) {
        self.hand_over(prog);
    }

    /// Where the image will be executed: the word of which the address is the sign-extension.
    ///
    /// # Errors
    ///
    /// `NoMemory` if it is not, which a kernel built with `-msym32` does not bring about.
    pub(super) fn address(&self) -> Result<u32> {
        match i32::try_from(self.start.as_ptr() as isize) {
            Ok(address) => Ok(address as u32),
            Err(_) => Err(Error::NoMemory),
        }
    }

    /// The instructions, to be written.
    pub(super) fn words(&mut self) -> &mut [u32] {
        // SAFETY: bpf_jit_binary_alloc() has returned at least `words` words of memory, aligned
        // as asked and initialised by fill_hole(). They stay ours as long as `self` is borrowed.
        unsafe { slice::from_raw_parts_mut(self.start.as_ptr(), self.words as usize) }
    }

    /// Writes the exception table: as many entries as [`Image::new`] was told of.
    pub(super) fn set_faults(&mut self, faults: &[Fault]) {
        let image = self.start.as_ptr() as usize;
        let address = |word: u32| image.wrapping_add((word as usize).wrapping_mul(WORD as usize));
        // SAFETY: Image::new() has made room for as many entries, aligned as they must be; they
        // stay ours as long as `self` is borrowed. A word of any content is a valid number.
        let table = unsafe { slice::from_raw_parts_mut(self.table(), self.faults as usize) };
        for (entry, fault) in table.iter_mut().zip(faults) {
            // What bindgen has for `unsigned long` depends on the kernel's version.
            entry.insn = address(fault.at) as _;
            entry.nextinsn = address(fault.resume) as _;
        }
    }

    fn table(&self) -> *mut Entry {
        let at = table_at(self.words).unwrap_or(0);
        self.start.as_ptr().cast::<u8>().wrapping_add(at as usize).cast()
    }

    /// Makes the image executable and hands it to the program.
    ///
    /// # Errors
    ///
    /// `NoMemory` if the memory cannot be made executable.
    pub(super) fn publish(self, prog: &mut bindings::bpf_prog) -> Result {
        self.seal()?;
        let (function, bytes) = self.function();
        // SAFETY: The program is valid, and the image has this many bytes from there.
        unsafe { bindings::bpf_jit_mips_dump(prog, bytes, function.cast()) };
        if self.faults != 0 {
            // SAFETY: `aux` of a program that is being compiled is valid.
            let aux = unsafe { &mut *prog.aux };
            aux.extable = self.table();
            aux.num_exentries = self.faults;
        }
        self.hand_over(prog);
        Ok(())
    }

    /// Makes the image executable and leaves it to whoever keeps the address of its first word, by which
    /// `bpf_jit_mips_header()` finds what to give back.
    ///
    /// # Errors
    ///
    /// `NoMemory` if the memory cannot be made executable.
    pub(super) fn keep(self) -> Result<NonNull<u32>> {
        self.seal()?;
        let start = self.start;
        core::mem::forget(self);
        Ok(start)
    }

    /// Makes it executable as it is.
    fn seal(&self) -> Result {
        // SAFETY: The header is that of a live allocation.
        if unsafe { bindings::bpf_jit_mips_lock_ro(self.header.as_ptr()) } != 0 {
            return Err(Error::NoMemory);
        }
        let end = self.start.as_ptr().wrapping_add(self.words as usize);
        // SAFETY: The header lies before the image in the same allocation; `end` is at most its
        // end.
        unsafe { bindings::bpf_jit_mips_flush(self.header.as_ptr().cast(), end.cast()) };
        Ok(())
    }

    /// What the kernel calls, and bytes from there on.
    fn function(&self) -> (*mut u32, u32) {
        let function = self.start.as_ptr().wrapping_add(self.entry as usize);
        let words = self.words.wrapping_sub(self.entry);
        (function, words.wrapping_mul(WORD))
    }

    fn hand_over(self, prog: &mut bindings::bpf_prog) {
        let (function, bytes) = self.function();
        // SAFETY: The image is a function of this type, or one of five arguments that is called as
        // such: that is what the core compiles. Who calls it before it is written runs into a trap.
        prog.bpf_func = Some(unsafe {
            core::mem::transmute::<
                *mut u32,
                unsafe extern "C" fn(*const c_void, *const bindings::bpf_insn) -> c_uint,
            >(function)
        });
        prog.set_jited(1);
        prog.jited_len = bytes;
        core::mem::forget(self);
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: The allocation is live, and nobody has been told of it.
        unsafe { bindings::bpf_jit_binary_free(self.header.as_ptr()) };
    }
}

/// Bytes of so many words and an exception table of so many entries.
fn bytes_of(words: u32, faults: u32) -> Option<u32> {
    faults
        .checked_mul(size_of::<Entry>() as u32)?
        .checked_add(table_at(words)?)
}

/// Bytes from the start of an image of so many words to its exception table.
fn table_at(words: u32) -> Option<u32> {
    words
        .checked_mul(WORD)?
        .checked_next_multiple_of(TABLE_ALIGNMENT)
}

/// Fills memory that is no code with instructions that trap.
///
/// # Safety
///
/// `area` must be valid for writes of `size` bytes and aligned to words.
unsafe extern "C" fn fill_hole(area: *mut c_void, size: c_uint) {
    let words = (size / WORD) as usize;
    // SAFETY: The caller says so.
    unsafe { slice::from_raw_parts_mut(area.cast::<u32>(), words) }
        .fill(Insn::breakpoint().word());
}
