// SPDX-License-Identifier: GPL-2.0
/*
 * What does the guest do between "kernel is up" and "power off"?
 *
 * It reads /job, a list of one-line commands that the runner put into the
 * initrd, does them in order, and tells the runner about each through
 * /dev/kmsg. The kernel log is used rather than the console device because the
 * two are not ordered against each other: a marker written to the tty can come
 * out in the middle of a line that the module under test prints.
 *
 *   begin NAME            @@ begin NAME        a suite starts here
 *   end NAME              @@ end NAME rc=N     N: last insmod's error, or 0
 *   insmod FILE [PARAMS]  loads a module of the initrd; its parameters follow
 *   rmmod NAME            unloads it; not being loaded is no error
 *   write PATH VALUE      VALUE and a newline into PATH, in one write
 *   sysctl PATH VALUE     the same under /proc/sys/
 *   cat PATH              each line of PATH as "@= LINE"
 *   grep WORD PATH        as cat, only the lines in which WORD occurs
 *   count NAME WORD PATH  @= NAME N, the number of those lines
 *   address SYMBOL        @= address SYMBOL START END, from /proc/kallsyms
 *   writeaddr PATH SYMBOL start|end    that address into PATH
 *   run NAME [ARGS]       a program of the initrd; each line as "NAME: LINE"
 *   sleep SECONDS
 *   # comment
 *
 * A command that fails says "@! COMMAND: errno N" and the job goes on: the
 * runner decides what that means. The last line is "@@ done".
 *
 * No libc: one cross compiler without one serves both endiannesses.
 */

#include "bare.h"

#define LINE 900

static int kmsg = -1;
static char job[16384], chunk[4096];

/* One record of the kernel log. */
static void say(const char *tag, const char *what, const char *label, long n)
{
	char line[LINE + 64], *p = append(line, tag);
	size_t room = LINE;

	while (*what && room--)
		*p++ = *what++;
	if (label) {
		p = append(p, label);
		p = append_number(p, n);
	}
	*p++ = '\n';
	syscall4(NR_write, kmsg, (long)line, p - line, 0);
}

static long open_file(const char *path, long flags)
{
	return syscall4(NR_open, (long)path, flags, 0, 0);
}

static void close_file(long fd)
{
	syscall4(NR_close, fd, 0, 0, 0);
}

static long write_file(const char *path, const char *value)
{
	char line[LINE + 1];
	size_t n = length(value);
	long fd = open_file(path, O_WRONLY | O_TRUNC), done;

	if (fd < 0)
		return fd;
	if (n >= LINE)
		n = LINE - 1;
	memcpy(line, value, n);
	line[n++] = '\n';
	done = syscall4(NR_write, fd, (long)line, n, 0);
	close_file(fd);
	return done < 0 ? done : 0;
}

/* Calls see() with each line of an open file; stops when it returns non-zero. */
static void each_line_of(long fd, int (*see)(char *, const char *),
			 const char *what)
{
	static char line[LINE + 1];
	long n, i;
	size_t at = 0;
	int enough = 0;

	while (!enough && (n = syscall4(NR_read, fd, (long)chunk, sizeof(chunk), 0)) > 0) {
		for (i = 0; i < n && !enough; i++) {
			if (chunk[i] != '\n') {
				if (at < LINE)
					line[at++] = chunk[i];
				continue;
			}
			line[at] = 0;
			at = 0;
			enough = see(line, what);
		}
	}
	if (at && !enough) {
		line[at] = 0;
		see(line, what);
	}
}

static long each_line(const char *path, int (*see)(char *, const char *),
		      const char *what)
{
	long fd = open_file(path, 0);

	if (fd < 0)
		return fd;
	each_line_of(fd, see, what);
	close_file(fd);
	return 0;
}

static int show(char *line, const char *what)
{
	if (contains(line, what))
		say("@= ", line, 0, 0);
	return 0;
}

static long counted;

static int count(char *line, const char *what)
{
	counted += contains(line, what);
	return 0;
}

static long show_count(char *args)
{
	char line[LINE], *name = word(&args), *what = word(&args);
	long rc;

	counted = 0;
	rc = each_line(args, count, what);
	if (rc)
		return rc;
	append_number(append(append(line, name), " "), counted);
	say("@= ", line, 0, 0);
	return 0;
}

/* /proc/kallsyms is sorted by address: the end is the next line's start. */
static char start_address[20], end_address[20];

static int find_symbol(char *line, const char *symbol)
{
	char *address = word(&line);
	char *copy = start_address;

	if (start_address[0]) {
		if (is_same(address, start_address + 2))
			return 0;
		copy = end_address;
	} else {
		word(&line);
		if (!is_same(word(&line), symbol))
			return 0;
	}
	append(append(copy, "0x"), address);
	return copy == end_address;
}

static long locate(const char *symbol)
{
	long rc;

	start_address[0] = end_address[0] = 0;
	rc = each_line("/proc/kallsyms", find_symbol, symbol);
	return rc ? rc : end_address[0] ? 0 : -2;
}

static long load_module(char *args)
{
	char *file = word(&args);
	long fd = open_file(file, 0), rc;

	if (fd < 0)
		return fd;
	rc = syscall4(NR_finit_module, fd, (long)args, 0, 0);
	close_file(fd);
	return rc;
}

static long write_address(char *args)
{
	char *path = word(&args), *symbol = word(&args);
	long rc = locate(symbol);

	if (rc)
		return rc;
	return write_file(path, is_same(word(&args), "end") ? end_address : start_address);
}

