// SPDX-License-Identifier: GPL-2.0

//! How many words well-known sequences take, against the C JIT and against what is possible:
//! `sizes.txt`. `BLESS=1 cargo test sizes` writes the first column anew.

use std::fs;

use super::{blesses, data, program, LE_R2};
use crate::host::{compile, Options};
use crate::jit::analysis::Analyses;

/// What follows every sequence that is not a whole program.
const END: &str = "; r0 = 0; end: exit";

/// Words of what stands between the `|`, or of the whole image where there is none. Where something stands
/// behind it that reads results, words are not computed that it does not read.
fn words(source: &str) -> u32 {
    let analyses = match source.matches(" | ").count() {
        1 => Analyses::NONE,
        _ => Analyses::ALL,
    };
    let options = Options {
        stack_depth: 16,
        verifier_zext: true,
        analyses,
        ..Options::default()
    };
    let Some((context, counted)) = source.split_once(" | ") else {
        let image = compile(&program(source, &LE_R2), &LE_R2, &options);
        return image.expect("the program compiles").words.len() as u32;
    };
    let (counted, rest) = counted.split_once(" | ").unwrap_or((counted, ""));
    let rest = format!("{rest}{END}");
    let insns = program(&format!("{context};{counted};{rest}"), &LE_R2);
    let image = compile(&insns, &LE_R2, &options).expect("the sequence compiles");
    let begins = program(context, &LE_R2).len();
    let ends = insns.len() - program(&rest, &LE_R2).len();
    (image.offsets[ends] - image.offsets[begins]) / 4
}

#[test]
fn sizes() {
    let path = data("sizes.txt");
    let file = fs::read_to_string(&path).expect("sizes.txt can be read");
    let mut expected = String::new();
    for line in file.lines() {
        let columns: Vec<&str> = line.splitn(4, ',').collect();
        match columns.as_slice() {
            [_, possible, c_jit, source] if !line.starts_with('#') => {
                expected += &format!("{:>4},{possible},{c_jit},{source}\n", words(source));
            }
            _ => expected += &format!("{line}\n"),
        }
    }
    if blesses() {
        fs::write(&path, &expected).expect("sizes.txt can be written");
    } else {
        assert_eq!(
            file, expected,
            "BLESS=1 cargo test sizes accepts what is now"
        );
    }
}
