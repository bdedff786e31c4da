// SPDX-License-Identifier: GPL-2.0

//! What did each suite report?
//!
//! The suites of lib/test_bpf.c print a line a test and one with the counts:
//!
//! ```text
//! test_bpf: #7 ADD64 jited:1 52 PASS
//! test_bpf: #8 DIV64 jited:1 ret 3 != 4 (0x3 != 0x4)FAIL (1 times)
//! test_bpf: Summary: 1 PASSED, 1 FAILED, [2/2 JIT'ed]
//! ```
//!
//! The counts are taken from the summary; the lines only say which tests to look at.

use crate::console::{classify, Line};
use crate::data::Suite;

/// The line with the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    /// What the suite says it left out.
    pub(crate) skipped: u32,
    /// JIT'ed, of those that ran.
    pub(crate) jited: Option<(u32, u32)>,
}

/// The line of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) number: u32,
    /// The number as printed: test_verifier has two tests of each, as `7/u` and `7/p`.
    pub(crate) id: String,
    /// Name and what followed it.
    pub(crate) text: String,
    pub(crate) failed: bool,
    /// Whether it was JIT'ed, if it ran.
    pub(crate) jited: Option<bool>,
}

impl Test {
    /// By its number as printed, or by its name: the first word behind it. A star stands for any
    /// end of a name.
    pub(crate) fn is_called(&self, id: &str) -> bool {
        let name = self.text.split(' ').next().unwrap_or_default();
        match id.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => self.id == id || name == id,
        }
    }
}

/// All that one suite said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// One for each time the module was loaded.
    pub(crate) summaries: Vec<Summary>,
    pub(crate) tests: Vec<Test>,
    pub(crate) warnings: Vec<String>,
    pub(crate) complaints: Vec<String>,
    pub(crate) shown: Vec<String>,
    /// Whether it began; what its module returned, if it ended.
    pub(crate) began: bool,
    pub(crate) rc: Option<i32>,
    /// Host seconds it took, up to its end or the machine's.
    pub(crate) seconds: f64,
}

/// Finds a suite's part of the console's lines and reads it.
pub(crate) fn read(suite: &Suite, lines: &[(f64, String)]) -> Report {
    let mut report = Report::default();
    let mut start = 0.0;
    let mut is_setup = true;
    for (at, line) in lines {
        let line = classify(line);
        is_setup &= !matches!(line, Line::Begin(_));
        match (report.began && report.rc.is_none(), line) {
            (false, Line::Begin(name)) if name == suite.name => {
                report.began = true;
                start = *at;
            }
            (true, line) => {
                report.seconds = at - start;
                report.take(suite, line);
            }
            // What is set up for all suites must hold for each.
            (false, Line::Complaint(text)) if is_setup => report.complaints.push(text.to_owned()),
            (false, _) => {}
        }
    }
    report
}

impl Report {
    fn take(&mut self, suite: &Suite, line: Line<'_>) {
        match line {
            Line::End(name, rc) if name == suite.name => self.rc = Some(rc),
            Line::Warning(text) => self.warnings.push(text.to_owned()),
            Line::Complaint(text) => self.complaints.push(text.to_owned()),
            Line::Shown(text) => self.shown.push(text.to_owned()),
            Line::Other(text) => {
                if let Some(counts) = text.strip_prefix(suite.summary.as_str()) {
                    self.summaries.extend(parse_summary(counts));
                } else if text.starts_with("jited:") {
                    self.resume(text);
                } else {
                    self.tests.extend(parse_test(text));
                }
            }
            Line::Begin(_) | Line::End(..) | Line::Done | Line::Fatal(_) => {}
        }
    }

    /// The counts, if it reported any.
    pub(crate) fn summary(&self) -> Option<Summary> {
        self.summaries.last().copied()
    }

    /// Something else printed in the middle of a test's line; here is its second half.
    fn resume(&mut self, rest: &str) {
        if let Some(test) = self.tests.last_mut().filter(|test| test.jited.is_none()) {
            let whole = format!("test_bpf: #{} {} {rest}", test.id, test.text);
            if let Some(joined) = parse_test(&whole) {
                *test = joined;
            }
        }
    }

