// SPDX-License-Identifier: GPL-2.0
/*
 * What has become of a test?
 *
 * When it is done, test_progs prints for each subtest the log, if it has failed, and a line with
 * the result, and one for the test itself. What hooks.c says stands before all that.
 */

#include <stdlib.h>
#include <sys/wait.h>

#include "results.h"

/* Lines of a log that are printed, in its beginning and its end. */
#define HEAD 4
#define TAIL 10

static int counts[RESULTS];

/* Why tests were skipped, up to a colon, and how many for that reason. */
static struct { char why[60]; int count; } causes[100];
static unsigned int cause_count;

static void count_cause(const char *reason)
{
	const char *text = *reason ? reason : "no reason given";
	char why[sizeof(causes->why)];
	unsigned int i;

	snprintf(why, sizeof(why), "%.*s", (int)strcspn(text, ":"), text);
	for (i = 0; i < cause_count; i++)
		if (!strcmp(causes[i].why, why))
			break;
	if (i == sizeof(causes) / sizeof(*causes))
		return;
	if (i == cause_count)
		strcpy(causes[cause_count++].why, why);
	causes[i].count++;
}

/* The log that is being read. */
static struct {
	int lines;
	char last[TAIL][200];		/* line n in n % TAIL */
	char failure[160], verifier[200], library[160];
} log_;

/* What is known of the subtests until results are printed. */
#define MOST 4096
static char reasons[MOST][120];
static struct { int number; enum result result; char name[100]; } done[MOST];
static int done_count;
static char running[100], outside[160];

void report(const struct test *test, int subtest, const char *name, enum result result,
	    const char *reason)
{
	static const char *const words[] = { "PASS", "FAIL", "SKIP" };
	char copy[200], number[24], *c;

	snprintf(copy, sizeof(copy), "%s", name);
	/* Who looks for a name takes the first word. */
	for (c = copy; *c; c++)
		if (*c == ' ' || *c == '\t')
			*c = '_';
	snprintf(number, sizeof(number), subtest ? "%d/%d" : "%d", test->number, subtest);
	counts[result]++;
	if (result == SKIPPED)
		count_cause(reason);
	printf("#%s %s %s%s%s\n", number, copy, words[result], *reason ? ": " : "", reason);
	fflush(stdout);
}

static int starts(const char *line, const char *with)
{
	return !strncmp(line, with, strlen(with));
}

static void forget_log(void)
{
	log_.lines = 0;
	*log_.failure = *log_.verifier = *log_.library = 0;
}

static void take_log(const struct test *test, const char *line)
{
	const char *previous = log_.last[(log_.lines + TAIL - 1) % TAIL];

	if (strstr(line, ":FAIL") && !*log_.failure)
		snprintf(log_.failure, sizeof(log_.failure), "%s", line);
	else if (starts(line, "libbpf: ") && !*log_.library)
		snprintf(log_.library, sizeof(log_.library), "%s", line);
	else if ((starts(line, "processed ") || starts(line, "Verification failed: ")) &&
		 !*log_.verifier)
		snprintf(log_.verifier, sizeof(log_.verifier), "%s", previous);
	if (log_.lines < HEAD || test->is_shown)
		printf("| %.500s\n", line);
	snprintf(log_.last[log_.lines++ % TAIL], 200, "%s", line);
}

/* Why it has failed, as far as its log tells. */
static void explain(const struct test *test, char *text, size_t size)
{
	const char *what = *log_.verifier ? log_.verifier : log_.library;
	int i = log_.lines - TAIL;

	for (i = i < HEAD ? HEAD : i; i < log_.lines && !test->is_shown; i++)
		printf("| %s\n", log_.last[i % TAIL]);
	snprintf(text, size, "%s%s%s", log_.failure, *what ? "; " : "", what);
}

