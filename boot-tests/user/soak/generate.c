// SPDX-License-Identifier: GPL-2.0
/*
 * Random programs, and what they must give.
 *
 * A program has no other inputs than those that the kernel keeps for it in a map,
 * which nobody changes. So the result is known here, but not to the verifier, which
 * would make constants of it. The program compares what it has got with that, and
 * counts in its map how often it was right: so it can run where nobody sees it.
 *
 * r0 to r7 and the stack hold numbers, r8 the context, r9 the program's area.
 */

#include "text.h"

static void set(struct text *text, int reg, uint64_t value)
{
	struct bpf_insn insn[] = { BPF_LD_IMM64(reg, value) };

	emit(text, insn[0]);
	emit(text, insn[1]);
	if (reg < REGISTERS)
		text->state.value[reg] = value;
}

/* The last instruction, and the function that is called. */
static void end(struct text *text)
{
	struct text *callee = text->callee;
	int i;

	EMIT(BPF_EXIT_INSN());
	if (!callee)
		return;
	text->insn[text->call].imm = text->length - text->call - 1;
	for (i = 0; i < callee->length; i++)
		emit(text, callee->insn[i]);
}

/* Calls overwrite r0 to r5. */
static void refill(struct text *text, uint64_t r0)
{
	int reg;

	text->state.value[0] = r0;
	for (reg = BPF_REG_1; reg <= BPF_REG_5; reg++)
		set(text, reg, number(text->random));
}

/* Puts a number under a key of a hash table, gets it from there, and deletes it. */
static void add_map(struct text *text, int table, uint32_t key)
{
	uint64_t *value = text->state.value;
	int reg = 6 + below(text->random, 2);

	EMIT(BPF_ST_MEM(BPF_W, BPF_REG_10, KEY, key));
	EMIT(BPF_STX_MEM(BPF_DW, BPF_REG_10, reg, VALUE));
	EMIT_ADDRESS(BPF_REG_1, BPF_PSEUDO_MAP_FD, table);
	EMIT(BPF_MOV64_REG(BPF_REG_2, BPF_REG_10));
	EMIT(BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, KEY));
	EMIT(BPF_MOV64_REG(BPF_REG_3, BPF_REG_10));
	EMIT(BPF_ALU64_IMM(BPF_ADD, BPF_REG_3, VALUE));
	EMIT(BPF_MOV64_IMM(BPF_REG_4, 0));
	EMIT(BPF_EMIT_CALL(BPF_FUNC_map_update_elem));
	EMIT(BPF_ALU64_REG(BPF_XOR, 6, BPF_REG_0));
	EMIT_ADDRESS(BPF_REG_1, BPF_PSEUDO_MAP_FD, table);
	EMIT(BPF_MOV64_REG(BPF_REG_2, BPF_REG_10));
	EMIT(BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, KEY));
	EMIT(BPF_EMIT_CALL(BPF_FUNC_map_lookup_elem));
	EMIT(BPF_JMP_IMM(BPF_JNE, BPF_REG_0, 0, 2));
	EMIT(BPF_ALU64_IMM(BPF_ADD, 7, 1));
	EMIT(BPF_JMP_IMM(BPF_JA, 0, 0, 2));
	EMIT(BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_0, 0));
	EMIT(BPF_ALU64_REG(BPF_ADD, 7, BPF_REG_0));
	EMIT_ADDRESS(BPF_REG_1, BPF_PSEUDO_MAP_FD, table);
	EMIT(BPF_MOV64_REG(BPF_REG_2, BPF_REG_10));
	EMIT(BPF_ALU64_IMM(BPF_ADD, BPF_REG_2, KEY));
	EMIT(BPF_EMIT_CALL(BPF_FUNC_map_delete_elem));
	value[7] += value[reg];
	refill(text, 0);
}

/* Calls of which all is known that counts. */
static void add_helper(struct text *text)
{
	switch (below(text->random, 4)) {
	case 0:
		/* Time goes on. */
		EMIT(BPF_EMIT_CALL(BPF_FUNC_ktime_get_ns));
		EMIT(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_0, VALUE));
		EMIT(BPF_EMIT_CALL(BPF_FUNC_ktime_get_ns));
		EMIT(BPF_LDX_MEM(BPF_DW, BPF_REG_1, BPF_REG_10, VALUE));
		EMIT(BPF_JMP_REG(BPF_JGE, BPF_REG_0, BPF_REG_1, 1));
		EMIT(BPF_ALU64_IMM(BPF_XOR, 6, 1));
		EMIT(BPF_MOV64_IMM(BPF_REG_0, 5));
		refill(text, 5);
		break;
	case 1:
		/* A u32. */
		EMIT(BPF_EMIT_CALL(BPF_FUNC_get_prandom_u32));
		EMIT(BPF_ALU64_IMM(BPF_RSH, BPF_REG_0, 32));
		refill(text, 0);
		break;
	case 2:
		EMIT(BPF_EMIT_CALL(BPF_FUNC_get_smp_processor_id));
		EMIT(BPF_ALU64_IMM(BPF_RSH, BPF_REG_0, 10));
		refill(text, 0);
		break;
	default:
		EMIT(BPF_EMIT_CALL(BPF_FUNC_get_numa_node_id));
		refill(text, 0);
	}
}