    /// Tests whose line says that they failed.
    pub(crate) fn failing(&self) -> Vec<&Test> {
        self.tests.iter().filter(|test| test.failed).collect()
    }

    /// Tests that ran, but not JIT'ed.
    pub(crate) fn interpreted(&self) -> Vec<&Test> {
        self.tests
            .iter()
            .filter(|test| test.jited == Some(false))
            .collect()
    }
}

/// "N PASSED, N FAILED" and maybe ", [N/N JIT'ed]"; test_verifier's has "N SKIPPED, " in the middle.
pub(crate) fn parse_summary(text: &str) -> Option<Summary> {
    let mut parts = text.trim().split(", ").peekable();
    let passed = parts.next()?.strip_suffix(" PASSED")?.parse().ok()?;
    let skipped = parts.peek()?.strip_suffix(" SKIPPED");
    let skipped = skipped.map_or(Some(0), |count| count.parse().ok())?;
    let failed = parts.find(|part| !part.ends_with(" SKIPPED"))?;
    let failed = failed.strip_suffix(" FAILED")?.parse().ok()?;
    let jited = match parts.next() {
        None => None,
        Some(part) => {
            let counts = part.strip_prefix('[')?.strip_suffix(" JIT'ed]")?;
            let (jited, run) = counts.split_once('/')?;
            Some((jited.parse().ok()?, run.parse().ok()?))
        }
    };
    Some(Summary {
        passed,
        failed,
        skipped,
        jited,
    })
}

fn parse_test(text: &str) -> Option<Test> {
    // The module's name comes first.
    let (module, rest) = text.split_once(": #")?;
    if module.contains(' ') {
        return None;
    }
    let (id, rest) = rest.split_once(' ')?;
    let number = id.split('/').next()?.parse().ok()?;
    let (result, jited) = match rest.rsplit_once("jited:") {
        Some((_, result)) => (result, Some(result.starts_with('1'))),
        None => (rest, None),
    };
    let failed = match jited {
        Some(_) => result.contains("FAIL"),
        None => ["FAIL", "FAIL to ", "FAIL: ", "UNEXPECTED_"]
            .iter()
            .any(|mark| ends_so(rest, mark)),
    };
    Some(Test {
        number,
        id: id.to_owned(),
        text: rest.trim_end().to_owned(),
        failed,
        jited,
    })
}

