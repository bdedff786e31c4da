// SPDX-License-Identifier: GPL-2.0

//! Where the suites are: what cargo and set-up have put on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, Context, Result};

use crate::tools::linux;

/// The directory of a package on which this one depends, as cargo has unpacked it.
pub(super) fn package(name: &str) -> Result<PathBuf> {
    // Packages for other systems need not be there.
    let version = cargo(&["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("cargo does not say what it runs on")?;
    let arguments = [
        "metadata",
        "--format-version=1",
        // Those that this program is built with. What others ask for may still have to be fetched.
        "--features=emulator",
        "--locked",
    ];
    let metadata = cargo(&[&arguments[..], &["--filter-platform", host]].concat())?;
    let key = "\"manifest_path\":\"";
    for (at, _) in metadata.match_indices(key) {
        let path = metadata[at + key.len()..].split('"').next();
        let directory = path.and_then(|path| Path::new(path).parent());
        let Some(directory) = directory else {
            continue;
        };
        let last = directory.file_name().unwrap_or_default().to_string_lossy();
        if last
            .strip_prefix(name)
            .is_some_and(|rest| rest.starts_with('-'))
        {
            return Ok(directory.to_owned());
        }
    }
    bail!("cargo has no package {name}: {FETCH}")
}

/// How to get packages.
const FETCH: &str = "run `cargo fetch --locked` where crates.io can be reached";

/// What cargo says.
fn cargo(arguments: &[&str]) -> Result<String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cargo does not run")?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        let message = message.lines().next().unwrap_or_default();
        bail!("{message}: {FETCH}");
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A compiler for BPF.
pub(super) fn clang() -> PathBuf {
    linux::found("CLANG").map_or_else(|| "clang-19".into(), PathBuf::from)
}
