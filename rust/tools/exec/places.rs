// SPDX-License-Identifier: GPL-2.0

//! Where everything is in the emulated machine, and the kernel around the images.
//!
//! ```text
//! 8100_0000  images, one after the other
//! 8300_0000  kernel functions: each is a return, at which the emulator stops to do the function's
//!            work
//! 8340_0000  kernel functions with C prototypes; see below
//! 8402_0000  data, one page: what R1 points to
//! 8500_0000  a program array and its programs
//! 8601_0000  end of the stack; the caller's frame is its last part
//! 8700_0000  where the image returns to
//! 8710_0000  what the kernel knows of the thread and of its processors, one page: what $gp points to
//! 8800_0000  an arena, of which one page is there, and behind it one that can only be read
//! ```
//!
//! Between them is nothing, so that a stray access is a fault. All are in KSEG0, where kernel
//! addresses are: they have the top bit set, and the emulator's memory is at what remains without
//! it.
//!
//! Where a load may look that knows nothing of its address, all begins and ends in the arena's pages, so
//! that one that looks too far finds something; but for segments that are mapped, where there is nothing.
//!
//! Half of the functions with C prototypes are called at their address in XKPHYS, which takes more
//! instructions: a kernel without `-msym32` has functions there, as modules may be far away. On a 32-bit
//! machine that is KSEG1.

use super::machine::Machine;
use super::random::Random;
use super::thread::THREAD;
use crate::host;
use crate::jit::lower::Arena;
use crate::jit::mips::Width;
use crate::jit::runtime::{Atomic64, Counted, Probed, Processors, Range, Runtime};
use crate::model::bpf::fields::Fields;
use crate::model::bpf::Stretch;
use crate::tools::build::call_offset;
use crate::tools::stretches;

const KSEG0: u32 = 0x8000_0000;
const KSEG1: u32 = 0xa000_0000;
const KSSEG: u32 = 0xc000_0000;

/// Where an address of KSEG0 is in the emulator's memory.
pub(super) fn physical(address: u32) -> u64 {
    u64::from(address & 0x1fff_ffff)
}

pub(super) const PAGE: u32 = 0x1000;

pub(super) const CODE: u32 = 0x8100_0000;
pub(super) const CODE_SIZE: u32 = 0x0100_0000;

pub(super) const FUNCTIONS: u32 = 0x8300_0000;
pub(super) const FUNCTIONS_SIZE: u32 = 0x0001_0000;

/// The function that throws exceptions.
pub(super) const THROWER: u32 = FUNCTIONS + 0x2200;

pub(super) const C_FUNCTIONS: u32 = 0x8340_0000;
pub(super) const C_FUNCTIONS_SIZE: u32 = 0xa000;

/// Physical memory in XKPHYS, cached.
pub(super) const XKPHYS: u64 = 0x9800_0000_0000_0000;

/// Bytes of a kernel function: a return and its delay slot, and room.
pub(super) const FUNCTION_SIZE: u32 = 16;

/// Where C functions are that programs call at another address than where they are.
fn far(machine: &Machine) -> u64 {
    match machine.width {
        Width::W32 => KSEG1.into(),
        Width::W64 => XKPHYS,
    }
}

/// Where the C function with a number is called.
pub(super) fn c_function_address(machine: &Machine, number: usize, is_far: bool) -> u64 {
    let near = C_FUNCTIONS + FUNCTION_SIZE * number as u32;
    match is_far {
        true => far(machine) | physical(near),
        false => machine.pointer(near),
    }
}

/// Where there are functions of so many bytes from an address on.
pub(super) fn begins(machine: &Machine, address: u32) -> [u64; 2] {
    [machine.pointer(address), far(machine) | physical(address)]
}

/// The number that the C function at an address would have.
pub(super) fn c_function_number(address: u64) -> Option<usize> {
    let distance = (address & 0x1fff_ffff).checked_sub(physical(C_FUNCTIONS))?;
    Some((distance / u64::from(FUNCTION_SIZE)) as usize)
}

pub(super) const DATA: u32 = 0x8402_0000;
pub(super) const DATA_SIZE: u32 = PAGE;

