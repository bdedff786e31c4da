// SPDX-License-Identifier: GPL-2.0

//! A MIPS machine that runs images: Unicorn, which is QEMU's CPU emulation as a library.
//!
//! An image is entered as the kernel enters it: `$a0` holds the context, `$ra` the return address,
//! and every other register junk. Kernel functions are a `jr $ra` each; when one is reached, the
//! emulator stops to let [`super::visit`] do the function's work.
//!
//! Of every access to the stack it is checked that it does not lie outside ([`stack`]).

use std::collections::HashMap;

use unicorn_engine::{uc_error, Arch, Prot, RegisterMIPS, Unicorn};

use super::cpu;
use super::exception::{Exceptions, Thrown};
use super::kernel::Call;
use super::machine::Machine;
use super::places::*;
use super::random::Random;
use super::stack::{self, Stack};
use super::thread::{self, THREAD};
use super::visit;
use crate::host::mips::Word;
use crate::host::Image;
use crate::jit::abi::Role;
use crate::jit::mips::Reg;
use crate::jit::runtime::Counted;

/// More blocks of straight code than any program here runs through.
const LIMIT: u64 = 1_000_000;

/// As many instructions without a branch are too many at a time for Unicorn 2.1.5: it never frees a
/// temporary that it has for each, and crashes. It takes fewer where every one has a hook.
const STRAIGHT: usize = 256;

/// Bytes of stack, below `$sp` at entry, that a run may use.
pub(super) const STACK_USED: u32 = 0x800;

/// `jalr $zero, $ra`, which every release has: `jr $ra`
pub(super) const JR_RA: u32 = 0x03e0_0009;

/// Registers that a C function, which an image is, leaves alone.
pub(super) const PRESERVED: [Reg; 13] = [
    Reg::S0,
    Reg::S1,
    Reg::S2,
    Reg::S3,
    Reg::S4,
    Reg::S5,
    Reg::S6,
    Reg::S7,
    Reg::FP,
    Reg::SP,
    Reg::GP,
    Reg::K0,
    Reg::K1,
];

/// What the hooks share.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) junk: Random,
    pub(super) stack: Stack,
    /// Calls of helpers, in order.
    pub(super) calls: Vec<Call>,
    /// Who handles exceptions.
    pub(super) exceptions: Exceptions,
    pub(super) thrown: Option<Thrown>,
    /// The first thing that went wrong.
    pub(super) fault: Option<String>,
    /// What must be in `$gp`, `$k0` and `$k1`, always.
    pub(super) untouchable: [u64; 3],
    /// Blocks that it may still enter.
    blocks: u64,
    /// The last one that it has entered.
    block: u64,
}

