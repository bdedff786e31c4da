// SPDX-License-Identifier: GPL-2.0
/*
 * C inlines and macros that the eBPF JIT in Rust needs, as plain functions.
 */

#define pr_fmt(fmt) "bpf_jit_mips: " fmt

#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kasan.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/cacheflush.h>
#include <asm/cpu-features.h>
#include <asm/cpu-info.h>
#include <asm/stacktrace.h>

#include "bpf_jit_mips_shim.h"

#ifdef CONFIG_32BIT

/*
 * Division as RFC 9669 section 4.1 has it. The verifier keeps a zero divisor
 * away; images do not depend on that.
 */

u64 bpf_jit_mips_div64(u64 dividend, u64 divisor)
{
	return divisor ? div64_u64(dividend, divisor) : 0;
}

u64 bpf_jit_mips_mod64(u64 dividend, u64 divisor)
{
	u64 remainder = dividend;

	if (divisor)
		div64_u64_rem(dividend, divisor, &remainder);
	return remainder;
}

s64 bpf_jit_mips_sdiv64(s64 dividend, s64 divisor)
{
	return divisor ? div64_s64(dividend, divisor) : 0;
}

s64 bpf_jit_mips_smod64(s64 dividend, s64 divisor)
{
	/* Unsigned: the product wraps for the least value and -1. */
	return (u64)dividend -
	       (u64)bpf_jit_mips_sdiv64(dividend, divisor) * (u64)divisor;
}

#endif /* CONFIG_32BIT */

/* kernel/bpf/helpers.c: no header has it. */
extern void bpf_throw(u64 number);

struct bpf_prog *bpf_jit_mips_program(unsigned long address)
{
	struct bpf_prog *prog;

	rcu_read_lock();
	prog = bpf_prog_ksym_find(address);
	rcu_read_unlock();
	return prog;
}

/*
 * What programs call for bpf_throw(), which begins with its own frame: to go
 * from there to theirs takes an analysis of whatever code the compiler has made
 * of its prologue. Images say where they have their frame. Callbacks of helpers
 * cannot throw, so that there are none but of images.
 */
static noinline void bpf_jit_mips_throw(u64 number, unsigned long from)
{
	u64 pc = (unsigned long)__builtin_return_address(0), sp = from;
	struct bpf_prog *prog;

	for (;;) {
		/* It cannot go away: it has a frame on this stack. */
		prog = bpf_jit_mips_program(pc);
		BUG_ON(!prog || !bpf_jit_mips_leave(prog, &sp, &pc));
		if (!bpf_is_subprog(prog))
			break;
	}
	BUG_ON(!prog->aux->exception_boundary || !prog->aux->bpf_exception_cb);
	kasan_unpoison_task_stack_below((void *)(unsigned long)sp);
	prog->aux->bpf_exception_cb(number, sp, sp, 0, 0);
	BUG();
}

#ifdef CONFIG_KALLSYMS

/* Frames of C code by the kernel's unwinder, which makes of some no caller. */
void arch_bpf_stack_walk(bool (*consume)(void *cookie, u64 ip, u64 sp, u64 bp),
			 void *cookie)
{
	unsigned long ra, c_sp;
	struct bpf_prog *prog;
	struct pt_regs regs;
	u64 sp, pc, next;

	prepare_frametrace(&regs);
	sp = regs.regs[29];
	ra = regs.regs[31];
	for (pc = regs.cp0_epc; pc; pc = next) {
		prog = bpf_jit_mips_program(pc);
		if (prog) {
			ra = 0;
			if (!bpf_jit_mips_leave(prog, &sp, &next))
				next = 0;
		} else {
			c_sp = sp;
			next = unwind_stack(current, &c_sp, pc, &ra);
			sp = c_sp;
		}
		/* Callbacks for exceptions take the end of a program's frame. */
		if (!consume(cookie, pc, sp, sp))
			break;
	}
}

#endif /* CONFIG_KALLSYMS */

