// SPDX-License-Identifier: GPL-2.0

//! Loads, stores and atomic operations (RFC 9669, sections 5.1 to 5.3), and Linux's own, which may find
//! no memory.
//!
//! | mode of Linux | address | where there is no memory |
//! |---|---|---|
//! | `BPF_PROBE_MEM`, `BPF_PROBE_MEMSX` | any; see [`Stretch`] | reads as 0 |
//! | `BPF_PROBE_MEM32`, `BPF_PROBE_MEM32SX` | the low word counts from the arena's start | reads as 0 |
//! | `BPF_PROBE_ATOMIC` | the same | nothing happens, and 0 is fetched |
//!
//! An atomic operation reads and then writes: memory may go away in between. Then, too, nothing has
//! happened. Those that order other accesses do so in any case.

use super::fields::Fields;
use super::memory::ByteOrder;
use super::{alu, Kernel, Machine, Trap, DOUBLEWORD, WORD};
use crate::model::word::Word;
use crate::model::world::Purpose;

/// Modes of load and store instructions (section 5, table 10); those named for probing are Linux's. One
/// number means an atomic operation among stores, and a sign-extending load from an arena among loads.
pub(super) mod mode {
    pub(in super::super) const IMM: u8 = 0x00;
    pub(super) const PROBE_MEM: u8 = 0x20;
    pub(super) const PROBE_MEMSX: u8 = 0x40;
    pub(in super::super) const MEM: u8 = 0x60;
    pub(super) const MEMSX: u8 = 0x80;
    pub(super) const PROBE_MEM32: u8 = 0xa0;
    pub(super) const PROBE_MEM32SX: u8 = 0xc0;
    pub(in super::super) const ATOMIC: u8 = 0xc0;
    pub(in super::super) const PROBE_ATOMIC: u8 = 0xe0;
}

/// Immediates of atomic instructions (section 5.3); the last two are Linux's.
mod atomic {
    pub(super) const FETCH: i32 = 0x01;
    pub(super) const XCHG: i32 = 0xe1;
    pub(super) const CMPXCHG: i32 = 0xf1;
    pub(super) const LOAD_ACQUIRE: i32 = 0x100;
    pub(super) const STORE_RELEASE: i32 = 0x110;
}

/// What a program knows of the memory it accesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// It is there.
    Certain,
    /// Nothing: the address may not even be the kernel's.
    Probed,
    /// It is in the arena, which may have no page there.
    Arena,
}

/// Addresses at which a load may be tried that knows nothing of its own: a load anywhere else could be
/// the end of the kernel, and reads zero without looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first of them.
    pub first: u64,
    /// The last, which may be the first.
    pub last: u64,
    /// There are pages behind it that may be missing just as well: it is enough that an access begins
    /// here. Otherwise there is nothing, and all of its bytes must be here.
    pub goes_on: bool,
}

impl Stretch {
    /// Whether so many bytes at an address may be loaded, as one bit.
    fn has<W: Word>(&self, address: W, bytes: u32) -> W {
        let reach = match self.goes_on {
            true => 0,
            false => u64::from(bytes) - 1,
        };
        // That of the last address at which an access may begin, from the first.
        match (self.last - self.first).checked_sub(reach) {
            Some(furthest) => {
                let distance = address - address.constant(self.first);
                !distance.constant(furthest).is_below(distance)
            }
            None => W::bit(false),
        }
    }
}

/// Bytes in memory.
#[derive(Clone, Copy, Debug)]
struct Place<W> {
    address: W,
    size: u32,
    access: Access,
}

