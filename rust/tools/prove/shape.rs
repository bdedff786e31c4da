// SPDX-License-Identifier: GPL-2.0

//! Code for all immediates and offsets at once.
//!
//! Which instructions the core selects depends on the immediate. Immediates for which it selects
//! the same instructions with the same registers are a class, and the code of a class differs only
//! in fields for numbers. Classes are found by letting the core lower the instruction for many
//! immediates. Of each class is then guessed, from the samples,
//!
//! - a condition that all its immediates meet: the strongest conjunction of the [`guess::conditions`];
//! - for each field that varies, a function of the immediate that it is: one of the [`guess::functions`].
//!
//! The theorem is proved for all immediates that meet the condition, with the fields as terms.
//! Guesses cannot make it wrong: that every immediate is in a class whose condition it meets and
//! whose functions give its code is checked, for as many immediates as one has time for, all 2^32
//! of them included. A class of few immediates is proved one by one.

mod guess;

use std::collections::{HashMap, HashSet};

use crate::host::mips::Word as Decoded;
use crate::jit::mips::table::{Field, Op};
use crate::model::term::Term;
use crate::model::word::{Bits, Word};
use guess::{conditions, functions, quantities, CONDITIONS_EACH, OFFSET};

/// The numbers in an instruction that code is proved for all values of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Numbers {
    pub(super) immediate: u32,
    pub(super) offset: i16,
    /// The immediate of the second slot.
    pub(super) second: u32,
}

/// Which of them stand for many values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Many {
    /// None.
    Fixed,
    Immediate,
    Offset,
    ImmediateAndOffset,
    /// The immediates of both slots.
    Immediates,
}

/// Classes with no more immediates than this are proved one by one.
const FEW: usize = 8;

/// Where no functions are found, a class may have no more immediates than this.
const MANY: usize = 64;

/// A field of a word that varies in a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hole {
    word: usize,
    low: u32,
    width: u32,
    /// Index among the [`functions`].
    function: usize,
}

/// A class and what it has in common.
#[derive(Clone, Debug)]
pub(super) struct Class {
    /// Words with zeros where fields for numbers are.
    skeleton: Vec<u32>,
    /// One member, and its words.
    member: Numbers,
    sample: Vec<u32>,
    holes: Vec<Hole>,
    /// Whether each of the [`conditions`] holds for all members, for none, or neither.
    condition: Vec<Option<bool>>,
}

/// Code for all numbers: classes, and numbers that are proved one by one.
#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    pub(super) classes: Vec<Class>,
    by_skeleton: HashMap<Vec<u32>, usize>,
    pub(super) singles: Vec<Numbers>,
    known_singles: HashMap<Numbers, Vec<u32>>,
}

/// Code of a class over terms.
pub(super) struct Template {
    pub(super) words: Vec<Term>,
    pub(super) immediate: Term,
    pub(super) offset: Term,
    pub(super) second: Term,
    pub(super) assumptions: Vec<Term>,
}

impl Numbers {
    fn quantities(&self) -> Vec<Bits> {
        let word = |value: u32| Bits::new(32, u64::from(value));
        quantities(
            word(self.immediate),
            word(i32::from(self.offset) as u32),
            word(self.second),
        )
    }
}

/// The fields of a word that hold numbers: lowest bit and width.
fn number_fields(bits: u32) -> Vec<(u32, u32)> {
    let Some(word) = Decoded::decode(bits) else {
        return Vec::new();
    };
    let operands = word.row().operands.iter();
    operands
        .filter(|operand| match operand.field {
            Field::Simm | Field::Simm9 | Field::Uimm | Field::Sa | Field::Size => true,
            // Of fields that lie in the register wherever they begin.
            Field::Pos => word.op == Op::Dext,
            _ => false,
        })
        .map(|operand| (operand.field.shift(), operand.field.mask().count_ones()))
        .collect()
}

fn field(word: u32, low: u32, width: u32) -> u32 {
    word >> low & (u32::MAX >> (32 - width))
}

fn skeleton(words: &[u32]) -> Vec<u32> {
    words
        .iter()
        .map(|&word| {
            number_fields(word)
                .iter()
                .fold(word, |word, &(low, width)| {
                    word & !((u32::MAX >> (32 - width)) << low)
                })
        })
        .collect()
}

