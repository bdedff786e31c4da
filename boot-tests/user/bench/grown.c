// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of any length, for the curve of what compiling takes.
 *
 * They are the same over and over again: loads, stores and arithmetic of 32 and 64 bits as
 * programs have them. What the verifier takes for some things grows with the square of their number: ways
 * out, so that there is one for every sixty rounds, and zero-extensions, so that nobody reads what is
 * above a result of 32 bits, and nothing is loaded from the context. The longest program is as
 * long as it looks at: a million instructions, of which it follows some twice.
 */

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/filter.h>

#include "bench.h"

const unsigned int grown_lengths[] = {
	100, 300, 1000, 3000, 10000, 30000, 100000, 300000, 990000
};
const unsigned int grown_count = sizeof(grown_lengths) / sizeof(*grown_lengths);

static const struct bpf_insn round[] = {
	BPF_LDX_MEM(BPF_W, BPF_REG_2, BPF_REG_10, -20),
	BPF_ALU32_IMM(BPF_AND, BPF_REG_2, 0xff),
	BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_10, -8),
	BPF_ALU64_IMM(BPF_LSH, BPF_REG_3, 3),
	BPF_ALU64_REG(BPF_ADD, BPF_REG_7, BPF_REG_3),
	BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, -8),
	BPF_LDX_MEM(BPF_W, BPF_REG_4, BPF_REG_10, -8),
	BPF_ALU32_REG(BPF_XOR, BPF_REG_4, BPF_REG_2),
	BPF_STX_MEM(BPF_W, BPF_REG_10, BPF_REG_4, -16),
	BPF_MOV32_IMM(BPF_REG_5, 0x12345678),
	BPF_ALU32_REG(BPF_ADD, BPF_REG_5, BPF_REG_4),
	BPF_STX_MEM(BPF_W, BPF_REG_10, BPF_REG_5, -20),
	BPF_ALU64_IMM(BPF_OR, BPF_REG_7, 0x1234),
	BPF_MOV64_REG(BPF_REG_0, BPF_REG_7),
};
#define ROUND (sizeof(round) / sizeof(*round))

static const struct bpf_insn way_out[] = {
	BPF_JMP32_IMM(BPF_JNE, BPF_REG_2, 7, 1),
	BPF_EXIT_INSN(),
};
#define WAY_OUT (sizeof(way_out) / sizeof(*way_out))

/* The first of sixty rounds has a way out behind it. */
static struct bpf_insn grown(unsigned int i)
{
	unsigned int at = i % (60 * ROUND + WAY_OUT);

	if (at >= ROUND && at < ROUND + WAY_OUT)
		return way_out[at - ROUND];
	return round[(at < ROUND ? at : at - WAY_OUT) % ROUND];
}

/* The last two are its end: a jump over the first of them goes to the other. */
static void grow(struct bpf_insn *insns, unsigned int length)
{
	unsigned int i;

	insns[0] = BPF_MOV64_REG(BPF_REG_6, BPF_REG_1);
	insns[1] = BPF_MOV64_IMM(BPF_REG_7, 0);
	insns[2] = BPF_MOV64_IMM(BPF_REG_0, 0);
	insns[3] = BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, -8);
	insns[4] = BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_7, -24);
	for (i = 5; i < length - 2; i++)
		insns[i] = grown(i - 5);
	insns[length - 2] = BPF_MOV64_IMM(BPF_REG_0, 0);
	insns[length - 1] = BPF_EXIT_INSN();
}

/* Less than 0 if it was not loaded; then errno says why. */
int compile_grown(unsigned int index, struct image *image, uint64_t *compile)
{
	unsigned int length = grown_lengths[index];
	struct bpf_insn *insns = malloc(length * sizeof(*insns));
	int program;

	if (!insns)
		return -1;
	grow(insns, length);
	begin_compiling();
	program = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", insns, length, NULL);
	*compile = end_compiling(NULL);
	free(insns);
	if (program < 0)
		return -1;
	note_image(program, image);
	close(program);
	return 0;
}
