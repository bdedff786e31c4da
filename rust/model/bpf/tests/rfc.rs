// SPDX-License-Identifier: GPL-2.0

//! RFC 9669 section by section: tables as tables, and what the text says of immediates, widths and
//! what there is not.
//!
//! The right-hand sides here are Rust's arithmetic on machine integers, not the model's words.

use super::*;

/// Operands: both ends and the middle of either width.
const VALUES: [u64; 14] = [
    0,
    1,
    2,
    13,
    31,
    63,
    MIN32 - 1,
    MIN32,
    0xffff_fff3,
    0xffff_ffff,
    0x1_0000_0000,
    MIN64 - 1,
    MIN64,
    !0,
];

/// Immediates.
const IMMEDIATES: [i32; 7] = [0, 1, 13, i32::MAX, i32::MIN, -13, -1];

type Binary<T> = fn(T, T) -> T;

/// Section 4.1, table 3: code, offset, on doublewords, on words. Shift amounts are masked.
const BINARY: [(u8, i16, Binary<u64>, Binary<u32>); 13] = [
    (0x00, 0, u64::wrapping_add, u32::wrapping_add),
    (0x10, 0, u64::wrapping_sub, u32::wrapping_sub),
    (0x20, 0, u64::wrapping_mul, u32::wrapping_mul),
    (
        0x30,
        0,
        |d, s| d.checked_div(s).unwrap_or(0),
        |d, s| d.checked_div(s).unwrap_or(0),
    ),
    (
        0x30,
        1,
        |d, s| {
            if s == 0 {
                0
            } else {
                (d as i64).wrapping_div(s as i64) as u64
            }
        },
        |d, s| {
            if s == 0 {
                0
            } else {
                (d as i32).wrapping_div(s as i32) as u32
            }
        },
    ),
    (0x40, 0, |d, s| d | s, |d, s| d | s),
    (0x50, 0, |d, s| d & s, |d, s| d & s),
    (0x60, 0, |d, s| d << (s & 63), |d, s| d << (s & 31)),
    (0x70, 0, |d, s| d >> (s & 63), |d, s| d >> (s & 31)),
    (
        0x90,
        0,
        |d, s| d.checked_rem(s).unwrap_or(d),
        |d, s| d.checked_rem(s).unwrap_or(d),
    ),
    (
        0x90,
        1,
        |d, s| {
            if s == 0 {
                d
            } else {
                (d as i64).wrapping_rem(s as i64) as u64
            }
        },
        |d, s| {
            if s == 0 {
                d
            } else {
                (d as i32).wrapping_rem(s as i32) as u32
            }
        },
    ),
    (0xa0, 0, |d, s| d ^ s, |d, s| d ^ s),
    (
        0xc0,
        0,
        |d, s| (d as i64 >> (s & 63)) as u64,
        |d, s| (d as i32 >> (s & 31)) as u32,
    ),
];

/// R0 after `R0 op= immediate`.
fn compute_with_immediate(opcode: u8, offset: i16, dst: u64, immediate: i32) -> u64 {
    let mut program = Vec::from(load(0, dst));
    program.extend([insn(opcode, 0, 0, offset, immediate), EXIT]);
    run(ByteOrder::Little, &program).unwrap()
}

#[test]
fn arithmetic_is_that_of_table_3() {
    for (code, offset, on_doublewords, on_words) in BINARY {
        for dst in VALUES {
            for src in VALUES {
                let wide = on_doublewords(dst, src);
                assert_eq!(compute(code | 0x0f, offset, dst, src), wide, "{code:#x}");
                let narrow = on_words(dst as u32, src as u32).into();
                assert_eq!(compute(code | 0x0c, offset, dst, src), narrow, "{code:#x}");
            }
            for immediate in IMMEDIATES {
                let wide = on_doublewords(dst, i64::from(immediate) as u64);
                let narrow = on_words(dst as u32, immediate as u32).into();
                let with = |class| compute_with_immediate(code | class, offset, dst, immediate);
                assert_eq!((with(7), with(4)), (wide, narrow), "{code:#x} {immediate}");
            }
        }
    }
}

#[test]
fn negation_and_moves_have_either_width() {
    for value in VALUES {
        assert_eq!(
            compute_with_immediate(0x87, 0, value, 0),
            value.wrapping_neg()
        );
        let word = (value as u32).wrapping_neg();
        assert_eq!(compute_with_immediate(0x84, 0, value, 0), word.into());
        assert_eq!(compute(0xbf, 0, 7, value), value);
        assert_eq!(compute(0xbc, 0, !7, value), value & 0xffff_ffff);
        assert_eq!(compute(0xbf, 8, 7, value), i64::from(value as i8) as u64);
        assert_eq!(compute(0xbf, 16, 7, value), i64::from(value as i16) as u64);
        assert_eq!(compute(0xbf, 32, 7, value), i64::from(value as i32) as u64);
        let (byte, half) = (i32::from(value as i8), i32::from(value as i16));
        assert_eq!(compute(0xbc, 8, !7, value), (byte as u32).into());
        assert_eq!(compute(0xbc, 16, !7, value), (half as u32).into());
    }
}

