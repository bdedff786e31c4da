// SPDX-License-Identifier: GPL-2.0

//! What does an instruction of MIPS32 do to a pipeline?
//!
//! Which registers it reads, and as what, since an address is wanted earlier than an operand and what
//! is stored later; which it writes; and which unit does it. Releases 1 to 5: Release 6, for which
//! there is no model of a pipeline here, has other encodings. It shares no code with the JIT.

/// Who does it, as far as that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Alu,
    Load,
    Store,
    /// Writes a general register.
    Multiply,
    /// Writes HI and LO.
    MultiplyHiLo,
    Divide,
    FromHiLo,
    ToHiLo,
    Branch,
    /// To the address in a register; whether that is where a call came from.
    Jump {
        is_return: bool,
    },
    Call,
    Barrier,
}

/// Registers are numbers below 32; register 0, which is never waited for, stands for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Insn {
    pub(crate) unit: Unit,
    pub(crate) operands: [usize; 2],
    pub(crate) base: usize,
    pub(crate) stored: usize,
    pub(crate) written: usize,
}

const RA: usize = 31;

/// Whatever is unknown is an instruction that waits for nothing.
pub(crate) fn decode(word: u32) -> Insn {
    let field = |shift: u32| (word >> shift & 31) as usize;
    let (rs, rt, rd) = (field(21), field(16), field(11));
    let alu = |operands, written| insn(Unit::Alu, operands, written);
    match word >> 26 {
        0 => special(word & 63, rs, rt, rd),
        1 => regimm(rs, rt),
        2 => insn(Unit::Branch, [0, 0], 0),
        3 => insn(Unit::Call, [0, 0], RA),
        4 | 5 | 20 | 21 => insn(Unit::Branch, [rs, rt], 0),
        6 | 7 | 22 | 23 => insn(Unit::Branch, [rs, 0], 0),
        8..=15 => alu([rs, 0], rt),
        28 => special2(word & 63, rs, rt, rd),
        31 => special3(word & 63, rs, rt, rd),
        // What is not loaded of a word remains in the register.
        34 | 38 => access(Unit::Load, rs, 0, rt, rt),
        32..=37 | 48 => access(Unit::Load, rs, 0, rt, 0),
        40..=43 | 46 => access(Unit::Store, rs, rt, 0, 0),
        // Whether it was stored is known as late as what is loaded.
        56 => access(Unit::Load, rs, rt, rt, 0),
        47 | 51 => access(Unit::Store, rs, 0, 0, 0),
        _ => alu([0, 0], 0),
    }
}

fn insn(unit: Unit, operands: [usize; 2], written: usize) -> Insn {
    Insn {
        unit,
        operands,
        base: 0,
        stored: 0,
        written,
    }
}

fn access(unit: Unit, base: usize, stored: usize, written: usize, merged: usize) -> Insn {
    Insn {
        base,
        stored,
        ..insn(unit, [merged, 0], written)
    }
}

fn special(function: u32, rs: usize, rt: usize, rd: usize) -> Insn {
    match function {
        0 | 2 | 3 => insn(Unit::Alu, [rt, 0], rd),
        8 => insn(
            Unit::Jump {
                is_return: rs == RA,
            },
            [rs, 0],
            0,
        ),
        9 => insn(Unit::Call, [rs, 0], rd),
        12..=14 => insn(Unit::Alu, [0, 0], 0),
        15 => insn(Unit::Barrier, [0, 0], 0),
        16 | 18 => insn(Unit::FromHiLo, [0, 0], rd),
        17 | 19 => insn(Unit::ToHiLo, [rs, 0], 0),
        24 | 25 => insn(Unit::MultiplyHiLo, [rs, rt], 0),
        26 | 27 => insn(Unit::Divide, [rs, rt], 0),
        // Traps write nothing.
        48..=54 => insn(Unit::Alu, [rs, rt], 0),
        _ => insn(Unit::Alu, [rs, rt], rd),
    }
}

fn regimm(rs: usize, rt: usize) -> Insn {
    match rt {
        16..=19 => insn(Unit::Call, [rs, 0], RA),
        0..=3 => insn(Unit::Branch, [rs, 0], 0),
        31 => access(Unit::Store, rs, 0, 0, 0),
        _ => insn(Unit::Alu, [rs, 0], 0),
    }
}

fn special2(function: u32, rs: usize, rt: usize, rd: usize) -> Insn {
    match function {
        0 | 1 | 4 | 5 => insn(Unit::MultiplyHiLo, [rs, rt], 0),
        2 => insn(Unit::Multiply, [rs, rt], rd),
        _ => insn(Unit::Alu, [rs, 0], rd),
    }
}

fn special3(function: u32, rs: usize, rt: usize, rd: usize) -> Insn {
    match function {
        0 => insn(Unit::Alu, [rs, 0], rt),
        4 => insn(Unit::Alu, [rs, rt], rt),
        32 => insn(Unit::Alu, [rt, 0], rd),
        _ => insn(Unit::Alu, [0, 0], rt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_where_the_manual_has_them() {
        // addu $t0, $a0, $a1
        let addu = decode(0x0085_4021);
        assert_eq!((addu.operands, addu.written), ([4, 5], 8));
        // lw $t1, 4($sp); sw $t1, 4($sp)
        let load = decode(0x8fa9_0004);
        assert_eq!((load.unit, load.base, load.written), (Unit::Load, 29, 9));
        let store = decode(0xafa9_0004);
        assert_eq!((store.unit, store.base, store.stored), (Unit::Store, 29, 9));
        assert_eq!(store.written, 0);
        // lui $t9, 0x8020: reads nothing
        assert_eq!(decode(0x3c19_8020).operands, [0, 0]);
        // ext $v0, $a0, 0, 16 and ins $v0, $a0, 0, 16
        assert_eq!(
            (decode(0x7c82_7800).operands, decode(0x7c82_7800).written),
            ([4, 0], 2)
        );
        assert_eq!(decode(0x7c82_7804).operands, [4, 2]);
        // wsbh $v0, $v1
        assert_eq!(
            (decode(0x7c03_10a0).operands, decode(0x7c03_10a0).written),
            ([3, 0], 2)
        );
    }

    #[test]
    fn units_are_told_apart() {
        let units = [
            (0x0000_0000, Unit::Alu),                       // nop
            (0x0320_f809, Unit::Call),                      // jalr $t9
            (0x03e0_0008, Unit::Jump { is_return: true }),  // jr $ra
            (0x0320_0008, Unit::Jump { is_return: false }), // jr $t9
            (0x1000_0003, Unit::Branch),                    // b
            (0x0480_0003, Unit::Branch),                    // bltz $a0
            (0x0411_0003, Unit::Call),                      // bal
            (0x0085_0019, Unit::MultiplyHiLo),              // multu
            (0x7085_1002, Unit::Multiply),                  // mul
            (0x0085_001b, Unit::Divide),                    // divu
            (0x0000_1012, Unit::FromHiLo),                  // mflo
            (0x0000_000f, Unit::Barrier),                   // sync
        ];
        for (word, unit) in units {
            assert_eq!(decode(word).unit, unit, "{word:#010x}");
        }
    }
}
