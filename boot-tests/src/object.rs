// SPDX-License-Identifier: GPL-2.0

//! Is the object that the kernel links what kernel code has to be?
//!
//! Two promises of the JIT are visible in its object only. It cannot panic: of core, it refers to
//! nothing that could. Its frames are small, since a MIPS kernel has a stack of
//! 8 KiB: no function takes more than [`MAX_FRAME`] bytes.

use crate::child::output;
use crate::place::Place;
use anyhow::{bail, ensure, Context, Result};
use std::path::Path;
use std::process::Command;

/// Bytes.
const MAX_FRAME: u32 = 1024;

/// Where in the build directory the object is.
pub(crate) const JIT: &str = "arch/mips/net/bpf_jit_rust/rust/bpf_jit_mips.o";

/// Judges an object file.
pub(crate) fn judge(place: &Place, object: &Path) -> Result<()> {
    let cross = place.need("CROSS_COMPILE")?;
    let symbols = output(
        Command::new(format!("{cross}nm"))
            .arg("--undefined-only")
            .arg(object),
    )?;
    if let Some(symbol) = panic_symbol(&symbols) {
        bail!("{} can panic: it refers to {symbol}", object.display());
    }
    let code = output(
        Command::new(format!("{cross}objdump"))
            .args(["-d", "--no-show-raw-insn"])
            .arg(object),
    )?;
    let frame = largest_frame(&code).with_context(|| format!("no code in {}", object.display()))?;
    ensure!(
        frame <= MAX_FRAME,
        "a function of {} has a frame of {frame} bytes, more than {MAX_FRAME}",
        object.display()
    );
    Ok(())
}

/// A symbol of core beyond what formats derived `Debug`, mangled either way. Not only those of
/// `core::panicking`: a slice's index out of range goes through `core::slice::index`.
fn panic_symbol(symbols: &str) -> Option<&str> {
    symbols.split_whitespace().find(|word| {
        let is_formatting = word.contains("4core3fmt");
        // How many elements of an array an iterator has left: compiled for size, a function.
        let is_length = word.contains("10exact_size") && word.contains("11index_range");
        word.contains("4core") && !is_formatting && !is_length || word.contains("rust_begin_unwind")
    })
}

/// The most that a prologue takes off sp, in bytes. None if there is none at all.
fn largest_frame(code: &str) -> Option<u32> {
    code.lines()
        .filter_map(|line| line.rsplit_once("sp,sp,-")?.1.trim().parse().ok())
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_found() {
        let clean = "         U memcpy\n         U bpf_jit_binary_alloc\n";
        let dirty = "         U _RNvNtNtCs2DxGA1hvVcO_4core9panicking11panic_const24panic_const_add_overflow\n";
        let format = "         U _RNvMsa_NtCs2DxGA1hvVcO_4core3fmtNtB5_9Formatter9write_str\n";
        assert_eq!(panic_symbol(clean), None);
        assert_eq!(panic_symbol(format), None);
        let index = "         U _RNvNtNtCs2DxGA1hvVcO_4core5slice5index16slice_index_fail\n";
        assert!(panic_symbol(&format!("{clean}{index}")).is_some());
        let length = "         U _RNvXNtNtNtCs2DxGA1hvVcO_4core4iter6traits10exact_sizeQNtNtNtB8_3ops11index_range10IndexRangeNtB2_17ExactSizeIterator3lenB8_\n";
        assert_eq!(panic_symbol(length), None);
        assert!(panic_symbol(&format!("{clean}{dirty}")).is_some());
    }

    #[test]
    fn the_largest_frame_is_found() {
        let code = "   0:\taddiu\tsp,sp,-1032\n   4:\tsw\tra,1028(sp)\n   8:\taddiu\tsp,sp,-24\n";
        assert_eq!(largest_frame(code), Some(1032));
        assert_eq!(
            largest_frame("   0:\tjr\tra\n   4:\taddiu\tsp,sp,32\n"),
            None
        );
    }
}
