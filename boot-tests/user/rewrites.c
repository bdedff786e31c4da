// SPDX-License-Identifier: GPL-2.0
/*
 * Does the JIT take what the kernel rewrites programs to, if there is one?
 *
 * Helpers that are a load, addresses of what each processor has of its own, loops
 * that look at the clock, jumps through arrays of instructions, exceptions, and
 * stacks of their own for programs that interrupt others.
 */

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>

#include <bpf/btf.h>

#include "programs.h"

#define EXIT BPF_EXIT_INSN()
#define THROW BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, 0)
#define CALL(distance) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, distance)
#define MAY_GOTO(distance) BPF_RAW_INSN(BPF_JMP | BPF_JCOND, 0, BPF_MAY_GOTO, distance, 0)
#define GOTOX(reg) BPF_RAW_INSN(BPF_JMP | BPF_JA | BPF_X, reg, 0, 0, 0)
/* Of maps: by its descriptor, and its first value. */
#define MAP(reg, map) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, map), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)
#define VALUE(reg, map) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_VALUE, 0, map), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)
enum { COUNTERS, TARGETS, PROGRAMS, MAPS };

#define PID 0x7000		/* stands for the offset in struct task_struct */

struct test {
	const char *name;
	struct bpf_insn body[40];
	int packet;		/* its length; 0: 64 */
	uint32_t result;
};

static struct btf *types;
static int maps[MAPS], passed, failed;

static const struct test tests[] = {
	{ "processor", { BPF_EMIT_CALL(BPF_FUNC_get_smp_processor_id), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, 5), FOLD(BPF_REG_6), EXIT }, 0, 5 },
	/* It is a long, and a kernel's address. */
	{ "task, its sign", { BPF_EMIT_CALL(BPF_FUNC_get_current_task), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0),
	  BPF_ALU64_IMM(BPF_ARSH, BPF_REG_6, 63), BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, 10), FOLD(BPF_REG_6),
	  EXIT }, 0, 9 },
	{ "task, its pid", { BPF_EMIT_CALL(BPF_FUNC_get_current_task_btf),
	  BPF_LDX_MEM(BPF_W, BPF_REG_6, BPF_REG_0, PID), FOLD(BPF_REG_6), EXIT }, 0, PID },
	{ "task, its pid by the other", { BPF_EMIT_CALL(BPF_FUNC_get_current_task),
	  BPF_MOV64_REG(BPF_REG_3, BPF_REG_0), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, PID),
	  BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -8),
	  BPF_MOV64_IMM(BPF_REG_2, 4), BPF_EMIT_CALL(BPF_FUNC_probe_read_kernel),
	  BPF_LDX_MEM(BPF_W, BPF_REG_6, BPF_REG_10, -8), FOLD(BPF_REG_6), EXIT }, 0, PID },
	{ "this processor's value", { VALUE(BPF_REG_7, COUNTERS), BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_7, 8),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1000), BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8),
	  VALUE(BPF_REG_8, COUNTERS), BPF_LDX_MEM(BPF_DW, BPF_REG_6, BPF_REG_8, 8), FOLD(BPF_REG_6), EXIT },
	  0, 1000 },
	/* What a helper finds there, which is told the map. */
	{ "this processor's value, looked up", { BPF_ST_MEM(BPF_W, BPF_REG_10, -4, 0), MAP(BPF_REG_1, COUNTERS),
	  BPF_MOV64_REG(BPF_REG_2, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, -4),
	  BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem), BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 1), EXIT,
	  BPF_LDX_MEM(BPF_DW, BPF_REG_6, BPF_REG_0, 8), FOLD(BPF_REG_6), EXIT }, 0, 1000 },
	/*
	 * The verifier follows a doubleword to the half that is left of it when nobody reads the other, and
	 * drops the way that it takes for one that is not gone: which half that is, is the machine's order.
	 */
	{ "half of a doubleword", { BPF_LDX_MEM(BPF_W, BPF_REG_1, BPF_REG_1, offsetof(struct __sk_buff, mark)),
	  BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 5), BPF_JMP_IMM(BPF_JEQ, BPF_REG_1, 7, 1),
	  BPF_MOV64_IMM(BPF_REG_3, 3), BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_10, -8),
	  BPF_JMP_IMM(BPF_JEQ, BPF_REG_2, FIRST(5ULL, 32), 2), BPF_MOV64_IMM(BPF_REG_6, 100),
	  BPF_JMP_IMM(BPF_JA, 0, 0, 1), BPF_MOV64_IMM(BPF_REG_6, 1), FOLD(BPF_REG_6), EXIT }, 0, 1 },
	/* All registers are as they were, each time round: more often than the clock is looked at once. */
	{ "a loop that may go on", {
	  /* 0, of which the verifier does not know. */
	  BPF_LDX_MEM(BPF_W, BPF_REG_6, BPF_REG_1, offsetof(struct __sk_buff, mark)),
	  BPF_MOV64_REG(BPF_REG_0, BPF_REG_6), BPF_MOV64_REG(BPF_REG_5, BPF_REG_6),
	  BPF_MOV64_IMM(BPF_REG_1, 1), BPF_MOV64_IMM(BPF_REG_2, 2), BPF_MOV64_IMM(BPF_REG_3, 3),
	  BPF_MOV64_IMM(BPF_REG_4, 4),
	  MAY_GOTO(4),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_6, 1), BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 2),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_5, 3), BPF_JMP_A(-5),
	  BPF_MOV64_REG(BPF_REG_7, BPF_REG_6), BPF_ALU64_IMM(BPF_MUL, BPF_REG_7, 2),
	  BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_7),		/* 0 */
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_7, BPF_REG_6), BPF_ALU64_REG(BPF_SUB, BPF_REG_7, BPF_REG_5),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_7),		/* 0 */
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_1), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_2),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_3), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_4),
	  BPF_JMP_IMM(BPF_JLE, BPF_REG_6, 0xffff, 1), BPF_ALU64_IMM(BPF_ADD, BPF_REG_0, 100), EXIT },
	  0, 110 },
