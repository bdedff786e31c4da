// SPDX-License-Identifier: GPL-2.0

//! Somebody else's assembler and disassembler.
//!
//! Where they are is in `MIPS_AS`, `MIPS_OBJDUMP`, `LLVM_MC` and `LLVM_OBJDUMP`; without them, in
//! the path, under one of the names that distributions give them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{bail, ensure, Context, Result};
use object::{Object as _, ObjectSection as _};
use tempfile::TempDir;

use super::normal::NAMES;
use crate::jit::mips::table::Op;
use crate::jit::mips::{Cpu, Endian, Release, Width};

/// Lines in front of the instructions: nothing is to be reordered, expanded or lent a register.
const HEADER: &str = ".set noreorder\n.set noat\n.set nomacro\n.text\n";

/// Another such line, for GNU as on machines of 64 bits. The ABI stays o32: of Release 6 it leaves
/// all branches to the linker, with displacements where the ABI has them, which is in the
/// instructions of o32, and elsewhere in n64.
const WIDE_HEADER: &str = ".set gp=64\n";

/// Whose tools they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Gnu,
    Llvm,
}

/// An assembler, a disassembler, and a place for their files.
pub(super) struct Toolchain {
    kind: Kind,
    assembler: PathBuf,
    disassembler: PathBuf,
    directory: TempDir,
}

/// What an assembler made: the words of `.text`.
pub(super) struct Object {
    pub(super) words: Vec<u32>,
    path: PathBuf,
}

impl Toolchain {
    /// Finds the tools.
    pub(super) fn find(kind: Kind) -> Result<Toolchain> {
        let (assembler, disassembler) = match kind {
            Kind::Gnu => (
                tool(
                    "MIPS_AS",
                    &["mips-linux-gnu-as", "mipsel-linux-gnu-as"],
                    "binutils-mips-linux-gnu",
                )?,
                tool(
                    "MIPS_OBJDUMP",
                    &["mips-linux-gnu-objdump", "mipsel-linux-gnu-objdump"],
                    "binutils-mips-linux-gnu",
                )?,
            ),
            Kind::Llvm => (
                tool("LLVM_MC", &["llvm-mc-19", "llvm-mc"], "llvm")?,
                tool("LLVM_OBJDUMP", &["llvm-objdump-19", "llvm-objdump"], "llvm")?,
            ),
        };
        Ok(Toolchain {
            kind,
            assembler,
            disassembler,
            directory: tempfile::tempdir()?,
        })
    }

    /// What to call the assembler and the disassembler.
    pub(super) fn names(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Gnu => ("GNU as", "objdump"),
            Kind::Llvm => ("llvm-mc", "llvm-objdump"),
        }
    }

    /// Whether the assembler is known to take an instruction for a CPU that does not have it. LLVM
    /// does not ask for 64 bits where it takes `scd` for one of Release 6. Both take `jalr.hb` for
    /// Release 1; that it is of Release 2 says LLVM's D43486, which uses it.
    pub(super) fn is_lenient(&self, cpu: &Cpu, op: Op) -> bool {
        if op == Op::JalrHb {
            return !cpu.has_r2();
        }
        self.kind == Kind::Llvm && cpu.is_r6() && cpu.width == Width::W32 && op == Op::ScdR6
    }

    /// Assembles lines: to words, or to the numbers of the lines that it refuses, from 0.
    pub(super) fn assemble(
        &self,
        cpu: &Cpu,
        lines: &[String],
    ) -> Result<Result<Object, BTreeSet<usize>>> {
        let source = self.directory.path().join("rows.s");
        let path = self.directory.path().join("rows.o");
        let lines: Vec<String> = match cpu.width {
            Width::W32 => lines.to_vec(),
            Width::W64 => lines.iter().map(|line| numbered(line)).collect(),
        };
        let header = match (self.kind, cpu.width) {
            (Kind::Gnu, Width::W64) => [HEADER, WIDE_HEADER].concat(),
            _ => HEADER.to_string(),
        };
        std::fs::write(&source, format!("{header}{}\n", lines.join("\n")))?;
        let mut command = Command::new(&self.assembler);
        match self.kind {
            Kind::Gnu => command
                .arg(match cpu.endian {
                    Endian::Little => "-EL",
                    Endian::Big => "-EB",
                })
                .arg(format!("-{}", name(cpu)))
                .args(["-mabi=32", "--fatal-warnings"]),
            Kind::Llvm => command
                .arg(match (cpu.width, cpu.endian) {
                    (Width::W32, Endian::Little) => "-arch=mipsel",
                    (Width::W32, Endian::Big) => "-arch=mips",
                    (Width::W64, Endian::Little) => "-arch=mips64el",
                    (Width::W64, Endian::Big) => "-arch=mips64",
                })
                .arg(format!("-mcpu={}", name(cpu)))
                .arg("-filetype=obj"),
        };
        command.arg("-o").arg(&path).arg(&source);
        let output = run(&mut command)?;
        if output.status.success() {
            let words = words(&path, cpu.endian)?;
            return Ok(Ok(Object { words, path }));
        }
        let messages = String::from_utf8_lossy(&output.stderr);
        let refused = refused(&messages, &source, &header, lines.len());
        ensure!(!refused.is_empty(), "the assembler fails: {messages}");
        Ok(Err(refused))
    }

    /// The text of every word.
    pub(super) fn disassemble(&self, cpu: &Cpu, object: &Object) -> Result<Vec<String>> {
        let mut command = Command::new(&self.disassembler);
        match self.kind {
            Kind::Gnu => command.args(["-d", "-z", "-M"]).arg(match cpu.width {
                Width::W32 => "no-aliases",
                // n64 has other names for some registers.
                Width::W64 => "no-aliases,gpr-names=numeric",
            }),
            Kind::Llvm => command
                .args(["-d", "-z"])
                .arg(format!("--mcpu={}", name(cpu))),
        };
        command.arg(&object.path);
        let output = run(&mut command)?;
        ensure!(
            output.status.success(),
            "the disassembler fails: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?
            .lines()
            .filter_map(instruction)
            .map(str::to_string)
            .collect())
    }
}

