// SPDX-License-Identifier: GPL-2.0

//! What does it look like?
//!
//! Panels side by side, for what is executed, in all and in images, for images and for compiling: a bar for
//! each program, as long as our JIT's figure is against the C JIT's, from the best to the worst. A line
//! where both are the same, another at the mean.
//!
//! ```text
//!  executed instructions     image bytes
//!  ###      |                ####     |
//!  #####    |                ######   |
//!  #########|##              #######  |
//! ```

use super::figures::{mean, ranked, Figure, Row};

const PANELS: [Figure; 4] = [Figure::Run, Figure::Inside, Figure::Image, Figure::Compile];
const PANEL: f64 = 210.0;
const GAP: f64 = 20.0;
/// Above the bars, and below.
const HEAD: f64 = 58.0;
const FOOT: f64 = 14.0;
const BARS: f64 = 300.0;
/// The longest bar stands for this ratio; what is longer is cut there.
const MOST: f64 = 1.5;

/// Colours that are seen on white and on black.
const GREY: &str = "#808080";
const BETTER: &str = "#2a9d8f";
const WORSE: &str = "#e76f51";

fn x(ratio: f64) -> f64 {
    ratio.min(MOST) / MOST * PANEL
}

fn text(x: f64, y: f64, size: u32, words: &str) -> String {
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" fill=\"{GREY}\">{words}</text>\n")
}

fn upright(x: f64, colour: &str, dashes: &str) -> String {
    let (top, bottom) = (HEAD - 6.0, HEAD + BARS);
    format!(
        "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke=\"{colour}\" \
         stroke-dasharray=\"{dashes}\"/>\n"
    )
}

fn panel(rows: &[Row], figure: Figure) -> String {
    let ranked = ranked(rows, figure);
    let Some(mean) = mean(rows, figure) else {
        return text(0.0, 36.0, 13, figure.title());
    };
    let mut svg = text(0.0, 36.0, 13, figure.title());
    let what = format!("{mean:.2} of the C JIT, {} programs", ranked.len());
    svg += &text(0.0, 50.0, 11, &what);
    let step = BARS / ranked.len() as f64;
    for (at, (ratio, row)) in ranked.iter().enumerate() {
        let colour = if *ratio <= 1.0 { BETTER } else { WORSE };
        svg += &format!(
            "<rect x=\"0\" y=\"{:.2}\" width=\"{:.1}\" height=\"{:.2}\" fill=\"{colour}\">\
             <title>{}: {ratio:.2}</title></rect>\n",
            HEAD + at as f64 * step,
            x(*ratio),
            step * 0.8,
            row.name
        );
    }
    svg + &upright(x(1.0), GREY, "none") + &upright(x(mean), GREY, "3 3")
}

/// The chart of one machine's rows.
pub(crate) fn document(rows: &[Row]) -> String {
    let machine = rows.first().map_or("", |row| row.machine.as_str());
    let width = PANELS.len() as f64 * (PANEL + GAP) + GAP;
    let height = HEAD + BARS + FOOT;
    let mut svg = format!(
        "<!-- SPDX-License-Identifier: GPL-2.0 -->\n\
         <!-- Written by: make bench CHART=Documentation/bench.svg -->\n\
         <svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\">\n"
    );
    let title = format!(
        "Rust JIT against the C JIT on {machine}, each program: left of the line is better"
    );
    svg += &text(GAP, 18.0, 13, &title);
    for (at, figure) in PANELS.into_iter().enumerate() {
        let left = GAP + at as f64 * (PANEL + GAP);
        let panel = panel(rows, figure);
        svg += &format!("<g transform=\"translate({left} 0)\">\n{panel}</g>\n");
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    #[test]
    fn a_program_is_a_bar_in_each_panel() {
        let rows = [row(1, "o/p/a", 50, 100), row(2, "q/r/s", 200, 100)];
        let svg = document(&rows);
        assert_eq!(svg.matches("<rect").count(), 6);
        assert!(svg.contains("<title>o/p/a: 0.50</title>"), "{svg}");
        assert_eq!(svg.matches(WORSE).count(), 1);
        assert!(svg.contains("1.00 of the C JIT, 2 programs"), "{svg}");
        assert_eq!(svg.matches("<g ").count(), svg.matches("</g>").count());
    }

    #[test]
    fn nothing_to_compare_is_no_bar() {
        let svg = document(&[]);
        assert_eq!(svg.matches("<rect").count(), 0);
    }
}
