// SPDX-License-Identifier: GPL-2.0

//! The emulated CPU of a machine, and its registers.

use unicorn_engine::{Arch, Mips32CpuModel, Mips64CpuModel, Mode, Prot, RegisterMIPS, Unicorn};

use super::machine::Machine;
use super::places::{physical, CODE, PAGE};
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

/// Whether the emulator executes the machine's instructions at kernel addresses. Unicorn before
/// 2.1.2 does not execute MIPS64, nor say so: it is tried.
pub(in crate::tools) fn is_there(machine: &Machine) -> bool {
    /// `addiu $v0, $zero, 1`, `daddiu $v0, $zero, 1`
    const ONE: [u32; 2] = [0x2402_0001, 0x6402_0001];
    let (mode, model) = of(machine);
    let result = || {
        let mut unicorn = Unicorn::new(Arch::MIPS, mode)?;
        unicorn.ctl_set_cpu_model(model)?;
        unicorn.mem_map(physical(CODE), PAGE.into(), Prot::READ | Prot::EXEC)?;
        let word = ONE[usize::from(machine.is_wide())];
        unicorn.mem_write(physical(CODE), &machine.bytes(word))?;
        let begin = machine.pointer(CODE);
        unicorn.emu_start(begin, begin + 4, 0, 0)?;
        Ok::<_, unicorn_engine::uc_error>(register(&unicorn, machine, Reg::V0))
    };
    result() == Ok(1)
}

/// What is said of machines that it does not execute.
pub(in crate::tools) fn excuse(machine: &Machine) -> String {
    format!(
        "{}: not executed: this emulator has no MIPS64; Unicorn has it from 2.1.2 on",
        machine.name
    )
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
