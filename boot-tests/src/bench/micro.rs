// SPDX-License-Identifier: GPL-2.0

//! What do the tests of lib/test_bpf.c cost?
//!
//! ```text
//! test_bpf: #0 TAX jited:1 115 115 115 PASS
//! ```
//!
//! Each number is what a run has taken, with the loop around it, which nobody subtracts: the module runs
//! no empty program. So their ratios are nearer to 1 than those of the code. They are of single
//! instructions mostly, and no programs; so they have a mean of their own.

use super::figures::geometric_mean;
use crate::report::Test;
use std::collections::BTreeMap;

/// Instructions of the runs of a test, by its number; those that pass, compiled or not.
pub(crate) type Micro = BTreeMap<u32, Cost>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cost {
    name: String,
    is_jited: bool,
    instructions: f64,
}

pub(crate) fn read(tests: &[Test]) -> Micro {
    let costs = tests
        .iter()
        .filter_map(|test| Some((test.number, cost(test)?)));
    costs.collect()
}

fn cost(test: &Test) -> Option<Cost> {
    let is_jited = test.jited.filter(|_| !test.failed)?;
    let (name, figures) = test.text.rsplit_once(" jited:")?;
    let figures = figures.strip_suffix(" PASS")?.split(' ').skip(1);
    let figures: Option<Vec<f64>> = figures.map(|figure| figure.parse().ok()).collect();
    let instructions = figures?.iter().sum();
    (instructions > 0.0).then(|| Cost {
        name: name.to_owned(),
        is_jited,
        instructions,
    })
}

/// Of those that both JITs have compiled, the ratio of ours to the other's, the lowest first.
fn ratios<'a>(ours: &'a Micro, other: &Micro) -> Vec<(f64, &'a str)> {
    let ratio = |(number, ours): (&u32, &'a Cost)| {
        let other = other.get(number)?;
        (ours.is_jited && other.is_jited)
            .then(|| (ours.instructions / other.instructions, ours.name.as_str()))
    };
    let mut ratios: Vec<_> = ours.iter().filter_map(ratio).collect();
    ratios.sort_by(|a, b| a.0.total_cmp(&b.0));
    ratios
}

/// A line with the mean and both ends.
pub(crate) fn summary(ours: &Micro, other: &Micro) -> String {
    let ratios = ratios(ours, other);
    let mean = geometric_mean(ratios.iter().map(|(ratio, _)| *ratio));
    match (mean, ratios.first(), ratios.last()) {
        (Some(mean), Some((best, best_name)), Some((worst, worst_name))) => format!(
            "test_bpf, Rust to C, with its loop: {mean:.3} (geometric mean of {}; best {best:.2} \
             {best_name}, worst {worst:.2} {worst_name})",
            ratios.len()
        ),
        _ => "test_bpf: nothing to compare".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(number: u32, text: &str) -> Test {
        Test {
            number,
            id: number.to_string(),
            text: text.to_owned(),
            failed: text.contains("FAIL"),
            jited: text
                .split_once("jited:")
                .map(|(_, rest)| rest.starts_with('1')),
        }
    }

    #[test]
    fn the_figures_of_a_test_are_added() {
        let tests = [
            test(0, "TAX a b jited:1 100 20 PASS"),
            test(1, "x jited:1 7 ret 1 != 2 FAIL (1 times)"),
            test(2, "y jited:0 7 PASS"),
            test(3, "o/p/q PASS jited=1 insns=2"),
        ];
        let micro = read(&tests);
        assert_eq!(micro.keys().copied().collect::<Vec<_>>(), [0, 2]);
        assert_eq!(
            (micro[&0].instructions, micro[&0].name.as_str()),
            (120.0, "TAX a b")
        );
    }

    #[test]
    fn only_what_both_compile_is_compared() {
        let ours = read(&[test(0, "a jited:1 50 PASS"), test(1, "b jited:1 9 PASS")]);
        let other = read(&[test(0, "a jited:1 100 PASS"), test(1, "b jited:0 100 PASS")]);
        let text = summary(&ours, &other);
        assert!(
            text.contains("0.500 (geometric mean of 1; best 0.50 a, worst 0.50 a)"),
            "{text}"
        );
        assert_eq!(
            summary(&ours, &Micro::new()),
            "test_bpf: nothing to compare"
        );
    }
}
