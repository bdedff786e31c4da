// SPDX-License-Identifier: GPL-2.0

//! What is one boot to do, and how is it said: to the guest, in names of files, and as the command
//! that does it again?

use crate::data::{self, Expect, Machine, Suite};
use crate::place::Place;
use anyhow::{bail, Context, Result};
use clap::ValueEnum;
use std::fmt::Write;

mod range;

pub(crate) use range::Range;

/// Which JIT compiles the programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Jit {
    /// Ours.
    Rust,
    /// The kernel's own.
    C,
    /// None, in our kernel: the interpreter.
    Off,
}

impl Jit {
    /// The fragment of kernel configuration that selects it.
    pub(crate) fn fragment(self) -> &'static str {
        match self {
            Jit::Rust | Jit::Off => "rust",
            Jit::C => "c",
        }
    }

    /// As the value of JIT=.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Jit::Rust => "rust",
            Jit::C => "c",
            Jit::Off => "off",
        }
    }

    fn enable(self) -> u8 {
        u8::from(self != Jit::Off)
    }
}

/// One boot.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) kernel: String,
    pub(crate) machine: Machine,
    pub(crate) jit: Jit,
    pub(crate) harden: u8,
    /// As the user named it.
    pub(crate) suite: String,
    pub(crate) suites: Vec<Suite>,
    pub(crate) range: Option<Range>,
    /// Guest time counts instructions.
    pub(crate) icount: bool,
    /// Of what suites make at random.
    pub(crate) seed: u64,
    /// The user's own tree.
    pub(crate) linux: Option<std::path::PathBuf>,
    /// The plugin of QEMU that writes to the file `trace` what images execute.
    pub(crate) trace: Option<std::path::PathBuf>,
}

impl Job {
    /// All tests of a suite, as fast as they run.
    pub(crate) fn whole(
        kernel: &str,
        machine: Machine,
        jit: Jit,
        suite: &str,
        suites: Vec<Suite>,
    ) -> Self {
        Self {
            kernel: kernel.to_owned(),
            machine,
            jit,
            harden: 0,
            suite: suite.to_owned(),
            suites,
            range: None,
            icount: false,
            seed: 0,
            linux: None,
            trace: None,
        }
    }

    /// Refuses a machine that the kernel is not built for.
    pub(crate) fn check_machine(&self, place: &Place) -> Result<()> {
        let known = data::machines_of(place, &self.kernel)?;
        if !known.contains(&self.machine.name) {
            let (kernel, machine) = (&self.kernel, &self.machine.name);
            bail!(
                "KERNEL={kernel} is not built for MACHINE={machine}, but for {}",
                known.join(", ")
            );
        }
        Ok(())
    }

    /// Refuses what cannot be meant.
    pub(crate) fn check(&self) -> Result<()> {
        for suite in &self.suites {
            let expect = self.expect(suite)?;
            if let Some(range) = self.range.filter(|range| range.last >= expect.total) {
                let last = expect.total.saturating_sub(1);
                bail!(
                    "RANGE={},{}: {} ends with {last}",
                    range.first,
                    range.last,
                    suite.name
                );
            }
        }
        Ok(())
    }

    /// What the suite must report on this kernel and machine.
    pub(crate) fn expect(&self, suite: &Suite) -> Result<Expect> {
        let expect = suite.expect.get(&self.kernel);
        let expect = expect
            .with_context(|| format!("suite {} has no counts for {}", suite.name, self.kernel))?;
        Ok(expect.on(self.machine.bits))
    }

    /// The tests of a suite that run, if not all.
    pub(crate) fn range_of(&self, suite: &Suite) -> Option<Range> {
        self.range.or(suite.part)
    }

    /// Names the kernel: jobs with the same name run on the same one.
    pub(crate) fn build_name(&self) -> String {
        let jit = self.jit.fragment();
        let mut name = format!("{}-{}-{jit}", self.kernel, self.machine.name);
        for fragment in self.suite_fragments() {
            name += &format!("-{fragment}");
        }
        if let Some(dir) = &self.linux {
            name += &format!("-{:08x}", hash(dir.as_os_str().as_encoded_bytes()) >> 32);
        }
        name
    }

