// SPDX-License-Identifier: GPL-2.0

//! What happens on Ctrl-C, or when CI gives up on us?
//!
//! Every child runs in a process group of its own, so the terminal's signal reaches only us. We end
//! the groups, first so that make can remove the targets it was writing, then for good, say one
//! line and exit with 130. A file that is not finished is never under its final name, so the next
//! run cannot mistake it for a whole one.

use nix::sys::signal::{killpg, Signal};
use nix::unistd::Pid;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const STATUS: i32 = 130;
const PATIENCE: Duration = Duration::from_secs(5);

static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Catches SIGINT, SIGTERM and SIGHUP from now on.
pub(crate) fn install() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        INTERRUPTED.store(true, Ordering::SeqCst);
        end_all();
        eprintln!("\nboot-tests: interrupted; nothing half-made was kept");
        std::process::exit(STATUS);
    })?;
    Ok(())
}

/// A process group to end if we are interrupted.
pub(crate) fn watch(group: Pid) {
    groups().push(group);
}

/// The group has ended by itself.
pub(crate) fn forget(group: Pid) {
    groups().retain(|other| *other != group);
}

/// Does not return if we are being interrupted: a child that was ended is not news.
pub(crate) fn yield_to() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        std::thread::sleep(PATIENCE);
    }
}

fn groups() -> std::sync::MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn end_all() {
    let all = groups().clone();
    for group in &all {
        // A group that is gone already is as good.
        let _ = killpg(*group, Signal::SIGTERM);
    }
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && all.iter().any(|group| killpg(*group, None).is_ok()) {
        std::thread::sleep(Duration::from_millis(50));
    }
    for group in &all {
        let _ = killpg(*group, Signal::SIGKILL);
    }
}
