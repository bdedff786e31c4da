// SPDX-License-Identifier: GPL-2.0

//! How the kernel throws an exception: from the program's call up, frame by frame, to the one whose place
//! the callback takes.

use super::visit::{Visit, Wrong};
use crate::host::Image;
use crate::jit::abi::unwind::unwind;
use crate::jit::abi::{Role, N64, O32};
use crate::jit::mips::{Endian, Reg, Width};

/// No prologue is longer.
const PROLOGUE: usize = 64;

/// The images there are, and the callback's.
#[derive(Default)]
pub(super) struct Exceptions {
    pub(super) callback: Option<u32>,
    pub(super) images: Vec<(Image, Role)>,
}

/// An exception on its way.
pub(super) struct Thrown {
    pub(super) number: u64,
    /// End of the frame whose place the callback takes.
    pub(super) end: u32,
    /// Where the C code has its stack that calls the callback.
    pub(super) sp: u32,
    pub(super) callback: u32,
}

impl Exceptions {
    /// The image that an address is in.
    fn at(&self, address: u32) -> Option<&(Image, Role)> {
        self.images.iter().find(|(image, _)| {
            let end = image.address + 4 * image.words.len() as u32;
            (image.address..end).contains(&address)
        })
    }
}

/// Finds the frame of the program that throws.
///
/// # Errors
///
/// What is wrong with the call, or with a frame.
pub(super) fn find(visit: &mut Visit<'_, '_>) -> Result<Thrown, Wrong> {
    let machine = *visit.machine();
    let (number, passed) = match machine.width {
        Width::W32 => (visit.pair(Reg::A0, Reg::A1), visit.address(Reg::A2)),
        Width::W64 => (visit.whole(Reg::A0), visit.address(Reg::A1)),
    };
    let sp = visit.address(Reg::SP);
    if passed != sp {
        return Err(format!("a throw from {sp:#x} is told {passed:#x}"));
    }
    let (mut pc, mut end) = (visit.address(Reg::RA), sp);
    loop {
        let exceptions = &visit.world().exceptions;
        let callback = exceptions.callback.ok_or("nothing handles exceptions")?;
        let found = exceptions.at(pc);
        let (image, role) = found.ok_or_else(|| format!("{pc:#x} is in no image"))?;
        let code = image.words.iter().skip(image.entry as usize);
        let (prologue, role) = (code.copied().take(PROLOGUE), *role);
        let unwound = match machine.width {
            Width::W32 => unwind::<O32>(prologue),
            Width::W64 => unwind::<N64>(prologue),
        };
        let unwound = unwound.ok_or_else(|| format!("no frame at {pc:#x}"))?;
        // The low word of what is saved.
        let half = match (machine.width, machine.endian) {
            (Width::W64, Endian::Big) => 4,
            _ => 0,
        };
        let return_at = end + u32::from(unwound.return_at) + half;
        end += u32::from(unwound.size);
        if role != Role::Subprogram {
            return Ok(Thrown {
                number,
                end,
                sp,
                callback,
            });
        }
        pc = visit.word_at(return_at).ok_or("no return address")? as u32;
    }
}
