// SPDX-License-Identifier: GPL-2.0

//! Model and emulator side by side: states are collected, tried at once, and compared.

use std::fmt::Write;

use super::predict::{Prediction, Predictor};
use super::rig::{
    Rig, State, Stopped, CELL, CELLS, CELLS_SIZE, HI, LO, LONGEST, MEMORY, PAD_SIZE, PC,
};
use super::trial::{Ground, Trial};
use crate::host::mips::print;
use crate::host::random::Random;
use crate::jit::mips::Reg;
use crate::model::mips::Trap;
use crate::tools::exec::machine::Machine;

/// What is to be tried in the next run.
#[derive(Default)]
struct Batch {
    trials: Vec<Trial>,
    cases: Vec<Case>,
}

/// A state in which something is tried.
struct Case {
    /// Index of the trial.
    trial: usize,
    before: State,
    expected: Prediction,
}

/// Model and emulator of one machine.
pub(super) struct Bench {
    pub(super) machine: Machine,
    rig: Rig,
    ground: Ground,
    predictor: Predictor,
    batch: Batch,
    /// How many states were compared.
    pub(super) states: u64,
    /// How many were not: the model says that a general register is unpredictable.
    pub(super) vague: u64,
    /// How they differ.
    pub(super) differences: Vec<String>,
}

impl Bench {
    pub(super) fn new(machine: Machine) -> Bench {
        Bench {
            machine,
            rig: Rig::new(machine),
            ground: Ground::new(),
            predictor: Predictor::new(machine),
            batch: Batch::default(),
            states: 0,
            vague: 0,
            differences: Vec::new(),
        }
    }

    /// Puts words where they can be tried, if there is such a place.
    pub(super) fn place(&mut self, random: &mut Random, words: &[u32]) -> Option<Trial> {
        if self.ground.is_crowded() && self.batch.cases.is_empty() {
            self.restart();
        }
        self.ground.place(&mut self.rig, random, words)
    }

    fn restart(&mut self) {
        self.rig = Rig::new(self.machine);
        self.ground = Ground::new();
    }

    /// Adds a state to those that will be compared; counts it if there is nothing to compare.
    ///
    /// # Errors
    ///
    /// The model's trap: it is not added.
    pub(super) fn add(&mut self, trial: &Trial, before: State) -> Result<(), Trap> {
        let expected = self.predictor.predict(trial, &before)?;
        if expected.is_vague {
            self.vague += 1;
            return Ok(());
        }
        let is_new = self
            .batch
            .trials
            .last()
            .is_none_or(|last| last.site != trial.site);
        if is_new {
            self.batch.trials.push(trial.clone());
        }
        self.batch.cases.push(Case {
            trial: self.batch.trials.len() - 1,
            before,
            expected,
        });
        if self.batch.cases.len() >= LONGEST {
            self.compare();
        }
        Ok(())
    }

    /// Tries everything that was added, and compares.
    pub(super) fn compare(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        if batch.cases.is_empty() {
            return;
        }
        self.states += batch.cases.len() as u64;
        let mut cells = self.rig.cells();
        let cases = batch.cases.iter();
        let (differing, ended) = self
            .rig
            .run(cases.map(|case| (&case.before, &case.expected)));
        for case in &batch.cases {
            let at = (case.before[CELL] as u32 % CELLS_SIZE) as usize / 4;
            for (word, index) in MEMORY.into_iter().enumerate() {
                cells[at + word] = case.expected.state[index] as u32;
            }
        }
        for (index, real) in &differing {
            let case = &batch.cases[*index];
            self.judge(&batch.trials[case.trial], case, real);
        }
        if let Err(Stopped { case, error }) = ended {
            let wrong = format!("the emulator stops: {error:?}");
            match batch.cases.get(case) {
                Some(case) => self.blame(&batch.trials[case.trial], case, &wrong),
                None => self.differences.push(wrong),
            }
            // Nothing is known of an emulator that has stopped.
            self.restart();
        } else if differing.is_empty() {
            self.judge_cells(&cells);
        }
    }

    /// Everything else in memory must be as it was.
    fn judge_cells(&mut self, expected: &[u32]) {
        let real = self.rig.cells();
        if let Some(at) = (0..real.len()).find(|&at| real[at] != expected[at]) {
            self.differences.push(format!(
                "memory at {:#x} is {:#010x} and should still be {:#010x}",
                CELLS + at as u32 * 4,
                real[at],
                expected[at]
            ));
        }
    }

    fn judge(&mut self, trial: &Trial, case: &Case, real: &State) {
        let Prediction {
            state, promised, ..
        } = &case.expected;
        let differs = |&index: &usize| match index {
            HI => (real[HI] ^ state[HI]) & promised[0] != 0,
            LO => (real[LO] ^ state[LO]) & promised[1] != 0,
            _ => real[index] != state[index],
        };
        let mut wrong = String::from("differs");
        for index in (1..state.len()).filter(differs) {
            // The pad says where it ends, not where it begins.
            let pad = if index == PC {
                4 * u64::from(PAD_SIZE)
            } else {
                0
            };
            let (real, expected) = (
                real[index].wrapping_sub(pad),
                state[index].wrapping_sub(pad),
            );
            let name = name(index);
            let _ = write!(wrong, "; {name} is {real:#x}, in the model {expected:#x}");
        }
        self.blame(trial, case, &wrong);
    }

    fn blame(&mut self, trial: &Trial, case: &Case, wrong: &str) {
        let mut text = wrong.to_owned();
        for (index, word) in trial.words.iter().enumerate() {
            let at = trial.site + 4 * index as u32;
            let _ = write!(text, "\n    {at:08x}: {word:08x}  {}", print(*word, at));
        }
        for line in (1..case.before.len()).collect::<Vec<_>>().chunks(8) {
            text += "\n   ";
            for &index in line {
                let _ = write!(text, " {}={:x}", name(index), case.before[index]);
            }
        }
        self.differences.push(text);
    }

    /// Compares a state in which both must trap.
    pub(super) fn compare_trap(
        &mut self,
        trial: &Trial,
        before: State,
        expected: fn(Trap) -> bool,
    ) {
        self.states += 1;
        let predicted = self.predictor.predict(trial, &before);
        if !matches!(predicted, Err(trap) if expected(trap)) {
            let wrong = format!("the model says {predicted:x?} of {:08x?}", trial.words);
            return self.differences.push(wrong);
        }
        // Whatever it may lead to.
        let nothing = Prediction {
            state: before,
            promised: [0, 0],
            is_vague: false,
        };
        let (_, real) = self.rig.run([(&before, &nothing)].into_iter());
        if !matches!(real, Err(Stopped { error: Some(_), .. })) {
            let wrong = format!("the emulator should trap in {:08x?}: {real:?}", trial.words);
            self.differences.push(wrong);
        }
    }
}

fn name(index: usize) -> String {
    match index {
        HI => "hi".to_owned(),
        LO => "lo".to_owned(),
        CELL => "cell".to_owned(),
        PC => "pc".to_owned(),
        _ if MEMORY.contains(&index) => format!("memory+{}", (index - MEMORY[0]) * 4),
        _ => Reg::from_number(index as u32).name().to_owned(),
    }
}
