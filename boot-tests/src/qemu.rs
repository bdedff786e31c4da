// SPDX-License-Identifier: GPL-2.0

//! How is a machine started, watched, and above all ended?
//!
//! A kernel that hangs says nothing, one that panics may print for ever, and one that halts leaves
//! QEMU running. So it is never waited for: the job's last marker ends it, trouble ends it after a
//! short while for the rest of the trace, and each phase has a time it may take and a time it may be
//! silent. What the console printed is in a log either way.

use crate::child::Group;
use crate::console::{classify, Line};
use crate::interrupt;
use crate::job::Job;
use crate::place::Place;
use crate::steps::Step;
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Seconds from power-on to the first suite.
const BOOT: u64 = 120;
/// How long a kernel in trouble may still speak.
const LAST_WORDS: Duration = Duration::from_millis(1500);

/// Why the machine was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The job was done.
    Done,
    /// This was printed.
    Fatal(String),
    /// It took or was silent too long; says what and how long.
    Hang(String),
    /// QEMU went away by itself.
    Gone,
}

/// What one boot left.
pub(crate) struct Outcome {
    pub(crate) end: End,
    /// Every line, with the seconds since power-on at which it came.
    pub(crate) lines: Vec<(f64, String)>,
    pub(crate) log: PathBuf,
}

/// Boots a machine and watches it to its end.
pub(crate) fn boot(
    place: &Place,
    job: &Job,
    kernel: &Path,
    initrd: &Path,
    run: &Path,
    step: &Step<'_>,
) -> Result<Outcome> {
    let mut qemu = command(place, job, kernel, initrd)?;
    qemu.stdout(Stdio::piped())
        .stderr(File::create(run.join("qemu.log"))?);
    std::fs::write(run.join("qemu.cmd"), format!("{qemu:?}\n"))?;
    let log = run.join("console.log");
    let copy = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut group = Group::start(&mut qemu)?;
    let console = group.child.stdout.take().context("QEMU has no console")?;
    let start = Instant::now();
    let (send, lines) = channel();
    let reader = std::thread::spawn(move || {
        read_lines(console, copy, |line| {
            send.send((start.elapsed(), line)).is_ok()
        })
    });
    let mut watch = Watch {
        job,
        lines: Vec::new(),
        limits: Limits::boot(job),
        step,
    };
    let end = watch.follow(&lines, start);
    group.kill();
    interrupt::yield_to();
    drop(lines);
    // It ends with the pipe; what it could not write is not worth a verdict.
    let _ = reader.join();
    Ok(Outcome {
        end,
        lines: watch.lines,
        log,
    })
}

/// The command that starts a job's machine.
pub(crate) fn command(place: &Place, job: &Job, kernel: &Path, initrd: &Path) -> Result<Command> {
    let machine = &job.machine;
    let wanted = job.suites.iter().find_map(|suite| suite.memory.as_deref());
    let memory = wanted.unwrap_or(&machine.memory);
    let mut qemu = Command::new(place.need(&machine.qemu)?);
    qemu.args(["-M", &machine.board, "-cpu", &machine.cpu, "-m", memory]);
    qemu.args(["-display", "none", "-monitor", "none", "-serial", "stdio"]);
    // Without these two it looks for ROM files that a distribution need not have.
    qemu.args(["-nic", "none", "-vga", "none", "-no-reboot"]);
    // Programs are compiled by the thousand, so most of what QEMU has translated is of programs that
    // are gone: it takes a fifth less time if it throws all away now and then, and far less memory.
    qemu.args(["-accel", "tcg,tb-size=64"]);
    if job.icount {
        // One instruction is one nanosecond. An idle guest has to wait in real time: with
        // sleep=off QEMU 7.2 spins on its timers for good once the serial console is set up.
        qemu.args(["-icount", "shift=0,sleep=on"]);
        qemu.args(["-rtc", "clock=vm,base=2026-01-01T00:00:00"]);
    }
    if let Some(plugin) = &job.trace {
        let (plugin, out) = (plugin.display(), initrd.with_file_name("trace"));
        let endian = machine.endian.name();
        qemu.arg("-plugin");
        qemu.arg(format!("{plugin},out={},endian={endian}", out.display()));
    }
    qemu.arg("-kernel").arg(kernel).arg("-initrd").arg(initrd);
    let quick_end = "panic=1 oops=panic sysctl.kernel.panic_on_oops=1";
    let log = "printk.devkmsg=on ignore_loglevel";
    let mut arguments = format!("{} rdinit=/init {log} {quick_end}", machine.console);
    for suite in job
        .suites
        .iter()
        .filter(|suite| !suite.arguments.is_empty())
    {
        arguments += &format!(" {}", suite.arguments);
    }
    qemu.arg("-append").arg(arguments);
    Ok(qemu)
}

