// SPDX-License-Identifier: GPL-2.0

//! A model of the MIPS32 processor.
//!
//! It answers what words of machine code do: general registers, HI and LO, memory, the order of
//! accesses, and where control goes. It knows the instructions of MD00086, "The MIPS32 Instruction
//! Set Manual", that a compiler of BPF has use for; another word, or one in which bits are set that
//! the manual wants zero, is a [`Trap`]. So is what the manual calls UNPREDICTABLE for good: a
//! control transfer in a delay slot, a bit-field outside its word, a store-conditional without its
//! load-linked. A result that is UNPREDICTABLE is an unknown value.
//!
//! | manual | here |
//! |---|---|
//! | instruction formats | [`Word32`] |
//! | computational instructions | [`compute`] |
//! | loads, stores, SYNC | [`access`] |
//! | branches and jumps, with their delay slots | [`Machine::step`] |

mod access;
mod compute;
#[cfg(test)]
mod tests;
mod word32;

use super::word::Word;
use super::world::{Fault, World};
pub use word32::Word32;

/// Bits of a register.
pub const WORD: u32 = 32;

/// A release of the architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Release {
    R1,
    R2,
}

/// Why code cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// Not an instruction of the model, or not of this release.
    Reserved(u32),
    /// Operands for which the manual promises nothing.
    Unpredictable(u32),
    /// A control transfer in a delay slot.
    SlotBranches(u32),
    /// `break`
    Breakpoint,
    /// An access outside of memory, or unaligned.
    Memory(Fault),
    /// There is no code.
    Fetch(u32),
}

/// What surrounds the processor.
pub trait Platform<W: Word>: World<W> {
    /// The word of code at an address. Its opcode and registers are constant, its immediate need
    /// not be.
    fn fetch(&mut self, address: u32) -> Option<W>;
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next<W> {
    /// To [`Machine::pc`].
    Instruction,
    /// To the address in a register, which is not a constant.
    Leave(W),
    /// To a function at this address, which returns to [`Machine::pc`].
    Call(W),
}

/// A processor.
pub struct Machine<'p, W, P> {
    release: Release,
    /// What surrounds it.
    pub platform: &'p mut P,
    /// `$0` to `$31`. The first is zero.
    pub gpr: [W; 32],
    /// HI
    pub hi: W,
    /// LO
    pub lo: W,
    /// Where the next instruction is.
    pub pc: u32,
    /// The address of a load-linked to which nothing has happened since.
    linked: Option<W>,
}

/// What an instruction does to the flow of control.
enum Flow<W> {
    /// Nothing.
    Straight,
    /// To an address, behind the delay slot.
    To(u32),
    /// To the address in a register, behind the delay slot.
    Register(W),
    /// To the address in a register, behind the delay slot, to return to behind that.
    Function(W),
}

impl<'p, W: Word, P: Platform<W>> Machine<'p, W, P> {
    /// A processor about to execute the instruction at `pc`, with these registers.
    pub fn new(release: Release, platform: &'p mut P, gpr: [W; 32], pc: u32) -> Self {
        let hi = platform.unknown(WORD);
        let lo = platform.unknown(WORD);
        Machine {
            release,
            platform,
            gpr,
            hi,
            lo,
            pc,
            linked: None,
        }
    }

    /// Executes the instruction at [`Machine::pc`], and its delay slot if it has one.
    ///
    /// # Errors
    ///
    /// A trap.
    pub fn step(&mut self) -> Result<Next<W>, Trap> {
        let at = self.pc;
        let slot = at.wrapping_add(4);
        let behind = at.wrapping_add(8);
        let flow = self.execute(at)?;
        if matches!(flow, Flow::Straight) {
            self.pc = slot;
            return Ok(Next::Instruction);
        }
        match self.execute(slot) {
            Ok(Flow::Straight) => {}
            Ok(_) => return Err(Trap::SlotBranches(slot)),
            Err(trap) => return Err(trap),
        }
        self.pc = behind;
        Ok(match flow {
            Flow::Straight => Next::Instruction,
            Flow::To(target) => {
                self.pc = target;
                Next::Instruction
            }
            Flow::Function(target) => Next::Call(target),
            Flow::Register(target) => match target.value() {
                Some(target) => {
                    self.pc = target as u32;
                    Next::Instruction
                }
                None => Next::Leave(target),
            },
        })
    }

    fn execute(&mut self, at: u32) -> Result<Flow<W>, Trap> {
        let word = self.platform.fetch(at).ok_or(Trap::Fetch(at))?;
        let word = Word32::new(word).ok_or(Trap::Fetch(at))?;
        if let Some(flow) = self.transfer(at, word)? {
            return Ok(flow);
        }
        if self.access(word)? || self.compute(word)? {
            return Ok(Flow::Straight);
        }
        Err(Trap::Reserved(word.known()))
    }

    /// BEQ, BNE, BLEZ, BGTZ, BLTZ, BGEZ, JR, JALR and BREAK; None for other instructions.
    fn transfer(&mut self, at: u32, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        let zero = rs.constant(0);
        let condition = match (word.opcode(), word.rt()) {
            (0o04, _) => rs.equals(rt),
            (0o05, _) => !rs.equals(rt),
            (0o06, 0) => !zero.is_less(rs),
            (0o07, 0) => zero.is_less(rs),
            (0o01, 0) => rs.is_less(zero),
            (0o01, 1) => !rs.is_less(zero),
            (0, _) => return self.register_jump(at, word),
            _ => return Ok(None),
        };
        // A displacement counts words from the delay slot.
        let displacement = word.immediate().value().ok_or(Trap::Fetch(at))? as i16;
        let target = at
            .wrapping_add(4)
            .wrapping_add_signed(i32::from(displacement) * 4);
        Ok(Some(match self.platform.decide(condition) {
            true => Flow::To(target),
            false => Flow::To(at.wrapping_add(8)),
        }))
    }

    fn register_jump(&mut self, at: u32, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
        let target = self.gpr[word.rs()];
        match (word.function(), word.rt(), word.rd(), word.sa()) {
            (0o10, 0, 0, 0) => Ok(Some(Flow::Register(target))),
            // The link register must not be the source: the jump may be executed again.
            (0o11, 0, rd, 0) if rd == word.rs() => Err(Trap::Unpredictable(word.known())),
            (0o11, 0, rd, 0) => {
                self.set(rd, W::new(WORD, u64::from(at.wrapping_add(8))));
                Ok(Some(Flow::Function(target)))
            }
            (0o15, ..) => Err(Trap::Breakpoint),
            _ => Ok(None),
        }
    }

    fn set(&mut self, register: usize, value: W) {
        if register != 0 {
            self.gpr[register] = value;
        }
    }
}
