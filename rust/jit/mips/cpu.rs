// SPDX-License-Identifier: GPL-2.0

//! Which MIPS the image will run on.
//!
//! Endianness, ISA release and errata are values, so that one build of the core covers every
//! machine and one host test binary tests them all. The glue derives the value from the running
//! kernel; nothing else in the core asks what it was compiled for.

use super::table::{Effects, Traits};

/// Byte order of data, and with it the order of words in a register pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endian {
    Little,
    Big,
}

/// How wide general-purpose registers are, and with them addresses: which of the two
/// architectures it is, MIPS32 or MIPS64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    W32,
    W64,
}

/// A release of the architecture (MD00082, "Introduction to the MIPS32 Architecture"; MD00083 for
/// MIPS64).
///
/// Ordered: a later release has what an earlier one has, except where a row of the instruction
/// table says otherwise. Release 3 and 5 brought nothing that a compiler of BPF has use for: they
/// are `R2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Release {
    R1,
    R2,
    R6,
}

impl Release {
    /// Whether this is Release 6, which has no HI and LO, no conditional moves and no `jr`, short
    /// offsets in `ll` and `sc`, and jumps without a delay slot (MD00082,
    /// revision 6).
    pub(crate) fn is_r6(self) -> bool {
        self >= Release::R6
    }
}

/// The releases that have an instruction, in this encoding: a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Releases(u8);

impl Releases {
    /// No release.
    pub(crate) const NONE: Releases = Releases(0);
    /// Since Release 6.
    pub(crate) const R6: Releases = Releases::of(Release::R6);
    /// Since Release 2.
    pub(crate) const R2: Releases = Releases::of(Release::R2).union(Releases::R6);
    /// Every release.
    pub(crate) const R1: Releases = Releases::of(Release::R1).union(Releases::R2);
    /// Every release before 6, which took it away or encodes it in another way.
    pub(crate) const BEFORE_R6: Releases =
        Releases::of(Release::R1).union(Releases::of(Release::R2));

    const fn of(release: Release) -> Releases {
        Releases(1u8.wrapping_shl(release as u32))
    }

    const fn union(self, other: Releases) -> Releases {
        Releases(self.0 | other.0)
    }

    /// Whether this is one of them.
    pub(crate) const fn contains(self, release: Release) -> bool {
        self.0 & Releases::of(release).0 != 0
    }
}

/// Where this kernel's memory model asks for a `sync` (`arch/mips/include/asm/barrier.h`), and what
/// speculation asks for.
///
/// All but the last are false on a uniprocessor kernel, where a compiler barrier is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Barriers {
    /// `smp_mb()` is an instruction: `CONFIG_SMP` and `CONFIG_WEAK_ORDERING`.
    pub(crate) memory: bool,
    /// `smp_mb__before_atomic()` and `smp_mb__after_atomic()` are instructions: `CONFIG_SMP` and
    /// `CONFIG_WEAK_REORDERING_BEYOND_LLSC`. Octeon orders by itself what follows; it has both here,
    /// too.
    pub(crate) llsc: bool,
    /// Each load-linked must come behind a barrier, the one before an operation included: an erratum
    /// of Loongson 3 (`CONFIG_CPU_LOONGSON3_WORKAROUNDS`).
    pub(crate) linked: bool,
    /// The CPU loads ahead of branches and stores that it has not done, or nobody knows that it does
    /// not: what BPF's barrier against speculation is for.
    pub(crate) speculation: bool,
}

impl Barriers {
    /// A uniprocessor kernel, or a strongly ordered machine, that does not speculate.
    pub(crate) const NONE: Self = Self {
        memory: false,
        llsc: false,
        linked: false,
        speculation: false,
    };
    /// The weakest machine that the architecture allows.
    pub(crate) const ALL: Self = Self {
        memory: true,
        llsc: true,
        linked: false,
        speculation: true,
    };
}

/// The CPU an image is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub(crate) width: Width,
    pub(crate) endian: Endian,
    pub(crate) release: Release,
    pub(crate) barriers: Barriers,
}

impl Cpu {
    /// What every machine has.
    pub(crate) const LEAST: Cpu = Cpu {
        width: Width::W32,
        endian: Endian::Little,
        release: Release::R1,
        barriers: Barriers::NONE,
    };

    /// Whether the CPU has an instruction with these traits.
    pub(crate) fn has(&self, traits: Traits) -> bool {
        traits.releases.contains(self.release)
            && (self.width == Width::W64 || !traits.effects.intersects(Effects::WIDE))
    }

    /// Whether the CPU has the instructions of Release 2: `ext`, `ins`, `seb`, `seh`,
    /// `wsbh`, `rotr`.
    pub(crate) fn has_r2(&self) -> bool {
        self.release >= Release::R2
    }

    /// See [`Release::is_r6`].
    pub(crate) fn is_r6(&self) -> bool {
        self.release.is_r6()
    }
}
