// SPDX-License-Identifier: GPL-2.0

//! Did it pass?
//!
//! Only if the kernel's own counts say so: as many passed as the suite has, none failed, and exactly
//! those JIT'ed that ran (none of them with JIT=off). A suite that did not finish, a warning, or a
//! command of the job that failed is a failure whatever the counts are.

use crate::data::{Faults, Suite};
use crate::job::{Expected, Job};
use crate::qemu::{End, Outcome};
use crate::report::{self, Report};
use anyhow::Result;

/// One suite, judged.
pub(crate) struct Verdict {
    pub(crate) suite: String,
    pub(crate) expected: Expected,
    pub(crate) report: Report,
    /// Why it did not pass; empty if it did.
    pub(crate) reasons: Vec<String>,
    pub(crate) passed: u32,
    /// Never 0 if there is a reason.
    pub(crate) failed: u32,
}

/// Judges each suite of a job by what the machine printed.
pub(crate) fn judge(job: &Job, outcome: &Outcome) -> Result<Vec<Verdict>> {
    let mut verdicts = Vec::new();
    for suite in &job.suites {
        let report = report::read(suite, &outcome.lines);
        verdicts.push(judge_suite(
            suite,
            job.expected(suite)?,
            report,
            &outcome.end,
        ));
    }
    Ok(verdicts)
}

fn judge_suite(suite: &Suite, expected: Expected, report: Report, end: &End) -> Verdict {
    let mut reasons = unfinished(&report, end);
    reasons.extend(
        report
            .warnings
            .iter()
            .map(|line| format!("the kernel warned: {line}")),
    );
    reasons.extend(
        report
            .complaints
            .iter()
            .map(|line| format!("the job failed at {line}")),
    );
    let (mut passed, mut failed) = (0, 0);
    match (&suite.faults, report.summary) {
        (Some(faults), _) => reasons.extend(judge_faults(faults, &report)),
        (None, Some(counts)) => {
            (passed, failed) = (counts.passed, counts.failed);
            reasons.extend(judge_counts(suite, expected, &report));
        }
        (None, None) if reasons.is_empty() => reasons.push("no summary".to_owned()),
        (None, None) => {}
    }
    if suite.faults.is_some() && reasons.is_empty() {
        passed = 1;
    }
    if !reasons.is_empty() {
        let lost = expected.total.saturating_sub(passed + failed);
        let lost = if suite.faults.is_some() { 0 } else { lost };
        failed = (failed + lost + report.warnings.len() as u32).max(1);
    }
    Verdict {
        suite: suite.name.clone(),
        expected,
        report,
        reasons,
        passed,
        failed,
    }
}

fn unfinished(report: &Report, end: &End) -> Vec<String> {
    if report.rc.is_some() {
        return Vec::new();
    }
    let last = report
        .tests
        .last()
        .map(|test| format!(" after #{} {}", test.number, test.text));
    let last = last.unwrap_or_default();
    let why = match end {
        End::Done => "it has no end marker".to_owned(),
        End::Fatal(line) => format!("the kernel died{last}: {line}"),
        End::Hang(what) => format!("the kernel hangs{last}: {what}"),
        End::Gone => format!("QEMU ended{last}"),
    };
    vec![if report.began {
        why
    } else {
        format!("not reached: {why}")
    }]
}

fn judge_counts(suite: &Suite, expected: Expected, report: &Report) -> Vec<String> {
    let Some(counts) = report.summary else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    if counts.failed != 0 {
        reasons.push(format!("{} failed", counts.failed));
    }
    if counts.passed + counts.failed != expected.total {
        let sum = counts.passed + counts.failed;
        reasons.push(format!("{sum} tests reported, expected {}", expected.total));
    }
    match counts.jited {
        Some((jited, run)) => {
            if run != expected.run {
                reasons.push(format!("{run} ran, expected {}", expected.run));
            }
            if jited != expected.jited {
                reasons.push(format!(
                    "{jited} of {run} JIT'ed, expected {}",
                    expected.jited
                ));
            }
        }
        None if suite.runs_programs => reasons.push("the summary lacks [.. JIT'ed]".to_owned()),
        None => {}
    }
    if reasons.is_empty() && report.rc != Some(0) {
        reasons.push(format!(
            "loading the module returned {}",
            report.rc.unwrap_or_default()
        ));
    }
    reasons
}

