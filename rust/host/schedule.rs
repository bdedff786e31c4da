// SPDX-License-Identifier: GPL-2.0

//! Is an image with filled delay slots, and without superfluous copies, the same as one without the first and with the
//! second?
//!
//! The two are read side by side. A word that only the plain image has at a place must be in the next empty
//! slot of the other, and may be there: nothing is jumped to between the two places, and the word has no
//! register, memory or HI and LO in common with what it passes, so that one of them would be another in
//! another order. What is jumped to is found in the words of the plain image and in the program; what was
//! marked when the slots were filled is not asked. Where some jump may be far in one image and near in the
//! other, since that is shorter, they are not compared.
//!
//! Or the word is the one behind the slot, of a conditional branch: then it is executed where that goes as well.
//! It must do nothing but to write registers that are temporaries, or hold words that are not demanded
//! there.
//!
//! Or it is a copy, and the other image has a word further on that computes from the original: `schedule/copies.rs`.
//! From there on, that is what words are compared with and pass.

mod copies;

use std::collections::BTreeSet;

use super::mips::{print, Word};
use super::Image;
use crate::jit::abi::n64;
use crate::jit::abi::o32::RegisterMap;
use crate::jit::analysis::{Demand, Fact, Facts};
use crate::jit::bpf::{self, decode, Dialect, Insn, Raw};
use crate::jit::error::Result as CoreResult;
use crate::jit::layout::Program;
use crate::jit::mips::table::{Effects, Field, Op};
use crate::jit::mips::{Reg, RegMask, Width};

/// As many words of a block at most become another block's, before that fills a slot in front.
const AHEAD: usize = 2;

/// Words of an image of which all parts are in reach of each other.
const NEAR: usize = 1 << 15;

/// What a program demands of registers, as it is compiled.
pub(crate) fn demands<'a>(
    program: &Program<'_>,
    width: Width,
    memory: &'a mut [Fact],
) -> CoreResult<Facts<'a>> {
    let (dialect, insns) = (program.dialect, program.insns);
    let rules = program.rules(width);
    Ok(Facts::gather(dialect, insns, &rules, memory)?.1)
}

/// Finds the first difference that is more than a moved word.
///
/// # Errors
///
/// One line that says what moved wrongly.
pub(crate) fn judge(
    plain: &Image,
    filled: &Image,
    program: &[Raw],
    dialect: Dialect,
    demand: &dyn Fn(u32) -> Option<Demand>,
) -> Result<(), String> {
    if plain.words.len() >= NEAR {
        return Ok(());
    }
    let reading = Reading {
        plain,
        filled: &filled.words,
        entered: entered(plain, program, dialect)?,
        dialect,
        demand,
        words: plain.words.clone(),
        held: Vec::new(),
    };
    reading.judge()
}

/// Two images, as far as they have been read.
struct Reading<'a> {
    plain: &'a Image,
    filled: &'a [u32],
    entered: BTreeSet<usize>,
    dialect: Dialect,
    demand: &'a dyn Fn(u32) -> Option<Demand>,
    /// Those of the plain image, as they are without the copies that have been left out so far.
    words: Vec<u32>,
    /// Which of them the other image has not had yet.
    held: Vec<usize>,
}

