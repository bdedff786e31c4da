// SPDX-License-Identifier: GPL-2.0

//! The eight bytes of an instruction, and the numbers in them.
//!
//! Source: `include/uapi/linux/bpf.h`, `include/linux/filter.h`; RFC 9669 section 3.

use crate::jit::mips::Endian;

/// An instruction as the kernel stores it: `struct bpf_insn`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Raw {
    pub(crate) code: u8,
    /// Destination and source register, in the order of the machine's bit-fields.
    pub(crate) regs: u8,
    pub(crate) off: i16,
    pub(crate) imm: i32,
}

impl Raw {
    /// Puts an instruction together for a machine of this byte order.
    pub(crate) const fn new(endian: Endian, code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Raw {
        let regs = match endian {
            Endian::Little => (dst & 15) | (src << 4),
            Endian::Big => (dst << 4) | (src & 15),
        };
        Raw {
            code,
            regs,
            off,
            imm,
        }
    }

    /// The destination register's number.
    pub(crate) const fn dst(&self, endian: Endian) -> u8 {
        match endian {
            Endian::Little => self.regs & 15,
            Endian::Big => self.regs >> 4,
        }
    }

    /// The source register's number.
    pub(crate) const fn src(&self, endian: Endian) -> u8 {
        match endian {
            Endian::Little => self.regs >> 4,
            Endian::Big => self.regs & 15,
        }
    }

    /// The instruction class: bits 2 to 0 of the opcode.
    pub(crate) const fn class(&self) -> u8 {
        self.code & 7
    }

    /// Whether the instruction is of a class that jumps.
    pub(crate) const fn is_jump(&self) -> bool {
        matches!(self.class(), class::JMP | class::JMP32)
    }

    /// The operation: bits 7 to 4 of the opcode of an arithmetic or jump instruction.
    pub(crate) const fn op(&self) -> u8 {
        self.code & 0xf0
    }

    /// Whether this calls a kernel function that is no helper.
    pub(crate) const fn calls_kernel_function(&self, endian: Endian) -> bool {
        self.code == class::JMP | jmp::CALL && self.src(endian) == pseudo::KERNEL_FUNCTION
    }

    /// Whether the source operand is a register.
    pub(crate) const fn is_reg_source(&self) -> bool {
        self.code & X != 0
    }

    /// The size: bits 4 to 3 of the opcode of a memory instruction.
    pub(crate) const fn size(&self) -> u8 {
        self.code & 0x18
    }

    /// The mode: bits 7 to 5 of the opcode of a memory instruction.
    pub(crate) const fn mode(&self) -> u8 {
        self.code & 0xe0
    }
}

/// The bit of an opcode that says the source operand is a register.
pub(crate) const X: u8 = 0x08;

/// Instruction classes.
#[allow(missing_docs)]
pub(crate) mod class {
    pub(crate) const LD: u8 = 0;
    pub(crate) const LDX: u8 = 1;
    pub(crate) const ST: u8 = 2;
    pub(crate) const STX: u8 = 3;
    pub(crate) const ALU: u8 = 4;
    pub(crate) const JMP: u8 = 5;
    pub(crate) const JMP32: u8 = 6;
    pub(crate) const ALU64: u8 = 7;
}

/// Arithmetic operations.
#[allow(missing_docs)]
pub(crate) mod alu {
    pub(crate) const ADD: u8 = 0x00;
    pub(crate) const SUB: u8 = 0x10;
    pub(crate) const MUL: u8 = 0x20;
    pub(crate) const DIV: u8 = 0x30;
    pub(crate) const OR: u8 = 0x40;
    pub(crate) const AND: u8 = 0x50;
    pub(crate) const LSH: u8 = 0x60;
    pub(crate) const RSH: u8 = 0x70;
    pub(crate) const NEG: u8 = 0x80;
    pub(crate) const MOD: u8 = 0x90;
    pub(crate) const XOR: u8 = 0xa0;
    pub(crate) const MOV: u8 = 0xb0;
    pub(crate) const ARSH: u8 = 0xc0;
    pub(crate) const END: u8 = 0xd0;
}

/// Jump operations.
#[allow(missing_docs)]
pub(crate) mod jmp {
    pub(crate) const JA: u8 = 0x00;
    pub(crate) const JEQ: u8 = 0x10;
    pub(crate) const JGT: u8 = 0x20;
    pub(crate) const JGE: u8 = 0x30;
    pub(crate) const JSET: u8 = 0x40;
    pub(crate) const JNE: u8 = 0x50;
    pub(crate) const JSGT: u8 = 0x60;
    pub(crate) const JSGE: u8 = 0x70;
    pub(crate) const CALL: u8 = 0x80;
    pub(crate) const EXIT: u8 = 0x90;
    pub(crate) const JLT: u8 = 0xa0;
    pub(crate) const JLE: u8 = 0xb0;
    pub(crate) const JSLT: u8 = 0xc0;
    pub(crate) const JSLE: u8 = 0xd0;
    /// The kernel's own: a call of `bpf_tail_call()` as the verifier rewrites it.
    pub(crate) const TAIL_CALL: u8 = 0xf0;
}

/// Sizes of memory accesses.
#[allow(missing_docs)]
pub(crate) mod size {
    pub(crate) const W: u8 = 0x00;
    pub(crate) const H: u8 = 0x08;
    pub(crate) const B: u8 = 0x10;
    pub(crate) const DW: u8 = 0x18;
}

/// Modes of memory instructions.
#[allow(missing_docs)]
pub(crate) mod mode {
    pub(crate) const IMM: u8 = 0x00;
    /// The kernel's own, of class LDX: a load from where there may be no memory.
    pub(crate) const PROBE_MEM: u8 = 0x20;
    /// The same, sign-extending.
    pub(crate) const PROBE_MEMSX: u8 = 0x40;
    pub(crate) const MEM: u8 = 0x60;
    pub(crate) const MEMSX: u8 = 0x80;
    pub(crate) const ATOMIC: u8 = 0xc0;
    /// The kernel's own: a load from an arena or a store to it.
    pub(crate) const PROBE_MEM32: u8 = 0xa0;
    /// The kernel's own, of class LDX: a sign-extending load from an arena.
    pub(crate) const PROBE_MEM32SX: u8 = 0xc0;
    /// The kernel's own: an atomic instruction on an arena.
    pub(crate) const PROBE_ATOMIC: u8 = 0xe0;
    /// The kernel's own, of class ST: a barrier against speculation.
    pub(crate) const NOSPEC: u8 = 0xc0;
}

/// Immediates of atomic instructions.
#[allow(missing_docs)]
pub(crate) mod atomic {
    pub(crate) const ADD: i32 = 0x00;
    pub(crate) const OR: i32 = 0x40;
    pub(crate) const AND: i32 = 0x50;
    pub(crate) const XOR: i32 = 0xa0;
    pub(crate) const FETCH: i32 = 0x01;
    pub(crate) const XCHG: i32 = 0xe1;
    pub(crate) const CMPXCHG: i32 = 0xf1;
    pub(crate) const LOAD_ACQ: i32 = 0x100;
    pub(crate) const STORE_REL: i32 = 0x110;
}

/// What casts between address spaces look like: a move of 64 bits with this offset and immediate
/// (`insn_is_cast_user()` in include/linux/filter.h).
#[allow(missing_docs)]
pub(crate) mod cast {
    pub(crate) const OFFSET: i16 = 1;
    pub(crate) const TO_USER: i32 = 1 << 16;
}

/// The offset of a move of 64 bits that makes an address of one for each processor (`BPF_ADDR_PERCPU` in
/// include/linux/filter.h).
pub(crate) const ADDR_PERCPU: i16 = -1;

/// Numbers of helpers that keep them in calls, as the JIT has code for them
/// (`include/uapi/linux/bpf.h`).
#[allow(missing_docs)]
pub(crate) mod helper {
    pub(crate) const GET_SMP_PROCESSOR_ID: i32 = 8;
    pub(crate) const GET_CURRENT_TASK: i32 = 35;
    pub(crate) const GET_CURRENT_TASK_BTF: i32 = 158;
}

/// Source register values that give an instruction another meaning.
#[allow(missing_docs)]
pub(crate) mod pseudo {
    /// `CALL` of a kernel helper.
    pub(crate) const HELPER: u8 = 0;
    /// `CALL` of another function of the program.
    pub(crate) const SUBPROGRAM: u8 = 1;
    /// `CALL` of a kernel function that is no helper.
    pub(crate) const KERNEL_FUNCTION: u8 = 2;
    /// `LD_IMM64` of the address of another function of the program.
    pub(crate) const FUNCTION: u8 = 4;
}
