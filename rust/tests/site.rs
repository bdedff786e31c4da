// SPDX-License-Identifier: GPL-2.0

//! Where a trampoline is attached to a program: what the kernel finds in an image is what the core has
//! put there.

use super::{program, BE_R2, LE_R2, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, Image, Options};
use crate::jit::abi::site::Site;
use crate::jit::abi::{Linkage, Role};
use crate::jit::mips::table::{Effects, Field};
use crate::jit::mips::{Cpu, Endian, Reg, Width};

const ADDRESS: u32 = 0xc004_8ff0;

/// The code of a program as the kernel has it: from the entry for C code on.
struct Code {
    words: Vec<u32>,
    address: u32,
}

impl Code {
    fn site(&self) -> Option<Site> {
        Site::find(&self.words, self.address)
    }
}

fn code(cpu: &Cpu, source: &str, role: Role, extends: bool, is_attachable: bool) -> Code {
    let options = Options {
        role,
        linkage: Linkage {
            is_attachable,
            extends,
            returns_r0: false,
        },
        stack_depth: if source == SOURCES[0] { 8 } else { 0 },
        address: ADDRESS,
        ..Options::plain()
    };
    let image = compile(&program(source, cpu), cpu, &options).expect("a program that compiles");
    Code {
        address: image.function(),
        words: image.words[image.entry as usize..].to_vec(),
    }
}

/// With a frame, and without.
const SOURCES: [&str; 2] = ["*(u64 *)(r10 - 8) = r1; r0 = 1; exit", "r0 = 1; exit"];

/// The roles, and whether it is an extension.
const KINDS: [(Role, bool); 4] = [
    (Role::Whole, false),
    (Role::Main, false),
    (Role::Whole, true),
    (Role::Subprogram, false),
];

fn each(mut act: impl FnMut(&str, &Cpu, &str, Role, bool)) {
    for (machine, cpu) in MACHINES {
        for source in SOURCES {
            for (role, extends) in KINDS {
                act(machine, &cpu, source, role, extends);
            }
        }
    }
}

/// Where the stub begins, of so many words.
fn stub(code: &Code, role: Role) -> usize {
    let is_function = role == Role::Subprogram;
    code.words.len() - 10 - usize::from(is_function)
}

#[test]
fn the_place_is_found_attached_or_not() {
    each(|machine, cpu, source, role, extends| {
        let mut code = code(cpu, source, role, extends, true);
        let site = code.site().expect("a place");
        assert_eq!(site.is_function, role == Role::Subprogram);
        let at = site.at as usize;
        assert_eq!(code.words[at], site.plain, "{role:?} on {machine}");
        assert_ne!(site.plain, site.branch);
        let stub = stub(&code, role);
        assert_eq!(site.literal as usize, stub + 9);
        // The branch leads to the stub, which begins with what the branch has replaced.
        let distance = site.branch as u16 as usize;
        assert_eq!(at + 1 + distance, stub);
        assert_eq!(code.words[stub], site.plain);
        code.words[at] = site.branch;
        code.words[site.literal as usize] = 0x8012_3450;
        assert_eq!(code.site(), Some(site), "{role:?} on {machine}");
    });
}

#[test]
fn a_stub_goes_on_with_what_was_executed() {
    each(|machine, cpu, source, role, extends| {
        let code = code(cpu, source, role, extends, true);
        let site = code.site().expect("a place");
        let (at, stub) = (site.at as usize, &code.words[stub(&code, role)..]);
        let [high, low] = [stub[5], stub[6]].map(|word| word & 0xffff);
        let behind = code.address + 4 * (site.at + 1);
        assert_eq!(high << 16 | low, behind, "{role:?} on {machine}");
        // Twice, so it is a store to the frame, or nothing.
        let word = Word::decode(code.words[at + 1]).expect("an instruction");
        let is_store = word.has(Effects::STORES) && word.field(Field::Rs) == Reg::SP.number();
        assert!(is_store || code.words[at + 1] == 0, "{role:?} on {machine}");
        assert_eq!(is_store, source == SOURCES[0]);
        // The frame is taken down before, and made again as it was.
        let [undo, redo] = [stub[4], stub[8]];
        match source == SOURCES[0] {
            true => {
                assert_eq!((undo ^ redo) >> 16, 0);
                assert_eq!(undo.wrapping_add(redo) as u16, 0);
                assert!(code.words[..at].contains(&redo), "{role:?} on {machine}");
            }
            false => assert_eq!((undo, redo), (0, 0)),
        }
    });
}

