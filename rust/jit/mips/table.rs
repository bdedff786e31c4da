// SPDX-License-Identifier: GPL-2.0

//! The MIPS instruction set, as one table.
//!
//! A row gives an instruction's fixed bits, its operands in assembler order with what each does to
//! its register, the releases that have it and its effects beyond registers. Everything else is
//! derived from the row: the constructor with typed operands, the emitter of the same name, the
//! read and write sets, the printer. What a row says is judged against GNU as and LLVM by `make
//! encode`; a row whose fields overlap each other or its fixed bits does not compile.
//!
//! Source: MD00086, "The MIPS32 Instruction Set Manual", the page of each instruction; those of
//! MIPS64 alone are in MD00087. The others compute on a MIPS64 CPU with the low word of registers
//! that hold a sign-extended one, unless they treat all bits alike.

use super::cpu::Releases;
use super::operand::{Disp16, Disp26, FieldPos, FieldSize, Shift5, Simm16, Simm9, Uimm16};
use super::reg::{Reg, RegMask};
pub(crate) use super::row::{Effects, Field, Operand, Role, Row, Traits};

/// The type of an operand in this field.
macro_rules! operand_type {
    (Sa) => {
        Shift5
    };
    (Simm) => {
        Simm16
    };
    (Uimm) => {
        Uimm16
    };
    (Simm9) => {
        Simm9
    };
    (Disp) => {
        Disp16
    };
    (Disp26) => {
        Disp26
    };
    (Pos) => {
        FieldPos
    };
    (Size) => {
        FieldSize
    };
    ($register:ident) => {
        Reg
    };
}

/// Derives everything from the rows.
macro_rules! instructions {
    (straight { $($straight:tt)* } control { $($control:tt)* }) => {
        instructions!(@all $($straight)* $($control)*);
        instructions!(@emitters $($straight)*);
    };
    (@all $($function:ident $op:ident $name:literal $bits:literal
        ($($field:ident $operand:ident $role:ident),*) $releases:ident [$($effect:ident)*];)*) => {
        /// An instruction of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub(crate) enum Op {
            $($op,)*
        }

        impl Op {
            /// Every instruction, in table order.
            pub(crate) const ALL: &'static [Op] = &[$(Op::$op),*];

            /// The instruction's traits.
            #[inline]
            pub(crate) fn traits(self) -> Traits {
                static ALL: [Traits; Op::ALL.len()] = [$(Traits::of(Op::$op.row())),*];
                ALL.get(self as usize).copied().unwrap_or(Traits::NONE)
            }

            /// The instruction's row.
            pub(crate) const fn row(self) -> &'static Row {
                match self {
                    $(Op::$op => const {
                        &Row {
                            name: $name,
                            bits: $bits,
                            operands: &[$(Operand {
                                field: Field::$field,
                                role: Role::$role,
                            }),*],
                            releases: Releases::$releases,
                            effects: Effects::NONE$(.union(Effects::$effect))*,
                        }
                    },)*
                }
            }
        }

        /// Constructors, one for each row, with its operands in assembler order.
        #[allow(missing_docs)]
        impl Insn {
            $(
                #[inline]
                pub(crate) const fn $function($($operand: operand_type!($field)),*) -> Insn {
                    Insn {
                        op: Op::$op,
                        word: $bits $(| ($operand.bits() << Field::$field.shift()))*,
                    }
                }
            )*
        }
    };
    (@emitters $($function:ident $op:ident $name:literal $bits:literal
        ($($field:ident $operand:ident $role:ident),*) $releases:ident [$($effect:ident)*];)*) => {
        /// Emitters, one for each straight row: append the instruction to the block. Control
        /// transfers have none: the asm module emits them together with their delay slots.
        #[allow(missing_docs)]
        impl crate::jit::asm::Block {
            $(
                #[inline]
                pub(crate) fn $function(&mut self, $($operand: operand_type!($field)),*) {
                    self.push(Insn::$function($($operand),*));
                }
            )*
        }
    };
}

