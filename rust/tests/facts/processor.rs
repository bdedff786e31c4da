// SPDX-License-Identifier: GPL-2.0

//! What others see of an image: executed in the model of MIPS, with memory everywhere.

use std::collections::BTreeMap;

use crate::host::Image;
use crate::jit::mips::{Cpu, Endian, Release};
use crate::model::mips::{self, Architecture, Next, Platform, Trap};
use crate::model::word::{Bits, Word};
use crate::model::world::{Fault, World};

/// Instructions after which a program is left alone.
const LIMIT: usize = 400;

/// `$sp` where a program begins.
const STACK: u32 = 0x8700_0000;

/// Where the program's caller goes on.
const CALLER: u32 = 0x8020_0000;

/// The context.
pub(super) const CONTEXT: u32 = 0x8654_3210;

const SP: usize = 29;
const RA: usize = 31;
const A0: usize = 4;
const V0: usize = 2;

/// What is observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A byte is stored, outside of the frame's own parts.
    Store(u32, u8),
    /// R1 and R2 of a call.
    Call([u32; 4]),
    /// The program returns.
    Return(u32),
    /// It goes nowhere.
    Lost,
}

/// What an image does.
pub(super) fn run(image: &Image, cpu: &Cpu, seed: u32) -> Vec<Event> {
    let mut world = Outside {
        image,
        order: cpu.endian,
        memory: BTreeMap::new(),
        seed,
        unknown: 0,
        events: Vec::new(),
        stack: STACK - 0x400..STACK,
    };
    let mut gpr: [Bits; 32] = std::array::from_fn(|number| word(world.junk(number as u32)));
    for (number, value) in [(0, 0), (SP, STACK), (RA, CALLER), (A0, CONTEXT)] {
        gpr[number] = word(value);
    }
    let architecture = Architecture {
        release: match cpu.release {
            Release::R1 => mips::Release::R1,
            Release::R2 => mips::Release::R2,
            Release::R6 => mips::Release::R6,
        },
        gprlen: 32,
    };
    let mut processor = mips::Machine::new(architecture, &mut world, gpr, image.function().into());
    for _ in 0..LIMIT {
        if processor.pc == u64::from(CALLER) {
            let result = processor.gpr[V0].unsigned() as u32;
            processor.platform.events.push(Event::Return(result));
            break;
        }
        match processor.step() {
            Ok(Next::Instruction) => {}
            Ok(Next::Call(_)) => {
                let arguments = [0, 1, 2, 3].map(|n| processor.gpr[A0 + n].unsigned() as u32);
                processor.platform.events.push(Event::Call(arguments));
                let calls = processor.platform.events.len() as u32;
                for number in (1..=15).chain([24, 25, RA]) {
                    let junk = processor.platform.junk(calls << 8 | number as u32);
                    processor.gpr[number] = word(junk);
                }
            }
            // A program may overwrite the place that it returns to.
            Err(Trap::Fetch(_)) => {
                processor.platform.events.push(Event::Lost);
                break;
            }
            other => panic!("{other:?} at {:#x}", processor.pc),
        }
    }
    world.events
}

fn word(value: u32) -> Bits {
    Bits::new(32, value.into())
}

struct Outside<'a> {
    image: &'a Image,
    order: Endian,
    memory: BTreeMap<u32, u8>,
    seed: u32,
    unknown: u32,
    events: Vec<Event>,
    /// Where frames are, of which nobody outside sees anything.
    stack: std::ops::Range<u32>,
}

impl Outside<'_> {
    /// Something that depends on the seed: small, negative, large.
    fn junk(&self, what: u32) -> u32 {
        let mixed = (what ^ self.seed).wrapping_mul(0x9e37_79b9);
        let mixed = (mixed ^ mixed >> 15).wrapping_mul(0x85eb_ca6b);
        match mixed >> 29 {
            0 => mixed & 7,
            1 => 0,
            2 => u32::MAX,
            3 => mixed | 1 << 31,
            _ => mixed,
        }
    }

    /// In memory order.
    fn in_order(&self, mut bytes: Vec<Bits>) -> Vec<Bits> {
        if self.order == Endian::Big {
            bytes.reverse();
        }
        bytes
    }
}

impl World<Bits> for Outside<'_> {
    fn load(&mut self, address: Bits, bytes: u32) -> Result<Bits, Fault> {
        let first = address.unsigned() as u32;
        let byte = |n: u32| {
            let at = first.wrapping_add(n);
            let junk = self.junk(at & !3) >> (8 * (at & 3));
            let byte = self.memory.get(&at).copied().unwrap_or(junk as u8);
            Bits::new(8, byte.into())
        };
        let bytes = (0..bytes).map(byte).collect();
        Ok(Bits::from_bytes(&self.in_order(bytes)))
    }

    fn store(&mut self, address: Bits, value: Bits) -> Result<(), Fault> {
        let first = address.unsigned() as u32;
        for (n, byte) in (0..).zip(self.in_order(value.bytes())) {
            let (at, byte) = (first.wrapping_add(n), byte.unsigned() as u8);
            self.memory.insert(at, byte);
            if !self.stack.contains(&at) {
                self.events.push(Event::Store(at, byte));
            }
        }
        Ok(())
    }

    fn decide(&mut self, condition: Bits) -> bool {
        condition.unsigned() != 0
    }

    fn unknown(&mut self, width: u32) -> Bits {
        self.unknown += 1;
        Bits::new(width, self.junk(self.unknown << 20).into())
    }
}

impl Platform<Bits> for Outside<'_> {
    fn fetch(&mut self, address: u64) -> Option<Bits> {
        let index = address.checked_sub(self.image.address.into())? / 4;
        self.image.words.get(index as usize).map(|&code| word(code))
    }

    fn expects(&mut self, condition: Bits) -> bool {
        condition.unsigned() != 0
    }
}
