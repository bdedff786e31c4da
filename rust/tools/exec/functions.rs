// SPDX-License-Identifier: GPL-2.0

//! Kernel functions with C prototypes (kfuncs), for model and emulator alike.
//!
//! There is one for each combination of a result, a number of arguments, a type for the first of them,
//! and a place near or far. The types of the others follow from the first's, so that every argument
//! has every type in some function.
//!
//! The immediate of a call is the function's number: wherever the call goes as a program is changed, it
//! calls the same one. The core is told by slots ([`list`]), as the kernel does it.
//!
//! What a function gives depends on every bit of the registers in which it finds its arguments. So an
//! argument that is not as C wants it shows up twice: in what the function has noted, and in the result.

use super::machine::Machine;
use super::places::{c_function_address, c_function_number, DATA, THROWER};
use super::random::mix;
use crate::jit::runtime::{Function, Value, ARGUMENTS};
use crate::model::bpf::fields::Fields;
use crate::model::bpf::Prototype;
use crate::model::word::{Bits, Word};
use crate::tools::build::{CALL, C_FUNCTION};
use crate::tools::prototype::{self, in_registers, value, TYPES};

/// Numbers of results that are no [`TYPES`], behind those.
const NOTHING: usize = TYPES.len();
const POINTER: usize = TYPES.len() + 1;

/// How many different ones there are: of results, numbers of arguments, first types, and places.
const RESULTS: usize = TYPES.len() + 2;
const ARITIES: usize = ARGUMENTS + 1;
const PLACES: usize = 2;

/// Functions have numbers below this.
pub(super) const COUNT: usize = RESULTS * ARITIES * TYPES.len() * PLACES;

/// From an argument's type to the next one's: no two of a function are the same.
const STRIDE: usize = 3;

/// The part of the data to which pointers lead begins here.
const AREA: u32 = super::kernel::LOOKUP_AREA;

/// A function, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CFunction(usize);

impl CFunction {
    pub(super) fn new(number: usize) -> Option<Self> {
        (number < COUNT).then_some(CFunction(number))
    }

    /// The one that an instruction calls, if it does.
    pub(super) fn called_by(insn: &Fields) -> Option<Self> {
        let is_call = insn.opcode == CALL && insn.src == C_FUNCTION;
        let number = usize::try_from(insn.immediate).ok()?;
        CFunction::new(number).filter(|_| is_call)
    }

    /// The one at an address.
    pub(super) fn at(machine: &Machine, address: u64) -> Option<Self> {
        let function = CFunction::new(c_function_number(address)?)?;
        (function.address(machine) == address).then_some(function)
    }

    /// The immediate of its calls.
    pub(super) fn number(self) -> i32 {
        self.0 as i32
    }

    /// How many arguments it takes.
    pub(super) fn arity(self) -> usize {
        self.0 / RESULTS % ARITIES
    }

    /// Whether it gives anything.
    pub(super) fn has_result(self) -> bool {
        self.0 % RESULTS != NOTHING
    }

    /// Whether it gives a pointer to eight bytes of the data.
    pub(super) fn gives_pointer(self) -> bool {
        self.0 % RESULTS == POINTER
    }

    fn is_far(self) -> bool {
        self.0 / (RESULTS * ARITIES * TYPES.len()) != 0
    }

    fn address(self, machine: &Machine) -> u64 {
        c_function_address(machine, self.0, self.is_far())
    }

    /// As the core is told of it.
    fn in_slot(self, machine: &Machine, slot: usize) -> Function {
        let first = self.0 / (RESULTS * ARITIES);
        let mut arguments = [Value::default(); ARGUMENTS];
        for (index, argument) in arguments.iter_mut().enumerate().take(self.arity()) {
            *argument = TYPES[(first + STRIDE * index) % TYPES.len()];
        }
        Function {
            slot: slot as u32,
            address: self.address(machine),
            arguments,
            takes_stack_pointer: false,
            result: match self.0 % RESULTS {
                NOTHING => Value::default(),
                POINTER => value(machine.register_bytes() as u8, false),
                index => TYPES[index],
            },
        }
    }

    /// As the model knows it.
    pub(super) fn prototype(self, machine: &Machine) -> Prototype {
        prototype::of(&self.in_slot(machine, 0))
    }

