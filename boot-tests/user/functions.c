// SPDX-License-Identifier: GPL-2.0
/*
 * Do the functions of a program work together?
 *
 * A program of several functions has them called by each other, by the kernel
 * (callbacks), and makes tail calls from them, all of which count together.
 */

#include <linux/btf.h>

#include "programs.h"

#define INT64(reg, value) BPF_LD_IMM64(reg, value)
/* Of functions that follow, by the distance from the next instruction. */
#define CALL(distance) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, distance)
#define ADDRESS(reg, distance) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_FUNC, 0, distance), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)
#define MAP(reg, which) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_FD, 0, which), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)
/* In the place of descriptors: which map. */
enum { PROGRAMS = 1, VALUES };
#define EXIT BPF_EXIT_INSN()

#define A 0x8899aabbccddeeffULL
#define B 0x1122334455667788ULL
#define C 0xfedcba9876543210ULL

static int programs, values, types;
static int passed, failed;

struct test {
	const char *name;
	struct bpf_insn body[48];	/* as far as opcodes are not zero, or are of two slots */
	uint32_t result;
};

static const struct test tests[] = {
	{ "five arguments, a result of 64 bits", {
	  INT64(BPF_REG_1, A), INT64(BPF_REG_2, B), INT64(BPF_REG_3, C),
	  BPF_MOV64_IMM(BPF_REG_4, -3), INT64(BPF_REG_5, 1ULL << 40), CALL(5),
	  FOLD(BPF_REG_0), EXIT,
	  BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_2),
	  BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_3), BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_4),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_5), EXIT },
	  FOLDED(((A + B) ^ C) + 3 + (1ULL << 40)) },
	{ "what the caller has stays", {
	  INT64(BPF_REG_6, A), INT64(BPF_REG_7, B), BPF_MOV64_IMM(BPF_REG_8, -8), BPF_MOV64_IMM(BPF_REG_9, 9),
	  BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, -8), CALL(9),
	  BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_1),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_6), BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_8),
	  FOLD(BPF_REG_0), EXIT,
	  BPF_MOV64_IMM(BPF_REG_6, 1), BPF_MOV64_IMM(BPF_REG_7, 2), BPF_MOV64_IMM(BPF_REG_8, 3),
	  BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 5), BPF_MOV64_IMM(BPF_REG_1, 7), CALL(3),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_7), BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8), EXIT,
	  BPF_MOV64_IMM(BPF_REG_7, 100), BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 6),
	  BPF_MOV64_REG(BPF_REG_0, BPF_REG_1), EXIT },
	  FOLDED((9 + B + A) ^ -8ULL) },
	/* void *callback(u32 index, void *context) */
	{ "bpf_loop", {
	  BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0), BPF_MOV64_IMM(BPF_REG_1, 100), ADDRESS(BPF_REG_2, 10),
	  BPF_MOV64_REG(BPF_REG_3, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, -8),
	  BPF_MOV64_IMM(BPF_REG_4, 0), BPF_EMIT_CALL(BPF_FUNC_loop),
	  BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, -8), BPF_ALU64_IMM(BPF_MUL, BPF_REG_0, 1000000),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_1), BPF_MOV64_REG(BPF_REG_0, BPF_REG_0), EXIT,
	  BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_2, 0), BPF_ALU64_REG(BPF_ADD, BPF_REG_3, BPF_REG_1),
	  BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 0), BPF_MOV64_IMM(BPF_REG_0, 0), EXIT },
	  100 * 1000000 + 4950 },
	/* long callback(struct bpf_map *map, u32 *key, u64 *value, void *context): two on o32's stack */
	{ "bpf_for_each_map_elem", {
	  BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0), MAP(BPF_REG_1, VALUES), ADDRESS(BPF_REG_2, 11),
	  BPF_MOV64_REG(BPF_REG_3, BPF_REG_10), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, -8),
	  BPF_MOV64_IMM(BPF_REG_4, 0), BPF_EMIT_CALL(BPF_FUNC_for_each_map_elem),
	  BPF_LDX_MEM(BPF_DW, BPF_REG_6, BPF_REG_10, -8), FOLD(BPF_REG_6), EXIT,
	  BPF_LDX_MEM(BPF_W, BPF_REG_5, BPF_REG_2, 0), BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_3, 0),
	  BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_4, 0), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_3),
	  BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_5), BPF_STX_MEM(BPF_DW, BPF_REG_4, BPF_REG_0, 0),
	  BPF_MOV64_IMM(BPF_REG_0, 0), EXIT },
	  FOLDED(A + B + C + 0 + 1 + 2) },
	/* Each call makes a tail call as long as there are some left, to a program that counts. */
	{ "tail calls of a function", {
	  BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), BPF_MOV64_IMM(BPF_REG_7, 50), BPF_MOV64_IMM(BPF_REG_8, 0),
	  BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), CALL(6),
	  BPF_MOV32_REG(BPF_REG_0, BPF_REG_0), BPF_ALU64_REG(BPF_ADD, BPF_REG_8, BPF_REG_0),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_7, -1), BPF_JMP_IMM(BPF_JNE, BPF_REG_7, 0, -6),
	  BPF_MOV64_REG(BPF_REG_0, BPF_REG_8), EXIT,
	  MAP(BPF_REG_2, PROGRAMS), BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_tail_call),
	  BPF_MOV64_IMM(BPF_REG_0, 1000), EXIT },
	  33 + 17 * 1000 },
	/* Some before, through a function that counts, the others behind it. */
	{ "tail calls of both", {
	  BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), BPF_MOV64_IMM(BPF_REG_7, 40),
	  BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), CALL(9),
	  BPF_ALU64_IMM(BPF_ADD, BPF_REG_7, -1), BPF_JMP_IMM(BPF_JNE, BPF_REG_7, 0, -4),
	  BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), MAP(BPF_REG_2, PROGRAMS), BPF_MOV64_IMM(BPF_REG_3, 0),
	  BPF_EMIT_CALL(BPF_FUNC_tail_call), BPF_MOV64_IMM(BPF_REG_0, 77), EXIT,
	  MAP(BPF_REG_2, PROGRAMS), BPF_MOV64_IMM(BPF_REG_3, 0), BPF_EMIT_CALL(BPF_FUNC_tail_call),
	  BPF_MOV64_IMM(BPF_REG_0, 1000), EXIT },
	  77 },
};

