// SPDX-License-Identifier: GPL-2.0

//! Instructions to build test programs of: constructors, and the lists of what there is.

// The tools use what they need.
#![allow(dead_code)]

use crate::host::{AX, PARAMETERS};
use crate::model::bpf::fields::{class, Fields};

/// The frame pointer's number.
pub(super) const R10: u8 = 10;

/// Bit S of the opcode: the source is a register.
pub(super) const X: u8 = 8;

/// Sizes of loads and stores: bits of the opcode, and bytes.
pub(super) const SIZES: [(u8, u8); 4] = [(0x10, 1), (0x08, 2), (W, 4), (DW, 8)];
pub(super) const W: u8 = 0x00;
pub(super) const DW: u8 = 0x18;

/// Binary operations except MOV: name, bits of the opcode, offset.
pub(super) const BINARY: [(&str, u8, i16); 13] = [
    ("add", 0x00, 0),
    ("sub", 0x10, 0),
    ("mul", 0x20, 0),
    ("div", DIV, 0),
    ("sdiv", DIV, 1),
    ("or", OR, 0),
    ("and", 0x50, 0),
    ("lsh", LSH, 0),
    ("rsh", RSH, 0),
    ("mod", MOD, 0),
    ("smod", MOD, 1),
    ("xor", 0xa0, 0),
    ("arsh", ARSH, 0),
];
pub(super) const ADD: u8 = 0x00;
pub(super) const DIV: u8 = 0x30;
pub(super) const OR: u8 = 0x40;
pub(super) const AND: u8 = 0x50;
pub(super) const LSH: u8 = 0x60;
pub(super) const RSH: u8 = 0x70;
pub(super) const ARSH: u8 = 0xc0;
pub(super) const MOD: u8 = 0x90;
pub(super) const NEG: u8 = 0x80;
pub(super) const MOV: u8 = 0xb0;
pub(super) const END: u8 = 0xd0;

/// Conditions: name, bits of the opcode.
pub(super) const CONDITIONS: [(&str, u8); 11] = [
    ("jeq", 0x10),
    ("jne", 0x50),
    ("jgt", 0x20),
    ("jge", 0x30),
    ("jlt", 0xa0),
    ("jle", 0xb0),
    ("jsgt", 0x60),
    ("jsge", 0x70),
    ("jslt", 0xc0),
    ("jsle", 0xd0),
    ("jset", 0x40),
];

/// Atomic operations: name, immediate.
pub(super) const ATOMICS: [(&str, i32); 10] = [
    ("add", 0x00),
    ("or", 0x40),
    ("and", 0x50),
    ("xor", 0xa0),
    ("fetch_add", 0x01),
    ("fetch_or", 0x41),
    ("fetch_and", 0x51),
    ("fetch_xor", 0xa1),
    ("xchg", 0xe1),
    ("cmpxchg", CMPXCHG),
];
/// Set in those that fetch.
pub(super) const FETCH: i32 = 0x01;
pub(super) const CMPXCHG: i32 = 0xf1;
pub(super) const LOAD_ACQUIRE: i32 = 0x100;
pub(super) const STORE_RELEASE: i32 = 0x110;

/// Widths: name, class of arithmetic, class of jumps.
pub(super) const WIDTHS: [(&str, u8, u8); 2] = [
    ("32", class::ALU, class::JMP32),
    ("64", class::ALU64, class::JMP),
];

pub(super) fn insn(opcode: u8, dst: u8, src: u8, offset: i16, immediate: i32) -> Fields {
    Fields {
        opcode,
        dst,
        src,
        offset,
        immediate,
    }
}

/// `dst = src`
pub(super) fn mov(dst: u8, src: u8) -> Fields {
    insn(class::ALU64 | MOV | X, dst, src, 0, 0)
}

/// `dst = value`
pub(super) fn mov_imm(dst: u8, value: i32) -> Fields {
    insn(class::ALU64 | MOV, dst, 0, 0, value)
}

/// `dst += value`
pub(super) fn add_imm(dst: u8, value: i32) -> Fields {
    insn(class::ALU64 | ADD, dst, 0, 0, value)
}

/// `dst = (u32) dst`, as the verifier inserts it
pub(super) fn zero_extend(dst: u8) -> Fields {
    insn(class::ALU | MOV | X, dst, dst, 0, 1)
}

/// `dst = value`, in two slots
pub(super) fn load_imm64(dst: u8, value: u64) -> [Fields; 2] {
    [
        insn(class::LD | DW, dst, 0, 0, value as i32),
        insn(0, 0, 0, 0, (value >> 32) as i32),
    ]
}

/// `dst = *(size *)(src + offset)`
pub(super) fn load(size: u8, dst: u8, src: u8, offset: i16) -> Fields {
    insn(class::LDX | 0x60 | size, dst, src, offset, 0)
}

/// `dst = *(signed size *)(src + offset)`
pub(super) fn load_signed(size: u8, dst: u8, src: u8, offset: i16) -> Fields {
    insn(class::LDX | 0x80 | size, dst, src, offset, 0)
}

/// `*(size *)(dst + offset) = src`
pub(super) fn store(size: u8, dst: u8, offset: i16, src: u8) -> Fields {
    insn(class::STX | 0x60 | size, dst, src, offset, 0)
}