#define JUMP_THROUGH_TARGETS \
	BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, len)), \
	BPF_ALU64_IMM(BPF_AND, BPF_REG_2, 1), BPF_ALU64_IMM(BPF_LSH, BPF_REG_2, 3), \
	VALUE(BPF_REG_3, TARGETS), BPF_ALU64_REG(BPF_ADD, BPF_REG_3, BPF_REG_2), \
	BPF_LDX_MEM(BPF_DW, BPF_REG_4, BPF_REG_3, 0), GOTOX(BPF_REG_4), \
	BPF_MOV64_IMM(BPF_REG_0, 500), EXIT, BPF_MOV64_IMM(BPF_REG_0, 600), EXIT
	{ "the first target", { JUMP_THROUGH_TARGETS }, 64, 500 },
	{ "the second target", { JUMP_THROUGH_TARGETS }, 65, 600 },
	/* What is behind a throw is not executed, but as far as the verifier knows it could be. */
#define IF_MARKED(distance) \
	BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, mark)), \
	BPF_JMP_IMM(BPF_JNE, BPF_REG_2, 0, distance)
	{ "an exception", { IF_MARKED(2), BPF_MOV64_IMM(BPF_REG_1, 42), THROW,
	  BPF_MOV64_IMM(BPF_REG_0, 1), EXIT }, 0, 42 },
	{ "an exception below two functions", {
	  BPF_MOV64_IMM(BPF_REG_6, 6), BPF_MOV64_IMM(BPF_REG_9, 9), BPF_ST_MEM(BPF_DW, BPF_REG_10, -64, 1),
	  CALL(2), BPF_MOV64_IMM(BPF_REG_0, 1), EXIT,
	  BPF_MOV64_IMM(BPF_REG_7, 7), BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 2), CALL(2),
	  BPF_MOV64_IMM(BPF_REG_0, 2), EXIT,
	  BPF_MOV64_IMM(BPF_REG_6, 0), BPF_MOV64_IMM(BPF_REG_7, 0), BPF_MOV64_IMM(BPF_REG_8, 0),
	  BPF_MOV64_IMM(BPF_REG_9, 0), IF_MARKED(2), BPF_MOV64_IMM(BPF_REG_1, 77), THROW,
	  BPF_MOV64_IMM(BPF_REG_0, 3), EXIT }, 0, 77 },
	{ "an exception behind a tail call", { MAP(BPF_REG_2, PROGRAMS), BPF_MOV64_IMM(BPF_REG_3, 0),
	  BPF_EMIT_CALL(BPF_FUNC_tail_call), BPF_MOV64_IMM(BPF_REG_0, 1), EXIT }, 0, 99 },
};

