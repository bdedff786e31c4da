// SPDX-License-Identifier: GPL-2.0

//! Loads that may find no memory.
//!
//! The processor's exception then leads to an entry of the program's exception table, and on from
//! there at a place in the image: MIPS kernels change no register on the way (`fixup_exception()` in
//! `arch/mips/mm/extable.c`). So the destination is cleared before the load.
//!
//! That holds for faults of the TLB alone: an address that has nothing behind it on the bus is an oops
//! whatever the table says, and a load of a device's register may do anything. An image looks at the
//! address first, therefore, since it may be anything:
//!
//! ```text
//!         address >= 0, or done                no user space
//!         in KSEG0 or KSEG1? in RAM, or done
//!         else in what is mapped, or done
//! load:   dst = ...
//! done:
//! ```

use super::memory::load_word;
use super::{Lowering, T6, T7, T8};
use crate::jit::abi::O32;
use crate::jit::asm::{BranchCond, Label, Slot};
use crate::jit::bpf::{Mem, Size};
use crate::jit::mips::{Insn, Pair, Reg, Shift5, Simm16};

/// Bytes of a word.
const WORD: i32 = 4;

/// Bits of an address that say which of KSEG0 and KSEG1 it is in.
const SEGMENT_BITS: u32 = 3;

/// The first address of KSSEG, where mapped memory begins.
const KSSEG: u32 = 0xc000_0000;

impl Lowering<'_, O32> {
    /// `dst = *(size *) (base + offset)`, or 0 if that is no address of the kernel's, or faults.
    pub(super) fn load_probed(
        &mut self,
        d: Pair,
        mem: Mem,
        size: Size,
        signed: bool,
    ) -> Option<()> {
        let base = self.pair(mem.base).lo;
        let offset = Simm16::from_i16(mem.offset);
        let mut address = base;
        // The destination is cleared before the load.
        if offset != Simm16::ZERO || d.lo == base {
            address = T6;
            self.asm.addiu(address, base, offset);
        }
        let done = self.asm.label();
        let mut clear = Insn::addu(d.lo, Reg::ZERO, Reg::ZERO);
        if size == Size::Dw {
            self.asm.push(clear);
            clear = Insn::addu(d.hi, Reg::ZERO, Reg::ZERO);
        }
        self.asm
            .branch(BranchCond::Gez(address), done, Slot::Fill(clear));
        self.look_for_memory(address, size, done);
        if size == Size::Dw {
            return self.load_both(d, address, done);
        }
        let load = load_word(size, signed, d.lo, Simm16::ZERO, address);
        self.asm.push_guarded(load, done);
        self.asm.bind(done);
        self.finish_load(d, signed);
        Some(())
    }

    /// Goes to `done` if a load at an address with its highest bit set may be an oops.
    ///
    /// The second bit says KSSEG or KSEG3, where what is mapped has an end. In KSEG0 and KSEG1 an address
    /// is what RAM has as a number from the fourth bit on: shifted to the left by three, as the end of RAM
    /// is, unless it is the end of the segment. That is as much lower as an access reaches beyond its
    /// address.
    fn look_for_memory(&mut self, address: Reg, size: Size, done: Label) {
        let probed = self.setting.runtime.probed;
        let beyond = size.bytes().wrapping_sub(1);
        let low_bytes = probed.low_bytes.saturating_sub(beyond);
        let mapped_end = KSSEG.wrapping_add(probed.mapped.bytes as u32);
        let (second_bit, place, limit, is_inside) = (T7, T7, T8, T7);
        let judged = self.asm.label();
        self.asm.sll(second_bit, address, Shift5::masked(1));
        self.asm
            .load_word(limit, low_bytes.saturating_mul(1 << SEGMENT_BITS));
        let drop_segment = Insn::sll(place, address, Shift5::masked(SEGMENT_BITS));
        self.asm.branch(
            BranchCond::Gez(second_bit),
            judged,
            Slot::Fill(drop_segment),
        );
        self.asm.copy(place, address);
        self.asm.load_word(limit, mapped_end);
        self.asm.bind(judged);
        self.asm.sltu(is_inside, place, limit);
        self.asm
            .branch(BranchCond::zero(is_inside), done, Slot::Nop);
    }

    /// Loads a doubleword, of which neither half comes if one is missing. The lower half comes first: if
    /// it is the last of the address space, what is behind it is not the kernel's.
    fn load_both(&mut self, d: Pair, address: Reg, done: Label) -> Option<()> {
        let (low, _) = self.setting.frame.map().word_offsets();
        let (first, second) = match low {
            0 => (d.lo, d.hi),
            _ => (d.hi, d.lo),
        };
        let kept = T7;
        self.asm
            .push_guarded(Insn::lw(kept, Simm16::ZERO, address), done);
        self.asm
            .push_guarded(Insn::lw(second, Simm16::new(WORD)?, address), done);
        self.asm.copy(first, kept);
        self.asm.bind(done);
        Some(())
    }
}
