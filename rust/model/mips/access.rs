// SPDX-License-Identifier: GPL-2.0

//! Loads, stores and their order.
//!
//! An access that may find no memory has an entry in the platform's table of where to go on then
//! ([`Platform::resume`]). It changes nothing but that a store-conditional behind it would fail, since the
//! kernel has returned from an exception in between.

use super::{Machine, Platform, Trap, Word32};
use crate::model::word::Word;
use crate::model::world::Purpose;

/// What came of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// What the instruction does.
    Done,
    /// There is no memory.
    Absent,
}

/// What an instruction does to memory.
enum Kind {
    Load,
    LoadSigned,
    Store,
    /// LL and LLD
    LoadLinked,
    /// SC and SCD
    StoreConditional,
}

impl Kind {
    fn purpose(&self) -> Purpose {
        match self {
            Kind::Load | Kind::LoadSigned | Kind::LoadLinked => Purpose::Load,
            Kind::Store | Kind::StoreConditional => Purpose::Store,
        }
    }
}

impl<W: Word, P: Platform<W>> Machine<'_, W, P> {
    /// Executes a load, a store or SYNC, and says what came of it; None for other instructions. Only
    /// what is guarded may find no memory.
    pub(super) fn access(
        &mut self,
        word: Word32<W>,
        is_guarded: bool,
    ) -> Result<Option<Access>, Trap> {
        let is_wide = self.is_wide();
        let before_r6 = !self.is_r6();
        let (kind, bytes) = match word.opcode() {
            0o40 => (Kind::LoadSigned, 1),
            0o41 => (Kind::LoadSigned, 2),
            0o43 => (Kind::LoadSigned, 4),
            0o44 => (Kind::Load, 1),
            0o45 => (Kind::Load, 2),
            0o50 => (Kind::Store, 1),
            0o51 => (Kind::Store, 2),
            0o53 => (Kind::Store, 4),
            0o47 if is_wide => (Kind::Load, 4),
            0o67 if is_wide => (Kind::Load, 8),
            0o77 if is_wide => (Kind::Store, 8),
            0o60 if before_r6 => (Kind::LoadLinked, 4),
            0o70 if before_r6 => (Kind::StoreConditional, 4),
            0o64 if is_wide && before_r6 => (Kind::LoadLinked, 8),
            0o74 if is_wide && before_r6 => (Kind::StoreConditional, 8),
            0o37 if self.is_r6() && word.bit6() == 0 => match word.function() {
                0o66 => (Kind::LoadLinked, 4),
                0o46 => (Kind::StoreConditional, 4),
                0o67 if is_wide => (Kind::LoadLinked, 8),
                0o47 if is_wide => (Kind::StoreConditional, 8),
                _ => return Ok(None),
            },
            // SYNC, of the only kind that every release has
            0 if word.known() == 0o17 => {
                self.platform.fence();
                return Ok(Some(Access::Done));
            }
            _ => return Ok(None),
        };
        let address = self.address(word);
        if is_guarded && self.platform.is_absent(address, bytes, kind.purpose()) {
            self.linked = None;
            return Ok(Some(Access::Absent));
        }
        match kind {
            Kind::Load => self.load(word, bytes, false)?,
            Kind::LoadSigned => self.load(word, bytes, true)?,
            Kind::Store => self.store(word, bytes)?,
            Kind::LoadLinked => self.load_linked(word, bytes)?,
            Kind::StoreConditional => self.store_conditional(word, bytes)?,
        }
        Ok(Some(Access::Done))
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
