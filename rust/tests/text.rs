// SPDX-License-Identifier: GPL-2.0

//! BPF text: every form there and back, LLVM's spelling, faults with their place.

use super::{forms, program, BE64_R2, LE64_R2, LE_R2};
use crate::host::{dialect, text};
use crate::jit::bpf::{decode, Insn, Reg};
use crate::jit::mips::Cpu;

fn decoded(source: &str, cpu: &Cpu) -> Vec<Insn> {
    let insns = program(source, cpu);
    let first = (0..insns.len()).filter(|&at| insns[at].code != 0);
    first
        .map(|at| {
            decode(&dialect(cpu), &insns, at as u32).unwrap_or_else(|e| panic!("{e:?}: {source}"))
        })
        .collect()
}

#[test]
fn every_form_there_and_back() {
    // All forms are there on 64-bit machines.
    for cpu in [LE64_R2, BE64_R2] {
        for (dst, src, imm, offset) in [
            (Reg::R1, Reg::R2, 5, 8),
            (Reg::R0, Reg::R10, -1, -8),
            (Reg::Ax, Reg::R9, i32::MIN, i16::MIN),
            (Reg::R3, Reg::Ax, i32::MAX, i16::MAX),
        ] {
            for mut insn in forms::all(dst, src, imm, offset, 0) {
                if let Insn::Call { offset, .. } = &mut insn {
                    *offset = imm;
                }
                let text = text::print(&insn, 0);
                let back = decoded(&format!("{text}; exit"), &cpu);
                assert_eq!(back.first(), Some(&insn), "{text}");
            }
        }
    }
}

/// The words of a program as LLVM writes them: code, registers, offset, immediate.
fn little(source: &str) -> Vec<(u8, u8, i16, i32)> {
    let insns = program(source, &LE_R2);
    insns
        .iter()
        .map(|raw| (raw.code, raw.regs, raw.off, raw.imm))
        .collect()
}

#[test]
fn what_llvm_prints() {
    // llvm-objdump -d of a program that clang built for bpfel.
    for (source, slot) in [
        ("*(u32 *)(r10 - 0x4) = 0x3", (0x62, 0x0a, -4, 3)),
        ("r2 = r10", (0xbf, 0xa2, 0, 0)),
        ("r2 += -0x4", (0x07, 0x02, 0, -4)),
        ("call 0x1", (0x85, 0x00, 0, 1)),
        ("if r1 == 0x0 goto +0x2 <prog+0x58>", (0x15, 0x01, 2, 0)),
        ("r0 = *(u32 *)(r1 + 0x0)", (0x61, 0x10, 0, 0)),
        ("w0 s/= 0x3", (0x34, 0x00, 1, 3)),
        ("r0 s/= r2", (0x3f, 0x20, 1, 0)),
        ("w1 = *(u8 *)(r2 + 0x1)", (0x71, 0x21, 1, 0)),
        ("r3 = (s8)r4", (0xbf, 0x43, 8, 0)),
        ("w3 = (s16)w4", (0xbc, 0x43, 16, 0)),
        ("r1 = bswap32 r1", (0xd7, 0x01, 0, 32)),
        ("r1 = be16 r1", (0xdc, 0x01, 0, 16)),
        ("w3 s>>= 4", (0xc4, 0x03, 0, 4)),
        ("lock *(u64 *)(r1 + 0) += r2", (0xdb, 0x21, 0, 0)),
        (
            "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)",
            (0xdb, 0x21, 0, 1),
        ),
        ("w2 = xchg32_32(r1 + 0, w2)", (0xc3, 0x21, 0, 0xe1)),
        ("w2 = xchg_32(r1 + 0, w2)", (0xc3, 0x21, 0, 0xe1)),
        ("r0 = cmpxchg_64(r1 + 0, r0, r2)", (0xdb, 0x21, 0, 0xf1)),
        (
            "w1 = load_acquire((u8 *)(r2 + 0x0))",
            (0xd3, 0x21, 0, 0x100),
        ),
        (
            "store_release((u16 *)(r2 + 0x0), w1)",
            (0xcb, 0x12, 0, 0x110),
        ),
        ("gotol +70000", (0x06, 0x00, 0, 70000)),
        ("if w1 & 7 goto -2", (0x46, 0x01, -2, 7)),
        ("if r1 s> 5 goto +3", (0x65, 0x01, 3, 5)),
        ("r1 = -r1", (0x87, 0x01, 0, 0)),
        ("r1 = (u32)r1", (0xbc, 0x11, 0, 1)),
        ("w1 = 0xffffffff", (0xb4, 0x01, 0, -1)),
        ("call pc+5", (0x85, 0x10, 0, 5)),
        ("nospec", (0xc2, 0x00, 0, 0)),
        ("tail_call", (0xf5, 0x00, 0, 0)),
        ("ax = r1", (0xbf, 0x1c, 0, 0)),
    ] {
        assert_eq!(little(source), [slot], "{source}");
    }
    let value = [(0x18, 0x01, 0, 0x3456_7890), (0, 0, 0, 0x12)];
    assert_eq!(little("r1 = 0x1234567890 ll"), value);
}

