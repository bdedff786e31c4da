// SPDX-License-Identifier: GPL-2.0

//! What the fuzzer judges by, on a few thousand inputs: `make fuzz` tries as many in a second.

use crate::host::fuzz::judge::judge;
use crate::host::fuzz::{input, mutate, seed, Input};
use crate::host::random::Random;
use crate::host::{compile, Options};
use crate::jit::bpf::Raw;

/// Fails with the whole input.
fn check(name: &str, input: &Input) {
    if let Err(fault) = judge(input) {
        panic!("{name}: {fault}\n{}", input.describe());
    }
}

#[test]
fn seeds_hold() {
    let seeds = seed::seeds().expect("the golden files can be read");
    assert!(seeds.len() > 100, "{}", seeds.len());
    for (name, input) in seeds {
        check(&name, &input);
    }
}

#[test]
fn long_seeds_are_valid_and_have_far_jumps() {
    let seeds = seed::seeds().expect("the golden files can be read");
    let long: Vec<_> = seeds
        .iter()
        .filter(|(_, input)| input.has_repeats)
        .collect();
    assert_eq!(long.len(), 14);
    for (name, input) in long {
        let options = Options {
            verifier_zext: input.verifier_zext,
            ..Options::plain()
        };
        let image = compile(&input.program(), &input.cpu, &options);
        let words = image
            .unwrap_or_else(|e| panic!("{name}: {e:?}"))
            .words
            .len();
        assert!(words > 1 << 15, "{name}: {words} words");
    }
}

#[test]
fn mutated_seeds_hold() {
    let seeds = seed::seeds().expect("the golden files can be read");
    let short: Vec<_> = seeds.iter().filter(|(_, i)| !i.has_repeats).collect();
    for number in 0..4_000 {
        let (name, input) = short[number % short.len()];
        let mut bytes = input.to_bytes();
        for round in 0..1 + number as u64 % 8 {
            bytes = mutate::mutate(&bytes, 1024, number as u64 * 8 + round);
        }
        let mut input = Input::from_bytes(&bytes);
        // Long programs have their own test.
        input.has_repeats = false;
        check(name, &input);
    }
}

#[test]
fn any_bytes_hold() {
    let mut random = Random::new(1);
    for number in 0..4_000 {
        let bytes: Vec<u8> = (0..random.below(256))
            .map(|_| random.word() as u8)
            .collect();
        let mut input = Input::from_bytes(&bytes);
        input.has_repeats = false;
        check(&format!("random bytes {number}"), &input);
    }
}

#[test]
fn bytes_are_what_was_read() {
    let mut random = Random::new(2);
    for slots in 0..64 {
        let mut bytes: Vec<u8> = (0..input::HEADER + slots * input::SLOT)
            .map(|_| random.word() as u8)
            .collect();
        // One flag of a release hides the other; the last byte has three flags, one only with another.
        bytes[0] &= 0x7f;
        bytes[input::HEADER - 1] &= 0x05;
        assert_eq!(Input::from_bytes(&bytes).to_bytes(), bytes);
    }
}

#[test]
fn repeats_are_carried_out_where_they_are_meant() {
    let slot = |code: u8, off: i16, imm: i32| Raw {
        code,
        regs: 0,
        off,
        imm,
    };
    let (one, two) = (slot(1, 0, 0), slot(2, 0, 0));
    let mut input = Input {
        has_repeats: true,
        slots: vec![one, two, slot(input::REPEAT, 2, 2), one],
        ..Input::default()
    };
    assert_eq!(input.program(), [one, two, one, two, one, two, one]);
    input.slots[2].imm = i32::MAX;
    assert!((input::LONG - 2..=input::LONG).contains(&input.program().len()));
    input.has_many = true;
    assert!((input::LONGEST - 2..=input::LONGEST).contains(&input.program().len()));
    input.slots[2].imm = -1;
    assert_eq!(input.program(), [one, two, one]);
    input.has_repeats = false;
    assert_eq!(input.program(), input.slots);
}
