/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a program is written down.
 */

#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdlib.h>

#include "soak.h"

#define CONTEXT BPF_REG_8
#define AREA BPF_REG_9
/* On the stack, below what statements use. */
#define KEY (-STACK - 4)
#define VALUE (-STACK - 16)
#define AREA_AT(field) ((int)offsetof(struct area, field))

static inline void emit(struct text *text, struct bpf_insn insn)
{
	if (text->length == MOST)
		abort();
	text->insn[text->length++] = insn;
}

#define EMIT(...) emit(text, (struct bpf_insn)__VA_ARGS__)
/* A map, or a value of one. */
#define EMIT_ADDRESS(reg, kind, fd) do { \
	EMIT(BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, kind, 0, fd)); \
	EMIT(BPF_RAW_INSN(0, 0, 0, 0, 0)); \
} while (0)

/* statement.c */
uint64_t number(struct random *random);
void apply(uint64_t *value, struct bpf_insn insn);
void add_operation(struct text *text);
void add_operations(struct text *text, int most);
void add_branch(struct text *text, int most);
void add_loop(struct text *text);
void add_access(struct text *text);
void add_ordered(struct text *text);
void add_atomic(struct text *text);

#endif
