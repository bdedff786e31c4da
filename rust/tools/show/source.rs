// SPDX-License-Identifier: GPL-2.0

//! Where a program comes from: text, raw bytes, or an object file.

use std::path::Path;

use anyhow::{bail, ensure, Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, RelocationTarget, SectionKind, SymbolKind};

use crate::host::{dialect, text};
use crate::jit::bpf::Raw;
use crate::jit::mips::{Cpu, Endian};

/// Bytes of an instruction slot.
const SLOT: usize = 8;

/// What to show of an object file.
pub(super) struct Selection<'a> {
    pub(super) section: Option<&'a str>,
    pub(super) function: Option<&'a str>,
}

/// A program to compile.
pub(super) struct Function {
    pub(super) name: String,
    pub(super) program: Vec<Raw>,
    /// What else the source says of it.
    pub(super) notes: Vec<String>,
}

/// Reads what stands on the command line.
pub(super) fn read(bpf: &str, selection: &Selection<'_>, cpu: &Cpu) -> Result<Vec<Function>> {
    let path = Path::new(bpf);
    // No text ends like that.
    if path.is_file() || bpf.ends_with(".o") {
        return read_file(path, selection, cpu);
    }
    ensure!(
        !bpf.trim().is_empty(),
        "no program: BPF='r0 = 1; exit', bytes in hexadecimal, or an object file"
    );
    let program = match hexadecimal(bpf) {
        Some(bytes) => from_bytes(&bytes?, cpu.endian)?,
        None => parse(bpf, cpu)?,
    };
    Ok(one(program))
}

/// Reads a file: an object, or text.
pub(super) fn read_file(
    path: &Path,
    selection: &Selection<'_>,
    cpu: &Cpu,
) -> Result<Vec<Function>> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{name}"))?;
    if bytes.starts_with(b"\x7fELF") {
        return from_object(&bytes, selection, cpu).with_context(|| format!("{name}"));
    }
    let source = String::from_utf8(bytes)
        .ok()
        .with_context(|| format!("{name} is neither an object file nor text"))?;
    Ok(one(parse(&source, cpu).with_context(|| format!("{name}"))?))
}

fn one(program: Vec<Raw>) -> Vec<Function> {
    vec![Function {
        name: "program".to_string(),
        program,
        notes: Vec::new(),
    }]
}

fn parse(source: &str, cpu: &Cpu) -> Result<Vec<Raw>> {
    Ok(text::parse(source, dialect(cpu))?)
}

/// Bytes written as hexadecimal digits, if nothing else is there.
fn hexadecimal(text: &str) -> Option<Result<Vec<u8>>> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .map(|c| Some(c.to_digit(16)? as u8))
        .collect::<Option<_>>()?;
    if digits.len() % (2 * SLOT) != 0 {
        let error = anyhow::anyhow!(
            "{} hexadecimal digits are no whole number of instructions, which have {}",
            digits.len(),
            2 * SLOT
        );
        return Some(Err(error));
    }
    let bytes = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    Some(Ok(bytes))
}

/// Instructions as they lie in a machine's memory.
fn from_bytes(bytes: &[u8], endian: Endian) -> Result<Vec<Raw>> {
    ensure!(
        bytes.len() % SLOT == 0,
        "{} bytes are no whole number of instructions",
        bytes.len()
    );
    let slot = |slot: &[u8]| {
        let [code, regs, o0, o1, i0, i1, i2, i3] = slot.try_into().ok()?;
        let (off, imm) = match endian {
            Endian::Little => (
                i16::from_le_bytes([o0, o1]),
                i32::from_le_bytes([i0, i1, i2, i3]),
            ),
            Endian::Big => (
                i16::from_be_bytes([o0, o1]),
                i32::from_be_bytes([i0, i1, i2, i3]),
            ),
        };
        Some(Raw {
            code,
            regs,
            off,
            imm,
        })
    };
    Ok(bytes.chunks(SLOT).filter_map(slot).collect())
}

/// The functions of an object file, as they are before any relocation.
fn from_object(bytes: &[u8], selection: &Selection<'_>, cpu: &Cpu) -> Result<Vec<Function>> {
    let file = object::File::parse(bytes)?;
    ensure!(
        file.architecture() == object::Architecture::Bpf,
        "an object file, but not of BPF"
    );
    let is_little = cpu.endian == Endian::Little;
    if file.is_little_endian() != is_little {
        let (theirs, ours) = if is_little {
            ("bpfeb", "bpfel")
        } else {
            ("bpfel", "bpfeb")
        };
        bail!("built for {theirs}; this machine takes {ours}");
    }
    let mut functions = Vec::new();
    for section in file.sections() {
        let name = section.name()?;
        let is_wanted = selection.section.is_none_or(|wanted| wanted == name);
        if section.kind() == SectionKind::Text && section.size() > 0 && is_wanted {
            from_section(&file, &section, selection, cpu, &mut functions)?;
        }
    }
    ensure!(
        !functions.is_empty(),
        "no such code: section {}, function {}",
        selection.section.unwrap_or("any"),
        selection.function.unwrap_or("any")
    );
    Ok(functions)
}

fn from_section<'d>(
    file: &object::File<'d>,
    section: &object::Section<'d, '_>,
    selection: &Selection<'_>,
    cpu: &Cpu,
    functions: &mut Vec<Function>,
) -> Result<()> {
    let bytes = section.data()?;
    let mut parts: Vec<(u64, u64, String)> = file
        .symbols()
        .filter(|symbol| symbol.section_index() == Some(section.index()))
        .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.size() > 0)
        .map(|symbol| Ok((symbol.address(), symbol.size(), symbol.name()?.to_string())))
        .collect::<Result<_>>()?;
    parts.sort();
    if parts.is_empty() {
        parts.push((0, section.size(), section.name()?.to_string()));
    }
    for (begins, size, name) in parts {
        if selection.function.is_some_and(|wanted| wanted != name) {
            continue;
        }
        let range = usize::try_from(begins)?..usize::try_from(begins + size)?;
        let code = bytes
            .get(range)
            .with_context(|| format!("{name} is not inside its section"))?;
        let mut notes = Vec::new();
        for (at, relocation) in section.relocations() {
            if let Some(offset) = at.checked_sub(begins).filter(|offset| *offset < size) {
                let target = target(file, relocation.target());
                notes.push(format!(
                    "  slot {} refers to {target}",
                    offset / SLOT as u64
                ));
            }
        }
        functions.push(Function {
            name: format!("{}/{name}", section.name()?),
            program: from_bytes(code, cpu.endian)?,
            notes,
        });
    }
    Ok(())
}

fn target(file: &object::File<'_>, target: RelocationTarget) -> String {
    let name = match target {
        RelocationTarget::Symbol(index) => {
            let symbol = file.symbol_by_index(index).ok();
            symbol.and_then(|symbol| symbol.name().ok().map(str::to_string))
        }
        _ => None,
    };
    match name {
        Some(name) if !name.is_empty() => name,
        _ => "a section".to_string(),
    }
}
