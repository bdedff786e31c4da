// SPDX-License-Identifier: GPL-2.0
/*
 * Does the JIT give back what it takes, and stay right, whatever happens meanwhile?
 *
 *	soak SECONDS SEED [FIRST LAST]
 *
 * Several tasks load random programs, run them, attach them where packets and timers
 * run them, replace and free them; tasks end or are killed, and new ones begin. All the
 * while the settings of the JIT change. Every program knows what it must give. In the
 * end the kernel must have what it had before; before that all has happened once for a
 * short while, so that what is allocated only once is there.
 *
 * Tests FIRST to LAST: only these kinds of programs, if there are kinds among them.
 */

#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <bpf/btf.h>

#include "soak.h"

const char *const kind_names[KINDS] = {
	"arithmetic", "jumps", "memory", "atomic operations", "maps", "helpers", "tail calls",
	"functions", "kernel functions", "long programs", "classic filters",
};
const char *const place_names[PLACES] = {
	"test run", "socket", "cgroup ingress", "cgroup egress", "tc ingress", "tc egress", "XDP", "timer",
};
static const char *const part_names[PARTS] = {
	"programs", "maps", "links", "types", "images", "vmalloc", "percpu memory", "slab",
};

struct totals *totals;

/* A line at once, whoever else prints. */
void say(const char *format, ...)
{
	char line[700];
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (size > (int)sizeof(line) - 2)
		size = sizeof(line) - 2;
	line[size++] = '\n';
	if (write(1, line, size) < 0)
		abort();
}

void complain(const struct task *task, const struct program *program, const char *what)
{
	struct settings settings = totals->settings;

	ADD(kinds[program->kind].wrong, 1);
	ADD(places[program->place].wrong, 1);
	say("task %u: program %u (%s, %s) %s: errno %d; now enable=%d harden=%d limit=%d", task->number,
	    program->serial, kind_names[program->kind], place_names[program->place], what, errno,
	    settings.enable, settings.harden, settings.limit);
}

static uint32_t first_test, last_test = ~0u, tested;
static int passed, failed;

/* The line of one test, if it is one that was asked for. */
static void report(int is_right, const char *name, const char *format, ...)
{
	char text[600];
	va_list arguments;
	uint32_t test = tested++;

	if (test < first_test || test > last_test)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	say("#%u %s %s%s", test, name, is_right ? "" : "FAIL: ", text[0] ? text : "nothing");
	if (is_right)
		passed++;
	else
		failed++;
}

static void report_programs(void)
{
	int i;

	for (i = 0; i < KINDS; i++) {
		int is_seen = totals->kinds[i].compiled &&
			      (totals->kinds[i].interpreted || i == KERNEL_FUNCTIONS);

		report(is_seen && !totals->kinds[i].wrong, kind_names[i],
		       "%u compiled, %u interpreted, %u wrong", totals->kinds[i].compiled,
		       totals->kinds[i].interpreted, totals->kinds[i].wrong);
	}
	for (i = 0; i < PLACES; i++)
		report(totals->places[i].runs && !totals->places[i].wrong, place_names[i],
		       "%u attached, %u runs, %u wrong", totals->places[i].attached,
		       totals->places[i].runs, totals->places[i].wrong);
	report(totals->datagrams && totals->connections && !totals->traffic_wrong, "traffic",
	       "%u datagrams, %u connections, %u wrong", totals->datagrams, totals->connections,
	       totals->traffic_wrong);
	report(totals->refused, "limit", "%u programs got no image", totals->refused);
	report(totals->hardened, "hardened", "%u programs", totals->hardened);
	report(totals->ended && !totals->died, "tasks", "%u ended, %u were killed, %u died", totals->ended,
	       totals->killed, totals->died);
}

static void report_balance(const struct balance *before, const struct balance *after)
{
	char text[500];
	int part;

	for (part = 0; part < PARTS; part++) {
		long found = differences(before, after, part, text, sizeof(text));

		report(!found, part_names[part], "%s%s", found ? "not as before:" : "as before", text);
	}
}

/* What net.core.bpf_jit_limit limits. */
static void report_charge(long before, long after)
{
	report(before >= 0 && before == after, "limit's bytes", "%ld before, %ld after", before, after);
}

static int raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), failed;

	failed = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return failed;
}

/* The number of a type that a program calls a kernel function by. */
static int find_function(void)
{
	struct btf *types = btf__load_vmlinux_btf();
	int function = types ? btf__find_by_name_kind(types, "bpf_kfunc_call_test4", BTF_KIND_FUNC) : -1;

	btf__free(types);
	return function;
}

static int prepare(void)
{
	totals = mmap(NULL, sizeof(*totals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (totals == MAP_FAILED)
		return -1;
	if (mkdir(CGROUPS, 0700) || mount("none", CGROUPS, "cgroup2", 0, NULL))
		return -1;
	return raise_loopback();
}

/* Those of the tests that are about kinds of programs. */
static uint32_t chosen_kinds(void)
{
	uint32_t kinds = 0, kind;

	for (kind = 0; kind < KINDS; kind++)
		if (first_test <= kind && kind <= last_test)
			kinds |= 1 << kind;
	return kinds ? kinds : ALL_KINDS;
}

int main(int argc, char **argv)
{
	static struct balance before, after;
	long charged_before, charged_after;
	struct plan plan = { .kinds = ALL_KINDS };
	int seconds;

	if (argc != 3 && argc != 5) {
		say("soak SECONDS SEED [FIRST LAST]");
		return 2;
	}
	seconds = atoi(argv[1]);
	plan.seed = strtoull(argv[2], NULL, 0);
	if (argc == 5) {
		first_test = atoi(argv[3]);
		last_test = atoi(argv[4]);
		plan.kinds = chosen_kinds();
	}
	if (prepare()) {
		say("no memory, no cgroups, or no loopback device: errno %d", errno);
		return 2;
	}
	plan.function = find_function();
	if (plan.function < 0) {
		say("the kernel has no functions for programs: errno %d", errno);
		return 2;
	}
	say("%d s, seed %llu", seconds, (unsigned long long)plan.seed);
	/* What is allocated once, is. */
	soak(&plan, 10 + (seconds < 1500 ? seconds / 30 : 50), "warming up");
	charged_before = jit_charge();
	take_balance(&before, NULL);
	say("before: %ld programs, %ld maps, %ld images, %ld bytes of slab", before.programs, before.maps,
	    before.images, before.slab);
	memset(totals, 0, sizeof(*totals));
	soak(&plan, seconds, "soaking");
	charged_after = jit_charge();
	take_balance(&after, &before);
	report_programs();
	report_balance(&before, &after);
	report_charge(charged_before, charged_after);
	say("Summary: %d PASSED, %d FAILED", passed, failed);
	return failed != 0;
}
