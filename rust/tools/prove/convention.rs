// SPDX-License-Identifier: GPL-2.0

//! What is agreed between compiled programs, the kernel and the core, stated for the proofs alone:
//! where BPF registers live, how o32 and n64 pass values, and what the kernel's functions do.
//!
//! Under n64 a BPF register is a native one, all arguments are in registers, and kernel addresses
//! are sign-extended words.

use super::world::{Call, Callee};
use crate::host::RUNTIME;
use crate::jit::mips::Reg;
use crate::jit::runtime;
use crate::model::bpf::alu;
use crate::model::bpf::memory::ByteOrder;
use crate::model::bpf::{self, Prototype, AX, R10};
use crate::model::term::Term;
use crate::model::word::Word;
use crate::tools::machine::Machine;
use crate::tools::prototype::in_registers;

pub(super) const AT: usize = 1;
pub(super) const V0: usize = 2;
pub(super) const V1: usize = 3;
pub(super) const A0: usize = 4;
pub(super) const A2: usize = 6;
pub(super) const S0: usize = 16;
pub(super) const S4: usize = 20;
pub(super) const S7: usize = 23;
pub(super) const T8: usize = 24;
pub(super) const T9: usize = 25;
pub(super) const K0: usize = 26;
pub(super) const K1: usize = 27;
pub(super) const GP: usize = 28;
pub(super) const SP: usize = 29;
pub(super) const FP: usize = 30;
pub(super) const RA: usize = 31;

/// Bytes above a callee's frame that hold its register arguments, if it wants.
pub(super) const HOME_AREA: i32 = 16;

/// Bytes of a helper's arguments, with the home area.
pub(super) const ARGUMENTS: i32 = HOME_AREA + 3 * 8;

impl Machine {
    /// Bytes from a program's function to its entry for tail calls.
    pub(super) fn distance_of_tail_entry(&self) -> Term {
        self.term(-4)
    }

    /// Words from a function's entry for C code to the one for its program: under o32, two loads for each
    /// argument that C passes on the stack.
    pub(super) fn subprogram_entry(&self) -> u32 {
        match self.is_wide() {
            true => 0,
            false => 6,
        }
    }

    /// Under n64, what comes as a count of tail calls is one if it is small, else an address.
    pub(super) fn is_count(came: Term) -> Term {
        came.is_below(came.constant(0x7fff))
    }

    /// The native registers of a BPF register.
    pub(super) fn natives(&self, register: usize) -> Vec<usize> {
        if self.is_wide() {
            return vec![single(register)];
        }
        let (high, low) = pair(self.order(), register);
        vec![high, low]
    }

    /// The value of a BPF register.
    pub(super) fn value(&self, gpr: &[Term; 32], register: usize) -> Term {
        if self.is_wide() {
            return gpr[single(register)];
        }
        let (high, low) = pair(self.order(), register);
        gpr[high].concat(gpr[low])
    }

    /// Bits of a native register.
    pub(super) fn gprlen(&self) -> u32 {
        match self.is_wide() {
            true => 64,
            false => 32,
        }
    }

    /// A number as a native register holds it.
    pub(super) fn term(&self, value: i32) -> Term {
        Term::new(self.gprlen(), i64::from(value) as u64)
    }

    /// Native registers of which nothing is known, but for the first.
    pub(super) fn unknown_registers(&self) -> [Term; 32] {
        std::array::from_fn(|number| match number {
            0 => self.term(0),
            _ => Term::variable(self.gprlen(), name(number)),
        })
    }
}

/// The native register of a BPF register under n64.
fn single(register: usize) -> usize {
    match register {
        0 => V0,
        1..=5 => A0 + (register - 1),
        6..=9 => S0 + (register - 6),
        R10 => FP,
        AX => AT,
        _ => unreachable!("there is no such register"),
    }
}

/// The native registers of a BPF register under o32: of its high and its low word.
pub(super) fn pair(order: ByteOrder, register: usize) -> (usize, usize) {
    let first = match register {
        0 => V0,
        1..=5 => A0 + 2 * (register - 1),
        6..=9 => S0 + 2 * (register - 6),
        R10 => return (0, FP),
        AX => return (RA, AT),
        _ => unreachable!("there is no such register"),
    };
    in_memory_order(order, first)
}

