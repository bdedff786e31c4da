// SPDX-License-Identifier: GPL-2.0

//! What holds of every image, whatever the program: checked of every image that any test compiles.
//!
//! - Every word is an instruction of the machine's release.
//! - No word writes `$gp`, `$k0` or `$k1`.
//! - Every branch stays inside the image and inside its BPF instruction, or goes to where a BPF
//!   instruction or the epilogue begins.
//! - Every control transfer that has a delay slot has it in the same BPF instruction, and none is in
//!   one. No image has branches with a forbidden slot.
//! - Far jumps go where branches may; behind the epilogue, into the prologue, too.
//! - What the caller relies on is saved in the prologue, if an instruction writes it.
//! - Bit-fields lie inside their word.
//! - No word copies a register of 64 bits by `addu`, which is for words. An emulator may copy all of it.
//! - The exception table is sorted. What may fault is a load or a store and in no delay slot, and
//!   goes on behind itself in its BPF instruction, or at that one's end.

use super::mips::{print, Word};
use super::Image;
use crate::jit::mips::table::{Effects, Field, Op};
use crate::jit::mips::{Cpu, Reg, RegMask, Width};

/// Finds the first thing that is wrong with an image.
///
/// # Errors
///
/// One line that names the word and what is wrong with it.
pub(crate) fn judge(image: &Image, cpu: &Cpu) -> Result<(), String> {
    let starts = starts(image)?;
    let mut block = 0..0;
    for (at, &bits) in image.words.iter().enumerate() {
        if starts[at] {
            let end = (at + 1..image.words.len()).find(|&next| starts[next]);
            block = at..end.unwrap_or(image.words.len());
        }
        let spot = Spot {
            image,
            starts: &starts,
            block: &block,
            at,
        };
        spot.judge(bits, cpu).map_err(|fault| {
            let address = image.address.wrapping_add(at as u32 * 4);
            format!("word {at}, {bits:08x} {}: {fault}", print(bits, address))
        })?;
    }
    judge_saved(image)?;
    judge_faults(image, &starts)
}

/// Whatever C code relies on and an instruction writes, the prologue has saved.
fn judge_saved(image: &Image) -> Result<(), String> {
    let Some(begin) = image.offsets.first().map(|&bytes| bytes as usize / 4) else {
        return Ok(());
    };
    let (prologue, rest) = image.words.split_at(begin);
    let mut saved = RegMask::EMPTY;
    for word in prologue.iter().copied().filter_map(Word::decode) {
        if word.has(Effects::STORES) && word.field(Field::Rs) == Reg::SP.number() {
            saved = saved.with(Reg::from_number(word.field(Field::Rt)));
        }
    }
    let preserved = Reg::S0.number()..=Reg::S7.number();
    for (at, word) in rest.iter().copied().map(Word::decode).enumerate() {
        let written = word.map_or(RegMask::EMPTY, Word::writes);
        let lost = preserved
            .clone()
            .map(Reg::from_number)
            .find(|&reg| written.contains(reg) && !saved.contains(reg));
        if let Some(reg) = lost {
            let at = begin + at;
            return Err(format!(
                "word {at} writes ${}, which is not saved",
                reg.name()
            ));
        }
    }
    Ok(())
}

/// Judges the exception table.
fn judge_faults(image: &Image, starts: &[bool]) -> Result<(), String> {
    let mut before = None;
    for fault in &image.faults {
        let (at, resume) = (fault.at as usize, fault.resume as usize);
        let told = |what: &str| Err(format!("the fault at word {at} {what}"));
        let decoded = |at: usize| image.words.get(at).and_then(|&bits| Word::decode(bits));
        if before.is_some_and(|before| before >= fault.at) {
            return told("is out of order");
        }
        before = Some(fault.at);
        match decoded(at) {
            Some(word) if word.has(Effects::LOADS) || word.has(Effects::STORES) => {}
            _ => return told("is at no load or store"),
        }
        let branch = at.checked_sub(1).and_then(decoded);
        if branch.is_some_and(|word| word.has(Effects::BRANCHES)) {
            return told("is in a delay slot");
        }
        let end = (at + 1..image.words.len()).find(|&next| starts[next]);
        if !(at + 1..=end.unwrap_or(image.words.len())).contains(&resume) {
            return told(&format!("goes on at word {resume}"));
        }
    }
    Ok(())
}

