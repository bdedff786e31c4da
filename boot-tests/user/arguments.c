// SPDX-License-Identifier: GPL-2.0
/*
 * Does the JIT pass arguments that are in no register, to functions of programs and
 * to the kernel's?
 *
 * No compiler is needed that has them: these are instructions.
 */

#include <stdlib.h>

#include <bpf/btf.h>

#include "programs.h"

#define EXIT BPF_EXIT_INSN()
/* Of the one with this index beyond five. */
#define PASS(index, reg) BPF_STX_MEM(BPF_DW, 11, reg, -8 * ((index) + 1))
#define PASS_IMM(index, imm) BPF_ST_MEM(BPF_DW, 11, -8 * ((index) + 1), imm)
#define TAKE(reg, index) BPF_LDX_MEM(BPF_DW, reg, 11, 8 * ((index) + 1))
#define CALL(distance) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, distance)
#define KFUNC(function) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, function)
#define MAY_GOTO(distance) BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, distance, 0)
#define LONG(reg, value) BPF_LD_IMM64(reg, value)

/* Of 64 bits, each with something in both words. */
#define A 0x0123456789abcdefULL
#define B 0xfedcba9876543210ULL
#define C 0x8000000180000001ULL

#define FIVE(a, b, c, d, e) \
	BPF_MOV64_IMM(BPF_REG_1, a), BPF_MOV64_IMM(BPF_REG_2, b), BPF_MOV64_IMM(BPF_REG_3, c), \
	BPF_MOV64_IMM(BPF_REG_4, d), BPF_MOV64_IMM(BPF_REG_5, e)
/* r0 = 3 * r0 + reg, so that each has a weight of its own */
#define ADD(reg) BPF_ALU64_IMM(BPF_MUL, BPF_REG_0, 3), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, reg)
#define ADD_FIVE ADD(BPF_REG_1), ADD(BPF_REG_2), ADD(BPF_REG_3), ADD(BPF_REG_4), ADD(BPF_REG_5)
#define TAKE_AND_ADD(index) TAKE(BPF_REG_6, index), ADD(BPF_REG_6)
#define FOLD_AND_EXIT BPF_MOV64_REG(BPF_REG_6, BPF_REG_0), FOLD(BPF_REG_6), EXIT

enum { SUM, SUM_PTR, MEM, MIX };
static const char *const kfuncs[] = {
	"bpf_kfunc_call_stack_arg", "bpf_kfunc_call_stack_arg_ptr", "bpf_kfunc_call_stack_arg_mem",
	"bpf_kfunc_call_stack_arg_mix",
};

struct test {
	const char *name;
	struct bpf_insn body[72];
	/* How many arguments its functions take, in their order. */
	int arguments[2];
	uint64_t result;
};