static long show_address(char *symbol)
{
	char line[LINE], *p = append(line, "address ");
	long rc = locate(symbol);

	if (rc)
		return rc;
	p = append(append(p, symbol), " ");
	p = append(append(p, start_address), " ");
	append(p, end_address);
	say("@= ", line, 0, 0);
	return 0;
}

static long write_sysctl(char *args)
{
	char path[128] = "/proc/sys/";
	char *name = word(&args);

	if (length(name) > 100)
		return -36;
	append(path + 10, name);
	return write_file(path, args);
}

static long pause_for(char *seconds)
{
	long time[2] = { 0, 0 };

	while (*seconds >= '0' && *seconds <= '9')
		time[0] = time[0] * 10 + *seconds++ - '0';
	return syscall4(NR_nanosleep, (long)time, 0, 0, 0);
}

static int say_line(char *line, const char *name)
{
	say(name, line, 0, 0);
	return 0;
}

/* Its status if it exits with one above 1: programs use 1 to say that a test failed. */
static long run_program(char *args)
{
	static char *none[] = { 0 };
	char name[64], path[64], *argv[8];
	int ends[2], argc = 1, status = 0;
	long child, rc;

	argv[0] = word(&args);
	if (length(argv[0]) > 50)
		return -36;
	append(append(path, "/"), argv[0]);
	append(append(name, argv[0]), ": ");
	while (*args && argc < 7)
		argv[argc++] = word(&args);
	argv[argc] = 0;
	rc = syscall4(NR_pipe2, (long)ends, 0, 0, 0);
	if (rc)
		return rc;
	child = syscall4(NR_clone, SIGCHLD, 0, 0, 0);
	if (!child) {
		syscall4(NR_dup2, ends[1], 1, 0, 0);
		syscall4(NR_dup2, ends[1], 2, 0, 0);
		rc = syscall4(NR_execve, (long)path, (long)argv, (long)none, 0);
		syscall4(NR_exit, -rc, 0, 0, 0);
	}
	close_file(ends[1]);
	if (child > 0) {
		each_line_of(ends[0], say_line, name);
		syscall4(NR_wait4, child, (long)&status, 0, 0);
	}
	close_file(ends[0]);
	if (child < 0)
		return child;
	/* A signal's number, or what it returned. */
	if (status & 0x7f)
		return -(status & 0x7f);
	return status >> 8 > 1 ? -(status >> 8) : 0;
}

static long last_insmod;

static long run(char *verb, char *args)
{
	if (is_same(verb, "begin")) {
		last_insmod = 0;
		say("@@ begin ", args, 0, 0);
	} else if (is_same(verb, "end")) {
		say("@@ end ", args, " rc=", last_insmod);
	} else if (is_same(verb, "insmod")) {
		last_insmod = load_module(args);
	} else if (is_same(verb, "rmmod")) {
		long rc = syscall4(NR_delete_module, (long)args, 0, 0, 0);

		return rc == -2 ? 0 : rc;
	} else if (is_same(verb, "write")) {
		char *path = word(&args);

		return write_file(path, args);
	} else if (is_same(verb, "sysctl")) {
		return write_sysctl(args);
	} else if (is_same(verb, "cat")) {
		return each_line(args, show, "");
	} else if (is_same(verb, "grep")) {
		char *what = word(&args);

		return each_line(args, show, what);
	} else if (is_same(verb, "count")) {
		return show_count(args);
	} else if (is_same(verb, "address")) {
		return show_address(args);
	} else if (is_same(verb, "writeaddr")) {
		return write_address(args);
	} else if (is_same(verb, "run")) {
		return run_program(args);
	} else if (is_same(verb, "sleep")) {
		return pause_for(args);
	} else {
		return -38;
	}
	return 0;
}

static void run_job(void)
{
	long fd = open_file("/job", 0), n;
	size_t at = 0;
	char *line = job, *next;

	while (fd >= 0 && (n = syscall4(NR_read, fd, (long)job + at, sizeof(job) - 1 - at, 0)) > 0)
		at += n;
	job[at] = 0;

	for (; *line; line = next) {
		char copy[LINE], *args = line, *verb;
		size_t i;
		long rc;

		for (next = line; *next && *next != '\n'; next++)
			;
		if (*next)
			*next++ = 0;
		for (i = 0; line[i] && i < sizeof(copy) - 1; i++)
			copy[i] = line[i];
		copy[i] = 0;
		verb = word(&args);
		if (!*verb || *verb == '#')
			continue;
		rc = run(verb, args);
		if (rc < 0)
			say("@! ", copy, ": errno ", -rc);
	}
}

void start(void)
{
	mount("proc", "/proc");
	mount("sysfs", "/sys");
	mount("debugfs", "/sys/kernel/debug");
	kmsg = open_file("/dev/kmsg", O_WRONLY);
	run_job();
	say("@@ done", "", 0, 0);
	syscall4(NR_reboot, 0xfee1dead, 672274793, POWER_OFF, 0);
	for (;;)
		pause_for("1000");
}

/* The kernel enters with sp on argc; C wants 16 bytes of home area below it. */
__asm__(".globl __start\n"
	"__start:\n"
	"	.set noreorder\n"
	"	addiu $sp, $sp, -32\n"
	"	la $25, start\n"
	"	jalr $25\n"
	"	nop\n");
