// SPDX-License-Identifier: GPL-2.0

//! A machine in which a trampoline runs: every function that it calls is a return, at which it is noted
//! what the function sees, and done what it does.

use unicorn_engine::{uc_error, Arch, Prot, RegisterMIPS, Unicorn};

use super::case::{Action, Case, Place};
use super::visit::visit;
use super::{cpu, Machine, Random};
use crate::jit::mips::{Endian, Reg, Width};
use crate::tools::exec::emulator::{JR_RA, PRESERVED};
use crate::tools::exec::places::{
    physical, CODE, CODE_SIZE, FUNCTIONS, FUNCTIONS_SIZE, FUNCTION_SIZE, PAGE, RETURN,
};

/// The stack is plain memory here.
pub(super) const STACK: u32 = 0x8600_0000;
const STACK_SIZE: u32 = 0x4000;
pub(super) const STACK_POINTER: u32 = STACK + STACK_SIZE / 2;

/// Bytes of the caller's frame that are looked at.
const CALLER: u32 = 0x200;

/// What a function has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// `__bpf_tramp_enter(image)` or `__bpf_tramp_exit(image)`
    Hold(Action, u64),
    Enter {
        program: u64,
        cookie: u64,
    },
    Run {
        program: usize,
        insns: Option<u64>,
        count: u64,
        function: Option<u64>,
        /// What was found in the place of the session's cookie.
        session: Option<u64>,
        arguments: Vec<u64>,
        result: Option<u64>,
    },
    Exit {
        program: u64,
        start: u64,
    },
    /// The function itself, with its registers and what says how many tail calls were made.
    Function {
        registers: Vec<u64>,
        tail_calls: u64,
    },
}

/// What a run has left.
pub(super) struct Left {
    pub(super) events: Vec<Event>,
    /// `$v0`, or R0.
    pub(super) word: u64,
    pub(super) r0: u64,
    /// Arguments, and what says how many tail calls were made.
    pub(super) registers: Vec<u64>,
    pub(super) tail_calls: u64,
}

/// What the hook shares.
pub(super) struct State {
    pub(super) machine: Machine,
    pub(super) case: Option<Case>,
    pub(super) junk: Random,
    pub(super) events: Vec<Event>,
    pub(super) run_context: Option<u32>,
    pub(super) wrong: Option<String>,
}

/// See the file.
pub(super) struct Rig {
    unicorn: Unicorn<'static, State>,
    machine: Machine,
    next: u32,
}

pub(super) type Wrong = String;

/// The address of a function that a trampoline calls.
pub(super) fn function(action: Action) -> u64 {
    let number = match action {
        Action::Hold => 0,
        Action::Release => 1,
        Action::Function => 2,
        Action::Enter(index) => 4 + 4 * index as u32,
        Action::Run(index) => 5 + 4 * index as u32,
        Action::Exit(index) => 6 + 4 * index as u32,
    };
    word(FUNCTIONS + FUNCTION_SIZE * number)
}

/// An address of KSEG0, sign-extended.
pub(super) fn word(address: u32) -> u64 {
    i64::from(address as i32) as u64
}

impl Rig {
    pub(super) fn new(machine: Machine) -> Self {
        let state = State {
            machine,
            case: None,
            junk: Random::new(0),
            events: Vec::new(),
            run_context: None,
            wrong: None,
        };
        let build = || {
            let (mode, model) = cpu::of(&machine);
            let mut unicorn = Unicorn::new_with_data(Arch::MIPS, mode, state)?;
            unicorn.ctl_set_cpu_model(model)?;
            cpu::enter_kernel(&mut unicorn, &machine)?;
            for (at, size) in [
                (CODE, CODE_SIZE),
                (FUNCTIONS, FUNCTIONS_SIZE),
                (STACK, STACK_SIZE),
                (RETURN, PAGE),
            ] {
                unicorn.mem_map(physical(at), size.into(), Prot::ALL)?;
            }
            for at in (FUNCTIONS..FUNCTIONS + FUNCTIONS_SIZE).step_by(FUNCTION_SIZE as usize) {
                unicorn.mem_write(physical(at), &machine.bytes(JR_RA))?;
            }
            let begin = machine.pointer(FUNCTIONS);
            let end = begin + u64::from(FUNCTIONS_SIZE) - 1;
            unicorn.add_code_hook(begin, end, |unicorn, at, _| {
                if at % u64::from(FUNCTION_SIZE) == 0 {
                    if let Err(wrong) = visit(unicorn, at as u32) {
                        unicorn.get_data_mut().wrong.get_or_insert(wrong);
                        let _ = unicorn.emu_stop();
                    }
                }
            })?;
            Ok::<_, uc_error>(unicorn)
        };
        Rig {
            unicorn: build().unwrap_or_else(|error| panic!("no emulator: {error:?}")),
            machine,
            next: CODE,
        }
    }

    /// Where the next code goes: an address is not used twice.
    pub(super) fn reserve(&mut self, words: usize) -> u32 {
        let address = self.next;
        self.next += (words as u32 * 4).next_multiple_of(16);
        assert!(self.next <= CODE + CODE_SIZE, "too much code");
        address
    }

