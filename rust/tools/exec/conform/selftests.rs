// SPDX-License-Identifier: GPL-2.0

//! The kernel's selftests: the programs in `tools/testing/selftests/bpf/progs/verifier_*.c` for
//! which a result is noted.
//!
//! They are compiled by clang for BPF of either byte order. Tags in their BTF say what they return
//! (`__retval()`, see `progs/bpf_misc.h`). Some files need headers that are made when the selftests
//! are built; what little of them it takes is made here. The programs know of no MIPS: they are
//! compiled as for x86, for which the kernel has every instruction.
//!
//! A test's program passes through the verifier, which rewrites what depends on a kernel. Such
//! programs are not run. A helper that gives some number is replaced by a call and a number.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SymbolKind};
use tempfile::TempDir;

use super::super::edit::rebuild;
use super::super::places::call;
use super::vector::{Context, Expected, Skip, Vector};
use super::{btf, places, Suite};
use crate::model::bpf::fields::{class, Fields};
use crate::model::bpf::memory::ByteOrder;
use crate::tools::build::*;
use crate::tools::linux;

const SELFTESTS: &str = "tools/testing/selftests/bpf";

/// Helpers without arguments whose result is some number: `bpf_ktime_get_ns()`,
/// `bpf_get_prandom_u32()` and `bpf_get_smp_processor_id()`.
const NUMBERS: [i32; 3] = [5, 7, 8];

/// The number: any but zero, which the time never is.
const NUMBER: i32 = 0x2a_5b17;

/// What a test's `POINTER_VALUE` is: the result is not looked at.
const POINTER: u32 = 0x0bad_cafe;

/// Headers that take the place of those that are made in the kernel's build.
const HEADERS: [(&str, &str); 3] = [
    ("asm/types.h", "#include <asm-generic/int-ll64.h>\n"),
    ("errno.h", "#include <asm-generic/errno.h>\n"),
    (
        "vmlinux.h",
        "#include <stdbool.h>\n\
         #include <linux/bpf.h>\n\
         typedef __u8 u8; typedef __u16 u16; typedef __u32 u32; typedef __u64 u64;\n\
         typedef __s8 s8; typedef __s16 s16; typedef __s32 s32; typedef __s64 s64;\n",
    ),
];

/// Reads the suite.
pub(super) fn read(order: ByteOrder) -> Result<Suite> {
    let linux = linux::source()?;
    let compiler = Compiler::new(&linux, order)?;
    let programs = linux.join(SELFTESTS).join("progs");
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(&programs).with_context(|| programs.display().to_string())? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if name.starts_with("verifier_") && path.extension().is_some_and(|end| end == "c") {
            sources.push(path);
        }
    }
    sources.sort();
    let mut vectors = Vec::new();
    let mut files = 0;
    for source in &sources {
        let text = std::fs::read_to_string(source)?;
        let expected = text.matches("__retval(").count();
        if expected == 0 {
            continue;
        }
        files += 1;
        let name = source.file_stem().unwrap_or_default().to_string_lossy();
        match compiler.compile(source)? {
            Some(object) => {
                let read = from_object(&object, order).with_context(|| name.to_string())?;
                vectors.extend(
                    read.into_iter()
                        .map(|(f, vector)| (format!("{name}/{f}"), vector)),
                );
            }
            None => vectors.extend((0..expected).map(|number| {
                let skip = "is in a file that needs more of the kernel's headers to compile";
                (format!("{name}/{number}"), Err(skip))
            })),
        }
    }
    Ok(Suite {
        title: format!(
            "programs with __retval in {files} files of {SELFTESTS}/progs, Linux {}",
            version(&linux)?
        ),
        fewest: 300,
        vectors,
    })
}

fn version(linux: &Path) -> Result<String> {
    let makefile = std::fs::read_to_string(linux.join("Makefile"))?;
    let value = |key: &str| {
        let line = makefile.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|line| line.trim().strip_prefix('='))
            .map_or_else(|| "?".to_owned(), |value| value.trim().to_owned())
    };
    let parts = ["VERSION", "PATCHLEVEL", "SUBLEVEL"].map(value);
    Ok(parts.join("."))
}

/// clang, for BPF of one byte order, and headers for it.
struct Compiler {
    clang: PathBuf,
    target: &'static str,
    linux: PathBuf,
    made: TempDir,
}

impl Compiler {
    fn new(linux: &Path, order: ByteOrder) -> Result<Compiler> {
        let made = tempfile::tempdir()?;
        for (name, content) in HEADERS {
            let path = made.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(made.path()))?;
            std::fs::write(path, content)?;
        }
        let uapi = std::fs::read_to_string(linux.join("tools/include/uapi/linux/bpf.h"))?;
        std::fs::write(made.path().join("bpf_helper_defs.h"), helpers(&uapi))?;
        Ok(Compiler {
            clang: places::clang(),
            target: match order {
                ByteOrder::Little => "bpfel",
                ByteOrder::Big => "bpfeb",
            },
            linux: linux.to_owned(),
            made,
        })
    }

    /// Compiles a file; none if it does not compile.
    fn compile(&self, source: &Path) -> Result<Option<Vec<u8>>> {
        let object = self.made.path().join("object.o");
        let tree = [
            SELFTESTS,
            "tools/testing/selftests/bpf/libarena/include",
            "tools/lib",
            "tools/include/uapi",
            "include/uapi",
            "tools/include",
        ];
        let mut command = Command::new(&self.clang);
        command
            .args(["-target", self.target, "-mcpu=v4", "-O2", "-g", "-w"])
            .args(["-ffreestanding", "-nostdlibinc", "-D__TARGET_ARCH_x86"])
            // Helpers are declared without their types.
            .arg("-Wno-error=int-conversion")
            .arg("-Wno-error=implicit-function-declaration")
            .arg("-I")
            .arg(self.made.path());
        for directory in tree {
            command.arg("-I").arg(self.linux.join(directory));
        }
        command.arg("-c").arg(source).arg("-o").arg(&object);
        let output = command.output().with_context(|| {
            format!(
                "{} does not run: run `scripts/setup exec`",
                self.clang.display()
            )
        })?;
        match output.status.success() {
            true => Ok(Some(std::fs::read(&object)?)),
            false => Ok(None),
        }
    }
}

