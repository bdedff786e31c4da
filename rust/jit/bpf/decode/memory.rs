// SPDX-License-Identifier: GPL-2.0

//! Loads, stores and atomic operations, by mode and size.

use super::Decoder;
use crate::jit::bpf::raw::{atomic, mode, size};
use crate::jit::bpf::{Access, AtomicOp, Insn, Mem, Operand, Reg, Size, Width, STACK_ARGUMENTS};
use crate::jit::error::Result;
use crate::jit::mips::Width as Registers;

impl Decoder<'_> {
    fn size(&self) -> Size {
        match self.raw.size() {
            size::B => Size::B,
            size::H => Size::H,
            size::W => Size::W,
            _ => Size::Dw,
        }
    }

    /// An address based on the destination register.
    fn dst_mem(&self, access: Access) -> Result<Mem> {
        self.mem(self.dst()?, access)
    }

    /// An address based on the source register.
    fn src_mem(&self, access: Access) -> Result<Mem> {
        self.mem(self.src()?, access)
    }

    /// Only 64-bit kernels have arenas.
    fn mem(&self, base: Reg, access: Access) -> Result<Mem> {
        if access == Access::Arena && self.dialect.width != Registers::W64 {
            return self.unsupported();
        }
        Ok(Mem {
            base,
            offset: self.raw.off,
            access,
        })
    }

    /// Which of the arguments beyond five an access of BPF_REG_PARAMS is about, so far from it: from the
    /// first one on, one behind the other.
    fn argument(&self, distance: i32) -> Result<u32> {
        let doublewords = u32::try_from(distance).unwrap_or(0);
        let is_access = (self.raw.mode(), self.raw.size()) == (mode::MEM, size::DW);
        let index = doublewords
            .checked_div(Size::Dw.bytes())
            .and_then(|number| number.checked_sub(1));
        match index {
            Some(index)
                if is_access && doublewords % Size::Dw.bytes() == 0 && index < STACK_ARGUMENTS =>
            {
                Ok(index)
            }
            _ => self.unsupported(),
        }
    }

    /// An argument for a function that is called.
    fn store_argument(&self, src: Operand) -> Result<Insn> {
        let index = self.argument(i32::from(self.raw.off).wrapping_neg())?;
        Ok(Insn::StoreArgument { index, src })
    }

    fn is_of_arguments(&self, register: u8) -> bool {
        self.dialect.parameters == Some(register)
    }

    pub(super) fn load(&self) -> Result<Insn> {
        if self.is_of_arguments(self.raw.src(self.dialect.endian)) {
            return Ok(Insn::LoadArgument {
                dst: self.dst_written()?,
                index: self.argument(i32::from(self.raw.off))?,
            });
        }
        let size = self.size();
        let (signed, access) = match self.raw.mode() {
            mode::MEM => (false, Access::Proved),
            mode::MEMSX => (true, Access::Proved),
            mode::PROBE_MEM => (false, Access::Probed),
            mode::PROBE_MEMSX => (true, Access::Probed),
            mode::PROBE_MEM32 => (false, Access::Arena),
            mode::PROBE_MEM32SX => (true, Access::Arena),
            _ => return self.unsupported(),
        };
        if signed && size == Size::Dw {
            return self.unsupported();
        }
        Ok(Insn::Load {
            dst: self.dst_written()?,
            mem: self.src_mem(access)?,
            size,
            signed,
        })
    }

    pub(super) fn store_imm(&self) -> Result<Insn> {
        let src = Operand::Imm(self.raw.imm);
        if self.is_of_arguments(self.raw.dst(self.dialect.endian)) {
            return self.store_argument(src);
        }
        match self.raw.mode() {
            mode::MEM => self.store_of(src, Access::Proved),
            mode::PROBE_MEM32 => self.store_of(src, Access::Arena),
            mode::NOSPEC if self.raw.size() == size::W => Ok(Insn::NoSpec),
            _ => self.unsupported(),
        }
    }

    pub(super) fn store(&self) -> Result<Insn> {
        if self.is_of_arguments(self.raw.dst(self.dialect.endian)) {
            return self.store_argument(Operand::Reg(self.src()?));
        }
        match self.raw.mode() {
            mode::MEM => self.store_of(Operand::Reg(self.src()?), Access::Proved),
            mode::PROBE_MEM32 => self.store_of(Operand::Reg(self.src()?), Access::Arena),
            mode::ATOMIC => self.atomic(Access::Proved),
            mode::PROBE_ATOMIC => self.atomic(Access::Arena),
            _ => self.unsupported(),
        }
    }

    fn store_of(&self, src: Operand, access: Access) -> Result<Insn> {
        Ok(Insn::Store {
            mem: self.dst_mem(access)?,
            size: self.size(),
            src,
        })
    }

    /// Whether loads and stores of this size can be ordered.
    fn is_ordered(&self, size: Size) -> bool {
        size != Size::Dw || self.dialect.width == Registers::W64
    }

    fn atomic(&self, access: Access) -> Result<Insn> {
        let size = self.size();
        let op = match self.raw.imm {
            atomic::LOAD_ACQ if self.is_ordered(size) => {
                return Ok(Insn::LoadAcquire {
                    dst: self.dst_written()?,
                    mem: self.src_mem(access)?,
                    size,
                });
            }
            atomic::STORE_REL if self.is_ordered(size) => {
                return Ok(Insn::StoreRelease {
                    mem: self.dst_mem(access)?,
                    size,
                    src: self.src()?,
                });
            }
            atomic::ADD => AtomicOp::Add,
            atomic::AND => AtomicOp::And,
            atomic::OR => AtomicOp::Or,
            atomic::XOR => AtomicOp::Xor,
            i if i == atomic::ADD | atomic::FETCH => AtomicOp::FetchAdd,
            i if i == atomic::AND | atomic::FETCH => AtomicOp::FetchAnd,
            i if i == atomic::OR | atomic::FETCH => AtomicOp::FetchOr,
            i if i == atomic::XOR | atomic::FETCH => AtomicOp::FetchXor,
            atomic::XCHG => AtomicOp::Xchg,
            atomic::CMPXCHG => AtomicOp::Cmpxchg,
            _ => return self.unsupported(),
        };
        let width = match size {
            Size::W => Width::W32,
            Size::Dw => Width::W64,
            _ => return self.unsupported(),
        };
        let mut insn = Insn::Atomic {
            op,
            width,
            mem: self.dst_mem(access)?,
            src: self.src()?,
        };
        if insn.writes() == Some(Reg::R10) {
            insn = self.unsupported()?;
        }
        Ok(insn)
    }
}
