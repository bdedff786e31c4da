// SPDX-License-Identifier: GPL-2.0

//! Bytes as a call of the core: a header, and eight bytes for every instruction.
//!
//! ```text
//!  0      flags: byte order, release, barriers, verifier_zext, repeats, many repeats
//!  1      number of AX, and in the upper three bits: no arena, 64 bits, lookups are counted
//!  2-5    stack depth
//!  6-9    address of the image
//!  10     by how much the misfitting offsets are too long
//!  11     by how much the misfitting facts are too long
//!  12-15  by how much the misfitting image is too long
//!  16     which function of a program it is, and whether its functions make tail calls
//!  17-24  the first instruction: code, registers, offset, immediate
//!  ...
//! ```
//!
//! Numbers are little endian; bytes that are not there are zero. Where the flag for repeats is set,
//! an instruction with code [`REPEAT`], which BPF does not have, stands for more of what precedes it:
//! the last `offset` instructions, `immediate` times. So an input of a few bytes can be a program
//! that is long enough for far jumps. Without the flag, that code is as good as any other.

use std::panic::catch_unwind;

use crate::host::{self, text, AX};
use crate::jit::abi::Role;
use crate::jit::bpf::{decode, Dialect, Helpers, Raw};
use crate::jit::mips::cpu::Barriers;
use crate::jit::mips::{Cpu, Endian, Release, Width};
use crate::jit::runtime::Counted;

/// Bytes of the header, and of an instruction.
pub(crate) const HEADER: usize = 17;
pub(crate) const SLOT: usize = 8;

/// The most instructions a program has after its repeats: enough for jumps that are far.
pub(crate) const LONG: usize = 4_200;

/// The same with the flag for many, which takes a second: more than an offset of 16 bits spans.
pub(crate) const LONGEST: usize = 70_000;

/// The code of a repeat.
pub(crate) const REPEAT: u8 = 0xff;

/// Bits of the flags.
const BIG_ENDIAN: u8 = 1 << 0;
const RELEASE_2: u8 = 1 << 1;
const MEMORY_BARRIERS: u8 = 1 << 2;
const LLSC_BARRIERS: u8 = 1 << 3;
const VERIFIER_ZEXT: u8 = 1 << 4;
const REPEATS: u8 = 1 << 5;
const MANY: u8 = 1 << 6;
/// Whatever the other flag for a release says.
const RELEASE_6: u8 = 1 << 7;

/// Bits of the second byte.
const AX_NUMBER: u8 = 0x1f;
const NO_ARENA: u8 = 1 << 5;
const WIDE: u8 = 1 << 6;
const LOOKUPS: u8 = 1 << 7;

/// Bits of the last byte of the header.
const IN_PROGRAM: u8 = 1 << 0;
const FUNCTION: u8 = 1 << 1;
const REACHES_TAIL_CALLS: u8 = 1 << 2;
const BOUNDARY: u8 = 1 << 3;
const PRIVATE_STACK: u8 = 1 << 4;

/// A call of the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) cpu: Cpu,
    pub(crate) ax: u8,
    pub(crate) role: Role,
    pub(crate) reaches_tail_calls: bool,
    pub(crate) is_boundary: bool,
    pub(crate) has_private_stack: bool,
    pub(crate) stack_depth: u32,
    pub(crate) verifier_zext: bool,
    pub(crate) counted: Counted,
    pub(crate) address: u32,
    /// By how much memory that does not fit is too long; negative, too short.
    pub(crate) misfit: Misfit,
    pub(crate) has_repeats: bool,
    /// The program has an arena.
    pub(crate) has_arena: bool,
    pub(crate) has_many: bool,
    /// As written: with repeats, if there are any.
    pub(crate) slots: Vec<Raw>,
}

/// How far the sizes of lent memory are from those that fit, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Misfit {
    pub(crate) offsets: i8,
    pub(crate) facts: i8,
    pub(crate) words: i32,
}

