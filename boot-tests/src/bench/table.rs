// SPDX-License-Identifier: GPL-2.0

//! What does a person read of it?
//!
//! A table with a line for each program, then means with the best and the worst ten, then what the
//! C JIT does not take, what is wrong, and one line with the verdict.

use super::figures::{mean, native_mean, ranked, Figure, Row};
use crate::job::Jit;
use comfy_table::{presets, CellAlignment, Table};

/// So many of the best and of the worst.
const ENDS: usize = 10;

/// What our JIT is to reach against the C JIT: a mean of what it executes, that of no program, and a
/// mean of its images.
const GOAL_RUN: f64 = 0.55;
const GOAL_WORST: f64 = 1.0;
const GOAL_IMAGE: f64 = 0.55;
/// And against what gcc makes of the same source.
const GOAL_NATIVE: f64 = 1.6;

fn count(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"))
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"))
}

/// An empty table whose columns are numbers, but for the second.
fn new(heading: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(heading);
    for (at, column) in table.column_iter_mut().enumerate() {
        if at != 1 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// What a figure is with either JIT, and the one to the other.
fn compared(row: &Row, figure: Figure) -> [String; 3] {
    let of = |jit| count(row.figure(jit, figure));
    [of(Jit::C), of(Jit::Rust), ratio(row.ratio(figure))]
}

/// A line for each program and packet: what a run takes.
pub(crate) fn runs(rows: &[Row]) -> Table {
    let mut table = new(&[
        "#",
        "program",
        "executed: off",
        "C",
        "Rust",
        "ratio",
        "in images: C",
        "Rust",
        "ratio",
        "gcc",
        "to gcc",
        "cycles: C",
        "Rust",
        "ratio",
        "gcc",
        "to gcc",
    ]);
    for row in rows.iter().filter(|row| row.executed(Jit::Rust).is_some()) {
        let mut cells = vec![row.number.to_string(), row.name.clone()];
        cells.push(count(row.executed(Jit::Off)));
        cells.extend(compared(row, Figure::Run));
        for figure in [Figure::Inside, Figure::Cycles] {
            cells.extend(compared(row, figure));
            cells.push(count(row.native(figure)));
            cells.push(ratio(row.to_native(Jit::Rust, figure)));
        }
        table.add_row(cells);
    }
    table
}

/// A line for each program: what its image takes.
pub(crate) fn images(rows: &[Row]) -> Table {
    let mut table = new(&[
        "#",
        "program",
        "BPF",
        "bytes: C",
        "Rust",
        "ratio",
        "words: C",
        "Rust",
        "compiling: C",
        "Rust",
        "ratio",
    ]);
    let mut before = ("", "");
    for row in rows {
        if row.program() == before {
            continue;
        }
        before = row.program();
        let loaded = row.loaded(Jit::Rust);
        let mut cells = vec![row.number.to_string(), before.1.to_owned()];
        cells.push(count(loaded.map(|loaded| loaded.instructions)));
        cells.extend(compared(row, Figure::Image));
        cells.extend([Jit::C, Jit::Rust].map(|jit| ratio(row.words(jit))));
        cells.extend(compared(row, Figure::Compile));
        table.add_row(cells);
    }
    table
}

/// The mean of a figure, with the ends of its ranking.
pub(crate) fn ends(rows: &[Row], figure: Figure) -> String {
    let ranked = ranked(rows, figure);
    let Some(mean) = mean(rows, figure) else {
        return format!("{}: nothing to compare\n", figure.title());
    };
    let mut text = format!(
        "{}, Rust to C: {mean:.3} (geometric mean of {})\n",
        figure.title(),
        ranked.len()
    );
    let line = |(ratio, row): &(f64, &Row)| format!("  {ratio:.2}  {}\n", row.name);
    let best = ranked.iter().take(ENDS).map(line);
    let worst = ranked.iter().rev().take(ENDS).map(line);
    text += &format!(" best:\n{}", best.collect::<String>());
    text += &format!(" worst:\n{}", worst.collect::<String>());
    text
}

/// What has no ratio, since the C JIT does not take it, and what else is wrong with it there.
pub(crate) fn notes(rows: &[Row]) -> String {
    let notes = rows.iter().filter_map(|row| Some((row, row.note()?)));
    let lines: Vec<String> = notes
        .map(|(row, note)| format!("  #{} {}: {note}\n", row.number, row.name))
        .collect();
    match lines.len() {
        0 => String::new(),
        count => format!(
            "{count} of {} not right with the C JIT:\n{}",
            rows.len(),
            lines.concat()
        ),
    }
}

/// Means of a machine against what they are to be.
pub(crate) fn summary(machine: &str, rows: &[Row]) -> String {
    let worst = ranked(rows, Figure::Run).pop();
    let is_near = |value: Option<f64>, goal: f64| match value {
        Some(value) if value <= goal => format!("{value:.3}"),
        Some(value) => format!("{value:.3} (goal {goal:.2})"),
        None => "-".to_owned(),
    };
    format!(
        "{machine}: Rust to C: executed {}, worst {}; in images {}, cycles {}; bytes {}; compiling {}; \
         {} of {} not taken by the C JIT. To gcc: instructions {} (C {}), cycles {}",
        is_near(mean(rows, Figure::Run), GOAL_RUN),
        is_near(worst.map(|(ratio, _)| ratio), GOAL_WORST),
        ratio(mean(rows, Figure::Inside)),
        ratio(mean(rows, Figure::Cycles)),
        is_near(mean(rows, Figure::Image), GOAL_IMAGE),
        is_near(mean(rows, Figure::Compile), 1.0),
        rows.iter().filter(|row| is_not_taken(row)).count(),
        rows.len(),
        is_near(native_mean(rows, Jit::Rust, Figure::Inside), GOAL_NATIVE),
        ratio(native_mean(rows, Jit::C, Figure::Inside)),
        ratio(native_mean(rows, Jit::Rust, Figure::Cycles)),
    )
}

/// All of it as a page of Documentation/.
pub(crate) fn document(text: &str) -> String {
    let indented = text
        .lines()
        .map(|line| format!("  {line}").trim_end().to_owned() + "\n");
    format!(
        ".. SPDX-License-Identifier: GPL-2.0\n.. Written by: make bench TABLE=Documentation/bench.rst\n\n\
         ========================\nFigures of the benchmark\n========================\n\n\
         What they mean is said in ``benchmark.rst``.\n\n::\n\n{}",
        indented.collect::<String>()
    )
}

/// Compiled by us, and not by the C JIT.
fn is_not_taken(row: &Row) -> bool {
    let is_compiled = |jit| row.figure(jit, Figure::Image).is_some();
    is_compiled(Jit::Rust) && !is_compiled(Jit::C)
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    fn words(table: Table, name: &str) -> Vec<String> {
        let text = table.to_string();
        let line = text.lines().find(|line| line.contains(name)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_program_is_a_line_with_all_its_figures() {
        let runs = words(runs(&[row(3, "o/p/q", 50, 100)]), "o/p/q");
        let expected = ["3", "o/p/q", "1000", "100", "50", "0.50"];
        assert_eq!(runs[..6], expected);
        let images = images(&[row(3, "o/p/q", 50, 100), row(4, "o/p/r", 50, 100)]);
        let expected = [
            "3", "o/p", "10", "160", "84", "0.53", "4.00", "2.10", "16000", "8000", "0.50",
        ];
        assert_eq!(words(images, "o/p"), expected);
    }

    #[test]
    fn the_goals_are_named_where_they_are_missed() {
        let text = summary("m", &[row(1, "o/p/q", 50, 100)]);
        assert!(text.contains("executed 0.500, worst 0.500"), "{text}");
        let text = summary("m", &[row(1, "o/p/q", 150, 100)]);
        assert!(text.contains("worst 1.500 (goal 1.00)"), "{text}");
    }

    #[test]
    fn what_the_c_jit_does_not_take_is_counted_apart() {
        let mut row = row(1, "o/p/q", 50, 100);
        row.c = row.off.clone();
        assert!(notes(&[row]).starts_with("1 of 1 not right with the C JIT:\n  #1 o/p/q: interp"));
    }
}