/* As kernel/bpf/core.c has it. */
void bpf_jit_mips_free(struct bpf_prog *prog)
{
	if (prog->jited) {
		if (prog->aux->jit_data)
			bpf_jit_binary_free(bpf_jit_mips_header(prog->aux->jit_data));
		bpf_jit_binary_free(bpf_jit_mips_header(prog->bpf_func));
		WARN_ON_ONCE(!bpf_prog_kallsyms_verify_off(prog));
	}
	bpf_prog_unlock_free(prog);
}

#define STACK_GUARD 0xeb9f1234eb9f1234ULL

/* Does something with each doubleword that nobody writes. */
static bool each_guard(void __percpu *stack, u32 bytes, bool (*act)(u64 *))
{
	u32 upper = BPF_JIT_MIPS_STACK_GUARD + bytes, at;
	bool all = true;
	int cpu;

	for_each_possible_cpu(cpu) {
		void *start = per_cpu_ptr(stack, cpu);

		for (at = 0; at < BPF_JIT_MIPS_STACK_GUARD; at += sizeof(u64))
			all &= act(start + at) && act(start + upper + at);
	}
	return all;
}

static bool set_guard(u64 *guard)
{
	*guard = STACK_GUARD;
	return true;
}

static bool is_guard(u64 *guard)
{
	return *guard == STACK_GUARD;
}

void *bpf_jit_mips_alloc_stack(u32 bytes)
{
	void __percpu *stack = __alloc_percpu_gfp(bytes + 2 * BPF_JIT_MIPS_STACK_GUARD,
						  sizeof(u64), GFP_KERNEL);

	if (stack)
		each_guard(stack, bytes, set_guard);
	return (__force void *)stack;
}

void bpf_jit_mips_free_stack(const struct bpf_prog *prog, void *memory, u32 bytes)
{
	void __percpu *stack = (__force void __percpu *)memory;

	if (!each_guard(stack, bytes, is_guard))
		pr_err("program %s has written outside of its stack\n", prog->aux->name);
	free_percpu(stack);
}

u32 bpf_jit_mips_release(void)
{
	if (cpu_has_mips_r6)
		return 6;
	return cpu_has_mips_r2 ? 2 : 1;
}

enum cpu_type_enum bpf_jit_mips_cpu_type(void)
{
	unsigned int type = cpu_data[0].cputype;
	int cpu;

	for_each_online_cpu(cpu)
		if (cpu_data[cpu].cputype != type)
			return CPU_UNKNOWN;
	return type;
}

const struct bpf_insn *bpf_jit_mips_insns(const struct bpf_prog *prog)
{
	return prog->insnsi;
}

/* As bpf_jit_binary_hdr() of kernel/bpf/core.c, which is that file's own. */
struct bpf_binary_header *bpf_jit_mips_header(const void *code)
{
	return (void *)((unsigned long)code & PAGE_MASK);
}

int bpf_jit_mips_lock_ro(struct bpf_binary_header *header)
{
	return bpf_jit_binary_lock_ro(header);
}

void bpf_jit_mips_flush(const void *start, const void *end)
{
	flush_icache_range((unsigned long)start, (unsigned long)end);
}

/* net.core.bpf_jit_enable=2 */
void bpf_jit_mips_dump(const struct bpf_prog *prog, u32 bytes, void *image)
{
	if (bpf_jit_enable > 1)
		bpf_jit_dump(prog->len, bytes, 2, image);
}

void *bpf_jit_mips_zalloc(size_t count, size_t size)
{
	return kvcalloc(count, size, GFP_KERNEL);
}

void bpf_jit_mips_zfree(void *memory)
{
	kvfree(memory);
}

/*
 * Tells where lines begin, by the ends of instructions in bytes. A line may have no code: nobody reads what it
 * computes, or all of it fills a slot further on. Since no two lines are expected to begin at the same
 * address, it is given the last instruction of the line before.
 */
