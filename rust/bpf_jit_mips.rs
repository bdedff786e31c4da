// SPDX-License-Identifier: GPL-2.0

//! eBPF JIT compiler for MIPS.
//!
//! Kernel crate root. It is built in: the functions it exports replace weak definitions in
//! `kernel/bpf/core.c`, which only the linker of the kernel image can do.
//!
//! - [`jit`]: the pure core, from BPF instructions to MIPS words.
//! - [`kernel`](mod@crate::kernel): the glue, all that is `unsafe` and all that knows the kernel.

mod jit;
mod kernel;
