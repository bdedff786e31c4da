// SPDX-License-Identifier: GPL-2.0

//! What a program's frame depends on, besides its instructions.

use super::TAIL_ENTRY;
use crate::jit::analysis::Words;
use crate::jit::lower::Arena;
use crate::jit::mips::RegMask;
use crate::jit::runtime::Processors;

/// Which function of a program an image is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Role {
    /// The only one.
    #[default]
    Whole,
    /// The first one of several, which the kernel calls as the program.
    Main,
    /// Another one, called by the program, or by the kernel for it (a callback).
    Subprogram,
    /// The one that the kernel calls when the program throws an exception: it goes on in the place of
    /// the first one.
    Exception,
}

impl Role {
    /// Words of the image before the entry for C code.
    pub(crate) fn entry(self) -> u32 {
        match self {
            Role::Whole | Role::Main => TAIL_ENTRY,
            Role::Subprogram | Role::Exception => 0,
        }
    }
}

/// How a function of a program is called, besides as others are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Linkage {
    /// A trampoline may be attached to its entry ([`Site`](super::site::Site)).
    pub(crate) is_attachable: bool,
    /// It is an extension: other programs enter it in the place of one of their functions.
    pub(crate) extends: bool,
    /// It returns all of R0, since it is a trampoline that calls it.
    pub(crate) returns_r0: bool,
}

/// What a frame depends on besides the instructions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Shape {
    pub(crate) role: Role,
    pub(crate) linkage: Linkage,
    /// What of the context is read.
    pub(crate) context: Words,
    /// What the program's instructions write of R6 to R9, at most.
    pub(crate) written: RegMask,
    /// Bytes of BPF stack.
    pub(crate) stack_depth: u32,
    /// The arena, if the program needs it.
    pub(crate) arena: Option<Arena>,
    /// Functions that it calls may make tail calls (`prog->aux->tail_call_reachable`).
    pub(crate) reaches_tail_calls: bool,
    /// An exception callback may take its place (`prog->aux->exception_boundary`).
    pub(crate) is_boundary: bool,
    /// R10, if the BPF stack is memory that each processor has for this program: an address of such.
    pub(crate) private_stack: Option<u64>,
    /// How the kernel tells its processors apart.
    pub(crate) processors: Option<Processors>,
}
