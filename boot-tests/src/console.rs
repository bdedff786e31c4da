// SPDX-License-Identifier: GPL-2.0

//! What does one line of the console mean?
//!
//! Everything comes through the kernel log, so every line is a whole record: init's markers begin
//! with `@`, the module's lines with its name, and trouble with one of the phrases below. A phrase
//! counts only where a record begins: test names are free to contain any of them.

/// Phrases with which the kernel reports that it cannot go on.
const FATAL: &[&str] = &[
    "Kernel panic - not syncing",
    "Oops",
    "BUG:",
    "Kernel BUG at",
    "kernel BUG at",
    "Unhandled kernel unaligned access",
    "Kernel unaligned instruction access",
    "Reserved instruction in kernel code",
    "Kernel bug detected",
    "Break instruction in kernel code",
    "Trap instruction in kernel code",
    "do_cpu invoked from kernel context",
    "Data bus error",
    "Instruction bus error",
    "Machine Check exception",
    "Caught unexpected exception",
    "CPU 0 Unable to handle kernel",
    "watchdog: BUG",
    "rcu: INFO: rcu_preempt self-detected stall",
    "rcu: INFO: rcu_sched self-detected stall",
    "INFO: task hung",
];

/// Phrases with which it reports that something is wrong, and goes on.
const WARNINGS: &[&str] = &[
    "WARNING:",
    "INFO: possible",
    "unchecked MSR",
    "Bad page state",
];

/// A line of the console.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A suite begins.
    Begin(&'a str),
    /// A suite ends; what loading its module returned.
    End(&'a str, i32),
    /// A command of the job failed.
    Complaint(&'a str),
    /// What the job wanted shown.
    Shown(&'a str),
    /// The job is done.
    Done,
    /// It is over.
    Fatal(&'a str),
    /// Something is wrong.
    Warning(&'a str),
    /// Anything else.
    Other(&'a str),
}

/// Tells what a line is.
pub(crate) fn classify(line: &str) -> Line<'_> {
    let text = strip_time(line.trim_end());
    if let Some(marker) = text.strip_prefix("@@ ") {
        return marker_of(marker).unwrap_or(Line::Other(text));
    }
    if let Some(complaint) = text.strip_prefix("@! ") {
        return Line::Complaint(complaint);
    }
    if let Some(shown) = text.strip_prefix("@= ") {
        return Line::Shown(shown);
    }
    let begins = |phrases: &[&str]| phrases.iter().any(|phrase| text.starts_with(phrase));
    match () {
        () if begins(FATAL) => Line::Fatal(text),
        () if begins(WARNINGS) => Line::Warning(text),
        () => Line::Other(text),
    }
}

fn marker_of(marker: &str) -> Option<Line<'_>> {
    let (verb, rest) = marker.split_once(' ').unwrap_or((marker, ""));
    match verb {
        "begin" => Some(Line::Begin(rest)),
        "end" => {
            let (name, rc) = rest.split_once(" rc=")?;
            Some(Line::End(name, rc.parse().ok()?))
        }
        "done" => Some(Line::Done),
        _ => None,
    }
}

/// Without printk's "[    1.234567] " and, if it tells callers, "[    T1] ".
fn strip_time(line: &str) -> &str {
    let mut text = line;
    while let Some((inside, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        let is_stamp = |c: char| c.is_ascii_digit() || c == ' ' || c == '.' || c == 'T' || c == 'C';
        if !inside.chars().all(is_stamp) {
            break;
        }
        text = rest.strip_prefix(' ').unwrap_or(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers() {
        assert_eq!(classify("[    1.0] @@ begin all\r"), Line::Begin("all"));
        assert_eq!(
            classify("@@ end test_bpf rc=-22"),
            Line::End("test_bpf", -22)
        );
        assert_eq!(classify("[    9.123456][    T1] @@ done "), Line::Done);
        assert_eq!(
            classify("@! insmod x: errno 2"),
            Line::Complaint("insmod x: errno 2")
        );
        assert_eq!(classify("@= a b"), Line::Shown("a b"));
    }

    #[test]
    fn trouble_is_recognised_where_a_record_begins() {
        let fatal = [
            "[   31.2] CPU 0 Unable to handle kernel paging request at virtual address 00000004",
            "Oops[#1]:",
            "[    0.5] Kernel panic - not syncing: Fatal exception",
            "[  2.0] Unhandled kernel unaligned access[#1]:",
            "BUG: unable to handle",
        ];
        for line in fatal {
            assert!(matches!(classify(line), Line::Fatal(_)), "{line}");
        }
        let warning = "[    1.0] WARNING: arch/mips/net/bpf_jit_comp.c:1 at emit, CPU#0: insmod/20";
        assert!(matches!(classify(warning), Line::Warning(_)));
        for line in [
            "test_bpf: #1 BUG: not jited:1 5 PASS",
            "[    0.0] [x] Oops",
            "Linux version",
        ] {
            assert!(matches!(classify(line), Line::Other(_)), "{line}");
        }
    }
}
