// SPDX-License-Identifier: GPL-2.0

//! What an instruction means: a run of the BPF model from a state that stands for that of the
//! processor.

use std::collections::BTreeSet;

use super::argument::{Before, Values};
use super::convention::{GP, S4};
use super::path::Path;
use super::space::Space;
use super::theorem::Theorem;
use super::world::{BpfWorld, Call};
use crate::host;
use crate::jit::runtime::Counted;
use crate::model::bpf::{self, Arena, Next, Setup, UpperHalf, REGISTERS};
use crate::model::term::Term;
use crate::model::word::Word;
use crate::tools::build::{exit, CALL};

/// What the BPF model did.
pub(super) struct Meaning {
    pub(super) before: [Term; REGISTERS],
    pub(super) after: [Term; REGISTERS],
    pub(super) defined: [bool; REGISTERS],
    pub(super) next: Next<Term, Term>,
    /// Index of the next instruction.
    pub(super) at: usize,
    pub(super) tail_calls: (Term, Term),
    pub(super) space: Space,
    pub(super) calls: Vec<Call>,
    pub(super) unspecified: BTreeSet<Term>,
    /// Arguments in no BPF register, behind the instruction.
    pub(super) passed: Values,
    pub(super) taken: Values,
    pub(super) readable: BTreeSet<(Term, u32)>,
}

impl Theorem<'_> {
    /// The instruction, with somewhere to go to behind it.
    fn program(&self) -> bpf::Program {
        let insns = self.insns.iter().copied().chain([exit(); 3]);
        let slots = insns.map(|insn| insn.slot(self.machine.order()));
        bpf::Program {
            slots: slots.collect(),
            stack: 0,
            frame: 0,
        }
    }

    /// The BPF model's machine.
    fn setup(&self) -> Setup {
        Setup {
            order: self.machine.order(),
            ax: host::AX,
            parameters: Some(host::PARAMETERS),
            is_wide: self.machine.is_wide(),
            upper_half: match self.around.verifier_zext {
                true => UpperHalf::Unspecified,
                false => UpperHalf::Zero,
            },
            counted: match self.around.counted {
                Counted::Hits => bpf::Counted::Hits,
                Counted::Lookups => bpf::Counted::Lookups,
            },
        }
    }

    /// A helper gets as many arguments as were written before.
    fn define(&self, defined: &mut [bool; REGISTERS]) {
        if self.insns[0].opcode == CALL && self.insns[0].src == 0 {
            for (number, defined) in defined.iter_mut().enumerate().take(6).skip(2) {
                let register = crate::jit::bpf::Reg::ALL[number];
                *defined = self.around.passed.contains(register);
            }
        }
    }

    /// Runs the BPF model.
    pub(super) fn mean(
        &self,
        path: &mut Path,
        (gpr, before): (&[Term; 32], [Term; REGISTERS]),
        arguments: &Before,
    ) -> Result<Meaning, String> {
        let order = self.machine.order();
        let programs = [self.program()];
        let setup = self.setup();
        let mut world = BpfWorld {
            machine: self.machine,
            path,
            space: Space::new(order),
            immediate: self.immediate,
            second: self.second,
            offset: self.offset,
            calls: Vec::new(),
            unspecified: BTreeSet::new(),
            readable: BTreeSet::new(),
            arena: self.around.arena(self.machine).map(|arena| Arena {
                kernel: gpr[S4],
                user: Term::new(64, arena.user_base),
            }),
            function: self.around.function,
            probes: self.probes(),
            thread: gpr[GP],
            processors: self.around.processors(),
        };
        let zero = Term::new(64, 0);
        let mut machine = bpf::Machine::new(setup, &mut world, &programs, zero);
        machine.registers = before;
        machine.defined = [true; REGISTERS];
        machine.passed = arguments.passed;
        machine.taken = arguments.taken;
        self.define(&mut machine.defined);
        let count = Term::variable(32, "tail calls");
        machine.tail_calls = count;
        let next = machine
            .step()
            .map_err(|trap| format!("the BPF model: {trap:?}"))?;
        let (after, defined, at) = (machine.registers, machine.defined, machine.at);
        let tail_calls = (count, machine.tail_calls);
        let (passed, taken) = (machine.passed, machine.taken);
        Ok(Meaning {
            before,
            after,
            defined,
            next,
            at,
            tail_calls,
            space: world.space,
            calls: world.calls,
            unspecified: world.unspecified,
            passed,
            taken,
            readable: world.readable,
        })
    }
}
