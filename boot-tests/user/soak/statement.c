// SPDX-License-Identifier: GPL-2.0
/*
 * What statements of random programs are there, and what do they give?
 *
 * Each is done here, in C, when it is made.
 */

#include "text.h"

#ifndef BPF_LOAD_ACQ
#define BPF_LOAD_ACQ 0x100
#define BPF_STORE_REL 0x110
#endif

/* Arithmetic, as RFC 9669 has it. */

static uint64_t divide(int code, int is_signed, int is64, uint64_t a, uint64_t b)
{
	int is_modulo = code == BPF_MOD;

	if (!is64)
		a = is_signed ? (uint64_t)(int32_t)a : (uint32_t)a,
		b = is_signed ? (uint64_t)(int32_t)b : (uint32_t)b;
	if (!b)
		return is_modulo ? a : 0;
	if (!is_signed)
		return is_modulo ? a % b : a / b;
	if (b == -1ULL)
		return is_modulo ? 0 : -a;
	return is_modulo ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b;
}

static uint64_t swap(struct bpf_insn insn, uint64_t a)
{
	int is_little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	int is_swapped = BPF_CLASS(insn.code) == BPF_ALU64 ||
			 (BPF_SRC(insn.code) == BPF_TO_LE) != is_little;

	switch (insn.imm) {
	case 16:
		return is_swapped ? __builtin_bswap16(a) : (uint16_t)a;
	case 32:
		return is_swapped ? __builtin_bswap32(a) : (uint32_t)a;
	default:
		return is_swapped ? __builtin_bswap64(a) : a;
	}
}

static uint64_t move(int bits, uint64_t b)
{
	return bits ? (uint64_t)((int64_t)(b << (64 - bits)) >> (64 - bits)) : b;
}

static uint64_t compute(struct bpf_insn insn, uint64_t a, uint64_t b)
{
	int code = BPF_OP(insn.code), is64 = BPF_CLASS(insn.code) == BPF_ALU64;
	int shift = b & (is64 ? 63 : 31);

	switch (code) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << shift;
	case BPF_RSH:
		return (is64 ? a : (uint32_t)a) >> shift;
	case BPF_ARSH:
		return (is64 ? (int64_t)a : (int32_t)a) >> shift;
	case BPF_NEG:
		return -a;
	case BPF_MOV:
		return move(insn.off, b);
	default:
		return divide(code, insn.off, is64, a, b);
	}
}

void apply(uint64_t *value, struct bpf_insn insn)
{
	uint64_t *a = &value[insn.dst_reg], b;

	if (BPF_OP(insn.code) == BPF_END) {
		*a = swap(insn, *a);
		return;
	}
	b = BPF_SRC(insn.code) == BPF_X ? value[insn.src_reg] : (uint64_t)insn.imm;
	*a = compute(insn, *a, b);
	if (BPF_CLASS(insn.code) == BPF_ALU)
		*a = (uint32_t)*a;
}

/* Small ones, the ends of ranges, and anything. */
uint64_t number(struct random *random)
{
	uint64_t edge = 1ULL << below(random, 64);

	switch (below(random, 4)) {
	case 0:
		return (int64_t)below(random, 33) - 16;
	case 1:
		return below(random, 2) ? edge : edge - 1;
	default:
		return draw(random);
	}
}

/* An operation on any of the registers but one. */
static struct bpf_insn operation(struct random *random, int except)
{
	static const uint8_t codes[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH,
					 BPF_NEG, BPF_MOD, BPF_XOR, BPF_MOV, BPF_ARSH, BPF_END };
	int code = codes[below(random, sizeof(codes))], is64 = below(random, 2), dst, off = 0;
	int source = below(random, 2) ? BPF_X : BPF_K, src = below(random, REGISTERS);
	int32_t imm = number(random);

