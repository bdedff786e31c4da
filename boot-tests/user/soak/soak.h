/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the soak share.
 *
 *	main.c		what is judged and reported
 *	tasks.c		tasks and settings
 *	generate.c	random programs, and what they must give
 *	statement.c	what they do
 *	program.c	loads, runs and frees them
 *	attach.c	where they are attached
 *	traffic.c	packets that run them there
 *	balance.c	what the kernel has, before and after
 *	charge.c	and what it believes that images have
 */

#ifndef SOAK_H
#define SOAK_H

#include <poll.h>
#include <stdint.h>

#include "../programs.h"

/* What programs are about; as in kind_names. */
enum kind {
	ARITHMETIC,
	JUMPS,
	MEMORY,
	ATOMICS,
	MAPS,
	HELPERS,
	TAIL_CALLS,
	FUNCTIONS,
	KERNEL_FUNCTIONS,
	LONG,
	CLASSIC,
	KINDS
};

/* Who runs them; as in place_names. */
enum place {
	TEST_RUN,
	SOCKET,
	CGROUP_IN,
	CGROUP_OUT,
	TC_IN,
	TC_OUT,
	XDP,
	TIMER,
	PLACES
};

extern const char *const kind_names[KINDS];
extern const char *const place_names[PLACES];

/* What the JIT is told to do; as in net.core.bpf_jit_*. */
enum limit { ALL, SOME, NOTHING };
struct settings {
	int enable, harden;
	enum limit limit;	/* of what it may give to whoever has no privileges */
};

#define TASKS 4

/* Of all tasks, in memory that they share: only ever added to. */
struct totals {
	struct {
		uint32_t compiled, interpreted, wrong;
	} kinds[KINDS];
	struct {
		uint32_t attached, wrong;
		uint32_t runs;
	} places[PLACES];
	uint32_t refused, hardened, datagrams, connections, traffic_wrong;
	uint32_t ended, killed, died;
	/* Written by the main task alone. */
	struct settings settings;
	uint32_t is_closing, is_changing;
	/* Written by the task that is there. */
	uint32_t is_loading[TASKS];
};

extern struct totals *totals;
#define ADD(what, n) ((void)__atomic_add_fetch(&totals->what, n, __ATOMIC_RELAXED))
#define ALL_KINDS ((1u << KINDS) - 1)

/* splitmix64 */
struct random {
	uint64_t state;
};

static inline uint64_t draw(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static inline uint32_t below(struct random *random, uint32_t end)
{
	return draw(random) % end;
}

#define MOST 16384		/* instructions */
#define REGISTERS 8		/* r0 to r7 hold numbers */
#define STACK 64		/* bytes below the frame pointer */

/* A program in the making, and what it has where it has come to. */
struct text {
	struct random *random;
	int is_privileged;
	int length;
	struct bpf_insn insn[MOST];
	int call;		/* where it calls one of its functions */
	struct text *callee;
	struct state {
		uint64_t value[REGISTERS];
		union {
			uint8_t bytes[STACK];
			uint64_t doublewords[STACK / 8];
		} stack;
	} state;
};

/* What a program has for itself: the value of a map. */
struct area {
	uint64_t inputs[REGISTERS + STACK / 8];
	uint64_t result, right, wrong;
	uint64_t scratch[4];
};

/* What programs refer to by descriptors. */
struct descriptors {
	int area, table, targets;
	int function;		/* number of a kernel function's type */
};

#define TARGETS 8		/* of tail calls */

/* Gives the result that it must have. */
uint64_t generate(struct text *text, enum kind kind, const struct descriptors *descriptors,
		  const struct area *area, uint32_t key, int verdict);
/* A classic filter that accepts a datagram of which it knows the first word. */
int generate_classic(struct random *random, uint32_t word, struct sock_filter *filter);

/* A program that is loaded. */
struct program {
	int fd, area;
	enum kind kind;
	enum place place;
	int type, is_compiled;
	uint32_t serial;
	uint64_t result;
};

/* One of those that load them. */
struct task {
	uint64_t seed;
	uint32_t number, slot, serial;
	uint32_t kinds;		/* which it makes: bits */
	struct random random;
	int table, targets[2];	/* of programs that are interpreted, and compiled */
	int function;
	int cgroup, sender, receiver, listener;
	uint16_t port;
	int is_classic;		/* what is attached to the receiver */
	struct program at[PLACES];	/* those with a descriptor */
	int link[PLACES];
};

int make_map(int type, int key_size, int value_size, int count);
int update(int map, uint32_t key, const void *value);
int look_up(int map, uint32_t key, void *value);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void complain(const struct task *task, const struct program *program, const char *what);

/* tasks.c */
#define CGROUPS "/cgroups"
struct plan {
	uint64_t seed;
	uint32_t kinds;
	int function;
};

void soak(struct plan *plan, int seconds, const char *what);

/* program.c */
int make_program(struct task *task, enum place place, struct program *program);
void run_once(struct task *task, struct program *program);
void free_program(struct task *task, struct program *program);
void check_program(struct task *task, struct program *program);
void lock_settings(struct task *task);
void unlock_settings(struct task *task);

/* attach.c */
void attach(struct task *task, enum place place);
void attach_classic(struct task *task);
void detach(struct task *task, enum place place);
void aim_tail_calls(struct task *task);

/* traffic.c */
int open_sockets(struct task *task);
void send_datagrams(struct task *task);
void send_stream(struct task *task);

/* balance.c */
#define CALLERS 256
struct balance {
	long programs, maps, links, types, images, image_bytes, percpu, tasks, slab;
	int callers;
	struct {
		char name[56];
		long count, bytes;
	} caller[CALLERS];
	int caches;
	struct {
		char name[40];
		long objects, size;
	} cache[CALLERS];
};

enum part { PROGRAMS, MAPS_OF_THEM, LINKS, TYPES, IMAGES, AREAS, PERCPU, CACHES, PARTS };

/* As soon as it is what it was or, if it was nothing, stays what it is. */
void take_balance(struct balance *now, const struct balance *was);
/* How many there are in a part of it, and which. */
long differences(const struct balance *was, const struct balance *now, enum part part, char *text,
		 int size);

/* charge.c */
long jit_charge(void);

/* No other way to sleep is in every configuration. */
static inline void rest(int milliseconds)
{
	poll(NULL, 0, milliseconds);
}

int write_setting(const char *path, long value);
long read_setting(const char *path);

#endif
