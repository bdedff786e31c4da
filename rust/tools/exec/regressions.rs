// SPDX-License-Identifier: GPL-2.0

//! What the C JIT for MIPS got wrong, one named case for each, and what a hardened kernel asks for.
//!
//! A case is BPF text, run on data that begins with two operands; the model knows what is right.
//! Names begin with the bug's number in the list of known bugs of the C JIT, `c_jit_c01` to
//! `c_jit_c15` and `c_jit_d`. Bugs of C that no execution shows are in [`structure`].

mod far;
mod functions;
pub(super) mod structure;
mod tail;
mod texts;

use super::forms::{operand_pairs, VALUES};
use super::machine::Machine;
use super::random::Random;
use super::subject::{parse, Subject};

/// A case by name.
pub(super) struct Regression {
    pub(super) name: String,
    pub(super) subject: Subject,
    pub(super) inputs: Vec<Vec<u8>>,
}

/// Every case.
pub(super) fn regressions(machine: &Machine, random: &mut Random) -> Vec<Regression> {
    let mut all = Vec::new();
    for (name, text) in texts::texts() {
        all.push(Regression {
            name: name.to_owned(),
            subject: Subject::new(parse(&text, machine)),
            inputs: inputs(machine, random),
        });
    }
    for (name, program) in far::far_jumps() {
        all.push(Regression {
            name,
            subject: Subject::new(program),
            inputs: inputs(machine, random),
        });
    }
    for (name, subject) in tail::tail_calls(machine) {
        all.push(Regression {
            name: name.to_owned(),
            subject,
            inputs: vec![Vec::new(), vec![0xff; 64]],
        });
    }
    let functions = functions::functions(machine).into_iter();
    for (name, subject) in functions.chain(functions::exceptions(machine)) {
        all.push(Regression {
            name: name.to_owned(),
            inputs: match subject.array.is_empty() {
                true => inputs(machine, random),
                false => vec![Vec::new(), vec![0xff; 64]],
            },
            subject,
        });
    }
    all
}

/// Data that begins with two operands; the first 32 inputs have equal ones.
fn inputs(machine: &Machine, random: &mut Random) -> Vec<Vec<u8>> {
    let equal = VALUES.map(|value| (value, value));
    let pairs = operand_pairs(random, Some(150));
    equal
        .into_iter()
        .chain(pairs)
        .map(|(first, second)| {
            let mut data = Vec::new();
            for value in [first, second] {
                data.extend(machine.bytes64(value));
            }
            while data.len() < 0x400 {
                data.extend(random.next().to_le_bytes());
            }
            data
        })
        .collect()
}
