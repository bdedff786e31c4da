// SPDX-License-Identifier: GPL-2.0

//! Loads, stores and atomic operations: all sizes, all pairs of registers, all offsets that matter.

use super::*;
use crate::model::bpf::fields::class;

/// Offsets at which addresses are likely to go wrong. Each form uses those it can.
const OFFSETS: [i16; 26] = [
    0, 1, -1, 2, -2, 3, 4, -4, 8, -8, 16, 255, 256, -256, -264, -300, 300, 512, 0x7ff8, 0x7ffc,
    0x7ffd, 0x7ffe, 0x7fff, -0x7ff8, -0x7fff, -0x8000,
];

/// Offset for forms whose subject is the registers; with [`R10`], inside the stack.
const PLAIN: i16 = -16;

/// Calls `each` with every form that addresses memory.
pub(in super::super) fn memory(machine: Machine, random: &mut Random, each: &mut dyn FnMut(Form)) {
    for (bits, bytes) in SIZES {
        let mut loads = vec![(format!("load{bytes}"), class::LDX | 0x60 | bits, 0)];
        let mut stores = vec![(format!("store{bytes}"), class::STX | 0x60 | bits, 0)];
        let atomic = class::STX | 0xc0 | bits;
        if bits != DW {
            let signed = class::LDX | 0x80 | bits;
            loads.push((format!("load_signed{bytes}"), signed, 0));
        }
        // Doublewords are ordered where registers have 64 bits.
        if bits != DW || machine.is_wide() {
            loads.push((format!("load_acquire{bytes}"), atomic, LOAD_ACQUIRE));
            stores.push((format!("store_release{bytes}"), atomic, STORE_RELEASE));
        }
        if bits == W || bits == DW {
            stores.extend(ATOMICS.map(|(name, operation)| {
                let opcode = class::STX | 0xc0 | bits;
                (format!("atomic_{name}{bytes}"), opcode, operation)
            }));
        }
        for (name, opcode, operation) in loads {
            let is_load = true;
            let shape = Shape {
                machine,
                name,
                opcode,
                operation,
                bytes,
                is_load,
            };
            shape.each_form(random, each);
        }
        for (name, opcode, operation) in stores {
            let is_load = false;
            let shape = Shape {
                machine,
                name,
                opcode,
                operation,
                bytes,
                is_load,
            };
            shape.each_form(random, each);
        }
        store_immediates(machine, random, (bits, bytes), each);
    }
}

/// An instruction that moves data between a register and memory.
struct Shape {
    machine: Machine,
    name: String,
    opcode: u8,
    operation: i32,
    bytes: u8,
    is_load: bool,
}

impl Shape {
    fn each_form(&self, random: &mut Random, each: &mut dyn FnMut(Form)) {
        for value in WRITABLE.into_iter().chain([R10]) {
            for base in WRITABLE.into_iter().chain([R10]) {
                self.form(random, value, base, PLAIN, each);
            }
        }
        for offset in OFFSETS {
            for (value, base) in [(0, 1), (3, 7), (2, 2), (6, 4)] {
                self.form(random, value, base, offset, each);
            }
        }
    }

    fn form(
        &self,
        random: &mut Random,
        value: u8,
        base: u8,
        offset: i16,
        each: &mut dyn FnMut(Form),
    ) {
        let is_atomic = self.opcode & 0xe0 == 0xc0;
        let is_exchange = self.operation == CMPXCHG && !self.is_load;
        let writes_value = self.is_load || (is_atomic && !is_exchange && self.operation & 1 != 0);
        // R10 is never written. R0 is no pointer and something to compare with at once.
        if writes_value && value == R10 || is_exchange && base == 0 {
            return;
        }
        let (dst, src) = if self.is_load {
            (value, base)
        } else {
            (base, value)
        };
        let inputs = (0..8)
            .map(|number| {
                let mut input = inputs_for(self.machine, random, (value, base), offset, self.bytes);
                // What an exchange compares with is in memory, half of the time.
                if is_exchange && number % 2 == 0 {
                    input.push((0, 0));
                }
                input
            })
            .collect();
        let mut body = Vec::new();
        if is_exchange {
            body.extend(equalise(value, base, offset, self.bytes));
        }
        body.push(insn(self.opcode, dst, src, offset, self.operation));
        let mut used = vec![value, base];
        if is_exchange {
            used.push(0);
        }
        each(Form {
            name: format!("{} {} {} {offset}", self.name, name(value), name(base)),
            body,
            used,
            inputs,
            all_variants: is_atomic,
        });
    }
}

/// Where R0 is even, puts it in memory, so that a comparison finds it equal, also if it is negative.
fn equalise(_: u8, base: u8, offset: i16, bytes: u8) -> Vec<Fields> {
    let size = if bytes == 8 { DW } else { W };
    vec![
        // if r0 & 1 goto +1
        insn(class::JMP | 0x40, 0, 0, 1, 1),
        store(size, base, offset, 0),
    ]
}

/// A pointer in `base`, with junk above its low word if only that counts, and a value.
fn inputs_for(
    machine: Machine,
    random: &mut Random,
    (value, base): (u8, u8),
    offset: i16,
    bytes: u8,
) -> Vec<(u8, u64)> {
    let target = (AREA + random.below(128) as u32) & !(u32::from(bytes) - 1);
    let pointer = machine.pointer(target.wrapping_sub(offset as u32));
    let above = if random.chance(50) && !machine.is_wide() {
        random.next() << 32
    } else {
        0
    };
    let mut input = vec![(value, operand_pairs(random, Some(1))[0].0)];
    input.push((base, above | pointer));
    input.retain(|(reg, _)| *reg != R10);
    input
}

fn store_immediates(
    machine: Machine,
    random: &mut Random,
    (bits, bytes): (u8, u8),
    each: &mut dyn FnMut(Form),
) {
    for (number, immediate) in IMMEDIATES.into_iter().enumerate() {
        for base in [WRITABLE[number % WRITABLE.len()], R10] {
            for offset in [PLAIN, OFFSETS[number % OFFSETS.len()]] {
                if base == R10 && offset != PLAIN {
                    continue;
                }
                each(Form {
                    name: format!("store_imm{bytes} {immediate} {} {offset}", name(base)),
                    body: vec![store_imm(bits, base, offset, immediate)],
                    used: vec![base],
                    inputs: (0..4)
                        .map(|_| inputs_for(machine, random, (base, base), offset, bytes))
                        .collect(),
                    all_variants: false,
                });
            }
        }
    }
}
