// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs that know the kernel's types do what the kernel's C would?
 *
 * Loads through pointers of which nobody knows whether they lead anywhere (probed
 * loads): what is there is read, and what is not there is 0. Calls of kernel
 * functions (kfuncs): each has its arguments as C passes them. The functions are
 * those of the kernel's selftests, built into the kernel.
 */

#include <stddef.h>

#include <bpf/btf.h>

#include "programs.h"

static struct btf *types;
static int map, passed, failed;

static const char *const functions[] = {
	"bpf_rdonly_cast", "bpf_kfunc_call_test1", "bpf_kfunc_call_test2", "bpf_kfunc_call_test4",
	"bpf_kfunc_call_test5", "bpf_kfunc_call_test_static_unused_arg",
};
enum { CAST, TEST1, TEST2, TEST4, TEST5, UNUSED_ARG };

#define KFUNC(function) \
	BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, function)

/* Puts numbers for names. */
static int resolve(struct bpf_insn *program, int length)
{
	int i, id;

	for (i = 0; i < length; i++) {
		struct bpf_insn *insn = &program[i];

		if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg != BPF_PSEUDO_KFUNC_CALL)
			continue;
		id = btf__find_by_name_kind(types, functions[insn->imm], BTF_KIND_FUNC);
		if (id < 0)
			return id;
		insn->imm = id;
	}
	return 0;
}

static int load_with_types(const struct bpf_insn *head, int first, const struct bpf_insn *body,
			   int second, int type)
{
	struct bpf_insn program[64];
	int length = first + second;

	memcpy(program, head, first * sizeof(*head));
	memcpy(program + first, body, second * sizeof(*body));
	program[length++] = BPF_EXIT_INSN();
	if (resolve(program, length)) {
		snprintf(log_text, sizeof(log_text), "no such function in the kernel's types");
		return -1;
	}
	return load(program, length, type);
}

static void report(int number, const char *name, int program, const void *input, int size,
		   int is_packet, uint32_t result)
{
	if (check_run(number, name, program, input, size, is_packet, result)) {
		printf("#%d %s PASS\n", number, name);
		passed++;
	} else {
		failed++;
	}
}

/* Loads. */

#define THERE 16		/* bytes into the value of the map */
#define VALUE 0x8899aabbccddeeffULL
#define NEXT 0x7766554433221100ULL
/* Addresses that are not constants; those below are in the map. */
enum { NULL_POINTER = 64, HERE, BEHIND_HERE };

struct probe {
	const char *name;
	struct bpf_insn insn;	/* from what r0 points to, to r6 */
	uint64_t address;
	uint64_t result;
};

#define LDX(size, off) BPF_LDX_MEM(size, BPF_REG_6, BPF_REG_0, off)
#define LDSX(size, off) BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | (size), BPF_REG_6, BPF_REG_0, off, 0)

static char here[4096] __attribute__((aligned(4096))) = { 1, 2, 3, 4, 5, 6, 7, 8 };

