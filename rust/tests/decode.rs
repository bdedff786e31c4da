// SPDX-License-Identifier: GPL-2.0

//! Decoding: every opcode byte, every field that changes a meaning, every way to be refused.

use crate::host::{dialect, AX};
use crate::jit::bpf::{decode, AluOp, Dialect, Insn, Operand, Raw, Reg, Size, Width};
use crate::jit::error::{Error, Result};
use crate::jit::mips::Endian;

use super::{BE_R2, LE_R2};

/// The opcodes of `___bpf_prog_run()` in the newest kernel/bpf/core.c that the JIT takes, and those of
/// PROBE_MEMSX, which the interpreter lacks; without CALL_ARGS, which only that has.
#[rustfmt::skip]
const SUPPORTED: &[u8] = &[
    // LD, LDX: PROBE_MEM, PROBE_MEMSX, MEM, MEMSX
    0x18, 0x21, 0x29, 0x31, 0x39, 0x41, 0x49, 0x51, 0x61, 0x69, 0x71, 0x79, 0x81, 0x89, 0x91,
    // ST, NOSPEC, STX, ATOMIC
    0x62, 0x6a, 0x72, 0x7a, 0xc2, 0x63, 0x6b, 0x73, 0x7b, 0xc3, 0xcb, 0xd3, 0xdb,
    // ALU
    0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3c, 0x44, 0x4c, 0x54, 0x5c, 0x64, 0x6c, 0x74, 0x7c,
    0x84, 0x94, 0x9c, 0xa4, 0xac, 0xb4, 0xbc, 0xc4, 0xcc, 0xd4, 0xdc,
    // ALU64: BPF_END has one form only
    0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77, 0x7f,
    0x87, 0x97, 0x9f, 0xa7, 0xaf, 0xb7, 0xbf, 0xc7, 0xcf, 0xd7,
    // JMP: CALL, EXIT and TAIL_CALL have one form
    0x05, 0x0d, 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x55, 0x5d, 0x65, 0x6d, 0x75, 0x7d, 0x85,
    0x95, 0xa5, 0xad, 0xb5, 0xbd, 0xc5, 0xcd, 0xd5, 0xdd, 0xf5,
    // JMP32: 0x06 is gotol
    0x06, 0x16, 0x1e, 0x26, 0x2e, 0x36, 0x3e, 0x46, 0x4e, 0x56, 0x5e, 0x66, 0x6e, 0x76, 0x7e, 0xa6,
    0xae, 0xb6, 0xbe, 0xc6, 0xce, 0xd6, 0xde,
];

const ENDIANS: [Endian; 2] = [Endian::Little, Endian::Big];

/// An instruction on a machine, followed by one that it may jump over.
#[derive(Clone, Copy, Debug)]
struct Fields {
    code: u8,
    dst: u8,
    src: u8,
    off: i16,
    imm: i32,
}

impl Fields {
    const fn new(code: u8) -> Fields {
        Fields {
            code,
            dst: 1,
            src: 2,
            off: 0,
            imm: 0,
        }
    }

    fn decode(self, endian: Endian) -> Result<Insn> {
        let cpu = if endian == Endian::Little {
            LE_R2
        } else {
            BE_R2
        };
        let first = Raw::new(endian, self.code, self.dst, self.src, self.off, self.imm);
        let exit = Raw::new(endian, 0x95, 0, 0, 0, 0);
        let second = if self.code == 0x18 {
            Raw::default()
        } else {
            exit
        };
        decode(&dialect(&cpu), &[first, second, exit], 0)
    }

    /// What it is on both machines, which must agree.
    fn decode_both(self) -> Result<Insn> {
        let [little, big] = ENDIANS.map(|endian| self.decode(endian));
        assert_eq!(little, big, "{self:?}");
        little
    }
}

/// Immediates of which at least one suits every opcode: of BPF_END and of atomics.
const IMMEDIATES: [i32; 3] = [0, 16, 0x100];

fn refused(code: u8) -> Result<Insn> {
    Err(Error::Unsupported {
        at: 0,
        opcode: code,
    })
}

#[test]
fn every_opcode_byte() {
    for code in 0..=255 {
        let supported = SUPPORTED.contains(&code);
        let mut accepted = false;
        for imm in IMMEDIATES {
            for src in [0, 2] {
                let fields = Fields {
                    src,
                    imm,
                    ..Fields::new(code)
                };
                match fields.decode_both() {
                    Ok(_) => accepted = true,
                    // gotol out of this short program
                    Err(Error::OutOfReach { at: 0 }) => {}
                    other => assert_eq!(other, refused(code)),
                }
            }
        }
        assert_eq!(accepted, supported, "{code:#04x}");
    }
}

