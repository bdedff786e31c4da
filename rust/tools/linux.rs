// SPDX-License-Identifier: GPL-2.0

//! Where the kernel's source is, and what else set-up has found.

use std::path::{Path, PathBuf};

use anyhow::{ensure, Context, Result};

/// The kernel's source: `LINUX`, or what set-up has got.
pub(super) fn source() -> Result<PathBuf> {
    let tree = match setting("LINUX").filter(|tree| !tree.is_empty()) {
        Some(tree) => tree,
        None => {
            let series = series()?;
            let key = format!("LINUX_SRC_{}", series.replace('.', "_"));
            found(&key).with_context(|| {
                format!(
                    "no source of Linux {series}: run `scripts/setup exec`, or set LINUX to a tree"
                )
            })?
        }
    };
    let tree = PathBuf::from(tree);
    ensure!(
        tree.join("Makefile").is_file(),
        "{} is no source of Linux: run `scripts/setup exec`, or set LINUX to a tree",
        tree.display()
    );
    Ok(tree)
}

/// The source of each series that set-up has got, or `LINUX`.
pub(super) fn sources() -> Vec<PathBuf> {
    if let Some(tree) = setting("LINUX") {
        return vec![PathBuf::from(tree)];
    }
    let keys = all_series().into_iter();
    let keys = keys.map(|series| format!("LINUX_SRC_{}", series.replace('.', "_")));
    keys.filter_map(|key| found(&key).map(PathBuf::from))
        .collect()
}

/// Which kernel: the newest series, as it has the most programs.
pub(super) fn series() -> Result<String> {
    let numbers = |name: &str| -> Vec<u32> {
        let numbers = name.split('.').map(|number| number.parse().unwrap_or(0));
        numbers.collect()
    };
    let newest = all_series().into_iter().max_by_key(|name| numbers(name));
    newest.context("patches/ has no kernel series")
}

fn all_series() -> Vec<String> {
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patches");
    let entries = std::fs::read_dir(&patches).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn setting(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|value| !value.is_empty())
}

/// What set-up has found: the runner hands some of it on, all of it is in the cache.
pub(super) fn found(key: &str) -> Option<String> {
    let cache = setting("MIPS_BPF_JIT_CACHE").or_else(|| {
        let above = setting("XDG_CACHE_HOME")
            .or_else(|| setting("HOME").map(|home| format!("{home}/.cache")))?;
        Some(format!("{above}/mips-bpf-jit"))
    });
    setting(key).or_else(|| {
        let lines = std::fs::read_to_string(Path::new(&cache?).join("env")).ok()?;
        let line = lines
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(str::to_owned)
    })
}
