// SPDX-License-Identifier: GPL-2.0
/*
 * What do classic filters cost?
 *
 * A filter is attached to a socket, as tcpdump does it, and gets packets of cases.c from
 * the other end of a pair. Those of filters.h are what tcpdump makes of expressions; two
 * more have the shape of filters for system calls: a list of numbers, and a tree.
 */

#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define TAKEN 262144

struct filter {
	const char *name, *packet;
	const struct sock_filter *insns;
	unsigned short length;
};

#define FILTER(name, packet, ...) { name, packet, (const struct sock_filter[]){ __VA_ARGS__ }, \
	sizeof((const struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter) },

/* Of that many system calls; a packet's first word is none of them. */
#define CALLS 64
static struct sock_filter list[CALLS + 3], tree[4 * CALLS];

static const struct filter filters[] = {
#include "filters.h"
	{ "calls-list", "tcp4", list, CALLS + 3 },
	{ "calls-tree", "tcp4", tree, 0 },
};
const unsigned int filter_count = sizeof(filters) / sizeof(*filters);

static int ends[2] = { -1, -1 };

/* Loads a number, and compares it with one after the other. */
static void make_list(void)
{
	int i;

	list[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	for (i = 0; i < CALLS; i++)
		list[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4000 + 3 * i,
							  CALLS - i, 0);
	list[1 + CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, TAKEN);
	list[2 + CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
}

/* From the number of an instruction on, those for so many calls; gives the number behind. */
static int make_branch(int at, int first, int count)
{
	int middle = count / 2, right;

	if (count == 1) {
		tree[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4000 + 3 * first, 1, 0);
		tree[at + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, TAKEN);
		tree[at + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
		return at + 3;
	}
	right = make_branch(at + 1, first, middle);
	tree[at] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 4000 + 3 * (first + middle),
						right - at - 1, 0);
	return make_branch(right, first + middle, count - middle);
}

static int tree_length;

/* The pair, and filters that are made here. */
static void begin(void)
{
	char bytes[64] = { 0 };
	int i;

	if (ends[0] >= 0)
		return;
	make_list();
	tree[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0);
	tree_length = make_branch(1, 0, CALLS);
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) {
		printf("no pair of sockets: errno %d\n", errno);
		exit(2);
	}
	/* The first packets of a pair take another way through the allocator. */
	for (i = 0; i < 1000; i++)
		if (send(ends[0], bytes, sizeof(bytes), 0) < 0 || recv(ends[1], bytes, sizeof(bytes), 0) < 0)
			break;
}

const char *filter_name(unsigned int index)
{
	return filters[index].name;
}

const char *filter_packet(unsigned int index)
{
	return filters[index].packet;
}

/* Less than 0 stands for an empty filter, which takes all packets or none. */
int attach_filter(int index, int is_taken)
{
	const struct sock_filter empty = BPF_STMT(BPF_RET | BPF_K, is_taken ? TAKEN : 0);
	struct sock_fprog program = { .len = 1, .filter = (void *)&empty };

	begin();
	if (index >= 0) {
		program.len = filters[index].length ? filters[index].length : tree_length;
		program.filter = (void *)filters[index].insns;
	}
	return setsockopt(ends[1], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

int detach_filter(void)
{
	int unused = 0;

	return setsockopt(ends[1], SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

/* Sends a packet, and says what that takes. The result is whether it has arrived. */
uint32_t run_filter(const struct packet *packet, struct run *run)
{
	uint8_t received[sizeof(packet->bytes)];
	uint64_t start = now(), end;

	run->error = send(ends[0], packet->bytes, packet->size, MSG_DONTWAIT) < 0 ? -errno : 0;
	end = now();
	run->result = recv(ends[1], received, sizeof(received), MSG_DONTWAIT) > 0;
	run->output = 0;
	run->is_steady = 0;
	return end - start;
}
