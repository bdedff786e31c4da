// SPDX-License-Identifier: GPL-2.0

//! Random programs for `SUITE=jit_diff`.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::exec::main_of_programs()
}