instructions! {
    straight {
        // Arithmetic and logic.
        addiu Addiu "addiu" 0x2400_0000 (Rt rt w, Rs rs r, Simm imm imm) R1 [];
        addu Addu "addu" 0x0000_0021 (Rd rd w, Rs rs r, Rt rt r) R1 [];
        and And "and" 0x0000_0024 (Rd rd w, Rs rs r, Rt rt r) R1 [];
        andi Andi "andi" 0x3000_0000 (Rt rt w, Rs rs r, Uimm imm imm) R1 [];
        lui Lui "lui" 0x3c00_0000 (Rt rt w, Uimm imm imm) R1 [];
        nor Nor "nor" 0x0000_0027 (Rd rd w, Rs rs r, Rt rt r) R1 [];
        or Or "or" 0x0000_0025 (Rd rd w, Rs rs r, Rt rt r) R1 [];
        ori Ori "ori" 0x3400_0000 (Rt rt w, Rs rs r, Uimm imm imm) R1 [];
        slt Slt "slt" 0x0000_002a (Rd rd w, Rs rs r, Rt rt r) R1 [];
        slti Slti "slti" 0x2800_0000 (Rt rt w, Rs rs r, Simm imm imm) R1 [];
        sltiu Sltiu "sltiu" 0x2c00_0000 (Rt rt w, Rs rs r, Simm imm imm) R1 [];
        sltu Sltu "sltu" 0x0000_002b (Rd rd w, Rs rs r, Rt rt r) R1 [];
        subu Subu "subu" 0x0000_0023 (Rd rd w, Rs rs r, Rt rt r) R1 [];
        xor Xor "xor" 0x0000_0026 (Rd rd w, Rs rs r, Rt rt r) R1 [];
        xori Xori "xori" 0x3800_0000 (Rt rt w, Rs rs r, Uimm imm imm) R1 [];

        // Conditional moves.
        movn Movn "movn" 0x0000_000b (Rd rd rw, Rs rs r, Rt rt r) BEFORE_R6 [];
        movz Movz "movz" 0x0000_000a (Rd rd rw, Rs rs r, Rt rt r) BEFORE_R6 [];
        seleqz Seleqz "seleqz" 0x0000_0035 (Rd rd w, Rs rs r, Rt rt r) R6 [];
        selnez Selnez "selnez" 0x0000_0037 (Rd rd w, Rs rs r, Rt rt r) R6 [];

        // Shifts.
        rotr Rotr "rotr" 0x0020_0002 (Rd rd w, Rt rt r, Sa sa imm) R2 [];
        sll Sll "sll" 0x0000_0000 (Rd rd w, Rt rt r, Sa sa imm) R1 [];
        sllv Sllv "sllv" 0x0000_0004 (Rd rd w, Rt rt r, Rs rs r) R1 [];
        sra Sra "sra" 0x0000_0003 (Rd rd w, Rt rt r, Sa sa imm) R1 [];
        srav Srav "srav" 0x0000_0007 (Rd rd w, Rt rt r, Rs rs r) R1 [];
        srl Srl "srl" 0x0000_0002 (Rd rd w, Rt rt r, Sa sa imm) R1 [];
        srlv Srlv "srlv" 0x0000_0006 (Rd rd w, Rt rt r, Rs rs r) R1 [];

        // Bytes and bit-fields.
        ext Ext "ext" 0x7c00_0000 (Rt rt w, Rs rs r, Pos pos imm, Size size imm) R2 [];
        seb Seb "seb" 0x7c00_0420 (Rd rd w, Rt rt r) R2 [];
        seh Seh "seh" 0x7c00_0620 (Rd rd w, Rt rt r) R2 [];
        wsbh Wsbh "wsbh" 0x7c00_00a0 (Rd rd w, Rt rt r) R2 [];

        // Multiplication and division.
        div Div "div" 0x0000_001a (Rs rs r, Rt rt r) BEFORE_R6 [WRITES_HILO];
        div_r6 DivR6 "div" 0x0000_009a (Rd rd w, Rs rs r, Rt rt r) R6 [];
        divu Divu "divu" 0x0000_001b (Rs rs r, Rt rt r) BEFORE_R6 [WRITES_HILO];
        divu_r6 DivuR6 "divu" 0x0000_009b (Rd rd w, Rs rs r, Rt rt r) R6 [];
        mfhi Mfhi "mfhi" 0x0000_0010 (Rd rd w) BEFORE_R6 [READS_HILO];
        mflo Mflo "mflo" 0x0000_0012 (Rd rd w) BEFORE_R6 [READS_HILO];
        mod_r6 ModR6 "mod" 0x0000_00da (Rd rd w, Rs rs r, Rt rt r) R6 [];
        modu_r6 ModuR6 "modu" 0x0000_00db (Rd rd w, Rs rs r, Rt rt r) R6 [];
        muhu_r6 MuhuR6 "muhu" 0x0000_00d9 (Rd rd w, Rs rs r, Rt rt r) R6 [];
        mul Mul "mul" 0x7000_0002 (Rd rd w, Rs rs r, Rt rt r) BEFORE_R6 [WRITES_HILO];
        mul_r6 MulR6 "mul" 0x0000_0098 (Rd rd w, Rs rs r, Rt rt r) R6 [];
        multu Multu "multu" 0x0000_0019 (Rs rs r, Rt rt r) BEFORE_R6 [WRITES_HILO];

        // Memory.
        lb Lb "lb" 0x8000_0000 (Rt rt w, Simm offset imm, Base base r) R1 [LOADS];
        lbu Lbu "lbu" 0x9000_0000 (Rt rt w, Simm offset imm, Base base r) R1 [LOADS];
        lh Lh "lh" 0x8400_0000 (Rt rt w, Simm offset imm, Base base r) R1 [LOADS];
        lhu Lhu "lhu" 0x9400_0000 (Rt rt w, Simm offset imm, Base base r) R1 [LOADS];
        ll Ll "ll" 0xc000_0000 (Rt rt w, Simm offset imm, Base base r) BEFORE_R6 [LOADS ORDERS];
        ll_r6 LlR6 "ll" 0x7c00_0036 (Rt rt w, Simm9 offset imm, Base base r) R6 [LOADS ORDERS];
        lw Lw "lw" 0x8c00_0000 (Rt rt w, Simm offset imm, Base base r) R1 [LOADS];
        sb Sb "sb" 0xa000_0000 (Rt rt r, Simm offset imm, Base base r) R1 [STORES];
        sc Sc "sc" 0xe000_0000 (Rt rt rw, Simm offset imm, Base base r) BEFORE_R6 [STORES ORDERS];
        sc_r6 ScR6 "sc" 0x7c00_0026 (Rt rt rw, Simm9 offset imm, Base base r) R6 [STORES ORDERS];
        sh Sh "sh" 0xa400_0000 (Rt rt r, Simm offset imm, Base base r) R1 [STORES];
        sw Sw "sw" 0xac00_0000 (Rt rt r, Simm offset imm, Base base r) R1 [STORES];
        sync Sync "sync" 0x0000_000f () R1 [ORDERS];

        // 64 bits: arithmetic and shifts.
        daddiu Daddiu "daddiu" 0x6400_0000 (Rt rt w, Rs rs r, Simm imm imm) R1 [WIDE];
        daddu Daddu "daddu" 0x0000_002d (Rd rd w, Rs rs r, Rt rt r) R1 [WIDE];
        dsll Dsll "dsll" 0x0000_0038 (Rd rd w, Rt rt r, Sa sa imm) R1 [WIDE];
        dsll32 Dsll32 "dsll32" 0x0000_003c (Rd rd w, Rt rt r, Sa sa imm) R1 [WIDE];
        dsllv Dsllv "dsllv" 0x0000_0014 (Rd rd w, Rt rt r, Rs rs r) R1 [WIDE];
        dsra Dsra "dsra" 0x0000_003b (Rd rd w, Rt rt r, Sa sa imm) R1 [WIDE];
        dsra32 Dsra32 "dsra32" 0x0000_003f (Rd rd w, Rt rt r, Sa sa imm) R1 [WIDE];
        dsrav Dsrav "dsrav" 0x0000_0017 (Rd rd w, Rt rt r, Rs rs r) R1 [WIDE];
        dsrl Dsrl "dsrl" 0x0000_003a (Rd rd w, Rt rt r, Sa sa imm) R1 [WIDE];
        dsrl32 Dsrl32 "dsrl32" 0x0000_003e (Rd rd w, Rt rt r, Sa sa imm) R1 [WIDE];
        dsrlv Dsrlv "dsrlv" 0x0000_0016 (Rd rd w, Rt rt r, Rs rs r) R1 [WIDE];
        dsubu Dsubu "dsubu" 0x0000_002f (Rd rd w, Rs rs r, Rt rt r) R1 [WIDE];

        // 64 bits: bytes and bit-fields.
        dext Dext "dext" 0x7c00_0003 (Rt rt w, Rs rs r, Pos pos imm, Size size imm) R2 [WIDE];
        dsbh Dsbh "dsbh" 0x7c00_00a4 (Rd rd w, Rt rt r) R2 [WIDE];
        dshd Dshd "dshd" 0x7c00_0164 (Rd rd w, Rt rt r) R2 [WIDE];

        // 64 bits: multiplication and division.
        ddiv Ddiv "ddiv" 0x0000_001e (Rs rs r, Rt rt r) BEFORE_R6 [WIDE WRITES_HILO];
        ddiv_r6 DdivR6 "ddiv" 0x0000_009e (Rd rd w, Rs rs r, Rt rt r) R6 [WIDE];
        ddivu Ddivu "ddivu" 0x0000_001f (Rs rs r, Rt rt r) BEFORE_R6 [WIDE WRITES_HILO];
        ddivu_r6 DdivuR6 "ddivu" 0x0000_009f (Rd rd w, Rs rs r, Rt rt r) R6 [WIDE];
        dmod_r6 DmodR6 "dmod" 0x0000_00de (Rd rd w, Rs rs r, Rt rt r) R6 [WIDE];
        dmodu_r6 DmoduR6 "dmodu" 0x0000_00df (Rd rd w, Rs rs r, Rt rt r) R6 [WIDE];
        dmul_r6 DmulR6 "dmul" 0x0000_009c (Rd rd w, Rs rs r, Rt rt r) R6 [WIDE];
        dmultu Dmultu "dmultu" 0x0000_001d (Rs rs r, Rt rt r) BEFORE_R6 [WIDE WRITES_HILO];

        // 64 bits: memory.
        ld Ld "ld" 0xdc00_0000 (Rt rt w, Simm offset imm, Base base r) R1 [WIDE LOADS];
        lld Lld "lld" 0xd000_0000 (Rt rt w, Simm offset imm, Base base r) BEFORE_R6 [WIDE LOADS ORDERS];
        lld_r6 LldR6 "lld" 0x7c00_0037 (Rt rt w, Simm9 offset imm, Base base r) R6 [WIDE LOADS ORDERS];
        lwu Lwu "lwu" 0x9c00_0000 (Rt rt w, Simm offset imm, Base base r) R1 [WIDE LOADS];
        scd Scd "scd" 0xf000_0000 (Rt rt rw, Simm offset imm, Base base r) BEFORE_R6 [WIDE STORES ORDERS];
        scd_r6 ScdR6 "scd" 0x7c00_0027 (Rt rt rw, Simm9 offset imm, Base base r) R6 [WIDE STORES ORDERS];
        sd Sd "sd" 0xfc00_0000 (Rt rt r, Simm offset imm, Base base r) R1 [WIDE STORES];
    }
    control {
        bc Bc "bc" 0xc800_0000 (Disp26 disp imm) R6 [COMPACT];
        beq Beq "beq" 0x1000_0000 (Rs rs r, Rt rt r, Disp disp imm) R1 [BRANCHES];
        bgez Bgez "bgez" 0x0401_0000 (Rs rs r, Disp disp imm) R1 [BRANCHES];
        bgtz Bgtz "bgtz" 0x1c00_0000 (Rs rs r, Disp disp imm) R1 [BRANCHES];
        blez Blez "blez" 0x1800_0000 (Rs rs r, Disp disp imm) R1 [BRANCHES];
        bltz Bltz "bltz" 0x0400_0000 (Rs rs r, Disp disp imm) R1 [BRANCHES];
        bne Bne "bne" 0x1400_0000 (Rs rs r, Rt rt r, Disp disp imm) R1 [BRANCHES];
        jalr Jalr "jalr" 0x0000_0009 (Rd rd w, Rs rs r) R1 [BRANCHES];
        jalr_hb JalrHb "jalr.hb" 0x0000_0409 (Rd rd w, Rs rs r) R2 [BRANCHES];
        jialc Jialc "jialc" 0xf800_0000 (Rt rt r, Simm offset imm) R6 [COMPACT LINKS];
        jic Jic "jic" 0xd800_0000 (Rt rt r, Simm offset imm) R6 [COMPACT];
        jr Jr "jr" 0x0000_0008 (Rs rs r) BEFORE_R6 [BRANCHES];
        breakpoint Break "break" 0x0000_000d () R1 [TRAPS];
    }
}

