// SPDX-License-Identifier: GPL-2.0

//! Random statements of what Linux adds: accesses that may find no memory, calls of C functions, and on
//! 64-bit machines arenas and casts to user space.
//!
//! Nothing has to be known of a pointer for such an access. But an emulator has less room than a kernel
//! for pointers to nowhere, so they are made for it: three of four lead to memory. Of those in an
//! arena, some are constants with junk above the low word, others what a program has computed.

use super::*;
use crate::jit::runtime::REGISTER_ARGUMENTS;
use crate::tools::exec::functions::{self, CFunction};
use crate::tools::exec::places::{edges, ARENA_PAGE, ARENA_PAGE_AT, PAGE, RETURN};

/// Where in the arena there is a page; behind it is one that can only be read.
const ARENA_THERE: i64 = ARENA_PAGE_AT as i64;

/// Bytes of a page.
const PAGE_BYTES: i64 = PAGE as i64;

/// How far from that page a pointer leads that finds none, or none to store to.
const AROUND: [i64; 6] = [
    -PAGE_BYTES,
    PAGE_BYTES,
    PAGE_BYTES,
    2 * PAGE_BYTES,
    0x10_0000,
    0x0fff_0000,
];

/// A kernel address below the arena where there is nothing.
const NOWHERE: u32 = RETURN + 0x0080_0000;

/// A word as a 64-bit kernel has an address in it.
fn pointer(address: u32) -> u64 {
    i64::from(address as i32) as u64
}

/// A base register, and an offset to it.
type Place = (u8, i16);

