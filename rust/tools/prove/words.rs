// SPDX-License-Identifier: GPL-2.0

//! What the analyses of words say around an instruction, as part of its theorem.
//!
//! Assumed is what is known before: that high words are zero, or signs, and that a register is so far below
//! R10. A word that the instruction does not demand has any value, which is not the one that BPF has; nor
//! does anybody demand it behind. To be shown is of the result what is wanted of it, that no other register
//! changes, demanded or not, and that what the analyses claim behind the instruction is so, which is a
//! question of BPF alone.
//!
//! What one instruction is proved to need is what [`Demand`] says that it demands, and what the next one may
//! assume is what [`Known`] claims: so these theorems fit together along every edge of a program whose facts
//! do. That facts do is checked of every program that any host tool compiles (`rust/host/facts.rs`).

use super::convention::FP;
use super::meaning::Meaning;
use super::path::Path;
use super::scene::{Around, Machine};
use super::theorem::Obligation;
use crate::host;
use crate::jit::analysis::{
    reach_through, Analyses, Before, Demand, Distance, High, Known, Rules, Words,
};
use crate::jit::bpf::{decode, AluOp, Insn, Operand, Raw, Reg, RegSet, Width};
use crate::model::bpf::fields::Fields;
use crate::model::bpf::REGISTERS;
use crate::model::term::Term;
use crate::model::word::Word;

/// What the analyses say of one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AboutWords {
    pub(super) known: Known,
    /// Of the result.
    pub(super) wanted: Words,
    /// How far below R10 a sum is, or the base of an access.
    pub(super) distance: Option<Distance>,
}

/// What follows from it for an instruction.
pub(super) struct Said {
    insn: Insn,
    known: Known,
    wanted: Words,
    distance: Option<Distance>,
    pub(super) demanded: Demand,
    claims: Known,
}

impl AboutWords {
    /// The distance as far as the core makes use of it for this instruction.
    pub(super) fn distance_for(&self, insn: &Insn) -> Option<Distance> {
        let distance = self.distance?;
        match *insn {
            Insn::Load { mem, size, .. } | Insn::Store { mem, size, .. } => {
                reach_through(distance, mem.offset, size).map(|_| distance)
            }
            _ => Some(distance),
        }
    }
}

/// The instruction as the core decodes it.
///
/// # Errors
///
/// What the core says.
pub(super) fn decoded(
    machine: &Machine,
    around: &Around,
    insns: &[Fields],
) -> Result<Insn, String> {
    let mut program: Vec<Raw> = insns.iter().map(|insn| machine.raw(insn)).collect();
    // Somewhere to go to: the distance in the instruction is 1.
    let exit = Raw::new(machine.endian, 0x95, 0, 0, 0, 0);
    program.extend([exit; 3]);
    let dialect = host::dialect(&machine.cpu(around.barriers));
    let mut insn = decode(&dialect, &program, 0).map_err(|error| format!("decoding: {error:?}"))?;
    if let Insn::Call { signature, .. } = &mut insn {
        *signature = around.signature;
    }
    Ok(insn)
}

impl Said {
    /// None if nothing is said: then all words are demanded, and nothing is known.
    ///
    /// # Errors
    ///
    /// What the core says.
    pub(super) fn of(
        machine: &Machine,
        around: &Around,
        insns: &[Fields],
    ) -> Result<Option<Said>, String> {
        let Some(words) = around.words else {
            return Ok(None);
        };
        let insn = decoded(machine, around, insns)?;
        let rules = Rules {
            arguments: RegSet::ARGUMENTS,
            has_context: false,
            returns_r0: false,
            zero_extends: !around.verifier_zext,
            analyses: Analyses::ALL,
        };
        let distance = words.distance_for(&insn);
        let before = Before {
            known: words.known,
            defined: around.passed,
            distance,
            returned: rules.returned(),
            analyses: rules.analyses,
        };
        let behind = match insn.writes() {
            Some(dst) => Demand::NOTHING.with(dst, words.wanted),
            None => Demand::NOTHING,
        };
        Ok(Some(Said {
            insn,
            known: words.known,
            wanted: words.wanted,
            distance,
            demanded: behind.before(&insn, &before),
            claims: words.known.after(&insn, distance, rules.zero_extends),
        }))
    }

