// SPDX-License-Identifier: GPL-2.0

//! The way up from a program's frame, for exceptions and for who wants to know the callers of some code.

use core::mem::size_of;
use core::slice;

use kernel::bindings;

use super::cpu::Native;
use crate::jit::abi::unwind::unwind;

/// No prologue has more words.
const PROLOGUE: usize = 64;

/// What C code calls must have the type that its header says: both branches have one.
const _: () = {
    if true {
        bindings::bpf_jit_mips_leave
    } else {
        bpf_jit_mips_leave
    };
};

/// From a frame of a program to its caller's: the stack pointer, and where the caller goes on. False if
/// the program has no frame with a return address.
///
/// # Safety
///
/// `prog` has an image that stays, `sp` is the stack pointer in one of its frames, and both places may be
/// written.
#[no_mangle]
unsafe extern "C" fn bpf_jit_mips_leave(
    prog: *const bindings::bpf_prog,
    sp: *mut u64,
    pc: *mut u64,
) -> bool {
    // SAFETY: The caller says so.
    let (prog, sp, pc) = unsafe { (&*prog, &mut *sp, &mut *pc) };
    let Some(image) = prog.bpf_func else {
        return false;
    };
    let words = (prog.jited_len as usize / size_of::<u32>()).min(PROLOGUE);
    // SAFETY: The image has at least as many words, and stays.
    let words = unsafe { slice::from_raw_parts(image as *const u32, words) };
    let Some(frame) = unwind::<Native>(words.iter().copied()) else {
        return false;
    };
    let frame_at = *sp as usize;
    let saved = frame_at.wrapping_add(frame.return_at.into()) as *const usize;
    // SAFETY: The frame is the program's, which has saved its return address there.
    *pc = unsafe { saved.read() } as u64;
    *sp = frame_at.wrapping_add(frame.size.into()) as u64;
    true
}
