// SPDX-License-Identifier: GPL-2.0

//! Every form once more with what the analyses of words can say around it: all that may be known of each
//! register that it reads, and all that may be wanted of its result. That is not proved for every register
//! in every place, but for some of each kind: all lowerings name registers only to use them.

use super::super::words::{decoded, AboutWords};
use super::*;
use crate::jit::analysis::{Distance, High, Known, Words};
use crate::jit::bpf::Insn;

/// Whatever can be known of a high word.
const HIGHS: [High; 4] = [High::UNKNOWN, High::ZERO, High::SIGN, High::SMALL];

/// Whatever can be wanted of a result, if it is anything.
const WANTED: [Words; 4] = [
    Words::BOTH,
    Words {
        low: true,
        high: false,
    },
    Words {
        low: false,
        high: true,
    },
    Words {
        low: false,
        high: false,
    },
];

/// Sources and destinations: in the order of numbers and not, the same, those at either end.
const EXAMPLES: [(u8, u8); 8] = [
    (1, 2),
    (2, 1),
    (2, 2),
    (6, 0),
    (0, R10),
    (R10, 7),
    (3, AX),
    (AX, AX),
];

/// Destinations where there is no source.
const ALONE: [u8; 4] = [0, 1, 6, AX];

/// How far below R10 a base is, and at which offset from it something is accessed.
const DISTANCES: [i32; 3] = [0, 8, 512];
const OFFSETS: [i16; 9] = [0, 8, -8, 504, 512, 520, 32760, -32768, -32256];

pub(super) fn forms(machine: &Machine, forms: &[Form]) -> Vec<Form> {
    let mut all: Vec<Form> = forms
        .iter()
        .map(|form| about_words(machine, form))
        .collect();
    all.extend(distances());
    all
}

/// A form's examples, with everything that can be said.
fn about_words(machine: &Machine, form: &Form) -> Form {
    let mut found = Form::new(format!("{}, words", form.name));
    for case in form.cases.iter().filter(|case| is_example(form, case)) {
        let Ok(insn) = decoded(machine, &case.around, &case.insns) else {
            continue;
        };
        let wanted: &[Words] = match insn.writes() {
            Some(_) => &WANTED,
            None => &WANTED[..1],
        };
        for known in knowns(&insn) {
            for &wanted in wanted {
                let words = AboutWords {
                    known,
                    wanted,
                    distance: None,
                };
                let around = Around {
                    words: Some(words),
                    ..case.around
                };
                found.add(&case.insns, around, case.many);
            }
        }
    }
    found
}

/// Whether to prove a case with words. What else a lowering depends on, it is proved for without them.
fn is_example(form: &Form, case: &Case) -> bool {
    let Fields {
        dst, src, opcode, ..
    } = case.insns[0];
    let around = &case.around;
    let has_source = form.cases.iter().any(|case| case.insns[0].src != src);
    let has_destination = form.cases.iter().any(|case| case.insns[0].dst != dst);
    let are_examples = match (has_destination, has_source) {
        (true, true) => EXAMPLES.contains(&(dst, src)),
        (true, false) => ALONE.contains(&dst),
        (false, true) => ALONE.contains(&src),
        (false, false) => true,
    };
    let is_usual = matches!(around.goal, Goal::Ahead | Goal::FarBehind | Goal::Next)
        && around.barriers.memory == around.barriers.llsc
        && (around.kept == RegSet::ALL || opcode == CALL);
    are_examples && is_usual && around.function.is_none_or(|f| f.address >> 31 == 1)
}

/// Everything that can be known of what an instruction reads: of each register if there are one or two, of
/// all and of each one alone if there are more.
fn knowns(insn: &Insn) -> Vec<Known> {
    let reads: Vec<Reg> = insn.reads().iter().filter(|&reg| reg != Reg::R10).collect();
    let of = |known: Known, reg| HIGHS.map(|high| known.with(reg, high));
    match reads[..] {
        [] => vec![Known::LEAST],
        [reg] => of(Known::LEAST, reg).to_vec(),
        [a, b] => of(Known::LEAST, a)
            .into_iter()
            .flat_map(|known| of(known, b))
            .collect(),
        _ => {
            let all = HIGHS.map(|high| {
                let with = |known: Known, &reg: &Reg| known.with(reg, high);
                reads.iter().fold(Known::LEAST, with)
            });
            let alone = reads.iter().map(|&reg| Known::LEAST.with(reg, High::ZERO));
            all.into_iter().chain(alone).collect()
        }
    }
}

/// Sums and addresses at a distance from R10.
fn distances() -> Vec<Form> {
    let mut sums = Form::new("add64 imm, distance");
    let mut accesses = Form::new("load and store, distance");
    for below in DISTANCES {
        let about = |reg: u8, wanted| AboutWords {
            known: Known::LEAST.with(Reg::ALL[usize::from(reg.min(11))], High::ZERO),
            wanted,
            distance: Distance::new(-below),
        };
        for dst in ALONE {
            for wanted in WANTED {
                let around = Around {
                    words: Some(about(dst, wanted)),
                    ..EVERYTHING
                };
                for opcode in [0x07, 0x17] {
                    sums.add(&[insn(opcode, dst, 0, 0, 0)], around, Many::Immediate);
                }
            }
        }
        for (size, offset) in SIZES
            .into_iter()
            .flat_map(|(size, _)| OFFSETS.map(|offset| (size, offset)))
        {
            for (a, b) in EXAMPLES.into_iter().filter(|&(a, b)| a != R10 && b != R10) {
                for wanted in WANTED {
                    let around = Around {
                        words: Some(about(b, wanted)),
                        ..EVERYTHING
                    };
                    accesses.add_in_both(load(size, a, b, offset), around);
                    if size != DW {
                        accesses.add_in_both(load_signed(size, a, b, offset), around);
                    }
                }
                let around = Around {
                    words: Some(about(a, Words::BOTH)),
                    ..EVERYTHING
                };
                accesses.add(&[store(size, a, offset, b)], around, Many::Fixed);
                accesses.add(&[store_imm(size, a, offset, 7)], around, Many::Fixed);
            }
        }
    }
    vec![sums, accesses]
}
