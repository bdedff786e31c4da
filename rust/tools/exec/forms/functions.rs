// SPDX-License-Identifier: GPL-2.0

//! Calls of kernel functions with C prototypes: every function there is, on arguments of which every
//! bit counts and on those at which an extension is likely to go wrong.

use super::*;
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
        if to > 6 {
            // Arguments survive no call.
            body.extend(
                (1..=function.arity() as u8).map(|reg| mov(reg, KEPT[usize::from(reg) % 2])),
            );
        }
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
    let arity = calls.first().map_or(0, |function| function.arity() as u8);
    let inputs = (0..12)
        .map(|_| {
            (1..=arity)
                .zip(operand_pairs(random, Some(arity.into())))
                .map(|(reg, (value, other))| match random.chance(30) {
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
