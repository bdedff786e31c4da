// SPDX-License-Identifier: GPL-2.0

//! That what must not be is found: a small project and a small kernel in which all is right, and what is said
//! when one thing is not.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::check::{check, Findings, Places};
use super::data::{expand, Data};
use super::judge::{Cells, Known};
use super::page;
use super::source::{Source, Tree};

const SERIES: &str = "1.2";

/// Everything there is, project and kernel in one tree.
const FILES: [(&str, &str); 12] = [
    (
        "rust/features/jits.toml",
        "unneeded = [{ hook = \"bpf_jit_limit\", why = \"Right.\" }]\n\
         [[jit]]\nname = \"a32\"\ntitle = \"Ours\"\nbits = 32\narch = \"mips\"\nours = true\n\
         files = [\"rust/kernel\", \"rust/compat/vSERIES.rs\"]\nno = \"^false$\"\n\
         [[jit]]\nname = \"x64\"\ntitle = \"Other\"\nbits = 64\narch = \"x86\"\nfiles = [\"arch/x86/net\"]\n\
         no = \"^false$\"\n",
    ),
    (
        "rust/features/1-all.toml",
        "title = \"All\"\n\
         [[feature]]\nname = \"calls\"\nhook = \"bpf_jit_supports_calls\"\ncase = [\"BPF_JMP | BPF_CALL\"]\n\
         lowers = [\"Call\"]\nforms = [\"call {near,far}\"]\n\
         tests = [\"boots: a call\", \"exec: call_case\", \"golden: call\", \"check: calls\", \"machine: m\", \"module: a call\", \"tests: a call\"]\n\
         [[feature]]\nname = \"arena\"\nhook = \"bpf_jit_supports_arena\"\n\
         core = { bits = 32, file = \"kernel/bpf/core.c\", function = \"check\", text = \"no arena\", why = \"No.\" }\n\
         [[feature]]\nname = \"attaching\"\nhas = \"attach\"\nours = [\"attach\"]\n\
         arch = { jits = [\"a32\"], option = \"HAVE_CALLS\", why = \"No.\" }\n\
         [[feature]]\nname = \"packets\"\ntests = [\"golden: call\"]\nunproved = \"why\"\n\
         rewritten = { file = \"kernel/bpf/core.c\", text = \"rewrite()\", why = \"Yes.\" }\n\
         [[feature]]\nname = \"later\"\nhook = \"bpf_jit_supports_later\"\nleft_out = \"Later.\"\ntests = [\"exec: none\"]\n",
    ),
    (
        "rust/kernel/hooks.rs",
        "fn bpf_jit_supports_calls() -> bool {\n    true\n}\n// bpf_jit_supports_later() -> bool { true }\n",
    ),
    ("rust/compat/v1_2.rs", "Insn::Call { a } => l.call(a),"),
    ("rust/tools/exec/cases.rs", "(\"call_case\", 1)"),
    ("rust/tests/calls.rs", "#[test]\nfn calls() {\n}\n"),
    ("rust/tests/golden/call.golden", ""),
    ("boot-tests/user/Makefile", "$(OUT)/boots: $(here)boots.c \\\n\t\t$(here)more.c\n\tcc\n"),
    ("boot-tests/user/boots.c", ""),
    ("boot-tests/user/more.c", "{ \"a call\", }"),
    (
        "kernel/bpf/core.c",
        "bool __weak bpf_jit_supports_calls(void)\nbool __weak bpf_jit_supports_arena(void)\n\
         bool __weak bpf_jit_supports_later(void)\nu64 __weak bpf_jit_limit(void)\n\
         int check(int a)\n{\n\tif (a) { b(); }\n\treturn say(\"no\tarena\");\n}\nint rewrite();\n",
    ),
    (
        "arch/x86/net/jit.c",
        "bool bpf_jit_supports_calls(void)\n{\n\treturn true;\n}\nbool bpf_jit_supports_arena(void)\n{\n\treturn false;\n}\n\
         switch (a) { case BPF_CALL | BPF_JMP: /* both */\n case BPF_EXIT: emit(); break;\n case BPF_NONE: goto notyet; }\n",
    ),
];

