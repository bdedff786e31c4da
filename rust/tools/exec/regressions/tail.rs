// SPDX-License-Identifier: GPL-2.0

//! Tail calls: what counts, and what the index is.

use crate::tools::exec::machine::Machine;
use crate::tools::exec::places::{helper_offset, ARRAY_POINTER};
use crate::tools::exec::subject::{parse, Subject};

/// Counts entries at offset 0 of the data. `BODY` makes calls; then the count is returned.
const COUNTING: &str = "
    r6 = r1; r0 = *(u32 *)(r6 + 0); r0 += 1; *(u32 *)(r6 + 0) = r0;
    BODY
    r0 = *(u32 *)(r6 + 0); exit";

/// Calls slot INDEX.
const CALL: &str = "r1 = r6; r2 = ARRAY ll; r3 = INDEX; tail_call;";

/// Names and subjects.
pub(super) fn tail_calls(machine: &Machine) -> Vec<(&'static str, Subject)> {
    let call = |index: &str| CALL.replace("INDEX", index);
    let counting = |body: String| COUNTING.replace("BODY", &body);
    let both = |first: &str, second: &str| counting(call(first) + &call(second));
    let wide = |value: &str| counting(call("0").replace("r3 = 0;", &format!("r3 = {value} ll;")));
    // Slot 0: this program. Slot 1: empty. Slot 2: one that returns another value.
    let other = "r0 = *(u64 *)(r1 + 8); r0 += 77; *(u64 *)(r1 + 16) = r0; exit";
    let with_frame = "
        r6 = r1; *(u64 *)(r10 - 8) = r6; r1 = 5; call HELPER; r1 = *(u64 *)(r10 - 8);
        r2 = ARRAY ll; r3 = 2; tail_call; r0 = 3; exit";
    let subject = |text: String| Subject {
        programs: vec![
            parse(&place(&text), machine),
            parse(&place(other), machine),
            parse(&place(with_frame), machine),
        ],
        functions: 0,
        handles_exceptions: false,
        array: vec![Some(0), None, Some(1), Some(2)],
        stack_depth: 64,
    };
    vec![
        ("c_jit_c09_limit", subject(counting(call("0")))),
        ("c_jit_c09_empty_slot", subject(both("1", "0"))),
        (
            "c_jit_c09_index_outside_does_not_count",
            subject(both("4", "0")),
        ),
        ("c_jit_c09_index_minus_one_misses", subject(both("-1", "0"))),
        ("c_jit_c09_hit", subject(counting(call("2")))),
        ("c_jit_c09_last_slot", subject(counting(call("3")))),
        ("c_jit_c09_chain_of_frames", subject(both("3", "0"))),
        ("c_jit_c15_index_is_u32", subject(wide("0x100000002"))),
        (
            "c_jit_c15_index_is_u32_and_misses",
            subject(wide("0x7fffffff00000001")),
        ),
        (
            "c_jit_c15_index_is_u32_limit",
            subject(wide("0xffffffff00000000")),
        ),
    ]
}

fn place(text: &str) -> String {
    text.replace("ARRAY", &format!("{ARRAY_POINTER:#x}"))
        .replace("HELPER", &helper_offset(1).to_string())
}
