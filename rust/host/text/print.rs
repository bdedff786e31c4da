// SPDX-License-Identifier: GPL-2.0

//! From typed instructions to text.

use crate::jit::bpf::raw::helper;
use crate::jit::bpf::{
    Access, AluOp, AtomicOp, Cond, Inline, Insn, Mem, Operand, Reg, Size, Swap, Width,
};

/// The instruction in slot `at` as text that [`super::parse`] takes.
pub(crate) fn print(insn: &Insn, at: u32) -> String {
    match *insn {
        Insn::Alu {
            width,
            op,
            dst,
            src,
        } => {
            let (dst, op) = (register(dst, width), alu(op));
            format!("{dst} {op}= {}", operand(src, width))
        }
        Insn::Neg { width, dst } => format!("{0} = -{0}", register(dst, width)),
        Insn::Jump { target } => match i16::try_from(distance(at, target)) {
            Ok(distance) => format!("goto {distance:+}"),
            Err(_) => format!("gotol {:+}", distance(at, target)),
        },
        Insn::Branch {
            width,
            cond,
            dst,
            src,
            target,
        } => {
            let (dst, cond) = (register(dst, width), condition(cond));
            let distance = distance(at, target);
            format!("if {dst} {cond} {} goto {distance:+}", operand(src, width))
        }
        Insn::JumpIndirect { dst } => format!("gotox {}", doubleword(dst)),
        Insn::CallInline { helper } => format!("call {}", number(helper)),
        Insn::CheckTime => "call timed_may_goto".to_string(),
        Insn::Call { offset, .. } => format!("call {offset}"),
        Insn::CallFunction { .. } => "call kfunc".to_string(),
        Insn::CallSubprogram { offset } => format!("call pc {offset}"),
        Insn::TailCall => "tail_call".to_string(),
        Insn::Exit => "exit".to_string(),
        Insn::NoSpec => "nospec".to_string(),
        Insn::Mov { .. }
        | Insn::MovSx { .. }
        | Insn::CastUser { .. }
        | Insn::ThisCpu { .. }
        | Insn::ZeroExtend { .. }
        | Insn::Swap { .. }
        | Insn::LoadImm64 { .. }
        | Insn::LoadSubprogram { .. } => print_move(insn),
        Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreArgument { .. }
        | Insn::LoadArgument { .. }
        | Insn::StoreRelease { .. } => print_access(insn),
    }
}

/// What puts a value into a register without memory and without arithmetic.
fn print_move(insn: &Insn) -> String {
    match *insn {
        Insn::Mov { width, dst, src } => {
            format!("{} = {}", register(dst, width), operand(src, width))
        }
        Insn::MovSx {
            width,
            dst,
            src,
            from,
        } => {
            let (dst, src) = (register(dst, width), register(src, width));
            format!("{dst} = (s{}){src}", bits(from))
        }
        Insn::CastUser { dst, src } => {
            format!("{} = user({})", doubleword(dst), doubleword(src))
        }
        Insn::ThisCpu { dst, src } => {
            format!("{} = this_cpu({})", doubleword(dst), doubleword(src))
        }
        Insn::ZeroExtend { dst } => format!("{0} = (u32){0}", doubleword(dst)),
        Insn::Swap { dst, size, kind } => {
            let kind = match kind {
                Swap::ToLe => "le",
                Swap::ToBe => "be",
                Swap::Always => "bswap",
            };
            format!("{0} = {kind}{1} {0}", doubleword(dst), bits(size))
        }
        Insn::LoadImm64 { dst, value } => format!("{} = {value:#x} ll", doubleword(dst)),
        Insn::LoadSubprogram { dst, value } => format!("{} = {value:#x} function", doubleword(dst)),
        _ => String::new(),
    }
}

/// What goes to memory.
fn print_access(insn: &Insn) -> String {
    match *insn {
        Insn::Load {
            dst,
            mem,
            size,
            signed,
        } => {
            let sign = if signed { 's' } else { 'u' };
            format!("{} = *{}", doubleword(dst), typed(sign, size, mem))
        }
        Insn::Store { mem, size, src } => {
            format!("*{} = {}", typed('u', size, mem), operand(src, Width::W64))
        }
        Insn::StoreArgument { index, src } => {
            let distance = Size::Dw.bytes() * (index + 1);
            format!("*(u64 *)(r11 - {distance}) = {}", operand(src, Width::W64))
        }
        Insn::LoadArgument { dst, index } => {
            let distance = Size::Dw.bytes() * (index + 1);
            format!("{} = *(u64 *)(r11 + {distance})", doubleword(dst))
        }
        Insn::Atomic {
            op,
            width,
            mem,
            src,
        } => atomic(op, width, mem, src),
        Insn::LoadAcquire { dst, mem, size } => {
            let place = typed('u', size, mem);
            format!("{} = load_acquire({place})", doubleword(dst))
        }
        Insn::StoreRelease { mem, size, src } => {
            let place = typed('u', size, mem);
            format!("store_release({place}, {})", doubleword(src))
        }
        _ => String::new(),
    }
}

