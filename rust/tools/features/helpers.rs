// SPDX-License-Identifier: GPL-2.0

//! Whether helpers take and give what `rust/bpf_jit_mips_helpers.c` says, from the kernel's source.
//!
//! `BPF_CALL_n()` has the types of arguments. A result is a pointer if each `return` casts to `unsigned long` or is 0, an int
//! if each has an error number, a constant, or a variable that is an `int`.

use std::fs;
use std::path::Path;

use anyhow::{ensure, Context, Result};

use super::check::Findings;

/// The table.
const TABLE: &str = "rust/bpf_jit_mips_helpers.c";

/// Where helpers are.
const DIRECTORIES: [&str; 3] = ["kernel/bpf", "kernel/trace", "net/core"];

/// Types of one word that are no pointers.
const WORDS: [&str; 9] = [
    "u32",
    "s32",
    "int",
    "u16",
    "u8",
    "__be16",
    "__be32",
    "__wsum",
    "unsigned long",
];

/// Types of two.
const DOUBLEWORDS: [&str; 2] = ["u64", "s64"];

/// Holds each row against the source.
pub(super) fn check(project: &Path, linux: &Path, findings: &mut Findings) -> Result<()> {
    let table = fs::read_to_string(project.join(TABLE)).context(TABLE)?;
    let mut source = String::new();
    for directory in DIRECTORIES {
        for entry in fs::read_dir(linux.join(directory)).context(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "c") {
                source += &fs::read_to_string(path)?;
            }
        }
    }
    let rows = rows(&table);
    ensure!(!rows.is_empty(), "{TABLE} has no rows");
    for row in rows {
        match judge(&row, &source) {
            Ok(()) => findings.passed += 1,
            Err(why) => findings.faults.push(format!("{TABLE}: {}: {why}", row[0])),
        }
    }
    Ok(())
}

/// What is between the brackets of each row.
fn rows(table: &str) -> Vec<Vec<&str>> {
    let lines = table.lines().filter_map(|line| {
        let row = line.trim().strip_prefix("row(")?;
        Some(row.split(')').next()?.split(',').map(str::trim).collect())
    });
    lines.collect()
}

/// Whether a row says what the source says.
fn judge(row: &[&str], source: &str) -> std::result::Result<(), String> {
    let [name, result, said @ ..] = row else {
        return Err("it is no row".to_owned());
    };
    let (arguments, body) = function(name, source).ok_or("there is no such function")?;
    let mut kinds = Vec::new();
    for pair in arguments.chunks(2) {
        kinds.push(kind(pair[0]).ok_or(format!("what is {}?", pair[0]))?);
    }
    kinds.resize(5, "NONE");
    if said != kinds {
        return Err(format!("it takes {kinds:?}"));
    }
    let returned: Vec<&str> = body
        .split("return ")
        .skip(1)
        .filter_map(|rest| rest.split(';').next())
        .collect();
    let gives =
        |is: &dyn Fn(&str) -> bool| !returned.is_empty() && returned.iter().all(|text| is(text));
    let is_right = match *result {
        "ANY" => true,
        "POINTER" => gives(&|text| text == "0" || text.contains("(unsigned long)")),
        "INT" => gives(&|text| is_int(text, body)),
        _ => false,
    };
    match is_right {
        true => Ok(()),
        false => Err(format!("it gives no {result}: {returned:?}")),
    }
}

/// The types and names of a helper's arguments, and what it does.
fn function<'a>(name: &str, source: &'a str) -> Option<(Vec<&'a str>, &'a str)> {
    let named = source.match_indices(name).find_map(|(at, _)| {
        let (before, behind) = (&source[..at], &source[at + name.len()..]);
        let before = before.strip_suffix('(')?;
        let is_call = before.len() >= 10 && before[..before.len() - 1].ends_with("BPF_CALL_");
        (is_call && behind.starts_with([',', ')'])).then_some(behind)
    })?;
    let (arguments, rest) = named.split_once(')')?;
    let body = rest.split("\n}").next()?;
    let arguments = arguments.split(',').map(str::trim);
    Some((arguments.filter(|text| !text.is_empty()).collect(), body))
}

fn kind(text: &str) -> Option<&'static str> {
    let text = text.strip_prefix("const ").unwrap_or(text);
    if text.ends_with('*') || WORDS.contains(&text) {
        return Some("WORD");
    }
    DOUBLEWORDS.contains(&text).then_some("DOUBLE")
}

/// Whether an expression has the type `int`.
fn is_int(text: &str, body: &str) -> bool {
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_declared = || {
        let lines = body.lines().map(str::trim);
        let mut declared = lines.filter_map(|line| line.strip_prefix("int "));
        declared.any(|names| {
            let mut names = names.split([',', ';', '=']);
            names.any(|name| name.trim() == text)
        })
    };
    let error = text.strip_prefix("-E").is_some_and(is_name);
    error || text.parse::<i32>().is_ok() || is_name(text) && is_declared()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "
BPF_CALL_2(bpf_find, struct map *, map,
	   const void *, key)
{
	return (unsigned long) map->find(map, key);
}
NOTRACE_BPF_CALL_3(bpf_put, void *, to, u32, len, u64, flags)
{
	int ret, other;

	if (flags)
		return -EINVAL;
	ret = put(to);
	if (ret)
		return ret;
	return 0;
}
BPF_CALL_0(bpf_find_none)
{
	return find_none();
}
";

    #[test]
    fn what_is_not_so_is_found() {
        let told = |row: &str| judge(&rows(row)[0], SOURCE).err().unwrap_or_default();
        for row in [
            "row(bpf_find, POINTER, WORD, WORD, NONE, NONE, NONE) \\",
            "row(bpf_put, INT, WORD, WORD, DOUBLE, NONE, NONE)",
            "row(bpf_put, ANY, WORD, WORD, DOUBLE, NONE, NONE)",
            "row(bpf_find_none, ANY, NONE, NONE, NONE, NONE, NONE)",
        ] {
            assert_eq!(told(row), "", "{row}");
        }
        for (row, why) in [
            (
                "row(bpf_find, INT, WORD, WORD, NONE, NONE, NONE)",
                "gives no INT",
            ),
            (
                "row(bpf_put, POINTER, WORD, WORD, DOUBLE, NONE, NONE)",
                "gives no POINTER",
            ),
            (
                "row(bpf_find_none, INT, NONE, NONE, NONE, NONE, NONE)",
                "gives no INT",
            ),
            (
                "row(bpf_find_none, WORD, NONE, NONE, NONE, NONE, NONE)",
                "gives no WORD",
            ),
            (
                "row(bpf_put, INT, WORD, WORD, WORD, NONE, NONE)",
                "it takes",
            ),
            (
                "row(bpf_put, INT, WORD, WORD, DOUBLE, WORD, NONE)",
                "it takes",
            ),
            (
                "row(bpf_fin, ANY, NONE, NONE, NONE, NONE, NONE)",
                "no such function",
            ),
        ] {
            assert!(told(row).contains(why), "{row}: {}", told(row));
        }
        assert_eq!(kind("enum thing"), None);
    }
}