/// Whether the mark stands at the end, or begins what the module says after the name.
fn ends_so(text: &str, mark: &str) -> bool {
    match mark.ends_with([' ', '_']) {
        true => text.contains(mark),
        false => text.trim_end().ends_with(mark),
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} PASSED, ", self.passed)?;
        if self.skipped != 0 {
            write!(f, "{} SKIPPED, ", self.skipped)?;
        }
        write!(f, "{} FAILED", self.failed)?;
        match self.jited {
            Some((jited, run)) => write!(f, ", [{jited}/{run} JIT'ed]"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::job::Jit;

    pub(crate) fn sample(name: &str) -> Vec<(f64, String)> {
        let path = format!("{}/tests/{name}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines()
            .enumerate()
            .map(|(at, line)| (at as f64, line.to_owned()))
            .collect()
    }

    #[test]
    fn summaries() {
        let summary = parse_summary(" 1043 PASSED, 19 FAILED, [1038/1050 JIT'ed]").unwrap();
        assert_eq!(
            summary,
            Summary {
                passed: 1043,
                failed: 19,
                skipped: 0,
                jited: Some((1038, 1050))
            }
        );
        assert_eq!(
            summary.to_string(),
            "1043 PASSED, 19 FAILED, [1038/1050 JIT'ed]"
        );
        let summary = parse_summary(" 2 PASSED, 0 FAILED").unwrap();
        assert_eq!(
            summary,
            Summary {
                passed: 2,
                failed: 0,
                skipped: 0,
                jited: None
            }
        );
        for text in [
            "",
            "1 PASSED",
            "1 PASSED, x FAILED",
            "1 PASSED, 0 FAILED, [1 JIT'ed]",
        ] {
            assert_eq!(parse_summary(text), None, "{text}");
        }
    }

    #[test]
    fn lines_of_tests() {
        let test = parse_test("test_bpf: #7 a FAIL b jited:0 52 PASS").unwrap();
        assert_eq!(
            (test.number, test.failed, test.jited),
            (7, false, Some(false))
        );
        let test =
            parse_test("test_bpf: #8 x jited:1 ret 3 != 4 (0x3 != 0x4)FAIL (1 times)").unwrap();
        assert_eq!((test.failed, test.jited), (true, Some(true)));
        assert!(!parse_test("test_bpf: #9 refused PASS").unwrap().failed);
        assert!(
            parse_test("test_bpf: #9 x FAIL to prog_create err=-22 len=1")
                .unwrap()
                .failed
        );
        assert!(
            parse_test("test_bpf: #0 gso_with_rx_frags FAIL")
                .unwrap()
                .failed
        );
        assert!(
            parse_test("jit_diff: #7 returns 1, interpreted 2 FAIL")
                .unwrap()
                .failed
        );
        assert!(
            parse_test("test_verifier: #106/p x FAIL: found unexpected subsequence")
                .unwrap()
                .failed
        );
        assert_eq!(parse_test("test_bpf: Summary: 1 PASSED"), None);
        assert_eq!(parse_test("mips: see bug: #7 and others"), None);
    }

    #[test]
    fn a_star_is_any_end_of_a_name() {
        let test = parse_test("test_progs: #496/3 tailcalls/tailcall_3 FAIL: why").unwrap();
        assert!(test.failed && test.is_called("496/3"));
        for (id, is_it) in [
            ("tailcalls/tailcall_3", true),
            ("tailcalls/*", true),
            ("tailcalls/tailcall", false),
            ("tail*", true),
            ("timer*", false),
        ] {
            assert_eq!(test.is_called(id), is_it, "{id}");
        }
    }

    #[test]
    fn a_set_up_that_failed_concerns_every_suite() {
        let suites = job("all", Jit::C).suites;
        let console = "@! sysctl a 1: errno 2\n@@ begin test_bpf\n@@ end test_bpf rc=0\n\
            @! rmmod: errno 11\n@@ begin test_tail_calls\n@@ end test_tail_calls rc=0";
        let lines: Vec<_> = console.lines().map(|line| (0.0, line.to_owned())).collect();
        for suite in &suites[..2] {
            assert_eq!(read(suite, &lines).complaints, ["sysctl a 1: errno 2"]);
        }
    }

    #[test]
    fn a_line_that_was_cut_is_joined() {
        let suite = &job("test_bpf", Jit::C).suites[0];
        let console = "@@ begin test_bpf\ntest_bpf: #313 BSWAP 16 \nunknown opcode d7\n\
            jited:0 307 ret 1 != 2 FAIL (1 times)\n@@ end test_bpf rc=-22";
        let lines: Vec<_> = console.lines().map(|line| (0.0, line.to_owned())).collect();
        let report = read(suite, &lines);
        assert_eq!(report.tests.len(), 1);
        assert_eq!(
            (report.tests[0].failed, report.tests[0].jited),
            (true, Some(false))
        );
    }

    #[test]
    fn a_report_is_cut_out_of_the_console() {
        let job = job("all", Jit::C);
        let lines = sample("console-c.log");
        let reports: Vec<Report> = job.suites.iter().map(|suite| read(suite, &lines)).collect();
        let failed = reports[0].failing();
        assert_eq!(reports[0].summary().unwrap().failed as usize, failed.len());
        assert_eq!(reports[0].rc, Some(-22));
        assert_eq!(reports[1].summary().unwrap().jited, Some((10, 10)));
        assert_eq!(reports[1].tests.len(), 10);
        assert_eq!(reports[2].summary().unwrap().passed, 2);
        assert!(reports.iter().all(|report| report.warnings.is_empty()));
    }
}