impl Shapes {
    /// Finds the classes that samples fall into.
    ///
    /// # Errors
    ///
    /// What emitting says; a class of many members whose fields are no known functions.
    pub(super) fn find(
        samples: &[Numbers],
        mut emit: impl FnMut(&Numbers) -> Result<Vec<u32>, String>,
    ) -> Result<Shapes, String> {
        let mut order = Vec::new();
        let mut members: HashMap<Vec<u32>, Vec<(Numbers, Vec<u32>)>> = HashMap::new();
        let mut seen = HashSet::new();
        for sample in samples.iter().filter(|sample| seen.insert(**sample)) {
            let words = emit(sample)?;
            let skeleton = skeleton(&words);
            let class = members.entry(skeleton.clone()).or_insert_with(|| {
                order.push(skeleton);
                Vec::new()
            });
            class.push((*sample, words));
        }
        let mut shapes = Shapes::default();
        for skeleton in order {
            let class = members.remove(&skeleton).unwrap_or_default();
            let found = match class.len() {
                0..=FEW => None,
                _ => Class::find(&skeleton, &class),
            };
            match found {
                Some(found) => {
                    shapes.by_skeleton.insert(skeleton, shapes.classes.len());
                    shapes.classes.push(found);
                }
                None if class.len() <= MANY => {
                    for (numbers, words) in class {
                        shapes.singles.push(numbers);
                        shapes.known_singles.insert(numbers, words);
                    }
                }
                None => {
                    return Err(format!(
                        "no function gives the numbers in {skeleton:08x?}, for {:x?} and others",
                        class[0].0
                    ))
                }
            }
        }
        Ok(shapes)
    }

    /// Whether these words, emitted for these numbers, are what was proved.
    pub(super) fn covers(&self, numbers: &Numbers, words: &[u32]) -> bool {
        if let Some(known) = self.known_singles.get(numbers) {
            return known == words;
        }
        let class = self.by_skeleton.get(&skeleton(words));
        class.is_some_and(|&class| self.classes[class].covers(numbers, words))
    }
}

impl Class {
    fn find(skeleton: &[u32], members: &[(Numbers, Vec<u32>)]) -> Option<Class> {
        let (member, sample) = members.first()?;
        let mut holes = Vec::new();
        for (word, &bits) in sample.iter().enumerate() {
            for (low, width) in number_fields(bits) {
                let value = |words: &[u32]| field(words[word], low, width);
                if members
                    .iter()
                    .all(|(_, words)| value(words) == value(sample))
                {
                    continue;
                }
                let count = functions(&members[0].0.quantities(), width).len();
                let function = (0..count).find(|&function| {
                    members.iter().all(|(numbers, words)| {
                        let is = functions(&numbers.quantities(), width)[function];
                        is.unsigned() == u64::from(value(words))
                    })
                })?;
                holes.push(Hole {
                    word,
                    low,
                    width,
                    function,
                });
            }
        }
        let mut condition: Vec<Option<bool>> = conditions(&members[0].0.quantities())
            .iter()
            .map(|bit| Some(bit.unsigned() == 1))
            .collect();
        for (numbers, _) in members {
            for (known, bit) in condition.iter_mut().zip(conditions(&numbers.quantities())) {
                if *known != Some(bit.unsigned() == 1) {
                    *known = None;
                }
            }
        }
        Some(Class {
            skeleton: skeleton.to_vec(),
            member: *member,
            sample: sample.clone(),
            holes,
            condition,
        })
    }

    /// One of its numbers.
    pub(super) fn member(&self) -> Numbers {
        self.member
    }

    fn covers(&self, numbers: &Numbers, words: &[u32]) -> bool {
        let quantities = numbers.quantities();
        let meets = conditions(&quantities)
            .iter()
            .zip(&self.condition)
            .all(|(bit, known)| known.is_none_or(|known| known == (bit.unsigned() == 1)));
        let mut expected = self.sample.clone();
        for hole in &self.holes {
            let value = functions(&quantities, hole.width)[hole.function].unsigned() as u32;
            let mask = (u32::MAX >> (32 - hole.width)) << hole.low;
            expected[hole.word] = expected[hole.word] & !mask | value << hole.low;
        }
        debug_assert_eq!(self.skeleton.len(), words.len());
        meets && expected == words
    }

