// SPDX-License-Identifier: GPL-2.0

//! One program: from the kernel's structure to an image and back.

use core::mem::{align_of, size_of, MaybeUninit};
use core::slice;

use kernel::alloc::{flags::GFP_KERNEL, KBox};
use kernel::bindings;

use super::image::Image;
use super::memory::Zeroes;
use super::{compat, cpu, helpers, runtime};
use crate::jit::abi::{Abi, Linkage, Role};
use crate::jit::analysis::{Analyses, Fact};
use crate::jit::asm::{Block, Fault};
use crate::jit::bpf::{Dialect, Raw};
use crate::jit::error::{Error, Result};
use crate::jit::layout::{draft_len, Compiler, Program, Workspace};
use crate::jit::lower::Arena;
use crate::jit::mips::{Cpu, Endian, Width};
use crate::jit::runtime::{Function, Runtime, Value, ARGUMENTS};

/// Bytes of an `int`.
const WORD: u32 = 4;

/// What a block starts as.
pub(super) const EMPTY: Block = Block::new();

/// Compiles the program, or leaves it as it is and says why in one line.
///
/// A function of a program comes twice. The first time it gets an image, but no code, since that has
/// the addresses of other functions' images. When all have one, it comes again, and is written to the
/// same image.
pub(super) fn compile(prog: &mut bindings::bpf_prog) {
    if prog.jit_requested() == 0 {
        return;
    }
    if let Err(error) = try_compile(prog) {
        compat::free_private_stack(prog);
        report(prog, error);
    }
}

fn try_compile(prog: &mut bindings::bpf_prog) -> Result {
    // Given back on all ways out, unless the program gets it again: a function without code must
    // not keep it.
    let reserved = Image::take_back(prog, role(prog).entry());
    let private_stack = compat::private_stack(prog)?;
    // SAFETY: `aux` of a program that is being compiled is valid.
    let aux = unsafe { &*prog.aux };
    let cpu = cpu::current();
    let runtime = runtime::current();
    let functions = functions(prog, cpu.endian)?;
    let program = Program {
        insns: insns(prog),
        dialect: dialect(&cpu, &runtime),
        role: role(prog),
        linkage: linkage(prog, cpu.endian)?,
        stack_depth: u32::from(aux.stack_depth),
        reaches_tail_calls: aux.tail_call_reachable,
        is_boundary: aux.exception_boundary,
        private_stack,
        verifier_zext: aux.verifier_zext,
        arena: arena(prog),
        functions: &functions,
        analyses: Analyses::ALL,
        fills_slots: true,
        forwards_copies: true,
    };
    let len = program.insns.len();
    let mut offsets = Zeroes::<u32>::new(len.checked_add(1).ok_or(Error::TooLong)?)?;
    // Addresses of other functions are not known yet.
    let waits = prog.is_func() != 0 && reserved.is_none();
    let image = build(&program, (&cpu, &runtime), (reserved, waits), &mut offsets)?;
    if waits {
        image.reserve_for(prog);
        return Ok(());
    }
    image.publish(prog)?;
    compat::update_instruction_arrays(prog, &offsets);
    if let Some(ends) = offsets.get(1..) {
        // SAFETY: The program has its image; the array has an entry for the end of each of its
        // instructions, in bytes from the start of the image.
        unsafe { bindings::bpf_jit_mips_tell_lines(prog, ends.as_ptr()) };
    }
    Ok(())
}

/// The image of a program, written unless it waits; `offsets` is told where instructions begin.
///
/// Never inlined: a compilation takes as much of the stack as what is around it.
#[inline(never)]
fn build(
    program: &Program<'_>,
    (cpu, runtime): (&Cpu, &Runtime),
    (reserved, waits): (Option<Image>, bool),
    offsets: &mut [u32],
) -> Result<Image> {
    let mut facts = Zeroes::<Fact>::new(program.insns.len())?;
    // A function that waits is not written. Who has no memory for a draft does without.
    let drafted = if waits { 0 } else { draft_len(program.insns.len()) };
    let mut draft = Zeroes::<u32>::new(drafted).unwrap_or(Zeroes::none());
    // Written where it is: on its way over the stack it would take half a kilobyte there.
    let mut block = KBox::write(
        KBox::<Block>::new_uninit(GFP_KERNEL).map_err(|_| Error::NoMemory)?,
        EMPTY,
    );
    let mut compiler = Compiler::<cpu::Native>::new(
        program,
        cpu,
        runtime,
        Workspace {
            offsets,
            facts: &mut facts,
            draft: &mut draft,
            block: &mut block,
        },
    )?;
    let image = make_image(&mut compiler, reserved, waits)?;
    compiler.into_byte_offsets();
    Ok(image)
}

