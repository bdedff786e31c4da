// SPDX-License-Identifier: GPL-2.0

//! `make show`: lists BPF and the MIPS code made of it, side by side.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::show::main()
}
