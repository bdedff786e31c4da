// SPDX-License-Identifier: GPL-2.0

//! Arguments beyond five: which accesses are of such, and what a call of a kernel function needs.

use super::{program, LE64_R2, LE_R2, MACHINES};
use crate::host::{compile, dialect, Options, PARAMETERS};
use crate::jit::abi::Role;
use crate::jit::bpf::{decode, Dialect, Insn, Operand, Raw, Reg};
use crate::jit::error::{Error, Result};

/// Opcodes of loads, stores of immediates and stores, of doublewords.
const LOAD: u8 = 0x79;
const STORE_IMM: u8 = 0x7a;
const STORE: u8 = 0x7b;

/// An access of the register that there is not, in a kernel that has arguments beyond five.
fn access(code: u8, off: i16) -> Result<Insn> {
    with(Some(PARAMETERS), code, off)
}

fn with(parameters: Option<u8>, code: u8, off: i16) -> Result<Insn> {
    let dialect = Dialect {
        parameters,
        ..dialect(&LE_R2)
    };
    let (dst, src) = match code & 7 {
        1 => (2, PARAMETERS),
        _ => (PARAMETERS, 2),
    };
    let endian = dialect.endian;
    let exit = Raw::new(endian, 0x95, 0, 0, 0, 0);
    decode(
        &dialect,
        &[Raw::new(endian, code, dst, src, off, 9), exit],
        0,
    )
}

#[test]
fn seven_places_and_no_other() {
    for off in i16::MIN..=i16::MAX {
        let index = |distance: i32| match distance {
            8..=56 if distance % 8 == 0 => Some(distance as u32 / 8 - 1),
            _ => None,
        };
        let load = index(off.into()).map(|index| Insn::LoadArgument {
            dst: Reg::R2,
            index,
        });
        assert_eq!(access(LOAD, off).ok(), load, "{off}");
        for (code, src) in [(STORE, Operand::Reg(Reg::R2)), (STORE_IMM, Operand::Imm(9))] {
            let store = index(-i32::from(off)).map(|index| Insn::StoreArgument { index, src });
            assert_eq!(access(code, off).ok(), store, "{off}");
        }
    }
}

#[test]
fn only_whole_registers_are_passed() {
    for code in (0..=255u8).filter(|code| matches!(code & 7, 1..=3)) {
        for off in [-8, 8] {
            let is_one = matches!((code, off), (LOAD, 8) | (STORE | STORE_IMM, -8));
            assert_eq!(access(code, off).is_ok(), is_one, "{code:#04x} {off}");
        }
    }
}

#[test]
fn kernels_without_them_have_no_such_register() {
    for code in [LOAD, STORE, STORE_IMM] {
        for off in [-8, 8] {
            let refused = Err(Error::Unsupported {
                at: 0,
                opcode: code,
            });
            assert_eq!(with(None, code, off), refused);
        }
    }
}

/// The list has a function of eleven arguments for this slot.
#[test]
fn a_kernel_function_is_called_with_all_its_arguments() {
    let six = "*(u64 *)(r11 - 8) = 1; *(u64 *)(r11 - 16) = r1; *(u64 *)(r11 - 24) = 3;
               *(u64 *)(r11 - 32) = 4; *(u64 *)(r11 - 48) = 6;";
    let five = "r0 = 1; *(u64 *)(r11 - 16) = r1; *(u64 *)(r11 - 24) = 3;
                *(u64 *)(r11 - 32) = 4; *(u64 *)(r11 - 40) = 5;";
    for (_, cpu) in &MACHINES {
        let call = |stores: &str| {
            let insns = program(&format!("{stores} call kfunc; exit"), cpu);
            compile(&insns, cpu, &Options::default()).map(|_| ())
        };
        assert_eq!(call(six), Ok(()));
        let refused = Err(Error::Unsupported {
            at: 5,
            opcode: 0x85,
        });
        assert_eq!(call(five), refused);
    }
}

#[test]
fn frames_have_room_for_what_is_passed() {
    let offset = |cpu, source: &str| {
        let options = Options {
            role: Role::Subprogram,
            stack_depth: 0,
            ..Options::default()
        };
        let image = compile(&program(source, cpu), cpu, &options).expect("compiles");
        image.offsets[1] - image.offsets[0]
    };
    // A load from the frame of the caller takes two words, a register one.
    let load = |cpu, place| offset(cpu, &format!("r0 = *(u64 *)(r11 + {place}); exit"));
    assert_eq!((load(&LE_R2, 8), load(&LE_R2, 56)), (8, 8));
    assert_eq!((load(&LE64_R2, 8), load(&LE64_R2, 56)), (4, 4));
}
