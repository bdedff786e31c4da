// SPDX-License-Identifier: GPL-2.0

//! How is a host test run?
//!
//! As the command in the plan says, from the top of the project, with the tools that set-up found
//! in its environment; `cargo` stands for the one that set-up found.

use crate::child;
use crate::counts::{count, Counts, Style};
use crate::place::Place;
use crate::steps::Step;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::process::Command;

/// Tools a host test may use.
const TOOLS: &[&str] = &[
    "CARGO",
    "CLANG",
    "LIBCLANG_PATH",
    "LLVM_MC",
    "LLVM_OBJDUMP",
    "MIPS_AS",
    "MIPS_OBJDUMP",
    "PKG_CONFIG_PATH",
];

/// One [[host]] of the plan.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HostTest {
    /// `make check` and the like run one group.
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) command: Vec<String>,
    pub(crate) counts: Style,
}

/// A command of a data file, with the tools that were found.
pub(crate) fn command(place: &Place, words: &[String]) -> Result<Command> {
    let (program, arguments) = words.split_first().context("an empty command")?;
    let program = match program.as_str() {
        "cargo" => place.tool("CARGO").unwrap_or("cargo"),
        other => other,
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(&place.root);
    command
        .env("MIPS_BPF_JIT_CACHE", &place.cache)
        .env("CARGO_TERM_COLOR", "never");
    for key in TOOLS {
        if let Some(value) = place.tool(key) {
            command.env(key, value);
        }
    }
    Ok(command)
}

/// Runs it; explains a failure.
pub(crate) fn run(place: &Place, test: &HostTest, step: &Step<'_>) -> Result<(Counts, String)> {
    let mut command = command(place, &test.command)?;
    let name = test.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let log = place
        .cache
        .join("log")
        .join(format!("host-{}-{name}.log", test.group));
    let status = child::run(&mut command, &log, step)?;
    let output = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    let counts = count(test.counts, &output, status.success());
    let mut why = String::new();
    if counts.failed != 0 {
        let again = test.command.join(" ");
        why = format!(
            "{}\nlog: {}\nagain: {again}",
            child::excerpt(&output),
            log.display()
        );
    }
    Ok((counts, why))
}
