// SPDX-License-Identifier: GPL-2.0

//! Jumps and calls: all conditions, near and far.

use super::*;
use crate::host::TIMED_MAY_GOTO;
use crate::jit::bpf::raw::helper::{GET_CURRENT_TASK, GET_CURRENT_TASK_BTF, GET_SMP_PROCESSOR_ID};
use crate::model::bpf::fields::class;
use crate::tools::exec::places::call;

/// Where a program notes, in the data, that a jump was taken or not.
const TAKEN: i16 = 0x300;
const NOT_TAKEN: i16 = 0x308;

/// Instructions that are out of reach of a branch, at more than one word each, even when nothing is
/// known to be useless: `r0 += 0x12345678`.
const FAR: usize = 12_000;

/// Calls `each` with every jump and call.
pub(in super::super) fn control(random: &mut Random, each: &mut dyn FnMut(Form)) {
    for (width, _, class) in WIDTHS {
        for (condition, bits) in CONDITIONS {
            let name = format!("{condition}{width}");
            let opcode = class | bits;
            for dst in WRITABLE.into_iter().chain([R10]) {
                for src in WRITABLE.into_iter().chain([R10]) {
                    let jump = insn(opcode | X, dst, src, 0, 0);
                    each(condition_form(random, &name, jump, 0));
                }
            }
            for immediate in IMMEDIATES {
                for dst in [0, 3, 6, AX, R10] {
                    each(condition_form(
                        random,
                        &name,
                        insn(opcode, dst, 0, 0, immediate),
                        0,
                    ));
                }
            }
            for jump in [
                insn(opcode | X, 0, 1, 0, 0),
                insn(opcode | X, 7, 7, 0, 0),
                insn(opcode, 3, 0, 0, 0),
                insn(opcode, 3, 0, 0, -1),
                insn(opcode, 6, 0, 0, 0x12_3456),
            ] {
                each(condition_form(random, &format!("{name} far"), jump, FAR));
            }
        }
    }
    plain_jumps(each);
    calls(random, each);
    inlined(each);
    each(plain("nospec", vec![insn(NOSPEC, 0, 0, 0, 0)], vec![]));
}

fn plain(name: &str, body: Vec<Fields>, used: Vec<u8>) -> Form {
    Form {
        name: name.to_owned(),
        body,
        used,
        inputs: vec![Vec::new(); 4],
        all_variants: true,
    }
}

/// A jump over so many instructions, and some that note whether it was taken.
fn condition_form(random: &mut Random, name: &str, jump: Fields, distance: usize) -> Form {
    let (dst, src) = (jump.dst, jump.src);
    let is_register = jump.opcode & X != 0;
    let base = [9, 8, 5, 1]
        .into_iter()
        .find(|reg| *reg != dst && !(is_register && *reg == src));
    let base = base.unwrap_or(4);
    let mut used = vec![dst];
    let operand = if is_register {
        used.push(src);
        super::name(src)
    } else {
        jump.immediate.to_string()
    };
    let mut taken = jump;
    taken.offset = distance as i16 + 2;
    // if .. goto 1f; note; goto 2f; padding; 1: note; 2:
    let past = goto(distance as i16 + 1);
    let mut body = vec![taken, store_imm(DW, base, NOT_TAKEN, 1), past];
    body.extend(padding(distance));
    body.push(store_imm(DW, base, TAKEN, 1));
    let special = if is_register {
        None
    } else {
        Some(jump.immediate)
    };
    let thorough = is_register && matches!((dst, src), (0, 1) | (7, 6));
    let pairs = match special {
        None => operand_pairs(random, if thorough { None } else { Some(24) }),
        Some(immediate) => around(immediate),
    };
    let inputs = pairs.into_iter().map(|(d, s)| {
        let mut input = vec![(dst, d)];
        if is_register {
            input.push((src, s));
        }
        input.retain(|(reg, _)| *reg != R10);
        input
    });
    Form {
        name: format!("{name} {} {operand}", super::name(dst)),
        body,
        used,
        inputs: inputs.collect(),
        all_variants: false,
    }
}

