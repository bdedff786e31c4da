// SPDX-License-Identifier: GPL-2.0

//! Typed BPF instructions.
//!
//! [`Insn`] is closed: what is not a variant cannot reach the lowering. [`decode`] is the one
//! place that turns the kernel's eight bytes into it and the one place that says "unsupported".
//! Jump targets are absolute instruction indices, already checked to be inside the program.
//!
//! Source: RFC 9669, "BPF Instruction Set Architecture", and `___bpf_prog_run()` in
//! `kernel/bpf/core.c`.

pub(crate) mod decode;
mod helper;
mod inline;
pub(crate) mod raw;
mod reg;

pub(crate) use decode::{decode, Dialect};
// Whoever knows helpers asks: the kernel, and the host.
#[allow(unused_imports)]
pub(crate) use helper::Helper;
pub(crate) use helper::{Helpers, Signature};
pub(crate) use inline::Inline;
pub(crate) use raw::Raw;
pub(crate) use reg::{Reg, RegSet};

/// How many arguments a function can take that are in no BPF register: `MAX_BPF_FUNC_ARGS` less
/// `MAX_BPF_FUNC_REG_ARGS` (`include/linux/bpf.h`).
pub(crate) const STACK_ARGUMENTS: u32 = 7;

/// How many bits an operation computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// 32 bits; the result is zero-extended to 64.
    W32,
    /// 64 bits.
    W64,
}

/// The second operand: a register, or an immediate that 64-bit operations sign-extend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Operand {
    Reg(Reg),
    Imm(i32),
}

/// A binary arithmetic operation (RFC 9669 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum AluOp {
    Add,
    Sub,
    Mul,
    Or,
    And,
    Xor,
    Lsh,
    Rsh,
    Arsh,
    /// Unsigned; x / 0 = 0.
    Div,
    /// Unsigned; x % 0 = x.
    Mod,
    /// Signed, towards zero; x s/ 0 = 0, and the least value s/ -1 is itself.
    Sdiv,
    /// Signed, with the sign of the dividend; x s% 0 = x.
    Smod,
}

/// A condition of a branch (RFC 9669 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Cond {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sgt,
    Sge,
    Slt,
    Sle,
    /// `dst & src` is not zero.
    Set,
}

/// The width of a memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum Size {
    B,
    H,
    W,
    Dw,
}

impl Size {
    /// How many bytes that are.
    pub(crate) const fn bytes(self) -> u32 {
        match self {
            Size::B => 1,
            Size::H => 2,
            Size::W => 4,
            Size::Dw => 8,
        }
    }
}

/// What a byte swap depends on (RFC 9669 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    /// To little endian: a truncation on a little-endian machine.
    ToLe,
    /// To big endian: a truncation on a big-endian machine.
    ToBe,
    /// Unconditional.
    Always,
}

/// A read-modify-write operation on memory (RFC 9669 section 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub(crate) enum AtomicOp {
    Add,
    And,
    Or,
    Xor,
    FetchAdd,
    FetchAnd,
    FetchOr,
    FetchXor,
    Xchg,
    Cmpxchg,
}

/// What is known of an address, and what happens where there is no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The verifier has proved that there is.
    Proved,
    /// The address may be anything. What is no memory of the kernel's reads as zero
    /// (`BPF_PROBE_MEM` and `BPF_PROBE_MEMSX`; of loads only).
    Probed,
    /// The register's low word counts from the start of the program's arena. Where the arena has no
    /// page, a load reads zero and a store does nothing (`BPF_PROBE_MEM32`, `BPF_PROBE_MEM32SX` and
    /// `BPF_PROBE_ATOMIC`; on 64-bit kernels only).
    Arena,
}

/// An address: register plus offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mem {
    pub(crate) base: Reg,
    /// In bytes.
    pub(crate) offset: i16,
    pub(crate) access: Access,
}

/// What an instruction does to registers, found out once for all who ask.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// The register it defines.
    pub(crate) writes: Option<Reg>,
    /// It calls a function, which leaves nothing in R1 to R5 and AX.
    pub(crate) is_call: bool,
}

