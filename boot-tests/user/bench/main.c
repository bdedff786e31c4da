// SPDX-License-Identifier: GPL-2.0
/*
 * What do real programs cost: to run, to keep and to compile?
 *
 *	bench [FIRST LAST]
 *
 * /bench.a has objects of the kernel's selftests, and cases.c says which programs of them
 * are run, and how; behind them are classic filters, and programs that are only compiled, of
 * more and more instructions. Each case is a line:
 *
 *	#7 test_l4lb/balancer_ingress/tcp4 PASS jited=1 insns=... image=... compile=...
 *
 * insns	instructions of BPF, of the program and those that it jumps to
 * image	bytes of what they were compiled to
 * compile	instructions of MIPS that took
 * total	instructions of a round of the kernel's test loop
 * base		the same, with a program that does nothing in the program's place
 * empty	bytes of that program's image
 * steady	whether rounds were many in a loop, or each a loop of its own
 * ret, out	what it returns, and a hash of the packet that it leaves, if that is always the same
 *
 * Time must count instructions (ICOUNT=1), or these are no instructions. What it all
 * means is for the runner to say, which has such lines of each JIT and of the interpreter.
 */

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "../archive.h"
#include "bench.h"

/* An object that takes so many instructions to compile is compiled once only. */
#define LONG_ENOUGH 3000000

static int passed, failed, skipped, is_jit_on;

static struct {
	char name[64];
	void *bytes;
	size_t size;
} objects[64];
static unsigned int object_count;

static int is_wanted(const char *name)
{
	unsigned int i;

	for (i = 0; i < case_count; i++)
		if (!strcmp(cases[i].object, name))
			return 1;
	return 0;
}

static void keep_object(const char *name, const void *bytes, size_t size)
{
	char object[64];
	void *copy;

	snprintf(object, sizeof(object), "%.*s", (int)strcspn(name, "."), name);
	if (!is_wanted(object) || !strstr(name, ".o") || object_count == 64)
		return;
	copy = malloc(size);
	if (!copy) {
		printf("no memory for %s\n", name);
		exit(2);
	}
	memcpy(copy, bytes, size);
	snprintf(objects[object_count].name, sizeof(object), "%s", object);
	objects[object_count].bytes = copy;
	objects[object_count++].size = size;
}

/* The last words of the verifier, or of libbpf. */
static char reason[300];

static int keep_reason(enum libbpf_print_level level, const char *format, va_list arguments)
{
	char text[4096], *end, *line;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, arguments);
	/* The verifier's log ends with its statistics; what is before says why. */
	end = strstr(text, "\nprocessed ");
	if (end)
		*end = 0;
	end = text + strlen(text);
	while (end > text && end[-1] == '\n')
		*--end = 0;
	line = strrchr(text, '\n');
	if (!*reason || strstr(text, "BEGIN PROG LOAD LOG"))
		snprintf(reason, sizeof(reason), "%.290s", line ? line + 1 : text);
	return 0;
}

/* Opens an object and loads of it what a case is about. NULL if that cannot be done. */
static struct bpf_object *load(const struct bench_case *test, struct bpf_program **chosen)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = test->object);
	struct bpf_object *object = NULL;
	struct bpf_program *program;
	struct bpf_map *map;
	unsigned int i;

	*reason = 0;
	*chosen = NULL;
	for (i = 0; i < object_count; i++)
		if (!strcmp(objects[i].name, test->object))
			object = bpf_object__open_mem(objects[i].bytes, objects[i].size, &options);
	if (!object) {
		snprintf(reason, sizeof(reason), "there is no such object, or it cannot be opened");
		return NULL;
	}
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	bpf_object__for_each_program(program, object) {
		int is_it = test->program && !strcmp(bpf_program__name(program), test->program);

		bpf_program__set_autoload(program, is_it || test->is_whole || !test->program);
		bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_ANY_ALIGNMENT);
		if (is_it)
			*chosen = program;
	}
	if ((test->program && !*chosen) || (test->open && test->open(object)) ||
	    bpf_object__load(object)) {
		if (!*reason)
			snprintf(reason, sizeof(reason), "it cannot be set up: errno %d", errno);
		bpf_object__close(object);
		return NULL;
	}
	return object;
}

/* The least of two loads; sees that the object is loaded once more, for what follows. */
static struct bpf_object *load_twice(const struct bench_case *test, struct bpf_program **chosen,
				     uint64_t *compile)
{
	struct bpf_object *object;
	uint64_t again;

	begin_compiling();
	object = load(test, chosen);
	*compile = end_compiling(NULL);
	if (!object || *compile > LONG_ENOUGH || !*compile)
		return object;
	bpf_object__close(object);
	begin_compiling();
	object = load(test, chosen);
	again = end_compiling(NULL);
	if (again < *compile)
		*compile = again;
	return object;
}

static void note_images(struct bpf_object *object, struct image *image)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		if (bpf_program__autoload(program))
			note_image(bpf_program__fd(program), image);
}

