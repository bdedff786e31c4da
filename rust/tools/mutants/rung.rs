// SPDX-License-Identifier: GPL-2.0

//! What judges a mutant: programs of the tree that it was seeded in, built with it.
//!
//! A judge that finds something exits with 1, one that panics with 101, as images do that fail the
//! checks of `host::check`. A judge that runs too long has been sent in circles by the mutant. Any
//! other end says nothing of the mutant, and ends the run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{bail, Context, Result};

use super::tree::Tree;
use crate::host::mutants::Mutant;

/// The longest that a rung may take; without a mutant they take a fraction of it.
const LIMIT: Duration = Duration::from_secs(900);

/// How long to wait between looks at a judge.
const PAUSE: Duration = Duration::from_millis(20);

/// Exit codes of a judge that has found something.
const FOUND: [i32; 2] = [1, 101];

/// Random programs that a mutant is executed with.
const PROGRAMS: &str = "400";

/// The seed of all that is random, so that a table can be made again.
const SEED: &str = "1";

/// Tests of listings and sizes, which say that code has changed.
const GOLDEN: [&str; 3] = ["tests::golden", "tests::sizes", "tests::trampoline::golden"];

/// Tests of the tree itself.
const OF_THE_TREE: [&str; 2] = ["tests::rules", "tests::mutants"];

/// What assemblers judge.
const ENCODING: &str = "rust/jit/mips/";

/// What sees more than one instruction, and is no part of any theorem.
const WHOLE_PROGRAMS: [&str; 3] = [
    "rust/jit/analysis/",
    "rust/jit/bpf.rs",
    "rust/jit/layout.rs",
];

/// Name of the build that has no mutant.
const UNMUTATED: &str = "unmutated";

/// Something that judges mutants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rung {
    Golden,
    Unit,
    Encode,
    Prove,
    Exec,
}

impl Rung {
    /// All, quick ones first.
    pub(super) const ALL: [Rung; 5] = [
        Rung::Golden,
        Rung::Unit,
        Rung::Encode,
        Rung::Prove,
        Rung::Exec,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Rung::Golden => "golden",
            Rung::Unit => "unit",
            Rung::Encode => "encode",
            Rung::Prove => "prove",
            Rung::Exec => "exec",
        }
    }

    /// Whether it judges what code means, not just whether it has changed.
    pub(super) fn is_of_meaning(self) -> bool {
        self != Rung::Golden
    }

    /// Whether it can tell something of the mutant.
    pub(super) fn applies_to(self, mutant: &Mutant) -> bool {
        let is_in = |place: &&str| mutant.file.starts_with(*place);
        match self {
            Rung::Encode => is_in(&ENCODING),
            Rung::Prove => !WHOLE_PROGRAMS.iter().any(is_in),
            _ => true,
        }
    }

    /// Whether it judges one machine at a time.
    fn is_for_a_machine(self) -> bool {
        matches!(self, Rung::Prove | Rung::Exec)
    }
}

/// What a rung says of a mutant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Verdict {
    #[default]
    NotRun,
    Missed,
    Caught,
}

impl Verdict {
    /// How it is written.
    pub(super) fn sign(self) -> char {
        match self {
            Verdict::NotRun => '.',
            Verdict::Missed => '-',
            Verdict::Caught => '+',
        }
    }

    /// What is written so.
    pub(super) fn of_sign(sign: char) -> Option<Self> {
        [Verdict::NotRun, Verdict::Missed, Verdict::Caught]
            .into_iter()
            .find(|verdict| verdict.sign() == sign)
    }
}

/// What a rung is run on.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    /// Names the log.
    name: &'a str,
    machine: &'a str,
    /// What to prove first.
    form: Option<&'a str>,
}

impl<'a> Job<'a> {
    /// The job to judge a mutant.
    pub(super) fn of(mutant: &'a Mutant) -> Self {
        Job {
            name: &mutant.name,
            machine: &mutant.machine,
            form: mutant.form.as_deref(),
        }
    }
}

/// Builds and runs rungs.
pub(super) struct Bench {
    cargo: PathBuf,
    target: PathBuf,
    logs: PathBuf,
    /// Remembers what was proved.
    proved: PathBuf,
    /// Remembers which rungs have passed without a mutant, and of what tree.
    passed: PathBuf,
}

