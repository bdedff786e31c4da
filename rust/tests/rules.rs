// SPDX-License-Identifier: GPL-2.0

//! Rules of the tree: what no compiler and no lint enforces.

use std::fs;
use std::path::{Path, PathBuf};

/// Lines that a source file may have.
const LONGEST: usize = 400;

/// Lines that a function may have.
const LONGEST_FUNCTION: usize = 60;

/// Files that may be longer.
const LONG: [&str; 1] = ["rust/jit/mips/table.rs"];

/// Ends of files that begin with no licence: others write them, or they have no comments.
const UNLICENSED: [&str; 5] = ["Cargo.lock", ".patch", ".log", ".md", "COPYING"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of the tree with its path from the root, sorted.
fn files() -> Vec<(String, PathBuf)> {
    let root = root();
    let mut found = Vec::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory can be read") {
            let path = entry.expect("a directory can be read").path();
            let name = path.strip_prefix(&root).expect("a path in the tree");
            let name = name.to_string_lossy().into_owned();
            if matches!(name.as_str(), ".git" | "target") {
                continue;
            }
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push((name, path));
            }
        }
    }
    found.sort();
    found
}

/// Rust sources below a directory: path and content.
fn sources(below: &str) -> Vec<(String, String)> {
    let wanted = |(name, _): &(String, PathBuf)| name.starts_with(below) && name.ends_with(".rs");
    files()
        .into_iter()
        .filter(wanted)
        .map(|(name, path)| {
            (
                name,
                fs::read_to_string(path).expect("a source can be read"),
            )
        })
        .collect()
}

/// A line without its comment and without what stands in string literals.
fn code(line: &str) -> String {
    let mut code = String::new();
    let mut in_string = false;
    let mut before = ' ';
    for c in line.chars() {
        if c == '"' && before != '\\' && before != '\'' {
            in_string = !in_string;
        } else if !in_string {
            if c == '/' && before == '/' {
                code.pop();
                break;
            }
            code.push(c);
        }
        before = c;
    }
    code
}

/// Fails with all that was found.
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Lines of code that the predicate finds fault with.
fn lines_with(below: &str, is_fault: impl Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, content) in sources(below) {
        for (line, text) in content.lines().enumerate() {
            if is_fault(&code(text)) {
                faults.push(format!("{name}:{}: {}", line + 1, text.trim()));
            }
        }
    }
    faults
}

/// Whether a word stands in a line by itself.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.split(|c| !is_part(c)).any(|part| part == word)
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for (name, content) in sources("") {
        let lines = content.lines().count();
        if lines > LONGEST && !LONG.contains(&name.as_str()) {
            faults.push(format!("{name}: {lines} lines"));
        }
    }
    none(&faults);
}

#[test]
fn functions_are_short() {
    let mut faults = Vec::new();
    for (name, content) in sources("rust") {
        // With rustfmt a function ends where its indentation comes back.
        let mut begun: Option<(usize, String)> = None;
        for (at, line) in content.lines().enumerate() {
            let text = line.trim_start();
            let indent = &line[..line.len() - text.len()];
            if let Some((from, end)) = &begun {
                let is_declaration = text.starts_with(')') && text.ends_with(';');
                if is_declaration && line.len() - text.len() == end.len() - 1 {
                    begun = None;
                } else if line == end {
                    if at - from >= LONGEST_FUNCTION {
                        faults.push(format!("{name}:{}: {} lines", from + 1, at - from));
                    }
                    begun = None;
                }
            } else if has_word(&code(text), "fn") && !text.ends_with(';') && !text.ends_with('}') {
                begun = Some((at, format!("{indent}}}")));
            }
        }
    }
    none(&faults);
}

#[test]
fn unsafe_code_is_in_the_glue_alone() {
    let faults = lines_with("", |line| has_word(line, "unsafe"));
    let is_elsewhere = |fault: &String| !fault.starts_with("rust/kernel");
    none(&faults.into_iter().filter(is_elsewhere).collect::<Vec<_>>());
}

#[test]
fn the_core_has_no_panic_path() {
    let forbidden = [
        ".unwrap(",
        ".expect(",
        "panic!",
        "unreachable!",
        "todo!",
        "unimplemented!",
        "debug_assert",
    ];
    none(&lines_with("rust/jit", |line| {
        forbidden.iter().any(|word| line.contains(word)) || has_index(line)
    }));
}

