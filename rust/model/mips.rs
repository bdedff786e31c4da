// SPDX-License-Identifier: GPL-2.0

//! A model of the MIPS32 and of the MIPS64 processor.
//!
//! It answers what words of machine code do: general registers, HI and LO, memory, the order of
//! accesses, and where control goes. It knows the instructions of MD00086, "The MIPS32 Instruction
//! Set Manual", and of MD00087, the same for MIPS64, that a compiler of BPF has use for; another
//! word, or one in which bits are set that the manual wants zero, is a [`Trap`]. So is what the
//! manual calls UNPREDICTABLE for good: a control transfer in a delay slot, a bit-field outside its
//! word, a store-conditional without its load-linked. A result that is UNPREDICTABLE is an unknown
//! value.
//!
//! Registers of MIPS64 have 64 bits. What computes with words leaves a sign-extended one, and nearly
//! all of it wants its operands to be such words: others make the result UNPREDICTABLE. No correct
//! program does that, so here it is a trap ([`Platform::expects`]).
//!
//! Release 6 has taken instructions away and given others their encodings. Of its compact branches
//! the model has those that are always taken; the others, which have a forbidden slot behind them,
//! are traps.
//!
//! | manual | here |
//! |---|---|
//! | instruction formats | [`Word32`] |
//! | computational instructions | [`compute`], those of MIPS64 alone [`doubleword`] |
//! | loads, stores, SYNC | [`access`] |
//! | branches and jumps, with their delay slots | [`Machine::step`] |

mod access;
mod compute;
mod doubleword;
#[cfg(test)]
mod tests;
mod word32;

use super::word::Word;
use super::world::{Fault, World};
use access::Access;
pub use word32::Word32;

/// Bits of a word: of an instruction, and of what all registers of MIPS32 hold.
pub const WORD: u32 = 32;

/// Bits of a register of MIPS64.
pub const DOUBLEWORD: u32 = 64;

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

/// What code can tell of a processor's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Its release.
    pub release: Release,
    /// Bits of a general register, which the manual calls GPRLEN: 32 or 64.
    pub gprlen: u32,
}

/// Why code cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// Not an instruction of the model, or not of this release.
    Reserved(u32),
    /// Operands for which the manual promises nothing.
    Unpredictable(u32),
    /// A control transfer in a delay slot.
    SlotBranches(u64),
    /// An access in a delay slot that may find no memory: the kernel would be told of the branch.
    SlotFaults(u64),
    /// `break`
    Breakpoint,
    /// An access outside of memory, or unaligned.
    Memory(Fault),
    /// There is no code.
    Fetch(u64),
}

/// What surrounds the processor.
pub trait Platform<W: Word>: World<W> {
    /// The word of code at an address. Its opcode and registers are constant, its immediate need
    /// not be.
    fn fetch(&mut self, address: u64) -> Option<W>;

    /// Where to go on, with registers as they are, if the access at an address finds no memory. None
    /// if it always does.
    fn resume(&self, _at: u64) -> Option<u64> {
        None
    }

    /// Whether something holds, which is one bit, that the manual asks of operands. Where it holds
    /// for some values only, who says yes has to see to it that there are no others.
    fn expects(&mut self, condition: W) -> bool;
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
    architecture: Architecture,
    /// What surrounds it.
    pub platform: &'p mut P,
    /// `$0` to `$31`. The first is zero.
    pub gpr: [W; 32],
    /// HI
    pub hi: W,
    /// LO
    pub lo: W,
    /// Where the next instruction is.
    pub pc: u64,
    /// The address of a load-linked to which nothing has happened since, and its bytes.
    linked: Option<(W, u32)>,
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
    To(u64),
    /// To the address in a register.
    Register(W),
    /// To the address in a register, to return to where `$31` says.
    Function(W),
}

