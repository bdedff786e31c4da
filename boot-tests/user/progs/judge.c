// SPDX-License-Identifier: GPL-2.0
/*
 * What must a program do?
 *
 * With the JIT on, it is loaded twice: for the JIT, then for the interpreter. Whatever
 * the kernel has loaded must have been compiled then: nothing that is left to the
 * interpreter can pass or be skipped, but for what the core could not blind. With the
 * JIT off from the start, it is loaded once.
 */

#include "progs.h"

/* So many instructions blinding makes of one, at most. */
#define MOST_BLINDED 4

static struct outcome compiled, interpreted, again;

static int is_same_data(const struct outcome *a, const struct outcome *b)
{
	return a->data_size == b->data_size && !memcmp(a->data, b->data, a->data_size);
}

static int is_same_output(const struct outcome *a, const struct outcome *b)
{
	return a->output_size == b->output_size && !memcmp(a->output, b->output, sizeof(a->output));
}

static int is_same(const struct outcome *a, const struct outcome *b)
{
	return a->is_run == b->is_run && a->result == b->result && is_same_output(a, b) &&
	       is_same_data(a, b);
}

/* Whether runs are different that were made the same way: by the clock, for example. */
static int is_random(const struct test *test)
{
	int i;

	for (i = 0; i < 3; i++) {
		load_and_run(test, INTERPRETED, &again);
		if (!is_same(&again, &interpreted))
			return 1;
		load_and_run(test, COMPILED, &again);
		if (!is_same(&again, &compiled))
			return 1;
	}
	return 0;
}

