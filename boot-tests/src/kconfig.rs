// SPDX-License-Identifier: GPL-2.0

//! Which options is a kernel built with, and did it really get them?
//!
//! A configuration is `allnoconfig` plus a list of fragments. Kconfig drops without a word what it
//! does not know or whose dependencies are not met; so afterwards every line of every fragment is
//! looked for in the result.

use anyhow::{bail, Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Option and value, `n` for one that is not set.
pub(crate) type Wanted = BTreeMap<String, String>;

/// Fragments of a directory by their names, and that of the kernel series, if it has one.
pub(crate) fn files(dir: &Path, fragments: &[String], series: &Path) -> Vec<PathBuf> {
    let names = fragments
        .iter()
        .map(|name| dir.join(format!("{name}.config")));
    let own = series.join("kconfig.config");
    names.chain(own.exists().then_some(own)).collect()
}

/// Reads fragments; a later one overrides.
pub(crate) fn merge(files: &[PathBuf]) -> Result<Wanted> {
    let mut wanted = Wanted::new();
    for path in files {
        let text = std::fs::read_to_string(path);
        let text = text.with_context(|| format!("no fragment {}", path.display()))?;
        let lines = parse(&text);
        wanted.extend(lines.with_context(|| format!("in {}", path.display()))?);
    }
    Ok(wanted)
}

/// As the text of a fragment, for KCONFIG_ALLCONFIG.
pub(crate) fn render(wanted: &Wanted) -> String {
    let line = |(option, value): (&String, &String)| match value.as_str() {
        "n" => format!("# {option} is not set\n"),
        _ => format!("{option}={value}\n"),
    };
    wanted.iter().map(line).collect()
}

/// The lines of `wanted` that a .config does not have.
pub(crate) fn missing(wanted: &Wanted, config: &str) -> Result<Vec<String>> {
    let have = parse(config)?;
    let value = |option: &String| have.get(option).map_or("n", String::as_str);
    let lost = wanted
        .iter()
        .filter(|(option, want)| value(option) != want.as_str());
    Ok(lost
        .map(|(option, want)| format!("{option}={want} (is {})", value(option)))
        .collect())
}

fn parse(text: &str) -> Result<Wanted> {
    let mut all = Wanted::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let unset = line
            .strip_prefix("# ")
            .and_then(|rest| rest.strip_suffix(" is not set"));
        let (option, value) = match (unset, line.split_once('=')) {
            (Some(option), _) => (option, "n"),
            (None, _) if line.starts_with('#') => continue,
            (None, Some(pair)) => pair,
            (None, None) => bail!("not a configuration line: {line:?}"),
        };
        all.insert(option.to_owned(), value.to_owned());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_option_is_found() {
        let wanted = parse("# why\nCONFIG_A=y\nCONFIG_T=m\n# CONFIG_B is not set\n").unwrap();
        let config = "#\n# Automatic\n#\nCONFIG_A=y\nCONFIG_T=y\nCONFIG_B=y\n";
        let lost = missing(&wanted, config).unwrap();
        assert_eq!(lost, ["CONFIG_B=n (is y)", "CONFIG_T=m (is y)"]);
        assert!(missing(&wanted, "CONFIG_A=y\nCONFIG_T=m\n")
            .unwrap()
            .is_empty());
        assert_eq!(
            missing(&wanted, "CONFIG_T=m\n").unwrap(),
            ["CONFIG_A=y (is n)"]
        );
    }

    #[test]
    fn later_fragments_override() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("a.config"),
            "CONFIG_A=y\nCONFIG_S=\"x=y\"\n",
        )
        .unwrap();
        std::fs::write(dir.path().join("b.config"), "# CONFIG_A is not set\n").unwrap();
        let merged = |names: &[&str], series: &Path| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            merge(&files(dir.path(), &names, series))
        };
        let none = dir.path().join("none");
        let wanted = merged(&["a", "b"], &none).unwrap();
        assert_eq!(render(&wanted), "# CONFIG_A is not set\nCONFIG_S=\"x=y\"\n");
        assert!(merged(&["c"], &none).is_err());
        std::fs::write(dir.path().join("kconfig.config"), "CONFIG_S=\"z\"\n").unwrap();
        let wanted = merged(&["a"], dir.path()).unwrap();
        assert_eq!(render(&wanted), "CONFIG_A=y\nCONFIG_S=\"z\"\n");
    }
}
