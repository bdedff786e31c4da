// SPDX-License-Identifier: GPL-2.0

//! Which machines and suites are there, and what is expected of them?
//!
//! One TOML file each, named after the thing. A suite file describes a suite or lists the members of a
//! group. What a suite must report depends on the kernel: see patches/. An unknown key is an error.

use crate::expected::Known;
use crate::job::Range;
use crate::place::Place;
use anyhow::{bail, Context, Result};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Byte order of a machine.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endian {
    /// The cross compiler's flag.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Endian::Little => "-EL",
            Endian::Big => "-EB",
        }
    }

    /// As in data files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Endian::Little => "little",
            Endian::Big => "big",
        }
    }
}

/// machines/NAME.toml
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Machine {
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) endian: Endian,
    /// Of general-purpose registers: 32 unless it says 64.
    #[serde(default = "narrow")]
    pub(crate) bits: u32,
    /// Of the MIPS32 or MIPS64 architecture: what init may be compiled for.
    pub(crate) release: u32,
    /// The tool that emulates it.
    pub(crate) qemu: String,
    pub(crate) board: String,
    pub(crate) cpu: String,
    pub(crate) memory: String,
    /// Fragments of kernel configuration, later ones winning.
    pub(crate) kconfig: Vec<String>,
    /// The kernel's arguments that make it talk to us.
    pub(crate) console: String,
}

/// What a suite must report for one kernel series: patches/SERIES/expect.toml, by suite.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// Tests it has.
    pub(crate) total: u32,
    /// Those that only 32-bit kernels have. All numbers here are those of a 32-bit kernel.
    #[serde(default)]
    pub(crate) narrow: Vec<u32>,
    /// Those that fail however programs are run, and why; by the number or name that they print, or
    /// its beginning and a star.
    #[serde(default)]
    pub(crate) fails: BTreeMap<String, String>,
    /// The same of 32-bit kernels alone.
    #[serde(default)]
    pub(crate) fails32: BTreeMap<String, String>,
    /// More of them, by the reason.
    #[serde(default)]
    pub(crate) known: Vec<Known>,
    /// Not more may be left out, where a JIT is on.
    #[serde(default)]
    pub(crate) most_skipped: Option<u32>,
    /// Of which functions the kernel warns however programs are run: bugs of its core.
    #[serde(default)]
    pub(crate) warns: Vec<String>,
    /// Those that pass by being refused, so are neither run nor JIT'ed.
    #[serde(default)]
    pub(crate) refused: Vec<u32>,
    /// Those whose constants the kernel cannot blind, first and last: blinding would move a jump
    /// out of its 16 bits (`bpf_jit_blind_constants()`), so they are interpreted where it is asked
    /// for, whatever the JIT.
    #[serde(default)]
    pub(crate) unblinded: Option<(u32, u32)>,
    /// What the commands that make the suite's files are told of this kernel: more arguments.
    #[serde(default)]
    pub(crate) made_with: Vec<String>,
    /// The test before which half of the suite's time is spent, in a suite worth two guests.
    #[serde(default)]
    pub(crate) half: Option<u32>,
}

impl Expect {
    /// The same for kernels with registers of so many bits, with their numbers.
    pub(crate) fn on(&self, bits: u32) -> Expect {
        let mut expect = self.clone();
        let fails32 = std::mem::take(&mut expect.fails32);
        if bits == 32 {
            expect.fails.extend(fails32);
            return expect;
        }
        let is_narrow = |test: &u32| self.narrow.contains(test);
        let number =
            |test: u32| test - self.narrow.iter().filter(|&&narrow| narrow < test).count() as u32;
        expect.narrow.clear();
        expect.total = number(self.total);
        expect.half = self.half.map(number);
        expect.unblinded = self
            .unblinded
            .map(|(first, last)| (number(first), number(last)));
        expect.refused.retain(|test| !is_narrow(test));
        for test in &mut expect.refused {
            *test = number(*test);
        }
        expect
    }
}

