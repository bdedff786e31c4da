// SPDX-License-Identifier: GPL-2.0
/*
 * What must a program's maps and constants be before it runs?
 *
 * As the prog_tests of the selftests have it, so that programs go the way on which they
 * find what they look for, and not the short one on which they give up.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include "bench.h"

static int descriptor(const struct bpf_object *object, const char *name)
{
	return bpf_object__find_map_fd_by_name(object, name);
}

static int set(const struct bpf_object *object, const char *name, const void *key, const void *value)
{
	return bpf_map_update_elem(descriptor(object, name), key, value, BPF_ANY);
}

/* A map's value with nothing in it, to be filled. */
static void *new_value(const struct bpf_object *object, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? calloc(1, bpf_map__value_size(map)) : NULL;
}

static void *new_key(const struct bpf_object *object, const char *name)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? calloc(1, bpf_map__key_size(map)) : NULL;
}

/* Where a constant is in its section, by its name. */
static int find_constant(const struct bpf_object *object, const char *name)
{
	const struct btf *types = bpf_object__btf(object);
	const struct btf_type *section;
	const struct btf_var_secinfo *variables;
	uint32_t i;
	int id = types ? btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC) : -1;

	if (id < 0)
		return -1;
	section = btf__type_by_id(types, id);
	variables = btf_var_secinfos(section);
	for (i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *variable = btf__type_by_id(types, variables[i].type);

		if (!strcmp(btf__name_by_offset(types, variable->name_off), name))
			return variables[i].offset;
	}
	return -1;
}

/* Before the object is loaded. */
static int set_constant(struct bpf_object *object, const char *name, const void *value, size_t size)
{
	int offset = find_constant(object, name);
	struct bpf_map *map;
	size_t whole;
	char *bytes;

	bpf_object__for_each_map(map, object) {
		if (offset < 0 || !strstr(bpf_map__name(map), ".rodata"))
			continue;
		bytes = bpf_map__initial_value(map, &whole);
		if (!bytes || offset + size > whole)
			return -1;
		memcpy(bytes + offset, value, size);
		return 0;
	}
	return -1;
}

/* The parts of the flow dissector call each other through an array. */
int fill_flow(struct bpf_object *object)
{
	int i;

	for (i = 0; i < 6; i++) {
		const struct bpf_program *program;
		char name[32];
		int part;

		snprintf(name, sizeof(name), "flow_dissector_%d", i);
		program = bpf_object__find_program_by_name(object, name);
		part = program ? bpf_program__fd(program) : -1;
		if (part < 0 || set(object, "jmp_table", &i, &part))
			return -1;
	}
	return 0;
}

/* A virtual address of all zeros, and one server, to which every slot of the ring leads. */
int fill_l4lb(struct bpf_object *object)
{
	struct { uint32_t address[4]; uint16_t port, family; uint8_t protocol; } vip = { .protocol = 6 };
	struct { uint32_t flags, number; } meta = { .number = 5 };
	struct { uint32_t address[4]; uint8_t flags; } server = { .address[0] = htonl(0x0a000003) };
	const struct bpf_map *ring = bpf_object__find_map_by_name(object, "ch_rings");
	uint32_t slot, number = 3;

	if (!ring)
		return -1;
	for (slot = 0; slot < bpf_map__max_entries(ring); slot++)
		if (bpf_map_update_elem(bpf_map__fd(ring), &slot, &number, BPF_ANY))
			return -1;
	return set(object, "vip_map", &vip, &meta) || set(object, "reals", &number, &server);
}

/* Packets for addresses of zeros go through a tunnel. */
int fill_tunnel(struct bpf_object *object)
{
	static const uint16_t families[2] = { 2, 10 };
	int i;

	for (i = 0; i < 2; i++) {
		struct { uint32_t address[4]; uint16_t port, family; uint8_t protocol; } vip = {
			.family = families[i], .protocol = 6
		};
		struct { uint32_t from[4], to[4]; uint16_t family; uint8_t station[6]; } tunnel = {
			.family = families[i]
		};

		if (set(object, "vip2tnl", &vip, &tunnel))
			return -1;
	}
	return 0;
}

/* What the packets for it are addressed to. */
int open_redirect(struct bpf_object *object)
{
	uint32_t address = htonl(0x7f000001);
	uint16_t port = htons(1234);

	return set_constant(object, "ENCAPSULATION_IP", &address, sizeof(address)) ||
	       set_constant(object, "ENCAPSULATION_PORT", &port, sizeof(port));
}

int fill_synproxy(struct bpf_object *object)
{
	uint64_t options = 1440ULL << 32 | 64 << 24 | 7 << 16 | 1460;
	uint16_t port = 80;
	uint32_t key = 0;

	return set(object, "values", &key, &options) || set(object, "allowed_ports", &key, &port);
}

/* The address of zeros is protected, in either protocol. */
int fill_wall(struct bpf_object *object)
{
	uint8_t address[16] = { 0 }, yes = 1;

	return set(object, "v6_addr_map", address, &yes) || set(object, "v4_addr_map", address, &yes);
}

/* Pointers as programs read them: they have 64 bits there, whatever they have here. */
static uint64_t far(const void *p)
{
	return (uintptr_t)p;
}

/*
 * A stack of an interpreter of Python, of frames of one function without a name: its
 * symbol is the only one that there is room for in their map.
 */
int fill_python(struct bpf_object *object)
{
	enum { BACK, CODE, FILENAME, NAME, FIELDS };
	static uint64_t frame[FIELDS], code[FIELDS], state, current;
	static char nothing[8];
	struct {
		uint64_t current, key;
		int state_frame, state_thread, back, code, line, filename, name, data, size;
		uint8_t use_tls;
	} process = {
		.current = far(&current), .back = BACK * 8, .code = CODE * 8,
		.filename = FILENAME * 8, .name = NAME * 8,
	};
	void *event = new_value(object, "eventmap"), *symbol = new_key(object, "symbolmap");
	int32_t pid = getpid(), symbol_id = 0;
	uint32_t zero = 0;

	frame[BACK] = far(frame);
	frame[CODE] = far(code);
	code[FILENAME] = code[NAME] = far(nothing);
	state = far(frame);
	current = far(&state);
	return !event || !symbol || set(object, "pidmap", &pid, &process) ||
	       set(object, "eventmap", &zero, event) || set(object, "symbolmap", symbol, &symbol_id);
}

/* Every variable is looked for, where there is none. */
int fill_strobe(struct bpf_object *object)
{
	void *value = new_value(object, "strobemeta_cfgs");
	int32_t pid = getpid();

	return !value || set(object, "strobemeta_cfgs", &pid, value);
}
