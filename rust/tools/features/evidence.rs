// SPDX-License-Identifier: GPL-2.0

//! Whether a test is there: `GROUP: name`.
//!
//! | group | where the name is |
//! |---|---|
//! | `exec` | a case of `make exec` |
//! | `check` | a function of `rust/tests/` |
//! | `golden` | a file of `rust/tests/golden/` |
//! | `machine` | a machine that kernels are booted on |
//! | others | a string in the source of the suite of that name: a module, or a program of `boot-tests/user/` |

use anyhow::Result;
use regex::Regex;

use super::source::Tree;

/// Sources of tests.
pub(super) struct Tests<'p> {
    pub(super) project: &'p Tree,
    /// The kernel's source, if it is there.
    pub(super) linux: Option<&'p Tree>,
}

impl Tests<'_> {
    /// Why there is no such test. What is in the kernel's source is taken on trust where that is not there.
    pub(super) fn fault(&self, test: &str) -> Result<Option<String>> {
        let Some((group, name)) = test.split_once(": ") else {
            return Ok(Some("is not GROUP: name".to_owned()));
        };
        let file = match group {
            "golden" => format!("rust/tests/golden/{name}.golden"),
            "machine" => format!("boot-tests/machines/{name}.toml"),
            "check" => return self.function(name),
            "exec" => return self.string(self.project, &["rust/tools/exec".to_owned()], name),
            suite => return self.booted(suite, name),
        };
        Ok((!self.project.has(&file)).then(|| format!("no {file}")))
    }

    fn function(&self, name: &str) -> Result<Option<String>> {
        let source = self.project.source(&["rust/tests".to_owned()])?;
        let test = format!(r"#\[test\] fn {}\(\) \{{", regex::escape(name));
        Ok((!source.has(&test)?).then(|| "no such test in rust/tests".to_owned()))
    }

    fn string(&self, tree: &Tree, files: &[String], name: &str) -> Result<Option<String>> {
        let is_there = tree.source(files)?.says(&format!("{name:?}"));
        Ok((!is_there).then(|| format!("no such name in {}", files.join(" "))))
    }

    /// A test of a suite of `make boot`.
    fn booted(&self, suite: &str, name: &str) -> Result<Option<String>> {
        let file = format!("boot-tests/suites/{suite}.toml");
        if !self.project.has(&file) {
            return Ok(Some(format!("no {file}")));
        }
        let text = self.project.text(&file)?;
        let module = Regex::new(r#"module = "(?:.*/)?(boot-tests/modules|lib)/(\w+)\.ko""#)?;
        let files = match module.captures(&text) {
            Some(found) => vec![format!("{}/{}.c", &found[1], &found[2])],
            None => self.program(suite)?,
        };
        match (files[0].starts_with("lib/"), self.linux) {
            (false, _) => self.string(self.project, &files, name),
            (true, Some(linux)) => self.string(linux, &files, name),
            (true, None) => Ok(None),
        }
    }

    /// The sources of a suite's program.
    fn program(&self, suite: &str) -> Result<Vec<String>> {
        let rules = self.project.text("boot-tests/user/Makefile")?;
        let rule = format!(r"\$\(OUT\)/{}: ((?:.*\\\n)*.*)", regex::escape(suite));
        let needs = Regex::new(&rule)?;
        let needs = needs.captures(&rules).and_then(|found| found.get(1));
        let source = Regex::new(r"\$\(here\)(\w+\.c)\b")?;
        let names = source.captures_iter(needs.map_or("", |needs| needs.as_str()));
        let mut names: Vec<String> = names
            .map(|name| format!("boot-tests/user/{}", &name[1]))
            .collect();
        if names.is_empty() {
            names.push("boot-tests/user/Makefile".to_owned());
        }
        Ok(names)
    }
}
