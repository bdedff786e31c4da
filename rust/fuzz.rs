// SPDX-License-Identifier: GPL-2.0

//! The fuzzer's way in: bytes that libFuzzer has found, to be judged or to be changed.

use crate::host::fuzz::judge::judge;
use crate::host::fuzz::{mutate, Input};

/// Judges one input.
///
/// # Panics
///
/// If the core breaks a promise, or panics itself.
pub fn one_input(bytes: &[u8]) {
    if let Err(fault) = judge(&Input::from_bytes(bytes)) {
        panic!("{fault}");
    }
}

/// A change of an input, of at most `longest` bytes, that the seed decides. Where it is to be
/// libFuzzer's own, `theirs` is that.
pub fn mutate(
    bytes: &[u8],
    longest: usize,
    seed: u64,
    theirs: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let mut mutated = if seed % 2 == 0 {
        theirs(bytes)
    } else {
        mutate::mutate(bytes, longest, seed)
    };
    mutated = mutate::shorten(&mutated, seed);
    mutated.truncate(longest);
    mutated
}