/* Whether it could be run; prints what that took. */
static int print_run(unsigned int number, const struct bench_case *test, struct bpf_object *object,
		     const struct bpf_program *program)
{
	const struct packet *packet = test->packet ? find_packet(test->packet) : NULL;
	struct run run = { 0 }, base = { 0 };
	struct image empty_image = { 0 };
	int empty;

	if (!program || (test->fill && test->fill(object))) {
		printf(" run=none");
		return 1;
	}
	if (measure(number, bpf_program__fd(program), packet, &run)) {
		printf(" run=errno%d", -run.error);
		return 0;
	}
	empty = load_empty(program);
	if (empty < 0 || measure_loop(empty, packet, run.is_steady, &base)) {
		printf(" run=no-base");
		close(empty);
		return 0;
	}
	note_image(empty, &empty_image);
	close(empty);
	printf(" total=%.1f base=%.1f empty=%u steady=%d ret=%#x out=%08x", run.total, base.total,
	       empty_image.bytes, run.is_steady, run.result, test->is_random ? 0 : run.output);
	return 1;
}

/* The same program compiled by gcc must do the same. */
static void print_native(unsigned int number, const struct bench_case *test)
{
	struct run run = { 0 };

	if (test->packet && run_native(number + NATIVE, test, find_packet(test->packet), &run))
		printf(" nret=%#x nout=%08x", run.result, run.output);
}

static int is_for_test_run(const struct bench_case *test)
{
	return test->program && (!test->packet || strcmp(test->packet, "-"));
}

static void run_case(unsigned int number)
{
	const struct bench_case *test = &cases[number];
	struct bpf_program *program;
	struct image image = { 0 };
	struct bpf_object *object;
	uint64_t compile;

	printf("#%u %s/%s/%s ", number, test->object, test->program ? test->program : "*",
	       test->packet ? test->packet : "context");
	object = load_twice(test, &program, &compile);
	if (!object) {
		printf("SKIP not loaded: %s\n", reason);
		skipped++;
		return;
	}
	note_images(object, &image);
	printf("PASS jited=%d programs=%d insns=%u image=%u compile=%llu",
	       image.compiled == image.programs, image.programs, image.instructions, image.bytes,
	       (unsigned long long)compile);
	if (!is_for_test_run(test))
		printf(" run=none");
	else if (!print_run(number, test, object, program))
		failed++, passed--;
	passed++;
	if (is_for_test_run(test))
		print_native(number, test);
	printf("\n");
	bpf_object__close(object);
}

/* Whether it could be attached; loads it twice, as programs are. */
static int attach_twice(unsigned int index, struct image *image, uint64_t *compile)
{
	uint64_t again;

	begin_compiling();
	if (attach_filter(index, 0))
		return 0;
	*compile = end_compiling(image);
	detach_filter();
	begin_compiling();
	if (attach_filter(index, 0))
		return 0;
	again = end_compiling(NULL);
	if (again < *compile)
		*compile = again;
	return 1;
}

/* A classic filter, behind the programs. */
static void run_filter_case(unsigned int number, unsigned int index)
{
	const struct packet *packet = find_packet(filter_packet(index));
	struct image image = { 0 }, empty = { 0 };
	struct run run = { 0 }, base = { 0 };
	uint64_t compile;

	printf("#%u classic/%s/%s ", number, filter_name(index), packet->name);
	if (!attach_twice(index, &image, &compile) || measure(number, ATTACHED, packet, &run)) {
		printf("FAIL cannot be attached, or run: errno %d, %d\n", errno, -run.error);
		failed++;
		return;
	}
	detach_filter();
	begin_compiling();
	attach_filter(-1, run.result);
	end_compiling(&empty);
	measure_loop(ATTACHED, packet, 0, &base);
	detach_filter();
	printf("PASS jited=%d programs=1 insns=%u image=%u compile=%llu total=%.1f base=%.1f empty=%u "
	       "steady=0 ret=%#x out=0\n", image.compiled != 0, image.instructions, image.bytes,
	       (unsigned long long)compile, run.total, base.total, empty.bytes, run.result);
	passed++;
}

/* One of more and more instructions, behind the filters. */
static void run_grown_case(unsigned int number, unsigned int index)
{
	struct image image = { 0 };
	uint64_t compile = 0;

	printf("#%u grown/%u/- ", number, grown_lengths[index]);
	if (!is_jit_on) {
		printf("SKIP not loaded: it is there to be compiled\n");
		skipped++;
	} else if (compile_grown(index, &image, &compile)) {
		printf("SKIP not loaded: errno %d\n", errno);
		skipped++;
	} else {
		printf("PASS jited=%d programs=1 insns=%u image=%u compile=%llu run=none\n",
		       image.compiled != 0, image.instructions, image.bytes,
		       (unsigned long long)compile);
		passed++;
	}
}

int main(int argc, char **argv)
{
	unsigned int first = 0, last = UINT_MAX, i;

	setvbuf(stdout, NULL, _IOLBF, 1024);
	if (argc > 2) {
		first = atoi(argv[1]);
		last = atoi(argv[2]);
	}
	is_jit_on = read_number("/proc/sys/net/core/bpf_jit_enable") != 0;
	make_packets();
	libbpf_set_print(keep_reason);
	if (each_member("/bench.a", keep_object)) {
		printf("no objects: errno %d\n", errno);
		return 2;
	}
	if (watch_compiler())
		printf("the compiler cannot be watched: errno %d\n", errno);
	for (i = 0; i < case_count + filter_count + grown_count; i++) {
		if (i < first || i > last)
			continue;
		if (i < case_count)
			run_case(i);
		else if (i < case_count + filter_count)
			run_filter_case(i, i - case_count);
		else
			run_grown_case(i, i - case_count - filter_count);
	}
	printf("Summary: %d PASSED, %d SKIPPED, %d FAILED\n", passed, skipped, failed);
	return failed != 0;
}
