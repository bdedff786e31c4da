// SPDX-License-Identifier: GPL-2.0

//! Compiling as the kernel does, and a look at what comes out.

use super::{check, dialect, facts, schedule, Image, Options};
use crate::jit::abi::{Abi, N64, O32};
use crate::jit::analysis::Fact;
use crate::jit::asm::{Block, Fault};
use crate::jit::bpf::Raw;
use crate::jit::error::Result;
use crate::jit::layout::{draft_len, Compiler, Workspace};
use crate::jit::mips::{Cpu, Width};

/// Compiles a program and judges the image: what [`check`] finds wrong with it is a panic.
///
/// # Errors
///
/// What the core says of the program.
pub(crate) fn compile(insns: &[Raw], cpu: &Cpu, options: &Options<'_>) -> Result<Image> {
    let image = compile_unjudged(insns, cpu, options)?;
    if let Err(fault) = check::judge(&image, cpu) {
        panic!("the image is wrong: {fault}");
    }
    if options.fills_slots || options.forwards_copies {
        let plain = Options {
            fills_slots: false,
            forwards_copies: false,
            ..*options
        };
        let plain = compile_unjudged(insns, cpu, &plain)?;
        let mut memory = vec![Fact::default(); if options.facts { insns.len() } else { 0 }];
        let facts = schedule::demands(&options.program(insns, cpu), cpu.width, &mut memory)?;
        let demand = |at| facts.demand(at);
        if let Err(fault) = schedule::judge(&plain, &image, insns, dialect(cpu), &demand) {
            panic!("words have moved or are left out wrongly: {fault}");
        }
    }
    Ok(image)
}

/// Compiles a program: measures its image, then writes it. With a draft and without, that is the same image.
///
/// # Errors
///
/// What the core says of the program.
pub(crate) fn compile_unjudged(insns: &[Raw], cpu: &Cpu, options: &Options<'_>) -> Result<Image> {
    let image = compile_once(insns, cpu, options, 0)?;
    let drafted = compile_once(insns, cpu, options, draft_len(insns.len()))?;
    assert_eq!(image.words, drafted.words, "written from a draft");
    assert_eq!(image.offsets, drafted.offsets, "written from a draft");
    Ok(image)
}

/// The same once, with memory for a draft of so many words.
///
/// # Errors
///
/// What the core says of the program.
pub(crate) fn compile_once(
    insns: &[Raw],
    cpu: &Cpu,
    options: &Options<'_>,
    drafted: usize,
) -> Result<Image> {
    match cpu.width {
        Width::W32 => assemble::<O32>(insns, cpu, options, drafted),
        Width::W64 => assemble::<N64>(insns, cpu, options, drafted),
    }
}

fn assemble<A: Abi>(
    insns: &[Raw],
    cpu: &Cpu,
    options: &Options<'_>,
    drafted: usize,
) -> Result<Image> {
    let mut draft = vec![0; drafted];
    let mut offsets = vec![0; insns.len() + 1];
    let mut memory = vec![Fact::default(); if options.facts { insns.len() } else { 0 }];
    let mut block = Block::new();
    let program = options.program(insns, cpu);
    let workspace = Workspace {
        offsets: &mut offsets,
        facts: &mut memory,
        draft: &mut draft,
        block: &mut block,
    };
    let mut compiler = Compiler::<A>::new(&program, cpu, &options.runtime, workspace)?;
    if options.facts {
        let rules = program.rules(A::WIDTH);
        if let Err(wrong) = facts::judge(program.dialect, insns, &rules) {
            panic!("facts are wrong: {wrong}");
        }
    }
    let mut words = vec![0; compiler.measure()? as usize];
    let mut faults = vec![Fault::default(); compiler.fault_count() as usize];
    compiler.write(&mut words, &mut faults, options.address)?;
    let entry = compiler.entry();
    for offset in compiler.into_byte_offsets() {
        *offset += 4 * entry;
    }
    Ok(Image {
        words,
        offsets,
        faults,
        address: options.address,
        entry,
    })
}