impl Reading<'_> {
    fn judge(mut self) -> Result<(), String> {
        let (mut at, mut to) = (0, 0);
        while let Some(&bits) = self.words.get(at) {
            let there = self.filled.get(to).copied();
            let filler = self.filled.get(to + 1).copied();
            let is_same = there.is_some_and(|there| is_same(bits, there));
            let has_empty_slot = transfers(bits) && self.words.get(at + 1) == Some(&0);
            match filler.filter(|&filler| filler != 0) {
                Some(filler) if is_same && has_empty_slot => {
                    at = self.judge_filler(at, to, filler)?;
                    to += 2;
                }
                _ if is_same => (at, to) = (at + 1, to + 1),
                _ => {
                    match self.leave_out(at, there.unwrap_or(bits))? {
                        true => to += 1,
                        false => self.held.push(at),
                    }
                    at += 1;
                }
            }
        }
        match (self.held.first(), self.filled.len() == to) {
            (None, true) => Ok(()),
            (Some(lost), _) => Err(format!("word {lost} is lost")),
            (None, false) => Err(format!("there is more from word {to}")),
        }
    }

    /// What fills the slot of the branch at `at`, `to` in the other image. Says what comes next.
    fn judge_filler(&mut self, at: usize, to: usize, filler: u32) -> Result<usize, String> {
        if let Some(index) = self.find_held(filler)? {
            let from = self.held.remove(index);
            judge_move(&self.words[from..=at])
                .map_err(|why| format!("{} must not move to word {to}: {why}", print(filler, 0)))?;
            return match self.entered.range(from + 1..=at + 1).next() {
                Some(label) => Err(format!("word {to}: moved across word {label}, a target")),
                None => Ok(at + 2),
            };
        }
        // What was before it may be in a slot further on, or left out.
        let next = at + 2;
        for from in next..next + AHEAD {
            let is_there = self.words.get(from) == Some(&filler)
                || from < self.words.len() && self.leave_out(from, filler)?;
            if is_there && self.entered.range(next..=from).next().is_none() {
                judge_speculation(
                    (self.plain, &self.words),
                    at,
                    filler,
                    self.dialect,
                    self.demand,
                )?;
                return Ok(from + 1);
            }
            self.held.push(from);
        }
        Err(format!("word {to}: its slot has what was not near"))
    }

    /// Which of the held words is this one, or is so but for a held copy.
    fn find_held(&mut self, filler: u32) -> Result<Option<usize>, String> {
        let found = self
            .held
            .iter()
            .rposition(|&from| self.words[from] == filler);
        if found.is_some() {
            return Ok(found);
        }
        for index in (0..self.held.len()).rev() {
            let from = self.held[index];
            if self.leave_out(from, filler)? {
                return Ok(self.held.iter().position(|&held| held == from));
            }
        }
        Ok(None)
    }

    /// If the word at a place is this one but for a held copy, makes it so, and says so.
    fn leave_out(&mut self, at: usize, shorter: u32) -> Result<bool, String> {
        let (entered, width) = (&self.entered, self.dialect.width);
        let copy = copies::left_out(&self.words, &self.held, (at, shorter), entered, width)?;
        if let Some(copy) = copy {
            self.words[self.held.remove(copy)] = 0;
            self.words[at] = shorter;
        }
        Ok(copy.is_some())
    }
}

/// A word in the slot of the branch at `at` that was behind it.
fn judge_speculation(
    (plain, words): (&Image, &[u32]),
    at: usize,
    filler: u32,
    dialect: Dialect,
    demand: &dyn Fn(u32) -> Option<Demand>,
) -> Result<(), String> {
    let told = |why: &str| Err(format!("{} before word {at}: {why}", print(filler, 0)));
    let [Some(branch), Some(word)] = [words[at], filler].map(Word::decode) else {
        return told("no instruction");
    };
    let is_jump = branch.op == Op::Beq && branch.reads() == RegMask::of(Reg::ZERO);
    let (Some(distance), false) = (branch.distance(), is_jump) else {
        return told("nothing decides whether it is executed");
    };
    let more = [
        Effects::LOADS,
        Effects::STORES,
        Effects::READS_HILO,
        Effects::WRITES_HILO,
    ];
    let more = more
        .into_iter()
        .chain([Effects::BRANCHES, Effects::COMPACT]);
    let mut more = more.chain([Effects::ORDERS, Effects::TRAPS, Effects::LINKS]);
    if more.any(|effect| word.has(effect)) {
        return told("it does more than to write registers");
    }
    let target = at.wrapping_add_signed(distance as isize) * 4;
    // Several begin there, if all but the last of them need no code: none of that reads anything, then.
    let is_there = |&(_, &begin): &(usize, &u32)| begin as usize == target;
    let slots = plain.offsets.iter().enumerate().filter(is_there);
    let demanded: Vec<Demand> = slots.filter_map(|(slot, _)| demand(slot as u32)).collect();
    let may_write = |native: Reg| {
        let is_temporary = matches!(native, Reg::T6 | Reg::T7 | Reg::T8 | Reg::T9);
        is_temporary
            || demanded
                .iter()
                .any(|&demanded| is_free(native, demanded, dialect))
    };
    match word.writes().iter().find(|&native| !may_write(native)) {
        Some(native) => told(&format!("${} is read where it goes", native.name())),
        None => Ok(()),
    }
}

