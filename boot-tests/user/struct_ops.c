// SPDX-License-Identifier: GPL-2.0
/*
 * Do programs run where C calls them by a pointer?
 *
 * bpf_dummy_ops is there for tests: BPF_PROG_TEST_RUN has a trampoline made for a
 * program of it, and calls that. A congestion control of TCP is registered as others are.
 */

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "trampolines.h"

enum { TEST_1, TEST_2, TEST_SLEEPABLE };

static int load_operation(const char *type, int member, const struct bpf_insn *body, int length,
			  int sleepable)
{
	int id = btf__find_by_name_kind(kernel_types, type, BTF_KIND_STRUCT);
	union bpf_attr attr = {
		.expected_attach_type = member,
		.attach_btf_id = id,
		.prog_flags = sleepable ? BPF_F_SLEEPABLE : 0,
	};

	return id < 0 ? id : load_telling(&attr, body, length, BPF_PROG_TYPE_STRUCT_OPS);
}

static void check_dummy(const char *name, int member, const struct bpf_insn *body, int length,
			const uint64_t *arguments, int count, int result)
{
	int program = load_operation("bpf_dummy_ops", member, body, length, member == TEST_SLEEPABLE);
	union bpf_attr attr = {
		.test.prog_fd = program,
		.test.ctx_in = pointer(arguments),
		.test.ctx_size_in = count * sizeof(*arguments),
	};

	if (program < 0) {
		fails(name, "not loaded: errno %d %s", errno, reason());
		return;
	}
	if (!is_compiled(program))
		fails(name, "not compiled");
	else if (bpf(BPF_PROG_TEST_RUN, &attr))
		fails(name, "not run: errno %d", errno);
	else if ((int)attr.test.retval != result)
		fails(name, "returned %#x, not %#x", attr.test.retval, result);
	else
		passes(name);
	close(program);
}

/* Returns what the state has, and puts something else in its place. */
static const struct bpf_insn exchange[] = {
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
	BPF_JMP_IMM(BPF_JNE, BPF_REG_1, 0, 2), BPF_MOV64_IMM(BPF_REG_0, -77), EXIT,
	BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 0), BPF_ST_MEM(BPF_W, BPF_REG_1, 0, 0x5a), EXIT,
};

/* The same where it is never null. */
static const struct bpf_insn exchange_there[] = {
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_1, 0),
	BPF_LDX_MEM(BPF_W, BPF_REG_0, BPF_REG_1, 0), BPF_ST_MEM(BPF_W, BPF_REG_1, 0, 0x5a), EXIT,
};

/* Tells the arguments. */
#define ARGUMENT(index) \
	BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_1, 8 * (index)), \
	BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 8 * (index))
static const struct bpf_insn tell[] = {
	TOLD_MAP(BPF_REG_2), ARGUMENT(1), ARGUMENT(2), ARGUMENT(3), ARGUMENT(4),
	BPF_MOV64_IMM(BPF_REG_0, 2), EXIT,
};

#define BODY(body) body, sizeof(body) / sizeof(*body)

/*
 * test_2(state *, int, unsigned short, char, unsigned long). The kernel passes each as
 * 64 bits. On 32-bit kernels C then finds other words: for the int none that is known,
 * for the short and the char the two of the first, for the long the first of the second.
 */
static void check_arguments(void)
{
	static const char name[] = "arguments of test_2";
	int is_wide = btf__pointer_size(kernel_types) == 8, i;
	int32_t state = 1;
	uint32_t words[4];
	uint64_t arguments[] = {
		pointer(&state), 0x1234800287658181, 0xfedcba9876548001, 0x8899aabbccddee85, 1ULL << 63 | 1,
	};
	uint64_t seen[] = { 0, (int32_t)0x87658181, 0x8001, 0x85, 1ULL << 63 | 1 };

	if (!is_wide) {
		memcpy(words, &arguments[1], sizeof(words));
		seen[2] = (uint16_t)words[0];
		seen[3] = (uint8_t)words[1];
		seen[4] = words[2];
	}
	forget();
	check_dummy("test_2", TEST_2, BODY(tell), arguments, 5, 2);
	for (i = is_wide ? 1 : 2; i < 5; i++)
		if (told()[i] != seen[i]) {
			fails(name, "%d is %#llx, not %#llx", i, (unsigned long long)told()[i],
			      (unsigned long long)seen[i]);
			return;
		}
	passes(name);
}

void check_struct_ops(void)
{
	int32_t state = 0x13579bdf;
	uint64_t argument[] = { pointer(&state) };
	uint64_t null[] = { 0 };

	check_dummy("test_1", TEST_1, BODY(exchange), argument, 1, 0x13579bdf);
	if (state != 0x5a)
		fails("test_1", "left %#x", state);
	check_dummy("test_1, null", TEST_1, BODY(exchange), null, 1, -77);
	state = -2;
	check_dummy("test_sleepable", TEST_SLEEPABLE, BODY(exchange_there), argument, 1, -2);
	if (state != 0x5a)
		fails("test_sleepable", "left %#x", state);
	check_arguments();
}

/* A congestion control of three operations, of which one tells. */

#define ALGORITHM "bpf_trampoline"

