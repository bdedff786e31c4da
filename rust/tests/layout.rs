// SPDX-License-Identifier: GPL-2.0

//! Layout: near and far jumps at the limits of their reach, offsets, images of any size.
//!
//! That every jump goes where an instruction begins, and every branch is in reach, is judged of
//! every image, see [`crate::host::check`]; here is what else must hold.

use super::{program, BE_R1, BE_R6, LE_R1, LE_R2, LE_R6, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, dialect, Image, Options, AX, RUNTIME};
use crate::jit::abi::{Linkage, Role, O32};
use crate::jit::analysis::{Analyses, Fact};
use crate::jit::asm::Block;
use crate::jit::bpf::{decode, Insn, Raw};
use crate::jit::error::Error;
use crate::jit::layout::{Compiler, Program, Workspace};
use crate::jit::mips::table::{Field, Op};
use crate::jit::mips::Cpu;

/// Words of a jump's displacement to either side.
pub(super) const REACH: usize = 1 << 15;

/// Instructions that together have this many words: as few as possible, so that tests are quick.
fn filler(words: usize, cpu: &Cpu) -> Vec<Raw> {
    let long = program("tail_call", cpu)[0];
    // A zero-extension.
    let short = program("r0 = (u32)r0", cpu)[0];
    let image = compile(&[long, short], cpu, &Options::plain()).expect("compiles");
    let length = |slot: usize| (image.offsets[slot + 1] - image.offsets[slot]) as usize / 4;
    assert_eq!(length(1), 1);
    let mut filler = vec![long; words / length(0)];
    filler.resize(filler.len() + words % length(0), short);
    filler
}

/// The image address of the first word that a jump of this BPF instruction goes to, other than
/// inside the instruction itself; none if it does not jump.
fn destination(image: &Image, slot: usize) -> Option<u32> {
    let words = image.offsets[slot] as usize / 4..image.offsets[slot + 1] as usize / 4;
    let word = |at: usize| Word::decode(image.words[at]).expect("an instruction");
    let place = |at: usize| image.address.wrapping_add(at as u32 * 4);
    for at in words.clone() {
        if let Some(distance) = word(at).distance() {
            let target = (at as i64 + i64::from(distance)) as usize;
            if !(words.start + 1..=words.end).contains(&target) {
                return Some(place(target));
            }
        }
        if word(at).op == Op::Jr && at >= words.start + 2 {
            let high = word(at - 2).field(Field::Uimm);
            return Some(high << 16 | word(at - 1).field(Field::Uimm));
        }
    }
    None
}

/// Whether a jump of this BPF instruction goes through a register, or where it would need to if
/// there were no branch of 26 bits.
pub(super) fn is_far(image: &Image, slot: usize) -> bool {
    let words = image.offsets[slot] as usize / 4..image.offsets[slot + 1] as usize / 4;
    let reaches = |word: Word| {
        let displacement = word.distance().unwrap_or(0) - 1;
        (-(REACH as i32)..REACH as i32).contains(&displacement)
    };
    image.words[words]
        .iter()
        .filter_map(|&bits| Word::decode(bits))
        .any(|word| word.op == Op::Jr || word.op == Op::Bc && !reaches(word))
}

/// Checks that every jump of a program goes to its target.
pub(super) fn check_destinations(insns: &[Raw], cpu: &Cpu, image: &Image) {
    let mut at = 0;
    while at < insns.len() {
        let insn = decode(&dialect(cpu), insns, at as u32).expect("a valid program");
        let target = match insn {
            // The comparison may be decided without a branch.
            Insn::Branch { .. } | Insn::Jump { .. } => insn.target(),
            _ => None,
        };
        if let (Some(target), Some(found)) = (target, destination(image, at)) {
            let expected = image.address.wrapping_add(image.offsets[target as usize]);
            // To the next instruction is where the fall-through goes as well.
            assert_eq!(found, expected, "slot {at}: {insn:?}");
        }
        at += insn.slots() as usize;
    }
}

/// A jump over `words` words, either way: the program and the jump's slot.
fn jump_over(words: usize, jump: &str, is_forward: bool, cpu: &Cpu) -> (Vec<Raw>, usize) {
    let filler = filler(words, cpu);
    let exit = program("exit", cpu);
    let mut jump = program(&format!("{jump} goto over; over: exit"), cpu);
    jump.truncate(1);
    let slots = filler.len() as i16;
    if is_forward {
        jump[0].off = slots;
        ([jump, filler, exit].concat(), 0)
    } else {
        jump[0].off = -slots - 1;
        ([filler, jump, exit].concat(), slots as usize)
    }
}

