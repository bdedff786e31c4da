// SPDX-License-Identifier: GPL-2.0

//! What is kept of a boot?
//!
//! Counts, and what would have to be the same for them to come out again.

use crate::judge::Verdict;
use serde::{Deserialize, Serialize};

/// What one boot came to.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Seen {
    /// Of kernel, initrd and command.
    pub(crate) identity: String,
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) jited: u32,
    pub(crate) run: u32,
}

impl Seen {
    /// Of what was judged.
    pub(crate) fn new(identity: &str, verdicts: &[Verdict]) -> Self {
        let sum = |count: fn(&Verdict) -> u32| verdicts.iter().map(count).sum::<u32>();
        let jited = |verdict: &Verdict| verdict.report.summary().and_then(|summary| summary.jited);
        let both = verdicts.iter().filter_map(jited);
        let (jited, run) = both.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Seen {
            identity: identity.to_owned(),
            passed: sum(|verdict| verdict.passed).into(),
            failed: sum(|verdict| verdict.failed).into(),
            jited,
            run,
        }
    }

    /// As in the table.
    pub(crate) fn text(&self) -> String {
        let (passed, total) = (self.passed, self.passed + self.failed);
        format!("{passed}/{total} [{}/{}]", self.jited, self.run)
    }
}
