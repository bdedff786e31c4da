// SPDX-License-Identifier: GPL-2.0

//! `make boot`: from sources to a verdict.
//!
//! Three steps for a kernel, two for each guest, and one that judges. `make test` goes through the same ones for several jobs,
//! building one kernel while another runs; so each is a function here that does only its own.

use crate::data;
use crate::explain::{explain, is_pass};
use crate::job::{self, Jit, Job, Range};
use crate::judge::judge;
use crate::kernel::Build;
use crate::place::{self, Place};
use crate::qemu::{self, Outcome};
use crate::steps::Steps;
use crate::{initrd, split, tree};
use anyhow::{anyhow, Context, Result};
use std::path::{Path, PathBuf};

/// Which kernel, on which machine, with which JIT, doing what.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Kernel series; the newest unless given.
    #[arg(long, default_value = "")]
    kernel: String,
    /// One of boot-tests/machines.
    #[arg(long, default_value = "malta-le-r2")]
    machine: String,
    /// The JIT that compiles the programs; off: the interpreter runs them.
    #[arg(long, default_value = "rust")]
    jit: String,
    /// net.core.bpf_jit_harden: 0 off, 1 for unprivileged programs, 2 for all.
    #[arg(long, default_value = "0")]
    harden: String,
    /// One of boot-tests/suites.
    #[arg(long, default_value = "test_bpf")]
    suite: String,
    /// Only the tests FIRST,LAST.
    #[arg(long, default_value = "")]
    range: String,
    /// 1: guest time counts instructions, and is exact.
    #[arg(long, default_value = "0")]
    icount: String,
    /// How long a suite takes that can be told.
    #[arg(long, default_value = "")]
    seconds: String,
    /// A kernel tree of yours to graft and build instead of a copy.
    #[arg(long, default_value = "")]
    linux: String,
}

/// One line that lists what would have been right.
fn one_of<T: Copy>(variable: &str, value: &str, known: &[(&str, T)]) -> Result<T> {
    let found = known
        .iter()
        .find(|(name, _)| *name == value)
        .map(|(_, meaning)| *meaning);
    found.with_context(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        format!(
            "unknown {variable} {value:?}: known are {}",
            names.join(", ")
        )
    })
}

impl Options {
    /// Turns names into what they name.
    fn job(&self, place: &Place) -> Result<Job> {
        let range = (!self.range.is_empty()).then(|| self.range.parse::<Range>());
        let icount = [("0", false), ("1", true)];
        let mut suites = data::suites(place, &self.suite)?;
        job::set_seconds(&mut suites, &self.seconds)?;
        let job = Job {
            kernel: match self.kernel.as_str() {
                "" => place.newest()?,
                series => series.to_owned(),
            },
            machine: data::machine(place, &self.machine)?,
            jit: one_of(
                "JIT",
                &self.jit,
                &[("rust", Jit::Rust), ("c", Jit::C), ("off", Jit::Off)],
            )?,
            harden: one_of("HARDEN", &self.harden, &[("0", 0), ("1", 1), ("2", 2)])?,
            suite: self.suite.clone(),
            suites,
            range: range.transpose()?,
            icount: one_of("ICOUNT", &self.icount, &icount)?,
            seed: job::seed()?,
            linux: (!self.linux.is_empty()).then(|| PathBuf::from(&self.linux)),
            trace: None,
        };
        if job.linux.is_none() {
            place.pristine(&job.kernel)?;
        }
        job.check_machine(place)?;
        job.check()?;
        Ok(job)
    }
}

/// The verb. Says whether it passed.
pub(crate) fn run(place: &Place, options: &Options) -> Result<bool> {
    let job = options.job(place)?;
    let parts = split::parts(&job, place::cores())?;
    let steps = Steps::new(STEPS_OF_KERNEL + parts.len() * STEPS_OF_BOOT + 1);
    let name = format!("{} with JIT={}", job.machine.name, job.jit.name());
    println!(
        "Linux {} on {name}; logs and builds are in {}",
        job.kernel,
        place.cache.display()
    );
    let build = prepare(place, &job, &steps).map_err(|error| {
        anyhow!(
            "{error:#}
again: {}",
            job.again(None)
        )
    })?;
    if let Some(dir) = &job.linux {
        steps.print(&format!(
            "undo the graft: scripts/graft {} --undo",
            dir.display()
        ));
    }
    let outcomes = start_all(place, &parts, &build, &steps)?;
    let step = steps.begin("judging");
    let verdicts = parts.iter().zip(&outcomes);
    let verdicts = verdicts.map(|(part, outcome)| judge(part, outcome));
    let verdicts = split::join(&job, verdicts.collect::<Result<_>>()?)?;
    let logs: Vec<&Path> = outcomes
        .iter()
        .map(|outcome| outcome.log.as_path())
        .collect();
    step.end(if is_pass(&verdicts) {
        "passed"
    } else {
        "failed"
    });
    println!("{}", explain(&job, &logs, &verdicts));
    Ok(is_pass(&verdicts))
}

