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

/* Types of the kernel's, and of the target. */
extern struct btf *kernel_types, *types;
extern int told_map;
/* A program to attach to, and types of its functions. */
extern int target, in_main, in_long, in_int, in_static, in_callback;

/* reg = what is told. */
#define TOLD_MAP(reg) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_MAP_VALUE, 0, 0), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)
#define INT64(reg, value) BPF_LD_IMM64(reg, value)
#define EXIT BPF_EXIT_INSN()

/* A test ends with its verdict; unless it passes, all are reasons. */
int passes(const char *name);
int fails(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Why the verifier has not let a program through. */
const char *reason(void);
/* Loads a program with maps of which there are no numbers yet. */
int load_telling(union bpf_attr *attr, const struct bpf_insn *body, int length, int type);
const uint64_t *told(void);
void forget(void);

#define A 0x8899aabbccddeeffULL
#define B 0x1122334455667788ULL
#define C 0xfedcba9876543210ULL
#define PLAIN(a, b, c, d, e) ((((a) + (b)) ^ (c)) + (d) - (e))

#define CALL(distance) BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, distance)
#define ADDRESS(reg, distance) \
	BPF_RAW_INSN(BPF_LD | BPF_DW | BPF_IMM, reg, BPF_PSEUDO_FUNC, 0, distance), \
	BPF_RAW_INSN(0, 0, 0, 0, 0)

/* What the target returns. */
#define LONG_RESULT PLAIN(A, B, C, -3ULL, 1ULL << 40)
#define INT_RESULT (-5 - 7)
#define STATIC_RESULT (1234 + 7)
#define RESULT (uint32_t)(FOLDED(LONG_RESULT) + INT_RESULT + STATIC_RESULT + 10)

/* What programs tell: at FIRST how often they ran, then the number of arguments, these, and the result. */
#define TELL(first, arguments) \
	BPF_MOV64_REG(BPF_REG_6, BPF_REG_1), TOLD_MAP(BPF_REG_7), \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_7, 8 * (first)), BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, 1), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * (first)), \
	BPF_MOV64_REG(BPF_REG_1, BPF_REG_6), BPF_EMIT_CALL(BPF_FUNC_get_func_arg_cnt), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_0, 8 * (first) + 8)
#define TELL_ARGUMENT(first, index) \
	BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_6, 8 * (index)), \
	BPF_STX_MEM(BPF_DW, BPF_REG_7, BPF_REG_1, 8 * ((first) + 2 + (index)))
#define RETURN BPF_MOV64_IMM(BPF_REG_0, 0), EXIT

struct code {
	const struct bpf_insn *body;
	int length;
};

#define CODE(body) ((struct code){ body, sizeof(body) / sizeof(*body) })

/* Loads a program for a function of another one, and attaches it. */
int load_for(int to, int function, int kind, const struct bpf_insn *body, int length);
int attach(int program, int kind, uint64_t cookie);
int put(const char *name, int to, int function, int kind, const struct code *code, uint64_t cookie);
/* What programs have told from FIRST on must be this. */
int compare(const char *name, int first, const uint64_t *values, int count);
/* Runs a program once; what it returns must be this. */
int run(int program, uint32_t result);

void check_struct_ops(void);
void check_congestion_control(void);
void check_sessions(void);
void check_extensions(void);
void check_tail_calls(void);
void check_many_arguments(void);
void check_refusals(void);

#endif
