// SPDX-License-Identifier: GPL-2.0

//! What is known about a program before it is lowered.
//!
//! Every analysis is a bounded number of sweeps over the instructions, in linear time. Each errs on the
//! side of more instructions: without it, or where it does not know, the lowering does more work with
//! the same result. [`Usage`] is always gathered, since the frame depends on it. [`Facts`] are optional:
//! an empty slice switches all of them off, [`Analyses`] some.
//!
//! On a machine of 32 bits a BPF register is two, and most of what a program does with the upper one is
//! for nobody:
//!
//! ```text
//! forward:  Known     r1 = *(u8 *)(r6 + 0)    R1's high word is zero
//! backward: Demand    r1 += r2                is R1's high word read by anyone?
//! forward:  Distances r2 = r10; r2 += -8      R2 is R10 - 8: one instruction, and the move is dead
//! ```

mod comparison;
mod demand;
mod distance;
mod facts;
mod known;
mod straight;
mod sweep;
mod usage;

pub(crate) use comparison::Comparison;
pub(crate) use demand::{is_removable, Words};
pub(crate) use distance::{reach_through, Distance};
pub(crate) use facts::{Before, Fact, Facts};
pub(crate) use known::{High, Known};
pub(crate) use usage::{StackArguments, Usage};

use crate::jit::bpf::RegSet;

// The host's.
#[allow(unused_imports)]
pub(crate) use {
    demand::Demand,
    straight::{extension, limit},
    sweep::SWEEPS,
};

/// Which of the optional analyses to do, besides what is live and defined. All are about register
/// pairs: where a BPF register is one of the machine's, they are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Analyses {
    /// What is known of high words.
    pub(crate) known: bool,
    /// Which words are read.
    pub(crate) demand: bool,
    /// Registers that are R10 and a constant.
    pub(crate) distance: bool,
}

impl Analyses {
    pub(crate) const ALL: Analyses = Analyses {
        known: true,
        demand: true,
        distance: true,
    };
    pub(crate) const NONE: Analyses = Analyses {
        known: false,
        demand: false,
        distance: false,
    };
}

/// What analyses have to know of how a program is entered, left and compiled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Registers that hold a value where the program begins.
    pub(crate) arguments: RegSet,
    /// R1 is an address there, of which the high word is zero.
    pub(crate) has_context: bool,
    /// Who called the program takes all of R0, not the low word alone.
    pub(crate) returns_r0: bool,
    /// 32-bit results are zero-extended: no explicit instructions do it.
    pub(crate) zero_extends: bool,
    pub(crate) analyses: Analyses,
}
