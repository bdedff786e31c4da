// SPDX-License-Identifier: GPL-2.0

//! Trampolines: their listings, their lengths, and what there can be none for.
//!
//! A file of `trampolines/` has one on several machines; `BLESS=1 cargo test trampoline` writes them anew.

use std::fs;

use super::{blesses, data, BE64_R2, BE_R2, LE64_R6, LE_R2, LE_R6, MACHINES};
use crate::host::mips::print;
use crate::host::{check, Image};
use crate::jit::abi::{N64, O32};
use crate::jit::asm::Block;
use crate::jit::error::{Error, Result};
use crate::jit::mips::{Cpu, Width};
use crate::jit::runtime::Value;
use crate::jit::trampoline::emit::Emitter;
use crate::jit::trampoline::{Description, Held, Node, Outcome, RunContext, Skip, Target};

/// Machines that listings are for.
const LISTED: [(&str, Cpu); 5] = [
    ("le-r2", LE_R2),
    ("be-r2", BE_R2),
    ("le-r6", LE_R6),
    ("be64-r2", BE64_R2),
    ("le64-r6", LE64_R6),
];

const fn value(bytes: u8, signed: bool) -> Value {
    Value { bytes, signed }
}

const POINTER: u64 = 0xc000_0000_0012_3450;

/// A program that is compiled.
const NODE: Node = Node {
    program: POINTER,
    enter: 0xffff_ffff_8020_0100,
    exit: 0xffff_ffff_8020_0200,
    function: 0xffff_ffff_c004_0020,
    insns: 0,
    cookie: 0,
    has_session_cookie: false,
};

/// One that is interpreted, and has a cookie.
const INTERPRETED: Node = Node {
    function: 0xffff_ffff_8021_0000,
    insns: 0xc000_0000_0045_6780,
    cookie: 0x1234_0000_5678_9abc,
    ..NODE
};

/// One that runs twice.
const SESSION: Node = Node {
    has_session_cookie: true,
    ..NODE
};

const HELD: Held = Held {
    image: 0x9800_0000_0a00_0000,
    enter: 0xffff_ffff_8020_0300,
    exit: 0xffff_ffff_8020_0400,
};

const CALLBACK: Description<'_> = Description {
    target: Target::Callback,
    outcome: Outcome::Return,
    arguments: &[],
    result: value(0, false),
    function: None,
    entries: &[NODE],
    exits: &[],
    has_sessions: false,
    run_context: RunContext {
        bytes: 16,
        cookie: 0,
    },
    leaves_at_once: false,
};

const ENTRY: Description<'_> = Description {
    target: Target::Main,
    outcome: Outcome::Continue,
    arguments: &[value(4, false)],
    result: value(4, true),
    ..CALLBACK
};

const CALL: Description<'_> = Description {
    target: Target::Subprogram,
    outcome: Outcome::Call(HELD),
    arguments: &[value(4, true), value(8, false), value(1, false)],
    result: value(8, true),
    exits: &[NODE],
    ..CALLBACK
};

