// SPDX-License-Identifier: GPL-2.0

//! Host tests of the core that need nothing but a Rust toolchain.
//!
//! Every image that they compile is judged by [`crate::host::check`]: no word writes `$gp`, `$k0`
//! or `$k1`, no branch leaves the image.

mod argument;
mod block;
mod check;
mod copies;
mod decode;
mod facts;
mod forms;
mod frame;
mod functions;
mod fuzz;
mod golden;
mod helpers;
mod immediate;
mod kernel;
mod layout;
mod long;
mod mips;
mod mutants;
mod operand;
mod register;
mod rules;
mod site;
mod sizes;
mod slot;
mod straight;
mod text;
mod trampoline;
mod unwind;
mod work;

use std::path::{Path, PathBuf};

use crate::host;
use crate::jit::bpf::Raw;
use crate::jit::mips::{Cpu, Endian, Release};

const LE_R1: Cpu = host::cpu(Endian::Little, Release::R1);
const LE_R2: Cpu = host::cpu(Endian::Little, Release::R2);
const BE_R1: Cpu = host::cpu(Endian::Big, Release::R1);
const BE_R2: Cpu = host::cpu(Endian::Big, Release::R2);
const LE_R6: Cpu = host::cpu(Endian::Little, Release::R6);
const BE_R6: Cpu = host::cpu(Endian::Big, Release::R6);

const LE64_R1: Cpu = host::cpu64(Endian::Little, Release::R1);
const LE64_R2: Cpu = host::cpu64(Endian::Little, Release::R2);
const BE64_R1: Cpu = host::cpu64(Endian::Big, Release::R1);
const BE64_R2: Cpu = host::cpu64(Endian::Big, Release::R2);
const LE64_R6: Cpu = host::cpu64(Endian::Little, Release::R6);
const BE64_R6: Cpu = host::cpu64(Endian::Big, Release::R6);

/// Every machine, with its name in data files.
const MACHINES: [(&str, Cpu); 12] = [
    ("le-r2", LE_R2),
    ("be-r2", BE_R2),
    ("le-r1", LE_R1),
    ("be-r1", BE_R1),
    ("le-r6", LE_R6),
    ("be-r6", BE_R6),
    ("le64-r2", LE64_R2),
    ("be64-r2", BE64_R2),
    ("le64-r1", LE64_R1),
    ("be64-r1", BE64_R1),
    ("le64-r6", LE64_R6),
    ("be64-r6", BE64_R6),
];

/// Assembles a program for a machine.
fn program(text: &str, cpu: &Cpu) -> Vec<Raw> {
    match host::text::parse(text, host::dialect(cpu)) {
        Ok(program) => program,
        Err(fault) => panic!("{fault} in {text}"),
    }
}

/// A file or directory of the tests.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Whether files of expected output are to be rewritten instead of compared.
fn blesses() -> bool {
    std::env::var_os("BLESS").is_some()
}
