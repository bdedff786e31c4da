/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What programs for the guest share that load programs of BPF and run each once.
 *
 * A test's program returns 32 bits; FOLD makes them of 64, so that all of them count.
 */

#ifndef PROGRAMS_H
#define PROGRAMS_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/filter.h>

/* r0 = reg, its high word xored into the low one; r5 is lost. */
#define FOLD(reg) \
	BPF_MOV64_REG(BPF_REG_5, reg), \
	BPF_ALU64_IMM(BPF_RSH, BPF_REG_5, 32), \
	BPF_MOV64_REG(BPF_REG_0, reg), \
	BPF_ALU64_REG(BPF_XOR, BPF_REG_0, BPF_REG_5)
#define FOLDED(value) ((uint32_t)((uint64_t)(value) ^ (uint64_t)(value) >> 32))

/* The first bits of a doubleword in memory, zero- and sign-extended. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST(value, bits) ((value) & (~0ULL >> (64 - (bits))))
#else
#define FIRST(value, bits) ((value) >> (64 - (bits)))
#endif
#define SIGNED(value, bits) \
	((uint64_t)((int64_t)(FIRST(value, bits) << (64 - (bits))) >> (64 - (bits))))

static char log_text[1 << 16];

static inline long bpf(int command, union bpf_attr *attr)
{
	return syscall(__NR_bpf, command, attr, sizeof(*attr));
}

static inline uint64_t pointer(const void *p)
{
	return (uintptr_t)p;
}

/* How many of so many instructions there are: those behind them are zero. */
static inline int length_of(const struct bpf_insn *body, int most)
{
	while (most > 1 && !body[most - 1].code)
		most--;
	return most;
}

/*
 * Loads a program, with whatever else there is in the attributes. A descriptor, or
 * less than 0; then the verifier's reason is in log_text.
 */
static inline int load_with(union bpf_attr *attr, struct bpf_insn *program, int length, int type)
{
	attr->prog_type = type;
	attr->prog_flags = type == BPF_PROG_TYPE_SYSCALL ? BPF_F_SLEEPABLE : 0;
	attr->insns = pointer(program);
	attr->insn_cnt = length;
	attr->license = pointer("GPL");
	attr->log_buf = pointer(log_text);
	attr->log_size = sizeof(log_text);
	attr->log_level = 1;
	return bpf(BPF_PROG_LOAD, attr);
}

static inline int load(struct bpf_insn *program, int length, int type)
{
	union bpf_attr attr = { 0 };

	return load_with(&attr, program, length, type);
}

static inline int is_compiled(int program)
{
	struct bpf_prog_info info = { 0 };
	union bpf_attr attr = {
		.info.bpf_fd = program,
		.info.info_len = sizeof(info),
		.info.info = pointer(&info),
	};

	return !bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) && info.jited_prog_len;
}

/*
 * Runs a program once, compiled, with input as its context, or as its packet if it
 * is for one, and compares what it returns. Closes it. Says why it failed.
 */
static inline int check_run(int number, const char *name, int program, const void *input,
			    int size, int is_packet, uint32_t result)
{
	union bpf_attr attr = { .test.prog_fd = program };
	int is_right = 0;

	if (is_packet) {
		attr.test.data_in = pointer(input);
		attr.test.data_size_in = size;
	} else {
		attr.test.ctx_in = pointer(input);
		attr.test.ctx_size_in = size;
	}
	if (program < 0)
		printf("#%d %s FAIL not loaded: errno %d %s\n", number, name, errno, log_text);
	else if (!is_compiled(program))
		printf("#%d %s FAIL not compiled\n", number, name);
	else if (bpf(BPF_PROG_TEST_RUN, &attr))
		printf("#%d %s FAIL not run: errno %d\n", number, name, errno);
	else if (attr.test.retval != result)
		printf("#%d %s FAIL ret %#x != %#x\n", number, name, attr.test.retval, result);
	else
		is_right = 1;
	if (program >= 0)
		close(program);
	return is_right;
}

#endif
