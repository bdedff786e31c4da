// SPDX-License-Identifier: GPL-2.0
/*
 * Does a random program do under the BPF JIT what it does in the interpreter?
 *
 * The programs are made on the host (rust/tools/exec/generate.rs) and come in a
 * file. Each is run twice on the same data: result, data and calls of helpers
 * must be the same. Line numbers of failures are numbers of programs, which the
 * host can print.
 *
 * The file, in the machine's byte order:
 *
 *	u32 magic, u32 number of programs, u64 seed of the first
 *	for each program: u32 number of instructions, u32 bytes of stack,
 *			  then the instructions
 *
 * A call's immediate is the number of the helper.
 */

#define pr_fmt(fmt) "jit_diff: " fmt

#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/kernel_read_file.h>
#include <linux/module.h>
#include <linux/vmalloc.h>

static char file[64] = "/programs";
module_param_string(file, file, sizeof(file), 0);
MODULE_PARM_DESC(file, "the programs");

static unsigned int test_range[2] = { 0, UINT_MAX };
module_param_array(test_range, uint, NULL, 0);
MODULE_PARM_DESC(test_range, "first and last program to run");

#define MAGIC 0x4a444946

#define DATA_SIZE 4096

/* What LOOKUP returns begins here in the data. */
#define LOOKUP_AREA 0x800

/* Longest piece of memory that a helper looks at. */
#define PIECE 64

struct file_header {
	u32 magic;
	u32 count;
	u64 seed;
};

struct program_header {
	u32 len;
	u32 stack_depth;
};

static u8 *data;

/* Of all calls, in order. */
static u64 calls_digest;

static u64 mix(u64 value)
{
	value ^= value >> 30;
	value *= 0xbf58476d1ce4e5b9ull;
	value ^= value >> 27;
	value *= 0x94d049bb133111ebull;
	return value ^ (value >> 31);
}

static void note_call(u64 number, u64 value)
{
	calls_digest = mix(calls_digest ^ mix(number ^ mix(value)));
}

static u64 digest(u32 number, const u64 *values, unsigned int count)
{
	u64 hash = number;
	unsigned int i;

	for (i = 0; i < count; i++)
		hash = mix(hash ^ values[i]);
	note_call(number, hash);
	return hash;
}

/* Helpers 0 to 5 take as many arguments. */
BPF_CALL_0(helper_0)
{
	return digest(0, NULL, 0);
}

BPF_CALL_1(helper_1, u64, a)
{
	u64 values[] = { a };

	return digest(1, values, ARRAY_SIZE(values));
}

BPF_CALL_2(helper_2, u64, a, u64, b)
{
	u64 values[] = { a, b };

	return digest(2, values, ARRAY_SIZE(values));
}

BPF_CALL_3(helper_3, u64, a, u64, b, u64, c)
{
	u64 values[] = { a, b, c };

	return digest(3, values, ARRAY_SIZE(values));
}

BPF_CALL_4(helper_4, u64, a, u64, b, u64, c, u64, d)
{
	u64 values[] = { a, b, c, d };

	return digest(4, values, ARRAY_SIZE(values));
}

BPF_CALL_5(helper_5, u64, a, u64, b, u64, c, u64, d, u64, e)
{
	u64 values[] = { a, b, c, d, e };

	return digest(5, values, ARRAY_SIZE(values));
}

BPF_CALL_3(helper_fill, u8 *, to, u32, len, u64, seed)
{
	u32 i;

	note_call(6, len ^ seed);
	for (i = 0; i < min_t(u32, len, PIECE); i++)
		to[i] = mix(seed + i);
	return len;
}

BPF_CALL_2(helper_digest, const u8 *, from, u32, len)
{
	u64 hash = len;
	u32 i;

	for (i = 0; i < min_t(u32, len, PIECE); i++)
		hash = mix(hash ^ from[i]);
	note_call(7, hash);
	return hash;
}

BPF_CALL_1(helper_lookup, u64, key)
{
	note_call(8, key);
	return (unsigned long)(data + LOOKUP_AREA + (key & 0xf8));
}

typedef u64 (*helper_t)(u64, u64, u64, u64, u64);

static const helper_t helpers[] = {
	helper_0, helper_1, helper_2, helper_3, helper_4, helper_5,
	helper_fill, helper_digest, helper_lookup,
};

static void prepare(u64 seed)
{
	u64 *words = (u64 *)data;
	unsigned int i;

	for (i = 0; i < DATA_SIZE / sizeof(*words); i++) {
		seed = mix(seed + i);
		switch (seed & 7) {
		case 0:
			words[i] = 0;
			break;
		case 1:
			words[i] = (s64)(s32)mix(seed);
			break;
		case 2:
			words[i] = mix(seed) & 127;
			break;
		case 3:
			words[i] = 1ull << (mix(seed) & 63);
			break;
		default:
			words[i] = mix(seed);
		}
	}
	calls_digest = 0;
}

