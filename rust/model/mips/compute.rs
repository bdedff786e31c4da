// SPDX-License-Identifier: GPL-2.0

//! Computational instructions that every processor has: of registers, of immediates, on bits and
//! bytes, and with HI and LO.
//!
//! Logic and comparisons are of whole registers. The others are of words, which MIPS64 keeps
//! sign-extended: [`Machine::word`] is the way in.

use super::{Machine, Platform, Trap, Word32, WORD};
use crate::model::word::Word;

/// A register and its new value, if there is such an instruction.
pub(super) type Computed<W> = Result<Option<W>, Trap>;

impl<W: Word, P: Platform<W>> Machine<'_, W, P> {
    /// Executes a computational instruction. Says whether it is one.
    pub(super) fn compute(&mut self, word: Word32<W>) -> Result<bool, Trap> {
        if self.is_wide() && self.compute_doubleword(word)? {
            return Ok(true);
        }
        let result = match word.opcode() {
            0 => {
                let result = match self.shift(word)? {
                    None => self.arithmetic(word)?,
                    some => some,
                };
                match result {
                    Some(result) => Some((word.rd(), result)),
                    None if self.is_r6() => self.r6(word)?.map(|result| (word.rd(), result)),
                    None if self.uses_hi_lo(word)? => return Ok(true),
                    None => None,
                }
            }
            0o34 if !self.is_r6() => self.multiply(word)?.map(|result| (word.rd(), result)),
            0o37 => self.special3(word)?,
            _ => self.immediate(word)?.map(|result| (word.rt(), result)),
        };
        if let Some((register, value)) = result {
            self.set(register, value);
        }
        Ok(result.is_some())
    }

    /// A word as a register holds it.
    fn extended(&self, word: W) -> W {
        word.sign_extend(self.gprlen())
    }

    /// ADDIU, SLTI, SLTIU, ANDI, ORI, XORI and LUI
    fn immediate(&mut self, word: Word32<W>) -> Computed<W> {
        let gprlen = self.gprlen();
        let rs = self.gpr[word.rs()];
        let signed = word.immediate().sign_extend(gprlen);
        let unsigned = word.immediate().zero_extend(gprlen);
        Ok(Some(match word.opcode() {
            0o11 => {
                let sum = self.word(word.rs(), word)? + word.immediate().sign_extend(WORD);
                self.extended(sum)
            }
            0o12 => rs.is_less(signed).zero_extend(gprlen),
            // The immediate is sign-extended, and then compared as unsigned.
            0o13 => rs.is_below(signed).zero_extend(gprlen),
            0o14 => rs & unsigned,
            0o15 => rs | unsigned,
            0o16 => rs ^ unsigned,
            0o17 if word.rs() == 0 => self.extended(word.immediate().concat(W::new(16, 0))),
            _ => return Ok(None),
        }))
    }

    /// SLL, SRL, ROTR, SRA, SLLV, SRLV and SRAV: the amount is five bits. To the left, bits above
    /// the word do not matter.
    fn shift(&mut self, word: Word32<W>) -> Computed<W> {
        let fixed = word.amount().zero_extend(WORD);
        let variable = self.gpr[word.rs()].low(5).zero_extend(WORD);
        let any = self.gpr[word.rt()].low(WORD);
        let result = match (word.function(), word.rs(), word.sa()) {
            (0o00, 0, _) => any.shift_left(fixed),
            (0o02, 0, _) => self.word(word.rt(), word)?.shift_right(fixed),
            (0o02, 1, _) if self.has_r2() => {
                let rest = W::new(WORD, 32) - fixed;
                let rt = self.word(word.rt(), word)?;
                rt.shift_right(fixed) | rt.shift_left(rest)
            }
            (0o03, 0, _) => self.word(word.rt(), word)?.shift_right_signed(fixed),
            (0o04, _, 0) => any.shift_left(variable),
            (0o06, _, 0) => self.word(word.rt(), word)?.shift_right(variable),
            (0o07, _, 0) => self.word(word.rt(), word)?.shift_right_signed(variable),
            _ => return Ok(None),
        };
        Ok(Some(self.extended(result)))
    }

    /// ADDU, SUBU, AND, OR, XOR, NOR, SLT, SLTU, MOVZ and MOVN
    fn arithmetic(&mut self, word: Word32<W>) -> Computed<W> {
        let gprlen = self.gprlen();
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        if word.sa() != 0 {
            return Ok(None);
        }
        let Some(&old) = self.gpr.get(word.rd()) else {
            return Ok(None);
        };
        Ok(Some(match word.function() {
            0o12 if !self.is_r6() => rt.is_zero().select(rs, old),
            0o13 if !self.is_r6() => rt.is_zero().select(old, rs),
            0o41 => {
                let (rs, rt) = self.words(word)?;
                self.extended(rs + rt)
            }
            0o43 => {
                let (rs, rt) = self.words(word)?;
                self.extended(rs - rt)
            }
            0o44 => rs & rt,
            0o45 => rs | rt,
            0o46 => rs ^ rt,
            0o47 => !(rs | rt),
            0o52 => rs.is_less(rt).zero_extend(gprlen),
            0o53 => rs.is_below(rt).zero_extend(gprlen),
            _ => return Ok(None),
        }))
    }

    /// The words in both source registers.
    fn words(&mut self, word: Word32<W>) -> Result<(W, W), Trap> {
        Ok((self.word(word.rs(), word)?, self.word(word.rt(), word)?))
    }

    /// What Release 6 has in the place of HI and LO and of MOVZ and MOVN: MUL, MUHU, DIV, MOD, DIVU,
    /// MODU, SELEQZ and SELNEZ. No division traps; by zero, the result is UNPREDICTABLE.
    fn r6(&mut self, word: Word32<W>) -> Computed<W> {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        let zero = rs.constant(0);
        let kind = (word.function(), word.sa());
        match kind {
            (0o65, 0) => return Ok(Some(rt.is_zero().select(rs, zero))),
            (0o67, 0) => return Ok(Some(rt.is_zero().select(zero, rs))),
            (0o30, 2) | (0o31, 3) | (0o32 | 0o33, 2 | 3) => {}
            _ => return Ok(None),
        }
        let (rs, rt) = self.words(word)?;
        let result = match kind {
            (0o30, _) => return Ok(Some(self.extended(rs * rt))),
            (0o31, _) => {
                let product = rs.zero_extend(64) * rt.zero_extend(64);
                return Ok(Some(self.extended(product.slice(WORD, WORD))));
            }
            (0o32, 2) => rs.signed_quotient(rt),
            (0o32, _) => rs.signed_remainder(rt),
            (_, 2) => rs.quotient(rt),
            _ => rs.remainder(rt),
        };
        let unpredictable = self.platform.unknown(self.gprlen());
        Ok(Some(
            rt.is_zero().select(unpredictable, self.extended(result)),
        ))
    }

    /// MUL, which leaves HI and LO UNPREDICTABLE
    fn multiply(&mut self, word: Word32<W>) -> Computed<W> {
        if (word.function(), word.sa()) != (0o02, 0) {
            return Ok(None);
        }
        self.hi = self.platform.unknown(self.gprlen());
        self.lo = self.platform.unknown(self.gprlen());
        let (rs, rt) = self.words(word)?;
        Ok(Some(self.extended(rs * rt)))
    }

    /// MFHI, MFLO, MULTU, DIV and DIVU. Says whether it is one.
    fn uses_hi_lo(&mut self, word: Word32<W>) -> Result<bool, Trap> {
        match (word.function(), word.rs(), word.rt(), word.rd(), word.sa()) {
            (0o20, 0, 0, rd, 0) => self.set(rd, self.hi),
            (0o22, 0, 0, rd, 0) => self.set(rd, self.lo),
            (0o31, _, _, 0, 0) => {
                let (rs, rt) = self.words(word)?;
                let product = rs.zero_extend(64) * rt.zero_extend(64);
                self.hi = self.extended(product.slice(WORD, WORD));
                self.lo = self.extended(product.low(WORD));
            }
            (0o32, _, _, 0, 0) => {
                let (rs, rt) = self.words(word)?;
                self.divide(rt, rs.signed_quotient(rt), rs.signed_remainder(rt));
            }
            (0o33, _, _, 0, 0) => {
                let (rs, rt) = self.words(word)?;
                self.divide(rt, rs.quotient(rt), rs.remainder(rt));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// No division traps; by zero, the result is UNPREDICTABLE.
    pub(super) fn divide(&mut self, divisor: W, quotient: W, remainder: W) {
        let by_zero = divisor.is_zero();
        let gprlen = self.gprlen();
        let (lo, hi) = (self.platform.unknown(gprlen), self.platform.unknown(gprlen));
        self.lo = by_zero.select(lo, self.extended(quotient));
        self.hi = by_zero.select(hi, self.extended(remainder));
    }

    /// EXT, SEB, SEH and WSBH, of Release 2: the register and its new value
    fn special3(&mut self, word: Word32<W>) -> Result<Option<(usize, W)>, Trap> {
        if !self.has_r2() {
            return Ok(None);
        }
        let swap = |rt: W| {
            let bytes = rt.bytes();
            W::from_bytes(&[bytes[1], bytes[0], bytes[3], bytes[2]])
        };
        let (register, value) = match (word.function(), word.rs(), word.sa()) {
            (0o00, ..) => (word.rt(), self.extract(word)?),
            (0o40, 0, 0o02) => (word.rd(), swap(self.word(word.rt(), word)?)),
            (0o40, 0, 0o20) => (word.rd(), self.word(word.rt(), word)?.low(8)),
            (0o40, 0, 0o30) => (word.rd(), self.word(word.rt(), word)?.low(16)),
            _ => return Ok(None),
        };
        Ok(Some((register, self.extended(value))))
    }

    /// EXT: a bit-field, which must lie in the word
    fn extract(&mut self, word: Word32<W>) -> Result<W, Trap> {
        let unpredictable = Trap::Unpredictable(word.known());
        let low = word.amount().value().ok_or(unpredictable)?;
        // The field holds the number of bits less one.
        let more = word.size().zero_extend(WORD);
        if more.value().is_some_and(|more| low + more >= 32) || (more.value().is_none() && low > 0)
        {
            return Err(unpredictable);
        }
        let all = W::new(WORD, u64::from(u32::MAX));
        let mask = all.shift_right(W::new(WORD, 31) - more);
        let field = self.word(word.rs(), word)?.shift_right(W::new(WORD, low));
        Ok(field & mask)
    }
}
