// SPDX-License-Identifier: GPL-2.0

//! Linux 6.12.
//!
//! The JIT blinds constants: `bpf_jit_blind_constants()` makes a program of its own, of which either
//! the blinded or the original one is given back at the end, and the other one released. The
//! kernel crate has no `#[export]` yet.

use kernel::bindings;
use kernel::error::from_err_ptr;

use crate::jit::error::Result;
use crate::jit::runtime::Counted;
use crate::kernel::compile::compile;

/// The number of `BPF_REG_AX` (`include/linux/filter.h`).
pub(crate) const AX: u8 = bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_REG_AX as u8;

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
