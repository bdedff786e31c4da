// SPDX-License-Identifier: GPL-2.0
/*
 * How many instructions does a program execute?
 *
 * The clock counts them: one in a nanosecond. The kernel's own test loop runs a program,
 * looks at the clock before and behind, and divides. What the loop takes itself is found
 * out by a program that does nothing, of the same type, with the same packet.
 *
 * A program that leaves its packet alone is steady: it runs many times in a loop, and the
 * least of several loops had no interrupt in it. Others would find another packet in the
 * second round, and have a loop of one round each. Then the steps of the clock matter, some
 * instructions long: the mean of many rounds that begin at different places of a step is
 * exact.
 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <bpf/bpf.h>
#include <linux/filter.h>

#include "bench.h"

#define ROUNDS 100	/* of the loop of a steady program */
#define LOOPS 5
#define SAMPLES 150	/* of another */
#define STEPS 32	/* instructions: longer than a step of the clock, shorter than interrupts */

uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

uint32_t hash(const uint8_t *bytes, uint32_t size)
{
	uint32_t sum = 2166136261u;

	while (size--)
		sum = (sum ^ *bytes++) * 16777619u;
	return sum;
}

/* Runs it so often, and says what a round takes. Raw tracepoints have one only. */
static uint32_t run_rounds(int program, const struct packet *packet, uint32_t rounds, struct run *run)
{
	LIBBPF_OPTS(bpf_test_run_opts, options);
	static uint8_t output[512];
	static uint64_t context[12];
	uint64_t start;

	if (program == ATTACHED)
		return run_filter(packet, run);
	if (packet) {
		options.data_in = packet->bytes;
		options.data_size_in = packet->size;
		options.data_out = output;
		options.data_size_out = sizeof(output);
		options.repeat = rounds;
	} else {
		options.ctx_in = context;
		options.ctx_size_in = sizeof(context);
	}
	errno = 0;
	start = now();
	run->error = bpf_prog_test_run_opts(program, &options);
	start = now() - start;
	run->result = options.retval;
	run->output = packet ? hash(output, options.data_size_out) : 0;
	run->is_steady = packet && options.data_size_out == packet->size &&
			 !memcmp(output, packet->bytes, packet->size);
	return packet ? options.duration : start;
}

static int compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Of a round, by many loops of one. */
static double sample(int program, const struct packet *packet, struct run *run)
{
	static uint32_t samples[SAMPLES];
	volatile int pause;
	double sum = 0;
	int i, count;

	for (i = 0; i < SAMPLES; i++) {
		for (pause = 0; pause < i % 11; pause++)
			;
		samples[i] = run_rounds(program, packet, 1, run);
	}
	qsort(samples, SAMPLES, sizeof(*samples), compare);
	for (count = 0; count < SAMPLES && samples[count] <= samples[0] + STEPS; count++)
		sum += samples[count];
	return sum / count;
}

/* With as many rounds as a program has had that is steady, or not. */
int measure_loop(int program, const struct packet *packet, int is_steady, struct run *run)
{
	uint32_t least = -1, one;
	int i;

	if (is_steady) {
		for (i = 0; i < LOOPS; i++) {
			one = run_rounds(program, packet, ROUNDS, run);
			if (one < least)
				least = one;
		}
		run->total = least;
	} else {
		run->total = sample(program, packet, run);
	}
	run->is_steady = is_steady;
	return run->error;
}

/* What it leaves is no packet, but what it has found in one. */
static int is_dissector(int program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	return !bpf_prog_get_info_by_fd(program, &info, &length) &&
	       info.type == BPF_PROG_TYPE_FLOW_DISSECTOR;
}

int measure(unsigned int number, int program, const struct packet *packet, struct run *run)
{
	struct run first, traced;

	run_rounds(program, packet, 1, &first);
	if (first.error) {
		run->error = first.error;
		return first.error;
	}
	measure_loop(program, packet, first.is_steady || is_dissector(program), run);
	run->result = first.result;
	run->output = first.output;
	/* By now there is no other way than the usual, nor a page that the processor has to find. */
	begin_trace(number);
	run_rounds(program, packet, 1, &traced);
	end_trace();
	return run->error;
}

/* A program that does nothing, of another's type. */
int load_empty(const struct bpf_program *like)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = bpf_program__expected_attach_type(like));
	const struct bpf_insn insns[] = { BPF_MOV64_IMM(BPF_REG_0, 0), BPF_EXIT_INSN() };

	return bpf_prog_load(bpf_program__type(like), NULL, "GPL", insns,
			     sizeof(insns) / sizeof(*insns), &options);
}

/* Adds what the kernel says of a program. */
void note_image(int program, struct image *image)
{
	struct bpf_prog_info info = { 0 };
	uint32_t length = sizeof(info);

	if (bpf_prog_get_info_by_fd(program, &info, &length))
		return;
	image->programs++;
	image->compiled += info.jited_prog_len != 0;
	image->instructions += info.xlated_prog_len / sizeof(struct bpf_insn);
	image->bytes += info.jited_prog_len;
}
