// SPDX-License-Identifier: GPL-2.0
/*
 * Loads programs, runs and frees them.
 */

#include <stdlib.h>

#include "soak.h"

int make_map(int type, int key_size, int value_size, int count)
{
	union bpf_attr attr = {
		.map_type = type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = count,
	};

	return bpf(BPF_MAP_CREATE, &attr);
}

int update(int map, uint32_t key, const void *value)
{
	union bpf_attr attr = { .map_fd = map, .key = pointer(&key), .value = pointer(value) };

	return bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

int look_up(int map, uint32_t key, void *value)
{
	union bpf_attr attr = { .map_fd = map, .key = pointer(&key), .value = pointer(value) };

	return bpf(BPF_MAP_LOOKUP_ELEM, &attr);
}

static int verdict_of(int type)
{
	switch (type) {
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return 0xffff;		/* bytes to keep */
	case BPF_PROG_TYPE_CGROUP_SKB:
		return 1;		/* pass */
	case BPF_PROG_TYPE_XDP:
		return XDP_PASS;
	case BPF_PROG_TYPE_SCHED_CLS:
		return -1;		/* TCX_NEXT */
	default:
		return 0;
	}
}

static int type_for(struct task *task, enum place place)
{
	static const int types[] = { BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_CGROUP_SKB,
				     BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP };

	switch (place) {
	case SOCKET:
		return BPF_PROG_TYPE_SOCKET_FILTER;
	case CGROUP_IN:
	case CGROUP_OUT:
		return BPF_PROG_TYPE_CGROUP_SKB;
	case TC_IN:
	case TC_OUT:
		return BPF_PROG_TYPE_SCHED_CLS;
	case XDP:
		return BPF_PROG_TYPE_XDP;
	case TIMER:
		return BPF_PROG_TYPE_PERF_EVENT;
	default:
		return types[below(&task->random, 4)];
	}
}

static int fits(enum kind kind, enum place place, int type)
{
	switch (kind) {
	case CLASSIC:
		return 0;		/* see attach_classic() */
	case TAIL_CALLS:
		return type == BPF_PROG_TYPE_SCHED_CLS;
	case KERNEL_FUNCTIONS:
		return type == BPF_PROG_TYPE_SCHED_CLS && totals->settings.enable;
	case MAPS:
		return place != TIMER;	/* a bucket may be locked when it interrupts */
	default:
		return 1;
	}
}

/* Long programs keep the verifier busy. */
static enum kind choose(struct task *task)
{
	enum kind kind = below(&task->random, KINDS);

	return kind == LONG && below(&task->random, 4) ? ARITHMETIC : kind;
}

/* Nobody but the main task changes settings, and not while a program is loaded. */
void lock_settings(struct task *task)
{
	for (;;) {
		__atomic_store_n(&totals->is_loading[task->slot], 1, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&totals->is_changing, __ATOMIC_SEQ_CST))
			return;
		unlock_settings(task);
		rest(1);
	}
}

void unlock_settings(struct task *task)
{
	__atomic_store_n(&totals->is_loading[task->slot], 0, __ATOMIC_SEQ_CST);
}

