// SPDX-License-Identifier: GPL-2.0

//! What compiled code needs to know of the kernel around it: addresses to call and offsets to
//! load from.
//!
//! The glue fills this in from the running kernel; host tests fill in addresses of their own. The
//! core never asks where a number came from.

/// Addresses of kernel functions and offsets of structure fields that images refer to.
///
/// An address is a word: in 64-bit kernels it is sign-extended, as `-msym32` has it.
///
/// Only lowerings to register pairs call the functions for division and atomic operations; 64-bit
/// kernels do not have them. They follow the o32 calling convention: `s64` and `u64` values travel
/// in register pairs in memory order, as the MIPS ABI supplement (chapter 3) has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runtime {
    /// Address of `__bpf_call_base`, to which the immediate of a helper call is relative
    /// (`kernel/bpf/core.c`).
    pub(crate) call_base: u32,
    /// `u64 (u64 dividend, u64 divisor)`: the quotient, 0 where the divisor is 0.
    pub(crate) div64: u32,
    /// `u64 (u64 dividend, u64 divisor)`: the remainder, the dividend where the divisor is 0.
    pub(crate) mod64: u32,
    /// `s64 (s64 dividend, s64 divisor)`: the quotient truncated towards zero, 0 where the divisor
    /// is 0.
    pub(crate) sdiv64: u32,
    /// `s64 (s64 dividend, s64 divisor)`: the remainder, with the sign of the dividend, which it is
    /// where the divisor is 0.
    pub(crate) smod64: u32,
    /// The `atomic64_t` operations of `include/linux/atomic.h`.
    pub(crate) atomic64: Atomic64,
    /// `offsetof(struct bpf_array, map.max_entries)`, in bytes.
    pub(crate) array_max_entries: u32,
    /// `offsetof(struct bpf_array, ptrs)`, in bytes.
    pub(crate) array_ptrs: u32,
    /// `offsetof(struct bpf_prog, bpf_func)`, in bytes.
    pub(crate) prog_bpf_func: u32,
    /// `MAX_TAIL_CALL_CNT` (`include/linux/bpf.h`).
    pub(crate) max_tail_calls: u32,
    /// Which tail calls this limit is for.
    pub(crate) counted: Counted,
    /// `u64 bpf_check_timed_may_goto(struct bpf_timed_may_goto *)` (`kernel/bpf/core.c`), in kernels that
    /// have it.
    pub(crate) check_time: u32,
    /// `offsetof(struct thread_info, task)`, in bytes.
    pub(crate) thread_task: u32,
    /// How the kernel tells its processors apart, if it is for several.
    pub(crate) processors: Option<Processors>,
    /// Where a load through a pointer that may be anything is made.
    pub(crate) probed: Probed,
}

/// How a kernel for several processors (`CONFIG_SMP`) tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Processors {
    /// `offsetof(struct thread_info, cpu)`, in bytes.
    pub(crate) number: u32,
    /// Address of `__per_cpu_offset`: for each processor how far what it has of its own is from the address
    /// that all have for it.
    pub(crate) offsets: u32,
}

/// `MAX_ERRNO` (`include/linux/err.h`): pointers as far from the end of the address space as this are
/// none, but error numbers.
pub(crate) const MAX_ERRNO: i16 = 4095;

/// Addresses from a first one up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// Where a load cannot be an oops: either there is RAM, or a page that is missing is a TLB fault, which
/// finds the program's exception table. All other addresses raise address errors or bus errors, of which
/// `do_ade()` and `do_be()` (`arch/mips/kernel/`) make an oops whatever that table has.
///
/// ```text
/// direct map     XKPHYS     RAM      ram
/// vmalloc        XKSEG      mapped   mapped
/// kernel image   CKSEG0     RAM      the first low_bytes of 512 MiB
/// modules        CKSSEG, 3  mapped   all but error pointers
/// ```
///
/// A 32-bit kernel has RAM in KSEG0 and, for devices that do not look into caches, the same in KSEG1; and
/// what is mapped in KSSEG and KSEG3, from their start up.
///
/// The kernel emulates unaligned accesses: behind the last byte of RAM there may be nothing, so all bytes
/// of an access must be in it. Behind what is mapped comes more of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    /// RAM in XKPHYS; of 64-bit kernels.
    pub(crate) ram: Range,
    /// RAM in CKSEG0, or KSEG0 and KSEG1, which is the lowest: at most 512 MiB.
    pub(crate) low_bytes: u32,
    /// The part of XKSEG, or of KSSEG and KSEG3, that the kernel's page tables are for.
    pub(crate) mapped: Range,
}

