// SPDX-License-Identifier: GPL-2.0

//! What machine this is.

use kernel::bindings;

use super::speculation;
use crate::jit::abi::Abi;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Cpu, Endian, Release};

/// The calling convention of this kernel.
#[cfg(CONFIG_32BIT)]
pub(super) type Native = crate::jit::abi::O32;
#[cfg(not(CONFIG_32BIT))]
pub(super) type Native = crate::jit::abi::N64;

/// The CPU that images are made for: the one the kernel runs on.
pub(super) fn current() -> Cpu {
    // SAFETY: A plain question with no preconditions.
    let release = unsafe { bindings::bpf_jit_mips_release() };
    Cpu {
        width: Native::WIDTH,
        endian: if cfg!(CONFIG_CPU_BIG_ENDIAN) {
            Endian::Big
        } else {
            Endian::Little
        },
        release: match release {
            6.. => Release::R6,
            2.. => Release::R2,
            _ => Release::R1,
        },
        barriers: Barriers {
            memory: cfg!(CONFIG_SMP) && cfg!(CONFIG_WEAK_ORDERING),
            llsc: cfg!(CONFIG_SMP)
                && (cfg!(CONFIG_WEAK_REORDERING_BEYOND_LLSC) || cfg!(CONFIG_CPU_CAVIUM_OCTEON)),
            linked: cfg!(CONFIG_CPU_LOONGSON3_WORKAROUNDS),
            speculation: speculation::speculates(),
        },
    }
}
