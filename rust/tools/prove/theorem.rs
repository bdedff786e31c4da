// SPDX-License-Identifier: GPL-2.0

//! The theorem about an instruction: what the core emits for it does what the instruction means.
//!
//! For all values of all registers and all of memory: run the BPF model on the instruction and the
//! MIPS model on the words, from states that stand for each other. Then
//!
//! - control is where BPF says, at the next instruction, the target or the epilogue;
//! - every BPF register has the value that BPF says, and so has every register that BPF says
//!   nothing of, R10 and AX among them; after calls, as far as somebody still reads it;
//! - `$sp`, `$gp`, `$k0` and `$k1` are what they were;
//! - memory was loaded and stored exactly where BPF says, with the values that BPF says, aligned,
//!   each word at once, and in BPF's order where it has one;
//! - helpers were called with the arguments that BPF says, where o32 wants them;
//! - of the frame, nothing changed that the prologue has saved, nor the BPF stack, nor the count of
//!   tail calls.

use std::collections::{BTreeMap, BTreeSet};

use super::convention::{self, pair, FP, GP, K0, K1, SP};
use super::frame::Layout;
use super::observe::{judge_calls, judge_events, judge_structure_loads};
use super::path::Path;
use super::run::{self, End};
use super::scene::{Around, Machine, Snippet};
use super::space::Space;
use super::world::{BpfWorld, Call, MipsWorld};
use crate::host;
use crate::host::RUNTIME;
use crate::jit::runtime::Counted;
use crate::model::bpf::fields::Fields;
use crate::model::bpf::{self, Next, Setup, UpperHalf, AX, REGISTERS};
use crate::model::mips;
use crate::model::term::Term;
use crate::model::word::Word;
use crate::tools::build::{exit, LOAD_ACQUIRE, STORE_RELEASE};

/// What has to be shown on one way: given the assumptions, all goals are 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Obligation {
    pub(super) assumptions: Vec<Term>,
    pub(super) goals: Vec<(String, Term)>,
}

impl Obligation {
    pub(super) fn demand(&mut self, what: impl Into<String>, bit: Term) {
        self.goals.push((what.into(), bit));
    }

    /// Something that does not depend on values.
    pub(super) fn demand_fact(&mut self, what: impl Into<String>, holds: bool) {
        self.demand(what, Term::bit(holds));
    }
}

/// An instruction and its code, to be proved equal.
pub(super) struct Theorem<'a> {
    pub(super) machine: &'a Machine,
    pub(super) around: &'a Around,
    pub(super) layout: &'a Layout,
    pub(super) insns: &'a [Fields],
    pub(super) snippet: &'a Snippet,
    /// The snippet's words, with terms for fields that stand for many values.
    pub(super) words: &'a [Term],
    /// The immediates of both slots, doublewords, and the offset, a word, where they stand for many
    /// values.
    pub(super) immediate: Option<Term>,
    pub(super) second: Option<Term>,
    pub(super) offset: Option<Term>,
    /// What is assumed of these values.
    pub(super) assumptions: &'a [Term],
}

/// What the words did.
struct Ran {
    before: [Term; 32],
    after: [Term; 32],
    end: End,
    /// What is saved in the frame.
    saved: BTreeMap<i32, Term>,
}

/// What the BPF model did.
pub(super) struct Meaning {
    before: [Term; REGISTERS],
    after: [Term; REGISTERS],
    defined: [bool; REGISTERS],
    next: Next<Term, Term>,
    /// Index of the next instruction.
    at: usize,
    tail_calls: (Term, Term),
    pub(super) space: Space,
    pub(super) calls: Vec<Call>,
    unspecified: BTreeSet<Term>,
    pub(super) readable: BTreeSet<Term>,
}

