// SPDX-License-Identifier: GPL-2.0

//! Forms that only 64-bit kernels have: accesses to arenas and casts of pointers into them; and the
//! barriers that Loongson 3 wants.

use super::*;

/// Addresses of arenas in processes: as any, the lowest, the highest, and with a high word of which
/// both halves count.
const USER_BASES: [u64; 4] = [
    ARENA.user_base,
    0x0000_0001_0000_0000,
    0x0000_00ff_ffff_0000,
    0x7fff_8000_0000_0000,
];

pub(super) fn forms(forms: &mut Vec<Form>) {
    loads(forms);
    stores(forms);
    atomics(forms);
    ordered(forms);
    linked(forms);
    casts(forms);
}

fn loads(forms: &mut Vec<Form>) {
    super::linux::loads("arena", [PROBE_ARENA, PROBE_ARENA_SIGNED], forms);
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
