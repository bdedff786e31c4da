// SPDX-License-Identifier: GPL-2.0

//! `make encode`: is every row of the instruction table what the rest of the world takes it for?
//!
//! Four judges, each for every row, byte order, width and release: two assemblers, which must make
//! of the row's text the very word that the table makes, and where the CPU does not have it refuse
//! it or make another word; two disassemblers, which must make of the word the text that our own printer makes. The
//! operands are at their boundaries, and every register is in every field at least once.
//!
//! One test is one row before one judge, for one byte order and one release.

mod case;
mod normal;
mod toolchain;

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{ensure, Context, Result};

use self::case::{cases, Case};
use self::normal::{same, Instruction};
use self::toolchain::{Kind, Object, Toolchain};
use crate::host;
use crate::host::mips::{print, Style, Word};
use crate::jit::mips::table::Op;
use crate::jit::mips::{Cpu, Endian, Release};

/// How many failures of one row before one judge are printed.
const SHOWN: usize = 5;

const ENDIANS: [Endian; 2] = [Endian::Little, Endian::Big];

/// The CPUs of a byte order.
fn cpus(endian: Endian) -> [Cpu; 6] {
    let releases = [Release::R1, Release::R2, Release::R6];
    let [r1, r2, r6] = releases.map(|release| host::cpu(endian, release));
    let [w1, w2, w6] = releases.map(|release| host::cpu64(endian, release));
    [r1, r2, r6, w1, w2, w6]
}

/// Runs the command; the status says whether all passed.
pub fn main() -> ExitCode {
    match judge_all() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("encode: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What became of one row before the judges of one toolchain.
#[derive(Clone, Default)]
struct Score {
    assembled: Tally,
    disassembled: Tally,
}

#[derive(Clone, Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn count(&mut self, faults: &[String]) {
        if faults.is_empty() {
            self.passed += 1;
            return;
        }
        self.failed += 1;
        for fault in faults.iter().take(SHOWN) {
            println!("FAIL {fault}");
        }
        if faults.len() > SHOWN {
            println!("     and {} more like it", faults.len() - SHOWN);
        }
    }
}

/// Judges everything, prints the table and returns how many tests failed.
fn judge_all() -> Result<usize> {
    let toolchains = [Toolchain::find(Kind::Gnu)?, Toolchain::find(Kind::Llvm)?];
    let cases = cases();
    let mut scores = vec![vec![Score::default(); Op::ALL.len()]; toolchains.len()];
    for (toolchain, scores) in toolchains.iter().zip(&mut scores) {
        for endian in ENDIANS {
            for cpu in cpus(endian) {
                let run = Run { toolchain, cpu };
                run.judge(&cases, scores).with_context(|| run.name())?;
            }
        }
    }
    Ok(report(&toolchains, &cases, &scores))
}

/// Prints the table and returns how many tests failed.
fn report(toolchains: &[Toolchain], cases: &[Case], scores: &[Vec<Score>]) -> usize {
    print!("{:<10} {:>6}", "row", "words");
    for toolchain in toolchains {
        let (assembler, disassembler) = toolchain.names();
        print!("  {assembler:<14} {disassembler:<14}");
    }
    println!();
    let (mut passed, mut failed) = (0, 0);
    for (row, op) in Op::ALL.iter().enumerate() {
        let words = cases.iter().filter(|case| case.op == *op).count();
        print!("{:<10} {words:>6}", op.row().name);
        for score in scores.iter().map(|scores| &scores[row]) {
            for tally in [&score.assembled, &score.disassembled] {
                let verdict = match tally.failed {
                    0 => "ok".to_string(),
                    failed => format!("{failed} FAILED"),
                };
                print!("  {verdict:<13}");
                passed += tally.passed;
                failed += tally.failed;
            }
        }
        println!();
    }
    println!("{passed} passed, {failed} failed");
    failed
}

/// One toolchain, set to one machine.
struct Run<'a> {
    toolchain: &'a Toolchain,
    cpu: Cpu,
}

impl Run<'_> {
    fn name(&self) -> String {
        let (assembler, _) = self.toolchain.names();
        let Cpu {
            width,
            endian,
            release,
            ..
        } = self.cpu;
        format!("{assembler}, {endian:?} endian, {width:?} {release:?}")
    }

    fn judge(&self, cases: &[Case], scores: &mut [Score]) -> Result<()> {
        let (ours, others): (Vec<&Case>, Vec<&Case>) = cases
            .iter()
            .partition(|case| self.cpu.has(case.op.traits()));
        let (object, taken) = self.assemble_accepted(&ours)?;
        let lines = self.toolchain.disassemble(&self.cpu, &object)?;
        ensure!(
            object.words.len() >= taken.len() && lines.len() >= taken.len(),
            "{} instructions became {} words and {} lines",
            taken.len(),
            object.words.len(),
            lines.len()
        );
        let accepted: BTreeSet<u32> = taken.iter().map(|case| case.word).collect();
        // The same text may have another encoding in this release, or stand for several words.
        let (others_object, _) = self.assemble_accepted(&others)?;
        let others_words: BTreeSet<u32> = others_object.words.into_iter().collect();

        for (&op, score) in Op::ALL.iter().zip(scores) {
            let mut wrong_words = Vec::new();
            let mut wrong_texts = Vec::new();
            for (at, case) in taken.iter().enumerate() {
                if case.op != op {
                    continue;
                }
                let word = object.words[at];
                if word != case.word {
                    wrong_words.push(self.fault(case, &format!("assembles to {word:08x}")));
                }
                if let Err(fault) = judge_text(word, at, &lines[at]) {
                    wrong_texts.push(self.fault(case, &fault));
                }
            }
            for case in ours.iter().filter(|case| case.op == op) {
                if !accepted.contains(&case.word) {
                    wrong_words.push(self.fault(case, "is refused"));
                }
            }
            for case in others.iter().filter(|case| case.op == op) {
                if others_words.contains(&case.word) && !self.toolchain.is_lenient(&self.cpu, op) {
                    wrong_words.push(self.fault(case, "is made, but of another CPU"));
                }
            }
            score.assembled.count(&wrong_words);
            if self.cpu.has(op.traits()) {
                score.disassembled.count(&wrong_texts);
            }
        }
        Ok(())
    }

    fn fault(&self, case: &Case, what: &str) -> String {
        format!("{}: {:08x} {}: {what}", self.name(), case.word, case.text())
    }

    /// Assembles everything that the assembler takes.
    fn assemble_accepted<'c>(&self, cases: &[&'c Case]) -> Result<(Object, Vec<&'c Case>)> {
        let mut cases = cases.to_vec();
        loop {
            let lines: Vec<String> = cases.iter().map(|case| case.text()).collect();
            match self.toolchain.assemble(&self.cpu, &lines)? {
                Ok(object) => return Ok((object, cases)),
                Err(refused) => {
                    let mut at = 0;
                    cases.retain(|_| {
                        at += 1;
                        !refused.contains(&(at - 1))
                    });
                }
            }
        }
    }
}

/// Compares our text of a word with a disassembler's.
fn judge_text(word: u32, at: usize, theirs: &str) -> Result<(), String> {
    let address = at as u32 * 4;
    let ours = match Word::decode(word) {
        Some(word) => word.print(Style::Listing(address)),
        None => print(word, address),
    };
    if same(&Instruction::read(&ours), &Instruction::read(theirs)) {
        Ok(())
    } else {
        Err(format!("'{ours}' is to the disassembler '{theirs}'"))
    }
}