impl Bench {
    /// A bench with its builds and logs in a directory.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub(super) fn new(work: &Path) -> Result<Self> {
        let logs = work.join("log");
        fs::create_dir_all(&logs).with_context(|| format!("cannot make {}", logs.display()))?;
        Ok(Bench {
            cargo: std::env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from),
            target: work.join("target"),
            proved: work.join("proved"),
            passed: work.join("passed"),
            logs,
        })
    }

    /// Sees that the rungs pass which the mutants need, unless they have for the same tree.
    ///
    /// # Errors
    ///
    /// A rung fails without any mutant.
    pub(super) fn judge_unmutated<'m>(
        &self,
        tree: &Tree,
        mutants: impl Iterator<Item = &'m Mutant> + Clone,
    ) -> Result<()> {
        println!("building without a mutant ...");
        if !self.build(tree, UNMUTATED)? {
            bail!(
                "the tree does not build: see {}",
                self.log(UNMUTATED).display()
            );
        }
        let known = fs::read_to_string(&self.passed).unwrap_or_default();
        let is_ours = |line: &&str| line.starts_with(&tree.digest);
        let mut passed: Vec<String> = known.lines().filter(is_ours).map(str::to_owned).collect();
        for rung in Rung::ALL {
            for mutant in mutants.clone().filter(|mutant| rung.applies_to(mutant)) {
                let mut line = format!("{} {}", tree.digest, rung.name());
                if rung.is_for_a_machine() {
                    line += &format!(" {}", mutant.machine);
                }
                if passed.contains(&line) {
                    continue;
                }
                let began = Instant::now();
                let job = Job {
                    name: UNMUTATED,
                    machine: &mutant.machine,
                    form: None,
                };
                let verdict = self.run(tree, rung, job)?;
                if verdict != Verdict::Missed {
                    let log = self.log(UNMUTATED);
                    bail!("{} fails without a mutant: {}", rung.name(), log.display());
                }
                let took = began.elapsed().as_secs_f64();
                println!(
                    "passes without a mutant:{} ({took:.0} s)",
                    &line[tree.digest.len()..]
                );
                passed.push(line);
                fs::write(&self.passed, passed.join("\n"))?;
            }
        }
        Ok(())
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(name).with_extension("log")
    }

    fn program(&self, name: &str) -> PathBuf {
        self.target.join("mutants").join(name)
    }

    /// Builds the judges; whether that succeeds.
    ///
    /// # Errors
    ///
    /// Cargo does not run.
    pub(super) fn build(&self, tree: &Tree, name: &str) -> Result<bool> {
        let log = File::create(self.log(name)).context("cannot write a log")?;
        let bins = ["prove", "exec", "encode"].map(|bin| format!("--bin={bin}"));
        let common = ["--locked", "--profile=mutants", "--package=bpf-jit-mips"];
        for (verb, what) in [
            (
                "build",
                &[&["--features=emulator".to_owned()], &bins[..]].concat(),
            ),
            ("test", &["--lib", "--no-run"].map(str::to_owned).to_vec()),
        ] {
            let status = Command::new(&self.cargo)
                .arg(verb)
                .args(common)
                .args(what)
                .env("CARGO_TARGET_DIR", &self.target)
                .current_dir(&tree.root)
                .stdout(log.try_clone()?)
                .stderr(log.try_clone()?)
                .status()
                .with_context(|| format!("cannot run {}", self.cargo.display()))?;
            if !status.success() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The host tests, as the last build has named them.
    fn tests(&self, tree: &Tree, name: &str) -> Result<PathBuf> {
        let log = fs::read_to_string(self.log(name))?;
        let place = log.lines().find_map(|line| {
            let (_, place) = line.trim().strip_prefix("Executable ")?.split_once('(')?;
            place.strip_suffix(')')
        });
        Ok(tree
            .root
            .join(place.context("cargo does not name the tests")?))
    }

    fn command(&self, tree: &Tree, rung: Rung, job: Job<'_>) -> Result<Command> {
        let skip = |tests: &[&'static str]| -> Vec<&'static str> {
            tests.iter().flat_map(|test| ["--skip", test]).collect()
        };
        let mut command = match rung {
            Rung::Golden | Rung::Unit => Command::new(self.tests(tree, job.name)?),
            _ => Command::new(self.program(rung.name())),
        };
        match rung {
            Rung::Golden => command.args(GOLDEN),
            Rung::Unit => command.args(skip(&GOLDEN)).args(skip(&OF_THE_TREE)),
            Rung::Encode => &mut command,
            Rung::Prove => command
                .args(["--stop", "--machine", job.machine, "--memory"])
                .arg(&self.proved)
                .args(job.form.iter().flat_map(|form| ["--form", form])),
            Rung::Exec => command.args(["--stop", "--machine", job.machine]).args([
                "--seed",
                SEED,
                "--programs",
                PROGRAMS,
            ]),
        };
        // As cargo test would have it.
        command.current_dir(tree.root.join("rust"));
        Ok(command)
    }

    /// Runs a rung on what was built last.
    ///
    /// # Errors
    ///
    /// It does not run, or ends in a way that says nothing.
    pub(super) fn run(&self, tree: &Tree, rung: Rung, job: Job<'_>) -> Result<Verdict> {
        let log = File::options().append(true).open(self.log(job.name))?;
        let mut command = self.command(tree, rung, job)?;
        command.stdout(log.try_clone()?).stderr(log);
        let Some(status) = limited(&mut command).with_context(|| rung.name())? else {
            return Ok(Verdict::Caught);
        };
        match status.code() {
            Some(0) if rung == Rung::Prove && job.form.is_some() => {
                self.run(tree, rung, Job { form: None, ..job })
            }
            Some(0) => Ok(Verdict::Missed),
            Some(code) if FOUND.contains(&code) => Ok(Verdict::Caught),
            _ => {
                let log = self.log(job.name);
                bail!("{}: {status}: see {}", rung.name(), log.display())
            }
        }
    }
}

/// Runs a command; none if it takes too long.
fn limited(command: &mut Command) -> Result<Option<ExitStatus>> {
    let began = Instant::now();
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if began.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
}