	do
		dst = below(random, REGISTERS);
	while (dst == except);
	if (code == BPF_NEG)
		source = BPF_K;
	if (code == BPF_END) {
		imm = 16 << below(random, 3);
		/* BPF_TO_LE and BPF_TO_BE have the bit of BPF_K and BPF_X; a swap of 64 bits neither. */
		source = is64 ? BPF_TO_LE : source;
	}
	if (code == BPF_DIV || code == BPF_MOD) {
		off = below(random, 2);
		imm += !imm;
	}
	if (code == BPF_MOV && source == BPF_X)
		off = (8 << below(random, 2 + is64)) & -below(random, 2);
	if (code == BPF_LSH || code == BPF_RSH || code == BPF_ARSH)
		imm &= is64 ? 63 : 31;
	if (code == BPF_NEG || (source == BPF_X && code != BPF_END))
		imm = 0;
	if (source == BPF_K || code == BPF_END)
		src = 0;
	return BPF_RAW_INSN((is64 ? BPF_ALU64 : BPF_ALU) | code | source, dst, src, off, imm);
}

void add_operation(struct text *text)
{
	struct bpf_insn insn = operation(text->random, -1);

	emit(text, insn);
	apply(text->state.value, insn);
}

/* Jumps. */

static int holds(int op, int is64, uint64_t a, uint64_t b)
{
	int64_t sa = is64 ? (int64_t)a : (int32_t)a, sb = is64 ? (int64_t)b : (int32_t)b;

	if (!is64)
		a = (uint32_t)a, b = (uint32_t)b;
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		return !!(a & b);
	}
}

void add_operations(struct text *text, int most)
{
	int count = 1 + below(text->random, most);

	while (count--)
		add_operation(text);
}

/* if (condition) ... else ... */
void add_branch(struct text *text, int most)
{
	static const uint8_t codes[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT, BPF_JSGE,
					 BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE };
	struct random *random = text->random;
	int op = codes[below(random, sizeof(codes))], is64 = below(random, 2);
	int source = below(random, 2) ? BPF_X : BPF_K;
	int dst = below(random, REGISTERS), src = source == BPF_X ? below(random, REGISTERS) : 0;
	int32_t imm = source == BPF_X ? 0 : number(random);
	struct state before = text->state, other;
	uint64_t b = source == BPF_X ? before.value[src] : (uint64_t)imm;
	int is_taken = holds(op, is64, before.value[dst], b);
	int jump = text->length, over, is_long = below(random, 2);

	EMIT(BPF_RAW_INSN((is64 ? BPF_JMP : BPF_JMP32) | op | source, dst, src, 0, imm));
	add_operations(text, most);
	other = text->state;
	over = text->length;
	/* The distance is in the offset, or in the immediate. */
	EMIT(BPF_RAW_INSN((is_long ? BPF_JMP32 : BPF_JMP) | BPF_JA, 0, 0, 0, 0));
	text->insn[jump].off = text->length - jump - 1;
	text->state = before;
	add_operations(text, most);
	if (is_long)
		text->insn[over].imm = text->length - over - 1;
	else
		text->insn[over].off = text->length - over - 1;
	if (!is_taken)
		text->state = other;
}

/* A few times the same, which only the privileged may. */
void add_loop(struct text *text)
{
	int counter = below(text->random, REGISTERS), times = 2 + below(text->random, 5);
	int count = 1 + below(text->random, 6), first, i;

	EMIT(BPF_MOV64_IMM(counter, times));
	text->state.value[counter] = times;
	first = text->length;
	for (i = 0; i < count; i++)
		emit(text, operation(text->random, counter));
	EMIT(BPF_ALU64_IMM(BPF_ADD, counter, -1));
	for (; times; times--)
		for (i = first; i < text->length; i++)
			apply(text->state.value, text->insn[i]);
	EMIT(BPF_JMP_IMM(BPF_JNE, counter, 0, first - text->length - 1));
}

/* Memory. */

static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
static const uint8_t bytes[] = { 1, 2, 4, 8 };

static void store(void *at, int log, uint64_t value)
{
	uint8_t b = value;
	uint16_t h = value;
	uint32_t w = value;
	const void *from[] = { &b, &h, &w, &value };

	memcpy(at, from[log], bytes[log]);
}

