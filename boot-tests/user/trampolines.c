// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs run where they are attached to other programs?
 *
 * A target has functions of all kinds; programs that are attached to them tell what
 * they see in a map, and the target must return what it returns without them.
 */

#include <stdarg.h>
#include <stdlib.h>

#include "trampolines.h"

struct btf *kernel_types;
int told_map;
static int passed, failed;
struct btf *types;
int target, in_main, in_long, in_int, in_static, in_callback;

int passes(const char *name)
{
	printf("#%d %s PASS\n", passed++ + failed, name);
	return 0;
}

int fails(const char *name, const char *format, ...)
{
	va_list args;

	printf("#%d %s FAIL ", passed + failed++, name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	return -1;
}

static long element(int command, void *value)
{
	uint32_t key = 0;
	union bpf_attr attr = { .map_fd = told_map, .key = pointer(&key), .value = pointer(value) };

	return bpf(command, &attr);
}

const uint64_t *told(void)
{
	static uint64_t values[TOLD];

	if (element(BPF_MAP_LOOKUP_ELEM, values))
		memset(values, 0xdd, sizeof(values));
	return values;
}

void forget(void)
{
	uint64_t values[TOLD] = { 0 };

	element(BPF_MAP_UPDATE_ELEM, values);
}

const char *reason(void)
{
	return log_text;
}

int load_telling(union bpf_attr *attr, const struct bpf_insn *body, int length, int type)
{
	struct bpf_insn program[64];
	uint32_t flags = attr->prog_flags;
	int i;

	memcpy(program, body, length * sizeof(*body));
	for (i = 0; i < length; i++) {
		if (program[i].code == (BPF_LD | BPF_DW | BPF_IMM) &&
		    program[i].src_reg == BPF_PSEUDO_MAP_VALUE)
			program[i].imm = told_map;
		/* Kernel functions have numbers for names, of two that there are. */
		if (program[i].code == (BPF_JMP | BPF_CALL) &&
		    program[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			program[i].imm = btf__find_by_name_kind(kernel_types,
				program[i].imm ? "bpf_session_cookie" : "bpf_session_is_return",
				BTF_KIND_FUNC);
	}
	attr->prog_type = type;
	attr->prog_flags = flags;
	attr->insns = pointer(program);
	attr->insn_cnt = length;
	attr->license = pointer("GPL");
	attr->log_buf = pointer(log_text);
	attr->log_size = sizeof(log_text);
	attr->log_level = 1;
	log_text[0] = 0;
	return bpf(BPF_PROG_LOAD, attr);
}

/* int main(struct __sk_buff *); long f(long, long, long, long, long); int f(int, char) twice; int f(u32, void *) */
static int make_types(void)
{
	int number, lengthy, byte, context, pointer_to, prototype, i;

	types = btf__new_empty();
	number = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
	lengthy = btf__add_int(types, "long", 8, BTF_INT_SIGNED);
	byte = btf__add_int(types, "char", 1, BTF_INT_SIGNED);
	context = btf__add_struct(types, "__sk_buff", 4);
	btf__add_field(types, "len", number, 0, 0);
	pointer_to = btf__add_ptr(types, context);
	prototype = btf__add_func_proto(types, number);
	btf__add_func_param(types, "skb", pointer_to);
	in_main = btf__add_func(types, "main", BTF_FUNC_GLOBAL, prototype);
	prototype = btf__add_func_proto(types, lengthy);
	for (i = 0; i < 5; i++)
		btf__add_func_param(types, "a", lengthy);
	in_long = btf__add_func(types, "long_function", BTF_FUNC_GLOBAL, prototype);
	prototype = btf__add_func_proto(types, number);
	btf__add_func_param(types, "a", number);
	btf__add_func_param(types, "b", byte);
	in_int = btf__add_func(types, "int_function", BTF_FUNC_GLOBAL, prototype);
	in_static = btf__add_func(types, "static_function", BTF_FUNC_STATIC, prototype);
	in_callback = btf__add_func(types, "callback", BTF_FUNC_STATIC, prototype);
	return btf__load_into_kernel(types);
}

static int load_target(void)
{
	static const struct bpf_insn body[] = {
		/* 0: main */
		INT64(BPF_REG_1, A), INT64(BPF_REG_2, B), INT64(BPF_REG_3, C),
		BPF_MOV64_IMM(BPF_REG_4, -3), INT64(BPF_REG_5, 1ULL << 40), CALL(23),
		/* 10 */
		FOLD(BPF_REG_0), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0),
		BPF_MOV64_IMM(BPF_REG_1, -5), BPF_MOV64_IMM(BPF_REG_2, -7), CALL(21),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_6, BPF_REG_0),
		/* 19 */
		INT64(BPF_REG_1, 7ULL << 32 | 1234), BPF_MOV64_IMM(BPF_REG_2, 7), CALL(19),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_6, BPF_REG_0),
		/* 24: called back */
		BPF_MOV64_IMM(BPF_REG_1, 10), ADDRESS(BPF_REG_2, 20), BPF_MOV64_IMM(BPF_REG_3, 0),
		BPF_MOV64_IMM(BPF_REG_4, 0), BPF_EMIT_CALL(BPF_FUNC_loop),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_6, BPF_REG_0),
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_6), EXIT,
		/* 33: long */
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_2),
		BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_3), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_4),
		BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_5), EXIT,
		/* 39: int */
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_2), EXIT,
		/* 42: static, which uses 64 bits of its int */
		BPF_ALU64_IMM(BPF_RSH, BPF_REG_1, 32), BPF_MOV64_REG(BPF_REG_0, BPF_REG_1),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 1234), EXIT,
		/* 46: callback */
		BPF_MOV64_IMM(BPF_REG_0, 0), EXIT,
	};
	struct bpf_func_info functions[] = {
		{ 0, in_main }, { 33, in_long }, { 39, in_int }, { 42, in_static }, { 46, in_callback },
	};
	union bpf_attr attr = {
		.prog_btf_fd = btf__fd(types),
		.func_info = pointer(functions),
		.func_info_rec_size = sizeof(functions[0]),
		.func_info_cnt = sizeof(functions) / sizeof(*functions),
	};

	return load_telling(&attr, body, sizeof(body) / sizeof(*body), BPF_PROG_TYPE_SCHED_CLS);
}

