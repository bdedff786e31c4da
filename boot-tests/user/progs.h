/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What progs.c counts, and what it knows of a test.
 */

#ifndef PROGS_H
#define PROGS_H

#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "annotations.h"

/* No number of user space. */
#define KERNEL_ENOTSUPP 524

enum kind {
	PASSED, FAILED,
	NOT_BUILT,	/* clang has made no object of it */
	NO_TEST,	/* has nothing to be tested, or does not load with or without a JIT */
	NOT_HERE,	/* needs what this kernel has not, or another processor */
	NEEDS_JIT,	/* the JIT is off, and it cannot be interpreted */
	LACKS,		/* needs what this JIT has not */
	ON_PURPOSE,	/* left out, by name */
	KINDS
};

struct tally {
	int count[KINDS];
	int members, objects, loaded, run, same, random;
	/* In the present object: tests begun, the first that is not done, and its name. */
	int base, tests, next, is_busy;
	char name[200];
};

struct test {
	int number;
	const char *object, *program;
	const void *bytes;
	size_t size;
	enum way way;
	struct annotations annotations;
};

/* What came of loading a program one way, and running it. */
struct outcome {
	int error;
	char reason[260];
	int is_compiled, attach_error;
	int is_run, run_error;
	uint32_t result;
	uint32_t output_size;
	uint8_t output[256];
	size_t data_size;
	uint8_t data[1 << 16];
};

/* Programs that belong to the tests of their object, by way. */
static struct {
	char name[64];
	int ways;
} auxiliaries[64];
static unsigned int auxiliary_count;

static void find_auxiliaries(const struct test *test, struct bpf_object *object)
{
	struct bpf_program *program;

	(void)test;
	auxiliary_count = 0;
	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);
		struct annotations annotations = read_annotations(bpf_object__btf(object), name);

		if (!annotations.is_auxiliary || auxiliary_count == 64)
			continue;
		snprintf(auxiliaries[auxiliary_count].name, 64, "%s", name);
		auxiliaries[auxiliary_count++].ways = annotations.is_auxiliary;
	}
}

static int is_auxiliary(const struct test *test, const char *name)
{
	unsigned int i;

	for (i = 0; i < auxiliary_count; i++)
		if (!strcmp(name, auxiliaries[i].name))
			return auxiliaries[i].ways >> test->way & 1;
	return 0;
}

/* Programs that are not loaded here, and why: of an object, or all of it. */
static const char *left_out(const struct test *test)
{
	static const struct {
		const char *object, *program, *why;
	} list[] = {
		{ "loop3", NULL, "the verifier takes minutes to refuse it" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (!strcmp(test->object, list[i].object) &&
		    (!list[i].program || !strcmp(test->program, list[i].program)))
			return list[i].why;
	return NULL;
}

#endif
