// SPDX-License-Identifier: GPL-2.0

//! Bugs that executing an image does not show: barriers, and offsets for line information.

use crate::host::{self, Image};
use crate::jit::analysis::Analyses;
use crate::jit::mips::table::{Effects, Op};
use crate::jit::runtime::Counted;
use crate::model::bpf::fields::Fields;
use crate::tools::build::*;
use crate::tools::exec::cpu::executes;
use crate::tools::exec::machine::{Machine, Variant};
use crate::tools::exec::places::call;
use crate::tools::exec::subject::Subject;

/// `sync`
const SYNC: u32 = 0x0000_000f;

/// A name, and what checks it on a machine.
pub(in super::super) type Check = (&'static str, fn(&Machine) -> Result<(), String>);

/// Every check.
pub(in super::super) const CHECKS: [Check; 5] = [
    ("c_jit_c06_offsets_are_bytes", offsets_are_bytes),
    ("c_jit_c08_barriers_of_atomics", barriers_of_atomics),
    (
        "c_jit_c08_barriers_of_acquire_release",
        barriers_of_acquire_release,
    ),
    ("c_jit_c13_position_independent", position_independent),
    ("emulator_has_the_release", emulator_has_the_release),
];

fn compile(
    machine: &Machine,
    program: Vec<Fields>,
    variant: Variant,
    address: u32,
) -> Result<Image, String> {
    let raw = Subject::new(program).raw(machine).remove(0);
    let options = variant.options(machine, 512, address);
    host::compile(&raw, &variant.cpu(machine), &options).map_err(|error| format!("{error:?}"))
}

fn with_barriers(barriers: bool) -> Variant {
    Variant {
        verifier_zext: false,
        facts: true,
        // Each instruction has its code, whether anybody reads its result or not.
        analyses: Analyses::NONE,
        barriers,
        counted: Counted::Hits,
    }
}

/// Each instruction loads a number of its own, which must be where the offset says.
fn offsets_are_bytes(machine: &Machine) -> Result<(), String> {
    let marks = 0x1100..0x1110;
    let mut program: Vec<Fields> = marks.clone().map(|mark| mov_imm(3, mark)).collect();
    program.extend([mov_imm(0, 0), exit()]);
    let image = compile(machine, program, with_barriers(false), 0x1000)?;
    for (mark, &offset) in marks.zip(&image.offsets) {
        let word = image.words.get(offset as usize / 4).copied().unwrap_or(0);
        if offset % 4 != 0 || word & 0xffff != mark as u32 {
            return Err(format!(
                "{mark:#x} is not at offset {offset}, {word:#010x} is"
            ));
        }
    }
    Ok(())
}

/// How many `sync` come before, and how many after, the first word that `is_access` of the
/// instruction at index 2.
fn syncs(image: &Image, is_access: impl Fn(u32) -> bool) -> (usize, usize) {
    let range = image.offsets[2] as usize / 4..image.offsets[3] as usize / 4;
    let words = &image.words[range];
    let access = words.iter().position(|&word| is_access(word));
    let access = access.unwrap_or(words.len());
    let count = |words: &[u32]| words.iter().filter(|&&word| word == SYNC).count();
    (count(&words[..access]), count(&words[access..]))
}

/// Whether a word is `ll` or `lld`, by its opcode before Release 6 or since.
fn is_load_linked(word: u32) -> bool {
    match word >> 26 {
        0x1f => matches!(word & 0x3f, 0x36 | 0x37),
        opcode => matches!(opcode, 0x30 | 0x34),
    }
}

/// Two instructions, then this one.
fn around(insn: Fields) -> Vec<Fields> {
    vec![mov_imm(0, 1), mov_imm(2, 1), insn, mov_imm(0, 0), exit()]
}

/// An operation that returns a value has a barrier on both sides, where barriers are
/// instructions; one that does not return a value has none.
fn barriers_of_atomics(machine: &Machine) -> Result<(), String> {
    // The kernel's functions have their own.
    let sizes = if machine.is_wide() {
        &[W, DW][..]
    } else {
        &[W]
    };
    for (name, operation) in ATOMICS {
        for (barriers, size) in [false, true]
            .into_iter()
            .flat_map(|on| sizes.iter().map(move |s| (on, *s)))
        {
            let program = around(atomic(size, 1, 0, 2, operation));
            let image = compile(machine, program, with_barriers(barriers), 0x1000)?;
            let found = syncs(&image, is_load_linked);
            let wanted = usize::from(barriers && operation & 1 != 0);
            if found != (wanted, wanted) {
                return Err(format!("{name}: {found:?} sync, barriers {barriers}"));
            }
        }
    }
    Ok(())
}

/// An acquiring load has a barrier behind it, a releasing store one before it.
fn barriers_of_acquire_release(machine: &Machine) -> Result<(), String> {
    let is_ordered = |size: &u8| *size != DW || machine.is_wide();
    for size in SIZES.map(|(size, _)| size).into_iter().filter(is_ordered) {
        for barriers in [false, true] {
            let wanted = usize::from(barriers);
            let compile = |insn| compile(machine, around(insn), with_barriers(barriers), 0x1000);
            let image = compile(atomic(size, 2, 0, 1, LOAD_ACQUIRE))?;
            let found = syncs(&image, |word| matches!(word >> 26, 0x20..0x28 | 0x37));
            if found != (0, wanted) {
                return Err(format!("load_acquire: {found:?} sync, barriers {barriers}"));
            }
            let image = compile(atomic(size, 1, 0, 2, STORE_RELEASE))?;
            let found = syncs(&image, |word| matches!(word >> 26, 0x28..0x2c | 0x3f));
            if found != (wanted, 0) {
                return Err(format!(
                    "store_release: {found:?} sync, barriers {barriers}"
                ));
            }
        }
    }
    Ok(())
}

/// An image without far jumps is the same wherever it stands, and none has a `j` or a `jal`.
fn position_independent(machine: &Machine) -> Result<(), String> {
    let body = vec![goto(1), mov_imm(3, 2), call(1), mov_imm(0, 4), exit()];
    let variant = with_barriers(false);
    let image = compile(machine, body.clone(), variant, 0x8000_0000)?;
    if image.words != compile(machine, body, variant, 0xcfff_fff0)?.words {
        return Err("the image depends on its address".to_owned());
    }
    match image
        .words
        .iter()
        .find(|&&word| matches!(word >> 26, 2 | 3))
    {
        Some(word) => Err(format!("{word:#010x} ties the image to a segment")),
        None => Ok(()),
    }
}

/// Instructions that the emulator takes for older ones on a CPU without them: the field that tells
/// them apart was unused. The results are others, which is seen.
const TAKEN_FOR_OTHERS: [Op; 10] = [
    Op::Rotr,
    Op::DivR6,
    Op::DivuR6,
    Op::ModR6,
    Op::ModuR6,
    Op::DdivR6,
    Op::DdivuR6,
    Op::DmodR6,
    Op::DmoduR6,
    Op::DmulR6,
];

/// The emulator executes what the machine has, and raises an exception for what it lacks: that code
/// is for another release does not go unnoticed.
fn emulator_has_the_release(machine: &Machine) -> Result<(), String> {
    /// What needs a place to go to, or memory.
    const ELSEWHERE: [Effects; 5] = [
        Effects::LOADS,
        Effects::STORES,
        Effects::BRANCHES,
        Effects::COMPACT,
        Effects::TRAPS,
    ];
    let cpu = with_barriers(false).cpu(machine);
    for &op in Op::ALL {
        let row = op.row();
        let has = cpu.has(op.traits());
        let is_vague = !has && TAKEN_FOR_OTHERS.contains(&op);
        if is_vague || ELSEWHERE.iter().any(|&e| row.effects.intersects(e)) {
            continue;
        }
        if executes(machine, row.bits) != has {
            let name = row.name;
            return Err(format!("{name} {:08x} is there: {}", row.bits, !has));
        }
    }
    Ok(())
}
