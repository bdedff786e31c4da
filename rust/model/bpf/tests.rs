// SPDX-License-Identifier: GPL-2.0

//! The cases that RFC 9669 spells out, and Linux's additions.

mod linux;
mod rfc;
mod symbolic;

use super::fields::Fields;
use super::memory::{ByteOrder, Memory};
use super::*;
use crate::model::word::Bits;
use crate::model::world::Purpose;

const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];
const DATA: u32 = 0x1000;
const STACK: u32 = 0x3000;

/// A kernel with one helper, which returns the sum of its arguments, and one program array.
struct TestKernel {
    memory: Memory,
}

impl World<Bits> for TestKernel {
    fn load(&mut self, address: Bits, bytes: u32) -> Result<Bits, Fault> {
        self.memory.read(address, bytes)
    }

    fn store(&mut self, address: Bits, value: Bits) -> Result<(), Fault> {
        self.memory.write(address, value)
    }

    fn is_absent(&mut self, address: Bits, bytes: u32, purpose: Purpose) -> bool {
        let is_fixed = address.unsigned() >= linux::READ_ONLY;
        is_fixed && purpose == Purpose::Store || self.memory.read(address, bytes).is_err()
    }

    fn decide(&mut self, condition: Bits) -> bool {
        condition.unsigned() != 0
    }

    fn unknown(&mut self, width: u32) -> Bits {
        Bits::new(width, 0x5a5a_5a5a_5a5a_5a5a)
    }
}

impl Kernel<Bits> for TestKernel {
    type Program = usize;

    fn call(&mut self, offset: i32, arguments: [Option<Bits>; 5]) -> Option<Bits> {
        let sum = |sum: Bits, next: &Option<Bits>| Some(sum + (*next)?);
        arguments
            .iter()
            .try_fold(Bits::new(64, 0), sum)
            .filter(|_| offset == 7)
    }

    fn arena(&self) -> Option<Arena<Bits>> {
        let [kernel, user] = linux::ARENA.map(|address| Bits::new(64, address));
        Some(Arena { kernel, user })
    }

    fn stretches(&self) -> Vec<Stretch> {
        linux::STRETCHES.to_vec()
    }

    fn function(&self, call: &Fields) -> Option<Prototype> {
        linux::prototype(call)
    }

    /// The first argument, or ones.
    fn call_function(&mut self, call: &Fields, arguments: [Option<Bits>; ARGUMENTS]) -> Bits {
        let result = linux::prototype(call).and_then(|prototype| prototype.result);
        let width = result.map_or(64, |kind| kind.bits);
        arguments[0].map_or(Bits::new(width, u64::MAX), |value| value.resize(width))
    }

    fn program(&mut self, _: Bits, index: Bits) -> Content<usize> {
        let slots = [Content::Empty, Content::Program(0), Content::Program(1)];
        let slot = slots.get(index.unsigned() as usize);
        slot.copied().unwrap_or(Content::Outside)
    }
}

fn insn(opcode: u8, dst: u8, src: u8, offset: i16, immediate: i32) -> Fields {
    Fields {
        opcode,
        dst,
        src,
        offset,
        immediate,
    }
}

const EXIT: Fields = Fields {
    opcode: 0x95,
    dst: 0,
    src: 0,
    offset: 0,
    immediate: 0,
};

fn load(dst: u8, value: u64) -> [Fields; 2] {
    [
        insn(0x18, dst, 0, 0, value as i32),
        insn(0, 0, 0, 0, (value >> 32) as i32),
    ]
}

/// What is left when some programs, of which the first is started, have run.
struct End {
    result: Result<u64, Trap>,
    memory: Memory,
    tail_calls: u32,
}

fn run_all(order: ByteOrder, programs: &[&[Fields]]) -> End {
    run_where(order, Counted::Hits, programs)
}

