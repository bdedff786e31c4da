// SPDX-License-Identifier: GPL-2.0

//! What is proved: every form of every instruction, with every aliasing of its operands, every
//! immediate and offset, and everything around it that its lowering depends on.

mod call;
mod linux;
mod swap;
mod wide;
mod words;

pub(super) use self::call::counters;
use super::scene::{Around, Counter, Goal, Machine};
use super::shape::Many;
use crate::host::{ARENA, AX};
use crate::jit::abi::Role;
use crate::jit::analysis::{StackArguments, Usage, Words};
use crate::jit::bpf::{Reg, RegSet, Signature};
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::RegMask;
use crate::jit::runtime::Counted;
use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::*;

/// An instruction to be proved.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) insns: Vec<Fields>,
    pub(super) around: Around,
    pub(super) many: Many,
}

/// A form: a row of the table of what is proved.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) name: String,
    pub(super) cases: Vec<Case>,
}

/// Registers that an instruction may read.
const READABLE: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, R10, AX];

/// A program that uses everything.
pub(super) const EVERYTHING: Around = Around {
    usage: Usage {
        registers: RegSet::ALL,
        makes_calls: true,
        calls_functions: true,
        needs_arena: Some(0),
        jumps_indirectly: false,
        makes_tail_calls: true,
        calls_subprograms: Some(0),
        stack_arguments: StackArguments {
            passed: 7,
            taken: 7,
        },
    },
    role: Role::Main,
    reaches_tail_calls: true,
    counter: Counter::Own,
    written: RegMask::ALL,
    context: Words::BOTH,
    stack_depth: 512,
    verifier_zext: false,
    barriers: Barriers::NONE,
    counted: Counted::Hits,
    kept: RegSet::ALL,
    passed: RegSet::ALL,
    is_last: false,
    goal: Goal::Ahead,
    user_base: ARENA.user_base,
    function: None,
    signature: Signature::ANY,
    is_alone: false,
    is_boundary: false,
    private_stack: None,
    is_half: false,
    words: None,
};

/// Every form on a machine.
pub(super) fn forms(machine: &Machine) -> Vec<Form> {
    let mut forms = Vec::new();
    arithmetic(machine, &mut forms);
    moves(&mut forms);
    memory(&mut forms);
    atomics(machine, &mut forms);
    ordered(machine, &mut forms);
    jumps(&mut forms);
    call::forms(machine, &mut forms);
    linux::forms(machine, &mut forms);
    if machine.is_wide() {
        wide::forms(&mut forms);
    } else {
        let with_words = words::forms(machine, &forms);
        forms.extend(with_words);
    }
    forms
}

/// Every way that a 32-bit result can be completed.
fn both_extensions(around: Around) -> [Around; 2] {
    [false, true].map(|verifier_zext| Around {
        verifier_zext,
        ..around
    })
}

/// Registers that a call inside a lowering has to keep: all, none, and each alone. Lowerings of 64
/// bits have no such calls.
fn keeps(machine: &Machine) -> Vec<RegSet> {
    if machine.is_wide() {
        return vec![RegSet::ALL];
    }
    let mut sets = vec![RegSet::ALL, RegSet::EMPTY];
    sets.extend(
        [
            Reg::R0,
            Reg::R1,
            Reg::R2,
            Reg::R3,
            Reg::R4,
            Reg::R5,
            Reg::Ax,
        ]
        .map(RegSet::of),
    );
    sets
}

impl Form {
    fn new(name: impl Into<String>) -> Self {
        Form {
            name: name.into(),
            cases: Vec::new(),
        }
    }

    fn add(&mut self, insns: &[Fields], around: Around, many: Many) {
        self.cases.push(Case {
            insns: insns.to_vec(),
            around,
            many,
        });
    }

    /// An instruction whose 32-bit result can be completed in either way.
    fn add_both(&mut self, insn: Fields, many: Many) {
        for around in both_extensions(EVERYTHING) {
            self.add(&[insn], around, many);
        }
    }
}

