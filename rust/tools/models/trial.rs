// SPDX-License-Identifier: GPL-2.0

//! What is tried: an instruction at an address, and a pad wherever it may lead.
//!
//! ```text
//!  site  branch         site  ll          site  addu
//!        delay slot           sc                pad
//!        pad                  pad
//!   ...
//!  target  pad
//! ```

use super::rig::{Rig, CODE, CODE_SIZE, PAD_SIZE, ZERO_PAD};
use super::routines::pad;
use crate::host::random::Random;

/// How a word uses its fields, as far as a state has to be made for it (MD00086 chapter 4; MD00087).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Registers are values.
    Straight,
    /// `rs` and [`offset`] are an address of so many bytes.
    Memory(u32),
    /// [`offset`] is a distance in words from the next word.
    Branch,
    /// [`jumps_through`] and [`offset`] are an address to go to.
    Jump,
}

impl Shape {
    /// Where a release has no such instruction, it does not matter.
    pub(super) fn of(word: u32) -> Shape {
        match (word >> 26, word & 0x3f) {
            (0o00, 0o10 | 0o11) | (0o66 | 0o76, _) => Shape::Jump,
            (0o01 | 0o04..=0o07 | 0o62, _) => Shape::Branch,
            (0o37, 0o46 | 0o66) => Shape::Memory(4),
            (0o37, 0o47 | 0o67) => Shape::Memory(8),
            (opcode @ 0o40.., _) => Shape::Memory(match opcode & 3 {
                _ if opcode >= 0o60 && opcode & 4 != 0 => 8,
                _ if opcode >= 0o60 => 4,
                0 => 1,
                1 => 2,
                _ => 4,
            }),
            _ => Shape::Straight,
        }
    }
}

/// The fields of a word.
pub(super) fn rs(word: u32) -> usize {
    (word >> 21 & 31) as usize
}

pub(super) fn rt(word: u32) -> usize {
    (word >> 16 & 31) as usize
}

/// Whether a transfer of control has no delay slot.
pub(super) fn is_compact(word: u32) -> bool {
    matches!(word >> 26, 0o62 | 0o66 | 0o76)
}

/// The register through which a jump goes.
pub(super) fn jumps_through(word: u32) -> usize {
    match is_compact(word) {
        true => rt(word),
        false => rs(word),
    }
}

/// The signed number that a word adds to an address.
pub(super) fn offset(word: u32) -> u32 {
    let signed = |bits: u32, width: u32| ((bits << (32 - width)) as i32 >> (32 - width)) as u32;
    match word >> 26 {
        0o00 => 0,
        0o37 => signed(word >> 7, 9),
        0o62 => signed(word, 26),
        _ => signed(word, 16),
    }
}

/// What is tried.
#[derive(Clone, Debug)]
pub(super) struct Trial {
    pub(super) site: u32,
    /// The instruction, and its delay slot or, for SC, the LL in front of it.
    pub(super) words: Vec<u32>,
    /// How many of them the model executes by themselves.
    pub(super) steps: usize,
    /// Where jumps through registers may go, as these hold it.
    pub(super) targets: Vec<u64>,
}

/// Pads for each jump through a register, besides that at zero.
const TARGETS: usize = 2;

/// Attempts to find a place for something.
const ATTEMPTS: usize = 32;

const CODE_WORDS: u32 = CODE_SIZE / 4;

/// Words between the ends of the code and what is tried: no branch but BC reaches further.
const MARGIN: u32 = 0x8000 + 2 * PAD_SIZE;

/// The memory in which things are tried. Nothing is used twice.
pub(super) struct Ground {
    taken: Vec<bool>,
    used: u32,
}

impl Ground {
    pub(super) fn new() -> Ground {
        Ground {
            taken: vec![false; CODE_WORDS as usize],
            used: 0,
        }
    }

    /// Whether it is time for a new one.
    pub(super) fn is_crowded(&self) -> bool {
        self.used > CODE_WORDS / 2
    }

    /// Finds a place for the words and for all pads that they need. None where control would get
    /// into the midst of something.
    pub(super) fn place(
        &mut self,
        rig: &mut Rig,
        random: &mut Random,
        words: &[u32],
    ) -> Option<Trial> {
        let shape = Shape::of(words[0]);
        let is_transfer = matches!(shape, Shape::Branch | Shape::Jump);
        let steps = if is_transfer { 1 } else { words.len() };
        (0..ATTEMPTS).find_map(|_| {
            let at = MARGIN + random.below((CODE_WORDS - 2 * MARGIN) as usize) as u32;
            let behind = at + words.len() as u32;
            let mut pads = vec![behind];
            match shape {
                Shape::Branch => {
                    let target = at.wrapping_add(1).wrapping_add(offset(words[0]));
                    if target >= CODE_WORDS - PAD_SIZE {
                        return None;
                    }
                    if target != behind {
                        pads.push(target);
                    }
                }
                // Nothing is there.
                Shape::Jump if jumps_through(words[0]) == 0 && offset(words[0]) != 0 => {
                    return None;
                }
                Shape::Jump => pads.extend(self.targets(random)),
                _ => {}
            }
            let code = CODE + 4 * at;
            self.take(at, words.len() as u32, &pads)?;
            rig.write(code, words);
            for &target in &pads {
                rig.write(CODE + 4 * target, &pad(rig.machine));
            }
            let pointer = |pad: &u32| rig.machine.pointer(CODE + 4 * pad);
            let mut targets: Vec<u64> = pads[1..].iter().map(pointer).collect();
            targets.push(ZERO_PAD.into());
            Some(Trial {
                site: code,
                words: words.to_vec(),
                steps,
                targets,
            })
        })
    }

    fn targets(&self, random: &mut Random) -> [u32; TARGETS] {
        [(); TARGETS].map(|()| random.below((CODE_WORDS - PAD_SIZE) as usize) as u32)
    }

    /// Takes words and pads, unless they are in each other's way or something else is.
    fn take(&mut self, at: u32, words: u32, pads: &[u32]) -> Option<()> {
        let mut wanted: Vec<u32> = (at..at + words).collect();
        wanted.extend(pads.iter().flat_map(|&pad| pad..pad + PAD_SIZE));
        let all = wanted.len();
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.len() < all || wanted.iter().any(|&word| self.taken[word as usize]) {
            return None;
        }
        for word in wanted {
            self.taken[word as usize] = true;
            self.used += 1;
        }
        Some(())
    }
}
