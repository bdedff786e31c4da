// SPDX-License-Identifier: GPL-2.0

//! Trampolines: what the kernel calls to have programs run, and how it gets there.
//!
//! The kernel has a trampoline for each function that programs are attached to, and for each that a
//! `struct_ops` consists of. Memory for it is the kernel's: a page, which is executable and writable on MIPS
//! as all of it is (`Documentation/trampolines.rst`).

use core::ffi::{c_int, c_void};
use core::mem::{offset_of, size_of};
use core::slice;

use kernel::alloc::{flags::GFP_KERNEL, KBox};
use kernel::bindings;

use super::attach::Text;
use super::compat::{self, Lists};
use super::compile::{value, EMPTY};
use super::memory::Zeroes;
use super::cpu;
use crate::jit::abi::{Abi, Role};
use crate::jit::asm::Block;
use crate::jit::error::{Error, Result};
use crate::jit::mips::Width;
use crate::jit::runtime::{Value, ARGUMENTS};
use crate::jit::trampoline::emit::Emitter;
use crate::jit::trampoline::{
    Description, Held, Node, Outcome, RunContext, Skip, Target,
};

/// Bytes of an instruction.
const WORD: usize = 4;

/// Kinds of programs.
pub(super) const KINDS: usize = bindings::bpf_tramp_prog_type_BPF_TRAMP_MAX as usize;
const ENTRIES: usize = bindings::bpf_tramp_prog_type_BPF_TRAMP_FENTRY as usize;
const EXITS: usize = bindings::bpf_tramp_prog_type_BPF_TRAMP_FEXIT as usize;
const REPLACING: usize = bindings::bpf_tramp_prog_type_BPF_TRAMP_MODIFY_RETURN as usize;

/// An address as 64-bit registers have it: words are sign-extended.
macro_rules! address {
    ($pointer:expr) => {
        $pointer as isize as i64 as u64
    };
}

/// What the kernel asks for.
pub(super) struct Request<'a> {
    pub(super) model: &'a bindings::btf_func_model,
    pub(super) flags: u32,
    /// Programs of each kind.
    pub(super) lists: &'a [Lists; KINDS],
    pub(super) function: *mut c_void,
}

/// The same with what is made of it.
struct Prepared {
    target: Target,
    outcome: Outcome,
    arguments: [Value; ARGUMENTS],
    argument_count: usize,
    result: Value,
    function: Option<u64>,
    entries: Zeroes<Node>,
    exits: Zeroes<Node>,
    has_sessions: bool,
}

/// How many bytes the trampoline has.
///
/// # Errors
///
/// `Unsupported` if there can be none.
pub(super) fn size(request: &Request<'_>) -> Result<usize> {
    let prepared = Prepared::new(request, core::ptr::null())?;
    let mut skips = Zeroes::<Skip>::new(prepared.program_count())?;
    let words = prepared.with_emitter(&mut skips, |emitter| emitter.measure())?;
    Ok((words as usize).wrapping_mul(WORD))
}

/// Writes it to `bytes` bytes of executable memory; `image` is null or the kernel's notion of it.
///
/// # Errors
///
/// `Internal` if it is not as long.
///
/// # Safety
///
/// The memory must be valid for writes and nobody else's; `image` is null or valid likewise.
pub(super) unsafe fn write(
    request: &Request<'_>,
    image: *mut bindings::bpf_tramp_image,
    memory: *mut c_void,
    bytes: usize,
) -> Result {
    let prepared = Prepared::new(request, image)?;
    let mut skips = Zeroes::<Skip>::new(prepared.program_count())?;
    let start = memory.cast::<u32>();
    let words = bytes.checked_div(WORD).unwrap_or(0);
    // SAFETY: The caller says so; whatever is in it are numbers.
    let code = unsafe { slice::from_raw_parts_mut(start, words) };
    let at_once = prepared.with_emitter(&mut skips, |emitter| {
        emitter.write(code)?;
        Ok(emitter.at_once())
    })?;
    // SAFETY: It is the memory that was just written.
    unsafe { bindings::bpf_jit_mips_flush(start.cast(), start.wrapping_add(words).cast()) };
    if image.is_null() {
        return Ok(());
    }
    let place = |word: u32| start.wrapping_add(word as usize).cast::<c_void>();
    let nodes = prepared.entries.iter().chain(prepared.exits.iter());
    for (node, skip) in nodes.zip(skips.iter()) {
        let program = node.program as usize as *mut bindings::bpf_prog;
        // SAFETY: The caller says that it is valid, and nobody else's.
        unsafe { compat::note_skip(&mut *image, program, place(skip.at), place(skip.behind)) };
    }
    if matches!(prepared.outcome, Outcome::Call(_)) {
        // SAFETY: Likewise.
        unsafe { compat::note_at_once(&mut *image, place(at_once.at), place(at_once.behind)) };
    }
    Ok(())
}