#[test]
fn jumps_turn_far_exactly_where_near_ends() {
    for cpu in [LE_R2, BE_R1] {
        for is_forward in [true, false] {
            let mut first_far = None;
            for words in REACH - 12..REACH + 12 {
                let (insns, at) = jump_over(words, "", is_forward, &cpu);
                let image = compile(&insns, &cpu, &Options::plain()).expect("compiles");
                check_destinations(&insns, &cpu, &image);
                match (is_far(&image, at), first_far) {
                    (true, None) => first_far = Some(words),
                    (false, Some(far)) => panic!("far at {far}, near at {words}"),
                    _ => {}
                }
            }
            // A jump of two words would go 32766 words forward and 32767 back. It is near only if
            // both ends of its far form, of four words, would reach: two less, and four less.
            let slack = if is_forward { 3 } else { 4 };
            let far = first_far.expect("some distance is out of reach");
            assert_eq!(far, REACH - slack, "forward: {is_forward}");
        }
    }
}

#[test]
fn conditional_jumps_near_and_far() {
    let conditions = [
        "if r1 == r2",
        "if r1 != r2",
        "if r1 > r2",
        "if r1 s<= r2",
        "if r1 & r2",
        "if r1 == 5",
        "if r1 != 5",
        "if r1 s> 0",
        "if r1 < 5",
        "if w1 == w2",
        "if w1 s>= 7",
        "if w1 & 0x12345",
        "if w1 >= 0",
        "if w1 < 0",
        "if r1 == 0",
        "if r1 != 0",
        "if r1 == r1",
        "if w1 != w1",
    ];
    for cpu in [LE_R2, BE_R1, BE_R6] {
        for condition in conditions {
            for is_forward in [true, false] {
                for words in [20, REACH - 9, REACH] {
                    let (insns, at) = jump_over(words, condition, is_forward, &cpu);
                    let image = compile(&insns, &cpu, &Options::plain()).expect("compiles");
                    check_destinations(&insns, &cpu, &image);
                    // Between the two it depends on the length of the comparison.
                    if words != REACH - 9 {
                        let is_taken = destination(&image, at).is_some();
                        let expected = is_taken && words == REACH;
                        assert_eq!(is_far(&image, at), expected, "{condition} over {words}");
                    }
                }
            }
        }
    }
}

/// A number sequence that is the same in every run.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// A program as long as the verifier takes, with jumps all across it.
fn longest(cpu: &Cpu, len: usize) -> Vec<Raw> {
    let raw = |code, dst, src, off, imm| Raw::new(cpu.endian, code, dst, src, off, imm);
    let mut sequence = Sequence(1);
    let mut insns = Vec::with_capacity(len);
    while insns.len() < len - 1 {
        let at = insns.len() as i64;
        let target = sequence.below(len as u64) as i64;
        let near = (sequence.below(1 << 16) as i64 - (1 << 15)).clamp(-at - 1, len as i64 - at - 2);
        insns.push(match sequence.below(8) {
            0 => raw(0x06, 0, 0, 0, (target - at - 1) as i32),
            1 => raw(0x5d, 1, 2, near as i16, 0),
            2 => raw(0xa6, 3, 0, near as i16, 1000),
            3 => raw(0x6d, 4, 5, near as i16, 0),
            4 => raw(0x0f, 1, 2, 0, 0),
            5 => raw(0x95, 0, 0, 0, 0),
            6 => raw(0x85, 0, 0, 0, 5),
            _ => raw(0xb7, 6, 0, 0, 7),
        });
    }
    insns.push(raw(0x95, 0, 0, 0, 0));
    insns
}

