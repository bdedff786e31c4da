// SPDX-License-Identifier: GPL-2.0

//! Host tests of the core that need nothing but a Rust toolchain.
