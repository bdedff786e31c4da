// SPDX-License-Identifier: GPL-2.0

//! What helpers and kernel functions do, for model and emulator alike.
//!
//! Helper 0 to 5 takes as many arguments; its result depends on each of their bits and on
//! nothing else, so that an argument gone wrong shows up. Helpers 6 and 7 write and read memory, and where
//! registers have 32 bits it is known that they take words, and that the latter gives an int;
//! helper 8 returns a pointer, as a map lookup does; it is sign-extended, of which 32-bit machines
//! ignore all but the word.
//!
//! Functions with C prototypes are in [`functions`](super::functions).

use super::functions::CFunction;
use super::machine::Machine;
use super::places::{helper_offset, DATA, RUNTIME};
use super::random::mix;
use crate::jit::bpf::{Helper, Helpers, Signature};
use crate::jit::runtime::ARGUMENTS;

/// Helpers have numbers from 0 to this.
pub(super) const LAST_HELPER: u32 = 8;

/// Fills R2 bytes at R1 with what R3 says.
pub(super) const FILL: u32 = 6;

/// Reads R2 bytes at R1.
pub(super) const DIGEST: u32 = 7;

/// Returns a pointer into the data that R1 chooses.
pub(super) const LOOKUP: u32 = 8;

/// What [`LOOKUP`] can return begins here in the data.
pub(super) const LOOKUP_AREA: u32 = 0x800;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    Helper(u32),
    Function(CFunction),
}

/// A call, with the arguments that the callee looks at; the others are zero. Those of C functions are
/// whole registers, whatever their types, of 32-bit machines as many as a type takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) callee: Callee,
    pub(super) arguments: [u64; ARGUMENTS],
}

/// Memory as a helper sees it. None is a fault.
pub(super) trait Access {
    fn load(&mut self, address: u32, size: u32) -> Option<u64>;
    fn store(&mut self, address: u32, size: u32, value: u64) -> Option<()>;
}

/// How many arguments a helper looks at.
pub(super) fn arity(helper: u32) -> usize {
    match helper {
        FILL => 3,
        DIGEST => 2,
        LOOKUP => 1,
        number => number as usize,
    }
}

/// What is known of [`FILL`] and [`DIGEST`].
pub(super) const KNOWN_HELPERS: Helpers = {
    const fn helper(number: u32, signature: u16) -> Helper {
        Helper {
            address: RUNTIME.call_base.wrapping_add_signed(helper_offset(number)) as usize,
            signature,
        }
    }
    Helpers {
        base: RUNTIME.call_base,
        all: &[
            helper(FILL, 0b00100_00111),
            helper(DIGEST, 0b00000_00011 | Signature::INT),
        ],
    }
};

impl Call {
    /// A call with these arguments, of helpers in registers alone.
    pub(super) fn new(callee: Callee, arguments: &[u64]) -> Self {
        let arity = match callee {
            Callee::Helper(number) => arity(number),
            Callee::Function(function) => function.arity(),
        };
        let mut all = [0; ARGUMENTS];
        for (to, from) in all.iter_mut().zip(arguments).take(arity) {
            *to = *from;
        }
        if matches!(callee, Callee::Helper(FILL | DIGEST)) {
            // A pointer and a length: words, which is known of them.
            all[0] &= u64::from(u32::MAX);
            all[1] &= u64::from(u32::MAX);
        }
        Call {
            callee,
            arguments: all,
        }
    }

    /// Does what the callee does; its result in a register, if it gives one. None if it cannot.
    pub(super) fn perform(
        &self,
        machine: &Machine,
        memory: &mut dyn Access,
    ) -> Option<Option<u64>> {
        match self.callee {
            Callee::Helper(number) => self.help(number, memory).map(Some),
            Callee::Function(function) => Some(function.result(machine, &self.arguments)),
        }
    }

