// SPDX-License-Identifier: GPL-2.0

//! The place at the entry of a program where a trampoline is attached, or another program takes over.
//!
//! One instruction of the entry becomes a branch to a stub behind the program's end. The stub does what it
//! has replaced, loads an address and goes there:
//!
//! ```text
//! bpf_func:  sw    zero, 0(sp)
//!            move  a1, zero         <-> b stub       the word that changes
//! tail entry:
//!            addiu sp, sp, -N                        executed before the branch is
//!            ...
//!            jr    ra
//!
//! stub:      addiu sp, sp, N        undo
//!            lui   t9, %hi(literal)
//!            lw    t9, %lo(literal)(t9)
//!            jalr  at, t9
//!             move a1, zero         what was replaced
//!            lui   t9, %hi(behind)  here a trampoline goes on, or calls the program
//!            ori   t9, t9, %lo(behind)
//!            jr    t9
//!             addiu sp, sp, -N      redo
//! literal:   .word 0
//! ```
//!
//! A program to which nothing is attached has no more to execute than others, unless it has no frame: then
//! there is a `nop` in the place of the second. A function of a program has a `nop` as the first.
//!
//! Whoever executes this while it is changed finds one or the other: both the word and the literal are
//! single words, and the literal has its address before the branch leads there. Another trampoline in the
//! place of one changes only the literal. Back to none, the literal stays, for who is on the stub by then:
//! the kernel frees a trampoline only when no task can be in it any more that was not there of its own
//! will (RCU tasks), or before all programs that run have ended.
//!
//! Tail calls enter behind the word, as on other architectures.
//!
//! An image longer than a branch reaches has a stub that cannot be reached: nothing can be attached.

use super::Abi;
use crate::jit::asm::{Block, Slot};
use crate::jit::mips::{Disp16, Endian, Insn, Reg, Simm16, Uimm16};

/// Words of a stub, and of some in it from its start.
const WORDS: u32 = 10;
const HIGH: u32 = 1;
const LOW: u32 = 2;
const CALL: u32 = 3;
const REPLACED: u32 = 4;
const LITERAL: u32 = 9;

/// The bits of a load that say that it is one, and its base register.
const LOAD: u32 = 0xffe0_0000;

/// Bytes of an instruction.
const INSTRUCTION: u32 = 4;

/// The register for addresses.
const ADDRESS: Reg = Reg::T9;

/// What depends on the program.
pub(super) struct Slots {
    pub(super) replaced: Insn,
    pub(super) undo: Insn,
    pub(super) redo: Insn,
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
pub(super) fn emit(
    asm: &mut Block,
    slots: &Slots,
    image: u32,
    (position, entry): (u32, u32),
) -> Option<()> {
    let address = |word: u32| image.wrapping_add(word.wrapping_mul(INSTRUCTION));
    let (high, low) = load(address(position.checked_add(LITERAL)?));
    for insn in [slots.undo, high, low, call(), slots.replaced] {
        asm.push(insn);
    }
    // Behind the branch and the instruction that it executes.
    asm.load_word_fixed(ADDRESS, address(entry.checked_add(2)?));
    asm.jump_reg(ADDRESS, Slot::Fill(slots.redo));
    asm.push(Insn::NOP);
    Some(())
}

/// The place in a program's image, in words from its start.
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
    /// Finds it in the image at an address. None if there is none, or none that a branch leads from.
    pub(crate) fn find<A: Abi>(endian: Endian, words: &[u32], address: u32) -> Option<Self> {
        let word = |at: u32| words.get(usize::try_from(at).ok()?).copied();
        let stub = u32::try_from(words.len()).ok()?.checked_sub(WORDS)?;
        let literal = stub.checked_add(LITERAL)?;
        let (high, low) = load(address.wrapping_add(literal.wrapping_mul(INSTRUCTION)));
        for (at, insn) in [(HIGH, high), (LOW, low), (CALL, call())] {
            if word(stub.wrapping_add(at)) != Some(insn.word()) {
                return None;
            }
        }
        let plain = word(stub.wrapping_add(REPLACED))?;
        let branch = |at| Some(Insn::beq(Reg::ZERO, Reg::ZERO, Disp16::between(at, stub)?).word());
        // A function under o32 has loads of arguments where the word of a program is.
        let of_program = A::tail_entry(endian).checked_sub(1)?;
        let argument = Insn::lw(Reg::ZERO, Simm16::ZERO, Reg::SP).word();
        let at = match word(of_program)? & LOAD {
            found if found == argument & LOAD => A::SUBPROGRAM_ENTRY,
            _ => of_program,
        };
        let site = Site {
            at,
            plain,
            branch: branch(at)?,
            literal,
            is_function: plain == Insn::NOP.word(),
        };
        let found = word(at)?;
        (found == plain || found == site.branch).then_some(site)
    }
}