/// Passes on whole lines, and a last one without an end, until nobody wants them.
fn read_lines(console: impl Read, mut copy: File, mut pass: impl FnMut(String) -> bool) {
    let mut console = BufReader::new(console);
    let mut bytes = Vec::new();
    while console
        .read_until(b'\n', &mut bytes)
        .is_ok_and(|count| count > 0)
    {
        let _ = copy.write_all(&bytes);
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        if !pass(line) {
            break;
        }
    }
}

/// How long the present phase may take and be silent.
struct Limits {
    phase: String,
    since: Instant,
    whole: Duration,
    quiet: Duration,
}

impl Limits {
    fn new(phase: &str, whole: u64, quiet: u64, job: &Job) -> Self {
        let seconds = |count: u64| Duration::from_secs(count * job.slowness());
        let (whole, quiet) = (seconds(whole), seconds(quiet));
        Self {
            phase: phase.to_owned(),
            since: Instant::now(),
            whole,
            quiet,
        }
    }

    fn boot(job: &Job) -> Self {
        Self::new("booting", BOOT, BOOT, job)
    }

    fn suite(job: &Job, name: &str) -> Self {
        match job.suites.iter().find(|suite| suite.name == name) {
            Some(suite) => {
                let whole = suite.timeout + suite.seconds.unwrap_or_default();
                Self::new(name, whole, suite.quiet, job)
            }
            None => Self::new(name, BOOT, BOOT, job),
        }
    }

    /// What is left until one of the two is used up.
    fn left(&self) -> Duration {
        self.whole
            .saturating_sub(self.since.elapsed())
            .min(self.quiet)
    }

    fn complaint(&self) -> String {
        match self.since.elapsed() < self.whole {
            true => format!("{}: silent for {} s", self.phase, self.quiet.as_secs()),
            false => format!("{}: not done after {} s", self.phase, self.whole.as_secs()),
        }
    }
}

struct Watch<'a> {
    job: &'a Job,
    lines: Vec<(f64, String)>,
    limits: Limits,
    step: &'a Step<'a>,
}

impl Watch<'_> {
    fn follow(&mut self, lines: &Receiver<(Duration, String)>, start: Instant) -> End {
        loop {
            let (at, line) = match lines.recv_timeout(self.limits.left()) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => return End::Hang(self.limits.complaint()),
                Err(RecvTimeoutError::Disconnected) => return End::Gone,
            };
            self.step.detail(&line);
            let verdict = match classify(&line) {
                Line::Begin(name) => {
                    self.limits = Limits::suite(self.job, name);
                    None
                }
                Line::End(..) => {
                    self.limits = Limits::boot(self.job);
                    None
                }
                Line::Done => Some(End::Done),
                Line::Fatal(what) => Some(End::Fatal(what.to_owned())),
                _ => None,
            };
            self.lines.push((at.as_secs_f64(), line));
            match verdict {
                Some(End::Fatal(what)) => {
                    self.hear_out(lines, start);
                    return End::Fatal(what);
                }
                Some(end) => return end,
                None => {}
            }
        }
    }

    /// Keeps what comes in the time that is left after the first sign of trouble.
    fn hear_out(&mut self, lines: &Receiver<(Duration, String)>, start: Instant) {
        let deadline = start.elapsed() + LAST_WORDS;
        while let Some(left) = deadline.checked_sub(start.elapsed()) {
            match lines.recv_timeout(left) {
                Ok((at, line)) => self.lines.push((at.as_secs_f64(), line)),
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::tests::job;
    use crate::job::Jit;
    use crate::steps::Steps;

    fn watched(lines: &[&str], silent: bool) -> End {
        let job = job("test_bpf", Jit::Rust);
        let steps = Steps::quiet();
        let step = steps.begin("t");
        let (send, receive) = channel();
        for line in lines {
            send.send((Duration::ZERO, (*line).to_owned())).unwrap();
        }
        let mut limits = Limits::boot(&job);
        limits.quiet = Duration::from_millis(20);
        let keep = silent.then_some(send);
        let end = Watch {
            job: &job,
            lines: Vec::new(),
            limits,
            step: &step,
        }
        .follow(&receive, Instant::now());
        drop(keep);
        end
    }

    #[test]
    fn the_last_marker_ends_it() {
        assert_eq!(
            watched(&["@@ done", "Kernel panic - not syncing: x"], true),
            End::Done
        );
    }

    #[test]
    fn a_panic_ends_it() {
        let end = watched(&["[ 1.0] Kernel panic - not syncing: x", "@@ done"], false);
        assert_eq!(end, End::Fatal("Kernel panic - not syncing: x".to_owned()));
    }

    #[test]
    fn silence_ends_it() {
        assert_eq!(
            watched(&["Linux"], true),
            End::Hang("booting: silent for 0 s".to_owned())
        );
        assert_eq!(watched(&["Linux"], false), End::Gone);
    }

    #[test]
    fn a_last_line_without_an_end_is_kept() {
        let mut seen = Vec::new();
        let copy = tempfile::tempfile().unwrap();
        read_lines(&b"one\r\ntwo"[..], copy, |line| {
            seen.push(line);
            true
        });
        assert_eq!(seen, ["one", "two"]);
    }
}
