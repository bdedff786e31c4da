// SPDX-License-Identifier: GPL-2.0

//! Computational instructions: of registers, of immediates, on bits and bytes, and with HI and LO.

use super::{Machine, Platform, Release, Trap, Word32, WORD};
use crate::model::word::Word;

impl<W: Word, P: Platform<W>> Machine<'_, W, P> {
    /// Executes a computational instruction. Says whether it is one.
    pub(super) fn compute(&mut self, word: Word32<W>) -> Result<bool, Trap> {
        let result = match word.opcode() {
            0 => match self.shift(word).or_else(|| self.arithmetic(word)) {
                Some(result) => Some((word.rd(), result)),
                None if self.is_r6() => self.r6(word).map(|result| (word.rd(), result)),
                None if self.uses_hi_lo(word) => return Ok(true),
                None => None,
            },
            0o34 if !self.is_r6() => self.multiply(word).map(|result| (word.rd(), result)),
            0o37 => self.special3(word)?,
            _ => self.immediate(word).map(|result| (word.rt(), result)),
        };
        if let Some((register, value)) = result {
            self.set(register, value);
        }
        Ok(result.is_some())
    }

    /// ADDIU, SLTI, SLTIU, ANDI, ORI, XORI and LUI
    fn immediate(&self, word: Word32<W>) -> Option<W> {
        let rs = self.gpr[word.rs()];
        let signed = word.immediate().sign_extend(WORD);
        let unsigned = word.immediate().zero_extend(WORD);
        Some(match word.opcode() {
            0o11 => rs + signed,
            0o12 => rs.is_less(signed).zero_extend(WORD),
            // The immediate is sign-extended, and then compared as unsigned.
            0o13 => rs.is_below(signed).zero_extend(WORD),
            0o14 => rs & unsigned,
            0o15 => rs | unsigned,
            0o16 => rs ^ unsigned,
            0o17 if word.rs() == 0 => word.immediate().concat(W::new(16, 0)),
            _ => return None,
        })
    }

    /// SLL, SRL, ROTR, SRA, SLLV, SRLV and SRAV: the amount is five bits.
    fn shift(&self, word: Word32<W>) -> Option<W> {
        let rt = self.gpr[word.rt()];
        let fixed = word.amount().zero_extend(WORD);
        let variable = self.gpr[word.rs()].low(5).zero_extend(WORD);
        Some(match (word.function(), word.rs(), word.sa()) {
            (0o00, 0, _) => rt.shift_left(fixed),
            (0o02, 0, _) => rt.shift_right(fixed),
            (0o02, 1, _) if self.release >= Release::R2 => {
                let rest = W::new(WORD, 32) - fixed;
                rt.shift_right(fixed) | rt.shift_left(rest)
            }
            (0o03, 0, _) => rt.shift_right_signed(fixed),
            (0o04, _, 0) => rt.shift_left(variable),
            (0o06, _, 0) => rt.shift_right(variable),
            (0o07, _, 0) => rt.shift_right_signed(variable),
            _ => return None,
        })
    }

    /// ADDU, SUBU, AND, OR, XOR, NOR, SLT, SLTU, MOVZ and MOVN
    fn arithmetic(&self, word: Word32<W>) -> Option<W> {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        if word.sa() != 0 {
            return None;
        }
        let old = *self.gpr.get(word.rd())?;
        Some(match word.function() {
            0o12 if !self.is_r6() => rt.is_zero().select(rs, old),
            0o13 if !self.is_r6() => rt.is_zero().select(old, rs),
            0o41 => rs + rt,
            0o43 => rs - rt,
            0o44 => rs & rt,
            0o45 => rs | rt,
            0o46 => rs ^ rt,
            0o47 => !(rs | rt),
            0o52 => rs.is_less(rt).zero_extend(WORD),
            0o53 => rs.is_below(rt).zero_extend(WORD),
            _ => return None,
        })
    }

    /// What Release 6 has in the place of HI and LO and of MOVZ and MOVN: MUL, MUHU, DIV, MOD, DIVU,
    /// MODU, SELEQZ and SELNEZ. No division traps; by zero, the result is UNPREDICTABLE.
    fn r6(&mut self, word: Word32<W>) -> Option<W> {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        let zero = rs.constant(0);
        let result = match (word.function(), word.sa()) {
            (0o30, 2) => return Some(rs * rt),
            (0o31, 3) => {
                let product = rs.zero_extend(64) * rt.zero_extend(64);
                return Some(product.slice(WORD, WORD));
            }
            (0o65, 0) => return Some(rt.is_zero().select(rs, zero)),
            (0o67, 0) => return Some(rt.is_zero().select(zero, rs)),
            (0o32, 2) => rs.signed_quotient(rt),
            (0o32, 3) => rs.signed_remainder(rt),
            (0o33, 2) => rs.quotient(rt),
            (0o33, 3) => rs.remainder(rt),
            _ => return None,
        };
        let unpredictable = self.platform.unknown(WORD);
        Some(rt.is_zero().select(unpredictable, result))
    }

    /// MUL, which leaves HI and LO UNPREDICTABLE
    fn multiply(&mut self, word: Word32<W>) -> Option<W> {
        if (word.function(), word.sa()) != (0o02, 0) {
            return None;
        }
        self.hi = self.platform.unknown(WORD);
        self.lo = self.platform.unknown(WORD);
        Some(self.gpr[word.rs()] * self.gpr[word.rt()])
    }

    /// MFHI, MFLO, MULTU, DIV and DIVU. Says whether it is one.
    fn uses_hi_lo(&mut self, word: Word32<W>) -> bool {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        match (word.function(), word.rs(), word.rt(), word.rd(), word.sa()) {
            (0o20, 0, 0, rd, 0) => self.set(rd, self.hi),
            (0o22, 0, 0, rd, 0) => self.set(rd, self.lo),
            (0o31, _, _, 0, 0) => {
                let product = rs.zero_extend(64) * rt.zero_extend(64);
                self.hi = product.slice(WORD, WORD);
                self.lo = product.low(WORD);
            }
            (0o32, _, _, 0, 0) => {
                self.divide(rt, rs.signed_quotient(rt), rs.signed_remainder(rt));
            }
            (0o33, _, _, 0, 0) => self.divide(rt, rs.quotient(rt), rs.remainder(rt)),
            _ => return false,
        }
        true
    }

    /// No division traps; by zero, the result is UNPREDICTABLE.
    fn divide(&mut self, divisor: W, quotient: W, remainder: W) {
        let by_zero = divisor.is_zero();
        let (lo, hi) = (self.platform.unknown(WORD), self.platform.unknown(WORD));
        self.lo = by_zero.select(lo, quotient);
        self.hi = by_zero.select(hi, remainder);
    }

    /// EXT, SEB, SEH and WSBH, of Release 2: the register and its new value
    fn special3(&self, word: Word32<W>) -> Result<Option<(usize, W)>, Trap> {
        if self.release < Release::R2 {
            return Ok(None);
        }
        let rt = self.gpr[word.rt()];
        Ok(match (word.function(), word.rs(), word.sa()) {
            (0o00, ..) => Some((word.rt(), self.extract(word)?)),
            (0o40, 0, 0o02) => {
                let bytes = rt.bytes();
                let swapped = [bytes[1], bytes[0], bytes[3], bytes[2]];
                Some((word.rd(), W::from_bytes(&swapped)))
            }
            (0o40, 0, 0o20) => Some((word.rd(), rt.low(8).sign_extend(WORD))),
            (0o40, 0, 0o30) => Some((word.rd(), rt.low(16).sign_extend(WORD))),
            _ => None,
        })
    }

    /// EXT: a bit-field, which must lie in the word
    fn extract(&self, word: Word32<W>) -> Result<W, Trap> {
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
        let field = self.gpr[word.rs()].shift_right(W::new(WORD, low));
        Ok(field & mask)
    }
}