/// The most arguments that a function can have (`MAX_BPF_FUNC_ARGS`, `include/linux/bpf.h`).
pub(crate) const ARGUMENTS: usize = 12;

/// How many of them BPF registers hold (`MAX_BPF_FUNC_REG_ARGS`).
pub(crate) const REGISTER_ARGUMENTS: usize = 5;

/// A value as a C function takes or returns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Value {
    /// 1, 2, 4 or 8; 0 if there is none.
    pub(crate) bytes: u8,
    pub(crate) signed: bool,
}

/// A kernel function (kfunc) that a program calls (`struct btf_func_model`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Function {
    /// Where in the program the call is.
    pub(crate) slot: u32,
    pub(crate) address: u64,
    pub(crate) arguments: [Value; ARGUMENTS],
    pub(crate) result: Value,
    /// Behind its arguments it takes the stack pointer of the program.
    pub(crate) takes_stack_pointer: bool,
}

impl Function {
    /// How many arguments it takes that are in no BPF register.
    pub(crate) fn stack_arguments(&self) -> u32 {
        let mut count = 0u32;
        for value in self.arguments.iter().skip(REGISTER_ARGUMENTS) {
            count = count.wrapping_add((value.bytes != 0).into());
        }
        count
    }
}

/// Which tail calls count towards the limit: kernels differ, each with its interpreter
/// (`___bpf_prog_run()`, `JMP_TAIL_CALL`). A call whose index is outside of the array never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Those that find a program.
    Hits,
    /// Those that find a slot, be there a program in it or not.
    Lookups,
}

impl Runtime {
    /// Nothing is anywhere.
    pub(crate) const EMPTY: Runtime = Runtime {
        call_base: 0,
        div64: 0,
        mod64: 0,
        sdiv64: 0,
        smod64: 0,
        atomic64: Atomic64 {
            add: 0,
            and: 0,
            or: 0,
            xor: 0,
            fetch_add: 0,
            fetch_and: 0,
            fetch_or: 0,
            fetch_xor: 0,
            xchg: 0,
            cmpxchg: 0,
        },
        array_max_entries: 0,
        array_ptrs: 0,
        prog_bpf_func: 0,
        max_tail_calls: 0,
        counted: Counted::Hits,
        check_time: 0,
        thread_task: 0,
        processors: None,
        probed: Probed {
            ram: Range { start: 0, bytes: 0 },
            low_bytes: 0,
            mapped: Range { start: 0, bytes: 0 },
        },
    };
}

/// Addresses of the kernel's 64-bit atomic operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Atomic64 {
    /// `void atomic64_add(s64 i, atomic64_t *v)`
    pub(crate) add: u32,
    /// `void atomic64_and(s64 i, atomic64_t *v)`
    pub(crate) and: u32,
    /// `void atomic64_or(s64 i, atomic64_t *v)`
    pub(crate) or: u32,
    /// `void atomic64_xor(s64 i, atomic64_t *v)`
    pub(crate) xor: u32,
    /// `s64 atomic64_fetch_add(s64 i, atomic64_t *v)`
    pub(crate) fetch_add: u32,
    /// `s64 atomic64_fetch_and(s64 i, atomic64_t *v)`
    pub(crate) fetch_and: u32,
    /// `s64 atomic64_fetch_or(s64 i, atomic64_t *v)`
    pub(crate) fetch_or: u32,
    /// `s64 atomic64_fetch_xor(s64 i, atomic64_t *v)`
    pub(crate) fetch_xor: u32,
    /// `s64 atomic64_xchg(atomic64_t *v, s64 new)`
    pub(crate) xchg: u32,
    /// `s64 atomic64_cmpxchg(atomic64_t *v, s64 old, s64 new)`
    pub(crate) cmpxchg: u32,
}
