// SPDX-License-Identifier: GPL-2.0

//! A visit to a kernel function: what it does to the machine, besides its work.
//!
//! By the n64 convention, arguments are in `$a0` to `$a4` and the result is in `$v0`. By the o32
//! convention (MIPS ABI supplement, chapter 3), arguments are in `$a0` to `$a3` and, from
//! the fifth word on, on the stack behind the 16 bytes of the home area, where a 64-bit argument
//! begins at an even word. Results are in `$v0` and `$v1`. The function may overwrite every
//! other caller-saved register, HI and LO, its home area and all that is below `$sp`: here it does.

use unicorn_engine::{RegisterMIPS, Unicorn};

use super::cpu;
use super::emulator::World;
use super::exception;
use super::functions::CFunction;
use super::kernel::{function_at, look_at_clock, Access, Call, Callee, Function};
use super::machine::Machine;
use super::places::*;
use super::stack;
use crate::jit::mips::{Endian, Reg};
use crate::jit::runtime::ARGUMENTS;
use crate::tools::prototype::{self, Words};

/// Registers that a call leaves undefined, besides those of the result.
const SCRAMBLED: [Reg; 15] = [
    Reg::AT,
    Reg::A0,
    Reg::A1,
    Reg::A2,
    Reg::A3,
    Reg::T0,
    Reg::T1,
    Reg::T2,
    Reg::T3,
    Reg::T4,
    Reg::T5,
    Reg::T6,
    Reg::T7,
    Reg::T8,
    Reg::T9,
];

/// Bytes that the function uses for a frame of its own.
const CALLEE_FRAME: u32 = 128;

/// Something is wrong with the call.
pub(super) type Wrong = String;

/// Does the work of the function at an address, just before it returns.
pub(super) fn function(unicorn: &mut Unicorn<'_, World>, at: u64) {
    let mut visit = Visit { unicorn };
    let done = visit
        .check(at)
        .and_then(|()| visit.work(at))
        .and_then(|result| visit.leave(at, result))
        .and_then(|()| visit.throw());
    if let Err(wrong) = done {
        unicorn.get_data_mut().blame(wrong);
        // Nothing that follows counts.
        let _ = unicorn.emu_stop();
    }
}

pub(super) struct Visit<'a, 'u> {
    unicorn: &'a mut Unicorn<'u, World>,
}

impl Visit<'_, '_> {
    fn check(&mut self, at: u64) -> Result<(), Wrong> {
        let sp = self.address(Reg::SP);
        let alignment = if self.machine().is_wide() { 16 } else { 8 };
        if sp % alignment != 0 || !(STACK_POINTER - STACK_SIZE / 2..STACK_POINTER).contains(&sp) {
            return Err(format!("function {at:#x} called with sp {sp:#x}"));
        }
        let machine = *self.machine();
        let now = [Reg::GP, Reg::K0, Reg::K1].map(|reg| cpu::register(self.unicorn, &machine, reg));
        if now != self.unicorn.get_data().untouchable {
            return Err(format!("gp, k0 or k1 overwritten: {now:x?}"));
        }
        Ok(())
    }

    /// The result, of which there may be none.
    fn work(&mut self, at: u64) -> Result<Option<u64>, Wrong> {
        if at as u32 == RUNTIME.check_time {
            let counts = self.address(Reg::A0);
            let left = look_at_clock(counts, self);
            let wrong = || format!("what a loop counts is at {counts:#x}");
            return left.map(Some).ok_or_else(wrong);
        }
        if at as u32 == THROWER {
            let place = exception::find(self)?;
            self.unicorn.get_data_mut().thrown = Some(place);
            return Ok(None);
        }
        let arguments = self.arguments(at);
        let (first, second) = (arguments[0], arguments[1]);
        let function = match function_at(at as u32) {
            Some(function) if !self.machine().is_wide() => function,
            _ => return self.serve(at, &arguments),
        };
        let pointer = match function {
            Function::Divide(compute) => return Ok(Some(compute(first, second))),
            Function::Update { .. } => self.address(Reg::A2),
            _ => self.address(Reg::A0),
        };
        let wrong = || format!("atomic function with pointer {pointer:#x}");
        if pointer % 8 != 0 {
            return Err(wrong());
        }
        let old = self.load(pointer, 8).ok_or_else(wrong)?;
        let new = match function {
            Function::Update { new, .. } => new(old, first),
            Function::Exchange => second,
            _ if old == second => arguments[2],
            _ => old,
        };
        self.store(pointer, 8, new).ok_or_else(wrong)?;
        Ok(match function {
            Function::Update { fetches: false, .. } => None,
            _ => Some(old),
        })
    }

