/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the suite "trampolines" share.
 */

#ifndef TRAMPOLINES_H
#define TRAMPOLINES_H

#include <bpf/btf.h>

#include "programs.h"

/* Doublewords that programs tell in: a map of one value. */
enum { TOLD = 24 };

extern struct btf *kernel_types;
extern int told_map;

/* reg = what is told. */
#define TOLD_MAP(reg) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_VALUE, 0, 0), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)
#define INT64(reg, value) BPF_LD_IMM64(reg, value)
#define EXIT BPF_EXIT_INSN()

/* A test ends with its verdict; unless it passes, all are reasons. */
int passes(const char *name);
int fails(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Loads a program with maps of which there are no numbers yet. */
int load_telling(union bpf_attr *attr, const struct bpf_insn *body, int length, int type);
const uint64_t *told(void);
void forget(void);

void check_struct_ops(void);

#endif