impl Generator<'_> {
    /// Whether addresses have 64 bits.
    pub(super) fn is_wide(&self) -> bool {
        self.place.machine.is_some_and(|machine| machine.is_wide())
    }

    /// One of these statements.
    pub(super) fn linux(&mut self) {
        match self.random.below(100) {
            0..=49 if !self.is_wide() => self.probe(),
            _ if !self.is_wide() => self.call_function(),
            0..=14 => self.arena_load(),
            15..=29 => self.arena_store(),
            30..=49 => self.arena_atomic(),
            50..=64 => self.probe(),
            65..=74 => self.cast(),
            _ => self.call_function(),
        }
    }

    fn arena_load(&mut self) {
        let (size, bytes) = self.random.choose(&SIZES);
        let (base, offset) = self.arena_place(bytes, &[]);
        let dst = self.writable();
        let plain = load(size, dst, base, offset);
        let kind = self.random.below(8);
        self.push(match kind {
            0 => in_mode(atomic(size, dst, offset, base, LOAD_ACQUIRE), PROBE_ATOMIC),
            1..=3 if size != DW => in_mode(plain, PROBE_ARENA_SIGNED),
            _ => in_mode(plain, PROBE_ARENA),
        });
        self.defined |= 1 << dst;
    }

    fn arena_store(&mut self) {
        let (size, bytes) = self.random.choose(&SIZES);
        if self.random.chance(30) {
            let (base, offset) = self.arena_place(bytes, &[]);
            let immediate = self.immediate();
            let plain = store_imm(size, base, offset, immediate);
            return self.push(in_mode(plain, PROBE_ARENA));
        }
        let src = self.readable();
        let (base, offset) = self.arena_place(bytes, &[src]);
        let kind = self.random.below(8);
        self.push(match kind {
            0 => in_mode(atomic(size, base, offset, src, STORE_RELEASE), PROBE_ATOMIC),
            _ => in_mode(store(size, base, offset, src), PROBE_ARENA),
        });
    }

    fn arena_atomic(&mut self) {
        let (size, bytes) = self.random.choose(&[(W, 4), (DW, 8)]);
        let (_, operation) = self.random.choose(&ATOMICS);
        let compares = operation == CMPXCHG;
        if compares && !self.is_defined(0) {
            self.push(mov_imm(0, 1));
            self.defined |= 1;
        }
        let src = self.changeable();
        let (base, mut offset) = self.arena_place(bytes, &[src, if compares { 0 } else { src }]);
        if compares && self.random.chance(60) {
            self.push(in_mode(load(size, 0, base, offset), PROBE_ARENA));
        } else if self.random.chance(10) {
            // The verifier does not know that it is unaligned.
            offset ^= 1 << self.random.below(bytes.ilog2() as usize);
        }
        let plain = atomic(size, base, offset, src, operation);
        self.push(in_mode(plain, PROBE_ATOMIC));
    }

    /// A pointer into the arena in a register, and an offset.
    fn arena_place(&mut self, bytes: u8, avoid: &[u8]) -> Place {
        let pointer = self.pointer(avoid);
        let below = i64::from(bytes) - 1;
        let distance = match self.random.chance(75) {
            true => 0,
            false => self.random.choose(&AROUND),
        };
        let offset = self.offset();
        let start = ARENA_THERE + distance - i64::from(offset);
        // Nothing is below the arena's start.
        let (start, offset) = match start {
            0.. => (start, offset),
            _ => (ARENA_THERE + distance, 0),
        };
        if self.random.chance(50) {
            let index = start + (self.random.below(PAGE as usize) as i64 & !below);
            let above = self.random.next() << 32;
            let above = if self.random.chance(70) { above } else { 0 };
            self.program
                .extend(load_imm64(pointer, above | index as u64));
        } else {
            let from = self.readable();
            let inside = (PAGE_BYTES - 1) & !below;
            self.push(mov(pointer, from));
            self.push(insn(class::ALU64 | AND, pointer, 0, 0, inside as i32));
            self.push(add_imm(pointer, start as i32));
            if self.random.chance(20) {
                self.push(cast_to_user(pointer, pointer));
            }
        }
        self.defined |= 1 << pointer;
        (pointer, offset)
    }

    /// A register for a pointer.
    fn pointer(&mut self, avoid: &[u8]) -> u8 {
        loop {
            let reg = self.writable();
            if !avoid.contains(&reg) {
                return reg;
            }
        }
    }

    /// Mostly small; sometimes at the ends of what there is, in multiples of 8.
    fn offset(&mut self) -> i16 {
        match self.random.below(8) {
            0 => 0x7ff8 - 8 * self.random.below(4) as i16,
            1 => i16::MIN + 8 * self.random.below(4) as i16,
            2 | 3 => 0,
            _ => (self.random.word() as i16 / 64) & !7,
        }
    }

    /// A load from any address.
    fn probe(&mut self) {
        let (size, bytes) = self.random.choose(&SIZES);
        let (base, offset) = match self.random.below(16) {
            0..=10 => self.probed_place(bytes),
            11 | 12 => match self.place.machine {
                Some(machine) => {
                    let address = self.random.choose(&edges(&machine, bytes.into()));
                    self.absolute(address)
                }
                None => return,
            },
            _ => self.nowhere(bytes),
        };
        let dst = self.writable();
        let is_signed = size != DW && self.random.chance(40);
        let mode = if is_signed {
            PROBE_MEM_SIGNED
        } else {
            PROBE_MEM
        };
        self.push(in_mode(load(size, dst, base, offset), mode));
        self.defined |= 1 << dst;
    }

    /// Where there is memory: that of other loads, or the arena's.
    fn probed_place(&mut self, bytes: u8) -> Place {
        if self.random.chance(60) {
            return self.place(bytes, &[]);
        }
        let inside = self.random.below(2 * PAGE as usize) as u32 & !(u32::from(bytes) - 1);
        self.absolute(pointer(ARENA_PAGE + inside))
    }

    /// Where there is none: the kernel has nothing there, or it is not the kernel's.
    fn nowhere(&mut self, bytes: u8) -> Place {
        let below = usize::from(bytes) - 1;
        match self.random.below(3) {
            0 => {
                let far = self.random.below(0x10_0000) & !below;
                self.absolute(pointer(NOWHERE + far as u32))
            }
            1 => {
                let pointer = self.writable();
                self.push(mov_imm(pointer, 0));
                self.defined |= 1 << pointer;
                (pointer, (self.random.below(0x1000) & !below) as i16)
            }
            // A process may have memory there.
            _ => {
                let pointer = self.writable();
                let bits = if self.is_wide() { 63 } else { 31 };
                let address = self.random.next() >> (64 - bits) & !(below as u64);
                let offset = self.offset();
                // No offset makes a kernel address of it.
                let address = address.clamp(1 << 16, (1 << bits) - (1 << 16));
                self.program.extend(load_imm64(pointer, address));
                self.defined |= 1 << pointer;
                (pointer, offset)
            }
        }
    }

    /// A register and an offset that lead to an address.
    fn absolute(&mut self, address: u64) -> Place {
        let pointer = self.writable();
        let offset = self.offset();
        let mut base = address.wrapping_sub(i64::from(offset) as u64);
        if !self.is_wide() && self.random.chance(50) {
            // What is above a word does not count.
            base ^= self.random.next() << 32;
        }
        self.program.extend(load_imm64(pointer, base));
        self.defined |= 1 << pointer;
        (pointer, offset)
    }

    fn cast(&mut self) {
        let mut src = self.readable();
        let dst = self.writable();
        if self.random.chance(20) {
            // Null, as far as a cast looks.
            self.program
                .extend(load_imm64(dst, self.random.next() << 32));
            src = dst;
        }
        self.push(cast_to_user(dst, src));
        self.defined |= 1 << dst;
    }

    /// Gives the arguments values, and calls.
    fn call_function(&mut self) {
        let number = self.random.below(functions::COUNT);
        let Some(function) = CFunction::new(number) else {
            return;
        };
        for reg in 1..=function.arity().min(REGISTER_ARGUMENTS) as u8 {
            self.argument(reg);
        }
        let others = function.arity().saturating_sub(REGISTER_ARGUMENTS);
        self.pass_arguments(others as i16);
        self.push(call_function(function.number()));
        self.defined &= !0b11_1111;
        if function.has_result() {
            self.defined |= 1;
        } else if self.is_in_loop() {
            // What is there the first time must be there the second time.
            let immediate = self.immediate();
            self.push(mov_imm(0, immediate));
            self.defined |= 1;
        }
        if function.gives_pointer() {
            let value = self.readable();
            self.push(store(DW, 0, 0, value));
            let dst = self.writable();
            self.push(load(W, dst, 0, 4));
            self.defined |= 1 << dst;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tools::exec::machine::MACHINES;

    /// An opcode, and of atomic operations which it is.
    type Kind = (u8, i32);

    /// What all machines have.
    fn kinds_of_all() -> BTreeSet<Kind> {
        let mut kinds = BTreeSet::from([(CALL, C_FUNCTION.into())]);
        for (size, _) in SIZES {
            kinds.insert((class::LDX | PROBE_MEM | size, 0));
            if size != DW {
                kinds.insert((class::LDX | PROBE_MEM_SIGNED | size, 0));
            }
        }
        kinds
    }

    /// What this file is for.
    fn kinds() -> BTreeSet<Kind> {
        let mut kinds = kinds_of_all();
        kinds.insert((class::ALU64 | MOV | X, CAST_TO_USER));
        for (size, _) in SIZES {
            kinds.insert((class::LDX | PROBE_ARENA | size, 0));
            if size != DW {
                kinds.insert((class::LDX | PROBE_ARENA_SIGNED | size, 0));
            }
            kinds.extend([class::ST, class::STX].map(|class| (class | PROBE_ARENA | size, 0)));
            let ordered = [LOAD_ACQUIRE, STORE_RELEASE];
            kinds.extend(ordered.map(|operation| (class::STX | PROBE_ATOMIC | size, operation)));
        }
        for size in [W, DW] {
            let opcode = class::STX | PROBE_ATOMIC | size;
            kinds.extend(ATOMICS.map(|(_, operation)| (opcode, operation)));
        }
        kinds
    }

    fn kind(insn: &Fields) -> Kind {
        let is_atomic = insn.class() == class::STX && insn.mode() == PROBE_ATOMIC;
        let detail = match insn.opcode {
            CALL => insn.src.into(),
            _ if is_atomic || insn.offset == CAST_OFFSET => insn.immediate,
            _ => 0,
        };
        (insn.opcode, detail)
    }

    #[test]
    fn wide_machines_have_all_of_it_and_others_no_arena() {
        for machine in [MACHINES[0], MACHINES[6]] {
            let mut found = BTreeSet::new();
            for seed in 0..3000 {
                let subject = subject(&mut Random::new(seed), &machine);
                found.extend(subject.programs.iter().flatten().map(kind));
            }
            let found: BTreeSet<Kind> = found.intersection(&kinds()).copied().collect();
            match machine.is_wide() {
                true => assert_eq!(found, kinds()),
                false => assert_eq!(found, kinds_of_all()),
            }
        }
    }
}
