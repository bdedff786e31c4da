// SPDX-License-Identifier: GPL-2.0

//! The place at the entry of a program where a trampoline is attached, or another program takes over.
//!
//! One instruction of the entry becomes a branch to a stub behind the program's end. The stub does what it
//! has replaced, loads an address and goes there:
//!
//! ```text
//!            b     body
//! bpf_func:   addiu sp, sp, -N
//!            move  a1, zero         <-> b stub       the word that changes
//! body:      sw    ra, N-4(sp)                       executed before the branch is
//!            ...
//!            jr    ra
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
//! literal:   .word 0
//! ```
//!
//! A program to which nothing is attached has no more to execute than others, unless C code's entry does
//! no more than other entries do, or nothing is saved in the frame: then there is a `nop` in the place of the
//! word that changes, or of the one behind it. What is there is executed twice, the first time in a frame
//! that is given up. A function of a program has a `nop` as the first, and a word behind its literal, which says
//! that it is one.
//!
//! Whoever executes this while it is changed finds one or the other: both the word and the literal are
//! single words, and the literal has its address before the branch leads there. Another trampoline in the
//! place of one changes only the literal. Back to none, the literal stays, for who is on the stub by then:
//! the kernel frees a trampoline only when no task can be in it any more that was not there of its own
//! will (RCU tasks), or before all programs that run have ended.
//!
//! Tail calls go around the word, as on other architectures.
//!
//! An image longer than a branch reaches has a stub that cannot be reached: nothing can be attached.

use crate::jit::asm::{Block, Slot};
use crate::jit::mips::{Disp16, Insn, Reg, Simm16, Uimm16};

/// Words of a stub, and of some in it from its start.
const WORDS: u32 = 10;
const HIGH: u32 = 1;
const LOW: u32 = 2;
const CALL: u32 = 3;
const BEHIND_HIGH: u32 = 5;
const BEHIND_LOW: u32 = 6;
const LITERAL: u32 = 9;

/// Bits of an immediate in an instruction.
const IMMEDIATE: u32 = 0xffff;

/// Bytes of an instruction.
const INSTRUCTION: u32 = 4;

/// The register for addresses.
const ADDRESS: Reg = Reg::T9;

/// What depends on the program.
pub(super) struct Stub {
    pub(super) replaced: Insn,
    pub(super) undo: Insn,
    pub(super) redo: Insn,
    /// The word behind the one that changes, from the start of the image.
    pub(super) behind: u32,
    pub(super) is_function: bool,
}

/// What loads the literal at an address.
fn load(literal: u32) -> (Insn, Insn) {
    let low = Simm16::low_half(literal);
    let rest = literal.wrapping_sub(low.value() as u32);
    (
        Insn::lui(ADDRESS, Uimm16::high_half(rest)),
        Insn::lw(ADDRESS, low, ADDRESS),
    )
}

/// What goes to where the literal says.
const fn call() -> Insn {
    Insn::jalr(Reg::AT, ADDRESS)
}

/// Emits the stub at a word of an image, which the word of the entry leads to.
pub(super) fn emit(asm: &mut Block, stub: &Stub, image: u32, position: u32) -> Option<()> {
    let address = |word: u32| image.wrapping_add(word.wrapping_mul(INSTRUCTION));
    let (high, low) = load(address(position.checked_add(LITERAL)?));
    for insn in [stub.replaced, high, low, call(), stub.undo] {
        asm.push(insn);
    }
    asm.load_word_fixed(ADDRESS, address(stub.behind));
    asm.jump_reg(ADDRESS, Slot::Fill(stub.redo));
    asm.push(Insn::NOP);
    if stub.is_function {
        asm.push(Insn::NOP);
    }
    Some(())
}

/// The place in a program's code, in words from its entry for C code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// The word that changes.
    pub(crate) at: u32,
    /// What it is while nothing is attached.
    pub(crate) plain: u32,
    /// What it is otherwise.
    pub(crate) branch: u32,
    /// The address that the stub loads.
    pub(crate) literal: u32,
    /// The entry is that of a function, with all of its registers.
    pub(crate) is_function: bool,
}

impl Site {
    /// Finds it in the code at an address, which begins with the entry for C code. None if there is none,
    /// or none that a branch leads from.
    pub(crate) fn find(words: &[u32], address: u32) -> Option<Self> {
        let len = u32::try_from(words.len()).ok()?;
        Self::of_stub(words, address, len, false)
            .or_else(|| Self::of_stub(words, address, len.checked_sub(1)?, true))
    }

    /// The one whose stub ends there.
    fn of_stub(words: &[u32], address: u32, end: u32, is_function: bool) -> Option<Self> {
        let word = |at: u32| words.get(usize::try_from(at).ok()?).copied();
        let stub = end.checked_sub(WORDS)?;
        let literal = stub.checked_add(LITERAL)?;
        let (high, low) = load(address.wrapping_add(literal.wrapping_mul(INSTRUCTION)));
        for (at, insn) in [(HIGH, high), (LOW, low), (CALL, call())] {
            if word(stub.wrapping_add(at)) != Some(insn.word()) {
                return None;
            }
        }
        let behind_high = word(stub.wrapping_add(BEHIND_HIGH))? & IMMEDIATE;
        let behind_low = word(stub.wrapping_add(BEHIND_LOW))? & IMMEDIATE;
        let behind = behind_high.wrapping_shl(16) | behind_low;
        let at = (behind.checked_sub(address)? / INSTRUCTION).checked_sub(1)?;
        let site = Site {
            at,
            plain: word(stub)?,
            branch: Insn::beq(Reg::ZERO, Reg::ZERO, Disp16::between(at, stub)?).word(),
            literal,
            is_function,
        };
        let found = word(at)?;
        (found == site.plain || found == site.branch).then_some(site)
    }
}
