// SPDX-License-Identifier: GPL-2.0

//! Loads and stores that may find no memory.
//!
//! The processor's exception then leads to an entry of the program's exception table, and on from
//! there at a place in the image: MIPS kernels change no register on the way (`fixup_exception()` in
//! `arch/mips/mm/extable.c`). So a load's destination is cleared before it.
//!
//! That holds for faults of the TLB alone. An address that no segment has, or that has nothing behind it
//! on the bus, is an oops whatever the table says. An image looks at the address first, therefore, where
//! it may be anything ([`Probed`](crate::jit::runtime::Probed)):
//!
//! ```text
//!         address + MAX_ERRNO < 0, or done     no user space, no error pointer
//!         in the direct map: load              most pointers are
//!         in vmalloc space?
//!         a word, sign-extended? then          the kernel's own segments
//!             in CKSEG0's RAM, CKSSEG or CKSEG3?
//!         yes, or done
//! load:   dst = ...
//! done:
//! ```
//!
//! An address in an arena is the low word of a register, the arena's address and an offset: the kernel
//! has set 4 GiB aside for an arena, and around them as much as an offset reaches (`KERN_VM_SZ` and
//! `GUARD_SZ` in `kernel/bpf/arena.c`).

use super::memory::load;
use super::{Lowering, N64, T6, T7, T8, T9};
use crate::jit::abi::Abi;
use crate::jit::asm::{BranchCond, Label, Slot};
use crate::jit::bpf::{Mem, Reg as BpfReg, Size};
use crate::jit::mips::{Insn, Reg, Shift5, Simm16};
use crate::jit::runtime::{Range, MAX_ERRNO};

impl Lowering<'_, N64> {
    /// `dst = *(size *) (base + offset)`, or 0 if that is no address of the kernel's, or faults.
    ///
    /// Addresses of the kernel's have the highest bit set; in user space there may be memory, which
    /// would not fault. To add what error pointers lack takes it from them, too.
    pub(super) fn load_probed(&mut self, d: Reg, mem: Mem, size: Size, signed: bool) {
        let base = self.reg(mem.base);
        let offset = Simm16::from_i16(mem.offset);
        let mut address = base;
        // The destination is cleared before the load.
        if offset != Simm16::ZERO || d == base {
            address = T6;
            self.asm.daddiu(address, base, offset);
        }
        let (found, done) = (self.asm.label(), self.asm.label());
        self.asm.daddiu(T7, address, Simm16::from_i16(MAX_ERRNO));
        self.asm.branch(
            BranchCond::Gez(T7),
            done,
            Slot::Fill(Insn::or(d, Reg::ZERO, Reg::ZERO)),
        );
        self.look_for_memory(address, size, found, done);
        self.asm.bind(found);
        self.asm
            .push_guarded(load(size, signed, d, Simm16::ZERO, address), done);
        self.asm.bind(done);
    }

    /// Goes to `done` if a load at an address with its highest bit set may be an oops, else to `found`,
    /// which is next.
    ///
    /// Of RAM, the end is as much lower as an access reaches beyond its address. In the segments of
    /// sign-extended words, doubling the word drops its highest bit, which all have; what is then the
    /// highest says CKSSEG or CKSEG3, and as a sign it puts both below CKSEG0: one comparison does for
    /// all.
    fn look_for_memory(&mut self, address: Reg, size: Size, found: Label, done: Label) {
        let probed = self.setting.runtime.probed;
        let beyond = size.bytes().wrapping_sub(1);
        let ram = Range {
            bytes: probed.ram.bytes.saturating_sub(beyond.into()),
            ..probed.ram
        };
        let low_bytes = probed.low_bytes.saturating_sub(beyond);
        let judged = self.asm.label();
        let (distance, limit, word) = (T7, T8, T9);
        let is_inside = T7;
        self.load_distance(distance, limit, address, ram);
        self.asm.sltu(is_inside, distance, limit);
        let extend = Insn::sll(word, address, Shift5::masked(0));
        self.asm
            .branch(BranchCond::nonzero(is_inside), found, Slot::Fill(extend));
        self.load_distance(distance, limit, address, probed.mapped);
        let compare = Insn::sltu(is_inside, distance, limit);
        self.asm
            .branch(BranchCond::Ne(word, address), judged, Slot::Fill(compare));
        self.asm.load_word(limit, low_bytes.wrapping_mul(2));
        self.asm.sll(word, address, Shift5::masked(1));
        self.asm.slt(is_inside, word, limit);
        self.asm.bind(judged);
        self.asm
            .branch(BranchCond::zero(is_inside), done, Slot::Nop);
    }

    /// How far an address is behind the start of a range, and how far it may be less than.
    fn load_distance(&mut self, distance: Reg, limit: Reg, address: Reg, range: Range) {
        self.asm.load_doubleword(distance, range.start);
        self.asm.dsubu(distance, address, distance);
        self.asm.load_doubleword(limit, range.bytes);
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