/// Whether a register holds a word of a BPF register, R0 to R9, that is not demanded.
fn is_free(native: Reg, demand: Demand, dialect: Dialect) -> bool {
    let registers = bpf::Reg::ALL.into_iter();
    registers
        .filter(|reg| !matches!(reg, bpf::Reg::R10 | bpf::Reg::Ax))
        .any(|reg| {
            let words = demand.of(reg);
            match dialect.width {
                Width::W64 => n64::register(reg) == native && words.are_none(),
                Width::W32 => {
                    let pair = RegisterMap::new(dialect.endian).pair(reg);
                    pair.lo == native && !words.low || pair.hi == native && !words.high
                }
            }
        })
}

fn transfers(bits: u32) -> bool {
    Word::decode(bits).is_some_and(Word::transfers)
}

/// The words that are not only entered from above.
fn entered(image: &Image, program: &[Raw], dialect: Dialect) -> Result<BTreeSet<usize>, String> {
    let begins = |slot: usize| image.offsets.get(slot).map(|&bytes| bytes as usize / 4);
    let mut entered = BTreeSet::new();
    for (at, &bits) in image.words.iter().enumerate() {
        if let Some(distance) = Word::decode(bits).and_then(Word::distance) {
            entered.extend(at.checked_add_signed(distance as isize));
        }
    }
    entered.extend(image.faults.iter().map(|fault| fault.resume as usize));
    // Behind the prologue, of which each instruction may be an entry.
    entered.extend(0..=begins(0).unwrap_or(0));
    let mut slot = 0;
    while slot < program.len() {
        let insn = decode(&dialect, program, slot as u32).map_err(|error| format!("{error:?}"))?;
        match insn {
            Insn::JumpIndirect { .. } => entered.extend((0..=program.len()).filter_map(begins)),
            Insn::Exit if slot + 1 < program.len() => entered.extend(begins(program.len())),
            insn => entered.extend(insn.target().and_then(|target| begins(target as usize))),
        }
        slot += insn.slots() as usize;
    }
    Ok(entered)
}

/// Whether two words do the same at different places.
fn is_same(a: u32, b: u32) -> bool {
    let (Some(x), Some(y)) = (Word::decode(a), Word::decode(b)) else {
        return a == b;
    };
    let differing = match x.op {
        // Half of an address in the image.
        Op::Lui | Op::Ori if x.field(Field::Rt) == Reg::T9.number() => Field::Uimm.mask(),
        Op::Bc => Field::Disp26.mask(),
        _ if x.distance().is_some() => Field::Disp.mask(),
        _ => 0,
    };
    x.op == y.op && a & !differing == b & !differing
}

/// Whether the first of these words may be executed behind the last, a branch.
fn judge_move(words: &[u32]) -> Result<(), String> {
    let decode = |&bits: &u32| Word::decode(bits).ok_or("no instruction".to_string());
    let words: Vec<Word> = words.iter().map(decode).collect::<Result<_, _>>()?;
    let Some(([moved, passed @ ..], branch)) = words.split_last().map(|(b, rest)| (rest, b)) else {
        return Err("there is nothing to move".to_string());
    };
    for word in [moved].into_iter().chain(passed) {
        let fixed = [
            Effects::BRANCHES,
            Effects::COMPACT,
            Effects::ORDERS,
            Effects::TRAPS,
        ];
        if fixed.iter().any(|&effect| word.has(effect)) {
            return Err(format!("{} stays", word.row().name));
        }
    }
    if branch.op == Op::JalrHb {
        return Err("a barrier's slot stays empty".to_string());
    }
    for other in passed.iter().chain([branch]) {
        if conflict(*moved, *other) || conflict(*other, *moved) {
            return Err(format!("{} comes first", other.row().name));
        }
    }
    Ok(())
}

/// Whether what one writes, the other reads or writes.
fn conflict(a: Word, b: Word) -> bool {
    let registers = a.writes().intersection(b.reads().union(b.writes()));
    let memory = a.has(Effects::STORES) && (b.has(Effects::LOADS) || b.has(Effects::STORES));
    let hilo =
        a.has(Effects::WRITES_HILO) && (b.has(Effects::READS_HILO) || b.has(Effects::WRITES_HILO));
    let is_register = !registers.is_empty() && registers != RegMask::of(Reg::ZERO);
    is_register || memory || hilo
}
