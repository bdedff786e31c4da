// SPDX-License-Identifier: GPL-2.0

//! From eight bytes to a typed instruction.
//!
//! Total: every possible word of input gives an instruction or an error. This is the only place
//! that judges what is supported. Where a nonzero field makes an instruction of a later BPF
//! version out of an old opcode, the field is read and never ignored. Fields that the kernel's
//! own converter leaves undefined (the immediate of a register form, `bpf_convert_filter()` in
//! `net/core/filter.c`) are not looked at.

mod memory;

use super::helper::Helpers;
use super::raw::{alu, cast, class, jmp, mode, pseudo, size, Raw, ADDR_PERCPU};
use super::{AluOp, Cond, Inline, Insn, Operand, Reg, Size, Swap, Width};
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Endian, Width as Registers};
use crate::jit::work::{count, Step};

/// What raw instructions look like in this kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Order of the bit-fields, and the machine's order of bytes.
    pub(crate) endian: Endian,
    /// The number of `BPF_REG_AX`, which differs between kernel versions.
    pub(crate) ax: u8,
    /// Whether the kernel is one of 64 bits: only those load and store doublewords in order
    /// (`check_atomic()` in `kernel/bpf/verifier.c`).
    pub(crate) width: Registers,
    /// The number of `BPF_REG_PARAMS`, in kernels that have arguments beyond five: it stands for where
    /// they are, and is no register.
    pub(crate) parameters: Option<u8>,
    /// The immediate of a call of `arch_bpf_timed_may_goto()`, whose arguments and result are none of a
    /// helper's.
    pub(crate) timed_may_goto: Option<i32>,
    /// Helpers of which is known what they take and give.
    pub(crate) helpers: Helpers,
}

/// Decodes the instruction in slot `at` of a program.
///
/// # Errors
///
/// `Unsupported` for what the JIT does not implement or the kernel's interpreter does not know;
/// `OutOfReach` for a jump out of the program or into the second slot of an instruction.
pub(crate) fn decode(dialect: &Dialect, program: &[Raw], at: u32) -> Result<Insn> {
    count(Step::Decode);
    let raw = slot(program, at).unwrap_or_default();
    let decoder = Decoder {
        dialect,
        program,
        at,
        raw,
    };
    match raw.class() {
        class::LD => decoder.load_imm64(),
        class::LDX => decoder.load(),
        class::ST => decoder.store_imm(),
        class::STX => decoder.store(),
        class::ALU | class::ALU64 => decoder.alu(),
        _ => decoder.jump(),
    }
}

fn slot(program: &[Raw], at: u32) -> Option<Raw> {
    program.get(usize::try_from(at).ok()?).copied()
}

/// One instruction in its program.
struct Decoder<'a> {
    dialect: &'a Dialect,
    program: &'a [Raw],
    at: u32,
    raw: Raw,
}

