// SPDX-License-Identifier: GPL-2.0

//! What the model says will come of a state.

use super::rig::{State, CELL, CELL_SIZE, HI, LO, MEMORY, PAD_SIZE, PC};
use super::trial::Trial;
use crate::jit::mips::Release;
use crate::model::bpf::memory::Memory;
use crate::model::mips::{self, Next, Platform, Trap, WORD};
use crate::model::word::{Bits, Word};
use crate::model::world::{Fault, World};
use crate::tools::exec::machine::Machine;

/// The model's processor, which has one cell of memory.
pub(super) struct Predictor {
    machine: Machine,
    surroundings: Surroundings,
}

/// A state that is left, and the bits of HI and LO of which the model promises something. Of all
/// else it promises everything, or else is vague.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prediction {
    pub(super) state: State,
    pub(super) promised: [u64; 2],
    pub(super) is_vague: bool,
}

struct Surroundings {
    site: u64,
    words: Vec<u32>,
    memory: Memory,
    /// Whatever is unknown has this value.
    unknown: u64,
    /// How often it was asked for.
    asked: u32,
}

impl World<Bits> for Surroundings {
    fn load(&mut self, address: Bits, bytes: u32) -> Result<Bits, Fault> {
        self.memory.read(address, bytes)
    }

    fn store(&mut self, address: Bits, value: Bits) -> Result<(), Fault> {
        self.memory.write(address, value)
    }

    fn decide(&mut self, condition: Bits) -> bool {
        condition.unsigned() != 0
    }

    fn unknown(&mut self, width: u32) -> Bits {
        // Whether SC succeeds: nothing in the emulator makes it fail.
        if width == 1 {
            return Bits::bit(true);
        }
        self.asked += 1;
        Bits::new(width, self.unknown)
    }
}

impl Platform<Bits> for Surroundings {
    fn fetch(&mut self, address: u64) -> Option<Bits> {
        let offset = address.wrapping_sub(self.site);
        if offset % 4 != 0 {
            return None;
        }
        let word = self.words.get(offset as usize / 4)?;
        Some(Bits::new(WORD, u64::from(*word)))
    }

    fn expects(&mut self, condition: Bits) -> bool {
        condition.unsigned() != 0
    }
}

impl Predictor {
    pub(super) fn new(machine: Machine) -> Predictor {
        let mut memory = Memory::new(machine.order());
        memory.add(0, vec![0; CELL_SIZE as usize]);
        let surroundings = Surroundings {
            site: 0,
            words: Vec::new(),
            memory,
            unknown: 0,
            asked: 0,
        };
        Predictor {
            machine,
            surroundings,
        }
    }

    /// What will come of a state.
    ///
    /// # Errors
    ///
    /// The model's trap.
    pub(super) fn predict(&mut self, trial: &Trial, before: &State) -> Result<Prediction, Trap> {
        self.surroundings.unknown = 0x5555_5555_5555_5555;
        let state = self.execute(trial, before)?;
        let mut promised = [!0, !0];
        let mut is_vague = false;
        if self.surroundings.asked > 0 {
            // What depends on something unknown differs when that does.
            self.surroundings.unknown = !self.surroundings.unknown;
            let other = self.execute(trial, before)?;
            for (index, promised) in [HI, LO].into_iter().zip(&mut promised) {
                if state[index] != other[index] {
                    *promised = 0;
                }
            }
            is_vague = (0..state.len())
                .any(|index| !matches!(index, HI | LO) && state[index] != other[index]);
        }
        Ok(Prediction {
            state,
            promised,
            is_vague,
        })
    }

    fn execute(&mut self, trial: &Trial, before: &State) -> Result<State, Trap> {
        let order = self.machine;
        let place = &mut self.surroundings;
        place.site = order.pointer(trial.site);
        place.words.clone_from(&trial.words);
        let cell = &mut place.memory.regions[0];
        cell.base = before[CELL] as u32;
        for (bytes, index) in cell.bytes.chunks_mut(4).zip(MEMORY) {
            bytes.copy_from_slice(&order.bytes(before[index] as u32));
        }
        let release = match self.machine.release {
            Release::R1 => mips::Release::R1,
            Release::R2 => mips::Release::R2,
            Release::R6 => mips::Release::R6,
        };
        let gprlen = order.register_bytes() * 8;
        let word = |index: usize| Bits::new(gprlen, before[index]);
        let mut gpr = [Bits::new(gprlen, 0); 32];
        for (register, value) in gpr.iter_mut().enumerate().skip(1) {
            *value = word(register);
        }
        let architecture = mips::Architecture { release, gprlen };
        let site = order.pointer(trial.site);
        let mut processor = mips::Machine::new(architecture, place, gpr, site);
        processor.hi = word(HI);
        processor.lo = word(LO);
        processor.platform.asked = 0;
        let mut to = site;
        for _ in 0..trial.steps {
            to = match processor.step()? {
                Next::Instruction => processor.pc,
                Next::Leave(to) | Next::Call(to) => to.unsigned(),
            };
        }
        let mut after = *before;
        for (register, value) in processor.gpr.iter().enumerate().skip(1) {
            after[register] = value.unsigned();
        }
        after[HI] = processor.hi.unsigned();
        after[LO] = processor.lo.unsigned();
        // As the pad there says it.
        after[PC] = to.wrapping_add(4 * u64::from(PAD_SIZE));
        for (bytes, index) in place.memory.regions[0].bytes.chunks(4).zip(MEMORY) {
            after[index] = order.pointer(order.word([bytes[0], bytes[1], bytes[2], bytes[3]]));
        }
        Ok(after)
    }
}
