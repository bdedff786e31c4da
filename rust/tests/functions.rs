// SPDX-License-Identifier: GPL-2.0

//! Functions of a program: compiled twice, they are as long.

use super::{program, LE_R2, MACHINES};
use crate::host::{compile, Image, Options};
use crate::jit::abi::Role;
use crate::jit::error::Error;
use crate::jit::mips::Cpu;

/// Immediates of calls, and addresses, of which the first is what the kernel has at first; constants of
/// each length.
const CALLS: [i32; 6] = [1, 0, -0x21_b4c0, 0x7fff_ffff, 0x4000, -1];
const ADDRESSES: [u64; 5] = [
    0xc000_0000,
    0xffff_ffff_c000_0000,
    0xffff_ffff_c004_0000,
    0xffff_ffff_ffff_8000,
    0xffff_ffff_8000_1234,
];

fn image(cpu: &Cpu, source: &str, role: Role, reaches_tail_calls: bool) -> Result<Image, Error> {
    let options = Options {
        role,
        reaches_tail_calls,
        ..Options::default()
    };
    compile(&program(source, cpu), cpu, &options)
}

#[test]
fn code_is_as_long_whatever_addresses_are() {
    for (name, cpu) in &MACHINES {
        for role in [Role::Main, Role::Subprogram] {
            for reaches_tail_calls in [false, true] {
                let len = |source: String| {
                    let image = image(cpu, &source, role, reaches_tail_calls);
                    image.expect("compiles").words.len()
                };
                let calls = CALLS.map(|imm| len(format!("call pc {imm}; exit")));
                assert_eq!(calls, [calls[0]; CALLS.len()], "{name}");
                let addresses: Vec<usize> = ADDRESSES
                    .iter()
                    // A 64-bit kernel has a sign-extended word at first, too.
                    .filter(|&&address| address >> 32 != 0 || !name.contains("64"))
                    .map(|address| len(format!("r2 = {address:#x} function; r0 = 0; exit")))
                    .collect();
                assert_eq!(addresses, vec![addresses[0]; addresses.len()], "{name}");
            }
        }
    }
}

#[test]
fn a_call_of_what_is_not_there_is_a_trap() {
    const BREAK: u32 = 0x0000_000d;
    for (name, cpu) in &MACHINES {
        let source = "r0 = 0; call pc 1; exit";
        let words = |role| image(cpu, source, role, false).expect("compiles").words;
        let traps = |role| words(role).contains(&BREAK);
        assert!(traps(Role::Whole) && !traps(Role::Main), "{name}");
    }
}

/// The verifier has removed it, and left the number that the instruction had in the object.
#[test]
fn a_callback_that_is_not_there_still_has_a_number() {
    for (name, cpu) in &MACHINES {
        for number in ["1", "0xffffffffffffffff", "0x100000000"] {
            let source = format!("r0 = 0; r1 = {number} function; exit");
            let compiled = image(cpu, &source, Role::Whole, false);
            assert!(compiled.is_ok(), "{name}: {source}: {compiled:?}");
        }
    }
}

#[test]
fn arguments_of_a_function_are_passed_on() {
    let len = |role| {
        let source = "call 0x1000; exit";
        let image = image(&LE_R2, source, role, false).expect("compiles");
        let offsets = image.offsets;
        offsets[1] - offsets[0]
    };
    // Three arguments on the stack.
    assert_eq!(len(Role::Subprogram), len(Role::Main) + (2 * 3 - 1) * 4);
}
