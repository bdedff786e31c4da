// SPDX-License-Identifier: GPL-2.0

//! Did it pass?
//!
//! Only if the kernel's own counts say so: as many passed as the suite has, none failed, and exactly
//! those JIT'ed that ran (none of them with JIT=off). A suite that did not finish, a warning, or a
//! command of the job that failed is a failure whatever the counts are.

use crate::data::{Faults, Suite};
use crate::expected::Expected;
use crate::job::Job;
use crate::qemu::{End, Outcome};
use crate::report::{self, Report, Test};
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
    let is_known = |line: &&String| {
        expected
            .warns
            .iter()
            .any(|name| line.contains(name.as_str()))
    };
    let warnings: Vec<&String> = report
        .warnings
        .iter()
        .filter(|line| !is_known(line))
        .collect();
    reasons.extend(
        warnings
            .iter()
            .map(|line| format!("the kernel warned: {line}")),
    );
    reasons.extend(
        report
            .complaints
            .iter()
            .map(|line| format!("the job failed at {line}")),
    );
    match &suite.faults {
        Some(faults) => reasons.extend(judge_faults(faults, &expected, &report)),
        None if report.summaries.is_empty() && reasons.is_empty() => {
            reasons.push("no summary".to_owned());
        }
        None => reasons.extend(judge_counts(suite, &expected, &report)),
    }
    let passed: u32 = report.summaries.iter().map(|counts| counts.passed).sum();
    let mut failed: u32 = report.summaries.iter().map(|counts| counts.failed).sum();
    failed -= known_failures(&expected, &report).min(failed);
    if !reasons.is_empty() {
        let rounds = suite
            .faults
            .as_ref()
            .map_or(1, |faults| faults.rounds as u32);
        let lost = (expected.total * rounds).saturating_sub(passed + failed);
        failed = (failed + lost + warnings.len() as u32).max(1);
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

fn judge_counts(suite: &Suite, expected: &Expected, report: &Report) -> Vec<String> {
    let Some(counts) = report.summary() else {
        return Vec::new();
    };
    let mut reasons = Vec::new();
    let sum = counts.passed + counts.failed + counts.skipped;
    let known = known_failures(expected, report);
    if counts.failed > known {
        reasons.push(format!("{} failed", counts.failed - known));
    }
    for id in expected.fails.keys().filter(|id| !fails(report, id)) {
        if may_not_pass(expected, report, id) {
            reasons.push(format!("#{id} did not fail, but is known to"));
        }
    }
    let most = expected.most_skipped.filter(|_| expected.is_whole);
    if let Some(most) = most.filter(|&most| counts.skipped > most) {
        reasons.push(format!(
            "{} skipped, expected {most} at most",
            counts.skipped
        ));
    }
    if sum != expected.total && (expected.is_whole || !suite.numbers_groups) {
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
            } else if let Some(test) = unexpectedly_interpreted(expected, report) {
                reasons.push(format!("#{test} is interpreted, and another is not"));
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

/// How many tests failed that are known to.
fn known_failures(expected: &Expected, report: &Report) -> u32 {
    let is_known = |test: &&&Test| expected.fails.keys().any(|id| test.is_called(id));
    report.failing().iter().filter(is_known).count() as u32
}

fn fails(report: &Report, id: &str) -> bool {
    let mut tests = report.tests.iter();
    tests.any(|test| test.failed && test.is_called(id))
}

/// Whether it is wrong that no test of that name failed: if all passed, or none is there though all
/// tests are.
fn may_not_pass(expected: &Expected, report: &Report, id: &str) -> bool {
    let mut tests = report.tests.iter().filter(|test| test.is_called(id));
    match tests.next() {
        Some(first) => {
            !first.text.contains(" SKIP") && tests.all(|test| !test.text.contains(" SKIP"))
        }
        None => expected.is_whole,
    }
}

/// A test that is interpreted although the JIT could take it.
fn unexpectedly_interpreted(expected: &Expected, report: &Report) -> Option<u32> {
    let may = |test: u32| {
        let both = expected.unblinded;
        both.is_some_and(|both| (both.first..=both.last).contains(&test))
    };
    report
        .interpreted()
        .iter()
        .map(|test| test.number)
        .find(|&test| expected.jited > 0 && !may(test))
}

/// When memory fails, programs must be interpreted, with the same results, and all that was taken
/// be given back.
fn judge_faults(faults: &Faults, expected: &Expected, report: &Report) -> Vec<String> {
    let mut reasons = Vec::new();
    if report.summaries.len() != faults.rounds {
        let (rounds, least) = (report.summaries.len(), faults.rounds);
        reasons.push(format!("{rounds} rounds finished, expected {least}"));
    }
    for counts in &report.summaries {
        if counts.failed != 0 || counts.passed != expected.total {
            reasons.push(format!("a round ended with {counts}"));
        }
    }
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
    use std::collections::BTreeMap;

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

    #[test]
    fn what_faults_leave_behind_is_found() {
        let faults = Faults {
            rounds: 1,
            interpreted: 1,
            same: vec!["images".to_owned()],
            never: vec!["unreferenced".to_owned()],
        };
        let mut suite = job("test_tail_calls", Jit::Rust).suites.remove(0);
        suite.faults = Some(faults);
        let expected = Expected {
            total: 2,
            run: 2,
            jited: 2,
            unblinded: None,
            fails: BTreeMap::new(),
            warns: Vec::new(),
            is_whole: true,
            most_skipped: None,
        };
        let good = "@@ begin test_tail_calls\n@= images 3\n\
            test_bpf: #0 leaf jited:0 1 PASS\n\
            test_bpf: test_tail_calls: Summary: 2 PASSED, 0 FAILED, [1/2 JIT'ed]\n\
            @= images 3\n@= tidy\n@@ end test_tail_calls rc=0\n";
        let judged = |text: &str| {
            judge_suite(
                &suite,
                expected.clone(),
                report::read(&suite, &said(text)),
                &End::Done,
            )
        };
        assert_eq!(judged(good).reasons, [""; 0]);
        let changes = [
            ("images 3\n@= t", "images 4\n@= t"),
            ("@= images 3\n@= t", "@= t"),
            ("tidy", "unreferenced object"),
            ("jited:0", "jited:1"),
            ("2 PASSED, 0", "1 PASSED, 1"),
        ];
        for (from, to) in changes {
            let verdict = judged(&good.replace(from, to));
            assert!(!verdict.reasons.is_empty() && verdict.failed > 0, "{to}");
        }
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

    fn with_known(text: &str, range: Option<&str>) -> Vec<String> {
        let mut job = job("test_tail_calls", Jit::Rust);
        let total = 2;
        job.range = range.map(|range| range.parse().unwrap());
        for expect in job.suites[0].expect.values_mut() {
            expect.total = total;
            expect.fails = [("a/b".to_owned(), "why".to_owned())].into();
            expect.most_skipped = Some(0);
        }
        job.suites[0].runs_programs = false;
        let text =
            format!("@@ begin test_tail_calls\n{text}@@ end test_tail_calls rc=0\n@@ done\n");
        let outcome = outcome(said(&text), End::Done);
        judge(&job, &outcome).unwrap().remove(0).reasons
    }

    #[test]
    fn what_is_known_to_fail_must() {
        let summary = "test_bpf: test_tail_calls: Summary:";
        let fails = format!("x: #0 a/b FAIL: y\n{summary} 1 PASSED, 0 SKIPPED, 1 FAILED\n");
        assert_eq!(with_known(&fails, None), [""; 0]);
        assert_eq!(with_known(&fails.replace("a/b", "a/c"), None).len(), 2);
        let passes = format!("x: #0 a/b PASS\n{summary} 2 PASSED, 0 SKIPPED, 0 FAILED\n");
        assert_eq!(
            with_known(&passes, None),
            ["#a/b did not fail, but is known to"]
        );
        // Neither left out by a range, nor by itself; but of those not more than there were.
        let others = passes.replace("a/b", "a/c");
        assert_eq!(with_known(&others, Some("0,1")), [""; 0]);
        let skips = format!("x: #0 a/b SKIP y\n{summary} 1 PASSED, 1 SKIPPED, 0 FAILED\n");
        assert_eq!(with_known(&skips, Some("0,1")), [""; 0]);
        assert_eq!(with_known(&skips, None), ["1 skipped, expected 0 at most"]);
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