fn run_where(order: ByteOrder, counted: Counted, programs: &[&[Fields]]) -> End {
    let programs: Vec<Program> = programs
        .iter()
        .map(|insns| Program {
            slots: insns.iter().map(|insn| insn.slot(order)).collect(),
            stack: STACK.into(),
            frame: 0,
        })
        .collect();
    let mut memory = Memory::new(order);
    memory.add(DATA, (0..64).collect());
    memory.add(STACK - 512, vec![0; 512]);
    let setup = Setup {
        order,
        ax: 12,
        parameters: Some(11),
        upper_half: UpperHalf::Zero,
        counted,
        is_wide: false,
    };
    let mut kernel = TestKernel { memory };
    let context = Bits::new(64, u64::from(DATA));
    let mut machine = Machine::new(setup, &mut kernel, &programs, context);
    let result = machine.run(100_000).map(Bits::unsigned);
    let tail_calls = machine.tail_calls.unsigned() as u32;
    End {
        result,
        tail_calls,
        memory: kernel.memory,
    }
}

fn run(order: ByteOrder, insns: &[Fields]) -> Result<u64, Trap> {
    run_all(order, &[insns]).result
}

/// R0 after `R0 op= R1`.
fn compute(opcode: u8, offset: i16, dst: u64, src: u64) -> u64 {
    let mut program = Vec::from(load(0, dst));
    program.extend(load(1, src));
    program.extend([insn(opcode, 0, 1, offset, 0), EXIT]);
    let results = ORDERS.map(|order| run(order, &program).unwrap());
    assert_eq!(results[0], results[1]);
    results[0]
}

const MIN64: u64 = 1 << 63;
const MIN32: u64 = 1 << 31;

#[test]
fn division_by_zero() {
    assert_eq!(compute(0x3f, 0, 5, 0), 0);
    assert_eq!(compute(0x3f, 1, 5, 0), 0);
    assert_eq!(compute(0x9f, 0, !4, 0), !4);
    assert_eq!(compute(0x9f, 1, !4, 0), !4);
    assert_eq!(compute(0x3c, 0, !4, 7 << 32), 0);
    assert_eq!(compute(0x3c, 1, !4, 7 << 32), 0);
    assert_eq!(compute(0x9c, 0, !4, 7 << 32), 0xffff_fffb);
    assert_eq!(compute(0x9c, 1, !4, 7 << 32), 0xffff_fffb);
}

#[test]
fn signed_division() {
    // Section 4.1: -13 s/ 3 = -4, -13 s% 3 = -1.
    let minus_13 = -13i64 as u64;
    assert_eq!(compute(0x3f, 1, minus_13, 3), -4i64 as u64);
    assert_eq!(compute(0x9f, 1, minus_13, 3), -1i64 as u64);
    assert_eq!(compute(0x3c, 1, minus_13, 3), 0xffff_fffc);
    assert_eq!(compute(0x9c, 1, minus_13, 3), 0xffff_ffff);
    assert_eq!(compute(0x9f, 1, 13, -3i64 as u64), 1);
    assert_eq!(compute(0x3f, 1, MIN64, !0), MIN64);
    assert_eq!(compute(0x9f, 1, MIN64, !0), 0);
    assert_eq!(compute(0x3c, 1, MIN32, !0), MIN32);
    assert_eq!(compute(0x9c, 1, MIN32, !0), 0);
}

#[test]
fn words_are_zero_extended() {
    for opcode in [0x0c, 0x1c, 0x2c, 0x4c, 0x5c, 0xac, 0xbc] {
        assert_eq!(compute(opcode, 0, !0, !0) >> 32, 0, "{opcode:#x}");
    }
}

#[test]
fn shift_amounts_are_masked() {
    assert_eq!(compute(0x6f, 0, 1, 65), 2);
    assert_eq!(compute(0x7f, 0, MIN64, 127), 1);
    assert_eq!(compute(0xcf, 0, MIN64, 127), !0);
    assert_eq!(compute(0x6c, 0, 1, 33), 2);
    assert_eq!(compute(0x7c, 0, MIN32, 63), 1);
    assert_eq!(compute(0xcc, 0, MIN32, 63), 0xffff_ffff);
}

#[test]
fn moves() {
    assert_eq!(compute(0xbf, 0, 0, !0), !0);
    assert_eq!(compute(0xbf, 8, 0, 0x80), !0x7f);
    assert_eq!(compute(0xbf, 16, 0, 0x8000), !0x7fff);
    assert_eq!(compute(0xbf, 32, 0, MIN32), !0x7fff_ffff);
    assert_eq!(compute(0xbc, 8, 0, 0x80), 0xffff_ff80);
    assert_eq!(compute(0xbc, 16, 0, 0x8000), 0xffff_8000);
    assert_eq!(
        run(ByteOrder::Little, &[insn(0xbf, 0, 5, 0, 0), EXIT]),
        Err(Trap::Undefined)
    );
    let bad = [insn(0xbc, 0, 1, 32, 0), EXIT];
    assert_eq!(run(ByteOrder::Little, &bad), Err(Trap::BadInstruction));
}

