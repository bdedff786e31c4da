// SPDX-License-Identifier: GPL-2.0

//! Forms that only 64-bit kernels have: accesses that may find no memory, casts of pointers into
//! arenas, and calls of C functions; and the barriers that Loongson 3 wants.

use super::*;
use crate::jit::runtime::{Function, Value};
use crate::tools::prototype::TYPES;

/// Addresses of arenas in processes: as any, the lowest, the highest, and with a high word of which
/// both halves count.
const USER_BASES: [u64; 4] = [
    ARENA.user_base,
    0x0000_0001_0000_0000,
    0x0000_00ff_ffff_0000,
    0x7fff_8000_0000_0000,
];

/// Addresses of functions: in the kernel, in modules near to it, and in a segment of its own.
const ADDRESSES: [u64; 3] = [
    0xffff_ffff_8020_8004,
    0xffff_ffff_c001_2340,
    0xc000_0012_0000_8000,
];

pub(super) fn forms(forms: &mut Vec<Form>) {
    loads(forms);
    stores(forms);
    atomics(forms);
    ordered(forms);
    linked(forms);
    casts(forms);
    functions(forms);
}

fn loads(forms: &mut Vec<Form>) {
    for (name, mode, signed) in [
        ("probe", PROBE_MEM, PROBE_MEM_SIGNED),
        ("arena", PROBE_ARENA, PROBE_ARENA_SIGNED),
    ] {
        for (size, bytes) in SIZES {
            let bits = bytes * 8;
            let mut kinds = vec![(format!("{name} ldx{bits}"), mode)];
            if size != DW {
                kinds.push((format!("{name} ldsx{bits}"), signed));
            }
            for (name, mode) in kinds {
                let mut form = Form::new(name);
                for dst in WRITABLE {
                    for src in READABLE {
                        form.add_both(in_mode(load(size, dst, src, 0), mode), Many::Offset);
                    }
                }
                forms.push(form);
            }
        }
    }
}

fn stores(forms: &mut Vec<Form>) {
    for (size, bytes) in SIZES {
        let mut form = Form::new(format!("arena stx{}", bytes * 8));
        for dst in READABLE {
            for src in READABLE {
                let insn = in_mode(store(size, dst, 0, src), PROBE_ARENA);
                form.add(&[insn], EVERYTHING, Many::Offset);
            }
        }
        forms.push(form);
        let mut form = Form::new(format!("arena st{}", bytes * 8));
        for dst in READABLE {
            let insn = in_mode(store_imm(size, dst, 0, 0), PROBE_ARENA);
            form.add(&[insn], EVERYTHING, Many::ImmediateAndOffset);
        }
        forms.push(form);
    }
}

/// Registers that may be the source: what fetches writes it.
fn sources(operation: i32) -> impl Iterator<Item = u8> {
    let writes_source = operation & 1 != 0 && operation != CMPXCHG;
    WRITABLE
        .into_iter()
        .chain([R10].into_iter().filter(move |_| !writes_source))
}

fn atomics(forms: &mut Vec<Form>) {
    let [none, .., all] = barriers();
    for (name, operation) in ATOMICS {
        for (size, bits) in [(W, 32), (DW, 64)] {
            let mut form = Form::new(format!("arena atomic{bits} {name}"));
            for dst in READABLE {
                for src in sources(operation) {
                    let insn = in_mode(atomic(size, dst, 0, src, operation), PROBE_ATOMIC);
                    for around in [none, all].into_iter().flat_map(both_extensions) {
                        form.add(&[insn], around, Many::Offset);
                    }
                }
            }
            forms.push(form);
        }
    }
}

fn ordered(forms: &mut Vec<Form>) {
    let [none, .., all] = barriers();
    for (size, bytes) in SIZES {
        let mut acquire = Form::new(format!("arena load_acquire{}", bytes * 8));
        let mut release = Form::new(format!("arena store_release{}", bytes * 8));
        for around in [none, all].into_iter().flat_map(both_extensions) {
            for src in READABLE {
                for dst in WRITABLE {
                    let insn = in_mode(atomic(size, dst, 0, src, LOAD_ACQUIRE), PROBE_ATOMIC);
                    acquire.add(&[insn], around, Many::Offset);
                }
                for dst in READABLE {
                    let insn = in_mode(atomic(size, dst, 0, src, STORE_RELEASE), PROBE_ATOMIC);
                    release.add(&[insn], around, Many::Offset);
                }
            }
        }
        forms.extend([acquire, release]);
    }
}

/// Atomic operations on a machine whose every load-linked must come behind a barrier. Which registers
/// they use makes no difference to that.
fn linked(forms: &mut Vec<Form>) {
    for (name, operation) in ATOMICS {
        let mut form = Form::new(format!("linked atomic {name}"));
        for size in [W, DW] {
            let plain = atomic(size, 1, 0, 2, operation);
            for insn in [plain, in_mode(plain, PROBE_ATOMIC)] {
                for around in barriers() {
                    let barriers = Barriers {
                        linked: true,
                        ..around.barriers
                    };
                    form.add(&[insn], Around { barriers, ..around }, Many::Offset);
                }
            }
        }
        forms.push(form);
    }
}

fn casts(forms: &mut Vec<Form>) {
    let mut form = Form::new("cast to user");
    for dst in WRITABLE {
        for src in READABLE {
            for user_base in USER_BASES {
                let around = Around {
                    user_base,
                    ..EVERYTHING
                };
                form.add_in_both(cast_to_user(dst, src), around);
            }
        }
    }
    forms.push(form);
}

/// Each type in each place, by turns.
fn functions(forms: &mut Vec<Form>) {
    let mut form = Form::new("call function");
    // None, too.
    let values = [&[Value::default()], &TYPES[..]].concat();
    for turn in 0..values.len() {
        let value = |number: usize| values[(turn + number) % values.len()];
        for address in ADDRESSES {
            let function = Function {
                slot: 0,
                address,
                arguments: [0, 1, 2, 3, 4].map(value),
                result: value(5),
            };
            let around = Around {
                function: Some(function),
                ..EVERYTHING
            };
            form.add_in_both(call_function(0), around);
        }
    }
    forms.push(form);
}

impl Form {
    fn add_in_both(&mut self, insn: Fields, around: Around) {
        for around in both_extensions(around) {
            self.add(&[insn], around, Many::Fixed);
        }
    }
}
