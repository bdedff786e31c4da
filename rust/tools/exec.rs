// SPDX-License-Identifier: GPL-2.0

//! `make exec`: emitted code, executed in a MIPS emulator and compared with the BPF model.
//!
//! ```text
//!            +-- core --> image --> emulator --+
//!  program --+                                 +-- equal?
//!            +-- model ------------------------+
//! ```
//!
//! | group | programs |
//! |---|---|
//! | `forms` | every instruction form, operand aliasing and boundary ([`forms`]) |
//! | `regressions` | what other JITs got wrong, by name ([`regressions`]) |
//! | `trampolines` | no programs, but what the kernel calls to have some run ([`trampolines`]) |
//! | `random` | whole programs of the shape that the verifier accepts ([`generate`]) |
//!
//! Each runs on every machine, in all the ways to compile that matter to it. Equal means: the
//! result, every byte of the data, of the program's stack and of its arena, and the sequence of calls of
//! helpers and C functions with their arguments; programs store all their registers in the data before
//! they end. Beyond that, an image must restore what its caller owns, keep `$gp`, `$k0` and `$k1` at
//! every step, and address nothing but the data, the arena, its own frame and its home area. Kernel
//! functions overwrite everything that a C function may overwrite.
//!
//! An emulator shows neither the order of memory accesses, nor a stale instruction cache, nor
//! results that the manual leaves UNPREDICTABLE.

// The generator of programs works alone; without an emulator nobody needs the rest.
#![cfg_attr(not(feature = "emulator"), allow(dead_code, unused_imports))]

#[cfg(feature = "emulator")]
pub mod conform;
#[cfg(feature = "emulator")]
pub(in crate::tools) mod cpu;
mod edit;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(feature = "emulator")]
mod exception;
mod forms;
mod functions;
mod generate;
#[cfg(feature = "emulator")]
mod judge;
mod kernel;
#[cfg(feature = "emulator")]
mod link;
mod log;
pub(in crate::tools) mod machine;
mod model;
mod places;
mod programs;

#[cfg(feature = "emulator")]
mod regressions;
#[cfg(feature = "emulator")]
mod report;
#[cfg(feature = "emulator")]
mod session;
#[cfg(feature = "emulator")]
mod shrink;
#[cfg(feature = "emulator")]
mod stack;
mod subject;
mod thread;
#[cfg(feature = "emulator")]
mod trampolines;
#[cfg(feature = "emulator")]
mod visit;

use crate::host::random;

pub use programs::main as main_of_programs;
#[cfg(feature = "emulator")]
pub use session::main;
