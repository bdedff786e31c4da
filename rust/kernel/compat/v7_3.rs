// SPDX-License-Identifier: GPL-2.0

//! Linux 7.3.
//!
//! The core blinds constants itself before it asks for code (`bpf_prog_jit_compile()` in
//! `kernel/bpf/core.c`), and takes back what it blinded if there is none; the JIT returns the
//! program it was given.

use kernel::bindings;
use kernel::prelude::*;

use crate::jit::bpf::Inline;
use crate::jit::error::{Error, Result};
use crate::jit::runtime::Counted;
use crate::kernel::compile::compile;

/// The number of `BPF_REG_AX` (`include/linux/filter.h`).
pub(crate) const AX: u8 = bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_REG_AX as u8;

/// What `JMP_TAIL_CALL` of `___bpf_prog_run()` counts (`kernel/bpf/core.c`).
pub(crate) const COUNTED: Counted = Counted::Hits;

/// Compiles a program, or leaves it to the interpreter.
///
/// # Safety
///
/// `prog` must be valid and, until this returns, nobody else's; `env` is null or the verifier's
/// state for this program.
#[export]
pub(crate) unsafe extern "C" fn bpf_int_jit_compile(
    _env: *mut bindings::bpf_verifier_env,
    prog: *mut bindings::bpf_prog,
) -> *mut bindings::bpf_prog {
    // SAFETY: The caller says that the program is valid and that nobody else uses it.
    unsafe { compile(&mut *prog) };
    prog
}

/// Asks the verifier to mark where 32-bit results must be zero-extended: on a register pair that
/// is an instruction, mostly a needless one.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_needs_zext() -> bool {
    true
}

/// Address of `arch_bpf_timed_may_goto()`, which only stands for an instruction: the JIT has code for it.
pub(crate) fn timed_may_goto() -> Option<u32> {
    let function: unsafe extern "C" fn() -> u64 = bindings::arch_bpf_timed_may_goto;
    Some(function as usize as u32)
}

/// Address of the function that looks at the clock for that.
pub(crate) fn check_time() -> u32 {
    let function: unsafe extern "C" fn(*mut bindings::bpf_timed_may_goto) -> u64 =
        bindings::bpf_check_timed_may_goto;
    function as usize as u32
}

/// Tells the program's arrays of instructions where the code of each begins, in bytes from the start of
/// the image.
pub(crate) fn update_instruction_arrays(prog: &mut bindings::bpf_prog, offsets: &[u32]) {
    let Some(image) = prog.bpf_func else { return };
    // SAFETY: The program has its image, and the array an entry for each of its instructions, which
    // are only read.
    unsafe {
        bindings::bpf_prog_update_insn_ptrs(
            prog,
            offsets.as_ptr().cast_mut(),
            image as *mut core::ffi::c_void,
        );
    }
}

/// Whether `may_goto` may look at the clock now and then.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_timed_may_goto() -> bool {
    true
}

/// Whether programs may ask for an address of what each processor has of its own. Kernels before this one
/// let the interpreter have such a program, if there is no memory to compile it.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_percpu_insn() -> bool {
    true
}

/// Whether the JIT has shorter code for a helper than a call: what decoding makes an
/// [`Inline`](crate::jit::bpf::Inline). As with [`bpf_jit_supports_percpu_insn`], the interpreter could
/// not run the program, which kernels before this one do not know.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_inlines_helper_call(imm: i32) -> bool {
    Inline::of(imm).is_some()
}

/// Whether programs that interrupt others may have a stack of their own for each processor.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_private_stack() -> bool {
    true
}

/// Bytes of the private stack of a program.
fn stack_bytes(aux: &bindings::bpf_prog_aux) -> u32 {
    u32::from(aux.stack_depth).wrapping_add(7) & !7
}

/// R10 of a program that has a stack of its own for each processor, which it gets if it has none yet.
///
/// # Errors
///
/// `NoMemory`.
pub(crate) fn private_stack(prog: &mut bindings::bpf_prog) -> Result<Option<u64>> {
    // SAFETY: `aux` of a program that is being compiled is valid.
    let aux = unsafe { &mut *prog.aux };
    if !aux.jits_use_priv_stack {
        return Ok(None);
    }
    let bytes = stack_bytes(aux);
    if aux.priv_stack_ptr.is_null() {
        // SAFETY: It allocates.
        aux.priv_stack_ptr = unsafe { bindings::bpf_jit_mips_alloc_stack(bytes) };
    }
    if aux.priv_stack_ptr.is_null() {
        return Err(Error::NoMemory);
    }
    let guard = bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_STACK_GUARD;
    let end = guard.wrapping_add(bytes) as usize;
    Ok(Some((aux.priv_stack_ptr as usize).wrapping_add(end) as u64))
}

/// Gives back what [`private_stack`] has allocated.
pub(crate) fn free_private_stack(prog: &mut bindings::bpf_prog) {
    // SAFETY: `aux` of a program is valid.
    let aux = unsafe { &mut *prog.aux };
    if !aux.priv_stack_ptr.is_null() {
        let bytes = stack_bytes(aux);
        // SAFETY: It was allocated with this size, and nobody uses it any more.
        unsafe { bindings::bpf_jit_mips_free_stack(prog, aux.priv_stack_ptr, bytes) };
        aux.priv_stack_ptr = core::ptr::null_mut();
    }
}

/// Gives back what a program has, and the program.
///
/// # Safety
///
/// `prog` must be valid, and nobody may use it any more.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_free(prog: *mut bindings::bpf_prog) {
    // SAFETY: The caller says so.
    unsafe {
        free_private_stack(&mut *prog);
        bindings::bpf_jit_mips_free(prog);
    }
}
