// SPDX-License-Identifier: GPL-2.0

//! Linux 7.3.
//!
//! The core blinds constants itself before it asks for code (`bpf_prog_jit_compile()` in
//! `kernel/bpf/core.c`), and takes back what it blinded if there is none; the JIT returns the
//! program it was given.

use core::ffi::{c_int, c_void};

use kernel::bindings;
use kernel::prelude::*;

use crate::jit::bpf::Inline;
use crate::jit::error::{Error, Result};
use crate::jit::runtime::Counted;
use crate::kernel::attach;
use crate::kernel::compile::compile;
use crate::kernel::trampoline::{self, Request, KINDS};

/// The number of `BPF_REG_AX` (`include/linux/filter.h`).
pub(crate) const AX: u8 = bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_REG_AX as u8;

/// The number of `BPF_REG_PARAMS`, which stands for where arguments beyond five are.
pub(crate) const PARAMETERS: Option<u8> =
    Some(bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_REG_PARAMS as u8);

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

/// Whether functions may have more arguments than BPF registers hold.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_stack_args() -> bool {
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

/// The programs of one kind that a trampoline runs.
pub(crate) type Lists = bindings::bpf_tramp_nodes;

/// Programs behind a function are patched out one by one.
pub(crate) const LEAVES_AT_ONCE: bool = false;

/// A program of a list, and the cookie of its link.
pub(crate) fn program(list: &Lists, index: usize) -> Option<(*mut bindings::bpf_prog, u64)> {
    if index >= usize::try_from(list.nr_nodes).ok()? {
        return None;
    }
    let node = *list.nodes.get(index)?;
    // SAFETY: As many nodes as the list says are valid, and so are their links.
    unsafe { Some(((*(*node).link).prog, (*node).cookie)) }
}

/// Whether some of the programs run again behind the function.
pub(crate) fn has_sessions(entries: &Lists) -> bool {
    let mut index = 0usize;
    while let Some((program, _)) = program(entries, index) {
        // SAFETY: The kernel holds the programs that it asks a trampoline for.
        let kind = unsafe { (*program).expected_attach_type };
        if kind == bindings::bpf_attach_type_BPF_TRACE_FSESSION
            || kind == bindings::bpf_attach_type_BPF_TRACE_FSESSION_MULTI
        {
            return true;
        }
        index = index.wrapping_add(1);
    }
    false
}

/// Whether the program asks for the cookie of its session.
pub(crate) fn asks_for_session_cookie(program: &bindings::bpf_prog) -> bool {
    program.call_session_cookie() != 0
}

/// As bpf_tramp_image_add_skip().
///
/// # Safety
///
/// An image that has a table has room in it for each program.
pub(crate) unsafe fn note_skip(
    image: &mut bindings::bpf_tramp_image,
    prog: *mut bindings::bpf_prog,
    nop: *mut c_void,
    target: *mut c_void,
) {
    let Ok(count) = usize::try_from(image.nr_skips) else {
        return;
    };
    if !image.skips.is_null() {
        // SAFETY: The caller says so.
        unsafe { image.skips.add(count).write(bindings::bpf_tramp_skip { prog, nop, target }) };
        image.nr_skips = image.nr_skips.wrapping_add(1);
    }
}

/// Nothing to note.
///
/// # Safety
///
/// Safe; in other series it is not.
pub(crate) unsafe fn note_at_once(
    _: &mut bindings::bpf_tramp_image,
    _: *mut c_void,
    _: *mut c_void,
) {
}

/// The size of what BPF has at an address, and how far from its start that is.
pub(crate) fn look_up(address: *mut c_void) -> Option<(usize, usize)> {
    let mut name = [0; bindings::KSYM_NAME_LEN as usize];
    let (mut size, mut offset) = (0, 0);
    // SAFETY: All are places for what the function gives.
    let found = unsafe {
        bindings::bpf_address_lookup(address as _, &mut size, &mut offset, name.as_mut_ptr())
    };
    (found != 0).then_some((size as usize, offset as usize))
}

/// Attaches the entry of a program to a trampoline or another program, to another one, or to none.
///
/// # Safety
///
/// All are addresses of code that stays while this runs; the caller holds a lock for each `ip`.
#[export]
pub(crate) unsafe extern "C" fn bpf_arch_text_poke(
    ip: *mut c_void,
    _old_type: bindings::bpf_text_poke_type,
    _new_type: bindings::bpf_text_poke_type,
    old_address: *mut c_void,
    new_address: *mut c_void,
) -> c_int {
    attach::attach(ip, old_address, new_address)
}

/// Patches a program out of a trampoline.
///
/// # Safety
///
/// Both are addresses of a trampoline that is in use, which the caller has been told by
/// `note_skip()`.
#[export]
pub(crate) unsafe extern "C" fn arch_bpf_trampoline_skip(
    nop: *mut c_void,
    target: *mut c_void,
) -> c_int {
    // SAFETY: The caller says so.
    unsafe { attach::skip(nop, target) }
}

/// How many bytes a trampoline has, or a negative error number.
///
/// # Safety
///
/// `model` is valid; `lists` has one of each kind.
#[export]
pub(crate) unsafe extern "C" fn arch_bpf_trampoline_size(
    model: *const bindings::btf_func_model,
    flags: u32,
    lists: *mut bindings::bpf_tramp_nodes,
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
#[export]
pub(crate) unsafe extern "C" fn arch_prepare_bpf_trampoline(
    image: *mut bindings::bpf_tramp_image,
    start: *mut c_void,
    end: *mut c_void,
    model: *const bindings::btf_func_model,
    flags: u32,
    lists: *mut bindings::bpf_tramp_nodes,
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
    lists: *mut bindings::bpf_tramp_nodes,
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

/// Whether programs may run before a function and again behind it.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[export]
pub(crate) unsafe extern "C" fn bpf_jit_supports_fsession() -> bool {
    true
}
