// SPDX-License-Identifier: GPL-2.0

//! How much has been tried, in all runs since the corpus was begun: one line for each.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::place::Place;

/// What the columns are.
const HEADING: &str = "# ended (seconds since 1970), seconds, inputs, edges of the core, failed\n";

/// One run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) ended: u64,
    pub(super) seconds: f64,
    pub(super) runs: u64,
    pub(super) edges: usize,
    pub(super) failed: u64,
}

impl Entry {
    /// Reads a line; none if it is a comment, or torn.
    fn parse(line: &str) -> Option<Entry> {
        let mut words = line.split_whitespace();
        Some(Entry {
            ended: words.next()?.parse().ok()?,
            seconds: words.next()?.parse().ok()?,
            runs: words.next()?.parse().ok()?,
            edges: words.next()?.parse().ok()?,
            failed: words.next()?.parse().ok()?,
        })
    }
}

/// All runs.
pub(super) struct Ledger {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl Ledger {
    /// Reads what there is.
    pub(super) fn open(place: &Place) -> Result<Ledger> {
        let path = place.ledger();
        let text = fs::read_to_string(&path).unwrap_or_default();
        if text.is_empty() {
            fs::write(&path, HEADING).with_context(|| format!("{}", path.display()))?;
        }
        let entries = text.lines().filter_map(Entry::parse).collect();
        Ok(Ledger { path, entries })
    }

    /// Appends a run.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<()> {
        let mut file = fs::OpenOptions::new().append(true).open(&self.path)?;
        writeln!(
            file,
            "{} {:.1} {} {} {}",
            entry.ended, entry.seconds, entry.runs, entry.edges, entry.failed
        )?;
        self.entries.push(*entry);
        Ok(())
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds: f64 = self.entries.iter().map(|entry| entry.seconds).sum();
        let runs: u64 = self.entries.iter().map(|entry| entry.runs).sum();
        let failed: u64 = self.entries.iter().map(|entry| entry.failed).sum();
        write!(
            f,
            "all {} runs: {runs} inputs in {:.2} h, {failed} failed; see {}",
            self.entries.len(),
            seconds / 3600.0,
            self.path.display()
        )
    }
}
