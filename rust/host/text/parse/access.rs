// SPDX-License-Identifier: GPL-2.0

//! Addresses, and what is accessed there.

use super::super::token::Kind;
use super::{fault, Parsed, Parser};
use crate::jit::bpf::raw::{mode, size};

/// What is known of a place in memory: see `jit::bpf::Access`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Proved,
    Probed,
    Arena,
}

/// An address and the access made there.
pub(super) struct Access {
    pub(super) size: u8,
    pub(super) is_signed: bool,
    pub(super) place: Place,
    pub(super) base: u8,
    pub(super) offset: i16,
}

impl Access {
    /// The mode of a load or store.
    pub(super) fn mode(&self) -> u8 {
        match (self.place, self.is_signed) {
            (Place::Proved, false) => mode::MEM,
            (Place::Proved, true) => mode::MEMSX,
            (Place::Probed, false) => mode::PROBE_MEM,
            (Place::Probed, true) => mode::PROBE_MEMSX,
            (Place::Arena, false) => mode::PROBE_MEM32,
            (Place::Arena, true) => mode::PROBE_MEM32SX,
        }
    }

    /// The mode of an atomic operation.
    pub(super) fn atomic_mode(&self) -> u8 {
        match self.place {
            Place::Arena => mode::PROBE_ATOMIC,
            Place::Proved | Place::Probed => mode::ATOMIC,
        }
    }
}

impl Parser<'_> {
    /// `(u64 *)(base + offset)`; in front of the base, `probe` or `arena` says what may be there.
    pub(super) fn access(&mut self) -> Parsed<Access> {
        self.expect("(")?;
        let at = self.token();
        let (size, is_signed) = match self.word()? {
            "u8" => (size::B, false),
            "u16" => (size::H, false),
            "u32" => (size::W, false),
            "u64" => (size::DW, false),
            "s8" => (size::B, true),
            "s16" => (size::H, true),
            "s32" => (size::W, true),
            other => return fault(at, format!("no access to a '{other}'")),
        };
        self.expect("*")?;
        self.expect(")")?;
        self.expect("(")?;
        let (place, base, offset) = self.address()?;
        self.expect(")")?;
        Ok(Access {
            size,
            is_signed,
            place,
            base,
            offset,
        })
    }

    /// `base + offset`, or `arena base + offset`
    pub(super) fn address(&mut self) -> Parsed<(Place, u8, i16)> {
        let place = if self.takes_word("probe") {
            Place::Probed
        } else if self.takes_word("arena") {
            Place::Arena
        } else {
            Place::Proved
        };
        // No register, but it is written as one.
        let parameters = self.dialect.parameters;
        let base = match parameters.map(|number| (number, format!("r{number}"))) {
            Some((number, name)) if self.takes_word(&name) => number,
            _ => self.register()?.number,
        };
        let offset = match self.peek() {
            Kind::Symbol("+" | "-") => self.fitting("an offset")?,
            _ => 0,
        };
        Ok((place, base, offset))
    }
}