/// The number that a helper has in calls.
fn number(helper: Inline) -> i32 {
    match helper {
        Inline::ProcessorId => helper::GET_SMP_PROCESSOR_ID,
        Inline::CurrentTask => helper::GET_CURRENT_TASK,
        Inline::CurrentTaskBtf => helper::GET_CURRENT_TASK_BTF,
    }
}

fn distance(at: u32, target: u32) -> i64 {
    i64::from(target) - i64::from(at) - 1
}

fn doubleword(reg: Reg) -> String {
    register(reg, Width::W64)
}

fn register(reg: Reg, width: Width) -> String {
    match (reg, width) {
        (Reg::Ax, Width::W64) => "ax".to_string(),
        (Reg::Ax, Width::W32) => "wax".to_string(),
        (reg, Width::W64) => format!("r{}", reg as u8),
        (reg, Width::W32) => format!("w{}", reg as u8),
    }
}

fn operand(operand: Operand, width: Width) -> String {
    match operand {
        Operand::Reg(reg) => register(reg, width),
        Operand::Imm(imm) => imm.to_string(),
    }
}

fn bits(size: Size) -> u32 {
    match size {
        Size::B => 8,
        Size::H => 16,
        Size::W => 32,
        Size::Dw => 64,
    }
}

/// `(u32 *)(r1 + 8)`
fn typed(sign: char, size: Size, mem: Mem) -> String {
    format!("({sign}{} *)({})", bits(size), address(mem))
}

fn address(mem: Mem) -> String {
    let sign = if mem.offset < 0 { '-' } else { '+' };
    let kind = match mem.access {
        Access::Proved => "",
        Access::Probed => "probe ",
        Access::Arena => "arena ",
    };
    format!(
        "{kind}{} {sign} {}",
        doubleword(mem.base),
        mem.offset.unsigned_abs()
    )
}

fn alu(op: AluOp) -> &'static str {
    match op {
        AluOp::Add => "+",
        AluOp::Sub => "-",
        AluOp::Mul => "*",
        AluOp::Or => "|",
        AluOp::And => "&",
        AluOp::Xor => "^",
        AluOp::Lsh => "<<",
        AluOp::Rsh => ">>",
        AluOp::Arsh => "s>>",
        AluOp::Div => "/",
        AluOp::Mod => "%",
        AluOp::Sdiv => "s/",
        AluOp::Smod => "s%",
    }
}

fn condition(cond: Cond) -> &'static str {
    match cond {
        Cond::Eq => "==",
        Cond::Ne => "!=",
        Cond::Gt => ">",
        Cond::Ge => ">=",
        Cond::Lt => "<",
        Cond::Le => "<=",
        Cond::Sgt => "s>",
        Cond::Sge => "s>=",
        Cond::Slt => "s<",
        Cond::Sle => "s<=",
        Cond::Set => "&",
    }
}

fn atomic(op: AtomicOp, width: Width, mem: Mem, src: Reg) -> String {
    let size = match width {
        Width::W32 => Size::W,
        Width::W64 => Size::Dw,
    };
    let place = typed('u', size, mem);
    let value = register(src, width);
    let lock = |symbol| format!("lock *{place} {symbol} {value}");
    let fetch = |name| format!("{value} = atomic_fetch_{name}({place}, {value})");
    let suffix = match width {
        Width::W32 => "32_32",
        Width::W64 => "_64",
    };
    match op {
        AtomicOp::Add => lock("+="),
        AtomicOp::And => lock("&="),
        AtomicOp::Or => lock("|="),
        AtomicOp::Xor => lock("^="),
        AtomicOp::FetchAdd => fetch("add"),
        AtomicOp::FetchAnd => fetch("and"),
        AtomicOp::FetchOr => fetch("or"),
        AtomicOp::FetchXor => fetch("xor"),
        AtomicOp::Xchg => format!("{value} = xchg{suffix}({}, {value})", address(mem)),
        AtomicOp::Cmpxchg => {
            let r0 = register(Reg::R0, width);
            format!("{r0} = cmpxchg{suffix}({}, {r0}, {value})", address(mem))
        }
    }
}
