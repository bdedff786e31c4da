// SPDX-License-Identifier: GPL-2.0
/*
 * Does the kernel's BPF JIT have the bugs that the C JIT for MIPS32 has?
 *
 * A program per bug, each returning 1 if the JIT is right, or what it returns in
 * the interpreter where kernels differ. They ask what lib/test_bpf.c does not.
 * Names begin with the number that the bug has in Documentation/testing.rst. None
 * of them can crash a kernel whose JIT has the bug, but for those of
 * jit_bugs_suite=ax, which hang the C JIT's.
 */

#define pr_fmt(fmt) "jit_bugs: " fmt

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

static char suite[16] = "values";
module_param_string(suite, suite, sizeof(suite), 0);
MODULE_PARM_DESC(suite, "values or ax");

static unsigned int test_range[2] = { 0, UINT_MAX };
module_param_array(test_range, uint, NULL, 0);
MODULE_PARM_DESC(test_range, "first and last test to run");

/* Programs get the middle of this as context: they may reach 64 KiB either way. */
#define REACH 65536
static char *arena;

#define STACK 64
#define MAX_INSNS 16

struct bug {
	const char *name;
	/* Ends with the last instruction that is not all zero. */
	struct bpf_insn insns[MAX_INSNS];
	/* Instead of insns: fills in the program, returns its length. */
	unsigned int (*fill)(struct bpf_insn *insns, unsigned int variant);
	unsigned int variants;
	/* Kernels differ: what is right is what the interpreter does. */
	bool as_interpreted;
	/* Looks at more than the result. */
	bool (*inspect)(const struct bpf_prog *prog);
};

#define BUG(text, ...) { .name = text, .insns = { __VA_ARGS__ } }

/* return a == b; R0 is overwritten. */
#define RETURN_EQUAL(a, b)			\
	BPF_MOV64_IMM(BPF_REG_0, 1),		\
	BPF_JMP_REG(BPF_JEQ, a, b, 1),		\
	BPF_MOV64_IMM(BPF_REG_0, 0),		\
	BPF_EXIT_INSN()

/* R1, which the program never writes, must survive what stands between. */
#define KEEPS_R1(text, ...)					\
	BUG(text,						\
	    BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),		\
	    BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 5),		\
	    BPF_MOV64_IMM(BPF_REG_0, 5),			\
	    BPF_MOV64_IMM(BPF_REG_2, 100),			\
	    BPF_MOV64_IMM(BPF_REG_3, 7),			\
	    __VA_ARGS__,					\
	    RETURN_EQUAL(BPF_REG_1, BPF_REG_6))

/* (s64) R2 op (s64) R3 must be the result. */
#define COMPUTES(text, a, b, result, ...)			\
	BUG(text,						\
	    BPF_LD_IMM64(BPF_REG_2, a),				\
	    BPF_LD_IMM64(BPF_REG_3, b),				\
	    __VA_ARGS__,					\
	    BPF_LD_IMM64(BPF_REG_4, result),			\
	    RETURN_EQUAL(BPF_REG_2, BPF_REG_4))

/* What is stored at an offset near the top must be right there. */
#define FAR_OFFSET(text, offset)					\
	BUG(text,							\
	    BPF_LD_IMM64(BPF_REG_3, 0x1122334455667788ll),		\
	    BPF_MOV64_REG(BPF_REG_2, BPF_REG_1),			\
	    BPF_ALU64_IMM(BPF_SUB, BPF_REG_2, (offset) & ~7),		\
	    BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, (offset) & ~3),	\
	    BPF_LDX_MEM(BPF_DW, BPF_REG_4, BPF_REG_1, (offset) & 4),	\
	    RETURN_EQUAL(BPF_REG_3, BPF_REG_4))

#define SHIFTS_ITSELF(text, op, value, result)			\
	BUG(text,						\
	    BPF_LD_IMM64(BPF_REG_2, value),			\
	    BPF_ALU64_REG(op, BPF_REG_2, BPF_REG_2),		\
	    BPF_LD_IMM64(BPF_REG_3, result),			\
	    RETURN_EQUAL(BPF_REG_2, BPF_REG_3))

/*
 * Branches that get out of reach one after the other, each by the growth of the
 * one before, until the C JIT makes every jump a far one; and one that is never
 * taken. variant: words of a far branch in the JIT's code, which the distances
 * depend on. It is two words longer than a near one; a filler is one word.
 */
#define CHAIN 12
#define NEAR_WORDS 32766

