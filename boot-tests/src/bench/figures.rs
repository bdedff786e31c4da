// SPDX-License-Identifier: GPL-2.0

//! What do a program's figures say, and those of all of them?
//!
//! A row is a program with a packet on a machine, with what each way to run it has cost. Ratios are
//! of our JIT to the C JIT, over what both have compiled: where the C JIT leaves a program to the
//! interpreter, or the kernel refuses it, there is no ratio, and it is counted instead.

use super::line::{Case, Found, Loaded, Run};
use super::trace::Traced;
use crate::job::Jit;

/// A program with a packet on a machine.
pub(crate) struct Row {
    pub(crate) machine: String,
    pub(crate) number: u32,
    pub(crate) name: String,
    pub(crate) off: Option<Case>,
    pub(crate) c: Option<Case>,
    pub(crate) rust: Option<Case>,
}

/// A figure of which there is less, or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// Instructions executed.
    Run,
    /// Those of them that are in images.
    Inside,
    /// Cycles that those are estimated to take.
    Cycles,
    /// Bytes of the image.
    Image,
    /// Instructions that compiling takes.
    Compile,
}

impl Figure {
    pub(crate) const ALL: [Figure; 5] = [
        Figure::Run,
        Figure::Inside,
        Figure::Cycles,
        Figure::Image,
        Figure::Compile,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Figure::Run => "executed instructions",
            Figure::Inside => "executed in images",
            Figure::Cycles => "estimated cycles in images",
            Figure::Image => "image bytes",
            Figure::Compile => "instructions to compile",
        }
    }

    /// Whether it is the same with every packet.
    fn is_of_image(self) -> bool {
        matches!(self, Figure::Image | Figure::Compile)
    }
}

impl Loaded {
    /// Bytes of its images. Ours have a word for tail calls before what the kernel knows of.
    fn image_of(&self, jit: Jit) -> f64 {
        match jit {
            Jit::Rust => self.image + 4.0 * self.programs,
            _ => self.image,
        }
    }
}

impl Row {
    pub(crate) fn case(&self, jit: Jit) -> Option<&Case> {
        match jit {
            Jit::Off => self.off.as_ref(),
            Jit::C => self.c.as_ref(),
            Jit::Rust => self.rust.as_ref(),
        }
    }

    pub(crate) fn loaded(&self, jit: Jit) -> Option<&Loaded> {
        self.case(jit)?.loaded()
    }

    /// Loaded and compiled by this JIT.
    fn compiled(&self, jit: Jit) -> Option<&Loaded> {
        self.loaded(jit).filter(|loaded| loaded.is_jited)
    }

    fn run(&self, jit: Jit) -> Option<&Run> {
        self.loaded(jit)?.run.as_ref()
    }

    /// Of the test loop. It is the same kernel code whatever runs programs, but for the interpreter
    /// nobody knows how much of its empty program is the loop.
    fn test_loop(&self) -> Option<f64> {
        let known = |jit| self.compiled(jit)?.run.as_ref().map(Run::test_loop);
        known(Jit::Rust).or_else(|| known(Jit::C))
    }

    /// Instructions that a run takes, without the loop; of any way to run it.
    pub(crate) fn executed(&self, jit: Jit) -> Option<f64> {
        let own = self.compiled(jit).and_then(|loaded| loaded.run.as_ref());
        let test_loop = own.map(Run::test_loop).or_else(|| self.test_loop())?;
        Some((self.run(jit)?.total - test_loop).max(1.0))
    }

    /// Instructions, or cycles, of the program that gcc has made of its source.
    pub(crate) fn native(&self, figure: Figure) -> Option<f64> {
        let native = self.rust.as_ref()?.native?;
        match figure {
            Figure::Inside => Some(native.instructions as f64),
            Figure::Cycles => Some(native.cycles as f64),
            _ => None,
        }
    }

