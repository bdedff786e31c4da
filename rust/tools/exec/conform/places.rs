// SPDX-License-Identifier: GPL-2.0

//! Where the suites are: what cargo and set-up have put on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{bail, ensure, Context, Result};

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

/// The kernel's source: `LINUX`, or what set-up has got.
pub(super) fn linux() -> Result<PathBuf> {
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

/// Which kernel: the newest series, as it has the most programs.
fn series() -> Result<String> {
    let numbers = |name: &str| -> Vec<u32> {
        let numbers = name.split('.').map(|number| number.parse().unwrap_or(0));
        numbers.collect()
    };
    let patches = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patches");
    let entries = std::fs::read_dir(&patches).context("no patches")?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    let newest = names.max_by_key(|name| numbers(name));
    newest.context("patches/ has no kernel series")
}

/// A compiler for BPF.
pub(super) fn clang() -> PathBuf {
    found("CLANG").map_or_else(|| "clang-19".into(), PathBuf::from)
}

fn setting(key: &str) -> Option<String> {
    std::env::var(key).ok().filter(|value| !value.is_empty())
}

/// What set-up has found: the runner hands some of it on, all of it is in the cache.
fn found(key: &str) -> Option<String> {
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
