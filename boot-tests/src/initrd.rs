// SPDX-License-Identifier: GPL-2.0

//! What does the guest have besides its kernel?
//!
//! init, compiled here for the machine's byte order; the job; the modules; what suites want made; and
//! no libc.

use crate::child;
use crate::cpio::Archive;
use crate::hosttest;
use crate::job::Job;
use crate::kernel::Build;
use crate::place::Place;
use crate::steps::Step;
use crate::tree::write_whole;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes the initrd of a job in its run directory.
pub(crate) fn make(
    place: &Place,
    job: &Job,
    build: &Build<'_>,
    run: &Path,
    step: &Step<'_>,
) -> Result<PathBuf> {
    let mut archive = Archive::default();
    for dir in ["dev", "proc", "sys"] {
        archive.dir(dir);
    }
    archive.device("dev/console", 5, 1);
    archive.device("dev/kmsg", 1, 11);
    archive.file("init", &compile_init(place, job, run, step)?);
    archive.file("job", job.script()?.as_bytes());
    for module in job
        .suites
        .iter()
        .map(|suite| suite.module.as_str())
        .filter(|module| !module.is_empty())
        .collect::<BTreeSet<_>>()
    {
        let path = build.file(module);
        let bytes = std::fs::read(&path).with_context(|| format!("no {}", path.display()))?;
        let name = path.file_name().context("module without a name")?;
        archive.file(&name.to_string_lossy(), &bytes);
    }
    let mut files = Vec::new();
    for suite in &job.suites {
        let made_with = job.expect(suite)?.made_with;
        files.extend(suite.files.iter().map(|file| (file, made_with.clone())));
    }
    for (file, made_with) in files {
        let output = run.join(&file.name);
        let fill = |word: &String| {
            word.replace("{endian}", job.machine.endian.name())
                .replace("{linux}", &build.source().to_string_lossy())
                .replace("{vmlinux}", &build.vmlinux().to_string_lossy())
                .replace("{output}", &output.to_string_lossy())
        };
        let words: Vec<String> = file.command.iter().chain(&made_with).map(fill).collect();
        let log = run.join(format!("{}.log", file.name));
        let mut command = hosttest::command(place, &words)?;
        command.env("SEED", job.seed.to_string());
        child::must(&mut command, &log, step)
            .with_context(|| format!("cannot make {}", file.name))?;
        let bytes = std::fs::read(&output).with_context(|| format!("no {}", output.display()))?;
        archive.file(&file.name, &bytes);
    }
    let initrd = run.join("initrd.cpio");
    write_whole(&initrd, &archive.finish())?;
    Ok(initrd)
}

fn compile_init(place: &Place, job: &Job, run: &Path, step: &Step<'_>) -> Result<Vec<u8>> {
    let cross = place.need("CROSS_COMPILE")?;
    let out = run.join("init");
    let isa = match job.machine.release {
        1 => "mips32",
        // A later release has what this one has, but for R6, which runs nothing older.
        2..=5 => "mips32r2",
        _ => "mips32r6",
    };
    let mut gcc = Command::new(format!("{cross}gcc"));
    gcc.arg(job.machine.endian.flag())
        .arg(format!("-march={isa}"));
    gcc.args([
        "-msoft-float",
        "-mno-abicalls",
        "-fno-pic",
        "-G0",
        "-Os",
        "-Wall",
        "-Werror",
    ]);
    gcc.args(["-ffreestanding", "-nostdlib", "-static", "-o"])
        .arg(&out);
    gcc.arg(place.data("init").join("init.c"));
    child::must(&mut gcc, &run.join("init.log"), step).context("init does not compile")?;
    Ok(std::fs::read(out)?)
}
