// SPDX-License-Identifier: GPL-2.0

//! A trampoline's frame: where everything is, in bytes from `$sp`.

use super::convention::Convention;
use super::{Description, Outcome, Target};
use crate::jit::abi::frame::argument;
use crate::jit::error::{Error, Result};
use crate::jit::mips::Simm16;

/// Bytes of a 64-bit value.
pub(super) const DOUBLEWORD: u32 = 8;

/// How many BPF registers arguments can be in.
pub(super) const REGISTERS: u32 = 5;

/// No frame is larger: a kernel's stack has 8 KiB.
const LARGEST: u32 = 1024;

/// See the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(super) run_context: u32,
    /// The first program's cookie is the lowest.
    pub(super) cookies: u32,
    pub(super) function: u32,
    pub(super) count: u32,
    /// The context of programs.
    pub(super) arguments: u32,
    /// How many doublewords arguments take.
    pub(super) slots: u32,
    pub(super) result: u32,
    pub(super) raw_result: u32,
    pub(super) start: u32,
    pub(super) program: u32,
    /// Of the function's registers those that are no arguments.
    pub(super) kept: u32,
    /// How many registers of the function's are saved, arguments and others; and arguments on the stack.
    pub(super) registers: u32,
    /// n64: what travels in `$v1`.
    pub(super) tail_calls: u32,
    pub(super) own_return: u32,
    pub(super) caller_return: u32,
    pub(super) size: u32,
}

impl Layout {
    /// Lays out the frame.
    ///
    /// # Errors
    ///
    /// `Unsupported` if arguments are of sizes, or as many, as cannot be passed on.
    pub(crate) fn new<A: Convention>(description: &Description<'_>) -> Result<Self> {
        Self::of::<A>(description).ok_or(Error::Unsupported { at: 0, opcode: 0 })
    }

    fn of<A: Convention>(description: &Description<'_>) -> Option<Self> {
        if !is_coherent(description) {
            return None;
        }
        let mut slots = 0u32;
        for value in description.arguments {
            slots = slots.checked_add(u32::from(value.bytes).div_ceil(DOUBLEWORD))?;
        }
        let registers = match description.target {
            Target::Callback => slots,
            // All kernels give those that C calls, and extensions, as many arguments as there are registers.
            Target::Main if slots > REGISTERS => return None,
            Target::Main => slots.max(1),
            Target::Subprogram => slots.max(REGISTERS),
        };
        let passed = match (description.target, description.outcome) {
            (Target::Subprogram, Outcome::Call(_)) => slots.saturating_sub(REGISTERS),
            _ => 0,
        };
        let mut next = A::CALL_AREA.max(argument::end::<A>(passed));
        let mut take = |bytes: u32| {
            let at = next;
            next = next.checked_add(bytes.checked_next_multiple_of(DOUBLEWORD)?)?;
            Some(at)
        };
        let mut cookies = 0u32;
        for node in description.entries {
            cookies = cookies.checked_add(node.has_session_cookie.into())?;
        }
        let mut layout = Layout {
            run_context: take(description.run_context.bytes)?,
            cookies: take(cookies.checked_mul(DOUBLEWORD)?)?,
            function: take(DOUBLEWORD)?,
            count: take(DOUBLEWORD)?,
            arguments: take(slots.checked_mul(DOUBLEWORD)?)?,
            slots,
            result: take(DOUBLEWORD)?,
            raw_result: take(DOUBLEWORD)?,
            start: take(DOUBLEWORD)?,
            program: take(DOUBLEWORD)?,
            kept: take(registers.checked_sub(slots)?.checked_mul(DOUBLEWORD)?)?,
            registers,
            tail_calls: take(DOUBLEWORD)?,
            own_return: take(DOUBLEWORD)?,
            caller_return: take(DOUBLEWORD)?,
            size: 0,
        };
        layout.size = next.checked_next_multiple_of(A::STACK_ALIGNMENT)?;
        (layout.size <= LARGEST).then_some(layout)
    }

    /// Where argument register `index` of the function is, of those that are saved.
    pub(super) fn register(&self, index: u32) -> Option<u32> {
        match index.checked_sub(self.slots) {
            None => self.slot(index),
            Some(other) => self.kept.checked_add(other.checked_mul(DOUBLEWORD)?),
        }
    }

    /// Where doubleword `index` of the context is.
    pub(super) fn slot(&self, index: u32) -> Option<u32> {
        self.arguments.checked_add(index.checked_mul(DOUBLEWORD)?)
    }

    /// How many doublewords below the context the cookie of session `index` is.
    pub(super) fn cookie_distance(&self, index: u32) -> Option<u32> {
        let at = self.cookies.checked_add(index.checked_mul(DOUBLEWORD)?)?;
        self.arguments.checked_sub(at)?.checked_div(DOUBLEWORD)
    }
}

/// Whether what is asked for makes sense together.
fn is_coherent(description: &Description<'_>) -> bool {
    let (exits, sessions) = (!description.exits.is_empty(), description.has_sessions);
    match (description.target, description.outcome) {
        (Target::Callback, Outcome::Return) => {
            !exits && !sessions && description.function.is_none()
        }
        (Target::Main | Target::Subprogram, Outcome::Continue) => !exits && !sessions,
        (Target::Main | Target::Subprogram, Outcome::Call(_)) => true,
        _ => false,
    }
}

/// An offset as instructions take it.
pub(super) fn offset(bytes: u32) -> Option<Simm16> {
    Simm16::new(i32::try_from(bytes).ok()?)
}
