// SPDX-License-Identifier: GPL-2.0

//! Accesses that may find no memory, and casts to user space: all sizes and pairs of registers, in the
//! arena's page and around it. A 32-bit machine probes alone.

use super::*;
use crate::model::bpf::fields::class;
use crate::tools::exec::places::{edges, ARENA, ARENA_PAGE_AT};

/// Offsets at which addresses are likely to go wrong.
const OFFSETS: [i16; 12] = [
    0, 8, -8, 248, 255, 256, -256, -264, 0x7ff8, 0x7fff, -0x7ff8, -0x8000,
];

/// Offset for forms whose subject is the registers.
const PLAIN: i16 = 24;

/// An instruction that accesses memory.
#[derive(Clone)]
struct Shape {
    machine: Machine,
    name: String,
    /// Of registers 0 and 0.
    insn: Fields,
    /// The base is the source.
    is_load: bool,
    is_atomic: bool,
}

/// Calls `each` with every form.
pub(in super::super) fn guarded(machine: Machine, random: &mut Random, each: &mut dyn FnMut(Form)) {
    for shape in shapes(machine) {
        for value in WRITABLE {
            for base in WRITABLE {
                shape.form(random, (value, base), PLAIN, each);
            }
        }
        for offset in OFFSETS {
            for registers in [(0, 1), (3, 7), (2, 2), (6, 4)] {
                shape.form(random, registers, offset, each);
            }
        }
    }
    if machine.is_wide() {
        casts(each);
    }
}

fn casts(each: &mut dyn FnMut(Form)) {
    for dst in WRITABLE {
        for src in WRITABLE.into_iter().chain([R10]) {
            let values = [0, 1, 0x1234_5678, 0xffff_ffff, 1 << 32, u64::MAX, 1 << 31];
            each(Form {
                name: format!("cast_user {} {}", name(dst), name(src)),
                body: vec![cast_to_user(dst, src)],
                used: vec![dst, src],
                inputs: values
                    .into_iter()
                    .map(|value| vec![(src, value)])
                    .map(|input| input.into_iter().filter(|(reg, _)| *reg != R10).collect())
                    .collect(),
                all_variants: false,
            });
        }
    }
}

fn shapes(machine: Machine) -> Vec<Shape> {
    let mut shapes = Vec::new();
    let mut add = |name: String, insn: Fields| {
        shapes.push(Shape {
            machine,
            name,
            insn,
            is_load: insn.class() == class::LDX || insn.immediate == LOAD_ACQUIRE,
            is_atomic: insn.class() == class::STX && insn.mode() == PROBE_ATOMIC,
        });
    };
    for (size, bytes) in SIZES {
        let plain = load(size, 0, 0, 0);
        add(format!("probe_load{bytes}"), in_mode(plain, PROBE_MEM));
        add(format!("arena_load{bytes}"), in_mode(plain, PROBE_ARENA));
        if size != DW {
            let signed = in_mode(plain, PROBE_MEM_SIGNED);
            add(format!("probe_load_signed{bytes}"), signed);
            let signed = in_mode(plain, PROBE_ARENA_SIGNED);
            add(format!("arena_load_signed{bytes}"), signed);
        }
        let plain = store(size, 0, 0, 0);
        add(format!("arena_store{bytes}"), in_mode(plain, PROBE_ARENA));
        for immediate in [0, -2, 0x1234_5678] {
            let plain = store_imm(size, 0, 0, immediate);
            let name = format!("arena_store_imm{bytes} {immediate}");
            add(name, in_mode(plain, PROBE_ARENA));
        }
        for (name, operation) in [
            ("load_acquire", LOAD_ACQUIRE),
            ("store_release", STORE_RELEASE),
        ] {
            let plain = atomic(size, 0, 0, 0, operation);
            add(format!("arena_{name}{bytes}"), in_mode(plain, PROBE_ATOMIC));
        }
    }
    for (size, bytes) in [(W, 4), (DW, 8)] {
        for (name, operation) in ATOMICS {
            let plain = atomic(size, 0, 0, 0, operation);
            add(
                format!("arena_atomic_{name}{bytes}"),
                in_mode(plain, PROBE_ATOMIC),
            );
        }
    }
    shapes.retain(|shape| machine.is_wide() || shape.is_probe());
    shapes
}

