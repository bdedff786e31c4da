// SPDX-License-Identifier: GPL-2.0

//! `make size`: what does the JIT take of a router's flash?
//!
//! A kernel for the routers' processor, compiled for size, with modules, is built twice: with the C JIT and
//! without Rust, and with ours. Objects are compared by their code and constants, kernels as they are in memory and as a
//! router flashes them, compressed by LZMA with OpenWrt's settings. Nothing is booted.

use crate::boot;
use crate::child::output;
use crate::data;
use crate::interrupt;
use crate::job::{Jit, Job};
use crate::kernel::Build;
use crate::place::Place;
use crate::steps::Steps;
use anyhow::{bail, ensure, Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which kernel.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Kernel series; the newest unless given.
    #[arg(long, default_value = "")]
    kernel: String,
    /// Write the table to this file, too.
    #[arg(long, default_value = "")]
    table: String,
}

/// Of the byte order and release that routers have.
const MACHINE: &str = "malta-le-r2";
/// What makes it a router's kernel, below boot-tests/kconfig.
const FRAGMENT: &str = "router";
/// A flashed kernel may grow by this many bytes, at most.
const GROWTH: u64 = 16 << 10;

/// Where objects are in a build.
const OBJECTS: [(Jit, &[&str]); 2] = [
    (
        Jit::C,
        &[
            "arch/mips/net/bpf_jit_comp.o",
            "arch/mips/net/bpf_jit_comp32.o",
        ],
    ),
    (
        Jit::Rust,
        &[
            crate::object::JIT,
            "arch/mips/net/bpf_jit_rust/rust/bpf_jit_mips_shim.o",
            "arch/mips/net/bpf_jit_rust/rust/bpf_jit_mips_machine.o",
        ],
    ),
];

/// What was found, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sizes {
    objects: u64,
    raw: u64,
    flashed: u64,
}

/// The verb. Says whether the kernel grows by no more than it may.
pub(crate) fn run(place: &Place, options: &Options) -> Result<bool> {
    let kernel = match options.kernel.as_str() {
        "" => place.newest()?,
        series => series.to_owned(),
    };
    place.pristine(&kernel)?;
    let steps = Steps::new(OBJECTS.len() * (boot::STEPS_OF_KERNEL + 1));
    let mut found = Vec::new();
    for (jit, objects) in OBJECTS {
        let job = job(place, &kernel, jit)?;
        let build = boot::prepare(place, &job, &steps)?;
        interrupt::yield_to();
        let step = steps.begin("compressing the kernel");
        let sizes = measure(place, &build, objects)?;
        step.end(&format!("{} bytes", sizes.flashed));
        found.push(sizes);
    }
    let [c, rust] = found[..] else {
        bail!("two kernels are compared");
    };
    let page = page(&kernel, c, rust);
    print!("{page}");
    if !options.table.is_empty() {
        std::fs::write(&options.table, &page)
            .with_context(|| format!("{} cannot be written", options.table))?;
    }
    let (is_well, verdict) = verdict(c, rust);
    println!("{verdict}");
    Ok(is_well)
}

fn job(place: &Place, kernel: &str, jit: Jit) -> Result<Job> {
    // Of a suite there are only the fragments here.
    let suite = "test_bpf";
    let mut suites = data::suites(place, suite)?;
    for suite in &mut suites {
        suite.kconfig = vec![FRAGMENT.to_owned()];
        suite.kconfig32.clear();
    }
    let machine = data::machine(place, MACHINE)?;
    let job = Job::whole(kernel, machine, jit, suite, suites);
    job.check_machine(place)?;
    Ok(job)
}

fn measure(place: &Place, build: &Build<'_>, objects: &[&str]) -> Result<Sizes> {
    let cross = place.need("CROSS_COMPILE")?;
    let paths: Vec<PathBuf> = objects.iter().map(|object| build.file(object)).collect();
    let text = output(Command::new(format!("{cross}size")).args(&paths))?;
    let raw = build.file("vmlinux.router.bin");
    // As arch/mips/boot/Makefile makes vmlinux.bin.
    let mut objcopy = Command::new(format!("{cross}objcopy"));
    objcopy.args(["-O", "binary", "-R", ".note", "-R", ".comment", "-S"]);
    output(objcopy.arg(build.vmlinux()).arg(&raw))?;
    Ok(Sizes {
        objects: loaded(&text, objects.len()).context("size says something else than sizes")?,
        raw: std::fs::metadata(&raw)?.len(),
        flashed: compressed(&raw)?,
    })
}

