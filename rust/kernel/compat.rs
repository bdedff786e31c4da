// SPDX-License-Identifier: GPL-2.0

//! What differs between kernel series: the hooks and their signatures, who blinds constants, the
//! numbers of the BPF dialect and what its interpreter counts. No other file knows a version.
//!
//! Each series has a file. The Kbuild file beside the crate's root turns the kernel's version into
//! the `cfg` that selects it; a series without one does not compile.

#[cfg(linux_6_12)]
#[path = "compat/v6_12.rs"]
mod series;
#[cfg(linux_7_3)]
#[path = "compat/v7_3.rs"]
mod series;

pub(super) use series::{
    asks_for_session_cookie, check_time, free_private_stack, has_sessions, look_up, note_at_once,
    note_skip, private_stack, program, timed_may_goto, update_instruction_arrays, Lists, AX, COUNTED,
    LEAVES_AT_ONCE, PARAMETERS,
};
