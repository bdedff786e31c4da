// SPDX-License-Identifier: GPL-2.0

//! BPF and the MIPS code made of it, side by side.
//!
//! ```text
//!      prologue     c0040000 afa00000 sw zero, 0(sp)
//!                   c0040004 00002821 addu a1, zero, zero
//!    0 r0 = 1       c0040008 24020001 addiu v0, zero, 1
//! ```

use super::mips::print;
use super::{text, Image};
use crate::jit::bpf::{decode, Dialect, Raw};
use crate::jit::error::Result;

/// What a listing shows of a BPF instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Its text.
    Text,
    /// Its text, and what decoding made of it.
    TextAndTyped,
}

/// One entry: a BPF instruction, the prologue or the epilogue.
struct Entry {
    index: String,
    columns: Vec<String>,
    /// In words.
    begins: usize,
    ends: usize,
}

/// Lists a program with its image.
///
/// # Errors
///
/// What decoding says of the program; none if the image was made of it.
pub(crate) fn listing(
    program: &[Raw],
    dialect: Dialect,
    image: &Image,
    columns: Columns,
) -> Result<String> {
    let entries = entries(program, dialect, image, columns)?;
    let column_count = entries.iter().map(|e| e.columns.len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..column_count)
        .map(|column| {
            let cells = entries.iter().filter_map(|e| e.columns.get(column));
            cells.map(String::len).max().unwrap_or(0)
        })
        .collect();
    let digits = entries.iter().map(|e| e.index.len()).max().unwrap_or(0);

    let mut out = String::new();
    for entry in &entries {
        let words = entry.begins..entry.ends;
        // An instruction without code has a line all the same.
        for line in 0..words.len().max(1) {
            let is_first = line == 0;
            let index = if is_first { entry.index.as_str() } else { "" };
            let mut text = format!("{index:>digits$}");
            for (column, &width) in widths.iter().enumerate() {
                let cell = entry.columns.get(column).filter(|_| is_first);
                text += &format!(" {:width$}", cell.map_or("", String::as_str));
            }
            if let Some(at) = words.clone().nth(line) {
                let address = image.address.wrapping_add(at as u32 * 4);
                let word = image.words[at];
                text += &format!("  {address:08x} {word:08x} {}", print(word, address));
            }
            out += text.trim_end();
            out.push('\n');
        }
    }
    Ok(out)
}

fn entries(
    program: &[Raw],
    dialect: Dialect,
    image: &Image,
    columns: Columns,
) -> Result<Vec<Entry>> {
    let begins = |slot: usize| image.offsets.get(slot).map_or(0, |at| *at as usize / 4);
    let frame = |name: &str, begins, ends| Entry {
        index: String::new(),
        columns: vec![name.to_string()],
        begins,
        ends,
    };
    let mut entries = vec![frame("prologue", 0, begins(0))];
    let mut at = 0;
    while at < program.len() {
        let insn = decode(&dialect, program, at as u32)?;
        let next = at + insn.slots() as usize;
        let mut cells = vec![text::print(&insn, at as u32)];
        if columns == Columns::TextAndTyped {
            cells.push(format!("{insn:?}"));
        }
        entries.push(Entry {
            index: at.to_string(),
            columns: cells,
            begins: begins(at),
            ends: begins(next),
        });
        at = next;
    }
    entries.push(frame("epilogue", begins(at), image.words.len()));
    Ok(entries)
}