/// Whether something is indexed: a bracket directly behind a name, a call or another index.
fn has_index(line: &str) -> bool {
    let mut before = ' ';
    line.chars().any(|c| {
        let is_value = before.is_alphanumeric() || matches!(before, '_' | ')' | ']');
        before = c;
        c == '[' && is_value
    })
}

#[test]
fn the_core_knows_no_kernel_and_no_allocation() {
    none(&lines_with("rust/jit", |line| {
        let crates = ["kernel::", "bindings::", "std::", "alloc::"];
        crates.iter().any(|name| line.contains(name)) || has_word(line, "Vec")
    }));
}

#[test]
fn files_begin_with_their_licence() {
    let mut faults = Vec::new();
    for (name, path) in files() {
        let content = fs::read(&path).expect("a file can be read");
        let text = String::from_utf8_lossy(&content);
        let mut lines = text.lines();
        let mut first = lines.next().unwrap_or("");
        if first.starts_with("#!") {
            first = lines.next().unwrap_or("");
        }
        let is_exempt = UNLICENSED.iter().any(|end| name.ends_with(end)) || content.is_empty();
        if !first.contains("SPDX-License-Identifier: ") && !is_exempt {
            faults.push(format!("{name}: {first}"));
        }
    }
    none(&faults);
}

/// Where a kernel's version may stand: what belongs to a series, what is told of it, and what others
/// write.
const KNOWS_VERSIONS: [&str; 6] = [
    "patches/",
    "rust/kernel/compat",
    "Documentation/",
    "README.md",
    "Cargo.lock",
    ".log",
];

/// Whether a line names a kernel series, such as 1.23, as itself, as a release of it, or as part of
/// a name, as in `v1_23`.
fn names_series(line: &str, series: &str) -> bool {
    let spellings = [series.to_owned(), series.replace('.', "_")];
    spellings.iter().any(|spelling| {
        line.match_indices(spelling).any(|(at, found)| {
            let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
            let after = at + found.len();
            !is_digit(line[..at].chars().next_back()) && !is_digit(line[after..].chars().next())
        })
    })
}

#[test]
fn one_directory_and_one_file_know_a_kernel_version() {
    let patches = fs::read_dir(root().join("patches")).expect("there are patches");
    let series: Vec<String> = patches
        .map(|entry| entry.expect("a directory can be read").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    assert!(!series.is_empty(), "there is no series");
    let knows = |name: &str| {
        let mut places = KNOWS_VERSIONS.iter();
        places.any(|place| name.starts_with(place) || name.ends_with(place))
    };
    let mut faults = Vec::new();
    for (name, path) in files().into_iter().filter(|(name, _)| !knows(name)) {
        let content = fs::read(&path).expect("a file can be read");
        for (at, line) in String::from_utf8_lossy(&content).lines().enumerate() {
            if series.iter().any(|series| names_series(line, series)) {
                faults.push(format!("{name}:{}: {line}", at + 1));
            }
        }
    }
    for series in series {
        let glue = format!("rust/kernel/compat/v{}.rs", series.replace('.', "_"));
        if !root().join(&glue).exists() {
            faults.push(format!("patches/{series} is there, and {glue} is not"));
        }
    }
    none(&faults);
}

#[test]
fn the_rules_find_what_they_look_for() {
    for line in [
        "Linux 1.23",
        "KERNEL=1.23",
        "1.23.4",
        "v1_23::AX",
        "\"1.23\"",
    ] {
        assert!(names_series(line, "1.23"), "{line}");
    }
    for line in ["11.23", "1.234", "1_234", "1.2"] {
        assert!(!names_series(line, "1.23"), "{line}");
    }
    assert_eq!(code("a // b"), "a ");
    assert_eq!(code("a(\"// unsafe\") b"), "a() b");
    for line in ["a[i]", "f()[0]", "a[0][1]", "self.words[..2]"] {
        assert!(has_index(line), "{line}");
    }
    for line in [
        "&[u32]",
        "#[inline]",
        "[0; 4]",
        "let [a, b] =",
        "&mut [Fact]",
        "vec![1]",
    ] {
        assert!(!has_index(line), "{line}");
    }
    assert!(has_word("unsafe {", "unsafe") && !has_word("forbid(unsafe_code)", "unsafe"));
}