/// The high and the low word of a doubleword in two registers, the first of which this is.
pub(super) fn in_memory_order(order: ByteOrder, first: usize) -> (usize, usize) {
    match order {
        ByteOrder::Little => (first + 1, first),
        ByteOrder::Big => (first, first + 1),
    }
}

/// A native register's name.
pub(super) fn name(register: usize) -> &'static str {
    Reg::from_number(register as u32).name()
}

/// Whether a C function may overwrite a register, under o32 and n64 alike.
pub(super) fn is_caller_saved(register: usize) -> bool {
    matches!(register, AT..=15 | T8 | T9 | RA)
}

/// Whether a BPF register is lost in a call of a C function.
pub(super) fn is_lost_in_calls(register: usize) -> bool {
    matches!(register, 0..=5 | AX)
}

/// A function of the kernel that lowerings call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// `u64 f(u64 dividend, u64 divisor)`: operation and offset of the instruction it is for
    Divide(u8, i16),
    /// `void f(s64 i, atomic64_t *v)`, or `s64`, which returns the old value
    Update { operation: i32, fetches: bool },
    /// `s64 f(atomic64_t *v, s64 new)`
    Exchange,
    /// `s64 f(atomic64_t *v, s64 old, s64 new)`
    CompareExchange,
}

impl Function {
    /// The kernel's function at an address.
    pub(super) fn at(address: u64) -> Option<Function> {
        let atomic = &RUNTIME.atomic64;
        let update = |operation, fetches| Function::Update { operation, fetches };
        [
            (RUNTIME.div64, Function::Divide(0x30, 0)),
            (RUNTIME.sdiv64, Function::Divide(0x30, 1)),
            (RUNTIME.mod64, Function::Divide(0x90, 0)),
            (RUNTIME.smod64, Function::Divide(0x90, 1)),
            (atomic.add, update(0x00, false)),
            (atomic.or, update(0x40, false)),
            (atomic.and, update(0x50, false)),
            (atomic.xor, update(0xa0, false)),
            (atomic.fetch_add, update(0x00, true)),
            (atomic.fetch_or, update(0x40, true)),
            (atomic.fetch_and, update(0x50, true)),
            (atomic.fetch_xor, update(0xa0, true)),
            (atomic.xchg, Function::Exchange),
            (atomic.cmpxchg, Function::CompareExchange),
        ]
        .into_iter()
        .find_map(|(at, function)| (u64::from(at) == address).then_some(function))
    }
}

/// What a division gives: the shim's functions are right for every divisor.
pub(super) fn divide(operation: u8, offset: i16, dividend: Term, divisor: Term) -> Option<Term> {
    alu::binary(operation, offset, dividend, divisor)
}

/// What an atomic update stores.
pub(super) fn update(operation: i32, old: Term, operand: Term) -> Option<Term> {
    alu::atomic(operation, old, operand)
}

/// A doubleword of two registers.
pub(super) fn doubleword(order: ByteOrder, gpr: &[Term; 32], first: usize) -> Term {
    let (high, low) = in_memory_order(order, first);
    gpr[high].concat(gpr[low])
}

/// A call of a C function, and its result, of its type.
pub(super) fn call(
    machine: &Machine,
    function: Option<runtime::Function>,
    prototype: Option<Prototype>,
    arguments: [Option<Term>; bpf::ARGUMENTS],
) -> (Call, Term) {
    let gprlen = machine.gprlen();
    let kinds = prototype.map_or([None; bpf::ARGUMENTS], |prototype| prototype.arguments);
    let mut passed = [None; bpf::ARGUMENTS];
    for (passed, (kind, value)) in passed.iter_mut().zip(kinds.into_iter().zip(arguments)) {
        *passed = kind
            .zip(value)
            .map(|(kind, value)| in_registers(kind, value, gprlen));
    }
    let given = prototype.and_then(|prototype| prototype.result);
    let result = Term::variable(given.map_or(64, |kind| kind.bits), "the function's result");
    let call = Call {
        what: Term::new(gprlen, function.map_or(0, |function| function.address)),
        callee: Callee::Function,
        arguments: passed,
        result: given.map_or(result, |kind| in_registers(kind, result, gprlen)),
    };
    (call, result)
}