static unsigned int fill_chain(struct bpf_insn *insns, unsigned int variant)
{
	struct bpf_insn filler = BPF_ALU32_IMM(BPF_ADD, BPF_REG_3, 1);
	struct bpf_insn *insn = insns;
	unsigned int i, words = 4 + variant;

	*insn++ = BPF_MOV64_IMM(BPF_REG_2, 0);
	*insn++ = BPF_MOV64_IMM(BPF_REG_3, 0);
	for (i = CHAIN; i > 0; i--) {
		unsigned int distance = i == 1 ? NEAR_WORDS + 1
					       : NEAR_WORDS + 2 - (i - 1) * words;

		*insn++ = BPF_JMP_IMM(BPF_JEQ, BPF_REG_2, 1, distance + i - 1);
	}
	for (i = 0; i < NEAR_WORDS + 1; i++)
		*insn++ = filler;
	*insn++ = BPF_MOV64_IMM(BPF_REG_0, 1);
	*insn++ = BPF_JMP_IMM(BPF_JLT, BPF_REG_2, 0, 1);
	*insn++ = BPF_EXIT_INSN();
	*insn++ = BPF_MOV64_IMM(BPF_REG_0, 0);
	*insn++ = BPF_EXIT_INSN();
	return insn - insns;
}

/* Line information must point into the image, at instructions. */
static struct bpf_line_info lines[] = {
	{ .insn_off = 0 }, { .insn_off = 1 }, { .insn_off = 2 },
};

static bool lines_are_in_image(const struct bpf_prog *prog)
{
	void **jited = prog->aux->jited_linfo;
	unsigned long start = (unsigned long)prog->bpf_func;
	unsigned long last = start;
	unsigned int i;

	if (!prog->jited)
		return true;
	if (!jited || (unsigned long)jited[0] != start)
		return false;
	for (i = 1; i < ARRAY_SIZE(lines); i++) {
		unsigned long at = (unsigned long)jited[i];

		/* A stack and a store are four words; what follows may be in a slot. */
		if (at % 4 || at < last || at < start + 16 || at >= start + prog->jited_len)
			return false;
		last = at;
	}
	return true;
}

/* Tail calls: R2 is the array, R3 the index. */
static struct bpf_array *array;
enum { SLOT_EMPTY, SLOT_ONE, SLOTS };

#define TAIL_CALL(index)						\
	BPF_MOV64_REG(BPF_REG_1, BPF_REG_6),				\
	BPF_LD_IMM64(BPF_REG_2, (u64)(unsigned long)array),		\
	BPF_LD_IMM64(BPF_REG_3, index),					\
	BPF_RAW_INSN(BPF_JMP | BPF_TAIL_CALL, 0, 0, 0, 0)