    /// Of a JIT's to that.
    pub(crate) fn to_native(&self, jit: Jit, figure: Figure) -> Option<f64> {
        Some(self.figure(jit, figure)? / self.native(figure)?)
    }

    fn traced(&self, jit: Jit) -> Option<Traced> {
        self.case(jit)?.traced
    }

    /// None where a program is interpreted.
    pub(crate) fn figure(&self, jit: Jit, figure: Figure) -> Option<f64> {
        let loaded = self.compiled(jit)?;
        match figure {
            Figure::Run => self.executed(jit),
            Figure::Inside => self.traced(jit).map(|traced| traced.instructions as f64),
            Figure::Cycles => self.traced(jit).map(|traced| traced.cycles as f64),
            Figure::Image => Some(loaded.image_of(jit)),
            Figure::Compile => loaded.compile,
        }
    }

    /// Ours to the C JIT's.
    pub(crate) fn ratio(&self, figure: Figure) -> Option<f64> {
        Some(self.figure(Jit::Rust, figure)? / self.figure(Jit::C, figure)?)
    }

    /// Words of MIPS for an instruction of BPF.
    pub(crate) fn words(&self, jit: Jit) -> Option<f64> {
        let loaded = self.compiled(jit)?;
        Some(loaded.image_of(jit) / 4.0 / loaded.instructions)
    }

    /// The program, whatever its packet.
    pub(crate) fn program(&self) -> (&str, &str) {
        let end = self.name.rfind('/').unwrap_or(self.name.len());
        (&self.machine, &self.name[..end])
    }

    /// Why our JIT fails here, if it does.
    pub(crate) fn complaint(&self) -> Option<String> {
        let Some(ours) = &self.rust else {
            return Some("was not reached".to_owned());
        };
        match &ours.found {
            Found::Failed(why) => return Some(format!("cannot be run: {why}")),
            Found::Refused(why)
                if self.loaded(Jit::C).is_some() || self.loaded(Jit::Off).is_some() =>
            {
                return Some(format!("is refused, but not with another JIT: {why}"));
            }
            Found::Refused(_) => return None,
            Found::Loaded(loaded) if !loaded.is_jited => {
                return Some("is left to the interpreter".to_owned());
            }
            Found::Loaded(_) => {}
        }
        self.difference(Jit::Off)
            .map(|what| format!("{what} interpreted"))
            .or_else(|| self.native_difference())
    }

    /// A floor that does something else is none.
    fn native_difference(&self) -> Option<String> {
        let run = self.run(Jit::Rust)?;
        let (result, output) = run.native.as_ref()?;
        let is_same = (result, output) == (&run.result, &run.output);
        (!is_same).then(|| {
            let (ours, ours_left) = (&run.result, &run.output);
            format!("gives {ours} {ours_left}, but {result} {output} compiled by gcc")
        })
    }

    /// What a run has given that ours has not.
    pub(crate) fn difference(&self, jit: Jit) -> Option<String> {
        let (ours, other) = (self.run(Jit::Rust)?, self.run(jit)?);
        let result = |run: &Run| format!("{} {}", run.result, run.output);
        (result(ours) != result(other))
            .then(|| format!("gives {}, but {}", result(ours), result(other)))
    }

    /// What is to be said of the C JIT here, if anything.
    pub(crate) fn note(&self) -> Option<String> {
        match &self.case(Jit::C)?.found {
            Found::Refused(why) => Some(format!("refused: {why}")),
            Found::Failed(why) => Some(format!("cannot be run: {why}")),
            Found::Loaded(loaded) if !loaded.is_jited => Some("interpreted".to_owned()),
            Found::Loaded(_) => self
                .difference(Jit::C)
                .map(|_| "gives another result".to_owned()),
        }
    }
}