/*
 * long bpf_kfunc_call_test4(signed char a, short b, int c, long d): their sum, if the
 * first three are less than 0.
 */
static void add_kernel_function(struct text *text, int function)
{
	int8_t a = draw(text->random) | 0x80;
	int16_t b = draw(text->random) | 0x8000;
	int32_t c = -1 - below(text->random, 1 << 29), d = (int32_t)draw(text->random) >> 2;

	set(text, BPF_REG_1, a);
	set(text, BPF_REG_2, b);
	set(text, BPF_REG_3, c);
	set(text, BPF_REG_4, d);
	EMIT(BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_KFUNC_CALL, 0, function));
	refill(text, (int64_t)a + b + c + d);
}

static void add_mixture(struct text *text, int statements)
{
	while (statements--)
		switch (below(text->random, text->is_privileged ? 5 : 4)) {
		case 0:
			add_access(text);
			break;
		case 1:
			add_atomic(text);
			break;
		case 4:
			add_branch(text, 4);
			break;
		default:
			add_operations(text, 6);
		}
}

/*
 * A function that is called here. It has the numbers of r1 to r5 from its caller, and
 * calls another one in turn, or none. Its text follows when the caller's has ended.
 */
static void add_function(struct text *text, int depth)
{
	static struct text functions[3];
	struct text *function = &functions[depth];
	int i;

	function->random = text->random;
	function->is_privileged = text->is_privileged;
	function->length = 0;
	function->callee = NULL;
	function->state = text->state;
	for (i = 0; i < STACK / 8; i++) {
		emit(function, (struct bpf_insn)BPF_ST_MEM(BPF_DW, BPF_REG_10, 8 * i - STACK, i));
		function->state.stack.doublewords[i] = i;
	}
	set(function, BPF_REG_0, number(text->random));
	for (i = BPF_REG_6; i <= BPF_REG_9; i++)
		set(function, i, number(text->random));
	add_mixture(function, 4);
	if (depth) {
		add_function(function, depth - 1);
		add_mixture(function, 4);
	}
	end(function);
	text->call = text->length;
	text->callee = function;
	EMIT(BPF_RAW_INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 0));
	refill(text, function->state.value[0]);
}

/* Inputs to registers and the stack. */
static void begin(struct text *text, const struct descriptors *descriptors, const struct area *area)
{
	int i;

	text->length = 0;
	text->callee = NULL;
	EMIT(BPF_MOV64_REG(CONTEXT, BPF_REG_1));
	EMIT_ADDRESS(AREA, BPF_PSEUDO_MAP_VALUE, descriptors->area);
	for (i = 0; i < STACK / 8; i++) {
		EMIT(BPF_LDX_MEM(BPF_DW, BPF_REG_0, AREA, AREA_AT(inputs[REGISTERS + i])));
		EMIT(BPF_STX_MEM(BPF_DW, BPF_REG_10, BPF_REG_0, 8 * i - STACK));
		text->state.stack.doublewords[i] = area->inputs[REGISTERS + i];
	}
	for (i = 0; i < REGISTERS; i++) {
		EMIT(BPF_LDX_MEM(BPF_DW, i, AREA, AREA_AT(inputs[i])));
		text->state.value[i] = area->inputs[i];
	}
}

