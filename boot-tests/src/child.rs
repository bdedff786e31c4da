// SPDX-License-Identifier: GPL-2.0

//! How is another program run so that its output is kept, its failure explained, and no process
//! outlives us?
//!
//! Output goes to a log file, whose path is printed when something fails, together with the lines
//! of it that matter.

use crate::{interrupt, steps::Step};
use anyhow::{bail, ensure, Context, Result};
use nix::sys::signal::{killpg, Signal};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// What a tool prints, which has nothing to do but that.
///
/// # Errors
///
/// If it does not run, or fails: with what it says of that.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} does not run"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} fails: {}",
        errors.trim_end()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Lines of a log that are shown when a program fails.
const EXCERPT: usize = 25;
const POLL: Duration = Duration::from_millis(50);

/// A process group that ends when this is dropped.
pub(crate) struct Group {
    /// The group's leader.
    pub(crate) child: Child,
    id: Pid,
}

impl Group {
    /// Starts a command as the leader of a group of its own, without standard input.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).process_group(0).spawn();
        let child = child.with_context(|| format!("cannot run {name}"))?;
        let id = Pid::from_raw(child.id().try_into()?);
        interrupt::watch(id);
        Ok(Self { child, id })
    }

    /// SIGKILL to all of it: an emulator may ignore anything weaker.
    pub(crate) fn kill(&mut self) {
        let _ = killpg(self.id, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.kill();
        }
        interrupt::forget(self.id);
    }
}

/// Runs a command to its end with all output in `log`; its last line is the step's detail.
pub(crate) fn run(command: &mut Command, log: &Path, step: &Step<'_>) -> Result<ExitStatus> {
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir)?;
    }
    let out = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    command.stdout(out.try_clone()?).stderr(out);
    let mut group = Group::start(command)?;
    let mut seen = BufReader::new(File::open(log)?);
    let mut line = String::new();
    loop {
        let status = group.child.try_wait()?;
        while seen.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            if line.ends_with('\n') {
                step.detail(line.trim());
                line.clear();
            }
        }
        if let Some(status) = status {
            interrupt::yield_to();
            return Ok(status);
        }
        std::thread::sleep(POLL);
    }
}

/// As `run`, but a failure is an error which shows the lines that matter.
pub(crate) fn must(command: &mut Command, log: &Path, step: &Step<'_>) -> Result<()> {
    let status = run(command, log, step)?;
    if !status.success() {
        let text = read_tail(log)?;
        bail!("{}\nlog: {}", excerpt(&text), log.display());
    }
    Ok(())
}

/// The last megabyte of a log, which holds the error of any build that stopped at it.
fn read_tail(log: &Path) -> Result<String> {
    const ENOUGH: u64 = 1 << 20;
    let mut file = File::open(log)?;
    let start = file.metadata()?.len().saturating_sub(ENOUGH);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// From the first error on; the end, if no line looks like one.
pub(crate) fn excerpt(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| is_error(line));
    let start = first.unwrap_or(lines.len().saturating_sub(EXCERPT));
    lines[start..]
        .iter()
        .take(EXCERPT)
        .copied()
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_error(line: &str) -> bool {
    let marks = [
        "error:",
        "error[",
        "Error:",
        "ERROR:",
        "undefined reference",
        "fatal:",
        "panicked",
    ];
    line.contains(" *** ") || marks.iter().any(|mark| line.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_starts_at_the_first_error() {
        let text = "  CC a.o\na.c:1:2: error: no\n  CC b.o\nmake: *** [x] Error 1\n";
        assert_eq!(
            excerpt(text),
            "a.c:1:2: error: no\n  CC b.o\nmake: *** [x] Error 1"
        );
    }

    #[test]
    fn excerpt_without_an_error_is_the_end() {
        let text: String = (0..100).map(|i| format!("line {i}\n")).collect();
        assert!(excerpt(&text).starts_with("line 75\n"));
    }

    #[test]
    fn a_failing_program_is_an_error_with_its_log() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let steps = crate::steps::Steps::quiet();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo fine; echo 'x: error: bad' >&2; exit 3"]);
        let error = must(&mut shell, &log, &steps.begin("t"))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("x: error: bad"), "{error}");
        assert!(error.contains("log: "), "{error}");
    }
}