/// Each with its name.
const CASES: [(&str, Description<'_>); 6] = [
    ("callback", CALLBACK),
    (
        "callback-arguments",
        Description {
            arguments: &[
                value(4, false),
                value(8, true),
                value(1, true),
                value(2, false),
                value(4, true),
                value(1, false),
                value(8, false),
                value(2, true),
                value(4, false),
            ],
            result: value(2, true),
            entries: &[INTERPRETED],
            ..CALLBACK
        },
    ),
    ("entry", ENTRY),
    (
        "call",
        Description {
            function: Some(0xffff_ffff_c004_1000),
            ..CALL
        },
    ),
    (
        "call-main",
        Description {
            target: Target::Main,
            entries: &[],
            result: value(1, false),
            arguments: &[value(4, false)],
            leaves_at_once: true,
            ..CALL
        },
    ),
    (
        "session",
        Description {
            entries: &[SESSION, NODE, SESSION],
            exits: &[SESSION, SESSION],
            has_sessions: true,
            ..CALL
        },
    ),
];

/// Measures, then writes it; where programs can be patched out.
fn emit(cpu: &Cpu, description: &Description<'_>) -> Result<(Vec<u32>, Vec<Skip>, Skip)> {
    let count = description.entries.len() + description.exits.len();
    let mut skips = vec![Skip::default(); count];
    let mut block = Block::new();
    macro_rules! emit {
        ($abi:ty) => {{
            let mut emitter = Emitter::<$abi>::new(cpu, description, &mut block, &mut skips)?;
            let mut words = vec![0; emitter.measure()? as usize];
            emitter.write(&mut words)?;
            let at_once = emitter.at_once();
            (words, at_once)
        }};
    }
    let (words, at_once) = match cpu.width {
        Width::W32 => emit!(O32),
        Width::W64 => emit!(N64),
    };
    Ok((words, skips, at_once))
}

fn listing(cpu: &Cpu, description: &Description<'_>) -> String {
    let (words, skips, at_once) = emit(cpu, description).expect("a trampoline");
    let mut text = String::new();
    for (&word, at) in words.iter().zip(0..) {
        let is_skip = skips.iter().any(|skip| skip.at == at);
        let is_all = description.leaves_at_once && at_once.at == at;
        let mark = match (is_skip, is_all) {
            (true, _) => " # program",
            (_, true) => " # all programs",
            _ => "",
        };
        let address = 4 * at;
        text += &format!("{address:08x} {word:08x} {}{mark}\n", print(word, address));
    }
    text
}

#[test]
fn golden_listings_of_trampolines() {
    let mut wrong = Vec::new();
    for (name, description) in CASES {
        let path = data("trampolines").join(name).with_extension("golden");
        let mut expected = "# SPDX-License-Identifier: GPL-2.0\n".to_string();
        for (machine, cpu) in LISTED {
            expected += &format!("\n==> {machine}\n{}", listing(&cpu, &description));
        }
        if blesses() {
            fs::write(&path, expected).expect("a golden file can be written");
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&expected) {
            wrong.push(path.display().to_string());
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong:?} differ; BLESS=1 cargo test trampoline accepts what is now"
    );
}

#[test]
fn trampolines_keep_the_rules_of_images() {
    for (machine, cpu) in MACHINES {
        for (name, description) in CASES {
            let (words, ..) = emit(&cpu, &description).expect("a trampoline");
            let image = Image {
                words,
                offsets: Vec::new(),
                faults: Vec::new(),
                address: 0xc004_0000,
                entry: 0,
            };
            if let Err(fault) = check::judge(&image, &cpu) {
                panic!("{name} on {machine}: {fault}");
            }
        }
    }
}

#[test]
fn programs_are_patched_out_one_by_one() {
    for (machine, cpu) in MACHINES {
        let description = CASES[5].1;
        let (words, skips, _) = emit(&cpu, &description).expect("a trampoline");
        let mut last = 0;
        for Skip { at, behind } in skips {
            assert_eq!(words[at as usize], 0, "a nop on {machine}");
            assert!(last <= at && at + 2 < behind, "in order on {machine}");
            last = behind;
        }
        assert!((last as usize) < words.len());
    }
}

#[test]
fn the_length_does_not_depend_on_the_image() {
    let of = |cpu: &Cpu, image| {
        let outcome = Outcome::Call(Held { image, ..HELD });
        let (words, ..) = emit(cpu, &Description { outcome, ..CALL }).expect("a trampoline");
        words.len()
    };
    for (machine, cpu) in MACHINES {
        assert_eq!(of(&cpu, 0), of(&cpu, HELD.image), "on {machine}");
    }
}

#[test]
fn what_cannot_be_passed_on_is_refused() {
    const UNSUPPORTED: Error = Error::Unsupported { at: 0, opcode: 0 };
    let six = [value(8, false); 6];
    let refused = [
        Description {
            target: Target::Main,
            arguments: &six,
            ..CALL
        },
        Description {
            result: value(16, false),
            ..CALL
        },
        Description {
            arguments: &[value(3, false)],
            ..CALLBACK
        },
        Description {
            outcome: Outcome::Continue,
            ..CALLBACK
        },
        Description {
            exits: &[NODE],
            ..ENTRY
        },
    ];
    for (machine, cpu) in MACHINES {
        for (number, description) in refused.iter().enumerate() {
            let found = emit(&cpu, description).err();
            assert_eq!(found, Some(UNSUPPORTED), "{number} on {machine}");
        }
        let structure = Description {
            arguments: &[value(16, false)],
            ..CALLBACK
        };
        assert_eq!(emit(&cpu, &structure).is_ok(), cpu.width == Width::W64);
    }
}

#[test]
fn a_trampoline_of_many_programs_fits_in_its_page() {
    const PAGE: usize = 4096;
    let most = |cpu: &Cpu| {
        let fits = |&count: &usize| {
            let nodes = vec![NODE; count];
            let description = Description {
                entries: &nodes,
                exits: &[],
                ..ENTRY
            };
            emit(cpu, &description).is_ok_and(|(words, ..)| 4 * words.len() <= PAGE)
        };
        (1..).take_while(fits).last()
    };
    // The kernel allows 38, if they fit.
    assert_eq!(most(&LE_R2), Some(36));
    assert_eq!(most(&BE64_R2), Some(38));
}
