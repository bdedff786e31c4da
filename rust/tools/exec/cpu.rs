// SPDX-License-Identifier: GPL-2.0

//! The emulated CPU of a machine, and its registers.

use unicorn_engine::{Mips32CpuModel, Mips64CpuModel, Mode, RegisterMIPS, Unicorn};

use super::machine::Machine;
use crate::jit::mips::{Endian, Reg, Release, Width};

/// The emulator's mode and CPU model.
pub(in crate::tools) fn of(machine: &Machine) -> (Mode, i32) {
    let order = match machine.endian {
        Endian::Little => Mode::LITTLE_ENDIAN,
        Endian::Big => Mode::BIG_ENDIAN,
    };
    let (mode, model) = match (machine.width, machine.release) {
        (Width::W32, Release::R1) => (Mode::MIPS32, Mips32CpuModel::Model_4KC as i32),
        (Width::W32, Release::R2) => (Mode::MIPS32, Mips32CpuModel::Model_24KC as i32),
        (Width::W32, Release::R6) => (Mode::MIPS32, Mips32CpuModel::MIPS32R6_GENERIC as i32),
        (Width::W64, _) => (Mode::MIPS64, Mips64CpuModel::MIPS64R2_GENERIC as i32),
    };
    (mode | order, model)
}

/// The emulator's number for a register.
pub(in crate::tools) fn id(reg: Reg) -> i32 {
    RegisterMIPS::R0 as i32 + reg.number() as i32
}

/// What a register holds: as many bits as the machine has.
pub(in crate::tools) fn register<D>(unicorn: &Unicorn<'_, D>, machine: &Machine, reg: Reg) -> u64 {
    let value = unicorn.reg_read(id(reg)).unwrap_or_default();
    match machine.width {
        Width::W32 => value & 0xffff_ffff,
        Width::W64 => value,
    }
}

/// Sets a register: as many bits as the machine has.
pub(in crate::tools) fn set_register<D>(
    unicorn: &mut Unicorn<'_, D>,
    machine: &Machine,
    reg: Reg,
    value: u64,
) {
    let value = match machine.width {
        Width::W32 => value & 0xffff_ffff,
        Width::W64 => value,
    };
    let done = unicorn.reg_write(id(reg), value);
    done.unwrap_or_else(|error| panic!("no register ${}: {error:?}", reg.name()));
}
