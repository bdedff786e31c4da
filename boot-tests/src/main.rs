// SPDX-License-Identifier: GPL-2.0

//! What does the kernel say about the JIT when it runs it?
//!
//! ```text
//! graft ──> configure ──> build ──> initrd ──> boot ──> judge
//! tree.rs   kconfig.rs    kernel.rs initrd.rs  qemu.rs  judge.rs
//! ```
//!
//! This program takes a pristine Linux tree through those steps and ends with one line that begins
//! with `PASS` or `FAIL`, and an exit status that agrees with it. `make` is its front door; each verb
//! there is a subcommand here. Machines, suites and the plan of `make test` are data files, so that
//! adding one changes no code.
//!
//! Exit status: 0 passed, 1 failed, 2 could not be judged (a wrong variable, a build that broke),
//! 130 interrupted.

mod bench;
mod boot;
mod child;
mod console;
mod counts;
mod cpio;
mod data;
mod expected;
mod explain;
mod hosttest;
mod initrd;
mod interrupt;
mod job;
mod judge;
mod kconfig;
mod kernel;
mod matrix;
mod object;
mod page;
mod place;
mod plan;
mod qemu;
mod report;
mod seen;
mod size;
mod split;
mod steps;
mod tree;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Builds kernels with the JIT in them, boots them in QEMU and judges what they print.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    /// Top of the project; found from the working directory if absent.
    #[arg(long, global = true)]
    root: Option<std::path::PathBuf>,
    /// Where trees, builds and logs are kept.
    #[arg(long, global = true, env = "MIPS_BPF_JIT_CACHE")]
    cache: Option<std::path::PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build a kernel, boot it and run one of the kernel's test suites.
    Boot(boot::Options),
    /// Boot every kernel on every machine it is built for, in every way.
    Matrix(matrix::Options),
    /// Run real programs interpreted, with the C JIT and with ours, and say what each costs.
    Bench(bench::Options),
    /// Build a router's kernel with the C JIT and with ours, and say how large they are.
    Size(size::Options),
    /// Everything in boot-tests/test-plan.toml: host tests, then boots.
    Test,
    /// One group of host tests of boot-tests/test-plan.toml: check, encode, exec, fuzz, prove.
    Host {
        /// Name of the group.
        group: String,
    },
    /// List the machines and suites there are.
    List,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Err(error) = interrupt::install() {
        eprintln!("boot-tests: {error:#}");
        return ExitCode::from(2);
    }
    match run(cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            interrupt::yield_to();
            eprintln!("boot-tests: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Says whether what was asked for passed.
fn run(cli: Cli) -> anyhow::Result<bool> {
    let place = place::Place::find(cli.root, cli.cache)?;
    match cli.verb {
        Verb::Boot(options) => boot::run(&place, &options),
        Verb::Matrix(options) => matrix::run(&place, &options),
        Verb::Bench(options) => bench::run(&place, &options),
        Verb::Size(options) => size::run(&place, &options),
        Verb::Test => plan::run_all(&place),
        Verb::Host { group } => plan::run_group(&place, &group),
        Verb::List => {
            print!("{}", data::list(&place)?);
            Ok(true)
        }
    }
}
