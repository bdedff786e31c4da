// SPDX-License-Identifier: GPL-2.0

//! Which instructions of its images has a run executed?
//!
//! A plugin of QEMU (boot-tests/plugin/trace.c) has written them down: two words each, the address and
//! the instruction, behind two words for each run, 0 and the number of its program.

use super::cycles::{self, Executed};
use crate::child;
use crate::place::Place;
use crate::steps::Step;
use anyhow::{bail, Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a run has done inside images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traced {
    pub(crate) instructions: u64,
    /// Estimated.
    pub(crate) cycles: u64,
}

/// Added to the number of a program where it is the one that gcc has made.
pub(crate) const NATIVE: u32 = 0x800;

/// Builds the plugin for the QEMU that is there.
pub(crate) fn build_plugin(place: &Place, qemu: &str, step: &Step<'_>) -> Result<PathBuf> {
    let version = Command::new(place.need(qemu)?).arg("--version").output()?;
    let api = api_of(&String::from_utf8_lossy(&version.stdout))?;
    let plugin = place.cache.join("run").join(format!("trace-{api}.so"));
    std::fs::create_dir_all(plugin.parent().context("a file without a directory")?)?;
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-shared", "-fPIC", "-fvisibility=hidden"]);
    gcc.arg(format!("-DAPI={api}")).arg("-o").arg(&plugin);
    gcc.arg(place.data("plugin").join("trace.c"));
    let log = place.cache.join("log/trace-plugin.log");
    child::must(&mut gcc, &log, step).context("the plugin for QEMU does not compile")?;
    Ok(plugin)
}

/// Of the interface of plugins, by "QEMU emulator version 7.2.22 (...)".
fn api_of(version: &str) -> Result<u32> {
    let number = version.split_whitespace().nth(3).unwrap_or_default();
    let major: Option<u32> = number.split('.').next().and_then(|text| text.parse().ok());
    match major {
        Some(6..=8) => Ok(1),
        Some(10..) => Ok(4),
        _ => bail!("QEMU has to be of version 6 to 8, or from 10 on, to be traced: {version:?}"),
    }
}

/// By the numbers of programs.
pub(crate) fn read(file: &Path) -> Result<BTreeMap<u32, Traced>> {
    let bytes = std::fs::read(file).with_context(|| format!("no {}", file.display()))?;
    Ok(runs(&bytes)
        .into_iter()
        .filter(|(_, run)| !run.is_empty())
        .map(|(number, run)| {
            let traced = Traced {
                instructions: run.len() as u64,
                cycles: cycles::estimate(&run),
            };
            (number, traced)
        })
        .collect())
}

fn runs(bytes: &[u8]) -> BTreeMap<u32, Vec<Executed>> {
    let mut runs: BTreeMap<u32, Vec<Executed>> = BTreeMap::new();
    let mut present = None;
    for record in bytes.chunks_exact(8) {
        let word = |at: usize| record[at..at + 4].try_into().map_or(0, u32::from_ne_bytes);
        match (word(0), word(4)) {
            (0, number) => {
                runs.insert(number, Vec::new());
                present = Some(number);
            }
            executed => {
                let run = present.and_then(|number| runs.get_mut(&number));
                run.into_iter().for_each(|run| note(run, executed));
            }
        }
    }
    runs
}

/// An instruction that has met a page which the processor had to find is begun twice; none of an image
/// jumps to itself without executing its delay slot.
fn note(run: &mut Vec<Executed>, executed: Executed) {
    if run.last() != Some(&executed) {
        run.push(executed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[(u32, u32)]) -> Vec<u8> {
        let words = records.iter().flat_map(|&(a, b)| [a, b]);
        words.flat_map(u32::to_ne_bytes).collect()
    }

    #[test]
    fn runs_are_told_apart_and_restarts_are_not_counted() {
        let bytes = file(&[
            (0, 7),
            (0xc000_0000, 1),
            (0xc000_0000, 1),
            (0xc000_0004, 2),
            (0, 9),
        ]);
        let runs = runs(&bytes);
        assert_eq!(runs[&7], [(0xc000_0000, 1), (0xc000_0004, 2)]);
        assert!(runs[&9].is_empty());
    }

    #[test]
    fn interfaces_by_version() {
        assert_eq!(api_of("QEMU emulator version 7.2.22 (Debian)").unwrap(), 1);
        assert_eq!(api_of("QEMU emulator version 10.0.2 (Debian)").unwrap(), 4);
        assert!(api_of("QEMU emulator version 9.0.0").is_err());
        assert!(api_of("").is_err());
    }
}
