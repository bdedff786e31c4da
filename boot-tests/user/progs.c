// SPDX-License-Identifier: GPL-2.0
/*
 * Do the programs of the kernel's selftests do the same compiled as interpreted?
 *
 *	progs [FIRST LAST]
 *
 * /objects.a has an object for each source of progs/. Each program of each is a test:
 * it is loaded, without the object's others, with the JIT on; if its type can be run
 * by BPF_PROG_TEST_RUN, it is run; and all that again, with the JIT off. It passes if
 *
 * - it loads, or does not, as its annotations ask;
 * - with the JIT on, it is compiled: an image that is missing is a failure;
 * - it returns what its annotations say; and both ways the same, and leave the same
 *   packet and the same global data, unless two interpreted runs differ, too.
 *
 * What cannot be tested is skipped, with a reason; one of them is that the JIT lacks
 * something, by the words of the verifier. A program without annotations may fail to
 * load: then its reason is the kernel's, but must not be the JIT's.
 *
 * Each object is tested by a process of its own, which is ended if a test takes too long
 * or crashes; the next one goes on with the test behind.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "annotations.h"
#include "archive.h"
#include "progs.h"

static struct tally *tally;	/* of all processes */
static int is_jit_on;		/* as the job has set it; else nothing is compiled */

/* What is printed: a line for each test. */

static const char *const kind_names[] = {
	[PASSED] = "PASS", [FAILED] = "FAIL", [NOT_BUILT] = "SKIP not built",
	[NO_TEST] = "SKIP no test", [NOT_HERE] = "SKIP not for this kernel",
	[NEEDS_JIT] = "SKIP needs a JIT", [LACKS] = "SKIP arch lacks", [ON_PURPOSE] = "SKIP left out",
};

static void report(const struct test *test, enum kind kind, const char *format, ...)
{
	char why[600];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	tally->count[kind]++;
	printf("#%d %s/%s%s %s%s%s\n", test->number, test->object, test->program,
	       test->way == UNPRIVILEGED ? "@unpriv" : "", kind_names[kind], *why ? ": " : "", why);
	fflush(stdout);
}

/* What the kernel and libbpf say. */

static char verifier_log[1 << 16];
static char warnings[1 << 14];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	size_t length = strlen(warnings);

	if (level == LIBBPF_WARN)
		vsnprintf(warnings + length, sizeof(warnings) - length, format, arguments);
	return 0;
}

static int is_blank(const char *line)
{
	static const char *const idle[] = {
		"processed ", "verification time", "stack depth", "mark_precise", "insns per",
		"libbpf: failed to load", "max_states",
	};
	unsigned int i;

	for (i = 0; i < sizeof(idle) / sizeof(*idle); i++)
		if (behind(line, idle[i]))
			return 1;
	return strstr(line, "BPF program load failed") || strstr(line, "PROG LOAD LOG") ||
	       strstr(line, "': failed to load: -") ||
	       strstr(line, "failed to prepare load attributes") || !*line;
}

/* The last line that says something. */
static const char *last_line(char *text)
{
	static char line[200];
	char *next, *start;

	*line = 0;
	for (start = text; start && *start; start = next) {
		next = strchr(start, '\n');
		if (next)
			*next++ = 0;
		if (!is_blank(start))
			snprintf(line, sizeof(line), "%s", start);
	}
	return line;
}

/* Why a program or object was not loaded. */
static void note_reason(struct outcome *outcome)
{
	const char *line = last_line(verifier_log);

	if (!*line)
		line = last_line(warnings);
	line = behind(line, "libbpf: ") ? behind(line, "libbpf: ") : line;
	snprintf(outcome->reason, sizeof(outcome->reason), "%s (errno %d)", line, -outcome->error);
	for (char *c = outcome->reason; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = ' ';
}

static int says(const struct outcome *outcome, const char *const *phrases)
{
	for (; *phrases; phrases++)
		if (strstr(outcome->reason, *phrases))
			return 1;
	return 0;
}

/* The JIT has no such thing, and says so. */
static int is_lacking(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"JIT does not support", "JIT doesn't support", NULL
	};

	return says(outcome, phrases) || outcome->error == -KERNEL_ENOTSUPP;
}

