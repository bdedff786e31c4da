/* SPDX-License-Identifier: GPL-2.0 */
/*
 * C inlines and macros that the eBPF JIT in Rust needs, as plain functions. Seen by bindgen
 * (rust/bindings/bindings_helper.h) and by the shim itself, so that both sides agree.
 */
#ifndef _BPF_JIT_MIPS_SHIM_H
#define _BPF_JIT_MIPS_SHIM_H

#include <linux/bpf.h>
#include <linux/extable.h>
#include <linux/filter.h>
#include <linux/thread_info.h>
#include <linux/types.h>
#include <asm/cpu.h>

/* Macros of the kernel's as constants of bindgen's. */
enum bpf_jit_mips_constants {
	BPF_JIT_MIPS_REG_AX = BPF_REG_AX,
#ifdef BPF_REG_PARAMS
	BPF_JIT_MIPS_REG_PARAMS = BPF_REG_PARAMS,
#endif
	/* Of an argument or of a result. */
	BPF_JIT_MIPS_SIGNED = BTF_FMODEL_SIGNED_ARG,
	/* What a trampoline is for. */
	BPF_JIT_MIPS_CONTINUES = BPF_TRAMP_F_RESTORE_REGS,
	BPF_JIT_MIPS_CALLS = BPF_TRAMP_F_CALL_ORIG,
	BPF_JIT_MIPS_SKIPS = BPF_TRAMP_F_SKIP_FRAME,
	BPF_JIT_MIPS_FUNCTION = BPF_TRAMP_F_IP_ARG,
	BPF_JIT_MIPS_RETURNS = BPF_TRAMP_F_RET_FENTRY_RET,
	BPF_JIT_MIPS_TAIL_CALLS = BPF_TRAMP_F_TAIL_CALL_CTX,
	BPF_JIT_MIPS_INDIRECT = BPF_TRAMP_F_INDIRECT,
	/* Bytes before and behind a stack that each processor has for a program. */
	BPF_JIT_MIPS_STACK_GUARD = 16,
	BPF_JIT_MIPS_THREAD_TASK = offsetof(struct thread_info, task),
};

/* How processors are told apart; see rust/jit/runtime.rs. */
struct bpf_jit_mips_processors {
	/* Of the number in struct thread_info. */
	u32 number;
	/* Address of __per_cpu_offset. */
	u32 offsets;
};

/* A function that programs call; see rust/jit/bpf/helper.rs. */
struct bpf_jit_mips_helper {
	/* 0: this kernel does not have it. */
	unsigned long address;
	/* Words of arguments that it takes, and what it gives. */
	u16 signature;
};

extern const struct bpf_jit_mips_helper bpf_jit_mips_helpers[];
extern const unsigned int bpf_jit_mips_helper_count;

/* Why a program stays un-JITed; see rust/jit/error.rs. */
enum bpf_jit_mips_reason {
	BPF_JIT_MIPS_UNSUPPORTED,
	BPF_JIT_MIPS_OUT_OF_REACH,
	BPF_JIT_MIPS_LONG_RESULT,
	BPF_JIT_MIPS_TOO_LONG,
	BPF_JIT_MIPS_NO_MEMORY,
	BPF_JIT_MIPS_INTERNAL,
};

/* Where a kernel's pointers lead to memory; see rust/jit/runtime.rs. */
struct bpf_jit_mips_memory {
	/* In XKPHYS. */
	u64 ram;
	u64 ram_bytes;
	/* In XKSEG. */
	u64 mapped;
	u64 mapped_bytes;
	/* In CKSEG0. */
	u32 low_bytes;
};

/* Called by images. */
u64 bpf_jit_mips_div64(u64 dividend, u64 divisor);
u64 bpf_jit_mips_mod64(u64 dividend, u64 divisor);
s64 bpf_jit_mips_sdiv64(s64 dividend, s64 divisor);
s64 bpf_jit_mips_smod64(s64 dividend, s64 divisor);

/* Called by the JIT. */
/* The program or function of one that has code there. It must be held. */
struct bpf_prog *bpf_jit_mips_program(unsigned long address);
/* Of MIPS32: 1, 2 or 6, of which 3 to 5 bring nothing that an image uses. */
u32 bpf_jit_mips_release(void);
/* What all CPUs are, or CPU_UNKNOWN. */
enum cpu_type_enum bpf_jit_mips_cpu_type(void);
const struct bpf_insn *bpf_jit_mips_insns(const struct bpf_prog *prog);
/* Of what begins on the first page of its memory. */
struct bpf_binary_header *bpf_jit_mips_header(const void *code);
int bpf_jit_mips_lock_ro(struct bpf_binary_header *header);
void bpf_jit_mips_flush(const void *start, const void *end);
void bpf_jit_mips_dump(const struct bpf_prog *prog, u32 bytes, void *image);
/* Memory for so many elements of a size, all zeroes; to be freed if there are any. */
void *bpf_jit_mips_zalloc(size_t count, size_t size);
void bpf_jit_mips_zfree(void *memory);
void bpf_jit_mips_tell_lines(struct bpf_prog *prog, const u32 *ends);
/*
 * What the kernel function is that this instruction calls, and where; false if it is not known. For
 * bpf_throw(), another one that takes the stack pointer, too.
 */
bool bpf_jit_mips_function(const struct bpf_prog *prog, u32 slot,
			   struct btf_func_model *model, u64 *address, bool *throws);
/*
 * From a frame of the program to its caller's: the stack pointer, and where the caller goes on. False if
 * the program has no such frame.
 */
bool bpf_jit_mips_leave(const struct bpf_prog *prog, u64 *sp, u64 *pc);
/* Memory that each processor has for a program, of so many bytes between guards; NULL if there is none. */
void *bpf_jit_mips_alloc_stack(u32 bytes);
void bpf_jit_mips_free_stack(const struct bpf_prog *prog, void *stack, u32 bytes);
/* What bpf_jit_free() of kernel/bpf/core.c does, and the stub of the program's entry. */
void bpf_jit_mips_free(struct bpf_prog *prog);
/* The program's arena, if it has one: its addresses in the kernel and in user space. */
bool bpf_jit_mips_arena(const struct bpf_prog *prog, u64 *kernel, u64 *user);
/* False if there can be one only. */
bool bpf_jit_mips_find_processors(struct bpf_jit_mips_processors *processors);
void bpf_jit_mips_find_memory(struct bpf_jit_mips_memory *memory);
/* Bytes of what the program's C function returns; 8 if it is not known. */
u32 bpf_jit_mips_result(const struct bpf_prog *prog);
/* Whether this argument of the function that a struct_ops program is for is a structure. */
bool bpf_jit_mips_takes_structure(const struct bpf_prog *prog, u32 argument);
/* Replaces an instruction by another one, behind whatever has been stored before. */
void bpf_jit_mips_patch(u32 *place, u32 word);
void bpf_jit_mips_report(enum bpf_jit_mips_reason reason, u32 at, u8 opcode);

#endif /* _BPF_JIT_MIPS_SHIM_H */
