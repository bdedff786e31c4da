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

use unicorn_engine::{uc_error, Arch, Mips32CpuModel, Mode, Prot, Unicorn};

use super::code::*;
use super::predict::Prediction;
use crate::jit::mips::{Endian, Release};
use crate::tools::exec::machine::Machine;

/// A state: indices from 1 to 31 are the registers.
pub(super) type State = [u32; STATE_SIZE];

/// Index of the address that is tried.
pub(super) const SITE: usize = 0;
/// Indices of HI and LO.
pub(super) const HI: usize = 32;
pub(super) const LO: usize = 33;
/// Index of the cell's address.
pub(super) const CELL: usize = 34;
/// Indices of the words in the cell.
pub(super) const MEMORY: [usize; 2] = [35, 36];
/// Index of where control went.
pub(super) const PC: usize = 37;
pub(super) const STATE_SIZE: usize = 38;

/// In a record: the state to begin with, replaced by the one in the end where that is not as
/// expected.
const BEFORE: usize = 0;
/// The state expected.
const EXPECTED: usize = BEFORE + STATE_SIZE;
/// The bits of HI and LO about which something is expected.
const PROMISED: [(usize, usize); 2] =
    [(HI, EXPECTED + STATE_SIZE), (LO, EXPECTED + STATE_SIZE + 1)];
/// Not zero where the states differ.
const DIFFERS: usize = EXPECTED + STATE_SIZE + 2;
const RECORD_SIZE: usize = DIFFERS + 1;

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
pub(super) const LONGEST: usize = RECORDS_SIZE as usize / (4 * RECORD_SIZE);

const LOW_SIZE: u32 = 0x1_0000;
const RESTORE: u32 = KSEG0 + 0x8000;
const COMPARE: u32 = RESTORE + 0x400;
const DONE: u32 = KSEG0 + 0x9000;
const RECORDS: u32 = 0x8300_0000;
const RECORDS_SIZE: u32 = 0x0020_0000;

/// Microseconds after which a run does not end by itself.
const TIME_LIMIT: u64 = 20_000_000;

/// What the rig keeps, by address: registers that it needs for itself, the record, the end of the
/// records, whether any of them differed, and the address of [`DONE`], from wherever in the address
/// space it is run.
mod kept {
    pub(super) const AT: u16 = 0x2000;
    pub(super) const K0: u16 = 0x2004;
    pub(super) const K1: u16 = 0x2008;
    pub(super) const RA: u16 = 0x200c;
    pub(super) const PC: u16 = 0x2010;
    pub(super) const RECORD: u16 = 0x2014;
    pub(super) const END: u16 = 0x2018;
    pub(super) const DIFFERED: u16 = 0x201c;
    pub(super) const DONE: u16 = 0x2020;
}

/// The registers that the comparison needs for itself, and where they are kept.
const MINE: [(u32, u16); 4] = [
    (AT, kept::AT),
    (K0, kept::K0),
    (K1, kept::K1),
    (RA, kept::RA),
];

/// Where a word of the record is.
fn at(index: usize) -> u16 {
    index as u16 * 4
}

/// What every place that control may get to has.
pub(super) fn pad() -> [u32; PAD_SIZE as usize] {
    [sw(RA, kept::RA, ZERO), jal(COMPARE), NOP]
}

/// All registers but some.
fn others(mine: &[u32]) -> impl Iterator<Item = u32> + '_ {
    (1..32).filter(|register| !mine.contains(register))
}

/// Registers that only releases before 6 have.
fn has_hi_lo(machine: Machine) -> bool {
    !machine.release.is_r6()
}

fn restore(machine: Machine) -> Vec<u32> {
    let mut code = vec![lw(K0, kept::RECORD, ZERO), lw(T0, at(CELL), K0)];
    for (offset, index) in [(0, MEMORY[0]), (4, MEMORY[1])] {
        code.extend([lw(T1, at(index), K0), sw(T1, offset, T0)]);
    }
    if has_hi_lo(machine) {
        code.extend([lw(T1, at(HI), K0), mthi(T1), lw(T1, at(LO), K0), mtlo(T1)]);
    }
    code.extend([lw(T1, at(K1 as usize), K0), sw(T1, kept::K1, ZERO)]);
    code.push(lw(K1, at(SITE), K0));
    code.extend(others(&[K0, K1]).map(|register| lw(register, at(register as usize), K0)));
    code.extend([lw(K0, at(K0 as usize), K0), jr(K1), lw(K1, kept::K1, ZERO)]);
    code
}