    /// The immediate as a variable, with what is known of it written down.
    fn immediate(&self) -> Term {
        // The first conditions are about the first quantity, which is the immediate.
        let known = |number: usize| self.condition[number];
        let (fits_signed, fits, is_upper) = (known(0), known(1), known(2));
        let constant = |width: u32, value: u64| Term::new(width, value);
        let variable = |width: u32| Term::variable(width, "imm");
        let sign = known(4).map(|is_negative| constant(1, u64::from(is_negative)));
        match (fits_signed, fits, is_upper, sign) {
            (_, Some(true), ..) => variable(16).zero_extend(32),
            (Some(true), _, _, Some(sign)) => sign.sign_extend(17).concat(variable(15)),
            (Some(true), ..) => variable(16).sign_extend(32),
            (_, _, Some(true), Some(sign)) => sign.concat(variable(15)).concat(constant(16, 0)),
            (_, _, Some(true), None) => variable(16).concat(constant(16, 0)),
            (_, _, _, Some(sign)) => sign.concat(variable(31)),
            _ => variable(32),
        }
    }

    /// A field of 16 or 9 bits, extended as the processor does it, is the quantity that it was taken of,
    /// if that fits: the conditions say so, and are assumed.
    ///
    /// In a register of 64 bits a quantity is sign-extended, and so are both of its halves.
    fn identify_fields(&self, quantities: &[Term], gprlen: u32) {
        for (number, &quantity) in quantities.iter().enumerate() {
            let field = quantity.low(16);
            let extended = quantity.sign_extend(gprlen);
            let first = number * CONDITIONS_EACH;
            if self.condition[first] == Some(true) {
                field.sign_extend(gprlen).identify(extended);
            }
            if self.condition[first + 1] == Some(true) {
                field.zero_extend(gprlen).identify(extended);
            }
            if gprlen > 32 {
                let upper = quantity.slice(16, 16).concat(Term::new(16, 0));
                let both = upper.sign_extend(gprlen) | field.zero_extend(gprlen);
                both.identify(extended);
            }
        }
        // The last condition is that the offset fits nine bits.
        if self.condition.last() == Some(&Some(true)) {
            let offset = quantities[OFFSET];
            let field = offset.low(9).sign_extend(gprlen);
            field.identify(offset.sign_extend(gprlen));
        }
    }

    /// The class over terms. What does not stand for many values is as in `fixed`.
    pub(super) fn template(&self, many: Many, fixed: &Numbers, gprlen: u32) -> Template {
        let constant = |value: u32| Term::new(32, u64::from(value));
        let immediate = match many {
            Many::Fixed | Many::Offset => constant(fixed.immediate),
            _ => self.immediate(),
        };
        let offset = match many {
            Many::Offset | Many::ImmediateAndOffset => Term::variable(16, "off").sign_extend(32),
            _ => constant(i32::from(fixed.offset) as u32),
        };
        let second = match many {
            Many::Immediates => Term::variable(32, "imm2"),
            _ => constant(fixed.second),
        };
        let quantities = quantities(immediate, offset, second);
        self.identify_fields(&quantities, gprlen);
        let mut words: Vec<Term> = self
            .sample
            .iter()
            .map(|&word| Term::new(32, u64::from(word)))
            .collect();
        for hole in &self.holes {
            let value = functions(&quantities, hole.width)[hole.function];
            let word = words[hole.word];
            let above = hole.low + hole.width;
            let mut filled = word.slice(above, 32 - above).concat(value);
            if hole.low > 0 {
                filled = filled.concat(word.low(hole.low));
            }
            words[hole.word] = filled;
        }
        let assumptions = conditions(&quantities)
            .into_iter()
            .zip(&self.condition)
            .filter_map(|(bit, known)| known.map(|known| if known { bit } else { !bit }))
            .filter(|bit| bit.value() != Some(1))
            .collect();
        Template {
            words,
            immediate,
            offset,
            second,
            assumptions,
        }
    }
}
