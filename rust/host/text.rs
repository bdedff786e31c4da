// SPDX-License-Identifier: GPL-2.0

//! BPF assembler text: what `llvm-objdump -d` and the kernel's verifier print, and back.
//!
//! One statement a line, or several with `;` between them; `#` and `//` begin a comment.
//!
//! ```text
//! r1 = 5            r1 += r2          w3 s>>= 4         r0 s/= r1         r1 = -r1
//! r3 = (s8)r4       r1 = (u32)r1      r1 = be16 r1      r1 = bswap32 r1   r1 = 0x1234567890 ll
//! r2 = *(u32 *)(r1 + 8)               *(u64 *)(r10 - 8) = r1              *(u8 *)(r1 + 0) = 7
//! r2 = *(s16 *)(r1 + 8)               lock *(u64 *)(r1 + 0) += r2
//! r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)            w2 = xchg32_32(r1 + 0, w2)
//! r0 = cmpxchg_64(r1 + 0, r0, r2)     w1 = load_acquire((u8 *)(r2 + 0))
//! store_release((u16 *)(r2 + 0), w1)  if r1 s> 5 goto +3                  if w1 & 7 goto again
//! again:            goto -2           gotol +70000      call 12           exit
//! ```
//!
//! `call 12` is `__bpf_call_base + 12`, `call pc+5` a subprogram. `w1` is the low word of `r1`. `ax` and `wax` are the kernel's auxiliary register. `(u32)` is the
//! zero-extension that the verifier inserts. Two more statements of the kernel's own have no
//! syntax elsewhere: `tail_call` and `nospec`.

mod parse;
mod print;
mod token;

pub(crate) use parse::parse;
pub(crate) use print::print;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for Fault {}

/// Binary operations: how they are written, and their opcode bits and offset.
const ALU: [(&str, u8, i16); 13] = {
    use crate::jit::bpf::raw::alu;
    [
        ("+=", alu::ADD, 0),
        ("-=", alu::SUB, 0),
        ("*=", alu::MUL, 0),
        ("/=", alu::DIV, 0),
        ("%=", alu::MOD, 0),
        ("s/=", alu::DIV, 1),
        ("s%=", alu::MOD, 1),
        ("|=", alu::OR, 0),
        ("&=", alu::AND, 0),
        ("^=", alu::XOR, 0),
        ("<<=", alu::LSH, 0),
        (">>=", alu::RSH, 0),
        ("s>>=", alu::ARSH, 0),
    ]
};

/// Conditions: how they are written, and their opcode bits.
const CONDITIONS: [(&str, u8); 11] = {
    use crate::jit::bpf::raw::jmp;
    [
        ("==", jmp::JEQ),
        ("!=", jmp::JNE),
        (">", jmp::JGT),
        (">=", jmp::JGE),
        ("<", jmp::JLT),
        ("<=", jmp::JLE),
        ("s>", jmp::JSGT),
        ("s>=", jmp::JSGE),
        ("s<", jmp::JSLT),
        ("s<=", jmp::JSLE),
        ("&", jmp::JSET),
    ]
};
