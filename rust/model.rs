// SPDX-License-Identifier: GPL-2.0

//! What BPF instructions mean, written from the specification alone. It shares no code with the
//! core that it judges.

pub mod bpf;