    fn help(&self, helper: u32, memory: &mut dyn Access) -> Option<u64> {
        let [pointer, length, seed, ..] = self.arguments;
        let pointer = pointer as u32;
        match helper {
            FILL => {
                for i in 0..(length as u32).min(64) {
                    let byte = mix(seed.wrapping_add(u64::from(i)));
                    memory.store(pointer.wrapping_add(i), 1, byte)?;
                }
                Some(length)
            }
            DIGEST => {
                let mut digest = length;
                for i in 0..(length as u32).min(64) {
                    digest = mix(digest ^ memory.load(pointer.wrapping_add(i), 1)?);
                }
                Some(i64::from(digest as i32) as u64)
            }
            LOOKUP => Some(i64::from((DATA + LOOKUP_AREA + (pointer & 0xf8)) as i32) as u64),
            number => Some(
                self.arguments
                    .iter()
                    .fold(u64::from(number), |hash, next| mix(hash ^ next)),
            ),
        }
    }
}

/// Iterations that a loop has before it looks at the clock, and after that once more.
const ITERATIONS: u64 = 3;

/// `bpf_check_timed_may_goto()`: a loop may go on the first time that it asks, when it has noted no time
/// behind what it counts.
pub(super) fn look_at_clock(counts: u32, memory: &mut dyn Access) -> Option<u64> {
    let noted = counts.wrapping_add(8);
    if memory.load(noted, 8)? != 0 {
        return Some(0);
    }
    memory.store(noted, 8, mix(counts.into()))?;
    Some(ITERATIONS)
}

/// A function of the kernel that lowerings call.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    /// `u64 f(u64 dividend, u64 divisor)`, or `s64`
    Divide(fn(u64, u64) -> u64),
    /// `void f(s64 i, atomic64_t *v)`, or `s64`, which returns the old value
    Update {
        new: fn(u64, u64) -> u64,
        fetches: bool,
    },
    /// `s64 f(atomic64_t *v, s64 new)`
    Exchange,
    /// `s64 f(atomic64_t *v, s64 old, s64 new)`
    CompareExchange,
}

fn quotient(a: u64, b: u64) -> u64 {
    a.checked_div(b).unwrap_or(0)
}

fn remainder(a: u64, b: u64) -> u64 {
    a.checked_rem(b).unwrap_or(a)
}

fn signed_quotient(a: u64, b: u64) -> u64 {
    match b {
        0 => 0,
        b => (a as i64).wrapping_div(b as i64) as u64,
    }
}

fn signed_remainder(a: u64, b: u64) -> u64 {
    match b {
        0 => a,
        b => (a as i64).wrapping_rem(b as i64) as u64,
    }
}

/// The kernel's function at an address.
pub(super) fn function_at(address: u32) -> Option<Function> {
    let atomic = &RUNTIME.atomic64;
    let update = |new, fetches| Function::Update { new, fetches };
    let add = |old: u64, i: u64| old.wrapping_add(i);
    let and = |old, i| old & i;
    let or = |old, i| old | i;
    let xor = |old, i| old ^ i;
    [
        (RUNTIME.div64, Function::Divide(quotient)),
        (RUNTIME.mod64, Function::Divide(remainder)),
        (RUNTIME.sdiv64, Function::Divide(signed_quotient)),
        (RUNTIME.smod64, Function::Divide(signed_remainder)),
        (atomic.add, update(add, false)),
        (atomic.and, update(and, false)),
        (atomic.or, update(or, false)),
        (atomic.xor, update(xor, false)),
        (atomic.fetch_add, update(add, true)),
        (atomic.fetch_and, update(and, true)),
        (atomic.fetch_or, update(or, true)),
        (atomic.fetch_xor, update(xor, true)),
        (atomic.xchg, Function::Exchange),
        (atomic.cmpxchg, Function::CompareExchange),
    ]
    .into_iter()
    .find_map(|(at, function)| (at == address).then_some(function))
}
