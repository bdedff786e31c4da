// SPDX-License-Identifier: GPL-2.0

//! Golden files: a program and the listing of its image, together in one file.
//!
//! ```text
//! # What the case shows.
//! machines: le-r2 be-r2
//! options: stack=16 verifier-zext no-facts words slots barriers lookups-counted
//!
//! r0 = 1
//! exit
//!
//! ==> le-r2
//!   prologue  00000000 afa00000 sw zero, 0(sp)
//! ```
//!
//! A listing shows all that an instruction can become, for whoever reads the words of its result. `words` does
//! the analyses that find out whether anybody does, as the kernel has them.
//!
//! `BLESS=1 cargo test golden` writes what stands behind the first `==>` anew. Addresses count from
//! the start of the image.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::helpers::HELPERS;
use super::{blesses, data, forms, program, LE64_R2, LE_R2, MACHINES};
use crate::host::listing::{listing, Columns};
use crate::host::{compile, dialect, runtime, text, Options};
use crate::jit::abi::Role;
use crate::jit::analysis::Analyses;
use crate::jit::bpf::{decode, Insn, Reg};
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::Cpu;
use crate::jit::runtime::{Counted, Runtime};

/// Where each processor has a stack for the program.
const PRIVATE_STACK: u64 = 0xffff_ffff_8765_4328;

/// A file, without its listings.
struct Case {
    path: PathBuf,
    /// The file as it is.
    content: String,
    /// All before the first listing.
    head: String,
    /// Machines to compile for, with their names.
    machines: Vec<(&'static str, Cpu)>,
    options: Options<'static>,
    source: String,
}

impl Case {
    fn read(path: &Path) -> Case {
        let content = fs::read_to_string(path).expect("a golden file can be read");
        let head = content.split("==>").next().unwrap_or("").to_string();
        let mut case = Case {
            path: path.to_path_buf(),
            content,
            machines: Vec::new(),
            options: Options {
                stack_depth: 0,
                address: 0,
                ..Options::plain()
            },
            source: String::new(),
            head: head.clone(),
        };
        let mut options = Vec::new();
        for line in head.lines().filter(|line| !line.starts_with('#')) {
            if let Some(names) = line.strip_prefix("machines:") {
                let names = names.split_whitespace();
                case.machines.extend(names.map(|name| machine(path, name)));
            } else if let Some(words) = line.strip_prefix("options:") {
                options.extend(words.split_whitespace().map(str::to_string));
            } else {
                case.source = case.source + line + "\n";
            }
        }
        for option in options {
            case.set(&option);
        }
        assert!(!case.machines.is_empty(), "{}: no machines", path.display());
        case
    }

    fn set(&mut self, option: &str) {
        match option.split_once('=') {
            Some(("stack", bytes)) => {
                self.options.stack_depth = bytes.parse().expect("a number of bytes");
            }
            None if option == "main" => self.options.role = Role::Main,
            None if option == "boundary" => self.options.is_boundary = true,
            None if option == "exception" => self.options.role = Role::Exception,
            None if option == "private-stack" => {
                self.options.private_stack = Some(PRIVATE_STACK);
            }
            None if option == "subprogram" => self.options.role = Role::Subprogram,
            None if option == "one-processor" => self.options.runtime.processors = None,
            None if option == "attachable" => self.options.linkage.is_attachable = true,
            None if option == "extension" => self.options.linkage.extends = true,
            None if option == "returns-r0" => self.options.linkage.returns_r0 = true,
            None if option == "reaches-tail-calls" => self.options.reaches_tail_calls = true,
            None if option == "verifier-zext" => self.options.verifier_zext = true,
            None if option == "words" => self.options.analyses = Analyses::ALL,
            None if option == "no-facts" => self.options.facts = false,
            None if option == "helpers" => self.options.helpers = HELPERS,
            None if option == "copies" => self.options.forwards_copies = true,
            None if option == "slots" => self.options.fills_slots = true,
            None if option == "lookups-counted" => {
                self.options.runtime.counted = Counted::Lookups;
            }
            None if option == "barriers" => {
                for (_, cpu) in &mut self.machines {
                    cpu.barriers = Barriers::ALL;
                }
            }
            _ => panic!("{}: no option {option}", self.path.display()),
        }
    }