    pub(super) fn load(&mut self, address: u32, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|&w| self.machine.bytes(w)).collect();
        write(&mut self.unicorn, address, &bytes);
    }

    /// Runs code as the case says, until it returns.
    ///
    /// # Errors
    ///
    /// What it does that it must not.
    pub(super) fn run(&mut self, entry: u32, case: &Case, seed: u64) -> Result<Left, Wrong> {
        let machine = self.machine;
        let mut junk = Random::new(seed);
        let stack: Vec<u8> = (0..STACK_SIZE / 8)
            .flat_map(|_| junk.next().to_le_bytes())
            .collect();
        write(&mut self.unicorn, STACK, &stack);
        for number in 1..32 {
            self.set(Reg::from_number(number), junk.next());
        }
        self.set(Reg::SP, machine.pointer(STACK_POINTER));
        self.set(Reg::RA, machine.pointer(RETURN));
        for (reg, value) in case.registers(&machine) {
            self.set(reg, value);
        }
        for (at, bytes) in case.stack(&machine) {
            write(&mut self.unicorn, STACK_POINTER + at, &bytes);
        }
        let above = read(&self.unicorn, STACK_POINTER, CALLER);
        let before = PRESERVED.map(|reg| cpu::register(&self.unicorn, &machine, reg));
        let state = self.unicorn.get_data_mut();
        state.case = Some(case.clone());
        state.junk = junk;
        state.events.clear();
        state.run_context = None;
        state.wrong = None;
        let end = case.end();
        let [begin, until] = [entry, end].map(|at| machine.pointer(at));
        let ended = self.unicorn.emu_start(begin, until, 0, 100_000);
        if let Some(wrong) = self.unicorn.get_data_mut().wrong.take() {
            return Err(wrong);
        }
        let pc = self.unicorn.reg_read(RegisterMIPS::PC).unwrap_or_default() as u32;
        if ended.is_err() || pc != end {
            return Err(format!("{ended:?} at {pc:#x}, not {end:#x}"));
        }
        self.judge_end(case, &before, &above)?;
        let endian = machine.endian;
        let places = case.all_places(&machine).into_iter();
        let registers = places.map(|place| at(&self.unicorn, endian, STACK_POINTER, place));
        let registers = registers.collect();
        Ok(Left {
            events: std::mem::take(&mut self.unicorn.get_data_mut().events),
            word: cpu::register(&self.unicorn, &machine, Reg::V0),
            r0: r0(&self.unicorn),
            registers,
            tail_calls: tail_calls(&self.unicorn, STACK_POINTER),
        })
    }

    /// What must be as it was, whatever the trampoline is for.
    fn judge_end(&self, case: &Case, before: &[u64], above: &[u8]) -> Result<(), Wrong> {
        let machine = self.machine;
        for (&was, reg) in before.iter().zip(PRESERVED) {
            let is = cpu::register(&self.unicorn, &machine, reg);
            if is != was {
                return Err(format!("${} was {was:#x} and is {is:#x}", reg.name()));
            }
        }
        let ra = cpu::register(&self.unicorn, &machine, Reg::RA);
        if case.goes_on() && ra != machine.pointer(RETURN) {
            return Err(format!("the function goes on with ra {ra:#x}"));
        }
        // Where tail calls are counted is looked at by others.
        let from = 4;
        let now = read(&self.unicorn, STACK_POINTER, CALLER);
        if now[from..] != above[from..] {
            return Err("the caller's frame has changed".to_owned());
        }
        Ok(())
    }

    fn set(&mut self, reg: Reg, value: u64) {
        let machine = self.machine;
        cpu::set_register(&mut self.unicorn, &machine, reg, value);
    }
}

/// Registers in memory order.
pub(super) type Registers = (Reg, Option<Reg>);

pub(super) fn value<D>(
    unicorn: &Unicorn<'_, D>,
    endian: Endian,
    (first, second): Registers,
) -> u64 {
    let read = |reg| unicorn.reg_read(cpu::id(reg)).unwrap_or_default();
    let Some(second) = second else {
        return read(first);
    };
    let (first, second) = (read(first) as u32, read(second) as u32);
    let (low, high) = match endian {
        Endian::Little => (first, second),
        Endian::Big => (second, first),
    };
    u64::from(high) << 32 | u64::from(low)
}

/// What is in a place of an argument.
pub(super) fn at(unicorn: &Unicorn<'_, State>, endian: Endian, sp: u32, place: Place) -> u64 {
    match place {
        Place::Registers(registers) => value(unicorn, endian, registers),
        Place::Stack(above) => doubleword(unicorn, sp + above),
    }
}

fn r0(unicorn: &Unicorn<'_, State>) -> u64 {
    let machine = unicorn.get_data().machine;
    let second = (machine.width == Width::W32).then_some(Reg::V1);
    value(unicorn, machine.endian, (Reg::V0, second))
}

/// What says how many tail calls were made, at the entry of a function.
pub(super) fn tail_calls(unicorn: &Unicorn<'_, State>, sp: u32) -> u64 {
    let machine = unicorn.get_data().machine;
    match machine.width {
        Width::W32 => load_word(unicorn, sp).into(),
        Width::W64 => cpu::register(unicorn, &machine, Reg::V1),
    }
}

fn read<D>(unicorn: &Unicorn<'_, D>, address: u32, bytes: u32) -> Vec<u8> {
    let read = unicorn.mem_read_as_vec(physical(address), bytes as usize);
    read.unwrap_or_else(|_| vec![0; bytes as usize])
}

pub(super) fn load_word(unicorn: &Unicorn<'_, State>, address: u32) -> u32 {
    let bytes = read(unicorn, address, 4).try_into();
    unicorn.get_data().machine.word(bytes.unwrap_or_default())
}

pub(super) fn doubleword(unicorn: &Unicorn<'_, State>, address: u32) -> u64 {
    let bytes = read(unicorn, address, 8).try_into();
    let machine = unicorn.get_data().machine;
    machine.doubleword(bytes.unwrap_or_default())
}

pub(super) fn write<D>(unicorn: &mut Unicorn<'_, D>, address: u32, bytes: &[u8]) {
    // Who writes elsewhere finds out by what is not there.
    let _ = unicorn.mem_write(physical(address), bytes);
}
