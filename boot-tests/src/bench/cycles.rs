// SPDX-License-Identifier: GPL-2.0

//! How many cycles would a 24KEc take for these instructions?
//!
//! An estimate: the pipeline of the processor in many routers issues one instruction a cycle, in order,
//! and waits for operands. GCC's description of it (`gcc/config/mips/24k.md`, after MIPS's manual of the
//! 24K family) has the latencies, LLVM's of its line of cores the cost of a branch that was not foreseen.
//!
//! | what                                              | cycles                      |
//! |---------------------------------------------------|-----------------------------|
//! | result of an operation, as operand / address      | 1 / 2                       |
//! | loaded word, as operand or stored / address       | 2 / 3                       |
//! | product in a register, HI or LO moved, as operand / address | 5 / 6             |
//! | division                                          | 36, the unit is busy        |
//! | link of a call                                    | 2                           |
//! | branch not foreseen, jump or call by a register   | 4 more                      |
//!
//! Branches are foreseen by 512 counters of two bits, returns always. Caches and TLB always have what is
//! wanted, and what an image calls takes no time: they are the same for all images, near enough. So it is
//! good for comparing two images, and says nothing of a whole run.

use super::mips::{decode, Insn, Unit};

const NOT_FORESEEN: u64 = 4;
const DIVISION: u64 = 36;
/// Not in any description: what is known is that loads and stores before it must have ended.
const BARRIER: u64 = 5;
const COUNTERS: usize = 512;

/// An instruction that was executed: where, and which.
pub(crate) type Executed = (u32, u32);

/// From which cycle on a register can be used.
#[derive(Clone, Copy, Default)]
struct Ready {
    operand: u64,
    address: u64,
}

struct Core {
    /// The cycle in which the next instruction can be issued.
    now: u64,
    registers: [Ready; 32],
    /// From when on HI and LO, and the unit that makes them, are free.
    multiplier: u64,
    /// Two bits each: from 2 on a branch is thought to be taken.
    counters: [u8; COUNTERS],
}

/// Cycles that a run takes in images.
pub(crate) fn estimate(run: &[Executed]) -> u64 {
    let mut core = Core {
        now: 0,
        registers: [Ready::default(); 32],
        multiplier: 0,
        counters: [1; COUNTERS],
    };
    for (at, &(address, word)) in run.iter().enumerate() {
        // Behind the slot of a branch is where it goes.
        let target = run.get(at + 2).map(|&(address, _)| address);
        core.execute(address, decode(word), target);
    }
    core.now
}

impl Core {
    fn execute(&mut self, address: u32, insn: Insn, target: Option<u32>) {
        let issued = self.wait_for(&insn);
        self.now = issued + 1;
        self.note_result(&insn, issued);
        self.now += match insn.unit {
            Unit::Branch => self.foresee(address, target),
            Unit::Jump { is_return: false } | Unit::Call => NOT_FORESEEN,
            Unit::Barrier => BARRIER,
            _ => 0,
        };
        if insn.unit == Unit::Call {
            // All that it has waited for is there when it comes back, but for its own link.
            self.registers = [Ready::default(); 32];
        }
    }

    /// The cycle in which everything is there.
    fn wait_for(&self, insn: &Insn) -> u64 {
        let operand = |register: usize| self.registers[register].operand;
        let mut cycle = self.now;
        for wanted in [
            operand(insn.operands[0]),
            operand(insn.operands[1]),
            operand(insn.stored),
            self.registers[insn.base].address,
        ] {
            cycle = cycle.max(wanted);
        }
        match insn.unit {
            Unit::Multiply | Unit::MultiplyHiLo | Unit::Divide | Unit::FromHiLo | Unit::ToHiLo => {
                cycle.max(self.multiplier)
            }
            _ => cycle,
        }
    }

    fn note_result(&mut self, insn: &Insn, issued: u64) {
        let latency = match insn.unit {
            Unit::Load | Unit::Call => 2,
            Unit::Multiply | Unit::FromHiLo => 5,
            _ => 1,
        };
        if insn.written != 0 {
            self.registers[insn.written] = Ready {
                operand: issued + latency,
                address: issued + latency + 1,
            };
        }
        match insn.unit {
            Unit::Divide => self.multiplier = issued + DIVISION,
            Unit::ToHiLo => self.multiplier = issued + 2,
            Unit::MultiplyHiLo => self.multiplier = issued + 1,
            _ => {}
        }
    }

