// SPDX-License-Identifier: GPL-2.0

//! MIPS64: what words may be operands, and some results.

use super::*;
use crate::model::word::Bits;

/// What a single instruction of MIPS64 leaves of two doublewords in `$3` and `$4`: `$2`,
/// HI and LO.
fn doublewords(word: u32, release: Release, three: u64, four: u64) -> Result<[u64; 3], Trap> {
    let architecture = Architecture {
        release,
        gprlen: DOUBLEWORD,
    };
    let mut place = Place::new(Concrete, ByteOrder::Little, &mut Random(1));
    place.code.push(Bits::new(WORD, word.into()));
    let mut gpr = [Bits::new(DOUBLEWORD, 0); 32];
    gpr[3] = Bits::new(DOUBLEWORD, three);
    gpr[4] = Bits::new(DOUBLEWORD, four);
    let mut machine = Machine::new(architecture, &mut place, gpr, 0);
    machine.step()?;
    Ok([machine.gpr[2], machine.hi, machine.lo].map(Bits::unsigned))
}

#[test]
fn mips64_wants_words_sign_extended() {
    const POSITIVE: u64 = 0x7fff_ffff;
    const NEGATIVE: u64 = 0xffff_ffff_8000_0000;
    // addu, subu $2, $3, $4; addiu $2, $4, 1; srl, sra, rotr $2, $4, 1; srlv, srav $2, $4, $3; multu,
    // divu, div $3, $4; mul $2, $3, $4; ext $2, $4, 0, 8; seb, seh, wsbh $2, $4
    for word in [
        0x0064_1021,
        0x0064_1023,
        0x2482_0001,
        0x0004_1042,
        0x0004_1043,
        0x0024_1042,
        0x0064_1006,
        0x0064_1007,
        0x0064_0019,
        0x0064_001b,
        0x0064_001a,
        0x7064_1002,
        0x7c82_3800,
        0x7c04_1420,
        0x7c04_1620,
        0x7c04_10a0,
    ] {
        for right in [POSITIVE, NEGATIVE] {
            let done = doublewords(word, Release::R2, 1, right);
            assert!(done.is_ok(), "{word:08x} {done:x?}");
        }
        for wrong in [
            1 << 63,
            1 << 31,
            u64::from(u32::MAX),
            POSITIVE | NEGATIVE << 1,
        ] {
            let trap = doublewords(word, Release::R2, 1, wrong);
            assert_eq!(trap, Err(Trap::Unpredictable(word)), "{word:08x} {wrong:x}");
        }
    }
    // The same of Release 6: mul, muhu, div, divu, mod, modu $2, $3, $4
    for word in [0x98, 0xd9, 0x9a, 0x9b, 0xda, 0xdb].map(|low| 0x0064_1000 | low) {
        assert!(doublewords(word, Release::R6, NEGATIVE, POSITIVE).is_ok());
        for (three, four) in [(1, 1 << 31), (1 << 31, 1)] {
            let trap = doublewords(word, Release::R6, three, four);
            assert_eq!(trap, Err(Trap::Unpredictable(word)), "{word:08x}");
        }
    }
}

#[test]
fn mips64_shifts_any_word_to_the_left() {
    // sll $2, $4, 0; sllv $2, $4, $3
    for (word, result) in [
        (0x0004_1000, 0xffff_ffff_8765_4321),
        (0x0064_1004, 0x7654_3210),
    ] {
        let done = doublewords(word, Release::R2, 4, 0x1234_5678_8765_4321);
        assert_eq!(done.map(|[two, ..]| two), Ok(result), "{word:08x}");
    }
}

#[test]
fn mips64_multiplies_doublewords() {
    // dmultu $3, $4; dmuhu $2, $3, $4
    let mut random = Random(0x5eed);
    for _ in 0..2_000 {
        let (a, b) = (random.value(), random.value());
        let product = u128::from(a) * u128::from(b);
        let (high, low) = ((product >> 64) as u64, product as u64);
        let done = doublewords(0x0064_001d, Release::R2, a, b);
        assert_eq!(done.map(|[_, hi, lo]| (hi, lo)), Ok((high, low)));
        let done = doublewords(0x0064_10dd, Release::R6, a, b);
        assert_eq!(done.map(|[two, ..]| two), Ok(high));
    }
}

#[test]
fn mips64_swaps_halves_and_bytes() {
    // dsbh, dshd $2, $4; dext $2, $4, 31, 32
    for (word, result) in [
        (0x7c04_10a4, 0x2301_6745_ab89_efcd),
        (0x7c04_1164, 0xcdef_89ab_4567_0123),
        (0x7c82_ffc3, 0x0246_8acf),
    ] {
        let done = doublewords(word, Release::R2, 0, 0x0123_4567_89ab_cdef);
        assert_eq!(done.map(|[two, ..]| two), Ok(result), "{word:08x}");
    }
    assert_eq!(
        doublewords(0x7c04_10a4, Release::R1, 0, 0),
        Err(Trap::Reserved(0x7c04_10a4))
    );
}

/// Executes so many steps of code in which one access is guarded, `$3` being an address and `$2` 7;
/// `$2` and where control is then.
fn guarded(code: &[u32], fault: (u64, u64), three: u64, steps: usize) -> Result<(u64, u64), Trap> {
    let architecture = Architecture {
        release: Release::R2,
        gprlen: DOUBLEWORD,
    };
    let mut place = Place::new(Concrete, ByteOrder::Little, &mut Random(1));
    place.fault = Some(fault);
    let words = code.iter().map(|&word| Bits::new(WORD, word.into()));
    place.code.extend(words);
    let mut gpr = [Bits::new(DOUBLEWORD, 0); 32];
    gpr[2] = Bits::new(DOUBLEWORD, 7);
    gpr[3] = Bits::new(DOUBLEWORD, three);
    let mut machine = Machine::new(architecture, &mut place, gpr, 0);
    for _ in 0..steps {
        machine.step()?;
    }
    Ok((machine.gpr[2].unsigned(), machine.pc))
}

#[test]
fn what_finds_no_memory_changes_nothing_and_goes_on_elsewhere() {
    let data = u64::from(DATA);
    // ld, sd, lld $2, 0($3)
    for word in [0xdc62_0000, 0xfc62_0000, 0xd062_0000] {
        assert_eq!(guarded(&[word], (0, 12), 0, 1), Ok((7, 12)), "{word:08x}");
        let found = guarded(&[word], (0, 12), data, 1);
        assert_eq!(found.map(|(_, pc)| pc), Ok(4), "{word:08x}");
        let unguarded = guarded(&[word], (4, 12), 0, 1);
        assert!(matches!(unguarded, Err(Trap::Memory(_))), "{unguarded:?}");
    }
    // b 8; ld $2, 0($3)
    let slot = guarded(&[0x1000_0001, 0xdc62_0000], (4, 12), data, 1);
    assert_eq!(slot, Err(Trap::SlotFaults(4)));
    // lld $4, 0($3); ld $5, 0($0); scd $2, 0($3): the fault between them breaks the link
    let broken = guarded(&[0xd064_0000, 0xdc05_0000, 0xf062_0000], (4, 8), data, 3);
    assert_eq!(broken, Err(Trap::Unpredictable(0xf062_0000)));
}