/// What so many objects have that is loaded: the first three columns of their lines, which come behind one
/// that names columns.
fn loaded(text: &str, objects: usize) -> Option<u64> {
    let (names, lines) = text.split_once('\n')?;
    let mut columns = names.split_whitespace();
    if !columns.by_ref().take(3).eq(["text", "data", "bss"]) || lines.lines().count() != objects {
        return None;
    }
    let mut sum = 0;
    for line in lines.lines() {
        let mut columns = line.split_whitespace();
        for _ in 0..3 {
            sum += columns.next()?.parse::<u64>().ok()?;
        }
    }
    (sum != 0).then_some(sum)
}

/// As OpenWrt does it for these routers (`include/image-commands.mk`).
fn compressed(raw: &Path) -> Result<u64> {
    let mut xz = Command::new("xz");
    xz.args([
        "--format=lzma",
        "--lzma1=preset=9e,lc=1,lp=2,pb=2",
        "--stdout",
    ]);
    let output = xz
        .arg(raw)
        .output()
        .context("xz does not run; install your system's package xz-utils")?;
    ensure!(
        output.status.success(),
        "xz fails: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout.len() as u64)
}

fn page(kernel: &str, c: Sizes, rust: Sizes) -> String {
    let mut text = format!("Linux {kernel} for MT7628, compiled for size, with modules; bytes\n");
    text += &format!(
        "{:32} {:>12} {:>12} {:>12}\n",
        "", "C, no Rust", "Rust", "more"
    );
    let rows = [
        ("objects of the JIT", c.objects, rust.objects),
        ("kernel in memory", c.raw, rust.raw),
        ("kernel in flash, LZMA", c.flashed, rust.flashed),
    ];
    for (what, c, rust) in rows {
        let more = rust as i64 - c as i64;
        text += &format!("{what:32} {c:>12} {rust:>12} {more:>+12}\n");
    }
    text
}

/// Whether that is well, and a line that says so.
fn verdict(c: Sizes, rust: Sizes) -> (bool, String) {
    let growth = rust.flashed as i64 - c.flashed as i64;
    let is_well = growth < GROWTH as i64;
    let word = if is_well { "PASS" } else { "FAIL" };
    let limit = GROWTH;
    let line = format!(
        "{word}: the flashed kernel grows by {growth} bytes, of less than {limit}; objects {:.2} of C's (goal 1.00)",
        rust.objects as f64 / c.objects as f64
    );
    (is_well, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_loaded_is_counted() {
        let text = "   text\t   data\t    bss\t    dec\t    hex\tfilename\n 20\t3\t1\t24\t18\ta.o\n 5\t0\t0\t5\t5\tb.o\n";
        assert_eq!(loaded(text, 2), Some(29));
        // One is missing, or the names are.
        assert_eq!(loaded(text, 3), None);
        assert_eq!(loaded(" 20 3 1 24 18 a.o\n 5 0 0 5 5 b.o\n", 1), None);
        assert_eq!(loaded("no such file", 0), None);
        assert_eq!(loaded("text data bss\nx 1 2\n", 1), None);
    }

    #[test]
    fn a_kernel_may_grow_so_far() {
        let sizes = |flashed| Sizes {
            objects: 100,
            raw: 1000,
            flashed,
        };
        assert!(verdict(sizes(500), sizes(500 + GROWTH - 1)).0);
        let (is_well, line) = verdict(sizes(500), sizes(500 + GROWTH));
        assert!(
            !is_well && line.starts_with("FAIL: the flashed kernel grows by 16384 bytes"),
            "{line}"
        );
        assert!(verdict(sizes(500), sizes(400)).0);
    }
}