impl Decoder<'_> {
    fn unsupported<T>(&self) -> Result<T> {
        Err(Error::Unsupported {
            at: self.at,
            opcode: self.raw.code,
        })
    }

    /// Any register.
    fn reg(&self, number: u8) -> Result<Reg> {
        Ok(match number {
            0 => Reg::R0,
            1 => Reg::R1,
            2 => Reg::R2,
            3 => Reg::R3,
            4 => Reg::R4,
            5 => Reg::R5,
            6 => Reg::R6,
            7 => Reg::R7,
            8 => Reg::R8,
            9 => Reg::R9,
            10 => Reg::R10,
            ax if ax == self.dialect.ax => Reg::Ax,
            _ => return self.unsupported(),
        })
    }

    /// The destination as a value to read.
    fn dst(&self) -> Result<Reg> {
        self.reg(self.raw.dst(self.dialect.endian))
    }

    /// The destination as a register to write, which R10 is not.
    fn dst_written(&self) -> Result<Reg> {
        self.written(self.dst()?)
    }

    fn src(&self) -> Result<Reg> {
        self.reg(self.raw.src(self.dialect.endian))
    }

    fn written(&self, reg: Reg) -> Result<Reg> {
        match reg {
            Reg::R10 => self.unsupported(),
            reg => Ok(reg),
        }
    }

    fn operand(&self) -> Result<Operand> {
        Ok(if self.raw.is_reg_source() {
            Operand::Reg(self.src()?)
        } else {
            Operand::Imm(self.raw.imm)
        })
    }

    fn alu(&self) -> Result<Insn> {
        let width = match self.raw.class() {
            class::ALU => Width::W32,
            _ => Width::W64,
        };
        let dst = self.dst_written()?;
        let op = match (self.raw.op(), self.raw.off) {
            (alu::ADD, 0) => AluOp::Add,
            (alu::SUB, 0) => AluOp::Sub,
            (alu::MUL, 0) => AluOp::Mul,
            (alu::OR, 0) => AluOp::Or,
            (alu::AND, 0) => AluOp::And,
            (alu::XOR, 0) => AluOp::Xor,
            (alu::LSH, 0) => AluOp::Lsh,
            (alu::RSH, 0) => AluOp::Rsh,
            (alu::ARSH, 0) => AluOp::Arsh,
            (alu::DIV, 0) => AluOp::Div,
            (alu::MOD, 0) => AluOp::Mod,
            (alu::DIV, 1) => AluOp::Sdiv,
            (alu::MOD, 1) => AluOp::Smod,
            (alu::NEG, 0) if !self.raw.is_reg_source() => return Ok(Insn::Neg { width, dst }),
            (alu::MOV, _) => return self.mov(width, dst),
            (alu::END, 0) => return self.swap(width, dst),
            _ => return self.unsupported(),
        };
        let src = self.operand()?;
        Ok(Insn::Alu {
            width,
            op,
            dst,
            src,
        })
    }

    fn mov(&self, width: Width, dst: Reg) -> Result<Insn> {
        let src = self.operand()?;
        let from = match (width, src, self.raw.off) {
            // The immediate 1 marks the zero-extension that the verifier inserts
            // (`BPF_ZEXT_REG`, `insn_is_zext()` in include/linux/filter.h).
            (Width::W32, Operand::Reg(src), 0) if src == dst && self.raw.imm == 1 => {
                return Ok(Insn::ZeroExtend { dst });
            }
            (_, _, 0) => return Ok(Insn::Mov { width, dst, src }),
            (_, Operand::Reg(_), 8) => Size::B,
            (_, Operand::Reg(_), 16) => Size::H,
            (Width::W64, Operand::Reg(_), 32) => Size::W,
            (Width::W64, Operand::Reg(src), cast::OFFSET)
                if self.raw.imm == cast::TO_USER && self.dialect.width == Registers::W64 =>
            {
                return Ok(Insn::CastUser { dst, src });
            }
            (Width::W64, Operand::Reg(src), ADDR_PERCPU) if self.raw.imm == 0 => {
                return Ok(Insn::ThisCpu { dst, src });
            }
            _ => return self.unsupported(),
        };
        let src = self.src()?;
        Ok(Insn::MovSx {
            width,
            dst,
            src,
            from,
        })
    }

    fn swap(&self, width: Width, dst: Reg) -> Result<Insn> {
        let kind = match (width, self.raw.is_reg_source()) {
            (Width::W32, false) => Swap::ToLe,
            (Width::W32, true) => Swap::ToBe,
            (Width::W64, false) => Swap::Always,
            (Width::W64, true) => return self.unsupported(),
        };
        let size = match self.raw.imm {
            16 => Size::H,
            32 => Size::W,
            64 => Size::Dw,
            _ => return self.unsupported(),
        };
        Ok(Insn::Swap { dst, size, kind })
    }

    fn load_imm64(&self) -> Result<Insn> {
        if self.raw.mode() != mode::IMM || self.raw.size() != size::DW {
            return self.unsupported();
        }
        let second = match self.at.checked_add(1).and_then(|at| slot(self.program, at)) {
            Some(second) if second.code == 0 => second,
            _ => return self.unsupported(),
        };
        let low = u64::from(self.raw.imm as u32);
        let high = u64::from(second.imm as u32);
        let (dst, value) = (self.dst_written()?, high << 32 | low);
        Ok(match self.raw.src(self.dialect.endian) {
            pseudo::FUNCTION => Insn::LoadSubprogram { dst, value },
            _ => Insn::LoadImm64 { dst, value },
        })
    }

    fn jump(&self) -> Result<Insn> {
        let width = match self.raw.class() {
            class::JMP32 => Width::W32,
            _ => Width::W64,
        };
        let cond = match self.raw.op() {
            jmp::JEQ => Cond::Eq,
            jmp::JNE => Cond::Ne,
            jmp::JGT => Cond::Gt,
            jmp::JGE => Cond::Ge,
            jmp::JLT => Cond::Lt,
            jmp::JLE => Cond::Le,
            jmp::JSGT => Cond::Sgt,
            jmp::JSGE => Cond::Sge,
            jmp::JSLT => Cond::Slt,
            jmp::JSLE => Cond::Sle,
            jmp::JSET => Cond::Set,
            op => return self.unconditional(width, op),
        };
        Ok(Insn::Branch {
            width,
            cond,
            dst: self.dst()?,
            src: self.operand()?,
            target: self.target(i32::from(self.raw.off))?,
        })
    }

    fn unconditional(&self, width: Width, op: u8) -> Result<Insn> {
        match (width, op, self.raw.is_reg_source()) {
            (Width::W64, jmp::JA, false) => Ok(Insn::Jump {
                target: self.target(i32::from(self.raw.off))?,
            }),
            // gotol: the distance is in the immediate.
            (Width::W32, jmp::JA, false) => Ok(Insn::Jump {
                target: self.target(self.raw.imm)?,
            }),
            (Width::W64, jmp::JA, true)
                if (
                    self.raw.src(self.dialect.endian),
                    self.raw.off,
                    self.raw.imm,
                ) == (0, 0, 0) =>
            {
                Ok(Insn::JumpIndirect { dst: self.dst()? })
            }
            (Width::W64, jmp::CALL, false) => self.call(),
            (Width::W64, jmp::TAIL_CALL, false) => Ok(Insn::TailCall),
            (Width::W64, jmp::EXIT, false) => Ok(Insn::Exit),
            _ => self.unsupported(),
        }
    }

    fn call(&self) -> Result<Insn> {
        let offset = self.raw.imm;
        match self.raw.src(self.dialect.endian) {
            pseudo::HELPER if self.dialect.timed_may_goto == Some(offset) => Ok(Insn::CheckTime),
            pseudo::HELPER => Ok(match Inline::of(offset) {
                Some(helper) => Insn::CallInline { helper },
                None => Insn::Call {
                    offset,
                    signature: self.dialect.helpers.signature(offset),
                },
            }),
            pseudo::SUBPROGRAM => Ok(Insn::CallSubprogram { offset }),
            pseudo::KERNEL_FUNCTION => Ok(Insn::CallFunction { slot: self.at }),
            _ => self.unsupported(),
        }
    }

    /// The absolute target of a jump over `distance` instructions.
    fn target(&self, distance: i32) -> Result<u32> {
        let absolute = i64::from(self.at)
            .wrapping_add(1)
            .wrapping_add(i64::from(distance));
        match u32::try_from(absolute)
            .ok()
            .and_then(|at| Some((at, slot(self.program, at)?)))
        {
            // Opcode 0 is only ever the second slot of an instruction.
            Some((target, raw)) if raw.code != 0 => Ok(target),
            _ => Err(Error::OutOfReach { at: self.at }),
        }
    }
}