impl Theorem<'_> {
    /// What has to be shown on this way.
    ///
    /// # Errors
    ///
    /// What is wrong whatever the values.
    pub(super) fn obligation(&self, path: &mut Path) -> Result<Obligation, String> {
        let gpr: [Term; 32] = std::array::from_fn(|number| match number {
            0 => Term::new(32, 0),
            _ => Term::variable(32, convention::name(number)),
        });
        path.assumed.extend_from_slice(self.assumptions);
        let meaning = self.mean(path, &gpr)?;
        let mut frame: BTreeMap<i32, Term> = self
            .layout
            .saved
            .iter()
            .map(|&(place, _)| (place, Term::variable(32, format!("saved[{place}]"))))
            .collect();
        let (count, _) = meaning.tail_calls;
        frame.insert(self.layout.size, count);
        let saved = frame.clone();
        let mut world = MipsWorld {
            path,
            space: Space::new(self.machine.order()),
            words: self.words,
            begin: self.snippet.begin,
            sp: gpr[SP],
            frame,
            frame_stores: BTreeSet::new(),
            demands: Vec::new(),
            calls: Vec::new(),
            has_called: false,
            order: self.machine.order(),
        };
        let mut processor =
            mips::Machine::new(self.machine.model(), &mut world, gpr, self.snippet.begin);
        let end = run::run(&mut processor)?;
        let ran = Ran {
            before: gpr,
            after: processor.gpr,
            end,
            saved,
        };
        let mut obligation = Obligation {
            goals: std::mem::take(&mut world.demands),
            ..Obligation::default()
        };
        self.judge(&mut obligation, &meaning, &mut world, &ran);
        obligation.assumptions.extend(world.path.assumptions());
        Ok(obligation)
    }

    /// Compares what the words did with what the instruction means.
    fn judge(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        world: &mut MipsWorld<'_>,
        ran: &Ran,
    ) {
        match (meaning.next, ran.end) {
            (_, End::Loop) => {}
            (Next::TailCall(program, context), End::Register(target)) => {
                let goals = &mut obligation.goals;
                self.layout
                    .judge_leaving(goals, &ran.saved, &ran.before, &ran.after);
                self.judge_target(obligation, meaning, (program, context), target, &ran.after);
                judge_structure_loads(obligation, meaning, world, Some(program));
                self.judge_count(obligation, meaning, world);
            }
            (Next::TailCall(..), _) | (_, End::Register(_)) => {
                obligation.demand_fact("control leaves for another program", false);
            }
            (_, End::At(pc)) => {
                let goal = self.goal(meaning);
                obligation.demand_fact(
                    format!("control goes to {goal:#x}, not to {pc:#x}"),
                    pc == goal,
                );
                self.judge_registers(obligation, meaning, ran, !world.has_called);
                self.judge_frame(obligation, world, &ran.saved);
                if self.is_tail_call() {
                    self.judge_count(obligation, meaning, world);
                    judge_structure_loads(obligation, meaning, world, None);
                } else {
                    judge_events(obligation, meaning, world, self.is_ordered());
                }
                judge_calls(obligation, meaning, world);
            }
        }
    }

    /// The count of tail calls, which only they change.
    fn judge_count(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        world: &mut MipsWorld<'_>,
    ) {
        let (_, counted) = meaning.tail_calls;
        let stored = world.frame_word(self.layout.size);
        obligation.demand("the count of tail calls", stored.equals(counted));
    }

    fn is_tail_call(&self) -> bool {
        self.insns[0].opcode == 0xf5
    }

    /// Whether this machine needs a barrier for what the instruction orders, if it does: one kind
    /// of machine does for accesses, and one for atomic operations.
    fn is_ordered(&self) -> bool {
        let barriers = self.around.barriers;
        match self.insns[0].immediate {
            LOAD_ACQUIRE | STORE_RELEASE => barriers.memory,
            _ => barriers.llsc,
        }
    }

    /// The instruction, with somewhere to go to behind it.
    fn program(&self) -> bpf::Program {
        let insns = self.insns.iter().copied().chain([exit(); 3]);
        let slots = insns.map(|insn| insn.slot(self.machine.order()));
        bpf::Program {
            slots: slots.collect(),
            stack: 0,
        }
    }

    /// The BPF model's machine.
    fn setup(&self) -> Setup {
        Setup {
            order: self.machine.order(),
            ax: host::AX,
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

    /// Runs the BPF model.
    fn mean(&self, path: &mut Path, gpr: &[Term; 32]) -> Result<Meaning, String> {
        let order = self.machine.order();
        let programs = [self.program()];
        let setup = self.setup();
        let mut world = BpfWorld {
            path,
            space: Space::new(order),
            immediate: self.immediate,
            second: self.second,
            offset: self.offset,
            calls: Vec::new(),
            unspecified: BTreeSet::new(),
            readable: BTreeSet::new(),
        };
        let zero = Term::new(64, 0);
        let mut machine = bpf::Machine::new(setup, &mut world, &programs, zero);
        let before: [Term; REGISTERS] = std::array::from_fn(|register| {
            let (high, low) = pair(order, register);
            gpr[high].concat(gpr[low])
        });
        machine.registers = before;
        machine.defined = [true; REGISTERS];
        if self.insns[0].opcode == 0x85 {
            for register in 2..=5 {
                machine.defined[register] = self
                    .around
                    .passed
                    .contains(crate::jit::bpf::Reg::ALL[register]);
            }
        }
        let count = Term::variable(32, "tail calls");
        machine.tail_calls = count;
        let next = machine
            .step()
            .map_err(|trap| format!("the BPF model: {trap:?}"))?;
        let (after, defined, at) = (machine.registers, machine.defined, machine.at);
        let tail_calls = (count, machine.tail_calls);
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
            readable: world.readable,
        })
    }

    /// Where control must go.
    fn goal(&self, meaning: &Meaning) -> u32 {
        let end = self.snippet.end();
        match meaning.next {
            Next::Exit if self.around.is_last => end,
            Next::Exit => self.snippet.target,
            _ if meaning.at == self.insns.len() => end,
            _ => self.snippet.target,
        }
    }

    fn judge_registers(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        ran: &Ran,
        keeps_all: bool,
    ) {
        let (before, after) = (&ran.before, &ran.after);
        let order = self.machine.order();
        for register in 0..REGISTERS {
            let value = meaning.after[register];
            let is_unchanged = value == meaning.before[register];
            let is_kept = self
                .around
                .kept
                .contains(crate::jit::bpf::Reg::ALL[register]);
            let is_lost = convention::is_lost_in_calls(register) && !keeps_all && !is_kept;
            if !meaning.defined[register] || is_unchanged && is_lost {
                continue;
            }
            let (high, low) = pair(order, register);
            for (name, native, part) in [
                ("high", high, value.slice(32, 32)),
                ("low", low, value.low(32)),
            ] {
                if meaning.unspecified.contains(&part) {
                    continue;
                }
                let what = format!("the {name} word of R{register}");
                obligation.demand(what, after[native].equals(part));
            }
        }
        for register in [SP, GP, K0, K1, FP] {
            let what = format!("${} is kept", convention::name(register));
            obligation.demand(what, after[register].equals(before[register]));
        }
        // What else a C function must leave alone is in the pairs of R6 to R9.
        debug_assert_eq!(pair(order, AX).0, convention::RA);
    }

    /// Nothing that is saved in the frame has changed, and nothing was stored where the BPF stack
    /// is, or below the frame. A tail call may store its count.
    fn judge_frame(
        &self,
        obligation: &mut Obligation,
        world: &MipsWorld<'_>,
        saved: &BTreeMap<i32, Term>,
    ) {
        let is_count = |place: &i32| self.is_tail_call() && *place == self.layout.size;
        for (place, value) in saved.iter().filter(|(place, _)| !is_count(place)) {
            let now = world.frame.get(place).copied();
            obligation.demand_fact(
                format!("the frame's word at {place} is kept"),
                now == Some(*value) && !world.frame_stores.contains(place),
            );
        }
        for place in world.frame_stores.iter().filter(|place| !is_count(place)) {
            obligation.demand_fact(
                format!("the frame has room at {place}"),
                (0..self.layout.free).contains(place),
            );
        }
    }

    /// A tail call goes behind the normal entry of the program, with the context in R1.
    fn judge_target(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        (program, context): (Term, Term),
        target: Term,
        after: &[Term; 32],
    ) {
        let order = self.machine.order();
        let field = program.constant(u64::from(RUNTIME.prog_bpf_func));
        let function = meaning.space.clone().load(program + field, 4);
        let skipped = function.constant(u64::from(convention::tail_entry(order)) * 4);
        obligation.demand("the tail entry", target.equals(function + skipped));
        let (high, low) = pair(order, 1);
        obligation.demand(
            "the context",
            after[high].concat(after[low]).equals(context),
        );
    }
}