impl<W: Word, K: Kernel<W>> Machine<'_, W, K> {
    /// Addresses have 32 bits on a 32-bit machine: those above do not count.
    fn place(&self, base: u8, insn: &Fields, access: Access) -> Result<Place<W>, Trap> {
        let (base, offset) = (self.read(base)?, self.kernel.offset(insn));
        let is_wide = self.setup.is_wide;
        let address = match access {
            Access::Certain | Access::Probed if is_wide => base + offset.sign_extend(DOUBLEWORD),
            Access::Certain | Access::Probed => base.low(WORD) + offset,
            Access::Arena if is_wide => {
                let arena = self.kernel.arena().ok_or(Trap::BadInstruction)?;
                let inside = base.low(WORD).zero_extend(DOUBLEWORD);
                arena.kernel + inside + offset.sign_extend(DOUBLEWORD)
            }
            Access::Arena => return Err(Trap::BadInstruction),
        };
        Ok(Place {
            address,
            size: insn.size(),
            access,
        })
    }

    /// Whether there may be memory, by the address.
    fn may_look(&mut self, place: Place<W>) -> bool {
        if place.access != Access::Probed {
            return true;
        }
        let stretches = self.kernel.stretches().into_iter();
        let within = stretches.map(|stretch| stretch.has(place.address, place.size));
        let anywhere = within.fold(W::bit(false), |any, one| any | one);
        self.kernel.decide(anywhere)
    }

    /// Whether there is memory, for the access that comes next.
    fn is_there(&mut self, place: Place<W>, purpose: Purpose) -> bool {
        if place.access == Access::Certain {
            return true;
        }
        self.may_look(place) && !self.kernel.is_absent(place.address, place.size, purpose)
    }

    /// What is at an address that may be anything. A 32-bit machine loads a doubleword word by word, the
    /// one with the lower address first: memory may end in between, and then there is none.
    fn probe(&mut self, place: Place<W>) -> Result<Option<W>, Trap> {
        if self.setup.is_wide || place.size < 8 {
            return self.find(place);
        }
        if !self.may_look(place) {
            return Ok(None);
        }
        let mut words = Vec::new();
        for at in [0, 4] {
            let address = place.address + place.address.constant(at);
            if self.kernel.is_absent(address, 4, Purpose::Load) {
                return Ok(None);
            }
            words.push(self.kernel.load(address, 4).map_err(Trap::Memory)?);
        }
        let (first, second) = (words[0], words[1]);
        Ok(Some(match self.setup.order {
            ByteOrder::Little => second.concat(first),
            ByteOrder::Big => first.concat(second),
        }))
    }

    /// What is in memory, if there is any.
    fn find(&mut self, place: Place<W>) -> Result<Option<W>, Trap> {
        if !self.is_there(place, Purpose::Load) {
            return Ok(None);
        }
        let value = self.kernel.load(place.address, place.size);
        value.map(Some).map_err(Trap::Memory)
    }

    /// The same, of an atomic operation: in an arena, what is at an unaligned address is no memory. The
    /// verifier sees to the alignment of all others.
    fn find_aligned(&mut self, place: Place<W>) -> Result<Option<W>, Trap> {
        let below = place.address & place.address.constant(u64::from(place.size) - 1);
        let is_aligned = place.access != Access::Arena || self.kernel.decide(below.is_zero());
        match is_aligned {
            true => self.find(place),
            false => Ok(None),
        }
    }

    /// Without memory, zero.
    fn get(&mut self, place: Place<W>) -> Result<W, Trap> {
        let found = match place.access {
            Access::Probed => self.probe(place)?,
            _ => self.find(place)?,
        };
        Ok(found.unwrap_or_else(|| W::new(place.size * 8, 0)))
    }

    /// Stores the low bytes of a value. Says whether there is memory.
    fn put(&mut self, place: Place<W>, value: W) -> Result<bool, Trap> {
        let is_there = self.is_there(place, Purpose::Store);
        if is_there {
            let stored = self.kernel.store(place.address, value.low(place.size * 8));
            stored.map_err(Trap::Memory)?;
        }
        Ok(is_there)
    }

    /// Sections 5.1 and 5.2.
    pub(super) fn load(&mut self, insn: &Fields) -> Result<(), Trap> {
        let (access, is_signed) = match insn.mode() {
            mode::MEM => (Access::Certain, false),
            mode::MEMSX => (Access::Certain, true),
            mode::PROBE_MEM => (Access::Probed, false),
            mode::PROBE_MEMSX => (Access::Probed, true),
            mode::PROBE_MEM32 => (Access::Arena, false),
            mode::PROBE_MEM32SX => (Access::Arena, true),
            _ => return Err(Trap::BadInstruction),
        };
        if is_signed && insn.size() == 8 {
            return Err(Trap::BadInstruction);
        }
        let place = self.place(insn.src, insn, access)?;
        let value = self.get(place)?;
        match (is_signed, place.size) {
            (true, _) => self.write(insn.dst, value.sign_extend(DOUBLEWORD)),
            (false, 8) => self.write(insn.dst, value),
            (false, _) => self.write_result(insn.dst, value.zero_extend(WORD)),
        }
    }

    /// Section 5.1.
    pub(super) fn store(&mut self, insn: &Fields, value: W) -> Result<(), Trap> {
        let access = match insn.mode() {
            mode::MEM => Access::Certain,
            mode::PROBE_MEM32 => Access::Arena,
            _ => return Err(Trap::BadInstruction),
        };
        let place = self.place(insn.dst, insn, access)?;
        self.put(place, value)?;
        Ok(())
    }

    /// Section 5.3, and Linux's load-acquire and store-release.
    pub(super) fn atomic(&mut self, insn: &Fields) -> Result<(), Trap> {
        let access = match insn.mode() {
            mode::PROBE_ATOMIC => Access::Arena,
            _ => Access::Certain,
        };
        match (insn.immediate, insn.size()) {
            // Linux has no doubleword forms of these on a 32-bit machine.
            (atomic::LOAD_ACQUIRE | atomic::STORE_RELEASE, 8) if !self.setup.is_wide => {
                Err(Trap::BadInstruction)
            }
            (atomic::LOAD_ACQUIRE, size) => {
                let place = self.place(insn.src, insn, access)?;
                let value = self.get(place)?;
                self.kernel.fence();
                match size {
                    8 => self.write(insn.dst, value),
                    _ => self.write_result(insn.dst, value.zero_extend(WORD)),
                }
            }
            (atomic::STORE_RELEASE, _) => {
                let place = self.place(insn.dst, insn, access)?;
                let value = self.read(insn.src)?;
                self.kernel.fence();
                self.put(place, value)?;
                Ok(())
            }
            (_, 4 | 8) => {
                let place = self.place(insn.dst, insn, access)?;
                self.read_modify_write(insn, place)
            }
            _ => Err(Trap::BadInstruction),
        }
    }

    /// Linux orders those that return a value fully, and others not at all
    /// (Documentation/atomic_t.txt).
    fn read_modify_write(&mut self, insn: &Fields, place: Place<W>) -> Result<(), Trap> {
        let fetches = insn.immediate & atomic::FETCH != 0;
        if fetches {
            self.kernel.fence();
        }
        let mut fetched = W::new(place.size * 8, 0);
        if let Some(old) = self.find_aligned(place)? {
            let has_happened = match self.replacement(insn, old)? {
                Some(new) => self.put(place, new)?,
                None => true,
            };
            if has_happened {
                fetched = old;
            }
        }
        if !fetches {
            return Ok(());
        }
        self.kernel.fence();
        // The destination of a compare-and-exchange is R0.
        let destination = match insn.immediate {
            atomic::CMPXCHG => 0,
            _ => insn.src,
        };
        self.write_result(destination, fetched)
    }

    /// What is to be stored in place of a value, if anything.
    fn replacement(&mut self, insn: &Fields, old: W) -> Result<Option<W>, Trap> {
        let width = old.width();
        let src = self.read(insn.src)?.low(width);
        match insn.immediate {
            atomic::XCHG => Ok(Some(src)),
            atomic::CMPXCHG => {
                let expected = self.read(0)?.low(width);
                let is_equal = self.kernel.decide(old.equals(expected));
                Ok(is_equal.then_some(src))
            }
            operation => {
                let new = alu::atomic(operation & !atomic::FETCH, old, src);
                new.map(Some).ok_or(Trap::BadInstruction)
            }
        }
    }
}
