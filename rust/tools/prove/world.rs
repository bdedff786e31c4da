// SPDX-License-Identifier: GPL-2.0

//! What surrounds the two models in a proof.

use std::collections::{BTreeMap, BTreeSet};

use super::convention;
use super::path::Path;
use super::scene::Machine;
use super::space::{frame_doubleword, frame_words, Event, Space};
use crate::jit::runtime::Function;
use crate::model::bpf::fields::Fields;
use crate::model::bpf::memory::ByteOrder;
use crate::model::bpf::{Arena, Content, Kernel, Prototype, Stretch};
use crate::model::mips::Platform;
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
    pub(super) arguments: [Option<Term>; 5],
    pub(super) result: Term,
}

/// That an address is a multiple of an access's size, as one bit.
fn is_aligned(address: Term, bytes: u32) -> Term {
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
}

impl BpfWorld<'_> {
    fn assume_alignment(&mut self, address: Term, bytes: u32) {
        if !self.probes {
            self.path.assumed.push(is_aligned(address, bytes));
        }
    }

    /// A field of a kernel structure.
    fn structure_field(&mut self, address: Term, bytes: u32) -> Term {
        self.path.assumed.push(is_aligned(address, bytes));
        self.readable.insert((address, bytes));
        self.space.clone().load(address, bytes)
    }
}

/// Asks whether there is memory: nobody knows.
fn ask(path: &mut Path, space: &mut Space, address: Term, bytes: u32) -> bool {
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
            arguments,
            result,
        });
        Some(result)
    }

    fn call_subprogram(&mut self, which: i32, arguments: [Option<Term>; 5]) -> Option<Term> {
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

    fn arena(&self) -> Option<Arena<Term>> {
        self.arena
    }

    fn stretches(&self) -> Vec<Stretch> {
        stretches::of(self.machine.width, &self.machine.runtime())
    }

    fn function(&self, _: &Fields) -> Option<Prototype> {
        self.function.as_ref().map(prototype::of)
    }

    fn call_function(&mut self, call: &Fields, arguments: [Option<Term>; 5]) -> Term {
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

/// What surrounds the MIPS model: code, memory, and the frame, which no BPF access meets.
pub(super) struct MipsWorld<'p> {
    pub(super) machine: &'p Machine,
    pub(super) path: &'p mut Path,
    pub(super) space: Space,
    /// The code, and its address.
    pub(super) words: &'p [Term],
    pub(super) begin: u64,
    /// What of it may find no memory, and where to go on then, by distance in bytes.
    pub(super) faults: &'p [(u32, u32)],
    /// Each load-linked comes right behind a barrier.
    pub(super) fences_linked: bool,
    /// The stack pointer in the beginning.
    pub(super) sp: Term,
    /// Words of the frame, by their distance from that.
    pub(super) frame: BTreeMap<i32, Term>,
    /// Which of them were stored to.
    pub(super) frame_stores: BTreeSet<i32>,
    /// Bits that must be 1, and why.
    pub(super) demands: Vec<(String, Term)>,
    /// What a call is of, if it is none of the kernel's functions that lowerings know.
    pub(super) callee: Callee,
    /// The C function, if it is one.
    pub(super) function: Option<Function>,
    pub(super) calls: Vec<Call>,
    /// What functions of the program got as the count of tail calls, and left of it.
    pub(super) counts: Vec<(Term, Term)>,
    /// A function was called, of whatever kind.
    pub(super) has_called: bool,
    /// The instruction probes: the kernel emulates unaligned accesses.
    pub(super) probes: bool,
}

impl MipsWorld<'_> {
    pub(super) fn order(&self) -> ByteOrder {
        self.machine.order()
    }

    /// The place in the frame of an address, if it is one.
    fn frame_place(&self, address: Term) -> Option<i32> {
        match address.base_and_offset() {
            (Some(base), offset) if base == self.sp => {
                let place = offset as i32;
                (self.machine.term(place).value() == Some(offset)).then_some(place)
            }
            _ => None,
        }
    }

    /// Whether something in the frame is accessed as a whole: a word, or a native register.
    fn is_frame_access(&self, place: i32, bytes: u32) -> bool {
        let is_size = bytes == 4 || bytes * 8 == self.machine.gprlen();
        is_size && place % bytes as i32 == 0
    }

    /// A word of the frame.
    pub(super) fn frame_word(&mut self, place: i32) -> Term {
        *self
            .frame
            .entry(place)
            .or_insert_with(|| Term::variable(32, format!("frame[{place}]")))
    }

    /// Whether a barrier is the last thing that others have seen.
    pub(super) fn has_just_fenced(&self) -> bool {
        self.space.events.last() == Some(&Event::Fence)
    }

    /// Whether there is a load-linked at an address.
    pub(super) fn is_load_linked(&self, address: u64) -> bool {
        let index = address.saturating_sub(self.begin) / 4;
        let word = self.words.get(index as usize);
        word.is_some_and(|word| {
            let opcode = word.slice(26, 6).value();
            let function = word.low(6).value();
            matches!(opcode, Some(0o60 | 0o64))
                || opcode == Some(0o37) && matches!(function, Some(0o66 | 0o67))
        })
    }

    fn demand_alignment(&mut self, address: Term, bytes: u32) {
        if !self.probes {
            let aligned = is_aligned(address, bytes);
            self.demands
                .push((format!("{address:?} is aligned to {bytes}"), aligned));
        }
    }
}

