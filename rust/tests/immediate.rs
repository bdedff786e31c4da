// SPDX-License-Identifier: GPL-2.0

//! Constants: the right word in the register, in the fewest instructions.

use super::LE_R2;
use crate::host::mips::Word;
use crate::jit::asm::{Block, Target};
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::Reg;

/// What a block that only makes constants leaves in `$t0`.
fn run(block: &Block) -> u32 {
    let mut registers = [0; 32];
    for insn in block.insns() {
        let word = Word::decode(insn.word()).expect("an instruction");
        let field = |field| word.field(field);
        let source = registers[field(Field::Rs) as usize];
        let (to, value) = match word.op {
            Op::Addiu => {
                let imm = i32::from(field(Field::Simm) as u16 as i16);
                (Field::Rt, u32::wrapping_add_signed(source, imm))
            }
            Op::Ori => (Field::Rt, source | field(Field::Uimm)),
            Op::Lui => (Field::Rt, field(Field::Uimm) << 16),
            Op::Addu => {
                let other = registers[field(Field::Rt) as usize];
                (Field::Rd, u32::wrapping_add(source, other))
            }
            other => panic!("{other:?} makes no constant"),
        };
        registers[field(to) as usize] = value;
        registers[0] = 0;
    }
    registers[Reg::T0.number() as usize]
}

fn words() -> Vec<u32> {
    let halves = [0, 1, 2, 0x7fff, 0x8000, 0x8001, 0xfffe, 0xffff, 0x1234];
    let pairs = halves.map(|high| halves.map(|low| high << 16 | low));
    pairs.into_iter().flatten().collect()
}

#[test]
fn load_word_is_right_and_short() {
    for word in words() {
        let mut block = Block::new();
        block.start(&LE_R2, Target::NONE);
        block.load_word(Reg::T0, word);
        assert_eq!(run(&block), word);
        let (high, low) = (word >> 16, word & 0xffff);
        let one = high == 0 || low == 0 || (high == 0xffff && low >= 0x8000);
        let length = if one { 1 } else { 2 };
        assert_eq!(block.insns().len(), length, "{word:#x}");
    }
}

#[test]
fn load_word_fixed_is_always_two() {
    for word in words() {
        let mut block = Block::new();
        block.start(&LE_R2, Target::NONE);
        block.load_word_fixed(Reg::T0, word);
        assert_eq!((run(&block), block.insns().len()), (word, 2));
    }
}

#[test]
fn copies_to_itself_are_nothing() {
    let mut block = Block::new();
    block.start(&LE_R2, Target::NONE);
    block.copy(Reg::T0, Reg::T0);
    assert!(block.insns().is_empty());
    block.copy(Reg::T0, Reg::T1);
    assert_eq!(block.insns().len(), 1);
}