#[test]
fn a_million_instructions() {
    for cpu in [LE_R1, LE_R6] {
        let insns = longest(&cpu, 1_000_000);
        let image = compile(&insns, &cpu, &Options::plain()).expect("nothing is too long");
        check_destinations(&insns, &cpu, &image);
        assert!((0..insns.len()).any(|slot| is_far(&image, slot)));
        assert!(image.offsets.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}

#[test]
fn the_address_matters_to_far_jumps_alone() {
    for (name, cpu) in MACHINES {
        let insns = longest(&cpu, 40_000);
        let at = |address| {
            let options = Options {
                address,
                ..Options::plain()
            };
            let image = compile(&insns, &cpu, &options).expect("compiles");
            check_destinations(&insns, &cpu, &image);
            image
        };
        let images = [0xc004_0000, 0x8fff_0000, 0xffff_0000].map(at);
        for other in &images[1..] {
            assert_eq!(images[0].offsets, other.offsets, "{name}");
            for (one, two) in images[0].words.iter().zip(&other.words) {
                let words = [one, two].map(|word| Word::decode(*word).expect("an instruction"));
                let is_address = matches!(words[0].op, Op::Lui | Op::Ori);
                assert!(one == two || is_address, "{name}");
            }
        }
        let image = compile(&longest(&cpu, 2000), &cpu, &Options::plain()).expect("compiles");
        assert!(
            !(0..2000).any(|slot| is_far(&image, slot)),
            "{name}: far without need"
        );
    }
}

#[test]
fn without_facts_the_rules_are_the_same() {
    for (name, cpu) in MACHINES {
        let insns = longest(&cpu, 30_000);
        for verifier_zext in [false, true] {
            let [with, without] = [true, false].map(|facts| {
                let options = Options {
                    facts,
                    verifier_zext,
                    ..Options::plain()
                };
                let image = compile(&insns, &cpu, &options).expect("compiles");
                check_destinations(&insns, &cpu, &image);
                image
            });
            assert!(without.words.len() >= with.words.len(), "{name}");
            assert_eq!(without.offsets.len(), with.offsets.len());
        }
    }
}

/// A program as it is compiled below.
pub(super) fn bare(insns: &[Raw]) -> Program<'_> {
    Program {
        insns,
        dialect: dialect(&LE_R2),
        role: Role::Whole,
        is_boundary: false,
        private_stack: None,
        linkage: Linkage::default(),
        stack_depth: 0,
        reaches_tail_calls: false,
        verifier_zext: false,
        arena: None,
        functions: &[],
        analyses: Analyses::ALL,
        fills_slots: false,
        forwards_copies: false,
    }
}

/// Lends memory of these lengths and compiles as far as it goes.
fn with_workspace(text: &str, offsets: usize, facts: usize) -> Result<u32, Error> {
    let insns = program(text, &LE_R2);
    let mut offsets = vec![0; offsets];
    let mut facts = vec![Fact::default(); facts];
    let mut block = Block::new();
    let program = bare(&insns);
    let workspace = Workspace {
        offsets: &mut offsets,
        facts: &mut facts,
        draft: &mut [],
        block: &mut block,
    };
    let mut compiler = Compiler::<O32>::new(&program, &LE_R2, &RUNTIME, workspace)?;
    let words = compiler.measure()?;
    for len in [0, words as usize - 1, words as usize + 1] {
        let mut short = vec![0; len];
        assert!(matches!(
            compiler.write(&mut short, &mut [], 0),
            Err(Error::Internal { .. })
        ));
    }
    compiler.write(&mut vec![0; words as usize], &mut [], 0)?;
    Ok(words)
}

#[test]
fn memory_must_fit() {
    // Of the second, which jumps to an address, nothing is known: but the memory is judged.
    for text in ["r0 = 1; exit", "r0 = 1; gotox r1"] {
        assert!(with_workspace(text, 3, 2).is_ok());
        assert!(with_workspace(text, 3, 0).is_ok());
        for (offsets, facts) in [(0, 2), (2, 2), (4, 2), (3, 1), (3, 3)] {
            let refused = with_workspace(text, offsets, facts);
            assert_eq!(refused, Err(Error::NoMemory), "{text}: {offsets} {facts}");
        }
    }
}

#[test]
fn offsets_of_second_slots_and_of_the_epilogue() {
    let insns = program("r1 = 0x1234567890 ll; r0 = 0; exit", &LE_R2);
    let image = compile(&insns, &LE_R2, &Options::plain()).expect("compiles");
    let begins = image.offsets[0];
    // Both slots: where the next instruction begins is where the second slot is said to be.
    assert_eq!(
        image.offsets[1..],
        [12, 12, 20, 20].map(|bytes| begins + bytes)
    );
    assert_eq!(AX, 12);
}

#[test]
fn every_exit_but_a_last_one_jumps() {
    // The last instruction need not be an exit.
    for (name, cpu) in MACHINES {
        let insns = program("goto over; back: r0 = 0; exit; over: goto back", &cpu);
        let image = compile(&insns, &cpu, &Options::plain()).expect("compiles");
        let epilogue = image.address.wrapping_add(image.offsets[4]);
        assert_eq!(destination(&image, 2), Some(epilogue), "{name}");
        let insns = program("r0 = 0; exit", &cpu);
        let image = compile(&insns, &cpu, &Options::plain()).expect("compiles");
        assert_eq!(image.offsets[1], image.offsets[2], "{name}");
    }
}

#[test]
fn errors_name_the_instruction() {
    let result = |insns: &[Raw]| compile(insns, &LE_R2, &Options::plain());
    let mut insns = program("r0 = 0; r0 = 1; exit", &LE_R2);
    insns[1].code = 0xff;
    let opcode = 0xff;
    assert_eq!(result(&insns), Err(Error::Unsupported { at: 1, opcode }));
    let insns = program("r0 = 0; exit; goto +1", &LE_R2);
    assert_eq!(result(&insns), Err(Error::OutOfReach { at: 2 }));
}
