// SPDX-License-Identifier: GPL-2.0

//! `make fuzz`: looks for an input on which the core breaks a promise.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::fuzz::main()
}