#[test]
fn immediates_are_sign_extended() {
    for order in ORDERS {
        let r0 = |insns: &[Fields]| run(order, insns).unwrap();
        assert_eq!(r0(&[insn(0xb7, 0, 0, 0, -1), EXIT]), !0);
        assert_eq!(r0(&[insn(0xb4, 0, 0, 0, -1), EXIT]), 0xffff_ffff);
        let [a, b] = load(0, 0x8877_6655_4433_2211);
        assert_eq!(r0(&[a, b, EXIT]), 0x8877_6655_4433_2211);
    }
}

#[test]
fn byte_swaps() {
    let value = 0x0102_0304_0506_0708;
    let swap = |order, opcode, bits| {
        let [a, b] = load(0, value);
        run(order, &[a, b, insn(opcode, 0, 0, 0, bits), EXIT]).unwrap()
    };
    let (le, be, bswap) = (0xd4, 0xdc, 0xd7);
    for (order, keeps, swaps) in [(ByteOrder::Little, le, be), (ByteOrder::Big, be, le)] {
        assert_eq!(swap(order, keeps, 16), 0x0708);
        assert_eq!(swap(order, keeps, 32), 0x0506_0708);
        assert_eq!(swap(order, keeps, 64), value);
        for opcode in [swaps, bswap] {
            assert_eq!(swap(order, opcode, 16), 0x0807);
            assert_eq!(swap(order, opcode, 32), 0x0807_0605);
            assert_eq!(swap(order, opcode, 64), 0x0807_0605_0403_0201);
        }
    }
}

#[test]
fn loads_and_stores() {
    let load = |order, opcode| run(order, &[insn(opcode, 0, 1, 8, 0), EXIT]).unwrap();
    assert_eq!(load(ByteOrder::Little, 0x79), 0x0f0e_0d0c_0b0a_0908);
    assert_eq!(load(ByteOrder::Big, 0x79), 0x0809_0a0b_0c0d_0e0f);
    assert_eq!(load(ByteOrder::Little, 0x61), 0x0b0a_0908);
    assert_eq!(load(ByteOrder::Big, 0x69), 0x0809);
    assert_eq!(load(ByteOrder::Big, 0x71), 8);
    for order in ORDERS {
        // *(u64 *)(r1 + 0) = -2; r0 = *(s8, s16 or s32 *)(r1 + 0)
        for opcode in [0x91, 0x89, 0x81] {
            let program = [
                insn(0x7a, 1, 0, 0, 0x7fff_8080_u32 as i32 | i32::MIN),
                insn(opcode, 0, 1, 4 * i16::from(order == ByteOrder::Big), 0),
                EXIT,
            ];
            assert!((run(order, &program).unwrap() as i64) < 0, "{opcode:#x}");
        }
        let outside = [insn(0x61, 0, 1, 62, 0), EXIT];
        assert!(matches!(run(order, &outside), Err(Trap::Memory(_))));
    }
}

/// R0, and the doubleword in memory, after an atomic operation between 5 and R2 = 9 with R0 = 5.
fn atomic(order: ByteOrder, opcode: u8, operation: i32) -> (u64, u64, u64) {
    let program = [
        insn(0x7a, 1, 0, 0, 0),
        insn(if opcode == 0xdb { 0x7a } else { 0x62 }, 1, 0, 0, 5),
        insn(0xb7, 0, 0, 0, 5),
        insn(0xb7, 2, 0, 0, 9),
        insn(opcode, 1, 2, 0, operation),
        // The source goes to the stack.
        insn(0x7b, 10, 2, -8, 0),
        EXIT,
    ];
    let mut end = run_all(order, &[&program]);
    let size = if opcode == 0xdb { 8 } else { 4 };
    (
        end.result.unwrap(),
        end.memory.load(STACK - 8, 8).unwrap(),
        end.memory.load(DATA, size).unwrap(),
    )
}