/* The interpreter does not do this. */
static int is_for_jit(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"JIT is required", "non-JITed", "requires BPF JIT", "not JITed",
		"should be JITed", "JITed progs", NULL
	};

	return says(outcome, phrases);
}

/* The kernel was configured without it, or has it on other machines only. */
static int is_absent(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"unknown func", "not found in kernel", "is not found in vmlinux", "failed to find BTF",
		"failed to find kernel BTF", "failed to create", "cannot use helper", "is not supported",
		"unresolved", "extern '", "extern (", "not found in modules", "failed to find BTF info",
		"unsupported BPF program type", "could not find", "failed to find", "invalid helper",
		"unsupported func", "no such", "failed to auto-attach", "failed to resolve", NULL
	};

	return says(outcome, phrases);
}

/* Loading and running once. */

static void set_jit(int is_on)
{
	int file = open("/proc/sys/net/core/bpf_jit_enable", O_WRONLY);

	if (file < 0 || write(file, is_on ? "1" : "0", 1) != 1) {
		printf("cannot turn the JIT on or off: errno %d\n", errno);
		exit(2);
	}
	close(file);
}

/* Privileges that programs and maps can be loaded with. */
#define BPF_CAPABILITIES (1ULL << 12 | 1ULL << 21 | 1ULL << 38 | 1ULL << 39)

static void set_capabilities(uint64_t dropped)
{
	struct { uint32_t version; int process; } header = { 0x20080522, 0 };
	uint32_t data[2][3];

	if (syscall(__NR_capget, &header, data)) {
		printf("no capabilities: errno %d\n", errno);
		exit(2);
	}
	data[0][0] = data[0][1] & ~(uint32_t)dropped;
	data[1][0] = data[1][1] & ~(uint32_t)(dropped >> 32);
	if (syscall(__NR_capset, &header, data)) {
		printf("cannot set capabilities: errno %d\n", errno);
		exit(2);
	}
}

/* Maps that need no privileges, as test_loader.c of the selftests has them. */
static int is_map_for_all(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return !(bpf_map__map_flags(map) & BPF_F_ZERO_SEED);
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_USER_RINGBUF:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return 1;
	default:
		return 0;
	}
}

/* Chooses what of an object is loaded. */
static struct bpf_program *choose(const struct test *test, struct bpf_object *object)
{
	struct bpf_program *program, *chosen = NULL;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);
		int is_it = !strcmp(name, test->program);

		if (is_it)
			chosen = program;
		bpf_program__set_autoload(program, is_it || is_auxiliary(test, name));
	}
	bpf_program__set_log_buf(chosen, verifier_log, sizeof(verifier_log));
	bpf_program__set_flags(chosen, bpf_program__flags(chosen) | test->annotations.flags);
	bpf_object__for_each_map(map, object)
		bpf_map__set_autocreate(map, test->way == PRIVILEGED || is_map_for_all(map));
	return chosen;
}

static int is_compiled(int program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	return !bpf_prog_get_info_by_fd(program, &info, &length) && info.jited_prog_len;
}

/* What has a meaning for programs that look at packets: IPv4 and TCP, of no interest to others. */
static const uint8_t packet[64] = {
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
	0x45, 0, 0, 50, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	0x1f, 0x90, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
	'G', 'E', 'T', ' ', '/', 0xff, 0x80, 0x7f, 0, 1,
};

