// SPDX-License-Identifier: GPL-2.0

//! The rig's own code: what restores a state, what compares one, and the pads.

use super::code::*;
use super::rig::{
    kept, CELL, COMPARE, DIFFERS, EXPECTED, HI, LO, MEMORY, PAD_SIZE, PC, PROMISED, RECORD_SIZE,
    RESTORE, SITE,
};
use crate::tools::exec::machine::Machine;

/// The registers that the comparison needs for itself, and where they are kept.
const MINE: [(u32, u16); 4] = [
    (AT, kept::AT),
    (K0, kept::K0),
    (K1, kept::K1),
    (RA, kept::RA),
];

/// What every place that control may get to has.
pub(super) fn pad(machine: Machine) -> [u32; PAD_SIZE as usize] {
    let whole = Whole::of(machine);
    [whole.store(RA, kept::RA, ZERO), jal(COMPARE), NOP]
}

/// All registers but some.
fn others(mine: &[u32]) -> impl Iterator<Item = u32> + '_ {
    (1..32).filter(|register| !mine.contains(register))
}

/// Registers that only releases before 6 have.
fn has_hi_lo(machine: Machine) -> bool {
    !machine.release.is_r6()
}

/// Puts the processor in the state of the next record, and goes to what is tried.
pub(super) fn restore(machine: Machine) -> Vec<u32> {
    let whole = Whole::of(machine);
    let mut code = vec![
        whole.load(K0, kept::RECORD, ZERO),
        whole.load(T0, whole.at(CELL), K0),
    ];
    for (offset, index) in [(0, MEMORY[0]), (4, MEMORY[1])] {
        code.extend([whole.load(T1, whole.at(index), K0), sw(T1, offset, T0)]);
    }
    if has_hi_lo(machine) {
        code.extend([
            whole.load(T1, whole.at(HI), K0),
            mthi(T1),
            whole.load(T1, whole.at(LO), K0),
            mtlo(T1),
        ]);
    }
    code.extend([
        whole.load(T1, whole.at(K1 as usize), K0),
        whole.store(T1, kept::K1, ZERO),
    ]);
    code.push(whole.load(K1, whole.at(SITE), K0));
    code.extend(
        others(&[K0, K1]).map(|register| whole.load(register, whole.at(register as usize), K0)),
    );
    code.extend([
        whole.load(K0, whole.at(K0 as usize), K0),
        jr(K1),
        whole.load(K1, kept::K1, ZERO),
    ]);
    code
}

/// Compares the state that there is with what is expected, and goes on to the next record: `$at` gathers the differences; `$ra` holds what is compared, `$k1` what is expected.
pub(super) fn compare(machine: Machine) -> Vec<u32> {
    let whole = Whole::of(machine);
    let mut code = vec![
        whole.store(AT, kept::AT, ZERO),
        whole.store(K0, kept::K0, ZERO),
    ];
    code.extend([
        whole.store(K1, kept::K1, ZERO),
        whole.store(RA, kept::PC, ZERO),
    ]);
    code.extend([whole.load(K0, kept::RECORD, ZERO), or(AT, ZERO, ZERO)]);
    let differ = |index: usize, real: u32| {
        [
            whole.load(K1, whole.at(EXPECTED + index), K0),
            xor(K1, K1, real),
        ]
    };
    let gather = or(AT, AT, K1);
    for register in others(&MINE.map(|(register, _)| register)) {
        code.extend(differ(register as usize, register));
        code.push(gather);
    }
    let kept = MINE.map(|(register, place)| (register as usize, place));
    for (index, place) in kept.into_iter().chain([(PC, kept::PC)]) {
        code.push(whole.load(RA, place, ZERO));
        code.extend(differ(index, RA));
        code.push(gather);
    }
    let hi_lo = PROMISED.into_iter().zip([mfhi(RA), mflo(RA)]);
    for ((index, promised), read) in hi_lo.filter(|_| has_hi_lo(machine)) {
        code.push(read);
        code.extend(differ(index, RA));
        code.extend([
            whole.load(RA, whole.at(promised), K0),
            and(K1, K1, RA),
            gather,
        ]);
    }
    for (offset, index) in [(0, MEMORY[0]), (4, MEMORY[1])] {
        code.extend([whole.load(RA, whole.at(CELL), K0), lw(RA, offset, RA)]);
        code.extend(differ(index, RA));
        code.push(gather);
    }
    let writing = write_down(machine);
    // Over the delay slot and all of it.
    code.extend([beq(AT, ZERO, writing.len() as i32 + 1), NOP]);
    code.extend(writing);
    code.extend([
        whole.add(K0, K0, whole.at(RECORD_SIZE)),
        whole.store(K0, kept::RECORD, ZERO),
    ]);
    code.push(whole.load(K1, kept::END, ZERO));
    let slot = COMPARE / 4 + code.len() as u32 + 1;
    let back = (RESTORE / 4).wrapping_sub(slot) as i32;
    code.extend([bne(K0, K1, back), NOP]);
    code.extend([whole.load(K1, kept::DONE, ZERO), jr(K1), NOP]);
    code
}

/// Replaces the state in the record by the one that there is.
fn write_down(machine: Machine) -> Vec<u32> {
    let whole = Whole::of(machine);
    let mut code = vec![
        whole.store(AT, whole.at(DIFFERS), K0),
        whole.store(AT, kept::DIFFERED, ZERO),
    ];
    for register in others(&MINE.map(|(register, _)| register)) {
        code.push(whole.store(register, whole.at(register as usize), K0));
    }
    let kept = MINE.map(|(register, place)| (register as usize, place));
    for (index, place) in kept.into_iter().chain([(PC, kept::PC)]) {
        code.extend([
            whole.load(RA, place, ZERO),
            whole.store(RA, whole.at(index), K0),
        ]);
    }
    if has_hi_lo(machine) {
        code.extend([
            mfhi(RA),
            whole.store(RA, whole.at(HI), K0),
            mflo(RA),
            whole.store(RA, whole.at(LO), K0),
        ]);
    }
    for (offset, index) in [(0, MEMORY[0]), (4, MEMORY[1])] {
        code.extend([
            whole.load(RA, whole.at(CELL), K0),
            lw(RA, offset, RA),
            whole.store(RA, whole.at(index), K0),
        ]);
    }
    code
}
