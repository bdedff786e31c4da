// SPDX-License-Identifier: GPL-2.0

//! The glue between the kernel and the pure core.
//!
//! ```text
//! bpf_int_jit_compile()  compat    what differs between kernel versions
//!        |
//!     compile            compile   one program: memory, the core, the image, what prog is told
//!        |
//!      Image             image     memory for code: allocated, flushed, locked, or given back
//!   trampoline           trampoline code that runs programs in the place of functions
//!     Text               attach    code that changes while it may be executed
//!     hooks              hooks     what the verifier may ask for
//!   exceptions           exception  from a frame to its caller's
//!     Runtime            runtime   addresses and offsets for the core
//!      Cpu               cpu       what the machine is
//!                    speculation   and whether it runs ahead of itself
//! ```
//!
//! Whatever fails, fails before the program is touched: it then stays with the interpreter, with
//! one line in the log, and every allocation is given back by its owner's drop.

mod attach;
mod compat;
mod compile;
mod cpu;
mod exception;
mod helpers;
mod hooks;
mod image;
mod memory;
mod runtime;
mod speculation;
mod trampoline;
