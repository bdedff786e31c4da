// SPDX-License-Identifier: GPL-2.0
/*
 * What comes of loading a program one way, and of running it?
 *
 * Its object is opened anew each time, and only this program of it is loaded, with those
 * that belong to all of the object's tests. One that attaches to a program is attached to
 * it, and that one run; one that attaches to a function of the kernel is attached only,
 * if it can be; all others are run by BPF_PROG_TEST_RUN, whose types can be.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "progs.h"

static int open_sysctl(const char *name, int flags)
{
	char path[80];
	int file;

	snprintf(path, sizeof(path), "/proc/sys/net/core/%s", name);
	file = open(path, flags);
	if (file < 0) {
		printf("no %s: errno %d\n", path, errno);
		exit(2);
	}
	return file;
}

void set_sysctl(const char *name, int value)
{
	int file = open_sysctl(name, O_WRONLY);

	if (dprintf(file, "%d", value) < 1) {
		printf("cannot set %s: errno %d\n", name, errno);
		exit(2);
	}
	close(file);
}

int get_sysctl(const char *name)
{
	int file = open_sysctl(name, O_RDONLY);
	char text[16] = "";

	if (read(file, text, sizeof(text) - 1) < 1) {
		printf("cannot read %s: errno %d\n", name, errno);
		exit(2);
	}
	close(file);
	return atoi(text);
}

/* Privileges that programs and maps can be loaded with. */
#define BPF_CAPABILITIES (1ULL << 12 | 1ULL << 21 | 1ULL << 38 | 1ULL << 39)

static void set_capabilities(uint64_t dropped)
{
	struct { uint32_t version; int process; } header = { 0x20080522, 0 };
	uint32_t data[2][3];

	if (syscall(__NR_capget, &header, data)) {
		printf("no capabilities: errno %d\n", errno);
		exit(2);
	}
	data[0][0] = data[0][1] & ~(uint32_t)dropped;
	data[1][0] = data[1][1] & ~(uint32_t)(dropped >> 32);
	if (syscall(__NR_capset, &header, data)) {
		printf("cannot set capabilities: errno %d\n", errno);
		exit(2);
	}
}

/* Maps that need no privileges, as test_loader.c of the selftests has them. */
static int is_map_for_all(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return !(bpf_map__map_flags(map) & BPF_F_ZERO_SEED);
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_RINGBUF:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_USER_RINGBUF:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return 1;
	default:
		return 0;
	}
}

/* Whether a structure of functions has the program: libbpf keeps pointers to them in its value. */
static int has_function(const struct bpf_map *map, const struct bpf_program *program)
{
	size_t size, at;
	const char *value = bpf_map__initial_value(map, &size);

	for (at = 0; value && at + sizeof(program) <= size; at += sizeof(program))
		if (!memcmp(value + at, &program, sizeof(program)))
			return 1;
	return 0;
}

/* Functions are loaded with the others of their structures: of as few as possible. */
static int is_map_wanted(const struct test *test, const struct bpf_map *map,
			 const struct bpf_program *program)
{
	if (test->way == UNPRIVILEGED)
		return is_map_for_all(map);
	return test->annotations.as[test->way].is_run ||
	       bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS ||
	       bpf_program__type(program) != BPF_PROG_TYPE_STRUCT_OPS || has_function(map, program);
}

/*
 * Accesses need not be aligned, as on processors that the tests' messages are from: the
 * kernel emulates those that are not. One must have privileges to say so.
 */
static int flags_of(const struct test *test)
{
	int flags = test->annotations.flags;

	if (test->way == PRIVILEGED && !(flags & BPF_F_STRICT_ALIGNMENT))
		flags |= BPF_F_ANY_ALIGNMENT;
	return flags;
}

