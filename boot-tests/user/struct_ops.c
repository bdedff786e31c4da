// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs run where C calls them by a pointer?
 *
 * bpf_dummy_ops is there for tests: BPF_PROG_TEST_RUN has a trampoline made for a
 * program of it, and calls that.
 */

#include <stddef.h>

#include "trampolines.h"

enum { TEST_1, TEST_2, TEST_SLEEPABLE };

static int load_operation(const char *type, int member, const struct bpf_insn *body, int length,
			  int sleepable)
{
	int id = btf__find_by_name_kind(kernel_types, type, BTF_KIND_STRUCT);
	union bpf_attr attr = {
		.expected_attach_type = member,
		.attach_btf_id = id,
		.prog_flags = sleepable ? BPF_F_SLEEPABLE : 0,
	};

	return id < 0 ? id : load_telling(&attr, body, length, BPF_PROG_TYPE_STRUCT_OPS);
}

static void check_dummy(const char *name, int member, const struct bpf_insn *body, int length,
			const uint64_t *arguments, int count, int result)
{
	int program = load_operation("bpf_dummy_ops", member, body, length, member == TEST_SLEEPABLE);
	union bpf_attr attr = {
		.test.prog_fd = program,
		.test.ctx_in = pointer(arguments),
		.test.ctx_size_in = count * sizeof(*arguments),
	};

	if (program < 0) {
		fails(name, "not loaded: errno %d %s", errno, log_text);
		return;
	}
	if (!is_compiled(program))
		fails(name, "not compiled");
	else if (bpf(BPF_PROG_TEST_RUN, &attr))
		fails(name, "not run: errno %d", errno);
	else if ((int)attr.test.retval != result)
		fails(name, "returned %#x, not %#x", attr.test.retval, result);
	else
		passes(name);
	close(program);
}

/* Returns what the state has, and puts something else in its place. */
static const struct bpf_insn exchange[] = {
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
	BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 0, 2), BPF_MOV64_IMM(BPF_REG_0, -77), EXIT,
	BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 0), BPF_ST_MEM(BPF_W, BPF_REG_1, 0, 0x5a), EXIT,
};

/* The same where it is never null. */
static const struct bpf_insn exchange_there[] = {
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
	BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 0), BPF_ST_MEM(BPF_W, BPF_REG_1, 0, 0x5a), EXIT,
};

/* Tells the arguments. */
#define ARGUMENT(index) \
	BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_1, 8 * (index)), \
	BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 8 * (index))
static const struct bpf_insn tell[] = {
	TOLD_MAP(BPF_REG_2), ARGUMENT(1), ARGUMENT(2), ARGUMENT(3), ARGUMENT(4),
	BPF_MOV64_IMM(BPF_REG_0, 2), EXIT,
};

#define BODY(body) body, sizeof(body) / sizeof(*body)

/*
 * test_2(state *, int, unsigned short, char, unsigned long). The kernel passes each as
 * 64 bits. On 32-bit kernels C then finds other words: for the int none that is known,
 * for the short and the char the two of the first, for the long the first of the second.
 */
static void check_arguments(void)
{
	static const char name[] = "arguments of test_2";
	int is_wide = btf__pointer_size(kernel_types) == 8, i;
	int32_t state = 1;
	uint32_t words[4];
	uint64_t arguments[] = {
		pointer(&state), 0x1234800287658181, 0xfedcba9876548001, 0x8899aabbccddee85, 1ULL << 63 | 1,
	};
	uint64_t seen[] = { 0, (int32_t)0x87658181, 0x8001, 0x85, 1ULL << 63 | 1 };

	if (!is_wide) {
		memcpy(words, &arguments[1], sizeof(words));
		seen[2] = (uint16_t)words[0];
		seen[3] = (uint8_t)words[1];
		seen[4] = words[2];
	}
	forget();
	check_dummy("test_2", TEST_2, BODY(tell), arguments, 5, 2);
	for (i = is_wide ? 1 : 2; i < 5; i++)
		if (told()[i] != seen[i]) {
			fails(name, "%d is %#llx, not %#llx", i, (unsigned long long)told()[i],
			      (unsigned long long)seen[i]);
			return;
		}
	passes(name);
}

void check_struct_ops(void)
{
	int32_t state = 0x13579bdf;
	uint64_t argument[] = { pointer(&state) };
	uint64_t null[] = { 0 };

	check_dummy("test_1", TEST_1, BODY(exchange), argument, 1, 0x13579bdf);
	if (state != 0x5a)
		fails("test_1", "left %#x", state);
	check_dummy("test_1, null", TEST_1, BODY(exchange), null, 1, -77);
	state = -2;
	check_dummy("test_sleepable", TEST_SLEEPABLE, BODY(exchange_there), argument, 1, -2);
	if (state != 0x5a)
		fails("test_sleepable", "left %#x", state);
	check_arguments();
}
