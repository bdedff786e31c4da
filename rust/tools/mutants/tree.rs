// SPDX-License-Identifier: GPL-2.0

//! A copy of the workspace to seed bugs in.
//!
//! Whatever an interrupted run has left there is put right when the tree is copied again. Files
//! that are as they should be are not written: cargo builds by the time of their last change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// What the workspace consists of.
const PARTS: [&str; 4] = ["Cargo.toml", "Cargo.lock", "rust", "boot-tests"];

/// The catalogue of mutants, of which the copy needs none: it may change without changing the tree.
const CATALOGUE: &str = "rust/mutants";

/// What mutants change.
const CORE: &str = "rust/jit";

/// A copy of the tree.
pub(super) struct Tree {
    pub(super) root: PathBuf,
    /// Stands for the content of all files.
    pub(super) digest: String,
    /// Stands for the content of the core.
    pub(super) core: String,
}

impl Tree {
    /// Makes `to` a copy of the workspace at `from`.
    ///
    /// # Errors
    ///
    /// A file cannot be read or written.
    pub(super) fn copy(from: &Path, to: &Path) -> Result<Tree> {
        let (mut all, mut core) = (Sha256::new(), Sha256::new());
        let mut wanted = BTreeSet::new();
        for name in PARTS {
            find(from, Path::new(name), &mut wanted)?;
        }
        for name in &wanted {
            let content = fs::read(from.join(name))
                .with_context(|| format!("cannot read {}", name.display()))?;
            let line = format!("{} {:x?}\n", name.display(), Sha256::digest(&content));
            all.update(&line);
            if name.starts_with(CORE) {
                core.update(&line);
            }
            let copy = to.join(name);
            if fs::read(&copy).is_ok_and(|is| is == content) {
                continue;
            }
            if let Some(parent) = copy.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&copy, content)
                .with_context(|| format!("cannot write {}", copy.display()))?;
        }
        let mut found = BTreeSet::new();
        for name in PARTS {
            find(to, Path::new(name), &mut found)?;
        }
        for name in found.difference(&wanted) {
            fs::remove_file(to.join(name))?;
        }
        let hexadecimal = |digest: Sha256| {
            let bytes = digest.finalize();
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        };
        Ok(Tree {
            root: to.to_owned(),
            digest: hexadecimal(all),
            core: hexadecimal(core),
        })
    }

    /// Reads a source.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub(super) fn read(&self, name: &str) -> Result<String> {
        fs::read_to_string(self.root.join(name)).with_context(|| format!("cannot read {name}"))
    }

    /// Changes a source.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<()> {
        fs::write(self.root.join(name), content).with_context(|| format!("cannot write {name}"))
    }
}

/// All files below `name`, a file or a directory of `root`.
fn find(root: &Path, name: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let path = root.join(name);
    if path.is_file() {
        files.insert(name.to_owned());
    } else if path.is_dir() && name != Path::new(CATALOGUE) {
        for entry in fs::read_dir(&path)? {
            find(root, &name.join(entry?.file_name()), files)?;
        }
    }
    Ok(())
}
