// SPDX-License-Identifier: GPL-2.0

//! Where the fuzzer keeps what it has found: in the cache, outside of the tree.
//!
//! ```text
//!  fuzz/corpus/    inputs that reach what no other does; grows from run to run
//!  fuzz/seeds/     written anew each time
//!  fuzz/failed/    inputs that failed
//!  fuzz/ledger     a line for every run
//!  fuzz/log        what libFuzzer said last
//!  fuzz/unreached  lines of the core that no input has reached
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The fuzzer's directory.
pub(super) struct Place {
    directory: PathBuf,
}

impl Place {
    /// Below the cache, as `scripts/setup` has it.
    pub(super) fn find() -> Result<Place> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let cache = match (
            set("MIPS_BPF_JIT_CACHE"),
            set("XDG_CACHE_HOME"),
            set("HOME"),
        ) {
            (Some(cache), _, _) => PathBuf::from(cache),
            (_, Some(base), _) => Path::new(&base).join("mips-bpf-jit"),
            (_, _, Some(home)) => Path::new(&home).join(".cache/mips-bpf-jit"),
            _ => anyhow::bail!("HOME is not set"),
        };
        let place = Place {
            directory: std::path::absolute(cache)?.join("fuzz"),
        };
        for directory in [place.corpus(), place.failed()] {
            fs::create_dir_all(&directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        Ok(place)
    }

    pub(super) fn corpus(&self) -> PathBuf {
        self.directory.join("corpus")
    }

    /// The corpus while it is being reduced.
    pub(super) fn reduced(&self) -> PathBuf {
        self.directory.join("corpus.new")
    }

    pub(super) fn seeds(&self) -> PathBuf {
        self.directory.join("seeds")
    }

    pub(super) fn failed(&self) -> PathBuf {
        self.directory.join("failed")
    }

    pub(super) fn ledger(&self) -> PathBuf {
        self.directory.join("ledger")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// What libFuzzer notes while it reduces a corpus.
    pub(super) fn notes(&self) -> PathBuf {
        self.directory.join("notes")
    }

    pub(super) fn unreached(&self) -> PathBuf {
        self.directory.join("unreached")
    }
}
