// SPDX-License-Identifier: GPL-2.0

//! Forms that only Linux has: loads that may find no memory, and calls of C functions.

use super::*;
use crate::host::TIMED_MAY_GOTO;
use crate::jit::bpf::raw::helper::{GET_CURRENT_TASK, GET_CURRENT_TASK_BTF, GET_SMP_PROCESSOR_ID};
use crate::jit::bpf::STACK_ARGUMENTS;
use crate::jit::runtime::{Function, Value, ARGUMENTS};
use crate::tools::prototype::{value, TYPES};

/// Addresses of functions: in the kernel, in modules, and in a segment of its own, which only 64-bit
/// machines have.
const ADDRESSES: [u64; 3] = [
    0xffff_ffff_8020_8004,
    0xffff_ffff_c001_2340,
    0xc000_0012_0000_8000,
];

pub(super) fn forms(machine: &Machine, forms: &mut Vec<Form>) {
    loads("probe", [PROBE_MEM, PROBE_MEM_SIGNED], forms);
    functions(machine, forms);
    stack_arguments(forms);
    inlined(forms);
    clock(forms);
}

/// Loads of every size in a mode, and sign-extending ones in another.
pub(super) fn loads(name: &str, [mode, signed]: [u8; 2], forms: &mut Vec<Form>) {
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

/// What functions take, in that order, and what they give: each type in each place, by turns; and every
/// row of words and doublewords, of which o32 has some in registers and others on the stack.
fn prototypes() -> Vec<([Value; ARGUMENTS], Value)> {
    // None, too.
    let values = [&[Value::default()], &TYPES[..]].concat();
    let by_turns = (0..values.len()).map(|turn| {
        let value = |number: usize| values[(turn + number) % values.len()];
        (std::array::from_fn(value), value(5))
    });
    // Of five, and of twelve of which the last seven say more.
    let word = |row: usize, number: usize| match row >> number & 1 {
        0 => value(4, false),
        _ => value(8, false),
    };
    let five = (0..1 << 5).map(move |row: usize| {
        let value = |number: usize| match number {
            0..=4 => word(row, number),
            _ => Value::default(),
        };
        (std::array::from_fn(value), Value::default())
    });
    let twelve = (0..1 << 7).flat_map(move |row: usize| {
        [0, 1].map(|first| {
            let value = |number: usize| match number.checked_sub(5) {
                None => word(first, number),
                Some(number) => word(row, number),
            };
            (std::array::from_fn(value), Value::default())
        })
    });
    by_turns.chain(five).chain(twelve).collect()
}

fn functions(machine: &Machine, forms: &mut Vec<Form>) {
    let mut form = Form::new("call function");
    let add = |form: &mut Form, (arguments, result), address, takes_stack_pointer| {
        let function = Function {
            slot: 0,
            address: match machine.is_wide() {
                true => address,
                false => machine.pointer(address as u32),
            },
            arguments,
            result,
            takes_stack_pointer,
        };
        let around = Around {
            function: Some(function),
            ..EVERYTHING
        };
        form.add_in_both(call_function(0), around);
    };
    for prototype in prototypes() {
        for address in ADDRESSES {
            add(&mut form, prototype, address, false);
        }
    }
    forms.push(form);
    // As the one that throws exceptions does, of which the argument is a doubleword.
    let mut form = Form::new("call function with stack pointer");
    for first in [value(8, false), value(4, true)] {
        let mut arguments = [Value::default(); ARGUMENTS];
        arguments[0] = first;
        add(&mut form, (arguments, Value::default()), ADDRESSES[0], true);
    }
    forms.push(form);
}

/// Arguments in no register: each place, from and to each register, and of all immediates.
fn stack_arguments(forms: &mut Vec<Form>) {
    let mut stores = Form::new("store argument");
    let mut immediates = Form::new("store argument imm");
    let mut loads = Form::new("load argument");
    for index in 0..STACK_ARGUMENTS {
        for reg in READABLE {
            stores.add_in_both(store_argument(index as i16, reg), EVERYTHING);
        }
        for reg in WRITABLE {
            loads.add_in_both(load_argument(reg, index as i16), EVERYTHING);
        }
        let insn = store_argument_imm(index as i16, 0);
        immediates.add_both(insn, Many::Immediate);
    }
    forms.extend([stores, immediates, loads]);
}

/// What needs no call, and jumps through a register.
fn inlined(forms: &mut Vec<Form>) {
    for is_alone in [false, true] {
        let around = Around {
            is_alone,
            ..EVERYTHING
        };
        let kernel = if is_alone { ", one processor" } else { "" };
        for (name, helper) in [
            ("processor", GET_SMP_PROCESSOR_ID),
            ("task", GET_CURRENT_TASK),
            ("task_btf", GET_CURRENT_TASK_BTF),
        ] {
            let mut form = Form::new(format!("call {name}{kernel}"));
            form.add_in_both(call_offset(helper), around);
            forms.push(form);
        }
        let mut form = Form::new(format!("this_cpu{kernel}"));
        for dst in WRITABLE {
            for src in READABLE {
                form.add_in_both(this_cpu(dst, src), around);
            }
        }
        forms.push(form);
    }
    let mut form = Form::new("gotox");
    for dst in READABLE {
        form.add(&[jump_indirect(dst)], EVERYTHING, Many::Fixed);
    }
    forms.push(form);
}

/// Whatever a call must keep.
fn clock(forms: &mut Vec<Form>) {
    let mut form = Form::new("timed may_goto");
    let each = Reg::ALL.map(RegSet::of);
    for kept in [RegSet::ALL, RegSet::EMPTY].into_iter().chain(each) {
        let around = Around { kept, ..EVERYTHING };
        form.add_in_both(call_offset(TIMED_MAY_GOTO), around);
    }
    forms.push(form);
}

impl Form {
    pub(super) fn add_in_both(&mut self, insn: Fields, around: Around) {
        for around in both_extensions(around) {
            self.add(&[insn], around, Many::Fixed);
        }
    }
}