/// And what is as short in a kernel.
const MORE: [(&str, &str); 9] = [
    ("boot-tests/suites/boots.toml", "script = []\n"),
    (
        "boot-tests/suites/module.toml",
        "module = \"a/boot-tests/modules/mod.ko\"\n",
    ),
    ("boot-tests/suites/tests.toml", "module = \"lib/test.ko\"\n"),
    ("boot-tests/modules/mod.c", "\"a call\""),
    ("boot-tests/machines/m.toml", ""),
    ("lib/test.c", "\"a call\""),
    ("arch/mips/Kconfig", "config MIPS\n\tselect OTHER\n"),
    ("arch/x86/Kconfig", "config X86\n\tselect HAVE_CALLS\n"),
    ("arch/x86/net/more.c", ""),
];

/// A tree of all that, with some texts replaced.
fn tree(changes: &[(&str, &str, &str)]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    for (name, text) in FILES.into_iter().chain(MORE) {
        let file = root.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut text = text.to_owned();
        for (_, from, to) in changes.iter().filter(|(changed, ..)| *changed == name) {
            assert!(text.contains(from), "{name} has no {from}");
            text = text.replace(from, to);
        }
        fs::write(file, text).unwrap();
    }
    (directory, root)
}

fn forms(_: u32) -> Vec<String> {
    ["call near", "call far"].map(str::to_owned).to_vec()
}

/// The page and what is found in the tree, with the kernel's source or without.
fn judge(root: &Path, with_linux: bool, cells: Cells) -> (String, Findings) {
    let data = Data::read(root).unwrap();
    let linux = with_linux.then_some(root);
    let known = Known::read(&data, root, SERIES, linux, cells).unwrap();
    let tree = Tree::new(root);
    let places = Places {
        project: &tree,
        linux: with_linux.then_some(&tree),
        forms: &forms,
    };
    (page::page(&known).unwrap(), check(&known, &places).unwrap())
}

fn faults(changes: &[(&str, &str, &str)]) -> Vec<String> {
    let (_directory, root) = tree(changes);
    judge(&root, true, Cells::new()).1.faults
}

#[test]
fn nothing_is_found_where_all_is_right() {
    assert_eq!(faults(&[]), [""; 0]);
}

const ALL: &str = "rust/features/1-all.toml";
const CORE: &str = "kernel/bpf/core.c";

