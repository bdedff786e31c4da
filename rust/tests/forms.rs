// SPDX-License-Identifier: GPL-2.0

//! Every form that a typed instruction can have: what golden files must cover.

use crate::host::{compile_unjudged, text, Options};
use crate::jit::bpf::{
    Access, AluOp, AtomicOp, Cond, Inline, Insn, Mem, Operand, Raw, Reg, Signature, Size, Swap,
    Width,
};
use crate::jit::mips::Cpu;

const WIDTHS: [Width; 2] = [Width::W32, Width::W64];
const SIZES: [Size; 4] = [Size::B, Size::H, Size::W, Size::Dw];
const ALU: [AluOp; 13] = [
    AluOp::Add,
    AluOp::Sub,
    AluOp::Mul,
    AluOp::Or,
    AluOp::And,
    AluOp::Xor,
    AluOp::Lsh,
    AluOp::Rsh,
    AluOp::Arsh,
    AluOp::Div,
    AluOp::Mod,
    AluOp::Sdiv,
    AluOp::Smod,
];
pub(super) const CONDITIONS: [Cond; 11] = [
    Cond::Eq,
    Cond::Ne,
    Cond::Gt,
    Cond::Ge,
    Cond::Lt,
    Cond::Le,
    Cond::Sgt,
    Cond::Sge,
    Cond::Slt,
    Cond::Sle,
    Cond::Set,
];
const ATOMICS: [AtomicOp; 10] = [
    AtomicOp::Add,
    AtomicOp::And,
    AtomicOp::Or,
    AtomicOp::Xor,
    AtomicOp::FetchAdd,
    AtomicOp::FetchAnd,
    AtomicOp::FetchOr,
    AtomicOp::FetchXor,
    AtomicOp::Xchg,
    AtomicOp::Cmpxchg,
];
const SWAPS: [Swap; 3] = [Swap::ToLe, Swap::ToBe, Swap::Always];

/// The form of an instruction: all of it but registers, numbers and targets.
pub(super) fn form(insn: &Insn) -> String {
    match *insn {
        Insn::Alu { width, op, src, .. } => format!("Alu {width:?} {op:?} {}", kind(src)),
        Insn::Neg { width, .. } => format!("Neg {width:?}"),
        Insn::Mov { width, src, .. } => format!("Mov {width:?} {}", kind(src)),
        Insn::MovSx { width, from, .. } => format!("MovSx {width:?} {from:?}"),
        Insn::CastUser { .. } => "CastUser".to_string(),
        Insn::ZeroExtend { .. } => "ZeroExtend".to_string(),
        Insn::Swap { size, kind, .. } => format!("Swap {kind:?} {size:?}"),
        Insn::LoadImm64 { .. } => "LoadImm64".to_string(),
        Insn::LoadSubprogram { .. } => "LoadSubprogram".to_string(),
        Insn::Load {
            size, signed, mem, ..
        } => {
            format!("Load {size:?} signed={signed} {:?}", mem.access)
        }
        Insn::Store { size, src, mem } => format!("Store {size:?} {} {:?}", kind(src), mem.access),
        Insn::Atomic { op, width, mem, .. } => format!("Atomic {op:?} {width:?} {:?}", mem.access),
        Insn::LoadAcquire { size, mem, .. } => format!("LoadAcquire {size:?} {:?}", mem.access),
        Insn::StoreRelease { size, mem, .. } => format!("StoreRelease {size:?} {:?}", mem.access),
        Insn::Jump { .. } => "Jump".to_string(),
        Insn::Branch {
            width, cond, src, ..
        } => format!("Branch {width:?} {cond:?} {}", kind(src)),
        Insn::Call { .. } => "Call".to_string(),
        Insn::JumpIndirect { .. } => "JumpIndirect".to_string(),
        Insn::CallInline { helper } => format!("CallInline {helper:?}"),
        Insn::CheckTime => "CheckTime".to_string(),
        Insn::StoreArgument { src, .. } => format!("StoreArgument {}", kind(src)),
        Insn::LoadArgument { .. } => "LoadArgument".to_string(),
        Insn::ThisCpu { .. } => "ThisCpu".to_string(),
        Insn::CallFunction { .. } => "CallFunction".to_string(),
        Insn::CallSubprogram { .. } => "CallSubprogram".to_string(),
        Insn::TailCall => "TailCall".to_string(),
        Insn::Exit => "Exit".to_string(),
        Insn::NoSpec => "NoSpec".to_string(),
    }
}

fn kind(operand: Operand) -> &'static str {
    match operand {
        Operand::Reg(_) => "Reg",
        Operand::Imm(_) => "Imm",
    }
}