/// Declarations of the helpers, of which the numbers are in a list `FN(name, number, ...)`.
fn helpers(uapi: &str) -> String {
    let mut text = String::new();
    for entry in uapi.split("FN(").skip(1) {
        let mut parts = entry.split(',').map(str::trim);
        let (Some(name), Some(number)) = (parts.next(), parts.next()) else {
            continue;
        };
        if let Ok(number) = number.trim_end_matches(')').parse::<u32>() {
            let _ = writeln!(
                text,
                "static long (*const bpf_{name})() = (void *){number};"
            );
        }
    }
    text
}

/// The programs in an object that have a result.
fn from_object(bytes: &[u8], order: ByteOrder) -> Result<Vec<(String, Result<Vector, Skip>)>> {
    let file = object::File::parse(bytes)?;
    let btf = file.section_by_name(".BTF").context("no BTF")?;
    let tags = btf::tags(btf.data()?, order)?;
    let mut vectors = Vec::new();
    for symbol in file.symbols().filter(|s| s.kind() == SymbolKind::Text) {
        let name = symbol.name()?.to_owned();
        let Some(result) = tags.get(&name).and_then(|tags| result(tags)) else {
            continue;
        };
        let index = symbol.section_index().context("a function in no section")?;
        let section = file.section_by_index(index)?;
        let range = symbol.address()..symbol.address() + symbol.size();
        let code = section
            .data()?
            .get(range.start as usize..range.end as usize)
            .with_context(|| format!("{name} is not inside its section"))?;
        let program: Vec<Fields> = code
            .chunks_exact(8)
            .map(|slot| Fields::of(slot.try_into().unwrap_or_default(), order))
            .collect();
        let is_relocated = section.relocations().any(|(at, _)| range.contains(&at));
        vectors.push((name, vector(program, &result, is_relocated)));
    }
    Ok(vectors)
}

/// What stands in a program's `__retval()`, if it has one and is to be loaded at all.
fn result(tags: &[String]) -> Option<String> {
    // comment:NUMBER:TAG
    let mut tags = tags.iter().filter_map(|tag| tag.splitn(3, ':').nth(2));
    tags.find_map(|tag| Some(tag.strip_prefix("test_retval=")?.to_owned()))
}

fn vector(program: Vec<Fields>, result: &str, is_relocated: bool) -> Result<Vector, Skip> {
    if is_relocated {
        return Err("refers to a map, a global variable or another program");
    }
    if let Some(skip) = program.iter().find_map(kernels) {
        return Err(skip);
    }
    let expected = number(result)
        .filter(|result| *result != POINTER)
        .ok_or("returns what only the kernel knows")?;
    let program = rebuild(&program, |_, insn| match insn.opcode {
        CALL => vec![call(0), mov_imm(0, NUMBER)],
        _ => vec![*insn],
    });
    Ok(Vector {
        program: program.ok_or("gets too long")?,
        context: Context::Kernel,
        expected: Expected::Word(expected),
    })
}

const CALL: u8 = class::JMP | 0x80;

/// Why an instruction needs a kernel, or its verifier.
fn kernels(insn: &Fields) -> Option<Skip> {
    let is_arithmetic = matches!(insn.class(), class::ALU | class::ALU64);
    match (insn.opcode, insn.src) {
        (CALL, 0) if NUMBERS.contains(&insn.immediate) => None,
        (CALL, 0) => Some("calls a helper"),
        (CALL, 1) => Some("calls another program"),
        (CALL, _) => Some("calls a function of the kernel"),
        (0xe5, _) => Some("may_goto, which the verifier replaces"),
        (0x0d, _) => Some("jumps to the address in a register"),
        (0x20 | 0x28 | 0x30 | 0x40 | 0x48 | 0x50, _) => {
            Some("legacy packet access, which the verifier replaces")
        }
        (0xbf, _) if insn.offset == 1 => Some("uses an arena"),
        _ if is_arithmetic && insn.dst == R10 => {
            Some("writes R10 where it never gets, which the verifier removes")
        }
        (0xdb, _) if matches!(insn.immediate, 0x100 | 0x110) => {
            Some("64-bit load-acquire or store-release, which no 32-bit machine has")
        }
        _ => None,
    }
}

fn number(text: &str) -> Option<u32> {
    let text = text.trim().trim_start_matches('(').trim_end_matches(')');
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None if digits == "_INT_MIN" => 1 << 31,
        None => digits.parse().ok()?,
    };
    Some(if is_negative {
        value.wrapping_neg()
    } else {
        value
    })
}