    /// Its arguments in registers, as C has them; zero where there are none.
    pub(super) fn registers(
        self,
        machine: &Machine,
        arguments: [Option<Bits>; ARGUMENTS],
    ) -> [u64; ARGUMENTS] {
        let mut registers = [0; ARGUMENTS];
        let values = self.prototype(machine).arguments.into_iter().zip(arguments);
        for (register, (kind, value)) in registers.iter_mut().zip(values) {
            if let (Some(kind), Some(value)) = (kind, value) {
                *register = in_registers(kind, value, 8 * machine.register_bytes()).unsigned();
            }
        }
        registers
    }

    /// Its result in a register, as C has it, by those of its arguments; none if it gives nothing.
    pub(super) fn result(self, machine: &Machine, registers: &[u64; ARGUMENTS]) -> Option<u64> {
        let kind = self.prototype(machine).result?;
        let hash = registers
            .iter()
            .fold(!(self.0 as u64), |hash, next| mix(hash ^ next));
        if self.gives_pointer() {
            let address = DATA + AREA + (hash as u32 & 0xf8);
            return Some(machine.pointer(address));
        }
        let value = Bits::new(kind.bits, hash);
        Some(in_registers(kind, value, 8 * machine.register_bytes()).unsigned())
    }
}

/// The immediate of a call of the function that throws an exception.
pub(super) const THROW: i32 = COUNT as i32;

/// Whether it is such a call.
pub(super) fn throws(insn: &Fields) -> bool {
    (insn.opcode, insn.src, insn.immediate) == (CALL, C_FUNCTION, THROW)
}

/// `void throw(u64 number, unsigned long sp)`
fn thrower(machine: &Machine, slot: usize) -> Function {
    Function {
        slot: slot as u32,
        address: machine.pointer(THROWER),
        arguments: {
            let mut arguments = [NONE; ARGUMENTS];
            arguments[0] = value(8, false);
            arguments
        },
        result: NONE,
        takes_stack_pointer: true,
    }
}

const NONE: Value = value(0, false);

/// What the core is told of a program's calls.
pub(super) fn list(machine: &Machine, program: &[Fields]) -> Vec<Function> {
    let calls = program.iter().enumerate();
    calls
        .filter_map(|(slot, insn)| match throws(insn) {
            true => Some(thrower(machine, slot)),
            false => Some(CFunction::called_by(insn)?.in_slot(machine, slot)),
        })
        .collect()
}

/// Every function.
pub(super) fn all() -> impl Iterator<Item = CFunction> {
    (0..COUNT).map(CFunction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::exec::machine::MACHINES;
    use std::collections::HashSet;

    #[test]
    fn every_argument_and_result_has_every_type() {
        for machine in machines() {
            let mut seen = HashSet::new();
            for function in all() {
                let Function {
                    arguments, result, ..
                } = function.in_slot(&machine, 0);
                let all = arguments.into_iter().chain([result]);
                seen.extend(
                    all.enumerate()
                        .map(|(place, v)| (place, v.bytes, v.signed, function.is_far())),
                );
                let address = function.address(&machine);
                assert_eq!(CFunction::at(&machine, address), Some(function));
            }
            // Eight types and nothing, as twelve arguments and as the result, near and far.
            assert_eq!(seen.len(), 9 * 13 * 2);
        }
    }

    #[test]
    fn results_fill_a_register_as_their_types_say() {
        for machine in machines() {
            let register = 8 * machine.register_bytes();
            let mut ones = HashSet::new();
            for function in all() {
                let Some(result) = function.result(&machine, &[3; ARGUMENTS]) else {
                    continue;
                };
                let Value { bytes, signed } = function.in_slot(&machine, 0).result;
                let is_signed = signed || bytes == 4;
                let bits = register.max(8 * u32::from(bytes));
                let (above, shift) = (64 - bits, 64 - 8 * u32::from(bytes));
                let extended = match is_signed {
                    true => ((result << shift) as i64 >> shift) as u64,
                    false => result << shift >> shift,
                };
                assert_eq!(result, extended << above >> above);
                ones.insert((bytes, signed, result >> (bits - 1) != 0));
            }
            // Of each type both signs, but of unsigned bytes and halfwords.
            assert_eq!(ones.len(), 2 + 4 + 4 + 4);
        }
    }

    fn machines() -> [Machine; 2] {
        [MACHINES[0], MACHINES[6]]
    }
}
