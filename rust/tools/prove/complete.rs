// SPDX-License-Identifier: GPL-2.0

//! That no instruction is forgotten: whatever the core decodes must be in a form.

use std::collections::BTreeSet;

use super::forms::Form;
use super::scene::Machine;
use crate::host;
use crate::jit::bpf::{decode, Raw};
use crate::jit::mips::cpu::Barriers;
use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::{exit, insn, CALL, CAST_OFFSET, CAST_TO_USER, END, MOV};

/// What makes an instruction another one: its opcode, and the source, the offset or the immediate
/// where these say which operation it is.
type Kind = (u8, u8, i16, i32);

fn kind(insn: &Fields) -> Kind {
    let is_arithmetic = matches!(insn.class(), class::ALU | class::ALU64);
    let is_atomic = insn.class() == class::STX && matches!(insn.mode(), 0xc0 | 0xe0);
    let is_extension = insn.class() == class::ALU
        && insn.offset == 0
        && insn.operation() == MOV
        && insn.is_register_source()
        && insn.dst == insn.src
        && insn.immediate == 1;
    let offset = if is_arithmetic { insn.offset } else { 0 };
    let immediate = match insn.operation() {
        END if is_arithmetic => insn.immediate,
        _ if is_atomic => insn.immediate,
        MOV if insn.class() == class::ALU64 && offset == CAST_OFFSET => insn.immediate,
        _ => i32::from(is_extension),
    };
    let source = if insn.opcode == CALL { insn.src } else { 0 };
    (insn.opcode, source, offset, immediate)
}

/// Instructions that the core decodes and that are in no form.
pub(super) fn forgotten(machine: &Machine, forms: &[Form]) -> Vec<Fields> {
    let cases = forms.iter().flat_map(|form| &form.cases);
    let known: BTreeSet<Kind> = cases.map(|case| kind(&case.insns[0])).collect();
    let dialect = host::dialect(&machine.cpu(Barriers::NONE));
    let mut forgotten = Vec::new();
    // Long enough for every jump.
    let mut program: Vec<Raw> = vec![machine.raw(&exit()); 0x220];
    let offsets = [0, 1, 2, 8, 16, 32, 64];
    let immediates = (0..=0x1ff).chain([-1, i32::MAX, CAST_TO_USER]);
    for (opcode, immediate) in immediates.flat_map(|imm| (0..=u8::MAX).map(move |op| (op, imm))) {
        for (offset, src) in offsets
            .iter()
            .flat_map(|&offset| [0, 1, 2].map(|src| (offset, src)))
        {
            let found = insn(opcode, 1, src, offset, immediate);
            program[0] = machine.raw(&found);
            // The second slot of a constant.
            program[1] = match opcode {
                0x18 => machine.raw(&insn(0, 0, 0, 0, 0)),
                _ => machine.raw(&exit()),
            };
            if decode(&dialect, &program, 0).is_ok() && !known.contains(&kind(&found)) {
                forgotten.push(found);
            }
        }
    }
    forgotten
}