/// The instruction in a line "address: bytes <tab> instruction".
fn instruction(line: &str) -> Option<&str> {
    let (address, rest) = line.split_once(':')?;
    u64::from_str_radix(address.trim(), 16).ok()?;
    let (_, text) = rest.trim_start().split_once('\t')?;
    Some(text)
}

/// The lines behind the header that error messages name, as "file:line:" first.
fn refused(messages: &str, source: &Path, header: &str, count: usize) -> BTreeSet<usize> {
    let source = source.to_string_lossy();
    messages
        .lines()
        .filter_map(|message| message.strip_prefix(&*source)?.strip_prefix(':'))
        .filter_map(|rest| rest.split(':').next()?.trim().parse::<usize>().ok())
        .filter_map(|line| line.checked_sub(1 + header.lines().count()))
        .filter(|line| *line < count)
        .collect()
}

/// What the tools call a CPU.
fn name(cpu: &Cpu) -> &'static str {
    match (cpu.width, cpu.release) {
        (Width::W32, Release::R1) => "mips32",
        (Width::W32, Release::R2) => "mips32r2",
        (Width::W32, Release::R6) => "mips32r6",
        (Width::W64, Release::R1) => "mips64",
        (Width::W64, Release::R2) => "mips64r2",
        (Width::W64, Release::R6) => "mips64r6",
    }
}

/// A line with numbers for the names of registers, which are those of o32.
fn numbered(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('$') {
        let end = after
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(after.len());
        let (name, behind) = after.split_at(end);
        out += before;
        out += "$";
        match NAMES.iter().position(|known| *known == name) {
            Some(number) => out += &number.to_string(),
            None => out += name,
        }
        rest = behind;
    }
    out + rest
}

/// The words of an object's `.text`: what was assembled, and padding.
fn words(path: &Path, endian: Endian) -> Result<Vec<u32>> {
    let bytes = std::fs::read(path)?;
    let object = object::File::parse(&*bytes)?;
    let text = object.section_by_name(".text").context("no .text")?;
    Ok(text
        .data()?
        .chunks_exact(4)
        .filter_map(|bytes| bytes.try_into().ok())
        .map(|bytes| match endian {
            Endian::Little => u32::from_le_bytes(bytes),
            Endian::Big => u32::from_be_bytes(bytes),
        })
        .collect())
}

fn run(command: &mut Command) -> Result<Output> {
    command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))
}

/// Where a tool is: in a variable, or under one of these names in the path.
fn tool(variable: &str, names: &[&str], package: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        ensure!(
            path.is_file(),
            "{variable}={}: no such file",
            path.display()
        );
        return Ok(path);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    for name in names {
        for directory in std::env::split_paths(&path) {
            let candidate = directory.join(name);
            if candidate.is_file() {
                return Ok(candidate);
            }
        }
    }
    bail!(
        "no {} in the path: install {package}, or set {variable}",
        names[0]
    )
}
