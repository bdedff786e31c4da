// SPDX-License-Identifier: GPL-2.0
/*
 * How many bytes does the kernel believe that images have?
 *
 * That is bpf_jit_current, which nobody shows. But whoever has no privileges gets no
 * image that would make it more than net.core.bpf_jit_limit: the least limit with which
 * a program is compiled says it, to the byte.
 */

#include <stdlib.h>

#include "soak.h"

#define LIMIT "/proc/sys/net/core/bpf_jit_limit"

static int compiles(void)
{
	struct bpf_insn text[] = { BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN() };
	int program, is;

	if (seteuid(1000))
		abort();
	program = load(text, 2, BPF_PROG_TYPE_SOCKET_FILTER);
	if (seteuid(0) || program < 0)
		abort();
	is = is_compiled(program);
	close(program);
	if (is)
		/* Freed by a worker, behind a grace period. */
		rest(100);
	return is;
}

/* The least limit, the bytes of that program's own image included; less than 0 if it was not found. */
static long search(long end)
{
	long first = 1, middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if (write_setting(LIMIT, middle))
			return -1;
		if (compiles())
			end = middle;
		else
			first = middle + 1;
	}
	return end;
}

long jit_charge(void)
{
	long limit = read_setting(LIMIT), last = -1, found = -1;
	int tries;

	/* Twice the same, since an image may yet have been about to be freed. */
	for (tries = 0; tries < 5; tries++) {
		found = search(limit);
		if (found == last)
			break;
		last = found;
	}
	if (write_setting(LIMIT, limit) || tries == 5 || found == limit)
		return -1;
	return found;
}