    /// The arguments of a helper or a C function, or what is in their places.
    fn arguments(&mut self, at: u64) -> Vec<u64> {
        let machine = *self.machine();
        if machine.is_wide() {
            return (0..ARGUMENTS).map(|index| self.doubleword(index)).collect();
        }
        if let Some(function) = CFunction::at(&machine, at) {
            let words = prototype::words(&function.prototype(&machine)).into_iter();
            let values = words.map(|words| words.map_or(0, |words| self.words(words)));
            return values.collect();
        }
        let [first, second] =
            [(Reg::A0, Reg::A1), (Reg::A2, Reg::A3)].map(|(a, b)| self.pair(a, b));
        let [third, fourth, fifth] = [0, 1, 2].map(|index| self.stacked(index).unwrap_or_default());
        vec![first, second, third, fourth, fifth]
    }

    /// An argument under n64: eight are in registers.
    fn doubleword(&mut self, index: usize) -> u64 {
        let registers = [
            Reg::A0,
            Reg::A1,
            Reg::A2,
            Reg::A3,
            Reg::T0,
            Reg::T1,
            Reg::T2,
            Reg::T3,
        ];
        match registers.get(index) {
            Some(&reg) => cpu::register(self.unicorn, &self.machine().clone(), reg),
            None => {
                let above = 8 * (index - registers.len()) as u32;
                let at = self.address(Reg::SP) + above;
                self.load(at, 8).unwrap_or_default()
            }
        }
    }

    /// An argument under o32.
    fn words(&mut self, words: Words) -> u64 {
        let first = self.word(words.first);
        if words.count == 1 {
            return first;
        }
        let second = self.word(words.first + 1);
        match self.machine().endian {
            Endian::Little => second << 32 | first,
            Endian::Big => first << 32 | second,
        }
    }

    /// A word among the arguments under o32.
    fn word(&mut self, number: usize) -> u64 {
        match [Reg::A0, Reg::A1, Reg::A2, Reg::A3].get(number) {
            Some(&reg) => self.address(reg).into(),
            None => {
                let at = self.address(Reg::SP) + 4 * number as u32;
                self.load(at, 4).unwrap_or_default()
            }
        }
    }

    /// What programs call by themselves.
    fn serve(&mut self, at: u64, arguments: &[u64]) -> Result<Option<u64>, Wrong> {
        let callee = self.callee(at);
        let callee = callee.ok_or_else(|| format!("no function at {at:#x}"))?;
        let call = Call::new(callee, arguments);
        self.unicorn.get_data_mut().calls.push(call);
        let machine = *self.machine();
        call.perform(&machine, self)
            .ok_or_else(|| format!("bad pointer: {call:x?}"))
    }

    fn callee(&self, at: u64) -> Option<Callee> {
        if let Some(function) = CFunction::at(self.machine(), at) {
            return Some(Callee::Function(function));
        }
        let offset = (at as u32).wrapping_sub(RUNTIME.call_base) as i32;
        let is_near = at == self.machine().pointer(at as u32);
        let number = helper_number(offset).filter(|_| is_near)?;
        Some(Callee::Helper(number))
    }

    /// Whether the function at an address gives one word.
    fn is_word(&self, at: u64) -> bool {
        let machine = self.machine();
        let function = CFunction::at(machine, at);
        let result = function.and_then(|function| function.prototype(machine).result);
        result.is_some_and(|kind| kind.bits <= 32)
    }

