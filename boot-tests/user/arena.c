// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs share memory with user space as the kernel has it?
 *
 * An arena of 16 pages is mapped and its first page touched; no other one exists.
 * Each program accesses it at an offset that its context gives it, with the JIT's
 * instructions for arenas, and returns what it reads; what it leaves in the page is
 * compared as well.
 */

#include <sys/mman.h>

#include "programs.h"

#define PAGES 16
#define ABSENT 0x5000		/* a page that nobody touches */

static uint64_t *page;
static unsigned int size_of_page;
static int map;
static int passed, failed;

/* r0 = what body computes; before it, r2 is an arena pointer and r3 a value. */
static int load_body(const struct bpf_insn *body, int length)
{
	struct bpf_insn program[64] = {
		/* The context is two doublewords: the pointer and the value. */
		BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_1, 0),
		BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_1, 8),
		BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_4, BPF_PSEUDO_MAP_FD, 0, map),
		BPF_RAW_INSN(0, 0, 0, 0, 0),
		/* From the address space of users' pointers to that of the kernel's. */
		BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_2, 1, 1),
		BPF_MOV64_IMM(BPF_REG_0, 0),
	};

	memcpy(program + 6, body, length * sizeof(*body));
	program[6 + length] = BPF_EXIT_INSN();
	return load(program, 7 + length, BPF_PROG_TYPE_SYSCALL);
}

struct test {
	const char *name;
	struct bpf_insn body[12];	/* as far as opcodes are not zero */
	uint32_t offset;
	uint64_t value;		/* r3 */
	uint64_t before, after;	/* in the arena, at the offset */
	uint32_t result;	/* the low word of r0, as a test run returns it */
};

static int check(int number, const struct test *test)
{
	int is_there = test->offset < size_of_page;
	uint64_t *place = &page[(test->offset & 0xfff) / 8];
	uint64_t context[2] = { pointer(page) + test->offset, test->value };
	int length = length_of(test->body, sizeof(test->body) / sizeof(*test->body));

	if (is_there)
		*place = test->before;
	if (!check_run(number, test->name, load_body(test->body, length), context, sizeof(context), 0,
		       test->result))
		return 0;
	if (is_there && *place != test->after) {
		printf("#%d %s FAIL left %#llx, not %#llx\n", number, test->name,
		       (unsigned long long)*place, (unsigned long long)test->after);
		return 0;
	}
	printf("#%d %s PASS\n", number, test->name);
	return 1;
}

#define LDX(size) BPF_LDX_MEM(size, BPF_REG_6, BPF_REG_2, 0), FOLD(BPF_REG_6)
#define LDSX(size) BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | (size), BPF_REG_6, BPF_REG_2, 0, 0), FOLD(BPF_REG_6)
#define ATOMIC(size, op) BPF_ATOMIC_OP(size, op, BPF_REG_2, BPF_REG_3, 0), FOLD(BPF_REG_3)
#define BODY(...) .body = { __VA_ARGS__ }

#define OLD 0x8899aabbccddeeffULL
#define NEW 0x1122334455667788ULL

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define WITH_FIRST(value, first, bits) \
	(((value) & ~(~0ULL >> (64 - (bits)))) | FIRST(first, bits))
#else
#define WITH_FIRST(value, first, bits) \
	(((value) & (~0ULL >> (bits))) | (uint64_t)(first) << (64 - (bits)))
#endif

