// SPDX-License-Identifier: GPL-2.0

//! Jumps that never jump, out of the reach of a branch: the C JIT made them jump always.

use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::*;

/// Instructions between a jump and its target: more than 128 KiB.
const COUNT: usize = 12_000;

/// Names and programs.
pub(super) fn far_jumps() -> Vec<(String, Vec<Fields>)> {
    let jump = |opcode: u8, src: u8, immediate: i32| insn(opcode, 2, src, 0, immediate);
    let mut all = Vec::new();
    for (width, class) in [("64", class::JMP), ("32", class::JMP32)] {
        for (what, jump) in [
            ("jset_0", jump(class | 0x40, 0, 0)),
            ("jlt_0", jump(class | 0xa0, 0, 0)),
            ("jgt_minus_1", jump(class | 0x20, 0, -1)),
            ("jsgt_max", jump(class | 0x60, 0, i32::MAX)),
            ("jslt_min", jump(class | 0xc0, 0, i32::MIN)),
            ("jne_same", jump(class | 0x50 | X, 2, 0)),
            ("jgt_same", jump(class | 0x20 | X, 2, 0)),
            ("jslt_same", jump(class | 0xc0 | X, 2, 0)),
            ("always_jge_0", jump(class | 0x30, 0, 0)),
            ("always_jeq_same", jump(class | 0x10 | X, 2, 0)),
            ("always_jle_minus_1", jump(class | 0xb0, 0, -1)),
        ] {
            all.push((format!("c_jit_c04_never_{what}_{width}"), program(jump)));
        }
    }
    all
}

/// `r2 = first operand; if (jump) goto 1f; goto 2f; padding; 1: note; 2: exit`
fn program(mut jump: Fields) -> Vec<Fields> {
    let distance = COUNT as i16;
    jump.offset = distance + 1;
    let mut program = vec![load(DW, 2, 1, 0), mov_imm(0, 1), jump, goto(distance + 1)];
    program.extend(vec![insn(class::ALU64 | ADD, 0, 0, 0, 0x1234_5678); COUNT]);
    program.extend([store_imm(DW, 1, 64, 99), exit()]);
    program
}
