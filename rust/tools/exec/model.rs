// SPDX-License-Identifier: GPL-2.0

//! What surrounds programs in the BPF model: the memory, helpers and arrays that the emulated machine
//! has.

use super::functions::{self, CFunction};
use super::kernel::{self, arity, Access, Call, Callee};
use super::machine::Machine;
use super::places::*;
use super::random::Random;
use super::thread::{distance_of_processor, PROCESSOR, TASK};
use crate::host::{Image, TIMED_MAY_GOTO};
use crate::jit::runtime::ARGUMENTS;
use crate::model::bpf::fields::Fields;
use crate::model::bpf::memory::Memory;
use crate::model::bpf::{Arena, Content, Kernel, Prototype, Stretch, DOUBLEWORD, WORD};
use crate::model::word::{Bits, Word};
use crate::model::world::{Fault, Purpose, World};

/// What surrounds programs in the model.
pub(super) struct ModelKernel<'a> {
    pub(super) memory: Memory,
    pub(super) array: &'a [Option<usize>],
    /// Of the programs, in their order.
    pub(super) images: &'a [Image],
    pub(super) exception_callback: Option<usize>,
    pub(super) calls: Vec<Call>,
    pub(super) junk: Random,
    pub(super) arena: Option<Arena<Bits>>,
    pub(super) machine: Machine,
}

/// Where the model's memory has what is at an address.
fn in_memory(address: Bits) -> Bits {
    Bits::new(address.width(), unmapped(address.unsigned()))
}

impl World<Bits> for ModelKernel<'_> {
    fn load(&mut self, address: Bits, bytes: u32) -> Result<Bits, Fault> {
        self.memory.read(in_memory(address), bytes)
    }

    fn store(&mut self, address: Bits, value: Bits) -> Result<(), Fault> {
        self.memory.write(address, value)
    }

    /// All that is in no region, and for a store what can only be read. Of what the emulator has no
    /// answer for it is said that it is there: then the access traps, and the test is wrong.
    fn is_absent(&mut self, address: Bits, bytes: u32, purpose: Purpose) -> bool {
        let is_fixed = is_read_only(address.unsigned() as u32) && purpose == Purpose::Store;
        let is_absent = is_fixed || self.memory.read(in_memory(address), bytes).is_err();
        is_absent && may_be_absent(&self.machine, address.unsigned(), bytes)
    }

    fn decide(&mut self, condition: Bits) -> bool {
        condition.unsigned() != 0
    }

    fn unknown(&mut self, width: u32) -> Bits {
        Bits::new(width, self.junk.next())
    }
}

impl Kernel<Bits> for ModelKernel<'_> {
    type Program = usize;

    fn call(&mut self, offset: i32, arguments: [Option<Bits>; 5]) -> Option<Bits> {
        let helper = helper_number(offset)?;
        if arguments.iter().take(arity(helper)).any(Option::is_none) {
            return None;
        }
        let call = Call::new(
            Callee::Helper(helper),
            &arguments.map(|value| value.map_or(0, Bits::unsigned)),
        );
        self.calls.push(call);
        let result = call.perform(&self.machine, &mut self.memory)??;
        Some(Bits::new(DOUBLEWORD, result))
    }

    fn processor(&mut self) -> Bits {
        Bits::new(WORD, PROCESSOR.into())
    }

    fn distance_of_processor(&mut self) -> Bits {
        let distance = distance_of_processor(&self.machine, PROCESSOR);
        Bits::new(DOUBLEWORD, distance)
    }

    fn task(&mut self) -> Bits {
        let bits = 8 * self.machine.register_bytes();
        Bits::new(bits, self.machine.pointer(TASK))
    }

    fn is_look_at_clock(&self, offset: i32) -> bool {
        offset == TIMED_MAY_GOTO
    }

    fn look_at_clock(&mut self, counts: Bits) -> Option<Bits> {
        let left = kernel::look_at_clock(counts.unsigned() as u32, &mut self.memory)?;
        Some(Bits::new(DOUBLEWORD, left))
    }

    /// That whose image is so far from where calls count from.
    fn subprogram(&self, which: i32) -> Option<usize> {
        let address = RUNTIME.call_base.wrapping_add_signed(which);
        self.images
            .iter()
            .position(|image| image.function() == address)
    }

    fn stretches(&self) -> Vec<Stretch> {
        stretches(&self.machine)
    }

    fn exception_callback(&self, call: &Fields) -> Option<usize> {
        self.exception_callback.filter(|_| functions::throws(call))
    }

    fn function(&self, call: &Fields) -> Option<Prototype> {
        Some(CFunction::called_by(call)?.prototype(&self.machine))
    }

    fn call_function(&mut self, call: &Fields, arguments: [Option<Bits>; ARGUMENTS]) -> Bits {
        let nothing = Bits::new(DOUBLEWORD, 0);
        let Some(function) = CFunction::called_by(call) else {
            return nothing;
        };
        let call = Call::new(
            Callee::Function(function),
            &function.registers(&self.machine, arguments),
        );
        self.calls.push(call);
        let result = call.perform(&self.machine, &mut self.memory).flatten();
        let kind = function.prototype(&self.machine).result;
        let typed = kind.zip(result);
        typed.map_or(nothing, |(kind, result)| Bits::new(kind.bits, result))
    }

    fn arena(&self) -> Option<Arena<Bits>> {
        self.arena
    }

    fn program(&mut self, array: Bits, index: Bits) -> Content<usize> {
        let is_array = array.unsigned() as u32 == ARRAY;
        match self.array.get(index.unsigned() as usize) {
            Some(slot) if is_array => slot.map_or(Content::Empty, Content::Program),
            _ => Content::Outside,
        }
    }
}

impl Access for Memory {
    fn load(&mut self, address: u32, size: u32) -> Option<u64> {
        Memory::load(self, address, size).ok()
    }

    fn store(&mut self, address: u32, size: u32, value: u64) -> Option<()> {
        Memory::store(self, address, size, value).ok()
    }
}