/* Loads a program that is to be attached to a function of a target. */
int load_for(int to, int function, int kind, const struct bpf_insn *body, int length)
{
	union bpf_attr attr = {
		.expected_attach_type = kind,
		.attach_prog_fd = to,
		.attach_btf_id = function,
	};

	return load_telling(&attr, body, length, BPF_PROG_TYPE_TRACING);
}

int attach(int program, int kind, uint64_t cookie)
{
	union bpf_attr attr = {
		.link_create.prog_fd = program,
		.link_create.attach_type = kind,
		.link_create.tracing.cookie = cookie,
	};

	return bpf(BPF_LINK_CREATE, &attr);
}

/* Runs a program once; what it returns must be this. */
int run(int program, uint32_t result)
{
	static const char packet[64];
	union bpf_attr attr = {
		.test.prog_fd = program,
		.test.data_in = pointer(packet),
		.test.data_size_in = sizeof(packet),
	};

	if (bpf(BPF_PROG_TEST_RUN, &attr)) {
		printf("not run: errno %d\n", errno);
		return -1;
	}
	if (attr.test.retval != result) {
		printf("the target returned %#x, not %#x\n", attr.test.retval, result);
		return -1;
	}
	return 0;
}

/* Any fentry program at 0, any fexit program at 8. */
static const struct bpf_insn long_entry[] = {
	TELL(0, 5), TELL_ARGUMENT(0, 0), TELL_ARGUMENT(0, 1), TELL_ARGUMENT(0, 2), TELL_ARGUMENT(0, 3),
	TELL_ARGUMENT(0, 4), RETURN,
};
static const struct bpf_insn long_exit[] = {
	TELL(8, 5), TELL_ARGUMENT(8, 0), TELL_ARGUMENT(8, 1), TELL_ARGUMENT(8, 2), TELL_ARGUMENT(8, 3),
	TELL_ARGUMENT(8, 4), TELL_ARGUMENT(8, 5), RETURN,
};
static const struct bpf_insn short_entry[] = {
	TELL(0, 2), TELL_ARGUMENT(0, 0), TELL_ARGUMENT(0, 1), RETURN,
};
static const struct bpf_insn short_exit[] = {
	TELL(8, 2), TELL_ARGUMENT(8, 0), TELL_ARGUMENT(8, 1), TELL_ARGUMENT(8, 2), RETURN,
};
static const struct bpf_insn main_entry[] = { TELL(0, 1), RETURN };
static const struct bpf_insn main_exit[] = { TELL(8, 1), TELL_ARGUMENT(8, 1), RETURN };

/* What programs are told to have seen; 1, and what follows. */
int compare(const char *name, int first, const uint64_t *values, int count)
{
	const uint64_t *found = told();
	int i;

	for (i = 0; i < count; i++)
		if (found[first + i] != values[i])
			return fails(name, "%d is %#llx, not %#llx", first + i,
				     (unsigned long long)found[first + i], (unsigned long long)values[i]);
	return 0;
}