/* Chooses what of an object is loaded. */
static struct bpf_program *choose(const struct test *test, struct bpf_object *object)
{
	struct bpf_program *program, *chosen = NULL;
	struct bpf_map *map;

	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);
		int is_it = !strcmp(name, test->program);

		if (is_it)
			chosen = program;
		bpf_program__set_autoload(program, is_it || is_auxiliary(test, name));
	}
	bpf_program__set_log_buf(chosen, verifier_log, sizeof(verifier_log));
	bpf_program__set_flags(chosen, bpf_program__flags(chosen) | flags_of(test));
	bpf_object__for_each_map(map, object)
		bpf_map__set_autocreate(map, is_map_wanted(test, map, chosen));
	return chosen;
}

static void note_program(const struct bpf_program *program, struct outcome *outcome)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	if (bpf_prog_get_info_by_fd(bpf_program__fd(program), &info, &length))
		return;
	outcome->is_compiled = info.jited_prog_len != 0;
	outcome->length = info.xlated_prog_len / sizeof(struct bpf_insn);
	outcome->is_structure = info.type == BPF_PROG_TYPE_STRUCT_OPS;
}

/* What has a meaning for programs that look at packets: IPv4 and TCP, of no interest to others. */
static const uint8_t packet[64] = {
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
	0x45, 0, 0, 50, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	0x1f, 0x90, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
	'G', 'E', 'T', ' ', '/', 0xff, 0x80, 0x7f, 0, 1,
};

static int has_context_only(int type)
{
	return type == BPF_PROG_TYPE_SYSCALL || type == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

static void run_once(const struct test *test, const struct bpf_program *program,
		     struct outcome *outcome)
{
	const struct annotations *annotations = &test->annotations;
	int type = bpf_program__type(program);
	uint8_t input[sizeof(packet)] = { 0 };
	/*
	 * Longer than what any program accesses: of the target of a tail call that is not compared with
	 * what there is (aux->max_ctx_offset), and a program would write behind it.
	 */
	uint64_t context[128] = { 0 };
	struct __sk_buff linear = { .data_end = annotations->linear_size };
	LIBBPF_OPTS(bpf_test_run_opts, options);

	if (has_context_only(type)) {
		/* Tests that are to be run get nothing, as test_loader.c has it. */
		if (!annotations->as[test->way].is_run || type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
			options.ctx_in = context;
			options.ctx_size_in = type == BPF_PROG_TYPE_SYSCALL ? sizeof(context) : 96;
		}
	} else {
		if (!annotations->is_test)
			memcpy(input, packet, sizeof(packet));
		options.data_in = input;
		options.data_size_in = sizeof(input);
		options.data_out = outcome->output;
		options.data_size_out = sizeof(outcome->output);
		options.repeat = 1;
		if (annotations->linear_size) {
			options.ctx_in = &linear;
			options.ctx_size_in = sizeof(linear);
		}
	}
	errno = 0;
	outcome->run_error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	outcome->is_run = !outcome->run_error;
	outcome->result = options.retval;
	outcome->output_size = has_context_only(type) ? 0 : options.data_size_out;
}

/* Keeps what global variables have become. */
static void keep_data(struct bpf_object *object, struct outcome *outcome)
{
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, object) {
		const char *name = bpf_map__name(map);
		const void *data = bpf_map__initial_value(map, &size);

		if (!data || bpf_map__type(map) != BPF_MAP_TYPE_ARRAY || !strchr(name, '.') ||
		    strstr(name, ".rodata") || strstr(name, ".kconfig"))
			continue;
		if (size > sizeof(outcome->data) - outcome->data_size)
			size = sizeof(outcome->data) - outcome->data_size;
		memcpy(outcome->data + outcome->data_size, data, size);
		outcome->data_size += size;
	}
}

/* Programs that the kernel calls, or others: they are attached. */
static int is_called(int type)
{
	return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	       type == BPF_PROG_TYPE_EXT || type == BPF_PROG_TYPE_STRUCT_OPS;
}

/* What a program is attached by as long as it is run. */
static struct bpf_link *links[32];
static unsigned int link_count;

static void keep_link(struct bpf_link *link, struct outcome *outcome)
{
	if (!link) {
		outcome->attach_error = outcome->attach_error ? outcome->attach_error : -errno;
		return;
	}
	outcome->is_attached = 1;
	links[link_count++] = link;
}