static unsigned int fill_tail_call(struct bpf_insn *insns, unsigned int variant)
{
	const struct bpf_insn program[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
		TAIL_CALL(SLOT_ONE),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	memcpy(insns, program, sizeof(program));
	return ARRAY_SIZE(program);
}

/* Forty calls that miss, then one that hits if they have left it any budget. */
static unsigned int fill_misses(struct bpf_insn *insns, unsigned int variant)
{
	const u64 miss = variant ? SLOTS : SLOT_EMPTY;
	const struct bpf_insn program[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1),
		BPF_MOV64_IMM(BPF_REG_7, 40),
		TAIL_CALL(miss),
		BPF_ALU64_IMM(BPF_SUB, BPF_REG_7, 1),
		BPF_JMP_IMM(BPF_JNE, BPF_REG_7, 0, -8),
		TAIL_CALL((1ull << 32) + SLOT_ONE),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	memcpy(insns, program, sizeof(program));
	return ARRAY_SIZE(program);
}

static const struct bug values[] = {
	/* The C JIT is right here: the programs below can pass. */
	KEEPS_R1("control: add64 keeps R1",
		 BPF_ALU64_REG(BPF_ADD, BPF_REG_2, BPF_REG_3)),
	COMPUTES("control: div64", 13, 3, 4,
		 BPF_ALU64_REG(BPF_DIV, BPF_REG_2, BPF_REG_3)),
	COMPUTES("control: lsh64 by another register", 0x100000041ll, 1, 0x200000082ll,
		 BPF_ALU64_REG(BPF_LSH, BPF_REG_2, BPF_REG_3)),
	FAR_OFFSET("control: a doubleword at offset 32752", 32752),
	{ .name = "control: tail calls that hit", .fill = fill_tail_call, .variants = 1 },
	KEEPS_R1("c01 div64 keeps R1",
		 BPF_ALU64_REG(BPF_DIV, BPF_REG_2, BPF_REG_3)),
	KEEPS_R1("c01 mod64 keeps R1",
		 BPF_ALU64_REG(BPF_MOD, BPF_REG_2, BPF_REG_3)),
	KEEPS_R1("c01 div64 by an immediate keeps R1",
		 BPF_ALU64_IMM(BPF_DIV, BPF_REG_2, 7)),
	KEEPS_R1("c01 atomic add64 keeps R1",
		 BPF_ATOMIC_OP(BPF_DW, BPF_ADD, BPF_REG_10, BPF_REG_2, -8)),
	KEEPS_R1("c01 atomic fetch_xor64 keeps R1",
		 BPF_ATOMIC_OP(BPF_DW, BPF_XOR | BPF_FETCH, BPF_REG_10, BPF_REG_2, -8)),
	KEEPS_R1("c01 atomic xchg64 keeps R1",
		 BPF_ATOMIC_OP(BPF_DW, BPF_XCHG, BPF_REG_10, BPF_REG_2, -8)),
	KEEPS_R1("c01 atomic cmpxchg64 keeps R1",
		 BPF_ATOMIC_OP(BPF_DW, BPF_CMPXCHG, BPF_REG_10, BPF_REG_2, -8)),
	COMPUTES("c02 sdiv64", -13, 3, -4,
		 BPF_ALU64_REG_OFF(BPF_DIV, BPF_REG_2, BPF_REG_3, 1)),
	COMPUTES("c02 smod64", -13, 3, -1,
		 BPF_ALU64_REG_OFF(BPF_MOD, BPF_REG_2, BPF_REG_3, 1)),
	COMPUTES("c02 sdiv64 by an immediate", -12, 0, -3,
		 BPF_ALU64_IMM_OFF(BPF_DIV, BPF_REG_2, 4, 1)),
	COMPUTES("c02 sdiv32", -13, 3, 0xfffffffc,
		 BPF_ALU32_REG_OFF(BPF_DIV, BPF_REG_2, BPF_REG_3, 1)),
	COMPUTES("c02 smod32 by an immediate", -13, 0, 0xffffffff,
		 BPF_ALU32_IMM_OFF(BPF_MOD, BPF_REG_2, 4, 1)),
	COMPUTES("c03 movsx64 8", 0, 0x80, -128,
		 BPF_MOVSX64_REG(BPF_REG_2, BPF_REG_3, 8)),
	COMPUTES("c03 movsx64 16", 0, 0x8000, -32768,
		 BPF_MOVSX64_REG(BPF_REG_2, BPF_REG_3, 16)),
	COMPUTES("c03 movsx64 32", 0, 0x80000000ll, -2147483648ll,
		 BPF_MOVSX64_REG(BPF_REG_2, BPF_REG_3, 32)),
	COMPUTES("c03 movsx32 8", 0, 0x80, 0xffffff80,
		 BPF_MOVSX32_REG(BPF_REG_2, BPF_REG_3, 8)),
	{ .name = "c04 a jump never taken is never taken",
	  .fill = fill_chain, .variants = 8 },
	FAR_OFFSET("c05 a doubleword at offset 32764", 32764),
	{ .name = "c06 line information in bytes, of the image",
	  .insns = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 1),
		BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_10, -8),
		BPF_EXIT_INSN(),
	  }, .inspect = lines_are_in_image },
	BUG("c07 cmpxchg64 stores R10",
	    BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 5),
	    BPF_MOV64_IMM(BPF_REG_0, 5),
	    BPF_ATOMIC_OP(BPF_DW, BPF_CMPXCHG, BPF_REG_10, BPF_REG_10, -8),
	    BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_10, -8),
	    RETURN_EQUAL(BPF_REG_2, BPF_REG_10)),
	{ .name = "c09 tail calls that miss count as in the interpreter",
	  .fill = fill_misses, .variants = 2, .as_interpreted = true },
	SHIFTS_ITSELF("c14 lsh64 by itself", BPF_LSH, 0x100000041ll, 0x200000082ll),
	SHIFTS_ITSELF("c14 rsh64 by itself", BPF_RSH, 0x800000041ll, 0x400000020ll),
	SHIFTS_ITSELF("c14 arsh64 by itself", BPF_ARSH, 0x8000000000000041ll,
		      0xc000000000000020ll),
};

