// SPDX-License-Identifier: GPL-2.0

//! Frames, read off the code that has made them.

use super::{program, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, Options};
use crate::jit::abi::unwind::unwind;
use crate::jit::abi::{Role, N64, O32};
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::{Cpu, Reg, Width};

/// The frame's size, and where the return address is.
fn unwound(words: &[u32], cpu: &Cpu) -> Option<(u16, u16)> {
    let words = words.iter().copied();
    let found = match cpu.width {
        Width::W32 => unwind::<O32>(words),
        Width::W64 => unwind::<N64>(words),
    };
    found.map(|found| (found.size, found.return_at))
}

#[test]
fn what_the_epilogue_takes_down() {
    for (name, cpu) in MACHINES {
        for role in [Role::Whole, Role::Main, Role::Subprogram, Role::Exception] {
            for (stack_depth, is_boundary) in [(0, false), (8, true), (512, false), (512, true)] {
                let options = Options {
                    role,
                    stack_depth,
                    is_boundary,
                    ..Options::default()
                };
                let source = "r6 = r1; r7 = r10; r8 = 0; call 5; r0 += r6; exit";
                let image = compile(&program(source, &cpu), &cpu, &options).expect("compiles");
                let epilogue = *image.offsets.last().expect("an epilogue") as usize / 4;
                let (mut size, mut return_at) = (0, 0);
                for &bits in &image.words[epilogue..] {
                    let word = Word::decode(bits).expect("an instruction");
                    let rt = Reg::from_number(word.field(Field::Rt));
                    match (word.op, rt) {
                        (Op::Addiu | Op::Daddiu, Reg::SP) => size = word.field(Field::Simm) as u16,
                        (Op::Lw | Op::Ld, Reg::RA) => return_at = word.field(Field::Simm) as u16,
                        _ => {}
                    }
                }
                let found = unwound(&image.words, &cpu);
                assert_eq!(found, Some((size, return_at)), "{name} {role:?}");
            }
        }
    }
}

#[test]
fn what_has_no_caller() {
    for (_, cpu) in MACHINES {
        let image = compile(&program("r0 = r10; exit", &cpu), &cpu, &Options::default());
        let image = image.expect("compiles");
        assert_eq!(unwound(&image.words, &cpu), None);
        assert_eq!(unwound(&[], &cpu), None);
    }
}
