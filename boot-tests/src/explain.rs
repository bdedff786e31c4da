// SPDX-License-Identifier: GPL-2.0

//! What does a person read of a boot?
//!
//! A table of what passed, why a suite did not, which tests to look at and the command that runs just
//! those, what was left out and why, the kernel's own summaries, and one line with the verdict.

use crate::job::Job;
use crate::judge::Verdict;
use comfy_table::{presets, Table};
use std::path::Path;

/// Names that are printed of tests that failed.
const NAMES: usize = 20;

/// Whether every suite passed.
pub(crate) fn is_pass(verdicts: &[Verdict]) -> bool {
    verdicts.iter().all(|verdict| verdict.reasons.is_empty())
}

/// What a person reads last: a table, what failed, the kernel's summaries, the verdict.
pub(crate) fn explain(job: &Job, logs: &[&Path], verdicts: &[Verdict]) -> String {
    let mut text = table(verdicts);
    for verdict in verdicts {
        text += &left_out(verdict);
        text += &failures(job, verdict);
    }
    if !is_pass(verdicts) {
        for log in logs {
            text += &format!("\nconsole: {}", log.display());
        }
        text += &format!("\nagain:   {}", job.again(None));
    }
    for summary in verdicts
        .iter()
        .flat_map(|verdict| &verdict.report.summaries)
    {
        text += &format!("\n{summary}");
    }
    text + "\n" + &verdict_line(job, verdicts)
}

/// Programs that no JIT is given, and tests that fail without one, and why.
fn left_out(verdict: &Verdict) -> String {
    let mut text = unblinded(verdict);
    for (id, why) in &verdict.expected.fails {
        text += &format!("\n{}: #{id} is known to fail: {why}", verdict.suite);
    }
    text
}

fn unblinded(verdict: &Verdict) -> String {
    verdict.expected.unblinded.map_or_else(String::new, |both| {
        format!(
            "\n{}: {} programs are left to the interpreter, #{} to #{}: the kernel cannot blind \
             them, since a jump would no longer fit 16 bits",
            verdict.suite,
            both.last - both.first + 1,
            both.first,
            both.last
        )
    })
}

fn table(verdicts: &[Verdict]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["suite", "passed", "failed", "JIT'ed", "expected", "seconds"]);
    for verdict in verdicts {
        let expected = &verdict.expected;
        let jited = verdict.report.summary().and_then(|summary| summary.jited);
        table.add_row([
            verdict.suite.clone(),
            verdict.passed.to_string(),
            verdict.failed.to_string(),
            jited.map_or_else(|| "-".to_owned(), |(jited, run)| format!("{jited}/{run}")),
            format!("{} [{}/{}]", expected.total, expected.jited, expected.run),
            format!("{:.0}", verdict.report.seconds),
        ]);
    }
    table.to_string()
}

fn failures(job: &Job, verdict: &Verdict) -> String {
    let mut text = String::new();
    for reason in verdict.reasons.iter().take(NAMES) {
        text += &format!("\n{}: {reason}", verdict.suite);
    }
    if verdict.reasons.is_empty() {
        return text;
    }
    let mut wrong = verdict.report.failing();
    let fails = &verdict.expected.fails;
    wrong.retain(|test| !fails.keys().any(|id| test.is_called(id)));
    if verdict.expected.jited > 0 {
        wrong.extend(
            verdict
                .report
                .interpreted()
                .iter()
                .filter(|test| !test.failed),
        );
    }
    for test in wrong.iter().take(NAMES) {
        text += &format!("\n  #{} {}", test.number, test.text);
    }
    if wrong.len() > NAMES {
        text += &format!("\n  and {} more, see the console log", wrong.len() - NAMES);
    }
    if let Some(test) = wrong.first() {
        let again = job.again(Some((&verdict.suite, test.number)));
        text += &format!("\njust #{}: {again}", test.number);
    }
    text
}

fn verdict_line(job: &Job, verdicts: &[Verdict]) -> String {
    let word = if is_pass(verdicts) { "PASS" } else { "FAIL" };
    let passed: u32 = verdicts.iter().map(|verdict| verdict.passed).sum();
    let failed: u32 = verdicts.iter().map(|verdict| verdict.failed).sum();
    let counts = verdicts
        .iter()
        .filter_map(|verdict| verdict.report.summary()?.jited);
    let (jited, run) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let what = format!("{passed} passed, {failed} failed, {jited}/{run} JIT'ed");
    let (machine, jit) = (&job.machine.name, job.jit.name());
    format!(
        "{word}: {what}: {} on {machine}, JIT={jit} HARDEN={}",
        job.suite, job.harden
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::job::Jit;
    use crate::judge::judge;
    use crate::qemu::{End, Outcome};
    use crate::report::tests::sample;

    #[test]
    fn the_last_line_is_the_verdict() {
        let job = job("test_bpf", Jit::C);
        let lines = sample("console-c.log");
        let outcome = Outcome {
            end: End::Done,
            lines,
            log: "console.log".into(),
        };
        let verdicts = judge(&job, &outcome).unwrap();
        let text = explain(&job, &[&outcome.log], &verdicts);
        let last: Vec<&str> = text.lines().rev().take(2).collect();
        assert!(
            last[0].starts_with("FAIL: 1043 passed, 19 failed, 1038/1050 JIT'ed"),
            "{text}"
        );
        assert_eq!(last[1], "1043 PASSED, 19 FAILED, [1038/1050 JIT'ed]");
        assert!(text.contains("JIT=c SUITE=test_bpf RANGE=82,82"), "{text}");
        assert!(text.contains("and 11 more"), "{text}");
    }
}