/// suites/NAME.toml
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) description: String,
    /// Built by the kernel, as a path in its tree; empty if the script runs a program instead.
    #[serde(default)]
    pub(crate) module: String,
    #[serde(default)]
    pub(crate) params: String,
    /// What stands before the counts.
    pub(crate) summary: String,
    /// Seconds that it lasts, if it can be told.
    pub(crate) seconds: Option<u64>,
    /// Seconds the suite may take, besides.
    pub(crate) timeout: u64,
    /// Seconds it may say nothing.
    pub(crate) quiet: u64,
    /// Whether the summary says how many were JIT'ed of those that ran.
    #[serde(default = "yes")]
    pub(crate) runs_programs: bool,
    /// Whether a number is that of several tests, nobody knows how many.
    #[serde(default)]
    pub(crate) numbers_groups: bool,
    /// Fragments it needs besides the machine's: makes it a kernel of its own.
    #[serde(default)]
    pub(crate) kconfig: Vec<String>,
    /// More of them on 32-bit machines.
    #[serde(default)]
    pub(crate) kconfig32: Vec<String>,
    /// What the guest needs if that is not what the machine has.
    pub(crate) memory: Option<String>,
    /// Arguments for the kernel besides those every boot has.
    #[serde(default)]
    pub(crate) arguments: String,
    /// What init does; `{insmod}` stands for loading the module, `{range}` for the first and last
    /// test to run, `{seconds}`, `{seed}` for what they say. Absent: just the first.
    #[serde(default = "just_load")]
    pub(crate) script: Vec<String>,
    /// What the guest finds in its root directory besides, made by commands on the host.
    #[serde(default)]
    pub(crate) files: Vec<MadeFile>,
    /// Present if faults are injected: it is then not judged by counts alone.
    pub(crate) faults: Option<Faults>,
    /// Only these tests: another guest runs the others.
    #[serde(skip)]
    pub(crate) part: Option<Range>,
    /// By kernel series.
    #[serde(skip)]
    pub(crate) expect: BTreeMap<String, Expect>,
}

/// A file that a command makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeFile {
    pub(crate) name: String,
    /// `{endian}` stands for the machine's, `{linux}` for the kernel's source, `{vmlinux}` for the
    /// kernel, `{output}` for the file to write.
    pub(crate) command: Vec<String>,
}

/// How a suite that injects faults is judged: it loads its module several times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Faults {
    /// So often. All tests must pass each time.
    pub(crate) rounds: usize,
    /// At least so many programs must have been left to the interpreter, over all rounds.
    pub(crate) interpreted: u32,
    /// First words of lines shown by the script that must be the same before and after.
    pub(crate) same: Vec<String>,
    /// What no shown line may contain.
    pub(crate) never: Vec<String>,
}

/// suites/NAME.toml with `members`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    description: String,
    members: Vec<String>,
}

fn narrow() -> u32 {
    32
}

fn yes() -> bool {
    true
}

fn just_load() -> Vec<String> {
    vec!["{insmod}".to_owned()]
}

/// The machine of that name.
pub(crate) fn machine(place: &Place, name: &str) -> Result<Machine> {
    let dir = place.data("machines");
    known("MACHINE", name, &dir)?;
    let mut machine: Machine = parse(&dir, name)?;
    machine.name = name.to_owned();
    Ok(machine)
}

/// The suites that name stands for, in order.
pub(crate) fn suites(place: &Place, name: &str) -> Result<Vec<Suite>> {
    let dir = place.data("suites");
    known("SUITE", name, &dir)?;
    if is_group(&dir, name)? {
        let group: Members = parse(&dir, name)?;
        return group
            .members
            .iter()
            .map(|member| suite(place, member))
            .collect();
    }
    Ok(vec![suite(place, name)?])
}