/// One instruction of every form, with these operands. Jumps go to slot `target`.
pub(super) fn all(dst: Reg, src: Reg, imm: i32, offset: i16, target: u32) -> Vec<Insn> {
    let mem = |access| Mem {
        base: src,
        offset,
        access,
    };
    let mut insns = plain(dst, src, imm, target);
    for width in WIDTHS {
        insns.push(Insn::Neg { width, dst });
        for src in [Operand::Reg(src), Operand::Imm(imm)] {
            insns.push(Insn::Mov { width, dst, src });
            insns.extend(ALU.map(|op| Insn::Alu {
                width,
                op,
                dst,
                src,
            }));
            insns.extend(CONDITIONS.map(|cond| Insn::Branch {
                width,
                cond,
                dst,
                src,
                target,
            }));
        }
        for access in [Access::Proved, Access::Arena] {
            insns.extend(ATOMICS.map(|op| Insn::Atomic {
                op,
                width,
                mem: mem(access),
                src: dst,
            }));
        }
    }
    insns.extend(loads(dst, mem(Access::Probed)));
    for access in [Access::Proved, Access::Arena] {
        insns.extend(loads(dst, mem(access)));
        insns.extend(stores(dst, imm, mem(access)));
    }
    insns.extend(sized(dst, src));
    insns
}

/// What comes in one form.
fn plain(dst: Reg, src: Reg, imm: i32, target: u32) -> Vec<Insn> {
    vec![
        Insn::ZeroExtend { dst },
        Insn::CastUser { dst, src },
        Insn::LoadImm64 {
            dst,
            value: imm as u64,
        },
        Insn::LoadSubprogram {
            dst,
            value: imm as u64,
        },
        Insn::Jump { target },
        Insn::JumpIndirect { dst },
        Insn::ThisCpu { dst, src },
        Insn::CallInline {
            helper: Inline::ProcessorId,
        },
        Insn::CallInline {
            helper: Inline::CurrentTask,
        },
        Insn::CallInline {
            helper: Inline::CurrentTaskBtf,
        },
        Insn::CheckTime,
        Insn::StoreArgument {
            index: 0,
            src: Operand::Reg(src),
        },
        Insn::StoreArgument {
            index: 6,
            src: Operand::Imm(imm),
        },
        Insn::LoadArgument { dst, index: 6 },
        Insn::Call {
            offset: imm,
            signature: Signature::ANY,
        },
        Insn::CallFunction { slot: 0 },
        Insn::CallSubprogram { offset: imm },
        Insn::TailCall,
        Insn::Exit,
        Insn::NoSpec,
    ]
}

fn loads(dst: Reg, mem: Mem) -> Vec<Insn> {
    let mut insns = Vec::new();
    for size in SIZES {
        for signed in [false, true] {
            if !(signed && size == Size::Dw) {
                insns.push(Insn::Load {
                    dst,
                    mem,
                    size,
                    signed,
                });
            }
        }
    }
    insns
}

/// And what is ordered, stores or not.
fn stores(dst: Reg, imm: i32, mem: Mem) -> Vec<Insn> {
    let mut insns = Vec::new();
    for size in SIZES {
        for src in [Operand::Reg(dst), Operand::Imm(imm)] {
            insns.push(Insn::Store { mem, size, src });
        }
        insns.push(Insn::LoadAcquire { dst, mem, size });
        insns.push(Insn::StoreRelease {
            mem,
            size,
            src: dst,
        });
    }
    insns
}

fn sized(dst: Reg, src: Reg) -> Vec<Insn> {
    let mut insns = Vec::new();
    for size in SIZES {
        if size != Size::B {
            insns.extend(SWAPS.map(|kind| Insn::Swap { dst, size, kind }));
        }
    }
    for (width, from) in [
        (Width::W32, Size::B),
        (Width::W32, Size::H),
        (Width::W64, Size::B),
        (Width::W64, Size::H),
        (Width::W64, Size::W),
    ] {
        insns.push(Insn::MovSx {
            width,
            dst,
            src,
            from,
        });
    }
    insns
}

/// Programs around every form of R1 and R2: those of what `around` makes of each that the core compiles so.
pub(super) fn programs<const N: usize>(
    cpu: &Cpu,
    options: &Options<'_>,
    around: impl Fn(&str) -> [String; N],
) -> Vec<Vec<Raw>> {
    let forms = all(Reg::R1, Reg::R2, 1, 0, 0);
    let sources = forms.iter().flat_map(|insn| around(&text::print(insn, 0)));
    let programs = sources.map(|source| super::program(&source, cpu));
    programs
        .filter(|insns| compile_unjudged(insns, cpu, options).is_ok())
        .collect()
}