/// `*(size *)(dst + offset) = value`
pub(super) fn store_imm(size: u8, dst: u8, offset: i16, value: i32) -> Fields {
    insn(class::ST | 0x60 | size, dst, 0, offset, value)
}

/// `*(u64 *)(r11 - 8 * (index + 1)) = src`: an argument beyond five of the next call
pub(super) fn store_argument(index: i16, src: u8) -> Fields {
    store(DW, PARAMETERS, -8 * (index + 1), src)
}

/// The same of an immediate
pub(super) fn store_argument_imm(index: i16, value: i32) -> Fields {
    store_imm(DW, PARAMETERS, -8 * (index + 1), value)
}

/// `dst = *(u64 *)(r11 + 8 * (index + 1))`
pub(super) fn load_argument(dst: u8, index: i16) -> Fields {
    load(DW, dst, PARAMETERS, 8 * (index + 1))
}

/// Modes of loads from where there may be no memory: of any, and of an arena's.
pub(super) const PROBE_MEM: u8 = 0x20;
pub(super) const PROBE_MEM_SIGNED: u8 = 0x40;
pub(super) const PROBE_ARENA: u8 = 0xa0;
pub(super) const PROBE_ARENA_SIGNED: u8 = 0xc0;

/// The mode of atomic operations on an arena.
pub(super) const PROBE_ATOMIC: u8 = 0xe0;

/// The same load, store or atomic operation in another mode.
pub(super) fn in_mode(insn: Fields, mode: u8) -> Fields {
    Fields {
        opcode: insn.opcode & 0x1f | mode,
        ..insn
    }
}

/// Offset and immediate of a cast to user space.
pub(super) const CAST_OFFSET: i16 = 1;
pub(super) const CAST_TO_USER: i32 = 1 << 16;

/// `dst = (user) src`, pointers into an arena
pub(super) fn cast_to_user(dst: u8, src: u8) -> Fields {
    insn(class::ALU64 | MOV | X, dst, src, CAST_OFFSET, CAST_TO_USER)
}

/// `dst = this_cpu_ptr(src)`
pub(super) fn this_cpu(dst: u8, src: u8) -> Fields {
    insn(class::ALU64 | MOV | X, dst, src, -1, 0)
}

/// `goto *dst`
pub(super) fn jump_indirect(dst: u8) -> Fields {
    insn(class::JMP | X, dst, 0, 0, 0)
}

/// Call of a C function of the kernel's: who runs the program knows which has this number
pub(super) fn call_function(number: i32) -> Fields {
    insn(CALL, 0, C_FUNCTION, 0, number)
}

/// Source field of such a call.
pub(super) const C_FUNCTION: u8 = 2;

/// An atomic operation
pub(super) fn atomic(size: u8, dst: u8, offset: i16, src: u8, operation: i32) -> Fields {
    insn(class::STX | 0xc0 | size, dst, src, offset, operation)
}

/// Opcode of the barrier against speculation.
pub(super) const NOSPEC: u8 = 0xc2;

/// Opcode of a call.
pub(super) const CALL: u8 = class::JMP | 0x80;

/// Call of the helper at `__bpf_call_base + offset`
pub(super) fn call_offset(offset: i32) -> Fields {
    insn(CALL, 0, 0, 0, offset)
}

/// Call of the program's function at `__bpf_call_base + offset`
pub(super) fn call_subprogram(offset: i32) -> Fields {
    insn(CALL, 0, 1, 0, offset)
}

/// Both slots of a load of the address of a function.
pub(super) fn load_subprogram(dst: u8) -> [Fields; 2] {
    [insn(0x18, dst, 4, 0, 0), insn(0, 0, 0, 0, 0)]
}

pub(super) fn goto(distance: i16) -> Fields {
    insn(class::JMP, 0, 0, distance, 0)
}

/// `gotol`
pub(super) fn goto_long(distance: i32) -> Fields {
    insn(class::JMP32, 0, 0, 0, distance)
}

pub(super) fn exit() -> Fields {
    insn(class::JMP | 0x90, 0, 0, 0, 0)
}

pub(super) fn tail_call() -> Fields {
    insn(class::JMP | 0xf0, 0, 0, 0, 0)
}

/// The register of which the instruction defines the low word, if it does so.
pub(super) fn word_defined(insn: &Fields) -> Option<u8> {
    let is_word = insn.opcode & 0x18 == W;
    match insn.class() {
        class::ALU if insn.operation() == END && insn.immediate == 64 => None,
        class::ALU if *insn == zero_extend(insn.dst) => None,
        class::ALU => Some(insn.dst),
        class::ALU64 if insn.operation() == END && insn.immediate != 64 => Some(insn.dst),
        class::LDX if is_unsigned(insn) && insn.size() != 8 => Some(insn.dst),
        class::STX if matches!(insn.mode(), 0xc0 | PROBE_ATOMIC) => match insn.immediate {
            LOAD_ACQUIRE => Some(insn.dst),
            CMPXCHG if is_word => Some(0),
            operation if is_word && operation & 1 != 0 => Some(insn.src),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a load is one that does not sign-extend.
fn is_unsigned(insn: &Fields) -> bool {
    matches!(insn.mode(), 0x60 | PROBE_MEM | PROBE_ARENA)
}

/// Numbers of the registers that programs may write: R0 to R9, and the auxiliary one.
pub(super) const WRITABLE: [u8; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, AX];