    /// What may differ between numbers for which the code is the same, no word with more than 26 bits.
    pub(super) fn notes(&self) -> Vec<u32> {
        let bits = |is_in: &dyn Fn(Reg) -> bool| {
            let registers = Reg::ALL.into_iter().enumerate();
            registers.fold(0, |bits, (number, reg)| {
                bits | u32::from(is_in(reg)) << number
            })
        };
        vec![
            bits(&|reg| self.claims.of(reg).is_zero),
            bits(&|reg| self.claims.of(reg).is_sign),
            bits(&|reg| self.demanded.of(reg).low),
            bits(&|reg| self.demanded.of(reg).high),
        ]
    }

    /// The values of BPF registers in the beginning, of which native registers hold what is demanded.
    pub(super) fn values(
        &self,
        machine: &Machine,
        gpr: &mut [Term; 32],
        path: &mut Path,
        immediate: Option<Term>,
    ) -> [Term; REGISTERS] {
        // The stack below R10 has addresses.
        let deepest = gpr[FP].constant(u64::from(Distance::MAX));
        path.assumed.push(!gpr[FP].is_below(deepest));
        std::array::from_fn(|register| {
            let reg = Reg::ALL[register];
            if reg == Reg::R10 {
                return machine.value(gpr, register);
            }
            let natives = machine.natives(register);
            let (high_at, low_at) = (natives[0], natives[1]);
            let demanded = self.demanded.of(reg);
            let found = |is_demanded: bool, at: usize, name: &str| match is_demanded {
                true => gpr[at],
                false => Term::variable(32, format!("{name} of R{register}")),
            };
            let low = found(demanded.low, low_at, "low");
            let high = found(demanded.high, high_at, "high");
            let value = match self.distant(gpr[FP], reg, immediate) {
                Some(value) => value,
                None => restricted(self.known.of(reg), high, low),
            };
            if demanded.low {
                gpr[low_at] = value.low(32);
            }
            if demanded.high {
                gpr[high_at] = value.slice(32, 32);
            }
            value
        })
    }

    /// The value of a register that is at a distance from R10, before the instruction.
    fn distant(&self, fp: Term, reg: Reg, immediate: Option<Term>) -> Option<Term> {
        let value = |distance: Distance| {
            let offset = Term::new(64, i64::from(distance.offset()) as u64);
            fp.zero_extend(64) + offset
        };
        let result = value(self.distance?);
        match self.insn {
            Insn::Load { mem, .. } | Insn::Store { mem, .. } if mem.base == reg => Some(result),
            Insn::Alu {
                width: Width::W64,
                op: op @ (AluOp::Add | AluOp::Sub),
                dst,
                src: Operand::Imm(imm),
            } if dst == reg => {
                let constant = Term::new(64, i64::from(imm) as u64);
                let immediate = immediate.unwrap_or(constant);
                Some(match op {
                    AluOp::Sub => result + immediate,
                    _ => result - immediate,
                })
            }
            _ => None,
        }
    }

    /// Which words of a register have to be right behind the instruction; None if it has to be left alone.
    pub(super) fn wanted_of(&self, register: usize) -> Option<Words> {
        let is_result = self.insn.writes() == Some(Reg::ALL[register]);
        is_result.then_some(self.wanted)
    }

    /// What is claimed behind the instruction is so.
    pub(super) fn judge(&self, obligation: &mut Obligation, meaning: &Meaning) {
        for register in (0..REGISTERS).filter(|&register| meaning.defined[register]) {
            let High { is_zero, is_sign } = self.claims.of(Reg::ALL[register]);
            let value = meaning.after[register];
            let (high, low) = (value.slice(32, 32), value.low(32));
            if is_zero {
                let what = format!("the claim that R{register} has a high word of zero");
                obligation.demand(what, high.is_zero());
            }
            if is_sign {
                let what = format!("the claim that R{register} is a sign-extended word");
                obligation.demand(what, high.equals(low.slice(31, 1).sign_extend(32)));
            }
        }
    }
}

/// A value of which so much is known.
fn restricted(known: High, high: Term, low: Term) -> Term {
    let zero = Term::new(32, 0);
    let sign = low.slice(31, 1).sign_extend(32);
    match (known.is_zero, known.is_sign) {
        (true, true) => zero.concat(Term::new(1, 0)).concat(low.low(31)),
        (true, false) => zero.concat(low),
        (false, true) => sign.concat(low),
        (false, false) => high.concat(low),
    }
}
