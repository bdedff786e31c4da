// SPDX-License-Identifier: GPL-2.0

//! Swaps of bytes, and of what has no more than 16 bits.

use super::{both_extensions, Form, EVERYTHING, WRITABLE};
use crate::model::bpf::fields::class;
use crate::tools::build::*;
use crate::tools::prove::scene::Around;
use crate::tools::prove::shape::Many;

pub(super) fn swaps(forms: &mut Vec<Form>) {
    for (name, opcode) in [
        ("le", class::ALU | END),
        ("be", class::ALU | END | X),
        ("bswap", class::ALU64 | END),
    ] {
        for bits in [16, 32, 64] {
            let mut form = Form::new(format!("{name}{bits}"));
            for dst in WRITABLE {
                form.add_both(insn(opcode, dst, 0, 0, bits), Many::Fixed);
            }
            forms.push(form);
        }
        let mut form = Form::new(format!("{name}16 of 16 bits"));
        for dst in WRITABLE {
            for around in both_extensions(EVERYTHING) {
                let around = Around {
                    is_half: true,
                    ..around
                };
                form.add(&[insn(opcode, dst, 0, 0, 16)], around, Many::Fixed);
            }
        }
        forms.push(form);
    }
}