/*
 * The kernel wants to know a type of each function, before it lets programs have
 * some of them called back or make tail calls: here all are "int f()".
 */
static int make_types(void)
{
	enum { INT = 1, PROTOTYPE, FUNCTION };
	static const struct {
		struct btf_header header;
		struct btf_type number;
		uint32_t encoding;
		struct btf_type prototype, function;
		char names[8];
	} text = {
		{ BTF_MAGIC, BTF_VERSION, 0, sizeof(text.header), 0, 40, 40, sizeof(text.names) },
		{ 1, BTF_KIND_INT << 24, { 4 } }, BTF_INT_SIGNED << 24 | 32,
		{ 0, BTF_KIND_FUNC_PROTO << 24, { INT } },
		{ 5, BTF_KIND_FUNC << 24, { PROTOTYPE } },
		"\0int\0f",
	};
	union bpf_attr attr = {
		.btf = pointer(&text),
		.btf_size = sizeof(text),
		.btf_log_buf = pointer(log_text),
		.btf_log_size = sizeof(log_text),
		.btf_log_level = 1,
	};

	_Static_assert(sizeof(text) == sizeof(text.header) + 40 + 8, "no holes");
	types = bpf(BPF_BTF_LOAD, &attr);
	return types < 0 ? types : FUNCTION;
}

static int load_test(const struct bpf_insn *body, int length, int function)
{
	struct bpf_insn program[64];
	char begins[64] = { 1 };
	struct bpf_func_info functions[8];
	union bpf_attr attr = {
		.prog_btf_fd = types,
		.func_info = pointer(functions),
		.func_info_rec_size = sizeof(functions[0]),
	};
	int i;

	memcpy(program, body, length * sizeof(*body));
	for (i = 0; i < length; i++) {
		struct bpf_insn *insn = &program[i];
		int is_load = insn->code == (BPF_LD | BPF_DW | BPF_IMM);

		/* Descriptors for maps. */
		if (is_load && insn->src_reg == BPF_PSEUDO_MAP_FD)
			insn->imm = insn->imm == PROGRAMS ? programs : values;
		if (is_load ? insn->src_reg == BPF_PSEUDO_FUNC :
			      insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
			begins[i + 1 + insn->imm] = 1;
	}
	for (i = 0; i < length; i++)
		if (begins[i]) {
			functions[attr.func_info_cnt].insn_off = i;
			functions[attr.func_info_cnt++].type_id = function;
		}
	return load_with(&attr, program, length, BPF_PROG_TYPE_SCHED_CLS);
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

static int prepare(void)
{
	static const struct bpf_insn one[] = { BPF_MOV64_IMM(BPF_REG_0, 1), EXIT };
	static const uint64_t numbers[] = { A, B, C };
	struct bpf_insn target[2];
	int program, i;

	memcpy(target, one, sizeof(one));
	program = load(target, 2, BPF_PROG_TYPE_SCHED_CLS);
	programs = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 2);
	values = make_map(BPF_MAP_TYPE_ARRAY, 8, 3);
	if (program < 0 || programs < 0 || values < 0 || update(programs, 0, &program))
		return -1;
	for (i = 0; i < 3; i++)
		if (update(values, i, &numbers[i]))
			return -1;
	return 0;
}

int main(void)
{
	static const char packet[64];
	int function = make_types();
	unsigned int i;

	if (function < 0) {
		printf("no types: errno %d %s\n", errno, log_text);
		return 3;
	}
	if (prepare()) {
		printf("no maps, or no program: errno %d\n", errno);
		return 2;
	}
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		const struct test *test = &tests[i];
		int length = length_of(test->body, sizeof(test->body) / sizeof(*test->body));

		if (check_run(i, test->name, load_test(test->body, length, function), packet, sizeof(packet), 1,
			      test->result)) {
			printf("#%d %s PASS\n", i, test->name);
			passed++;
		} else {
			failed++;
		}
	}
	printf("Summary: %d PASSED, %d FAILED\n", passed, failed);
	return failed != 0;
}
