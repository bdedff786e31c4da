/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What does a program of the kernel's selftests say about itself?
 *
 * Its BTF has tags "comment:NUMBER:NAME" or "...NAME=VALUE": macros of bpf_misc.h have
 * made them, and test_loader.c of the selftests is who normally reads them. Each is for
 * one of two ways of loading it: with privileges and without.
 */

#ifndef ANNOTATIONS_H
#define ANNOTATIONS_H

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>
#include <bpf/btf.h>

enum way { PRIVILEGED, UNPRIVILEGED, WAYS };
enum mode { COMPILED = 1, INTERPRETED = 2 };

#define ANY_VALUE 0xbadcafe		/* a result that nobody knows: a pointer */

struct expectation {
	int is_failure;			/* it must not load */
	int is_run;			/* and return this */
	int result;
	uint64_t capabilities;		/* that are left to it */
	struct {
		int number;
		const char *text;
	} message;			/* the last that the verifier gives */
};

struct annotations {
	int is_test;			/* says what must become of it */
	int is_auxiliary;		/* belongs to the others' tests */
	int is_foreign;			/* is for other processors */
	unsigned int ways;		/* bits */
	unsigned int modes;		/* bits */
	int flags, cleared_flags;
	int linear_size;
	int is_understood;
	const char *types_path;
	struct expectation as[WAYS];
};

static inline const char *behind(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

/* The flags that test_loader.c adds, and those by name. */
#define USUAL_FLAGS (BPF_F_TEST_RND_HI32 | BPF_F_TEST_REG_INVARIANTS)

static inline void read_flag(struct annotations *annotations, const char *value)
{
	static const struct {
		const char *name;
		int flag;
	} names[] = {
		{ "BPF_F_STRICT_ALIGNMENT", BPF_F_STRICT_ALIGNMENT },
		{ "BPF_F_ANY_ALIGNMENT", BPF_F_ANY_ALIGNMENT },
		{ "BPF_F_TEST_RND_HI32", BPF_F_TEST_RND_HI32 },
		{ "BPF_F_TEST_STATE_FREQ", BPF_F_TEST_STATE_FREQ },
		{ "BPF_F_SLEEPABLE", BPF_F_SLEEPABLE },
		{ "BPF_F_XDP_HAS_FRAGS", BPF_F_XDP_HAS_FRAGS },
		{ "BPF_F_TEST_REG_INVARIANTS", BPF_F_TEST_REG_INVARIANTS },
	};
	int is_cleared = *value == '!';
	unsigned int i;
	char *end;
	int flag;

	value += is_cleared;
	flag = strtol(value, &end, 0);
	for (i = 0; *end && i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(value, names[i].name))
			continue;
		flag = names[i].flag;
		end = "";
	}
	if (*end)
		annotations->is_understood = 0;
	else if (is_cleared)
		annotations->cleared_flags |= flag;
	else
		annotations->flags |= flag;
}

static inline void read_result(struct annotations *annotations, enum way way, const char *value)
{
	struct expectation *expectation = &annotations->as[way];
	char *end = "";

	expectation->is_run = 1;
	expectation->result = strcmp(value, "_INT_MIN") ? (int)strtoll(value, &end, 0) : INT_MIN;
	if (*end)
		annotations->is_understood = 0;
}

static inline void read_message(struct expectation *expectation, int number, const char *text)
{
	if (number < expectation->message.number)
		return;
	expectation->message.number = number;
	expectation->message.text = text;
}