pub(super) const ARRAY: u32 = 0x8500_0000;
pub(super) const ARRAY_SIZE: u32 = PAGE;
/// Where the programs are that the array points to, and how far apart.
pub(super) const PROGRAMS: u32 = ARRAY + 0x800;
pub(super) const PROGRAM_SIZE: u32 = 0x40;

pub(super) const STACK_END: u32 = 0x8601_0000;
pub(super) const STACK_SIZE: u32 = PAGE;
/// `$sp` when an image is entered: above is the caller's frame.
pub(super) const STACK_POINTER: u32 = STACK_END - 0x100;
/// Bytes above `$sp` that belong to the image: o32 gives it some.
pub(super) fn home_area(machine: &Machine) -> u32 {
    match machine.width {
        Width::W32 => 16,
        Width::W64 => 0,
    }
}

pub(super) const RETURN: u32 = 0x8700_0000;

/// The arena of 64-bit machines, where others have memory like any other. Its page is so far from its start that an offset leads there from
/// anywhere around.
pub(super) const ARENA: u32 = 0x8800_0000;
pub(super) const ARENA_PAGE: u32 = ARENA + ARENA_PAGE_AT;
pub(super) const ARENA_PAGE_AT: u32 = 0x8000;

/// A page can go away between `ll` and `sc`. Here that happens in a page from which one can load alone:
/// of both, only `sc` faults.
pub(super) const READ_ONLY_PAGE: u32 = ARENA_PAGE + PAGE;

/// Whether an address is in that page.
pub(super) fn is_read_only(address: u32) -> bool {
    (READ_ONLY_PAGE..READ_ONLY_PAGE + PAGE).contains(&address)
}

/// What is in that page, always.
pub(super) fn read_only_bytes() -> Vec<u8> {
    page_of_junk(READ_ONLY_PAGE.into())
}

/// Where a load may look that knows nothing of its address.
pub(super) fn stretches(machine: &Machine) -> Vec<Stretch> {
    stretches::of(machine.width, &runtime(machine, Counted::Hits))
}

/// Whether the emulator treats an address like a kernel, if it is absent: others raise exceptions in it.
pub(super) fn may_be_absent(machine: &Machine, address: u64, bytes: u32) -> bool {
    let word = address as u32;
    let is_unmapped = address == machine.pointer(word) && (KSEG0..KSSEG).contains(&word);
    (is_unmapped || is_mapped(machine, address)) && address % u64::from(bytes) == 0
}

/// Whether an access at an address may miss the TLB, which has no entry.
pub(super) fn is_mapped(machine: &Machine, address: u64) -> bool {
    let mut stretches = stretches(machine).into_iter();
    stretches.any(|stretch| stretch.goes_on && (stretch.first..=stretch.last).contains(&address))
}

/// The address in KSEG0 of what a load may look for in XKPHYS, or a 32-bit machine in KSEG1; any other as it
/// is.
pub(super) fn unmapped(address: u64) -> u64 {
    if address.wrapping_sub(RAM.start) < RAM.bytes {
        return i64::from((KSEG0 | address as u32) as i32) as u64;
    }
    match (u64::from(KSEG1)..u64::from(KSSEG)).contains(&address) {
        true => u64::from(KSEG0) | physical(address as u32),
        false => address,
    }
}

/// Addresses around the ends of where a load of so many bytes may look, and some that no segment has.
/// Where it looks they are aligned: no kernel is there to emulate what is not.
pub(super) fn edges(machine: &Machine, bytes: u32) -> Vec<u64> {
    let stretches = stretches(machine);
    let is_inside = |address: u64| {
        let has_it = |stretch: &Stretch| (stretch.first..=stretch.last).contains(&address);
        stretches.iter().any(has_it)
    };
    let ends = stretches
        .iter()
        .flat_map(|stretch| [stretch.first, stretch.last]);
    let around =
        ends.flat_map(|end| (-9..=9).map(move |distance| end.wrapping_add_signed(distance)));
    let beyond = [
        0,
        u64::MAX,
        1 << 63,
        (1 << 63) - 8,
        0x97ff_ffff_ffff_fff8,
        0x9000_0000_0800_8110,
        0xa800_0000_0800_8110,
        0xbfff_ffff_ffff_fff8,
        0xc000_0000_0000_0000,
        0xc000_1000_0000_0000,
        0xf000_0000_0000_1000,
        0xffff_ffff_7fff_fff8,
        0xffff_ffff_9fff_fff8,
        0xffff_ffff_a000_0000,
        0xffff_ffff_a800_8110,
        0xffff_ffff_bfff_fff8,
        0xffff_fffe_8800_8110,
        0x8800_8110,
    ];
    let all = around.chain(beyond).map(|address| match machine.width {
        Width::W32 => address & 0xffff_ffff,
        Width::W64 => address,
    });
    all.filter(|&address| address % u64::from(bytes) == 0 || !is_inside(address))
        .collect()
}

