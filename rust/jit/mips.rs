// SPDX-License-Identifier: GPL-2.0

//! The target machine: registers, operands, the instruction table and what a CPU has.

pub(crate) mod cpu;
pub(crate) mod operand;
pub(crate) mod reg;
pub(crate) mod table;

pub(crate) use cpu::{Cpu, Endian, Release, Width};
pub(crate) use operand::{Disp16, Disp26, FieldPos, FieldSize, Shift5, Simm16, Simm9, Uimm16};
pub(crate) use reg::{Pair, Reg, RegMask};
pub(crate) use table::Insn;
