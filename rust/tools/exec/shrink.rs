// SPDX-License-Identifier: GPL-2.0

//! A failing program made as short as it fails.

use super::edit::without;
use super::judge::{Judge, Wrong};
use super::machine::Variant;
use super::subject::Subject;

/// Attempts after which what is left is short enough.
const ATTEMPTS: usize = 4000;

/// Takes out of the programs what the failure does not need: large parts first, then smaller ones,
/// until no single instruction can go. Returns what is left and how it fails.
pub(super) fn shrink(
    judge: &mut Judge,
    subject: &Subject,
    variant: Variant,
    inputs: &[Vec<u8>],
) -> (Subject, String) {
    let mut best = subject.clone();
    let mut why = String::from("fails no more");
    let mut is_refused = false;
    if let Err(wrong) = judge.judge(&best, variant, inputs) {
        is_refused = matches!(wrong, Wrong::Core(_));
        why = wrong.to_string();
    }
    let mut attempts = 0;
    for program in 0..best.programs.len() {
        let mut size = best.programs[program].len() / 2;
        while size > 0 && attempts < ATTEMPTS {
            let mut at = 0;
            let mut changed = false;
            while at < best.programs[program].len() && attempts < ATTEMPTS {
                attempts += 1;
                let mut candidate = best.clone();
                let Some(shorter) = without(&best.programs[program], at, at + size) else {
                    at += size;
                    continue;
                };
                if shorter.len() == best.programs[program].len() {
                    at += size;
                    continue;
                }
                candidate.programs[program] = shorter;
                match judge.judge(&candidate, variant, inputs) {
                    // Without an instruction that others jump to, every core refuses a program.
                    Err(wrong)
                        if matches!(wrong, Wrong::Code(_)) && !is_refused
                            || matches!(wrong, Wrong::Core(_)) && is_refused =>
                    {
                        best = candidate;
                        why = wrong.to_string();
                        changed = true;
                    }
                    _ => at += size,
                }
            }
            if !changed || size > 1 {
                size /= 2;
            }
        }
    }
    (best, why)
}
