// SPDX-License-Identifier: GPL-2.0

//! From a MIPS word back to the row of the instruction table that it is, and to text.
//!
//! It knows nothing of how the word came about: it looks for the row whose fixed bits the word has.
//! `make encode` judges it, and with it the names in the table, against the disassemblers of GNU
//! and LLVM; the checks of [`super::check`] rest on it.

use std::fmt::Write;
use std::sync::OnceLock;

use crate::jit::mips::table::{Effects, Field, Op, Role, Row};
use crate::jit::mips::{Reg, RegMask};

/// Words are looked up by bits 31 to 26, which are fixed in every row, and bits 5 to 0.
const KEYS: usize = 64 * 64;

fn key(bits: u32) -> usize {
    (bits >> 26 << 6 | bits & 63) as usize
}

/// A word that is an instruction of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) op: Op,
    bits: u32,
}

/// How to write what differs between a listing and an assembler's input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    /// Bare register names; branch targets as addresses, for a word at this address.
    Listing(u32),
    /// `$` before register names; branch targets relative to the branch.
    Assembler,
}

impl Word {
    /// The instruction that a word is; none if the table has no such row.
    pub(crate) fn decode(bits: u32) -> Option<Word> {
        static ROWS: OnceLock<Vec<Vec<Op>>> = OnceLock::new();
        let rows = ROWS.get_or_init(|| {
            let mut rows = vec![Vec::new(); KEYS];
            for &op in Op::ALL {
                let (mask, fixed) = (op.row().fixed_mask(), op.row().bits);
                // Where an operand is in the low bits, the row is in several places.
                let places = (0..64).map(|low| fixed & !63 | low);
                for place in places.filter(|low| low & mask & 63 == fixed & mask & 63) {
                    rows[key(place)].push(op);
                }
            }
            rows
        });
        let mut fitting = rows[key(bits)]
            .iter()
            .filter(|op| bits & op.row().fixed_mask() == op.row().bits);
        let op = *fitting.next()?;
        match fitting.next() {
            None => Some(Word { op, bits }),
            // Two rows for one word: neither can be trusted.
            Some(_) => None,
        }
    }

    /// The row of the table.
    pub(crate) fn row(self) -> &'static Row {
        self.op.row()
    }

    /// Whether it does something of `effects` beyond registers.
    pub(crate) fn has(self, effects: Effects) -> bool {
        self.row().effects.intersects(effects)
    }

    /// Whether it transfers control, with a delay slot or without.
    pub(crate) fn transfers(self) -> bool {
        self.has(Effects::BRANCHES) || self.has(Effects::COMPACT)
    }

    /// The content of a field.
    pub(crate) fn field(self, field: Field) -> u32 {
        field.extract(self.bits)
    }

    /// The registers it writes.
    pub(crate) fn writes(self) -> RegMask {
        let written = self.registers(|role| matches!(role, Role::w | Role::rw));
        match self.has(Effects::LINKS) {
            true => written.with(Reg::RA),
            false => written,
        }
    }

    /// The registers it reads.
    pub(crate) fn reads(self) -> RegMask {
        self.registers(|role| matches!(role, Role::r | Role::rw))
    }

    fn registers(self, wanted: impl Fn(Role) -> bool) -> RegMask {
        let mut mask = RegMask::EMPTY;
        for operand in self.row().operands {
            if wanted(operand.role) {
                mask = mask.with(Reg::from_number(self.field(operand.field)));
            }
        }
        mask
    }

    /// Distance of a branch from itself to its target, in words; none if it is no branch.
    pub(crate) fn distance(self) -> Option<i32> {
        self.row()
            .operands
            .iter()
            .find(|operand| matches!(operand.field, Field::Disp | Field::Disp26))
            .map(|operand| displacement(operand.field, self.field(operand.field)) + 1)
    }

    /// The instruction as text.
    pub(crate) fn print(self, style: Style) -> String {
        let mut text = self.row().name.to_string();
        let mut separator = " ";
        // The two-operand forms of division are macros to an assembler; $zero in front says that
        // the machine's own instruction is meant.
        if matches!(self.op, Op::Div | Op::Divu | Op::Ddiv | Op::Ddivu) {
            text += separator;
            text += &name(Reg::ZERO, style);
            separator = ", ";
        }
        for operand in self.row().operands {
            if operand.field != Field::Base {
                text += separator;
            }
            separator = ", ";
            let content = self.field(operand.field);
            let written = match operand.field {
                Field::Rd | Field::Rs | Field::Rt => {
                    write!(text, "{}", name(Reg::from_number(content), style))
                }
                Field::Base => write!(text, "({})", name(Reg::from_number(content), style)),
                Field::Sa | Field::Pos => write!(text, "{content}"),
                Field::Size => write!(text, "{}", content + 1),
                Field::Simm => write!(text, "{}", signed(content, 16)),
                Field::Simm9 => write!(text, "{}", signed(content, 9)),
                Field::Uimm => write!(text, "{content:#x}"),
                Field::Disp | Field::Disp26 => {
                    let bytes = (displacement(operand.field, content) + 1) * 4;
                    match style {
                        Style::Assembler => write!(text, ".{bytes:+}"),
                        Style::Listing(at) => {
                            write!(text, "{:#x}", at.wrapping_add_signed(bytes))
                        }
                    }
                }
            };
            written.expect("a string takes everything");
        }
        text
    }
}

/// A word at an address as text, whatever it is.
pub(crate) fn print(bits: u32, at: u32) -> String {
    match Word::decode(bits) {
        Some(_) if bits == 0 => "nop".to_string(),
        Some(word) => word.print(Style::Listing(at)),
        None => format!(".word {bits:#010x}"),
    }
}

fn name(reg: Reg, style: Style) -> String {
    match style {
        Style::Listing(_) => reg.name().to_string(),
        Style::Assembler => format!("${}", reg.name()),
    }
}

/// The displacement that a field holds, in words.
fn displacement(field: Field, content: u32) -> i32 {
    match field {
        Field::Disp26 => signed(content, 26),
        _ => signed(content, 16),
    }
}

/// The low bits of a word as a signed number.
fn signed(bits: u32, width: u32) -> i32 {
    (bits << (32 - width)) as i32 >> (32 - width)
}
