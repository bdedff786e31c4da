/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of progs share.
 *
 *	main.c		objects, tests and processes; what is counted
 *	judge.c		what a test must do
 *	load.c		loads a program one way, and runs it
 *	reason.c	why it was not loaded
 *	special.c	what no object says of its programs: those they attach to, for example
 */

#ifndef PROGS_H
#define PROGS_H

#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "annotations.h"

/* No number of user space. */
#define KERNEL_ENOTSUPP 524

/* What has become of a test; as in kind_names. */
enum kind {
	PASSED, FAILED,
	NOT_BUILT,	/* clang has made no object of it */
	NO_PROGRAMS,	/* in the object */
	FORBIDDEN,	/* the verifier, or another part of the core, refuses it whatever the JIT */
	NARROW,		/* a kernel of 32 bits: libbpf cannot make its structures the kernel's */
	NOT_HERE,	/* needs what this kernel has not, or another processor */
	NO_SETUP,	/* a test would have to prepare its maps, targets, or devices first */
	NO_TRACE,	/* attaches to functions of the kernel, which takes direct calls */
	LACKS,		/* needs something else that this JIT has not */
	UNBLINDED,	/* the core cannot blind its constants */
	NEEDS_JIT,	/* the JIT is off, and it cannot be interpreted */
	NEEDS_NO_JIT,	/* the other way round */
	ON_PURPOSE,	/* left out, by name */
	KINDS
};

struct tally {
	int count[KINDS];
	int members, objects, loaded, run, attached, same, random;
	/* In the present object: tests begun, the first that is not done, and its name. */
	int base, tests, next, is_busy;
	char name[200];
};

extern struct tally *tally;	/* of all processes */

/* As the job has set it: without it nothing is compiled. */
extern int is_jit_on, harden;

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
	int is_as_said;			/* the reason, by annotations */
	int is_compiled;
	uint32_t length;		/* instructions */
	int is_structure, is_attached, attach_error;
	int is_run, run_error;
	uint32_t result;
	uint32_t output_size;
	uint8_t output[256];
	size_t data_size;
	uint8_t data[1 << 16];
};

/* main.c */
void report(const struct test *test, enum kind kind, const char *format, ...);

/* judge.c */
void judge(const struct test *test);

/* load.c */
extern char verifier_log[1 << 16];
void set_sysctl(const char *name, int value);
int get_sysctl(const char *name);
void load_and_run(const struct test *test, enum mode mode, struct outcome *outcome);

/* reason.c */
void forget_reasons(void);
int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments);
void note_reason(const struct test *test, struct outcome *outcome);
int is_lacking(const struct outcome *outcome);
int is_for_jit(const struct outcome *outcome);
enum kind kind_of_refusal(const struct outcome *outcome);

/* special.c */
struct target {
	const char *object, *program;	/* of this object */
	const char *file, *entry;	/* attaches to that object's program, if not its only one */
	const char *function;		/* and there to this, if its section does not say to which */
};

void find_auxiliaries(struct bpf_object *object);
int is_auxiliary(const struct test *test, const char *name);
const char *left_out(const struct test *test);
const char *not_compared(const struct test *test);
const struct target *target_of(const struct test *test);
int is_needed_as_file(const char *object);
int fill_maps(const struct test *test, struct bpf_object *object);

#endif
