// SPDX-License-Identifier: GPL-2.0

//! The rig: MIPS code that puts the emulated processor in a state, tries something, and compares
//! the state that this leaves with the expected one.
//!
//! ```text
//!            +---------------------------------------------------------------+
//!            v                                                               |
//!  RESTORE: state of a record --> jr --> what is tried --> a pad: jal --> COMPARE
//! ```
//!
//! On a machine of 64 bits everything that is kept has 64.
//!
//! A state is every register, HI, LO, a cell of memory, and where control went. No register is left
//! to address anything with while something is tried: what the rig itself has to keep is where
//! `$zero` reaches. A pad is put wherever control may get; its `jal` leaves in `$ra` which of them
//! it was. So a single run of the emulator goes through thousands of states, at a small part of
//! what it costs to start it. In the emulator, stores are by far the slowest instructions: hence
//! the comparison there, and only a state that differs is written down.
//!
//! ```text
//! 0000_0000  a pad, for jumps to $zero; both here and in KSEG0
//! 0000_1000  where cells are, both here and in KSEG0
//! 0000_2000  what the rig keeps
//! 8000_8000  the rig's code
//! 8000_9000  where it ends
//! 8100_0000  what is tried, and pads
//! 8300_0000  records
//! ```

use unicorn_engine::{uc_error, Arch, Prot, Unicorn};

use super::predict::Prediction;
use super::routines::{compare, pad, restore};
use crate::tools::exec::cpu;
use crate::tools::exec::machine::Machine;

/// A state: indices from 1 to 31 are the registers.
pub(super) type State = [u64; STATE_SIZE];

/// Index of the address that is tried, which is as a register holds it.
pub(super) const SITE: usize = 0;
/// Indices of HI and LO.
pub(super) const HI: usize = 32;
pub(super) const LO: usize = 33;
/// Index of the cell's address.
pub(super) const CELL: usize = 34;
/// Indices of the words in the cell, sign-extended where registers are wider.
pub(super) const MEMORY: [usize; 2] = [35, 36];
/// Index of where control went.
pub(super) const PC: usize = 37;
pub(super) const STATE_SIZE: usize = 38;

/// In a record: the state to begin with, replaced by the one in the end where that is not as
/// expected.
pub(super) const BEFORE: usize = 0;
/// The state expected.
pub(super) const EXPECTED: usize = BEFORE + STATE_SIZE;
/// The bits of HI and LO about which something is expected.
pub(super) const PROMISED: [(usize, usize); 2] =
    [(HI, EXPECTED + STATE_SIZE), (LO, EXPECTED + STATE_SIZE + 1)];
/// Not zero where the states differ.
pub(super) const DIFFERS: usize = EXPECTED + STATE_SIZE + 2;
pub(super) const RECORD_SIZE: usize = DIFFERS + 1;

/// Where cells can be, and how large they are. The same bytes are in KSEG0.
pub(super) const CELLS: u32 = 0x1000;
pub(super) const CELLS_SIZE: u32 = 0x1000;
pub(super) const CELL_SIZE: u32 = 8;
pub(super) const KSEG0: u32 = 0x8000_0000;

/// Where what is tried can be.
pub(super) const CODE: u32 = 0x8100_0000;
pub(super) const CODE_SIZE: u32 = 0x0100_0000;

/// Words of a pad.
pub(super) const PAD_SIZE: u32 = 3;

/// The pad that a jump to `$zero` finds.
pub(super) const ZERO_PAD: u32 = 0;

/// Records of one run.
pub(super) const LONGEST: usize = RECORDS_SIZE as usize / (8 * RECORD_SIZE);

const LOW_SIZE: u32 = 0x1_0000;
pub(super) const RESTORE: u32 = KSEG0 + 0x8000;
pub(super) const COMPARE: u32 = RESTORE + 0x400;
const DONE: u32 = KSEG0 + 0x9000;
const RECORDS: u32 = 0x8300_0000;
const RECORDS_SIZE: u32 = 0x0020_0000;

/// Microseconds after which a run does not end by itself.
const TIME_LIMIT: u64 = 20_000_000;

/// What the rig keeps, by address: registers that it needs for itself, the record, the end of the
/// records, whether any of them differed, and the address of [`DONE`], from wherever in the address
/// space it is run.
pub(super) mod kept {
    pub(in crate::tools::models) const AT: u16 = 0x2000;
    pub(in crate::tools::models) const K0: u16 = 0x2008;
    pub(in crate::tools::models) const K1: u16 = 0x2010;
    pub(in crate::tools::models) const RA: u16 = 0x2018;
    pub(in crate::tools::models) const PC: u16 = 0x2020;
    pub(in crate::tools::models) const RECORD: u16 = 0x2028;
    pub(in crate::tools::models) const END: u16 = 0x2030;
    pub(in crate::tools::models) const DIFFERED: u16 = 0x2038;
    pub(in crate::tools::models) const DONE: u16 = 0x2040;
}

/// The emulator, with the rig in it.
pub(super) struct Rig {
    unicorn: Unicorn<'static, ()>,
    pub(super) machine: Machine,
    /// The records, to be used again.
    values: Vec<u64>,
}

/// A run that stopped early.
#[derive(Debug)]
pub(super) struct Stopped {
    /// In which case.
    pub(super) case: usize,
    /// Why; none if it would not end.
    pub(super) error: Option<uc_error>,
}

