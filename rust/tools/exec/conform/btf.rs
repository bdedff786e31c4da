// SPDX-License-Identifier: GPL-2.0

//! BTF (Documentation/bpf/btf.rst of the kernel), as far as it says how functions are tagged.
//!
//! ```text
//! header   magic, version, flags, length of the header, and where types and strings are
//! types    name, info: kind and number of members, size or type; members, by kind
//! strings  each ends with a zero
//! ```
//!
//! A tag of a declaration is a type whose name is the tag, and whose type is what it is about.

use std::collections::HashMap;

use anyhow::{ensure, Context, Result};

use crate::model::bpf::memory::ByteOrder;

const MAGIC: u16 = 0xeb9f;
const FUNCTION: u32 = 12;
const DECLARATION_TAG: u32 = 17;

/// Bytes behind the three words that every type has: for the type, and for each member.
const MEMBERS: [(u32, u32); 20] = [
    (0, 0),  // none
    (4, 0),  // an integer
    (0, 0),  // a pointer
    (12, 0), // an array
    (0, 12), // a structure
    (0, 12), // a union
    (0, 8),  // an enumeration
    (0, 0),  // a forward declaration
    (0, 0),  // a name of a type
    (0, 0),  // volatile
    (0, 0),  // const
    (0, 0),  // restrict
    (0, 0),  // a function
    (0, 8),  // its parameters
    (4, 0),  // a variable
    (0, 12), // a section
    (0, 0),  // a floating-point number
    (4, 0),  // a tag of a declaration
    (0, 0),  // a tag of a type
    (0, 12), // an enumeration of 64 bits
];

struct Reader<'d> {
    bytes: &'d [u8],
    order: ByteOrder,
}

impl Reader<'_> {
    fn word(&self, at: u32) -> Result<u32> {
        let bytes = self.bytes.get(at as usize..).and_then(|b| b.first_chunk());
        let bytes = *bytes.context("BTF ends too early")?;
        Ok(match self.order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    fn string(&self, at: u32) -> Result<String> {
        let bytes = self.bytes.get(at as usize..).context("no such string")?;
        let bytes = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// The tags of every function.
pub(super) fn tags(section: &[u8], order: ByteOrder) -> Result<HashMap<String, Vec<String>>> {
    let btf = Reader {
        bytes: section,
        order,
    };
    let first = btf.word(0)?;
    let magic = match order {
        ByteOrder::Little => first as u16,
        ByteOrder::Big => (first >> 16) as u16,
    };
    ensure!(magic == MAGIC, "no BTF");
    let header = btf.word(4)?;
    let types = header + btf.word(8)?;
    let strings = header + btf.word(16)?;
    let end = types + btf.word(12)?;
    // By number of the type; the first has number 1.
    let mut names = HashMap::new();
    let mut tagged = Vec::new();
    let (mut at, mut number) = (types, 1);
    while at < end {
        let (name, info, about) = (btf.word(at)?, btf.word(at + 4)?, btf.word(at + 8)?);
        let (kind, members) = (info >> 24 & 0x1f, info & 0xffff);
        match kind {
            FUNCTION => {
                names.insert(number, btf.string(strings + name)?);
            }
            DECLARATION_TAG => tagged.push((about, btf.string(strings + name)?)),
            _ => {}
        }
        let sizes = MEMBERS.get(kind as usize);
        let (own, each) = sizes.with_context(|| format!("BTF has a kind {kind}"))?;
        at += 12 + own + each * members;
        number += 1;
    }
    let mut tags: HashMap<String, Vec<String>> = HashMap::new();
    for (about, tag) in tagged {
        if let Some(name) = names.get(&about) {
            tags.entry(name.clone()).or_default().push(tag);
        }
    }
    Ok(tags)
}
