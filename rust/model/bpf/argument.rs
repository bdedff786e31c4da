// SPDX-License-Identifier: GPL-2.0

//! Arguments that are in no register, which Linux has: a function stores those that it passes before it
//! calls another one, and that one loads what it has been passed before it stores or calls itself. The
//! instructions are stores and loads of doublewords with a register that there is not.
//!
//! | instruction | argument |
//! |---|---|
//! | `*(u64 *)(r11 - 8) = src` | 6, of the next call |
//! | `dst = *(u64 *)(r11 + 8)` | 6, of this function |

use super::access::mode;
use super::fields::Fields;
use super::{Kernel, Machine, Trap, DOUBLEWORD, STACK_ARGUMENTS};
use crate::model::word::Word;

impl<W: Word, K: Kernel<W>> Machine<'_, W, K> {
    /// Whether a register number stands for where arguments are.
    pub(super) fn is_of_arguments(&self, number: u8) -> bool {
        self.setup.parameters == Some(number)
    }

    /// Which of them is so far away.
    fn argument(insn: &Fields, distance: i32) -> Result<usize, Trap> {
        let is_access = insn.mode() == mode::MEM && insn.size() == 8 && distance % 8 == 0;
        let index = usize::try_from(distance / 8 - 1).ok();
        let index = index.filter(|&index| is_access && index < STACK_ARGUMENTS);
        index.ok_or(Trap::BadInstruction)
    }

    /// A store of one.
    pub(super) fn store_argument(&mut self, insn: &Fields, value: W) -> Result<(), Trap> {
        let index = Self::argument(insn, -i32::from(insn.offset))?;
        self.passed[index] = Some(value.resize(DOUBLEWORD));
        self.taken = [None; STACK_ARGUMENTS];
        Ok(())
    }

    /// A load of one.
    pub(super) fn load_argument(&mut self, insn: &Fields) -> Result<(), Trap> {
        let index = Self::argument(insn, i32::from(insn.offset))?;
        let value = self.taken[index].ok_or(Trap::Undefined)?;
        self.write(insn.dst, value)
    }

    /// The arguments of a call: what there are in registers, and the others.
    pub(super) fn arguments(&self) -> [Option<W>; super::ARGUMENTS] {
        std::array::from_fn(|index| match index.checked_sub(5) {
            None => self.read(index as u8 + 1).ok(),
            Some(index) => self.passed[index],
        })
    }

    /// What a call leaves of them.
    pub(super) fn lose_stack_arguments(&mut self) {
        self.passed = [None; STACK_ARGUMENTS];
        self.taken = [None; STACK_ARGUMENTS];
    }
}
