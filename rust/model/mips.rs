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
//! Release 6 has taken instructions away and given others their encodings. Of its compact branches
//! the model has those that are always taken; the others, which have a forbidden slot behind them,
//! are traps.
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

/// PAUSE, which is `sll $0, $0, 5`.
const PAUSE: u32 = 0x0000_0140;

/// A release of the architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Release {
    R1,
    R2,
    R6,
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
    /// Goes elsewhere, behind its delay slot.
    Delayed(Target<W>),
    /// Goes elsewhere at once.
    Compact(Target<W>),
}

/// Where control goes.
enum Target<W> {
    /// To an address.
    To(u32),
    /// To the address in a register.
    Register(W),
    /// To the address in a register, to return to where `$31` says.
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
        let (target, returns) = match self.execute(at)? {
            Flow::Straight => {
                self.pc = slot;
                return Ok(Next::Instruction);
            }
            Flow::Compact(target) => (target, slot),
            Flow::Delayed(target) => match self.execute(slot)? {
                Flow::Straight if self.pauses(slot) => return Err(Trap::Unpredictable(PAUSE)),
                Flow::Straight => (target, behind),
                _ => return Err(Trap::SlotBranches(slot)),
            },
        };
        self.pc = returns;
        Ok(match target {
            Target::To(target) => {
                self.pc = target;
                Next::Instruction
            }
            Target::Function(target) => Next::Call(target),
            Target::Register(target) => match target.value() {
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

    /// Whether there is a PAUSE, which must not be in a delay slot; before Release 2 it is an SLL.
    fn pauses(&mut self, at: u32) -> bool {
        let word = self.platform.fetch(at).and_then(Word32::new);
        self.release >= Release::R2
            && word.is_some_and(|word| word.is_constant() && word.known() == PAUSE)
    }

    /// Whether this is Release 6.
    fn is_r6(&self) -> bool {
        self.release >= Release::R6
    }

    /// BEQ, BNE, BLEZ, BGTZ, BLTZ, BGEZ, JR, JALR, BREAK, and of Release 6 BC, JIC and JIALC; None
    /// for other instructions.
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
            _ if self.is_r6() => return self.compact(at, word),
            _ => return Ok(None),
        };
        // A displacement counts words from the delay slot.
        let displacement = word.immediate().value().ok_or(Trap::Fetch(at))? as i16;
        let target = at
            .wrapping_add(4)
            .wrapping_add_signed(i32::from(displacement) * 4);
        Ok(Some(Flow::Delayed(Target::To(
            match self.platform.decide(condition) {
                true => target,
                false => at.wrapping_add(8),
            },
        ))))
    }

    /// BC, JIC and JIALC, which have neither a delay slot nor a forbidden slot.
    fn compact(&mut self, at: u32, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
        let next = at.wrapping_add(4);
        let address = |machine: &Self| machine.gpr[word.rt()] + word.immediate().sign_extend(WORD);
        Ok(Some(Flow::Compact(match (word.opcode(), word.rs()) {
            (0o62, _) => {
                let words = word.wide_displacement().ok_or(Trap::Fetch(at))?;
                Target::To(next.wrapping_add_signed(words * 4))
            }
            (0o66, 0) => Target::Register(address(self)),
            (0o76, 0) => {
                let target = address(self);
                self.set(31, W::new(WORD, u64::from(next)));
                Target::Function(target)
            }
            _ => return Ok(None),
        })))
    }

    fn register_jump(&mut self, at: u32, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
        let target = self.gpr[word.rs()];
        match (word.function(), word.rt(), word.rd(), word.sa()) {
            (0o10, 0, 0, 0) if !self.is_r6() => Ok(Some(Flow::Delayed(Target::Register(target)))),
            // The link register must not be the source: the jump may be executed again.
            (0o11, 0, rd, 0) if rd == word.rs() => Err(Trap::Unpredictable(word.known())),
            // Nothing returns; Release 6 has no other JR.
            (0o11, 0, 0, 0) => Ok(Some(Flow::Delayed(Target::Register(target)))),
            (0o11, 0, rd, 0) => {
                self.set(rd, W::new(WORD, u64::from(at.wrapping_add(8))));
                Ok(Some(Flow::Delayed(Target::Function(target))))
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
