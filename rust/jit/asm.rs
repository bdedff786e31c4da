// SPDX-License-Identifier: GPL-2.0

//! The assembler: one block of instructions at a time.
//!
//! A [`Block`] collects what one BPF instruction (or the prologue, or the epilogue) becomes, binds
//! its local labels, and hands finished words to a [`Sink`]. Three things cannot be forgotten,
//! because the types ask for them:
//!
//! - a branch takes its delay slot as an operand, [`Slot`];
//! - a [`Label`] is local to a block; a jump to another BPF instruction goes to the block's
//!   [`Target`], whose form, near or far, the layout decides;
//! - a far jump goes through a register, so images hold no `j` and no `jal`, which tie code to a
//!   segment of 256 MB and which the MT7620 sometimes executes wrongly. Release 6 has `bc`, which
//!   reaches 128 MB either way and has no delay slot.
//!
//! ```text
//! near:  bne  t9, zero, target        far:  beq  t9, zero, 1f
//!         <slot>                             <slot>
//!                                           lui  t9, %hi(target)
//!                                           ori  t9, t9, %lo(target)
//!                                           jr   t9
//!                                            nop
//!                                        1:
//! ```
//!
//! A block that overflows, or that leaves a label unbound, is faulty: `flush` says so and the
//! program stays interpreted.

mod block;
mod branch;
mod forward;
mod immediate;
mod sink;
mod slot;

pub(crate) use block::Block;
pub(crate) use branch::{BranchCond, Form, Label, Slot, Target};
pub(crate) use immediate::copy;
pub(crate) use sink::{Fault, Sink};
pub(crate) use slot::WINDOW;