/* It was loaded both ways. What is different, if two runs of the same way are not, too. */
static const char *difference(const struct test *test)
{
	static char text[120];
	int any = test->annotations.as[test->way].result == ANY_VALUE || not_compared(test);

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
	if (!is_random(test))
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

/* Functions of the kernel take direct calls, programs do not. */
static int is_trace_refused(const struct test *test, const struct outcome *outcome)
{
	return outcome->attach_error == -KERNEL_ENOTSUPP && !outcome->is_structure && !target_of(test);
}

/* It was loaded; what is wrong with it, however it was run. */
static const char *defect(const struct test *test, const struct outcome *outcome)
{
	const struct expectation *expectation = &test->annotations.as[test->way];
	static char text[120];

	if (is_wrong_result(test, outcome))
		snprintf(text, sizeof(text), "returns %#x, expected %#x", outcome->result,
			 expectation->result);
	else if (expectation->is_run && test->annotations.is_test && !outcome->is_run)
		snprintf(text, sizeof(text), "not run: errno %d, attached: errno %d",
			 -outcome->run_error, -outcome->attach_error);
	else if (outcome->attach_error == -KERNEL_ENOTSUPP && !is_trace_refused(test, outcome))
		snprintf(text, sizeof(text), "not attached: errno %d", KERNEL_ENOTSUPP);
	else if (target_of(test) && outcome->attach_error)
		snprintf(text, sizeof(text), "not attached to %s: errno %d", target_of(test)->file,
			 -outcome->attach_error);
	else
		return NULL;
	return text;
}

/* Blinding may move a jump out of its 16 bits: in long programs, which else are compiled. */
static int cannot_be_blinded(const struct test *test)
{
	if (harden != 2)
		return 0;
	set_sysctl("bpf_jit_harden", 0);
	load_and_run(test, COMPILED, &again);
	set_sysctl("bpf_jit_harden", harden);
	return again.is_compiled && again.length > (1 << 15) / MOST_BLINDED;
}

static void report_passed(const struct test *test, int is_compared)
{
	const struct outcome *outcome = &compiled;
	const char *purpose = not_compared(test);

	if (!outcome->is_run) {
		report(test, PASSED, "compiled%s, cannot be run so",
		       outcome->is_attached ? ", attached" : "");
	} else if (!is_compared || !interpreted.is_run) {
		report(test, PASSED, "returns %#x", outcome->result);
	} else if (purpose) {
		report(test, PASSED, "run both ways, not compared: it %s", purpose);
	} else {
		tally->same++;
		report(test, PASSED, "both return %#x", outcome->result);
	}
}

/* It was loaded with the JIT on. */
static void judge_loaded(const struct test *test, int is_compared)
{
	const char *text;

	tally->loaded++;
	tally->run += compiled.is_run;
	tally->attached += compiled.is_attached;
	if (!compiled.is_compiled) {
		if (cannot_be_blinded(test))
			report(test, UNBLINDED, "%u instructions", again.length);
		else
			report(test, FAILED, "interpreted although the JIT is on");
	} else if (is_compared && interpreted.is_compiled) {
		report(test, FAILED, "compiled although the JIT is off");
	} else if ((text = defect(test, &compiled))) {
		report(test, FAILED, "%s%s", text, !is_compared ? "" : defect(test, &interpreted) ?
		       "; so does the interpreter" : "; the interpreter is right");
	} else if (is_compared && (text = difference(test))) {
		report(test, FAILED, "%s", text);
	} else if (is_trace_refused(test, &compiled)) {
		report(test, NO_TRACE, "compiled, but not attached");
	} else {
		report_passed(test, is_compared);
	}
}

/* It was not, though it should have been. */
static void judge_refused(const struct test *test)
{
	const char *why = compiled.reason;
	enum kind kind = kind_of_refusal(&compiled);

	if (kind == LACKS)
		report(test, LACKS, "%s", why);
	else if (is_jit_on && is_for_jit(&compiled))
		report(test, FAILED, "the JIT has refused it: %s", why);
	else if (is_jit_on && !interpreted.error)
		report(test, FAILED, "loads with the JIT off only: %s", why);
	else if (kind == NOT_HERE || kind == NARROW || !test->annotations.is_test)
		report(test, kind, "%s", why);
	else if (test->annotations.is_foreign)
		report(test, NOT_HERE, "for other processors: %s", why);
	else
		report(test, FAILED, "does not load, with the JIT off: %s: %s",
		       is_for_jit(&interpreted) ? "needs a JIT" : "neither", why);
}

/* It should not load, for the reason that it says. */
static void judge_failure(const struct test *test, const struct outcome *outcome)
{
	enum kind kind = kind_of_refusal(outcome);

	if (outcome->error && outcome->is_as_said)
		report(test, PASSED, "refused");
	else if (outcome->error && (kind == LACKS || kind == NARROW || kind == NOT_HERE))
		report(test, kind, "%s", outcome->reason);
	else if (outcome->error && !is_jit_on && is_for_jit(outcome))
		report(test, NEEDS_JIT, "%s", outcome->reason);
	else if (outcome->error)
		report(test, FAILED, "refused, but not with \"%s\": %s",
		       test->annotations.as[test->way].message.text, outcome->reason);
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
	const char *text;

	if (test->annotations.as[test->way].is_failure) {
		judge_failure(test, &interpreted);
		return;
	}
	if (interpreted.error) {
		compiled = interpreted;
		if (is_for_jit(&interpreted))
			report(test, NEEDS_JIT, "%s", interpreted.reason);
		else
			judge_refused(test);
		return;
	}
	tally->loaded++;
	tally->run += interpreted.is_run;
	if (interpreted.is_compiled)
		report(test, FAILED, "compiled although the JIT is off");
	else if (interpreted.attach_error == -KERNEL_ENOTSUPP)
		report(test, NO_TRACE, "loaded, but not attached");
	else if ((text = defect(test, &interpreted)))
		report(test, FAILED, "%s", text);
	else
		report(test, PASSED, "");
}

/* Loading it again would tell nothing of a program that was loaded and cannot be run. */
static int is_comparable(const struct outcome *outcome)
{
	return outcome->error || outcome->is_run ||
	       (outcome->run_error && outcome->run_error != -KERNEL_ENOTSUPP);
}

/* One needs CAP_BPF to ask for it, unless the processor does it well. */
static int must_be_aligned(const struct test *test)
{
	return test->way == UNPRIVILEGED && test->annotations.flags & BPF_F_ANY_ALIGNMENT &&
	       !(test->annotations.as[UNPRIVILEGED].capabilities & 1ULL << 39);
}

void judge(const struct test *test)
{
	const char *purpose = left_out(test);

	if (purpose) {
		report(test, ON_PURPOSE, "%s", purpose);
	} else if (!test->annotations.is_understood) {
		report(test, FAILED, "its annotations are not understood");
	} else if (must_be_aligned(test)) {
		report(test, NOT_HERE, "without privileges, accesses must be aligned");
	} else if (!(test->annotations.modes & (is_jit_on ? COMPILED : INTERPRETED))) {
		report(test, is_jit_on ? NEEDS_NO_JIT : NEEDS_JIT, "as it says");
	} else if (!is_jit_on) {
		load_and_run(test, INTERPRETED, &interpreted);
		judge_interpreted(test);
	} else {
		load_and_run(test, COMPILED, &compiled);
		if (test->annotations.as[test->way].is_failure) {
			judge_failure(test, &compiled);
			return;
		}
		if (!is_comparable(&compiled)) {
			judge_loaded(test, 0);
			return;
		}
		load_and_run(test, INTERPRETED, &interpreted);
		if (compiled.error)
			judge_refused(test);
		else
			judge_loaded(test, !interpreted.error);
	}
}
