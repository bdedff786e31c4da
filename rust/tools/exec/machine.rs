// SPDX-License-Identifier: GPL-2.0

//! The machines that images are compiled for and run on, and the ways to compile for them.

use super::places::RUNTIME;
use crate::host::Options;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Cpu, Endian, Release};
use crate::model::bpf::memory::ByteOrder;

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tools) struct Machine {
    pub(in crate::tools) name: &'static str,
    pub(in crate::tools) endian: Endian,
    pub(in crate::tools) release: Release,
}

/// Every machine.
pub(in crate::tools) const MACHINES: [Machine; 4] = [
    machine("le-r1", Endian::Little, Release::R1),
    machine("le-r2", Endian::Little, Release::R2),
    machine("be-r1", Endian::Big, Release::R1),
    machine("be-r2", Endian::Big, Release::R2),
];

const fn machine(name: &'static str, endian: Endian, release: Release) -> Machine {
    Machine {
        name,
        endian,
        release,
    }
}

impl Machine {
    /// The byte order, as the model has it.
    pub(in crate::tools) fn order(&self) -> ByteOrder {
        match self.endian {
            Endian::Little => ByteOrder::Little,
            Endian::Big => ByteOrder::Big,
        }
    }

    /// A word's bytes in memory.
    pub(in crate::tools) fn bytes(&self, word: u32) -> [u8; 4] {
        match self.endian {
            Endian::Little => word.to_le_bytes(),
            Endian::Big => word.to_be_bytes(),
        }
    }

    /// The word whose bytes in memory these are.
    pub(in crate::tools) fn word(&self, bytes: [u8; 4]) -> u32 {
        match self.endian {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        }
    }

    /// A doubleword's bytes in memory.
    pub(in crate::tools) fn bytes64(&self, value: u64) -> [u8; 8] {
        match self.endian {
            Endian::Little => value.to_le_bytes(),
            Endian::Big => value.to_be_bytes(),
        }
    }
}

/// A way to compile a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// The program has explicit zero-extensions.
    pub(super) verifier_zext: bool,
    /// With the optional analyses.
    pub(super) facts: bool,
    /// With every barrier.
    pub(super) barriers: bool,
}

impl Variant {
    /// Every way: there are eight.
    pub(super) fn all() -> impl Iterator<Item = Variant> {
        (0..8).map(Variant::numbered)
    }

    /// The way with a number, of which three bits count.
    pub(super) fn numbered(number: usize) -> Variant {
        Variant {
            verifier_zext: number & 1 != 0,
            facts: number & 2 == 0,
            barriers: number & 4 != 0,
        }
    }

    pub(super) fn cpu(&self, machine: &Machine) -> Cpu {
        Cpu {
            endian: machine.endian,
            release: machine.release,
            barriers: if self.barriers {
                Barriers::ALL
            } else {
                Barriers::NONE
            },
        }
    }

    pub(super) fn options(&self, stack_depth: u32, address: u32) -> Options {
        Options {
            stack_depth,
            verifier_zext: self.verifier_zext,
            facts: self.facts,
            address,
            runtime: RUNTIME,
        }
    }
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let say = |on| if on { "on" } else { "off" };
        write!(
            f,
            "verifier_zext {}, facts {}, barriers {}",
            say(self.verifier_zext),
            say(self.facts),
            say(self.barriers)
        )
    }
}