static void run_once(const struct test *test, struct bpf_program *program, struct outcome *outcome)
{
	int type = bpf_program__type(program);
	uint8_t input[sizeof(packet)] = { 0 };
	uint64_t context[32] = { 0 };
	struct __sk_buff linear = { .data_end = test->annotations.linear_size };
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (type == BPF_PROG_TYPE_SYSCALL || type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		if (!test->annotations.is_test || type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
			options.ctx_in = context;
			options.ctx_size_in = type == BPF_PROG_TYPE_SYSCALL ? sizeof(context) : 96;
		}
	} else {
		if (!test->annotations.is_test)
			memcpy(input, packet, sizeof(packet));
		options.data_in = input;
		options.data_size_in = sizeof(input);
		options.data_out = outcome->output;
		options.data_size_out = sizeof(outcome->output);
		options.repeat = 1;
		if (test->annotations.linear_size) {
			options.ctx_in = &linear;
			options.ctx_size_in = sizeof(linear);
		}
	}
	errno = 0;
	outcome->run_error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	outcome->is_run = !outcome->run_error;
	outcome->result = options.retval;
	outcome->output_size = type == BPF_PROG_TYPE_SYSCALL || type == BPF_PROG_TYPE_RAW_TRACEPOINT ?
		0 : options.data_size_out;
}

/* Keeps what global variables have become. */
static void keep_data(struct bpf_object *object, struct outcome *outcome)
{
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);
		const void *data = bpf_map__initial_value(map, &size);

		if (!data || bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || !strchr(name, '.') ||
		    strstr(name, ".rodata") || strstr(name, ".kconfig"))
			continue;
		if (size > sizeof(outcome->data) - outcome->data_size)
			size = sizeof(outcome->data) - outcome->data_size;
		memcpy(outcome->data + outcome->data_size, data, size);
		outcome->data_size += size;
	}
}

/* Programs that the kernel calls must be attached before they can be run. */
static int is_attached_first(int type)
{
	return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	       type == BPF_PROG_TYPE_EXT || type == BPF_PROG_TYPE_STRUCT_OPS;
}

/* Of programs that are run with structures of functions of theirs. */
static void attach_structures(struct bpf_object *object, struct outcome *outcome)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object) {
		if (!bpf_map__autocreate(map) || bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (!bpf_map__attach_struct_ops(map) && !outcome->attach_error)
			outcome->attach_error = -errno;
	}
}

static void run_loaded(const struct test *test, struct bpf_object *object,
		       struct bpf_program *program, struct outcome *outcome)
{
	int type = bpf_program__type(program);
	struct bpf_link *link = NULL;

	outcome->is_compiled = is_compiled(bpf_program__fd(program));
	if (test->annotations.is_test && test->annotations.as[test->way].is_run) {
		attach_structures(object, outcome);
	} else if (is_attached_first(type) && type != BPF_PROG_TYPE_STRUCT_OPS) {
		link = bpf_program__attach(program);
		outcome->attach_error = link ? 0 : -errno;
		bpf_link__destroy(link);
	}
	if (is_attached_first(type) || outcome->attach_error)
		return;
	run_once(test, program, outcome);
	keep_data(object, outcome);
}

static void load_and_run(const struct test *test, enum mode mode, struct outcome *outcome)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = test->object,
		    .btf_custom_path = test->annotations.types_path);
	const struct expectation *expectation = &test->annotations.as[test->way];
	struct bpf_program *program;
	struct bpf_object *object;

	memset(outcome, 0, sizeof(*outcome));
	*warnings = *verifier_log = 0;
	set_jit(mode == COMPILED);
	object = bpf_object__open_mem(test->bytes, test->size, &options);
	if (!object) {
		outcome->error = -errno;
		note_reason(outcome);
		return;
	}
	program = choose(test, object);
	if (test->way == UNPRIVILEGED)
		set_capabilities(BPF_CAPABILITIES & ~expectation->capabilities);
	outcome->error = bpf_object__load(object);
	set_capabilities(0);
	if (outcome->error)
		note_reason(outcome);
	else
		run_loaded(test, object, program, outcome);
	bpf_object__close(object);
}

/* Judging. */

static struct outcome compiled, interpreted, again;

static int is_same_data(const struct outcome *a, const struct outcome *b)
{
	return a->data_size == b->data_size && !memcmp(a->data, b->data, a->data_size);
}

static int is_same_output(const struct outcome *a, const struct outcome *b)
{
	return a->output_size == b->output_size && !memcmp(a->output, b->output, sizeof(a->output));
}