/// A decoded instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Insn {
    /// `dst = dst op src`
    Alu {
        width: Width,
        op: AluOp,
        dst: Reg,
        src: Operand,
    },
    /// `dst = -dst`
    Neg { width: Width, dst: Reg },
    /// `dst = src`
    Mov {
        width: Width,
        dst: Reg,
        src: Operand,
    },
    /// `dst = (s8, s16 or s32) src`
    MovSx {
        width: Width,
        dst: Reg,
        src: Reg,
        from: Size,
    },
    /// `dst = (u32) dst`: what the verifier inserts where `bpf_jit_needs_zext()` says so.
    ZeroExtend { dst: Reg },
    /// `dst = (u32) src; if (dst) dst |= high word of the arena's address in user space`:
    /// `BPF_ADDR_SPACE_CAST` to user space; on 64-bit kernels only.
    CastUser { dst: Reg, src: Reg },
    /// `dst = this_cpu_ptr(src)` (`BPF_ADDR_PERCPU`)
    ThisCpu { dst: Reg, src: Reg },
    /// `dst = swap(dst)`, of the low `size` bytes, the rest zeroed.
    Swap { dst: Reg, size: Size, kind: Swap },
    /// `dst = value`, in two slots.
    LoadImm64 { dst: Reg, value: u64 },
    /// `dst` = the address of another function of the program, in two slots. It becomes known when
    /// the function has an image, so code for it is as long whatever it is.
    LoadSubprogram { dst: Reg, value: u64 },
    /// `dst = *(u8, u16, u32 or u64 *) mem`, or signed.
    Load {
        dst: Reg,
        mem: Mem,
        size: Size,
        signed: bool,
    },
    /// `*(u8, u16, u32 or u64 *) mem = src`
    Store { mem: Mem, size: Size, src: Operand },
    /// `*(u64 *) (r11 - 8 * (index + 1)) = src`: an argument beyond five for the next call.
    StoreArgument { index: u32, src: Operand },
    /// `dst = *(u64 *) (r11 + 8 * (index + 1))`: one that this function has been called with.
    LoadArgument { dst: Reg, index: u32 },
    /// `lock *(u32 or u64 *) mem op= src`
    Atomic {
        op: AtomicOp,
        width: Width,
        mem: Mem,
        src: Reg,
    },
    /// `dst = smp_load_acquire(mem)`; of [`Size::Dw`] on 64-bit kernels only.
    LoadAcquire { dst: Reg, mem: Mem, size: Size },
    /// `smp_store_release(mem, src)`; of [`Size::Dw`] on 64-bit kernels only.
    StoreRelease { mem: Mem, size: Size, src: Reg },
    /// `goto target`
    Jump { target: u32 },
    /// `goto *dst`, an address in the image, from an array of instructions (gotox)
    JumpIndirect { dst: Reg },
    /// `if (dst cond src) goto target`
    Branch {
        width: Width,
        cond: Cond,
        dst: Reg,
        src: Operand,
        target: u32,
    },
    /// Call of the kernel function at `__bpf_call_base + offset`.
    Call { offset: i32, signature: Signature },
    /// `R0 = helper()`
    CallInline { helper: Inline },
    /// `AX = bpf_check_timed_may_goto(R10 + AX)`: iterations that are left to a loop, 0 if its time has
    /// run out. No other register changes.
    CheckTime,
    /// Call of the kernel function (kfunc) that the program's list has for this slot; on 64-bit
    /// kernels only.
    CallFunction { slot: u32 },
    /// Call of another function of the program, whose image is at `__bpf_call_base + offset`: known
    /// when it has one, as the address of [`Insn::LoadSubprogram`].
    CallSubprogram { offset: i32 },
    /// `bpf_tail_call(R1 ctx, R2 array, R3 index)`
    TailCall,
    /// `return R0`
    Exit,
    /// A barrier against speculation.
    NoSpec,
}

impl Insn {
    /// How many eight-byte slots the instruction takes.
    pub(crate) const fn slots(&self) -> u32 {
        match self {
            Insn::LoadImm64 { .. } | Insn::LoadSubprogram { .. } => 2,
            _ => 1,
        }
    }

    /// Where the instruction may jump to, if it is a jump.
    pub(crate) const fn target(&self) -> Option<u32> {
        match *self {
            Insn::Jump { target } | Insn::Branch { target, .. } => Some(target),
            _ => None,
        }
    }