/// Rows with their ratio, the lowest first. What is about an image is the same with every packet, and
/// counts once.
pub(crate) fn ranked(rows: &[Row], figure: Figure) -> Vec<(f64, &Row)> {
    let mut seen = std::collections::BTreeSet::new();
    let mut ranked = Vec::new();
    for row in rows {
        if let Some(ratio) = row.ratio(figure) {
            if !figure.is_of_image() || seen.insert(row.program()) {
                ranked.push((ratio, row));
            }
        }
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    ranked
}

/// None of nothing.
pub(crate) fn geometric_mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value.ln();
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count)).exp())
}

/// Of ratios of a figure.
pub(crate) fn mean(rows: &[Row], figure: Figure) -> Option<f64> {
    geometric_mean(ranked(rows, figure).iter().map(|(ratio, _)| *ratio))
}

/// The mean of what a JIT's code is to gcc's, where there is both of ours.
pub(crate) fn native_mean(rows: &[Row], jit: Jit, figure: Figure) -> Option<f64> {
    geometric_mean(rows.iter().filter_map(|row| row.to_native(jit, figure)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::line::tests::case;
    use super::*;

    /// With a loop of 14 instructions, of which the C JIT's empty program makes 22.
    pub(crate) fn row(number: u32, name: &str, ours: u32, theirs: u32) -> Row {
        let line = |jited, image, total, base, empty| {
            let text = format!(
                "{name} PASS jited={jited} programs=1 insns=10 image={image} compile={image}00 \
                 total={total}.0 base={base}.0 empty={empty} steady=1 ret=0x3 out=1"
            );
            case(number, &text)
        };
        Row {
            machine: "m".to_owned(),
            number,
            name: name.to_owned(),
            off: line(0, 0, 1014, 214, 0),
            c: line(1, 160, 14 + theirs, 22, 32),
            rust: line(1, 80, 14 + ours, 20, 24),
        }
    }

    #[test]
    fn the_loop_is_subtracted_and_not_the_empty_program() {
        let row = row(1, "o/p/q", 50, 100);
        assert_eq!(row.executed(Jit::Rust), Some(50.0));
        assert_eq!(row.executed(Jit::C), Some(100.0));
        assert_eq!(row.executed(Jit::Off), Some(1000.0));
        assert_eq!(row.ratio(Figure::Run), Some(0.5));
        assert_eq!(row.words(Jit::C), Some(4.0));
        assert_eq!(row.complaint(), None);
        assert_eq!(row.note(), None);
    }

    #[test]
    fn there_is_no_ratio_to_what_is_interpreted() {
        let mut row = row(1, "o/p/q", 50, 100);
        row.c = row.off.clone();
        assert_eq!(row.ratio(Figure::Run), None);
        assert_eq!(row.note().unwrap(), "interpreted");
        assert_eq!(row.complaint(), None);
        row.rust = row.off.clone();
        assert_eq!(row.complaint().unwrap(), "is left to the interpreter");
        row.rust = None;
        assert_eq!(row.complaint().unwrap(), "was not reached");
    }

    #[test]
    fn another_result_than_the_interpreters_is_a_failure() {
        let mut row = row(1, "o/p/q", 50, 100);
        if let Some(Found::Loaded(loaded)) = row.rust.as_mut().map(|case| &mut case.found) {
            loaded.run.as_mut().unwrap().output = "2".to_owned();
        }
        let why = row.complaint().unwrap();
        assert_eq!(why, "gives 0x3 2, but 0x3 1 interpreted");
        assert_eq!(row.note().unwrap(), "gives another result");
    }

    #[test]
    fn an_image_counts_once_and_a_run_each_time() {
        let rows = [row(1, "o/p/a", 50, 100), row(2, "o/p/b", 200, 100)];
        assert_eq!(ranked(&rows, Figure::Image).len(), 1);
        let runs = ranked(&rows, Figure::Run);
        assert_eq!((runs[0].1.number, runs[1].1.number), (1, 2));
        assert!((mean(&rows, Figure::Run).unwrap() - 1.0).abs() < 1e-9);
        assert_eq!(mean(&[], Figure::Run), None);
    }
}