/// An image for the program, or the one that it has got, written unless that has to wait.
///
/// Never inlined: what it has on the stack is not there while the program is analysed.
#[inline(never)]
fn make_image(
    compiler: &mut Compiler<'_, cpu::Native>,
    reserved: Option<Image>,
    waits: bool,
) -> Result<Image> {
    let words = compiler.measure()?;
    let fault_count = compiler.fault_count();
    // With enhanced virtual addresses, kernel pointers are where user space is otherwise.
    if cfg!(CONFIG_EVA) && fault_count != 0 {
        return Err(Error::Unsupported { at: 0, opcode: 0 });
    }
    let mut image = match reserved {
        Some(image) => image.of_size(words, fault_count)?,
        None => Image::new(words, compiler.entry(), fault_count)?,
    };
    if !waits {
        let mut faults = Zeroes::<Fault>::new(fault_count as usize)?;
        let address = image.address()?;
        compiler.write(image.words(), &mut faults, address)?;
        image.set_faults(&faults);
    }
    Ok(image)
}

/// What this kernel's instructions look like.
fn dialect(cpu: &Cpu, runtime: &Runtime) -> Dialect {
    Dialect {
        endian: cpu.endian,
        ax: compat::AX,
        width: cpu.width,
        parameters: compat::PARAMETERS,
        timed_may_goto: compat::timed_may_goto()
            .map(|address| address.wrapping_sub(runtime.call_base) as i32),
        helpers: helpers::relative_to(runtime.call_base),
    }
}

/// Which function of its program this is.
pub(super) fn role(prog: &bindings::bpf_prog) -> Role {
    // SAFETY: `aux` of a program that is being compiled is valid.
    let aux = unsafe { &*prog.aux };
    match (prog.is_func(), aux.func_idx) {
        (0, _) => Role::Whole,
        (_, 0) => Role::Main,
        _ if aux.exception_cb => Role::Exception,
        _ => Role::Subprogram,
    }
}

/// Whether trampolines may be attached to the function: what core attaches to has a type.
pub(super) fn is_attachable(aux: &bindings::bpf_prog_aux) -> bool {
    aux.func_info_cnt != 0 && !aux.exception_cb
}

/// How the function is called besides as others are.
///
/// # Errors
///
/// `LongResult` for an extension of which C may call what it takes the place of: that gives C the low
/// word of R0, and with it an `int` to its program.
fn linkage(prog: &bindings::bpf_prog, endian: Endian) -> Result<Linkage> {
    let is_entered_by_kernel = role(prog) != Role::Subprogram;
    let extends = is_entered_by_kernel && prog.type_ == bindings::bpf_prog_type_BPF_PROG_TYPE_EXT;
    let is_narrowed = cpu::Native::WIDTH == Width::W64 || endian == Endian::Big;
    // SAFETY: The program is valid.
    if extends && is_narrowed && unsafe { bindings::bpf_jit_mips_result(prog) } > WORD {
        return Err(Error::LongResult);
    }
    // SAFETY: `aux` of a program that is being compiled is valid.
    let aux = unsafe { &*prog.aux };
    Ok(Linkage {
        is_attachable: is_attachable(aux),
        extends,
        returns_r0: is_entered_by_kernel
            && prog.type_ == bindings::bpf_prog_type_BPF_PROG_TYPE_STRUCT_OPS,
    })
}

/// The arena that the program has a map of.
fn arena(prog: &bindings::bpf_prog) -> Option<Arena> {
    let (mut kernel_base, mut user_base) = (0, 0);
    // SAFETY: The program is valid, and both are places for a number.
    let has_one =
        unsafe { bindings::bpf_jit_mips_arena(prog, &mut kernel_base, &mut user_base) };
    has_one.then_some(Arena {
        kernel_base,
        user_base,
    })
}

