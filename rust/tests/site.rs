// SPDX-License-Identifier: GPL-2.0

//! Where a trampoline is attached to a program: what the kernel finds in an image is what the core has
//! put there.

use super::{program, BE_R2, LE_R2, MACHINES};
use crate::host::mips::Word;
use crate::host::{compile, Image, Options};
use crate::jit::abi::site::{Site, LITERAL, STUB};
use crate::jit::abi::{Linkage, Role, N64, O32};
use crate::jit::mips::table::{Effects, Field};
use crate::jit::mips::{Cpu, Endian, Reg, Width};

const ADDRESS: u32 = 0xc004_8ff0;

/// Where its stub is, and where that goes.
const AT: u32 = 0xc123_9ffc;
const GOAL: u32 = 0xc000_8000;

fn site(image: &Image, cpu: &Cpu, role: Role) -> Option<Site> {
    match cpu.width {
        Width::W32 => Site::find::<O32>(&image.words, role),
        Width::W64 => Site::find::<N64>(&image.words, role),
    }
}

fn image(cpu: &Cpu, source: &str, role: Role, extends: bool, is_attachable: bool) -> Image {
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
    compile(&program(source, cpu), cpu, &options).expect("a program that compiles")
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

/// Every image with its place, which is in it.
fn each(mut act: impl FnMut(&str, &Image, Site, bool)) {
    for (machine, cpu) in MACHINES {
        for source in SOURCES {
            for (role, extends) in KINDS {
                let image = image(&cpu, source, role, extends, true);
                let site = site(&image, &cpu, role).expect("a place");
                let told = format!("{role:?} on {machine}");
                act(&told, &image, site, source == SOURCES[0]);
            }
        }
    }
}

#[test]
fn the_place_is_found_attached_or_not() {
    for (machine, cpu) in MACHINES {
        for source in SOURCES {
            for (role, extends) in KINDS {
                let mut image = image(&cpu, source, role, extends, true);
                let found = site(&image, &cpu, role).expect("a place");
                let jump = found.jump(ADDRESS, AT).expect("in reach");
                assert_ne!(image.words[found.at as usize], jump);
                image.words[found.at as usize] = jump;
                assert_eq!(
                    site(&image, &cpu, role),
                    Some(found),
                    "{role:?} on {machine}"
                );
            }
        }
    }
}

#[test]
fn a_jump_leads_to_the_stub_in_reach() {
    each(|told, _, site, _| {
        assert_eq!(
            site.jump(ADDRESS, AT),
            Some(0x0800_0000 | 0x0123_9ffc >> 2),
            "{told}"
        );
        assert_eq!(site.jump(ADDRESS, 0xcfff_fffc), Some(0x0bff_ffff), "{told}");
        assert_eq!(site.jump(ADDRESS, 0xd000_0000), None, "{told}");
        assert_eq!(site.jump(ADDRESS, 0xbfff_fffc), None, "{told}");
        // What is behind the jump decides.
        let last = 0xd000_0000 - 4 * (site.at + 1);
        assert_eq!(site.jump(last, 0xd000_0000), Some(0x0800_0000), "{told}");
        assert_eq!(site.jump(last, 0xc000_0000), None, "{told}");
    });
}

#[test]
fn a_stub_goes_where_its_literal_says() {
    each(|told, image, site, _| {
        let plain = image.words[site.at as usize];
        let stub = site.stub(plain, ADDRESS, AT, GOAL);
        assert_eq!((stub[0], stub[LITERAL], stub.len()), (plain, GOAL, STUB));
        let [high, low, call] = [stub[1], stub[2], stub[3]];
        assert_eq!(
            (high >> 16, low >> 16),
            (0x3c19, 0x8f39),
            "lui t9; lw t9, (t9)"
        );
        let literal = (high << 16).wrapping_add(low as u16 as i16 as u32);
        assert_eq!(literal, AT + 4 * LITERAL as u32, "{told}");
        // jalr at, t9
        assert_eq!(call, 0x0320_0809, "{told}");
    });
}

#[test]
fn a_stub_goes_on_with_what_was_executed() {
    each(|told, image, site, has_frame| {
        let at = site.at as usize;
        let stub = site.stub(image.words[at], ADDRESS, AT, GOAL);
        let [high, low] = [stub[5], stub[6]];
        assert_eq!(
            (high >> 16, low >> 16),
            (0x3c19, 0x3739),
            "lui t9; ori t9, t9"
        );
        assert_eq!(
            high << 16 | low & 0xffff,
            ADDRESS + 4 * (site.at + 1),
            "{told}"
        );
        // jalr zero, t9
        assert_eq!(stub[7], 0x0320_0009, "{told}");
        // Twice, so it is a store to the frame, or nothing.
        let word = Word::decode(image.words[at + 1]).expect("an instruction");
        let is_store = word.has(Effects::STORES) && word.field(Field::Rs) == Reg::SP.number();
        assert!(is_store || image.words[at + 1] == 0, "{told}");
        assert_eq!(is_store, has_frame);
        // The frame is taken down before, and made again as it was.
        let [undo, redo] = [stub[4], stub[8]];
        match has_frame {
            true => {
                assert_eq!((undo ^ redo) >> 16, 0);
                assert_eq!(undo.wrapping_add(redo) as u16, 0);
                assert!(image.words[..at].contains(&redo), "{told}");
            }
            false => assert_eq!((undo, redo), (0, 0)),
        }
    });
}

fn attachable(source: &str, cpu: &Cpu, base: Options<'_>) -> (Image, Site) {
    let options = Options {
        linkage: Linkage {
            is_attachable: true,
            ..Linkage::default()
        },
        stack_depth: 8,
        ..base
    };
    let image = compile(&program(source, cpu), cpu, &options).expect("compiles");
    let site = site(&image, cpu, Role::Whole).expect("a place");
    (image, site)
}

#[test]
fn a_tail_call_goes_around_the_place() {
    for (machine, cpu) in MACHINES {
        for source in SOURCES {
            let (image, site) = attachable(source, &cpu, Options::plain());
            let over = Word::decode(image.words[0]).and_then(Word::distance);
            assert_eq!(over, Some(site.at as i32 + 1), "{machine}");
            // Not in the delay slot of that, either.
            assert_ne!(site.at, 1);
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
            let (image, site) = attachable(source, &cpu, Options::default());
            // Replaced by the jump, it is in the stub.
            let entry = &image.words[1..=site.at as usize];
            for word in moves {
                assert!(entry.contains(word), "{word:#x} for {source}");
            }
        }
    }
}

#[test]
fn where_nothing_may_be_attached_there_is_no_place() {
    for (machine, cpu) in MACHINES {
        let whole = image(&cpu, SOURCES[0], Role::Whole, false, true);
        assert_eq!(site(&whole, &cpu, Role::Exception), None, "{machine}");
        for (role, extends) in KINDS {
            let mut image = image(&cpu, SOURCES[0], role, extends, true);
            let at = site(&image, &cpu, role).expect("a place").at;
            // What the jump executes belongs to it.
            image.words.truncate(at as usize + 1);
            assert_eq!(site(&image, &cpu, role), None, "{role:?} on {machine}");
        }
        let mut other = whole;
        other.words[0] = 0;
        assert_eq!(site(&other, &cpu, Role::Whole), None, "{machine}");
    }
}

#[test]
fn attaching_costs_what_is_written() {
    // Words of the image: frame or none, program or function.
    for (machine, cpu) in MACHINES {
        // What makes R1 the context can be replaced, where there is anything to do.
        let nop = usize::from(cpu.width == Width::W64);
        // Nobody else reads it there: on big endian it is two instructions.
        let context = usize::from(cpu.width == Width::W32 && cpu.endian == Endian::Big);
        for (source, role, more) in [
            (SOURCES[0], Role::Whole, nop),
            (SOURCES[1], Role::Whole, 3 + context),
            (SOURCES[0], Role::Subprogram, 1),
            (SOURCES[1], Role::Subprogram, 2),
        ] {
            let [with, without] =
                [true, false].map(|is| image(&cpu, source, role, false, is).words.len());
            assert_eq!(with - without, more, "{role:?} on {machine}");
        }
    }
}
