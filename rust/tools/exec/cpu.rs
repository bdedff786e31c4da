// SPDX-License-Identifier: GPL-2.0

//! The emulated CPU of a machine, and its registers.

use anyhow::{ensure, Result};
use unicorn_engine::{
    uc_error, Arch, Mips32CpuModel, Mips64CpuModel, Mode, Prot, RegisterMIPS, Unicorn,
};

use super::machine::Machine;
use super::places::{physical, CODE, PAGE};
use crate::jit::mips::{Endian, Insn, Reg, Release, Simm16, Width};

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
        (Width::W64, Release::R1) => (Mode::MIPS64, Mips64CpuModel::Model_5KC as i32),
        (Width::W64, Release::R2) => (Mode::MIPS64, Mips64CpuModel::MIPS64R2_GENERIC as i32),
        (Width::W64, Release::R6) => (Mode::MIPS64, Mips64CpuModel::I6400 as i32),
    };
    (mode | order, model)
}

/// `CP0_Status.KX`: kernel mode has 64-bit addresses.
const KX: u64 = 0x80;

/// Makes the CPU what it is when a kernel has started: it comes out of reset in kernel mode.
///
/// # Errors
///
/// What the emulator says.
pub(in crate::tools) fn enter_kernel<D>(
    unicorn: &mut Unicorn<'_, D>,
    machine: &Machine,
) -> Result<(), uc_error> {
    if !machine.is_wide() {
        return Ok(());
    }
    let status = unicorn.reg_read(RegisterMIPS::CP0_STATUS)?;
    unicorn.reg_write(RegisterMIPS::CP0_STATUS, status | KX)
}

/// Whether the emulator executes a word at a kernel address; no branch, nor what goes to memory.
pub(in crate::tools) fn executes(machine: &Machine, word: u32) -> bool {
    let (mode, model) = of(machine);
    let run = || {
        let mut unicorn = Unicorn::new(Arch::MIPS, mode)?;
        unicorn.ctl_set_cpu_model(model)?;
        unicorn.mem_map(physical(CODE), PAGE.into(), Prot::READ | Prot::EXEC)?;
        unicorn.mem_write(physical(CODE), &machine.bytes(word))?;
        let begin = machine.pointer(CODE);
        unicorn.emu_start(begin, begin + 4, 0, 0)
    };
    run().is_ok()
}

/// Whether the emulator executes the machine's instructions. That of most distributions does not
/// execute MIPS64, nor say so: it is tried.
pub(in crate::tools) fn is_there(machine: &Machine) -> bool {
    let word = Insn::daddiu(Reg::V0, Reg::ZERO, Simm16::ZERO).word();
    !machine.is_wide() || executes(machine, word)
}

/// What is said of machines that it does not execute.
pub(in crate::tools) fn excuse(machine: &Machine) -> String {
    format!(
        "this Unicorn does not execute {}: let PKG_CONFIG_PATH lead to the one that scripts/setup \
         builds, as make exec does",
        machine.name
    )
}

/// Fails unless it executes the machine's instructions.
///
/// # Errors
///
/// What is to be done.
pub(in crate::tools) fn find(machine: &Machine) -> Result<()> {
    ensure!(is_there(machine), excuse(machine));
    Ok(())
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