/// Offsets that give an arithmetic opcode a meaning.
fn meaningful(code: u8) -> &'static [i16] {
    match (code & 0xf0, code & 0x0f) {
        (0x30 | 0x90, _) => &[0, 1],
        (0xb0, 0x0c) => &[0, 8, 16],
        (0xb0, 0x0f) => &[0, 8, 16, 32],
        _ => &[0],
    }
}

#[test]
fn offsets_of_arithmetic_are_read_and_never_ignored() {
    let arithmetic = |code: &u8| matches!(code & 7, 4 | 7);
    for code in SUPPORTED.iter().copied().filter(arithmetic) {
        for off in (-70..=70).chain([i16::MIN, i16::MAX, 256, 512]) {
            let fields = Fields {
                off,
                imm: 16,
                ..Fields::new(code)
            };
            let accepted = fields.decode_both().is_ok();
            let expected = meaningful(code).contains(&off);
            assert_eq!(accepted, expected, "{code:#04x} off {off}");
        }
    }
}

#[test]
fn immediates_of_swaps() {
    for code in [0xd4, 0xdc, 0xd7] {
        for imm in (-1..=70).chain([i32::MIN, i32::MAX]) {
            let fields = Fields {
                imm,
                ..Fields::new(code)
            };
            let expected = [16, 32, 64].contains(&imm);
            assert_eq!(fields.decode_both().is_ok(), expected, "{code:#04x} {imm}");
        }
    }
}

#[test]
fn immediates_of_atomics() {
    let plain = [0x00, 0x01, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1];
    let ordered = [0x100, 0x110];
    for (code, has_plain, has_ordered) in [
        (0xc3, true, true),
        (0xdb, true, false),
        (0xcb, false, true),
        (0xd3, false, true),
    ] {
        for imm in (-2..0x220).chain([i32::MIN, i32::MAX]) {
            let fields = Fields {
                imm,
                ..Fields::new(code)
            };
            let expected =
                has_plain && plain.contains(&imm) || has_ordered && ordered.contains(&imm);
            let accepted = fields.decode_both().is_ok();
            assert_eq!(accepted, expected, "{code:#04x} {imm:#x}");
        }
    }
}

#[test]
fn registers() {
    for number in 0..16 {
        let known = number <= 10 || number == AX;
        let load = Fields {
            src: number,
            ..Fields::new(0x61)
        };
        assert_eq!(load.decode_both().is_ok(), known, "source {number}");
        let write = Fields {
            dst: number,
            ..Fields::new(0xb7)
        };
        let expected = known && number != 10;
        assert_eq!(
            write.decode_both().is_ok(),
            expected,
            "destination {number}"
        );
    }
}

#[test]
fn the_auxiliary_register_has_the_number_that_the_kernel_gives_it() {
    for ax in [11, 12] {
        for number in [11, 12] {
            let dialect = Dialect {
                ax,
                ..dialect(&BE_R2)
            };
            let exit = Raw::new(Endian::Big, 0x95, 0, 0, 0, 0);
            let copy = Raw::new(Endian::Big, 0xbf, number, 1, 0, 0);
            let expected = match number == ax {
                true => Ok(Insn::Mov {
                    width: Width::W64,
                    dst: Reg::Ax,
                    src: Operand::Reg(Reg::R1),
                }),
                false => refused(0xbf),
            };
            assert_eq!(
                decode(&dialect, &[copy, exit], 0),
                expected,
                "{number} of {ax}"
            );
        }
    }
}

/// An opcode and its immediate.
fn with_imm(code: u8, imm: i32) -> Fields {
    Fields {
        imm,
        ..Fields::new(code)
    }
}

#[test]
fn r10_is_never_written() {
    let destinations = SUPPORTED
        .iter()
        .copied()
        .filter(|code| matches!(code & 7, 0 | 1 | 4 | 7));
    for code in destinations {
        let fields = Fields {
            dst: 10,
            ..with_imm(code, 16)
        };
        assert_eq!(fields.decode_both(), refused(code), "{code:#04x}");
    }
    // The fetching atomics write their source, an acquiring load its destination.
    for (imm, writes) in [(0x00, false), (0x01, true), (0xe1, true), (0xf1, false)] {
        for code in [0xc3, 0xdb] {
            let fields = Fields {
                src: 10,
                ..with_imm(code, imm)
            };
            assert_eq!(
                fields.decode_both().is_err(),
                writes,
                "{code:#04x} {imm:#x}"
            );
        }
    }
    let acquire = Fields {
        dst: 10,
        ..with_imm(0xc3, 0x100)
    };
    assert_eq!(acquire.decode_both(), refused(0xc3));
}

