// SPDX-License-Identifier: GPL-2.0

//! The ways to compile for a machine.

use super::kernel::KNOWN_HELPERS;
use super::places::{arena, runtime};
use crate::host::Options;
use crate::jit::abi::{Linkage, Role};
use crate::jit::analysis::Analyses;
use crate::jit::bpf::Helpers;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::Cpu;
use crate::jit::runtime::Counted;
pub(in crate::tools) use crate::tools::machine::{Machine, MACHINES};

/// A way to compile a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    /// The program has explicit zero-extensions.
    pub(super) verifier_zext: bool,
    /// With the optional analyses.
    pub(super) facts: bool,
    /// Which of those about words.
    pub(super) analyses: Analyses,
    /// With every barrier.
    pub(super) barriers: bool,
    /// For a kernel that counts these tail calls.
    pub(super) counted: Counted,
}

impl Variant {
    /// Every way for programs without tail calls: eight, and some without one of the analyses.
    pub(super) fn all() -> impl Iterator<Item = Variant> {
        (0..8)
            .chain([16, 17, 32, 33, 48, 49])
            .map(Variant::numbered)
    }

    /// Every way for programs with tail calls.
    pub(super) fn all_with_tail_calls() -> impl Iterator<Item = Variant> {
        (8..16).map(Variant::numbered).chain(Variant::all())
    }

    /// The way with a number, of which six bits count.
    pub(super) fn numbered(number: usize) -> Variant {
        let is_done = |left_out| number >> 4 & 3 != left_out;
        Variant {
            verifier_zext: number & 1 != 0,
            facts: number & 2 == 0,
            analyses: Analyses {
                known: is_done(1),
                demand: is_done(2),
                distance: is_done(3),
            },
            barriers: number & 4 != 0,
            counted: match number & 8 {
                0 => Counted::Hits,
                _ => Counted::Lookups,
            },
        }
    }

    pub(super) fn cpu(&self, machine: &Machine) -> Cpu {
        Cpu {
            width: machine.width,
            endian: machine.endian,
            release: machine.release,
            barriers: if self.barriers {
                Barriers::ALL
            } else {
                Barriers::NONE
            },
        }
    }

    pub(super) fn options(
        &self,
        machine: &Machine,
        stack_depth: u32,
        address: u32,
    ) -> Options<'static> {
        Options {
            role: Role::Whole,
            is_boundary: false,
            private_stack: None,
            linkage: Linkage::default(),
            reaches_tail_calls: false,
            arena: arena(machine),
            functions: &[],
            stack_depth,
            verifier_zext: self.verifier_zext,
            facts: self.facts,
            analyses: self.analyses,
            fills_slots: self.facts,
            forwards_copies: self.facts,
            helpers: match self.facts && !machine.is_wide() {
                true => KNOWN_HELPERS,
                false => Helpers::NONE,
            },
            address,
            runtime: runtime(machine, self.counted),
        }
    }
}

impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let say = |on| if on { "on" } else { "off" };
        write!(
            f,
            "verifier_zext {}, facts {}, known {}, demand {}, distance {}, barriers {}, {:?} counted",
            say(self.verifier_zext),
            say(self.facts),
            say(self.analyses.known),
            say(self.analyses.demand),
            say(self.analyses.distance),
            say(self.barriers),
            self.counted
        )
    }
}
