// SPDX-License-Identifier: GPL-2.0

//! Code that depends on the kernel and its configuration, where the proofs see two extremes only:
//! each kind of barrier by itself, zero-extensions that a verifier does not insert, and memory that is
//! like that of machines.

use super::{program, LE_R2, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, cpu64, Options, RUNTIME, RUNTIME64};
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::table::Op;
use crate::jit::mips::{Cpu, Endian, Insn, Reg, Release, Simm16, Uimm16};
use crate::jit::runtime::{Probed, Range, Runtime};

/// `sync`
const SYNC: u32 = 0x0000_000f;

/// How many barriers a program has on a machine with these.
fn barriers(source: &str, memory: bool, llsc: bool) -> usize {
    let cpu = Cpu {
        barriers: Barriers {
            memory,
            llsc,
            linked: false,
            speculation: false,
        },
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

/// Loongson 3: before each load-linked, on every way to it; and the one behind an operation.
#[test]
fn load_linked_comes_behind_a_barrier() {
    for (name, cpu) in MACHINES {
        let cpu = Cpu {
            barriers: Barriers {
                linked: true,
                ..Barriers::ALL
            },
            ..cpu
        };
        for (source, wanted) in [
            ("lock *(u32 *)(r1 + 4) += w2; exit", 1),
            ("w2 = atomic_fetch_add((u32 *)(r1 + 4), w2); exit", 2),
            ("w0 = cmpxchg32_32(r1 + 4, w0, w2); exit", 2),
        ] {
            let image = compile(&program(source, &cpu), &cpu, &Options::default());
            let words = image.expect("compiles").words;
            let is_linked =
                |word: u32| matches!(Word::decode(word), Some(word) if is_load_linked(word.op));
            let linked = words.iter().position(|&word| is_linked(word));
            let linked = linked.unwrap_or_else(|| panic!("{source} on {name} loads nothing"));
            assert_eq!(words[linked - 1], SYNC, "{source} on {name}");
            let barriers = words.iter().filter(|&&word| word == SYNC).count();
            assert_eq!(barriers, wanted, "{source} on {name}");
            // The way back goes to the barrier.
            let back = words
                .iter()
                .enumerate()
                .skip(linked)
                .find_map(|(at, &word)| {
                    let distance = Word::decode(word)?.distance()?;
                    (distance < 0).then_some((at as i64 + i64::from(distance)) as usize)
                });
            assert_eq!(back, Some(linked - 1), "{source} on {name}");
        }
    }
}

fn is_load_linked(op: Op) -> bool {
    matches!(op, Op::Ll | Op::LlR6 | Op::Lld | Op::LldR6)
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

/// How many words a load takes that knows nothing of its address, with so much RAM.
fn probe_words(source: &str, ram: u64) -> usize {
    let cpu = cpu64(Endian::Little, Release::R2);
    let probed = Probed {
        ram: Range {
            start: 0x9800_0000_0000_0000,
            bytes: ram,
        },
        low_bytes: ram.min(0x2000_0000) as u32,
        mapped: Range {
            start: 0xc000_0000_0000_0000,
            bytes: 0x0000_00ff_0000_0000,
        },
    };
    let options = Options {
        runtime: Runtime {
            probed,
            ..RUNTIME64
        },
        ..Options::default()
    };
    let length = |source: &str| {
        let image = compile(&program(source, &cpu), &cpu, &options);
        image.expect("compiles").words.len()
    };
    length(&format!("r2 = {source}; r0 = 0; exit")) - length("r0 = 0; exit")
}

#[test]
fn probes_are_short_where_memory_has_round_ends() {
    for ram in [0x0800_0000, 0x1000_0000, 0x4000_0000] {
        for (source, words) in [
            ("*(u8 *)(probe r1 + 0)", 23),
            ("*(u8 *)(probe r1 + 8)", 24),
            ("*(u64 *)(probe r1 + 0)", 25),
            ("*(u64 *)(probe r1 + 8)", 26),
        ] {
            assert_eq!(probe_words(source, ram), words, "{source} of {ram:#x}");
        }
    }
    assert_eq!(probe_words("*(u64 *)(probe r1 + 8)", 0), 24);
}

/// Where RAM fills KSEG0, its end shifted as addresses are is no word: all of the segment is below it.
#[test]
fn a_probe_of_a_byte_finds_the_end_of_kseg0() {
    let limits = [
        (
            0x2000_0000,
            Insn::addiu(Reg::T8, Reg::ZERO, Simm16::MINUS_ONE),
        ),
        (0x1000_0000, Insn::lui(Reg::T8, Uimm16::low_half(0x8000))),
    ];
    for (low_bytes, limit) in limits {
        let options = Options {
            runtime: Runtime {
                probed: Probed {
                    low_bytes,
                    ..RUNTIME.probed
                },
                ..RUNTIME
            },
            ..Options::default()
        };
        let insns = program("r0 = *(u8 *)(probe r1 + 0); exit", &LE_R2);
        let image = compile(&insns, &LE_R2, &options).expect("compiles");
        assert!(image.words.contains(&limit.word()), "{low_bytes:#x}");
    }
}
