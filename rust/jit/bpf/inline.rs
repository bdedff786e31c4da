// SPDX-License-Identifier: GPL-2.0

//! Helpers that need no call.

use super::raw::helper;

/// A helper whose code is shorter than a call of it (`bpf_jit_inlines_helper_call()`). It writes no
/// register but R0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inline {
    /// `u32 bpf_get_smp_processor_id(void)`
    ProcessorId,
    /// `u64 bpf_get_current_task(void)`: as a `long`.
    CurrentTask,
    /// `struct task_struct *bpf_get_current_task_btf(void)`: as an `unsigned long`.
    CurrentTaskBtf,
}

impl Inline {
    /// The helper with this number, which calls of it keep, if it is one of these.
    pub(crate) const fn of(number: i32) -> Option<Inline> {
        match number {
            helper::GET_SMP_PROCESSOR_ID => Some(Inline::ProcessorId),
            helper::GET_CURRENT_TASK => Some(Inline::CurrentTask),
            helper::GET_CURRENT_TASK_BTF => Some(Inline::CurrentTaskBtf),
            _ => None,
        }
    }
}