/* It was loaded both ways. What is different, if two interpreted runs are not, too. */
static const char *difference(const struct test *test)
{
	static char text[120];
	int any = test->annotations.as[test->way].result == ANY_VALUE;

	*text = 0;
	if (compiled.is_run != interpreted.is_run)
		snprintf(text, sizeof(text), "running ends with errno %d, interpreted with %d",
			 -compiled.run_error, -interpreted.run_error);
	else if (compiled.is_run && !any && compiled.result != interpreted.result)
		snprintf(text, sizeof(text), "returns %#x, interpreted %#x", compiled.result,
			 interpreted.result);
	else if (compiled.is_run && !is_same_output(&compiled, &interpreted))
		snprintf(text, sizeof(text), "leaves another packet than interpreted");
	else if (compiled.is_run && !any && !is_same_data(&compiled, &interpreted))
		snprintf(text, sizeof(text), "leaves other global data than interpreted");
	if (!*text)
		return NULL;
	load_and_run(test, INTERPRETED, &again);
	if (again.is_run == interpreted.is_run && again.result == interpreted.result &&
	    is_same_output(&again, &interpreted) && is_same_data(&again, &interpreted))
		return text;
	tally->random++;
	return NULL;
}

static int is_wrong_result(const struct test *test, const struct outcome *outcome)
{
	const struct expectation *expectation = &test->annotations.as[test->way];

	return expectation->is_run && outcome->is_run && expectation->result != ANY_VALUE &&
	       (int)outcome->result != expectation->result;
}

/* It was loaded with the JIT on. */
static void judge_loaded(const struct test *test, int is_compared)
{
	const struct expectation *expectation = &test->annotations.as[test->way];
	const char *text;

	tally->loaded++;
	tally->run += compiled.is_run;
	if (compiled.attach_error == -KERNEL_ENOTSUPP) {
		report(test, LACKS, "loaded, but there are no trampolines to attach it by");
	} else if (!compiled.is_compiled) {
		report(test, FAILED, "interpreted although the JIT is on");
	} else if (is_compared && interpreted.is_compiled) {
		report(test, FAILED, "compiled although the JIT is off");
	} else if (is_wrong_result(test, &compiled)) {
		report(test, FAILED, "returns %#x, expected %#x%s", compiled.result,
		       expectation->result, !is_compared ? "" : is_wrong_result(test, &interpreted) ?
		       "; so does the interpreter" : "; the interpreter is right");
	} else if (expectation->is_run && test->annotations.is_test && !compiled.is_run) {
		report(test, FAILED, "not run: errno %d, attached: errno %d", -compiled.run_error,
		       -compiled.attach_error);
	} else if (is_compared && (text = difference(test))) {
		report(test, FAILED, "%s", text);
	} else if (compiled.is_run) {
		tally->same += is_compared && interpreted.is_run;
		report(test, PASSED, "%s %#x", is_compared ? "both return" : "returns", compiled.result);
	} else {
		report(test, PASSED, "compiled, cannot be run so");
	}
}

/* It was not, though it should have been. */
static void judge_refused(const struct test *test)
{
	const char *why = compiled.reason;

	if (is_lacking(&compiled))
		report(test, LACKS, "%s", why);
	else if (is_for_jit(&compiled))
		report(test, FAILED, "the JIT has refused it: %s", why);
	else if (!interpreted.error)
		report(test, FAILED, "loads with the JIT off only: %s", why);
	else if (is_absent(&compiled))
		report(test, NOT_HERE, "%s", why);
	else if (!test->annotations.is_test)
		report(test, NO_TEST, "does not load, as with the JIT off: %s",
		       is_for_jit(&interpreted) ? why : interpreted.reason);
	else if (test->annotations.is_foreign)
		report(test, NOT_HERE, "for other processors: %s", why);
	else
		report(test, FAILED, "does not load, with the JIT off: %s: %s",
		       is_for_jit(&interpreted) ? "needs a JIT" : "neither", why);
}

