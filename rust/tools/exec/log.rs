// SPDX-License-Identifier: GPL-2.0

//! How much has run so far, over many runs of `make diff`?
//!
//! A line for each group on each machine, added when it has ended:
//!
//! ```text
//! random le-r2 seed 1753303089820451 programs 50000 runs 150000 failed 0
//! ```
//!
//! The seed makes the same programs again. [`Log::page`] is the sum, as a page of `Documentation/`.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};

/// A line of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) group: &'a str,
    pub(super) machine: &'a str,
    /// Of the first program; the next has the next.
    pub(super) seed: u64,
    /// Different ones.
    pub(super) programs: u64,
    /// Of programs on one input each, in the emulator and in the model.
    pub(super) runs: u64,
    /// Programs that a run has shown to be compiled wrongly.
    pub(super) failed: u64,
}

impl<'a> Entry<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let &[group, machine, "seed", seed, "programs", programs, "runs", runs, "failed", failed] =
            &words[..]
        else {
            return None;
        };
        Some(Self {
            group,
            machine,
            seed: seed.parse().ok()?,
            programs: programs.parse().ok()?,
            runs: runs.parse().ok()?,
            failed: failed.parse().ok()?,
        })
    }
}

impl std::fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Entry { group, machine, .. } = self;
        let Entry { seed, programs, .. } = self;
        write!(f, "{group} {machine} seed {seed} programs {programs} ")?;
        write!(f, "runs {} failed {}", self.runs, self.failed)
    }
}

/// Sums of entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    programs: u64,
    runs: u64,
    failed: u64,
}

impl Sum {
    fn add(&mut self, entry: &Entry<'_>) {
        self.programs += entry.programs;
        self.runs += entry.runs;
        self.failed += entry.failed;
    }
}

/// The file.
#[derive(Clone, Debug)]
pub(super) struct Log(pub(super) PathBuf);

impl Log {
    pub(super) fn append(&self, entry: &Entry<'_>) -> Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(&self.0);
        file.and_then(|mut file| writeln!(file, "{entry}"))
            .with_context(|| format!("cannot write {}", self.0.display()))
    }

    fn text(&self) -> Result<String> {
        std::fs::read_to_string(&self.0)
            .with_context(|| format!("cannot read {}", self.0.display()))
    }

    /// One line on all of it.
    pub(super) fn total(&self) -> Result<String> {
        let (
            Sum {
                programs,
                runs,
                failed,
            },
            _,
        ) = sums(&self.text()?);
        Ok(format!(
            "by now: {programs} programs, {runs} runs of them, {failed} failed"
        ))
    }

    /// All of it, by machines.
    pub(super) fn page(&self) -> Result<String> {
        Ok(page(&self.text()?))
    }
}

/// Of all random programs, and by machine.
fn sums(text: &str) -> (Sum, BTreeMap<&str, Sum>) {
    let mut all = Sum::default();
    let mut machines = BTreeMap::<&str, Sum>::new();
    let entries = text.lines().filter_map(Entry::parse);
    for entry in entries.filter(|entry| entry.group == "random") {
        all.add(&entry);
        machines.entry(entry.machine).or_default().add(&entry);
    }
    (all, machines)
}

fn page(text: &str) -> String {
    const RULE: &str = "==========  ============  ============  ======\n";
    let (all, machines) = sums(text);
    let row = |name: &str, sum: &Sum| {
        let Sum {
            programs,
            runs,
            failed,
        } = sum;
        format!("{name:<10}  {programs:<12}  {runs:<12}  {failed}\n")
    };
    let mut page = format!(
        ".. SPDX-License-Identifier: GPL-2.0\n\
         .. Written by: make diff TABLE=Documentation/diff.rst\n\n\
         ===============\nRandom programs\n===============\n\n\
         Different random programs that ``make diff`` has run, each on three inputs, in the emulator\n\
         and in the model of BPF, and those in which the two differed.\n\n\
         {RULE}machine     programs      runs          differ\n{RULE}"
    );
    for (name, sum) in &machines {
        page += &row(name, sum);
    }
    page += &row("all", &all);
    page += RULE;
    page += "\nThe log: programs have seeds from the one given upwards.\n\n::\n\n";
    for entry in text.lines().filter_map(Entry::parse) {
        page += &format!("  {entry}\n");
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "random le-r1 seed 7 programs 5 runs 15 failed 0\n\
        forms le-r1 seed 7 programs 0 runs 9 failed 0\n\
        random le-r1 seed 12 programs 5 runs 15 failed 1\n\
        random be-r2 seed 17 programs 2 runs 6 failed 0\n\
        random be-r2 seed 17 programs";

    #[test]
    fn a_line_is_what_was_written() {
        let line = TEXT.lines().next().unwrap();
        assert_eq!(Entry::parse(line).unwrap().to_string(), line);
    }

    #[test]
    fn random_programs_are_added_up() {
        let dir = std::env::temp_dir().join(format!("diff-log-{}", std::process::id()));
        std::fs::write(&dir, TEXT.rsplit_once('\n').unwrap().0).unwrap();
        let log = Log(dir.clone());
        assert_eq!(
            log.total().unwrap(),
            "by now: 12 programs, 36 runs of them, 1 failed"
        );
        let page = log.page().unwrap();
        std::fs::remove_file(dir).unwrap();
        assert_eq!(
            page,
            super::page(TEXT),
            "a line that was cut does not count"
        );
        assert!(
            page.contains("\nle-r1       10            30            1\n"),
            "{page}"
        );
        assert!(
            page.contains("\nall         12            36            1\n"),
            "{page}"
        );
    }
}
