// SPDX-License-Identifier: GPL-2.0

//! The instructions to judge: every row with its operands at their boundaries.

use std::collections::BTreeSet;

use crate::host::mips::{Style, Word};
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::{Disp16, Disp26, FieldSize, Reg, Shift5, Simm16, Simm9, Uimm16};

/// A row with operands.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) op: Op,
    /// What the table makes of it.
    pub(super) word: u32,
    /// What the table should print, which does not depend on the word.
    text: String,
}

impl Case {
    /// The instruction as an assembler takes it.
    pub(super) fn text(&self) -> String {
        self.text.clone()
    }
}

/// Values of 16 bits at which something may go wrong, and two with a pattern.
const HALVES: [u16; 12] = [
    0, 1, 2, 0x7ffe, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x5555, 0xaaaa, 0x1234,
];

/// The same of 9 and of 26 bits.
const NINES: [u32; 12] = [
    0, 1, 2, 0xfe, 0xff, 0x100, 0x101, 0x1fe, 0x1ff, 0x155, 0xaa, 0x123,
];
const WIDE: [u32; 12] = [
    0, 1, 2, 0x1ff_fffe, 0x1ff_ffff, 0x200_0000, 0x200_0001, 0x3ff_fffe, 0x3ff_ffff, 0x155_5555,
    0x2aa_aaaa, 0x123_4567,
];

/// Registers at the edges of the field.
const REGISTERS: [u32; 5] = [0, 1, 15, 16, 31];

/// Every case of every row.
pub(super) fn cases() -> Vec<Case> {
    Op::ALL.iter().flat_map(|&op| cases_of(op)).collect()
}

fn cases_of(op: Op) -> Vec<Case> {
    let fields: Vec<Field> = op.row().operands.iter().map(|o| o.field).collect();
    let mut choices = BTreeSet::new();
    // One operand through all its values, the others in the middle.
    for (varied, &field) in fields.iter().enumerate() {
        for value in all_values(field) {
            for shift in 0..2 {
                let mut choice = middle(&fields, shift);
                choice[varied] = value;
                choices.insert(choice);
            }
        }
    }
    // All operands at their edges, in every combination.
    let mut edges = BTreeSet::from([Vec::new()]);
    for &field in &fields {
        edges = edges
            .iter()
            .flat_map(|choice: &Vec<u32>| {
                edge_values(field).into_iter().map(move |value| {
                    let mut longer = choice.clone();
                    longer.push(value);
                    longer
                })
            })
            .collect();
    }
    choices.extend(edges);
    choices
        .into_iter()
        .filter(|choice| is_defined(op, &fields, choice))
        .map(|choice| Case::new(op, &fields, &choice))
        .collect()
}

/// Every value of a field: of 16 bits those at its boundaries.
fn all_values(field: Field) -> Vec<u32> {
    match field {
        Field::Rd | Field::Rs | Field::Rt | Field::Base | Field::Sa | Field::Pos => {
            (0..32).collect()
        }
        Field::Size => (1..=32).collect(),
        Field::Simm | Field::Uimm | Field::Disp => HALVES.map(u32::from).to_vec(),
        Field::Simm9 => NINES.to_vec(),
        Field::Disp26 => WIDE.to_vec(),
    }
}

fn edge_values(field: Field) -> Vec<u32> {
    match field {
        Field::Rd | Field::Rs | Field::Rt | Field::Base => REGISTERS.to_vec(),
        Field::Sa => vec![0, 1, 15, 16, 31],
        // Every bit-field there is.
        Field::Pos | Field::Size => all_values(field),
        Field::Simm | Field::Uimm | Field::Disp => vec![0, 1, 0x7fff, 0x8000, 0xffff],
        Field::Simm9 => vec![0, 1, 0xff, 0x100, 0x1ff],
        Field::Disp26 => all_values(field),
    }
}

/// Registers all different, immediates of no special value.
fn middle(fields: &[Field], shift: u32) -> Vec<u32> {
    let registers = [[4, 9, 18], [21, 6, 11]];
    let at = |place: usize| registers[shift as usize][place];
    fields
        .iter()
        .enumerate()
        .map(|(place, field)| match field {
            Field::Rd | Field::Rs | Field::Rt | Field::Base => at(place.min(2)),
            Field::Sa | Field::Pos => 7 + shift,
            Field::Size => 10 - shift,
            Field::Simm9 => 0x42 + shift,
            Field::Simm | Field::Uimm | Field::Disp | Field::Disp26 => 0x0102 + shift,
        })
        .collect()
}

/// Whether the manual defines what the instruction does with these operands.
fn is_defined(op: Op, fields: &[Field], choice: &[u32]) -> bool {
    let value = |wanted: Field| {
        let place = fields.iter().position(|field| *field == wanted);
        place.map_or(0, |place| choice[place])
    };
    match op {
        // The bit-field lies inside the word.
        Op::Ext => value(Field::Pos) + value(Field::Size) <= 32,
        // MD00086, JALR: the same register would make the instruction unrestartable.
        Op::Jalr | Op::JalrHb => value(Field::Rd) != value(Field::Rs),
        _ => true,
    }
}

impl Case {
    fn new(op: Op, fields: &[Field], choice: &[u32]) -> Case {
        let mut word = op.row().bits;
        for (&field, &value) in fields.iter().zip(choice) {
            let bits = bits(field, value).expect("a value of the list fits its field");
            word |= bits << field.shift();
        }
        // The printer reads the word back: a text that the assembler takes for another word, and
        // a word that the printer takes for another row, are both found.
        let text = match Word::decode(word) {
            Some(decoded) if decoded.op == op => decoded.print(Style::Assembler),
            _ => format!("{} # no word of this row", op.row().name),
        };
        Case { op, word, text }
    }
}

/// The content of a field, as the core's operand types have it.
fn bits(field: Field, value: u32) -> Option<u32> {
    let signed = i32::from(value as u16 as i16);
    Some(match field {
        Field::Rd | Field::Rs | Field::Rt | Field::Base => Reg::from_number(value).bits(),
        Field::Sa | Field::Pos => Shift5::new(value)?.bits(),
        Field::Size => FieldSize::new(value)?.bits(),
        Field::Simm => Simm16::new(signed)?.bits(),
        Field::Simm9 => Simm9::new((value << 23) as i32 >> 23)?.bits(),
        Field::Uimm => Uimm16::new(value)?.bits(),
        // A branch in a word far enough along to go back to the first.
        Field::Disp => {
            let from = 0x10000;
            Disp16::between(from, (from + 1).wrapping_add_signed(signed))?.bits()
        }
        Field::Disp26 => {
            let from = 0x400_0000;
            let distance = (value << 6) as i32 >> 6;
            Disp26::between(from, (from + 1).wrapping_add_signed(distance))?.bits()
        }
    })
}
