// SPDX-License-Identifier: GPL-2.0

//! Work is linear in the length of a program: by what is counted, and by the clock.

use super::{program, LE_R2};
use crate::host::work::{self, Work};
use crate::host::{compile, compile_once, dialect, Options};
use crate::jit::asm::{Block, Target};
use crate::jit::bpf::{decode, Raw};
use crate::jit::layout::draft_len;

/// A program of so many slots, half of them jumps.
fn jumps(slots: usize) -> Vec<Raw> {
    let pair = program("if r1 == 0 goto +0; r1 = *(u64 *)(r10 - 8)", &LE_R2);
    pair.repeat(slots / pair.len())
}

#[test]
fn steps_are_counted() {
    work::take();
    for at in 0..3 {
        assert!(decode(&dialect(&LE_R2), &[Raw::default(); 3], at).is_err());
    }
    Block::new().start(&LE_R2, Target::NONE);
    let expected = Work {
        decoded: 3,
        blocks: 1,
        ..Work::default()
    };
    assert_eq!(work::take(), expected);
    assert_eq!(work::take(), Work::default());
}

#[test]
fn counts_are_linear() {
    for slots in [2, 64, 1 << 14] {
        for drafted in [0, draft_len(slots)] {
            work::take();
            compile_once(&jumps(slots), &LE_R2, &Options::default(), drafted).expect("compiles");
            let work = work::take();
            assert_eq!(work.judge(slots), Ok(()));
            // More than two passes decode it, and two give a word for it.
            assert!(work.decoded > 2 * slots as u64 && work.words >= 2 * slots as u64);
        }
    }
}

#[test]
fn what_is_quadratic_is_too_much() {
    // More than there are passes.
    let slots = 24;
    let work = Work {
        decoded: slots * slots,
        ..Work::default()
    };
    assert!(work.judge(slots as usize).is_err());
}

/// Nanoseconds that this thread has computed for, whatever else the machine does; in steps of
/// some milliseconds. None if this kernel does not tell.
fn thread_time() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split_whitespace().next()?.parse().ok()
}

/// Time to compile a program of so many slots, so many times.
fn time(slots: usize, times: usize) -> Option<u64> {
    let program = jumps(slots);
    let before = thread_time()?;
    for _ in 0..times {
        compile(&program, &LE_R2, &Options::default()).expect("compiles");
    }
    Some(thread_time()?.wrapping_sub(before))
}

// The counter sees what is counted; this sees loops over anything else.
#[test]
fn time_is_linear() {
    const SLOTS: usize = 1 << 16;
    const PARTS: usize = 16;
    // The same amount of code; but if work is quadratic, the whole takes as many times longer.
    let least = |slots, times| (0..3).filter_map(|_| time(slots, times)).min();
    let (Some(parts), Some(whole)) = (least(SLOTS / PARTS, PARTS), least(SLOTS, 1)) else {
        return;
    };
    let limit = 4 * parts.max(10_000_000);
    assert!(whole < limit, "{parts} ns in parts, {whole} ns as a whole");
}