static const struct test tests[] = {
	{ "u8", BODY(LDX(BPF_B)), 8, 0, OLD, OLD, FIRST(OLD, 8) },
	{ "u16", BODY(LDX(BPF_H)), 8, 0, OLD, OLD, FIRST(OLD, 16) },
	{ "u32", BODY(LDX(BPF_W)), 8, 0, OLD, OLD, FIRST(OLD, 32) },
	{ "u64", BODY(LDX(BPF_DW)), 8, 0, OLD, OLD, FOLDED(OLD) },
	{ "s8", BODY(LDSX(BPF_B)), 8, 0, OLD, OLD, FOLDED(SIGNED(OLD, 8)) },
	{ "s16", BODY(LDSX(BPF_H)), 8, 0, OLD, OLD, FOLDED(SIGNED(OLD, 16)) },
	{ "s32", BODY(LDSX(BPF_W)), 8, 0, OLD, OLD, FOLDED(SIGNED(OLD, 32)) },
	{ "u64 absent", BODY(LDX(BPF_DW)), ABSENT, 0, 0, 0, 0 },
	{ "s32 absent", BODY(LDSX(BPF_W)), ABSENT, 0, 0, 0, 0 },
	{ "over its base", BODY(BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_2, 0), FOLD(BPF_REG_2)),
	  8, 0, OLD, OLD, FOLDED(OLD) },
	{ "over its base, absent", BODY(BPF_LDX_MEM(BPF_DW, BPF_REG_2, BPF_REG_2, 0), FOLD(BPF_REG_2)),
	  ABSENT, 0, 0, 0, 0 },
	{ "store u8", BODY(BPF_STX_MEM(BPF_B, BPF_REG_2, BPF_REG_3, 0)), 8, NEW, OLD,
	  WITH_FIRST(OLD, NEW & 0xff, 8), 0 },
	{ "store u32", BODY(BPF_STX_MEM(BPF_W, BPF_REG_2, BPF_REG_3, 0)), 8, NEW, OLD,
	  WITH_FIRST(OLD, NEW & 0xffffffff, 32), 0 },
	{ "store u64", BODY(BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 0)), 8, NEW, OLD, NEW, 0 },
	{ "store imm", BODY(BPF_ST_MEM(BPF_DW, BPF_REG_2, 0, -2)), 8, 0, OLD, -2ULL, 0 },
	{ "store absent", BODY(BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 0), FOLD(BPF_REG_3)), ABSENT,
	  NEW, 0, 0, FOLDED(NEW) },
	{ "add", BODY(ATOMIC(BPF_DW, BPF_ADD)), 8, NEW, OLD, OLD + NEW, FOLDED(NEW) },
	{ "fetch_add", BODY(ATOMIC(BPF_DW, BPF_ADD | BPF_FETCH)), 8, NEW, OLD, OLD + NEW, FOLDED(OLD) },
	{ "fetch_xor u32", BODY(ATOMIC(BPF_W, BPF_XOR | BPF_FETCH)), 8, NEW, OLD,
	  WITH_FIRST(OLD, FIRST(OLD, 32) ^ (NEW & 0xffffffff), 32), FIRST(OLD, 32) },
	{ "xchg", BODY(ATOMIC(BPF_DW, BPF_XCHG)), 8, NEW, OLD, NEW, FOLDED(OLD) },
	{ "fetch_add absent", BODY(ATOMIC(BPF_DW, BPF_ADD | BPF_FETCH)), ABSENT, NEW, 0, 0, 0 },
	{ "add absent", BODY(ATOMIC(BPF_DW, BPF_ADD)), ABSENT, NEW, 0, 0, FOLDED(NEW) },
	{ "cmpxchg", BODY(BPF_LD_IMM64(BPF_REG_0, OLD), ATOMIC(BPF_DW, BPF_CMPXCHG),
	  BPF_MOV64_IMM(BPF_REG_0, 0)), 8, NEW, OLD, NEW, 0 },
	{ "cmpxchg differs", BODY(BPF_MOV64_IMM(BPF_REG_0, 1),
	  BPF_ATOMIC_OP(BPF_DW, BPF_CMPXCHG, BPF_REG_2, BPF_REG_3, 0), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0),
	  FOLD(BPF_REG_6)), 8, NEW, OLD, OLD, FOLDED(OLD) },
	{ "cmpxchg absent", BODY(BPF_MOV64_IMM(BPF_REG_0, 1),
	  BPF_ATOMIC_OP(BPF_DW, BPF_CMPXCHG, BPF_REG_2, BPF_REG_3, 0), BPF_MOV64_REG(BPF_REG_6, BPF_REG_0),
	  FOLD(BPF_REG_6)), ABSENT, NEW, 0, 0, 0 },
	{ "load_acquire", BODY(BPF_ATOMIC_OP(BPF_DW, BPF_LOAD_ACQ, BPF_REG_6, BPF_REG_2, 0), FOLD(BPF_REG_6)),
	  8, 0, OLD, OLD, FOLDED(OLD) },
	{ "load_acquire absent", BODY(BPF_ATOMIC_OP(BPF_DW, BPF_LOAD_ACQ, BPF_REG_6, BPF_REG_2, 0),
	  FOLD(BPF_REG_6)), ABSENT, 0, 0, 0, 0 },
	{ "store_release", BODY(BPF_ATOMIC_OP(BPF_DW, BPF_STORE_REL, BPF_REG_2, BPF_REG_3, 0)), 8, NEW, OLD,
	  NEW, 0 },
	/* A pointer for user space: what the arena is mapped at, and null stays null. */
	{ "cast to user", BODY(BPF_RAW_INSN(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_2, BPF_REG_2, 1, 1 << 16),
	  BPF_LDX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, 0), BPF_MOV64_IMM(BPF_REG_0, 0),
	  BPF_JMP_REG(BPF_JNE, BPF_REG_6, BPF_REG_2, 1), BPF_MOV64_IMM(BPF_REG_0, 1)), 8, 0, OLD, OLD, 1 },
};

int main(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARENA,
		.map_flags = BPF_F_MMAPABLE,
		.max_entries = PAGES,
	};
	unsigned int i;

	size_of_page = sysconf(_SC_PAGESIZE);
	map = bpf(BPF_MAP_CREATE, &attr);
	if (map < 0) {
		printf("no arena: errno %d\n", errno);
		return 2;
	}
	page = mmap(NULL, PAGES * size_of_page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (page == MAP_FAILED) {
		printf("an arena that cannot be mapped: errno %d\n", errno);
		return 3;
	}
	page[0] = 1;
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		check(i, &tests[i]) ? passed++ : failed++;
	printf("Summary: %d PASSED, %d FAILED\n", passed, failed);
	return failed != 0;
}