    /// Whether the next instruction can follow.
    pub(crate) const fn falls_through(&self) -> bool {
        !matches!(
            self,
            Insn::Jump { .. } | Insn::JumpIndirect { .. } | Insn::Exit
        )
    }

    /// The registers whose values the instruction uses.
    pub(crate) fn reads(&self) -> RegSet {
        match *self {
            Insn::Alu { dst, src, .. } | Insn::Branch { dst, src, .. } => {
                operand_set(src).with(dst)
            }
            Insn::Neg { dst, .. } | Insn::ZeroExtend { dst } | Insn::Swap { dst, .. } => {
                RegSet::of(dst)
            }
            Insn::Mov { src, .. } | Insn::StoreArgument { src, .. } => operand_set(src),
            Insn::MovSx { src, .. } | Insn::CastUser { src, .. } | Insn::ThisCpu { src, .. } => {
                RegSet::of(src)
            }
            Insn::JumpIndirect { dst } => RegSet::of(dst),
            Insn::CheckTime => RegSet::of(Reg::R10).with(Reg::Ax),
            Insn::Load { mem, .. } | Insn::LoadAcquire { mem, .. } => RegSet::of(mem.base),
            Insn::Store { mem, src, .. } => operand_set(src).with(mem.base),
            Insn::StoreRelease { mem, src, .. } => RegSet::of(mem.base).with(src),
            Insn::Atomic { op, mem, src, .. } => {
                let set = RegSet::of(mem.base).with(src);
                if op == AtomicOp::Cmpxchg {
                    set.with(Reg::R0)
                } else {
                    set
                }
            }
            Insn::Call { signature, .. } => signature.low().union(signature.high()),
            insn if insn.is_call() => RegSet::ARGUMENTS,
            Insn::TailCall => RegSet::of(Reg::R1).with(Reg::R2).with(Reg::R3),
            Insn::Exit => RegSet::of(Reg::R0),
            _ => RegSet::EMPTY,
        }
    }

    /// Whether the instruction calls a function, the kernel's or the program's.
    pub(crate) const fn is_call(&self) -> bool {
        matches!(
            self,
            Insn::Call { .. } | Insn::CallFunction { .. } | Insn::CallSubprogram { .. }
        )
    }

    /// How the instruction accesses memory, if it does.
    pub(crate) const fn access(&self) -> Option<Access> {
        match self {
            Insn::Load { mem, .. }
            | Insn::Store { mem, .. }
            | Insn::Atomic { mem, .. }
            | Insn::LoadAcquire { mem, .. }
            | Insn::StoreRelease { mem, .. } => Some(mem.access),
            _ => None,
        }
    }

    /// Whether the instruction is about the program's arena.
    pub(crate) const fn needs_arena(&self) -> bool {
        matches!(self.access(), Some(Access::Arena)) || matches!(self, Insn::CastUser { .. })
    }

    /// What it does to registers.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome {
            writes: self.writes(),
            is_call: self.is_call(),
        }
    }

    /// The register the instruction defines.
    pub(crate) fn writes(&self) -> Option<Reg> {
        match *self {
            Insn::Alu { dst, .. }
            | Insn::Neg { dst, .. }
            | Insn::Mov { dst, .. }
            | Insn::MovSx { dst, .. }
            | Insn::CastUser { dst, .. }
            | Insn::ThisCpu { dst, .. }
            | Insn::ZeroExtend { dst }
            | Insn::Swap { dst, .. }
            | Insn::LoadImm64 { dst, .. }
            | Insn::LoadSubprogram { dst, .. }
            | Insn::Load { dst, .. }
            | Insn::LoadArgument { dst, .. }
            | Insn::LoadAcquire { dst, .. } => Some(dst),
            Insn::Atomic { op, src, .. } => match op {
                AtomicOp::Add | AtomicOp::And | AtomicOp::Or | AtomicOp::Xor => None,
                AtomicOp::Cmpxchg => Some(Reg::R0),
                _ => Some(src),
            },
            Insn::CallInline { .. } => Some(Reg::R0),
            Insn::CheckTime => Some(Reg::Ax),
            ref insn if insn.is_call() => Some(Reg::R0),
            _ => None,
        }
    }
}

fn operand_set(operand: Operand) -> RegSet {
    match operand {
        Operand::Reg(reg) => RegSet::of(reg),
        Operand::Imm(_) => RegSet::EMPTY,
    }
}
