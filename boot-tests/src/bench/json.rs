// SPDX-License-Identifier: GPL-2.0

//! What does a machine read of it?
//!
//! Everything that was measured, and what was made of it; a figure that there is not is null.

use super::figures::{mean, Figure, Row};
use super::line::{Case, Found};
use crate::job::Jit;

const JITS: [(Jit, &str); 3] = [(Jit::Off, "off"), (Jit::C, "c"), (Jit::Rust, "rust")];

fn text(value: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in value.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter < ' ' => quoted += &format!("\\u{:04x}", letter as u32),
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

fn number(value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{}", (value * 1000.0).round() / 1000.0),
        None => "null".to_owned(),
    }
}

fn object(fields: &[(&str, String)]) -> String {
    let fields = fields
        .iter()
        .map(|(key, value)| format!("{}: {value}", text(key)));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

fn found(row: &Row, jit: Jit, case: &Case) -> String {
    let loaded = match &case.found {
        Found::Refused(why) => return object(&[("refused", text(why))]),
        Found::Failed(why) => return object(&[("failed", text(why))]),
        Found::Loaded(loaded) => loaded,
    };
    object(&[
        ("compiled", loaded.is_jited.to_string()),
        ("bpf_instructions", number(Some(loaded.instructions))),
        ("executed", number(row.executed(jit))),
        (
            "executed_in_images",
            number(row.figure(jit, Figure::Inside)),
        ),
        (
            "estimated_cycles_in_images",
            number(row.figure(jit, Figure::Cycles)),
        ),
        ("image_bytes", number(row.figure(jit, Figure::Image))),
        (
            "compile_instructions",
            number(row.figure(jit, Figure::Compile)),
        ),
        ("words_per_instruction", number(row.words(jit))),
    ])
}

fn program(row: &Row) -> String {
    let mut fields = vec![
        ("machine", text(&row.machine)),
        ("number", row.number.to_string()),
        ("name", text(&row.name)),
        ("gcc_executed", number(row.native(Figure::Inside))),
        ("gcc_estimated_cycles", number(row.native(Figure::Cycles))),
    ];
    for (jit, name) in JITS {
        let case = row.case(jit);
        fields.push((
            name,
            case.map_or_else(|| "null".to_owned(), |case| found(row, jit, case)),
        ));
    }
    object(&fields)
}

/// The whole file.
pub(crate) fn document(kernel: &str, rows: &[Row]) -> String {
    let machines = rows.chunk_by(|a, b| a.machine == b.machine);
    let means = machines.map(|rows| {
        object(&[
            ("machine", text(&rows[0].machine)),
            ("executed", number(mean(rows, Figure::Run))),
            ("executed_in_images", number(mean(rows, Figure::Inside))),
            (
                "estimated_cycles_in_images",
                number(mean(rows, Figure::Cycles)),
            ),
            ("image_bytes", number(mean(rows, Figure::Image))),
            ("compile_instructions", number(mean(rows, Figure::Compile))),
        ])
    });
    let means = means.collect::<Vec<_>>().join(",\n  ");
    let programs = rows.iter().map(program).collect::<Vec<_>>().join(",\n  ");
    format!(
        "{{\n\"kernel\": {},\n\"geometric_means_rust_to_c\": [\n  {means}\n],\n\"programs\": [\n  {programs}\n]\n}}\n",
        text(kernel)
    )
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    #[test]
    fn a_missing_figure_is_null() {
        let mut row = row(1, "o/p/q", 50, 100);
        row.c = None;
        let text = document("0.1", &[row]);
        assert!(text.contains("\"executed\": null"), "{text}");
        assert!(text.contains("\"c\": null"), "{text}");
        assert!(text.contains("\"executed\": 50,"), "{text}");
        assert_eq!(text.matches('{').count(), text.matches('}').count());
    }

    #[test]
    fn strings_are_quoted() {
        assert_eq!(text("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
        assert_eq!(number(Some(0.123_456)), "0.123");
        assert_eq!(number(Some(f64::NAN)), "null");
    }
}
