// SPDX-License-Identifier: GPL-2.0

//! Building libFuzzer around the core, and running it.
//!
//! What cargo-fuzz would do, with flags that a stable compiler takes, so that no other tool and no
//! other toolchain is needed. Three things differ. No sanitizer: the core contains no unsafe code,
//! and says so to the compiler, so that an access out of bounds is a panic. No tracing of
//! comparisons: it takes three quarters of the time, and which numbers matter is known to
//! [`crate::host::fuzz::mutate`]. No position-independent executable, so that the table of edges in
//! the file has the addresses that coverage needs.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};

use super::place::Place;

/// Counts every edge, and notes the address of each.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Ccodegen-units=1",
    "-Crelocation-model=static",
];

/// Bytes of the longest input, some 500 instructions; repeats make them more.
const LONGEST: &str = "-max_len=4096";

/// Seconds for one input. The longest programs take one or two on a busy machine; if the core did
/// no more than add up a table for each of their jumps, they would take 24.
const PATIENCE: &str = "-timeout=15";

/// Seconds between lines that say how far it is.
const PULSE: Duration = Duration::from_secs(10);

/// Lines of libFuzzer that are shown where it fails.
const EXCERPT: usize = 2;

/// A build of libFuzzer around the core.
pub(super) struct Target {
    pub(super) program: PathBuf,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) is_well: bool,
    pub(super) seconds: f64,
    /// Inputs judged.
    pub(super) runs: u64,
    /// What libFuzzer said of a failure.
    pub(super) why: String,
    /// The input that failed.
    pub(super) input: Option<PathBuf>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = self.runs as f64 / self.seconds.max(0.001);
        write!(
            f,
            "{} inputs in {:.0} s, {rate:.0} a second",
            self.runs, self.seconds
        )
    }
}

impl Target {
    /// Builds it; for an explicit target, so that the flags do not reach what runs while building.
    pub(super) fn build(place: &Place) -> Result<Target> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let host = host(Command::new(&cargo).arg("-vV"))?;
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let output = Command::new(&cargo)
            .args(["build", "--locked", "--quiet", "--message-format=json"])
            .args(["--profile", "fuzz", "--target", &host])
            .args(["--features", "fuzz", "--bin", "fuzz-target"])
            .args(["--manifest-path", manifest])
            .env_remove("RUSTFLAGS")
            .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        ensure!(output.status.success(), "the target cannot be built");
        let text = String::from_utf8_lossy(&output.stdout);
        let program = executable(&text).context("cargo built no program")?;
        // What runs is a copy: the next build may be at hand before this run ends.
        let copy = place.log().with_file_name("fuzz-target");
        let _ = fs::remove_file(&copy);
        fs::copy(program, &copy).with_context(|| format!("{}", copy.display()))?;
        Ok(Target { program: copy })
    }

    /// Lets it look for failures.
    pub(super) fn run(&self, place: &Place, seconds: u64, seed: u32) -> Result<Outcome> {
        let began = Instant::now();
        let mut child = Command::new(&self.program)
            .arg(place.corpus())
            .arg(place.seeds())
            .arg(format!("-artifact_prefix={}/", place.failed().display()))
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-seed={seed}"))
            .args([LONGEST, PATIENCE, "-entropic_scale_per_exec_time=1"])
            .args(["-print_final_stats=1", "-verbosity=1"])
            // Where it panicked is enough; the input is kept.
            .env("RUST_BACKTRACE", "0")
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run the target")?;
        let mut outcome = follow(&mut child, place)?;
        outcome.is_well = child.wait()?.success();
        outcome.seconds = began.elapsed().as_secs_f64();
        if !outcome.is_well && outcome.why.is_empty() {
            outcome.why = format!("libFuzzer died; see {}", place.log().display());
        }
        Ok(outcome)
    }

    /// Keeps of the corpus what adds coverage. Gives what libFuzzer noted of the edges reached.
    pub(super) fn reduce(&self, place: &Place) -> Result<String> {
        let _ = fs::remove_dir_all(place.reduced());
        let _ = fs::remove_file(place.notes());
        fs::create_dir_all(place.reduced())?;
        let log = fs::OpenOptions::new().append(true).open(place.log())?;
        let status = Command::new(&self.program)
            .arg("-merge=1")
            .arg(format!("-merge_control_file={}", place.notes().display()))
            .args([LONGEST, PATIENCE])
            .args([place.reduced(), place.corpus(), place.seeds()])
            // It leaves failing inputs where it is told to; these have been told of.
            .arg(format!("-artifact_prefix={}/", place.failed().display()))
            .stdout(log.try_clone()?)
            .stderr(log)
            .status()?;
        if !status.success() {
            bail!(
                "the corpus cannot be reduced; see {}",
                place.log().display()
            );
        }
        let notes = fs::read_to_string(place.notes())?;
        fs::remove_dir_all(place.corpus())?;
        fs::rename(place.reduced(), place.corpus())?;
        Ok(notes)
    }
}

/// What cargo builds for when it is not told.
fn host(cargo: &mut Command) -> Result<String> {
    let output = cargo.output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("cargo -vV names no host")?.to_string())
}

/// The program that cargo says it built.
fn executable(messages: &str) -> Option<&Path> {
    let mark = "\"executable\":\"";
    let (_, rest) = messages.rsplit_once(mark)?;
    Some(Path::new(rest.split('"').next()?))
}

/// Reads what libFuzzer says: to the log, and now and then a line for the reader.
fn follow(child: &mut Child, place: &Place) -> Result<Outcome> {
    let mut log = fs::File::create(place.log())?;
    let stderr = child.stderr.take().context("no output")?;
    let mut outcome = Outcome::default();
    let mut why = Vec::new();
    let mut pulsed = Instant::now();
    for line in BufReader::new(stderr).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        writeln!(log, "{line}")?;
        if line.starts_with('#') && pulsed.elapsed() >= PULSE {
            pulsed = Instant::now();
            println!("  {}", line.split(" L: ").next().unwrap_or("").trim());
        }
        let is_failure = line.contains("panicked at") || line.contains("ERROR: libFuzzer");
        if (is_failure || !why.is_empty()) && why.len() < EXCERPT {
            why.push(line.to_string());
        }
        let number = |name: &str| line.strip_prefix(name)?.trim().parse().ok();
        if let Some(runs) = number("stat::number_of_executed_units:") {
            outcome.runs = runs;
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            outcome.input = Some(PathBuf::from(path.trim()));
        }
    }
    outcome.why = why.join("\n");
    Ok(outcome)
}
