// SPDX-License-Identifier: GPL-2.0

//! Changes to code that may be executed at the same time: the entry of a program leads to a trampoline or to
//! another program, or not any more; a trampoline leaves out a program that goes away.
//!
//! Each is one instruction that becomes another one, by a store of a word; what it leads to is there before.

use core::ffi::{c_int, c_void};
use core::slice;

use kernel::bindings;

use super::compile::{is_attachable, role};
use super::image::Image;
use super::{compat, cpu};
use crate::jit::abi::site::{Site, LITERAL, STUB};
use crate::jit::abi::Role;
use crate::jit::error::Result;
use crate::jit::mips::{Disp16, Insn, Reg};

/// Bytes of an instruction.
const WORD: usize = 4;

/// The image of a program, or of a function of one, that trampolines may be attached to.
pub(super) struct Text {
    prog: *mut bindings::bpf_prog,
    pub(super) role: Role,
    /// The image, and its address.
    start: *mut u32,
    address: u32,
    site: Site,
}

impl Text {
    /// Of the program that the kernel calls at an address.
    pub(super) fn at(function: *mut c_void) -> Option<Text> {
        // SAFETY: Who attaches to code, or asks for a trampoline that is to be attached to it, holds it.
        let program = compiled(unsafe { bindings::bpf_jit_mips_program(function as _) });
        // SAFETY: It is null or valid, and held.
        let prog = unsafe { program.as_ref() }?;
        // SAFETY: `aux` of a program is valid.
        let is_attachable = is_attachable(unsafe { &*prog.aux });
        if prog.jited() == 0 || prog.bpf_func? as *mut c_void != function || !is_attachable {
            return None;
        }
        let role = role(prog);
        let entry = role.entry() as usize;
        let start = function.cast::<u32>().wrapping_sub(entry);
        let words = (prog.jited_len as usize / WORD).checked_add(entry)?;
        // SAFETY: So many words are the image, which stays. Who changes it at the same time does so under locks
        // of the kernel's, but for a word that nobody looks for here.
        let image = unsafe { slice::from_raw_parts(start, words) };
        Some(Text {
            prog: program,
            role,
            start,
            address: u32_of(start)?,
            site: Site::find::<cpu::Native>(image, role)?,
        })
    }

    /// Its stub; null if it has none yet.
    fn stub(&self) -> *mut u32 {
        // SAFETY: The program is valid, and so is `aux` of it. Nobody else's is `jit_data`.
        unsafe { (*(*self.prog).aux).jit_data }.cast()
    }

    /// Makes its stub.
    ///
    /// # Errors
    ///
    /// `NoMemory` if there is none for it.
    fn make_stub(&self, plain: u32, goal: *mut c_void) -> Result<*mut u32> {
        let mut image = Image::new(STUB as u32, 0, 0)?;
        let words = self.site.stub(plain, self.address, image.address()?, goal as usize as u32);
        for (place, word) in image.words().iter_mut().zip(words) {
            *place = word;
        }
        let stub = image.keep()?.as_ptr();
        // SAFETY: As in stub(). bpf_jit_free() gives it back.
        unsafe { (*(*self.prog).aux).jit_data = stub.cast() };
        Ok(stub)
    }
}

/// The one that was compiled: of a program of several functions that is the first of these.
fn compiled(program: *mut bindings::bpf_prog) -> *mut bindings::bpf_prog {
    // SAFETY: It is null or valid, and so is `aux` of it.
    let aux = unsafe { program.as_ref().map(|prog| &*prog.aux) };
    match aux {
        Some(aux) if aux.real_func_cnt != 0 => {
            // SAFETY: There are so many functions, and this is one of them: itself, unless it is the program.
            unsafe { *aux.func.wrapping_add(aux.func_idx as usize) }
        }
        _ => program,
    }
}

/// The word of which an address of code is the sign-extension.
fn u32_of(address: *const u32) -> Option<u32> {
    i32::try_from(address as isize).ok().map(|word| word as u32)
}

/// Attaches the entry of a program to `new`, if it is attached to `old`; null is nothing.
///
/// Callers hold a lock for each program.
pub(super) fn attach(program: *mut c_void, old: *mut c_void, new: *mut c_void) -> c_int {
    const NOT_SUPPORTED: c_int = -(bindings::ENOTSUPP as c_int);
    const CHANGED: c_int = -(bindings::EFAULT as c_int);
    const NO_CODE: c_int = -(bindings::EINVAL as c_int);
    const NO_MEMORY: c_int = -(bindings::ENOMEM as c_int);

    let Some(text) = Text::at(program) else {
        return NOT_SUPPORTED;
    };
    // A program that was not compiled has the interpreter for a function.
    if !new.is_null() && !matches!(compat::look_up(new), Some((_, 0))) {
        return NO_CODE;
    }
    let place = text.start.wrapping_add(text.site.at as usize);
    // SAFETY: It is a word of the program's.
    let found = unsafe { place.read_volatile() };
    let mut stub = text.stub();
    let literal = |stub: *mut u32| stub.wrapping_add(LITERAL);
    // SAFETY: It is null or a stub, which has a first word.
    let (plain, goal) = match unsafe { stub.as_ref() } {
        // SAFETY: It is a word of the stub.
        Some(plain) => (*plain, unsafe { literal(stub).read_volatile() }),
        None => (found, 0),
    };
    let is_attached = found != plain;
    if is_attached == old.is_null() || is_attached && goal != old as usize as u32 {
        return CHANGED;
    }
    if new.is_null() {
        if is_attached {
            // SAFETY: It is a word of the program's.
            unsafe { bindings::bpf_jit_mips_patch(place, plain) };
        }
        return 0;
    }
    if stub.is_null() {
        stub = match text.make_stub(plain, new) {
            Ok(stub) => stub,
            Err(_) => return NO_MEMORY,
        };
    } else {
        // SAFETY: Whoever loads it finds the one or the other.
        unsafe { literal(stub).write_volatile(new as usize as u32) };
    }
    match u32_of(stub).and_then(|stub| text.site.jump(text.address, stub)) {
        // SAFETY: It is a word of the program's, and the stub is there before the jump.
        Some(jump) if jump != found => unsafe { bindings::bpf_jit_mips_patch(place, jump) },
        Some(_) => {}
        None => return NOT_SUPPORTED,
    }
    0
}

/// Makes a `nop` of a trampoline a branch.
///
/// # Safety
///
/// Both addresses are of one trampoline that is in use.
pub(super) unsafe fn skip(nop: *mut c_void, target: *mut c_void) -> c_int {
    let place = nop.cast::<u32>();
    let distance = (target as isize).wrapping_sub(nop as isize);
    let words = u32::try_from(distance).unwrap_or(u32::MAX) / WORD as u32;
    // SAFETY: The caller says so.
    let found = unsafe { place.read_volatile() };
    match Disp16::between(0, words) {
        Some(distance) if found == Insn::NOP.word() => {
            let branch = Insn::beq(Reg::ZERO, Reg::ZERO, distance);
            // SAFETY: Likewise.
            unsafe { bindings::bpf_jit_mips_patch(place, branch.word()) };
            0
        }
        _ => -(bindings::EFAULT as c_int),
    }
}
