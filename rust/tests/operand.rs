// SPDX-License-Identifier: GPL-2.0

//! Operands: what fits is taken with its bits in place, what does not is refused.

use crate::jit::mips::{Disp16, Disp26, FieldPos, FieldSize, Shift5, Simm16, Simm9, Uimm16};

/// Words around every power of two.
fn words() -> impl Iterator<Item = u32> {
    (0..32).flat_map(|bit| {
        let power = 1u32 << bit;
        [power - 1, power, power + 1, power.wrapping_neg(), !power]
    })
}

#[test]
fn signed_immediates() {
    for word in words() {
        let value = word as i32;
        let fits = (-0x8000..=0x7fff).contains(&value);
        assert_eq!(Simm16::new(value).is_some(), fits, "{value}");
        if let Some(imm) = Simm16::new(value) {
            assert_eq!((imm.value(), imm.bits()), (value, word & 0xffff));
        }
    }
    for value in [i16::MIN, -1, 0, 1, i16::MAX] {
        assert_eq!(Some(Simm16::from_i16(value)), Simm16::new(value.into()));
    }
    assert_eq!((Simm16::ZERO.value(), Simm16::MINUS_ONE.value()), (0, -1));
}

#[test]
fn unsigned_immediates() {
    for word in words() {
        assert_eq!(Uimm16::new(word).is_some(), word <= 0xffff, "{word:#x}");
        if let Some(imm) = Uimm16::new(word) {
            assert_eq!((imm.value(), imm.bits()), (word, word));
        }
        let halves = [Uimm16::high_half(word), Uimm16::low_half(word)];
        assert_eq!(halves.map(Uimm16::value), [word >> 16, word & 0xffff]);
    }
}

#[test]
fn shift_amounts() {
    for word in words() {
        assert_eq!(Shift5::new(word).is_some(), word < 32, "{word}");
        assert_eq!(FieldPos::new(word).is_some(), word < 32, "{word}");
        assert_eq!(Shift5::masked(word).bits(), word % 32);
    }
    for amount in 0..32 {
        assert_eq!(Shift5::new(amount).map(Shift5::bits), Some(amount));
    }
}

#[test]
fn field_sizes() {
    for word in words() {
        let fits = (1..=32).contains(&word);
        assert_eq!(FieldSize::new(word).is_some(), fits, "{word}");
    }
    for size in 1..=32 {
        assert_eq!(FieldSize::new(size).map(FieldSize::bits), Some(size - 1));
    }
}

#[test]
fn displacements_count_from_the_delay_slot() {
    let from = 1 << 20;
    for (to, value) in [
        (from + 1, 0),
        (from, -1),
        (from + 2, 1),
        (from + 1 + 0x7fff, 0x7fff),
        (from + 1 - 0x8000, -0x8000),
    ] {
        let disp = Disp16::between(from, to);
        assert_eq!(disp.map(Disp16::value), Some(value));
        assert_eq!(disp.map(Disp16::bits), Some(value as u32 & 0xffff));
    }
    for to in [from + 1 + 0x8000, from - 0x8000, 0, u32::MAX] {
        assert_eq!(Disp16::between(from, to), None, "{to}");
    }
    assert_eq!(Disp16::between(u32::MAX, 0), None);
    assert_eq!(Disp16::between(0, u32::MAX), None);
}

#[test]
fn displacements_of_compact_branches() {
    let from = 1 << 28;
    for (to, value) in [
        (from + 1, 0),
        (from, -1),
        (from + 1 + 0x1ff_ffff, 0x1ff_ffff),
        (from + 1 - 0x200_0000, -0x200_0000),
    ] {
        let disp = Disp26::between(from, to);
        assert_eq!(disp.map(Disp26::value), Some(value));
        assert_eq!(disp.map(Disp26::bits), Some(value as u32 & 0x3ff_ffff));
    }
    for to in [from + 1 + 0x200_0000, from - 0x200_0000, 0, u32::MAX] {
        assert_eq!(Disp26::between(from, to), None, "{to}");
    }
    assert_eq!(Disp26::between(u32::MAX, 0), None);
    assert_eq!(Disp26::between(0, u32::MAX), None);
}

#[test]
fn short_offsets() {
    for value in [-256, -255, -1, 0, 1, 255] {
        let bits = Simm9::new(value).map(Simm9::bits);
        assert_eq!(bits, Some(value as u32 & 0x1ff));
    }
    for value in [-257, -264, -300, 256, 511, 512, -512, i32::MIN, i32::MAX] {
        assert_eq!(Simm9::new(value), None, "{value}");
    }
}

#[test]
fn halves_that_are_added_make_the_word() {
    for word in [0, 1, 0x7fff, 0x8000, 0xffff, 0x8021_a4c0, 0xffff_8000, !0] {
        let low = Simm16::low_half(word);
        let high = Uimm16::high_half(word.wrapping_sub(low.value() as u32));
        let sum = (high.value() << 16).wrapping_add(low.value() as u32);
        assert_eq!(sum, word);
    }
}
