// SPDX-License-Identifier: GPL-2.0

//! The solver: z3, as a process that is asked one query after another, and what it has answered
//! before.
//!
//! What is remembered is that a query, to the letter, has no solution: it is as good as asking
//! again. A query is made of the emitted words and of the models, so that whatever changes of these
//! is proved anew.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use anyhow::{bail, Context, Result};
use sha2::{Digest, Sha256};

use crate::model::term::smt::Query;
use crate::model::term::Assignment;
use crate::model::term::Term;
use crate::model::word::Word;

/// What a query is remembered by.
type Key = [u8; 32];

/// Queries that have no solution.
pub(super) struct Memory {
    file: Option<PathBuf>,
    known: Mutex<HashSet<Key>>,
}

impl Memory {
    /// What is in a file, if it is there.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub(super) fn new(file: Option<PathBuf>) -> Result<Memory> {
        let mut bytes = Vec::new();
        if let Some(file) = file.as_ref().filter(|file| file.exists()) {
            File::open(file)
                .and_then(|mut file| file.read_to_end(&mut bytes))
                .with_context(|| format!("cannot read {}", file.display()))?;
        }
        let keys = bytes.chunks_exact(32).filter_map(|key| key.try_into().ok());
        Ok(Memory {
            file,
            known: Mutex::new(keys.collect()),
        })
    }

    /// Writes all to the file, completely or not at all.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn save(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let part = file.with_extension("part");
        let known = self
            .known
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let bytes: Vec<u8> = known.iter().flatten().copied().collect();
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&part, bytes)
            .and_then(|()| std::fs::rename(&part, file))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn knows(&self, key: &Key) -> bool {
        self.known.lock().is_ok_and(|known| known.contains(key))
    }

    fn learn(&self, key: Key) {
        if let Ok(mut known) = self.known.lock() {
            known.insert(key);
        }
    }
}

/// What the solver says.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// There is no solution.
    Unsatisfiable,
    /// There is one.
    Solution(Assignment),
    /// It does not know, in the time it has.
    Unknown,
}

/// How many queries went where.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Effort {
    /// Answered from memory.
    pub(super) remembered: u64,
    /// Asked.
    pub(super) asked: u64,
}

/// A solver.
pub(super) struct Solver<'m> {
    memory: &'m Memory,
    process: Option<Process>,
    program: PathBuf,
    pub(super) effort: Effort,
}

struct Process {
    child: Child,
    input: BufWriter<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// Milliseconds that one query may take. On an idle machine a quarter of it is enough for all.
const PATIENCE: u32 = 120_000;

impl<'m> Solver<'m> {
    pub(super) fn new(program: &Path, memory: &'m Memory) -> Self {
        Solver {
            memory,
            process: None,
            program: program.to_owned(),
            effort: Effort::default(),
        }
    }

    /// Asks whether there are values for which all these bits are 1.
    ///
    /// # Errors
    ///
    /// The solver does not run, or is not understood.
    pub(super) fn solve(&mut self, bits: &[Term]) -> Result<Answer> {
        let query = Query::new(bits);
        if self.is_unsatisfiable(&query.text)? {
            return Ok(Answer::Unsatisfiable);
        }
        let process = self.process()?;
        process.say("(check-sat)\n")?;
        let answer = match process.line()?.as_str() {
            "sat" => Answer::Solution(process.solution(&query)?),
            _ => Answer::Unknown,
        };
        process.say("(pop)\n")?;
        Ok(answer)
    }

    /// Asks, or remembers, whether a text has no solution. If it may have one, it is still there to
    /// be asked about.
    fn is_unsatisfiable(&mut self, text: &str) -> Result<bool> {
        let key: Key = Sha256::digest(text.as_bytes()).into();
        if self.memory.knows(&key) {
            self.effort.remembered += 1;
            return Ok(true);
        }
        self.effort.asked += 1;
        let process = self.process()?;
        process.say("(push)\n")?;
        process.say(text)?;
        process.say("(check-sat)\n")?;
        match process.line()?.as_str() {
            "unsat" => {
                process.say("(pop)\n")?;
                self.memory.learn(key);
                Ok(true)
            }
            "sat" | "unknown" => Ok(false),
            other => bail!("the solver says {other:?} to:\n{text}"),
        }
    }

    /// Whether a text has no solution.
    ///
    /// # Errors
    ///
    /// As [`Solver::solve`].
    pub(super) fn refutes(&mut self, text: &str) -> Result<bool> {
        if self.is_unsatisfiable(text)? {
            return Ok(true);
        }
        self.process()?.say("(pop)\n")?;
        Ok(false)
    }

    fn process(&mut self) -> Result<&mut Process> {
        if self.process.is_none() {
            self.process = Some(Process::new(&self.program)?);
        }
        self.process.as_mut().context("no solver")
    }
}

impl Process {
    fn new(program: &Path) -> Result<Process> {
        let mut child = Command::new(program)
            .args(["-in", "-smt2"])
            .arg(format!("-t:{PATIENCE}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot run the solver {}", program.display()))?;
        let input = child.stdin.take().context("no input of the solver")?;
        let output = child.stdout.take().context("no output of the solver")?;
        Ok(Process {
            child,
            input: BufWriter::new(input),
            output: BufReader::new(output),
        })
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.input
            .write_all(text.as_bytes())
            .context("the solver is gone")
    }

    fn line(&mut self) -> Result<String> {
        self.input.flush().context("the solver is gone")?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the solver is gone");
        }
        Ok(line.trim().to_owned())
    }

    /// Values of everything in a query that has a solution.
    fn solution(&mut self, query: &Query) -> Result<Assignment> {
        let mut assignment = Assignment::default();
        for (number, &variable) in query.variables.iter().enumerate() {
            let value = self.value(&format!("v{number}"))?;
            assignment.variables.insert(variable, value);
        }
        for &address in &query.addresses {
            let at = assignment.value(address).unsigned();
            let digits = address.width() as usize / 4;
            let value = self.value(&format!("(m #x{at:0digits$x})"))?;
            assignment.bytes.insert(at, value as u8);
        }
        Ok(assignment)
    }

    /// The value of an expression.
    fn value(&mut self, expression: &str) -> Result<u64> {
        self.say(&format!("(get-value ({expression}))\n"))?;
        let line = self.line()?;
        let digits = line.trim_end_matches(')').rsplit(' ').next();
        let digits = digits.unwrap_or_default();
        let value = match digits.split_at_checked(2) {
            Some(("#x", digits)) => u64::from_str_radix(digits, 16),
            Some(("#b", digits)) => u64::from_str_radix(digits, 2),
            _ => bail!("the solver's value is {line:?}"),
        };
        value.with_context(|| format!("the solver's value is {line:?}"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has nothing that could be lost.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One bit that is 1 unless all these are.
pub(super) fn not_all(goals: &[Term]) -> Term {
    !goals.iter().fold(Term::bit(true), |all, &goal| all & goal)
}