/* AX across many timer interrupts. */
static const struct bug ax[] = {
	BUG("d AX leaves $gp alone",
	    BPF_MOV64_IMM(BPF_REG_2, 50000000),
	    BPF_MOV64_IMM(BPF_REG_AX, -1),
	    BPF_ALU64_IMM(BPF_XOR, BPF_REG_AX, 0x12345678),
	    BPF_ALU64_IMM(BPF_SUB, BPF_REG_2, 1),
	    BPF_JMP_IMM(BPF_JNE, BPF_REG_2, 0, -4),
	    BPF_MOV64_IMM(BPF_REG_3, ~0x12345678),
	    RETURN_EQUAL(BPF_REG_AX, BPF_REG_3)),
};

static unsigned int passed, failed, run, jited;

static struct bpf_prog *compile(const struct bug *bug, unsigned int variant, bool jit)
{
	unsigned int len = bug->fill ? NEAR_WORDS + 64 : MAX_INSNS;
	struct bpf_prog *prog = bpf_prog_alloc(bpf_prog_size(len), 0);
	int err;

	if (!prog)
		return NULL;
	if (bug->fill)
		len = bug->fill(prog->insnsi, variant);
	else
		memcpy(prog->insnsi, bug->insns, sizeof(bug->insns));
	while (!prog->insnsi[len - 1].code)
		len--;
	prog->len = len;
	prog->type = BPF_PROG_TYPE_SOCKET_FILTER;
	prog->aux->stack_depth = STACK;
	/* One word for a filler. */
	prog->aux->verifier_zext = bug->fill == fill_chain;
	if (bug->inspect) {
		prog->aux->linfo = lines;
		prog->aux->nr_linfo = ARRAY_SIZE(lines);
	}
	if (!jit)
		prog->jit_requested = 0;
	prog = bpf_prog_select_runtime(prog, &err);
	if (err) {
		bpf_prog_free(prog);
		return NULL;
	}
	return prog;
}

static void discard(struct bpf_prog *prog)
{
	kvfree(prog->aux->jited_linfo);
	prog->aux->jited_linfo = NULL;
	prog->aux->linfo = NULL;
	bpf_prog_free(prog);
}

static u32 execute(const struct bpf_prog *prog)
{
	return bpf_prog_run_pin_on_cpu(prog, arena + REACH);
}

/* What the interpreter makes of it; without one, what no program returns. */
static u32 interpret(const struct bug *bug, unsigned int variant)
{
	struct bpf_prog *prog = compile(bug, variant, false);
	u32 result = prog && !prog->jited ? execute(prog) : U32_MAX;

	if (prog)
		discard(prog);
	return result;
}

static void try(const struct bug *bug, unsigned int number)
{
	unsigned int variant, bad = 0, native = 0;
	unsigned int variants = max(bug->variants, 1u);

	if (number < test_range[0] || number > test_range[1])
		return;
	for (variant = 0; variant < variants; variant++) {
		struct bpf_prog *prog = compile(bug, variant, true);
		u32 right = bug->as_interpreted ? interpret(bug, variant) : 1;

		if (!prog) {
			bad++;
			continue;
		}
		if (execute(prog) != right || (bug->inspect && !bug->inspect(prog)))
			bad++;
		native += prog->jited;
		discard(prog);
	}
	run++;
	jited += native == variants;
	pr_info("#%u %s jited:%u %s\n", number, bug->name, native == variants,
		bad ? "FAIL" : "PASS");
	if (bad)
		failed++;
	else
		passed++;
}

static int __init jit_bugs_init(void)
{
	static const struct bug one = BUG("one", BPF_MOV64_IMM(BPF_REG_0, 1),
					  BPF_EXIT_INSN());
	struct bpf_prog *hit;
	unsigned int i;

	arena = vzalloc(2 * REACH);
	array = kzalloc(struct_size(array, ptrs, SLOTS), GFP_KERNEL);
	hit = compile(&one, 0, true);
	if (arena && array && hit) {
		array->map.max_entries = SLOTS;
		array->ptrs[SLOT_ONE] = hit;
		if (!strcmp(suite, "ax"))
			for (i = 0; i < ARRAY_SIZE(ax); i++)
				try(&ax[i], i);
		else
			for (i = 0; i < ARRAY_SIZE(values); i++)
				try(&values[i], i);
	} else {
		failed++;
	}
	pr_info("Summary: %u PASSED, %u FAILED, [%u/%u JIT'ed]\n", passed, failed,
		jited, run);
	if (hit)
		discard(hit);
	kfree(array);
	vfree(arena);
	return failed ? -EINVAL : 0;
}

static void __exit jit_bugs_exit(void)
{
}

module_init(jit_bugs_init);
module_exit(jit_bugs_exit);
MODULE_DESCRIPTION("Bugs of a BPF JIT, one program each");
MODULE_LICENSE("GPL");
