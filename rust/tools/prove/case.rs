// SPDX-License-Identifier: GPL-2.0

//! Proving one form: all its cases, each for all its numbers.

use anyhow::Result;

use super::forms::{self, Case, Form};
use super::frame::{self, Layout};
use super::path::{explore, Path};
use super::programs;
use super::report::{describe, values};
use super::scene::{emit, Around, Machine, Snippet};
use super::shape::{Class, Numbers, Shapes};
use super::solver::{not_all, Answer, Effort, Solver};
use super::theorem::{Obligation, Theorem};
use super::trampoline::{self, AROUND, BEFORE, CALLBACKS};
use crate::host::mips::print;
use crate::model::bpf::fields::Fields;
use crate::model::term::{forget_all, lemma_uses, Term};
use crate::model::word::Word;

/// The form that stands for prologues and epilogues.
pub(super) const FRAMES: &str = "prologue, epilogue";

/// The form that stands for calls in all frames.
pub(super) const CALLS: &str = "calls in all frames";

/// What came of a form.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    /// Theorems proved: a case with a class of numbers, or with one number.
    pub(super) proved: u64,
    /// Obligations that were equal terms already.
    pub(super) plain: u64,
    pub(super) effort: Effort,
    /// Numbers checked to be in a class that was proved.
    pub(super) numbers: u64,
    /// Some proof uses the lemma about products.
    pub(super) uses_lemma: bool,
    /// Descriptions of what is not proved.
    pub(super) failures: Vec<String>,
}

/// Failures told of a form; others are not looked for.
const TOLD: usize = 3;

/// Terms are forgotten after so many cases.
const FORGET: usize = 256;

/// Proves forms for a machine.
pub(super) struct Prover<'m> {
    machine: &'m Machine,
    solver: Solver<'m>,
    all_immediates: bool,
    outcome: Outcome,
    everything: Option<Layout>,
}

impl<'m> Prover<'m> {
    pub(super) fn new(machine: &'m Machine, solver: Solver<'m>, all_immediates: bool) -> Self {
        Prover {
            machine,
            solver,
            all_immediates,
            outcome: Outcome::default(),
            everything: None,
        }
    }

    /// Proves a form.
    ///
    /// # Errors
    ///
    /// The solver does not work.
    pub(super) fn prove(&mut self, form: &Form) -> Result<Outcome> {
        self.outcome = Outcome::default();
        let before = self.solver.effort;
        match form.name.as_str() {
            FRAMES => self.frames()?,
            CALLS => self.calls()?,
            CALLBACKS | BEFORE | AROUND => trampoline::prove(self, &form.name)?,
            _ => self.cases(&form.cases)?,
        }
        let after = self.solver.effort;
        self.outcome.effort = Effort {
            remembered: after.remembered - before.remembered,
            asked: after.asked - before.asked,
        };
        Ok(std::mem::take(&mut self.outcome))
    }

    fn fail(&mut self, what: String) {
        self.outcome.failures.push(what);
    }

    fn is_hopeless(&self) -> bool {
        self.outcome.failures.len() >= TOLD
    }

    fn cases(&mut self, cases: &[Case]) -> Result<()> {
        if self.everything.is_none() {
            self.everything = self.layout(&forms::EVERYTHING)?;
        }
        let Some(layout) = self.everything.clone() else {
            return Ok(());
        };
        for (number, case) in cases.iter().enumerate() {
            if self.is_hopeless() {
                break;
            }
            if number % FORGET == 0 {
                forget_all();
            }
            self.case(case, &layout)?;
        }
        Ok(())
    }

    /// The layout that a program's prologue makes, if its theorem holds.
    fn layout(&mut self, around: &Around) -> Result<Option<Layout>> {
        let mut found = None;
        let machine = self.machine;
        let mut obligations = Vec::new();
        let result = explore(|path| {
            let (layout, mut obligation) = frame::prologue(machine, around, path)?;
            obligation.assumptions = path.assumptions();
            obligations.push(obligation);
            found = Some(layout);
            Ok::<(), String>(())
        });
        let name = || format!("prologue of {:?}", around.usage);
        if let Err(wrong) = result {
            self.fail(format!("{}: {wrong}", name()));
            return Ok(None);
        }
        for obligation in obligations {
            if let Some(wrong) = self.discharge(&obligation)? {
                self.fail(format!("{}: {wrong}", name()));
                return Ok(None);
            }
        }
        self.outcome.proved += 1;
        Ok(found)
    }

