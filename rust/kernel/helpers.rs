// SPDX-License-Identifier: GPL-2.0

//! Helpers of this kernel of which is known what they take and give: `rust/bpf_jit_mips_helpers.c`.

use core::mem::{offset_of, size_of};
use core::slice;

use kernel::bindings;

use crate::jit::bpf::{Helper, Helpers};

/// The table is read as what the core has.
const _: () = {
    type Row = bindings::bpf_jit_mips_helper;
    assert!(size_of::<Row>() == size_of::<Helper>());
    assert!(offset_of!(Row, address) == offset_of!(Helper, address));
    assert!(offset_of!(Row, signature) == offset_of!(Helper, signature));
};

/// Those that calls relative to `base`, which is `__bpf_call_base`, lead to.
pub(super) fn relative_to(base: u32) -> Helpers {
    // SAFETY: The table has so many rows, which never change and are laid out as `Helper` is.
    let all = unsafe {
        let rows = (&raw const bindings::bpf_jit_mips_helpers).cast::<Helper>();
        slice::from_raw_parts(rows, bindings::bpf_jit_mips_helper_count as usize)
    };
    Helpers { base, all }
}