/* It should not load. */
static void judge_failure(const struct test *test, const struct outcome *outcome)
{
	if (outcome->error)
		report(test, PASSED, "refused");
	else if (test->way == UNPRIVILEGED)
		report(test, NOT_HERE, "may be refused for the sake of mitigations, MIPS has none");
	else if (test->annotations.is_foreign)
		report(test, NOT_HERE, "for other processors");
	else
		report(test, FAILED, "loads, but must not");
}

/* With the JIT off from the start. */
static void judge_interpreted(const struct test *test)
{
	load_and_run(test, INTERPRETED, &interpreted);
	if (test->annotations.as[test->way].is_failure) {
		judge_failure(test, &interpreted);
	} else if (interpreted.error) {
		compiled = interpreted;
		if (is_for_jit(&interpreted) || !strncmp(interpreted.reason, "JIT", 3))
			report(test, NEEDS_JIT, "%s", interpreted.reason);
		else
			judge_refused(test);
	} else {
		tally->loaded++;
		tally->run += interpreted.is_run;
		if (interpreted.is_compiled)
			report(test, FAILED, "compiled although the JIT is off");
		else if (interpreted.attach_error == -KERNEL_ENOTSUPP)
			report(test, NEEDS_JIT, "loaded, but there are no trampolines to attach it by");
		else if (is_wrong_result(test, &interpreted))
			report(test, FAILED, "returns %#x, expected %#x", interpreted.result,
			       test->annotations.as[test->way].result);
		else
			report(test, PASSED, "");
	}
}

static void judge(const struct test *test)
{
	const char *purpose = left_out(test);

	if (purpose) {
		report(test, ON_PURPOSE, "%s", purpose);
		return;
	}
	if (!test->annotations.is_understood) {
		report(test, FAILED, "its annotations are not understood");
		return;
	}
	if (!(test->annotations.modes & (is_jit_on ? COMPILED : INTERPRETED))) {
		report(test, NO_TEST, "is for the JIT %s", is_jit_on ? "off" : "on");
		return;
	}
	if (!is_jit_on) {
		judge_interpreted(test);
		return;
	}
	load_and_run(test, COMPILED, &compiled);
	if (test->annotations.as[test->way].is_failure) {
		judge_failure(test, &compiled);
		return;
	}
	load_and_run(test, INTERPRETED, &interpreted);
	if (compiled.error)
		judge_refused(test);
	else
		judge_loaded(test, !interpreted.error);
}

/* An object's tests, from the one on that is the first of this process. */

static int first = 0, last = INT_MAX;	/* to test */

static void one_test(struct test *test)
{
	int index = tally->tests++;

	test->number = tally->base + index;
	if (index < tally->next || test->number < first || test->number > last)
		return;
	snprintf(tally->name, sizeof(tally->name), "%s/%s", test->object, test->program);
	tally->next = index;
	tally->is_busy = 1;
	judge(test);
	tally->is_busy = 0;
	tally->next = index + 1;
}

/* Instead of an object: why there is none, or it has no tests. */
static void one_skip(struct test *test, enum kind kind, const char *why)
{
	int index = tally->tests++;

	test->number = tally->base + index;
	test->program = "-";
	if (index >= tally->next && test->number >= first && test->number <= last)
		report(test, kind, "%s", why);
	tally->next = index + 1;
}

static void test_object(struct test *test)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = test->object);
	struct outcome outcome = { 0 };
	struct bpf_program *program;
	struct bpf_object *object;

	*warnings = *verifier_log = 0;
	object = bpf_object__open_mem(test->bytes, test->size, &options);
	if (!object) {
		outcome.error = -errno;
		note_reason(&outcome);
		one_skip(test, NO_TEST, outcome.reason);
		return;
	}
	find_auxiliaries(test, object);
	bpf_object__for_each_program(program, object) {
		test->program = bpf_program__name(program);
		test->annotations = read_annotations(bpf_object__btf(object), test->program);
		if (test->annotations.is_auxiliary)
			continue;
		for (test->way = 0; test->way < WAYS; test->way++)
			if (test->annotations.ways & 1 << test->way)
				one_test(test);
	}
	test->way = PRIVILEGED;
	if (!tally->tests)
		one_skip(test, NO_TEST, "has no programs");
}

