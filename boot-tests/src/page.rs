// SPDX-License-Identifier: GPL-2.0

//! How is the matrix shown?
//!
//! A line for each kernel and machine, a column for each way to run programs: on a terminal, and as
//! a page of `Documentation/` that `make matrix TABLE=` writes.

use crate::matrix::{Cell, Mode};
use comfy_table::{presets, Table};

fn lines(cells: &[Cell]) -> Vec<Vec<String>> {
    let rows = cells.chunk_by(|a, b| (&a.kernel, &a.machine) == (&b.kernel, &b.machine));
    rows.map(|row| {
        let mut line = vec![row[0].kernel.clone(), row[0].machine.clone()];
        line.extend(row.iter().map(Cell::text));
        line
    })
    .collect()
}

fn heading() -> Vec<String> {
    let modes = Mode::ALL.map(|mode| mode.title().to_owned());
    let mut heading = vec!["kernel".to_owned(), "machine".to_owned()];
    heading.extend(modes);
    heading
}

/// For a terminal.
pub(crate) fn table(cells: &[Cell]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(heading());
    for line in lines(cells) {
        table.add_row(line);
    }
    table
}

/// The table as a page of Documentation/.
pub(crate) fn document(cells: &[Cell]) -> String {
    let mut all = lines(cells);
    all.insert(0, heading());
    let width = |column: usize| all.iter().map(|line| line[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..all[0].len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|width| "=".repeat(*width)).collect();
    let mut text = format!(
        ".. SPDX-License-Identifier: GPL-2.0\n\
         .. Written by: make matrix TABLE=Documentation/matrix.rst\n\n\
         ======\nMatrix\n======\n\n\
         The suites of ``lib/test_bpf.c`` on every kernel and machine\n\
         (``patches/SERIES/machines.toml``): tests passed of those there are, and in brackets programs\n\
         compiled of those that ran. Where constants are blinded, the kernel leaves long and\n\
         staggered jumps to the interpreter (``Documentation/testing.rst``).\n\n{}\n",
        rule.join("  ")
    );
    for (number, line) in all.iter().enumerate() {
        let fields = line.iter().zip(&widths);
        let fields: Vec<String> = fields
            .map(|(field, width)| format!("{field:<width$}"))
            .collect();
        text += fields.join("  ").trim_end();
        text += "\n";
        if number == 0 {
            text += &rule.join("  ");
            text += "\n";
        }
    }
    text + &rule.join("  ") + "\n"
}