/// The kernel functions that the program calls, in the order of their calls.
///
/// # Errors
///
/// `NoMemory`; `Unsupported` if the kernel does not know one, which the verifier does not let happen.
///
/// Never inlined: what it has on the stack is not there while the program is analysed.
#[inline(never)]
fn functions(prog: &bindings::bpf_prog, endian: Endian) -> Result<Zeroes<Function>> {
    let insns = insns(prog);
    // Sums and counters of iterators can panic.
    let mut count = 0usize;
    for raw in insns {
        count = count.wrapping_add(raw.calls_kernel_function(endian).into());
    }
    let mut functions = Zeroes::<Function>::new(count)?;
    let mut places = functions.iter_mut();
    let mut slot = 0u32;
    for raw in insns {
        if raw.calls_kernel_function(endian) {
            if let Some(place) = places.next() {
                *place = function(prog, slot, raw.code)?;
            }
        }
        slot = slot.wrapping_add(1);
    }
    Ok(functions)
}

fn function(prog: &bindings::bpf_prog, slot: u32, opcode: u8) -> Result<Function> {
    let mut model = MaybeUninit::<bindings::btf_func_model>::uninit();
    let (mut address, mut throws) = (0, false);
    // SAFETY: The program is valid and has this slot; the places take what is written there, which
    // is all of them on success.
    let model = unsafe {
        let place = model.as_mut_ptr();
        if !bindings::bpf_jit_mips_function(prog, slot, place, &mut address, &mut throws) {
            return Err(Error::Unsupported { at: slot, opcode });
        }
        model.assume_init()
    };
    let mut arguments = [Value::default(); ARGUMENTS];
    // The verifier lets nothing else through: structures by value are none of its kfuncs' arguments.
    let is_word = |&bytes: &u8| matches!(bytes, 1 | 2 | 4 | 8);
    let sizes = model.arg_size.get(..usize::from(model.nr_args));
    if !sizes.is_some_and(|sizes| sizes.len() <= ARGUMENTS && sizes.iter().all(is_word)) {
        return Err(Error::Unsupported { at: slot, opcode });
    }
    let (mut sizes, mut flags) = (model.arg_size.iter(), model.arg_flags.iter());
    for argument in arguments.iter_mut().take(usize::from(model.nr_args)) {
        if let (Some(&bytes), Some(&flags)) = (sizes.next(), flags.next()) {
            *argument = value(bytes, flags);
        }
    }
    Ok(Function {
        slot,
        address,
        arguments,
        result: value(model.ret_size, model.ret_flags),
        takes_stack_pointer: throws,
    })
}

pub(super) fn value(bytes: u8, flags: u8) -> Value {
    Value {
        bytes,
        signed: u32::from(flags) & bindings::bpf_jit_mips_constants_BPF_JIT_MIPS_SIGNED != 0,
    }
}

/// The program's instructions as the core reads them.
fn insns(prog: &bindings::bpf_prog) -> &[Raw] {
    const {
        assert!(size_of::<Raw>() == size_of::<bindings::bpf_insn>());
        assert!(align_of::<Raw>() == align_of::<bindings::bpf_insn>());
    }
    // SAFETY: A valid program has `len` instructions behind its structure. `Raw` has the layout of
    // `struct bpf_insn`: eight bits of opcode, eight bits of registers, 16 of offset and 32 of
    // immediate, each aligned to its size.
    unsafe {
        slice::from_raw_parts(
            bindings::bpf_jit_mips_insns(prog).cast::<Raw>(),
            prog.len as usize,
        )
    }
}

fn report(prog: &bindings::bpf_prog, error: Error) {
    let opcode_at = |at: u32| insns(prog).get(at as usize).map_or(0, |raw| raw.code);
    let (reason, at, opcode) = match error {
        Error::Unsupported { at, opcode } => (
            bindings::bpf_jit_mips_reason_BPF_JIT_MIPS_UNSUPPORTED,
            at,
            opcode,
        ),
        Error::OutOfReach { at } => (
            bindings::bpf_jit_mips_reason_BPF_JIT_MIPS_OUT_OF_REACH,
            at,
            opcode_at(at),
        ),
        Error::LongResult => (bindings::bpf_jit_mips_reason_BPF_JIT_MIPS_LONG_RESULT, 0, 0),
        Error::TooLong => (bindings::bpf_jit_mips_reason_BPF_JIT_MIPS_TOO_LONG, 0, 0),
        Error::NoMemory => (bindings::bpf_jit_mips_reason_BPF_JIT_MIPS_NO_MEMORY, 0, 0),
        Error::Internal { at } => (
            bindings::bpf_jit_mips_reason_BPF_JIT_MIPS_INTERNAL,
            at,
            opcode_at(at),
        ),
    };
    // SAFETY: Prints; the reason is one of the table's.
    unsafe { bindings::bpf_jit_mips_report(reason, at, opcode) };
}
