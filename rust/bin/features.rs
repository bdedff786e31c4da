// SPDX-License-Identifier: GPL-2.0

//! `make features`: the table of what this JIT and others can do.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::features::main()
}
