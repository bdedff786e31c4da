// SPDX-License-Identifier: GPL-2.0
/*
 * How many instructions does compiling take?
 *
 * Programs of our own look at the kernel's clock where bpf_int_jit_compile() is called
 * and where it returns. What they take themselves is found out by a function that does
 * next to nothing, and subtracted: so what remains is of the function alone, and of
 * what it calls, down to the memory for its image.
 */

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/filter.h>

#include "bench.h"

/* What the programs share. */
struct clocks {
	uint64_t start, sum, calls;
};

static int clocks_map = -1;
static uint64_t own;		/* instructions of a call of a function that does nothing */
static int is_watching;

/* At the call: the time. At the return: what has passed since then. */
static int load_clock(int is_return)
{
	struct bpf_insn insns[] = {
		BPF_LD_MAP_FD(BPF_REG_6, clocks_map),
		BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
		BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_0, 0),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};
	struct bpf_insn return_insns[] = {
		BPF_LD_MAP_FD(BPF_REG_6, clocks_map),
		BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_ktime_get_ns),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 0),
		BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_1),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 8),
		BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_0),
		BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, 8),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 16),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1),
		BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, 16),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	/* BPF_LD_MAP_FD() is for a map; here it is for its value. */
	insns[0].src_reg = return_insns[0].src_reg = BPF_PSEUDO_MAP_VALUE;
	if (is_return)
		return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", return_insns,
				     sizeof(return_insns) / sizeof(*insns), NULL);
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insns,
			     sizeof(insns) / sizeof(*insns), NULL);
}

/* Less than 0 if there is none. */
int read_number(const char *path)
{
	FILE *file = fopen(path, "r");
	int value = -1;

	if (!file || fscanf(file, "%d", &value) != 1)
		value = -1;
	if (file)
		fclose(file);
	return value;
}

/* A descriptor that keeps the program attached, or less than 0. */
static int attach(const char *function, int is_return)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = read_number("/sys/bus/event_source/devices/kprobe/type"),
		.config = is_return,	/* bit 0, says its format */
		.kprobe_func = (uintptr_t)function,
	};
	int program = load_clock(is_return), event;

	if (program < 0)
		return -1;
	event = syscall(__NR_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (event < 0 || ioctl(event, PERF_EVENT_IOC_SET_BPF, program) ||
	    ioctl(event, PERF_EVENT_IOC_ENABLE, 0)) {
		close(program);
		close(event);
		return -1;
	}
	close(program);
	return event;
}

static void read_clocks(struct clocks *clocks)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(clocks_map, &zero, clocks)) {
		printf("cannot read the clocks: errno %d\n", errno);
		exit(2);
	}
}

void begin_compiling(void)
{
	struct clocks none = { 0 };
	uint32_t zero = 0;

	if (is_watching)
		bpf_map_update_elem(clocks_map, &zero, &none, BPF_ANY);
}

uint64_t end_compiling(void)
{
	struct clocks clocks;

	if (!is_watching)
		return 0;
	read_clocks(&clocks);
	return clocks.sum < clocks.calls * own ? 0 : clocks.sum - clocks.calls * own;
}

/* The least that a call of a function takes that does next to nothing. */
static int find_own(const char *function)
{
	int call = attach(function, 0), end = attach(function, 1), i;
	struct clocks clocks;

	own = -1;
	for (i = 0; i < 20 && call >= 0 && end >= 0; i++) {
		begin_compiling();
		syscall(__NR_getppid);
		read_clocks(&clocks);
		if (clocks.calls == 1 && clocks.sum < own)
			own = clocks.sum;
	}
	close(call);
	close(end);
	return own == (uint64_t)-1 ? -1 : 0;
}

/* Nonzero if it cannot be done; then errno says why. */
int watch_compiler(void)
{
	clocks_map = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(uint32_t), sizeof(struct clocks),
				    1, NULL);
	if (clocks_map < 0)
		return -1;
	is_watching = 1;
	if (find_own("sys_getppid") || attach("bpf_int_jit_compile", 0) < 0 ||
	    attach("bpf_int_jit_compile", 1) < 0) {
		is_watching = 0;
		return -1;
	}
	printf("a watched call takes %llu instructions itself\n", (unsigned long long)own);
	return 0;
}
