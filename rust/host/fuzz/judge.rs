// SPDX-License-Identifier: GPL-2.0

//! What must hold of every call of the core.
//!
//! - It returns: no panic, no overflow, no end of patience (libFuzzer's clock).
//! - It does no more work than is linear in the program's length.
//! - It writes an image into memory of just the measured size, every word of it, and nothing outside
//!   of the memory it was lent; memory of any other size is an error, and harms nothing.
//! - The image is as [`check`] asks. Measured again, or made again, it is the same.
//! - Analyses make an image shorter or leave it as it is; the program compiles without them, too, or
//!   fails for the same reason.
//! - What it says of a program that it does not take is true; it never says `Internal`, and
//!   `NoMemory` only of memory that does not fit.

use super::Input;
use crate::host::{check, facts, runtime, schedule, work, Image, ARENA, FUNCTIONS};
use crate::jit::abi::{Abi, Linkage, N64, O32};
use crate::jit::analysis::{Analyses, Fact};
use crate::jit::asm::{Block, Fault};
use crate::jit::bpf::{decode, Raw};
use crate::jit::error::Error;
use crate::jit::layout::{draft_len, Compiler, Program, Workspace};
use crate::jit::mips::Width;

/// A stack that is as deep as this may be too deep for a frame, with what else a frame holds.
const DEEP: u32 = 0x7fff - 512;

/// Indices at which decoding is tried that no pass asks for.
const ODD_INDICES: [u32; 4] = [0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX];

/// Finds the first promise that the core breaks. A panic is the core's.
///
/// # Errors
///
/// One line that says what is wrong.
pub(crate) fn judge(input: &Input) -> Result<(), String> {
    let program = input.program();
    let subject = Subject {
        input,
        program: &program,
    };
    // Decoding is total: in any slot, also the second of two, and behind the last.
    for at in (0..=program.len() as u32).chain(ODD_INDICES) {
        let _ = decode(&input.dialect(), &program, at);
    }
    facts::judge(
        input.dialect(),
        &program,
        &subject.program(Manner::ALL).rules(input.cpu.width),
    )?;
    let with = subject.compile(Manner::ALL, Care::Great)?;
    let without = subject.compile(Manner::NONE, Care::Little)?;
    match (&with, &without) {
        (Ok(with), Ok(without)) => {
            subject.judge_schedule(with)?;
            let (long, short) = (with.words.len(), without.words.len());
            if long > short {
                return Err(format!("{long} words with analyses, {short} without"));
            }
            for image in [with, without] {
                check::judge(image, &input.cpu)
                    .map_err(|fault| format!("the image is wrong: {fault}"))?;
            }
        }
        (Err(with), Err(without)) if with == without => subject.judge_error(*with)?,
        (with, without) => {
            let [with, without] = [with, without].map(|r| r.as_ref().map(|_| "an image"));
            return Err(format!("{with:?} with analyses, {without:?} without"));
        }
    }
    if subject.compile(Manner::ALL, Care::Little)? != with {
        return Err("compiled again, it is something else".to_string());
    }
    subject.judge_misfits(with.err())
}

/// What a compilation may leave out.
#[derive(Clone, Copy)]
struct Manner {
    facts: bool,
    slots: bool,
}

impl Manner {
    const ALL: Self = Self::of(true, true);
    const NONE: Self = Self::of(false, false);
    /// But for the slots.
    const WORDS: Self = Self::of(true, false);

    const fn of(facts: bool, slots: bool) -> Self {
        Manner { facts, slots }
    }
}

/// How closely to look at a compilation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Care {
    Little,
    /// Measures and writes more than once.
    Great,
}

impl Care {
    /// For a draft of so many slots, or none: that must give the same image.
    fn drafted(self, slots: usize) -> usize {
        match self {
            Care::Great => draft_len(slots),
            Care::Little => 0,
        }
    }
}

/// An address for all processors, of which each has a stack of its own.
const PRIVATE_STACK: u64 = 0x9800_0000_8123_4568;

/// A program and what it is compiled for.
struct Subject<'a> {
    input: &'a Input,
    program: &'a [Raw],
}

