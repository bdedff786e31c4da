// SPDX-License-Identifier: GPL-2.0

//! Linux 6.12.
//!
//! The JIT blinds constants: `bpf_jit_blind_constants()` makes a program of its own, of which either
//! the blinded or the original one is given back at the end, and the other one released. The
//! kernel crate has no `#[export]` yet.

use core::ffi::{c_int, c_void};

use kernel::bindings;
use kernel::error::from_err_ptr;

use crate::jit::error::Result;
use crate::jit::runtime::Counted;
use crate::kernel::attach;
use crate::kernel::compile::compile;
use crate::kernel::trampoline::{self, Request, KINDS};

/// The number of `BPF_REG_AX` (`include/linux/filter.h`).
pub(crate) const AX: u8 = bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_REG_AX as u8;

/// All arguments are in registers.
pub(crate) const PARAMETERS: Option<u8> = None;

/// What `JMP_TAIL_CALL` of `___bpf_prog_run()` counts (`kernel/bpf/core.c`).
pub(crate) const COUNTED: Counted = Counted::Lookups;

/// What the linker puts in the place of `kernel/bpf/core.c`'s weak functions must have their types:
/// both branches have one.
const _: () = {
    if true {
        bindings::bpf_int_jit_compile
    } else {
        bpf_int_jit_compile
    };
    if true {
        bindings::bpf_jit_needs_zext
    } else {
        bpf_jit_needs_zext
    };
    if true {
        bindings::bpf_jit_free
    } else {
        bpf_jit_free
    };
    if true {
        bindings::bpf_arch_text_poke
    } else {
        bpf_arch_text_poke
    };
    if true {
        bindings::arch_bpf_trampoline_size
    } else {
        arch_bpf_trampoline_size
    };
    if true {
        bindings::arch_prepare_bpf_trampoline
    } else {
        arch_prepare_bpf_trampoline
    };
};

/// Compiles a program, or leaves it to the interpreter.
///
/// # Safety
///
/// `prog` must be valid and, until this returns, nobody else's.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_int_jit_compile(
    prog: *mut bindings::bpf_prog,
) -> *mut bindings::bpf_prog {
    // SAFETY: The caller says that the program is valid.
    if unsafe { &*prog }.jit_requested() == 0 {
        return prog;
    }
    // SAFETY: Likewise; nobody else uses it.
    let Ok(blinded) = from_err_ptr(unsafe { bindings::bpf_jit_blind_constants(prog) }) else {
        return prog;
    };
    // SAFETY: It is the caller's program, or one that was just made of it; nobody else uses it.
    let program = unsafe { &mut *blinded };
    compile(program);
    let (kept, other) = match program.jited() {
        0 => (prog, blinded),
        _ => (blinded, prog),
    };
    if kept == other {
        return prog;
    }
    // SAFETY: One is the blinded form of the other, and the other is not used any more.
    unsafe { bindings::bpf_jit_prog_release_other(kept, other) };
    kept
}

/// Asks the verifier to mark where 32-bit results must be zero-extended: on a register pair that
/// is an instruction, mostly a needless one.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_needs_zext() -> bool {
    true
}

/// There is no such instruction yet.
pub(crate) fn timed_may_goto() -> Option<u32> {
    None
}

/// See [`timed_may_goto`].
pub(crate) fn check_time() -> u32 {
    0
}

/// There are no arrays of instructions yet.
pub(crate) fn update_instruction_arrays(_: &mut bindings::bpf_prog, _: &[u32]) {}

/// There are no private stacks yet.
pub(crate) fn private_stack(_: &mut bindings::bpf_prog) -> Result<Option<u64>> {
    Ok(None)
}

/// See [`private_stack`].
pub(crate) fn free_private_stack(_: &mut bindings::bpf_prog) {}

/// Gives back what a program has, and the program.
///
/// # Safety
///
/// `prog` must be valid, and nobody may use it any more.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_free(prog: *mut bindings::bpf_prog) {
    // SAFETY: The caller says so.
    unsafe { bindings::bpf_jit_mips_free(prog) };
}

/// The programs of one kind that a trampoline runs.
pub(crate) type Lists = bindings::bpf_tramp_links;

/// Programs behind a function are patched out all at once.
pub(crate) const LEAVES_AT_ONCE: bool = true;