/* What ADD makes of these. */
static uint64_t sum(const uint64_t *values, int count)
{
	uint64_t result = 0;

	while (count--)
		result = 3 * result + *values++;
	return result;
}
#define SUM_OF(...) \
	sum((const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static struct test tests[] = {
	{ "six arguments", { FIVE(1, 2, 3, 4, 5), PASS_IMM(0, -6), CALL(6), FOLD_AND_EXIT,
	  BPF_MOV64_IMM(BPF_REG_0, 0), ADD_FIVE, TAKE_AND_ADD(0), EXIT }, { 6 } },
	{ "twelve arguments", { LONG(BPF_REG_6, A), LONG(BPF_REG_7, B), LONG(BPF_REG_8, C), FIVE(1, 2, 3, 4, 5),
	  PASS(0, BPF_REG_6), PASS(1, BPF_REG_7), PASS(2, BPF_REG_8), PASS_IMM(3, -1), PASS_IMM(4, 0),
	  PASS(5, BPF_REG_2), PASS(6, BPF_REG_7), CALL(6), FOLD_AND_EXIT,
	  BPF_MOV64_IMM(BPF_REG_0, 0), ADD_FIVE, TAKE_AND_ADD(0), TAKE_AND_ADD(1), TAKE_AND_ADD(2), TAKE_AND_ADD(3),
	  TAKE_AND_ADD(4), TAKE_AND_ADD(5), TAKE_AND_ADD(6), EXIT }, { 12 } },
	/* The kernel's division is a call; the order in which they are passed does not matter. */
	{ "a division in between", { LONG(BPF_REG_6, A), LONG(BPF_REG_7, B), PASS(1, BPF_REG_6), PASS(0, BPF_REG_7),
	  BPF_ALU64_REG(BPF_DIV, BPF_REG_7, BPF_REG_6), PASS(2, BPF_REG_7), FIVE(1, 2, 3, 4, 5), CALL(6), FOLD_AND_EXIT,
	  BPF_MOV64_IMM(BPF_REG_0, 0), ADD_FIVE, TAKE_AND_ADD(0), TAKE_AND_ADD(1), TAKE_AND_ADD(2), EXIT }, { 8 } },
	/* One function passes on what it has taken. */
	{ "through a function", { LONG(BPF_REG_6, A), LONG(BPF_REG_7, C), FIVE(1, 2, 3, 4, 5), PASS(0, BPF_REG_6),
	  PASS(1, BPF_REG_7), CALL(6), FOLD_AND_EXIT,
	  TAKE(BPF_REG_6, 0), TAKE(BPF_REG_7, 1), BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 77), PASS(0, BPF_REG_7),
	  PASS(1, BPF_REG_6), PASS_IMM(2, 9), CALL(6), BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8),
	  ADD(BPF_REG_1), ADD(BPF_REG_6), EXIT,
	  BPF_MOV64_IMM(BPF_REG_0, 0), ADD_FIVE, TAKE_AND_ADD(0), TAKE_AND_ADD(1), TAKE_AND_ADD(2), EXIT }, { 7, 8 } },
	/* Looking at the clock is a call, too, once in 65,536 times. */
	{ "a loop before they are taken", { LONG(BPF_REG_6, A), LONG(BPF_REG_7, B), FIVE(1, 2, 3, 4, 5), PASS(0, BPF_REG_6),
	  PASS(1, BPF_REG_7), PASS(2, BPF_REG_6), PASS(3, BPF_REG_7), CALL(6), FOLD_AND_EXIT,
	  BPF_MOV64_IMM(BPF_REG_0, 0), MAY_GOTO(2), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 0), BPF_JMP_A(-3),
	  ADD_FIVE, TAKE_AND_ADD(0), TAKE_AND_ADD(1), TAKE_AND_ADD(2), TAKE_AND_ADD(3), EXIT }, { 9 } },
	{ "a kernel function of ten", { LONG(BPF_REG_6, 1ULL << 33), LONG(BPF_REG_7, 1ULL << 36), FIVE(1, 2, 4, 8, 16),
	  PASS(0, BPF_REG_6), PASS_IMM(1, 32), PASS(2, BPF_REG_7), PASS_IMM(3, 64), PASS_IMM(4, 128), KFUNC(SUM),
	  FOLD_AND_EXIT } },
	{ "a kernel function of ten, the last a pointer", { BPF_ST_MEM(BPF_W, BPF_REG_10, -16, 1000),
	  BPF_ST_MEM(BPF_W, BPF_REG_10, -12, 2000), BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0), BPF_MOV64_REG(BPF_REG_6, BPF_REG_10),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, -16), LONG(BPF_REG_7, A), FIVE(1, 2, 3, 4, 5), PASS(0, BPF_REG_7), PASS_IMM(1, 7),
	  PASS_IMM(2, 8), PASS_IMM(3, 9), PASS(4, BPF_REG_6), KFUNC(SUM_PTR), FOLD_AND_EXIT } },
	/* Two words behind five doublewords. */
	{ "a kernel function of words", { BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0x01020304), BPF_MOV64_REG(BPF_REG_6, BPF_REG_10),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, -8), LONG(BPF_REG_7, B), FIVE(1, 2, 3, 4, 5),
	  BPF_MOV64_REG(BPF_REG_5, BPF_REG_7), PASS(0, BPF_REG_6), PASS_IMM(1, 8), KFUNC(MEM), FOLD_AND_EXIT } },
	/* A word, a doubleword and a word. */
	{ "a kernel function of both", { BPF_ST_MEM(BPF_W, BPF_REG_10, -16, 1000), BPF_ST_MEM(BPF_W, BPF_REG_10, -12, 2000),
	  BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0), BPF_MOV64_REG(BPF_REG_6, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, -16),
	  LONG(BPF_REG_7, A), LONG(BPF_REG_8, B), FIVE(1, 2, 3, 4, 5), PASS_IMM(0, 6), PASS(1, BPF_REG_7), PASS(2, BPF_REG_6),
	  PASS(3, BPF_REG_8), PASS(4, BPF_REG_6), KFUNC(MIX), FOLD_AND_EXIT } },
};

