// SPDX-License-Identifier: GPL-2.0

//! `make exec`: executes emitted code in an emulator and compares it with the BPF model.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::exec::main()
}
