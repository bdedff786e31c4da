// SPDX-License-Identifier: GPL-2.0

//! Loads, stores and their order.

use super::{Machine, Platform, Trap, Word32};
use crate::model::word::Word;

impl<W: Word, P: Platform<W>> Machine<'_, W, P> {
    /// Executes a load, a store or SYNC. Says whether it is one.
    pub(super) fn access(&mut self, word: Word32<W>) -> Result<bool, Trap> {
        match word.opcode() {
            0o40 => self.load(word, 1, true)?,
            0o41 => self.load(word, 2, true)?,
            0o43 => self.load(word, 4, true)?,
            0o44 => self.load(word, 1, false)?,
            0o45 => self.load(word, 2, false)?,
            0o50 => self.store(word, 1)?,
            0o51 => self.store(word, 2)?,
            0o53 => self.store(word, 4)?,
            0o47 if self.is_wide() => self.load(word, 4, false)?,
            0o67 if self.is_wide() => self.load(word, 8, false)?,
            0o77 if self.is_wide() => self.store(word, 8)?,
            0o60 if !self.is_r6() => self.load_linked(word, 4)?,
            0o70 if !self.is_r6() => self.store_conditional(word, 4)?,
            0o64 if self.is_wide() && !self.is_r6() => self.load_linked(word, 8)?,
            0o74 if self.is_wide() && !self.is_r6() => self.store_conditional(word, 8)?,
            0o37 if self.is_r6() && word.bit6() == 0 => match word.function() {
                0o66 => self.load_linked(word, 4)?,
                0o46 => self.store_conditional(word, 4)?,
                0o67 if self.is_wide() => self.load_linked(word, 8)?,
                0o47 if self.is_wide() => self.store_conditional(word, 8)?,
                _ => return Ok(false),
            },
            // SYNC, of the only kind that every release has
            0 if word.known() == 0o17 => self.platform.fence(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Base and offset; LL and SC, LLD and SCD have a short one since Release 6.
    fn address(&self, word: Word32<W>) -> W {
        let offset = match word.opcode() {
            0o37 => word.offset9(),
            _ => word.immediate(),
        };
        self.gpr[word.rs()] + offset.sign_extend(self.gprlen())
    }

    fn load(&mut self, word: Word32<W>, bytes: u32, signed: bool) -> Result<(), Trap> {
        self.linked = None;
        let address = self.address(word);
        let value = self.platform.load(address, bytes).map_err(Trap::Memory)?;
        let value = match signed {
            true => value.sign_extend(self.gprlen()),
            false => value.zero_extend(self.gprlen()),
        };
        self.set(word.rt(), value);
        Ok(())
    }

    fn store(&mut self, word: Word32<W>, bytes: u32) -> Result<(), Trap> {
        self.linked = None;
        let address = self.address(word);
        let value = self.gpr[word.rt()].low(bytes * 8);
        self.platform.store(address, value).map_err(Trap::Memory)
    }

    /// LL and LLD
    fn load_linked(&mut self, word: Word32<W>, bytes: u32) -> Result<(), Trap> {
        // The load may replace its base.
        let address = self.address(word);
        self.load(word, bytes, true)?;
        self.linked = Some((address, bytes));
        Ok(())
    }

    /// SC and SCD: it may fail at any time.
    fn store_conditional(&mut self, word: Word32<W>, bytes: u32) -> Result<(), Trap> {
        let address = self.address(word);
        let is_linked = self.linked.is_some_and(|(linked, linked_bytes)| {
            linked_bytes == bytes && linked.equals(address).value() == Some(1)
        });
        if !is_linked {
            return Err(Trap::Unpredictable(word.known()));
        }
        let succeeds = self.platform.unknown(1);
        let succeeds = self.platform.decide(succeeds);
        if succeeds {
            self.store(word, bytes)?;
        }
        self.linked = None;
        self.set(word.rt(), self.constant(u64::from(succeeds)));
        Ok(())
    }
}
