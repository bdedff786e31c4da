// SPDX-License-Identifier: GPL-2.0

//! One world for either kind of word, to see that a model says the same over both.
//!
//! Over [`Bits`] and over [`Term`] it is the same text of a model that runs, but not the same code:
//! a shortcut for constants, a rewriting, a rule for what is no constant. Here registers and
//! immediates are variables of a term, and an assignment gives them the values that the bits have.
//! What a run over terms ends with must then have the value of what the run over bits ends with.

use super::bpf::fields::Fields;
use super::bpf::memory::ByteOrder;
use super::bpf::{Content, Kernel, Stretch};
use super::mips::Platform;
use super::term::{Assignment, Term};
use super::word::{Bits, Word};
use super::world::{Fault, Purpose, World};

/// xorshift64*
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    pub(super) fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize]
    }

    /// Values at which a model could go wrong, more often than others.
    pub(super) fn value(&mut self) -> u64 {
        match self.below(6) {
            0 => self.below(4),
            1 => u64::MAX - self.below(3),
            2 => 1 << self.below(64),
            3 => self.below(70),
            4 => i64::from(self.next() as i32 >> self.below(32)) as u64,
            _ => self.next(),
        }
    }
}

/// Where the memory is, and how much.
pub(super) const DATA: u32 = 0x1000;
pub(super) const DATA_SIZE: u32 = 64;

/// How to get at the value of a word, and how to make a word of a value.
pub(super) trait Reading<W> {
    fn value(&self, word: W) -> u64;
    fn word(&mut self, width: u32, value: u64) -> W;
}

/// Words with a value.
pub(super) struct Concrete;

impl Reading<Bits> for Concrete {
    fn value(&self, word: Bits) -> u64 {
        word.unsigned()
    }

    fn word(&mut self, width: u32, value: u64) -> Bits {
        Bits::new(width, value)
    }
}

/// Terms; a word made is a variable, or a constant where there are to be none.
pub(super) struct Symbolic {
    assignment: Assignment,
    only_constants: bool,
}

impl Symbolic {
    pub(super) fn new(only_constants: bool) -> Self {
        Symbolic {
            assignment: Assignment::default(),
            only_constants,
        }
    }
}

impl Reading<Term> for Symbolic {
    fn value(&self, word: Term) -> u64 {
        self.assignment.value(word).unsigned()
    }

    fn word(&mut self, width: u32, value: u64) -> Term {
        let bits = Bits::new(width, value);
        if self.only_constants {
            return Term::from(bits);
        }
        let term = Term::variable(width, "x");
        self.assignment.variables.insert(term, bits.unsigned());
        term
    }
}

/// What surrounds a processor of either kind.
pub(super) struct Place<W, R> {
    pub(super) reading: R,
    pub(super) order: ByteOrder,
    /// The memory, a word of eight bits for each byte.
    pub(super) bytes: Vec<W>,
    /// Code of MIPS, from address zero up.
    pub(super) code: Vec<W>,
    /// The immediate of the instruction of BPF: of 32 bits.
    pub(super) immediate: Option<W>,
    /// The access that may find no memory, and where to go on then.
    pub(super) fault: Option<(u64, u64)>,
    /// How much unknown there was: each has another value, the same in either reading.
    unknown: u64,
}

impl<W: Word, R: Reading<W>> Place<W, R> {
    pub(super) fn new(mut reading: R, order: ByteOrder, random: &mut Random) -> Self {
        let mut byte = |_| reading.word(8, random.next() >> 40);
        let bytes = (0..DATA_SIZE).map(&mut byte).collect();
        Place {
            reading,
            order,
            bytes,
            code: Vec::new(),
            immediate: None,
            fault: None,
            unknown: 0,
        }
    }

    fn range(&self, address: W, size: u32) -> Result<std::ops::Range<usize>, Fault> {
        let address = self.reading.value(address);
        let start = address.wrapping_sub(DATA.into());
        if address % u64::from(size) != 0 || start >= DATA_SIZE.into() {
            return Err(Fault {
                address: u32::try_from(address).ok(),
                size,
            });
        }
        Ok(start as usize..(start + u64::from(size)) as usize)
    }

    /// What is in memory.
    pub(super) fn memory(&self) -> Vec<u64> {
        self.bytes.iter().map(|&b| self.reading.value(b)).collect()
    }
}

impl<W: Word, R: Reading<W>> World<W> for Place<W, R> {
    fn load(&mut self, address: W, bytes: u32) -> Result<W, Fault> {
        let range = self.range(address, bytes)?;
        let value = W::from_bytes(&self.bytes[range]);
        Ok(match self.order {
            ByteOrder::Little => value,
            ByteOrder::Big => value.swap_bytes(),
        })
    }

    fn store(&mut self, address: W, value: W) -> Result<(), Fault> {
        let range = self.range(address, value.width() / 8)?;
        let value = match self.order {
            ByteOrder::Little => value,
            ByteOrder::Big => value.swap_bytes(),
        };
        self.bytes[range].copy_from_slice(&value.bytes());
        Ok(())
    }

    fn is_absent(&mut self, address: W, bytes: u32, _: Purpose) -> bool {
        self.range(address, bytes).is_err()
    }

    fn decide(&mut self, condition: W) -> bool {
        self.reading.value(condition) != 0
    }

    fn unknown(&mut self, width: u32) -> W {
        self.unknown += 1;
        let value = self.unknown.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.reading.word(width, value)
    }
}

impl<W: Word, R: Reading<W>> Platform<W> for Place<W, R> {
    fn fetch(&mut self, address: u64) -> Option<W> {
        let is_word = address % 4 == 0;
        let index = usize::try_from(address / 4).ok()?;
        self.code.get(index).copied().filter(|_| is_word)
    }

    fn resume(&self, at: u64) -> Option<u64> {
        let (place, resume) = self.fault?;
        (place == at).then_some(resume)
    }

    fn expects(&mut self, condition: W) -> bool {
        self.reading.value(condition) != 0
    }
}

impl<W: Word, R: Reading<W>> Kernel<W> for Place<W, R> {
    type Program = u64;

    fn call(&mut self, offset: i32, arguments: [Option<W>; 5]) -> Option<W> {
        let [first, second, ..] = arguments;
        (offset > 0).then_some(first? + second?)
    }

    fn program(&mut self, _: W, index: W) -> Content<u64> {
        match self.reading.value(index) {
            index if index % 2 == 0 => Content::Program(index),
            index if index % 3 == 0 => Content::Empty,
            _ => Content::Outside,
        }
    }

    fn stretches(&self) -> Vec<Stretch> {
        let stretch = |first, last, goes_on| Stretch {
            first,
            last,
            goes_on,
        };
        vec![
            stretch(1 << 62, 0xcfff_ffff_ffff_fffe, false),
            stretch(!0 << 31, u64::MAX, true),
        ]
    }

    fn immediate(&self, insn: &Fields) -> W {
        match self.immediate {
            Some(immediate) => immediate.sign_extend(64),
            None => W::new(64, insn.immediate64()),
        }
    }
}
