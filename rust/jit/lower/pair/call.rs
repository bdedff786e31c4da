// SPDX-License-Identifier: GPL-2.0

//! Calls: of helpers, of kernel functions inside a lowering, of the next program, and the return.

use super::{Lowering, T8, T9};
use crate::jit::abi::{o32, Abi, O32};
use crate::jit::asm::{BranchCond, Label, Slot};
use crate::jit::bpf::{Reg as BpfReg, RegSet, Signature};
use crate::jit::lower::{from_function_to_tail_entry, structure_offset};
use crate::jit::mips::{Insn, Reg, Shift5, Simm16};
use crate::jit::runtime::Counted;

/// Bytes of an instruction.
const INSTRUCTION: u32 = 4;

impl Lowering<'_, O32> {
    /// `R0 = helper(R1, R2, R3, R4, R5)`: two arguments are in place, the others go on the stack,
    /// if the program has put anything in them and the helper takes it. The last store fills the delay slot.
    pub(crate) fn call(&mut self, offset: i32, signature: Signature) -> Option<()> {
        let address = self.setting.runtime.call_base.wrapping_add_signed(offset);
        let mut last = None;
        for (reg, place) in o32::STACK_ARGUMENTS {
            if !self.place.passed.contains(reg) {
                continue;
            }
            let pair = self.source(reg);
            let (low, high) = self.setting.frame.stack_argument(place)?;
            let words = [
                (signature.low(), pair.lo, low),
                (signature.high(), pair.hi, high),
            ];
            for (taken, word, place) in words {
                if !taken.contains(reg) {
                    continue;
                }
                if let Some(insn) = last.replace(Insn::sw(word, place, Reg::SP)) {
                    self.asm.push(insn);
                }
            }
        }
        self.asm.call(address, last.map_or(Slot::Nop, Slot::Fill));
        Some(())
    }

    /// `R0 = function(R1, R2, R3, R4, R5)` of the program: all is in place, behind its entry for C
    /// code. Where tail calls are counted, the count goes to where the function has it, which fills
    /// the delay slot, and comes back. There is no function if the verifier has found that nobody calls it.
    pub(crate) fn call_subprogram(&mut self, offset: i32) -> Option<()> {
        let bytes = O32::SUBPROGRAM_ENTRY.checked_mul(INSTRUCTION)?;
        let base = self.setting.runtime.call_base;
        let address = base.wrapping_add_signed(offset).wrapping_add(bytes);
        let frame = self.setting.frame;
        if frame.is_alone() {
            self.asm.push(Insn::breakpoint());
            return Some(());
        }
        if !frame.keeps_count() {
            self.asm.call_fixed(address, Slot::Nop);
            return Some(());
        }
        let (here, there) = (frame.tail_call_count(), Simm16::ZERO);
        self.asm.lw(T8, here, Reg::SP);
        self.asm
            .call_fixed(address, Slot::Fill(Insn::sw(T8, there, Reg::SP)));
        self.asm.lw(T8, there, Reg::SP);
        self.asm.sw(T8, here, Reg::SP);
        Some(())
    }

    /// `dst` = the address of a function of the program. The kernel has a word there, zero-extended until
    /// it knows the address, and sign-extended then: the high word takes an instruction in either case.
    pub(crate) fn load_subprogram(&mut self, dst: BpfReg, value: u64) -> Option<()> {
        let d = self.pair(dst);
        if self.wants_low() {
            self.asm.load_word_fixed(d.lo, value as u32);
        }
        if self.wants_high() {
            self.asm.load_word(d.hi, (value >> 32) as u32);
        }
        Some(())
    }

    /// Saves what a call of a kernel function would overwrite and someone still reads. `result` is
    /// the register that the function's result replaces.
    pub(super) fn begin_function_call(&mut self, result: Option<BpfReg>) -> Option<()> {
        let kept = self.kept(result);
        self.setting.frame.keep(self.asm, kept)
    }

    /// Calls the function, moves its result in place and loads back what was saved.
    pub(super) fn finish_function_call(
        &mut self,
        function: u32,
        result: Option<BpfReg>,
    ) -> Option<()> {
        self.asm.call(function, Slot::Nop);
        if let Some(result) = result {
            let d = self.pair(result);
            let returned = self.pair(o32::RESULT);
            self.copy_pair(d, returned);
        }
        let kept = self.kept(result);
        self.setting.frame.take_back(self.asm, kept)
    }

    fn kept(&self, result: Option<BpfReg>) -> RegSet {
        match result {
            Some(result) => self.place.kept.without(result),
            None => self.place.kept,
        }
    }

    /// `bpf_tail_call(R1 ctx, R2 array, R3 index)`
    ///
    /// The index is a `u32`: R3's high word does not count. Calls count towards the limit as
    /// [`Counted`] says; it makes no difference to the length, which depends on no kernel.
    pub(crate) fn tail_call(&mut self) -> Option<()> {
        let runtime = self.setting.runtime;
        let frame = self.setting.frame;
        let array = self.pair(BpfReg::R2).lo;
        let index = self.pair(BpfReg::R3).lo;
        let (count, entry) = (T9, T9);
        let miss = self.asm.label();

        // if (index >= array->map.max_entries) goto miss;
        self.asm
            .lw(T8, structure_offset(runtime.array_max_entries)?, array);
        self.asm.sltu(T8, index, T8);
        self.asm.branch(
            BranchCond::zero(T8),
            miss,
            Slot::Fill(Insn::lw(count, frame.tail_call_count(), Reg::SP)),
        );
        // if (count >= MAX_TAIL_CALL_CNT) goto miss;
        let limit = Simm16::new(i32::try_from(runtime.max_tail_calls).ok()?)?;
        self.asm.sltiu(T8, count, limit);
        self.asm.branch(
            BranchCond::zero(T8),
            miss,
            Slot::Fill(Insn::sll(T8, index, Shift5::masked(2))),
        );
        // prog = array->ptrs[index]; if (!prog) goto miss; count++, before or after that;
        self.asm.addu(T8, T8, array);
        self.asm.lw(T8, structure_offset(runtime.array_ptrs)?, T8);
        self.count_tail_call(count, T8, miss)?;
        // goto prog->bpf_func, before its normal entry;
        self.asm
            .lw(entry, structure_offset(runtime.prog_bpf_func)?, T8);
        self.asm.addiu(entry, entry, from_function_to_tail_entry()?);
        frame.leave_for(self.asm, entry)?;
        self.asm.bind(miss);
        Some(())
    }

    /// Leaves for `miss` if there is no program, and counts the call if that is what the kernel's
    /// interpreter does.
    fn count_tail_call(&mut self, count: Reg, program: Reg, miss: Label) -> Option<()> {
        let is_empty = BranchCond::zero(program);
        let increment = Insn::addiu(count, count, Simm16::new(1)?);
        let store = Insn::sw(count, self.setting.frame.tail_call_count(), Reg::SP);
        match self.setting.runtime.counted {
            Counted::Hits => {
                self.asm.branch(is_empty, miss, Slot::Fill(increment));
                self.asm.push(store);
            }
            Counted::Lookups => {
                self.asm.push(increment);
                self.asm.branch(is_empty, miss, Slot::Fill(store));
            }
        }
        Some(())
    }

    /// `return R0`: the epilogue does it.
    pub(crate) fn exit(&mut self) -> Option<()> {
        if !self.place.is_last {
            self.asm.jump();
        }
        Some(())
    }
}
