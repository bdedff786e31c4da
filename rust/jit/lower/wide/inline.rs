// SPDX-License-Identifier: GPL-2.0

//! What the kernel has at hand: the processor, the running thread, the time. See `pair/inline.rs`.

use super::{Lowering, N64};
use crate::jit::abi::{n64, Abi};
use crate::jit::asm::Slot;
use crate::jit::bpf::{Inline, Reg as BpfReg};
use crate::jit::lower::structure_offset;
use crate::jit::mips::Reg;

impl Lowering<'_, N64> {
    /// `R0 = helper()`
    pub(crate) fn call_inline(&mut self, helper: Inline) -> Option<()> {
        let thread = structure_offset(self.setting.runtime.thread_task)?;
        let r0 = self.reg(BpfReg::R0);
        match helper {
            Inline::ProcessorId => self.processor(r0)?,
            Inline::CurrentTask | Inline::CurrentTaskBtf => self.asm.ld(r0, thread, Reg::GP),
        }
        Some(())
    }

    /// `rd = raw_smp_processor_id()`
    fn processor(&mut self, rd: Reg) -> Option<()> {
        match self.setting.runtime.processors {
            Some(processors) => {
                let number = structure_offset(processors.number)?;
                self.asm.lwu(rd, number, Reg::GP);
            }
            None => self.asm.clear(rd),
        }
        Some(())
    }

    /// `dst = this_cpu_ptr(src)`
    pub(crate) fn this_cpu(&mut self, dst: BpfReg, src: BpfReg) -> Option<()> {
        let (d, s) = (self.reg(dst), self.reg(src));
        N64::this_cpu(self.asm, d, s, self.setting.runtime.processors)
    }

    /// `AX = bpf_check_timed_may_goto(R10 + AX)`: the only call that is none of the program's.
    pub(crate) fn check_time(&mut self) -> Option<()> {
        let (ax, frame_pointer) = (self.reg(BpfReg::Ax), self.reg(BpfReg::R10));
        let kept = self.place.kept.without(BpfReg::Ax);
        self.setting.frame.keep(self.asm, kept)?;
        self.asm.daddu(n64::register(BpfReg::R1), frame_pointer, ax);
        self.asm.call(self.setting.runtime.check_time, Slot::Nop);
        let result = self.reg(BpfReg::R0);
        self.copy(ax, result);
        self.setting.frame.take_back(self.asm, kept)
    }
}