/// Tests may fail when memory does; the machine must live, fall back, and give back what it took.
fn judge_faults(faults: &Faults, report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    let interpreted = report.interpreted().len();
    if interpreted < faults.interpreted as usize {
        let least = faults.interpreted;
        reasons.push(format!(
            "{interpreted} programs interpreted, expected {least} or more"
        ));
    }
    for word in &faults.same {
        let lines: Vec<&String> = report
            .shown
            .iter()
            .filter(|line| line.split(' ').next() == Some(word))
            .collect();
        match (lines.first(), lines.last()) {
            (Some(before), Some(after)) if lines.len() > 1 => {
                if before != after {
                    reasons.push(format!("before: {before:?}, after: {after:?}"));
                }
            }
            _ => reasons.push(format!("{word} was not shown before and after")),
        }
    }
    for word in &faults.never {
        let found = report
            .shown
            .iter()
            .find(|line| line.contains(word.as_str()));
        reasons.extend(found.map(|line| format!("shown: {line}")));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::job::Jit;
    use crate::report::tests::sample;

    fn outcome(lines: Vec<(f64, String)>, end: End) -> Outcome {
        Outcome {
            end,
            lines,
            log: "console.log".into(),
        }
    }

    fn said(text: &str) -> Vec<(f64, String)> {
        text.lines().map(|line| (0.0, line.to_owned())).collect()
    }

    #[test]
    fn the_c_jit_fails() {
        let job = job("all", Jit::C);
        let verdicts = judge(&job, &outcome(sample("console-c.log"), End::Done)).unwrap();
        assert_eq!((verdicts[0].passed, verdicts[0].failed), (1043, 19));
        assert_eq!(
            verdicts[0].reasons,
            ["19 failed", "1038 of 1050 JIT'ed, expected 1050"]
        );
        assert!(verdicts[1].reasons.is_empty() && verdicts[2].reasons.is_empty());
    }

    fn one(text: &str, end: End) -> Verdict {
        let mut job = job("test_tail_calls", Jit::Rust);
        job.range = Some("0,1".parse().unwrap());
        judge(&job, &outcome(said(text), end)).unwrap().remove(0)
    }

    const GOOD: &str = "@@ begin test_tail_calls\n\
        test_bpf: test_tail_calls: Summary: 2 PASSED, 0 FAILED, [2/2 JIT'ed]\n\
        @@ end test_tail_calls rc=0\n@@ done\n";

    #[test]
    fn only_full_counts_pass() {
        assert!(one(GOOD, End::Done).reasons.is_empty());
        for (from, to) in [
            ("2/2", "1/2"),
            ("2 PASSED", "1 PASSED"),
            ("[2/2", "[1/1"),
            ("rc=0", "rc=-5"),
        ] {
            let verdict = one(&GOOD.replace(from, to), End::Done);
            assert!(!verdict.reasons.is_empty() && verdict.failed > 0, "{to}");
        }
    }

    #[test]
    fn trouble_fails_whatever_the_counts_are() {
        let warned = GOOD.replace("@@ end", "[ 1.0] WARNING: CPU: 0 at x\n@@ end");
        assert_eq!(one(&warned, End::Done).failed, 1);
        let unfinished = GOOD.split("test_bpf:").next().unwrap();
        let verdict = one(unfinished, End::Fatal("Oops[#1]:".to_owned()));
        assert_eq!((verdict.passed, verdict.failed), (0, 2));
        assert_eq!(verdict.reasons, ["the kernel died: Oops[#1]:"]);
        let verdict = one("", End::Hang("booting: silent for 9 s".to_owned()));
        assert!(verdict.reasons[0].starts_with("not reached: the kernel hangs"));
    }
}
