// SPDX-License-Identifier: GPL-2.0

//! `make exec`: the MIPS model, judged against an executing emulator.
//!
//! The model is what proofs and comparisons of emitted code rest on. Here single instructions are
//! executed in it and in an emulator that shares nothing with it, from the same random state, and
//! every register, HI, LO, memory and the address of the next instruction must be the same, except
//! where the model says that a value is unknown.
//!
//! | group | what |
//! |---|---|
//! | `rows` | every instruction of the core's table, with random operands; what a machine's release does not have, the model must refuse |
//! | `words` | 32 random bits, and instructions of the table with a bit flipped: what the model takes for an instruction must do the same in the emulator, and what the table has the model must take for one |
//! | `traps` | `break`, unaligned accesses and accesses to nowhere: both must stop |
//!
//! What the model refuses is not compared: it makes a proof fail, and never pass.

mod bench;
mod code;
mod generate;
mod predict;
mod rig;
mod routines;
mod trial;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use bench::Bench;
use generate::Generator;
use rig::State;
use trial::rs;

use crate::host::mips::Word;
use crate::host::random::fresh_seed;
use crate::host::random::mix;
use crate::jit::mips::table::Op;
use crate::model::mips::Trap;
use crate::tools::exec::cpu;
use crate::tools::exec::machine::MACHINES;

/// Differences printed in full; the others are counted.
const SHOWN: usize = 3;

/// States in which each word of a row, and each other word, is tried.
const STATES_OF_ROW: u64 = 200;
const STATES_OF_WORD: u64 = 8;

/// Traps of each instruction that are tried, one by one.
const TRAPS: u64 = 100;

/// The field of `break` that the processor does not look at.
const CODE_OF_BREAK: u32 = 0x03ff_ffc0;

/// From where cells are to where nothing is.
const NOWHERE: u32 = 0x0400_0000;

/// Judges the MIPS model against an executing emulator.
#[derive(Debug, Parser)]
#[command(name = "models")]
struct Arguments {
    /// Seed of everything that is random; a new one each time unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// In how many states to try each row of the instruction table on each machine.
    #[arg(long, default_value_t = 100_000)]
    states: u64,
    /// How many random words, and as many with a bit flipped, to try on each machine.
    #[arg(long, default_value_t = 50_000)]
    words: u64,
    /// Only on this machine: le-r1, le-r2, le-r6, le64-r1 and so on, or the same with be.
    #[arg(long)]
    machine: Option<String>,
    /// Only the tests whose name contains this: an instruction, random, flipped, or a trap.
    #[arg(long)]
    case: Option<String>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    println!("seed {seed}");
    let (mut passed, mut failed) = (0, 0);
    for machine in MACHINES {
        let wanted = arguments.machine.as_deref();
        if wanted.is_some_and(|name| !machine.is_called(name)) {
            continue;
        }
        if !cpu::is_there(&machine) {
            println!("FAILED {}", cpu::excuse(&machine));
            failed += 1;
            continue;
        }
        let mut session = Session {
            arguments: &arguments,
            seed,
            bench: Bench::new(machine),
            passed: 0,
            failed: 0,
        };
        session.run();
        passed += session.passed;
        failed += session.failed;
    }
    println!("{passed} passed, {failed} failed");
    match failed == 0 && passed > 0 {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// What came of words that nobody has chosen.
#[derive(Default)]
struct Tally {
    compared: u64,
    refused: u64,
    unpredictable: u64,
    trapping: u64,
    /// Control would get into the midst of something.
    placeless: u64,
}

/// The tests on one machine.
struct Session<'a> {
    arguments: &'a Arguments,
    seed: u64,
    bench: Bench,
    passed: u64,
    failed: u64,
}

impl Session<'_> {
    fn run(&mut self) {
        let began = Instant::now();
        let name = self.bench.machine.name;
        for &op in Op::ALL {
            self.row(op);
        }
        let states = self.bench.states;
        println!(
            "{name}: {} rows of the table, {states} states ({:.1} s)",
            Op::ALL.len(),
            began.elapsed().as_secs_f64()
        );
        self.words("random", Generator::word);
        self.words("flipped", Generator::flipped);
        self.traps();
        println!(
            "{name}: {} states, {} more with an unpredictable register ({:.1} s)",
            self.bench.states,
            self.bench.vague,
            began.elapsed().as_secs_f64()
        );
    }