type Condition<T> = fn(T, T) -> bool;

/// Section 4.3, table 6: code, on doublewords, on words.
const CONDITIONS: [(u8, Condition<u64>, Condition<u32>); 11] = [
    (0x10, |d, s| d == s, |d, s| d == s),
    (0x20, |d, s| d > s, |d, s| d > s),
    (0x30, |d, s| d >= s, |d, s| d >= s),
    (0x40, |d, s| d & s != 0, |d, s| d & s != 0),
    (0x50, |d, s| d != s, |d, s| d != s),
    (0x60, |d, s| d as i64 > s as i64, |d, s| d as i32 > s as i32),
    (
        0x70,
        |d, s| d as i64 >= s as i64,
        |d, s| d as i32 >= s as i32,
    ),
    (0xa0, |d, s| d < s, |d, s| d < s),
    (0xb0, |d, s| d <= s, |d, s| d <= s),
    (
        0xc0,
        |d, s| (d as i64) < s as i64,
        |d, s| (d as i32) < s as i32,
    ),
    (
        0xd0,
        |d, s| d as i64 <= s as i64,
        |d, s| d as i32 <= s as i32,
    ),
];

/// Whether `if R2 op source goto` jumps; the source is R3 or an immediate.
fn jumps(opcode: u8, dst: u64, src: u64, immediate: i32) -> bool {
    let mut program = Vec::from(load(2, dst));
    program.extend(load(3, src));
    let src = if opcode & 8 != 0 { 3 } else { 0 };
    program.extend([
        insn(0xb7, 0, 0, 0, 1),
        insn(opcode, 2, src, 1, immediate),
        insn(0xb7, 0, 0, 0, 0),
        EXIT,
    ]);
    run(ByteOrder::Big, &program).unwrap() == 1
}

#[test]
fn conditions_are_those_of_table_6() {
    for (code, on_doublewords, on_words) in CONDITIONS {
        for dst in VALUES {
            for src in VALUES {
                let wide = on_doublewords(dst, src);
                assert_eq!(jumps(code | 0x0d, dst, src, 0), wide, "{code:#x}");
                let narrow = on_words(dst as u32, src as u32);
                assert_eq!(jumps(code | 0x0e, dst, src, 0), narrow, "{code:#x}");
            }
            for immediate in IMMEDIATES {
                let wide = on_doublewords(dst, i64::from(immediate) as u64);
                let narrow = on_words(dst as u32, immediate as u32);
                let with = |class| jumps(code | class, dst, 0, immediate);
                assert_eq!((with(5), with(6)), (wide, narrow), "{code:#x} {immediate}");
            }
        }
    }
}

#[test]
fn memory_has_every_size() {
    let stored = |order, opcode, src, immediate| {
        let mut program = Vec::from(load(2, 0x8182_8384_8586_8788));
        program.extend([insn(0x7a, 1, 0, 0, 0), insn(opcode, 1, src, 0, immediate)]);
        program.extend([insn(0xb7, 0, 0, 0, 0), EXIT]);
        run_all(order, &[&program]).memory
    };
    // STX and ST of a byte, a half-word, a word, a doubleword; section 5.1: an immediate is
    // sign-extended.
    for (size, bytes) in [(0x10, 1), (0x08, 2), (0x00, 4), (0x18, 8)] {
        let kept = u64::MAX >> (64 - 8 * bytes);
        for order in ORDERS {
            let mut memory = stored(order, 0x63 | size, 2, 0);
            let value = 0x8182_8384_8586_8788 & kept;
            assert_eq!(memory.load(DATA, bytes), Ok(value));
            assert_eq!(
                memory.load(DATA + 8, 8),
                stored(order, 0x62, 0, 0).load(DATA + 8, 8)
            );
            let mut memory = stored(order, 0x62 | size, 0, -2);
            assert_eq!(memory.load(DATA, bytes), Ok(!1 & kept));
            // LDX of it zero-extends, MEMSX (section 5.2) sign-extends; there is none of 64 bits.
            let load = |opcode| {
                let program = [
                    insn(0x62 | size, 1, 0, 0, -2),
                    insn(opcode, 0, 1, 0, 0),
                    EXIT,
                ];
                run(order, &program)
            };
            assert_eq!(load(0x61 | size), Ok(!1 & kept));
            match bytes {
                8 => assert_eq!(load(0x81 | size), Err(Trap::BadInstruction)),
                _ => assert_eq!(load(0x81 | size), Ok(!1)),
            }
        }
    }
}

/// R0, R2 and what is in memory after an atomic operation, of R0 = `expected` where it counts.
fn exchange(opcode: u8, operation: i32, old: u64, src: u64, expected: u64) -> [u64; 3] {
    let mut program = Vec::from(load(2, old));
    program.push(insn(0x7b, 1, 2, 0, 0));
    program.extend(load(2, src));
    program.extend(load(0, expected));
    program.extend([
        insn(opcode, 1, 2, 0, operation),
        insn(0x7b, 1, 2, 8, 0),
        EXIT,
    ]);
    let mut end = run_all(ByteOrder::Little, &[&program]);
    let mut at = |address| end.memory.load(address, 8).unwrap();
    [end.result.unwrap(), at(DATA + 8), at(DATA)]
}