fn arithmetic(machine: &Machine, forms: &mut Vec<Form>) {
    for (width, class, _) in WIDTHS {
        for (name, operation, offset) in BINARY {
            let opcode = class | operation;
            let calls = class == class::ALU64 && matches!(operation, DIV | MOD);
            let arounds: Vec<Around> = match calls {
                true => keeps(machine)
                    .into_iter()
                    .map(|kept| Around { kept, ..EVERYTHING })
                    .collect(),
                false if class == class::ALU => both_extensions(EVERYTHING).to_vec(),
                false => vec![EVERYTHING],
            };
            let mut by_register = Form::new(format!("{name}{width} reg"));
            let mut by_immediate = Form::new(format!("{name}{width} imm"));
            for around in arounds {
                for dst in WRITABLE {
                    for src in READABLE {
                        let insn = insn(opcode | X, dst, src, offset, 0);
                        by_register.add(&[insn], around, Many::Fixed);
                    }
                    let insn = insn(opcode, dst, 0, offset, 0);
                    by_immediate.add(&[insn], around, Many::Immediate);
                }
            }
            forms.extend([by_register, by_immediate]);
        }
        let mut form = Form::new(format!("neg{width}"));
        for dst in WRITABLE {
            form.add_both(insn(class | NEG, dst, 0, 0, 0), Many::Fixed);
        }
        forms.push(form);
    }
}

fn moves(forms: &mut Vec<Form>) {
    for (width, class, _) in WIDTHS {
        let signed: &[i16] = if width == "32" {
            &[8, 16]
        } else {
            &[8, 16, 32]
        };
        for &offset in [0].iter().chain(signed) {
            let mut form = match offset {
                0 => Form::new(format!("mov{width} reg")),
                bits => Form::new(format!("movsx{width} s{bits}")),
            };
            for dst in WRITABLE {
                for src in READABLE {
                    form.add_both(insn(class | MOV | X, dst, src, offset, 0), Many::Fixed);
                }
            }
            forms.push(form);
        }
        let mut form = Form::new(format!("mov{width} imm"));
        for dst in WRITABLE {
            form.add_both(insn(class | MOV, dst, 0, 0, 0), Many::Immediate);
        }
        forms.push(form);
    }
    let mut form = Form::new("zext");
    for dst in WRITABLE {
        form.add_both(zero_extend(dst), Many::Fixed);
    }
    forms.push(form);
    swap::swaps(forms);
    let mut form = Form::new("ld_imm64");
    let mut function = Form::new("ld_imm64 subprogram");
    for dst in WRITABLE {
        form.add(&load_imm64(dst, 0), EVERYTHING, Many::Immediates);
        function.add(&load_subprogram(dst), EVERYTHING, Many::Immediates);
    }
    forms.push(form);
    forms.push(function);
}

fn memory(forms: &mut Vec<Form>) {
    for (size, bytes) in SIZES {
        let mut loads = vec![(Form::new(format!("ldx{}", bytes * 8)), load(size, 0, 0, 0))];
        if size != DW {
            let form = Form::new(format!("ldsx{}", bytes * 8));
            loads.push((form, load_signed(size, 0, 0, 0)));
        }
        for (mut form, insn) in loads {
            for dst in WRITABLE {
                for src in READABLE {
                    form.add_both(Fields { dst, src, ..insn }, Many::Offset);
                }
            }
            forms.push(form);
        }
        let mut form = Form::new(format!("stx{}", bytes * 8));
        for dst in READABLE {
            for src in READABLE {
                form.add(&[store(size, dst, 0, src)], EVERYTHING, Many::Offset);
            }
        }
        forms.push(form);
        let mut form = Form::new(format!("st{}", bytes * 8));
        for dst in READABLE {
            let insn = store_imm(size, dst, 0, 0);
            form.add(&[insn], EVERYTHING, Many::ImmediateAndOffset);
        }
        forms.push(form);
    }
}

/// Machines that need no barriers, some, and all.
fn barriers() -> [Around; 4] {
    let barriers = [(false, false), (false, true), (true, false), (true, true)];
    barriers.map(|(memory, llsc)| Around {
        barriers: Barriers {
            memory,
            llsc,
            linked: false,
            speculation: false,
        },
        ..EVERYTHING
    })
}

