// SPDX-License-Identifier: GPL-2.0
/*
 * Programs in the place of others' functions (extensions), and what is beyond
 * fentry and fexit: sessions, tail calls under a trampoline, and what must be refused.
 */

#include "trampolines.h"

#define KFUNC(which) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, which)
enum { IS_RETURN, COOKIE };
#define NOTSUPP 524	/* in the kernel alone */

/* Where TOLD is at FIRST, it counts runs; behind that are the cookie and the result. */
#define SESSION(first, value) \
	BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), TOLD_MAP(BPF_REG_7), KFUNC(IS_RETURN), \
	BPF_MOV64_REG(BPF_REG_8, BPF_REG_0), BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), KFUNC(COOKIE), \
	BPF_JMP_IMM(BPF_JNE, BPF_REG_8, 0, 9), \
	/* the first time */ \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_0, 0), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * (first) + 8), \
	INT64(BPF_REG_1, value), BPF_STX_MEM(BPF_DW, BPF_REG_0, BPF_REG_1, 0), \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_7, 8 * (first)), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * (first)), BPF_JMP_A(6), \
	/* the second time */ \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_0, 0), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * (first) + 16), \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 8 * 5), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * (first) + 24), \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_7, 8 * (first)), \
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 100), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * (first)), \
	RETURN

static const struct bpf_insn first_session[] = { SESSION(0, A) };
static const struct bpf_insn second_session[] = { SESSION(8, B) };

void check_sessions(void)
{
	static const uint64_t seen[] = { 101, 0, A, LONG_RESULT }, seen_too[] = { 101, 0, B, LONG_RESULT };
	static const char one[] = "a session", two[] = "two sessions";
	const struct code first = CODE(first_session), second = CODE(second_session);
	int link = put(one, target, in_long, BPF_TRACE_FSESSION, &first, 0), other;

	forget();
	if (link >= 0 && !run(target, RESULT) && !compare(one, 0, seen, 4))
		passes(one);
	other = put(two, target, in_long, BPF_TRACE_FSESSION, &second, 0);
	forget();
	if (link >= 0 && other >= 0 && !run(target, RESULT) && !compare(two, 0, seen, 4) &&
	    !compare(two, 8, seen_too, 4))
		passes(two);
	close(link);
	close(other);
}

static int load_extension(int function, const struct bpf_insn *body, int length)
{
	struct bpf_func_info functions[] = { { 0, function } };
	union bpf_attr attr = {
		.prog_btf_fd = btf__fd(types),
		.func_info = pointer(functions),
		.func_info_rec_size = sizeof(functions[0]),
		.func_info_cnt = 1,
		.attach_prog_fd = target,
		.attach_btf_id = function,
	};

	return load_telling(&attr, body, length, BPF_PROG_TYPE_EXT);
}

/* In the place of f(a, b): a - b. */
static const struct bpf_insn difference[] = {
	BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_2), EXIT,
};

/* In the place of the function of five: the last and the first. */
static const struct bpf_insn ends[] = {
	BPF_MOV64_REG(BPF_REG_0, BPF_REG_5), BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_1), EXIT,
};

static const struct bpf_insn length[] = {
	BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 0), BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 4711), EXIT,
};

static const struct bpf_insn seen_at_entry[] = { TELL(0, 2), TELL_ARGUMENT(0, 0), RETURN };
static const struct bpf_insn seen_at_exit[] = { TELL(8, 2), TELL_ARGUMENT(8, 1), TELL_ARGUMENT(8, 2), RETURN };

static void check_extension(const char *name, int function, const struct bpf_insn *body, int count,
			    uint32_t result)
{
	int program = load_extension(function, body, count), link;
	char text[64];

	if (program < 0) {
		fails(name, "not loaded: errno %d %s", errno, reason());
		return;
	}
	link = attach(program, 0, 0);
	if (link < 0)
		fails(name, "not attached: errno %d", errno);
	else if (run(target, result))
		fails(name, "see above");
	else
		passes(name);
	close(link);
	snprintf(text, sizeof(text), "%s: gone", name);
	if (run(target, RESULT))
		fails(text, "see above");
	else
		passes(text);
	close(program);
}

/* A trampoline at a program that has taken the place of a function. */
static void check_extended_extension(void)
{
	static const char name[] = "fentry and fexit of an extension";
	static const uint64_t entry[] = { 1, 2, -5ULL }, exit[] = { 1, 2 };
	const struct code at_entry = CODE(seen_at_entry), at_exit = CODE(seen_at_exit);
	int program = load_extension(in_int, difference, 3), links[3] = { -1, -1, -1 }, i;

	if (program >= 0) {
		links[0] = put(name, program, in_int, BPF_TRACE_FENTRY, &at_entry, 0);
		links[1] = put(name, program, in_int, BPF_TRACE_FEXIT, &at_exit, 0);
		links[2] = attach(program, 0, 0);
	}
	forget();
	if (links[0] < 0 || links[1] < 0 || links[2] < 0)
		fails(name, "not attached: errno %d %s", errno, reason());
	else if (run(target, RESULT - INT_RESULT + (-5 + 7)))
		fails(name, "see above");
	else if (!compare(name, 0, entry, 3) && !compare(name, 8, exit, 2)) {
		const uint64_t *found = told();

		if (found[11] != -7ULL || found[12] != -5 + 7)
			fails(name, "told %#llx and %#llx", (unsigned long long)found[11],
			      (unsigned long long)found[12]);
		else
			passes(name);
	}
	for (i = 0; i < 3; i++)
		close(links[i]);
	close(program);
}

