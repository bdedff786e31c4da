// SPDX-License-Identifier: GPL-2.0

//! `make mutants`: seeds bugs in the core, one at a time, and sees that the judges find them.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::mutants::main()
}
