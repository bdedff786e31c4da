// SPDX-License-Identifier: GPL-2.0

//! Arithmetic: all operations, all pairs of registers, all immediates that matter.

use super::*;
use crate::model::bpf::fields::class;

/// Destinations for forms with an immediate: a pair that carries results, arguments, one that is
/// saved, and the auxiliary one.
const DESTINATIONS: [u8; 5] = [0, 2, 3, 7, AX];

/// Calls `each` with every arithmetic form.
pub(in super::super) fn arithmetic(random: &mut Random, each: &mut dyn FnMut(Form)) {
    for (width, class, _) in WIDTHS {
        for (operation, bits, offset) in BINARY {
            let name = format!("{operation}{width}");
            let calls = class == class::ALU64 && matches!(bits, DIV | MOD);
            with_registers(random, &name, calls, each, |dst, src| {
                insn(class | bits | X, dst, src, offset, 0)
            });
            for immediate in IMMEDIATES {
                with_immediate(random, &name, calls, immediate, each, |dst| {
                    insn(class | bits, dst, 0, offset, immediate)
                });
            }
        }
        moves(random, width, class, each);
        one_operand(random, &format!("neg{width}"), each, |dst| {
            insn(class | NEG, dst, 0, 0, 0)
        });
    }
    for (name, opcode) in [
        ("le", class::ALU | END),
        ("be", class::ALU | END | X),
        ("bswap", class::ALU64 | END),
    ] {
        for size in [16, 32, 64] {
            one_operand(random, &format!("{name}{size}"), each, |dst| {
                insn(opcode, dst, 0, 0, size)
            });
        }
    }
    one_operand(random, "zext", each, zero_extend);
    constants(each);
}

fn moves(random: &mut Random, width: &str, class: u8, each: &mut dyn FnMut(Form)) {
    for offset in [0, 8, 16, 32] {
        if offset == 32 && class == class::ALU {
            continue;
        }
        let name = format!("mov{width}_{offset}");
        with_registers(random, &name, false, each, |dst, src| {
            insn(class | MOV | X, dst, src, offset, 0)
        });
    }
    for immediate in IMMEDIATES {
        let name = format!("mov{width}");
        with_immediate(random, &name, false, immediate, each, |dst| {
            insn(class | MOV, dst, 0, 0, immediate)
        });
    }
}

/// A form for each pair of registers.
fn with_registers(
    random: &mut Random,
    name: &str,
    all_variants: bool,
    each: &mut dyn FnMut(Form),
    build: impl Fn(u8, u8) -> Fields,
) {
    for dst in WRITABLE {
        for src in WRITABLE.into_iter().chain([R10]) {
            let is_thorough = matches!((dst, src), (0, 1) | (7, 6) | (2, 1) | (4, 4) | (3, AX));
            let count = if is_thorough { None } else { Some(20) };
            each(Form {
                name: format!("{name} {} {}", super::name(dst), super::name(src)),
                body: vec![build(dst, src)],
                used: vec![dst, src],
                inputs: operand_pairs(random, count)
                    .into_iter()
                    .map(|(d, s)| match src {
                        R10 => vec![(dst, d)],
                        _ => vec![(dst, d), (src, s)],
                    })
                    .collect(),
                all_variants,
            });
        }
    }
}

fn with_immediate(
    random: &mut Random,
    name: &str,
    all_variants: bool,
    immediate: i32,
    each: &mut dyn FnMut(Form),
    build: impl Fn(u8) -> Fields,
) {
    one(
        random,
        format!("{name} {immediate}"),
        all_variants,
        each,
        build,
    );
}

fn one_operand(
    random: &mut Random,
    name: &str,
    each: &mut dyn FnMut(Form),
    build: impl Fn(u8) -> Fields,
) {
    one(random, name.to_owned(), true, each, build);
}

fn one(
    random: &mut Random,
    name: String,
    all_variants: bool,
    each: &mut dyn FnMut(Form),
    build: impl Fn(u8) -> Fields,
) {
    for dst in DESTINATIONS {
        let junk = [random.next(), random.next()];
        each(Form {
            name: format!("{name} {}", super::name(dst)),
            body: vec![build(dst)],
            used: vec![dst],
            inputs: VALUES
                .into_iter()
                .chain(junk)
                .map(|value| vec![(dst, value)])
                .collect(),
            all_variants,
        });
    }
}

fn constants(each: &mut dyn FnMut(Form)) {
    for (number, value) in VALUES.into_iter().enumerate() {
        let dst = WRITABLE[number % WRITABLE.len()];
        each(Form {
            name: format!("load_imm64 {value:#x} {}", super::name(dst)),
            body: load_imm64(dst, value).to_vec(),
            used: vec![dst],
            inputs: vec![Vec::new(); 2],
            all_variants: false,
        });
    }
}
