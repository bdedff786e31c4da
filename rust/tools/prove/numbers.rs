// SPDX-License-Identifier: GPL-2.0

//! Immediates and offsets for which the core lowers an instruction: those among which the classes of
//! [`super::shape`] are found, and those that have to be in one.

use super::forms::Case;
use super::shape::{Many, Numbers};
use crate::host::RUNTIME;
use crate::model::bpf::fields::Fields;

impl Case {
    /// The instruction with other numbers.
    pub(super) fn with(&self, numbers: &Numbers) -> Vec<Fields> {
        let mut insns = self.insns.clone();
        if self.many != Many::Fixed {
            insns[0].immediate = match self.many {
                Many::Offset => insns[0].immediate,
                _ => numbers.immediate as i32,
            };
            insns[0].offset = match self.many {
                Many::Offset | Many::ImmediateAndOffset => numbers.offset,
                _ => insns[0].offset,
            };
            if let Some(second) = insns.get_mut(1) {
                second.immediate = numbers.second as i32;
            }
        }
        insns
    }

    /// The numbers of the instruction as it is.
    fn fixed(&self) -> Numbers {
        Numbers {
            immediate: self.insns[0].immediate as u32,
            offset: self.insns[0].offset,
            second: self.insns.get(1).map_or(0, |insn| insn.immediate as u32),
        }
    }

    /// Numbers among which every class has members.
    pub(super) fn samples(&self) -> Vec<Numbers> {
        let fixed = self.fixed();
        let words = interesting_words();
        let offsets = interesting_offsets();
        match self.many {
            Many::Fixed => vec![fixed],
            Many::Immediate => words
                .into_iter()
                .map(|immediate| Numbers { immediate, ..fixed })
                .collect(),
            Many::Offset => offsets
                .into_iter()
                .map(|offset| Numbers { offset, ..fixed })
                .collect(),
            // Each with each would be too many.
            Many::ImmediateAndOffset => mixed(&words, &offsets, &corner_words())
                .into_iter()
                .map(|(immediate, offset)| Numbers {
                    immediate,
                    offset,
                    ..fixed
                })
                .collect(),
            Many::Immediates => mixed(&words, &words, &corner_words())
                .into_iter()
                .map(|(immediate, second)| Numbers {
                    immediate,
                    second,
                    ..fixed
                })
                .collect(),
        }
    }

    /// Calls `check` with numbers until it says no: random ones, or all there are.
    pub(super) fn each_number(&self, all: bool, mut check: impl FnMut(&Numbers) -> bool) {
        let fixed = self.fixed();
        match self.many {
            Many::Fixed => {}
            Many::Offset => {
                let mut offsets = i16::MIN..=i16::MAX;
                let step = if all { 1 } else { 1021 };
                let mut next = offsets.by_ref().step_by(step);
                while next
                    .next()
                    .is_some_and(|offset| check(&Numbers { offset, ..fixed }))
                {}
            }
            Many::Immediate if all => {
                let mut words = 0..=u32::MAX;
                while words
                    .next()
                    .is_some_and(|immediate| check(&Numbers { immediate, ..fixed }))
                {
                }
            }
            _ => {
                let mut random = 0x9e37_79b9_7f4a_7c15_u64;
                for _ in 0..200 {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    let numbers = Numbers {
                        immediate: random as u32 >> (random >> 40 & 15),
                        offset: (random >> 20) as i16,
                        second: (random >> 32) as u32 >> (random >> 3 & 15),
                    };
                    if !check(&self.only_many(numbers, fixed)) {
                        return;
                    }
                }
            }
        }
    }

    fn only_many(&self, numbers: Numbers, fixed: Numbers) -> Numbers {
        match self.many {
            Many::Fixed => fixed,
            Many::Immediate => Numbers {
                immediate: numbers.immediate,
                ..fixed
            },
            Many::Offset => Numbers {
                offset: numbers.offset,
                ..fixed
            },
            Many::ImmediateAndOffset => Numbers {
                second: fixed.second,
                ..numbers
            },
            Many::Immediates => Numbers {
                offset: fixed.offset,
                ..numbers
            },
        }
    }
}

/// Every power of two, its neighbours, their negatives, halves of words, and some others.
fn interesting_words() -> Vec<u32> {
    let mut words = Vec::new();
    for bit in 0..32 {
        let power = 1u32 << bit;
        for near in [-2i32, -1, 0, 1, 2] {
            let word = power.wrapping_add_signed(near);
            words.extend([word, word.wrapping_neg()]);
        }
        words.extend([
            power | 1 << 31,
            0xffff << (bit & 16) & !power,
            power.wrapping_mul(3) / 2 * 2 + 1,
        ]);
    }
    words.extend(corner_words());
    // As amounts of shifts, of which the low bits count.
    for low in [0, 1, 31, 32, 33, 63] {
        words.extend((0..16).map(|above| (above * 0x0123_4540) | low));
    }
    // Where what is added to the address that calls count from carries into its upper half.
    for upper in 0..8u32 {
        for low in [0, 0x8000] {
            let carries = (upper * 0x2345_0000 + low).wrapping_sub(RUNTIME.call_base);
            words.extend([0, 1, 8, 16, 23, 24, 25].map(|below| carries.wrapping_sub(below)));
        }
    }
    words.extend((0..130).chain([0x0fff_ffff, 0xdead_beef, 0xcafe_0000]));
    words.sort_unstable();
    words.dedup();
    words
}

/// Halves at the edges of what fields hold.
fn corner_words() -> Vec<u32> {
    let highs = [0u32, 1, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x1234];
    let lows = [0u32, 1, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x5678];
    highs
        .iter()
        .flat_map(|high| lows.map(|low| high << 16 | low))
        .collect()
}

fn interesting_offsets() -> Vec<i16> {
    let mut offsets: Vec<i16> = (-40..40).collect();
    for bit in 0..16 {
        for near in -9..=9 {
            offsets.push((1u16 << bit).wrapping_add_signed(near) as i16);
        }
    }
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

/// Each of one list with some of the other, and the other way round; of the first list these in any
/// case.
fn mixed<B: Copy>(a: &[u32], b: &[B], always: &[u32]) -> Vec<(u32, B)> {
    const SOME: usize = 30;
    fn some<T: Copy>(list: &[T]) -> impl Iterator<Item = T> + '_ {
        // An odd number of steps, so that low bits vary.
        let step = (list.len() / SOME).max(1) | 1;
        list.iter().copied().step_by(step)
    }
    let pairs = a.iter().flat_map(|&a| some(b).map(move |b| (a, b)));
    let others = b.iter().flat_map(|&b| {
        let some = some(a).chain(always.iter().copied());
        some.map(move |a| (a, b))
    });
    pairs.chain(others).collect()
}
