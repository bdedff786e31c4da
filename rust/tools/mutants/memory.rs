// SPDX-License-Identifier: GPL-2.0

//! What earlier runs have seen caught, so that one that was interrupted can go on.
//!
//! A line for each mutant: what stands for the core and for the mutant, and a sign for each rung.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::rung::{Rung, Verdict};
use super::{Outcome, Verdicts};
use crate::host::mutants::Mutant;

/// What was caught, of a core.
pub(super) struct Memory {
    file: PathBuf,
    core: String,
    known: BTreeMap<String, String>,
}

impl Memory {
    /// Reads what a file knows.
    pub(super) fn read(file: PathBuf, core: &str) -> Self {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Memory {
            known: pairs
                .map(|(key, signs)| (key.into(), signs.into()))
                .collect(),
            core: core.to_owned(),
            file,
        }
    }

    fn key(&self, mutant: &Mutant) -> String {
        let digest = Sha256::digest(format!("{} {}", self.core, mutant.change()));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What the rungs said when they caught this mutant.
    pub(super) fn recall(&self, mutant: &Mutant) -> Option<Verdicts> {
        let signs = self.known.get(&self.key(mutant))?;
        let mut verdicts = Verdicts::default();
        for (verdict, sign) in verdicts.iter_mut().zip(signs.chars()) {
            *verdict = Verdict::of_sign(sign)?;
        }
        (signs.len() == Rung::ALL.len()).then_some(verdicts)
    }

    /// Notes that the rungs have caught a mutant.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(super) fn note(&self, outcome: &Outcome) -> Result<()> {
        let verdicts = outcome.verdicts.iter().flatten();
        let signs: String = verdicts.map(|verdict| verdict.sign()).collect();
        let line = format!("{} {signs}", self.key(&outcome.mutant));
        let mut file = fs::File::options()
            .create(true)
            .append(true)
            .open(&self.file)
            .with_context(|| format!("cannot open {}", self.file.display()))?;
        writeln!(file, "{line}")?;
        Ok(())
    }
}
