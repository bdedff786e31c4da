// SPDX-License-Identifier: GPL-2.0

//! The pure core: from BPF instructions to MIPS words.
//!
//! ```text
//! bpf::Raw --decode--> bpf::Insn --analysis--> facts --lower--> asm::Stream --layout--> words
//! ```
//!
//! It runs unchanged in the kernel (mounted by `bpf_jit_mips.rs`) and on the host (mounted by
//! `lib.rs`), so that what is tested and proved on the host is what a router executes. It knows no
//! kernel type, allocates nothing, contains no `unsafe` and no reachable panic: all memory is
//! borrowed from the caller, all arithmetic is checked or wrapping by name, all table accesses
//! go through `get`.
//!
//! The way in is [`layout::Compiler`]: `new` analyses a program, `measure` says how many words its
//! image has, `write` fills them in.

// Kernel and host each use what the other does not need: the printers and iterators are the
// host's, a few queries the kernel's.
#![allow(dead_code)]
#![forbid(unsafe_code)]

pub(crate) mod abi;
pub(crate) mod analysis;
pub(crate) mod asm;
pub(crate) mod bpf;
pub(crate) mod error;
pub(crate) mod layout;
pub(crate) mod lower;
pub(crate) mod mips;
pub(crate) mod runtime;
pub(crate) mod trampoline;
pub(crate) mod work;
