// SPDX-License-Identifier: GPL-2.0

//! What the two calling conventions have to do, each in its way.

use crate::jit::abi::Abi;
use crate::jit::asm::{Block, Label};
use crate::jit::bpf;
use crate::jit::mips::{Endian, Insn, Reg, Shift5, Uimm16};
use crate::jit::runtime::Value;

/// For what has no register.
pub(super) const TEMPORARY: Reg = Reg::T8;

/// Where a C function's arguments are.
pub(crate) struct Places {
    /// The next one is in this register or, behind those, in this word or doubleword of the stack.
    pub(super) next: u32,
    /// How far up the caller's frame begins.
    pub(super) size: u32,
}

impl Places {
    pub(super) fn take(&mut self) -> u32 {
        let place = self.next;
        self.next = place.wrapping_add(1);
        place
    }
}

/// How a calling convention passes values.
pub(crate) trait Convention: Abi {
    /// Bytes at the lower end of the frame for calls of up to three arguments, of which the second
    /// may have 64 bits.
    const CALL_AREA: u32;

    /// `*(u64 *)(sp + at) = value`
    fn store_constant(asm: &mut Block, endian: Endian, at: u32, value: u64) -> Option<()>;

    /// Saves all of a BPF register.
    fn save(asm: &mut Block, endian: Endian, reg: bpf::Reg, at: u32) -> Option<()>;

    /// Loads it back.
    fn take_back(asm: &mut Block, endian: Endian, reg: bpf::Reg, at: u32) -> Option<()>;

    /// `*(u64 *)(sp + at)` = an argument of a C function, extended from its type. None if it is not known
    /// where such a value is.
    fn save_argument(
        asm: &mut Block,
        endian: Endian,
        places: &mut Places,
        value: Value,
        at: u32,
    ) -> Option<()>;

    /// `rd = address`
    fn load_pointer(asm: &mut Block, rd: Reg, address: u64);

    /// The same, in as many instructions for all of them.
    fn load_pointer_fixed(asm: &mut Block, rd: Reg, address: u64);

    /// Keeps the 64-bit result of a C function, and branches if it is 0.
    fn keep_start(asm: &mut Block, at: u32, none: Label, slot: Insn) -> Option<()>;

    /// Passes it on as the second argument, and with it the third, an address in the frame.
    fn pass_start(asm: &mut Block, at: u32, third: u32) -> Option<()>;

    /// Keeps the registers of a function's result.
    fn keep_result(asm: &mut Block, at: u32) -> Option<()>;

    /// Loads them back.
    fn take_back_result(asm: &mut Block, at: u32) -> Option<()>;

    /// `*(u64 *)(sp + at)` = the result, extended from its type: what is returned is a word, or all of
    /// R0. None if a value of this size is not returned in registers.
    fn save_result(
        asm: &mut Block,
        endian: Endian,
        is_word: bool,
        value: Value,
        at: u32,
    ) -> Option<()>;

    /// The result of the trampoline as C wants it.
    fn return_result(asm: &mut Block, endian: Endian, value: Value, at: u32) -> Option<()>;

    /// Keeps what says how many tail calls were made, if it is in a register.
    fn keep_tail_calls(asm: &mut Block, at: u32) -> Option<()>;

    /// Loads it back.
    fn take_back_tail_calls(asm: &mut Block, at: u32) -> Option<()>;

    /// If it is in the caller's frame, which is `size` bytes above, copies it to where a function that is
    /// called has it.
    fn lend_tail_calls(asm: &mut Block, size: u32) -> Option<()>;

    /// Copies it back.
    fn return_tail_calls(asm: &mut Block, size: u32) -> Option<()>;
}

/// `rd` = a value of less than a word, extended as its type says, from the low bits of `rs`; o32 and n64
/// alike, since the instructions are those of words. A word is copied.
pub(super) fn extend(asm: &mut Block, rd: Reg, rs: Reg, value: Value) -> Option<()> {
    match (value.bytes, value.signed) {
        (1, false) => asm.andi(rd, rs, Uimm16::low_half(0xff)),
        (2, false) => asm.andi(rd, rs, Uimm16::low_half(0xffff)),
        (1 | 2, true) => {
            let above = Shift5::masked(32u32.wrapping_sub(u32::from(value.bytes).wrapping_mul(8)));
            asm.sll(rd, rs, above);
            asm.sra(rd, rd, above);
        }
        (4, _) => asm.sll(rd, rs, Shift5::masked(0)),
        _ => return None,
    }
    Some(())
}
