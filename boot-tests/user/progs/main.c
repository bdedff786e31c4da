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
 * - it loads, or does not, as its annotations ask, and for the reason that they name;
 * - with the JIT on, it is compiled: an image that is missing is a failure;
 * - it returns what its annotations say; and both ways the same, and leave the same
 *   packet and the same global data, unless two runs of the same way differ, too.
 *
 * What attaches to programs is attached, and these are run. What cannot be tested is
 * skipped, with a reason. A program without annotations may fail to load: then its reason
 * is the kernel's, but must not be the JIT's.
 *
 * Each object is tested by a process of its own, which is ended if a test takes too long
 * or crashes; the next one goes on with the test behind.
 */

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../archive.h"
#include "progs.h"

struct tally *tally;
int is_jit_on, harden;

static const char *const kind_names[KINDS] = {
	[PASSED] = "PASS", [FAILED] = "FAIL",
	[NOT_BUILT] = "SKIP object not built",
	[NO_PROGRAMS] = "SKIP no programs",
	[FORBIDDEN] = "SKIP core forbids",
	[NARROW] = "SKIP libbpf lacks 32-bit kernels",
	[NOT_HERE] = "SKIP not in this kernel",
	[NO_SETUP] = "SKIP needs a test's preparations",
	[NO_TRACE] = "SKIP arch lacks direct calls of ftrace",
	[LACKS] = "SKIP JIT lacks",
	[UNBLINDED] = "SKIP core cannot blind",
	[NEEDS_JIT] = "SKIP needs a JIT",
	[NEEDS_NO_JIT] = "SKIP needs the JIT off",
	[ON_PURPOSE] = "SKIP left out",
};

void report(const struct test *test, enum kind kind, const char *format, ...)
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

	forget_reasons();
	object = bpf_object__open_mem(test->bytes, test->size, &options);
	if (!object) {
		outcome.error = -errno;
		note_reason(test, &outcome);
		one_skip(test, FORBIDDEN, outcome.reason);
		return;
	}
	find_auxiliaries(object);
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
		one_skip(test, NO_PROGRAMS, "in its source");
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
	set_sysctl("bpf_jit_enable", is_jit_on);
	tally->base += tally->tests > tally->next ? tally->tests : tally->next;
	tally->objects += is_object;
	tally->members++;
}

/* Some are opened by their names. */
static void save_object(const char *name, const void *bytes, size_t size)
{
	char object[64], path[80];
	int file;

	snprintf(object, sizeof(object), "%.*s", (int)strcspn(name, "."), name);
	if (!is_needed_as_file(object) || !strstr(name, ".o"))
		return;
	snprintf(path, sizeof(path), "/%s.bpf.o", object);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
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
	printf("%d objects built of %d, %d tests in all; %d programs loaded, %d run, %d attached; "
	       "JIT = interpreter on %d, %d are random\n", tally->objects, tally->members, tally->base,
	       tally->loaded, tally->run, tally->attached, tally->same, tally->random);
	printf("Summary: %d PASSED, %d SKIPPED, %d FAILED\n", tally->count[PASSED], skipped,
	       tally->count[FAILED]);
}

int main(int argc, char **argv)
{
	is_jit_on = get_sysctl("bpf_jit_enable") != 0;
	harden = get_sysctl("bpf_jit_harden");
	if (argc > 2) {
		first = atoi(argv[1]);
		last = atoi(argv[2]);
	}
	libbpf_set_print(keep_warning);
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tally == MAP_FAILED || each_member("/objects.a", save_object) ||
	    each_member("/objects.a", test_member)) {
		printf("no objects, or no memory: errno %d\n", errno);
		return 2;
	}
	conclude();
	return tally->count[FAILED] != 0;
}
