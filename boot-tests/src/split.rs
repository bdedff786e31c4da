// SPDX-License-Identifier: GPL-2.0

//! How does a second core shorten a boot?
//!
//! A guest has one CPU, so a long suite keeps one core of the host busy and leaves the others idle.
//! A suite's file may name the test before which half of its time is spent: where there are two cores
//! it then runs in two guests, and the job's other suites in the first. What the guests report is put
//! together again before anyone sees it, so counts and verdict are those of the whole.

use crate::job::{Job, Range};
use crate::judge::Verdict;
use crate::report::Summary;
use anyhow::Result;

/// The job in two parts if that is of use, else the job.
pub(crate) fn parts(job: &Job, cores: usize) -> Result<Vec<Job>> {
    let (mut first, mut second) = (job.clone(), job.clone());
    second.suites.clear();
    // Guest time that counts instructions is a property of the whole run.
    if cores < 2 || job.range.is_some() || job.icount {
        return Ok(vec![first]);
    }
    for suite in &mut first.suites {
        let expect = job.expect(suite)?;
        let Some(half) = expect.half else { continue };
        let last = expect.total - 1;
        let mut rest = suite.clone();
        rest.part = Some(Range { first: half, last });
        second.suites.push(rest);
        suite.part = Some(Range {
            first: 0,
            last: half - 1,
        });
    }
    Ok(match second.suites.is_empty() {
        true => vec![first],
        false => vec![first, second],
    })
}

/// One verdict a suite of the job, from those of its parts.
pub(crate) fn join(job: &Job, parts: Vec<Vec<Verdict>>) -> Result<Vec<Verdict>> {
    let mut all: Vec<Verdict> = parts.into_iter().flatten().collect();
    let mut joined = Vec::new();
    for suite in &job.suites {
        let (mut same, others): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|verdict| verdict.suite == suite.name);
        all = others;
        let rest = same.split_off(1.min(same.len()));
        for mut whole in same {
            for part in &rest {
                add(&mut whole, part);
            }
            whole.expected = job.expected(suite)?;
            joined.push(whole);
        }
    }
    Ok(joined)
}

fn add(whole: &mut Verdict, part: &Verdict) {
    let (to, from) = (&mut whole.report, &part.report);
    to.summaries = match (to.summary(), from.summary()) {
        (Some(one), Some(other)) => vec![sum(one, other)],
        // A part without counts has a reason to fail; half of the counts would mislead.
        _ => Vec::new(),
    };
    to.tests.extend_from_slice(&from.tests);
    to.warnings.extend_from_slice(&from.warnings);
    to.complaints.extend_from_slice(&from.complaints);
    to.shown.extend_from_slice(&from.shown);
    to.rc = to.rc.min(from.rc);
    to.seconds = to.seconds.max(from.seconds);
    for reason in &part.reasons {
        if !whole.reasons.contains(reason) {
            whole.reasons.push(reason.clone());
        }
    }
    whole.passed += part.passed;
    whole.failed += part.failed;
}

fn sum(one: Summary, other: Summary) -> Summary {
    Summary {
        passed: one.passed + other.passed,
        skipped: one.skipped + other.skipped,
        failed: one.failed + other.failed,
        jited: one
            .jited
            .zip(other.jited)
            .map(|(a, b)| (a.0 + b.0, a.1 + b.1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::job::Jit;
    use crate::judge::judge;
    use crate::qemu::{End, Outcome};

    /// What a guest prints that runs so many tests, of which some fail.
    fn console(job: &Job, failed: u32) -> Outcome {
        let mut lines = Vec::new();
        for suite in &job.suites {
            let expected = job.expected(suite).unwrap();
            let (name, summary) = (&suite.name, &suite.summary);
            let passed = expected.total - failed;
            let mut counts = format!("{summary} {passed} PASSED, {failed} FAILED");
            if suite.runs_programs {
                counts += &format!(", [{}/{} JIT'ed]", expected.jited, expected.run);
            }
            let rc = if failed == 0 { 0 } else { -22 };
            for line in [
                format!("@@ begin {name}"),
                counts,
                format!("@@ end {name} rc={rc}"),
            ] {
                lines.push((0.0, line));
            }
        }
        Outcome {
            end: End::Done,
            lines,
            log: "console.log".into(),
        }
    }

    fn both(job: &Job, failed: u32) -> Vec<Verdict> {
        let parts = parts(job, 2).unwrap();
        assert_eq!(parts.len(), 2);
        let verdicts = parts
            .iter()
            .zip([0, failed])
            .map(|(part, failed)| judge(part, &console(part, failed)).unwrap())
            .collect();
        join(job, verdicts).unwrap()
    }

    #[test]
    fn two_parts_are_the_whole() {
        let whole = job("all", Jit::Rust);
        let parts = parts(&whole, 2).unwrap();
        assert_ne!(parts[0].run_name(), parts[1].run_name());
        assert_ne!(parts[0].run_name(), whole.run_name());
        assert_eq!((parts[0].suites.len(), parts[1].suites.len()), (3, 1));
        let script = parts[1].script().unwrap();
        assert!(script.contains(",1061\n"), "{script}");
        let verdicts = both(&whole, 0);
        assert_eq!(verdicts.len(), 3);
        assert!(verdicts.iter().all(|verdict| verdict.reasons.is_empty()));
        assert_eq!(
            verdicts[0].report.summary().unwrap().to_string(),
            "1062 PASSED, 0 FAILED, [1050/1050 JIT'ed]"
        );
        assert_eq!(verdicts[0].expected.total, 1062);
    }

    #[test]
    fn a_failure_in_one_part_fails_the_whole() {
        let verdicts = both(&job("test_bpf", Jit::Rust), 2);
        assert_eq!(verdicts[0].reasons, ["2 failed"]);
        assert_eq!((verdicts[0].passed, verdicts[0].failed), (1060, 2));
        let hardened = Job {
            harden: 2,
            ..job("test_bpf", Jit::Rust)
        };
        let verdicts = both(&hardened, 0);
        assert!(verdicts[0].reasons.is_empty(), "{:?}", verdicts[0].reasons);
        let summary = verdicts[0].report.summary().unwrap();
        assert_eq!(summary.jited, Some((997, 1050)));
    }

    #[test]
    fn a_part_that_dies_fails_the_whole() {
        let whole = job("test_bpf", Jit::Rust);
        let parts = parts(&whole, 2).unwrap();
        let good = judge(&parts[0], &console(&parts[0], 0)).unwrap();
        let dead = Outcome {
            end: End::Gone,
            lines: Vec::new(),
            log: "console.log".into(),
        };
        let dead = judge(&parts[1], &dead).unwrap();
        let verdicts = join(&whole, vec![good, dead]).unwrap();
        assert!(!verdicts[0].reasons.is_empty() && verdicts[0].failed > 0);
        assert_eq!(verdicts[0].report.summary(), None);
    }

    #[test]
    fn what_cannot_be_split_is_not() {
        let whole = job("test_bpf", Jit::Rust);
        assert_eq!(parts(&whole, 1).unwrap().len(), 1);
        assert_eq!(parts(&job("jit_bugs", Jit::Rust), 2).unwrap().len(), 1);
        let some = Job {
            range: Some("0,5".parse().unwrap()),
            ..whole.clone()
        };
        assert_eq!(parts(&some, 2).unwrap().len(), 1);
        let exact = Job {
            icount: true,
            ..whole
        };
        assert_eq!(parts(&exact, 2).unwrap().len(), 1);
    }
}