/* Of a member of a structure; -1 if there is none. */
static int offset_of(const char *structure, const char *member)
{
	int id = btf__find_by_name_kind(types, structure, BTF_KIND_STRUCT), i;
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(types, id);

	for (i = 0; type && i < (int)btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(types, btf_members(type)[i].name_off), member))
			return btf_member_bit_offset(type, i) / 8;
	return -1;
}

/* Puts numbers where something stands for them. */
static void resolve(struct bpf_insn *program, int length)
{
	int i;

	for (i = 0; i < length; i++) {
		struct bpf_insn *insn = &program[i];
		int is_load = insn->code == (BPF_LD | BPF_DW | BPF_IMM);

		if (is_load && insn->src_reg)
			insn->imm = maps[insn->imm];
		if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
			insn->imm = btf__find_by_name_kind(types, "bpf_throw", BTF_KIND_FUNC);
		if (insn->off == PID)
			insn->off = offset_of("task_struct", "pid");
		if (insn->imm == PID)
			insn->imm = offset_of("task_struct", "pid");
	}
}

static int load_resolved(const struct bpf_insn *body, int length, int type)
{
	struct bpf_insn program[40];

	memcpy(program, body, length * sizeof(*body));
	resolve(program, length);
	return load(program, length, type);
}

static void note(int number, const char *name, int is_right)
{
	if (is_right) {
		printf("#%d %s PASS\n", number, name);
		passed++;
	} else {
		failed++;
	}
}

static void check(int number, const struct test *test)
{
	static const char packet[65];
	int length = length_of(test->body, sizeof(test->body) / sizeof(*test->body));
	uint32_t result = test->result == PID ? (uint32_t)getpid() : test->result;

	note(number, test->name,
	     check_run(number, test->name, load_resolved(test->body, length, BPF_PROG_TYPE_SCHED_CLS),
		       packet, test->packet ?: 64, 1, result));
}

/* R10 of a program with so many bytes of stack, which may interrupt others. */
static int find_stack(int bytes, uint32_t *stack)
{
	struct bpf_insn body[] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -bytes, 1),
		BPF_LDX_MEM(BPF_DW, BPF_REG_6, BPF_REG_10, -bytes),
		BPF_MOV64_REG(BPF_REG_0, BPF_REG_10),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_6),
		EXIT,
	};
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = load(body, sizeof(body) / sizeof(*body), BPF_PROG_TYPE_RAW_TRACEPOINT);
	if ((int)attr.test.prog_fd < 0 || bpf(BPF_PROG_TEST_RUN, &attr)) {
		printf("a program with %d bytes of stack: errno %d %s\n", bytes, errno, log_text);
		return 0;
	}
	*stack = attr.test.retval - 1;
	close(attr.test.prog_fd);
	return 1;
}

/* A little stack is the thread's, which has 8 KiB at a multiple of that, or 16; much is not. */
static void check_stack(int number)
{
	static const char name[] = "a stack of its own";
	uint32_t little = 0, much = 0, again = 0;
	int is_right = find_stack(8, &little) && find_stack(512, &much) && find_stack(512, &again) &&
		       (little ^ much) >> 14 && !(much % 8);

	if (!is_right)
		printf("#%d %s FAIL R10 is %#x, %#x, %#x\n", number, name, little, much, again);
	note(number, name, is_right);
}

