// SPDX-License-Identifier: GPL-2.0

//! `make exec`: gives public conformance suites to the BPF model and to emitted code.

fn main() -> std::process::ExitCode {
    bpf_jit_mips::tools::exec::conform::main()
}
