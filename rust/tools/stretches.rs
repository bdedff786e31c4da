// SPDX-License-Identifier: GPL-2.0

//! Where a load may look that knows nothing of its address: what the BPF model is told of the kernel that
//! the core is told of in other words.
//!
//! Sources: MD00090 and MD00091 (MIPS32 and MIPS64 privileged resource architecture), virtual memory, for
//! the segments; `include/linux/err.h` for `IS_ERR_VALUE()`.

use crate::jit::mips::Width;
use crate::jit::runtime::Runtime;
use crate::model::bpf::Stretch;

/// The first address of CKSEG0, in which all is mapped to the lowest physical addresses; its word is
/// that of KSEG0.
const CKSEG0: u64 = 0xffff_ffff_8000_0000;

/// The first one of CKSEG1, in which is the same, uncached.
const CKSEG1: u64 = 0xffff_ffff_a000_0000;

/// The first one of CKSSEG, behind which is CKSEG3.
const CKSSEG: u64 = 0xffff_ffff_c000_0000;

/// The last address of a 64-bit kernel that is no error number.
pub(super) const LAST_POINTER: u64 = -4096_i64 as u64;

/// The stretches of a kernel of this width.
pub(super) fn of(width: Width, runtime: &Runtime) -> Vec<Stretch> {
    let probed = runtime.probed;
    let stretch = |first: u64, bytes: u64, goes_on| {
        (bytes > 0).then(|| Stretch {
            first,
            last: first + (bytes - 1),
            goes_on,
        })
    };
    let word = |address: u64| address & 0xffff_ffff;
    let stretches = match width {
        Width::W32 => vec![
            stretch(word(CKSEG0), probed.low_bytes.into(), false),
            stretch(word(CKSEG1), probed.low_bytes.into(), false),
            stretch(word(CKSSEG), probed.mapped.bytes, true),
        ],
        Width::W64 => vec![
            stretch(probed.ram.start, probed.ram.bytes, false),
            stretch(CKSEG0, probed.low_bytes.into(), false),
            stretch(probed.mapped.start, probed.mapped.bytes, true),
            stretch(CKSSEG, LAST_POINTER - CKSSEG + 1, true),
        ],
    };
    stretches.into_iter().flatten().collect()
}
