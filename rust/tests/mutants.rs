// SPDX-License-Identifier: GPL-2.0

//! The catalogue of mutants fits the tree: each still finds what it replaces.

use std::fs;
use std::path::Path;

use crate::host::mutants::catalogue;

/// The fewest mutants there must be.
const FEWEST: usize = 66;

#[test]
fn every_mutant_finds_its_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let areas = catalogue(&root).expect("a catalogue");
    let mut count = 0;
    for mutant in areas.iter().flat_map(|(_, mutants)| mutants) {
        let source = fs::read_to_string(root.join(&mutant.file)).expect("a source can be read");
        let mutated = mutant.apply(&source).expect("a place to change");
        assert_ne!(source, mutated, "{}", mutant.name);
        count += 1;
    }
    assert!(count >= FEWEST, "only {count} mutants");
}