/// Every machine and suite with its description.
pub(crate) fn list(place: &Place) -> Result<String> {
    let mut text = String::new();
    for name in names(&place.data("machines"))? {
        writeln!(
            text,
            "MACHINE={name:<18} {}",
            machine(place, &name)?.description
        )?;
    }
    let dir = place.data("suites");
    for name in names(&dir)? {
        let description = match is_group(&dir, &name)? {
            true => parse::<Members>(&dir, &name)?.description,
            false => suite(place, &name)?.description,
        };
        writeln!(text, "SUITE={name:<20} {description}")?;
    }
    Ok(text)
}

fn suite(place: &Place, name: &str) -> Result<Suite> {
    let mut suite: Suite = parse(&place.data("suites"), name)?;
    suite.name = name.to_owned();
    for series in place.series()? {
        let expect = expectations(&place.patches(&series))?.remove(name);
        suite.expect.extend(expect.map(|expect| (series, expect)));
    }
    Ok(suite)
}

/// patches/SERIES/machines.toml
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Machines {
    names: Vec<String>,
}

/// The machines that a series is built for.
pub(crate) fn machines_of(place: &Place, series: &str) -> Result<Vec<String>> {
    Ok(parse::<Machines>(&place.patches(series), "machines")?.names)
}

/// What is expected of each suite, as the directory of a series says.
pub(crate) fn expectations(dir: &Path) -> Result<BTreeMap<String, Expect>> {
    parse(dir, "expect")
}

fn is_group(dir: &Path, name: &str) -> Result<bool> {
    Ok(parse::<toml::Table>(dir, name)?.contains_key("members"))
}

/// Reads one data file.
pub(crate) fn parse<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<T> {
    let path = dir.join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in {}", path.display()))
}

/// One clear line if `name` has no file in `dir`.
fn known(variable: &str, name: &str, dir: &Path) -> Result<()> {
    let names = names(dir)?;
    if !names.iter().any(|known| known == name) {
        bail!(
            "unknown {variable} {name:?}: known are {}",
            names.join(", ")
        );
    }
    Ok(())
}

fn names(dir: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(dir).with_context(|| format!("no {}", dir.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(".toml").map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn here() -> Place {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Place::find(Some(root), Some("/nonexistent".into())).unwrap()
    }

    #[test]
    fn every_data_file_parses() {
        let place = here();
        for name in names(&place.data("machines")).unwrap() {
            machine(&place, &name).unwrap();
        }
        for name in names(&place.data("suites")).unwrap() {
            assert!(!suites(&place, &name).unwrap().is_empty());
        }
        assert!(list(&place).unwrap().contains("malta-be-r1"));
        for series in place.series().unwrap() {
            for name in machines_of(&place, &series).unwrap() {
                machine(&place, &name).unwrap();
            }
            let expected = expectations(&place.patches(&series)).unwrap();
            for name in expected.into_keys() {
                assert!(suites(&place, &name).is_ok(), "{series} expects {name}");
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = machine(&here(), "pdp11").unwrap_err().to_string();
        assert!(
            error.starts_with("unknown MACHINE \"pdp11\": known are malta-be-r1, "),
            "{error}"
        );
        assert!(suites(&here(), "../machines/malta-le-r2").is_err());
    }

    #[test]
    fn a_64_bit_kernel_lacks_some_tests() {
        let all = expectations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")).unwrap();
        let wide = all["test_bpf"].on(64);
        assert_eq!((wide.total, wide.half), (1061, Some(941)));
        assert_eq!(wide.unblinded, Some((1008, 1060)));
        assert_eq!(wide.refused[..2], [50, 51]);
        assert_eq!(all["test_bpf"].on(32).total, 1062);
    }

    #[test]
    fn a_32_bit_kernel_fails_more() {
        let text = "total = 3\nfails = { \"2\" = \"why\" }\nfails32 = { \"1\" = \"why\" }";
        let expect: Expect = toml::from_str(text).unwrap();
        let fails = |bits| expect.on(bits).fails.into_keys();
        assert!(fails(32).eq(["1", "2"]));
        assert!(fails(64).eq(["2"]));
    }
}
