// SPDX-License-Identifier: GPL-2.0

//! What must a suite report?
//!
//! What the data of the kernel series says of the suite, for the tests that run in this job, on its
//! machine, with its JIT.

use crate::data::{Endian, Suite};
use crate::job::{Jit, Job, Range};
use anyhow::Result;
use serde::Deserialize;
use std::collections::BTreeMap;

/// What must come out of one suite of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) total: u32,
    pub(crate) run: u32,
    pub(crate) jited: u32,
    /// First and last test of those that run but cannot be JIT'ed.
    pub(crate) unblinded: Option<Range>,
    /// Those that are known to fail, and why.
    pub(crate) fails: BTreeMap<String, String>,
    /// Functions of which the kernel warns however programs are run.
    pub(crate) warns: Vec<String>,
    /// Whether all tests run, and not a range.
    pub(crate) is_whole: bool,
    /// Not more may be left out, of all.
    pub(crate) most_skipped: Option<u32>,
}

/// Tests that fail for one reason, by the numbers or names that they print.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    pub(crate) why: String,
    pub(crate) only: Option<Only>,
    pub(crate) tests: Vec<String>,
    /// Tests that do not begin then: what ends early has no more of them.
    #[serde(default)]
    pub(crate) lost: u32,
}

/// Where alone they fail.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum Only {
    #[serde(rename = "32-bit")]
    Narrow,
    #[serde(rename = "little-endian")]
    LittleEndian,
    #[serde(rename = "big-endian")]
    BigEndian,
    #[serde(rename = "interpreted")]
    Interpreted,
    #[serde(rename = "compiled")]
    Compiled,
    /// Compiled with constants blinded (`net.core.bpf_jit_harden=2`).
    #[serde(rename = "hardened")]
    Hardened,
}

impl Job {
    fn has(&self, only: Option<Only>) -> bool {
        match only {
            Some(Only::Narrow) => self.machine.bits == 32,
            Some(Only::LittleEndian) => self.machine.endian == Endian::Little,
            Some(Only::BigEndian) => self.machine.endian == Endian::Big,
            Some(Only::Interpreted) => self.jit == Jit::Off,
            Some(Only::Compiled) => self.jit != Jit::Off,
            Some(Only::Hardened) => self.is_hardened(),
            None => true,
        }
    }

    /// Whether constants of all programs are blinded.
    fn is_hardened(&self) -> bool {
        self.harden == 2 && self.jit != Jit::Off
    }

    /// Counts that must come out; a range has its share of them.
    pub(crate) fn expected(&self, suite: &Suite) -> Result<Expected> {
        let expect = self.expect(suite)?;
        let all = Range {
            first: 0,
            last: expect.total.saturating_sub(1),
        };
        let range = self.range_of(suite).unwrap_or(all);
        let is_in = |test: &u32| (range.first..=range.last).contains(test);
        let refused = expect.refused.iter().filter(|test| is_in(test)).count() as u32;
        let total = range.last - range.first + 1;
        let run = if suite.runs_programs {
            total - refused
        } else {
            0
        };
        let unblinded = expect
            .unblinded
            .filter(|_| self.is_hardened())
            .map(|(first, last)| Range {
                first: first.max(range.first),
                last: last.min(range.last),
            })
            .filter(|both| both.first <= both.last);
        let left = unblinded.map_or(0, |both| both.last - both.first + 1);
        let is_whole = self.range_of(suite).is_none();
        let (mut fails, mut lost) = (expect.fails, 0);
        for known in expect.known.iter().filter(|known| self.has(known.only)) {
            lost += known.lost;
            let tests = known.tests.iter().cloned();
            fails.extend(tests.map(|test| (test, known.why.clone())));
        }
        Ok(Expected {
            total: if is_whole { total - lost } else { total },
            run,
            jited: if self.jit == Jit::Off { 0 } else { run - left },
            unblinded,
            fails,
            warns: expect.warns,
            is_whole,
            most_skipped: expect.most_skipped.filter(|_| self.jit != Jit::Off),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::{job, KERNEL};

    #[test]
    fn a_range_has_its_share_of_the_counts() {
        let mut job = job("test_bpf", Jit::Rust);
        let suite = job.suites[0].clone();
        let all = job.expected(&suite).unwrap();
        assert_eq!(
            all,
            Expected {
                total: 1062,
                run: 1050,
                jited: 1050,
                unblinded: None,
                fails: BTreeMap::new(),
                warns: Vec::new(),
                is_whole: true,
                most_skipped: None,
            }
        );
        let refused = suite.expect[KERNEL].refused[0];
        job.range = Some(Range {
            first: refused,
            last: refused + 1,
        });
        assert_eq!(job.expected(&suite).unwrap().total, 2);
        assert!(job.expected(&suite).unwrap().run < 2);
        job.range = Some("1000,1062".parse().unwrap());
        assert!(job.check().is_err());
    }

    #[test]
    fn failures_are_known_where_they_are() {
        let mut job = job("test_bpf", Jit::Rust);
        let mut suite = job.suites[0].clone();
        let expect = suite.expect.get_mut(KERNEL).unwrap();
        let conditions = [
            "32-bit",
            "little-endian",
            "big-endian",
            "interpreted",
            "compiled",
            "hardened",
        ];
        for only in conditions {
            let text =
                format!("why = \"{only}\"\nonly = \"{only}\"\ntests = [\"{only}\"]\nlost = 1");
            expect.known.push(toml::from_str(&text).unwrap());
        }
        let fails = |job: &Job| job.expected(&suite).unwrap().fails.into_keys();
        assert!(fails(&job).eq(["32-bit", "compiled", "little-endian"]));
        // What does not begin is not missed.
        assert_eq!(job.expected(&suite).unwrap().total, 1062 - 3);
        job.harden = 2;
        assert!(fails(&job).eq(["32-bit", "compiled", "hardened", "little-endian"]));
        job.jit = Jit::Off;
        assert!(fails(&job).eq(["32-bit", "interpreted", "little-endian"]));
        job.machine.endian = Endian::Big;
        assert!(fails(&job).eq(["32-bit", "big-endian", "interpreted"]));
    }

    #[test]
    fn a_hardened_kernel_leaves_some_programs_alone() {
        let mut job = job("test_bpf", Jit::Rust);
        let suite = job.suites[0].clone();
        job.harden = 2;
        let all = job.expected(&suite).unwrap();
        assert_eq!((all.run, all.jited), (1050, 997));
        job.range = Some(Range {
            first: 1000,
            last: 1010,
        });
        let some = job.expected(&suite).unwrap();
        assert_eq!((some.run, some.jited), (11, 9));
        job.harden = 1;
        assert_eq!(job.expected(&suite).unwrap().jited, 11);
    }
}