    fn is_wanted(&self, name: &str) -> bool {
        let wanted = self.arguments.case.as_deref();
        wanted.is_none_or(|part| name.contains(part))
    }

    /// Random numbers for a test, which do not depend on what else is tested.
    fn generator(&self, name: &str) -> Generator {
        let hash = name
            .bytes()
            .chain(self.bench.machine.name.bytes())
            .fold(self.seed, |hash, byte| mix(hash ^ u64::from(byte)));
        Generator::new(&self.bench.machine, hash)
    }

    /// Ends a test: compares what is left to compare, and counts.
    fn end(&mut self, name: &str) {
        self.bench.compare();
        let differences = std::mem::take(&mut self.bench.differences);
        if differences.is_empty() {
            self.passed += 1;
            return;
        }
        self.failed += 1;
        let machine = self.bench.machine.name;
        for difference in differences.iter().take(SHOWN) {
            println!("FAILED {name} on {machine}: {difference}");
        }
        if differences.len() > SHOWN {
            println!("  {} more", differences.len() - SHOWN);
        }
        println!(
            "  again: make exec, or: cargo run --release --features emulator --bin models -- \
             --machine {machine} --seed {} --case {name}",
            self.seed
        );
    }

    fn row(&mut self, op: Op) {
        let row = op.row();
        if !self.is_wanted(row.name) {
            return;
        }
        let mut generator = self.generator(row.name);
        let is_there = self.bench.machine.has(op);
        let mut left = match is_there && op != Op::Break {
            true => self.arguments.states,
            false => STATES_OF_ROW,
        };
        while left > 0 && self.bench.differences.is_empty() {
            let words = generator.row(op);
            let Some(trial) = self.bench.place(&mut generator.random, &words) else {
                continue;
            };
            for _ in 0..STATES_OF_ROW.min(left) {
                left -= 1;
                let state = generator.state(&trial);
                let said = self.bench.add(&trial, state);
                let is_right = match said {
                    Ok(()) => is_there,
                    Err(Trap::Unpredictable(_)) => self.has_wide_operands(&state),
                    Err(Trap::Breakpoint) => op == Op::Break,
                    Err(Trap::Reserved(_)) => !is_there,
                    Err(_) => false,
                };
                if !is_right {
                    let wrong = format!("the model says {said:x?} of {words:08x?}");
                    self.bench.differences.push(wrong);
                }
                if !self.bench.differences.is_empty() {
                    break;
                }
            }
        }
        self.end(row.name);
    }

    fn words(&mut self, name: &str, next: fn(&mut Generator) -> Vec<u32>) {
        if !self.is_wanted(name) {
            return;
        }
        let mut generator = self.generator(name);
        let mut tally = Tally::default();
        for _ in 0..self.arguments.words {
            let words = next(&mut generator);
            self.word(&words, &mut generator, &mut tally);
            if !self.bench.differences.is_empty() {
                break;
            }
        }
        self.end(name);
        println!(
            "{}: {name} words: {} compared, {} refused, {} unpredictable, {} trapping, {} without \
             a place",
            self.bench.machine.name,
            tally.compared,
            tally.refused,
            tally.unpredictable,
            tally.trapping,
            tally.placeless
        );
    }

