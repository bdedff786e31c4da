// SPDX-License-Identifier: GPL-2.0

//! Where in this kernel images find what they call and load.

use core::mem::offset_of;

use kernel::bindings;

use super::compat;
#[cfg(CONFIG_32BIT)]
use crate::jit::runtime::Atomic64;
use crate::jit::runtime::{Probed, Processors, Range, Runtime};

/// The address of a function, checked against the type that images call it with.
macro_rules! address {
    ($function:ident as $type:ty) => {{
        let function: $type = bindings::$function;
        function as usize as u32
    }};
}

type Base = unsafe extern "C" fn(u64, u64, u64, u64, u64) -> u64;

/// Addresses and offsets of this kernel.
pub(super) fn current() -> Runtime {
    Runtime {
        call_base: address!(__bpf_call_base as Base),
        array_max_entries: (offset_of!(bindings::bpf_array, map)
            + offset_of!(bindings::bpf_map, max_entries)) as u32,
        array_ptrs: offset_of!(bindings::bpf_array, __bindgen_anon_1) as u32,
        prog_bpf_func: offset_of!(bindings::bpf_prog, bpf_func) as u32,
        max_tail_calls: bindings::MAX_TAIL_CALL_CNT,
        counted: compat::COUNTED,
        check_time: compat::check_time(),
        thread_task: bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_THREAD_TASK,
        processors: processors(),
        probed: probed(),
        ..own()
    }
}

/// What only a 32-bit kernel needs: what does with 64 bits what its CPU has no instruction for.
#[cfg(CONFIG_32BIT)]
fn own() -> Runtime {
    type Unsigned = unsafe extern "C" fn(u64, u64) -> u64;
    type Signed = unsafe extern "C" fn(i64, i64) -> i64;
    type Apply = unsafe extern "C" fn(i64, *mut bindings::atomic64_t);
    type Fetch = unsafe extern "C" fn(i64, *mut bindings::atomic64_t) -> i64;
    type Xchg = unsafe extern "C" fn(*mut bindings::atomic64_t, i64) -> i64;
    type Cmpxchg = unsafe extern "C" fn(*mut bindings::atomic64_t, i64, i64) -> i64;
    Runtime {
        div64: address!(bpf_jit_mips_div64 as Unsigned),
        mod64: address!(bpf_jit_mips_mod64 as Unsigned),
        sdiv64: address!(bpf_jit_mips_sdiv64 as Signed),
        smod64: address!(bpf_jit_mips_smod64 as Signed),
        atomic64: Atomic64 {
            add: address!(generic_atomic64_add as Apply),
            and: address!(generic_atomic64_and as Apply),
            or: address!(generic_atomic64_or as Apply),
            xor: address!(generic_atomic64_xor as Apply),
            fetch_add: address!(generic_atomic64_fetch_add as Fetch),
            fetch_and: address!(generic_atomic64_fetch_and as Fetch),
            fetch_or: address!(generic_atomic64_fetch_or as Fetch),
            fetch_xor: address!(generic_atomic64_fetch_xor as Fetch),
            xchg: address!(generic_atomic64_xchg as Xchg),
            cmpxchg: address!(generic_atomic64_cmpxchg as Cmpxchg),
        },
        ..Runtime::EMPTY
    }
}

/// A 64-bit kernel needs nothing more.
#[cfg(not(CONFIG_32BIT))]
fn own() -> Runtime {
    Runtime::EMPTY
}

/// How this kernel tells its processors apart, if it is for several.
fn processors() -> Option<Processors> {
    let mut found = bindings::bpf_jit_mips_processors::default();
    // SAFETY: It is a place for what the function gives.
    let are_several = unsafe { bindings::bpf_jit_mips_find_processors(&mut found) };
    are_several.then_some(Processors {
        number: found.number,
        offsets: found.offsets,
    })
}

/// Where there may be memory.
fn probed() -> Probed {
    let mut memory = bindings::bpf_jit_mips_memory::default();
    // SAFETY: It is a place for what the function gives.
    unsafe { bindings::bpf_jit_mips_find_memory(&mut memory) };
    Probed {
        ram: Range {
            start: memory.ram,
            bytes: memory.ram_bytes,
        },
        low_bytes: memory.low_bytes,
        mapped: Range {
            start: memory.mapped,
            bytes: memory.mapped_bytes,
        },
    }
}