/* C calls some of what an extension takes the place of, and wants no more than an int. */
static void check_long_extension(void)
{
	static const char name[] = "an extension that returns 64 bits";
	int is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint64_t result = (1ULL << 40) ^ A;
	int program, link;

	if (is_little && btf__pointer_size(kernel_types) == 4) {
		check_extension(name, in_long, ends, 3, RESULT - FOLDED(LONG_RESULT) + FOLDED(result));
		return;
	}
	program = load_extension(in_long, ends, 3);
	link = program < 0 ? -1 : attach(program, 0, 0);
	if (program >= 0 && is_compiled(program))
		fails(name, "is compiled");
	else
		passes(name);
	if (link >= 0 || (program >= 0 && errno != EINVAL))
		fails(name, "is attached: errno %d", errno);
	else
		passes("an extension that returns 64 bits: refused");
	close(link);
	close(program);
}

void check_extensions(void)
{
	check_extension("an extension", in_int, difference, 3, RESULT - INT_RESULT + (-5 + 7));
	check_extension("an extension of main", in_main, length, 3, 64 + 4711);
	check_long_extension();
	check_extended_extension();
}

static int make_array(int program)
{
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_PROG_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1,
	};
	union bpf_attr update = { .key = pointer(&key), .value = pointer(&program) };

	update.map_fd = bpf(BPF_MAP_CREATE, &attr);
	return bpf(BPF_MAP_UPDATE_ELEM, &update) ? -1 : (int)update.map_fd;
}

/* A function makes tail calls as long as there are some left: 33 of 50. A trampoline must not lose count. */
void check_tail_calls(void)
{
	static const char name[] = "tail calls of a function with a trampoline";
	struct bpf_insn one[] = { BPF_MOV64_IMM(BPF_REG_0, 1), EXIT };
	int array = make_array(load(one, 2, BPF_PROG_TYPE_SCHED_CLS)), kind;
	const struct bpf_insn body[] = {
		BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), BPF_MOV64_IMM(BPF_REG_7, 50), BPF_MOV64_IMM(BPF_REG_8, 0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), CALL(6),
		BPF_MOV32_REG(BPF_REG_0, BPF_REG_0), BPF_ALU64_REG(BPF_ADD, BPF_REG_8, BPF_REG_0),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_7, -1), BPF_JMP_IMM(BPF_JNE, BPF_REG_7, 0, -6),
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_8), EXIT,
		BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0, array),
		BPF_RAW_INSN(0, 0, 0, 0, 0), BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_tail_call),
		BPF_MOV64_IMM(BPF_REG_0, 1000), EXIT,
	};
	/* The function takes the context, as main does. */
	struct bpf_func_info functions[] = { { 0, in_main }, { 11, in_static } };
	union bpf_attr attr = {
		.prog_btf_fd = btf__fd(types),
		.func_info = pointer(functions),
		.func_info_rec_size = sizeof(functions[0]),
		.func_info_cnt = 2,
	};
	const struct bpf_insn count[] = { TELL(0, 1), RETURN };
	const struct code counting = CODE(count);
	int program = load_telling(&attr, body, sizeof(body) / sizeof(*body), BPF_PROG_TYPE_SCHED_CLS);

	for (kind = 0; kind < 2; kind++) {
		int type = kind ? BPF_TRACE_FEXIT : BPF_TRACE_FENTRY;
		int link = program < 0 ? -1 : put(name, program, in_static, type, &counting, 0);

		forget();
		if (link < 0)
			fails(name, "errno %d %s", errno, reason());
		else if (run(program, 33 + 17 * 1000))
			fails(name, "see above");
		else if (told()[0] != 50)
			fails(name, "ran %d times", (int)told()[0]);
		else
			passes(kind ? "tail calls and fexit" : "tail calls and fentry");
		close(link);
	}
	close(program);
}

/* What MIPS cannot do, and what no architecture can. */
void check_refusals(void)
{
	static const char fmod[] = "fmod_ret of a program", kernel[] = "fentry of a function of the kernel";
	const struct bpf_insn body[] = { RETURN };
	union bpf_attr attr = {
		.expected_attach_type = BPF_TRACE_FENTRY,
		.attach_btf_id = btf__find_by_name_kind(kernel_types, "bpf_fentry_test1", BTF_KIND_FUNC),
	};
	int program = load_for(target, in_int, BPF_MODIFY_RETURN, body, 2);

	if (program >= 0 || !strstr(reason(), "can't modify return codes of BPF programs"))
		fails(fmod, "errno %d %s", errno, reason());
	else
		passes(fmod);
	close(program);
	program = load_telling(&attr, body, 2, BPF_PROG_TYPE_TRACING);
	if (program < 0)
		fails(kernel, "not loaded: errno %d %s", errno, reason());
	else if (attach(program, BPF_TRACE_FENTRY, 0) >= 0 || errno != NOTSUPP)
		fails(kernel, "errno %d, not %d", errno, NOTSUPP);
	else
		passes(kernel);
	close(program);
}
