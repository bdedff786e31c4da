// SPDX-License-Identifier: GPL-2.0

//! `make prove`: proves that emitted code does what the BPF instruction means.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::prove::main()
}
