// SPDX-License-Identifier: GPL-2.0

//! Ways through an execution over terms.
//!
//! Where a condition is not a constant, an execution goes one way and [`explore`] runs it again for
//! the other. What was decided is part of what is assumed about the values: a way that no values
//! take proves anything, and harms nothing.

use crate::model::term::Term;
use crate::model::word::Word;

/// One way through an execution.
#[derive(Debug)]
pub(super) struct Path {
    /// What to answer first.
    given: Vec<bool>,
    /// Conditions, and how they were answered.
    made: Vec<(Term, bool)>,
    /// More bits that are 1 on this way.
    pub(super) assumed: Vec<Term>,
}

impl Path {
    /// Whether a condition holds on this way.
    pub(super) fn decide(&mut self, condition: Term) -> bool {
        if let Some(value) = condition.value() {
            return value == 1;
        }
        // Two ways that differ in the answer to the same question need not be tried.
        let opposite = !condition;
        for &(known, answer) in &self.made {
            if known == condition {
                return answer;
            }
            if known == opposite {
                return !answer;
            }
        }
        let answer = self.given.get(self.made.len()).copied().unwrap_or(true);
        self.made.push((condition, answer));
        answer
    }

    /// All that is assumed on this way, as bits that are 1.
    pub(super) fn assumptions(&self) -> Vec<Term> {
        let decided = self.made.iter().map(|&(condition, answer)| match answer {
            true => condition,
            false => !condition,
        });
        decided.chain(self.assumed.iter().copied()).collect()
    }
}

/// Runs something once for each way through it. Stops at the first error.
pub(super) fn explore<E>(mut run: impl FnMut(&mut Path) -> Result<(), E>) -> Result<(), E> {
    let mut pending = vec![Vec::new()];
    while let Some(given) = pending.pop() {
        let first_free = given.len();
        let mut path = Path {
            given,
            made: Vec::new(),
            assumed: Vec::new(),
        };
        run(&mut path)?;
        let answers: Vec<bool> = path.made.iter().map(|&(_, answer)| answer).collect();
        for at in first_free..answers.len() {
            let mut other = answers[..at].to_vec();
            other.push(!answers[at]);
            pending.push(other);
        }
    }
    Ok(())
}