impl Shape {
    fn form(
        &self,
        random: &mut Random,
        (value, base): (u8, u8),
        offset: i16,
        each: &mut dyn FnMut(Form),
    ) {
        let is_exchange = self.is_atomic && self.insn.immediate == CMPXCHG;
        let (dst, src) = match self.is_load {
            true => (value, base),
            false => (base, value),
        };
        let src = if self.insn.class() == class::ST {
            0
        } else {
            src
        };
        let insn = Fields {
            dst,
            src,
            offset,
            ..self.insn
        };
        // Half of the time, what is compared with is in memory.
        let equalises = is_exchange && base != 0 && random.chance(50);
        let mut body = vec![insn];
        if equalises {
            let size = insn.opcode & 0x18;
            body.insert(0, in_mode(load(size, 0, base, offset), PROBE_ARENA));
        }
        let may_be_unaligned = self.is_read_modify_write() && !equalises;
        let mut inputs: Vec<Vec<(u8, u64)>> = (0..8)
            .map(|_| self.input(random, (value, base), offset, may_be_unaligned))
            .collect();
        if self.is_probe() {
            let addresses = edges(&self.machine, self.insn.size()).into_iter();
            inputs.extend(addresses.map(|address| {
                let pointer = address.wrapping_sub(i64::from(offset) as u64);
                vec![(value, random.next()), (base, pointer)]
            }));
        }
        let mut used = vec![value, base];
        if is_exchange {
            used.push(0);
        }
        each(Form {
            name: format!("{} {} {} {offset}", self.name, name(value), name(base)),
            body,
            used,
            inputs,
            all_variants: self.is_atomic,
        });
    }

    fn is_read_modify_write(&self) -> bool {
        self.is_atomic && !matches!(self.insn.immediate, LOAD_ACQUIRE | STORE_RELEASE)
    }

    /// It may be anywhere.
    fn is_probe(&self) -> bool {
        self.is_load && !self.is_atomic && matches!(self.insn.mode(), PROBE_MEM | PROBE_MEM_SIGNED)
    }

    /// A value, and a pointer to the page or around it.
    fn input(
        &self,
        random: &mut Random,
        (value, base): (u8, u8),
        offset: i16,
        may_be_unaligned: bool,
    ) -> Vec<(u8, u64)> {
        let mut below = u64::from(self.insn.size()) - 1;
        if may_be_unaligned && random.chance(20) {
            below = 0;
        }
        let page = match random.below(6) {
            // Below the page, in the one that can only be read, and behind both.
            0 => u64::from(ARENA_PAGE_AT) - PAGE,
            1 => u64::from(ARENA_PAGE_AT) + PAGE,
            2 => u64::from(ARENA_PAGE_AT) + 2 * PAGE,
            _ => u64::from(ARENA_PAGE_AT),
        };
        let chosen = page + random.below(PAGE as usize) as u64;
        let index = (chosen & !below).wrapping_sub(i64::from(offset) as u64);
        // Nothing is below the arena's start.
        let index = match index as i64 {
            0.. => index,
            _ => index.wrapping_add(PAGE),
        };
        let start = self.machine.pointer(ARENA);
        let pointer = match self.is_probe() {
            // What is above a word does not count.
            true if !self.machine.is_wide() => random.next() << 32 | (start + index),
            // Without its upper half, the kernel's address is one of user space.
            true if random.chance(25) => (start + index) & 0xffff_ffff,
            true => start + index,
            false => random.next() << 32 | index,
        };
        vec![
            (value, operand_pairs(random, Some(1))[0].0),
            (base, pointer),
        ]
    }
}

/// Bytes of a page.
const PAGE: u64 = crate::tools::exec::places::PAGE as u64;
