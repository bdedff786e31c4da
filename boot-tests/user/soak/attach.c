// SPDX-License-Identifier: GPL-2.0
/*
 * Where programs are attached, replaced and detached, at any moment.
 */

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/perf_event.h>

#include "soak.h"

#define LOOPBACK 1		/* the number of lo */

static int attach_to_cgroup(struct task *task, int program, int type)
{
	union bpf_attr attr = {
		.target_fd = task->cgroup,
		.attach_bpf_fd = program,
		.attach_type = type,
	};

	return bpf(BPF_PROG_ATTACH, &attr);
}

static int attach_to_device(struct task *task, enum place place, int program)
{
	union bpf_attr update = { .link_update = {
		.link_fd = task->link[place],
		.new_prog_fd = program,
	} };
	union bpf_attr create = { .link_create = {
		.prog_fd = program,
		.target_ifindex = LOOPBACK,
		.attach_type = place == TC_IN ? BPF_TCX_INGRESS : place == TC_OUT ? BPF_TCX_EGRESS : BPF_XDP,
		.flags = place == XDP ? XDP_FLAGS_SKB_MODE : 0,
	} };

	if (task->link[place] >= 0)
		return bpf(BPF_LINK_UPDATE, &update);
	task->link[place] = bpf(BPF_LINK_CREATE, &create);
	return task->link[place] < 0 ? -1 : 0;
}

/* A thousand times a second, as far as timers do that, in the middle of anything. */
static int attach_to_timer(struct task *task, int program)
{
	struct perf_event_attr event = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(event),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000,
	};

	if (task->link[TIMER] >= 0)
		close(task->link[TIMER]);
	task->link[TIMER] = syscall(__NR_perf_event_open, &event, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (task->link[TIMER] < 0)
		return -1;
	if (ioctl(task->link[TIMER], PERF_EVENT_IOC_SET_BPF, program))
		return -1;
	return ioctl(task->link[TIMER], PERF_EVENT_IOC_ENABLE, 0);
}

static int put(struct task *task, enum place place, int program)
{
	switch (place) {
	case SOCKET:
		task->is_classic = 0;
		return setsockopt(task->receiver, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof(program));
	case CGROUP_IN:
		return attach_to_cgroup(task, program, BPF_CGROUP_INET_INGRESS);
	case CGROUP_OUT:
		return attach_to_cgroup(task, program, BPF_CGROUP_INET_EGRESS);
	case TIMER:
		return attach_to_timer(task, program);
	default:
		return attach_to_device(task, place, program);
	}
}

static int remove_from(struct task *task, enum place place)
{
	union bpf_attr attr = {
		.target_fd = task->cgroup,
		.attach_type = place == CGROUP_IN ? BPF_CGROUP_INET_INGRESS : BPF_CGROUP_INET_EGRESS,
	};
	int nothing = 0;

	switch (place) {
	case SOCKET:
		return setsockopt(task->receiver, SOL_SOCKET, SO_DETACH_FILTER, &nothing, sizeof(nothing));
	case CGROUP_IN:
	case CGROUP_OUT:
		return bpf(BPF_PROG_DETACH, &attr);
	default:
		nothing = close(task->link[place]);
		task->link[place] = -1;
		return nothing;
	}
}

/* Puts a new program where there may be one, which is freed. */
void attach(struct task *task, enum place place)
{
	struct program *old = &task->at[place], program;

	if (make_program(task, place, &program) < 0)
		return;
	if (put(task, place, program.fd)) {
		/* There can be one program of this kind: another task's. */
		if (place != XDP || errno != EBUSY)
			complain(task, &program, "was not attached");
		free_program(task, &program);
		return;
	}
	ADD(places[place].attached, 1);
	if (old->fd >= 0)
		free_program(task, old);
	*old = program;
}

void detach(struct task *task, enum place place)
{
	struct program *program = &task->at[place];

	if (program->fd < 0)
		return;
	if (place == SOCKET && task->is_classic)
		;
	else if (remove_from(task, place))
		complain(task, program, "was not detached");
	free_program(task, program);
}

/* A classic filter takes the place of a program. */
void attach_classic(struct task *task)
{
	struct program *old = &task->at[SOCKET];
	struct program program = { .kind = CLASSIC, .place = SOCKET, .serial = task->serial++ };
	struct sock_filter filter[128];
	struct sock_fprog text = { .filter = filter };
	int is_privileged = below(&task->random, 2), failed;

	text.len = generate_classic(&task->random, task->number, filter);
	lock_settings(task);
	if (!is_privileged && seteuid(1000))
		complain(task, &program, "kept its privileges");
	failed = setsockopt(task->receiver, SOL_SOCKET, SO_ATTACH_FILTER, &text, sizeof(text));
	if (failed)
		complain(task, &program, "was not attached");
	if (!is_privileged && seteuid(0))
		complain(task, &program, "did not get its privileges back");
	/* Nobody says of these how they are run. */
	if (!failed && totals->settings.enable && (is_privileged || totals->settings.limit == ALL))
		ADD(kinds[CLASSIC].compiled, 1);
	else
		ADD(kinds[CLASSIC].interpreted, 1);
	unlock_settings(task);
	if (failed)
		return;
	task->is_classic = 1;
	ADD(places[SOCKET].attached, 1);
	if (old->fd >= 0)
		free_program(task, old);
}

/* Sets or clears one of the programs that tail calls lead to, which nobody else keeps. */
void aim_tail_calls(struct task *task)
{
	uint32_t key = below(&task->random, TARGETS);
	struct program program;

	if (!(task->kinds & 1 << TAIL_CALLS))
		return;
	if (!below(&task->random, 3)) {
		union bpf_attr attr = { .map_fd = task->targets[below(&task->random, 2)],
					.key = pointer(&key) };

		bpf(BPF_MAP_DELETE_ELEM, &attr);
		return;
	}
	if (make_program(task, TC_IN, &program) < 0)
		return;
	if (update(task->targets[program.is_compiled], key, &program.fd))
		complain(task, &program, "is no target of tail calls");
	/* It runs on where it is, until somebody replaces it. */
	free_program(task, &program);
}