/// A program of a list, and the cookie of its link.
pub(crate) fn program(list: &Lists, index: usize) -> Option<(*mut bindings::bpf_prog, u64)> {
    if index >= usize::try_from(list.nr_links).ok()? {
        return None;
    }
    let link = *list.links.get(index)?;
    // SAFETY: As many links as the list says are valid.
    unsafe { Some(((*link).link.prog, (*link).cookie)) }
}

/// There are no sessions.
pub(crate) fn has_sessions(_: &Lists) -> bool {
    false
}

/// There are no sessions.
pub(crate) fn asks_for_session_cookie(_: &bindings::bpf_prog) -> bool {
    false
}

/// No program is patched out alone.
///
/// # Safety
///
/// Safe; in other series it is not.
pub(crate) unsafe fn note_skip(
    _: &mut bindings::bpf_tramp_image,
    _: *mut bindings::bpf_prog,
    _: *mut c_void,
    _: *mut c_void,
) {
}

/// Where all programs behind the function are patched out.
///
/// # Safety
///
/// Safe; in other series it is not.
pub(crate) unsafe fn note_at_once(
    image: &mut bindings::bpf_tramp_image,
    nop: *mut c_void,
    target: *mut c_void,
) {
    image.ip_after_call = nop;
    image.ip_epilogue = target;
}

/// The size of what BPF has at an address, and how far from its start that is.
pub(crate) fn look_up(address: *mut c_void) -> Option<(usize, usize)> {
    let mut name = [0; bindings::KSYM_NAME_LEN as usize];
    let (mut size, mut offset) = (0, 0);
    // SAFETY: All are places for what the function gives.
    let found = unsafe {
        bindings::__bpf_address_lookup(address as _, &mut size, &mut offset, name.as_mut_ptr())
    };
    (found != 0).then_some((size as usize, offset as usize))
}

/// Attaches the entry of a program to a trampoline or another program, to another one, or to none; or
/// patches all programs behind a function out of a trampoline, which begins elsewhere.
///
/// # Safety
///
/// All are addresses of code that stays while this runs; the caller holds a lock for each `ip`.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_arch_text_poke(
    ip: *mut c_void,
    _type: bindings::bpf_text_poke_type,
    old_address: *mut c_void,
    new_address: *mut c_void,
) -> c_int {
    match look_up(ip) {
        Some((_, 1..)) if old_address.is_null() => {
            // SAFETY: Within code, there is no other place that the kernel has been told of.
            unsafe { attach::skip(ip, new_address) }
        }
        _ => attach::attach(ip, old_address, new_address),
    }
}

/// How many bytes a trampoline has, or a negative error number.
///
/// # Safety
///
/// `model` is valid; `lists` has one of each kind.
#[no_mangle]
pub(crate) unsafe extern "C" fn arch_bpf_trampoline_size(
    model: *const bindings::btf_func_model,
    flags: u32,
    lists: *mut bindings::bpf_tramp_links,
    function: *mut c_void,
) -> c_int {
    // SAFETY: The caller says so.
    let request = unsafe { request(model, flags, lists, function) };
    match trampoline::size(&request) {
        Ok(bytes) => bytes as c_int,
        Err(error) => trampoline::errno(error),
    }
}

/// Writes a trampoline; returns its size in bytes, or a negative error number.
///
/// # Safety
///
/// As [`arch_bpf_trampoline_size`]; `start` to `end` is memory for it, and `image` is null or valid.
#[no_mangle]
pub(crate) unsafe extern "C" fn arch_prepare_bpf_trampoline(
    image: *mut bindings::bpf_tramp_image,
    start: *mut c_void,
    end: *mut c_void,
    model: *const bindings::btf_func_model,
    flags: u32,
    lists: *mut bindings::bpf_tramp_links,
    function: *mut c_void,
) -> c_int {
    let bytes = (end as usize).wrapping_sub(start as usize);
    // SAFETY: The caller says so.
    let written = unsafe {
        let request = request(model, flags, lists, function);
        trampoline::write(&request, image, start, bytes)
    };
    match written {
        Ok(()) => bytes as c_int,
        Err(error) => trampoline::errno(error),
    }
}

/// What the kernel asks for.
///
/// # Safety
///
/// As [`arch_bpf_trampoline_size`].
unsafe fn request<'a>(
    model: *const bindings::btf_func_model,
    flags: u32,
    lists: *mut bindings::bpf_tramp_links,
    function: *mut c_void,
) -> Request<'a> {
    // SAFETY: The caller says so.
    unsafe {
        Request {
            model: &*model,
            flags,
            lists: &*lists.cast::<[Lists; KINDS]>(),
            function,
        }
    }
}