    /// The file as it should be.
    fn expected(&self) -> String {
        let mut text = self.head.trim_end().to_string() + "\n";
        for (name, cpu) in &self.machines {
            text += &format!("\n==> {name}\n");
            let insns = program(&self.source, cpu);
            let options = Options {
                runtime: Runtime {
                    processors: self.options.runtime.processors,
                    ..runtime(cpu.width, self.options.runtime.counted)
                },
                ..self.options
            };
            let listed = compile(&insns, cpu, &options)
                .and_then(|image| listing(&insns, dialect(cpu), &image, Columns::Text));
            match listed {
                Ok(listing) => text += &listing,
                Err(error) => text += &format!("{error:?}\n"),
            }
        }
        text
    }
}

fn machine(path: &Path, name: &str) -> (&'static str, Cpu) {
    let found = MACHINES.iter().find(|(known, _)| *known == name);
    *found.unwrap_or_else(|| panic!("{}: no machine {name}", path.display()))
}

fn cases() -> Vec<Case> {
    let directory = fs::read_dir(data("golden")).expect("there are golden files");
    let mut paths: Vec<PathBuf> = directory
        .map(|entry| entry.expect("a directory can be read").path())
        .collect();
    paths.sort();
    let odd = |path: &&PathBuf| path.extension().is_none_or(|e| e != "golden");
    assert_eq!(paths.iter().find(odd), None, "no golden file");
    paths.iter().map(|path| Case::read(path)).collect()
}

#[test]
fn golden() {
    let mut wrong = Vec::new();
    for case in cases() {
        let expected = case.expected();
        if case.content == expected {
            continue;
        }
        if blesses() {
            fs::write(&case.path, expected).expect("a golden file can be written");
            continue;
        }
        let lines = case.content.lines().zip(expected.lines());
        let (line, (is, should)) = lines
            .enumerate()
            .find(|(_, (is, should))| is != should)
            .unwrap_or((0, ("the end of one of them", "")));
        wrong.push(format!(
            "{}:{}\n  file  {is}\n  image {should}",
            case.path.display(),
            line + 1
        ));
    }
    assert!(
        wrong.is_empty(),
        "{}\n{} golden files differ; BLESS=1 cargo test golden accepts what is now",
        wrong.join("\n"),
        wrong.len()
    );
}

#[test]
fn golden_files_cover_every_form() {
    if blesses() {
        // The files are being written.
        return;
    }
    for (name, cpu) in [("le-r2", LE_R2), ("le64-r2", LE64_R2)] {
        let covered = covered_on(name);
        let exists = |insn: &Insn| {
            let insns = program(&format!("{}; exit", text::print(insn, 0)), &cpu);
            decode(&dialect(&cpu), &insns, 0).is_ok()
        };
        let all = forms::all(Reg::R1, Reg::R2, 1, 0, 0);
        let missing: BTreeSet<String> = all
            .iter()
            .filter(|insn| exists(insn))
            .map(forms::form)
            .filter(|form| !covered.contains(form))
            .collect();
        assert!(
            missing.is_empty(),
            "no golden file has {missing:#?} on {name}"
        );
    }
}

/// The forms in golden files for a machine.
fn covered_on(machine: &str) -> BTreeSet<String> {
    let mut covered = BTreeSet::new();
    for case in cases() {
        for (_, cpu) in case.machines.iter().filter(|(name, _)| *name == machine) {
            let insns = program(&case.source, cpu);
            for at in (0..insns.len()).filter(|&at| insns[at].code != 0) {
                if let Ok(insn) = decode(&dialect(cpu), &insns, at as u32) {
                    covered.insert(forms::form(&insn));
                }
            }
        }
    }
    covered
}
