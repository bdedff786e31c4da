// SPDX-License-Identifier: GPL-2.0

//! `make test`: everything that must hold before a change goes in, within CI's time.
//!
//! ```text
//! this thread   host tests | kernel A | kernel B | ...
//! workers                               boot of A | boot of A, hardened
//!                                          boot of B
//! ```
//!
//! Builds take every core, so they go one by one; a boot takes one core, so as many run at once as
//! there are cores, beside the next build. What is done is data: boot-tests/test-plan.toml.

use crate::boot;
use crate::counts::Counts;
use crate::data;
use crate::explain;
use crate::hosttest::{self, HostTest};
use crate::interrupt;
use crate::job::{self, Jit, Job};
use crate::judge::judge;
use crate::kernel::Build;
use crate::place::{self, Place};
use crate::steps::Steps;
use anyhow::{bail, Context, Result};
use clap::ValueEnum;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// test-plan.toml
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    host: Vec<HostTest>,
    boot: Vec<Planned>,
}

/// One [[boot]] of the plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Planned {
    #[serde(default)]
    kernels: Kernels,
    machine: String,
    suite: String,
    #[serde(default = "rust")]
    jit: String,
    #[serde(default)]
    harden: u8,
    /// As RANGE: "first,last".
    #[serde(default)]
    range: Option<String>,
    #[serde(default)]
    icount: bool,
}

/// On which kernels.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kernels {
    /// On the newest series.
    #[default]
    Newest,
    /// On every series there is.
    All,
}

impl Kernels {
    fn series(self, place: &Place) -> Result<Vec<String>> {
        match self {
            Kernels::Newest => Ok(vec![place.newest()?]),
            Kernels::All => place.series(),
        }
    }
}

fn rust() -> String {
    "rust".to_owned()
}

impl Planned {
    /// A job for each kernel.
    fn jobs(&self, place: &Place) -> Result<Vec<Job>> {
        let series = self.kernels.series(place)?;
        series.into_iter().map(|one| self.job(place, one)).collect()
    }

    fn job(&self, place: &Place, kernel: String) -> Result<Job> {
        let job = Job {
            kernel,
            machine: data::machine(place, &self.machine)?,
            jit: Jit::from_str(&self.jit, false)
                .ok()
                .context("an unknown jit in the plan")?,
            harden: self.harden,
            suite: self.suite.clone(),
            suites: data::suites(place, &self.suite)?,
            range: self.range.as_deref().map(str::parse).transpose()?,
            icount: self.icount,
            seed: job::seed()?,
            linux: None,
            trace: None,
        };
        job.check()?;
        Ok(job)
    }
}

fn read(place: &Place) -> Result<Plan> {
    data::parse(&place.root.join("boot-tests"), "test-plan")
}

/// The host tests of one group. Says whether they passed.
pub(crate) fn run_group(place: &Place, group: &str) -> Result<bool> {
    let mut tests = read(place)?.host;
    let mut groups: Vec<String> = tests.iter().map(|test| test.group.clone()).collect();
    groups.dedup();
    tests.retain(|test| test.group == group);
    if tests.is_empty() {
        bail!("unknown group {group:?}: known are {}", groups.join(", "));
    }
    let tally = Tally::new(Steps::new(tests.len()));
    run_host(place, &tests, &tally);
    Ok(tally.close())
}

/// All of the plan. Says whether it passed.
pub(crate) fn run_all(place: &Place) -> Result<bool> {
    let plan = read(place)?;
    let mut kernels: BTreeMap<String, Vec<Job>> = BTreeMap::new();
    let mut order = Vec::new();
    let mut boots = 0;
    for planned in &plan.boot {
        let jobs = planned.jobs(place)?;
        boots += jobs.len();
        for job in jobs {
            let name = job.build_name();
            if !order.contains(&name) {
                order.push(name.clone());
            }
            kernels.entry(name).or_default().push(job);
        }
    }
    let steps = plan.host.len() + order.len() * boot::STEPS_OF_KERNEL + boots * boot::STEPS_OF_BOOT;
    let tally = Tally::new(Steps::new(steps));
    let cores = Cores::new(place::cores());
    run_host(place, &plan.host, &tally);
    std::thread::scope(|scope| {
        for name in &order {
            let jobs = &kernels[name];
            let build = match boot::prepare(place, &jobs[0], &tally.steps) {
                Ok(build) => Arc::new(build),
                Err(error) => {
                    tally.add_dead(jobs.len() as u64, &format!("{name}: {error:#}"));
                    continue;
                }
            };
            for job in jobs {
                let (build, tally, cores) = (build.clone(), &tally, &cores);
                scope.spawn(move || run_boot(place, job, &build, tally, cores));
            }
        }
    });
    Ok(tally.close())
}

