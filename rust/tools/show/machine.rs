// SPDX-License-Identifier: GPL-2.0

//! Machines: the files in `boot-tests/machines`, of which byte order and release matter here.

use std::path::Path;

use anyhow::{bail, Context, Result};

use crate::host;
use crate::jit::mips::{Cpu, Endian, Release};

/// Where the files are.
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../boot-tests/machines");

/// A machine to compile for.
pub(super) struct Machine {
    pub(super) cpu: Cpu,
}

impl Machine {
    /// The machine of this name.
    pub(super) fn named(name: &str) -> Result<Machine> {
        let known = known()?;
        if !known.iter().any(|machine| machine == name) {
            bail!("no machine '{name}'; there are {}", known.join(", "));
        }
        let path = Path::new(DIRECTORY).join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let endian = match value(&text, "endian") {
            Some("little") => Endian::Little,
            Some("big") => Endian::Big,
            _ => bail!("machine '{name}' has no byte order"),
        };
        let release = match value(&text, "release") {
            Some("1") => Release::R1,
            Some("2") => Release::R2,
            Some("6") => Release::R6,
            _ => bail!("machine '{name}' has a release that the compiler does not know"),
        };
        let cpu = match (value(&text, "bits"), release) {
            (None | Some("32"), release) => host::cpu(endian, release),
            (Some("64"), release) => host::cpu64(endian, release),
            _ => bail!("machine '{name}' is none that the compiler knows"),
        };
        Ok(Machine { cpu })
    }
}

/// The names of all machines.
fn known() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(DIRECTORY).with_context(|| DIRECTORY)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".toml").map(str::to_string));
    }
    names.sort();
    Ok(names)
}

/// What a line `key = value` says, without quotes and comment.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = value.split('#').next()?.trim().trim_matches('"');
        (name.trim() == key).then_some(value)
    })
}
