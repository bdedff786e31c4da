// SPDX-License-Identifier: GPL-2.0

//! The tests of uBPF, which rbpf has taken over and has in its package on crates.io.
//!
//! They are functions of Rust there, all of one form. What is read of each is
//!
//! ```text
//! fn test_vm_NAME() {
//!     let prog = assemble("TEXT" or CONSTANT)    or    let prog = &[BYTES] or &CONSTANT;
//!     let mem = &mut [BYTES];                    or    let mut mem = CONSTANT.to_vec();
//!     ... execute_program(...).unwrap(), NUMBER
//! ```
//!
//! and of others nothing. The text is assembled by rbpf's assembler, as it is there.

use std::collections::HashMap;

use anyhow::{Context as _, Result};

use super::vector::{Context, Expected, Skip, Vector};
use super::{places, Suite};
use crate::model::bpf::fields::{class, Fields};
use crate::model::bpf::memory::ByteOrder;

const NO_RESULT: Skip = "is about programs that are refused";
const HELPERS: Skip = "calls helpers of uBPF";
const NOT_READ: Skip = "is not written as the others are";
const LITTLE: Skip = "takes a word apart, and expects little endian";

/// Reads the suite.
pub(super) fn read(order: ByteOrder) -> Result<Suite> {
    let package = places::package("rbpf")?;
    let file = |name: &str| {
        let path = package.join("tests").join(name);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    };
    let (tests, common) = (file("ubpf_vm.rs")?, file("common.rs")?);
    let (tests, common) = (without_comments(&tests), without_comments(&common));
    let mut known = constants(&common);
    known.extend(constants(&tests));
    let mut vectors = Vec::new();
    for test in tests.split("#[test]").skip(1) {
        let function = test.split_once("fn test_vm_");
        let Some((name, body)) = function.and_then(|(_, rest)| rest.split_once('(')) else {
            continue;
        };
        let vector = match test.contains("should_panic") {
            true => Err(NO_RESULT),
            false => vector(body, &known),
        };
        vectors.push((
            name.to_owned(),
            vector.and_then(|vector| in_order(vector, order)),
        ));
    }
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    Ok(Suite {
        title: format!("uBPF's tests, as {name} has them"),
        fewest: 100,
        vectors,
    })
}

fn without_comments(source: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    source.lines().map(code).collect()
}

/// What stands behind `NAME: TYPE =`, up to the semicolon.
fn constants(source: &str) -> HashMap<String, String> {
    let statements = source.split("const ").skip(1);
    statements
        .filter_map(|statement| {
            let (name, rest) = statement.split_once(':')?;
            let (_, value) = rest.split_once('=')?;
            let (value, _) = value.split_once("];").or(value.split_once("\";"))?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

fn vector(body: &str, constants: &HashMap<String, String>) -> Result<Vector, Skip> {
    if body.contains("register_helper") {
        return Err(HELPERS);
    }
    if body.matches("execute_program(").count() != 1 {
        return Err(NOT_READ);
    }
    let program = program(body, constants).ok_or(NOT_READ)?;
    let memory = memory(body, constants).ok_or(NOT_READ)?;
    let executed = body.split_once("execute_program(").ok_or(NOT_READ)?.1;
    let result = executed.split_once(".unwrap(),").ok_or(NOT_READ)?.1;
    let expected = result.split(')').next().and_then(number).ok_or(NOT_READ)?;
    Ok(Vector {
        program,
        context: Context::Bytes(memory),
        expected: Expected::Doubleword(expected),
    })
}

fn program(body: &str, constants: &HashMap<String, String>) -> Option<Vec<Fields>> {
    let bytes = match body.split_once("assemble(") {
        Some((_, argument)) => {
            let argument = argument.trim_start();
            let text = match argument.strip_prefix('"') {
                Some(text) => text.split('"').next()?,
                None => constants
                    .get(argument.split(')').next()?.trim())?
                    .trim_start_matches('"'),
            };
            rbpf::assembler::assemble(text).ok()?
        }
        None => {
            let list = body.split_once("let prog = &")?.1;
            let name = list.split(';').next()?;
            numbers(constants.get(name).map_or(list, |list| list))?
        }
    };
    let slots = bytes.chunks(8).map(|slot| {
        let slot = slot.try_into().ok()?;
        Some(Fields::of(slot, ByteOrder::Little))
    });
    slots.collect()
}

/// The bytes that the program is given; none at all are none.
fn memory(body: &str, constants: &HashMap<String, String>) -> Option<Vec<u8>> {
    if let Some((_, bytes)) = body.split_once("let mem = &mut [") {
        return numbers(bytes);
    }
    match body.split_once("let mut mem = ") {
        Some((_, rest)) => {
            let name = rest.split('.').next()?.trim();
            numbers(constants.get(name)?)
        }
        None => Some(Vec::new()),
    }
}

/// Bytes up to a bracket.
fn numbers(list: &str) -> Option<Vec<u8>> {
    let list = list.trim_start_matches('[').split(']').next()?;
    let numbers = list.split(',').map(str::trim).filter(|n| !n.is_empty());
    numbers.map(|n| number(n)?.try_into().ok()).collect()
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim().trim_end_matches(',');
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// The vector, unless its result is another on a machine with the other byte order. The tests say
/// only what it is in little endian.
fn in_order(vector: Vector, order: ByteOrder) -> Result<Vector, Skip> {
    let has_input = vector.context != Context::Bytes(Vec::new());
    let mut sizes: Vec<u32> = Vec::new();
    let mut converts = false;
    for insn in &vector.program {
        match insn.class() {
            class::LDX | class::ST | class::STX => sizes.push(insn.size()),
            class::ALU => converts |= insn.operation() == 0xd0,
            _ => {}
        }
    }
    sizes.sort_unstable();
    sizes.dedup();
    let is_alike = match sizes[..] {
        [] | [1] => true,
        [_] => !has_input,
        _ => false,
    };
    match order {
        ByteOrder::Big if converts || !is_alike => Err(LITTLE),
        _ => Ok(vector),
    }
}
