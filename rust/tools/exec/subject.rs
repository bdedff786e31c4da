// SPDX-License-Identifier: GPL-2.0

//! What is judged: some BPF programs, and how to write them down.

use super::edit::with_zero_extensions;
use super::machine::{Machine, Variant};
use super::places::ARRAY;
use crate::host::{self, text};
use crate::jit::abi::Role;
use crate::jit::bpf::{decode, Dialect, Raw};
use crate::model::bpf::fields::Fields;

/// Number of the auxiliary register in instructions.
pub(super) const AX: u8 = host::AX;

/// Programs, of which the first is called. They may call each other through the program array.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) programs: Vec<Vec<Fields>>,
    /// How many of them, the last ones, are functions of the first. In calls and loads of their addresses,
    /// the immediate is a function's index among the programs.
    pub(super) functions: usize,
    /// The last function handles exceptions: calls of [`functions::THROW`](super::functions::THROW).
    pub(super) handles_exceptions: bool,
    /// The array's slots: a program's index each, or none.
    pub(super) array: Vec<Option<usize>>,
    pub(super) stack_depth: u32,
}

impl Subject {
    /// A single program.
    pub(super) fn new(program: Vec<Fields>) -> Self {
        Subject {
            programs: vec![program],
            functions: 0,
            handles_exceptions: false,
            array: Vec::new(),
            stack_depth: 512,
        }
    }

    /// What the core is told that a program is.
    pub(super) fn role(&self, program: usize) -> Role {
        match program {
            _ if self.functions == 0 => Role::Whole,
            0 => Role::Main,
            _ if self.exception_callback() == Some(program) => Role::Exception,
            _ if program + self.functions >= self.programs.len() => Role::Subprogram,
            _ => Role::Whole,
        }
    }

    /// The function that handles exceptions.
    pub(super) fn exception_callback(&self) -> Option<usize> {
        let last = self.programs.len().checked_sub(1)?;
        self.handles_exceptions.then_some(last)
    }

    /// Every way to compile it.
    pub(super) fn variants(&self) -> Vec<Variant> {
        match self.array.is_empty() {
            true => Variant::all().collect(),
            false => Variant::all_with_tail_calls().collect(),
        }
    }

    /// The programs with explicit zero-extensions. None if a jump gets too long.
    pub(super) fn with_zero_extensions(&self) -> Option<Subject> {
        let programs = self.programs.iter().map(|p| with_zero_extensions(p));
        Some(Subject {
            programs: programs.collect::<Option<_>>()?,
            ..self.clone()
        })
    }

    /// The programs as the core takes them.
    pub(super) fn raw(&self, machine: &Machine) -> Vec<Vec<Raw>> {
        self.programs
            .iter()
            .map(|program| program.iter().map(|insn| machine.raw(insn)).collect())
            .collect()
    }

    /// The programs as text.
    pub(super) fn text(&self, machine: &Machine, variant: &Variant) -> String {
        let dialect = host::dialect(&variant.cpu(machine));
        let mut out = String::new();
        for (number, program) in self.raw(machine).iter().enumerate() {
            if self.programs.len() > 1 {
                out += &format!(
                    "program {number}, at {ARRAY:#x} in slots {:?}\n",
                    self.slots(number)
                );
            }
            out += &program_text(program, dialect);
        }
        out
    }

    fn slots(&self, program: usize) -> Vec<usize> {
        let slots = self.array.iter().enumerate();
        slots
            .filter_map(|(slot, content)| (*content == Some(program)).then_some(slot))
            .collect()
    }
}

/// The longest run of equal instructions that is written out.
const REPEATED: usize = 4;

fn program_text(program: &[Raw], dialect: Dialect) -> String {
    let mut out = String::new();
    let mut repeated = 0;
    let mut previous = None;
    for (at, insn) in program.iter().enumerate() {
        repeated = if previous == Some(insn) {
            repeated + 1
        } else {
            0
        };
        previous = Some(insn);
        if repeated >= REPEATED {
            continue;
        }
        let meaning = match decode(&dialect, program, at as u32) {
            Ok(typed) => text::print(&typed, at as u32),
            // The second slot of an instruction, or a jump to nowhere.
            Err(_) => String::new(),
        };
        let Raw {
            code,
            regs,
            off,
            imm,
        } = insn;
        out += &format!("{at:>6}: {code:02x} {regs:02x} {off:>6} {imm:>11}  {meaning}\n");
    }
    out
}

/// Reads a program from text.
pub(super) fn parse(source: &str, machine: &Machine) -> Vec<Fields> {
    let variant = Variant::numbered(0);
    let dialect = host::dialect(&variant.cpu(machine));
    let program = text::parse(source, dialect)
        .unwrap_or_else(|fault| panic!("in the text of a test: {fault}:\n{source}"));
    program
        .iter()
        .map(|raw| Fields {
            opcode: raw.code,
            dst: raw.dst(machine.endian),
            src: raw.src(machine.endian),
            offset: raw.off,
            immediate: raw.imm,
        })
        .collect()
}
