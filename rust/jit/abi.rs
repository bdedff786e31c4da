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

use crate::jit::asm::Block;
use crate::jit::bpf;
use crate::jit::lower::Lowering;
use crate::jit::mips::{Endian, Insn, Reg, RegMask, Simm16, Width};
use crate::jit::runtime::Processors;

pub(crate) use frame::{ArgumentPlace, Frame};
pub(crate) use n64::N64;
pub(crate) use o32::O32;
pub(crate) use shape::{Linkage, Role, Shape};

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

    /// Distance of the tail-call entry from the start of the image, in words: what the normal entry
    /// does, and a tail call must not do again.
    fn tail_entry(endian: Endian) -> u32;

    /// What only the normal entry does: no tail calls yet; R1 is the context.
    fn enter(asm: &mut Block, endian: Endian);

    /// The same of an extension, which is entered as what it takes the place of goes on. It is as long.
    fn enter_extension(asm: &mut Block, endian: Endian);

    /// The last instruction of either, which no other entry executes.
    fn last_of_entry(endian: Endian, extends: bool) -> Insn;

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
