// SPDX-License-Identifier: GPL-2.0

//! What surrounds the two models in a proof.

use std::collections::BTreeSet;

use super::convention;
use super::path::Path;
pub(super) use super::processor::MipsWorld;
use super::scene::Machine;
use super::space::{Event, Space};
use crate::host::{RUNTIME, TIMED_MAY_GOTO};
use crate::jit::runtime::{Function, Processors};
use crate::model::bpf::fields::Fields;
use crate::model::bpf::{Arena, Content, Kernel, Prototype, Stretch, ARGUMENTS};
use crate::model::term::Term;
use crate::model::word::Word;
use crate::model::world::{Fault, Purpose, World};
use crate::tools::{prototype, stretches};

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    Helper,
    /// A C function: its address is known, arguments and result are as C has them in registers.
    Function,
    /// Another function of the program: arguments are where BPF registers are.
    Subprogram,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// The immediate, or the address.
    pub(super) what: Term,
    pub(super) callee: Callee,
    pub(super) arguments: [Option<Term>; ARGUMENTS],
    pub(super) result: Term,
}

/// The arguments of what takes none beyond five.
pub(super) fn in_bpf_registers(first: [Option<Term>; 5]) -> [Option<Term>; ARGUMENTS] {
    std::array::from_fn(|index| first.get(index).copied().flatten())
}

/// That an address is a multiple of an access's size, as one bit.
pub(super) fn is_aligned(address: Term, bytes: u32) -> Term {
    match bytes {
        1 => Term::bit(true),
        _ => address.low(bytes.trailing_zeros()).is_zero(),
    }
}

/// What surrounds the BPF model. The verifier has made sure that accesses are aligned, unless the program
/// probes: then the kernel emulates those that are not.
pub(super) struct BpfWorld<'p> {
    pub(super) machine: &'p Machine,
    pub(super) path: &'p mut Path,
    pub(super) space: Space,
    /// The immediate, where it stands for many: a doubleword.
    pub(super) immediate: Option<Term>,
    /// That of the second slot.
    pub(super) second: Option<Term>,
    /// The offset, where it stands for many: a word.
    pub(super) offset: Option<Term>,
    pub(super) calls: Vec<Call>,
    /// Values of which nothing is promised.
    pub(super) unspecified: BTreeSet<Term>,
    /// What may be read of a program array and its programs, and how many bytes.
    pub(super) readable: BTreeSet<(Term, u32)>,
    pub(super) arena: Option<Arena<Term>>,
    /// The C function that the instruction calls, if it does.
    pub(super) function: Option<Function>,
    /// The instruction probes.
    pub(super) probes: bool,
    /// `$gp`, which points to what the kernel knows of the thread.
    pub(super) thread: Term,
    pub(super) processors: Option<Processors>,
}

impl BpfWorld<'_> {
    fn assume_alignment(&mut self, address: Term, bytes: u32) {
        if !self.probes {
            self.path.assumed.push(is_aligned(address, bytes));
        }
    }

    /// What is at an address in the kernel, where only what C code stores to it matters.
    fn kernels(&mut self, address: Term, bytes: u32) -> Term {
        self.path.assumed.push(is_aligned(address, bytes));
        self.space.load(address, bytes)
    }

    /// A field of a kernel structure.
    fn structure_field(&mut self, address: Term, bytes: u32) -> Term {
        self.path.assumed.push(is_aligned(address, bytes));
        self.readable.insert((address, bytes));
        self.space.clone().load(address, bytes)
    }
}

/// Asks whether there is memory: nobody knows.
pub(super) fn ask(path: &mut Path, space: &mut Space, address: Term, bytes: u32) -> bool {
    let answer = Term::variable(1, "absent");
    space.events.push(Event::Absent {
        address,
        bytes,
        answer,
    });
    path.decide(answer)
}

impl World<Term> for BpfWorld<'_> {
    fn load(&mut self, address: Term, bytes: u32) -> Result<Term, Fault> {
        self.assume_alignment(address, bytes);
        Ok(self.space.load(address, bytes))
    }

    fn store(&mut self, address: Term, value: Term) -> Result<(), Fault> {
        let aligned = is_aligned(address, value.width() / 8);
        self.path.assumed.push(aligned);
        self.space.store(address, value);
        Ok(())
    }

    fn is_absent(&mut self, address: Term, bytes: u32, _: Purpose) -> bool {
        // There may have been memory the first time that a loop tries.
        self.assume_alignment(address, bytes);
        ask(self.path, &mut self.space, address, bytes)
    }

    fn fence(&mut self) {
        self.space.events.push(Event::Fence);
    }

    fn decide(&mut self, condition: Term) -> bool {
        self.path.decide(condition)
    }

    fn unknown(&mut self, width: u32) -> Term {
        let term = Term::variable(width, "unspecified");
        self.unspecified.insert(term);
        term
    }
}