    /// Names the boot: its console log and initrd.
    pub(crate) fn run_name(&self) -> String {
        let (suite, jit) = (&self.suite, self.jit.name());
        let mut name = format!("{}-{jit}-harden{}-{suite}", self.build_name(), self.harden);
        let parts = self.suites.iter().filter_map(|suite| suite.part);
        for range in self.range.into_iter().chain(parts) {
            name += &format!("-{}-{}", range.first, range.last);
        }
        if self.icount {
            name += "-icount";
        }
        name
    }

    /// Fragments of kernel configuration, in order.
    pub(crate) fn fragments(&self) -> Vec<String> {
        let mut all = self.machine.kconfig.clone();
        all.push(self.jit.fragment().to_owned());
        all.extend(self.suite_fragments().into_iter().cloned());
        all
    }

    /// Those that its suites add, each once.
    fn suite_fragments(&self) -> Vec<&String> {
        let is_narrow = self.machine.bits == 32;
        let added = self.suites.iter().flat_map(|suite| {
            let narrow = suite.kconfig32.iter().filter(|_| is_narrow);
            suite.kconfig.iter().chain(narrow)
        });
        let mut fragments = Vec::new();
        for fragment in added {
            if !fragments.contains(&fragment) {
                fragments.push(fragment);
            }
        }
        fragments
    }

    /// Seconds grow by this much where the guest is slower than a JIT on a free-running machine.
    pub(crate) fn slowness(&self) -> u64 {
        (if self.icount { 8 } else { 1 }) * (if self.jit == Jit::Off { 3 } else { 1 })
    }

    /// The guest's /job.
    pub(crate) fn script(&self) -> Result<String> {
        let mut text = String::new();
        writeln!(text, "sysctl net/core/bpf_jit_enable {}", self.jit.enable())?;
        writeln!(text, "sysctl net/core/bpf_jit_harden {}", self.harden)?;
        for suite in &self.suites {
            let file = suite.module.rsplit('/').next().unwrap_or_default();
            let mut insmod = format!("insmod /{file} {}", suite.params);
            let mut both = String::new();
            if let Some(range) = self.range_of(suite) {
                write!(insmod, " test_range={},{}", range.first, range.last)?;
                both = format!("{} {}", range.first, range.last);
            }
            writeln!(text, "begin {}", suite.name)?;
            for line in &suite.script {
                let seconds = suite.seconds.unwrap_or_default().to_string();
                let line = line
                    .replace("{insmod}", &insmod)
                    .replace("{range}", &both)
                    .replace("{seconds}", &seconds)
                    .replace("{seed}", &self.seed.to_string());
                writeln!(text, "{}", line.trim_end())?;
            }
            if let Some(module) = file.strip_suffix(".ko") {
                writeln!(text, "rmmod {module}")?;
            }
            writeln!(text, "end {}", suite.name)?;
        }
        Ok(text)
    }

    /// The command that does this again; `case`: only that test of that suite.
    pub(crate) fn again(&self, case: Option<(&str, u32)>) -> String {
        let mut text = format!(
            "make boot KERNEL={} MACHINE={} JIT={}",
            self.kernel,
            self.machine.name,
            self.jit.name()
        );
        let suite = case.map_or(self.suite.as_str(), |(suite, _)| suite);
        text += &format!(" SUITE={suite}");
        if self.harden != 0 {
            text += &format!(" HARDEN={}", self.harden);
        }
        match (case, self.range) {
            (Some((_, test)), _) => text += &format!(" RANGE={test},{test}"),
            (None, Some(range)) => text += &format!(" RANGE={},{}", range.first, range.last),
            (None, None) => {}
        }
        if self.icount {
            text += " ICOUNT=1";
        }
        if self.suites.iter().any(|suite| !suite.files.is_empty()) {
            text += &format!(" SEED={}", self.seed);
        }
        for seconds in self.suites.iter().filter_map(|suite| suite.seconds) {
            text += &format!(" SECONDS={seconds}");
        }
        if let Some(dir) = &self.linux {
            text += &format!(" LINUX={}", dir.display());
        }
        text
    }
}