static const struct probe probes[] = {
	{ "u8", LDX(BPF_B, 0), THERE, FIRST(VALUE, 8) },
	{ "u16", LDX(BPF_H, 0), THERE, FIRST(VALUE, 16) },
	{ "u32", LDX(BPF_W, 0), THERE, FIRST(VALUE, 32) },
	{ "u64", LDX(BPF_DW, 0), THERE, VALUE },
	{ "s8", LDSX(BPF_B, 0), THERE, SIGNED(VALUE, 8) },
	{ "s16", LDSX(BPF_H, 0), THERE, SIGNED(VALUE, 16) },
	{ "s32", LDSX(BPF_W, 0), THERE, SIGNED(VALUE, 32) },
	{ "u64 + 8", LDX(BPF_DW, 8), THERE - 8, VALUE },
	{ "u64 - 8", LDX(BPF_DW, -8), THERE + 8, VALUE },
	{ "over its base", BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0), THERE, VALUE },
	/* Of the value behind it a byte: the kernel puts it together. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	{ "u64, unaligned", LDX(BPF_DW, 0), THERE + 1, VALUE >> 8 | NEXT << 56 },
	{ "s32, unaligned", LDSX(BPF_W, 0), THERE + 3, (uint64_t)(int32_t)(VALUE >> 24) },
#else
	{ "u64, unaligned", LDX(BPF_DW, 0), THERE + 1, VALUE << 8 | NEXT >> 56 },
	{ "s32, unaligned", LDSX(BPF_W, 0), THERE + 3, (uint64_t)(int32_t)(VALUE >> 8) },
#endif
	{ "null", LDX(BPF_DW, 0), NULL_POINTER, 0 },
	{ "null, s32 - 8", LDSX(BPF_W, -8), NULL_POINTER, 0 },
	{ "null, over its base", BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0), NULL_POINTER, 0 },
	/* Memory of this very process is none of the program's. */
	{ "user space", LDX(BPF_DW, 0), HERE, 0 },
	{ "user space, s8", LDSX(BPF_B, 0), HERE, 0 },
	{ "user space by its offset", LDX(BPF_W, -8), BEHIND_HERE, 0 },
	{ "end of user space", LDX(BPF_W, 0), 0x000000ffffffe000, 0 },
	{ "no address", LDX(BPF_DW, 0), 0x1234567890abcde8, 0 },
	{ "no address, unaligned", LDX(BPF_DW, 0), 0x1234567890abcdef, 0 },
	{ "supervisor's", LDX(BPF_W, 0), 0x4000000000001000, 0 },
	{ "supervisor's, none", LDX(BPF_W, 0), 0x7fffffffffff1000, 0 },
	{ "mapped, nothing there", LDX(BPF_DW, 0), 0xc00000fffffff000, 0 },
	{ "mapped, unaligned", LDX(BPF_DW, 0), 0xc00000ffffffeff9, 0 },
	{ "mapped, none", LDSX(BPF_H, 0), 0xf000000000001000, 0 },
	{ "kseg2", LDX(BPF_W, 0), 0xffffffffdffff000, 0 },
	{ "kseg2, s16", LDSX(BPF_H, 2), 0xffffffffdffff000, 0 },
	{ "kseg3", LDX(BPF_B, 0), 0xffffffffffffd000, 0 },
	{ "the last word", LDX(BPF_W, 0), 0xfffffffffffffffc, 0 },
	{ "a device", LDX(BPF_B, 0), 0xffffffffbfd003f8, 0 },
	{ "behind RAM", LDX(BPF_W, 0), 0xffffffff90000000, 0 },
	{ "the board's revision, between RAM and RAM", LDX(BPF_W, 0), 0xffffffff9fc00010, 0 },
	{ "user space, highest", LDX(BPF_W, 0), 0x7fffeffc, 0 },
};

static void check_probe(int number, const struct probe *probe)
{
	uint64_t context[2] = { probe->address };
	struct bpf_insn head[] = {
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
		BPF_MOV64_IMM(BPF_REG_0, 0),	/* where an address of two has its second half */
		BPF_MOV64_IMM(BPF_REG_2, 0),		/* void */
		KFUNC(CAST),
	};
	struct bpf_insn body[] = {
		probe->insn,
		BPF_MOV64_REG(BPF_REG_6, probe->insn.dst_reg),
		FOLD(BPF_REG_6),
	};

	switch (probe->address) {
	case 0 ... NULL_POINTER - 1:
		head[0] = BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_VALUE, 0, map);
		head[1] = BPF_RAW_INSN(0, 0, 0, 0, probe->address);
		break;
	case NULL_POINTER:
		context[0] = 0;
		break;
	case HERE:
		context[0] = pointer(here);
		break;
	case BEHIND_HERE:
		context[0] = pointer(here) + 8;
		break;
	}
	report(number, probe->name,
	       load_with_types(head, sizeof(head) / sizeof(*head), body, sizeof(body) / sizeof(*body),
			       BPF_PROG_TYPE_SYSCALL),
	       context, sizeof(context), 0, FOLDED(probe->result));
}

/* Calls. */

struct call {
	const char *name;
	struct bpf_insn body[20];	/* r0 = what is compared; r6 is 7 before it */
	int has_socket;			/* r1 is a pointer to one */
	uint64_t result;
	uint64_t result32;		/* of a 32-bit kernel, if it is another */
};

#define JUNK 0x5a5a5a5a00000000ULL
#define ARG(reg, value) BPF_LD_IMM64(reg, value)
/* What the callee must have saved counts, too. */
#define FOLD_CALL BPF_MOV64_REG(BPF_REG_7, BPF_REG_0), FOLD(BPF_REG_7), \
	BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_6)
#define CALL_RESULT(value) (FOLDED(value) + 7)

