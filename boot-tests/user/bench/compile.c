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
#include <stddef.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/filter.h>

#include "bench.h"

/* What the programs share. */
struct clocks {
	uint64_t start, sum, calls;
	uint64_t instructions, bytes;	/* of what was returned: a struct bpf_prog */
};
#define AT(field) offsetof(struct clocks, field)

/* Where the kernel has what is read, by its types. */
static struct {
	int result, word;		/* in its registers, and how long one is */
	int instructions, bytes;	/* in a program */
} layout;

static int clocks_map = -1;
static uint64_t own;		/* instructions of a call of a function that does nothing */
static int is_watching;

/* In bytes; less than 0 if there is no such thing. */
static int find_field(const struct btf *types, const char *structure, const char *field)
{
	const struct btf_type *type;
	uint32_t i;
	int id = btf__find_by_name_kind(types, structure, BTF_KIND_STRUCT);

	if (id < 0)
		return -1;
	type = btf__type_by_id(types, id);
	for (i = 0; i < btf_vlen(type); i++)
		if (!strcmp(btf__name_by_offset(types, btf_members(type)[i].name_off), field))
			return btf_member_bit_offset(type, i) / 8;
	return -1;
}

static int find_layout(void)
{
	struct btf *types = btf__load_vmlinux_btf();
	int registers = types ? find_field(types, "pt_regs", "regs") : -1;
	int id = types ? btf__find_by_name_kind(types, "long int", BTF_KIND_INT) : -1;

	if (registers < 0 || id < 0)
		return -1;
	layout.word = btf__resolve_size(types, id);
	layout.result = registers + 2 * layout.word;	/* v0 */
	layout.instructions = find_field(types, "bpf_prog", "len");
	layout.bytes = find_field(types, "bpf_prog", "jited_len");
	btf__free(types);
	return layout.instructions < 0 || layout.bytes < 0 ? -1 : 0;
}

#define CALL(helper) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper)
/* Adds R0 to what programs share. */
#define SUM(field) \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, AT(field)), \
	BPF_ALU64_REG(BPF_ADD, BPF_REG_1, BPF_REG_0), \
	BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_1, AT(field))
/* The same with a word of the program that R7 points to. */
#define SUM_WORD(offset, field) \
	BPF_MOV64_REG(BPF_REG_1, BPF_REG_10), \
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -4), \
	BPF_MOV64_IMM(BPF_REG_2, 4), \
	BPF_MOV64_REG(BPF_REG_3, BPF_REG_7), \
	BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, offset), \
	CALL(BPF_FUNC_probe_read_kernel), \
	BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_10, -4), \
	SUM(field)

/* At the call: the time. */
static int load_start(void)
{
	struct bpf_insn insns[] = {
		BPF_LD_MAP_FD(BPF_REG_6, clocks_map),
		CALL(BPF_FUNC_ktime_get_ns),
		BPF_STX_MEM(BPF_DW, BPF_REG_6, BPF_REG_0, AT(start)),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	/* BPF_LD_MAP_FD() is for a map; here it is for its value. */
	insns[0].src_reg = BPF_PSEUDO_MAP_VALUE;
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, NULL, "GPL", insns,
			     sizeof(insns) / sizeof(*insns), NULL);
}

/* At the return: what has passed since then, and what is returned. */
static int load_end(void)
{
	struct bpf_insn insns[] = {
		BPF_LD_MAP_FD(BPF_REG_6, clocks_map),
		BPF_LDX_MEM(layout.word == 8 ? BPF_DW : BPF_W, BPF_REG_7, BPF_REG_1, layout.result),
		CALL(BPF_FUNC_ktime_get_ns),
		BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, AT(start)),
		BPF_ALU64_REG(BPF_SUB, BPF_REG_0, BPF_REG_1),
		SUM(sum),
		BPF_MOV64_IMM(BPF_REG_0, 1),
		SUM(calls),
		SUM_WORD(layout.instructions, instructions),
		SUM_WORD(layout.bytes, bytes),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	insns[0].src_reg = BPF_PSEUDO_MAP_VALUE;
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
	int program = is_return ? load_end() : load_start(), event;

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

uint64_t end_compiling(struct image *image)
{
	struct clocks clocks;

	if (!is_watching)
		return 0;
	read_clocks(&clocks);
	if (image) {
		image->programs = clocks.calls;
		image->compiled = clocks.bytes ? clocks.calls : 0;
		image->instructions = clocks.instructions;
		image->bytes = clocks.bytes;
	}
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
	if (clocks_map < 0 || find_layout())
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