/// Values to compare with an immediate.
fn around(immediate: i32) -> Vec<(u64, u64)> {
    let sign_extended = i64::from(immediate) as u64;
    let zero_extended = u64::from(immediate as u32);
    let mut values = VALUES.to_vec();
    for middle in [
        sign_extended,
        zero_extended,
        sign_extended ^ 1 << 40,
        zero_extended ^ 1 << 63,
    ] {
        values.extend([middle.wrapping_sub(1), middle, middle.wrapping_add(1)]);
    }
    values.into_iter().map(|value| (value, 0)).collect()
}

fn padding(count: usize) -> Vec<Fields> {
    vec![insn(class::ALU64 | ADD, 2, 0, 0, 0x1234_5678); count]
}

fn plain_jumps(each: &mut dyn FnMut(Form)) {
    let gotol = |distance: i32| insn(class::JMP32, 0, 0, 0, distance);
    for (name, distance) in [("near", 0), ("far", FAR)] {
        for is_long in [false, true] {
            let jump = |distance: i32| match is_long {
                true => gotol(distance),
                false => goto(distance as i16),
            };
            let kind = if is_long { "gotol" } else { "goto" };
            // goto 2f; 1: r0 ^= 5; goto 3f; padding; 2: goto 1b; 3:
            let mut body = vec![
                jump(distance as i32 + 2),
                insn(class::ALU64 | 0xa0, 0, 0, 0, 5),
                jump(distance as i32 + 1),
            ];
            body.extend(padding(distance));
            body.push(jump(-(distance as i32) - 3));
            each(plain(&format!("{kind} {name}"), body, vec![0, 2]));
        }
    }
    let mut very_far = vec![gotol(70_000)];
    very_far.extend(padding(70_000));
    each(plain("gotol very far", very_far, vec![2]));
}

/// Calls of helpers with each number of arguments, with and without junk in what is no argument.
fn calls(random: &mut Random, each: &mut dyn FnMut(Form)) {
    for helper in 0..=5u8 {
        // The base survives in a callee-saved register; R1 to R5 do not, and are written anew.
        let mut body = vec![call(helper.into())];
        body.extend((1..=5).map(|reg| mov_imm(reg, reg.into())));
        each(Form {
            name: format!("call {helper}"),
            body: body.clone(),
            used: (0..=helper).collect(),
            inputs: (0..20)
                .map(|_| {
                    let pairs = operand_pairs(random, Some(5));
                    (1..=5)
                        .zip(pairs)
                        .map(|(reg, (value, _))| (reg, value))
                        .collect()
                })
                .collect(),
            all_variants: true,
        });
        body.extend((1..=5).map(|reg| mov(reg, 6 + reg % 3)));
        body.extend([call(helper.into())]);
        body.extend((1..=5).map(|reg| mov_imm(reg, -i32::from(reg))));
        each(plain(
            &format!("calls {helper}"),
            body,
            (0..=helper).collect(),
        ));
    }
}

/// What is called by name only, and leaves all registers alone but one.
fn inlined(each: &mut dyn FnMut(Form)) {
    for helper in [GET_SMP_PROCESSOR_ID, GET_CURRENT_TASK, GET_CURRENT_TASK_BTF] {
        let body = vec![call_offset(helper)];
        each(plain(&format!("call {helper} inlined"), body, vec![0]));
    }
    for dst in WRITABLE {
        for src in WRITABLE.into_iter().chain([R10]) {
            let name = format!("{} = this_cpu({})", super::name(dst), super::name(src));
            each(plain(&name, vec![this_cpu(dst, src)], vec![dst, src]));
        }
    }
    // Twice: the second time there is a time to look at.
    let asks = [mov_imm(AX, -16), call_offset(TIMED_MAY_GOTO)];
    let mut body = vec![store_imm(DW, R10, -8, 0)];
    body.extend(asks);
    each(plain("timed may_goto", body.clone(), vec![AX]));
    body.extend(asks);
    each(plain("timed may_goto again", body, vec![AX]));
}