static inline void read_tag(struct annotations *annotations, int number, const char *tag,
			    unsigned int *has)
{
	const char *value;
	char *rest;

	if (!strcmp(tag, "test_expect_failure") || !strcmp(tag, "test_expect_success")) {
		annotations->as[PRIVILEGED].is_failure = !strcmp(tag, "test_expect_failure");
		annotations->ways |= 1 << PRIVILEGED;
	} else if (!strcmp(tag, "test_expect_failure_unpriv") ||
		   !strcmp(tag, "test_expect_success_unpriv")) {
		annotations->as[UNPRIVILEGED].is_failure =
			!strcmp(tag, "test_expect_failure_unpriv");
		annotations->ways |= 1 << UNPRIVILEGED;
		*has |= 1;
	} else if (!strcmp(tag, "test_auxiliary")) {
		annotations->is_auxiliary |= 1 << PRIVILEGED;
	} else if (!strcmp(tag, "test_auxiliary_unpriv")) {
		annotations->is_auxiliary |= 1 << UNPRIVILEGED;
	} else if ((value = behind(tag, "test_retval="))) {
		read_result(annotations, PRIVILEGED, value);
		annotations->ways |= 1 << PRIVILEGED;
	} else if ((value = behind(tag, "test_retval_unpriv="))) {
		read_result(annotations, UNPRIVILEGED, value);
		annotations->ways |= 1 << UNPRIVILEGED;
		*has |= 2;
	} else if ((value = behind(tag, "test_prog_flags="))) {
		read_flag(annotations, value);
	} else if ((value = behind(tag, "test_expect_msg="))) {
		read_message(&annotations->as[PRIVILEGED], number, value);
	} else if ((value = behind(tag, "test_expect_msg_unpriv="))) {
		read_message(&annotations->as[UNPRIVILEGED], number, value);
	} else if (behind(tag, "test_arch=")) {
		annotations->is_foreign = 1;	/* MIPS has no name there */
	} else if ((value = behind(tag, "test_btf_path="))) {
		annotations->types_path = value;
	} else if ((value = behind(tag, "test_linear_size="))) {
		annotations->linear_size = atoi(value);
	} else if ((value = behind(tag, "load_mode="))) {
		annotations->modes = strcmp(value, "jited") ? INTERPRETED : COMPILED;
	} else if ((value = behind(tag, "test_caps_unpriv="))) {
		for (; *value; value = *rest ? rest + 1 : rest) {
			annotations->as[UNPRIVILEGED].capabilities |= 1ULL << strtol(value, &rest, 10);
			if (rest == value)
				break;
		}
		annotations->ways |= 1 << UNPRIVILEGED;
	}
}

/* Of a program, by its function's name. */
static inline struct annotations read_annotations(const struct btf *types, const char *name)
{
	struct annotations annotations = { .modes = COMPILED | INTERPRETED, .is_understood = 1 };
	int function = types ? btf__find_by_name_kind(types, name, BTF_KIND_FUNC) : -1;
	int i, count = types ? btf__type_cnt(types) : 0;
	unsigned int has = 0;

	for (i = 1; function > 0 && i < count; i++) {
		const struct btf_type *type = btf__type_by_id(types, i);
		const char *tag;
		int number, length = 0;

		if (!btf_is_decl_tag(type) || (int)type->type != function ||
		    btf_decl_tag(type)->component_idx != -1)
			continue;
		tag = btf__str_by_offset(types, type->name_off);
		if (sscanf(tag, "comment:%d:%n", &number, &length) > 0 && length)
			read_tag(&annotations, number, tag + length, &has);
	}
	annotations.is_test = annotations.ways != 0;
	if (!annotations.ways)
		annotations.ways = 1 << PRIVILEGED;
	if (!(has & 1))
		annotations.as[UNPRIVILEGED].is_failure = annotations.as[PRIVILEGED].is_failure;
	if (!(has & 2)) {
		annotations.as[UNPRIVILEGED].result = annotations.as[PRIVILEGED].result;
		annotations.as[UNPRIVILEGED].is_run = annotations.as[PRIVILEGED].is_run;
	}
	if (!annotations.as[UNPRIVILEGED].message.text)
		annotations.as[UNPRIVILEGED].message = annotations.as[PRIVILEGED].message;
	annotations.flags |= USUAL_FLAGS & ~annotations.cleared_flags;
	return annotations;
}

#endif
