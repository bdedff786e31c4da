// SPDX-License-Identifier: GPL-2.0

//! What is asked: the JITs that there are, the features that a JIT may have, and how each is seen.
//!
//! ```text
//! rust/features/jits.toml     columns, and hooks that need no answer
//! rust/features/NAME.toml     a table: its rows, in the order of their numbers
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{ensure, Context, Result};
use serde::Deserialize;

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) jits: Vec<Jit>,
    pub(super) unneeded: Vec<Unneeded>,
    pub(super) areas: Vec<Area>,
}

/// jits.toml
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Jits {
    jit: Vec<Jit>,
    unneeded: Vec<Unneeded>,
}

/// A JIT: a column.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Jit {
    /// As features name it.
    pub(super) name: String,
    /// As the page names it.
    pub(super) title: String,
    pub(super) bits: u32,
    /// Directory of `arch/`.
    pub(super) arch: String,
    #[serde(default)]
    pub(super) ours: bool,
    /// Files and directories of its source.
    pub(super) files: Vec<String>,
    /// What of these directories is not of this JIT.
    #[serde(default)]
    pub(super) without: Vec<String>,
    /// What a hook returns where it means no.
    pub(super) no: String,
}

/// A hook for which the kernel's own answer is right.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Unneeded {
    pub(super) hook: String,
    pub(super) why: String,
}

/// A table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Area {
    pub(super) title: String,
    pub(super) feature: Vec<Feature>,
}

/// A row. A JIT has the feature if its source has all that is asked of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feature {
    pub(super) name: String,
    /// A function of the JIT's that says yes.
    pub(super) hook: Option<String>,
    /// Other hooks of the kernel that are about this.
    #[serde(default)]
    pub(super) hooks: Vec<String>,
    /// Opcodes that the switches of JITs in C name, and do not refuse.
    #[serde(default)]
    pub(super) case: Vec<String>,
    /// An expression that the source of a JIT in C matches.
    pub(super) has: Option<String>,
    /// Instructions that our JIT lowers, by their variants of `Insn`.
    #[serde(default)]
    pub(super) lowers: Vec<String>,
    /// Expressions that the source of our JIT matches.
    #[serde(default)]
    pub(super) ours: Vec<String>,
    /// Instead of all that, for one JIT; an empty expression is a no.
    #[serde(default)]
    pub(super) by: BTreeMap<String, String>,
    /// What the kernel's core does itself, for any JIT.
    pub(super) rewritten: Option<Citation>,
    /// That the kernel's core lets no JIT have it.
    pub(super) core: Option<Citation>,
    /// What architectures lack for it.
    pub(super) arch: Option<Lack>,
    /// What shows that ours works.
    #[serde(default)]
    pub(super) tests: Vec<String>,
    /// Forms of `make prove`; `{a,b}` stands for two.
    #[serde(default)]
    pub(super) forms: Vec<String>,
    /// Why there is none.
    pub(super) unproved: Option<String>,
    /// Why the table does not have this row.
    pub(super) left_out: Option<String>,
}

/// Where the kernel says so.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Citation {
    /// To JITs of so many bits; to all, if absent.
    pub(super) bits: Option<u32>,
    pub(super) file: String,
    /// The function, if the file is in C.
    pub(super) function: Option<String>,
    /// What is in the file, and in the function.
    pub(super) text: String,
    pub(super) why: String,
}

/// What architectures lack.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lack {
    pub(super) jits: Vec<String>,
    /// What their `Kconfig` does not have, and that of another architecture has.
    pub(super) option: String,
    pub(super) why: String,
}

impl Data {
    /// Reads `rust/features/`.
    pub(super) fn read(root: &Path) -> Result<Data> {
        let directory = root.join("rust/features");
        let entries = fs::read_dir(&directory);
        let entries = entries.with_context(|| format!("no {}", directory.display()))?;
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<Vec<String>>>()?;
        names.sort();
        names.retain(|name| name.ends_with(".toml"));
        let mut all = None;
        let mut areas = Vec::new();
        for name in names {
            let text = fs::read_to_string(directory.join(&name))?;
            let context = || format!("rust/features/{name}");
            if name == "jits.toml" {
                all = Some(toml::from_str::<Jits>(&text).with_context(context)?);
            } else {
                areas.push(toml::from_str::<Area>(&text).with_context(context)?);
            }
        }
        let Jits { jit, unneeded } = all.context("rust/features/ has no jits.toml")?;
        let data = Data {
            jits: jit,
            unneeded,
            areas,
        };
        data.check()?;
        Ok(data)
    }

    /// All features, those that are left out, too.
    pub(super) fn features(&self) -> impl Iterator<Item = &Feature> {
        self.areas.iter().flat_map(|area| &area.feature)
    }

    /// That names are those of something, and of one thing only.
    fn check(&self) -> Result<()> {
        let is_known = |name: &String| self.jits.iter().any(|jit| jit.name == *name);
        let mut names: Vec<&str> = Vec::new();
        for feature in self.features() {
            let name = feature.name.as_str();
            ensure!(!names.contains(&name), "{name}: is there twice");
            names.push(name);
            let lacking = feature.arch.iter().flat_map(|lack| &lack.jits);
            for jit in feature.by.keys().chain(lacking) {
                ensure!(is_known(jit), "{name}: there is no JIT {jit}");
            }
        }
        Ok(())
    }
}

impl Area {
    /// The rows of the table.
    pub(super) fn rows(&self) -> impl Iterator<Item = &Feature> {
        let rows = self.feature.iter();
        rows.filter(|feature| feature.left_out.is_none())
    }
}

/// All strings that a string with alternatives stands for.
pub(super) fn expand(text: &str) -> Vec<String> {
    let parts = text
        .split_once('{')
        .and_then(|(before, rest)| Some((before, rest.split_once('}')?)));
    let Some((before, (choices, after))) = parts else {
        return vec![text.to_owned()];
    };
    let ends = expand(after);
    let choices = choices.split(',');
    choices
        .flat_map(|choice| ends.iter().map(move |end| format!("{before}{choice}{end}")))
        .collect()
}