fn attachable(source: &str, cpu: &Cpu, base: Options<'_>) -> Image {
    let options = Options {
        linkage: Linkage {
            is_attachable: true,
            ..Linkage::default()
        },
        stack_depth: 8,
        ..base
    };
    compile(&program(source, cpu), cpu, &options).expect("compiles")
}

#[test]
fn a_tail_call_goes_around_the_place() {
    for (machine, cpu) in MACHINES {
        for source in SOURCES {
            let image = attachable(source, &cpu, Options::plain());
            let site = Site::find(&image.words[1..], image.function()).expect("a place");
            let over = Word::decode(image.words[0]).and_then(Word::distance);
            assert_eq!(over, Some(1 + site.at as i32 + 1), "{machine}");
            // Not in the delay slot of that, either.
            assert_ne!(site.at, 0);
        }
    }
}

/// An extension finds R1 where programs have it, whether the program reads it or not.
#[test]
fn what_is_attached_finds_the_context() {
    for (cpu, moves) in [
        (LE_R2, &[0x0000_2821][..]),
        (BE_R2, &[0x0080_2821, 0x0000_2021]),
    ] {
        for source in SOURCES {
            let image = attachable(source, &cpu, Options::default());
            let site = Site::find(&image.words[1..], image.function()).expect("a place");
            // Replaced by the branch, it is in the stub.
            let entry = &image.words[1..=1 + site.at as usize];
            for word in moves {
                assert!(entry.contains(word), "{word:#x} for {source}");
            }
        }
    }
}

#[test]
fn where_there_is_no_stub_there_is_no_place() {
    each(|machine, cpu, source, role, extends| {
        let without = code(cpu, source, role, extends, false);
        assert_eq!(without.site(), None, "{role:?} on {machine}");
        let mut other = code(cpu, source, role, extends, true);
        let cut = stub(&other, role) + 9;
        assert_eq!(Site::find(&other.words[..cut], other.address), None);
        let at = other.site().expect("a place").at as usize;
        other.words[at] ^= 1;
        assert_eq!(other.site(), None);
    });
}

#[test]
fn a_stub_out_of_reach_is_no_place() {
    let long = "r0 = 1; ".repeat(40_000) + "exit";
    for (machine, cpu) in MACHINES {
        let code = code(&cpu, &long, Role::Whole, false, true);
        assert!(code.words.len() > 0x8000);
        assert_eq!(code.site(), None, "on {machine}");
    }
}

#[test]
fn attaching_costs_what_is_written() {
    // Words of the image, and of what is executed: frame or none, program or function.
    for (machine, cpu) in MACHINES {
        // What makes R1 the context can be replaced, where there is anything to do.
        let nop = usize::from(cpu.width == Width::W64);
        // Nobody else reads it there: on big endian it is two instructions, of which one is replaced.
        let context = usize::from(cpu.width == Width::W32 && cpu.endian == Endian::Big);
        for (source, role, more) in [
            (SOURCES[0], Role::Whole, 10 + nop),
            (SOURCES[1], Role::Whole, 13 + context),
            (SOURCES[0], Role::Subprogram, 12),
            (SOURCES[1], Role::Subprogram, 13),
        ] {
            let [with, without] =
                [true, false].map(|is| code(&cpu, source, role, false, is).words.len());
            assert_eq!(with - without, more, "{role:?} on {machine}");
        }
    }
}
