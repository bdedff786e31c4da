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
//!   each word at once, and in BPF's order where it has one; what nobody wants need not be loaded
//!   ([`super::words`]);
//! - where an access may find no memory, there was asked for some just where BPF does, and all this
//!   holds whether there is any or not; of what both ask for, in any order of time, a store may find
//!   none though the load before it did;
//! - arguments beyond five are where they are looked for;
//! - helpers were called with the arguments that BPF says, where o32 or n64 wants them, and C functions
//!   with such as have their arguments' types;
//! - other functions of the program were called with the count of tail calls, or its address, where they
//!   may make some, and what they left of it is the count;
//! - of the frame, nothing changed that the prologue has saved, nor the BPF stack, nor the count of
//!   tail calls.

use std::collections::{BTreeMap, BTreeSet};

use super::argument::{self, Before};
use super::convention::{SP, V1};
use super::counter::Counted;
use super::frame::Layout;
use super::meaning::Meaning;
use super::observe::{judge_calls, judge_events, judge_structure_loads};
use super::path::Path;
use super::run::{self, End};
use super::scene::{Around, Machine, Snippet};
use super::space::{frame_words, Space};
use super::words::Said;
use super::world::{Callee, MipsWorld};
use crate::model::bpf::fields::{class, Fields};
use crate::model::bpf::{Next, AX};
use crate::model::mips;
use crate::model::term::Term;
use crate::model::word::Word;
use crate::tools::build::{
    CALL, FETCH, LOAD_ACQUIRE, NOSPEC, PROBE_MEM, PROBE_MEM_SIGNED, STORE_RELEASE,
};

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
pub(super) struct Ran {
    pub(super) before: [Term; 32],
    pub(super) after: [Term; 32],
    end: End,
    /// What is saved in the frame.
    saved: BTreeMap<i32, Term>,
    counted: Counted,
    /// What the analyses say.
    pub(super) said: Option<Said>,
}

