// SPDX-License-Identifier: GPL-2.0

//! Code that depends on the kernel and its configuration, where the proofs see two extremes only:
//! each kind of barrier by itself, and zero-extensions that a verifier does not insert.

use super::{program, LE_R2, MACHINES};
use crate::host::{compile, Options};
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::Cpu;

/// `sync`
const SYNC: u32 = 0x0000_000f;

/// How many barriers a program has on a machine with these.
fn barriers(source: &str, memory: bool, llsc: bool) -> usize {
    let cpu = Cpu {
        barriers: Barriers { memory, llsc },
        ..LE_R2
    };
    let image = compile(&program(source, &cpu), &cpu, &Options::default()).expect("compiles");
    image.words.iter().filter(|&&word| word == SYNC).count()
}

#[test]
fn atomics_have_the_barriers_of_atomics() {
    for source in [
        "w2 = atomic_fetch_add((u32 *)(r1 + 4), w2); exit",
        "w2 = xchg32_32(r1 + 4, w2); exit",
        "w0 = cmpxchg32_32(r1 + 4, w0, w2); exit",
    ] {
        assert_eq!(barriers(source, false, true), 2, "{source}");
        assert_eq!(barriers(source, true, false), 0, "{source}");
    }
}

#[test]
fn acquire_and_release_have_the_barrier_of_memory() {
    for source in [
        "w0 = load_acquire((u32 *)(r1 + 0)); exit",
        "store_release((u32 *)(r1 + 0), w2); exit",
    ] {
        assert_eq!(barriers(source, true, false), 1, "{source}");
        assert_eq!(barriers(source, false, true), 0, "{source}");
    }
}

/// Older verifiers take the 64-bit form for no 32-bit result, and insert nothing behind it.
#[test]
fn unconditional_swaps_clear_the_high_word_themselves() {
    for (name, cpu) in MACHINES {
        for source in ["r1 = bswap16 r1; exit", "r1 = bswap32 r1; exit"] {
            let length = |verifier_zext| {
                let options = Options {
                    verifier_zext,
                    ..Options::default()
                };
                let image = compile(&program(source, &cpu), &cpu, &options).expect("compiles");
                image.words.len()
            };
            assert_eq!(length(true), length(false), "{source} on {name}");
        }
    }
}
