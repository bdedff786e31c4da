// SPDX-License-Identifier: GPL-2.0

//! Loads and stores that may find no memory.
//!
//! The processor's exception then leads to an entry of the program's exception table, and on from
//! there at a place in the image: MIPS kernels change no register on the way (`fixup_exception()` in
//! `arch/mips/mm/extable.c`). So a load's destination is cleared before it.
//!
//! An address in an arena is the low word of a register, the arena's address and an offset: the kernel
//! has set 4 GiB aside for an arena, and around them as much as an offset reaches (`KERN_VM_SZ` and
//! `GUARD_SZ` in `kernel/bpf/arena.c`).

use super::memory::load;
use super::{Lowering, N64, T6, T7};
use crate::jit::abi::Abi;
use crate::jit::asm::{BranchCond, Label, Slot};
use crate::jit::bpf::{Mem, Reg as BpfReg, Size};
use crate::jit::mips::{Insn, Reg, Simm16};

impl Lowering<'_, N64> {
    /// `dst = *(size *) (base + offset)`, or 0 if that is no address of the kernel's, or faults.
    ///
    /// Addresses of the kernel's have the highest bit set; in user space there may be memory, which
    /// would not fault.
    pub(super) fn load_probed(&mut self, d: Reg, mem: Mem, size: Size, signed: bool) {
        let base = self.reg(mem.base);
        let offset = Simm16::from_i16(mem.offset);
        let mut address = base;
        // The destination is cleared before the load.
        if offset != Simm16::ZERO || d == base {
            address = T6;
            self.asm.daddiu(address, base, offset);
        }
        let done = self.asm.label();
        self.asm.branch(
            BranchCond::Gez(address),
            done,
            Slot::Fill(Insn::or(d, Reg::ZERO, Reg::ZERO)),
        );
        self.asm
            .push_guarded(load(size, signed, d, Simm16::ZERO, address), done);
        self.asm.bind(done);
    }

    /// `dst = *(size *) (arena + (u32) base + offset)`, or 0 if that faults.
    pub(super) fn load_from_arena(&mut self, d: Reg, mem: Mem, size: Size, signed: bool) {
        let address = self.arena_address(mem);
        let done = self.asm.label();
        self.asm.clear(d);
        let offset = Simm16::from_i16(mem.offset);
        self.asm
            .push_guarded(load(size, signed, d, offset, address), done);
        self.asm.bind(done);
    }

    /// `*(size *) (arena + (u32) base + offset) = src`, or nothing if that faults.
    pub(super) fn store_to_arena(&mut self, mem: Mem, store: impl Fn(Reg) -> Insn) {
        let address = self.arena_address(mem);
        let done = self.asm.label();
        self.asm.push_guarded(store(address), done);
        self.asm.bind(done);
    }

    /// The address of a place in the arena, less its offset, in `t6`.
    pub(super) fn arena_address(&mut self, mem: Mem) -> Reg {
        let address = T6;
        let base = self.reg(mem.base);
        self.unsigned_word(address, base);
        self.asm.daddu(address, address, N64::ARENA);
        address
    }

    /// Appends a load-linked or store-conditional, which may fault if a label says where to go on.
    pub(super) fn push_linked(&mut self, insn: Insn, faulted: Option<Label>) {
        match faulted {
            Some(label) => self.asm.push_guarded(insn, label),
            None => self.asm.push(insn),
        }
    }

    /// `dst = (u32) src; if (dst) dst |= high word of user_base`: in user space, an arena does not
    /// cross a multiple of 4 GiB (`arena_map_alloc()` in `kernel/bpf/arena.c`).
    pub(crate) fn cast_user(&mut self, dst: BpfReg, src: BpfReg) -> Option<()> {
        let user_base = self.setting.arena?.user_base >> 32 << 32;
        let (d, s) = (self.reg(dst), self.reg(src));
        let done = self.asm.label();
        self.unsigned_word(d, s);
        self.asm.load_doubleword(T7, user_base);
        self.asm.branch(BranchCond::zero(d), done, Slot::Nop);
        self.asm.or(d, d, T7);
        self.asm.bind(done);
        Some(())
    }
}
