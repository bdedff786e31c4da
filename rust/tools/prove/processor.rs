// SPDX-License-Identifier: GPL-2.0

//! What surrounds the MIPS model in a proof.

use std::collections::{BTreeMap, BTreeSet};

use super::path::Path;
use super::scene::Machine;
use super::space::{frame_doubleword, frame_words, Event, Space};
use super::world::{ask, is_aligned, Call, Callee};
use crate::jit::runtime::Function;
use crate::model::bpf::memory::ByteOrder;
use crate::model::mips::Platform;
use crate::model::term::Term;
use crate::model::word::Word;
use crate::model::world::{Fault, Purpose, World};

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
    /// How many arguments there are in no BPF register that the program passes.
    pub(super) stack_arguments: u32,
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