fn atomics(machine: &Machine, forms: &mut Vec<Form>) {
    for (name, operation) in ATOMICS {
        let mut word = Form::new(format!("atomic32 {name}"));
        let mut doubleword = Form::new(format!("atomic64 {name}"));
        for dst in READABLE {
            for src in WRITABLE.into_iter().chain(
                // What fetches writes its source.
                [R10]
                    .into_iter()
                    .filter(|_| operation & 1 == 0 || operation == CMPXCHG),
            ) {
                for around in barriers() {
                    for around in both_extensions(around) {
                        word.add(&[atomic(W, dst, 0, src, operation)], around, Many::Offset);
                    }
                    for kept in keeps(machine) {
                        let around = Around { kept, ..around };
                        let insn = atomic(DW, dst, 0, src, operation);
                        doubleword.add(&[insn], around, Many::Offset);
                    }
                }
            }
        }
        forms.extend([word, doubleword]);
    }
}

/// Load-acquire and store-release; of doublewords on 64-bit machines only.
fn ordered(machine: &Machine, forms: &mut Vec<Form>) {
    let is_there = |&(size, _): &(u8, u8)| size != DW || machine.is_wide();
    for (size, bytes) in SIZES.into_iter().filter(is_there) {
        let mut acquire = Form::new(format!("load_acquire{}", bytes * 8));
        let mut release = Form::new(format!("store_release{}", bytes * 8));
        for around in barriers() {
            for around in both_extensions(around) {
                for src in READABLE {
                    for dst in WRITABLE {
                        let insn = atomic(size, dst, 0, src, LOAD_ACQUIRE);
                        acquire.add(&[insn], around, Many::Offset);
                    }
                    for dst in READABLE {
                        let insn = atomic(size, dst, 0, src, STORE_RELEASE);
                        release.add(&[insn], around, Many::Offset);
                    }
                }
            }
        }
        forms.extend([acquire, release]);
    }
}

fn jumps(forms: &mut Vec<Form>) {
    let goals = |form: &mut Form, insn: Fields, goals: &[Goal], many: Many| {
        for &goal in goals {
            form.add(&[insn], Around { goal, ..EVERYTHING }, many);
        }
    };
    let usual = [Goal::Ahead, Goal::Behind, Goal::FarAhead, Goal::FarBehind];
    for (width, _, class) in WIDTHS {
        for (name, operation) in CONDITIONS {
            let opcode = class | operation;
            let mut by_register = Form::new(format!("{name}{width} reg"));
            let mut by_immediate = Form::new(format!("{name}{width} imm"));
            for dst in READABLE {
                for src in READABLE {
                    let insn = insn(opcode | X, dst, src, 1, 0);
                    // The edges of what a branch reaches do not depend on registers.
                    let all = (dst, src) == (1, 2) || (dst, src) == (7, 7);
                    let goals_here: &[Goal] = if all { &Goal::ALL } else { &usual };
                    goals(&mut by_register, insn, goals_here, Many::Fixed);
                }
                let insn = insn(opcode, dst, 0, 1, 0);
                let goals_here: &[Goal] = if dst == 3 { &Goal::ALL } else { &usual };
                goals(&mut by_immediate, insn, goals_here, Many::Immediate);
            }
            forms.extend([by_register, by_immediate]);
        }
    }
    let mut form = Form::new("ja");
    goals(&mut form, goto(1), &Goal::ALL, Many::Fixed);
    forms.push(form);
    let mut form = Form::new("gotol");
    let long = insn(class::JMP32, 0, 0, 0, 1);
    goals(&mut form, long, &Goal::ALL, Many::Fixed);
    forms.push(form);
    let mut form = Form::new("exit");
    goals(&mut form, exit(), &Goal::ALL, Many::Fixed);
    let last = Around {
        is_last: true,
        ..EVERYTHING
    };
    form.add(&[exit()], last, Many::Fixed);
    forms.push(form);
    let mut form = Form::new("nospec");
    for barriers in [Barriers::NONE, Barriers::ALL] {
        let around = Around {
            barriers,
            goal: Goal::Next,
            ..EVERYTHING
        };
        form.add(&[insn(NOSPEC, 0, 0, 0, 0)], around, Many::Fixed);
    }
    forms.push(form);
}
