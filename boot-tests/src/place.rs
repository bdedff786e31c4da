// SPDX-License-Identifier: GPL-2.0

//! Where is everything, and which tools are to be used?
//!
//! The project's own files are under the root. Everything made from them is under the cache, which
//! may be deleted at any time. `scripts/setup` has written the tools it found into `env` there, one
//! `KEY=value` a line; nothing else in this program looks for a tool.

use anyhow::{bail, Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The project, the cache and the tools.
pub(crate) struct Place {
    /// Top of the project.
    pub(crate) root: PathBuf,
    /// Trees, builds and logs.
    pub(crate) cache: PathBuf,
    tools: BTreeMap<String, String>,
}

impl Place {
    /// Takes what the caller knows and finds the rest.
    pub(crate) fn find(root: Option<PathBuf>, cache: Option<PathBuf>) -> Result<Self> {
        let root = match root {
            Some(root) => root,
            None => root_above(&std::env::current_dir()?)?,
        };
        let cache = match cache {
            Some(cache) => std::path::absolute(cache)?,
            None => default_cache()?,
        };
        let env = cache.join("env");
        let tools = match std::fs::read_to_string(&env) {
            Ok(text) => parse_env(&text),
            Err(_) => BTreeMap::new(),
        };
        Ok(Self {
            root: root.canonicalize()?,
            cache,
            tools,
        })
    }

    /// A tool's value, if set-up found it.
    pub(crate) fn tool(&self, key: &str) -> Option<&str> {
        self.tools
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A tool that cannot be done without.
    pub(crate) fn need(&self, key: &str) -> Result<&str> {
        self.tool(key).with_context(|| {
            format!(
                "{key} is not in {}: run scripts/setup",
                self.cache.join("env").display()
            )
        })
    }

    /// The pristine source of a kernel series.
    pub(crate) fn pristine(&self, kernel: &str) -> Result<PathBuf> {
        match self.tool(&source_key(kernel)) {
            Some(dir) => Ok(PathBuf::from(dir)),
            None => bail!(
                "unknown KERNEL {kernel:?}: known are {}",
                self.kernels().join(", ")
            ),
        }
    }

    /// Every kernel series there is, the newest last.
    pub(crate) fn series(&self) -> Result<Vec<String>> {
        let dir = self.root.join("patches");
        let entries = std::fs::read_dir(&dir).with_context(|| format!("no {}", dir.display()))?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let mut names = names.collect::<Result<Vec<String>>>()?;
        names.sort_by_key(|name| {
            let numbers = name.split('.').map(|number| number.parse().unwrap_or(0u32));
            numbers.collect::<Vec<u32>>()
        });
        Ok(names)
    }

    /// The newest kernel series.
    pub(crate) fn newest(&self) -> Result<String> {
        let newest = self.series()?.pop();
        newest.context("patches/ has no kernel series")
    }

    /// What belongs to a kernel series.
    pub(crate) fn patches(&self, series: &str) -> PathBuf {
        self.root.join("patches").join(series)
    }

    fn kernels(&self) -> Vec<String> {
        let series = self
            .tools
            .keys()
            .filter_map(|key| key.strip_prefix("LINUX_SRC_"));
        series.map(|name| name.replace('_', ".")).collect()
    }

    /// A directory of the project's data files for the runner.
    pub(crate) fn data(&self, name: &str) -> PathBuf {
        self.root.join("boot-tests").join(name)
    }
}

/// How much can run at once.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn source_key(kernel: &str) -> String {
    format!("LINUX_SRC_{}", kernel.replace('.', "_"))
}

fn root_above(start: &Path) -> Result<PathBuf> {
    let found = start
        .ancestors()
        .find(|dir| dir.join("boot-tests/machines").is_dir());
    let found = found.with_context(|| format!("{} is not in the project", start.display()))?;
    Ok(found.to_path_buf())
}

fn default_cache() -> Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(dir) if !dir.is_empty() => PathBuf::from(dir),
        _ => PathBuf::from(std::env::var_os("HOME").context("HOME is not set")?).join(".cache"),
    };
    Ok(base.join("mips-bpf-jit"))
}

fn parse_env(text: &str) -> BTreeMap<String, String> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs
        .map(|(key, value)| (key.to_owned(), unquote(value).to_owned()))
        .collect()
}

fn unquote(value: &str) -> &str {
    let inner = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn env_lines_are_keys_and_values() {
        let tools = parse_env("# c\nCC=\"a b\"\nX=1=2\nEMPTY=\nnonsense\n");
        assert_eq!(tools["CC"], "a b");
        assert_eq!(tools["X"], "1=2");
        assert_eq!(tools["EMPTY"], "");
        assert_eq!(tools.len(), 3);
    }

    #[test]
    fn kernel_series_become_keys() {
        assert_eq!(source_key("3.14"), "LINUX_SRC_3_14");
    }

    #[test]
    fn the_newest_series_has_the_greatest_number() {
        let root = tempfile::tempdir().unwrap();
        for name in ["4.9", "10.1", "4.19"] {
            std::fs::create_dir_all(root.path().join("patches").join(name)).unwrap();
        }
        let root = Some(root.path().to_path_buf());
        let place = Place::find(root, Some("/nonexistent".into())).unwrap();
        assert_eq!(place.series().unwrap(), ["4.9", "4.19", "10.1"]);
        assert_eq!(place.newest().unwrap(), "10.1");
    }
}
