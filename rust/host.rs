// SPDX-License-Identifier: GPL-2.0

//! What the host's tests and tools share: compiling a program as the kernel would, around a made-up
//! kernel.

// Tests and tools each use what the other does not need.
#![allow(dead_code)]

pub(crate) mod check;
mod compile;
pub(crate) mod facts;
pub(crate) mod fuzz;
pub(crate) mod image;
pub(crate) mod listing;
pub(crate) mod mips;
#[cfg(any(test, feature = "tools"))]
pub(crate) mod mutants;
pub(crate) mod random;
pub(crate) mod schedule;
pub(crate) mod text;
pub(crate) mod work;

#[allow(unused_imports)]
pub(crate) use compile::{compile, compile_once, compile_unjudged};
pub(crate) use image::Image;

use crate::jit::abi::{Linkage, Role};
use crate::jit::analysis::Analyses;
use crate::jit::bpf::{Dialect, Helpers, Raw};
use crate::jit::layout::Program;
use crate::jit::lower::Arena;
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Cpu, Endian, Release, Width};
use crate::jit::runtime::{
    Atomic64, Counted, Function, Probed, Processors, Range, Runtime, Value, ARGUMENTS,
};

/// The number of `BPF_REG_AX` in the kernel that is not there; others have another one.
pub(crate) const AX: u8 = 12;

/// The number of `BPF_REG_PARAMS` there.
pub(crate) const PARAMETERS: u8 = 11;

/// The immediate of a call of `arch_bpf_timed_may_goto()` in that kernel.
pub(crate) const TIMED_MAY_GOTO: i32 = 0x0035_6b40;

/// A kernel that is not there: addresses as `vmlinux` has them in KSEG0, all different, and
/// structure offsets like those of a 32-bit build.
pub(crate) const RUNTIME: Runtime = Runtime {
    call_base: 0x8021_a4c0,
    div64: 0x8055_0100,
    mod64: 0x8055_0200,
    sdiv64: 0x8055_0300,
    smod64: 0x8055_0400,
    atomic64: Atomic64 {
        add: 0x8056_0100,
        and: 0x8056_0200,
        or: 0x8056_0300,
        xor: 0x8056_0400,
        fetch_add: 0x8056_0500,
        fetch_and: 0x8056_0600,
        fetch_or: 0x8056_0700,
        fetch_xor: 0x8056_0800,
        xchg: 0x8056_0900,
        cmpxchg: 0x8056_0a00,
    },
    array_max_entries: 20,
    array_ptrs: 208,
    prog_bpf_func: 36,
    max_tail_calls: 33,
    counted: Counted::Hits,
    check_time: 0x8057_0100,
    thread_task: 8,
    processors: Some(Processors {
        number: 20,
        offsets: 0x8061_9a5c,
    }),
    probed: PROBED32,
};

/// Memory like that of a 64-bit kernel, but for its ends, of which every bit counts.
const PROBED: Probed = Probed {
    ram: Range {
        start: 0x9812_3456_789a_bcd7,
        bytes: 0x0000_0013_579b_df35,
    },
    low_bytes: 0x1234_5677,
    mapped: Range {
        start: 0xc000_0123_4567_89ab,
        bytes: 0x0000_00fe_dcba_9875,
    },
};

/// Like that of a 32-bit one.
const PROBED32: Probed = Probed {
    ram: Range { start: 0, bytes: 0 },
    mapped: Range {
        start: 0xc000_0000,
        bytes: 0x3579_bdf1,
    },
    ..PROBED
};

/// The same with structure offsets like those of a 64-bit build.
pub(crate) const RUNTIME64: Runtime = Runtime {
    array_max_entries: 24,
    array_ptrs: 320,
    prog_bpf_func: 48,
    probed: PROBED,
    ..RUNTIME
};

/// The kernel that is not there, of this width, which counts these tail calls.
pub(crate) const fn runtime(width: Width, counted: Counted) -> Runtime {
    let runtime = match width {
        Width::W32 => RUNTIME,
        Width::W64 => RUNTIME64,
    };
    Runtime { counted, ..runtime }
}

/// An arena like those of a 64-bit kernel: in its vmalloc space, and of a process.
pub(crate) const ARENA: Arena = Arena {
    kernel_base: 0xc000_0012_3456_8000,
    user_base: 0x0000_00fe_dcba_0000,
};

/// `u64 f(u64, u64, u32, u64, u64, s8, u64, u32, u64, u64, s16)`
const MANY_ARGUMENTS: Function = {
    const fn value(bytes: u8, signed: bool) -> Value {
        Value { bytes, signed }
    }
    const U64: Value = value(8, false);
    Function {
        slot: 5,
        address: 0xffff_ffff_8020_8004,
        arguments: [
            U64,
            U64,
            value(4, false),
            U64,
            U64,
            value(1, true),
            U64,
            value(4, false),
            U64,
            U64,
            value(2, true),
            value(0, false),
        ],
        result: U64,
        takes_stack_pointer: false,
    }
};