void bpf_jit_mips_tell_lines(struct bpf_prog *prog, const u32 *ends)
{
	struct bpf_prog_aux *aux = prog->aux;
	const struct bpf_line_info *line;
	u32 count, i, last;
	void **begins;

	bpf_prog_fill_jited_linfo(prog, ends);
	/* As there: of a function that the kernel has added there are none. */
	if (!aux->jited_linfo || aux->func_idx > aux->func_cnt)
		return;
	line = &aux->linfo[aux->linfo_idx];
	begins = &aux->jited_linfo[aux->linfo_idx];
	count = aux->nr_linfo - aux->linfo_idx;
	last = line[0].insn_off + prog->len;
	for (i = 1; i < count && line[i].insn_off < last; i++)
		;
	count = i;
	for (i = count - 1; i > 1; i--)
		if (begins[i - 1] >= begins[i])
			begins[i - 1] = begins[i] - sizeof(u32);
	/* The first begins where the program does. */
	for (i = 1; i < count && begins[i] <= begins[i - 1]; i++)
		begins[i] = begins[i - 1] + sizeof(u32);
}

bool bpf_jit_mips_function(const struct bpf_prog *prog, u32 slot,
			   struct btf_func_model *model, u64 *address, bool *throws)
{
	const struct bpf_insn *insn = &prog->insnsi[slot];
	const struct btf_func_model *found = bpf_jit_find_kfunc_model(prog, insn);
	bool fixed;

	if (!found || bpf_jit_get_func_addr(prog, insn, false, address, &fixed))
		return false;
	*model = *found;
	*throws = (unsigned long)*address == (unsigned long)bpf_throw;
	if (*throws)
		*address = (unsigned long)bpf_jit_mips_throw;
	return true;
}

bool bpf_jit_mips_arena(const struct bpf_prog *prog, u64 *kernel, u64 *user)
{
	if (!IS_ENABLED(CONFIG_64BIT) || !prog->aux->arena)
		return false;
	*kernel = bpf_arena_get_kern_vm_start(prog->aux->arena);
	*user = bpf_arena_get_user_vm_start(prog->aux->arena);
	return true;
}

u32 bpf_jit_mips_result(const struct bpf_prog *prog)
{
	const struct bpf_prog_aux *aux = prog->aux;
	const struct btf_type *type;
	u32 bytes;

	if (!aux->btf || aux->func_idx >= aux->func_info_cnt)
		return sizeof(u64);
	type = btf_type_by_id(aux->btf, aux->func_info[aux->func_idx].type_id);
	type = type ? btf_type_by_id(aux->btf, type->type) : NULL;
	if (!type || !btf_type_is_func_proto(type))
		return sizeof(u64);
	if (!type->type)
		return 0;
	return IS_ERR(btf_resolve_size(aux->btf, btf_type_by_id(aux->btf, type->type),
				       &bytes)) ? sizeof(u64) : bytes;
}

bool bpf_jit_mips_takes_structure(const struct bpf_prog *prog, u32 argument)
{
	const struct btf_type *function = prog->aux->attach_func_proto;
	const struct btf_type *type;

	if (!function || !prog->aux->attach_btf || argument >= btf_type_vlen(function))
		return true;
	type = btf_type_skip_modifiers(prog->aux->attach_btf,
				       btf_params(function)[argument].type, NULL);
	return !type || btf_type_is_struct(type);
}

void bpf_jit_mips_patch(u32 *place, u32 word)
{
	smp_store_release(place, word);
	flush_icache_range((unsigned long)place, (unsigned long)(place + 1));
}

void bpf_jit_mips_report(enum bpf_jit_mips_reason reason, u32 at, u8 opcode)
{
	static const char * const texts[] = {
		[BPF_JIT_MIPS_UNSUPPORTED] = "unsupported instruction",
		[BPF_JIT_MIPS_OUT_OF_REACH] = "jump out of the program",
		[BPF_JIT_MIPS_LONG_RESULT] = "extension that returns 64 bits",
		[BPF_JIT_MIPS_TOO_LONG] = "program too long",
		[BPF_JIT_MIPS_NO_MEMORY] = "out of memory",
		[BPF_JIT_MIPS_INTERNAL] = "internal error",
	};

	pr_warn_ratelimited("not JITed: %s (insn %u, opcode 0x%02x)\n",
			    texts[reason], at, opcode);
}
