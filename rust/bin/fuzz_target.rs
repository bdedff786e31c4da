// SPDX-License-Identifier: GPL-2.0

//! What `make fuzz` runs: libFuzzer, which brings its own `main()`, around the core.

#![no_main]

use bpf_jit_mips::fuzz;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| fuzz::one_input(bytes));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let longest = max_size.min(data.len());
    let theirs = |bytes: &[u8]| {
        let mut room = bytes.to_vec();
        room.resize(longest.max(bytes.len()), 0);
        let size = fuzzer_mutate(&mut room, bytes.len(), longest);
        room.truncate(size);
        room
    };
    let mutated = fuzz::mutate(&data[..size], longest, seed.into(), theirs);
    data[..mutated.len()].copy_from_slice(&mutated);
    mutated.len()
});
