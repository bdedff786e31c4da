// SPDX-License-Identifier: GPL-2.0

//! What the verifier asks of the JIT. `kernel/bpf/core.c` has an answer for whoever does not give
//! another one: no. All series have these hooks alike; not all have `#[export]`.

use kernel::bindings;

/// What the linker puts in the place of `kernel/bpf/core.c`'s weak functions must have their types:
/// both branches have one.
const _: () = {
    if true {
        bindings::bpf_jit_supports_subprog_tailcalls
    } else {
        bpf_jit_supports_subprog_tailcalls
    };
    if true {
        bindings::bpf_jit_supports_arena
    } else {
        bpf_jit_supports_arena
    };
    if true {
        bindings::bpf_jit_supports_insn
    } else {
        bpf_jit_supports_insn
    };
    if true {
        bindings::bpf_jit_supports_ptr_xchg
    } else {
        bpf_jit_supports_ptr_xchg
    };
    if true {
        bindings::bpf_jit_supports_kfunc_call
    } else {
        bpf_jit_supports_kfunc_call
    };
    if true {
        bindings::bpf_jit_supports_far_kfunc_call
    } else {
        bpf_jit_supports_far_kfunc_call
    };
    if true {
        bindings::bpf_jit_supports_exceptions
    } else {
        bpf_jit_supports_exceptions
    };
};

/// Whether a program with functions may make tail calls: they are counted along the whole chain.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_supports_subprog_tailcalls() -> bool {
    true
}

/// Whether programs may have an arena: a 64-bit kernel has them (`kernel/bpf/Makefile`).
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_supports_arena() -> bool {
    cfg!(CONFIG_64BIT)
}

/// Whether the instruction may work on an arena, or anywhere: there is none that may not.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
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
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_supports_ptr_xchg() -> bool {
    cfg!(CONFIG_64BIT)
}

/// Whether programs may call kernel functions (kfuncs).
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_supports_kfunc_call() -> bool {
    true
}

/// Whether these may be anywhere, so that the JIT looks up their addresses: in a 32-bit kernel all are in
/// reach of an immediate.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_supports_far_kfunc_call() -> bool {
    cfg!(CONFIG_64BIT)
}

/// Whether programs may throw exceptions: images say what their frames look like.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_supports_exceptions() -> bool {
    true
}