impl World {
    pub(super) fn blame(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

/// The emulator, with one machine in it.
pub(super) struct Emulator {
    unicorn: Unicorn<'static, World>,
    machine: Machine,
    /// Where the next image goes.
    next: u32,
    stack: Vec<u8>,
    /// What may find no memory, by address, and where to go on then.
    faults: HashMap<u32, u32>,
}

/// What a run left behind.
pub(super) struct Outcome {
    pub(super) result: u64,
    pub(super) data: Vec<u8>,
    /// The used part of the stack, up to `$sp` at entry.
    pub(super) stack: Vec<u8>,
    /// The arena's page.
    pub(super) arena: Vec<u8>,
    pub(super) calls: Vec<Call>,
}

fn start(machine: Machine) -> Unicorn<'static, World> {
    let world = World {
        machine,
        junk: Random::new(0),
        stack: Stack::new(),
        calls: Vec::new(),
        exceptions: Exceptions::default(),
        thrown: None,
        fault: None,
        untouchable: [0; 3],
        blocks: 0,
        block: 0,
    };
    let build = || {
        let (mode, model) = cpu::of(&machine);
        let mut unicorn = Unicorn::new_with_data(Arch::MIPS, mode, world)?;
        unicorn.ctl_set_cpu_model(model)?;
        cpu::enter_kernel(&mut unicorn, &machine)?;
        for (at, size, allowed) in [
            (CODE, CODE_SIZE, Prot::READ | Prot::EXEC),
            (FUNCTIONS, FUNCTIONS_SIZE, Prot::READ | Prot::EXEC),
            (C_FUNCTIONS, C_FUNCTIONS_SIZE, Prot::READ | Prot::EXEC),
            (DATA, DATA_SIZE, Prot::READ | Prot::WRITE),
            (ARRAY, ARRAY_SIZE, Prot::READ),
            (RETURN, PAGE, Prot::READ | Prot::EXEC),
            (THREAD, PAGE, Prot::READ),
            (ARENA_PAGE, PAGE, Prot::READ | Prot::WRITE),
            (READ_ONLY_PAGE, PAGE, Prot::READ),
        ] {
            unicorn.mem_map(physical(at), size.into(), allowed)?;
        }
        for (from, size) in [(FUNCTIONS, FUNCTIONS_SIZE), (C_FUNCTIONS, C_FUNCTIONS_SIZE)] {
            for at in (from..from + size).step_by(FUNCTION_SIZE as usize) {
                unicorn.mem_write(physical(at), &machine.bytes(JR_RA))?;
            }
            let last = u64::from(size) - 1;
            for begin in begins(&machine, from) {
                unicorn.add_code_hook(begin, begin + last, visit)?;
            }
        }
        unicorn.mem_write(physical(READ_ONLY_PAGE), &read_only_bytes())?;
        for (at, bytes) in thread::contents(&machine) {
            unicorn.mem_write(physical(at), &bytes)?;
        }
        // Counting instructions, as emu_start() offers, makes all of them slow.
        // From 1 to 0 is everywhere: a function may return to itself.
        unicorn.add_block_hook(1, 0, count_block)?;
        stack::map(&mut unicorn)?;
        Ok::<_, unicorn_engine::uc_error>(unicorn)
    };
    build().unwrap_or_else(|error| panic!("the emulator does not start: {error:?}"))
}

/// Lets the kernel function at an address do its work.
fn visit(unicorn: &mut Unicorn<'_, World>, at: u64, _: u32) {
    // Not in the delay slot of the return.
    if at % u64::from(FUNCTION_SIZE) == 0 {
        visit::function(unicorn, at);
    }
}

/// Ends a run that does not end by itself: [`Emulator::run`] then finds it elsewhere than at its
/// return address.
fn count_block(unicorn: &mut Unicorn<'_, World>, at: u64, _: u32) {
    let world = unicorn.get_data_mut();
    world.block = at;
    world.blocks = world.blocks.saturating_sub(1);
    if world.blocks == 0 {
        // If it cannot be stopped, it is not at its return address either.
        let _ = unicorn.emu_stop();
    }
}

/// The most words in a row that transfer control nowhere.
fn longest_stretch(words: &[u32]) -> usize {
    let transfers = |&word: &u32| Word::decode(word).is_some_and(Word::transfers);
    words.split(transfers).map(<[u32]>::len).max().unwrap_or(0)
}

impl Emulator {
    pub(super) fn new(machine: Machine) -> Self {
        Emulator {
            unicorn: start(machine),
            machine,
            next: CODE,
            stack: Vec::new(),
            faults: HashMap::new(),
        }
    }

    /// An address for an image of so many words. Addresses are not used twice, since the
    /// emulator keeps what it has translated; when there are no more, it is started anew and
    /// `true` comes with the address: images loaded before are gone.
    pub(super) fn reserve(&mut self, words: usize) -> (u32, bool) {
        let size = (words as u32 * 4).next_multiple_of(16);
        let is_full = self.next + size > CODE + CODE_SIZE;
        if is_full {
            self.unicorn = start(self.machine);
            self.faults.clear();
            self.next = CODE;
        }
        let address = self.next;
        self.next += size;
        (address, is_full)
    }

