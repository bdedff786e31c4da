// SPDX-License-Identifier: GPL-2.0

//! `make encode`: judges every row of the instruction table against GNU as and LLVM.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::encode::main()
}