/// Makes suites last as long as SECONDS says, if it says anything.
pub(crate) fn set_seconds(suites: &mut [Suite], text: &str) -> Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let seconds: u64 = text
        .parse()
        .with_context(|| format!("SECONDS={text:?} is no number"))?;
    let mut lasting = suites.iter_mut().filter_map(|suite| suite.seconds.as_mut());
    let first = lasting.next();
    *first.with_context(|| format!("SECONDS={text}: the suite takes as long as it takes"))? =
        seconds;
    lasting.for_each(|other| *other = seconds);
    Ok(())
}

/// What SEED in the environment says, else a new one.
pub(crate) fn seed() -> Result<u64> {
    match std::env::var("SEED") {
        Ok(text) if !text.is_empty() => text
            .parse()
            .with_context(|| format!("SEED={text:?} is no number")),
        _ => Ok(std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |now| now.as_micros() as u64)),
    }
}

/// FNV-1a: the same in every build of this program, unlike the standard library's.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x100_0000_01b3;
    bytes.iter().fold(BASIS, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::Path;

    /// No kernel: its counts are in tests/expect.toml.
    pub(crate) const KERNEL: &str = "0.1";

    pub(crate) fn job(suite: &str, jit: Jit) -> Job {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let tests = root.join("boot-tests/tests");
        let place = crate::place::Place::find(Some(root), Some("/nonexistent".into())).unwrap();
        let mut expected = crate::data::expectations(&tests).unwrap();
        let mut suites = crate::data::suites(&place, suite).unwrap();
        for suite in &mut suites {
            let expect = expected.remove(&suite.name).unwrap();
            suite.expect = [(KERNEL.to_owned(), expect)].into();
        }
        let machine = crate::data::machine(&place, "malta-le-r2").unwrap();
        Job {
            seed: 7,
            ..Job::whole(KERNEL, machine, jit, suite, suites)
        }
    }

    #[test]
    fn a_suite_adds_to_kernels_and_more_to_32_bit_ones() {
        let mut job = job("test_verifier", Jit::Rust);
        assert!(job.build_name().ends_with("-rust-user-verifier-highmem"));
        assert_eq!(job.fragments().last().unwrap(), "highmem");
        job.machine.bits = 64;
        assert!(job.build_name().ends_with("-rust-user-verifier"));
        assert_eq!(job.fragments().last().unwrap(), "verifier");
    }

    #[test]
    fn suites_of_a_group_share_a_kernel() {
        let mut all = job("programs", Jit::Rust);
        assert_eq!(all.build_name(), job("btf", Jit::Rust).build_name());
        all.machine.bits = 64;
        assert!(all.build_name().ends_with("-rust-user-verifier"));
    }

    #[test]
    fn the_interpreter_shares_the_rust_kernel() {
        let (rust, off) = (job("all", Jit::Rust), job("all", Jit::Off));
        assert_eq!(rust.build_name(), off.build_name());
        assert_ne!(rust.run_name(), off.run_name());
        assert_eq!(off.expected(&off.suites[0]).unwrap().jited, 0);
        assert!(off
            .script()
            .unwrap()
            .starts_with("sysctl net/core/bpf_jit_enable 0\n"));
    }

    #[test]
    fn who_can_be_told_lasts_as_long_as_told() {
        let mut soak = job("soak", Jit::Rust);
        let all = &mut job("all", Jit::Rust).suites;
        assert!(set_seconds(all, "5").is_err() && set_seconds(all, "").is_ok());
        assert!(set_seconds(&mut soak.suites, "x").is_err());
        set_seconds(&mut soak.suites, "5").unwrap();
        let script = soak.script().unwrap();
        assert!(script.contains("run soak 5 7\n"), "{script}");
        assert!(soak.again(None).ends_with(" SEED=7 SECONDS=5"));
    }

    #[test]
    fn the_rerun_command_names_one_case() {
        let job = job("all", Jit::C);
        let text = job.again(Some(("test_bpf", 7)));
        assert_eq!(
            text,
            "make boot KERNEL=0.1 MACHINE=malta-le-r2 JIT=c SUITE=test_bpf RANGE=7,7"
        );
    }
}
