// SPDX-License-Identifier: GPL-2.0
/*
 * Runs test_progs of the kernel's selftests, once for each of its tests.
 *
 *	test_progs [FIRST LAST]
 *
 * /selftests.a has the program itself, files and commands that it needs, and the list of its tests. A test
 * of the list may have subtests: each of these is counted, or the test itself if it has none, or
 * has failed outside of them. A test that has not ended after a while is ended.
 */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../archive.h"
#include "results.h"

/* A subtest may take so long, and a test be silent for a little longer. */
#define SECONDS 120

static int is_jit_off, is_all = 1, slowness = 1;

static void save_member(const char *name, const void *bytes, size_t size)
{
	int is_text = !strcmp(name + strlen(name) - 2, ".c");
	int is_command = !strcmp(name, "ip") || !strcmp(name, "tc") || !strcmp(name, "busybox");
	char path[100];
	int file;

	snprintf(path, sizeof(path), "/%s%s", is_text ? "progs/" : is_command ? "bin/" : "", name);
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	if (file < 0 || write(file, bytes, size) != (ssize_t)size)
		printf("cannot write %s: errno %d\n", path, errno);
	close(file);
}

/* Subtests that are not run on kernels of 32 bits, since these would not survive it. */
static const struct {
	const char *test, *name, *why;
} left_out[] = {
	{ "tailcalls", "tailcalls/tailcall_bpf2bpf_hierarchy_fexit",
	  "34 programs and trampolines, nested, are more than a stack of 8 KiB" },
	{ "tailcalls", "tailcalls/tailcall_bpf2bpf_hierarchy_fentry_fexit",
	  "34 programs and trampolines, nested, are more than a stack of 8 KiB" },
};
#define LEFT_OUT (sizeof(left_out) / sizeof(*left_out))

static int is_narrow_kernel(void)
{
	struct utsname name;

	return !uname(&name) && !strstr(name.machine, "64");
}

static void begin_child(const struct test *test, int output)
{
	char number[16], seconds[16];
	char *arguments[6 + 2 * LEFT_OUT + 1] = { "test_progs", "-n", number, "-w", seconds,
						  "--no-error-summary" };
	char *const environment[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", NULL };
	int input = open("/dev/null", O_RDWR), count = 6;
	unsigned int i;

	for (i = 0; i < LEFT_OUT && is_narrow_kernel(); i++) {
		arguments[count++] = "-d";
		arguments[count++] = (char *)left_out[i].name;
	}
	snprintf(number, sizeof(number), "%d", test->number + 1);
	snprintf(seconds, sizeof(seconds), "%d", SECONDS * slowness);
	setsid();
	dup2(input, 0);
	dup2(output, 1);
	dup2(output, 2);
	execve("/runner", arguments, environment);
	_exit(127);
}

/* Nonzero if it was silent for too long. */
static int read_all(struct test *test, int input)
{
	static char line[1 << 14];
	size_t length = 0;

	for (;;) {
		struct pollfd wait = { .fd = input, .events = POLLIN };
		char byte[4096];
		ssize_t count, i;

		if (poll(&wait, 1, (test->is_crashed ? 3 : (SECONDS + 30) * slowness) * 1000) < 1)
			return -1;
		count = read(input, byte, sizeof(byte));
		if (count < 1)
			return 0;
		for (i = 0; i < count; i++) {
			if (byte[i] != '\n') {
				if (length < sizeof(line) - 1)
					line[length++] = byte[i];
				continue;
			}
			line[length] = 0;
			length = 0;
			take_line(test, line);
		}
	}
}

static void run_test(struct test *test)
{
	int ends[2], process, is_late, status = 0;
	unsigned int i;

	if (*test->why) {
		report(test, 0, test->name, SKIPPED, test->why);
		return;
	}
	if (pipe(ends)) {
		report(test, 0, test->name, FAILED, "no pipe");
		return;
	}
	for (i = 0; i < LEFT_OUT && is_narrow_kernel(); i++)
		if (!strcmp(test->name, left_out[i].test))
			report(test, 0, left_out[i].name, SKIPPED, left_out[i].why);
	process = fork();
	if (!process)
		begin_child(test, ends[1]);
	close(ends[1]);
	is_late = read_all(test, ends[0]);
	close(ends[0]);
	kill(-process, SIGKILL);
	waitpid(process, &status, 0);
	conclude(test, is_late, status);
}

/* "NAME why it is not built" */
static void each_test(char *list, int first, int last)
{
	char *line, *next;
	int number = 0;

	for (line = list; *line; line = next, number++) {
		struct test test = { .number = number, .name = line, .why = "", .is_jit_off = is_jit_off,
				     .is_shown = !is_all };
		char *blank;

		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = 0;
		blank = strchr(line, ' ');
		if (blank) {
			*blank = 0;
			test.why = blank + 1;
		}
		if (number >= first && number <= last)
			run_test(&test);
	}
}

static char *read_file(const char *path)
{
	int file = open(path, O_RDONLY);
	char *text = calloc(1, 1 << 16);
	ssize_t size = file < 0 || !text ? -1 : read(file, text, (1 << 16) - 1);

	close(file);
	return size < 1 ? NULL : text;
}

/* Once, if a job runs this program several times. */
static int unpack(void)
{
	prepare_system();
	mkdir("/progs", 0700);
	if (each_member("/selftests.a", save_member)) {
		printf("no /selftests.a, or no memory: errno %d\n", errno);
		return -1;
	}
	unlink("/selftests.a");
	if (symlink("busybox", "/bin/sh") || system("/bin/busybox --install -s /bin"))
		printf("no shell\n");
	return 0;
}

int main(int argc, char **argv)
{
	int first = 0, last = 1 << 30;
	char *list, *enabled;

	if (argc > 2) {
		first = atoi(argv[1]);
		last = atoi(argv[2]);
		is_all = 0;
	}
	if (access("/runner", X_OK) && unpack())
		return 2;
	list = read_file("/tests");
	enabled = read_file("/proc/sys/net/core/bpf_jit_enable");
	if (!list || !enabled) {
		printf("no list of tests, or no proc\n");
		return 2;
	}
	is_jit_off = *enabled == '0';
	slowness = is_jit_off ? 3 : 1;
	each_test(list, first, last);
	return summarize();
}
