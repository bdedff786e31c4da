// SPDX-License-Identifier: GPL-2.0

//! An input that failed: as text, as short as it gets, and how to see it again.

use std::fs;
use std::panic::{catch_unwind, set_hook, take_hook};
use std::path::Path;

use anyhow::{Context, Result};

use crate::host::fuzz::judge::judge;
use crate::host::fuzz::Input;

/// Shows an input and judges it; whether it holds.
pub(super) fn show(path: &Path) -> Result<bool> {
    let input = read(path)?;
    print!("{}", input.describe());
    // Not caught: a panic of the core says where it is, with all that led there.
    match judge(&input) {
        Ok(()) => {
            println!("1 passed, 0 failed");
            Ok(true)
        }
        Err(fault) => {
            println!("FAILED: {fault}\n0 passed, 1 failed");
            Ok(false)
        }
    }
}

/// Shows an input that failed, makes it shorter, and says how to see it again.
pub(super) fn explain(path: &Path) -> Result<()> {
    let input = read(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut again = path.to_path_buf();
    // Panics on the way to the shortest are no news.
    let hook = take_hook();
    set_hook(Box::new(|_| {}));
    // What takes for ever would do so here, too.
    let shortest = if name.starts_with("crash-") {
        shorten(&input)
    } else {
        None
    };
    match shortest {
        Some((shortest, fault)) => {
            again = path.with_file_name(name.replacen("crash-", "short-", 1));
            fs::write(&again, shortest.to_bytes())?;
            print!("shortest: {fault}\n{}", shortest.describe());
        }
        None => print!("{}", input.describe()),
    }
    set_hook(hook);
    println!("again: make fuzz INPUT={}", again.display());
    Ok(())
}

fn read(path: &Path) -> Result<Input> {
    let bytes = fs::read(path).with_context(|| format!("{}", path.display()))?;
    Ok(Input::from_bytes(&bytes))
}

/// What is wrong with an input, a panic included.
fn fault(input: &Input) -> Option<String> {
    match catch_unwind(|| judge(input)) {
        Ok(result) => result.err(),
        Err(panic) => Some(match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(panic) => panic
                .downcast::<&str>()
                .map_or("a panic".to_string(), |message| message.to_string()),
        }),
    }
}

/// Takes out instructions, many at a time and then fewer, as long as something is wrong; none if
/// nothing is.
fn shorten(input: &Input) -> Option<(Input, String)> {
    let mut found = fault(input)?;
    let mut input = input.clone();
    let mut size = input.slots.len();
    while size > 0 {
        let mut at = 0;
        while at < input.slots.len() {
            let mut shorter = input.clone();
            let end = (at + size).min(shorter.slots.len());
            shorter.slots.drain(at..end);
            match fault(&shorter) {
                Some(fault) => (input, found) = (shorter, fault),
                None => at += size,
            }
        }
        size /= 2;
    }
    Some((input, found))
}