static void take_result(struct test *test, int subtest, const char *name, const char *word)
{
	enum result result = starts(word, "OK") ? PASSED : starts(word, "SKIP") ? SKIPPED : FAILED;
	char reason[400] = "";

	if (result == SKIPPED)
		snprintf(reason, sizeof(reason), "%s", subtest < MOST ? reasons[subtest] : "");
	/* What a test says outside of its subtests stands before the first of them. */
	if (subtest && result != FAILED && *log_.failure)
		snprintf(outside, sizeof(outside), "%s", log_.failure);
	if (result == FAILED)
		explain(test, reason, sizeof(reason));
	if (!subtest && !*reason && result == FAILED)
		snprintf(reason, sizeof(reason), "%s", outside);
	forget_log();
	if (subtest) {
		test->subtests++;
		test->failed += result == FAILED;
	} else {
		test->is_ended = 1;
		if (test->subtests && (result != FAILED || test->failed))
			return;
	}
	report(test, subtest, name, result, reason);
}

/* What hooks.c says. */
static void take_hint(char *line)
{
	int subtest, length = 0;
	char word[8];

	if (sscanf(line, "@skip %d %n", &subtest, &length) == 1 && length) {
		if (subtest < MOST && !*reasons[subtest])
			snprintf(reasons[subtest], sizeof(*reasons), "%s", line + length);
	} else if (sscanf(line, "@start %d %n", &subtest, &length) == 1 && length) {
		snprintf(running, sizeof(running), "%s", line + length);
	} else if (sscanf(line, "@done %d %7s %n", &subtest, word, &length) == 2 && length) {
		if (done_count == MOST)
			return;
		done[done_count].number = subtest;
		done[done_count].result = *word == 'O' ? PASSED : *word == 'S' ? SKIPPED : FAILED;
		snprintf(done[done_count++].name, sizeof(done->name), "%s", line + length);
	}
}

void take_line(struct test *test, char *line)
{
	int number, subtest, length = 0;
	char *colon;

	if (*line == '@') {
		if (test->is_shown)
			printf("| %.200s\n", line), fflush(stdout);
		take_hint(line);
		return;
	}
	if (sscanf(line, "#%d/%d %n", &number, &subtest, &length) == 2 && length &&
	    number == test->number + 1) {
		colon = strrchr(line, ':');
	} else if (sscanf(line, "#%d %n", &number, &length) == 1 && length &&
		   number == test->number + 1) {
		colon = strchr(line, ':');
		subtest = 0;
	} else {
		colon = NULL;
	}
	if (!colon) {
		test->is_crashed |= starts(line, "Caught signal #");
		take_log(test, line);
		return;
	}
	*colon = 0;
	take_result(test, subtest, line + length, colon + 1);
}

/* A test that has crashed or hung: those of its subtests that had ended have results. */
static void conclude_early(struct test *test, int is_late, int status)
{
	char name[200], reason[500], why[300];
	int i;

	for (i = 0; i < done_count && !test->subtests; i++) {
		int at = done[i].number;

		snprintf(name, sizeof(name), "%s/%s", test->name, done[i].name);
		report(test, at, name, done[i].result, done[i].result == PASSED ? "" :
		       done[i].result == SKIPPED ? reasons[at % MOST] : "see its log, alone");
	}
	explain(test, why, sizeof(why));
	snprintf(reason, sizeof(reason), "%s %#x%s%s %s", is_late ? "it hangs" : "it ended early: status",
		 is_late ? 0 : status, *running ? " in " : "", running, why);
	report(test, 0, test->name, FAILED, reason);
}

void conclude(struct test *test, int is_late, int status)
{
	if (!test->is_ended)
		conclude_early(test, is_late, status);
	forget_log();
	memset(reasons, 0, sizeof(reasons));
	done_count = 0;
	*running = *outside = 0;
}

int summarize(void)
{
	unsigned int i;

	for (i = 0; i < cause_count; i++)
		printf("%d skipped: %s\n", causes[i].count, causes[i].why);
	printf("Summary: %d PASSED, %d SKIPPED, %d FAILED\n", counts[PASSED], counts[SKIPPED],
	       counts[FAILED]);
	return counts[FAILED] != 0;
}
