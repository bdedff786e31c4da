// SPDX-License-Identifier: GPL-2.0

//! From a subject to images in memory that know each other's addresses.
//!
//! As in the kernel, every program is compiled for its length first, and written when all have a place:
//! calls of functions have the distance from `__bpf_call_base` to the image then.

use super::functions;
use super::judge::{Compiled, Judge};
use super::machine::{Machine, Variant};
use super::places::{CODE, RUNTIME, STACK_POINTER};
use super::subject::Subject;
use crate::host::{self, check, Image, Options};
use crate::jit::abi::Role;
use crate::model::bpf;
use crate::model::bpf::fields::{class, Fields};
use crate::tools::build::{CALL, DW};

/// R10 of a program that does not use it.
pub(super) const NO_STACK: u64 = 0x0bad_0000;

/// Source field of a call of a function of the program, and of a load of its address.
const SUBPROGRAM: u8 = 1;
const FUNCTION: u8 = 4;

impl Judge {
    /// Compiles a subject and puts it in memory.
    ///
    /// # Errors
    ///
    /// What the core says, or what is wrong with the image as such.
    pub(super) fn compile(
        &mut self,
        subject: &Subject,
        variant: Variant,
    ) -> Result<Compiled, String> {
        let explicit = match variant.verifier_zext {
            true => Some(subject.with_zero_extensions().ok_or("a jump too long")?),
            false => None,
        };
        let subject = explicit.as_ref().unwrap_or(subject);
        let addresses = self.places(subject, &variant)?;
        let linked = linked(subject, &addresses);
        let mut images = Vec::new();
        for (number, &address) in addresses.iter().enumerate() {
            let image = self.image(&linked, &variant, number, address)?;
            check::judge(&image, &variant.cpu(&self.machine))?;
            self.emulator.load(&image);
            images.push(image);
        }
        let address = |program: usize| Some(images.get(program)?.function());
        let slots = subject.array.iter();
        let slots: Vec<Option<u32>> = slots.map(|slot| slot.and_then(address)).collect();
        self.emulator.set_array(&slots);
        let throws = subject.exception_callback().and_then(address);
        let roles = (0..images.len()).map(|number| subject.role(number));
        self.emulator
            .set_exceptions(throws, images.iter().cloned().zip(roles).collect());
        let programs = linked.programs.iter().zip(&images);
        Ok(Compiled {
            programs: programs
                .map(|(program, image)| self.model_of(program, image))
                .collect(),
            images,
            array: subject.array.clone(),
            exception_callback: subject.exception_callback(),
            stack_depth: subject.stack_depth,
            variant,
        })
    }

    /// A place for each image.
    fn places(&mut self, subject: &Subject, variant: &Variant) -> Result<Vec<u32>, String> {
        let anywhere = linked(subject, &vec![CODE; subject.programs.len()]);
        let mut lengths = Vec::new();
        for number in 0..subject.programs.len() {
            lengths.push(self.image(&anywhere, variant, number, CODE)?.words.len());
        }
        let mut addresses = Vec::new();
        while addresses.len() < lengths.len() {
            let (address, is_restarted) = self.emulator.reserve(lengths[addresses.len()]);
            if is_restarted && !addresses.is_empty() {
                // Those before are in the way now.
                addresses.clear();
            } else {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    fn image(
        &self,
        subject: &Subject,
        variant: &Variant,
        number: usize,
        address: u32,
    ) -> Result<Image, String> {
        let functions = functions::list(&self.machine, &subject.programs[number]);
        let role = subject.role(number);
        let is_program = matches!(role, Role::Whole | Role::Main);
        let options = Options {
            role,
            is_boundary: subject.handles_exceptions && is_program,
            reaches_tail_calls: subject.functions > 0 && !subject.array.is_empty(),
            functions: &functions,
            ..variant.options(&self.machine, subject.stack_depth, address)
        };
        let raw = &subject.raw(&self.machine)[number];
        host::compile_unjudged(raw, &variant.cpu(&self.machine), &options)
            .map_err(|error| format!("does not compile: {error:?}"))
    }

    /// The program as the model takes it.
    fn model_of(&self, program: &[Fields], image: &Image) -> bpf::Program {
        let (frame, pointer) = frame(image, &self.machine);
        bpf::Program {
            slots: program
                .iter()
                .map(|insn| insn.slot(self.machine.order()))
                .collect(),
            stack: pointer.map_or(NO_STACK, |at| self.machine.pointer(at)),
            frame: frame.into(),
        }
    }
}

/// The subject with addresses for indices of functions.
fn linked(subject: &Subject, addresses: &[u32]) -> Subject {
    let mut linked = subject.clone();
    let address = |index: i32| addresses.get(index as usize).copied().unwrap_or(CODE);
    for program in &mut linked.programs {
        for at in 0..program.len() {
            let insn = program[at];
            if insn.opcode == CALL && insn.src == SUBPROGRAM {
                program[at].immediate =
                    address(insn.immediate).wrapping_sub(RUNTIME.call_base) as i32;
            }
            if insn.opcode == class::LD | DW && insn.src == FUNCTION {
                let value = i64::from(address(insn.immediate) as i32);
                program[at].immediate = value as i32;
                if let Some(second) = program.get_mut(at + 1) {
                    second.immediate = (value >> 32) as i32;
                }
            }
        }
    }
    linked
}

/// Bytes of an image's frame, and its R10 if it is the first: `$fp` behind its prologue, which this follows
/// as far as it concerns `$sp` and `$fp`. None if it does not set `$fp`.
fn frame(image: &Image, machine: &Machine) -> (u32, Option<u32>) {
    /// `addu $fp, $sp, $zero`, `or $fp, $sp, $zero`, `daddu $fp, $sp, $zero`
    const COPY: [u32; 3] = [0x03a0_f021, 0x03a0_f025, 0x03a0_f02d];
    // `addiu $sp, $sp, 0`, `addiu $fp, $sp, 0`, or those with `daddiu`.
    let (adjust, set) = match machine.is_wide() {
        false => (0x27bd_0000, 0x27be_0000),
        true => (0x67bd_0000, 0x67be_0000),
    };
    let prologue = image.offsets.first().map_or(0, |&bytes| bytes as usize / 4);
    let mut sp = STACK_POINTER;
    let mut fp = None;
    for &word in image.words.iter().take(prologue) {
        let offset = i32::from(word as i16) as u32;
        match word & 0xffff_0000 {
            start if start == adjust => sp = sp.wrapping_add(offset),
            start if start == set => fp = Some(sp.wrapping_add(offset)),
            _ if COPY.contains(&word) => fp = Some(sp),
            _ => {}
        }
    }
    (STACK_POINTER.wrapping_sub(sp), fp)
}
