// SPDX-License-Identifier: GPL-2.0

//! How far are we, and how long has it taken?
//!
//! On a terminal each running step is a line that moves and ends as one line that stays. Elsewhere a
//! step is a line when it begins and a line when it ends. Steps may run side by side.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The steps of one command.
pub(crate) struct Steps {
    total: usize,
    begun: AtomicUsize,
    start: Instant,
    bars: Option<MultiProgress>,
    silent: bool,
}

/// One of them, running.
pub(crate) struct Step<'a> {
    steps: &'a Steps,
    label: String,
    start: Instant,
    bar: Option<ProgressBar>,
}

impl Steps {
    /// Of a command that has `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        let terminal = std::io::stderr().is_terminal() && std::io::stdout().is_terminal();
        Self {
            total,
            begun: AtomicUsize::new(0),
            start: Instant::now(),
            bars: terminal.then(MultiProgress::new),
            silent: false,
        }
    }

    /// That say nothing.
    #[cfg(test)]
    pub(crate) fn quiet() -> Self {
        Self {
            bars: None,
            silent: true,
            ..Self::new(1)
        }
    }

    /// Seconds since the first.
    pub(crate) fn elapsed(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    /// The next step begins.
    pub(crate) fn begin(&self, what: &str) -> Step<'_> {
        let k = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let label = format!("[{k}/{}] {what}", self.total);
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{prefix} {elapsed} {wide_msg:.dim}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let step = Step {
            steps: self,
            label,
            start: Instant::now(),
            bar,
        };
        if step.bar.is_none() {
            self.print(&format!("{} ...", step.label));
        }
        step
    }

    /// A line that stays.
    pub(crate) fn print(&self, line: &str) {
        match &self.bars {
            // Without a terminal it would not be shown; there is one.
            Some(bars) => drop(bars.println(line)),
            None if self.silent => {}
            None => println!("{line}"),
        }
    }
}

impl Step<'_> {
    /// What it does right now.
    pub(crate) fn detail(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// It ends, and how.
    pub(crate) fn end(self, how: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let (took, since) = (self.start.elapsed().as_secs_f64(), self.steps.elapsed());
        self.steps.print(&format!(
            "{}: {how} ({took:.1} s; {since:.0} s in all)",
            self.label
        ));
    }
}
