// SPDX-License-Identifier: GPL-2.0

//! Random instructions and random states.
//!
//! Registers are often the same, or `$zero`; values are often those at which an instruction could
//! go wrong. Everything else is uniform.

use super::rig::{
    State, CELL, CELLS, CELLS_SIZE, CELL_SIZE, HI, KSEG0, LO, MEMORY, SITE, STATE_SIZE,
};
use super::trial::{is_compact, jumps_through, offset, rs, rt, Shape, Trial};
use crate::host::random::Random;
use crate::jit::mips::table::{Effects, Field, Op};
use crate::tools::exec::machine::Machine;

/// Values at which instructions could go wrong.
const VALUES: [u32; 24] = [
    0,
    1,
    2,
    3,
    15,
    16,
    31,
    32,
    33,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0xffff_8000,
    0xffff_7fff,
    0x7fff_ffff,
    0x8000_0000,
    0x8000_0001,
    0xffff_fffe,
    0xffff_ffff,
];

/// Immediates at which instructions could go wrong.
const IMMEDIATES: [u16; 12] = [
    0, 1, 4, 31, 32, 0x7ffc, 0x7fff, 0x8000, 0x8001, 0xfffc, 0xfffe, 0xffff,
];

/// `sll $zero, $zero, 5`, since Release 2: nothing for a delay slot.
const PAUSE: u32 = 0x0000_0140;

/// Registers of an instruction: any, or few.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool(Option<[u32; 3]>);

/// A source of instructions and states.
pub(super) struct Generator {
    machine: Machine,
    pub(super) random: Random,
    /// Instructions that may be in a delay slot.
    slots: Vec<Op>,
}

impl Generator {
    pub(super) fn new(machine: &Machine, seed: u64) -> Generator {
        let beyond = [
            Effects::BRANCHES,
            Effects::COMPACT,
            Effects::LOADS,
            Effects::STORES,
            Effects::TRAPS,
        ];
        let may_be = |op: &&Op| {
            let row = op.row();
            let is_beyond = beyond.iter().any(|effect| row.effects.intersects(*effect));
            machine.has(**op) && !is_beyond
        };
        Generator {
            machine: *machine,
            random: Random::new(seed),
            slots: Op::ALL.iter().filter(may_be).copied().collect(),
        }
    }

    /// A value for a register: of 64 bits, if words are not all that is wanted.
    fn value(&mut self, only_words: bool) -> u64 {
        let word = self.word_value();
        let extended = i64::from(word as i32) as u64;
        match self.random.below(4) {
            _ if !self.machine.is_wide() => word.into(),
            _ if only_words => extended,
            0 => extended,
            1 => word.into(),
            2 => u64::from(self.word_value()) << 32 | u64::from(word),
            _ => self.random.next(),
        }
    }

    /// A value for a word.
    fn word_value(&mut self) -> u32 {
        let next = self.random.next();
        match next & 1 {
            0 => VALUES[(next >> 8) as usize % VALUES.len()],
            _ => (next >> 32) as u32,
        }
    }

    fn immediate(&mut self) -> u32 {
        match self.random.chance(50) {
            true => self.random.choose(&IMMEDIATES).into(),
            false => self.random.word() & 0xffff,
        }
    }

    fn pool(&mut self) -> Pool {
        let few = self.random.chance(50);
        Pool(few.then(|| [0, self.random.word() & 31, self.random.word() & 31]))
    }

    fn register(&mut self, pool: Pool) -> u32 {
        match pool.0 {
            Some(few) => self.random.choose(&few),
            None => self.random.word() & 31,
        }
    }

    /// An instruction of a row.
    fn instruction(&mut self, op: Op, pool: Pool) -> u32 {
        let row = op.row();
        let mut word = row.bits;
        for operand in row.operands {
            let content = match operand.field {
                Field::Rd | Field::Rs | Field::Rt | Field::Base => self.register(pool),
                Field::Sa | Field::Pos => self.random.word() & 31,
                // So that the field lies in the word.
                Field::Size => self.random.below(32 - Field::Pos.extract(word) as usize) as u32,
                Field::Simm | Field::Uimm | Field::Disp => self.immediate(),
                Field::Simm9 => self.immediate() & 0x1ff,
                // Mostly out of the memory that there is; then another is made.
                Field::Disp26 => self.random.word() & 0x03ff_ffff,
            };
            word |= content << operand.field.shift();
        }
        match Shape::of(word) {
            // Nothing but a cell can be addressed, nothing but the pad there jumped to.
            Shape::Jump if jumps_through(word) == 0 && is_compact(word) => word & 0xffff_0000,
            Shape::Memory(bytes) if rs(word) == 0 && !has_short_offset(word) => {
                let at = self.random.below(CELLS_SIZE as usize) as u32;
                word & 0xffff_0000 | (CELLS + at / bytes * bytes)
            }
            _ => word,
        }
    }