fn run_host(place: &Place, tests: &[HostTest], tally: &Tally) {
    for test in tests {
        let step = tally.steps.begin(&format!("{}: {}", test.group, test.name));
        match hosttest::run(place, test, &step) {
            Ok((counts, why)) => {
                step.end(&counts.to_string());
                tally.add(counts, &why);
            }
            Err(error) => {
                interrupt::yield_to();
                step.end("did not run");
                tally.add_dead(1, &format!("{}: {error:#}", test.name));
            }
        }
    }
}

fn run_boot(place: &Place, job: &Job, build: &Build<'_>, tally: &Tally, cores: &Cores) {
    let _core = cores.take();
    let outcome = match boot::start(place, job, build, &tally.steps) {
        Ok(outcome) => outcome,
        Err(error) => {
            interrupt::yield_to();
            return tally.add_dead(1, &format!("{}: {error:#}", job.run_name()));
        }
    };
    match judge(job, &outcome) {
        Ok(verdicts) => {
            tally
                .steps
                .print(&explain::explain(job, &[&outcome.log], &verdicts));
            for verdict in &verdicts {
                let (passed, failed) = (u64::from(verdict.passed), u64::from(verdict.failed));
                tally.add(Counts { passed, failed }, "");
            }
        }
        Err(error) => tally.add_dead(1, &format!("{error:#}")),
    }
}

/// Sums up all that ran.
struct Tally {
    steps: Steps,
    counts: Mutex<Counts>,
}

impl Tally {
    fn new(steps: Steps) -> Self {
        Self {
            steps,
            counts: Mutex::new(Counts::default()),
        }
    }

    fn add(&self, counts: Counts, why: &str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner) += counts;
        if !why.is_empty() {
            self.steps.print(why);
        }
    }

    /// What died before it could count anything.
    fn add_dead(&self, failed: u64, why: &str) {
        interrupt::yield_to();
        self.add(Counts { passed: 0, failed }, &format!("FAIL: {why}"));
    }

    /// The very last line.
    fn close(self) -> bool {
        let counts = self
            .counts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        println!("{:.0} s in all", self.steps.elapsed());
        println!("{counts}");
        counts.failed == 0 && counts.passed > 0
    }
}

/// As many as the machine has; a boot takes one.
pub(crate) struct Cores {
    free: Mutex<usize>,
    freed: Condvar,
}

pub(crate) struct Core<'a>(&'a Cores);

impl Cores {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }

    /// Waits for one.
    pub(crate) fn take(&self) -> Core<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Core(self)
    }
}

impl Drop for Core<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_plan_parses_and_names_what_there_is() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let place = Place::find(Some(root), Some("/nonexistent".into())).unwrap();
        let plan = read(&place).unwrap();
        assert!(plan.host.iter().any(|test| test.group == "check"));
        for planned in &plan.boot {
            assert!(!planned.jobs(&place).unwrap().is_empty());
        }
        assert!(run_group(&place, "chekc").is_err());
    }

    #[test]
    fn anything_that_failed_fails_all() {
        let tally = Tally::new(Steps::quiet());
        tally.add(
            Counts {
                passed: 3,
                failed: 0,
            },
            "",
        );
        tally.add_dead(1, "it died");
        assert!(!tally.close());
        assert!(!Tally::new(Steps::quiet()).close());
    }
}
