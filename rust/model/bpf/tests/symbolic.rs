// SPDX-License-Identifier: GPL-2.0

//! The model over terms against the model over bits: single instructions of every class, with
//! registers, immediates and memory that are variables.

use super::super::fields::{class, Fields};
use super::super::memory::ByteOrder;
use super::super::*;
use crate::model::both::{Concrete, Place, Random, Reading, Symbolic, DATA, DATA_SIZE};
use crate::model::term;

/// Number of the auxiliary register in instructions.
const NUMBER_OF_AX: u8 = 12;

/// How a run ended: what a step said, the registers that are defined, the next slot, and memory.
#[derive(Debug, PartialEq, Eq)]
struct End {
    said: Result<Next<u64, u64>, Trap>,
    registers: Vec<Option<u64>>,
    at: usize,
    tail_calls: u64,
    memory: Vec<u64>,
}

/// An instruction, and what is around it.
#[derive(Clone, Copy, Debug)]
struct Setting {
    seed: u64,
    setup: Setup,
    insn: Fields,
    second: Fields,
    has_free_immediate: bool,
}

impl Setting {
    fn run<W: Word, R: Reading<W>>(&self, reading: R) -> End {
        let order = self.setup.order;
        let mut random = Random(self.seed);
        let mut place = Place::new(reading, order, &mut random);
        let slots = [self.insn, self.second].map(|insn| insn.slot(order));
        let programs = [Program {
            slots: slots.to_vec(),
            stack: (DATA + DATA_SIZE).into(),
            frame: 0,
        }];
        if self.has_free_immediate {
            let value = self.insn.immediate as u32;
            place.immediate = Some(place.reading.word(32, value.into()));
        }
        let context = place.reading.word(DOUBLEWORD, DATA.into());
        let mut machine = Machine::new(self.setup, &mut place, &programs, context);
        for register in (0..R10).chain([AX]) {
            // Many registers are addresses.
            let value = match random.below(2) {
                0 => random.value(),
                _ => u64::from(DATA) + random.below(DATA_SIZE.into()) / 8 * 8,
            };
            machine.registers[register] = machine.kernel.reading.word(DOUBLEWORD, value);
            machine.defined[register] = random.below(16) != 0;
        }
        let calls = random.below(40);
        machine.tail_calls = machine.kernel.reading.word(WORD, calls);
        let said = machine.step();
        let (all, defined, at) = (machine.registers, machine.defined, machine.at);
        let counted = machine.tail_calls;
        let value = |word: W| place.reading.value(word);
        let registers = all.into_iter().zip(defined);
        End {
            said: said.map(|next| match next {
                Next::Instruction => Next::Instruction,
                Next::Exit => Next::Exit,
                Next::Address(address) => Next::Address(value(address)),
                Next::TailCall(program, context) => Next::TailCall(program, value(context)),
            }),
            registers: registers
                .map(|(word, defined)| defined.then(|| value(word)))
                .collect(),
            at,
            tail_calls: value(counted),
            memory: place.memory(),
        }
    }
}

/// A random instruction; few are none.
fn instruction(random: &mut Random) -> Fields {
    let class = random.below(8) as u8;
    let bits = (random.next() >> 32) as u8 & 0xf8;
    let small = random.below(8) as i16;
    let (opcode, offset, immediate) = match class {
        class::ALU | class::ALU64 => {
            let operation = bits & 0xf0;
            let offset = match operation {
                0xb0 => random.choose(&[0, 0, 8, 16, 32, 1]),
                0x30 | 0x90 => random.choose(&[0, 1, 2]),
                _ => 0,
            };
            let immediate = match operation {
                0xd0 => random.choose(&[16, 32, 64, 8]),
                _ => random.value() as i32,
            };
            (bits, offset, immediate)
        }
        class::JMP | class::JMP32 => (bits, small - 4, random.value() as i32),
        class::LD => (random.choose(&[0x18, 0x18, bits]), 0, random.value() as i32),
        class::STX if bits >= 0xc0 => {
            let operations = [
                0, 1, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1, 0x100, 0x110, 2,
            ];
            (bits, small / 4 * 4, random.choose(&operations))
        }
        _ => (bits, small / 4 * 4, random.value() as i32),
    };
    let mut register = || random.choose(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, NUMBER_OF_AX]);
    Fields {
        opcode: class | opcode,
        dst: register(),
        src: register(),
        offset,
        immediate,
    }
}

/// Whether the immediate is a number, and not part of the operation.
fn may_be_free(insn: &Fields) -> bool {
    match insn.class() {
        class::ALU | class::ALU64 => !matches!(insn.operation(), 0xd0 | 0xb0),
        class::JMP | class::JMP32 => !matches!(insn.operation(), 0x00 | 0x80),
        class::ST => true,
        _ => false,
    }
}

#[test]
fn terms_mean_what_bits_do() {
    let mut random = Random(0x5eed);
    let mut trapped = 0;
    const ROUNDS: u32 = 60_000;
    for round in 0..ROUNDS {
        if round % 500 == 0 {
            term::forget_all();
        }
        let insn = instruction(&mut random);
        let setting = Setting {
            seed: random.next(),
            setup: Setup {
                order: random.choose(&[ByteOrder::Little, ByteOrder::Big]),
                ax: NUMBER_OF_AX,
                parameters: None,
                upper_half: random.choose(&[UpperHalf::Zero, UpperHalf::Unspecified]),
                counted: random.choose(&[Counted::Hits, Counted::Lookups]),
                is_wide: false,
            },
            insn,
            second: Fields {
                opcode: 0,
                dst: 0,
                src: 0,
                offset: 0,
                immediate: random.value() as i32,
            },
            has_free_immediate: may_be_free(&insn) && random.below(2) == 0,
        };
        // The number itself, against a variable that has it as its value.
        let constant = Setting {
            has_free_immediate: false,
            ..setting
        };
        let bits = constant.run(Concrete);
        let terms = setting.run(Symbolic::new(random.below(4) == 0));
        assert_eq!(terms, bits, "{setting:x?}");
        trapped += u32::from(bits.said.is_err());
    }
    // Else nothing much would have been compared.
    assert!(trapped < ROUNDS * 3 / 4, "{trapped} of {ROUNDS} trap");
}