impl<'p, W: Word, P: Platform<W>> Machine<'p, W, P> {
    /// A processor about to execute the instruction at `pc`, with these registers.
    pub fn new(architecture: Architecture, platform: &'p mut P, gpr: [W; 32], pc: u64) -> Self {
        let hi = platform.unknown(architecture.gprlen);
        let lo = platform.unknown(architecture.gprlen);
        Machine {
            architecture,
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
        let slot = self.beyond(at, 4);
        let behind = self.beyond(at, 8);
        let (target, returns) = match self.execute(at)? {
            Flow::Straight => {
                self.pc = slot;
                return Ok(Next::Instruction);
            }
            Flow::Compact(target) => (target, slot),
            Flow::Delayed(_) if self.platform.resume(slot).is_some() => {
                return Err(Trap::SlotFaults(slot))
            }
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
                    self.pc = target;
                    Next::Instruction
                }
                None => Next::Leave(target),
            },
        })
    }

    fn execute(&mut self, at: u64) -> Result<Flow<W>, Trap> {
        let word = self.platform.fetch(at).ok_or(Trap::Fetch(at))?;
        let word = Word32::new(word).ok_or(Trap::Fetch(at))?;
        if let Some(flow) = self.transfer(at, word)? {
            return Ok(flow);
        }
        let resume = self.platform.resume(at);
        match self.access(word, resume.is_some())? {
            Some(Access::Absent) => {
                let resume = resume.ok_or(Trap::Fetch(at))?;
                return Ok(Flow::Compact(Target::To(resume)));
            }
            Some(Access::Done) => return Ok(Flow::Straight),
            None => {}
        }
        match self.compute(word)? {
            true => Ok(Flow::Straight),
            false => Err(Trap::Reserved(word.known())),
        }
    }

    /// Whether there is a PAUSE, which must not be in a delay slot; before Release 2 it is an SLL.
    fn pauses(&mut self, at: u64) -> bool {
        let word = self.platform.fetch(at).and_then(Word32::new);
        self.has_r2() && word.is_some_and(|word| word.is_constant() && word.known() == PAUSE)
    }

    /// Whether this is Release 2 or later.
    fn has_r2(&self) -> bool {
        self.architecture.release >= Release::R2
    }

    /// Whether this is Release 6.
    fn is_r6(&self) -> bool {
        self.architecture.release >= Release::R6
    }

    /// Whether this is MIPS64.
    fn is_wide(&self) -> bool {
        self.gprlen() == DOUBLEWORD
    }

    fn gprlen(&self) -> u32 {
        self.architecture.gprlen
    }

    /// The address so many bytes behind another one.
    fn beyond(&self, address: u64, bytes: i64) -> u64 {
        address.wrapping_add_signed(bytes) & (u64::MAX >> (DOUBLEWORD - self.gprlen()))
    }

    /// The word in a register, for an instruction to which any but a sign-extended one is
    /// UNPREDICTABLE.
    fn word(&mut self, register: usize, insn: Word32<W>) -> Result<W, Trap> {
        let value = self.gpr[register];
        let word = value.low(WORD);
        if self.is_wide() {
            let is_extended = word.sign_extend(DOUBLEWORD).equals(value);
            if !self.platform.expects(is_extended) {
                return Err(Trap::Unpredictable(insn.known()));
            }
        }
        Ok(word)
    }

    /// A value that is known.
    fn constant(&self, value: u64) -> W {
        W::new(self.gprlen(), value)
    }

    /// BEQ, BNE, BLEZ, BGTZ, BLTZ, BGEZ, JR, JALR, BREAK, and of Release 6 BC, JIC and JIALC; None
    /// for other instructions.
    fn transfer(&mut self, at: u64, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
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
        let target = self.beyond(at, 4 + 4 * i64::from(displacement));
        Ok(Some(Flow::Delayed(Target::To(
            match self.platform.decide(condition) {
                true => target,
                false => self.beyond(at, 8),
            },
        ))))
    }

    /// BC, JIC and JIALC, which have neither a delay slot nor a forbidden slot.
    fn compact(&mut self, at: u64, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
        let next = self.beyond(at, 4);
        let offset = word.immediate().sign_extend(self.gprlen());
        let address = |machine: &Self| machine.gpr[word.rt()] + offset;
        Ok(Some(Flow::Compact(match (word.opcode(), word.rs()) {
            (0o62, _) => {
                let words = word.wide_displacement().ok_or(Trap::Fetch(at))?;
                Target::To(self.beyond(next, 4 * i64::from(words)))
            }
            (0o66, 0) => Target::Register(address(self)),
            (0o76, 0) => {
                let target = address(self);
                self.set(31, self.constant(next));
                Target::Function(target)
            }
            _ => return Ok(None),
        })))
    }

    fn register_jump(&mut self, at: u64, word: Word32<W>) -> Result<Option<Flow<W>>, Trap> {
        let target = self.gpr[word.rs()];
        // JALR.HB is JALR: hazards, which it clears, are nothing here.
        let hint = match (word.function(), word.sa()) {
            (0o11, 0o20) if self.has_r2() => 0,
            (_, hint) => hint,
        };
        match (word.function(), word.rt(), word.rd(), hint) {
            (0o10, 0, 0, 0) if !self.is_r6() => Ok(Some(Flow::Delayed(Target::Register(target)))),
            // The link register must not be the source: the jump may be executed again.
            (0o11, 0, rd, 0) if rd == word.rs() => Err(Trap::Unpredictable(word.known())),
            // Nothing returns; Release 6 has no other JR.
            (0o11, 0, 0, 0) => Ok(Some(Flow::Delayed(Target::Register(target)))),
            (0o11, 0, rd, 0) => {
                self.set(rd, self.constant(self.beyond(at, 8)));
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