    /// What to try of a row: an instruction, with a delay slot if it has one, or behind an LL if
    /// it is an SC.
    pub(super) fn row(&mut self, op: Op) -> Vec<u32> {
        loop {
            let pool = self.pool();
            let word = self.instruction(op, pool);
            if matches!(op, Op::Jalr | Op::JalrHb)
                && Field::Rd.extract(word) == Field::Rs.extract(word)
            {
                continue;
            }
            // No cell is so near.
            if has_short_offset(word) && rs(word) == 0 {
                continue;
            }
            let linked = match op {
                Op::Sc => self.instruction(Op::Ll, pool),
                Op::ScR6 => self.instruction(Op::LlR6, pool),
                Op::Scd => self.instruction(Op::Lld, pool),
                Op::ScdR6 => self.instruction(Op::LldR6, pool),
                _ => return self.with_slot(word, pool),
            };
            if let Some(pair) = pair(linked, word) {
                return pair;
            }
        }
    }

    /// Some word with a single bit flipped.
    pub(super) fn flipped(&mut self) -> Vec<u32> {
        let op = self.random.choose(Op::ALL);
        let pool = self.pool();
        let word = self.instruction(op, pool) ^ 1 << self.random.below(32);
        self.with_slot(word, pool)
    }

    /// Any word.
    pub(super) fn word(&mut self) -> Vec<u32> {
        let word = self.random.word();
        let pool = self.pool();
        self.with_slot(word, pool)
    }

    fn with_slot(&mut self, word: u32, pool: Pool) -> Vec<u32> {
        let mut words = vec![word];
        let transfers = matches!(Shape::of(word), Shape::Branch | Shape::Jump);
        if transfers && !is_compact(word) {
            let slot = loop {
                let op = self.random.choose(&self.slots);
                let slot = self.instruction(op, pool);
                if slot != PAUSE {
                    break slot;
                }
            };
            words.push(slot);
        }
        words
    }

    /// A state in which something can be tried.
    pub(super) fn state(&mut self, trial: &Trial) -> State {
        let mut state = [0; STATE_SIZE];
        // Most instructions of words want nothing else.
        let only_words = self.random.chance(60);
        for index in (1..32).chain([HI, LO]) {
            state[index] = self.value(only_words);
        }
        for index in MEMORY {
            state[index] = self.value(true);
        }
        state[CELL] = self.machine.pointer(CELLS | KSEG0);
        let first = trial.words[0];
        if self.random.chance(20) {
            state[rt(first)] = state[rs(first)];
        }
        match Shape::of(first) {
            Shape::Memory(bytes) => self.address(trial, bytes, &mut state),
            Shape::Jump => {
                let target = self.random.choose(&trial.targets);
                state[jumps_through(first)] = self.less(target, offset(first));
            }
            _ => {}
        }
        // In the place of $zero, which may have been written above.
        state[SITE] = self.machine.pointer(trial.site);
        state
    }

    /// Makes the registers point to a cell.
    fn address(&mut self, trial: &Trial, bytes: u32, state: &mut State) {
        let first = trial.words[0];
        let segment = self.random.choose(&[0, KSEG0]);
        let at = self.random.below(CELLS_SIZE as usize) as u32;
        let address = match rs(first) {
            0 => offset(first),
            _ => segment + CELLS + at / bytes * bytes,
        };
        for &word in trial.words.iter().take(trial.steps) {
            state[rs(word)] = self.less(self.machine.pointer(address), offset(word));
        }
        // A word of which nobody has chosen the immediate may go anywhere from $zero.
        let within = address.wrapping_sub(CELLS) & !KSEG0;
        if within < CELLS_SIZE {
            state[CELL] = self.machine.pointer(address & !(CELL_SIZE - 1));
        }
    }

    /// An address less an offset, as a register holds it.
    fn less(&self, address: u64, offset: u32) -> u64 {
        let base = address.wrapping_sub(i64::from(offset as i32) as u64);
        match self.machine.is_wide() {
            true => base,
            false => base & u64::from(u32::MAX),
        }
    }
}

/// Whether this is LL or SC, LLD or SCD of Release 6.
fn has_short_offset(word: u32) -> bool {
    word >> 26 == 0o37 && matches!(Shape::of(word), Shape::Memory(_))
}

/// LL and SC, or LLD and SCD, of the same address, if there can be one for them.
fn pair(linked: u32, conditional: u32) -> Option<Vec<u32>> {
    let bases = (rs(linked), rs(conditional));
    let is_overwritten = rt(linked) == bases.1 && bases.1 != 0;
    let is_out_of_reach = has_short_offset(linked) && bases.0 == 0;
    if is_overwritten || is_out_of_reach || bases.1 == 0 && bases.0 != 0 {
        return None;
    }
    let offset = match has_short_offset(linked) {
        true => Field::Simm9.mask(),
        false => Field::Simm.mask(),
    };
    let conditional = match bases.0 == bases.1 {
        true => conditional & !offset | linked & offset,
        false => conditional,
    };
    Some(vec![linked, conditional])
}
