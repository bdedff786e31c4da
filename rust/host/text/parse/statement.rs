// SPDX-License-Identifier: GPL-2.0

//! Statements: each becomes one instruction.

use super::super::token::Kind;
use super::super::{ALU, CONDITIONS};
use super::access::Access;
use super::{fault, Parsed, Parser, Register};
use crate::host;
use crate::jit::bpf::raw::{alu, atomic, cast, class, jmp, mode, pseudo, size, ADDR_PERCPU, X};

/// Atomic operations: the assignment that does without the old value, the function that returns it,
/// their immediate.
const ATOMICS: [(&str, &str, i32); 4] = [
    ("+=", "add", atomic::ADD),
    ("|=", "or", atomic::OR),
    ("&=", "and", atomic::AND),
    ("^=", "xor", atomic::XOR),
];

impl Parser<'_> {
    pub(super) fn statement(&mut self) -> Parsed {
        let second = self.tokens.get(self.next + 1).map(|token| token.kind);
        if let (Kind::Word(label), Some(Kind::Symbol(":"))) = (self.peek(), second) {
            if self.labels.insert(label, self.program.len()).is_some() {
                return self.fault(format!("a second label '{label}'"));
            }
            self.next += 2;
            return Ok(());
        }
        if let Some(dst) = self.takes_register() {
            self.assignment(dst)?;
        } else if self.takes("*") {
            self.store()?;
        } else {
            self.keyword()?;
        }
        if self.peek() != Kind::End {
            return self.fault("expected the end of the statement");
        }
        Ok(())
    }

    fn keyword(&mut self) -> Parsed {
        let at = self.token();
        match self.word()? {
            "exit" => self.emit(class::JMP | jmp::EXIT, 0, 0, 0, 0),
            "tail_call" => self.emit(class::JMP | jmp::TAIL_CALL, 0, 0, 0, 0),
            "nospec" => self.emit(class::ST | mode::NOSPEC, 0, 0, 0, 0),
            "call" => {
                // Which one is said by the list of functions that the program comes with.
                if self.takes_word("kfunc") {
                    self.emit(class::JMP | jmp::CALL, 0, pseudo::KERNEL_FUNCTION, 0, 0);
                    return Ok(());
                }
                if self.takes_word("timed_may_goto") {
                    let imm = host::TIMED_MAY_GOTO;
                    self.emit(class::JMP | jmp::CALL, 0, pseudo::HELPER, 0, imm);
                    return Ok(());
                }
                let is_ours = self.takes_word("pc");
                let src = if is_ours {
                    pseudo::SUBPROGRAM
                } else {
                    pseudo::HELPER
                };
                let imm = self.fitting("a call")?;
                self.emit(class::JMP | jmp::CALL, 0, src, 0, imm);
            }
            "goto" => {
                let off = self.target(false)?;
                self.emit(class::JMP | jmp::JA, 0, 0, off, 0);
            }
            "gotol" => {
                let imm = self.target(true)?;
                self.emit(class::JMP32 | jmp::JA, 0, 0, 0, imm);
            }
            "gotox" => {
                let dst = self.register()?.number;
                self.emit(class::JMP | jmp::JA | X, dst, 0, 0, 0);
            }
            "if" => self.branch()?,
            "lock" => self.lock()?,
            "store_release" => self.store_release()?,
            other => return fault(at, format!("'{other}' is no statement")),
        }
        Ok(())
    }

    /// `if dst cond src goto target`
    fn branch(&mut self) -> Parsed {
        let dst = self.register()?;
        let found = CONDITIONS.iter().find(|(symbol, _)| self.takes(symbol));
        let Some(&(_, op)) = found else {
            return self.fault("expected a condition");
        };
        let class = if dst.is_word {
            class::JMP32
        } else {
            class::JMP
        };
        let (source, src, imm) = self.source(dst)?;
        if !self.takes_word("goto") {
            return self.fault("expected 'goto'");
        }
        let off = self.target(false)?;
        self.emit(class | op | source, dst.number, src, off, imm);
        Ok(())
    }

    /// A register as wide as `dst`, or an immediate: bit of the opcode, register, immediate.
    fn source(&mut self, dst: Register) -> Parsed<(u8, u8, i32)> {
        let at = self.token();
        match self.takes_register() {
            Some(src) if src.is_word == dst.is_word => Ok((X, src.number, 0)),
            Some(_) => fault(at, "one operand is a word, the other is not"),
            None => Ok((0, 0, self.immediate(dst.is_word)?)),
        }
    }

    /// `dst = ...` or `dst op= ...`
    fn assignment(&mut self, dst: Register) -> Parsed {
        let class = if dst.is_word {
            class::ALU
        } else {
            class::ALU64
        };
        if let Some(&(_, op, off)) = ALU.iter().find(|(symbol, ..)| self.takes(symbol)) {
            let (source, src, imm) = self.source(dst)?;
            self.emit(class | op | source, dst.number, src, off, imm);
            return Ok(());
        }
        self.expect("=")?;
        match self.peek() {
            Kind::Symbol("*") => {
                self.next += 1;
                let access = self.access()?;
                let code = class::LDX | access.mode() | access.size;
                self.emit(code, dst.number, access.base, access.offset, 0);
                Ok(())
            }
            Kind::Symbol("(") => self.conversion(class, dst),
            Kind::Symbol("-") if self.is_negation() => {
                self.next += 1;
                self.same(dst)?;
                self.emit(class | alu::NEG, dst.number, 0, 0, 0);
                Ok(())
            }
            Kind::Word(word) if self.named(word).is_none() => self.function(word, dst),
            Kind::Word(_) => {
                let (_, src, _) = self.source(dst)?;
                self.emit(class | alu::MOV | X, dst.number, src, 0, 0);
                Ok(())
            }
            _ => self.constant(class, dst),
        }
    }

    /// Whether a register follows the minus sign.
    fn is_negation(&self) -> bool {
        let next = self.tokens.get(self.next + 1).map(|token| token.kind);
        matches!(next, Some(Kind::Word(_)))
    }

    /// The destination once more.
    fn same(&mut self, dst: Register) -> Parsed {
        let at = self.token();
        if self.register()?.number == dst.number {
            Ok(())
        } else {
            fault(at, "expected the destination register")
        }
    }

    /// `dst = imm`, `dst = imm ll` or `dst = imm function`
    fn constant(&mut self, class: u8, dst: Register) -> Parsed {
        let start = self.next;
        let at = self.token();
        let number = self.number()?;
        let is_function = self.takes_word("function");
        if !is_function && !self.takes_word("ll") {
            self.next = start;
            let imm = self.immediate(dst.is_word)?;
            self.emit(class | alu::MOV, dst.number, 0, 0, imm);
            return Ok(());
        }
        let value = match (u64::try_from(number), i64::try_from(number)) {
            (Ok(value), _) => value,
            (_, Ok(value)) => value as u64,
            _ => return fault(at, format!("{number} does not fit 64 bits")),
        };
        let code = class::LD | mode::IMM | size::DW;
        let src = if is_function { pseudo::FUNCTION } else { 0 };
        self.emit(code, dst.number, src, 0, value as i32);
        self.emit(0, 0, 0, 0, (value >> 32) as i32);
        Ok(())
    }

    /// `dst = (s8)src`, `dst = (u32)dst`
    fn conversion(&mut self, class: u8, dst: Register) -> Parsed {
        self.expect("(")?;
        let at = self.token();
        let off = match self.word()? {
            "s8" => 8,
            "s16" => 16,
            "s32" => 32,
            "u32" => 0,
            other => return fault(at, format!("no conversion to '{other}'")),
        };
        self.expect(")")?;
        if off == 0 {
            // BPF_ZEXT_REG(): a 32-bit move with immediate 1.
            self.same(dst)?;
            self.emit(class::ALU | alu::MOV | X, dst.number, dst.number, 0, 1);
            return Ok(());
        }
        let src = self.register()?;
        self.emit(class | alu::MOV | X, dst.number, src.number, off, 0);
        Ok(())
    }

    /// `dst = be16 dst` and other words in front of an operand.
    fn function(&mut self, name: &str, dst: Register) -> Parsed {
        let at = self.token();
        self.next += 1;
        let swap = [
            ("le", class::ALU | alu::END),
            ("be", class::ALU | alu::END | X),
            ("bswap", class::ALU64 | alu::END),
        ];
        for (prefix, code) in swap {
            let bits = name.strip_prefix(prefix).and_then(|bits| bits.parse().ok());
            if let Some(bits @ (16 | 32 | 64)) = bits {
                self.same(dst)?;
                self.emit(code, dst.number, 0, 0, bits);
                return Ok(());
            }
        }
        let marks = [
            ("user", cast::OFFSET, cast::TO_USER),
            ("this_cpu", ADDR_PERCPU, 0),
        ];
        if let Some(&(_, off, imm)) = marks.iter().find(|(word, ..)| *word == name) {
            self.expect("(")?;
            let src = self.register()?.number;
            self.expect(")")?;
            self.emit(class::ALU64 | alu::MOV | X, dst.number, src, off, imm);
            return Ok(());
        }
        if name == "load_acquire" {
            self.expect("(")?;
            let access = self.access()?;
            self.expect(")")?;
            let code = class::STX | access.atomic_mode() | access.size;
            self.emit(
                code,
                dst.number,
                access.base,
                access.offset,
                atomic::LOAD_ACQ,
            );
            return Ok(());
        }
        // atomic64_fetch_add and atomic64_xchg are the verifier's words.
        let plain = name.replace("atomic64_", "atomic_");
        match plain.strip_prefix("atomic_").unwrap_or(&plain) {
            "xchg" => self.fetch(dst, atomic::XCHG, None),
            "xchg_64" => self.fetch(dst, atomic::XCHG, Some(size::DW)),
            "xchg_32" | "xchg32_32" => self.fetch(dst, atomic::XCHG, Some(size::W)),
            "cmpxchg" => self.fetch(dst, atomic::CMPXCHG, None),
            "cmpxchg_64" => self.fetch(dst, atomic::CMPXCHG, Some(size::DW)),
            "cmpxchg_32" | "cmpxchg32_32" => self.fetch(dst, atomic::CMPXCHG, Some(size::W)),
            operation => {
                let fetched = operation.strip_prefix("fetch_");
                let found = ATOMICS.iter().find(|(_, name, _)| Some(*name) == fetched);
                match found {
                    Some(&(_, _, imm)) => self.fetch(dst, imm | atomic::FETCH, None),
                    None => fault(at, format!("'{name}' is no operation")),
                }
            }
        }
    }

    /// `(mem, src)` or, of a compare-and-exchange, `(mem, r0, src)`. Where the name says the size,
    /// the address is written without it.
    fn fetch(&mut self, dst: Register, imm: i32, size: Option<u8>) -> Parsed {
        self.expect("(")?;
        let access = match size {
            Some(size) => {
                let (place, base, offset) = self.address()?;
                Access {
                    size,
                    is_signed: false,
                    place,
                    base,
                    offset,
                }
            }
            None => self.access()?,
        };
        self.expect(",")?;
        let src = if imm == atomic::CMPXCHG {
            if dst.number != 0 {
                return self.fault("the result of a compare-and-exchange is in r0");
            }
            self.same(dst)?;
            self.expect(",")?;
            self.register()?.number
        } else {
            self.same(dst)?;
            dst.number
        };
        self.expect(")")?;
        let code = class::STX | access.atomic_mode() | access.size;
        self.emit(code, access.base, src, access.offset, imm);
        Ok(())
    }

    /// `lock *(u64 *)(base + offset) op= src`
    fn lock(&mut self) -> Parsed {
        self.expect("*")?;
        let access = self.access()?;
        let found = ATOMICS.iter().find(|(symbol, ..)| self.takes(symbol));
        let Some(&(_, _, imm)) = found else {
            return self.fault("expected an atomic operation");
        };
        let src = self.register()?.number;
        let code = class::STX | access.atomic_mode() | access.size;
        self.emit(code, access.base, src, access.offset, imm);
        Ok(())
    }

    /// `store_release((u16 *)(base + offset), src)`
    fn store_release(&mut self) -> Parsed {
        self.expect("(")?;
        let access = self.access()?;
        self.expect(",")?;
        let src = self.register()?.number;
        self.expect(")")?;
        let code = class::STX | access.atomic_mode() | access.size;
        self.emit(code, access.base, src, access.offset, atomic::STORE_REL);
        Ok(())
    }

    /// `*(u64 *)(base + offset) = src`, behind the star
    fn store(&mut self) -> Parsed {
        let access = self.access()?;
        self.expect("=")?;
        match self.takes_register() {
            Some(src) => {
                let code = class::STX | access.mode() | access.size;
                self.emit(code, access.base, src.number, access.offset, 0);
            }
            None => {
                let imm = self.immediate(access.size != size::DW)?;
                let code = class::ST | access.mode() | access.size;
                self.emit(code, access.base, 0, access.offset, imm);
            }
        }
        Ok(())
    }
}