#[test]
fn atomic_operations_have_either_width() {
    let (old, src) = (0x8000_0001_9000_0003, 0x7000_0002_a000_0005);
    let operations: [(i32, Binary<u64>, Binary<u32>); 4] = [
        (0x00, u64::wrapping_add, u32::wrapping_add),
        (0x40, |d, s| d | s, |d, s| d | s),
        (0x50, |d, s| d & s, |d, s| d & s),
        (0xa0, |d, s| d ^ s, |d, s| d ^ s),
    ];
    let narrow = |new: u32| old & !0xffff_ffff | u64::from(new);
    for (code, on_doublewords, on_words) in operations {
        let new = on_doublewords(old, src);
        assert_eq!(exchange(0xdb, code, old, src, 7), [7, src, new]);
        assert_eq!(exchange(0xdb, code | 1, old, src, 7), [7, old, new]);
        // Of a word, the old value is zero-extended, and its neighbour is left alone.
        let new = narrow(on_words(old as u32, src as u32));
        assert_eq!(exchange(0xc3, code, old, src, 7), [7, src, new]);
        assert_eq!(exchange(0xc3, code | 1, old, src, 7), [7, 0x9000_0003, new]);
    }
    assert_eq!(exchange(0xdb, 0xe1, old, src, 7), [7, old, src]);
    let new = narrow(src as u32);
    assert_eq!(exchange(0xc3, 0xe1, old, src, 7), [7, 0x9000_0003, new]);
    // CMPXCHG: R0 gets the old value, whether or not it is the expected one. Of a word, only the
    // low half of R0 is compared.
    assert_eq!(exchange(0xdb, 0xf1, old, src, old), [old, src, src]);
    assert_eq!(exchange(0xdb, 0xf1, old, src, 7), [old, src, old]);
    let is_equal = 0x5555_5555_9000_0003;
    assert_eq!(exchange(0xdb, 0xf1, old, src, is_equal), [old, src, old]);
    assert_eq!(
        exchange(0xc3, 0xf1, old, src, is_equal),
        [0x9000_0003, src, new]
    );
    assert_eq!(exchange(0xc3, 0xf1, old, src, 7), [0x9000_0003, src, old]);
}

#[test]
fn wide_immediates_take_two_slots() {
    // Section 5.4: a jump counts slots, and one into the midst of an instruction finds none.
    let [a, b] = load(0, 0xfedc_ba98_7654_3210);
    let over = [insn(0x05, 0, 0, 2, 0), a, b, insn(0xb7, 0, 0, 0, 1), EXIT];
    let into = [insn(0x05, 0, 0, 1, 0), a, b, EXIT];
    for order in ORDERS {
        assert_eq!(run(order, &over), Ok(1));
        assert!(run(order, &into).is_err());
        assert_eq!(run(order, &[a]), Err(Trap::OffTheEnd));
        assert!(run(order, &[a, EXIT, EXIT]).is_err());
    }
}

#[test]
fn what_the_text_excludes() {
    let refused = |fields: Fields| {
        let [a, b] = load(0, 0x8877_6655_4433_2211);
        let mov = insn(0xb7, 2, 0, 0, 1);
        let program = [a, b, mov, fields, EXIT];
        assert_eq!(
            run(ByteOrder::Little, &program),
            Err(Trap::BadInstruction),
            "{fields:x?}"
        );
    };
    for class in [0x04, 0x07] {
        // No sign-extending move of an immediate, none of other widths, and no other offsets.
        refused(insn(0xb0 | class, 0, 0, 8, 1));
        refused(insn(0xb8 | class, 0, 2, 24, 0));
        refused(insn(0x38 | class, 0, 2, 2, 0));
        for (code, ..) in BINARY.iter().filter(|row| !matches!(row.0, 0x30 | 0x90)) {
            refused(insn(code | class, 0, 0, 1, 1));
        }
        // NEG has no register source, END no other widths.
        refused(insn(0x88 | class, 0, 2, 0, 0));
        refused(insn(0xd0 | class, 0, 0, 0, 8));
        refused(insn(0xe0 | class, 0, 0, 0, 1));
    }
    // CALL and EXIT are of class JMP only; JA has no register.
    for opcode in [0x86, 0x96, 0x0d, 0x0e, 0xe5, 0xe6] {
        refused(insn(opcode, 0, 2, 0, 0));
    }
    // Atomic operations have 32 or 64 bits; the packet access of section 5.5 is gone.
    for opcode in [0xcb, 0xd3] {
        refused(insn(opcode, 10, 2, -8, 0));
    }
    refused(insn(0xdb, 10, 2, -8, 0x20));
    for opcode in [0x20, 0x28, 0x30, 0x40, 0x48, 0x50] {
        refused(insn(opcode, 0, 2, 0, 0));
    }
}
