// SPDX-License-Identifier: GPL-2.0

//! Calls: of helpers, of the next program, and the return.

use super::{Lowering, N64, T6, T7, T8, T9};
use crate::jit::abi::n64;
use crate::jit::asm::{BranchCond, Label, Slot};
use crate::jit::bpf::Reg as BpfReg;
use crate::jit::lower::{from_function_to_tail_entry, structure_offset};
use crate::jit::mips::{Insn, Reg, Shift5, Simm16};
use crate::jit::runtime::Counted;

/// The count of tail calls, in registers.
struct Count {
    value: Reg,
    address: Reg,
    /// Where in the frame the address is.
    address_at: Simm16,
}

impl Count {
    fn new(at: Simm16) -> Option<Self> {
        Some(Count {
            value: n64::COUNT,
            address: T6,
            address_at: n64::address_of_count(at)?,
        })
    }
}

impl Lowering<'_, N64> {
    /// `R0 = helper(R1, R2, R3, R4, R5)`: all is in place.
    pub(crate) fn call(&mut self, offset: i32) -> Option<()> {
        let address = self.setting.runtime.call_base.wrapping_add_signed(offset);
        self.asm.call(address, Slot::Nop);
        Some(())
    }

    /// `R0 = function(R1, R2, R3, R4, R5)` of the program: all is in place. Where tail calls are
    /// counted, the function gets the address of the count. There is no function if the verifier has found
    /// that nobody calls it.
    pub(crate) fn call_subprogram(&mut self, offset: i32) -> Option<()> {
        let address = self.setting.runtime.call_base.wrapping_add_signed(offset);
        let frame = self.setting.frame;
        if frame.is_alone() {
            self.asm.push(Insn::breakpoint());
            return Some(());
        }
        let slot = if frame.keeps_count() {
            let at = n64::address_of_count(frame.tail_call_count())?;
            Slot::Fill(Insn::ld(n64::COUNT, at, Reg::SP))
        } else {
            Slot::Nop
        };
        self.asm.call_fixed(address, slot);
        Some(())
    }

    /// `dst` = the address of a function of the program: images are where addresses are sign-extended
    /// words, which take two instructions.
    pub(crate) fn load_subprogram(&mut self, dst: BpfReg, value: u64) -> Option<()> {
        let (d, word) = (self.reg(dst), value as u32);
        if value == i64::from(word as i32) as u64 {
            self.asm.load_word_fixed(d, word);
        } else {
            self.asm.load_doubleword(d, value);
        }
        Some(())
    }

    /// `bpf_tail_call(R1 ctx, R2 array, R3 index)`
    ///
    /// The index is a `u32`: R3's bits above do not count. Calls count towards the limit as
    /// [`Counted`] says.
    pub(crate) fn tail_call(&mut self) -> Option<()> {
        let runtime = self.setting.runtime;
        let frame = self.setting.frame;
        let array = self.reg(BpfReg::R2);
        let (index, entry) = (T7, T9);
        let (came, count) = (n64::COUNT, Count::new(frame.tail_call_count())?);
        let miss = self.asm.label();

        // if (index >= array->map.max_entries) goto miss;
        let r3 = self.reg(BpfReg::R3);
        self.unsigned_word(index, r3);
        self.asm
            .lwu(T8, structure_offset(runtime.array_max_entries)?, array);
        self.asm.sltu(T8, index, T8);
        let slot = index;
        self.asm.branch(
            BranchCond::zero(T8),
            miss,
            Slot::Fill(Insn::dsll(slot, index, Shift5::masked(3))),
        );
        // if (count >= MAX_TAIL_CALL_CNT) goto miss;
        let limit = Simm16::new(i32::try_from(runtime.max_tail_calls).ok()?)?;
        self.asm.ld(count.address, count.address_at, Reg::SP);
        self.asm.ld(count.value, Simm16::ZERO, count.address);
        self.asm.sltiu(T8, count.value, limit);
        self.asm.branch(
            BranchCond::zero(T8),
            miss,
            Slot::Fill(Insn::daddu(slot, slot, array)),
        );
        // prog = array->ptrs[index]; if (!prog) goto miss; count++, before or after that;
        self.asm.ld(T8, structure_offset(runtime.array_ptrs)?, slot);
        self.count_tail_call(&count, T8, miss)?;
        // The next program counts on where this one did, or from its count; goto prog->bpf_func,
        // before its normal entry;
        self.asm.ld(came, frame.tail_call_count(), Reg::SP);
        self.asm
            .ld(entry, structure_offset(runtime.prog_bpf_func)?, T8);
        self.asm
            .daddiu(entry, entry, from_function_to_tail_entry()?);
        frame.leave_for(self.asm, entry)?;
        self.asm.bind(miss);
        Some(())
    }

    /// Goes to `miss` if there is no program, and counts the call as the kernel's interpreter does.
    fn count_tail_call(&mut self, count: &Count, program: Reg, miss: Label) -> Option<()> {
        let is_empty = BranchCond::zero(program);
        let increment = Insn::addiu(count.value, count.value, Simm16::new(1)?);
        let store = Insn::sd(count.value, Simm16::ZERO, count.address);
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
