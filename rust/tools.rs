// SPDX-License-Identifier: GPL-2.0

//! What a developer runs on the host: each is a `make` verb.

mod build;
pub mod encode;
pub mod exec;
pub mod fuzz;
mod machine;
#[cfg(feature = "emulator")]
pub mod models;
pub mod mutants;
pub mod prove;
pub mod show;
