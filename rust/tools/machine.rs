// SPDX-License-Identifier: GPL-2.0

//! The machines that code is made, executed and proved for.

use crate::jit::bpf::Raw;
#[cfg(feature = "emulator")]
use crate::jit::mips::{table::Op, Cpu};
use crate::jit::mips::{Endian, Release, Width};
use crate::model::bpf::fields::Fields;
use crate::model::bpf::memory::ByteOrder;

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) name: &'static str,
    pub(super) width: Width,
    pub(super) endian: Endian,
    pub(super) release: Release,
}

/// Every machine.
pub(super) const MACHINES: [Machine; 12] = [
    machine("le-r1", Endian::Little, Release::R1),
    machine("le-r2", Endian::Little, Release::R2),
    machine("le-r6", Endian::Little, Release::R6),
    machine("be-r1", Endian::Big, Release::R1),
    machine("be-r2", Endian::Big, Release::R2),
    machine("be-r6", Endian::Big, Release::R6),
    wide(machine("le64-r1", Endian::Little, Release::R1)),
    wide(machine("le64-r2", Endian::Little, Release::R2)),
    wide(machine("le64-r6", Endian::Little, Release::R6)),
    wide(machine("be64-r1", Endian::Big, Release::R1)),
    wide(machine("be64-r2", Endian::Big, Release::R2)),
    wide(machine("be64-r6", Endian::Big, Release::R6)),
];

const fn machine(name: &'static str, endian: Endian, release: Release) -> Machine {
    Machine {
        name,
        width: Width::W32,
        endian,
        release,
    }
}

/// The same with 64 bits.
const fn wide(machine: Machine) -> Machine {
    Machine {
        width: Width::W64,
        ..machine
    }
}

impl Machine {
    /// Whether the machine has an instruction.
    #[cfg(feature = "emulator")]
    pub(super) fn has(&self, op: Op) -> bool {
        let cpu = Cpu {
            width: self.width,
            release: self.release,
            ..Cpu::LEAST
        };
        cpu.has(op.traits())
    }

    /// Whether a name means this machine: its own, or that of its file in boot-tests/machines.
    pub(super) fn is_called(&self, name: &str) -> bool {
        match name.strip_prefix("malta64-") {
            Some(rest) => self.is_wide() && self.name.replacen("64", "", 1) == rest,
            None => name.strip_prefix("malta-").unwrap_or(name) == self.name,
        }
    }

    /// Whether registers have 64 bits.
    pub(super) fn is_wide(&self) -> bool {
        self.width == Width::W64
    }

    /// A kernel address in a register: sign-extended if there are 64 bits.
    pub(super) fn pointer(&self, address: u32) -> u64 {
        match self.width {
            Width::W32 => address.into(),
            Width::W64 => i64::from(address as i32) as u64,
        }
    }

    /// The byte order, as the model has it.
    pub(super) fn order(&self) -> ByteOrder {
        match self.endian {
            Endian::Little => ByteOrder::Little,
            Endian::Big => ByteOrder::Big,
        }
    }

    /// A word's bytes in memory.
    pub(super) fn bytes(&self, word: u32) -> [u8; 4] {
        match self.endian {
            Endian::Little => word.to_le_bytes(),
            Endian::Big => word.to_be_bytes(),
        }
    }

    /// The word whose bytes in memory these are.
    #[cfg(feature = "emulator")]
    pub(super) fn word(&self, bytes: [u8; 4]) -> u32 {
        match self.endian {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        }
    }

    /// The doubleword whose bytes in memory these are.
    #[cfg(feature = "emulator")]
    pub(super) fn doubleword(&self, bytes: [u8; 8]) -> u64 {
        match self.endian {
            Endian::Little => u64::from_le_bytes(bytes),
            Endian::Big => u64::from_be_bytes(bytes),
        }
    }

    /// A pointer's bytes in memory.
    #[cfg(feature = "emulator")]
    pub(super) fn pointer_bytes(&self, address: u32) -> Vec<u8> {
        match self.width {
            Width::W32 => self.bytes(address).to_vec(),
            Width::W64 => self.bytes64(self.pointer(address)).to_vec(),
        }
    }

    /// Bytes of a register.
    pub(super) fn register_bytes(&self) -> u32 {
        match self.width {
            Width::W32 => 4,
            Width::W64 => 8,
        }
    }

    /// A doubleword's bytes in memory.
    pub(super) fn bytes64(&self, value: u64) -> [u8; 8] {
        match self.endian {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        }
    }

    /// An instruction as the core takes it.
    pub(super) fn raw(&self, insn: &Fields) -> Raw {
        let Fields {
            opcode,
            dst,
            src,
            offset,
            immediate,
        } = *insn;
        Raw::new(self.endian, opcode, dst, src, offset, immediate)
    }
}
