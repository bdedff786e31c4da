// SPDX-License-Identifier: GPL-2.0

//! Computational instructions of MIPS64 alone: those of doublewords (MD00087).

use super::compute::Computed;
use super::{Machine, Platform, Word32, DOUBLEWORD, WORD};
use crate::model::mips::Trap;
use crate::model::word::Word;

impl<W: Word, P: Platform<W>> Machine<'_, W, P> {
    /// Executes a computational instruction of doublewords. Says whether it is one.
    pub(super) fn compute_doubleword(&mut self, word: Word32<W>) -> Result<bool, Trap> {
        let result = match word.opcode() {
            0 => match self.shift_doubleword(word).or_else(|| self.sum(word)) {
                Some(result) => Some((word.rd(), result)),
                None if self.is_r6() => self.r6_doubleword(word)?.map(|r| (word.rd(), r)),
                None => return Ok(self.multiply_divide(word)),
            },
            // DADDIU
            0o31 => {
                let signed = word.immediate().sign_extend(DOUBLEWORD);
                Some((word.rt(), self.gpr[word.rs()] + signed))
            }
            0o37 if self.has_r2() => self.bits_and_bytes(word),
            _ => None,
        };
        if let Some((register, value)) = result {
            self.set(register, value);
        }
        Ok(result.is_some())
    }

    /// DSLL, DSRL, DSRA, the same by 32 more, DSLLV, DSRLV and DSRAV: the amount is six bits.
    fn shift_doubleword(&self, word: Word32<W>) -> Option<W> {
        let rt = self.gpr[word.rt()];
        let fixed = word.amount().zero_extend(DOUBLEWORD);
        let more = fixed + W::new(DOUBLEWORD, 32);
        let variable = self.gpr[word.rs()].low(6).zero_extend(DOUBLEWORD);
        Some(match (word.function(), word.rs(), word.sa()) {
            (0o70, 0, _) => rt.shift_left(fixed),
            (0o72, 0, _) => rt.shift_right(fixed),
            (0o73, 0, _) => rt.shift_right_signed(fixed),
            (0o74, 0, _) => rt.shift_left(more),
            (0o76, 0, _) => rt.shift_right(more),
            (0o77, 0, _) => rt.shift_right_signed(more),
            (0o24, _, 0) => rt.shift_left(variable),
            (0o26, _, 0) => rt.shift_right(variable),
            (0o27, _, 0) => rt.shift_right_signed(variable),
            _ => return None,
        })
    }

    /// DADDU and DSUBU
    fn sum(&self, word: Word32<W>) -> Option<W> {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        match (word.function(), word.sa()) {
            (0o55, 0) => Some(rs + rt),
            (0o57, 0) => Some(rs - rt),
            _ => None,
        }
    }

    /// DMUL, DMUHU, DDIV, DMOD, DDIVU and DMODU of Release 6. By zero, the result is UNPREDICTABLE.
    fn r6_doubleword(&mut self, word: Word32<W>) -> Computed<W> {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        let result = match (word.function(), word.sa()) {
            (0o34, 2) => return Ok(Some(rs * rt)),
            (0o35, 3) => return Ok(Some(high_product(rs, rt))),
            (0o36, 2) => rs.signed_quotient(rt),
            (0o36, 3) => rs.signed_remainder(rt),
            (0o37, 2) => rs.quotient(rt),
            (0o37, 3) => rs.remainder(rt),
            _ => return Ok(None),
        };
        let unpredictable = self.platform.unknown(DOUBLEWORD);
        Ok(Some(rt.is_zero().select(unpredictable, result)))
    }

    /// DMULTU, DDIV and DDIVU, with HI and LO. Says whether it is one.
    fn multiply_divide(&mut self, word: Word32<W>) -> bool {
        let (rs, rt) = (self.gpr[word.rs()], self.gpr[word.rt()]);
        match (word.function(), word.rd(), word.sa()) {
            (0o35, 0, 0) => {
                self.lo = rs * rt;
                self.hi = high_product(rs, rt);
            }
            (0o36, 0, 0) => self.divide(rt, rs.signed_quotient(rt), rs.signed_remainder(rt)),
            (0o37, 0, 0) => self.divide(rt, rs.quotient(rt), rs.remainder(rt)),
            _ => return false,
        }
        true
    }

    /// DEXT, DSBH and DSHD, of Release 2: the register and its new value
    fn bits_and_bytes(&self, word: Word32<W>) -> Option<(usize, W)> {
        let rt = self.gpr[word.rt()];
        Some(match (word.function(), word.rs(), word.sa()) {
            (0o03, ..) => (word.rt(), self.extract_doubleword(word)),
            (0o44, 0, 0o02) => {
                let mut bytes = rt.bytes();
                bytes.chunks_mut(2).for_each(<[W]>::reverse);
                (word.rd(), W::from_bytes(&bytes))
            }
            (0o44, 0, 0o05) => {
                let halves: Vec<W> = (0..4).map(|half| rt.slice(half * 16, 16)).collect();
                let joined = halves[0].concat(halves[1]);
                (word.rd(), joined.concat(halves[2]).concat(halves[3]))
            }
            _ => return None,
        })
    }

    /// DEXT: a bit-field of 32 bits at most, which begins in the lower word, and so lies in the
    /// register wherever it is.
    fn extract_doubleword(&self, word: Word32<W>) -> W {
        let rs = self.gpr[word.rs()];
        // The field holds the number of bits less one.
        let (low, more) = (word.amount(), word.size());
        if let (Some(low), Some(more)) = (low.value(), more.value()) {
            let field = rs.slice(low as u32, more as u32 + 1);
            return field.zero_extend(DOUBLEWORD);
        }
        let all = W::new(DOUBLEWORD, u64::MAX);
        let unused = W::new(DOUBLEWORD, 63) - more.zero_extend(DOUBLEWORD);
        rs.shift_right(low.zero_extend(DOUBLEWORD)) & all.shift_right(unused)
    }
}

/// The upper doubleword of the product of unsigned doublewords, by products of words: no word has
/// 128 bits.
fn high_product<W: Word>(a: W, b: W) -> W {
    let parts = |of: W| {
        let part = |low| of.slice(low, WORD).zero_extend(DOUBLEWORD);
        (part(WORD), part(0))
    };
    let ((high_a, low_a), (high_b, low_b)) = (parts(a), parts(b));
    let (carried, _) = parts(low_a * low_b);
    let (upper, lower) = parts(high_a * low_b + carried);
    let mixed = low_a * high_b + lower;
    high_a * high_b + upper + parts(mixed).0
}