static int open_area(struct task *task, struct area *area)
{
	int fd = make_map(BPF_MAP_TYPE_ARRAY, 4, sizeof(*area), 1);
	unsigned int i;

	memset(area, 0, sizeof(*area));
	for (i = 0; i < sizeof(area->inputs) / sizeof(*area->inputs); i++)
		area->inputs[i] = draw(&task->random) >> below(&task->random, 64);
	if (fd >= 0 && update(fd, 0, area)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int load_text(struct text *text, int type, const char **why)
{
	static char *log;
	union bpf_attr attr = {
		.prog_type = type,
		.insns = pointer(text->insn),
		.insn_cnt = text->length,
		.license = pointer("GPL"),
		.prog_flags = below(text->random, 4) ? 0 : BPF_F_TEST_RND_HI32,
	};
	int fd = bpf(BPF_PROG_LOAD, &attr), size = 1 << 20, error = errno;
	char *end;

	if (fd >= 0)
		return fd;
	if (!log)
		log = malloc(size);
	log[0] = 0;
	attr.log_buf = pointer(log);
	attr.log_size = size;
	attr.log_level = 1;
	bpf(BPF_PROG_LOAD, &attr);
	end = log + strlen(log);
	*why = end - log > 600 ? end - 600 : log;
	errno = error;
	return -1;
}

static int may_get_no_image(int is_privileged)
{
	return !is_privileged && totals->settings.limit != ALL && totals->settings.enable;
}

/* A program whose helpers the kernel has inlined for the JIT cannot be interpreted any more. */
static int was_refused(const struct program *program, int is_privileged, int error)
{
	enum { NOTSUPP = 524 };

	return error == NOTSUPP && program->kind == HELPERS && may_get_no_image(is_privileged);
}

/* Whether the program was compiled or not, it should have been so. */
static void check_compiled(struct task *task, struct program *program, int is_privileged)
{
	struct settings settings = totals->settings;
	int may_be_refused = may_get_no_image(is_privileged);
	int must_be_refused = may_be_refused && settings.limit == NOTHING;

	program->is_compiled = is_compiled(program->fd);
	if (program->is_compiled)
		ADD(kinds[program->kind].compiled, 1);
	else
		ADD(kinds[program->kind].interpreted, 1);
	if (may_be_refused && !program->is_compiled)
		ADD(refused, 1);
	if (program->is_compiled && settings.harden > is_privileged)
		ADD(hardened, 1);
	if (program->is_compiled && (!settings.enable || must_be_refused))
		complain(task, program, "was compiled, against the settings");
	if (!program->is_compiled && settings.enable && !may_be_refused)
		complain(task, program, "was not compiled");
}

/* A new one for this place, if the task makes any that fit. */
int make_program(struct task *task, enum place place, struct program *program)
{
	static struct text text;
	struct random *random = &task->random;
	struct descriptors descriptors = { .table = task->table, .function = task->function };
	int type = type_for(task, place), is_privileged, tries = 50, error;
	const char *why = "";
	struct area area;

	*program = (struct program){ .fd = -1, .place = place, .serial = task->serial++, .type = type };
	lock_settings(task);
	do
		program->kind = choose(task);
	while (!((task->kinds & 1 << program->kind) && fits(program->kind, place, type)) && --tries);
	program->area = tries ? open_area(task, &area) : -1;
	if (program->area < 0) {
		unlock_settings(task);
		if (tries)
			complain(task, program, "got no map");
		return -1;
	}
	is_privileged = (type != BPF_PROG_TYPE_SOCKET_FILTER && type != BPF_PROG_TYPE_CGROUP_SKB) ||
			program->kind == FUNCTIONS || below(random, 2);
	descriptors.area = program->area;
	descriptors.targets = task->targets[totals->settings.enable];
	text.random = random;
	text.is_privileged = is_privileged;
	program->result = generate(&text, program->kind, &descriptors, &area,
				   task->number << 24 | program->serial, verdict_of(type));
	if (!is_privileged && seteuid(1000))
		complain(task, program, "kept its privileges");
	program->fd = load_text(&text, type, &why);
	error = errno;
	if (!is_privileged && seteuid(0))
		abort();
	if (program->fd >= 0) {
		check_compiled(task, program, is_privileged);
	} else if (was_refused(program, is_privileged, error)) {
		ADD(refused, 1);
		close(program->area);
	} else {
		errno = error;
		complain(task, program, "was not loaded");
		say("%s", why);
		close(program->area);
	}
	unlock_settings(task);
	return program->fd;
}

/* By the kernel, on a packet that it makes. */
void run_once(struct task *task, struct program *program)
{
	static const char packet[64];
	int times = below(&task->random, 8) ? 1 + below(&task->random, 4) : 200;
	union bpf_attr attr = { .test = {
		.prog_fd = program->fd,
		.data_in = pointer(packet),
		.data_size_in = sizeof(packet),
		.repeat = times,
	} };
	struct area area;

	if (bpf(BPF_PROG_TEST_RUN, &attr)) {
		complain(task, program, "did not run");
		return;
	}
	if (look_up(program->area, 0, &area)) {
		complain(task, program, "lost its map");
		return;
	}
	/* Those that it calls return the same. */
	if (attr.test.retval != (uint32_t)verdict_of(program->type))
		complain(task, program, "has another verdict");
	if (area.result != program->result)
		complain(task, program, "has another result");
	if (area.right < (uint64_t)times)
		complain(task, program, "ran too few times");
}

/* What it says itself about the times it has run. */
void check_program(struct task *task, struct program *program)
{
	struct area area;

	if (look_up(program->area, 0, &area))
		complain(task, program, "lost its map");
	else if (area.wrong)
		complain(task, program, "was wrong by its own account");
	else
		ADD(places[program->place].runs, area.right);
}

void free_program(struct task *task, struct program *program)
{
	check_program(task, program);
	close(program->fd);
	close(program->area);
	program->fd = -1;
}
