// SPDX-License-Identifier: GPL-2.0

//! What surrounds the two models in a proof.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Path;
use super::space::Space;
use crate::host::RUNTIME;
use crate::model::bpf::fields::Fields;
use crate::model::bpf::memory::ByteOrder;
use crate::model::bpf::{Content, Kernel};
use crate::model::mips::Platform;
use crate::model::term::Term;
use crate::model::word::Word;
use crate::model::world::{Fault, World};

/// A call of a helper.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// The immediate, or the address.
    pub(super) what: Term,
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

/// What surrounds the BPF model. The verifier has made sure that accesses are aligned.
pub(super) struct BpfWorld<'p> {
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
    /// What may be read of a program array and its programs.
    pub(super) readable: BTreeSet<Term>,
}

impl BpfWorld<'_> {
    /// A word of a kernel structure.
    fn structure_word(&mut self, address: Term) -> Term {
        self.path.assumed.push(is_aligned(address, 4));
        self.readable.insert(address);
        self.space.clone().load(address, 4)
    }
}

impl World<Term> for BpfWorld<'_> {
    fn load(&mut self, address: Term, bytes: u32) -> Result<Term, Fault> {
        self.path.assumed.push(is_aligned(address, bytes));
        Ok(self.space.load(address, bytes))
    }

    fn store(&mut self, address: Term, value: Term) -> Result<(), Fault> {
        let aligned = is_aligned(address, value.width() / 8);
        self.path.assumed.push(aligned);
        self.space.store(address, value);
        Ok(())
    }

    fn fence(&mut self) {
        self.space.events.push(super::space::Event::Fence);
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
            arguments,
            result,
        });
        Some(result)
    }

    fn program(&mut self, array: Term, index: Term) -> Content<Term> {
        let array = array.low(32);
        let field = |offset: u32| array + array.constant(u64::from(offset));
        let max_entries = self.structure_word(field(RUNTIME.array_max_entries));
        if !self.path.decide(index.is_below(max_entries)) {
            return Content::Outside;
        }
        let slot = index.shift_left(index.constant(2));
        let program = self.structure_word(field(RUNTIME.array_ptrs) + slot);
        if self.path.decide(program.is_zero()) {
            return Content::Empty;
        }
        self.path.assumed.push(is_aligned(program, 4));
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
    pub(super) path: &'p mut Path,
    pub(super) space: Space,
    /// The code, and its address.
    pub(super) words: &'p [Term],
    pub(super) begin: u32,
    /// The stack pointer in the beginning.
    pub(super) sp: Term,
    /// Words of the frame, by their distance from that.
    pub(super) frame: BTreeMap<i32, Term>,
    /// Which of them were stored to.
    pub(super) frame_stores: BTreeSet<i32>,
    /// Bits that must be 1, and why.
    pub(super) demands: Vec<(String, Term)>,
    pub(super) calls: Vec<Call>,
    /// A function was called, of whatever kind.
    pub(super) has_called: bool,
    pub(super) order: ByteOrder,
}

impl MipsWorld<'_> {
    /// The place in the frame of an address, if it is one.
    fn frame_place(&self, address: Term) -> Option<i32> {
        match address.base_and_offset() {
            (Some(base), offset) if base == self.sp => Some(offset as i32),
            _ => None,
        }
    }

    /// A word of the frame.
    pub(super) fn frame_word(&mut self, place: i32) -> Term {
        *self
            .frame
            .entry(place)
            .or_insert_with(|| Term::variable(32, format!("frame[{place}]")))
    }

    fn demand_alignment(&mut self, address: Term, bytes: u32) {
        let aligned = is_aligned(address, bytes);
        self.demands
            .push((format!("{address:?} is aligned to {bytes}"), aligned));
    }
}

impl World<Term> for MipsWorld<'_> {
    fn load(&mut self, address: Term, bytes: u32) -> Result<Term, Fault> {
        match self.frame_place(address) {
            Some(place) if bytes == 4 && place % 4 == 0 => Ok(self.frame_word(place)),
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
            Some(place) if bytes == 4 && place % 4 == 0 => {
                self.frame.insert(place, value);
                self.frame_stores.insert(place);
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

    fn fence(&mut self) {
        self.space.events.push(super::space::Event::Fence);
    }

    fn decide(&mut self, condition: Term) -> bool {
        self.path.decide(condition)
    }

    fn unknown(&mut self, width: u32) -> Term {
        Term::variable(width, "unpredictable")
    }
}

impl Platform<Term> for MipsWorld<'_> {
    fn fetch(&mut self, address: u32) -> Option<Term> {
        let index = address.checked_sub(self.begin)? / 4;
        self.words.get(index as usize).copied()
    }
}
