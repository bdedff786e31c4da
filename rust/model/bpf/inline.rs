// SPDX-License-Identifier: GPL-2.0

//! What a call is that Linux makes none of: helpers without arguments that only say where the program
//! runs, and the look at the clock of a loop that may go on for a while. They leave all registers alone but
//! for that of their result.
//!
//! Source: `bpf_get_smp_processor_id()`, `bpf_get_current_task()`, `bpf_get_current_task_btf()` in
//! `kernel/bpf/helpers.c` and `kernel/trace/bpf_trace.c`; `arch_bpf_timed_may_goto()` in
//! `kernel/bpf/core.c`, of which `do_misc_fixups()` says what is in the auxiliary register.

use super::{Kernel, Machine, Trap, AX, DOUBLEWORD, R10, WORD};
use crate::model::word::Word;

/// Their numbers in `include/uapi/linux/bpf.h`.
const PROCESSOR: i32 = 8;
const TASK: i32 = 35;
const TASK_BTF: i32 = 158;

impl<W: Word, K: Kernel<W>> Machine<'_, W, K> {
    /// Calls a helper, if it is one.
    pub(super) fn call_helper(&mut self, offset: i32) -> Result<(), Trap> {
        if self.kernel.is_look_at_clock(offset) {
            return self.look_at_clock();
        }
        let result = match offset {
            PROCESSOR => self.kernel.processor().zero_extend(DOUBLEWORD),
            // As a long and as an unsigned long.
            TASK => self.kernel.task().sign_extend(DOUBLEWORD),
            TASK_BTF => self.kernel.task().zero_extend(DOUBLEWORD),
            _ => return self.call(offset),
        };
        self.write(0, result)
    }

    /// The auxiliary register says where on the stack the loop has what it counts, and afterwards how
    /// often it may go on.
    fn look_at_clock(&mut self) -> Result<(), Trap> {
        if !self.defined[AX] {
            return Err(Trap::Undefined);
        }
        let counts = self.registers[R10] + self.registers[AX];
        self.registers[AX] = self.kernel.look_at_clock(counts).ok_or(Trap::BadCall)?;
        Ok(())
    }

    /// This processor's part of what each has of its own, by the address that stands for all. It is an
    /// address, of a word on 32-bit machines.
    pub(super) fn this_processors(&mut self, address: W) -> W {
        let width = if self.setup.is_wide { DOUBLEWORD } else { WORD };
        let address = address.low(width) + self.kernel.distance_of_processor().low(width);
        address.zero_extend(DOUBLEWORD)
    }
}
