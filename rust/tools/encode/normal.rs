// SPDX-License-Identifier: GPL-2.0

//! The same instruction in different words: what disassemblers print, brought to one form.

/// An instruction taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction {
    mnemonic: String,
    operands: Vec<Operand>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Operand {
    Register(u32),
    Number(i64),
    Other(String),
}

/// The o32 names, in the order of their numbers.
pub(super) const NAMES: [&str; 32] = [
    "zero", "at", "v0", "v1", "a0", "a1", "a2", "a3", "t0", "t1", "t2", "t3", "t4", "t5", "t6",
    "t7", "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "t8", "t9", "k0", "k1", "gp", "sp", "fp",
    "ra",
];

impl Instruction {
    /// Takes a line of a disassembler, or of ours, apart.
    pub(super) fn read(text: &str) -> Instruction {
        // LLVM takes every number for an address and names it. So does objdump where there are
        // names, and then says of no number that it is hexadecimal.
        let (text, is_named) = match text.split_once('<') {
            Some((text, _)) => (text.trim(), true),
            None => (text.trim(), false),
        };
        let (mnemonic, operands) = text
            .split_once(|c: char| c.is_whitespace())
            .unwrap_or((text, ""));
        let mut operands: Vec<Operand> = operands
            .split([',', '(', ')'])
            .map(str::trim)
            .filter(|operand| !operand.is_empty())
            .map(operand)
            .collect();
        if let Some(last) = operands.last_mut().filter(|_| is_named) {
            let bare = text.rsplit([',', ' ', '\t']).next().unwrap_or(text);
            if let Ok(address) = i64::from_str_radix(bare, 16) {
                *last = Operand::Number(address);
            }
        }
        Instruction {
            mnemonic: mnemonic.to_string(),
            operands,
        }
    }

    fn new(mnemonic: &str, operands: &[&Operand]) -> Instruction {
        Instruction {
            mnemonic: mnemonic.to_string(),
            operands: operands.iter().copied().cloned().collect(),
        }
    }

    /// The short forms under which a disassembler may know the instruction.
    fn aliases(&self) -> Vec<Instruction> {
        use Operand::{Number, Register};
        let zero = Register(0);
        let is = |mnemonic: &str| self.mnemonic == mnemonic;
        match self.operands.as_slice() {
            [d, s, t] if *t == zero && (is("addu") || is("daddu") || is("or")) => {
                vec![Instruction::new("move", &[d, s])]
            }
            [d, s, t] if *t == zero && is("nor") => {
                vec![Instruction::new("not", &[d, s])]
            }
            [d, s, t] if *s == zero && is("subu") => {
                vec![Instruction::new("negu", &[d, t])]
            }
            [d, s, t] if *s == zero && is("dsubu") => {
                vec![Instruction::new("dnegu", &[d, t])]
            }
            // To the disassembler of 64-bit code.
            [d, s, imm] if *s == zero && is("ori") => {
                vec![Instruction::new("dli", &[d, imm])]
            }
            [d, s, Number(amount)] if *d == zero && *s == zero && is("sll") => {
                let name = match amount {
                    0 => "nop",
                    1 => "ssnop",
                    3 => "ehb",
                    5 => "pause",
                    _ => return Vec::new(),
                };
                vec![Instruction::new(name, &[])]
            }
            [_, _, _] if is("rotr") => vec![Instruction::new(
                "ror",
                &self.operands.iter().collect::<Vec<_>>(),
            )],
            [s, t, to] if *t == zero && (is("beq") || is("bne")) => {
                let short = format!("{}z", self.mnemonic);
                let mut forms = vec![Instruction::new(&short, &[s, to])];
                if *s == zero && is("beq") {
                    forms.push(Instruction::new("b", &[to]));
                }
                forms
            }
            // LLVM prints the offset as it stands in the word.
            [s, Number(offset @ ..0)] if is("jic") || is("jialc") => {
                let bits = Number(offset & 0xffff);
                vec![Instruction::new(&self.mnemonic, &[s, &bits])]
            }
            [s, Number(0)] if is("jic") => vec![Instruction::new("jrc", &[s])],
            [s, Number(0)] if is("jialc") => vec![Instruction::new("jalrc", &[s])],
            [d, s, t] if d == s && (is("div") || is("divu")) => {
                vec![Instruction::new(&self.mnemonic, &[d, t])]
            }
            [t, half] if is("lui") => vec![Instruction::new("aui", &[t, &zero, half])],
            _ => self.jump_aliases(),
        }
    }

    /// Those of JALR and JALR.HB, which link to `$ra` or not at all.
    fn jump_aliases(&self) -> Vec<Instruction> {
        use Operand::Register;
        match self.operands.as_slice() {
            [Register(31), s] if self.mnemonic.starts_with("jalr") => {
                vec![Instruction::new(&self.mnemonic, &[s])]
            }
            [Register(0), s] if self.mnemonic.starts_with("jalr") => {
                vec![Instruction::new(&self.mnemonic.replace("jal", "j"), &[s])]
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a disassembler's instruction is ours, or a short form of it.
pub(super) fn same(ours: &Instruction, theirs: &Instruction) -> bool {
    ours == theirs || ours.aliases().contains(theirs)
}

fn operand(text: &str) -> Operand {
    let bare = text.strip_prefix('$').unwrap_or(text);
    let bare = if bare == "s8" { "fp" } else { bare };
    if let Some(number) = NAMES.iter().position(|name| *name == bare) {
        return Operand::Register(number as u32);
    }
    if text.starts_with('$') {
        return match bare.parse() {
            Ok(number) => Operand::Register(number),
            Err(_) => Operand::Other(text.to_string()),
        };
    }
    number(text).map_or_else(|| Operand::Other(text.to_string()), Operand::Number)
}

fn number(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * value)
}
