// SPDX-License-Identifier: GPL-2.0

//! What a cell says: yes, or why not.
//!
//! In this order: what the kernel's core forbids or does itself, that no JIT changes; what the
//! architecture lacks; and what the JIT's source has. Where the kernel's source is not there, other JITs
//! keep what the page says of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{bail, Result};

use super::data::{Data, Feature, Jit};
use super::source::Source;

/// What a cell says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Yes,
    /// The kernel's core forbids it.
    Core,
    /// The architecture lacks something.
    Arch,
    No,
}

/// Cells of a page, by feature and title of the JIT.
pub(super) type Cells = BTreeMap<(String, String), Verdict>;

/// What is known of JITs.
pub(super) struct Known<'d> {
    pub(super) data: &'d Data,
    /// By their names.
    sources: BTreeMap<&'d str, Source>,
    /// Of the page that there is, for JITs whose source is not.
    cells: Cells,
    /// What was found so far.
    found: RefCell<BTreeMap<(String, &'d str), Verdict>>,
}

impl<'d> Known<'d> {
    /// Reads our source, and if it is there that of the kernel.
    pub(super) fn read(
        data: &'d Data,
        root: &Path,
        series: &str,
        linux: Option<&Path>,
        cells: Cells,
    ) -> Result<Known<'d>> {
        let mut sources = BTreeMap::new();
        let series = series.replace('.', "_");
        for jit in &data.jits {
            let top = if jit.ours { Some(root) } else { linux };
            if let Some(top) = top {
                let names = jit.files.iter().map(|name| name.replace("SERIES", &series));
                let names: Vec<String> = names.collect();
                sources.insert(jit.name.as_str(), Source::read(top, &names, &jit.without)?);
            }
        }
        Ok(Known {
            data,
            sources,
            cells,
            found: RefCell::default(),
        })
    }

    /// Whether the source of a JIT has a feature.
    fn has(&self, feature: &Feature, jit: &Jit, source: &Source) -> Result<bool> {
        if let Some(expression) = feature.by.get(&jit.name) {
            return Ok(!expression.is_empty() && source.has(expression)?);
        }
        let mut all = Vec::new();
        if let Some(hook) = &feature.hook {
            let value = source.returns(hook)?;
            let no = regex::Regex::new(&jit.no)?;
            all.push(value.is_some_and(|value| !no.is_match(value)));
        }
        if jit.ours {
            for variant in &feature.lowers {
                // An arm of `lower()` that does something.
                let arm = format!(r"\bInsn::{variant}(?: \{{[^}}]*\}})? => l\.");
                all.push(source.has(&arm)?);
            }
            for expression in &feature.ours {
                all.push(source.has(expression)?);
            }
        } else {
            for opcode in &feature.case {
                all.push(source.handles(opcode));
            }
            if let Some(expression) = &feature.has {
                all.push(source.has(expression)?);
            }
        }
        if all.is_empty() {
            bail!("{}: nothing is asked of {}", feature.name, jit.title);
        }
        Ok(!all.contains(&false))
    }

    /// What a cell says.
    pub(super) fn verdict(&self, feature: &Feature, jit: &'d Jit) -> Result<Verdict> {
        let key = (feature.name.clone(), jit.name.as_str());
        if let Some(verdict) = self.found.borrow().get(&key) {
            return Ok(*verdict);
        }
        let verdict = self.find(feature, jit)?;
        self.found.borrow_mut().insert(key, verdict);
        Ok(verdict)
    }

    fn find(&self, feature: &Feature, jit: &Jit) -> Result<Verdict> {
        let concerns = |bits: Option<u32>| bits.is_none_or(|bits| bits == jit.bits);
        if feature
            .core
            .as_ref()
            .is_some_and(|core| concerns(core.bits))
        {
            return Ok(Verdict::Core);
        }
        if let Some(lack) = &feature.arch {
            if lack.jits.contains(&jit.name) {
                return Ok(Verdict::Arch);
            }
        }
        if feature
            .rewritten
            .as_ref()
            .is_some_and(|core| concerns(core.bits))
        {
            return Ok(Verdict::Yes);
        }
        match self.sources.get(jit.name.as_str()) {
            Some(source) if self.has(feature, jit, source)? => Ok(Verdict::Yes),
            Some(_) => Ok(Verdict::No),
            None => {
                let key = (feature.name.clone(), jit.title.clone());
                Ok(self.cells.get(&key).copied().unwrap_or(Verdict::No))
            }
        }
    }

    /// Which of our JITs have a feature.
    pub(super) fn ours(&self, feature: &Feature) -> Result<Vec<&'d Jit>> {
        let mut jits = Vec::new();
        for jit in self.data.jits.iter().filter(|jit| jit.ours) {
            if self.verdict(feature, jit)? == Verdict::Yes {
                jits.push(jit);
            }
        }
        Ok(jits)
    }
}