/// Rows whose fields overlap do not compile.
const _: () = {
    let mut rest = Op::ALL;
    while let [first, others @ ..] = rest {
        assert!(first.row().is_disjoint());
        rest = others;
    }
};

/// An instruction with its operands: which row, and the finished word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Insn {
    op: Op,
    word: u32,
}

impl Insn {
    /// `nop`, which is `sll $zero, $zero, 0`.
    pub(crate) const NOP: Insn = Insn {
        op: Op::Sll,
        word: 0,
    };

    /// Which row of the table.
    pub(crate) const fn op(self) -> Op {
        self.op
    }

    /// The word as the machine reads it.
    pub(crate) const fn word(self) -> u32 {
        self.word
    }

    /// The content of its fields rs and rt, as registers.
    pub(crate) fn sources(self) -> (Reg, Reg) {
        let register = |field: Field| Reg::from_number(field.extract(self.word));
        (register(Field::Rs), register(Field::Rt))
    }

    /// The same with another register wherever it reads this one, unless what it writes depends on
    /// what the field had before.
    pub(crate) fn with_source(self, from: Reg, to: Reg) -> Option<Insn> {
        let traits = self.op.traits();
        let word = traits
            .reads
            .replaced(self.word, (from, to), traits.writes)?;
        Some(Insn { word, ..self })
    }

