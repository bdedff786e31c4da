// SPDX-License-Identifier: GPL-2.0

//! What 64-bit Linux adds for compilers: accesses that may find no memory, and calls of C functions.

use super::*;

/// Where the arena is, for the kernel and for a process.
pub(super) const ARENA: [u64; 2] = [0xffff_ffff_8000_2000, 0x0000_00fe_dcba_0000];

/// Memory in it that can be read, and not written.
pub(super) const READ_ONLY: u64 = ARENA[0] + 0x1000;

/// The arena and what is around it; and one byte of all else that is there.
pub(super) const STRETCHES: [Stretch; 3] = [
    Stretch {
        first: ARENA[0] + 1,
        last: ARENA[0] + 17,
        goes_on: false,
    },
    Stretch {
        first: ARENA[0] + 0x800,
        last: ARENA[0] + 0x1003,
        goes_on: true,
    },
    Stretch {
        first: DATA as u64,
        last: DATA as u64 + 2,
        goes_on: false,
    },
];

/// Of a call with this immediate: with 2 it takes a signed byte and gives it back, with 4 it gives an
/// unsigned int, and with others it takes and gives nothing.
pub(super) fn prototype(call: &Fields) -> Option<Prototype> {
    let kind = |bits, is_signed| Some(Type { bits, is_signed });
    let mut arguments = [None; ARGUMENTS];
    let result = match call.immediate {
        2 => {
            arguments[0] = kind(8, true);
            kind(8, true)
        }
        4 => kind(32, false),
        _ => None,
    };
    Some(Prototype { arguments, result })
}

/// R0 and the arena's first bytes after a program, on a 64-bit machine. R0 is 7 in the beginning, and R1
/// the given value.
fn run(first: u64, body: &[Fields]) -> (Result<u64, Trap>, Vec<u8>) {
    let order = ByteOrder::Little;
    let mut insns = vec![insn(0xb7, 0, 0, 0, 7)];
    insns.extend(body);
    insns.push(EXIT);
    let programs = [Program {
        slots: insns.iter().map(|insn| insn.slot(order)).collect(),
        stack: STACK.into(),
        frame: 0,
    }];
    let mut memory = Memory::new(order);
    memory.add(0x8000_2000, (1..=16).collect());
    memory.add(DATA, vec![0x55; 16]);
    memory.add(READ_ONLY as u32, vec![0x77; 16]);
    let setup = Setup {
        order,
        ax: 12,
        parameters: Some(11),
        upper_half: UpperHalf::Zero,
        counted: Counted::Hits,
        is_wide: true,
    };
    let mut kernel = TestKernel { memory };
    let mut machine = Machine::new(setup, &mut kernel, &programs, Bits::new(64, first));
    let result = machine.run(100).map(Bits::unsigned);
    (result, kernel.memory.regions[0].bytes.clone())
}

#[test]
fn probes_read_zero_where_there_is_nothing() {
    // r0 = *(probe u32 *)(r1 + 4), and signed of a byte
    let (word, byte) = (insn(0x21, 0, 1, 4, 0), insn(0x51, 0, 1, 4, 0));
    assert_eq!(run(ARENA[0], &[word]).0, Ok(0x0807_0605));
    assert_eq!(run(ARENA[0], &[byte]).0, Ok(5));
    assert_eq!(run(ARENA[0] + 16, &[word]).0, Ok(0));
    // There is memory, but nobody looks.
    assert_eq!(run(u64::from(DATA) + 8, &[word]).0, Ok(0));
    assert_eq!(run(u64::from(DATA) << 32, &[word]).0, Ok(0));
}

#[test]
fn probes_look_where_all_their_bytes_may_be() {
    // r0 = *(probe u32 *)(r1 + 0), and of a byte
    let (word, byte) = (insn(0x21, 0, 1, 0, 0), insn(0x31, 0, 1, 0, 0));
    let (start, fixed) = (ARENA[0], READ_ONLY);
    for (insn, address, value) in [
        (byte, start, 0),
        (byte, start + 1, 2),
        (byte, start + 15, 16),
        (word, start + 12, 0x100f_0e0d),
        // The end of a stretch that is too short.
        (byte, u64::from(DATA) + 2, 0x55),
        (byte, u64::from(DATA) + 3, 0),
        (word, u64::from(DATA), 0),
        // It is enough to begin there.
        (byte, fixed + 3, 0x77),
        (byte, fixed + 4, 0),
        (word, fixed, 0x7777_7777),
        (word, fixed + 4, 0),
    ] {
        assert_eq!(run(address, &[insn]).0, Ok(value), "{address:#x}");
    }
}

#[test]
fn accesses_to_an_arena_count_from_its_start() {
    let above = 0xdead_beef_0000_0000;
    // r0 = *(arena u16 *)(r1 + 2); *(arena u16 *)(r1 + 2) = 0x1234
    let (load, store) = (insn(0xa9, 0, 1, 2, 0), insn(0xaa, 1, 0, 2, 0x1234));
    assert_eq!(run(above, &[load]).0, Ok(0x0403));
    assert_eq!(run(above + 14, &[load]).0, Ok(0));
    assert_eq!(run(above, &[store]).1[2..4], [0x34, 0x12]);
    assert_eq!(run(above + 14, &[store]).1, (1..=16).collect::<Vec<u8>>());
}

#[test]
fn atomic_operations_fetch_zero_where_there_is_nothing() {
    // r0 = atomic_fetch_add((arena u32 *)(r1 + 0), r0)
    let add = insn(0xe3, 1, 0, 0, 0x01);
    let (result, arena) = run(4, &[add]);
    assert_eq!((result, arena[4]), (Ok(0x0807_0605), 12));
    for place in [16, 2] {
        let (result, arena) = run(place, &[add]);
        assert_eq!((result, arena), (Ok(0), (1..=16).collect()));
    }
}

#[test]
fn atomic_operations_fetch_zero_where_nothing_can_be_stored() {
    let place = READ_ONLY - ARENA[0];
    // r0 = atomic_fetch_add((arena u32 *)(r1 + 0), r0), and as a compare-and-exchange with 7
    let add = insn(0xe3, 1, 0, 0, 0x01);
    let exchange = insn(0xe3, 1, 1, 0, 0xf1);
    assert_eq!(run(place, &[add]).0, Ok(0));
    // Nothing would be stored.
    assert_eq!(run(place, &[exchange]).0, Ok(0x7777_7777));
    let load = insn(0xa1, 0, 1, 0, 0);
    assert_eq!(run(place, &[load, exchange]).0, Ok(0));
}

#[test]
fn null_stays_null_in_user_space() {
    let cast = insn(0xbf, 0, 1, 1, 1 << 16);
    assert_eq!(run(0xffff_ffff_1234_5678, &[cast]).0, Ok(0xfe_1234_5678));
    assert_eq!(run(1 << 32, &[cast]).0, Ok(0));
}

#[test]
fn functions_get_and_give_what_their_types_hold() {
    let call = |number| insn(0x85, 0, 2, 0, number);
    assert_eq!(run(0x1_80, &[call(2)]).0, Ok(0xffff_ff80));
    assert_eq!(run(0, &[call(4)]).0, Ok(0xffff_ffff));
    assert_eq!(run(0, &[call(0)]).0, Err(Trap::Undefined));
}