/// Kernel functions for calls in the first slots of a program, of many types: `void f()`, `u64 f(s8, u8,
/// s16, u16, s32)`, `u32 f(u32, u64, u32)`, `s32 f(void *, s32)` and `bool f(u64)`, the last two of which
/// are far away; and one of many arguments.
pub(crate) const FUNCTIONS: [Function; 6] = {
    const fn value(bytes: u8, signed: bool) -> Value {
        Value { bytes, signed }
    }
    const NONE: Value = value(0, false);
    const U64: Value = value(8, false);
    const fn function(slot: u32, address: u64, first: [Value; 5], result: Value) -> Function {
        let mut arguments = [NONE; ARGUMENTS];
        let mut index = 0;
        while index < first.len() {
            arguments[index] = first[index];
            index += 1;
        }
        Function {
            slot,
            address,
            arguments,
            result,
            takes_stack_pointer: false,
        }
    }
    [
        function(0, 0xffff_ffff_8020_0000, [NONE; 5], NONE),
        function(
            1,
            0xffff_ffff_8020_8004,
            [
                value(1, true),
                value(1, false),
                value(2, true),
                value(2, false),
                value(4, true),
            ],
            U64,
        ),
        function(
            2,
            0xffff_ffff_c001_2340,
            [value(4, false), U64, value(4, false), NONE, NONE],
            value(4, false),
        ),
        function(
            3,
            0xc000_0000_0012_3456 & !3,
            [U64, value(4, true), NONE, NONE, NONE],
            value(4, true),
        ),
        function(
            4,
            0xc000_0012_0000_8000,
            [U64, NONE, NONE, NONE, NONE],
            value(1, false),
        ),
        MANY_ARGUMENTS,
    ]
};

/// How to compile a program, beyond the program itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options<'a> {
    /// Which function of a program it is.
    pub(crate) role: Role,
    /// How it is called besides as others are.
    pub(crate) linkage: Linkage,
    /// Its functions make tail calls.
    pub(crate) reaches_tail_calls: bool,
    /// An exception callback may take its place.
    pub(crate) is_boundary: bool,
    /// R10, if each processor has a stack for the program.
    pub(crate) private_stack: Option<u64>,
    /// Bytes of BPF stack.
    pub(crate) stack_depth: u32,
    /// The program has explicit zero-extensions where 32-bit results need them.
    pub(crate) verifier_zext: bool,
    /// Lend memory for the optional analyses.
    pub(crate) facts: bool,
    /// Which of those about words to do.
    pub(crate) analyses: Analyses,
    /// Where the image will stand.
    pub(crate) address: u32,
    /// The kernel around it.
    pub(crate) runtime: Runtime,
    /// The program's arena.
    pub(crate) arena: Option<Arena>,
    /// The kernel functions that it calls.
    pub(crate) functions: &'a [Function],
    /// Helpers of which is known what they take and give.
    pub(crate) helpers: Helpers,
    /// Fill delay slots from above.
    pub(crate) fills_slots: bool,
    /// Compute from what was copied, not from the copy.
    pub(crate) forwards_copies: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            role: Role::Whole,
            linkage: Linkage::default(),
            reaches_tail_calls: false,
            is_boundary: false,
            private_stack: None,
            stack_depth: 512,
            verifier_zext: false,
            facts: true,
            analyses: Analyses::ALL,
            // In vmalloc space, as module_alloc() has it.
            address: 0xc004_0000,
            runtime: RUNTIME,
            arena: Some(ARENA),
            functions: &FUNCTIONS,
            helpers: Helpers::NONE,
            fills_slots: false,
            forwards_copies: false,
        }
    }
}

impl<'a> Options<'a> {
    /// The program as the core gets it.
    fn program(&self, insns: &'a [Raw], cpu: &Cpu) -> Program<'a> {
        Program {
            insns,
            dialect: Dialect {
                helpers: self.helpers,
                ..dialect(cpu)
            },
            role: self.role,
            linkage: self.linkage,
            stack_depth: self.stack_depth,
            reaches_tail_calls: self.reaches_tail_calls,
            is_boundary: self.is_boundary,
            private_stack: self.private_stack,
            verifier_zext: self.verifier_zext,
            arena: self.arena,
            functions: self.functions,
            analyses: self.analyses,
            fills_slots: self.fills_slots,
            forwards_copies: self.forwards_copies,
        }
    }

    /// The usual ones, for tests that want every instruction's code whether anybody reads its result or not.
    pub(crate) fn plain() -> Self {
        Options {
            analyses: Analyses::NONE,
            ..Options::default()
        }
    }
}

/// A 32-bit CPU without barriers.
pub(crate) const fn cpu(endian: Endian, release: Release) -> Cpu {
    Cpu {
        width: Width::W32,
        endian,
        release,
        barriers: Barriers::NONE,
    }
}

/// A 64-bit CPU without barriers.
pub(crate) const fn cpu64(endian: Endian, release: Release) -> Cpu {
    Cpu {
        width: Width::W64,
        ..cpu(endian, release)
    }
}

/// What raw instructions look like on a CPU, in the kernel that is not there.
pub(crate) const fn dialect(cpu: &Cpu) -> Dialect {
    Dialect {
        endian: cpu.endian,
        ax: AX,
        parameters: Some(PARAMETERS),
        width: cpu.width,
        timed_may_goto: Some(TIMED_MAY_GOTO),
        helpers: Helpers::NONE,
    }
}
