// SPDX-License-Identifier: GPL-2.0

//! `make exec`: executes single MIPS instructions in an emulator and compares the MIPS model.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::models::main()
}