#define SAW(name, first, ...) \
	compare(name, first, (const uint64_t[]){ __VA_ARGS__ }, \
		sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* Loads a program and attaches it, which can be done once. Its link, or less than 0. */
int put(const char *name, int to, int function, int kind, const struct code *code, uint64_t cookie)
{
	int program = load_for(to, function, kind, code->body, code->length);
	int link;

	if (program < 0)
		return fails(name, "not loaded: errno %d %s", errno, log_text);
	if (!is_compiled(program))
		fails(name, "not compiled");
	link = attach(program, kind, cookie);
	if (link < 0)
		fails(name, "not attached: errno %d", errno);
	close(program);
	return link;
}

/* What runs at a function: fentry and fexit, and how often each sees it. */
struct function {
	const char *name;
	int type;
	struct code entry, exit;
	const uint64_t *seen;	/* 1, how many arguments, these, and the result */
	int arguments;
	unsigned int calls;
};

/* Both kinds of program at a function: alone, together, and gone again. */
static void check_function(const struct function *f)
{
	enum { ENTRY = 1, EXIT_ = 2, SWAPPED = 4 };
	static const int rounds[] = { ENTRY, EXIT_, ENTRY | EXIT_, ENTRY | EXIT_ | SWAPPED, 0 };
	static const char *const names[] = { "fentry", "fexit", "both", "fexit first", "none" };
	unsigned int i;

	for (i = 0; i < sizeof(rounds) / sizeof(*rounds); i++) {
		int round = rounds[i], entry = -1, exit = -1;
		unsigned int ran[2] = { round & ENTRY ? f->calls : 0, round & EXIT_ ? f->calls : 0 };
		char name[64];

		snprintf(name, sizeof(name), "%s: %s", f->name, names[i]);
		if (round & SWAPPED)
			exit = put(name, target, f->type, BPF_TRACE_FEXIT, &f->exit, 0);
		if (round & ENTRY)
			entry = put(name, target, f->type, BPF_TRACE_FENTRY, &f->entry, 0);
		if (round & EXIT_ && !(round & SWAPPED))
			exit = put(name, target, f->type, BPF_TRACE_FEXIT, &f->exit, 0);
		forget();
		if ((round & ENTRY && entry < 0) || (round & EXIT_ && exit < 0))
			;
		else if (run(target, RESULT))
			fails(name, "see above");
		else if (told()[0] != ran[0] || told()[8] != ran[1])
			fails(name, "ran %d and %d times", (int)told()[0], (int)told()[8]);
		else if (!(round & ENTRY && f->seen && compare(name, 0, f->seen, 2 + f->arguments)) &&
			 !(round & EXIT_ && f->seen && compare(name, 8, f->seen, 3 + f->arguments)))
			passes(name);
		close(entry);
		close(exit);
	}
}

static void check_attaching(void)
{
	static const uint64_t longs[] = { 1, 5, A, B, C, -3ULL, 1ULL << 40, LONG_RESULT };
	static const uint64_t ints[] = { 1, 2, -5ULL, -7ULL, INT_RESULT };
	static const uint64_t statics[] = { 1, 2, 7ULL << 32 | 1234, 7, STATIC_RESULT };
	const struct function functions[] = {
		{ "five arguments", in_long, CODE(long_entry), CODE(long_exit), longs, 5, 1 },
		{ "small numbers", in_int, CODE(short_entry), CODE(short_exit), ints, 2, 1 },
		{ "a static function", in_static, CODE(short_entry), CODE(short_exit), statics, 2, 1 },
		{ "a callback", in_callback, CODE(short_entry), CODE(short_exit), NULL, 2, 10 },
		{ "main", in_main, CODE(main_entry), CODE(main_exit), NULL, 1, 1 },
	};
	static const char name[] = "the result of main";
	struct code exit = CODE(main_exit);
	unsigned int i;
	int link;

	for (i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		check_function(&functions[i]);
	link = put(name, target, in_main, BPF_TRACE_FEXIT, &exit, 0);
	forget();
	if (link >= 0 && !run(target, RESULT) && !SAW(name, 8, 1, 1, told()[10], (int64_t)(int32_t)RESULT))
		passes(name);
	close(link);
}

int main(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8 * TOLD,
		.max_entries = 1,
	};

	kernel_types = btf__load_vmlinux_btf();
	told_map = bpf(BPF_MAP_CREATE, &attr);
	if (!kernel_types || told_map < 0 || make_types() || (target = load_target()) < 0) {
		printf("no types, no map, or no target: errno %d %s\n", errno, log_text);
		return 2;
	}
	if (!is_compiled(target))
		fails("the target", "is not compiled");
	check_struct_ops();
	check_congestion_control();
	check_attaching();
	check_sessions();
	check_extensions();
	check_tail_calls();
	check_many_arguments();
	check_refusals();
	printf("Summary: %d PASSED, %d FAILED\n", passed, failed);
	return failed != 0;
}