impl Prepared {
    fn new(request: &Request<'_>, image: *const bindings::bpf_tramp_image) -> Result<Self> {
        let list = |kind: usize| request.lists.get(kind).ok_or(UNSUPPORTED);
        // What replaces the result of a function is attached to the kernel's functions only.
        if compat::program(list(REPLACING)?, 0).is_some() {
            return Err(UNSUPPORTED);
        }
        let target = target(request)?;
        let flags = request.flags;
        let held = Held {
            image: address!(image),
            enter: address!(bindings::__bpf_tramp_enter as *const ()),
            exit: address!(bindings::__bpf_tramp_exit as *const ()),
        };
        let outcome = match flags & !(flag::FUNCTION | flag::TAIL_CALLS) {
            flag::INDIRECT | flag::INDIRECT_RETURNS => Outcome::Return,
            flag::CONTINUES => Outcome::Continue,
            flag::CALLS_SKIPS => Outcome::Call(held),
            _ => return Err(UNSUPPORTED),
        };
        let (arguments, argument_count) = arguments(request, target)?;
        let is_void = target == Target::Callback && flags & flag::RETURNS == 0;
        let model = request.model;
        Ok(Prepared {
            target,
            outcome,
            arguments,
            argument_count,
            result: match is_void {
                true => Value::default(),
                false => value(model.ret_size, model.ret_flags),
            },
            function: (flags & flag::FUNCTION != 0)
                .then_some(request.function as usize as u64),
            has_sessions: compat::has_sessions(list(ENTRIES)?),
            entries: nodes(list(ENTRIES)?)?,
            exits: nodes(list(EXITS)?)?,
        })
    }

    fn program_count(&self) -> usize {
        self.entries.len().wrapping_add(self.exits.len())
    }