/* How long a test may take: with the JIT off, the longest of all takes a while. */
#define SECONDS 300

/* Whether it ended by itself. */
static int wait_for(int process, int *status)
{
	struct timespec pause = { .tv_nsec = 10000000 };
	int seen = -1;
	time_t since = time(NULL);

	while (!waitpid(process, status, WNOHANG)) {
		if (seen != tally->next) {
			seen = tally->next;
			since = time(NULL);
		}
		if (time(NULL) - since > SECONDS) {
			kill(process, SIGKILL);
			waitpid(process, status, 0);
			return 0;
		}
		nanosleep(&pause, NULL);
	}
	return 1;
}

static void test_member(const char *name, const void *bytes, size_t size)
{
	struct test test = { .bytes = bytes, .size = size, .program = "-" };
	int is_object = !strcmp(name + strlen(name) - 2, ".o");
	int status, process, is_ended;
	char object[64];

	snprintf(object, sizeof(object), "%.*s", (int)(strrchr(name, '.') - name), name);
	test.object = object;
	tally->next = 0;
	do {
		tally->tests = tally->is_busy = 0;
		process = fork();
		if (!process) {
			if (is_object)
				test_object(&test);
			else
				one_skip(&test, NOT_BUILT, bytes);
			_exit(0);
		}
		is_ended = wait_for(process, &status);
		if (is_ended && WIFEXITED(status) && !WEXITSTATUS(status))
			break;
		test.number = tally->base + tally->next++;
		test.program = tally->is_busy ? strchr(tally->name, '/') + 1 : "-";
		report(&test, FAILED, is_ended ? "it ended the process: status %#x" :
		       "not done after %d s", is_ended ? status : SECONDS);
	} while (tally->is_busy);
	set_jit(is_jit_on);
	tally->base += tally->tests > tally->next ? tally->tests : tally->next;
	tally->objects += is_object;
	tally->members++;
}

/* Objects with types that others ask for by the names that the selftests' Makefile gives them. */
static void save_types(const char *name, const void *bytes, size_t size)
{
	char path[80];
	int file;

	if (!behind(name, "btf__") || !strstr(name, ".o"))
		return;
	snprintf(path, sizeof(path), "%.*s.bpf.o", (int)strcspn(name, "."), name);
	file = open(path, O_WRONLY | O_CREAT, 0600);
	if (file < 0 || write(file, bytes, size) != (ssize_t)size)
		printf("cannot write %s: errno %d\n", path, errno);
	close(file);
}

static void conclude(void)
{
	int i, skipped = 0;

	for (i = NOT_BUILT; i < KINDS; i++) {
		skipped += tally->count[i];
		if (tally->count[i])
			printf("%d of %s\n", tally->count[i], kind_names[i]);
	}
	printf("%d objects built of %d; %d programs loaded, %d run; JIT = interpreter on %d, "
	       "%d are random\n", tally->objects, tally->members, tally->loaded, tally->run,
	       tally->same, tally->random);
	printf("Summary: %d PASSED, %d SKIPPED, %d FAILED\n", tally->count[PASSED], skipped,
	       tally->count[FAILED]);
}

int main(int argc, char **argv)
{
	char state = '0';
	int file = open("/proc/sys/net/core/bpf_jit_enable", O_RDONLY);

	if (file < 0 || read(file, &state, 1) != 1) {
		printf("is there a JIT? errno %d\n", errno);
		return 2;
	}
	close(file);
	is_jit_on = state != '0';
	if (argc > 2) {
		first = atoi(argv[1]);
		last = atoi(argv[2]);
	}
	libbpf_set_print(keep_warning);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED || each_member("/objects.a", save_types) ||
	    each_member("/objects.a", test_member)) {
		printf("no objects, or no memory: errno %d\n", errno);
		return 2;
	}
	conclude();
	return tally->count[FAILED] != 0;
}
