// SPDX-License-Identifier: GPL-2.0
/*
 * Programs at a function of more arguments than there are registers for.
 */

#include "trampolines.h"

#define PASS(index, reg) BPF_STX_MEM(BPF_DW, 11, reg, -8 * ((index) + 1))
#define PASS_IMM(index, imm) BPF_ST_MEM(BPF_DW, 11, -8 * ((index) + 1), imm)
#define TAKE_AND_SUBTRACT(index) \
	BPF_LDX_MEM(BPF_DW, BPF_REG_6, 11, 8 * ((index) + 1)), \
	BPF_ALU64_IMM(BPF_MUL, BPF_REG_0, 3), BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_6)

/* Two of them are on the stack of 64-bit kernels. */
enum { COUNT = 10 };
#define MANY_RESULT (((((((((1 + 2 + 3 + 4 + 5) * 3ULL) - A) * 3 - B) * 3 - C) * 3) + 1) * 3) - A)

static const struct bpf_insn entry[] = {
	TELL(0, COUNT), TELL_ARGUMENT(0, 0), TELL_ARGUMENT(0, 4), TELL_ARGUMENT(0, 5), TELL_ARGUMENT(0, 6),
	TELL_ARGUMENT(0, 7), TELL_ARGUMENT(0, 8), TELL_ARGUMENT(0, 9), RETURN,
};
static const struct bpf_insn exit_[] = {
	TELL(0, COUNT), TELL_ARGUMENT(0, 0), TELL_ARGUMENT(0, 4), TELL_ARGUMENT(0, 5), TELL_ARGUMENT(0, 6),
	TELL_ARGUMENT(0, 7), TELL_ARGUMENT(0, 8), TELL_ARGUMENT(0, 9), TELL_ARGUMENT(0, 10), RETURN,
};

/* A program that calls f(), and its type. */
static int load_caller(int *function)
{
	static const struct bpf_insn body[] = {
		INT64(BPF_REG_6, A), INT64(BPF_REG_7, B), INT64(BPF_REG_8, C),
		PASS(0, BPF_REG_6), PASS(1, BPF_REG_7), PASS(2, BPF_REG_8), PASS_IMM(3, -1), PASS(4, BPF_REG_6),
		BPF_MOV64_IMM(BPF_REG_1, 1), BPF_MOV64_IMM(BPF_REG_2, 2), BPF_MOV64_IMM(BPF_REG_3, 3),
		BPF_MOV64_IMM(BPF_REG_4, 4), BPF_MOV64_IMM(BPF_REG_5, 5), CALL(6), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0),
		FOLD(BPF_REG_6), EXIT,
		/* 23: f */
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_2),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_3), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_4),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_5), TAKE_AND_SUBTRACT(0), TAKE_AND_SUBTRACT(1),
		TAKE_AND_SUBTRACT(2), TAKE_AND_SUBTRACT(3), TAKE_AND_SUBTRACT(4), EXIT,
	};
	struct bpf_func_info functions[2] = { { 0, 0 }, { 23, 0 } };
	union bpf_attr attr = {
		.func_info = pointer(functions),
		.func_info_rec_size = sizeof(functions[0]),
		.func_info_cnt = 2,
	};
	struct btf *own = btf__new_empty();
	int number = btf__add_int(own, "long long", 8, BTF_INT_SIGNED), prototype, i;

	prototype = btf__add_func_proto(own, number);
	btf__add_func_param(own, "context", number);
	functions[0].type_id = btf__add_func(own, "many", BTF_FUNC_GLOBAL, prototype);
	prototype = btf__add_func_proto(own, number);
	for (i = 0; i < COUNT; i++)
		btf__add_func_param(own, "argument", number);
	*function = functions[1].type_id = btf__add_func(own, "f", BTF_FUNC_STATIC, prototype);
	if (btf__load_into_kernel(own))
		return -1;
	attr.prog_btf_fd = btf__fd(own);
	return load_telling(&attr, body, sizeof(body) / sizeof(*body), BPF_PROG_TYPE_SCHED_CLS);
}

void check_many_arguments(void)
{
	static const uint64_t seen[] = { 1, COUNT, 1, 0, 0, 0, 5, A, B, C, -1ULL, A, MANY_RESULT };
	static const struct { const char *name; int kind; struct code code; int count; } tests[] = {
		{ "ten arguments: fentry", BPF_TRACE_FENTRY, CODE(entry), 12 },
		{ "ten arguments: fexit", BPF_TRACE_FEXIT, CODE(exit_), 13 },
	};
	int function, caller = load_caller(&function), link;
	unsigned int i;

	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		const char *name = tests[i].name;

		if (caller < 0) {
			fails(name, "no program: errno %d %s", errno, reason());
			continue;
		}
		forget();
		link = put(name, caller, function, tests[i].kind, &tests[i].code, 0);
		if (link < 0)
			continue;
		if (run(caller, FOLDED(MANY_RESULT)))
			fails(name, "see above");
		else if (!compare(name, 0, seen, tests[i].count))
			passes(name);
		close(link);
	}
	close(caller);
}