impl Subject<'_> {
    fn program(&self, manner: Manner) -> Program<'_> {
        Program {
            insns: self.program,
            dialect: self.input.dialect(),
            role: self.input.role,
            is_boundary: self.input.is_boundary,
            private_stack: self.input.has_private_stack.then_some(PRIVATE_STACK),
            linkage: Linkage::default(),
            stack_depth: self.input.stack_depth,
            reaches_tail_calls: self.input.reaches_tail_calls,
            verifier_zext: self.input.verifier_zext,
            arena: self.input.has_arena.then_some(ARENA),
            functions: &FUNCTIONS,
            analyses: Analyses::ALL,
            fills_slots: manner.slots,
            forwards_copies: manner.slots,
        }
    }

    /// Compiles as the kernel does, with memory that fits.
    fn compile(&self, manner: Manner, care: Care) -> Result<Result<Image, Error>, String> {
        match self.input.cpu.width {
            Width::W32 => self.compile_for::<O32>(manner, care),
            Width::W64 => self.compile_for::<N64>(manner, care),
        }
    }

    fn compile_for<A: Abi>(
        &self,
        manner: Manner,
        care: Care,
    ) -> Result<Result<Image, Error>, String> {
        let len = self.program.len();
        let mut offsets = Lent::new(len + 1, 0u32);
        let mut facts = Lent::new(if manner.facts { len } else { 0 }, Fact::default());
        let mut draft = Lent::new(care.drafted(len), 0u32);
        let mut block = Block::new();
        let workspace = Workspace {
            offsets: offsets.memory(),
            facts: facts.memory(),
            draft: draft.memory(),
            block: &mut block,
        };
        work::take();
        let runtime = runtime(A::WIDTH, self.input.counted);
        let program = self.program(manner);
        let compiler = Compiler::<A>::new(&program, &self.input.cpu, &runtime, workspace);
        let measured = compiler.and_then(|mut compiler| Ok((compiler.measure()?, compiler)));
        let (measured, mut compiler) = match measured {
            Ok((measured, compiler)) => (measured as usize, compiler),
            Err(error) => {
                work::take().judge(len)?;
                return Ok(Err(error));
            }
        };
        let mut words = Lent::new(measured, 0);
        let mut faults = Lent::new(compiler.fault_count() as usize, Fault::default());
        let written = compiler.write(words.memory(), faults.memory(), self.input.address);
        work::take().judge(len)?;
        words.judge("the image")?;
        faults.judge("the faults")?;
        if let Err(error) = written {
            return Err(format!("{error:?} with memory for {measured} words"));
        }
        if care == Care::Great {
            self.judge_misfitting_image(&mut compiler, measured)?;
            self.judge_repetition(&mut compiler, words.memory())?;
        }
        let entry = compiler.entry();
        for offset in compiler.into_byte_offsets() {
            *offset = offset.wrapping_add(4 * entry);
        }
        offsets.judge("the offsets")?;
        facts.judge("the facts")?;
        draft.judge("the draft")?;
        Ok(Ok(Image {
            words: words.memory().to_vec(),
            offsets: offsets.memory().to_vec(),
            faults: faults.memory().to_vec(),
            address: self.input.address,
            entry,
        }))
    }

    fn judge_words(&self, plain: &Image, filled: &Image) -> Result<(), String> {
        let mut memory = vec![Fact::default(); self.program.len()];
        let program = self.program(Manner::ALL);
        let facts = schedule::demands(&program, self.input.cpu.width, &mut memory);
        let facts = facts.map_err(|error| format!("{error:?}"))?;
        let demand = |at| facts.demand(at);
        schedule::judge(plain, filled, self.program, self.input.dialect(), &demand)
    }

    /// Slots are filled with what was above, or is next.
    fn judge_schedule(&self, filled: &Image) -> Result<(), String> {
        match self.compile(Manner::WORDS, Care::Little)? {
            Ok(plain) => self
                .judge_words(&plain, filled)
                .map_err(|fault| format!("words have moved or are left out wrongly: {fault}")),
            Err(error) => Err(format!("{error:?} without filled slots")),
        }
    }

    /// Writing and measuring again, in spite of what went wrong in between, gives the same.
    fn judge_repetition<A: Abi>(
        &self,
        compiler: &mut Compiler<'_, A>,
        words: &[u32],
    ) -> Result<(), String> {
        let mut again = Lent::new(words.len(), UNTOUCHED);
        let mut faults = vec![Fault::default(); compiler.fault_count() as usize];
        let written = compiler.write(again.memory(), &mut faults, self.input.address);
        if written != Ok(()) || again.memory() != words {
            return Err(format!("{written:?}: written again, it is something else"));
        }
        let measured = compiler.measure();
        if measured.map(|measured| measured as usize) != Ok(words.len()) {
            return Err(format!(
                "{measured:?} words, measured again, not {}",
                words.len()
            ));
        }
        Ok(())
    }

    /// An image longer or shorter than measured is an error, and not a word more is written.
    fn judge_misfitting_image<A: Abi>(
        &self,
        compiler: &mut Compiler<'_, A>,
        measured: usize,
    ) -> Result<(), String> {
        // As much too long as the longest image is, at most.
        let excess = self.input.misfit.words.min(1 << 16);
        let size = stretch(measured, excess);
        if size == measured {
            return Ok(());
        }
        let mut words = Lent::new(size, UNTOUCHED);
        let mut faults = vec![Fault::default(); compiler.fault_count() as usize];
        let written = compiler.write(words.memory(), &mut faults, self.input.address);
        if !matches!(written, Err(Error::Internal { .. })) {
            return Err(format!("{written:?}: {size} words instead of {measured}"));
        }
        words.judge("an image that does not fit")?;
        let behind = words.memory().get(measured..).unwrap_or(&[]);
        if behind.iter().any(|word| *word != UNTOUCHED) {
            return Err(format!("words were written behind {measured}"));
        }
        Ok(())
    }

    /// Offsets and facts that do not fit are an error.
    fn judge_misfits(&self, expected: Option<Error>) -> Result<(), String> {
        let len = self.program.len();
        let misfit = self.input.misfit;
        let offsets_len = stretch(len + 1, misfit.offsets.into());
        let facts_len = stretch(len, misfit.facts.into());
        let fits = offsets_len == len + 1 && (facts_len == len || facts_len == 0);
        let mut offsets = Lent::new(offsets_len, 0u32);
        let mut facts = Lent::new(facts_len, Fact::default());
        let mut block = Block::new();
        let workspace = Workspace {
            offsets: offsets.memory(),
            facts: facts.memory(),
            draft: &mut [],
            block: &mut block,
        };
        let (program, cpu) = (self.program(Manner::ALL), &self.input.cpu);
        let runtime = runtime(cpu.width, self.input.counted);
        let error = match cpu.width {
            Width::W32 => Compiler::<O32>::new(&program, cpu, &runtime, workspace).err(),
            Width::W64 => Compiler::<N64>::new(&program, cpu, &runtime, workspace).err(),
        };
        offsets.judge("offsets that do not fit")?;
        facts.judge("facts that do not fit")?;
        let is_right = match error {
            // A function that is not in the list is missed when its call is lowered.
            None => fits,
            Some(Error::NoMemory) => !fits,
            Some(_) => error == expected,
        };
        if is_right {
            Ok(())
        } else {
            Err(format!(
                "{error:?} for {offsets_len} offsets and {facts_len} facts of {len} slots"
            ))
        }
    }

    /// Whether an error, of memory that fits, can be true.
    fn judge_error(&self, error: Error) -> Result<(), String> {
        let raw = |at: u32| self.program.get(at as usize);
        let is_true = match error {
            Error::Unsupported { at, opcode } => raw(at).is_some_and(|raw| raw.code == opcode),
            Error::OutOfReach { at } => raw(at).is_some(),
            Error::TooLong => self.input.stack_depth > DEEP,
            Error::NoMemory | Error::LongResult | Error::Internal { .. } => false,
        };
        if is_true {
            Ok(())
        } else {
            Err(format!("{error:?}, which is not so"))
        }
    }
}

/// A length that is off by some; not below nothing.
fn stretch(len: usize, by: i32) -> usize {
    len.saturating_add_signed(by as isize)
}

/// What unwritten words hold: no instruction of the table.
const UNTOUCHED: u32 = 0xffff_ffff;

/// Elements on either side of lent memory.
const MARGIN: usize = 16;

/// Memory lent to the core, with a margin on either side that is not.
struct Lent<T> {
    all: Vec<T>,
    initial: T,
}

impl<T: Copy + PartialEq> Lent<T> {
    fn new(len: usize, initial: T) -> Self {
        Lent {
            all: vec![initial; len + 2 * MARGIN],
            initial,
        }
    }

    fn memory(&mut self) -> &mut [T] {
        let end = self.all.len() - MARGIN;
        &mut self.all[MARGIN..end]
    }

    /// Whether the margins are as they were.
    fn judge(&self, what: &str) -> Result<(), String> {
        let (head, tail) = (&self.all[..MARGIN], &self.all[self.all.len() - MARGIN..]);
        if head.iter().chain(tail).all(|e| *e == self.initial) {
            Ok(())
        } else {
            Err(format!("something was written outside of {what}"))
        }
    }
}
