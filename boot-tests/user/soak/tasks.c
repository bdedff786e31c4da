// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that come and go, and the settings that change under them.
 *
 * The main task says every half a minute how far it is.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "soak.h"

#define KNOB(name) "/proc/sys/net/core/bpf_jit_" name
#define PROGRESS 30		/* seconds */

static struct {
	struct random random;
	struct plan *plan;
	long limit;
	int table, targets[2];
	uint32_t made;
	struct {
		pid_t pid;
		uint32_t number;
	} task[TASKS];
} all;

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

static void act(struct task *task)
{
	enum place place = 1 + below(&task->random, PLACES - 1);
	struct program program;

	switch (below(&task->random, 16)) {
	case 0 ... 4:
		if (make_program(task, TEST_RUN, &program) < 0)
			break;
		run_once(task, &program);
		free_program(task, &program);
		break;
	case 5 ... 8:
		attach(task, place);
		break;
	case 9:
		detach(task, place);
		break;
	case 10:
		if (task->kinds & 1 << CLASSIC)
			attach_classic(task);
		break;
	case 11:
		aim_tail_calls(task);
		break;
	case 12:
		send_stream(task);
		break;
	default:
		send_datagrams(task);
	}
}

static void name_cgroup(char *path, int size, uint32_t slot)
{
	snprintf(path, size, CGROUPS "/%u", slot);
}

/* Of its own, with all its sockets. */
static int join_cgroup(struct task *task)
{
	char path[64], file[80];

	name_cgroup(path, sizeof(path), task->slot);
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	if (mkdir(path, 0700) || write_setting(file, getpid()))
		return -1;
	task->cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return task->cgroup;
}

/* Ends with all that it has attached, for the kernel to free. */
static void live(struct task *task)
{
	time_t end;
	int place;

	task->random.state = task->seed ^ (uint64_t)task->number << 32;
	draw(&task->random);
	for (place = 0; place < PLACES; place++)
		task->at[place].fd = task->link[place] = -1;
	if (join_cgroup(task) < 0 || open_sockets(task)) {
		say("task %u: no cgroup or socket: errno %d", task->number, errno);
		_exit(1);
	}
	end = now() + 5 + below(&task->random, 35);
	while (now() < end && !__atomic_load_n(&totals->is_closing, __ATOMIC_ACQUIRE))
		act(task);
	for (place = 0; place < PLACES; place++)
		if (task->at[place].fd >= 0)
			check_program(task, &task->at[place]);
	_exit(0);
}

static void start_task(int slot)
{
	static struct task task;

	task = (struct task){
		.seed = all.plan->seed,
		.number = ++all.made,
		.slot = slot,
		.kinds = all.plan->kinds,
		.table = all.table,
		.targets = { all.targets[0], all.targets[1] },
		.function = all.plan->function,
	};
	all.task[slot].number = task.number;
	all.task[slot].pid = fork();
	if (!all.task[slot].pid)
		live(&task);
	if (all.task[slot].pid < 0) {
		say("no task: errno %d", errno);
		ADD(died, 1);
	}
}

/* Waits for one that has ended, or for all; gives its slot. */
static int reap(int flags)
{
	char path[64];
	int status, slot;
	pid_t pid = waitpid(-1, &status, flags);

	if (pid <= 0)
		return -1;
	for (slot = 0; slot < TASKS && all.task[slot].pid != pid; slot++)
		;
	if (slot == TASKS)
		return -1;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		ADD(killed, 1);
	} else if (WIFEXITED(status) && !WEXITSTATUS(status)) {
		ADD(ended, 1);
	} else {
		say("task %u died: status %#x", all.task[slot].number, status);
		ADD(died, 1);
	}
	all.task[slot].pid = 0;
	__atomic_store_n(&totals->is_loading[slot], 0, __ATOMIC_SEQ_CST);
	name_cgroup(path, sizeof(path), slot);
	if (rmdir(path) && errno != ENOENT)
		say("%s stays: errno %d", path, errno);
	return slot;
}