#[test]
fn atomic_operations() {
    for (order, opcode) in ORDERS.iter().flat_map(|&o| [(o, 0xc3), (o, 0xdb)]) {
        assert_eq!(atomic(order, opcode, 0x00), (5, 9, 14));
        assert_eq!(atomic(order, opcode, 0x40), (5, 9, 13));
        assert_eq!(atomic(order, opcode, 0x50), (5, 9, 1));
        assert_eq!(atomic(order, opcode, 0xa0), (5, 9, 12));
        assert_eq!(atomic(order, opcode, 0x01), (5, 5, 14));
        assert_eq!(atomic(order, opcode, 0xe1), (5, 5, 9));
        assert_eq!(atomic(order, opcode, 0xf1), (5, 9, 9));
    }
}

#[test]
fn jumps() {
    for order in ORDERS {
        // r0 = 1; gotol +1; r0 = 2; goto +0; exit
        let mov = |value| insn(0xb7, 0, 0, 0, value);
        let over = [insn(0x06, 0, 0, 0, 1), insn(0x05, 0, 0, 1, 0)];
        for jump in over {
            let program = [mov(1), jump, mov(2), insn(0x05, 0, 0, 0, 0), EXIT];
            assert_eq!(run(order, &program), Ok(1));
        }
        // r0 = -1: signed less than 1, but not unsigned; words likewise.
        for (opcode, taken) in [(0xc5, true), (0xa5, false), (0xc6, true), (0xa6, false)] {
            let program = [mov(-1), insn(opcode, 0, 0, 1, 1), mov(7), EXIT];
            assert_eq!(run(order, &program).unwrap() == 7, !taken, "{opcode:#x}");
        }
        assert_eq!(run(order, &[mov(1)]), Err(Trap::OffTheEnd));
        assert_eq!(run(order, &[insn(0x05, 0, 0, -1, 0)]), Err(Trap::Endless));
    }
}

#[test]
fn calls() {
    for order in ORDERS {
        let mut program: Vec<Fields> = (1..=5).map(|reg| insn(0xb7, reg, 0, 0, 10)).collect();
        program.extend([insn(0x85, 0, 0, 0, 7), EXIT]);
        assert_eq!(run(order, &program), Ok(50));
        program[5].immediate = 9;
        assert_eq!(run(order, &program), Err(Trap::BadCall));
    }
}

#[test]
fn tail_calls() {
    let call = insn(0xf5, 0, 0, 0, 0);
    // Calls itself through slot 1 until the limit; slot 0 is empty, slot 3 outside.
    let program = |index| {
        [
            insn(0xb7, 2, 0, 0, 0),
            insn(0xb7, 3, 0, 0, index),
            call,
            insn(0xb7, 0, 0, 0, 3),
            EXIT,
        ]
    };
    for (index, hits, lookups) in [(0, 0, 1), (1, MAX_TAIL_CALLS, MAX_TAIL_CALLS), (3, 0, 0)] {
        for (counted, calls) in [(Counted::Hits, hits), (Counted::Lookups, lookups)] {
            let end = run_where(ByteOrder::Big, counted, &[&program(index)]);
            assert_eq!((end.result, end.tail_calls), (Ok(3), calls));
        }
    }
    // The upper half of the index does not count.
    let [a, b] = load(3, 1 << 40 | 2);
    let second = [insn(0xb7, 0, 0, 0, 9), EXIT];
    let end = run_all(
        ByteOrder::Little,
        &[&[a, b, insn(0xb7, 2, 0, 0, 0), call, EXIT], &second],
    );
    assert_eq!((end.result, end.tail_calls), (Ok(9), 1));
}

#[test]
fn what_is_not_an_instruction() {
    for opcode in [0x8f, 0xdf, 0xe7, 0xf7, 0x1a, 0xe5, 0x8d, 0x20, 0x99] {
        assert!(run(ByteOrder::Little, &[insn(opcode, 0, 1, 0, 0), EXIT]).is_err());
    }
    let write_r10 = [insn(0xb7, 10, 0, 0, 0), EXIT];
    assert_eq!(run(ByteOrder::Little, &write_r10), Err(Trap::BadRegister));
    assert_eq!(
        run(ByteOrder::Little, &[insn(0xb7, 11, 0, 0, 0)]),
        Err(Trap::BadRegister)
    );
}