static void detach(void)
{
	while (link_count)
		bpf_link__destroy(links[--link_count]);
}

/* Registers structures of functions. */
static void attach_structures(struct bpf_object *object, struct outcome *outcome)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
		if (bpf_map__autocreate(map) && bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    link_count < sizeof(links) / sizeof(*links))
			keep_link(bpf_map__attach_struct_ops(map), outcome);
}

static void run_loaded(const struct test *test, struct bpf_object *object,
		       struct bpf_program *program, const struct bpf_program *entry,
		       struct outcome *outcome)
{
	int is_test = test->annotations.as[test->way].is_run;
	int type = bpf_program__type(program);

	note_program(program, outcome);
	if (is_test || type == BPF_PROG_TYPE_STRUCT_OPS)
		attach_structures(object, outcome);
	else if (is_called(type))
		keep_link(bpf_program__attach(program), outcome);
	if (fill_maps(test, object)) {
		outcome->run_error = -errno;
	} else if (is_test ? !outcome->attach_error : entry || !is_called(type)) {
		run_once(test, entry ? entry : program, outcome);
		keep_data(object, outcome);
	}
	detach();
}

/* Loads, compiled, what the program is attached to. */
static struct bpf_object *load_target(const struct target *target, const struct bpf_program **entry)
{
	struct bpf_program *program;
	struct bpf_object *object;
	char path[80];

	snprintf(path, sizeof(path), "/%s.bpf.o", target->file);
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return NULL;
	*entry = NULL;
	bpf_object__for_each_program(program, object) {
		int is_it = !target->entry || !strcmp(bpf_program__name(program), target->entry);

		bpf_program__set_autoload(program, is_it);
		if (!is_it)
			continue;
		bpf_program__set_log_buf(program, verifier_log, sizeof(verifier_log));
		bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_ANY_ALIGNMENT);
		*entry = program;
	}
	if (*entry && !bpf_object__load(object))
		return object;
	bpf_object__close(object);
	return NULL;
}

static void note_target(const struct test *test, const struct target *target,
			struct outcome *outcome)
{
	char why[200];

	outcome->error = -EINVAL;
	note_reason(test, outcome);
	snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, outcome->reason);
	snprintf(outcome->reason, sizeof(outcome->reason), "its target in %.30s: %s", target->file, why);
}

/* Opened with the JIT on or off, and loaded so. */
static void load_object(const struct test *test, struct bpf_object *object, enum mode mode,
			struct outcome *outcome)
{
	const struct target *target = target_of(test);
	struct bpf_program *program = choose(test, object);
	const struct bpf_program *entry = NULL;
	struct bpf_object *targets = NULL;

	if (target) {
		set_sysctl("bpf_jit_enable", is_jit_on);
		targets = load_target(target, &entry);
		if (!targets || bpf_program__set_attach_target(program, bpf_program__fd(entry),
							       target->function)) {
			note_target(test, target, outcome);
			bpf_object__close(targets);
			return;
		}
		forget_reasons();
	}
	set_sysctl("bpf_jit_enable", mode == COMPILED);
	if (test->way == UNPRIVILEGED)
		set_capabilities(BPF_CAPABILITIES & ~test->annotations.as[test->way].capabilities);
	outcome->error = bpf_object__load(object);
	set_capabilities(0);
	if (outcome->error)
		note_reason(test, outcome);
	else
		run_loaded(test, object, program, entry, outcome);
	bpf_object__close(targets);
}

void load_and_run(const struct test *test, enum mode mode, struct outcome *outcome)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = test->object,
		    .btf_custom_path = test->annotations.types_path);
	struct bpf_object *object;

	memset(outcome, 0, sizeof(*outcome));
	forget_reasons();
	set_sysctl("bpf_jit_enable", mode == COMPILED);
	object = bpf_object__open_mem(test->bytes, test->size, &options);
	if (!object) {
		outcome->error = -errno;
		note_reason(test, outcome);
		return;
	}
	load_object(test, object, mode, outcome);
	bpf_object__close(object);
}