/// What is changed where, and what is said then.
const BREAKS: [(&str, &str, &str, &str); 24] = [
    (
        "rust/kernel/hooks.rs",
        "fn bpf_jit_supports_calls",
        "fn other",
        "calls: Ours does not have it",
    ),
    (
        "rust/kernel/hooks.rs",
        "    true",
        "    false",
        "calls: Ours does not have it",
    ),
    (
        "rust/compat/v1_2.rs",
        "l.call(a)",
        "None",
        "calls: Ours does not have it",
    ),
    (
        "rust/kernel/hooks.rs",
        "// bpf_jit_supports_later",
        "fn bpf_jit_supports_later",
        "remove left_out",
    ),
    (CORE, "no\tarena", "an arena", "does not say: no arena"),
    (CORE, "int check(", "int checked(", "does not say: no arena"),
    (
        ALL,
        "core.c\", function",
        "none.c\", function",
        "does not say: no arena",
    ),
    (CORE, "rewrite()", "write()", "does not say: rewrite()"),
    (
        "arch/mips/Kconfig",
        "OTHER",
        "HAVE_CALLS",
        "arch/mips/Kconfig has HAVE_CALLS",
    ),
    (
        "arch/x86/Kconfig",
        "HAVE_CALLS",
        "OTHER",
        "no architecture has HAVE_CALLS",
    ),
    (
        ALL,
        "exec: call_case",
        "exec: call_cas",
        "exec: call_cas: no such name",
    ),
    (
        "rust/tests/calls.rs",
        "#[test]\n",
        "",
        "check: calls: no such test",
    ),
    (
        ALL,
        "golden: call\", \"check",
        "golden: cell\", \"check",
        "no rust/tests/golden/cell",
    ),
    (
        ALL,
        "machine: m",
        "machine: n",
        "no boot-tests/machines/n.toml",
    ),
    (ALL, "boots: a", "boot: a", "no boot-tests/suites/boot.toml"),
    (
        "boot-tests/user/more.c",
        "a call",
        "a call or two",
        "boots: a call: no such name",
    ),
    (
        "boot-tests/user/Makefile",
        "$(here)more.c",
        "",
        "boots: a call: no such name",
    ),
    (
        "boot-tests/modules/mod.c",
        "a call",
        "none",
        "module: a call: no such name",
    ),
    (
        "lib/test.c",
        "a call",
        "none",
        "tests: a call: no such name",
    ),
    (
        ALL,
        "{near,far}",
        "{near,nearer}",
        "prove has no form \"call nearer\" for Ours",
    ),
    (
        ALL,
        "unproved = \"why\"\n",
        "",
        "packets: either forms or unproved",
    ),
    (
        ALL,
        "tests = [\"golden: call\"]\n",
        "",
        "packets: no test shows it",
    ),
    (
        CORE,
        "bpf_jit_limit",
        "bpf_jit_news",
        "bpf_jit_news(): a JIT may have it",
    ),
    (
        CORE,
        "bpf_jit_limit",
        "bpf_jit_news",
        "bpf_jit_limit(): kernel/bpf/ lets no JIT",
    ),
];

#[test]
fn whatever_is_wrong_is_found() {
    for (file, from, to, fault) in BREAKS {
        let found = faults(&[(file, from, to)]);
        let is_found = found.iter().any(|found| found.contains(fault));
        assert!(is_found, "{file}: {from} -> {to}: {found:#?}");
    }
}

#[test]
fn the_page_is_the_same_without_the_kernel() {
    let (_directory, root) = tree(&[]);
    let (with, _) = judge(&root, true, Cells::new());
    let (without, findings) = judge(&root, false, page::cells(&with));
    assert_eq!(with, without);
    assert_eq!(findings.faults, [""; 0]);
    // Our cells are not taken from it, those of others are.
    let line = with.lines().find(|line| line.starts_with("calls")).unwrap();
    let changed = with.replace(line, &line.replace("yes", "no "));
    let (again, _) = judge(&root, false, page::cells(&changed));
    let line = again
        .lines()
        .find(|line| line.starts_with("calls"))
        .unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["calls", "yes", "no"]
    );
}

#[test]
fn the_kernel_decides_on_other_jits() {
    for (from, to) in [
        ("return true", "return false"),
        ("BPF_CALL | BPF_JMP", "BPF_CALL"),
        ("emit()", "goto notyet"),
        ("emit()", "pr_info()"),
        ("emit()", "later: return -1"),
    ] {
        let (_directory, root) = tree(&[("arch/x86/net/jit.c", from, to)]);
        let (page, _) = judge(&root, true, Cells::new());
        let line = page.lines().find(|line| line.starts_with("calls")).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["calls", "yes", "no"],
            "{to}"
        );
    }
}

#[test]
fn sources_have_neither_comments_nor_double_blanks() {
    let source = Source::new("a  /* x\n * y */\tb // c\n\"// d\" '\"' e");
    for text in ["a b", "\"// d\" '\"' e"] {
        assert!(source.says(text), "{text}: {source:?}");
    }
    for text in ["x", "y", "c"] {
        assert!(!source.says(text), "{text}: {source:?}");
    }
}

#[test]
fn alternatives_are_expanded() {
    assert_eq!(expand("a{b,c} {d,e}"), ["ab d", "ab e", "ac d", "ac e"]);
    assert_eq!(expand("a"), ["a"]);
}
