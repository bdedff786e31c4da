// SPDX-License-Identifier: GPL-2.0

//! Which edges and lines of the core the corpus reaches.
//!
//! The compiler leaves a table in the program, an address for every edge that it counts; libFuzzer
//! notes, while it reduces the corpus, which entries were reached; `addr2line` tells the source of
//! each. No profile of the compiler's own is read, since tools that do must be of its version, and
//! Debian has none of these.
//!
//! An edge belongs to the innermost line of the core that it was inlined from. A line is reached if
//! any edge of it is. Not all can be: most of what is left are the ways out with `Error::Internal`,
//! which no input must find.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{ensure, Context, Result};
use object::{Object, ObjectSection};

use super::target::Target;

/// The table: an address and flags for each edge.
const SECTION: &str = "__sancov_pcs";

/// Where the core is.
const CORE: &str = "rust/jit/";

/// Percent of the core's lines that seeds alone reach; fewer, and the fuzzer is blind.
const ENOUGH: usize = 70;

/// Edges reached of all.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    reached: usize,
    all: usize,
}

impl Share {
    fn add(&mut self, is_reached: bool) {
        self.all += 1;
        self.reached += usize::from(is_reached);
    }

    fn percent(self) -> usize {
        100 * self.reached / self.all.max(1)
    }
}

/// A file and a line of the core.
type Line = (String, u32);

/// What is reached.
pub(super) struct Coverage {
    /// By part of the core.
    parts: BTreeMap<String, (Share, Share)>,
    core: (Share, Share),
    /// Edges of all that is instrumented: the core and its judges.
    program: Share,
    unreached: BTreeSet<Line>,
}

impl Coverage {
    /// Reads libFuzzer's notes of a target.
    pub(super) fn of(target: &Target, notes: &str) -> Result<Coverage> {
        let reached = indices(notes);
        let addresses = addresses(target)?;
        let places = places(target, &addresses)?;
        ensure!(places.len() == addresses.len(), "addr2line lost count");
        let mut coverage = Coverage {
            parts: BTreeMap::new(),
            core: Default::default(),
            program: Share::default(),
            unreached: BTreeSet::new(),
        };
        let mut lines: BTreeMap<Line, bool> = BTreeMap::new();
        for (index, line) in places.into_iter().enumerate() {
            let is_reached = reached.contains(&index);
            coverage.program.add(is_reached);
            if let Some(line) = line {
                coverage.part(&line).0.add(is_reached);
                coverage.core.0.add(is_reached);
                *lines.entry(line).or_default() |= is_reached;
            }
        }
        for (line, is_reached) in lines {
            coverage.part(&line).1.add(is_reached);
            coverage.core.1.add(is_reached);
            if !is_reached {
                coverage.unreached.insert(line);
            }
        }
        Ok(coverage)
    }

    fn part(&mut self, (file, _): &Line) -> &mut (Share, Share) {
        let name = file.split('/').next().unwrap_or(file);
        self.parts
            .entry(name.trim_end_matches(".rs").to_string())
            .or_default()
    }

    /// Edges of the core that are reached.
    pub(super) fn edges(&self) -> usize {
        self.core.0.reached
    }

    /// Whether the fuzzer has seen the core at all.
    pub(super) fn is_enough(&self) -> bool {
        self.core.1.percent() >= ENOUGH
    }

    /// The lines that are not reached, one a line.
    pub(super) fn unreached(&self) -> String {
        let line = |(file, line): &Line| format!("{CORE}{file}:{line}\n");
        self.unreached.iter().map(line).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |name: &str, (edges, lines): &(Share, Share)| {
            format!(
                "{name:<12} {:>6} {:>6} {:>3} % {:>6} {:>6} {:>3} %",
                edges.reached,
                edges.all,
                edges.percent(),
                lines.reached,
                lines.all,
                lines.percent()
            )
        };
        writeln!(f, "coverage      edges     of         lines     of")?;
        for (name, shares) in &self.parts {
            writeln!(f, "{}", row(name, shares))?;
        }
        writeln!(f, "{}", row("core", &self.core))?;
        let Share { reached, all } = self.program;
        write!(f, "edges with those of the judges: {reached} of {all}")
    }
}

/// The entries of the table that libFuzzer's notes name: `COV <input> <entry>...`.
fn indices(notes: &str) -> BTreeSet<usize> {
    let lines = notes.lines().filter_map(|line| line.strip_prefix("COV "));
    lines
        .flat_map(|line| line.split_whitespace().skip(1))
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// The addresses in the table.
fn addresses(target: &Target) -> Result<Vec<u64>> {
    let bytes = std::fs::read(&target.program)?;
    let file = object::File::parse(&*bytes)?;
    let table = file
        .section_by_name(SECTION)
        .context("the target is not instrumented")?;
    let word = |bytes: &[u8]| u64::from_ne_bytes(bytes.try_into().unwrap_or_default());
    let pairs = table.data()?.chunks_exact(16);
    Ok(pairs.map(|pair| word(&pair[..8])).collect())
}

/// For each address, the line of the core that it belongs to, if there is one.
fn places(target: &Target, addresses: &[u64]) -> Result<Vec<Option<Line>>> {
    let mut child = Command::new("addr2line")
        .args(["--addresses", "--inlines", "--exe"])
        .arg(&target.program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run addr2line")?;
    let questions: String = addresses.iter().map(|a| format!("{a:#x}\n")).collect();
    let mut stdin = child.stdin.take().context("no input")?;
    // It answers while it is asked: neither may wait for the other.
    let asked = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = child.wait_with_output()?;
    asked.join().ok().context("addr2line was not asked")??;
    let mut places: Vec<Option<Line>> = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        // An address, and then the lines it was inlined through, innermost first.
        if line.starts_with("0x") {
            places.push(None);
        } else if let Some(place @ None) = places.last_mut() {
            *place = place_in_core(line);
        }
    }
    Ok(places)
}

fn place_in_core(line: &str) -> Option<Line> {
    let (_, place) = line.split_once(CORE)?;
    let (file, number) = place.split_once(':')?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((file.to_string(), digits.parse().ok()?))
}