    fn leave(&mut self, at: u64, result: Option<u64>) -> Result<(), Wrong> {
        for reg in SCRAMBLED.into_iter().chain([Reg::V0, Reg::V1]) {
            let junk = self.junk();
            self.set_register(reg, junk);
        }
        for register in [RegisterMIPS::HI, RegisterMIPS::LO] {
            let junk = self.junk();
            let _ = self.unicorn.reg_write(register, junk);
        }
        match result {
            Some(result) if self.machine().is_wide() => self.set_register(Reg::V0, result),
            Some(result) if self.is_word(at) => self.set_register(Reg::V0, result),
            Some(result) => {
                let (low, high) = (result & 0xffff_ffff, result >> 32);
                let (v0, v1) = match self.machine().endian {
                    Endian::Little => (low, high),
                    Endian::Big => (high, low),
                };
                self.set_register(Reg::V0, v0);
                self.set_register(Reg::V1, v1);
            }
            None => {}
        }
        let sp = self.address(Reg::SP);
        let home_area = home_area(self.machine());
        for at in (sp - CALLEE_FRAME..sp + home_area).step_by(4) {
            let junk = self.junk();
            self.store(at, 4, junk)
                .ok_or_else(|| format!("no stack at {at:#x}"))?;
        }
        Ok(())
    }

    /// Goes on with the callback, if an exception was thrown.
    fn throw(&mut self) -> Result<(), Wrong> {
        let Some(thrown) = self.unicorn.get_data_mut().thrown.take() else {
            return Ok(());
        };
        let machine = *self.machine();
        let [first, second] = [thrown.number, machine.pointer(thrown.end)];
        if machine.is_wide() {
            self.set_register(Reg::A0, first);
            self.set_register(Reg::A1, second);
        } else {
            for (value, pair) in [(first, [Reg::A0, Reg::A1]), (second, [Reg::A2, Reg::A3])] {
                let (low, high) = (value & 0xffff_ffff, value >> 32);
                let words = match machine.endian {
                    Endian::Little => [low, high],
                    Endian::Big => [high, low],
                };
                for (reg, word) in pair.into_iter().zip(words) {
                    self.set_register(reg, word);
                }
            }
        }
        self.set_register(Reg::SP, machine.pointer(thrown.sp));
        // What the function returns to.
        self.set_register(Reg::RA, machine.pointer(thrown.callback));
        Ok(())
    }

    /// A 64-bit argument on the stack.
    fn stacked(&mut self, index: u32) -> Option<u64> {
        let sp = self.address(Reg::SP);
        let home_area = home_area(self.machine());
        self.load(sp + home_area + 8 * index, 8)
    }

    pub(super) fn world(&self) -> &World {
        self.unicorn.get_data()
    }

    /// All of a register.
    pub(super) fn whole(&self, reg: Reg) -> u64 {
        cpu::register(self.unicorn, self.machine(), reg)
    }

    pub(super) fn word_at(&mut self, address: u32) -> Option<u64> {
        self.load(address, 4)
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.unicorn.get_data().machine
    }

    fn junk(&mut self) -> u64 {
        self.unicorn.get_data_mut().junk.next()
    }

    /// A register's low word, which is all that an address has.
    pub(super) fn address(&self, reg: Reg) -> u32 {
        cpu::register(self.unicorn, self.machine(), reg) as u32
    }

    fn set_register(&mut self, reg: Reg, value: u64) {
        let machine = *self.machine();
        cpu::set_register(self.unicorn, &machine, reg, value);
    }

    /// A 64-bit value in two registers, in memory order.
    pub(super) fn pair(&self, first: Reg, second: Reg) -> u64 {
        let (first, second) = (self.address(first).into(), self.address(second).into());
        let words: (u64, u64) = match self.unicorn.get_data().machine.endian {
            Endian::Little => (second, first),
            Endian::Big => (first, second),
        };
        words.0 << 32 | words.1
    }
}

impl Access for Visit<'_, '_> {
    fn load(&mut self, address: u32, size: u32) -> Option<u64> {
        stack::load(self.unicorn, address, size as usize)
    }

    fn store(&mut self, address: u32, size: u32, value: u64) -> Option<()> {
        stack::store(self.unicorn, address, size as usize, value)
    }
}
