// SPDX-License-Identifier: GPL-2.0

//! The target machine: registers, operands, the instruction table and what a CPU has.

pub(crate) mod cpu;
pub(crate) mod operand;
pub(crate) mod reg;
mod row;
pub(crate) mod table;

// The core's own decisions go by what a release has; whoever makes a CPU names one.
#[allow(unused_imports)]
pub(crate) use cpu::Release;
pub(crate) use cpu::{Cpu, Endian, Width};
pub(crate) use operand::{Disp16, Disp26, FieldPos, FieldSize, Shift5, Simm16, Simm9, Uimm16};
pub(crate) use reg::{Pair, Reg, RegMask};
pub(crate) use table::Insn;