impl Rig {
    pub(super) fn new(machine: Machine) -> Rig {
        let unicorn =
            start(machine).unwrap_or_else(|e| panic!("the emulator does not start: {e:?}"));
        let mut rig = Rig {
            unicorn,
            machine,
            values: Vec::new(),
        };
        rig.write(RESTORE, &restore(machine));
        rig.write(COMPARE, &compare(machine));
        rig.write(KSEG0 + ZERO_PAD, &pad(machine));
        rig.write_values(KSEG0 + u32::from(kept::DONE), &[machine.pointer(DONE)]);
        rig
    }

    /// Writes words to memory. Code must be written before it is first executed: the emulator
    /// keeps what it has translated.
    pub(super) fn write(&mut self, address: u32, words: &[u32]) {
        let mut bytes = Vec::with_capacity(words.len() * 4);
        for &word in words {
            bytes.extend_from_slice(&self.machine.bytes(word));
        }
        self.unicorn
            .mem_write(physical(address), &bytes)
            .unwrap_or_else(|error| panic!("no memory at {address:#x}: {error:?}"));
    }

    /// Writes values as registers hold them.
    fn write_values(&mut self, address: u32, values: &[u64]) {
        let mut bytes = Vec::with_capacity(values.len() * 8);
        for &value in values {
            match self.machine.is_wide() {
                true => bytes.extend_from_slice(&self.machine.bytes64(value)),
                false => bytes.extend_from_slice(&self.machine.bytes(value as u32)),
            }
        }
        self.unicorn
            .mem_write(physical(address), &bytes)
            .unwrap_or_else(|error| panic!("no memory at {address:#x}: {error:?}"));
    }

    fn bytes(&self, address: u32, count: usize) -> Vec<u8> {
        self.unicorn
            .mem_read_as_vec(physical(address), count)
            .unwrap_or_else(|error| panic!("no memory at {address:#x}: {error:?}"))
    }

    fn read_values(&self, address: u32, values: usize) -> Vec<u64> {
        let size = self.machine.register_bytes() as usize;
        let bytes = self.bytes(address, values * size);
        let value = |bytes: &[u8]| match *bytes {
            [a, b, c, d, e, f, g, h] => self.machine.doubleword([a, b, c, d, e, f, g, h]),
            [a, b, c, d] => u64::from(self.machine.word([a, b, c, d])),
            _ => unreachable!("a register has four or eight bytes"),
        };
        bytes.chunks(size).map(value).collect()
    }

    /// All words that may be in a cell.
    pub(super) fn cells(&self) -> Vec<u32> {
        let bytes = self.bytes(KSEG0 + CELLS, CELLS_SIZE as usize);
        let word = |bytes: &[u8]| self.machine.word([bytes[0], bytes[1], bytes[2], bytes[3]]);
        bytes.chunks(4).map(word).collect()
    }

    /// Tries cases, of which there must not be more than [`LONGEST`]. Returns the indices of those
    /// that end otherwise than expected, with the states in which they end.
    ///
    /// # Errors
    ///
    /// What stops it at a case. Those before it are done.
    pub(super) fn run<'c>(
        &mut self,
        cases: impl Iterator<Item = (&'c State, &'c Prediction)>,
    ) -> (Vec<(usize, State)>, Result<(), Stopped>) {
        let mut values = std::mem::take(&mut self.values);
        values.clear();
        for (before, expected) in cases {
            let Prediction {
                state, promised, ..
            } = expected;
            values.extend(before);
            values.extend(state);
            values.extend(promised);
            values.push(0);
        }
        self.write_values(RECORDS, &values);
        let pointer = |address: u32| self.machine.pointer(address);
        let size = self.machine.register_bytes();
        let end = RECORDS + values.len() as u32 * size;
        let kept = |address: u16| KSEG0 + u32::from(address);
        let (first, last) = (pointer(RECORDS), pointer(end));
        let (begin, until) = (pointer(RESTORE), pointer(DONE));
        for (place, value) in [
            (kept::RECORD, first),
            (kept::END, last),
            (kept::DIFFERED, 0),
        ] {
            self.write_values(kept(place), &[value]);
        }
        let ended = self.unicorn.emu_start(begin, until, TIME_LIMIT, 0);
        let reached = self.read_values(kept(kept::RECORD), 1)[0] as u32;
        let done = ((reached - RECORDS) / size) as usize / RECORD_SIZE;
        let has_differed = self.read_values(kept(kept::DIFFERED), 1)[0] != 0;
        let written = match has_differed {
            true => self.read_values(RECORDS, done * RECORD_SIZE),
            false => Vec::new(),
        };
        let mut differing = Vec::new();
        for (index, record) in written.chunks(RECORD_SIZE).enumerate() {
            if record[DIFFERS] != 0 {
                let mut state = [0; STATE_SIZE];
                state.copy_from_slice(&record[BEFORE..][..STATE_SIZE]);
                differing.push((index, state));
            }
        }
        self.values = values;
        let stopped = Stopped {
            case: done,
            error: ended.err(),
        };
        match reached == end && stopped.error.is_none() {
            true => (differing, Ok(())),
            false => (differing, Err(stopped)),
        }
    }
}

fn physical(address: u32) -> u64 {
    u64::from(address & !KSEG0)
}

fn start(machine: Machine) -> Result<Unicorn<'static, ()>, uc_error> {
    let (mode, model) = cpu::of(&machine);
    let mut unicorn = Unicorn::new(Arch::MIPS, mode)?;
    unicorn.ctl_set_cpu_model(model)?;
    for (at, size) in [
        (KSEG0, LOW_SIZE),
        (CODE, CODE_SIZE),
        (RECORDS, RECORDS_SIZE),
    ] {
        unicorn.mem_map(physical(at), size.into(), Prot::ALL)?;
    }
    Ok(unicorn)
}
