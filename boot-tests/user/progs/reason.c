// SPDX-License-Identifier: GPL-2.0
/*
 * Why was a program not loaded?
 *
 * The verifier says so at the end of its log, libbpf in its warnings. Which part of the
 * kernel or of libbpf it was that refused is told by their words: none of them is a
 * judgement about the JIT but those of is_lacking().
 */

#include <ctype.h>
#include <sys/utsname.h>

#include "progs.h"

char verifier_log[1 << 16];
static char warnings[1 << 14];

void forget_reasons(void)
{
	*verifier_log = *warnings = 0;
}

int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
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
		/* What it explains at length, and suggests. */
		if (behind(start, "Verification failed: "))
			break;
		if (!is_blank(start))
			snprintf(line, sizeof(line), "%s", start);
	}
	return line;
}

/* The last of the messages that the verifier must give; patterns are not looked for. */
static int is_as_said(const struct test *test)
{
	const char *message = test->annotations.as[test->way].message.text;

	return !message || strstr(message, "{{") || strstr(verifier_log, message) ||
	       strstr(warnings, message);
}

/* Of a program or object. */
void note_reason(const struct test *test, struct outcome *outcome)
{
	const char *line;

	outcome->is_as_said = is_as_said(test);
	line = last_line(verifier_log);
	if (!*line)
		line = last_line(warnings);
	line = behind(line, "libbpf: ") ? behind(line, "libbpf: ") : line;
	line += strspn(line, " ");
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
int is_lacking(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"JIT does not support", "JIT doesn't support", NULL
	};

	return says(outcome, phrases) || outcome->error == -KERNEL_ENOTSUPP;
}

/* The interpreter does not do this. */
int is_for_jit(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"JIT is required", "non-JITed", "requires BPF JIT", "not JITed",
		"should be JITed", "JITed progs", NULL
	};

	return says(outcome, phrases);
}

static int is_wide_kernel(void)
{
	struct utsname name;

	return !uname(&name) && strstr(name.machine, "64");
}

/*
 * On 32-bit kernels, libbpf takes a pointer in a context for one of 4 bytes, since types
 * of the kernel say so; but contexts are doublewords, which must be accessed as such. And
 * the structures of programs, whose pointers have 8 bytes, are not those of the kernel.
 */
static int is_narrow(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"Error in size of member", "cannot access ptr member", NULL
	};

	return !is_wide_kernel() &&
	       (says(outcome, phrases) || (strstr(outcome->reason, "invalid bpf_context access off=") &&
					   strstr(outcome->reason, " size=4 ")));
}

/* A test of the selftests sets up its maps, or says what the program is attached to. */
static int is_unprepared(const struct outcome *outcome)
{
	static const char *const phrases[] = {
		"invalid reuse of prog", "no BTF-based attach target", "attach program FD is not set",
		"failed to initialize slot", "missing BPF prog type", NULL
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
		"unsupported func", "no such", "failed to auto-attach", "failed to resolve",
		"is not sleepable", "calling kernel function ", "only supported on 64-bit arches", NULL
	};

	return says(outcome, phrases);
}

enum kind kind_of_refusal(const struct outcome *outcome)
{
	if (is_lacking(outcome))
		return LACKS;
	if (is_narrow(outcome))
		return NARROW;
	if (is_unprepared(outcome))
		return NO_SETUP;
	return is_absent(outcome) ? NOT_HERE : FORBIDDEN;
}
