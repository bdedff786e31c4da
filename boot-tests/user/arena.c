// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs share memory with user space as the kernel has it?
 *
 * An arena of 16 pages is mapped and its first page touched; no other one exists.
 * Each program accesses it at an offset that its context gives it, with the JIT's
 * instructions for arenas, and returns what it reads; what it leaves in the page is
 * compared as well.
 */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/filter.h>

#define PAGES 16
#define ABSENT 0x5000		/* a page that nobody touches */

static char log_text[1 << 16];
static uint64_t *page;
static unsigned int size_of_page;
static int map;
static int passed, failed;

static long bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

static uint64_t pointer(const void *p)
{
	return (uintptr_t)p;
}

/* r0 = what body computes; before it, r2 is an arena pointer and r3 a value. */
static int load(const struct bpf_insn *body, int length)
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
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.prog_flags = BPF_F_SLEEPABLE,
		.insns = pointer(program),
		.license = pointer("GPL"),
		.log_buf = pointer(log_text),
		.log_size = sizeof(log_text),
		.log_level = 1,
	};

	while (!body[length - 1].code)
		length--;
	memcpy(program + 6, body, length * sizeof(*body));
	program[6 + length] = BPF_EXIT_INSN();
	attr.insn_cnt = 7 + length;
	return bpf(BPF_PROG_LOAD, &attr);
}

static int is_compiled(int program)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = {
		.info.bpf_fd = program,
		.info.info_len = sizeof(info),
		.info.info = pointer(&info),
	};

	return !bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) && info.jited_prog_len;
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
	union bpf_attr attr = { 0 };
	int program;
	long error;

	if (is_there)
		*place = test->before;
	program = load(test->body, sizeof(test->body) / sizeof(*test->body));
	if (program < 0) {
		printf("#%d %s FAIL not loaded: errno %d %s\n", number, test->name, errno, log_text);
		return 0;
	}
	attr.test.prog_fd = program;
	attr.test.ctx_in = pointer(context);
	attr.test.ctx_size_in = sizeof(context);
	error = bpf(BPF_PROG_TEST_RUN, &attr);
	if (!is_compiled(program))
		printf("#%d %s FAIL not compiled\n", number, test->name);
	else if (error)
		printf("#%d %s FAIL not run: errno %d\n", number, test->name, errno);
	else if (attr.test.retval != test->result)
		printf("#%d %s FAIL ret %#x != %#x\n", number, test->name, attr.test.retval,
		       test->result);
	else if (is_there && *place != test->after)
		printf("#%d %s FAIL left %#llx, not %#llx\n", number, test->name,
		       (unsigned long long)*place, (unsigned long long)test->after);
	else {
		printf("#%d %s PASS\n", number, test->name);
		close(program);
		return 1;
	}
	close(program);
	return 0;
}

/* The high word, xored into the low one: so both count. */
#define FOLD(reg) \
	BPF_MOV64_REG(BPF_REG_5, reg), \
	BPF_ALU64_IMM(BPF_RSH, BPF_REG_5, 32), \
	BPF_MOV64_REG(BPF_REG_0, reg), \
	BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_5)
#define LDX(size) BPF_LDX_MEM(size, BPF_REG_6, BPF_REG_2, 0), FOLD(BPF_REG_6)
#define LDSX(size) BPF_RAW_INSN(BPF_LDX | BPF_MEMSX | (size), BPF_REG_6, BPF_REG_2, 0, 0), FOLD(BPF_REG_6)
#define ATOMIC(size, op) BPF_ATOMIC_OP(size, op, BPF_REG_2, BPF_REG_3, 0), FOLD(BPF_REG_3)
#define BODY(...) .body = { __VA_ARGS__ }

#define OLD 0x8899aabbccddeeffULL
#define NEW 0x1122334455667788ULL

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST(value, bits) ((value) & (~0ULL >> (64 - (bits))))
#define WITH_FIRST(value, first, bits) \
	(((value) & ~(~0ULL >> (64 - (bits)))) | FIRST(first, bits))
#else
#define FIRST(value, bits) ((value) >> (64 - (bits)))
#define WITH_FIRST(value, first, bits) \
	(((value) & (~0ULL >> (bits))) | (uint64_t)(first) << (64 - (bits)))
#endif
#define FOLDED(value) ((uint32_t)((value) ^ (value) >> 32))
#define SIGNED(bits) ((uint64_t)((int64_t)(FIRST(OLD, bits) << (64 - (bits))) >> (64 - (bits))))

static const struct test tests[] = {
	{ "u8", BODY(LDX(BPF_B)), 8, 0, OLD, OLD, FIRST(OLD, 8) },
	{ "u16", BODY(LDX(BPF_H)), 8, 0, OLD, OLD, FIRST(OLD, 16) },
	{ "u32", BODY(LDX(BPF_W)), 8, 0, OLD, OLD, FIRST(OLD, 32) },
	{ "u64", BODY(LDX(BPF_DW)), 8, 0, OLD, OLD, FOLDED(OLD) },
	{ "s8", BODY(LDSX(BPF_B)), 8, 0, OLD, OLD, FOLDED(SIGNED(8)) },
	{ "s16", BODY(LDSX(BPF_H)), 8, 0, OLD, OLD, FOLDED(SIGNED(16)) },
	{ "s32", BODY(LDSX(BPF_W)), 8, 0, OLD, OLD, FOLDED(SIGNED(32)) },
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
