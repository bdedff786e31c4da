// SPDX-License-Identifier: GPL-2.0

//! What the verifier asks of the JIT. `kernel/bpf/core.c` has an answer for whoever does not give
//! another one: no.

use kernel::bindings;
use kernel::prelude::*;

/// Whether programs may have an arena: a 64-bit kernel has them (`kernel/bpf/Makefile`).
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_arena() -> bool {
    cfg!(CONFIG_64BIT)
}

/// Whether the instruction may work on an arena, or anywhere: there is none that may not.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_insn(
    _insn: *mut bindings::bpf_insn,
    in_arena: bool,
) -> bool {
    cfg!(CONFIG_64BIT) || !in_arena
}

/// Whether `bpf_kptr_xchg()` may become an exchange in memory: on 64-bit kernels, whose `xchg()` and
/// `atomic64_xchg()` are alike.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_ptr_xchg() -> bool {
    cfg!(CONFIG_64BIT)
}

/// Whether programs may call kernel functions (kfuncs): with n64's convention only.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_kfunc_call() -> bool {
    cfg!(CONFIG_64BIT)
}

/// Whether these may be anywhere, so that the JIT looks up their addresses.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_far_kfunc_call() -> bool {
    cfg!(CONFIG_64BIT)
}