/// `$at` gathers the differences; `$ra` holds what is compared, `$k1` what is expected.
fn compare(machine: Machine) -> Vec<u32> {
    let mut code = vec![sw(AT, kept::AT, ZERO), sw(K0, kept::K0, ZERO)];
    code.extend([sw(K1, kept::K1, ZERO), sw(RA, kept::PC, ZERO)]);
    code.extend([lw(K0, kept::RECORD, ZERO), or(AT, ZERO, ZERO)]);
    let differ = |index: usize, real: u32| [lw(K1, at(EXPECTED + index), K0), xor(K1, K1, real)];
    let gather = or(AT, AT, K1);
    for register in others(&MINE.map(|(register, _)| register)) {
        code.extend(differ(register as usize, register));
        code.push(gather);
    }
    let kept = MINE.map(|(register, place)| (register as usize, place));
    for (index, place) in kept.into_iter().chain([(PC, kept::PC)]) {
        code.push(lw(RA, place, ZERO));
        code.extend(differ(index, RA));
        code.push(gather);
    }
    let hi_lo = PROMISED.into_iter().zip([mfhi(RA), mflo(RA)]);
    for ((index, promised), read) in hi_lo.filter(|_| has_hi_lo(machine)) {
        code.push(read);
        code.extend(differ(index, RA));
        code.extend([lw(RA, at(promised), K0), and(K1, K1, RA), gather]);
    }
    for (offset, index) in [(0, MEMORY[0]), (4, MEMORY[1])] {
        code.extend([lw(RA, at(CELL), K0), lw(RA, offset, RA)]);
        code.extend(differ(index, RA));
        code.push(gather);
    }
    let writing = write_down(machine);
    // Over the delay slot and all of it.
    code.extend([beq(AT, ZERO, writing.len() as i32 + 1), NOP]);
    code.extend(writing);
    code.extend([addiu(K0, K0, at(RECORD_SIZE)), sw(K0, kept::RECORD, ZERO)]);
    code.push(lw(K1, kept::END, ZERO));
    let slot = COMPARE / 4 + code.len() as u32 + 1;
    let back = (RESTORE / 4).wrapping_sub(slot) as i32;
    code.extend([bne(K0, K1, back), NOP]);
    code.extend([lw(K1, kept::DONE, ZERO), jr(K1), NOP]);
    code
}

/// Replaces the state in the record by the one that there is.
fn write_down(machine: Machine) -> Vec<u32> {
    let mut code = vec![sw(AT, at(DIFFERS), K0), sw(AT, kept::DIFFERED, ZERO)];
    for register in others(&MINE.map(|(register, _)| register)) {
        code.push(sw(register, at(register as usize), K0));
    }
    let kept = MINE.map(|(register, place)| (register as usize, place));
    for (index, place) in kept.into_iter().chain([(PC, kept::PC)]) {
        code.extend([lw(RA, place, ZERO), sw(RA, at(index), K0)]);
    }
    if has_hi_lo(machine) {
        code.extend([mfhi(RA), sw(RA, at(HI), K0), mflo(RA), sw(RA, at(LO), K0)]);
    }
    for (offset, index) in [(0, MEMORY[0]), (4, MEMORY[1])] {
        code.extend([
            lw(RA, at(CELL), K0),
            lw(RA, offset, RA),
            sw(RA, at(index), K0),
        ]);
    }
    code
}

/// The emulator, with the rig in it.
pub(super) struct Rig {
    unicorn: Unicorn<'static, ()>,
    machine: Machine,
    /// The records, to be used again.
    words: Vec<u32>,
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
            words: Vec::new(),
        };
        rig.write(RESTORE, &restore(machine));
        rig.write(COMPARE, &compare(machine));
        rig.write(KSEG0 + ZERO_PAD, &pad());
        rig.write(KSEG0 + u32::from(kept::DONE), &[DONE]);
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

    fn read(&self, address: u32, words: usize) -> Vec<u32> {
        let bytes = self
            .unicorn
            .mem_read_as_vec(physical(address), words * 4)
            .unwrap_or_else(|error| panic!("no memory at {address:#x}: {error:?}"));
        let word = |bytes: &[u8]| self.machine.word([bytes[0], bytes[1], bytes[2], bytes[3]]);
        bytes.chunks(4).map(word).collect()
    }

    /// All words that may be in a cell.
    pub(super) fn cells(&self) -> Vec<u32> {
        self.read(KSEG0 + CELLS, CELLS_SIZE as usize / 4)
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
        let mut words = std::mem::take(&mut self.words);
        words.clear();
        for (before, expected) in cases {
            let Prediction {
                state, promised, ..
            } = expected;
            words.extend(before);
            words.extend(state);
            words.extend(promised);
            words.push(0);
        }
        self.write(RECORDS, &words);
        let end = RECORDS + words.len() as u32 * 4;
        let kept = |address: u16| KSEG0 + u32::from(address);
        self.write(kept(kept::RECORD), &[RECORDS, end, 0]);
        let ended = self
            .unicorn
            .emu_start(RESTORE.into(), DONE.into(), TIME_LIMIT, 0);
        let reached = self.read(kept(kept::RECORD), 1)[0];
        let done = (reached - RECORDS) as usize / (4 * RECORD_SIZE);
        let has_differed = self.read(kept(kept::DIFFERED), 1)[0] != 0;
        let written = match has_differed {
            true => self.read(RECORDS, done * RECORD_SIZE),
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
        self.words = words;
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
    let (order, model) = (
        match machine.endian {
            Endian::Little => Mode::LITTLE_ENDIAN,
            Endian::Big => Mode::BIG_ENDIAN,
        },
        match machine.release {
            Release::R1 => Mips32CpuModel::Model_4KC,
            Release::R2 => Mips32CpuModel::Model_24KC,
            Release::R6 => Mips32CpuModel::MIPS32R6_GENERIC,
        },
    );
    let mut unicorn = Unicorn::new(Arch::MIPS, Mode::MIPS32 | order)?;
    unicorn.ctl_set_cpu_model(model as i32)?;
    for (at, size) in [
        (KSEG0, LOW_SIZE),
        (CODE, CODE_SIZE),
        (RECORDS, RECORDS_SIZE),
    ] {
        unicorn.mem_map(physical(at), size.into(), Prot::ALL)?;
    }
    Ok(unicorn)
}
