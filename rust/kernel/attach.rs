// SPDX-License-Identifier: GPL-2.0

//! Changes to code that may be executed at the same time: the entry of a program leads to a trampoline or to
//! another program, or not any more; a trampoline leaves out a program that goes away.
//!
//! Each is one instruction that becomes another one, by a store of a word; what it leads to is there before.

use core::ffi::{c_int, c_void};
use core::slice;

use kernel::bindings;

use super::compat;
use crate::jit::abi::site::Site;
use crate::jit::mips::{Disp16, Insn, Reg};

/// Bytes of an instruction.
const WORD: usize = 4;

/// Code that BPF has made: a program, a function of one, or a trampoline.
pub(super) struct Text {
    start: *mut u32,
    words: usize,
}

impl Text {
    /// What is at an address, and not only around it.
    pub(super) fn at(address: *mut c_void) -> Option<Text> {
        let (size, offset) = compat::look_up(address)?;
        let words = size.checked_div(WORD)?;
        let start = address.cast();
        (offset == 0).then_some(Text { start, words })
    }

    /// Where a trampoline can be attached to it.
    pub(super) fn site(&self) -> Option<Site> {
        let address = i32::try_from(self.start as isize).ok()?;
        // SAFETY: Code that the kernel knows by its address stays there as long as somebody holds it,
        // which those do who attach to it; who changes it at the same time does so under locks of
        // the kernel's, but for words that nobody looks for here.
        let words = unsafe { slice::from_raw_parts(self.start, self.words) };
        Site::find(words, address as u32)
    }

    fn word(&self, at: u32) -> *mut u32 {
        self.start.wrapping_add(at as usize)
    }
}

/// Attaches the entry of a program to `new`, if it is attached to `old`; null is nothing.
///
/// Callers hold a lock for each program.
pub(super) fn attach(program: *mut c_void, old: *mut c_void, new: *mut c_void) -> c_int {
    const NOT_SUPPORTED: c_int = -(bindings::ENOTSUPP as c_int);
    const CHANGED: c_int = -(bindings::EFAULT as c_int);
    const NO_CODE: c_int = -(bindings::EINVAL as c_int);

    let Some(text) = Text::at(program) else {
        return NOT_SUPPORTED;
    };
    let Some(site) = text.site() else {
        return NOT_SUPPORTED;
    };
    // A program that was not compiled has the interpreter for a function.
    if !new.is_null() && Text::at(new).is_none() {
        return NO_CODE;
    }
    let (word, literal) = (text.word(site.at), text.word(site.literal));
    // SAFETY: Both are words of the program's.
    let (found, target) = unsafe { (word.read_volatile(), literal.read_volatile()) };
    let is_attached = found == site.branch;
    if is_attached == old.is_null() || is_attached && target != old as usize as u32 {
        return CHANGED;
    }
    if !new.is_null() {
        // SAFETY: Likewise. Who loads it finds the one or the other.
        unsafe { literal.write_volatile(new as usize as u32) };
    }
    let wanted = match new.is_null() {
        true => site.plain,
        false => site.branch,
    };
    if wanted != found {
        // SAFETY: Likewise. The literal is there before the branch.
        unsafe { bindings::bpf_jit_mips_patch(word, wanted) };
    }
    0
}

/// Makes a `nop` of a trampoline a branch.
///
/// # Safety
///
/// Both addresses are of one trampoline that is in use.
pub(super) unsafe fn skip(nop: *mut c_void, target: *mut c_void) -> c_int {
    let place = nop.cast::<u32>();
    let distance = (target as isize).wrapping_sub(nop as isize);
    let words = u32::try_from(distance).unwrap_or(u32::MAX) / WORD as u32;
    // SAFETY: The caller says so.
    let found = unsafe { place.read_volatile() };
    match Disp16::between(0, words) {
        Some(distance) if found == Insn::NOP.word() => {
            let branch = Insn::beq(Reg::ZERO, Reg::ZERO, distance);
            // SAFETY: Likewise.
            unsafe { bindings::bpf_jit_mips_patch(place, branch.word()) };
            0
        }
        _ => -(bindings::EFAULT as c_int),
    }
}