    fn word(&mut self, words: &[u32], generator: &mut Generator, tally: &mut Tally) {
        let Some(trial) = self.bench.place(&mut generator.random, words) else {
            tally.placeless += 1;
            return;
        };
        let state = generator.state(&trial);
        match self.bench.add(&trial, state) {
            Ok(()) => tally.compared += 1,
            Err(Trap::Reserved(_)) => {
                tally.refused += 1;
                let machine = self.bench.machine;
                // A branch may be fine, and its slot not.
                let is_known =
                    |&word: &u32| Word::decode(word).is_some_and(|word| machine.has(word.op));
                if words.iter().all(is_known) {
                    let wrong = format!("the model refuses {words:08x?}, which are in the table");
                    self.bench.differences.push(wrong);
                }
                return;
            }
            Err(Trap::Unpredictable(_)) => {
                tally.unpredictable += 1;
                return;
            }
            Err(_) => {
                tally.trapping += 1;
                return;
            }
        }
        for _ in 1..STATES_OF_WORD {
            let state = generator.state(&trial);
            let said = self.bench.add(&trial, state);
            let is_unpredictable = matches!(said, Err(Trap::Unpredictable(_)));
            if said.is_err() && !(is_unpredictable && self.has_wide_operands(&state)) {
                let wrong = format!("the model says {said:x?} of {words:08x?}, in some states");
                self.bench.differences.push(wrong);
            }
            if !self.bench.differences.is_empty() {
                break;
            }
        }
    }

    /// Whether some register has what is no word: to an instruction of words, that is
    /// UNPREDICTABLE, and what an emulator does of no interest.
    fn has_wide_operands(&self, state: &State) -> bool {
        let machine = self.bench.machine;
        let is_wide = |&value: &u64| value != machine.pointer(value as u32);
        machine.is_wide() && state[1..32].iter().any(is_wide)
    }

    fn traps(&mut self) {
        self.trap("trap-break", &[Op::Break], Twist::Code);
        let release = self.bench.machine.release;
        let is_wide = self.bench.machine.is_wide();
        let linked = match (release.is_r6(), is_wide) {
            (true, true) => Op::LldR6,
            (true, false) => Op::LlR6,
            (false, true) => Op::Lld,
            (false, false) => Op::Ll,
        };
        let mut accesses = vec![linked, Op::Lh, Op::Lhu, Op::Lw, Op::Sh, Op::Sw];
        if is_wide {
            accesses.extend([Op::Lwu, Op::Ld, Op::Sd]);
        }
        // The model has no use for what it does not trap on: nobody emits it.
        let left_out = match release.is_r6() {
            true => &accesses[1..],
            false => &[],
        };
        if !left_out.is_empty() && self.is_wanted("trap-unaligned") {
            println!(
                "{}: {} unaligned accesses are not tried: Release 6 leaves them to the processor, \
                 and the emulator does them",
                self.bench.machine.name,
                left_out.len()
            );
        }
        let trapping = &accesses[..accesses.len() - left_out.len()];
        self.trap("trap-unaligned", trapping, Twist::Unaligned);
        let accesses = [Op::Lb, Op::Lbu, Op::Lw, linked, Op::Sb, Op::Sw];
        self.trap("trap-nowhere", &accesses, Twist::Nowhere);
    }

    fn trap(&mut self, name: &str, ops: &[Op], twist: Twist) {
        if !self.is_wanted(name) {
            return;
        }
        let mut generator = self.generator(name);
        for &op in ops {
            let mut left = TRAPS;
            while left > 0 {
                let mut words = generator.row(op);
                if twist == Twist::Code {
                    words[0] |= generator.random.word() & CODE_OF_BREAK;
                } else if rs(words[0]) == 0 {
                    continue;
                }
                let Some(trial) = self.bench.place(&mut generator.random, &words) else {
                    continue;
                };
                left -= 1;
                let mut state = generator.state(&trial);
                let base = &mut state[rs(words[0])];
                let expected: fn(Trap) -> bool = match twist {
                    Twist::Code => |trap| trap == Trap::Breakpoint,
                    _ => |trap| matches!(trap, Trap::Memory(_)),
                };
                match twist {
                    Twist::Code => {}
                    Twist::Unaligned => *base = base.wrapping_add(1),
                    Twist::Nowhere => *base = base.wrapping_add(NOWHERE.into()),
                }
                self.bench.compare_trap(&trial, state, expected);
            }
        }
        self.end(name);
    }
}

/// What makes something trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twist {
    /// It does so by itself, whatever its code is.
    Code,
    /// An address that is no multiple of the size.
    Unaligned,
    /// An address without memory.
    Nowhere,
}
