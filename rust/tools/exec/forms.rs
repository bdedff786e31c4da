// SPDX-License-Identifier: GPL-2.0

//! Every form of every instruction, with every aliasing of its operands.
//!
//! Each form becomes a small program around the instruction:
//!
//! ```text
//! rB = r1                              a register that the form does not use holds the data's address
//! r0..r9 = *(u64 *)(rB + 8 * n)        every register has a value, from the input
//! <the instruction>
//! *(u64 *)(rB + 128 + 8 * n) = r0..r9  every register is observed
//! exit
//! ```
//!
//! so that what the instruction does to its destination is seen, and that it does nothing to others.
//! The program is compiled once and runs on many inputs.

mod arithmetic;
mod control;
mod functions;
mod guarded;
mod memory;

use super::machine::{Machine, Variant};
use super::places::DATA;
use super::random::Random;
use super::subject::{Subject, AX};
use crate::model::bpf::fields::Fields;
use crate::tools::build::*;

pub(super) use arithmetic::arithmetic;
pub(super) use control::control;
pub(super) use functions::functions;
pub(super) use guarded::guarded;
pub(super) use memory::memory;

/// Where in the data registers come from and go to; R0 to R9, and then the auxiliary register.
const INPUT: i16 = 0;
const OUTPUT: i16 = 128;

/// Where in the data instructions load and store.
pub(super) const AREA: u32 = DATA + 0x200;

/// Operands at which arithmetic is likely to go wrong; as shift amounts, too.
pub(super) const VALUES: [u64; 26] = [
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    33,
    63,
    64,
    65,
    0x7fff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    0x8000_0000_8000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_ffff_fffe,
    0xffff_ffff_ffff_ffff,
];

/// Immediates at which the choice of instructions changes.
pub(super) const IMMEDIATES: [i32; 42] = [
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    -7,
    8,
    31,
    32,
    33,
    63,
    64,
    65,
    0xff,
    0x100,
    0x7ffe,
    0x7fff,
    -0x7fff,
    0x8000,
    -0x8000,
    0x8001,
    -0x8001,
    0xfffe,
    0xffff,
    -0xffff,
    0x1_0000,
    -0x1_0000,
    0x1_0001,
    0x1_ffff,
    0xff_ffff,
    0x12_0000,
    0x1234_5678,
    -0x1234_5678,
    0x4000_0000,
    0x7fff_0000,
    0x7fff_fffe,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
    -0x4000_0000,
];

/// An instruction with what is around it.
pub(super) struct Form {
    pub(super) name: String,
    /// The instruction; in few cases some.
    pub(super) body: Vec<Fields>,
    /// Registers that the body uses.
    pub(super) used: Vec<u8>,
    /// Values of registers, one list for each input. Others hold junk.
    pub(super) inputs: Vec<Vec<(u8, u64)>>,
    /// It has to do with memory order or calls: all variants matter.
    pub(super) all_variants: bool,
}

impl Form {
    /// The program.
    pub(super) fn subject(&self) -> Subject {
        let base = [9, 8, 5, 1]
            .into_iter()
            .find(|reg| !self.used.contains(reg))
            .unwrap_or(4);
        let registers = || {
            let ax = self.used.contains(&AX).then_some(AX);
            (0..10).chain(ax).filter(move |reg| *reg != base)
        };
        let mut program = Vec::new();
        if base != 1 {
            program.push(mov(base, 1));
        }
        program.extend(registers().map(|reg| load(DW, reg, base, INPUT + slot(reg))));
        program.extend(&self.body);
        program.extend(registers().map(|reg| store(DW, base, OUTPUT + slot(reg), reg)));
        program.push(store(DW, base, OUTPUT + slot(base), base));
        program.push(exit());
        Subject::new(program)
    }

    /// The data of each input.
    pub(super) fn data(&self, machine: &Machine, random: &mut Random) -> Vec<Vec<u8>> {
        let data = |values: &Vec<(u8, u64)>| {
            let mut bytes = Vec::new();
            for _ in 0..0x300 / 8 {
                bytes.extend(random.next().to_le_bytes());
            }
            for &(reg, value) in values {
                let at = (INPUT + slot(reg)) as usize;
                bytes[at..at + 8].copy_from_slice(&machine.bytes64(value));
            }
            bytes
        };
        self.inputs.iter().map(data).collect()
    }

    /// The ways to compile it that are worth a run: one, but different ones for neighbouring forms;
    /// now and then all, where all matter.
    pub(super) fn variants(&self, number: usize) -> Vec<Variant> {
        match self.all_variants && number % 16 == 0 {
            true => Variant::all().collect(),
            false => vec![Variant::numbered(number)],
        }
    }
}

/// Where a register is among all.
fn slot(reg: u8) -> i16 {
    8 * i16::from(if reg == AX { 10 } else { reg })
}

/// Pairs of operands: every value with every other, or so many of these.
pub(super) fn operand_pairs(random: &mut Random, count: Option<usize>) -> Vec<(u64, u64)> {
    let all = || VALUES.iter().flat_map(|&a| VALUES.map(|b| (a, b)));
    match count {
        None => all().collect(),
        Some(count) => (0..count)
            .map(|_| {
                let mut one = || match random.chance(80) {
                    true => random.choose(&VALUES),
                    false => random.next(),
                };
                (one(), one())
            })
            .collect(),
    }
}

/// A register's name in the name of a form.
pub(super) fn name(reg: u8) -> String {
    match reg {
        AX => "ax".to_owned(),
        reg => format!("r{reg}"),
    }
}
