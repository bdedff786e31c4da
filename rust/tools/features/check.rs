// SPDX-License-Identifier: GPL-2.0

//! Whether the page is true: that our cells are yes or have a reason, that reasons and tests are where they
//! are said to be, that no hook of the kernel is forgotten, and that the page is what it would be if written
//! now.

use anyhow::Result;

use super::data::{expand, Citation, Feature, Lack};
use super::evidence::Tests;
use super::judge::{Known, Verdict};
use super::source::Tree;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) passed: usize,
    pub(super) faults: Vec<String>,
}

impl Findings {
    fn note(&mut self, is_right: bool, fault: impl FnOnce() -> String) {
        match is_right {
            true => self.passed += 1,
            false => self.faults.push(fault()),
        }
    }
}

/// What is checked against.
pub(super) struct Places<'p> {
    pub(super) project: &'p Tree,
    /// The kernel's source, if it is there.
    pub(super) linux: Option<&'p Tree>,
    /// Names of the forms of `make prove`, by bits of the machine.
    pub(super) forms: &'p dyn Fn(u32) -> Vec<String>,
}

/// All that can be checked here.
pub(super) fn check(known: &Known<'_>, places: &Places<'_>) -> Result<Findings> {
    let mut findings = Findings::default();
    let tests = Tests {
        project: places.project,
        linux: places.linux,
    };
    let forms = [32, 64].map(|bits| (bits, (places.forms)(bits)));
    for feature in known.data.features() {
        if feature.left_out.is_some() {
            has_gained(known, feature, &mut findings)?;
            continue;
        }
        cells(known, feature, &mut findings)?;
        shown(known, feature, &tests, &mut findings)?;
        proved(known, feature, &forms, &mut findings)?;
        if let Some(linux) = places.linux {
            for citation in feature.core.iter().chain(&feature.rewritten) {
                cited(linux, feature, citation, &mut findings)?;
            }
            if let Some(lack) = &feature.arch {
                lacking(linux, known, feature, lack, &mut findings)?;
            }
        }
    }
    if let Some(linux) = places.linux {
        hooks(linux, known, &mut findings)?;
    }
    Ok(findings)
}

/// Our cells: none is a plain no.
fn cells(known: &Known<'_>, feature: &Feature, findings: &mut Findings) -> Result<()> {
    for jit in &known.data.jits {
        let verdict = known.verdict(feature, jit)?;
        findings.note(!jit.ours || verdict != Verdict::No, || {
            format!(
                "{}: {} does not have it, and nothing forbids it: the source lacks {} {}",
                feature.name,
                jit.title,
                feature.hook.as_deref().unwrap_or_default(),
                [&feature.lowers[..], &feature.ours[..]].concat().join(", ")
            )
        });
    }
    Ok(())
}

/// A row that is left out must come in when all of ours have it, if it is known what will show it.
fn has_gained(known: &Known<'_>, feature: &Feature, findings: &mut Findings) -> Result<()> {
    let ours = known.data.jits.iter().filter(|jit| jit.ours).count();
    let is_there = !feature.tests.is_empty() && known.ours(feature)?.len() == ours;
    findings.note(!is_there, || {
        format!("{}: it is there now: remove left_out", feature.name)
    });
    Ok(())
}

/// Each test is there.
fn shown(
    known: &Known<'_>,
    feature: &Feature,
    tests: &Tests<'_>,
    findings: &mut Findings,
) -> Result<()> {
    let is_ours = !known.ours(feature)?.is_empty();
    findings.note(!is_ours || !feature.tests.is_empty(), || {
        format!("{}: no test shows it", feature.name)
    });
    for test in &feature.tests {
        let fault = tests.fault(test)?;
        let is_right = fault.is_none();
        findings.note(is_right, || {
            format!("{}: {test}: {}", feature.name, fault.unwrap_or_default())
        });
    }
    Ok(())
}

/// Each form is there on all machines that have the feature.
fn proved(
    known: &Known<'_>,
    feature: &Feature,
    forms: &[(u32, Vec<String>)],
    findings: &mut Findings,
) -> Result<()> {
    let ours = known.ours(feature)?;
    let has_one = feature.forms.is_empty() == feature.unproved.is_some();
    findings.note(ours.is_empty() || has_one, || {
        format!("{}: either forms or unproved", feature.name)
    });
    for jit in ours {
        let there = forms.iter().filter(|(bits, _)| *bits == jit.bits);
        let there: Vec<&String> = there.flat_map(|(_, names)| names).collect();
        for form in feature.forms.iter().flat_map(|form| expand(form)) {
            findings.note(there.contains(&&form), || {
                format!(
                    "{}: prove has no form {form:?} for {}",
                    feature.name, jit.title
                )
            });
        }
    }
    Ok(())
}

/// What is cited is there.
fn cited(
    linux: &Tree,
    feature: &Feature,
    citation: &Citation,
    findings: &mut Findings,
) -> Result<()> {
    let is_file = linux.has(&citation.file);
    let files = [citation.file.clone()];
    let is_there = match &citation.function {
        _ if !is_file => false,
        Some(function) => linux.source(&files)?.says_in(function, &citation.text)?,
        None => linux.source(&files)?.says(&citation.text),
    };
    findings.note(is_there, || {
        let Citation { file, text, .. } = citation;
        let function = citation.function.as_deref().unwrap_or_default();
        format!("{}: {file} {function} does not say: {text}", feature.name)
    });
    Ok(())
}

/// What is lacking is lacking, and is something that can be there.
fn lacking(
    linux: &Tree,
    known: &Known<'_>,
    feature: &Feature,
    lack: &Lack,
    findings: &mut Findings,
) -> Result<()> {
    let option = format!(r"\b(?:select|config) {}\b", regex::escape(&lack.option));
    let has = |arch: &str| -> Result<bool> {
        let file = format!("arch/{arch}/Kconfig");
        linux.source(&[file])?.has(&option)
    };
    let mut has_any = false;
    for jit in &known.data.jits {
        let is_there = has(&jit.arch)?;
        has_any |= is_there;
        if lack.jits.contains(&jit.name) {
            findings.note(!is_there, || {
                format!(
                    "{}: arch/{}/Kconfig has {}",
                    feature.name, jit.arch, lack.option
                )
            });
        }
    }
    findings.note(has_any, || {
        format!("{}: no architecture has {}", feature.name, lack.option)
    });
    Ok(())
}

/// Every function that `kernel/bpf/` lets a JIT replace is in a row, or needs no answer.
fn hooks(linux: &Tree, known: &Known<'_>, findings: &mut Findings) -> Result<()> {
    let all = linux.source(&["kernel/bpf".to_owned()])?;
    let names = all.names(r"__weak \*? ?((?:bpf_jit|bpf_arch|arch|bpf_int_jit)_\w+)\(")?;
    let rows = known.data.features();
    let in_rows = rows.flat_map(|feature| feature.hook.iter().chain(&feature.hooks));
    let unneeded = known.data.unneeded.iter().map(|unneeded| &unneeded.hook);
    let named: Vec<&String> = in_rows.chain(unneeded).collect();
    for name in &names {
        findings.note(named.contains(&name), || {
            format!("{name}(): a JIT may have it, and no row is about it")
        });
    }
    for name in named {
        findings.note(names.contains(name), || {
            format!("{name}(): kernel/bpf/ lets no JIT have it")
        });
    }
    Ok(())
}