static int make_map(int type, int size, int count)
{
	union bpf_attr attr = {
		.map_type = type,
		.key_size = 4,
		.value_size = size,
		.max_entries = count,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

static int update(int map, uint32_t key, const void *value)
{
	union bpf_attr attr = { .map_fd = map, .key = pointer(&key), .value = pointer(value) };

	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

static int set_jit(const char *text)
{
	int file = open("/proc/sys/net/core/bpf_jit_enable", O_WRONLY);
	int is_set = file >= 0 && write(file, text, 1) == 1;

	close(file);
	return is_set;
}

/*
 * Not a rewriting: without a JIT, a program that is jumped to has the stack of the one that
 * the interpreter was called for, which has none itself. It fills all that it may use.
 */
static void check_interpreted(int number)
{
	static const char name[] = "all of the stack behind a tail call, interpreted";
	struct bpf_insn fills[66] = { 0 };
	struct bpf_insn calls[] = { MAP(BPF_REG_2, PROGRAMS), BPF_MOV64_IMM(BPF_REG_3, 0),
				    BPF_EMIT_CALL(BPF_FUNC_tail_call), BPF_MOV64_IMM(BPF_REG_0, 1), EXIT };
	static const char packet[64];
	union bpf_attr attr = { .test.data_in = pointer(packet), .test.data_size_in = sizeof(packet) };
	int programs = maps[PROGRAMS], target = -1, caller = -1, is_right, i;

	for (i = 0; i < 64; i++)
		fills[i] = BPF_ST_MEM(BPF_DW, BPF_REG_10, -8 * (i + 1), 0x5a5a5a5a);
	fills[64] = BPF_MOV64_IMM(BPF_REG_0, 7);
	fills[65] = EXIT;
	/* Such an array has either compiled or interpreted programs. */
	maps[PROGRAMS] = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	is_right = set_jit("0");
	if (is_right) {
		target = load(fills, 66, BPF_PROG_TYPE_SCHED_CLS);
		is_right = target >= 0 && !update(maps[PROGRAMS], 0, &target);
		caller = load_resolved(calls, sizeof(calls) / sizeof(*calls), BPF_PROG_TYPE_SCHED_CLS);
		is_right = is_right && caller >= 0 && !is_compiled(caller);
		attr.test.prog_fd = caller;
		is_right = is_right && !bpf(BPF_PROG_TEST_RUN, &attr) && attr.test.retval == 7;
	}
	if (!is_right)
		printf("#%d %s FAIL ret %u, errno %d %s\n", number, name, attr.test.retval, errno, log_text);
	note(number, name, is_right);
	set_jit("1");
	close(target);
	close(caller);
	close(maps[PROGRAMS]);
	maps[PROGRAMS] = programs;
}

/* An array of instructions is of one program. */
static int make_targets(void)
{
	static const uint32_t targets[] = { 8, 10 };
	union bpf_attr freeze = { 0 };
	uint32_t i;

	maps[TARGETS] = make_map(BPF_MAP_TYPE_INSN_ARRAY, sizeof(struct bpf_insn_array_value), 2);
	for (i = 0; i < 2; i++) {
		struct bpf_insn_array_value value = { .orig_off = targets[i] };

		if (update(maps[TARGETS], i, &value))
			return -1;
	}
	freeze.map_fd = maps[TARGETS];
	return bpf(BPF_MAP_FREEZE, &freeze);
}

static int prepare(void)
{
	static const struct bpf_insn throws[] = { BPF_MOV64_IMM(BPF_REG_1, 99), THROW,
						  BPF_MOV64_IMM(BPF_REG_0, 2), EXIT };
	int program = load_resolved(throws, 4, BPF_PROG_TYPE_SCHED_CLS);

	maps[COUNTERS] = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 16, 1);
	maps[PROGRAMS] = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 1);
	return program < 0 || update(maps[PROGRAMS], 0, &program);
}

int main(void)
{
	unsigned int i, n = sizeof(tests) / sizeof(*tests);

	types = btf__load_vmlinux_btf();
	if (!types || prepare()) {
		printf("no types, no maps, or no program: errno %d %s\n", errno, log_text);
		return 2;
	}
	for (i = 0; i < n; i++) {
		if (make_targets()) {
			printf("no array of instructions: errno %d\n", errno);
			return 3;
		}
		check(i, &tests[i]);
		close(maps[TARGETS]);
	}
	check_stack(n);
	check_interpreted(n + 1);
	printf("Summary: %d PASSED, %d FAILED\n", passed, failed);
	return failed != 0;
}