impl Default for Input {
    fn default() -> Self {
        Input {
            cpu: crate::host::cpu(Endian::Little, Release::R2),
            ax: AX,
            role: Role::Whole,
            reaches_tail_calls: false,
            is_boundary: false,
            has_private_stack: false,
            stack_depth: 512,
            verifier_zext: false,
            counted: Counted::Hits,
            address: 0xc004_0000,
            misfit: Misfit {
                offsets: 1,
                facts: -1,
                words: -1,
            },
            has_repeats: false,
            has_arena: true,
            has_many: false,
            slots: Vec::new(),
        }
    }
}

impl Input {
    /// Reads any bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Input {
        let mut header = [0; HEADER];
        let (head, tail) = bytes.split_at(bytes.len().min(HEADER));
        header[..head.len()].copy_from_slice(head);
        let [flags, more, s0, s1, s2, s3, a0, a1, a2, a3, offsets, facts, w0, w1, w2, w3, last] =
            header;
        let has = |flag: u8| flags & flag != 0;
        let slot = |bytes: &[u8]| {
            let [code, regs, o0, o1, i0, i1, i2, i3] = bytes.try_into().expect("a slot");
            Raw {
                code,
                regs,
                off: i16::from_le_bytes([o0, o1]),
                imm: i32::from_le_bytes([i0, i1, i2, i3]),
            }
        };
        Input {
            cpu: cpu(flags, more),
            ax: more & AX_NUMBER,
            role: match (last & IN_PROGRAM != 0, last & FUNCTION != 0) {
                (false, false) => Role::Whole,
                (false, true) => Role::Exception,
                (true, false) => Role::Main,
                (true, true) => Role::Subprogram,
            },
            reaches_tail_calls: last & REACHES_TAIL_CALLS != 0,
            is_boundary: last & BOUNDARY != 0,
            has_private_stack: last & PRIVATE_STACK != 0,
            stack_depth: u32::from_le_bytes([s0, s1, s2, s3]),
            verifier_zext: has(VERIFIER_ZEXT),
            counted: if more & LOOKUPS != 0 {
                Counted::Lookups
            } else {
                Counted::Hits
            },
            address: u32::from_le_bytes([a0, a1, a2, a3]),
            misfit: Misfit {
                offsets: offsets as i8,
                facts: facts as i8,
                words: i32::from_le_bytes([w0, w1, w2, w3]),
            },
            has_repeats: has(REPEATS),
            has_arena: more & NO_ARENA == 0,
            has_many: has(MANY),
            slots: tail.chunks_exact(SLOT).map(slot).collect(),
        }
    }

    /// The bytes that [`Input::from_bytes`] reads so.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
        let flags = flag(self.cpu.endian == Endian::Big, BIG_ENDIAN)
            | flag(self.cpu.release == Release::R2, RELEASE_2)
            | flag(self.cpu.release == Release::R6, RELEASE_6)
            | flag(self.cpu.barriers.memory, MEMORY_BARRIERS)
            | flag(self.cpu.barriers.llsc, LLSC_BARRIERS)
            | flag(self.verifier_zext, VERIFIER_ZEXT)
            | flag(self.has_repeats, REPEATS)
            | flag(self.has_many, MANY);
        let more = self.ax & AX_NUMBER
            | flag(self.counted == Counted::Lookups, LOOKUPS)
            | flag(self.cpu.width == Width::W64, WIDE)
            | flag(!self.has_arena, NO_ARENA);
        let mut bytes = vec![flags, more];
        bytes.extend(self.stack_depth.to_le_bytes());
        bytes.extend(self.address.to_le_bytes());
        bytes.extend([self.misfit.offsets as u8, self.misfit.facts as u8]);
        bytes.extend(self.misfit.words.to_le_bytes());
        bytes.push(
            flag(
                matches!(self.role, Role::Main | Role::Subprogram),
                IN_PROGRAM,
            ) | flag(
                matches!(self.role, Role::Exception | Role::Subprogram),
                FUNCTION,
            ) | flag(self.is_boundary, BOUNDARY)
                | flag(self.has_private_stack, PRIVATE_STACK)
                | flag(self.reaches_tail_calls, REACHES_TAIL_CALLS),
        );
        for raw in &self.slots {
            bytes.extend([raw.code, raw.regs]);
            bytes.extend(raw.off.to_le_bytes());
            bytes.extend(raw.imm.to_le_bytes());
        }
        bytes
    }

    /// What raw instructions look like to the core.
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect {
            endian: self.cpu.endian,
            ax: self.ax,
            parameters: Some(host::PARAMETERS).filter(|&number| number != self.ax),
            width: self.cpu.width,
            timed_may_goto: Some(host::TIMED_MAY_GOTO),
            helpers: Helpers::NONE,
        }
    }

    /// The instructions, with repeats carried out.
    pub(crate) fn program(&self) -> Vec<Raw> {
        let longest = if self.has_many { LONGEST } else { LONG };
        let mut program: Vec<Raw> = Vec::with_capacity(self.slots.len());
        for raw in &self.slots {
            if !self.is_repeat(raw) {
                program.push(*raw);
                continue;
            }
            let (count, times) = repeat(raw);
            let from = program.len().saturating_sub(count);
            let unit = program[from..].to_vec();
            for _ in 0..times {
                if program.len() + unit.len() > longest {
                    break;
                }
                program.extend_from_slice(&unit);
            }
        }
        program.truncate(longest);
        program
    }

    fn is_repeat(&self, raw: &Raw) -> bool {
        self.has_repeats && raw.code == REPEAT
    }

    /// An instruction as text; as numbers if it has none, or the decoder is what fails.
    fn statement(&self, at: u32, raw: &Raw) -> String {
        match catch_unwind(|| decode(&self.dialect(), &self.slots, at)) {
            Ok(Ok(insn)) => text::print(&insn, at),
            _ => format!(
                "# code {:#04x} registers {:#04x} off {} imm {:#x}",
                raw.code, raw.regs, raw.off, raw.imm
            ),
        }
    }

    /// All of it, for people.
    pub(crate) fn describe(&self) -> String {
        let mut text = format!(
            "{:?} {:?} {:?}, barriers {:?}, {:?} counted, {:?}{}\nAX is register {}, stack {}, {}image at {:#010x}\n\
             misfits: offsets {:+}, facts {:+}, words {:+}\n",
            self.cpu.width,
            self.cpu.endian,
            self.cpu.release,
            self.cpu.barriers,
            self.counted,
            self.role,
            if self.reaches_tail_calls {
                ", functions make tail calls"
            } else {
                ""
            },
            self.ax,
            self.stack_depth,
            if self.verifier_zext {
                "verifier-zext, "
            } else {
                ""
            },
            self.address,
            self.misfit.offsets,
            self.misfit.facts,
            self.misfit.words,
        );
        for (at, raw) in self.slots.iter().enumerate() {
            let statement = if self.is_repeat(raw) {
                let (count, times) = repeat(raw);
                format!("# the last {count} slots {times} times more")
            } else {
                self.statement(at as u32, raw)
            };
            text += &format!("{at:>4}  {statement}\n");
        }
        text
    }
}

/// What two bytes of flags say of the CPU.
fn cpu(flags: u8, more: u8) -> Cpu {
    let has = |flag: u8| flags & flag != 0;
    Cpu {
        width: if more & WIDE != 0 {
            Width::W64
        } else {
            Width::W32
        },
        endian: if has(BIG_ENDIAN) {
            Endian::Big
        } else {
            Endian::Little
        },
        release: if has(RELEASE_6) {
            Release::R6
        } else if has(RELEASE_2) {
            Release::R2
        } else {
            Release::R1
        },
        barriers: Barriers {
            memory: has(MEMORY_BARRIERS),
            llsc: has(LLSC_BARRIERS),
            linked: false,
            speculation: has(MEMORY_BARRIERS),
        },
    }
}

/// How many instructions a repeat is of, and how many times it repeats them.
fn repeat(raw: &Raw) -> (usize, usize) {
    let times = usize::try_from(raw.imm).unwrap_or(0);
    (usize::from(raw.off as u16), times.min(LONGEST))
}