impl World<Term> for MipsWorld<'_> {
    fn load(&mut self, address: Term, bytes: u32) -> Result<Term, Fault> {
        match self.frame_place(address) {
            Some(place) if self.is_frame_access(place, bytes) => {
                let word = self.frame_word(place);
                if bytes == 4 {
                    return Ok(word);
                }
                self.frame_word(place + 4);
                let value = frame_doubleword(self.order(), &self.frame, place);
                Ok(value.unwrap_or(word))
            }
            Some(_) => Err(Fault {
                address: None,
                size: bytes,
            }),
            None => {
                self.demand_alignment(address, bytes);
                Ok(self.space.load(address, bytes))
            }
        }
    }

    fn store(&mut self, address: Term, value: Term) -> Result<(), Fault> {
        let bytes = value.width() / 8;
        match self.frame_place(address) {
            Some(place) if self.is_frame_access(place, bytes) => {
                for (place, word) in frame_words(self.order(), place, value) {
                    self.frame.insert(place, word);
                    self.frame_stores.insert(place);
                }
            }
            Some(_) => {
                return Err(Fault {
                    address: None,
                    size: bytes,
                })
            }
            None => {
                self.demand_alignment(address, bytes);
                self.space.store(address, value);
            }
        }
        Ok(())
    }

    fn is_absent(&mut self, address: Term, bytes: u32, _: Purpose) -> bool {
        ask(self.path, &mut self.space, address, bytes)
    }

    fn fence(&mut self) {
        self.space.events.push(Event::Fence);
    }

    fn decide(&mut self, condition: Term) -> bool {
        self.path.decide(condition)
    }

    fn unknown(&mut self, width: u32) -> Term {
        Term::variable(width, "unpredictable")
    }
}

impl Platform<Term> for MipsWorld<'_> {
    fn fetch(&mut self, address: u64) -> Option<Term> {
        let index = address.checked_sub(self.begin)? / 4;
        self.words.get(index as usize).copied()
    }

    fn resume(&self, at: u64) -> Option<u64> {
        let distance = at.checked_sub(self.begin)?;
        let found = self
            .faults
            .iter()
            .find(|&&(at, _)| u64::from(at) == distance);
        found.map(|&(_, resume)| self.begin + u64::from(resume))
    }

    fn expects(&mut self, condition: Term) -> bool {
        let what = format!("the manual promises something: {condition:?}");
        self.demands.push((what, condition));
        true
    }
}
