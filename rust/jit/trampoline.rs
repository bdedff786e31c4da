// SPDX-License-Identifier: GPL-2.0

//! Trampolines: what the kernel calls in the place of a function to have BPF programs run.
//!
//! A trampoline puts the arguments of the function where programs find them, runs programs, and either
//! returns, goes on with the function, or calls it and runs more programs behind it:
//!
//! ```text
//! target        entered from               programs run             then
//! Callback      C, by a pointer            one                      returns what it returned
//! Main,         the entry of a program     entries                  goes on with the program
//! Subprogram    or a function of one       entries, exits           calls it between; returns
//! ```
//!
//! At the entry of a program BPF registers hold the arguments, whatever C has called it with, so that all
//! its entries may lead to the trampoline ([`Site`](super::abi::Site)): `$at` is the address at which the
//! program goes on, `$ra` that of its caller. Its registers come back as they were, all 64 bits of those
//! that the verifier knows something of. `Callback` is the kernel's way to call a `struct_ops`.
//!
//! ```text
//! higher addresses  :  arguments on the stack        :
//!                   +================================+ <- sp at entry
//!                   |  return addresses              |
//!                   |  what else the function needs  |
//!                   |  its result, in registers      |
//!                   |  start time; running program   |
//!                   +--------------------------------+
//!                   |  result, as programs see it    |
//!                   |  arguments, 64 bits each       |
//!                   +--------------------------------+ <- the context of programs
//!                   |  number of arguments           |
//!                   |  address of the function       |
//!                   |  cookies of sessions           |
//!                   +--------------------------------+
//!                   |  struct bpf_tramp_run_ctx      |
//!                   +--------------------------------+
//!                   |  what calls of C take          |
//! lower addresses   +================================+ <- sp
//! ```
//!
//! A program can be patched out: the `nop` before what runs it then becomes a branch to what follows.
//! Behind a branch an instruction is executed that it does not skip; it loads `$a0`, which is free there.
//!
//! Source: `kernel/bpf/trampoline.c`, `include/linux/bpf.h`.

mod convention;
pub(crate) mod emit;
mod layout;
#[cfg(not(only_o32))]
mod n64;
#[cfg(not(only_n64))]
mod o32;

use super::runtime::Value;

/// What a trampoline stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// Nothing: C calls it (`BPF_TRAMP_F_INDIRECT`).
    Callback,
    /// A program that C calls, or an extension that has taken the place of a function.
    Main,
    /// A function of a program.
    Subprogram,
}

/// What it does behind the first programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Returns to C, with the program's result if there is one (`BPF_TRAMP_F_RET_FENTRY_RET`).
    Return,
    /// Goes on with the function (`BPF_TRAMP_F_RESTORE_REGS`).
    Continue,
    /// Calls the function, and returns to its caller (`BPF_TRAMP_F_CALL_ORIG`, `SKIP_FRAME`).
    Call(Held),
}

/// What keeps the image while the function runs: both functions take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Address of `struct bpf_tramp_image`, of which nothing depends on the length of the code.
    pub(crate) image: u64,
    /// Address of `__bpf_tramp_enter()`.
    pub(crate) enter: u64,
    /// Address of `__bpf_tramp_exit()`.
    pub(crate) exit: u64,
}

/// A program to run: addresses, which of 32-bit kernels are sign-extended, and what its link says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Of its `struct bpf_prog`.
    pub(crate) program: u64,
    /// `u64 (struct bpf_prog *, struct bpf_tramp_run_ctx *)`: 0 if the program is not to run.
    pub(crate) enter: u64,
    /// `void (struct bpf_prog *, u64, struct bpf_tramp_run_ctx *)`
    pub(crate) exit: u64,
    /// Its code, or the interpreter.
    pub(crate) function: u64,
    /// What the interpreter interprets; null if the program is compiled.
    pub(crate) insns: u64,
    pub(crate) cookie: u64,
    /// It asks for the cookie of its session.
    pub(crate) has_session_cookie: bool,
}

/// `struct bpf_tramp_run_ctx`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunContext {
    pub(crate) bytes: u32,
    /// Offset of `bpf_cookie`.
    pub(crate) cookie: u32,
}

/// What a trampoline is to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Description<'a> {
    pub(crate) target: Target,
    pub(crate) outcome: Outcome,
    /// Of the function, as BTF has them; values of up to 16 bytes.
    pub(crate) arguments: &'a [Value],
    pub(crate) result: Value,
    /// Programs ask for the address of the function, which is this to them (`BPF_TRAMP_F_IP_ARG`).
    pub(crate) function: Option<u64>,
    /// Programs that run before the function.
    pub(crate) entries: &'a [Node],
    /// And behind it.
    pub(crate) exits: &'a [Node],
    /// Some program runs both times (`BPF_TRACE_FSESSION`).
    pub(crate) has_sessions: bool,
    pub(crate) run_context: RunContext,
    /// All programs behind the function can be patched out at once, as older kernels do it.
    pub(crate) leaves_at_once: bool,
}

/// Where a program can be patched out: the word of its `nop`, and the one behind it all; in words from
/// the start of the trampoline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Skip {
    pub(crate) at: u32,
    pub(crate) behind: u32,
}
