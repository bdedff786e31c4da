// SPDX-License-Identifier: GPL-2.0

//! How many host tests passed, by what their programs printed?

use serde::Deserialize;
use std::ops::AddAssign;

/// Of anything that ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

/// Where a program says its counts.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Style {
    /// Nowhere: it is one test, which passes by exiting with 0.
    Exit,
    /// `test result: ok. 3 passed; 0 failed; ...`, once for each test binary.
    CargoTest,
    /// `3 passed, 0 failed`, last such line.
    PassedFailed,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Counts what ran. Never without a failure if the program failed or counted nothing.
pub(crate) fn count(style: Style, output: &str, success: bool) -> Counts {
    let mut counts = match style {
        Style::Exit => Counts {
            passed: u64::from(success),
            failed: 0,
        },
        Style::CargoTest => cargo_test(output),
        Style::PassedFailed => output
            .lines()
            .rev()
            .find_map(passed_failed)
            .unwrap_or_default(),
    };
    if counts.failed == 0 && (!success || counts.passed == 0) {
        counts.failed = 1;
    }
    counts
}

fn cargo_test(output: &str) -> Counts {
    let mut sum = Counts::default();
    for line in output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("test result: "))
    {
        let number = |what: &str| {
            let part = line
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(what));
            part.and_then(|digits| digits.trim().parse().ok())
                .unwrap_or(0)
        };
        sum += Counts {
            passed: number(" passed"),
            failed: number(" failed"),
        };
    }
    sum
}

fn passed_failed(line: &str) -> Option<Counts> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    let passed = passed.rsplit(' ').next()?.parse().ok()?;
    let failed = failed.split_once(" failed")?.0.parse().ok()?;
    Some(Counts { passed, failed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_test_binaries_are_summed() {
        let text = "test a ... ok\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(
            count(Style::CargoTest, text, false),
            Counts {
                passed: 4,
                failed: 2
            }
        );
    }

    #[test]
    fn what_died_or_counted_nothing_failed() {
        assert_eq!(count(Style::CargoTest, "", true).failed, 1);
        assert_eq!(
            count(Style::PassedFailed, "5 passed, 0 failed\n", false).failed,
            1
        );
        assert_eq!(
            count(Style::Exit, "", false),
            Counts {
                passed: 0,
                failed: 1
            }
        );
        assert_eq!(
            count(Style::Exit, "", true),
            Counts {
                passed: 1,
                failed: 0
            }
        );
    }

    #[test]
    fn the_last_counts_count() {
        let text = "encode le: 1 passed, 1 failed\nencode: 9 passed, 0 failed\nbye\n";
        assert_eq!(
            count(Style::PassedFailed, text, true),
            Counts {
                passed: 9,
                failed: 0
            }
        );
    }
}