/* All of them make the result, which is noted, and judged. */
static void judge(struct text *text)
{
	uint64_t *value = text->state.value, result = value[6];
	int i;

	for (i = 0; i < REGISTERS; i++) {
		if (i == 6)
			continue;
		EMIT(BPF_ALU64_IMM(BPF_MUL, BPF_REG_6, 0x01000193));
		EMIT(BPF_ALU64_REG(BPF_XOR, BPF_REG_6, i));
		result = result * 0x01000193 ^ value[i];
	}
	for (i = 0; i < STACK / 8; i++) {
		EMIT(BPF_LDX_MEM(BPF_DW, BPF_REG_0, BPF_REG_10, 8 * i - STACK));
		EMIT(BPF_ALU64_REG(BPF_ADD, BPF_REG_6, BPF_REG_0));
		result += text->state.stack.doublewords[i];
	}
	EMIT(BPF_STX_MEM(BPF_DW, AREA, BPF_REG_6, AREA_AT(result)));
	set(text, BPF_REG_1, result);
	EMIT(BPF_MOV64_IMM(BPF_REG_2, 1));
	EMIT(BPF_JMP_REG(BPF_JEQ, BPF_REG_6, BPF_REG_1, 2));
	EMIT(BPF_ATOMIC_OP(BPF_DW, BPF_ADD, AREA, BPF_REG_2, AREA_AT(wrong)));
	EMIT(BPF_JMP_IMM(BPF_JA, 0, 0, 1));
	EMIT(BPF_ATOMIC_OP(BPF_DW, BPF_ADD, AREA, BPF_REG_2, AREA_AT(right)));
	text->state.value[6] = result;
}

static void add_long(struct text *text)
{
	/* What a jump must skip when constants are blinded still fits its 16 bits. */
	int most = 1000 + below(text->random, text->is_privileged && !below(text->random, 4) ? 8000 : 2000);

	while (text->length < most)
		if (text->is_privileged && !below(text->random, 100))
			add_branch(text, 300);
		else
			add_mixture(text, 1);
}

uint64_t generate(struct text *text, enum kind kind, const struct descriptors *descriptors,
		  const struct area *area, uint32_t key, int verdict)
{
	int count = 1 + below(text->random, 5);

	begin(text, descriptors, area);
	while (count--)
		switch (kind) {
		case JUMPS:
			add_branch(text, 8);
			if (text->is_privileged)
				add_loop(text);
			break;
		case MEMORY:
			add_access(text);
			add_access(text);
			add_operation(text);
			break;
		case ATOMICS:
			add_atomic(text);
			add_ordered(text);
			add_operation(text);
			break;
		case MAPS:
			add_map(text, descriptors->table, key);
			add_operation(text);
			break;
		case HELPERS:
			add_helper(text);
			add_operation(text);
			break;
		case KERNEL_FUNCTIONS:
			add_kernel_function(text, descriptors->function);
			add_operation(text);
			break;
		case FUNCTIONS:
			add_operations(text, 8);
			if (!count)
				add_function(text, below(text->random, 3));
			break;
		case LONG:
			count = 0;
			add_long(text);
			break;
		default:
			add_operations(text, 30);
		}
	judge(text);
	if (kind == TAIL_CALLS) {
		/* To whatever is there at the moment, or nothing. */
		EMIT(BPF_MOV64_REG(BPF_REG_1, CONTEXT));
		EMIT_ADDRESS(BPF_REG_2, BPF_PSEUDO_MAP_FD, descriptors->targets);
		EMIT(BPF_MOV64_IMM(BPF_REG_3, below(text->random, TARGETS + 1)));
		EMIT(BPF_EMIT_CALL(BPF_FUNC_tail_call));
	}
	EMIT(BPF_MOV64_IMM(BPF_REG_0, verdict));
	end(text);
	return text->state.value[6];
}

/* Arithmetic on the datagram's first word and constants, in A and X. */
int generate_classic(struct random *random, uint32_t word, struct sock_filter *filter)
{
	static const uint8_t codes[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND, BPF_LSH, BPF_RSH,
					 BPF_NEG, BPF_MOD, BPF_XOR };
	int length = 0, count = 1 + below(random, 40);
	uint32_t a = word, x = draw(random), k;

	filter[length++] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, x);
	/* Behind the header of UDP. */
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 8);
	while (count--) {
		int code = codes[below(random, sizeof(codes))], is_x = code != BPF_NEG && below(random, 2);
		struct bpf_insn insn = { .code = BPF_ALU | code };
		uint64_t value[1] = { a };

		k = number(random);
		if (code == BPF_DIV || code == BPF_MOD)
			k += !k, is_x = is_x && x;
		if (code == BPF_LSH || code == BPF_RSH)
			k &= 31, is_x = 0;
		insn.imm = is_x ? x : k;
		filter[length++] = (struct sock_filter)BPF_STMT(BPF_ALU | code | (is_x ? BPF_X : BPF_K),
								is_x || code == BPF_NEG ? 0 : k);
		apply(value, insn);
		a = value[0];
		if (!below(random, 4)) {
			filter[length++] = (struct sock_filter)BPF_STMT(BPF_MISC | BPF_TAX, 0);
			x = a;
		}
	}
	filter[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, a, 0, 1);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffff);
	filter[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	return length;
}
