// SPDX-License-Identifier: GPL-2.0
/*
 * What does no object say of its programs?
 *
 * The selftests have it in the C files of prog_tests: which programs belong together,
 * what one is attached to, and what is in a map before. Here it is in tables, and as little
 * of it as possible: what is not in them is skipped with a reason, or done without.
 */

#include <errno.h>

#include <bpf/bpf.h>

#include "progs.h"

/* Programs that belong to the tests of their object, by way. */
static struct {
	char name[64];
	int ways;
} auxiliaries[64];
static unsigned int auxiliary_count;

void find_auxiliaries(struct bpf_object *object)
{
	struct bpf_program *program;

	auxiliary_count = 0;
	bpf_object__for_each_program(program, object) {
		const char *name = bpf_program__name(program);
		struct annotations annotations = read_annotations(bpf_object__btf(object), name);

		if (!annotations.is_auxiliary || auxiliary_count == 64)
			continue;
		snprintf(auxiliaries[auxiliary_count].name, 64, "%s", name);
		auxiliaries[auxiliary_count++].ways = annotations.is_auxiliary;
	}
}

int is_auxiliary(const struct test *test, const char *name)
{
	unsigned int i;

	for (i = 0; i < auxiliary_count; i++)
		if (!strcmp(name, auxiliaries[i].name))
			return auxiliaries[i].ways >> test->way & 1;
	return 0;
}

/* A program of an object, or all of it, and why it is treated so. */
struct named {
	const char *object, *program, *why;
};
#define ANY_OF(list) list, sizeof(list) / sizeof(*list)

static const char *find(const struct test *test, const struct named *list, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!strcmp(test->object, list[i].object) &&
		    (!list[i].program || !strcmp(test->program, list[i].program)))
			return list[i].why;
	return NULL;
}

/* Not loaded at all. */
const char *left_out(const struct test *test)
{
	static const struct named list[] = {
		{ "core_kern", "balancer_ingress", "the verifier takes minutes" },
		{ "loop3", NULL, "the verifier takes minutes to refuse it" },
		{ "pyperf100", NULL, "the verifier takes minutes" },
		{ "pyperf180", NULL, "the verifier takes minutes" },
		{ "pyperf600", NULL, "the verifier takes minutes" },
	};

	return find(test, ANY_OF(list));
}

/* Loaded and run both ways, but what comes of it is another thing each time, or may be. */
const char *not_compared(const struct test *test)
{
	static const struct named list[] = {
		{ "cgroup_skb_direct_packet_access", NULL, "keeps the address of its packet's end" },
		{ "test_global_func16", "global_func16", "returns what nobody has written" },
		{ "verifier_basic_stack", "uninitialized_stack2", "returns what nobody has written" },
		{ "verifier_live_stack", NULL, "returns what nobody has written, or an address" },
		{ "verifier_raw_stack", "stack_no_skb_load_bytes", "returns what nobody has written" },
	};

	return find(test, ANY_OF(list));
}

/* To which programs others are attached. */
static const struct target targets[] = {
	{ "exceptions_ext", "pfentry", "exceptions", "exception_throw_subprog", "subprog" },
	{ "exceptions_ext", "throwing_fentry", "exceptions", "exception_throw_subprog", "subprog" },
	{ "exceptions_ext", "pfexit", "exceptions", "exception_throw_subprog", "throwing_subprog" },
	{ "exceptions_ext", "throwing_fexit", "exceptions", "exception_throw_subprog", "subprog" },
	{ "exceptions_ext", "extension", "exceptions", "exception_throw_subprog", "global_subprog" },
	{ "exceptions_ext", "throwing_extension", "exceptions", "exception_ext", "exception_ext_global" },
	{ "exceptions_ext", "throwing_exception_cb_extension", "exceptions",
	  "exception_ext_mod_cb_runtime", "exception_cb_mod_global" },
	{ "fexit_bpf2bpf", NULL, "test_pkt_access", NULL, NULL },
	{ "fexit_bpf2bpf_simple", NULL, "test_pkt_md_access", NULL, NULL },
	{ "freplace_connect4", NULL, "connect4_prog", "connect_v4_prog", NULL },
	{ "freplace_dead_global_func", NULL, "verifier_global_subprogs",
	  "chained_global_func_calls_success", "global_good" },
	{ "freplace_get_constant", NULL, "test_pkt_access", NULL, NULL },
	{ "freplace_global_func", NULL, "test_pkt_access", NULL, NULL },
	{ "freplace_progmap", "xdp_cpumap_prog", "xdp_dummy", "xdp_dummy_prog", "xdp_dummy_prog" },
	{ "freplace_void", NULL, "test_global_func7", NULL, NULL },
	{ "tailcall_bpf2bpf_fentry", NULL, "tailcall_bpf2bpf2", "entry", NULL },
	{ "tailcall_bpf2bpf_fexit", NULL, "tailcall_bpf2bpf2", "entry", NULL },
	{ "tailcall_bpf2bpf_hierarchy_fentry", NULL, "tailcall_bpf2bpf_hierarchy1", "entry", "entry" },
	{ "tailcall_freplace", NULL, "tc_bpf2bpf", "entry_tc", "subprog_tc" },
	{ "test_trace_ext", NULL, "test_pkt_md_access", NULL, NULL },
	{ "trace_dummy_st_ops", NULL, "dummy_st_ops_success", "test_1", NULL },
};

const struct target *target_of(const struct test *test)
{
	unsigned int i;

	for (i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (!strcmp(test->object, targets[i].object) &&
		    (!targets[i].program || !strcmp(test->program, targets[i].program)))
			return &targets[i];
	return NULL;
}

/* Whether other tests open it: for its programs or, by the Makefile's names, for its types. */
int is_needed_as_file(const char *object)
{
	unsigned int i;

	for (i = 0; i < sizeof(targets) / sizeof(*targets); i++)
		if (!strcmp(object, targets[i].file))
			return 1;
	return behind(object, "btf__") != NULL;
}

/* What a map has to have before a program is run. */
int fill_maps(const struct test *test, struct bpf_object *object)
{
	static const struct named list[] = {
		{ "verifier_array_access", NULL, "map_array_ro" },
		{ "verifier_value_ptr_arith", NULL, "map_array_48b" },
	};
	struct { uint32_t index; int32_t values[11]; } value = { .index = 7 * 4, .values[6] = 0xabcdef12 };
	const char *name = find(test, ANY_OF(list));
	struct bpf_map *map = name ? bpf_object__find_map_by_name(object, name) : NULL;
	uint32_t key = 0;

	if (!map || !test->annotations.as[test->way].is_run)
		return 0;
	return bpf_map_update_elem(bpf_map__fd(map), &key, &value, 0);
}
