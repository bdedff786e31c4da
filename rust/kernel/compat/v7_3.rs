// SPDX-License-Identifier: GPL-2.0

//! Linux 7.3.
//!
//! The core blinds constants itself before it asks for code (`bpf_prog_jit_compile()` in
//! `kernel/bpf/core.c`), and takes back what it blinded if there is none; the JIT returns the
//! program it was given.

use kernel::bindings;
use kernel::prelude::*;

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