static struct bpf_prog *compile(const struct program_header *header,
				const struct bpf_insn *insns, bool jit)
{
	struct bpf_prog *prog = bpf_prog_alloc(bpf_prog_size(header->len), 0);
	unsigned int i;
	int err;

	if (!prog)
		return NULL;
	memcpy(prog->insnsi, insns, header->len * sizeof(*insns));
	for (i = 0; i < header->len; i++) {
		struct bpf_insn *insn = &prog->insnsi[i];

		/* The second slot of a constant has no opcode. */
		if (insn->code == (BPF_JMP | BPF_CALL))
			insn->imm = BPF_CALL_IMM(helpers[insn->imm]);
	}
	prog->len = header->len;
	prog->type = BPF_PROG_TYPE_SOCKET_FILTER;
	prog->aux->stack_depth = header->stack_depth;
	if (!jit)
		prog->jit_requested = 0;
	prog = bpf_prog_select_runtime(prog, &err);
	if (err) {
		bpf_prog_free(prog);
		return NULL;
	}
	return prog;
}

static unsigned int passed, failed, run, jited;

static void try(unsigned int number, u64 seed, const struct program_header *header,
		const struct bpf_insn *insns, u8 *expected)
{
	struct bpf_prog *interpreted = compile(header, insns, false);
	struct bpf_prog *compiled = compile(header, insns, true);
	u64 calls;
	u32 result, other;

	run++;
	if (!interpreted || !compiled || interpreted->jited) {
		pr_info("#%u cannot be prepared FAIL\n", number);
		failed++;
		goto out;
	}
	jited += compiled->jited;
	migrate_disable();
	prepare(seed);
	result = bpf_prog_run(interpreted, data);
	calls = calls_digest;
	memcpy(expected, data, DATA_SIZE);
	prepare(seed);
	other = bpf_prog_run(compiled, data);
	migrate_enable();
	if (result != other)
		pr_info("#%u returns %#x, interpreted %#x FAIL\n", number, other, result);
	else if (calls != calls_digest)
		pr_info("#%u calls helpers otherwise than interpreted FAIL\n", number);
	else if (memcmp(expected, data, DATA_SIZE))
		pr_info("#%u leaves other data than interpreted FAIL\n", number);
	else {
		passed++;
		goto out;
	}
	failed++;
out:
	if (interpreted)
		bpf_prog_free(interpreted);
	if (compiled)
		bpf_prog_free(compiled);
}

static int try_all(const void *programs, size_t size)
{
	const struct file_header *file_header = programs;
	const void *at = programs + sizeof(*file_header), *end = programs + size;
	u8 *expected = vmalloc(DATA_SIZE);
	unsigned int number;
	int err = -EINVAL;

	data = vzalloc(DATA_SIZE);
	if (!data || !expected) {
		err = -ENOMEM;
		goto out;
	}
	if (size < sizeof(*file_header) || file_header->magic != MAGIC)
		goto out;
	for (number = 0; number < file_header->count; number++) {
		const struct program_header *header = at;
		const struct bpf_insn *insns = at + sizeof(*header);

		if (end - at < sizeof(*header) ||
		    (end - (const void *)insns) / sizeof(*insns) < header->len)
			goto out;
		at = insns + header->len;
		if (number < test_range[0] || number > test_range[1])
			continue;
		try(number, file_header->seed + number, header, insns, expected);
		if (number % 1000 == 999)
			pr_info("%u of %u\n", number + 1, file_header->count);
		cond_resched();
	}
	err = 0;
out:
	vfree(expected);
	vfree(data);
	return err;
}

static int __init jit_diff_init(void)
{
	void *programs = NULL;
	ssize_t size = kernel_read_file_from_path(file, 0, &programs, INT_MAX, NULL,
						  READING_UNKNOWN);
	int err;

	if (size < 0) {
		pr_err("cannot read %s: %zd\n", file, size);
		return size;
	}
	err = try_all(programs, size);
	if (err)
		pr_err("%s is no file of programs: %d\n", file, err);
	vfree(programs);
	pr_info("Summary: %u PASSED, %u FAILED, [%u/%u JIT'ed]\n", passed, failed,
		jited, run);
	return err ?: (failed ? -EINVAL : 0);
}

static void __exit jit_diff_exit(void)
{
}

module_init(jit_diff_init);
module_exit(jit_diff_exit);
MODULE_DESCRIPTION("Random BPF programs, compiled against interpreted");
MODULE_LICENSE("GPL");
