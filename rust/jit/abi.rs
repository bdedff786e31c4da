// SPDX-License-Identifier: GPL-2.0

//! Calling conventions: which native registers hold BPF registers, and what a stack frame looks
//! like.
//!
//! Register roles stand here and nowhere else. [`Abi`] is the whole difference between 32-bit
//! kernels, [`O32`], and 64-bit ones, [`N64`]: whatever else the core has is the same for both, or
//! one of the two sets of lowerings behind [`Abi::lower`]. Only one is compiled into a kernel.

pub(crate) mod frame;
pub(crate) mod n64;
pub(crate) mod o32;
mod shape;
pub(crate) mod site;
pub(crate) mod unwind;

use crate::jit::analysis::Words;
use crate::jit::asm::Block;
use crate::jit::bpf;
use crate::jit::lower::Lowering;
use crate::jit::mips::{Endian, Insn, Reg, RegMask, Simm16, Width};
use crate::jit::runtime::Processors;

pub(crate) use frame::{ArgumentPlace, Frame};
pub(crate) use n64::N64;
pub(crate) use o32::O32;
pub(crate) use shape::{Linkage, Role, Shape};

/// Words of a program's image before its entry for C code, which is `prog->bpf_func`: a tail call enters
/// at the first.
pub(crate) const TAIL_ENTRY: u32 = 1;

/// Temporaries of a lowering, o32 and n64: what is in them is nobody's behind it.
pub(crate) const TEMPORARIES: RegMask = RegMask::of(Reg::T6)
    .with(Reg::T7)
    .with(Reg::T8)
    .with(Reg::T9);

/// A calling convention.
pub(crate) trait Abi: Copy + core::fmt::Debug + Sized {
    /// How wide native registers are.
    const WIDTH: Width;

    /// Bytes of a native register on the stack.
    const REGISTER: u32;

    /// Stack frames are aligned to this many bytes.
    const STACK_ALIGNMENT: u32;

    /// Bytes that a caller reserves for the callee, above the callee's frame.
    const HOME_AREA: u32;

    /// Bytes that a call takes at the lower end of the frame.
    const OUTGOING: u32;

    /// Registers of arguments beyond five, in their order; others are on the stack.
    const ARGUMENTS: RegMask;

    /// Bytes of a frame that [`Abi::keep_count`] takes, a multiple of eight; 0 if tail calls are
    /// counted outside of it.
    const COUNT_SIZE: u32;

    /// Distance of a function's entry for its program from the start of its image, in words: C code
    /// enters there.
    const SUBPROGRAM_ENTRY: u32;

    /// The register that holds the address of the program's arena; `$zero` if there are none.
    const ARENA: Reg;

    /// The native registers that hold a BPF register.
    fn registers(endian: Endian, reg: bpf::Reg) -> RegMask;

    /// Those of them that hold these words.
    fn words(endian: Endian, reg: bpf::Reg, words: Words) -> RegMask;

    /// What makes R1 the context that C code passes, as far as these words of it are read.
    fn enter(endian: Endian, context: Words) -> [Option<Insn>; 2];

    /// Whether the first of these changes nothing where R1 is the context already.
    fn repeats_enter(endian: Endian) -> bool;

    /// No tail calls yet: what is at this offset from sp in the frame.
    fn clear_count(at: Simm16) -> Insn;

    /// What only C code's entry to a function does: the arguments go where programs have them.
    fn enter_subprogram(asm: &mut Block, endian: Endian) -> Option<()>;

    /// Keeps what the entries leave of the count of tail calls, at this offset from sp.
    fn keep_count(asm: &mut Block, at: Simm16) -> Option<()>;

    /// R0's low word becomes the result of the function.
    fn finish(asm: &mut Block, endian: Endian);

    /// Stores a whole register.
    fn store(reg: Reg, offset: Simm16, base: Reg) -> Insn;

    /// Loads a whole register.
    fn load(reg: Reg, offset: Simm16, base: Reg) -> Insn;

    /// `rd = rs + imm` of addresses.
    fn add(rd: Reg, rs: Reg, imm: Simm16) -> Insn;

    /// The native register that holds an address which a BPF register has.
    fn address(endian: Endian, reg: bpf::Reg) -> Reg;

    /// `rd = this_cpu_ptr(rs)`: `rs + __per_cpu_offset[raw_smp_processor_id()]`, where there are several.
    fn this_cpu(asm: &mut Block, rd: Reg, rs: Reg, processors: Option<Processors>) -> Option<()>;

    /// `rd = address`
    fn load_address(asm: &mut Block, rd: Reg, address: u64);

    /// What a BPF instruction becomes. None if an operand does not fit its field.
    fn lower(lowering: &mut Lowering<'_, Self>, insn: &bpf::Insn) -> Option<()>;
}