    /// What it costs that a branch goes where it does; nobody knows behind the last one.
    fn foresee(&mut self, address: u32, target: Option<u32>) -> u64 {
        let Some(target) = target else {
            return 0;
        };
        let is_taken = target != address.wrapping_add(8);
        let counter = &mut self.counters[(address / 4) as usize % COUNTERS];
        let is_foreseen = (*counter >= 2) == is_taken;
        *counter = match is_taken {
            true => (*counter + 1).min(3),
            false => counter.saturating_sub(1),
        };
        if is_foreseen {
            0
        } else {
            NOT_FORESEEN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOP: u32 = 0;
    const ADDU_T0: u32 = 0x0085_4021; // addu $t0, $a0, $a1
    const USE_T0: u32 = 0x0100_4821; // addu $t1, $t0, $0
    const LOAD_T0: u32 = 0x8fa8_0000; // lw $t0, 0($sp)
    const STORE_T0: u32 = 0xafa8_0000; // sw $t0, 0($sp)
    const LOAD_BY_T0: u32 = 0x8d09_0000; // lw $t1, 0($t0)
    const MUL_T0: u32 = 0x7085_4002; // mul $t0, $a0, $a1
    const MULTU: u32 = 0x0085_0019;
    const MFLO_T0: u32 = 0x0000_4012;
    const DIVU: u32 = 0x0085_001b;
    const BRANCH: u32 = 0x1480_0003; // bnez $a0
    const CALL: u32 = 0x0320_f809; // jalr $t9

    /// One behind the other.
    fn straight(words: &[u32]) -> u64 {
        let run: Vec<Executed> = (0..).step_by(4).zip(words.iter().copied()).collect();
        estimate(&run)
    }

    #[test]
    fn one_a_cycle_if_nothing_waits() {
        assert_eq!(straight(&[NOP; 7]), 7);
        assert_eq!(straight(&[ADDU_T0, USE_T0]), 2);
        assert_eq!(straight(&[]), 0);
    }

    #[test]
    fn loads_are_waited_for() {
        assert_eq!(straight(&[LOAD_T0, USE_T0]), 3);
        assert_eq!(straight(&[LOAD_T0, NOP, USE_T0]), 3);
        assert_eq!(straight(&[LOAD_T0, STORE_T0]), 3);
        assert_eq!(straight(&[LOAD_T0, LOAD_BY_T0]), 4);
    }

    #[test]
    fn addresses_are_wanted_earlier() {
        assert_eq!(straight(&[ADDU_T0, LOAD_BY_T0]), 3);
        assert_eq!(straight(&[ADDU_T0, NOP, LOAD_BY_T0]), 3);
        assert_eq!(straight(&[ADDU_T0, STORE_T0]), 2);
    }

    #[test]
    fn products_take_their_time() {
        assert_eq!(straight(&[MUL_T0, USE_T0]), 6);
        assert_eq!(straight(&[MULTU, MFLO_T0]), 2);
        assert_eq!(straight(&[MULTU, MFLO_T0, USE_T0]), 7);
        assert_eq!(straight(&[DIVU, NOP, NOP]), 3);
        assert_eq!(straight(&[DIVU, MFLO_T0, USE_T0]), 42);
    }

    /// A branch at 0 with its slot, then what is at `target`.
    fn branch(target: u32) -> [Executed; 3] {
        [(0, BRANCH), (4, NOP), (target, NOP)]
    }

    #[test]
    fn a_loop_is_foreseen_after_its_first_rounds() {
        assert_eq!(estimate(&branch(8)), 3);
        assert_eq!(estimate(&branch(64)), 3 + NOT_FORESEEN);
        let rounds: Vec<Executed> = std::iter::repeat_n(branch(64), 10).flatten().collect();
        assert_eq!(estimate(&rounds), 30 + NOT_FORESEEN);
    }

    #[test]
    fn behind_a_call_nothing_waits() {
        let cycles = straight(&[LOAD_T0, CALL, NOP, USE_T0]);
        assert_eq!(cycles, 4 + NOT_FORESEEN);
    }
}