    /// Puts an image in its place.
    pub(super) fn load(&mut self, image: &Image) {
        let (address, words) = (image.address, &image.words);
        let place = |word: u32| address + word * 4;
        let faults = image.faults.iter();
        self.faults
            .extend(faults.map(|fault| (place(fault.at), place(fault.resume))));
        let bytes: Vec<u8> = words.iter().flat_map(|&w| self.machine.bytes(w)).collect();
        self.write(address, &bytes);
        if longest_stretch(words) >= STRAIGHT {
            let [first, last] =
                [address, address + bytes.len() as u32 - 1].map(|at| self.machine.pointer(at));
            let hooked = self.unicorn.add_code_hook(first, last, |_, _, _| {});
            hooked.unwrap_or_else(|error| panic!("no hook at {address:#x}: {error:?}"));
        }
    }

    /// Makes the program array: a slot is empty or has the address of an image.
    pub(super) fn set_array(&mut self, slots: &[Option<u32>]) {
        let runtime = runtime(&self.machine, Counted::Hits);
        let size = self.machine.pointer_bytes(0).len() as u32;
        self.write_word(ARRAY + runtime.array_max_entries, slots.len() as u32);
        for (index, slot) in (0..).zip(slots) {
            let program = PROGRAMS + index * PROGRAM_SIZE;
            let pointer = slot.map_or(0, |_| program);
            self.write_pointer(ARRAY + runtime.array_ptrs + size * index, pointer);
            self.write_pointer(program + runtime.prog_bpf_func, slot.unwrap_or(0));
        }
    }

    /// Says who handles exceptions of these images.
    pub(super) fn set_exceptions(&mut self, callback: Option<u32>, images: Vec<(Image, Role)>) {
        self.unicorn.get_data_mut().exceptions = Exceptions { callback, images };
    }

    fn write_pointer(&mut self, address: u32, pointer: u32) {
        self.write(address, &self.machine.pointer_bytes(pointer));
    }

    fn write_word(&mut self, address: u32, word: u32) {
        self.write(address, &self.machine.bytes(word));
    }

    fn write(&mut self, address: u32, bytes: &[u8]) {
        stack::write(&mut self.unicorn, address, bytes)
            .unwrap_or_else(|| panic!("no memory at {address:#x}"));
    }

    /// What is on the stack before a run: junk that the seed determines.
    pub(super) fn prepare_stack(&mut self, seed: u64) -> &[u8] {
        let mut junk = Random::new(seed);
        self.stack.clear();
        while self.stack.len() < (STACK_USED + STACK_END - STACK_POINTER) as usize {
            self.stack.extend(junk.next().to_le_bytes());
        }
        let stack = std::mem::take(&mut self.stack);
        self.write(STACK_POINTER - STACK_USED, &stack);
        self.stack = stack;
        &self.stack[..STACK_USED as usize]
    }

    /// Calls the image at an address, with the data given. [`Self::prepare_stack`] comes before.
    ///
    /// # Errors
    ///
    /// What it did that an image must not do.
    pub(super) fn run(&mut self, entry: u32, data: &[u8], seed: u64) -> Result<Outcome, String> {
        self.write(DATA, data);
        let before = self.enter(seed);
        let [begin, end] = [entry, RETURN].map(|at| self.machine.pointer(at));
        let ended = self.go(begin, end);
        let pc = self.unicorn.reg_read(RegisterMIPS::PC).unwrap_or_default() & 0xffff_ffff;
        if let Some(fault) = self.unicorn.get_data_mut().fault.take() {
            return Err(fault);
        }
        if let Err(error) = ended {
            return Err(format!(
                "{error:?} at {:#x} in the image",
                pc.wrapping_sub(entry.into())
            ));
        }
        if pc != u64::from(RETURN) {
            return Err(format!("does not end; it is at {pc:#x}"));
        }
        for (reg, value) in PRESERVED.into_iter().zip(before) {
            let after = self.register(reg);
            if after != value {
                return Err(format!("${} was {value:#x} and is {after:#x}", reg.name()));
            }
        }
        let used = STACK_USED as usize;
        let stack = self.read(
            STACK_POINTER - STACK_USED,
            STACK_USED + STACK_END - STACK_POINTER,
        );
        let above = used + home_area(&self.machine) as usize;
        if stack[above..] != self.stack[above..] {
            return Err("the caller's frame has changed".to_owned());
        }
        Ok(Outcome {
            result: self.register(Reg::V0),
            data: self.read(DATA, DATA_SIZE),
            stack: stack[..used].to_vec(),
            arena: self.read(ARENA_PAGE, PAGE),
            calls: std::mem::take(&mut self.unicorn.get_data_mut().calls),
        })
    }

