// SPDX-License-Identifier: GPL-2.0

//! Calls of helpers of which is known what they take and give. How that becomes code is in `golden/helpers.golden`.

use super::{program, LE64_R2, LE_R2};
use crate::host::{self, compile, dialect, Options, RUNTIME};
use crate::jit::analysis::High;
use crate::jit::analysis::Known;
use crate::jit::bpf::{decode, Dialect, Helper, Helpers, Insn, Reg, RegSet, Signature};

/// One that takes two words and gives a pointer, as `bpf_map_lookup_elem()` does; one that takes four and a
/// doubleword and gives an int, as `bpf_skb_store_bytes()`; and one that takes nothing.
pub(super) const HELPERS: Helpers = {
    const fn helper(offset: u32, signature: u16) -> Helper {
        Helper {
            address: (RUNTIME.call_base + offset) as usize,
            signature,
        }
    }
    Helpers {
        base: RUNTIME.call_base,
        all: &[
            helper(0x100, 0b00011 | Signature::WORD),
            helper(0x200, 0b10000_11111 | Signature::INT),
            helper(0x300, 0),
            // Not in this kernel.
            Helper {
                address: 0,
                signature: 0,
            },
        ],
    }
};

fn with(helpers: Helpers) -> Options<'static> {
    Options {
        helpers,
        ..Options::default()
    }
}

fn decoded(offset: i32) -> Insn {
    let dialect = Dialect {
        helpers: HELPERS,
        ..dialect(&LE_R2)
    };
    let insns = program(&format!("call {offset}; exit"), &LE_R2);
    decode(&dialect, &insns, 0).expect("a call")
}

#[test]
fn helpers_are_known_by_their_addresses() {
    let signature = |offset| match decoded(offset) {
        Insn::Call { signature, .. } => signature,
        other => panic!("{other:?} is no call"),
    };
    let two = RegSet::of(Reg::R1).with(Reg::R2);
    assert_eq!(signature(0x100).low(), two);
    assert_eq!(signature(0x100).high(), RegSet::EMPTY);
    assert_eq!(signature(0x200).low(), RegSet::ARGUMENTS);
    assert_eq!(signature(0x200).high(), RegSet::of(Reg::R5));
    assert_eq!(signature(0x300).low(), RegSet::EMPTY);
    assert_eq!(signature(0x104), Signature::ANY);
    // What is not there has no address, and nobody calls that.
    assert_eq!(signature(-(RUNTIME.call_base as i32)), Signature::new(0));
    assert_eq!(Signature::ANY.low(), RegSet::ARGUMENTS);
    assert_eq!(Signature::ANY.high(), RegSet::ARGUMENTS);
    assert_eq!(Signature::ANY, Signature::new(0b11111_11111));
}

#[test]
fn what_helpers_give_is_known() {
    let known = |offset| {
        let insn = decoded(offset);
        Known::LEAST.after(&insn, None, true).of(Reg::R0)
    };
    assert_eq!(known(0x100), High::ZERO);
    assert_eq!(known(0x200), High::SIGN);
    assert_eq!(known(0x300), High::UNKNOWN);
}

#[test]
fn what_helpers_do_not_take_is_not_computed() {
    let words = |source: &str, helpers, cpu| {
        let image = compile(&program(source, cpu), cpu, &with(helpers)).expect("compiles");
        image.words.len()
    };
    // What is saved: of R1 and R2 the high words, and the rest of the null check; the high words of four; stores.
    for (source, saved) in [
        (
            "r1 = 7; r2 = r10; r2 += -8; call 256; if r0 == 0 goto +1; r0 = 1; exit",
            3,
        ),
        (
            "w2 = 2; r3 = r1; w4 = 4; w5 = 5; call 512; if r0 != 0 goto +1; r0 = 1; exit",
            5,
        ),
        ("w3 = 3; w4 = 4; call 768; exit", 6),
    ] {
        let [all, known] = [Helpers::NONE, HELPERS].map(|helpers| words(source, helpers, &LE_R2));
        assert_eq!(all - known, saved, "{source}");
    }
    // A register has all of an argument.
    let wide = |helpers| words("r1 = 7; r2 = 8; call 256; exit", helpers, &LE64_R2);
    assert_eq!(wide(Helpers::NONE), wide(HELPERS));
    assert_eq!(host::RUNTIME.call_base, HELPERS.base);
}