/* void cong_avoid(struct sock *, u32 ack, u32 acked) */
static const struct bpf_insn cong_avoid[] = {
	TOLD_MAP(BPF_REG_2),
	BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_2, 0), BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, 1),
	BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 0),
	/* Of both numbers, high words must be 0. */
	BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_1, 8), BPF_LDX_MEM(BPF_DW, BPF_REG_4, BPF_REG_1, 16),
	BPF_ALU64_REG(BPF_OR, BPF_REG_3, BPF_REG_4), BPF_ALU64_IMM(BPF_RSH, BPF_REG_3, 32),
	BPF_LDX_MEM(BPF_DW, BPF_REG_5, BPF_REG_2, 8), BPF_ALU64_REG(BPF_OR, BPF_REG_5, BPF_REG_3),
	BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_5, 8),
	BPF_LDX_MEM(BPF_DW, BPF_REG_3, BPF_REG_2, 16), BPF_ALU64_REG(BPF_ADD, BPF_REG_3, BPF_REG_4),
	BPF_STX_MEM(BPF_DW, BPF_REG_2, BPF_REG_3, 16),
	BPF_MOV64_IMM(BPF_REG_0, 0), EXIT,
};
static const struct bpf_insn ten[] = { BPF_MOV64_IMM(BPF_REG_0, 10), EXIT };

/* A member of a structure of the kernel's: its index, and where it is. */
static int member(const char *structure, const char *name, int *offset)
{
	int id = btf__find_by_name_kind(kernel_types, structure, BTF_KIND_STRUCT), i;
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(kernel_types, id);

	for (i = 0; type && i < (int)btf_vlen(type); i++) {
		const struct btf_member *found = &btf_members(type)[i];

		if (strcmp(btf__name_by_offset(kernel_types, found->name_off), name))
			continue;
		if (offset)
			*offset += btf_member_bit_offset(type, i) / 8;
		return i;
	}
	return -1;
}

/* Puts a program into a structure, in the place of a pointer. */
static int fill(char *value, const char *name, const struct bpf_insn *body, int length)
{
	static const char structure[] = "tcp_congestion_ops";
	int at = 0, program;

	member("bpf_struct_ops_tcp_congestion_ops", "data", &at);
	program = load_operation(structure, member(structure, name, &at), body, length, 0);
	if (program < 0)
		return fails(name, "not loaded: errno %d %s", errno, reason());
	if (!is_compiled(program))
		return fails(name, "not compiled");
	if (btf__pointer_size(kernel_types) == 8)
		*(uint64_t *)(value + at) = program;
	else
		*(uint32_t *)(value + at) = program;
	return 0;
}

/* Sends as much to itself, by the algorithm. */
static int transfer(int bytes)
{
	static char data[1 << 14];
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(7777),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), server, n;

	if (ioctl(listener, SIOCSIFFLAGS, &loopback) ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1) ||
	    setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, ALGORITHM, strlen(ALGORITHM)) ||
	    connect(client, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	server = accept(listener, NULL, NULL);
	for (; bytes > 0; bytes -= sizeof(data)) {
		int left = sizeof(data);

		if (server < 0 || send(client, data, left, 0) != left)
			return -1;
		for (; left > 0; left -= n) {
			n = recv(server, data, left, 0);
			if (n <= 0)
				return -1;
		}
	}
	close(client);
	close(server);
	close(listener);
	return 0;
}

void check_congestion_control(void)
{
	static const char registered[] = "a congestion control", works[] = "a congestion control at work";
	static const char type[] = "bpf_struct_ops_tcp_congestion_ops";
	static char value[4096] __attribute__((aligned(8)));
	int id = btf__find_by_name_kind(kernel_types, type, BTF_KIND_STRUCT), at = 0;
	uint32_t key = 0;
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_STRUCT_OPS,
		.key_size = sizeof(key),
		.value_size = id < 0 ? 0 : btf__resolve_size(kernel_types, id),
		.max_entries = 1,
		.btf_vmlinux_value_type_id = id,
		/* Some must be there. */
		.btf_fd = btf__fd(types),
	};
	union bpf_attr update = { .key = pointer(&key), .value = pointer(value) };

	if (fill(value, "ssthresh", ten, 2) || fill(value, "undo_cwnd", ten, 2) ||
	    fill(value, "cong_avoid", cong_avoid, sizeof(cong_avoid) / sizeof(*cong_avoid)))
		return;
	member(type, "data", &at);
	member("tcp_congestion_ops", "name", &at);
	strcpy(value + at, ALGORITHM);
	update.map_fd = bpf(BPF_MAP_CREATE, &attr);
	if ((int)update.map_fd < 0 || bpf(BPF_MAP_UPDATE_ELEM, &update)) {
		fails(registered, "map %d: errno %d", (int)update.map_fd, errno);
		return;
	}
	passes(registered);
	forget();
	if (transfer(1 << 20))
		fails(works, "no transfer: errno %d", errno);
	else if (!told()[0] || told()[1] || !told()[2] || told()[2] > 1 << 20)
		fails(works, "ran %d times, high words %#llx, sum %llu", (int)told()[0],
		      (unsigned long long)told()[1], (unsigned long long)told()[2]);
	else
		passes(works);
	update.value = 0;
	if (bpf(BPF_MAP_DELETE_ELEM, &update))
		fails(works, "not unregistered: errno %d", errno);
	close(update.map_fd);
}