    /// Puts bytes into the arena.
    pub(super) fn prepare_arena(&mut self, bytes: &[u8]) {
        self.write(ARENA_PAGE, bytes);
    }

    /// Lets the machine run. Where it finds no memory it stops, at the instruction and with registers
    /// as before it; what follows is what the kernel makes of an entry of its exception table.
    fn go(&mut self, begin: u64, end: u64) -> Result<(), uc_error> {
        let mut begin = begin;
        loop {
            let ended = self.unicorn.emu_start(begin, end, 0, 0);
            let is_absent = matches!(
                ended,
                Err(uc_error::READ_UNMAPPED | uc_error::WRITE_UNMAPPED | uc_error::WRITE_PROT)
            );
            let pc = self.unicorn.reg_read(RegisterMIPS::PC).unwrap_or_default() as u32;
            // Only where it has stopped at no such instruction may it have missed the TLB.
            let at = match ended {
                Ok(()) => None,
                Err(_) if is_absent && self.faults.contains_key(&pc) => Some(pc),
                Err(_) => self.missed(),
            };
            match at.and_then(|at| self.faults.get(&at)) {
                Some(&resume) => begin = self.machine.pointer(resume),
                None => return ended,
            }
        }
    }

    /// Where a load is that has missed the TLB. Unicorn says where such an exception has led, not where it
    /// was raised, but the load that an image has looked for memory for is the first of a block. Registers
    /// are as before it, and where its address leads there is never anything.
    fn missed(&mut self) -> Option<u32> {
        let at = self.unicorn.get_data().block as u32;
        self.faults.get(&at)?;
        let word = stack::load(&mut self.unicorn, at, 4)? as u32;
        let base = self.register(Reg::from_number(word >> 21 & 31));
        let address = base.wrapping_add_signed((word as i16).into());
        is_mapped(&self.machine, address).then_some(at)
    }

    /// Sets the registers as a caller does; returns those of [`PRESERVED`].
    fn enter(&mut self, seed: u64) -> [u64; PRESERVED.len()] {
        let mut junk = Random::new(seed);
        for number in 1..32 {
            self.set_register(Reg::from_number(number), junk.next());
        }
        for register in [RegisterMIPS::HI, RegisterMIPS::LO] {
            // A register the emulator cannot set keeps what is in it.
            let _ = self.unicorn.reg_write(register, junk.next());
        }
        self.set_register(Reg::A0, self.machine.pointer(DATA));
        self.set_register(Reg::RA, self.machine.pointer(RETURN));
        self.set_register(Reg::SP, self.machine.pointer(STACK_POINTER));
        self.set_register(Reg::GP, self.machine.pointer(THREAD));
        let before = PRESERVED.map(|reg| self.register(reg));
        let untouchable = [Reg::GP, Reg::K0, Reg::K1].map(|reg| self.register(reg));
        let world = self.unicorn.get_data_mut();
        world.junk = junk;
        world.calls.clear();
        world.fault = None;
        world.untouchable = untouchable;
        world.blocks = LIMIT;
        before
    }

    fn register(&self, reg: Reg) -> u64 {
        cpu::register(&self.unicorn, &self.machine, reg)
    }

    fn set_register(&mut self, reg: Reg, value: u64) {
        cpu::set_register(&mut self.unicorn, &self.machine, reg, value);
    }

    fn read(&mut self, address: u32, size: u32) -> Vec<u8> {
        stack::read(&mut self.unicorn, address, size as usize)
            .unwrap_or_else(|| panic!("no memory at {address:#x}"))
    }
}