static void expect(void)
{
	int i = 0;

	tests[i++].result = SUM_OF(1, 2, 3, 4, 5, -6ULL);
	tests[i++].result = SUM_OF(1, 2, 3, 4, 5, A, B, C, -1ULL, 0, 2, B);
	tests[i++].result = SUM_OF(1, 2, 3, 4, 5, B, A, B / A);
	tests[i++].result = SUM_OF(1, 2, 3, 4, 5, C, A, 9, 77, A);
	tests[i++].result = SUM_OF(1, 2, 3, 4, 5, A, B, A, B);
	tests[i++].result = (1ULL << 33) + (1ULL << 36) + 255;
	tests[i++].result = A + 1 + 2 + 3 + 4 + 5 + 7 + 8 + 9 + 1000 + 2000;
	tests[i++].result = B + 1 + 2 + 3 + 4 + 1 + 2 + 3 + 4;
	tests[i++].result = A + B + 1 + 2 + 3 + 4 + 5 + 6 + 1000 + 2000;
}

static struct btf *kernel_types, *types;
static int number;		/* the type of arguments and results */

/* A function of so many arguments, each a long: of a program alone, or static. */
static int add_function(const char *name, int count, int linkage)
{
	char argument[16];
	int prototype, i;

	prototype = btf__add_func_proto(types, number);
	for (i = 0; i < count; i++) {
		snprintf(argument, sizeof(argument), "a%d", i);
		btf__add_func_param(types, argument, number);
	}
	return btf__add_func(types, name, linkage, prototype);
}

static int load_test(const struct test *test, int length)
{
	struct bpf_insn program[72];
	struct bpf_func_info functions[3] = { { 0, 0 } };
	char begins[72] = { 0 };
	union bpf_attr attr = {
		.func_info = pointer(functions),
		.func_info_rec_size = sizeof(functions[0]),
		.func_info_cnt = 1,
	};
	int i, fd;

	types = btf__new_empty();
	number = btf__add_int(types, "long long", 8, BTF_INT_SIGNED);
	functions[0].type_id = add_function("main", 1, BTF_FUNC_GLOBAL);
	memcpy(program, test->body, length * sizeof(*program));
	for (i = 0; i < length; i++) {
		struct bpf_insn *insn = &program[i];

		if (insn->code != (BPF_JMP | BPF_CALL))
			continue;
		if (insn->src_reg == BPF_PSEUDO_CALL)
			begins[i + 1 + insn->imm] = 1;
		else if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
			insn->imm = btf__find_by_name_kind(kernel_types, kfuncs[insn->imm], BTF_KIND_FUNC);
	}
	for (i = 0; i < length; i++)
		if (begins[i]) {
			int count = test->arguments[attr.func_info_cnt - 1];

			functions[attr.func_info_cnt].insn_off = i;
			functions[attr.func_info_cnt++].type_id = add_function("f", count, BTF_FUNC_STATIC);
		}
	if (btf__load_into_kernel(types)) {
		snprintf(log_text, sizeof(log_text), "types are refused");
		return -1;
	}
	attr.prog_btf_fd = btf__fd(types);
	fd = load_with(&attr, program, length, BPF_PROG_TYPE_SCHED_CLS);
	btf__free(types);
	return fd;
}

int main(void)
{
	unsigned int i, passed = 0, n = sizeof(tests) / sizeof(*tests);
	static const char packet[64];

	kernel_types = btf__load_vmlinux_btf();
	if (!kernel_types) {
		printf("no types: errno %d\n", errno);
		return 2;
	}
	expect();
	for (i = 0; i < n; i++) {
		struct test *test = &tests[i];
		int length = length_of(test->body, sizeof(test->body) / sizeof(*test->body));

		if (check_run(i, test->name, load_test(test, length), packet, sizeof(packet), 1,
			      FOLDED(test->result))) {
			printf("#%d %s PASS\n", i, test->name);
			passed++;
		}
	}
	printf("Summary: %d PASSED, %d FAILED\n", passed, n - passed);
	return passed != n;
}