static void write_settings(struct settings settings)
{
	long limit = settings.limit == ALL ? all.limit : 1;

	if (settings.limit == SOME)
		limit = sysconf(_SC_PAGESIZE) * (2 + below(&all.random, 60));
	totals->settings = settings;
	if (write_setting(KNOB("enable"), settings.enable) || write_setting(KNOB("harden"), settings.harden) ||
	    write_setting(KNOB("limit"), limit)) {
		say("the settings cannot be changed: errno %d", errno);
		ADD(died, 1);
	}
}

static void reap_and_start(void)
{
	int slot;

	while ((slot = reap(WNOHANG)) >= 0)
		start_task(slot);
}

/* While no task loads a program. */
static void change_settings(void)
{
	struct settings settings = {
		.enable = below(&all.random, 4) != 0,
		.harden = below(&all.random, 3),
		.limit = below(&all.random, 2) ? ALL : SOME + below(&all.random, 2),
	};

	int slot;

	__atomic_store_n(&totals->is_changing, 1, __ATOMIC_SEQ_CST);
	for (slot = 0; slot < TASKS; slot++)
		while (__atomic_load_n(&totals->is_loading[slot], __ATOMIC_SEQ_CST)) {
			/* Who is killed never ends what it does. */
			reap_and_start();
			rest(1);
		}
	write_settings(settings);
	__atomic_store_n(&totals->is_changing, 0, __ATOMIC_SEQ_CST);
}

static void show_progress(const char *what, long done, int seconds)
{
	uint32_t compiled = 0, interpreted = 0, wrong = totals->traffic_wrong + totals->died;
	uint32_t runs = 0;
	int i;

	for (i = 0; i < KINDS; i++) {
		compiled += totals->kinds[i].compiled;
		interpreted += totals->kinds[i].interpreted;
		wrong += totals->kinds[i].wrong;
	}
	for (i = 0; i < PLACES; i++)
		runs += totals->places[i].runs;
	say("%s, %ld of %d s: %u programs compiled, %u not, %u refused; %u runs; %u datagrams, "
	    "%u connections; %u tasks; %u wrong", what, done, seconds, compiled, interpreted, totals->refused,
	    runs, totals->datagrams, totals->connections,
	    totals->ended + totals->killed, wrong);
}

static int open_all(struct plan *plan)
{
	all.plan = plan;
	all.random.state = plan->seed;
	all.limit = read_setting(KNOB("limit"));
	all.table = make_map(BPF_MAP_TYPE_HASH, 4, 8, 256);
	all.targets[0] = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, TARGETS);
	all.targets[1] = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, TARGETS);
	return all.limit < 0 || all.table < 0 || all.targets[0] < 0 || all.targets[1] < 0;
}

static void close_all(void)
{
	__atomic_store_n(&totals->is_closing, 1, __ATOMIC_RELEASE);
	while (reap(0) >= 0)
		;
	write_settings((struct settings){ .enable = 1 });
	close(all.table);
	close(all.targets[0]);
	close(all.targets[1]);
	totals->is_closing = 0;
}

void soak(struct plan *plan, int seconds, const char *what)
{
	time_t start = now(), shown = start, kill_next = start + 5;
	int slot;

	if (open_all(plan)) {
		say("no maps, or no settings: errno %d", errno);
		exit(2);
	}
	change_settings();
	for (slot = 0; slot < TASKS; slot++)
		start_task(slot);
	while (now() - start < seconds) {
		rest(20 + below(&all.random, 300));
		reap_and_start();
		if (now() >= kill_next) {
			slot = below(&all.random, TASKS);
			if (all.task[slot].pid > 0)
				kill(all.task[slot].pid, SIGKILL);
			kill_next = now() + 5 + below(&all.random, 15);
		}
		change_settings();
		if (now() - shown >= PROGRESS) {
			shown = now();
			show_progress(what, shown - start, seconds);
		}
	}
	close_all();
	show_progress(what, now() - start, seconds);
}
