/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of test_progs share.
 *
 *	main.c		runs the kernel's program, once for each test
 *	results.c	what it prints, and what comes of it
 *	system.c	what the guest must have before
 */

#ifndef RESULTS_H
#define RESULTS_H

#include <stdio.h>
#include <string.h>

enum result { PASSED, FAILED, SKIPPED, RESULTS };

struct test {
	int number;
	const char *name, *why;		/* why it is not built, if it is not */
	int is_jit_off, is_shown;	/* all that it prints */
	int is_ended, is_crashed;	/* the last of which need not end the process */
	int subtests, failed;		/* those with results, and with that one */
};

/* results.c */
void report(const struct test *test, int subtest, const char *name, enum result result,
	    const char *reason);
void take_line(struct test *test, char *line);
void conclude(struct test *test, int is_late, int status);
int summarize(void);

/* system.c */
void prepare_system(void);

#endif