static const struct call calls[] = {
	{ "s8, s16, s32, s64 -> s64", { ARG(BPF_REG_1, JUNK | 0xfb), ARG(BPF_REG_2, JUNK | 0xffe2),
	  ARG(BPF_REG_3, JUNK | 0xffffff38), ARG(BPF_REG_4, -1000LL), KFUNC(TEST4), FOLD_CALL },
	  0, CALL_RESULT(-1235LL) },
	{ "u8, u16, u32 -> s32", { ARG(BPF_REG_1, JUNK | 0xc8), ARG(BPF_REG_2, JUNK | 0x9c40),
	  /* It looks at its numbers as longs. */
	  ARG(BPF_REG_3, JUNK | 0xfedcba98), KFUNC(TEST5), FOLD_CALL }, 0, CALL_RESULT(0),
	  CALL_RESULT(6) },
	{ "u32, u32 -> u32", { ARG(BPF_REG_1, JUNK | 0x80000001), ARG(BPF_REG_2, 1), KFUNC(UNUSED_ARG),
	  FOLD_CALL }, 0, CALL_RESULT(0x80000001) },
	{ "pointer, u32, u32 -> s32", { ARG(BPF_REG_2, JUNK | 0xfffffff0), ARG(BPF_REG_3, JUNK | 3),
	  KFUNC(TEST2), BPF_MOV32_REG(BPF_REG_0, BPF_REG_0), BPF_ALU64_REG(BPF_ADD, BPF_REG_0, BPF_REG_6) },
	  1, 0xfffffff3 + 7 },
	{ "pointer, u32, u64, u32, u64 -> u64", { ARG(BPF_REG_2, JUNK | 0xffffffff), ARG(BPF_REG_3, VALUE),
	  ARG(BPF_REG_4, JUNK | 0x80000000), ARG(BPF_REG_5, NEXT), KFUNC(TEST1), FOLD_CALL }, 1,
	  CALL_RESULT(0xffffffffULL + VALUE + 0x80000000 + NEXT) },
};

static void check_call(int number, const struct call *call)
{
	static const struct bpf_insn head[] = {
		BPF_MOV64_IMM(BPF_REG_6, 7),
	};
	static const struct bpf_insn head_with_socket[] = {
		BPF_MOV64_IMM(BPF_REG_6, 7),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, offsetof(struct __sk_buff, sk)),
		BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 0, 2),
		BPF_MOV64_IMM(BPF_REG_0, 1),
		BPF_EXIT_INSN(),
		BPF_EMIT_CALL(BPF_FUNC_sk_fullsock),
		BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2),
		BPF_MOV64_IMM(BPF_REG_0, 2),
		BPF_EXIT_INSN(),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_0),
	};
	int length = length_of(call->body, sizeof(call->body) / sizeof(*call->body));
	static const char packet[64];
	uint64_t result = call->result;
	int program;

	if (call->result32 && btf__pointer_size(types) == 4)
		result = call->result32;

	if (call->has_socket)
		program = load_with_types(head_with_socket,
					  sizeof(head_with_socket) / sizeof(*head_with_socket),
					  call->body, length, BPF_PROG_TYPE_SCHED_CLS);
	else
		program = load_with_types(head, 1, call->body, length, BPF_PROG_TYPE_SYSCALL);
	report(number, call->name, program, call->has_socket ? packet : NULL,
	       call->has_socket ? sizeof(packet) : 0, call->has_socket, result);
}

static int make_map(void)
{
	uint64_t value[8] = { [THERE / 8] = VALUE, [THERE / 8 + 1] = NEXT };
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(key),
		.value_size = sizeof(value),
		.max_entries = 1,
	};
	union bpf_attr update = { .key = pointer(&key), .value = pointer(value) };

	map = bpf(BPF_MAP_CREATE, &attr);
	update.map_fd = map;
	return map < 0 ? map : bpf(BPF_MAP_UPDATE_ELEM, &update);
}

int main(void)
{
	unsigned int i, n = 0;

	types = btf__load_vmlinux_btf();
	if (!types || make_map()) {
		printf("no types, or no map: errno %d\n", errno);
		return 2;
	}
	for (i = 0; i < sizeof(probes) / sizeof(*probes); i++)
		check_probe(n++, &probes[i]);
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		check_call(n++, &calls[i]);
	printf("Summary: %d PASSED, %d FAILED\n", passed, failed);
	return failed != 0;
}
