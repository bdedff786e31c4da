// SPDX-License-Identifier: GPL-2.0

//! What the kernel has at hand: the processor, the running thread, the time.
//!
//! `$gp` points to `struct thread_info`, which has both the thread and the number of its processor
//! (`arch/mips/include/asm/thread_info.h`): a load instead of a call.

use super::Lowering;
use crate::jit::abi::{o32, Abi, O32};
use crate::jit::bpf::{Inline, Reg as BpfReg};
use crate::jit::lower::structure_offset;
use crate::jit::mips::Reg;

impl Lowering<'_, O32> {
    /// `R0 = helper()`
    ///
    /// A pointer as a `long` is sign-extended.
    pub(crate) fn call_inline(&mut self, helper: Inline) -> Option<()> {
        let runtime = self.setting.runtime;
        let r0 = self.pair(BpfReg::R0);
        let thread = structure_offset(runtime.thread_task)?;
        match helper {
            Inline::ProcessorId => self.processor(r0.lo)?,
            Inline::CurrentTask | Inline::CurrentTaskBtf => self.asm.lw(r0.lo, thread, Reg::GP),
        }
        match helper {
            Inline::CurrentTask => self.extend_sign(r0),
            Inline::ProcessorId | Inline::CurrentTaskBtf => self.clear_high(r0),
        }
        Some(())
    }

    /// `rd = raw_smp_processor_id()`
    fn processor(&mut self, rd: Reg) -> Option<()> {
        match self.setting.runtime.processors {
            Some(processors) => {
                let number = structure_offset(processors.number)?;
                self.asm.lw(rd, number, Reg::GP);
            }
            None => self.asm.clear(rd),
        }
        Some(())
    }

    /// `dst = this_cpu_ptr(src)`
    pub(crate) fn this_cpu(&mut self, dst: BpfReg, src: BpfReg) -> Option<()> {
        let (d, s) = (self.pair(dst), self.pair(src));
        O32::this_cpu(self.asm, d.lo, s.lo, self.setting.runtime.processors)?;
        self.clear_high(d);
        Some(())
    }

    /// `AX = bpf_check_timed_may_goto(R10 + AX)`
    pub(crate) fn check_time(&mut self) -> Option<()> {
        let (ax, frame_pointer) = (self.pair(BpfReg::Ax), self.pair(BpfReg::R10));
        self.begin_function_call(Some(BpfReg::Ax))?;
        self.asm.addu(o32::WORD_ARGUMENT_1, frame_pointer.lo, ax.lo);
        self.finish_function_call(self.setting.runtime.check_time, Some(BpfReg::Ax))
    }
}