/// Steps of [`prepare`], and those of [`start`].
pub(crate) const STEPS_OF_KERNEL: usize = 3;
pub(crate) const STEPS_OF_BOOT: usize = 2;

/// Starts the parts of a job side by side.
fn start_all(
    place: &Place,
    parts: &[Job],
    build: &Build<'_>,
    steps: &Steps,
) -> Result<Vec<Outcome>> {
    std::thread::scope(|scope| {
        let one = |part| scope.spawn(move || start(place, part, build, steps));
        let running: Vec<_> = parts.iter().map(one).collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended
            .map(|end| end.unwrap_or_else(|_| Err(anyhow!("a boot ended in a panic"))))
            .collect()
    })
}

/// A kernel.
pub(crate) fn prepare<'a>(place: &'a Place, job: &'a Job, steps: &Steps) -> Result<Build<'a>> {
    let step = steps.begin(&format!("grafting into Linux {}", job.kernel));
    let (tree, _held) = tree::grafted(place, &job.kernel, job.linux.as_deref(), &step)?;
    step.end(&format!(
        "{} (Linux {})",
        tree.display(),
        tree::version(&tree)?
    ));

    let step = steps.begin(&format!("configuring {}", job.build_name()));
    let build = Build::open(place, job, tree, &step)?;
    let how = if build.configure(&step)? {
        "done, every option as asked"
    } else {
        "unchanged"
    };
    step.end(how);

    let step = steps.begin(&format!(
        "building {}, log {}",
        job.build_name(),
        build.log("build").display()
    ));
    build.build(&step)?;
    step.end("done");
    Ok(build)
}

/// What the machine printed.
pub(crate) fn start(place: &Place, job: &Job, build: &Build<'_>, steps: &Steps) -> Result<Outcome> {
    Ready::make(place, job, build, steps)?.boot(steps)
}

/// A job with all that its guest is started with. No other run has it meanwhile.
pub(crate) struct Ready<'a> {
    place: &'a Place,
    job: &'a Job,
    kernel: PathBuf,
    initrd: PathBuf,
    run: PathBuf,
    _lock: tree::Lock,
}

impl<'a> Ready<'a> {
    /// Makes the initrd.
    pub(crate) fn make(
        place: &'a Place,
        job: &'a Job,
        build: &Build<'_>,
        steps: &Steps,
    ) -> Result<Self> {
        let run = place.cache.join("run").join(job.run_name());
        std::fs::create_dir_all(&run)?;
        let step = steps.begin("making the initrd");
        let lock = tree::lock(place, &format!("run-{}", job.run_name()), &step)?;
        let initrd = initrd::make(place, job, build, &run, &step)?;
        step.end("done");
        Ok(Self {
            place,
            job,
            kernel: build.vmlinux(),
            initrd,
            run,
            _lock: lock,
        })
    }

    /// Differs if kernel, initrd or the command of QEMU do.
    pub(crate) fn identity(&self) -> Result<String> {
        let qemu = qemu::command(self.place, self.job, &self.kernel, &self.initrd)?;
        let mut text = format!("{:016x}", job::hash(format!("{qemu:?}").as_bytes()));
        for file in [&self.kernel, &self.initrd] {
            let bytes = std::fs::read(file);
            let bytes = bytes.with_context(|| format!("no {}", file.display()))?;
            text += &format!("-{:016x}", job::hash(&bytes));
        }
        Ok(text)
    }

    /// Boots it, and says what the machine printed.
    pub(crate) fn boot(&self, steps: &Steps) -> Result<Outcome> {
        let console = self.run.join("console.log");
        let what = format!("booting for {}, log {}", self.job.suite, console.display());
        let step = steps.begin(&what);
        let (kernel, initrd, run) = (&self.kernel, &self.initrd, &self.run);
        let outcome = qemu::boot(self.place, self.job, kernel, initrd, run, &step)?;
        step.end(&format!("{} lines", outcome.lines.len()));
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_values_list_the_known_ones() {
        let error = one_of("HARDEN", "3", &[("0", 0), ("1", 1)])
            .unwrap_err()
            .to_string();
        assert_eq!(error, "unknown HARDEN \"3\": known are 0, 1");
    }
}
