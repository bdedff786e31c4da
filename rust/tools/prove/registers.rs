// SPDX-License-Identifier: GPL-2.0

//! What registers hold behind an instruction.

use super::convention::{self, FP, GP, K0, K1, RA, S4, S7, SP};
use super::meaning::Meaning;
use super::theorem::{Obligation, Ran, Theorem};
use crate::jit::analysis::Words;
use crate::jit::bpf::Reg;
use crate::model::bpf::REGISTERS;
use crate::model::word::Word;

impl Theorem<'_> {
    pub(super) fn judge_registers(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        ran: &Ran,
        keeps_all: bool,
    ) {
        let (before, after) = (&ran.before, &ran.after);
        for register in 0..REGISTERS {
            let value = meaning.after[register];
            let is_unchanged = value == meaning.before[register];
            let is_kept = self.around.kept.contains(Reg::ALL[register]);
            let is_lost = convention::is_lost_in_calls(register) && !keeps_all && !is_kept;
            if !meaning.defined[register] || is_unchanged && is_lost {
                continue;
            }
            let wanted = match &ran.said {
                Some(said) => said.wanted_of(register),
                None => Some(Words::BOTH),
            };
            if wanted.is_none() && is_unchanged {
                self.judge_unchanged(obligation, register, ran);
                continue;
            }
            let wanted = wanted.unwrap_or(Words::BOTH);
            let has_unspecified = |low| meaning.unspecified.contains(&value.slice(low, 32));
            let parts: &[(&str, u32, u32)] = match self.machine.is_wide() {
                true if !has_unspecified(32) => &[("value", 0, 64)],
                _ => &[("high word", 32, 32), ("low word", 0, 32)],
            };
            for &(name, low, width) in parts {
                let is_wanted = if low == 32 { wanted.high } else { wanted.low };
                if width == 32 && (has_unspecified(low) || !is_wanted) {
                    continue;
                }
                let what = format!("the {name} of R{register}");
                let found = self.machine.value(after, register).slice(low, width);
                obligation.demand(what, found.equals(value.slice(low, width)));
            }
        }
        for register in self.others(keeps_all) {
            let what = format!("${} is kept", convention::name(register));
            obligation.demand(what, after[register].equals(before[register]));
        }
    }

    /// A register that is none of the instruction's business holds what it did, demanded or not.
    fn judge_unchanged(&self, obligation: &mut Obligation, register: usize, ran: &Ran) {
        for native in self.machine.natives(register) {
            let what = format!("${} of R{register} is kept", convention::name(native));
            obligation.demand(what, ran.after[native].equals(ran.before[native]));
        }
    }

    /// What else must be as it was. Under o32, what C functions must leave alone is in the pairs of
    /// R6 to R9, and `$ra` in that of AX.
    fn others(&self, keeps_all: bool) -> Vec<usize> {
        let mut registers = vec![SP, GP, K0, K1, FP];
        if self.machine.is_wide() {
            registers.extend(S4..=S7);
            registers.extend(keeps_all.then_some(RA));
        }
        registers
    }
}
