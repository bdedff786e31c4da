// SPDX-License-Identifier: GPL-2.0

//! Which registers of the caller's the frame saves: those that the program's instructions write, as they
//! were lowered. Of a register pair of which nobody reads the high word, that is one.
//!
//! They are known when the program has been measured, with a frame that saves those of which somebody demands what
//! is written. That is right where there are facts; if it is not, the program is measured again.

use super::Compiler;
use crate::jit::abi::{Abi, Frame};
use crate::jit::analysis::Facts;
use crate::jit::bpf::{Insn, RegSet};
use crate::jit::error::Result;
use crate::jit::mips::{Endian, RegMask};

/// Registers that instructions will be seen to write of those that a program may have to save, as far as facts
/// say: words that somebody demands.
pub(super) fn expected<A: Abi>(endian: Endian, facts: &Facts<'_>) -> RegMask {
    let mut written = RegMask::EMPTY;
    for reg in RegSet::SAVED.iter() {
        written = written.union(A::words(endian, reg, facts.written(reg)));
    }
    written
}

impl<A: Abi> Compiler<'_, A> {
    /// Notes which registers the instruction in the block has written.
    pub(super) fn note_written(&mut self, insn: &Insn) {
        if let Some(reg) = insn.writes().filter(|&reg| RegSet::SAVED.contains(reg)) {
            let registers = A::registers(self.setting.cpu.endian, reg);
            let written = self.block.writes().intersection(registers);
            self.written = self.written.union(written);
        }
    }

    /// Saves no more than what was written while the program was measured. Says whether that is what was saved then.
    ///
    /// # Errors
    ///
    /// As making a frame has them.
    ///
    /// Never inlined: what it has on the stack is not there later.
    #[inline(never)]
    pub(super) fn save_what_is_written(&mut self) -> Result<bool> {
        let saved = self.setting.frame.saved();
        self.shape.written = self.written;
        self.setting.frame = Frame::new(self.setting.cpu.endian, &self.usage, &self.shape)?;
        Ok(self.setting.frame.saved() == saved)
    }
}
