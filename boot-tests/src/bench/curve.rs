// SPDX-License-Identifier: GPL-2.0

//! Does compiling get dearer the longer a program is?
//!
//! Programs of 100 to 990,000 instructions, which are only compiled (boot-tests/user/bench/grown.c): for
//! each JIT, how many instructions compiling takes for each instruction of BPF. They are no real programs, so they
//! are in no mean. The chart has a line for each JIT:
//!
//! ```text
//!  1500 |
//!       |*---*---*---*---*  C
//!  1000 |*---*---*---*---*  Rust
//!       +------------------
//!        100   ...   1,000,000
//! ```

use super::figures::{Figure, Row};
use crate::job::Jit;
use std::fmt::Write;

/// How such a program is called: its length is the second part of its name.
const NAME: &str = "grown/";

const JITS: [(Jit, &str, &str); 2] = [(Jit::C, "C", "#e76f51"), (Jit::Rust, "Rust", "#2a9d8f")];
const GREY: &str = "#808080";

const LEFT: f64 = 60.0;
const TOP: f64 = 40.0;
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 220.0;

/// Whether it is one of those.
pub(crate) fn is_grown(row: &Row) -> bool {
    row.name.starts_with(NAME)
}

/// Instructions of BPF, as the JIT gets them, and of MIPS for each of them.
fn points(rows: &[Row], jit: Jit) -> Vec<(f64, f64)> {
    let point = |row: &Row| {
        let length = row.loaded(jit)?.instructions;
        Some((length, row.figure(jit, Figure::Compile)? / length))
    };
    let mut points: Vec<_> = rows
        .iter()
        .filter(|row| is_grown(row))
        .filter_map(point)
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    points
}

/// A line for each JIT: what an instruction takes at each length, and how much dearer the longest program is than
/// the one of a thousand.
pub(crate) fn told(machine: &str, rows: &[Row]) -> String {
    let mut text = String::new();
    for (jit, name, _) in JITS {
        let points = points(rows, jit);
        if points.is_empty() {
            continue;
        }
        let _ = write!(text, "{machine}: {name} compiles an instruction in");
        for (length, cost) in &points {
            let _ = write!(text, " {cost:.0} (of {length:.0})");
        }
        let long = points.iter().filter(|point| point.0 >= 1000.0);
        let costs: Vec<f64> = long.map(|point| point.1).collect();
        if let [first, .., last] = costs[..] {
            let _ = write!(
                text,
                "; the longest to one of a thousand: {:.2}",
                last / first
            );
        }
        text += "\n";
    }
    text
}

fn x(length: f64) -> f64 {
    LEFT + (length.max(100.0).log10() - 2.0) / 4.0 * WIDTH
}

fn label(x: f64, y: f64, anchor: &str, words: &str) -> String {
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"11\" fill=\"{GREY}\" text-anchor=\"{anchor}\">\
         {words}</text>\n"
    )
}

/// The chart of one machine's rows.
pub(crate) fn document(rows: &[Row]) -> String {
    let machine = rows.first().map_or("", |row| row.machine.as_str());
    let all = JITS.map(|(jit, ..)| points(rows, jit));
    let most = all
        .iter()
        .flatten()
        .map(|point| point.1)
        .fold(1.0, f64::max);
    let top = (most / 500.0).ceil() * 500.0;
    let y = |cost: f64| TOP + HEIGHT - cost / top * HEIGHT;
    let mut svg = format!(
        "<!-- SPDX-License-Identifier: GPL-2.0 -->\n\
         <!-- Written by: make bench CURVE=Documentation/compiling.svg -->\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" \
         font-family=\"sans-serif\">\n",
        LEFT + WIDTH + 60.0,
        TOP + HEIGHT + 40.0
    );
    let title =
        format!("Instructions to compile one of BPF, on {machine}, by the program's length");
    svg += &label(LEFT, 18.0, "start", &title);
    for step in 0..=4 {
        let cost = top / 4.0 * f64::from(step);
        svg += &format!(
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{GREY}\" \
             stroke-opacity=\"0.3\"/>\n",
            LEFT + WIDTH,
            y = y(cost)
        );
        svg += &label(LEFT - 6.0, y(cost) + 4.0, "end", &format!("{cost:.0}"));
    }
    let lengths = ["100", "1,000", "10,000", "100,000", "1,000,000"];
    for (length, words) in [1e2, 1e3, 1e4, 1e5, 1e6].into_iter().zip(lengths) {
        svg += &label(x(length), TOP + HEIGHT + 18.0, "middle", words);
    }
    for ((_, name, colour), points) in JITS.iter().zip(&all) {
        let mut line = String::new();
        for (length, cost) in points {
            let _ = write!(line, "{:.1},{:.1} ", x(*length), y(*cost));
            svg += &format!(
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\">\
                 <title>{name}: {cost:.0} for each of {length:.0}</title></circle>\n",
                x(*length),
                y(*cost)
            );
        }
        svg += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>\n",
            line.trim_end()
        );
        if let Some((length, cost)) = points.last() {
            svg += &label(x(*length) + 8.0, y(*cost) + 4.0, "start", name);
        }
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    #[test]
    fn a_length_is_a_point_of_each_line() {
        let mut rows = [
            row(1, "grown/10000/-", 50, 100),
            row(2, "grown/1000/-", 50, 100),
            row(3, "o/p/a", 50, 100),
        ];
        assert!(is_grown(&rows[0]) && !is_grown(&rows[2]));
        let lengths = [10_000.0, 1000.0];
        for (row, length) in rows.iter_mut().zip(lengths) {
            for case in [&mut row.rust, &mut row.c].into_iter().flatten() {
                if let super::super::line::Found::Loaded(loaded) = &mut case.found {
                    loaded.instructions = length;
                    loaded.compile = Some(length * if length > 2000.0 { 300.0 } else { 200.0 });
                }
            }
        }
        let text = told("m", &rows);
        assert!(
            text.contains("Rust compiles an instruction in 200 (of 1000) 300 (of 10000)"),
            "{text}"
        );
        assert!(text.contains("of a thousand: 1.50"), "{text}");
        let svg = document(&rows);
        assert_eq!(svg.matches("<circle").count(), 4, "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn nothing_compiled_is_no_line() {
        assert_eq!(told("m", &[]), "");
        assert_eq!(document(&[]).matches("<circle").count(), 0);
    }
}
