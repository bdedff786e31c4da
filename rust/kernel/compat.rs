// SPDX-License-Identifier: GPL-2.0

//! What differs between kernel versions: the signatures of the hooks and the numbers of the BPF
//! dialect. No other file knows a version.

mod v7_3;

pub(super) use v7_3::{AX, COUNTED};
