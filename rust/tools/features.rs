// SPDX-License-Identifier: GPL-2.0

//! `make features`: what this JIT and others can do, from their sources: `Documentation/features.rst`.
//!
//! ```text
//!  rust/features/*.toml --+                +--> the page
//!  our source ------------+--> verdicts ---+
//!  the kernel's source ---+                +--> is the page that, and is all there that it names?
//! ```
//!
//! [`data`] is what is asked, [`judge`] what the answer is, [`check`] what must hold.

mod check;
mod data;
mod evidence;
mod helpers;
mod judge;
mod page;
mod source;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{bail, ensure, Context, Result};
use clap::Parser;

use check::{check, Places};
use data::Data;
use judge::Known;
use source::Tree;

/// Where the page is.
const PAGE: &str = "Documentation/features.rst";

/// Says what this JIT and others can do.
#[derive(Debug, Parser)]
#[command(name = "features")]
struct Arguments {
    /// Check the page and all that it names, as far as that is possible without the kernel's source if it
    /// is not there.
    #[arg(long)]
    check: bool,
    /// Write the page to this file. Needs the kernel's source.
    #[arg(long, conflicts_with = "check")]
    table: Option<PathBuf>,
}

/// Runs the command.
pub fn main() -> ExitCode {
    super::conclude("features", run(&Arguments::parse()))
}

/// The source, if it is of the series that the page is about.
fn of_series(linux: PathBuf, series: &str) -> Result<PathBuf> {
    let makefile = fs::read_to_string(linux.join("Makefile"))?;
    let number = |key: &str| {
        let mut lines = makefile.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.trim().strip_prefix('='));
        value.map_or("", str::trim)
    };
    let found = format!("{}.{}", number("VERSION"), number("PATCHLEVEL"));
    ensure!(
        found == series,
        "{} is Linux {found}, and the page about {series}",
        linux.display()
    );
    Ok(linux)
}

fn run(arguments: &Arguments) -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let data = Data::read(&root)?;
    let series = super::linux::series()?;
    let linux = super::linux::source().and_then(|linux| of_series(linux, &series));
    let linux = match (linux, arguments.check) {
        (Ok(linux), _) => Some(linux),
        (Err(error), true) => {
            println!("not checked: other JITs, citations, names of the kernel's tests: {error:#}");
            None
        }
        (Err(error), false) => return Err(error),
    };
    let file = arguments.table.clone().unwrap_or_else(|| root.join(PAGE));
    let old = fs::read_to_string(&file).unwrap_or_default();
    let cells = page::cells(&old);
    let known = Known::read(&data, &root, &series, linux.as_deref(), cells)?;
    let new = page::page(&known)?;
    if !arguments.check && arguments.table.is_none() {
        print!("{new}");
        return Ok(true);
    }
    if arguments.table.is_some() {
        fs::write(&file, &new).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let (project, kernel) = (Tree::new(&root), linux.as_deref().map(Tree::new));
    let places = Places {
        project: &project,
        linux: kernel.as_ref(),
        forms: &super::prove::form_names,
    };
    let mut findings = check(&known, &places)?;
    let sources = super::linux::sources();
    if sources.is_empty() {
        println!("not checked: what helpers take and give, since there is no source");
    }
    for linux in sources {
        helpers::check(&root, &linux, &mut findings)?;
    }
    match arguments.table.is_some() || old == new {
        true => findings.passed += 1,
        false => findings.faults.push(format!(
            "{PAGE} is not what it would be now: make features TABLE={PAGE}"
        )),
    }
    for fault in &findings.faults {
        println!("FAIL: {fault}");
    }
    println!(
        "{} passed, {} failed",
        findings.passed,
        findings.faults.len()
    );
    if findings.passed == 0 {
        bail!("nothing was checked");
    }
    Ok(findings.faults.is_empty())
}