/// For every word, whether it begins a BPF instruction, the prologue or the epilogue.
fn starts(image: &Image) -> Result<Vec<bool>, String> {
    let mut starts = vec![false; image.words.len()];
    let mut before = 0;
    for &offset in &image.offsets {
        if offset % 4 != 0 || offset < before {
            return Err(format!("offset {offset} follows {before}"));
        }
        before = offset;
        match starts.get_mut(offset as usize / 4) {
            Some(start) => *start = true,
            None => return Err(format!("offset {offset} is beyond the image")),
        }
    }
    starts[0] = true;
    Ok(starts)
}

/// Whether an instruction adds zero to a register as a word.
fn is_copy_of_word(word: &Word) -> bool {
    let is_zero = |field| word.field(field) == Reg::ZERO.number();
    word.op == Op::Addu && is_zero(Field::Rt) != is_zero(Field::Rs)
}

/// A word in its image.
struct Spot<'a> {
    image: &'a Image,
    starts: &'a [bool],
    /// The words of the same BPF instruction.
    block: &'a std::ops::Range<usize>,
    at: usize,
}

impl Spot<'_> {
    fn judge(&self, bits: u32, cpu: &Cpu) -> Result<(), String> {
        let word = Word::decode(bits).ok_or("no instruction of the table")?;
        if !cpu.has(word.op.traits()) {
            return Err(format!("not in {:?} {:?}", cpu.width, cpu.release));
        }
        let forbidden = word.writes().intersection(RegMask::FORBIDDEN);
        if !forbidden.is_empty() {
            return Err(format!("writes {forbidden:?}"));
        }
        if word.op == Op::Ext && word.field(Field::Pos) + word.field(Field::Size) >= 32 {
            return Err("the bit-field is not inside the word".to_string());
        }
        if word.op == Op::Dext && word.field(Field::Pos) + word.field(Field::Size) >= 64 {
            return Err("the bit-field is not inside the doubleword".to_string());
        }
        if cpu.width == Width::W64 && is_copy_of_word(&word) {
            return Err("copies a word only".to_string());
        }
        if word.has(Effects::BRANCHES) {
            self.judge_slot()?;
        }
        if let Some(distance) = word.distance() {
            let target = i64::try_from(self.at).map_err(|e| e.to_string())? + i64::from(distance);
            self.judge_target(target)?;
        }
        if word.op == Op::Jr {
            self.judge_far_jump()?;
        }
        Ok(())
    }

    fn judge_slot(&self) -> Result<(), String> {
        let slot = self.at + 1;
        if !self.block.contains(&slot) {
            return Err("no delay slot".to_string());
        }
        match Word::decode(self.image.words[slot]) {
            Some(word) if !word.transfers() => Ok(()),
            _ => Err("a control transfer in the delay slot".to_string()),
        }
    }

    fn judge_target(&self, target: i64) -> Result<(), String> {
        let is_ours = usize::try_from(target).is_ok_and(|to| {
            // The end of the block is the start of the next.
            self.block.contains(&to) || self.starts.get(to) == Some(&true)
        });
        if is_ours {
            Ok(())
        } else {
            Err(format!("goes to word {target}, where nothing begins"))
        }
    }

    /// `lui; ori; jr` of the same register is a far jump; `jr` alone leaves the image.
    fn judge_far_jump(&self) -> Result<(), String> {
        let Some(load) = self.at.checked_sub(2).filter(|at| *at >= self.block.start) else {
            return Ok(());
        };
        let [high, low] = [self.image.words[load], self.image.words[load + 1]].map(Word::decode);
        let through = Word::decode(self.image.words[self.at]).map(|word| word.field(Field::Rs));
        let (Some(high), Some(low)) = (high, low) else {
            return Ok(());
        };
        if (high.op, low.op) != (Op::Lui, Op::Ori) || through != Some(Reg::T9.number()) {
            return Ok(());
        }
        let address = high.field(Field::Uimm) << 16 | low.field(Field::Uimm);
        let distance = address.wrapping_sub(self.image.address);
        if distance % 4 != 0 {
            return Err(format!("goes to {address:#x}, which is no word's"));
        }
        self.judge_target(i64::from(distance / 4))
    }
}
