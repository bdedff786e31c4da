// SPDX-License-Identifier: GPL-2.0

//! What a developer runs on the host: each is a `make` verb.

mod build;
pub mod encode;
pub mod exec;
pub mod features;
pub mod fuzz;
mod linux;
mod machine;
#[cfg(feature = "emulator")]
pub mod models;
pub mod mutants;
mod prototype;
pub mod prove;
pub mod show;
mod stretches;

/// How a command ends: 0 if all passed, 1 if not, 2 with a line that says why it could not be judged.
fn conclude(name: &str, passed: anyhow::Result<bool>) -> std::process::ExitCode {
    match passed {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            std::process::ExitCode::from(2)
        }
    }
}
