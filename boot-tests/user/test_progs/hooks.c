// SPDX-License-Identifier: GPL-2.0
/*
 * What is not as the tests expect it, and what test_progs does not tell of them. This is told to
 * main.c in lines of their own:
 *
 *	@skip REASON		before the result of a test that is skipped
 *	@start N NAME		a subtest begins
 *	@done N RESULT NAME	a subtest has ended; not said of the last one
 *
 * It prints results when all of a test is done, so never if the test crashes or hangs.
 */

#include <test_progs.h>

extern void __real_test__skip(void);
extern void __real_test_loader__run_subtests(struct test_loader *tester, const char *skeleton,
					     skel_elf_bytes_fn bytes);
extern int __real_bpf_object__load(struct bpf_object *object);
extern int __real_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton);
extern int __real_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
				const struct bpf_insn *code, size_t length,
				struct bpf_prog_load_opts *options);
extern bool __real_test__start_subtest_with_desc(const char *name, const char *description);

/* Tests of programs that say themselves for which processors and settings they are. */
static bool is_loader;

static const char *last_line(char *log, size_t length, size_t *size)
{
	const char *end, *start;

	for (end = log + length; end > log && (end[-1] == '\n' || end[-1] == ' '); end--)
		;
	for (start = end; start > log && start[-1] != '\n'; start--)
		;
	*size = end - start;
	return start;
}

/* The reason, if any, is what the test has just printed. */
void __wrap_test__skip(void)
{
	struct subtest_state *subtest = env.subtest_state;
	const char *line = "";
	size_t size = 0;

	fflush(stdout);
	if (subtest && subtest->log_cnt)
		line = last_line(subtest->log_buf, subtest->log_cnt, &size);
	if (!size && !is_loader && env.test_state->log_cnt)
		line = last_line(env.test_state->log_buf, env.test_state->log_cnt, &size);
	if (!size && is_loader) {
		line = "for other processors, or another setting of the JIT";
		size = strlen(line);
	}
	dprintf(1, "@skip %d %.*s\n", subtest ? env.test_state->subtest_num : 0, (int)size, line);
	__real_test__skip();
}

static bool tell(bool is_started)
{
	if (is_started)
		dprintf(1, "@start %d %s\n", env.test_state->subtest_num, env.subtest_state->name);
	return is_started;
}

static void tell_last(void)
{
	struct subtest_state *subtest = env.subtest_state;

	if (subtest)
		dprintf(1, "@done %d %s %s\n", env.test_state->subtest_num,
			subtest->error_cnt ? "FAIL" : subtest->skipped ? "SKIP" : "OK",
			subtest->name);
}

bool __wrap_test__start_subtest_with_desc(const char *name, const char *description)
{
	tell_last();
	return tell(__real_test__start_subtest_with_desc(name, description));
}

bool __wrap_test__start_subtest(const char *name)
{
	return __wrap_test__start_subtest_with_desc(name, NULL);
}

/* Without the skeleton there is nothing to run. */
void __wrap_test_loader__run_subtests(struct test_loader *tester, const char *skeleton,
				      skel_elf_bytes_fn bytes)
{
	size_t size;

	if (!bytes(&size)) {
		__wrap_test__skip();
		return;
	}
	is_loader = true;
	__real_test_loader__run_subtests(tester, skeleton, bytes);
	is_loader = false;
}

/*
 * Accesses need not be aligned, as on the processors that the tests are written for: the kernel
 * emulates those that are not. One must have privileges to say so.
 */
static __u32 aligned_anyhow(__u32 flags)
{
	struct { __u32 version; int process; } header = { 0x20080522, 0 };
	__u32 data[2][3] = {};

	if (flags & BPF_F_STRICT_ALIGNMENT || syscall(__NR_capget, &header, data))
		return flags;
	if (!(data[0][0] & 1U << 21) && !(data[1][0] & 1U << (39 - 32)))
		return flags;
	return flags | BPF_F_ANY_ALIGNMENT;
}

static void align_anyhow(const struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_flags(program, aligned_anyhow(bpf_program__flags(program)));
}

int __wrap_bpf_object__load(struct bpf_object *object)
{
	if (object)
		align_anyhow(object);
	return __real_bpf_object__load(object);
}

int __wrap_bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton)
{
	align_anyhow(*skeleton->obj);
	return __real_bpf_object__load_skeleton(skeleton);
}

int __wrap_bpf_prog_load(enum bpf_prog_type type, const char *name, const char *license,
			 const struct bpf_insn *code, size_t length, struct bpf_prog_load_opts *given)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options);
	int result;

	if (given)
		memcpy(&options, given, given->sz < sizeof(options) ? given->sz : sizeof(options));
	options.sz = sizeof(options);
	options.prog_flags = aligned_anyhow(options.prog_flags);
	result = __real_bpf_prog_load(type, name, license, code, length, &options);
	if (given && given->sz >= offsetof(struct bpf_prog_load_opts, log_true_size) + sizeof(__u32))
		given->log_true_size = options.log_true_size;
	return result;
}
