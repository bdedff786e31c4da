// SPDX-License-Identifier: GPL-2.0

//! The check of images must find what is wrong: good images, damaged.

use super::{program, LE64_R2, LE_R1, LE_R2};
use crate::host::check::judge;
use crate::host::{compile, Image, Options};
use crate::jit::asm::Fault;
use crate::jit::mips::{Cpu, Disp16, FieldPos, FieldSize, Insn, Reg, Simm16, Uimm16};

fn image() -> Image {
    let insns = program("if r1 == 0 goto +2; r0 = 1; exit; r0 = 2; exit", &LE_R2);
    compile(&insns, &LE_R2, &Options::plain()).expect("the program compiles")
}

/// Puts words at the start of the second BPF instruction and says what is wrong then.
fn fault_of(insns: &[Insn], cpu: &Cpu) -> String {
    let mut image = image();
    let at = image.offsets[1] as usize / 4;
    for (place, insn) in image.words[at..].iter_mut().zip(insns) {
        *place = insn.word();
    }
    judge(&image, cpu).expect_err("the image is wrong")
}

fn to(target: i64) -> Disp16 {
    let at = i64::from(image().offsets[1]) / 4;
    let target = u32::try_from(at + target).expect("inside the image");
    Disp16::between(at as u32, target).expect("in reach")
}

#[test]
fn a_good_image_passes() {
    assert_eq!(judge(&image(), &LE_R2), Ok(()));
}

#[test]
fn forbidden_registers() {
    for reg in [Reg::GP, Reg::K0, Reg::K1] {
        for insn in [
            Insn::addiu(reg, Reg::ZERO, Simm16::ZERO),
            Insn::lw(reg, Simm16::ZERO, Reg::SP),
            Insn::sc(reg, Simm16::ZERO, Reg::SP),
            Insn::mflo(reg),
            Insn::movz(reg, Reg::V0, Reg::V1),
            Insn::sll(reg, reg, FieldPos::masked(0)),
            Insn::jalr(reg, Reg::T9),
        ] {
            let fault = fault_of(&[insn], &LE_R2);
            assert!(fault.contains("writes"), "{fault}");
        }
    }
}

#[test]
fn words_that_are_no_instruction() {
    let mut image = image();
    let at = image.offsets[1] as usize / 4;
    // jal
    image.words[at] = 0x0c00_0000;
    let fault = judge(&image, &LE_R2).expect_err("jal is in no image");
    assert!(fault.contains("no instruction"), "{fault}");
}

#[test]
fn later_releases() {
    let fault = fault_of(&[Insn::seb(Reg::V0, Reg::V0)], &LE_R1);
    assert!(fault.contains("not in W32 R1"), "{fault}");
}

#[test]
fn bit_fields_outside_the_word() {
    let size = FieldSize::new(17).expect("a size");
    let ext = Insn::ext(Reg::V0, Reg::V0, FieldPos::masked(16), size);
    let fault = fault_of(&[ext], &LE_R2);
    assert!(fault.contains("bit-field"), "{fault}");
}

#[test]
fn copies_of_words_where_registers_are_wider() {
    let copy = Insn::addu(Reg::T8, Reg::V0, Reg::ZERO);
    let fault = fault_of(&[copy], &LE64_R2);
    assert!(fault.contains("copies a word"), "{fault}");
}

#[test]
fn branches_out_of_the_image_and_into_other_instructions() {
    let outside = [
        to(1000),
        to(-1000 + 1000 - i64::from(image().offsets[1]) / 4 + 1),
    ];
    // Inside the prologue, where nothing begins.
    for disp in outside.into_iter().chain([to(-1)]) {
        let branch = Insn::beq(Reg::ZERO, Reg::ZERO, disp);
        let fault = fault_of(&[branch, Insn::NOP], &LE_R2);
        assert!(fault.contains("nothing begins"), "{fault}");
    }
}

#[test]
fn delay_slots() {
    let branch = Insn::beq(Reg::ZERO, Reg::ZERO, to(0));
    let fault = fault_of(&[branch, branch], &LE_R2);
    assert!(fault.contains("in the delay slot"), "{fault}");
    // The slot of a branch in the last word of its block is another instruction's.
    let fault = fault_of(&[Insn::NOP, branch], &LE_R2);
    assert!(fault.contains("no delay slot"), "{fault}");
}

#[test]
fn far_jumps_go_where_something_begins() {
    let source = "r0 = 1; w1 &= 0x12345678; exit; exit";
    let cpu = LE_R1;
    let image = compile(&program(source, &cpu), &cpu, &Options::plain()).expect("compiles");
    let at = image.offsets[1] as usize / 4;
    for (offset, is_right) in [
        (image.offsets[1], true),
        (image.offsets[1] + 2, false),
        (4, false),
    ] {
        let mut image = image.clone();
        let address = image.address + offset;
        // One block of five words.
        let words = [
            Insn::lui(Reg::T9, Uimm16::high_half(address)),
            Insn::ori(Reg::T9, Reg::T9, Uimm16::low_half(address)),
            Insn::jr(Reg::T9),
            Insn::NOP,
        ];
        for (place, insn) in image.words[at..].iter_mut().zip(words) {
            *place = insn.word();
        }
        assert_eq!(judge(&image, &cpu).is_ok(), is_right, "{offset}");
    }
}

#[test]
fn offsets() {
    for (slot, offset) in [(1, 2), (1, 0), (4, 0x1000)] {
        let mut image = image();
        image.offsets[slot] = offset;
        assert!(judge(&image, &LE_R2).is_err(), "{slot}: {offset}");
    }
}

/// An image with two faults, of a load with a branch before it.
fn image_with_faults() -> Image {
    let source = "r1 = *(u64 *)(probe r2 + 8); *(u32 *)(arena r3 + 4) = r1; r0 = 0; exit";
    let insns = program(source, &LE64_R2);
    compile(&insns, &LE64_R2, &Options::plain()).expect("the program compiles")
}

#[test]
fn faults_go_on_behind_themselves() {
    let good = image_with_faults();
    let [load, store] = good.faults[..] else {
        panic!("{:?}", good.faults);
    };
    let fault = |at: u32, resume: u32| Fault { at, resume };
    for (faults, wrong) in [
        (vec![store, load], "is out of order"),
        (vec![load, load], "is out of order"),
        (
            vec![fault(load.at - 3, load.resume)],
            "is at no load or store",
        ),
        (vec![fault(load.at, load.at)], "goes on at word"),
        (vec![fault(load.at, store.at)], "goes on at word"),
        (vec![fault(load.at, 0)], "goes on at word"),
        (
            vec![fault(good.words.len() as u32, 0)],
            "is at no load or store",
        ),
    ] {
        let image = Image {
            faults,
            ..good.clone()
        };
        let found = judge(&image, &LE64_R2).expect_err("the image is wrong");
        assert!(found.contains(wrong), "{found}");
    }
    let mut image = good.clone();
    // The load takes the place of what clears its destination.
    image.words.swap(load.at as usize, load.at as usize - 1);
    image.faults = vec![fault(load.at - 1, load.resume)];
    let found = judge(&image, &LE64_R2).expect_err("the image is wrong");
    assert!(found.contains("is in a delay slot"), "{found}");
}