    fn with_emitter<T>(
        &self,
        skips: &mut [Skip],
        work: impl FnOnce(&mut Emitter<'_, cpu::Native>) -> Result<T>,
    ) -> Result<T> {
        let cpu = cpu::current();
        let mut block = KBox::write(
            KBox::<Block>::new_uninit(GFP_KERNEL).map_err(|_| Error::NoMemory)?,
            EMPTY,
        );
        let description = Description {
            target: self.target,
            outcome: self.outcome,
            arguments: self.arguments.get(..self.argument_count).unwrap_or(&[]),
            result: self.result,
            function: self.function,
            entries: &self.entries,
            exits: &self.exits,
            has_sessions: self.has_sessions,
            run_context: RunContext {
                bytes: size_of::<bindings::bpf_tramp_run_ctx>() as u32,
                cookie: offset_of!(bindings::bpf_tramp_run_ctx, bpf_cookie) as u32,
            },
            leaves_at_once: compat::LEAVES_AT_ONCE,
        };
        work(&mut Emitter::new(&cpu, &description, &mut block, skips)?)
    }
}

const UNSUPPORTED: Error = Error::Unsupported { at: 0, opcode: 0 };

/// What the kernel's flags say; those that are not here are for functions of the kernel.
mod flag {
    use kernel::bindings::*;
    pub(super) const CONTINUES: u32 = bpf_jit_mips_constants_BPF_JIT_MIPS_CONTINUES;
    pub(super) const CALLS_SKIPS: u32 =
        bpf_jit_mips_constants_BPF_JIT_MIPS_CALLS | bpf_jit_mips_constants_BPF_JIT_MIPS_SKIPS;
    pub(super) const FUNCTION: u32 = bpf_jit_mips_constants_BPF_JIT_MIPS_FUNCTION;
    pub(super) const RETURNS: u32 = bpf_jit_mips_constants_BPF_JIT_MIPS_RETURNS;
    pub(super) const TAIL_CALLS: u32 = bpf_jit_mips_constants_BPF_JIT_MIPS_TAIL_CALLS;
    pub(super) const INDIRECT: u32 = bpf_jit_mips_constants_BPF_JIT_MIPS_INDIRECT;
    pub(super) const INDIRECT_RETURNS: u32 = INDIRECT | RETURNS;
}

/// What the trampoline stands before. The kernel's functions are none that it could be.
fn target(request: &Request<'_>) -> Result<Target> {
    if request.flags & flag::INDIRECT != 0 {
        return Ok(Target::Callback);
    }
    match Text::at(request.function).map(|text| text.role) {
        Some(Role::Subprogram) => Ok(Target::Subprogram),
        Some(_) => Ok(Target::Main),
        None => Err(UNSUPPORTED),
    }
}

/// The arguments of the function.
fn arguments(request: &Request<'_>, target: Target) -> Result<([Value; ARGUMENTS], usize)> {
    let model = request.model;
    let count = usize::from(model.nr_args);
    let program = request
        .lists
        .get(ENTRIES)
        .and_then(|list| compat::program(list, 0));
    let mut arguments = [Value::default(); ARGUMENTS];
    if count > arguments.len() {
        return Err(UNSUPPORTED);
    }
    let (mut sizes, mut flags) = (model.arg_size.iter(), model.arg_flags.iter());
    for (argument, index) in arguments.iter_mut().take(count).zip(0..u32::MAX) {
        let (Some(&bytes), Some(&flags)) = (sizes.next(), flags.next()) else {
            return Err(UNSUPPORTED);
        };
        if let (Target::Callback, Some((program, _))) = (target, program) {
            // SAFETY: The program is valid.
            let is_structure = unsafe { bindings::bpf_jit_mips_takes_structure(program, index) };
            let is_whole = cpu::Native::WIDTH == Width::W64 && matches!(bytes, 8 | 16);
            // Where C has smaller ones is another question than where it has numbers of that size.
            if is_structure != (bytes > 8) && !(is_structure && is_whole) {
                return Err(UNSUPPORTED);
            }
        }
        *argument = value(bytes, flags);
    }
    Ok((arguments, count))
}

/// The programs of a list.
fn nodes(list: &Lists) -> Result<Zeroes<Node>> {
    let mut count = 0usize;
    while compat::program(list, count).is_some() {
        count = count.wrapping_add(1);
    }
    let mut nodes = Zeroes::<Node>::new(count)?;
    let mut index = 0usize;
    for place in nodes.iter_mut() {
        let (program, cookie) = compat::program(list, index).ok_or(UNSUPPORTED)?;
        *place = node(program, cookie)?;
        index = index.wrapping_add(1);
    }
    Ok(nodes)
}

fn node(program: *mut bindings::bpf_prog, cookie: u64) -> Result<Node> {
    // SAFETY: The kernel holds the programs that it asks a trampoline for.
    let prog = unsafe { &*program };
    // SAFETY: Likewise.
    let (enter, exit, insns) = unsafe {
        (
            bindings::bpf_trampoline_enter(prog),
            bindings::bpf_trampoline_exit(prog),
            bindings::bpf_jit_mips_insns(prog),
        )
    };
    Ok(Node {
        program: address!(program),
        enter: address!(enter.ok_or(UNSUPPORTED)?),
        exit: address!(exit.ok_or(UNSUPPORTED)?),
        function: address!(prog.bpf_func.ok_or(UNSUPPORTED)?),
        insns: match prog.jited() {
            0 => address!(insns),
            _ => 0,
        },
        cookie,
        has_session_cookie: compat::asks_for_session_cookie(prog),
    })
}

/// What the kernel is told.
pub(super) fn errno(error: Error) -> c_int {
    let number = match error {
        Error::NoMemory => bindings::ENOMEM,
        Error::TooLong => bindings::E2BIG,
        Error::Internal { .. } => bindings::EFAULT,
        _ => bindings::ENOTSUPP,
    };
    -(number as c_int)
}
