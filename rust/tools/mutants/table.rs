// SPDX-License-Identifier: GPL-2.0

//! The table of what catches what, as reStructuredText: `Documentation/mutants.rst`.

use std::fmt::Write;

use super::rung::Rung;
use super::Outcome;

const HEAD: &str = "\
.. SPDX-License-Identifier: GPL-2.0
.. Written by: make mutants TABLE=Documentation/mutants.rst

=======
Mutants
=======

Bugs seeded in the core (``rust/mutants/``), and what catches them: ``+`` has caught the mutant, ``-``
has not, ``.`` was not run, since another had caught it or since it judges something else.
``Documentation/testing.rst`` says what the columns are.
";

/// The table of all areas.
pub(super) fn table(areas: &[(String, Vec<Outcome>)]) -> String {
    let mut text = HEAD.to_owned();
    let all = || areas.iter().flat_map(|(_, outcomes)| outcomes);
    let caught = all().filter(|outcome| outcome.is_caught()).count();
    let _ = writeln!(text, "\n{caught} of {} are caught.", all().count());
    let mut rows = Vec::new();
    for (area, outcomes) in areas {
        rows.push(sums(area, outcomes.iter()));
    }
    rows.push(sums("all", all()));
    text += &simple_table(&header("area", &["mutants", "caught"]), &rows);
    for (area, outcomes) in areas {
        let _ = write!(text, "\n{area}\n{}\n", "=".repeat(area.len()));
        let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
        text += &simple_table(&header("mutant", &["class", "machine"]), &rows);
    }
    text
}

fn header(first: &str, next: &[&str]) -> Vec<String> {
    let rungs = Rung::ALL.map(Rung::name);
    let names = [&[first], next, &rungs[..]].concat();
    names.into_iter().map(str::to_owned).collect()
}

/// How many mutants each rung has caught.
fn sums<'o>(area: &str, outcomes: impl Iterator<Item = &'o Outcome> + Clone) -> Vec<String> {
    let count = |is_counted: &dyn Fn(&Outcome) -> bool| {
        outcomes
            .clone()
            .filter(|outcome| is_counted(outcome))
            .count()
            .to_string()
    };
    let mut cells = vec![
        area.to_owned(),
        count(&|_| true),
        count(&Outcome::is_caught),
    ];
    cells.extend(Rung::ALL.map(|rung| count(&|outcome| outcome.caught_by().any(|by| by == rung))));
    cells
}

fn row(outcome: &Outcome) -> Vec<String> {
    let mutant = &outcome.mutant;
    let mut cells = vec![
        mutant.name.clone(),
        mutant.class.clone(),
        mutant.machine.clone(),
    ];
    match outcome.verdicts {
        None => cells.push("does not build".to_owned()),
        // A lone sign would begin a list.
        Some(verdicts) => {
            cells.extend(verdicts.map(|verdict| format!("\\{}", verdict.sign())));
        }
    }
    cells
}

/// A simple table of reStructuredText.
fn simple_table(header: &[String], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let all = rows.iter().map(Vec::as_slice).chain([header]);
        let cells = all.map(|row| {
            let cell = row.get(column);
            cell.map_or(0, |cell| cell.chars().count())
        });
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let rule: Vec<String> = widths.iter().map(|&width| "=".repeat(width)).collect();
    let line = |cells: &[String]| {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut text = format!("\n{}{}{}", line(&rule), line(header), line(&rule));
    for row in rows {
        text += &line(row);
    }
    text + &line(&rule)
}
