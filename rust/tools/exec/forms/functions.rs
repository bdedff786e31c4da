// SPDX-License-Identifier: GPL-2.0

//! Calls of kernel functions with C prototypes: every function there is, on arguments of which every
//! bit counts and on those at which an extension is likely to go wrong.

use std::collections::BTreeSet;

use super::*;
use crate::jit::runtime::REGISTER_ARGUMENTS;
use crate::tools::exec::functions::{all, CFunction};

/// Calls `each` with every form.
pub(in super::super) fn functions(random: &mut Random, each: &mut dyn FnMut(Form)) {
    for function in all() {
        let number = function.number();
        each(form(random, format!("call kfunc {number}"), &[function]));
    }
    // What one call leaves behind is no argument of the next.
    let mut others = all().skip(1).step_by(7);
    for function in all().step_by(5) {
        let Some(next) = others.next() else {
            return;
        };
        let name = format!("call kfunc {} {}", function.number(), next.number());
        each(form(random, name, &[function, next]));
    }
}

/// Calls one function after the other; what they give is in R6 and R7 in the end, and in R0.
fn form(random: &mut Random, name: String, calls: &[CFunction]) -> Form {
    let mut body = Vec::new();
    for (function, to) in calls.iter().zip(6..) {
        let (in_registers, others) = arity(function);
        if to > 6 {
            // Arguments survive no call.
            body.extend((1..=in_registers).map(|reg| mov(reg, KEPT[usize::from(reg) % 2])));
        }
        let source = |index: i16| match to {
            6 => OTHERS[index as usize % OTHERS.len()],
            _ => KEPT[index as usize % 2],
        };
        body.extend((0..others).map(|index| store_argument(index, source(index))));
        body.push(call_function(function.number()));
        // Neither does R0, unless there is a result.
        body.push(match function.has_result() {
            true => mov(to, 0),
            false => mov_imm(0, to.into()),
        });
        if function.gives_pointer() {
            body.push(load(DW, 0, 0, 0));
        }
    }
    body.extend((1..=5).map(|reg| mov_imm(reg, reg.into())));
    let (in_registers, others) = calls.first().map_or((0, 0), arity);
    let registers = (1..=in_registers).chain(OTHERS.into_iter().filter(|_| others > 0));
    let registers: Vec<u8> = registers.collect::<BTreeSet<u8>>().into_iter().collect();
    let inputs = (0..12)
        .map(|_| {
            let values = operand_pairs(random, Some(registers.len()));
            registers
                .iter()
                .zip(values)
                .map(|(&reg, (value, other))| match random.chance(30) {
                    // The signs of narrow values, with junk above them.
                    true => (reg, random.next() << 32 | random.choose(&EDGES)),
                    false => (reg, value ^ other >> 63),
                })
                .collect()
        })
        .collect();
    Form {
        name,
        body,
        used: (0..=7).collect(),
        inputs,
        all_variants: true,
    }
}

/// How many arguments a function takes in registers, and how many others.
fn arity(function: &CFunction) -> (u8, i16) {
    let in_registers = function.arity().min(REGISTER_ARGUMENTS);
    (in_registers as u8, (function.arity() - in_registers) as i16)
}

/// Registers that the first call's arguments beyond five come from.
const OTHERS: [u8; 7] = [6, 1, 7, 2, 3, 4, 5];

/// Registers that a second call's arguments come from.
const KEPT: [u8; 2] = [7, 6];

/// Low words around the signs of bytes, halfwords and words.
const EDGES: [u64; 8] = [
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0x1_ff80,
    0x7fff_ff7f,
    0x8000_8080,
];
