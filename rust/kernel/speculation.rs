// SPDX-License-Identifier: GPL-2.0

//! Which cores execute ahead of what is decided, so that programs must be kept from using it?
//!
//! A program without privileges could lead a core to load, behind a branch that goes another way or a
//! store that is not done (variants 1 and 4 of Spectre), what it must not see, and to load again from
//! an address that depends on it, which the cache shows. The verifier prevents that, by masks, by
//! barriers and by refusing programs, unless the JIT says that the core does no such thing. The
//! sources of what is said here are in `Documentation/spectre.rst`.
//!
//! The answer must not change while programs are there, and what is not known is "it does".

use kernel::bindings;

/// How a core comes to its loads.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipeline {
    /// In the order of instructions. What is behind a branch may have begun when that is decided, but no
    /// load has given another one its address; no load overtakes a store.
    InOrder,
    /// As operands come, behind branches that are guessed.
    OutOfOrder,
}

use Pipeline::{InOrder, OutOfOrder};

/// The cores that MIPS has designed. Those of others (Loongson, Octeon, BMIPS, XBurst, ...), of which
/// their makers say nothing, those that are older than MIPS's statement or unknown to the kernel,
/// and what an emulator invents, are not here.
const CORES: [(bindings::cpu_type_enum, Pipeline); 21] = [
    (bindings::cpu_type_enum_CPU_4KC, InOrder),
    (bindings::cpu_type_enum_CPU_4KEC, InOrder),
    (bindings::cpu_type_enum_CPU_4KSC, InOrder),
    (bindings::cpu_type_enum_CPU_5KC, InOrder),
    (bindings::cpu_type_enum_CPU_5KE, InOrder),
    // 24K and 24KE.
    (bindings::cpu_type_enum_CPU_24K, InOrder),
    (bindings::cpu_type_enum_CPU_34K, InOrder),
    (bindings::cpu_type_enum_CPU_1004K, InOrder),
    (bindings::cpu_type_enum_CPU_M14KC, InOrder),
    (bindings::cpu_type_enum_CPU_M14KEC, InOrder),
    (bindings::cpu_type_enum_CPU_INTERAPTIV, InOrder),
    (bindings::cpu_type_enum_CPU_M5150, InOrder),
    (bindings::cpu_type_enum_CPU_M6250, InOrder),
    (bindings::cpu_type_enum_CPU_I6400, InOrder),
    (bindings::cpu_type_enum_CPU_I6500, InOrder),
    // MIPS says of these three that they do not go far enough; nobody says it of variant 4.
    (bindings::cpu_type_enum_CPU_74K, OutOfOrder),
    (bindings::cpu_type_enum_CPU_1074K, OutOfOrder),
    (bindings::cpu_type_enum_CPU_PROAPTIV, OutOfOrder),
    // These do, says MIPS.
    (bindings::cpu_type_enum_CPU_P5600, OutOfOrder),
    (bindings::cpu_type_enum_CPU_P6600, OutOfOrder),
    (bindings::cpu_type_enum_CPU_UNKNOWN, OutOfOrder),
];

/// Whether a CPU of this machine loads ahead of what is decided, or may.
pub(super) fn speculates() -> bool {
    // SAFETY: A plain question with no preconditions.
    let here = unsafe { bindings::bpf_jit_mips_cpu_type() };
    !CORES
        .iter()
        .any(|&(core, pipeline)| core == here && pipeline == InOrder)
}

/// What the linker puts in the place of `kernel/bpf/core.c`'s weak functions must have their types:
/// both branches have one.
const _: () = {
    if true {
        bindings::bpf_jit_bypass_spec_v1
    } else {
        bpf_jit_bypass_spec_v1
    };
    if true {
        bindings::bpf_jit_bypass_spec_v4
    } else {
        bpf_jit_bypass_spec_v4
    };
};

/// Whether the verifier may let programs without privileges meet variant 1, branches that are guessed
/// wrong.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_bypass_spec_v1() -> bool {
    !speculates()
}

/// The same of variant 4, loads that overtake stores.
///
/// # Safety
///
/// Safe; the declaration that it replaces is not.
#[no_mangle]
pub(crate) unsafe extern "C" fn bpf_jit_bypass_spec_v4() -> bool {
    !speculates()
}
