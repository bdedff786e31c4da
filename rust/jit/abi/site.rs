// SPDX-License-Identifier: GPL-2.0

//! The place at the entry of a program where a trampoline is attached, or another program takes over.
//!
//! One instruction of the entry becomes a jump to a stub, which is made when something is attached for the
//! first time. The stub does what the jump has replaced, loads an address and goes there:
//!
//! ```text
//!            b     body
//! bpf_func:   addiu sp, sp, -N
//!            move  a1, zero         <-> j stub       the word that changes
//! body:      sw    ra, N-4(sp)                       executed before the jump is
//!            ...
//!
//! stub:      move  a1, zero         what was replaced
//!            lui   t9, %hi(literal)
//!            lw    t9, %lo(literal)(t9)
//!            jalr  at, t9
//!             addiu sp, sp, N       as it was at the entry
//!            lui   t9, %hi(body)    here a trampoline goes on, or calls the program
//!            ori   t9, t9, %lo(body)
//!            jr    t9
//!             addiu sp, sp, -N
//! literal:   .word trampoline
//! ```
//!
//! A program to which nothing is attached has no more to execute than others, unless C code's entry does
//! no more than other entries do, or nothing is saved in the frame: then there is a `nop` in the place of the
//! word that changes, or of the one behind it. What is there is executed twice, the first time in a frame
//! that is given up. A function of a program has a `nop` behind what makes its frame.
//!
//! Whoever executes this while it is changed finds one or the other: both the word and the literal are
//! single words, and the stub is there before the jump leads to it. Another trampoline in the
//! place of one changes only the literal. Back to none, the stub stays as long as the program, for who is on it
//! by then: the kernel frees a trampoline only when no task can be in it any more that was not there of its own
//! will (RCU tasks), or before all programs that run have ended.
//!
//! Tail calls go around the word, as on other architectures.

use super::{Abi, Role};
use crate::jit::mips::{Disp16, Insn, Reg, Simm16, Uimm16};

/// Words of a stub.
pub(crate) const STUB: usize = 10;

/// The word of a stub that is the address where it goes.
pub(crate) const LITERAL: usize = STUB - 1;

/// Bits of an immediate in an instruction.
const IMMEDIATE: u32 = 0xffff;

/// Bytes of an instruction.
const INSTRUCTION: u32 = 4;

/// The register for addresses.
const ADDRESS: Reg = Reg::T9;

/// `j`, which the instruction table does not have, since no program does: MIPS32 Instruction Set Manual.
const JUMP: u32 = 0x0800_0000;

/// Bits of the target in that, which are bits 27 to 2 of the address.
const TARGET: u32 = 0x03ff_ffff;

/// The place in a program's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The word that changes, in words from the start of the image.
    pub(crate) at: u32,
    /// What makes the frame, if there is one.
    frame: Option<u32>,
}

impl Site {
    /// Finds it in an image of which trampolines may be attached to the entry. None if the image is none such.
    pub(crate) fn find<A: Abi>(image: &[u32], role: Role) -> Option<Self> {
        let word = |at: u32| image.get(usize::try_from(at).ok()?).copied();
        let makes_frame =
            |&word: &u32| word & !IMMEDIATE == A::add(Reg::SP, Reg::SP, Simm16::ZERO).word();
        let (at, frame) = match role {
            Role::Subprogram => {
                let frame = word(A::SUBPROGRAM_ENTRY).filter(makes_frame);
                (
                    A::SUBPROGRAM_ENTRY.checked_add(frame.is_some().into())?,
                    frame,
                )
            }
            Role::Whole | Role::Main => {
                let over = Insn::beq(Reg::ZERO, Reg::ZERO, Disp16::between(0, 1)?).word();
                let skips = word(0).filter(|&skips| skips & !IMMEDIATE == over)?;
                // Behind the branch itself, and before what it goes to.
                (skips & IMMEDIATE, word(1).filter(makes_frame))
            }
            // Nothing is attached to what the kernel calls for an exception.
            Role::Exception => return None,
        };
        word(at.checked_add(1)?)?;
        Some(Site { at, frame })
    }

    /// The stub at an address, for the program of which the image is at another one, to go to a third; `plain`
    /// is what the place has while nothing is attached.
    pub(crate) fn stub(&self, plain: u32, image: u32, stub: u32, goal: u32) -> [u32; STUB] {
        let literal = stub.wrapping_add((LITERAL as u32).wrapping_mul(INSTRUCTION));
        let low = Simm16::low_half(literal);
        let rest = literal.wrapping_sub(low.value() as u32);
        let behind = self.address(image).wrapping_add(INSTRUCTION);
        [
            plain,
            Insn::lui(ADDRESS, Uimm16::high_half(rest)).word(),
            Insn::lw(ADDRESS, low, ADDRESS).word(),
            Insn::jalr(Reg::AT, ADDRESS).word(),
            self.frame.map_or(Insn::NOP.word(), |make| {
                make & !IMMEDIATE | make.wrapping_neg() & IMMEDIATE
            }),
            Insn::lui(ADDRESS, Uimm16::high_half(behind)).word(),
            Insn::ori(ADDRESS, ADDRESS, Uimm16::low_half(behind)).word(),
            Insn::jalr(Reg::ZERO, ADDRESS).word(),
            self.frame.unwrap_or(Insn::NOP.word()),
            goal,
        ]
    }

    /// What the place has while something is attached. None if no jump leads from there to the stub: both must be
    /// in the same 256 MiB.
    pub(crate) fn jump(&self, image: u32, stub: u32) -> Option<u32> {
        let behind = self.address(image).wrapping_add(INSTRUCTION);
        let target = stub.wrapping_shr(2);
        (behind.wrapping_shr(2) & !TARGET == target & !TARGET).then_some(JUMP | target & TARGET)
    }

    fn address(&self, image: u32) -> u32 {
        image.wrapping_add(self.at.wrapping_mul(INSTRUCTION))
    }
}
