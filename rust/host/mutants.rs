// SPDX-License-Identifier: GPL-2.0

//! Bugs to seed in the core: the catalogue in `rust/mutants/`, a file for each area.
//!
//! A mutant replaces one piece of text in one file. The piece stands there once, or `nth` says
//! which one is meant; a test of the tree holds the catalogue to that, so that who changes the core
//! finds the mutants to change with it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{bail, Context, Result};
use serde::Deserialize;

/// The machine that a mutant is judged on unless it names another.
const MACHINE: &str = "le-r2";

/// Machines that the judges know.
const MACHINES: [&str; 12] = [
    "le-r1", "le-r2", "le-r6", "be-r1", "be-r2", "be-r6", "le64-r1", "le64-r2", "le64-r6",
    "be64-r1", "be64-r2", "be64-r6",
];

/// A bug to seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    /// The class of bugs it stands for, with a bug of that class that somebody had.
    pub(crate) class: String,
    /// What goes wrong.
    pub(crate) why: String,
    /// The file to change, from the root of the tree.
    pub(crate) file: String,
    /// Where it shows.
    #[serde(default = "usual_machine")]
    pub(crate) machine: String,
    /// Part of the name of a form of `make prove` that it spoils, to be tried before all others.
    pub(crate) form: Option<String>,
    /// Which occurrence of `find` is meant, counted from 1.
    nth: Option<usize>,
    find: String,
    replace: String,
}

fn usual_machine() -> String {
    MACHINE.to_owned()
}

/// A file of the catalogue.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    mutant: Vec<Mutant>,
}

impl Mutant {
    /// The source with the bug in it.
    ///
    /// # Errors
    ///
    /// The text to replace is not there, or is not unique.
    pub(crate) fn apply(&self, source: &str) -> Result<String> {
        let places: Vec<usize> = source.match_indices(&self.find).map(|(at, _)| at).collect();
        let place = match (self.nth, places.as_slice()) {
            (None, [place]) => *place,
            (Some(nth), [_, _, ..]) if (1..=places.len()).contains(&nth) => places[nth - 1],
            _ => bail!(
                "{}: what it replaces stands in {} {} times",
                self.name,
                self.file,
                places.len()
            ),
        };
        let (before, rest) = source.split_at(place);
        Ok([before, &self.replace, &rest[self.find.len()..]].concat())
    }

    /// The change itself, for telling it from others.
    pub(crate) fn change(&self) -> String {
        let (file, find, replace) = (&self.file, &self.find, &self.replace);
        format!(
            "{file} {:?} {find:?} {replace:?} {}",
            self.nth, self.machine
        )
    }

    fn judge(&self) -> Result<()> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !self.name.chars().all(is_plain) {
            bail!("{}: no name", self.name);
        }
        if !MACHINES.contains(&self.machine.as_str()) {
            bail!("{}: no machine {}", self.name, self.machine);
        }
        if self.find == self.replace || self.class.is_empty() || self.why.is_empty() {
            bail!("{}: something is missing", self.name);
        }
        Ok(())
    }
}

/// Reads the catalogue of the tree below `root`: areas in the order of their names.
///
/// # Errors
///
/// A file cannot be read, or a mutant is not well-formed or not the only one of its name.
pub(crate) fn catalogue(root: &Path) -> Result<Vec<(String, Vec<Mutant>)>> {
    let directory = root.join("rust/mutants");
    let mut paths = fs::read_dir(&directory)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<std::io::Result<Vec<_>>>()
        })
        .with_context(|| format!("cannot read {}", directory.display()))?;
    paths.sort();
    let mut names = BTreeSet::new();
    let mut areas = Vec::new();
    for path in paths {
        let what = || format!("in {}", path.display());
        let text = fs::read_to_string(&path).with_context(what)?;
        let area: Area = toml::from_str(&text).with_context(what)?;
        for mutant in &area.mutant {
            mutant.judge().with_context(what)?;
            if !names.insert(mutant.name.clone()) {
                bail!("{} is there twice", mutant.name);
            }
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        areas.push((name.into_owned(), area.mutant));
    }
    Ok(areas)
}