    fn frames(&mut self) -> Result<()> {
        for around in programs::programs(self.machine) {
            if self.is_hopeless() {
                break;
            }
            forget_all();
            let Some(layout) = self.layout(&around)? else {
                continue;
            };
            let machine = self.machine;
            self.theorem(
                |path| {
                    let mut obligation = frame::epilogue(machine, &around, &layout, path)?;
                    obligation.assumptions = path.assumptions();
                    Ok(obligation)
                },
                || format!("epilogue of {:?}", around.usage),
            )?;
        }
        Ok(())
    }

    pub(super) fn machine(&self) -> &'m Machine {
        self.machine
    }

    /// Proves what a run has to show on every way through it, unless too much has failed already. Who
    /// fails tells what it is about.
    ///
    /// # Errors
    ///
    /// The solver does not work.
    pub(super) fn theorem(
        &mut self,
        run: impl Fn(&mut Path) -> Result<Obligation, String>,
        tell: impl Fn() -> String,
    ) -> Result<()> {
        if self.is_hopeless() {
            return Ok(());
        }
        let mut obligations = Vec::new();
        let result = explore(|path| {
            obligations.push(run(path)?);
            Ok::<(), String>(())
        });
        let mut wrong = result.err();
        for obligation in obligations {
            if wrong.is_none() {
                wrong = self.discharge(&obligation)?;
            }
        }
        match wrong {
            None => self.outcome.proved += 1,
            Some(wrong) => self.fail(format!("{wrong}: {}", tell())),
        }
        Ok(())
    }

    fn calls(&mut self) -> Result<()> {
        for around in programs::programs(self.machine) {
            forget_all();
            let Some(layout) = self.layout(&around)? else {
                continue;
            };
            for case in programs::calls_in(self.machine, &around) {
                if self.is_hopeless() {
                    return Ok(());
                }
                self.case(&case, &layout)?;
            }
        }
        Ok(())
    }

    /// Proves a case for all its numbers.
    fn case(&mut self, case: &Case, layout: &Layout) -> Result<()> {
        let samples = case.samples();
        let machine = self.machine;
        let emit_words = |numbers: &Numbers| {
            emit(machine, &case.around, &case.with(numbers)).map(|snippet| snippet.with_notes())
        };
        let shapes = match Shapes::find(&samples, emit_words) {
            Ok(shapes) => shapes,
            Err(wrong) => {
                self.fail(format!("{}: {wrong}", describe(machine, &case.insns)));
                return Ok(());
            }
        };
        for numbers in &shapes.singles {
            self.single(case, layout, numbers)?;
        }
        for class in &shapes.classes {
            self.class(case, layout, class)?;
        }
        self.cover(case, &shapes)
    }

    /// The instruction with these numbers, and its code.
    fn emit(&mut self, case: &Case, numbers: &Numbers) -> Option<(Vec<Fields>, Snippet)> {
        let insns = case.with(numbers);
        match emit(self.machine, &case.around, &insns) {
            Ok(snippet) => Some((insns, snippet)),
            Err(wrong) => {
                self.fail(format!("{}: {wrong}", describe(self.machine, &insns)));
                None
            }
        }
    }

    /// Proves a case for some numbers.
    fn single(&mut self, case: &Case, layout: &Layout, numbers: &Numbers) -> Result<()> {
        let Some((insns, snippet)) = self.emit(case, numbers) else {
            return Ok(());
        };
        let constant = |&word: &u32| Term::new(32, u64::from(word));
        let words: Vec<Term> = snippet.words.iter().map(constant).collect();
        self.judge(&Theorem {
            machine: self.machine,
            around: &case.around,
            layout,
            insns: &insns,
            snippet: &snippet,
            words: &words,
            immediate: None,
            second: None,
            offset: None,
            assumptions: &[],
        })
    }

    /// Proves a case for a class of numbers.
    fn class(&mut self, case: &Case, layout: &Layout, class: &Class) -> Result<()> {
        let member = class.member();
        let Some((insns, snippet)) = self.emit(case, &member) else {
            return Ok(());
        };
        let template = class.template(case.many, &member, self.machine.gprlen());
        self.judge(&Theorem {
            machine: self.machine,
            around: &case.around,
            layout,
            insns: &insns,
            snippet: &snippet,
            // Without its notes: those of the snippet are the same.
            words: &template.words[..snippet.words.len()],
            immediate: Some(template.immediate.sign_extend(64)),
            second: Some(template.second.sign_extend(64)),
            offset: Some(template.offset),
            assumptions: &template.assumptions,
        })
    }

    /// Checks that numbers are in classes that were proved.
    fn cover(&mut self, case: &Case, shapes: &Shapes) -> Result<()> {
        let machine = self.machine;
        let mut missed = None;
        case.each_number(self.all_immediates, |numbers| {
            self.outcome.numbers += 1;
            let covered = emit(machine, &case.around, &case.with(numbers))
                .is_ok_and(|snippet| shapes.covers(numbers, &snippet.with_notes()));
            if !covered {
                missed = Some(*numbers);
            }
            covered
        });
        if let Some(numbers) = missed {
            self.fail(format!(
                "{} is in no class that was proved ({numbers:x?})",
                describe(machine, &case.with(&numbers))
            ));
        }
        Ok(())
    }

    /// Proves a theorem on every way.
    fn judge(&mut self, theorem: &Theorem<'_>) -> Result<()> {
        let before = lemma_uses();
        let mut obligations = Vec::new();
        let result = theorem.judge_faults().and_then(|()| {
            explore(|path| {
                obligations.push(theorem.obligation(path)?);
                Ok::<(), String>(())
            })
        });
        self.outcome.uses_lemma |= lemma_uses() > before;
        let mut wrong = result.err();
        for obligation in obligations {
            if wrong.is_none() {
                wrong = self.discharge(&obligation)?;
            }
        }
        match wrong {
            None => self.outcome.proved += 1,
            Some(wrong) => {
                let text = self.tell(theorem, &wrong);
                self.fail(text);
            }
        }
        Ok(())
    }

    /// Proves an obligation; else says why not.
    fn discharge(&mut self, obligation: &Obligation) -> Result<Option<String>> {
        let open: Vec<&(String, Term)> = obligation
            .goals
            .iter()
            .filter(|(_, bit)| bit.value() != Some(1))
            .collect();
        if open.is_empty() {
            self.outcome.plain += 1;
            return Ok(None);
        }
        let goals: Vec<Term> = open.iter().map(|(_, bit)| *bit).collect();
        let mut bits = obligation.assumptions.clone();
        bits.push(not_all(&goals));
        Ok(match self.solver.solve(&bits)? {
            Answer::Unsatisfiable => None,
            Answer::Unknown => Some("the solver gives up".to_owned()),
            Answer::Solution(assignment) => {
                let violated = open
                    .iter()
                    .find(|(_, bit)| assignment.value(*bit).unsigned() == 0)
                    .map_or("something", |(what, _)| what.as_str());
                Some(format!("not true: {violated}, for {}", values(&assignment)))
            }
        })
    }

    fn tell(&self, theorem: &Theorem<'_>, wrong: &str) -> String {
        let mut text = format!(
            "{}: {wrong}\n  verifier_zext {}, {:?}, kept {:?}, jump {:?}\n",
            describe(self.machine, theorem.insns),
            theorem.around.verifier_zext,
            theorem.around.barriers,
            theorem.around.kept,
            theorem.around.goal,
        );
        for (number, &word) in theorem.snippet.words.iter().enumerate() {
            let address = theorem.snippet.begin + number as u32 * 4;
            text += &format!("  {address:08x} {word:08x} {}\n", print(word, address));
        }
        text
    }
}