impl Theorem<'_> {
    /// That what is swapped has no more than 16 bits, where that is known.
    fn half_of(&self, values: &[Term]) -> Option<Term> {
        let is_half = || {
            // AX has a higher number in instructions.
            values[usize::from(self.insns[0].dst).min(AX)]
                .slice(16, 48)
                .is_zero()
        };
        self.around.is_half.then(is_half)
    }

    /// What has to be shown on this way.
    ///
    /// # Errors
    ///
    /// What is wrong whatever the values.
    pub(super) fn obligation(&self, path: &mut Path) -> Result<Obligation, String> {
        let mut gpr = self.machine.unknown_registers();
        path.assumed.extend_from_slice(self.assumptions);
        let said = Said::of(self.machine, self.around, self.insns)?;
        let values = match &said {
            Some(said) => said.values(self.machine, &mut gpr, path, self.immediate),
            None => std::array::from_fn(|register| self.machine.value(&gpr, register)),
        };
        path.assumed.extend(self.half_of(&values));
        let arguments = Before::new(self.machine, self.around, self.layout, &gpr);
        let meaning = self.mean(path, (&gpr, values), &arguments)?;
        let counted = (gpr[SP], meaning.tail_calls.0);
        let counted = Counted::new(self.machine, self.around, self.layout, counted);
        let assumptions = counted.assumptions(&meaning, self.machine);
        path.assumed.extend(assumptions);
        let mut saved = self.saved(&counted);
        saved.extend(arguments.taken_words);
        let mut frame = saved.clone();
        frame.extend(arguments.passed_words);
        let mut world = MipsWorld {
            machine: self.machine,
            path,
            space: Space::new(self.machine.order()),
            words: self.words,
            begin: self.machine.pointer(self.snippet.begin),
            faults: &self.snippet.faults,
            fences_linked: self.around.barriers.linked,
            sp: gpr[SP],
            frame,
            frame_stores: BTreeSet::new(),
            demands: Vec::new(),
            callee: self.callee(),
            function: self.around.function,
            calls: Vec::new(),
            stack_arguments: self.around.usage.stack_arguments.passed,
            counts: Vec::new(),
            has_called: false,
            probes: self.probes(),
        };
        let (architecture, pc) = (self.machine.architecture(), world.begin);
        let mut processor = mips::Machine::new(architecture, &mut world, gpr, pc);
        let end = run::run(&mut processor)?;
        let ran = Ran {
            before: gpr,
            after: processor.gpr,
            end,
            saved,
            counted,
            said,
        };
        let mut obligation = Obligation {
            goals: std::mem::take(&mut world.demands),
            ..Obligation::default()
        };
        self.judge(&mut obligation, &meaning, &mut world, &ran);
        obligation.assumptions.extend(world.path.assumptions());
        Ok(obligation)
    }

    /// Where there is no memory, control goes on ahead, in the code or at its end: a program does not
    /// come back to the same access for good.
    ///
    /// # Errors
    ///
    /// A fault for which that does not hold.
    pub(super) fn judge_faults(&self) -> Result<(), String> {
        let len = self.snippet.words.len() as u32 * 4;
        let mut faults = self.snippet.faults.iter();
        match faults.find(|&&(at, resume)| !(at < resume && resume <= len)) {
            None => Ok(()),
            Some((at, resume)) => Err(format!("from a fault at {at} it goes to {resume} of {len}")),
        }
    }

    /// The words that the frame keeps.
    fn saved(&self, counted: &Counted) -> BTreeMap<i32, Term> {
        let places = self.layout.saved.iter().map(|&(place, _)| place);
        let mut saved: BTreeMap<i32, Term> = places
            .flat_map(|place| {
                let name = format!("saved[{place}]");
                let value = Term::variable(self.machine.gprlen(), name);
                frame_words(self.machine.order(), place, value)
            })
            .collect();
        saved.extend(counted.words(self.machine));
        saved
    }

    /// What the instruction calls, if it does and it is none of the kernel's that lowerings know.
    fn callee(&self) -> Callee {
        match (self.insns[0].opcode, self.insns[0].src) {
            (CALL, 1) => Callee::Subprogram,
            (CALL, 2) => Callee::Function,
            _ => Callee::Helper,
        }
    }

    /// Compares what the words did with what the instruction means.
    fn judge(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        world: &mut MipsWorld<'_>,
        ran: &Ran,
    ) {
        if let Some(said) = &ran.said {
            said.judge(obligation, meaning);
        }
        match (meaning.next, ran.end) {
            (_, End::Loop) => {}
            (Next::TailCall(program, context), End::Register(target)) => {
                let goals = &mut obligation.goals;
                self.layout
                    .judge_leaving(self.machine, goals, &ran.saved, &ran.before, &ran.after);
                self.judge_target(obligation, meaning, (program, context), target, &ran.after);
                let counter = &ran.counted;
                judge_structure_loads(
                    obligation,
                    meaning,
                    world,
                    (Some(program), counter.elsewhere()),
                );
                counter.judge_leaving(obligation, meaning, world, ran.after[V1]);
            }
            (Next::Address(target), End::Register(found)) => {
                let target = target.low(self.machine.gprlen());
                obligation.demand("where control goes", found.equals(target));
                self.judge_registers(obligation, meaning, ran, true);
                self.judge_frame(obligation, world, &ran.saved);
                argument::judge(obligation, meaning, world, (self.layout, &ran.after));
                self.judge_accesses(obligation, meaning, world, (ran, false));
            }
            (Next::TailCall(..), _) | (_, End::Register(_)) => {
                obligation.demand_fact("control leaves for another program", false);
            }
            (_, End::At(pc)) => {
                let goal = self.machine.pointer(self.goal(meaning));
                obligation.demand_fact(
                    format!("control goes to {goal:#x}, not to {pc:#x}"),
                    pc == goal,
                );
                self.judge_registers(obligation, meaning, ran, !world.has_called);
                self.judge_frame(obligation, world, &ran.saved);
                argument::judge(obligation, meaning, world, (self.layout, &ran.after));
                if self.is_tail_call() {
                    let counter = &ran.counted;
                    judge_structure_loads(obligation, meaning, world, (None, counter.elsewhere()));
                    counter.judge(obligation, meaning, world);
                } else {
                    self.judge_accesses(obligation, meaning, world, (ran, self.is_ordered()));
                }
                if self.callee() == Callee::Subprogram {
                    ran.counted.judge_passing(obligation, world);
                }
                judge_calls(obligation, meaning, world, self.around.signature);
            }
        }
    }

    /// Memory is accessed as BPF says; loads may be left out where it is known what nobody reads.
    fn judge_accesses(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        world: &MipsWorld<'_>,
        (ran, is_ordered): (&Ran, bool),
    ) {
        let may_omit = ran.said.is_some();
        judge_events(obligation, meaning, world, (is_ordered, may_omit));
    }

    /// Whether it is a load that knows nothing of its address.
    pub(super) fn probes(&self) -> bool {
        let insn = &self.insns[0];
        insn.class() == class::LDX && matches!(insn.mode(), PROBE_MEM | PROBE_MEM_SIGNED)
    }

    fn is_tail_call(&self) -> bool {
        self.insns[0].opcode == 0xf5
    }

    /// Whether this machine needs a barrier for what the instruction orders, if it does: one kind
    /// of machine does for accesses, and one for atomic operations.
    fn is_ordered(&self) -> bool {
        let barriers = self.around.barriers;
        match self.insns[0].immediate {
            _ if self.insns[0].opcode == NOSPEC => barriers.speculation,
            LOAD_ACQUIRE | STORE_RELEASE => barriers.memory,
            // What orders nothing may have the barrier of a load-linked.
            operation if barriers.linked && operation & FETCH == 0 => false,
            _ => barriers.llsc,
        }
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

    /// Nothing that is saved in the frame has changed, and nothing was stored where the BPF stack
    /// is, or below the frame. The count of tail calls is judged for itself.
    fn judge_frame(
        &self,
        obligation: &mut Obligation,
        world: &MipsWorld<'_>,
        saved: &BTreeMap<i32, Term>,
    ) {
        let may_count = self.is_tail_call() || self.callee() == Callee::Subprogram;
        let is_count = |place: &i32| may_count && self.layout.is_count(self.machine, *place);
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

    /// A tail call goes before the normal entry of the program, with the context in R1.
    fn judge_target(
        &self,
        obligation: &mut Obligation,
        meaning: &Meaning,
        (program, context): (Term, Term),
        target: Term,
        after: &[Term; 32],
    ) {
        let machine = self.machine;
        let field = program.constant(u64::from(machine.runtime().prog_bpf_func));
        let pointer = machine.gprlen() / 8;
        let function = meaning.space.clone().load(program + field, pointer);
        let entry = function + machine.distance_of_tail_entry();
        obligation.demand("the tail entry", target.equals(entry));
        let found = machine.value(after, 1);
        obligation.demand("the context", found.equals(context));
    }
}