#[test]
fn what_the_verifier_prints() {
    for (verifier, llvm) in [
        (
            "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)",
            "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)",
        ),
        (
            "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
            "r0 = cmpxchg_64(r1 + 0, r0, r2)",
        ),
        (
            "r2 = atomic_xchg((u32 *)(r1 +4), r2)",
            "w2 = xchg32_32(r1 + 4, w2)",
        ),
        ("r0 = *(u32 *)(r1 +0)", "r0 = *(u32 *)(r1 + 0)"),
    ] {
        assert_eq!(little(verifier), little(llvm));
    }
}

#[test]
fn labels_and_comments() {
    let labelled =
        "start: r1 += 1 # once more\n if r1 < 9 goto start; goto end // done\n\nend:\nexit";
    assert_eq!(
        little(labelled),
        little("r1 += 1; if r1 < 9 goto -2; goto +0; exit")
    );
    assert_eq!(little("goto end; r0 = 5 ll; end: exit")[0], (0x05, 0, 2, 0));
}

#[test]
fn faults_have_a_place() {
    for (source, fault) in [
        (
            "r0 = 1\nr1 = r2 r3",
            "2:9: expected the end of the statement",
        ),
        ("exit; foo", "1:7: 'foo' is no statement"),
        ("r11 = 1", "1:1: 'r11' is no statement"),
        ("r1 = w2", "1:6: one operand is a word, the other is not"),
        ("r1 += 0xffffffff", "1:7: 4294967295 does not fit 32 bits"),
        (
            "r1 = *(u32 *)(r2 + 32768)",
            "1:18: 32768 does not fit an offset",
        ),
        ("goto 40000", "1:6: 40000 does not fit a jump"),
        ("goto nowhere", "1:6: no label 'nowhere'"),
        ("a: exit; a: exit", "1:10: a second label 'a'"),
        ("r1 = be16 r2", "1:11: expected the destination register"),
        ("r1 = *(u24 *)(r2 + 0)", "1:8: no access to a 'u24'"),
        ("r1 = @", "1:6: '@' begins nothing"),
        ("r1 = 0x", "1:6: '0' begins nothing"),
        ("if r1 goto +1", "1:7: expected a condition"),
        (
            "r1 = cmpxchg_64(r1 + 0, r1, r2)",
            "1:25: the result of a compare-and-exchange is in r0",
        ),
        ("r1", "1:3: expected '='"),
    ] {
        let found = text::parse(source, dialect(&LE_R2)).map_err(|fault| fault.to_string());
        assert_eq!(found, Err(fault.to_string()), "{source}");
    }
}
