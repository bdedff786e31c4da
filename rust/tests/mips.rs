// SPDX-License-Identifier: GPL-2.0

//! The way back from a word to its row, on which the checks of images rest.

use crate::host::mips::{print, Word};
use crate::jit::mips::table::{Effects, Op};
use crate::jit::mips::{Disp16, Disp26, FieldPos, FieldSize, Insn, Reg, RegMask, Simm16, Simm9};

#[test]
fn every_word_of_a_row_is_of_that_row_alone() {
    for &op in Op::ALL {
        let row = op.row();
        let free = !row.fixed_mask();
        for pattern in [0, !0, 0x5555_5555, 0xaaaa_aaaa, 0x1234_5678] {
            let word = row.bits | pattern & free;
            assert_eq!(
                Word::decode(word).map(|word| word.op),
                Some(op),
                "{word:08x}"
            );
        }
    }
}

#[test]
fn what_is_in_no_row_is_no_instruction() {
    // j, jal, b with a likely bit, lwl, cache, sync with a stype, addiu's trapping sister, COP3.
    for word in [
        0x0800_0000,
        0x0c00_0000,
        0x5000_0000,
        0x8800_0000,
        0xbc00_0000,
        0x0000_004f,
        0x2000_0000,
        0x4fff_ffff,
    ] {
        assert_eq!(Word::decode(word), None, "{word:08x}");
        assert_eq!(print(word, 0), format!(".word {word:#010x}"));
    }
}

#[test]
fn texts() {
    let offset = Simm16::from_i16(-8);
    let forward = Disp16::between(0, 5).expect("in reach");
    let far = Disp26::between(0x40_0000, 0x3c_0002).expect("in reach");
    let size = FieldSize::new(17).expect("a size");
    for (insn, text) in [
        (Insn::NOP, "nop"),
        (Insn::lw(Reg::V0, offset, Reg::SP), "lw v0, -8(sp)"),
        (Insn::div(Reg::A0, Reg::A1), "div zero, a0, a1"),
        (Insn::bne(Reg::FP, Reg::RA, forward), "bne fp, ra, 0x1014"),
        (Insn::jalr(Reg::RA, Reg::T9), "jalr ra, t9"),
        (Insn::bc(far), "bc 0xfff01008"),
        (Insn::jialc(Reg::T9, offset), "jialc t9, -8"),
        (
            Insn::ll_r6(Reg::T8, Simm9::new(-256).expect("fits"), Reg::A0),
            "ll t8, -256(a0)",
        ),
        (
            Insn::div_r6(Reg::ZERO, Reg::A0, Reg::A1),
            "div zero, a0, a1",
        ),
        (
            Insn::ext(Reg::T0, Reg::T1, FieldPos::masked(3), size),
            "ext t0, t1, 3, 17",
        ),
    ] {
        assert_eq!(print(insn.word(), 0x1000), text);
    }
}

#[test]
fn both_ways_agree_on_what_is_read_and_written() {
    for (insn, reads, writes) in [
        (
            Insn::addu(Reg::V0, Reg::A0, Reg::A1),
            RegMask::of(Reg::A0).with(Reg::A1),
            RegMask::of(Reg::V0),
        ),
        (
            Insn::sc(Reg::T0, Simm16::ZERO, Reg::T1),
            RegMask::of(Reg::T0).with(Reg::T1),
            RegMask::of(Reg::T0),
        ),
        (
            Insn::sw(Reg::T0, Simm16::ZERO, Reg::T1),
            RegMask::of(Reg::T0).with(Reg::T1),
            RegMask::EMPTY,
        ),
        (
            Insn::movn(Reg::V0, Reg::A0, Reg::A1),
            RegMask::of(Reg::V0).with(Reg::A0).with(Reg::A1),
            RegMask::of(Reg::V0),
        ),
        (
            Insn::jalr(Reg::RA, Reg::T9),
            RegMask::of(Reg::T9),
            RegMask::of(Reg::RA),
        ),
        (
            Insn::sc_r6(Reg::T0, Simm9::ZERO, Reg::T1),
            RegMask::of(Reg::T0).with(Reg::T1),
            RegMask::of(Reg::T0),
        ),
        (
            Insn::seleqz(Reg::V0, Reg::A0, Reg::A1),
            RegMask::of(Reg::A0).with(Reg::A1),
            RegMask::of(Reg::V0),
        ),
        (
            Insn::jialc(Reg::T9, Simm16::ZERO),
            RegMask::of(Reg::T9),
            RegMask::of(Reg::RA),
        ),
        (
            Insn::jic(Reg::RA, Simm16::ZERO),
            RegMask::of(Reg::RA),
            RegMask::EMPTY,
        ),
        (Insn::NOP, RegMask::EMPTY, RegMask::EMPTY),
    ] {
        let word = Word::decode(insn.word()).expect("an instruction");
        assert_eq!((insn.reads(), insn.writes()), (reads, writes), "{insn:?}");
        assert_eq!((word.reads(), word.writes()), (reads, writes), "{insn:?}");
    }
}

#[test]
fn branches_have_slots_and_distances() {
    for &op in Op::ALL {
        let word = Word::decode(op.row().bits).expect("an instruction");
        let has_slot = word.has(Effects::BRANCHES);
        assert!(!(has_slot && word.has(Effects::COMPACT)), "{op:?}");
        assert!(word.distance().is_none() || word.transfers(), "{op:?}");
    }
    let back = Disp16::between(10, 3).expect("in reach");
    let branch = Insn::beq(Reg::A0, Reg::A1, back);
    assert_eq!(
        Word::decode(branch.word()).and_then(Word::distance),
        Some(-7)
    );
    let back = Disp26::between(0x20_0000, 3).expect("in reach");
    assert_eq!(
        Word::decode(Insn::bc(back).word()).and_then(Word::distance),
        Some(3 - 0x20_0000)
    );
}