static uint64_t fetch(const void *at, int log)
{
	uint8_t b;
	uint16_t h;
	uint32_t w;
	uint64_t dw;

	memcpy(log == 0 ? (void *)&b : log == 1 ? (void *)&h : log == 2 ? (void *)&w : &dw, at, bytes[log]);
	return log == 0 ? b : log == 1 ? h : log == 2 ? w : dw;
}

void add_access(struct text *text)
{
	struct random *random = text->random;
	int log = below(random, 4), at = below(random, STACK >> log) << log, off = at - STACK;
	int reg = below(random, REGISTERS), is_signed = log < 3 && below(random, 2);
	uint8_t *memory = &text->state.stack.bytes[at];
	uint64_t *value = &text->state.value[reg];
	int32_t imm = number(random);

	switch (below(random, 4)) {
	case 0:
		EMIT(BPF_ST_MEM(sizes[log], BPF_REG_10, off, imm));
		store(memory, log, (int64_t)imm);
		break;
	case 1:
		EMIT(BPF_STX_MEM(sizes[log], BPF_REG_10, reg, off));
		store(memory, log, *value);
		break;
	default:
		EMIT(BPF_RAW_INSN(BPF_LDX | (is_signed ? BPF_MEMSX : BPF_MEM) | sizes[log], reg, BPF_REG_10,
				  off, 0));
		*value = fetch(memory, log);
		if (is_signed)
			*value = move(8 << log, *value);
	}
}

/* What an atomic operation leaves in memory. */
static uint64_t atomic(int op, uint64_t old, uint64_t operand, uint64_t r0)
{
	switch (op & ~BPF_FETCH) {
	case BPF_ADD:
		return old + operand;
	case BPF_AND:
		return old & operand;
	case BPF_OR:
		return old | operand;
	case BPF_XOR:
		return old ^ operand;
	case BPF_XCHG & ~BPF_FETCH:
		return operand;
	default:
		return old == r0 ? operand : old;
	}
}

void add_ordered(struct text *text)
{
	struct random *random = text->random;
	int log = below(random, 3), at = below(random, STACK >> log) << log, reg = below(random, REGISTERS);
	uint8_t *memory = &text->state.stack.bytes[at];

	if (below(random, 2)) {
		EMIT(BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | sizes[log], reg, BPF_REG_10, at - STACK, BPF_LOAD_ACQ));
		text->state.value[reg] = fetch(memory, log);
	} else {
		EMIT(BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | sizes[log], BPF_REG_10, reg, at - STACK, BPF_STORE_REL));
		store(memory, log, text->state.value[reg]);
	}
}

void add_atomic(struct text *text)
{
	static const uint16_t ops[] = { BPF_ADD, BPF_AND, BPF_OR, BPF_XOR, BPF_ADD | BPF_FETCH, BPF_AND | BPF_FETCH,
					BPF_OR | BPF_FETCH, BPF_XOR | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG };
	struct random *random = text->random;
	int op = ops[below(random, sizeof(ops) / sizeof(*ops))], log = 2 + below(random, 2);
	int reg = below(random, REGISTERS), at = below(random, STACK >> log) << log;
	uint8_t *memory = &text->state.stack.bytes[at];
	uint64_t *value = text->state.value, old = fetch(memory, log);
	/* Often the one that is there. */
	uint64_t r0 = op == BPF_CMPXCHG && below(random, 2) ? old : value[0];

	if (r0 != value[0])
		EMIT(BPF_LDX_MEM(sizes[log], BPF_REG_0, BPF_REG_10, at - STACK));
	value[0] = r0;
	EMIT(BPF_RAW_INSN(BPF_STX | BPF_ATOMIC | sizes[log], BPF_REG_10, reg, at - STACK, op));
	store(memory, log, atomic(op, old, value[reg], log == 2 ? (uint32_t)r0 : r0));
	if (op == BPF_CMPXCHG)
		value[0] = old;
	else if (op & BPF_FETCH)
		value[reg] = old;
}