    /// The branch, which stands in word `from`, with its displacement replaced by that to word
    /// `to`, if that is in reach.
    pub(crate) fn with_target(self, from: u32, to: u32) -> Option<Insn> {
        let (field, bits) = match self.op {
            Op::Bc => (Field::Disp26, Disp26::between(from, to)?.bits()),
            _ => (Field::Disp, Disp16::between(from, to)?.bits()),
        };
        Some(Insn {
            op: self.op,
            word: (self.word & !field.mask()) | bits,
        })
    }

    /// The branch with the displacement that stands for a target not known yet.
    pub(crate) fn without_target(self) -> Insn {
        let (field, bits) = match self.op {
            Op::Bc => (Field::Disp26, Disp26::UNKNOWN.bits()),
            _ => (Field::Disp, Disp16::UNKNOWN.bits()),
        };
        Insn {
            op: self.op,
            word: (self.word & !field.mask()) | bits,
        }
    }

    /// The word in place `from`, with the displacement of [`Insn::without_target`] replaced by that to word `to`, if
    /// that is in reach; another word as it is.
    pub(crate) fn aimed(word: u32, from: u32, to: u32) -> Option<u32> {
        // Of branches: REGIMM, then BEQ to BGTZ.
        let (field, unknown, bits) = match word >> 26 {
            1 | 4..=7 => {
                let disp = Disp16::between(from, to);
                (Field::Disp, Disp16::UNKNOWN.bits(), disp.map(Disp16::bits))
            }
            0x32 => {
                let disp = Disp26::between(from, to);
                (
                    Field::Disp26,
                    Disp26::UNKNOWN.bits(),
                    disp.map(Disp26::bits),
                )
            }
            _ => return Some(word),
        };
        match word & field.mask() == unknown {
            true => Some((word & !field.mask()) | bits?),
            false => Some(word),
        }
    }

    /// Whether it is a branch that some values do not take.
    pub(crate) fn is_conditional(self) -> bool {
        match self.op {
            Op::Beq => self.reads() != RegMask::of(Reg::ZERO),
            Op::Bne | Op::Blez | Op::Bgtz | Op::Bltz | Op::Bgez => true,
            _ => false,
        }
    }

    /// The registers it reads.
    pub(crate) fn reads(self) -> RegMask {
        self.op.traits().reads.in_word(self.word)
    }

    /// The registers it writes.
    pub(crate) fn writes(self) -> RegMask {
        let traits = self.op.traits();
        let written = traits.writes.in_word(self.word);
        match traits.effects.intersects(Effects::LINKS) {
            true => written.with(Reg::RA),
            false => written,
        }
    }
}
