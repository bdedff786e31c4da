// SPDX-License-Identifier: GPL-2.0

//! Where a trampoline is attached to a program: what the kernel finds in an image is what the core has
//! put there.

use super::{program, MACHINES};
use crate::host::{compile, Options};
use crate::jit::abi::site::Site;
use crate::jit::abi::{Linkage, Role, N64, O32};
use crate::jit::mips::{Cpu, Width};

const ADDRESS: u32 = 0xc004_8ff0;

fn image(cpu: &Cpu, source: &str, role: Role, extends: bool, is_attachable: bool) -> Vec<u32> {
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
    let image = compile(&program(source, cpu), cpu, &options);
    image.expect("a program that compiles").words
}

fn find(cpu: &Cpu, words: &[u32]) -> Option<Site> {
    match cpu.width {
        Width::W32 => Site::find::<O32>(cpu.endian, words, ADDRESS),
        Width::W64 => Site::find::<N64>(cpu.endian, words, ADDRESS),
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

#[test]
fn the_place_is_found_attached_or_not() {
    each(|machine, cpu, source, role, extends| {
        let mut words = image(cpu, source, role, extends, true);
        let site = find(cpu, &words).expect("a place");
        let at = site.at as usize;
        assert_eq!(words[at], site.plain, "{role:?} on {machine}");
        assert_ne!(site.plain, site.branch);
        assert_eq!(site.literal as usize, words.len() - 1);
        // The branch leads to the stub, which begins with what undoes its delay slot.
        let distance = site.branch as u16 as usize;
        assert_eq!(at + 1 + distance, words.len() - 10);
        words[at] = site.branch;
        words[site.literal as usize] = 0x8012_3450;
        assert_eq!(find(cpu, &words), Some(site), "{role:?} on {machine}");
    });
}

#[test]
fn a_stub_goes_on_behind_what_was_executed() {
    each(|machine, cpu, source, role, extends| {
        let words = image(cpu, source, role, extends, true);
        let site = find(cpu, &words).expect("a place");
        let stub = &words[words.len() - 10..];
        let [high, low] = [stub[5], stub[6]].map(|word| word & 0xffff);
        let behind = ADDRESS + 4 * (site.at + 2);
        assert_eq!(high << 16 | low, behind, "{role:?} on {machine}");
        assert_eq!(stub[8], words[site.at as usize + 1], "done again");
        let has_frame = stub[8] != 0;
        assert_eq!(has_frame, source == SOURCES[0]);
    });
}

#[test]
fn where_there_is_no_stub_there_is_no_place() {
    each(|machine, cpu, source, role, extends| {
        let words = image(cpu, source, role, extends, false);
        assert_eq!(find(cpu, &words), None, "{role:?} on {machine}");
        let mut other = image(cpu, source, role, extends, true);
        let cut = other.len() - 1;
        assert_eq!(find(cpu, &other[..cut]), None);
        let at = find(cpu, &other).expect("a place").at as usize;
        other[at] ^= 1;
        assert_eq!(find(cpu, &other), None);
    });
}

#[test]
fn a_stub_out_of_reach_is_no_place() {
    let long = "r0 = 1; ".repeat(40_000) + "exit";
    for (machine, cpu) in MACHINES {
        let words = image(&cpu, &long, Role::Whole, false, true);
        assert!(words.len() > 0x8000);
        assert_eq!(find(&cpu, &words), None, "on {machine}");
    }
}

#[test]
fn attaching_costs_what_is_written() {
    // Words of the image, and of what is executed: frame or none, program or function.
    for (machine, cpu) in MACHINES {
        for (source, role, more) in [
            (SOURCES[0], Role::Whole, 10),
            (SOURCES[1], Role::Whole, 11),
            (SOURCES[0], Role::Subprogram, 11),
            (SOURCES[1], Role::Subprogram, 12),
        ] {
            let [with, without] =
                [true, false].map(|is| image(&cpu, source, role, false, is).len());
            assert_eq!(with - without, more, "{role:?} on {machine}");
        }
    }
}
