// SPDX-License-Identifier: GPL-2.0
/*
 * Packets over the loopback device, which run what is attached there.
 *
 * None may get lost or change: whatever programs compute, they let all pass.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "soak.h"

#define WAIT 20000		/* ms, where a guest may be slow */
#define STREAM 6000		/* bytes, which buffers hold */

static void lose(struct task *task, const char *what)
{
	ADD(traffic_wrong, 1);
	say("task %u: %s: errno %d", task->number, what, errno);
}

static int open_socket(int type, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	*address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	if (fd >= 0 && !bind(fd, (struct sockaddr *)address, size) &&
	    !getsockname(fd, (struct sockaddr *)address, &size))
		return fd;
	return -1;
}

int open_sockets(struct task *task)
{
	struct sockaddr_in address;

	task->listener = open_socket(SOCK_STREAM, &address);
	task->port = address.sin_port;
	if (task->listener < 0 || listen(task->listener, 4))
		return -1;
	task->receiver = open_socket(SOCK_DGRAM, &address);
	task->sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (task->receiver < 0 || task->sender < 0)
		return -1;
	return connect(task->sender, (struct sockaddr *)&address, sizeof(address));
}

static void fill(struct random *random, uint32_t number, uint8_t *bytes, int size)
{
	uint32_t word = htonl(number);
	int i;

	for (i = 0; i < size; i++)
		bytes[i] = draw(random);
	memcpy(bytes, &word, sizeof(word));
}

static int can_read(int fd)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	return poll(&wanted, 1, WAIT) == 1;
}

void send_datagrams(struct task *task)
{
	static uint8_t sent[4][1400], received[1500];
	int count = 1 + below(&task->random, 4), sizes[4], i;

	for (i = 0; i < count; i++) {
		sizes[i] = 4 + below(&task->random, sizeof(sent[0]) - 3);
		/* What classic filters look at. */
		fill(&task->random, task->number, sent[i], sizes[i]);
		if (send(task->sender, sent[i], sizes[i], 0) != sizes[i]) {
			lose(task, "a datagram was not sent");
			return;
		}
	}
	for (i = 0; i < count; i++) {
		if (!can_read(task->receiver)) {
			lose(task, task->is_classic ? "a classic filter lost a datagram" :
						      "a datagram got lost");
			if (task->is_classic)
				ADD(kinds[CLASSIC].wrong, 1);
			return;
		}
		if (recv(task->receiver, received, sizeof(received), 0) != sizes[i] ||
		    memcmp(sent[i], received, sizes[i]))
			lose(task, "a datagram has changed");
	}
	ADD(datagrams, count);
}

static int transfer(struct task *task, int from, int to)
{
	static uint8_t sent[STREAM], received[STREAM];
	int done = 0, n;

	fill(&task->random, task->number, sent, STREAM);
	if (send(from, sent, STREAM, 0) != STREAM)
		return -1;
	while (done < STREAM) {
		if (!can_read(to))
			return -1;
		n = recv(to, received + done, STREAM - done, 0);
		if (n <= 0)
			return -1;
		done += n;
	}
	return memcmp(sent, received, STREAM);
}

/* A connection, something in either direction, and a reset, which leaves nothing behind. */
void send_stream(struct task *task)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = task->port,
	};
	struct linger at_once = { .l_onoff = 1 };
	int from = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), to = -1;

	if (from < 0 || connect(from, (struct sockaddr *)&address, sizeof(address)) ||
	    !can_read(task->listener))
		lose(task, "no connection");
	else
		to = accept4(task->listener, NULL, NULL, SOCK_CLOEXEC);
	if (to >= 0) {
		if (transfer(task, from, to) || transfer(task, to, from))
			lose(task, "a stream got lost, or has changed");
		else
			ADD(connections, 1);
		setsockopt(to, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(to);
	}
	if (from >= 0) {
		setsockopt(from, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(from);
	}
}