impl Kernel<Term> for BpfWorld<'_> {
    /// The address of its `struct bpf_prog`.
    type Program = Term;

    fn call(&mut self, offset: i32, arguments: [Option<Term>; 5]) -> Option<Term> {
        let what = match self.immediate {
            Some(immediate) => immediate.low(32),
            None => Term::new(32, i64::from(offset) as u64),
        };
        let result = Term::variable(64, "the helper's result");
        self.calls.push(Call {
            what,
            callee: Callee::Helper,
            arguments: in_bpf_registers(arguments),
            result,
        });
        Some(result)
    }

    fn call_subprogram(
        &mut self,
        which: i32,
        arguments: [Option<Term>; ARGUMENTS],
    ) -> Option<Term> {
        let what = match self.immediate {
            Some(immediate) => immediate.low(32),
            None => Term::new(32, i64::from(which) as u64),
        };
        let result = Term::variable(64, "the function's result");
        self.calls.push(Call {
            what,
            callee: Callee::Subprogram,
            arguments,
            result,
        });
        Some(result)
    }

    fn processor(&mut self) -> Term {
        let Some(processors) = self.processors else {
            return Term::new(32, 0);
        };
        let number = self.thread.constant(processors.number.into());
        self.kernels(self.thread + number, 4)
    }

    fn distance_of_processor(&mut self) -> Term {
        let (machine, gprlen) = (self.machine, self.machine.gprlen());
        let Some(processors) = self.processors else {
            return Term::new(gprlen, 0);
        };
        let pointer = gprlen / 8;
        let number = self.processor().zero_extend(gprlen);
        let index = number.shift_left(number.constant(pointer.trailing_zeros().into()));
        let offsets = Term::new(gprlen, machine.pointer(processors.offsets));
        self.kernels(offsets + index, pointer)
    }

    fn task(&mut self) -> Term {
        let field = self.machine.runtime().thread_task;
        let address = self.thread + self.thread.constant(field.into());
        self.kernels(address, self.machine.gprlen() / 8)
    }

    fn is_look_at_clock(&self, offset: i32) -> bool {
        self.immediate.is_none() && offset == TIMED_MAY_GOTO
    }

    fn look_at_clock(&mut self, counts: Term) -> Option<Term> {
        let result = Term::variable(64, "what the clock says");
        let distance = RUNTIME.check_time.wrapping_sub(RUNTIME.call_base);
        let mut arguments = [None; ARGUMENTS];
        arguments[0] = Some(counts.low(self.machine.gprlen()));
        self.calls.push(Call {
            what: Term::new(32, distance.into()),
            callee: Callee::Helper,
            arguments,
            result,
        });
        Some(result)
    }

    fn arena(&self) -> Option<Arena<Term>> {
        self.arena
    }

    fn stretches(&self) -> Vec<Stretch> {
        stretches::of(self.machine.width, &self.machine.runtime())
    }

    fn function(&self, _: &Fields) -> Option<Prototype> {
        self.function.as_ref().map(prototype::of)
    }

    fn call_function(&mut self, call: &Fields, arguments: [Option<Term>; ARGUMENTS]) -> Term {
        let prototype = Kernel::<Term>::function(self, call);
        let (call, result) = convention::call(self.machine, self.function, prototype, arguments);
        self.calls.push(call);
        result
    }

    fn program(&mut self, array: Term, index: Term) -> Content<Term> {
        let gprlen = self.machine.gprlen();
        let pointer = gprlen / 8;
        let runtime = self.machine.runtime();
        let array = array.low(gprlen);
        let field = |offset: u32| array + array.constant(u64::from(offset));
        let max_entries = self.structure_field(field(runtime.array_max_entries), 4);
        if !self.path.decide(index.is_below(max_entries)) {
            return Content::Outside;
        }
        let index = index.zero_extend(gprlen);
        let slot = index.shift_left(index.constant(pointer.trailing_zeros().into()));
        let program = self.structure_field(field(runtime.array_ptrs) + slot, pointer);
        if self.path.decide(program.is_zero()) {
            return Content::Empty;
        }
        self.path.assumed.push(is_aligned(program, pointer));
        Content::Program(program)
    }

    fn immediate(&self, insn: &Fields) -> Term {
        let many = match insn.opcode {
            0 => self.second,
            _ => self.immediate,
        };
        many.unwrap_or_else(|| Term::new(64, insn.immediate64()))
    }

    fn offset(&self, insn: &Fields) -> Term {
        self.offset
            .unwrap_or_else(|| Term::new(32, i64::from(insn.offset) as u64))
    }
}
