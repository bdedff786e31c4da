// SPDX-License-Identifier: GPL-2.0

//! Registers and sets of them, of MIPS and of BPF.

use crate::jit::abi::n64;
use crate::jit::abi::o32::RegisterMap;
use crate::jit::bpf::{self, RegSet};
use crate::jit::mips::{Endian, Reg, RegMask};

#[test]
fn zero_is_in_no_set() {
    assert!(RegMask::of(Reg::ZERO).is_empty());
    assert!(!RegMask::of(Reg::ZERO).contains(Reg::ZERO));
    assert_eq!(RegMask::EMPTY.with(Reg::ZERO), RegMask::EMPTY);
}

#[test]
fn masks_are_sets() {
    let registers = || (1..32).map(Reg::from_number);
    let all = registers().fold(RegMask::EMPTY, RegMask::with);
    assert_eq!(all.count(), 31);
    assert!(all.iter().eq(registers()));
    for reg in registers() {
        let one = RegMask::of(reg);
        assert_eq!((one.count(), one.contains(reg)), (1, true));
        assert_eq!(all.intersection(one), one);
        assert_eq!(RegMask::EMPTY.union(one), one);
        assert!(registers().all(|other| one.contains(other) == (other == reg)));
    }
    let forbidden: Vec<&str> = RegMask::FORBIDDEN.iter().map(Reg::name).collect();
    assert_eq!(forbidden, ["k0", "k1", "gp"]);
}

#[test]
fn bpf_sets_are_sets() {
    assert_eq!(RegSet::ALL.count(), 12);
    assert!(RegSet::ALL.iter().eq(bpf::Reg::ALL));
    for reg in bpf::Reg::ALL {
        let one = RegSet::of(reg);
        assert_eq!((one.count(), one.contains(reg)), (1, true));
        let rest = RegSet::ALL.without(reg);
        assert_eq!((rest.count(), rest.contains(reg)), (11, false));
        assert_eq!(rest.with(reg), RegSet::ALL);
        assert_eq!(RegSet::ALL.minus(rest), one);
        assert_eq!(rest.union(one), RegSet::ALL);
        assert_eq!(rest.intersection(one), RegSet::EMPTY);
    }
    let arguments: Vec<u8> = RegSet::ARGUMENTS.iter().map(|reg| reg as u8).collect();
    assert_eq!(arguments, [1, 2, 3, 4, 5]);
}

#[test]
fn pairs_share_no_register_and_none_is_forbidden() {
    for endian in [Endian::Little, Endian::Big] {
        let map = RegisterMap::new(endian);
        let mut taken = RegMask::FORBIDDEN.with(Reg::SP);
        for reg in bpf::Reg::ALL {
            let pair = map.pair(reg);
            assert!(taken.intersection(pair.mask()).is_empty(), "{reg:?}");
            assert_ne!(pair.hi, pair.lo, "{reg:?}");
            taken = taken.union(pair.mask());
        }
        // What is left is the lowerings' own.
        let free = (1..32)
            .map(Reg::from_number)
            .filter(|&reg| !taken.contains(reg));
        let free: Vec<&str> = free.map(Reg::name).collect();
        assert_eq!(free, ["t6", "t7", "t8", "t9"]);
    }
}

#[test]
fn n64_registers_are_all_different_and_none_is_forbidden() {
    let mut taken = RegMask::FORBIDDEN.with(Reg::SP).with(Reg::RA);
    for reg in bpf::Reg::ALL {
        let native = n64::register(reg);
        assert!(!taken.contains(native) && native != Reg::ZERO, "{reg:?}");
        taken = taken.with(native);
    }
    for temporary in [Reg::T6, Reg::T7, Reg::T8, Reg::T9, Reg::V1] {
        assert!(!taken.contains(temporary), "{temporary:?}");
    }
}

#[test]
fn words_of_a_pair_lie_in_memory_order() {
    for (endian, low_first) in [(Endian::Little, true), (Endian::Big, false)] {
        let map = RegisterMap::new(endian);
        for reg in bpf::Reg::ALL {
            let pair = map.pair(reg);
            if !matches!(reg, bpf::Reg::R10 | bpf::Reg::Ax) {
                assert_eq!(pair.lo < pair.hi, low_first, "{reg:?}");
            }
        }
        let (low, high) = map.word_offsets();
        assert_eq!((low < high, low + high), (low_first, 4));
    }
}