/// The bytes of a page, which the seed determines.
pub(super) fn page_of_junk(seed: u64) -> Vec<u8> {
    let mut junk = Random::new(seed);
    let doublewords = (0..PAGE / 8).map(|_| junk.next().to_le_bytes());
    doublewords.flatten().collect()
}

/// The arena as the core and the model know it.
pub(super) fn arena(machine: &Machine) -> Option<Arena> {
    machine.is_wide().then(|| Arena {
        kernel_base: machine.pointer(ARENA),
        user_base: host::ARENA.user_base,
    })
}

/// What a load may look for in XKPHYS: not all of the arena's page, and some of the one behind it.
const RAM: Range = Range {
    start: XKPHYS | (ARENA_PAGE & 0x1fff_ffff) as u64 | 0x105,
    bytes: PAGE as u64 + 0x36a,
};

/// What the images are compiled for.
pub(super) const RUNTIME: Runtime = Runtime {
    call_base: FUNCTIONS + 0x8000,
    div64: FUNCTIONS + 0x100,
    mod64: FUNCTIONS + 0x200,
    sdiv64: FUNCTIONS + 0x300,
    smod64: FUNCTIONS + 0x400,
    atomic64: Atomic64 {
        add: FUNCTIONS + 0x1100,
        and: FUNCTIONS + 0x1200,
        or: FUNCTIONS + 0x1300,
        xor: FUNCTIONS + 0x1400,
        fetch_add: FUNCTIONS + 0x1500,
        fetch_and: FUNCTIONS + 0x1600,
        fetch_or: FUNCTIONS + 0x1700,
        fetch_xor: FUNCTIONS + 0x1800,
        xchg: FUNCTIONS + 0x1900,
        cmpxchg: FUNCTIONS + 0x1a00,
    },
    check_time: FUNCTIONS + 0x2100,
    processors: Some(Processors {
        number: 20,
        offsets: THREAD + 0x8f0,
    }),
    probed: Probed {
        ram: RAM,
        // More of the page behind the arena's.
        low_bytes: (READ_ONLY_PAGE & 0x1fff_ffff) + 0x8a7,
        mapped: Range {
            start: 0xc000_0000_0123_456b,
            bytes: 0x0000_00fe_dcba_9875,
        },
    },
    ..host::RUNTIME
};

/// What the images of a machine are compiled for: the same places, but structures of its own.
pub(super) fn runtime(machine: &Machine, counted: Counted) -> Runtime {
    let Runtime {
        array_max_entries,
        array_ptrs,
        prog_bpf_func,
        ..
    } = host::runtime(machine.width, counted);
    let mut probed = RUNTIME.probed;
    if machine.width == Width::W32 {
        probed.ram.bytes = 0;
        probed.mapped.bytes = 0x3456_789b;
    }
    Runtime {
        array_max_entries,
        array_ptrs,
        prog_bpf_func,
        counted,
        probed,
        ..RUNTIME
    }
}

/// The address of the program array as a doubleword. It is a pointer on any machine: where
/// registers have 32 bits, those above do not count.
pub(super) const ARRAY_POINTER: u64 = ARRAY as i32 as i64 as u64;

/// The immediate of a call of the helper with this number: some are negative.
pub(super) const fn helper_offset(number: u32) -> i32 {
    (number as i32 - 4) * 0x1010
}

/// A call of the helper with this number.
pub(super) fn call(number: u32) -> Fields {
    call_offset(helper_offset(number))
}

/// The number of the helper that a call's immediate means.
pub(super) fn helper_number(offset: i32) -> Option<u32> {
    (0..=super::kernel::LAST_HELPER).find(|&number| helper_offset(number) == offset)
}