#[test]
fn calls_are_of_helpers_and_functions() {
    for src in 0..16 {
        let call = Fields {
            src,
            imm: 7,
            ..Fields::new(0x85)
        };
        let found = call.decode_both();
        match src {
            0 => assert!(matches!(found, Ok(Insn::Call { offset: 7, .. }))),
            1 => assert_eq!(found, Ok(Insn::CallSubprogram { offset: 7 })),
            2 => assert_eq!(found, Ok(Insn::CallFunction { slot: 0 })),
            _ => assert_eq!(found, refused(0x85), "{src}"),
        }
    }
}

#[test]
fn jumps_stay_inside_and_out_of_second_slots() {
    for endian in ENDIANS {
        let cpu = if endian == Endian::Little {
            LE_R2
        } else {
            BE_R2
        };
        let raw = |code, off, imm| Raw::new(endian, code, 1, 2, off, imm);
        // Slot 4 is the second of a two-slot instruction, slot 2 the jump.
        for slot in -3..=8_i64 {
            let distance = slot - 3;
            for jump in [
                raw(0x05, distance as i16, 0),
                raw(0x1d, distance as i16, 0),
                raw(0x16, distance as i16, 0),
                raw(0x06, 0, distance as i32),
            ] {
                let exit = raw(0x95, 0, 0);
                let program = [exit, exit, jump, raw(0x18, 0, 1), Raw::default(), exit];
                let decoded = decode(&dialect(&cpu), &program, 2);
                if (0..6).contains(&slot) && slot != 4 {
                    let target = decoded.map(|insn| insn.target());
                    assert_eq!(target, Ok(Some(slot as u32)));
                } else {
                    assert_eq!(decoded, Err(Error::OutOfReach { at: 2 }));
                }
            }
        }
        for distance in [i32::MIN, i32::MAX] {
            let decoded = decode(&dialect(&cpu), &[raw(0x06, 0, distance)], 0);
            assert_eq!(decoded, Err(Error::OutOfReach { at: 0 }));
        }
    }
}

#[test]
fn two_slots() {
    let cpu = LE_R2;
    let raw = |code, imm| Raw::new(cpu.endian, code, 1, 0, 0, imm);
    let decode = |program: &[Raw]| decode(&dialect(&cpu), program, 0);
    let whole = [raw(0x18, -2), raw(0, 0x1234_5678)];
    let value = 0x1234_5678_ffff_fffe;
    assert_eq!(
        decode(&whole),
        Ok(Insn::LoadImm64 {
            dst: Reg::R1,
            value
        })
    );
    assert_eq!(decode(&whole[..1]), refused(0x18));
    assert_eq!(decode(&[raw(0x18, 0), raw(0x95, 0)]), refused(0x18));
    // The second slot alone is no instruction, nor is what is behind the end.
    assert_eq!(decode(&whole[1..]), refused(0));
    assert_eq!(decode(&[]), refused(0));
    // The address of a function becomes known when all have an image.
    let function = Raw::new(cpu.endian, 0x18, 1, 4, 0, -2);
    let dst = Reg::R1;
    let expected = Ok(Insn::LoadSubprogram { dst, value });
    assert_eq!(decode(&[function, raw(0, 0x1234_5678)]), expected);
}

#[test]
fn the_verifiers_zero_extension_is_a_move_with_immediate_1() {
    let moved = |dst, src, imm| {
        Fields {
            dst,
            src,
            imm,
            ..Fields::new(0xbc)
        }
        .decode_both()
    };
    assert_eq!(moved(1, 1, 1), Ok(Insn::ZeroExtend { dst: Reg::R1 }));
    for (dst, src, imm) in [(1, 1, 0), (1, 1, 2), (1, 2, 1)] {
        assert!(matches!(moved(dst, src, imm), Ok(Insn::Mov { .. })));
    }
}

#[test]
fn fields_come_out_whole() {
    let divide = Fields {
        dst: 9,
        src: 8,
        off: 1,
        ..Fields::new(0x3f)
    };
    assert_eq!(
        divide.decode_both(),
        Ok(Insn::Alu {
            width: Width::W64,
            op: AluOp::Sdiv,
            dst: Reg::R9,
            src: Operand::Reg(Reg::R8)
        })
    );
    let load = Fields {
        dst: 12,
        src: 10,
        off: -32768,
        ..Fields::new(0x89)
    };
    match load.decode_both() {
        Ok(Insn::Load {
            dst: Reg::Ax,
            mem,
            size: Size::H,
            signed: true,
        }) => assert_eq!((mem.base, mem.offset), (Reg::R10, i16::MIN)),
        other => panic!("{other:?}"),
    }
}
