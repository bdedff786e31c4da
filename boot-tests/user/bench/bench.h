/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of bench share.
 *
 *	main.c		goes through the cases, and says of each what it costs
 *	cases.c		which programs there are, and with which packets they run
 *	packets.c	these packets
 *	setup.c		what a program's maps and constants have to be before
 *	filter.c	classic filters: those of filters.h
 *	grown.c		programs of any length
 *	measure.c	instructions of a run
 *	native/		programs compiled by gcc, for comparison
 *	trace.c		which instructions of its image a run executes
 *	compile.c	instructions of compiling
 */

#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

struct packet {
	const char *name;
	uint32_t size;
	uint8_t bytes[160];
};

struct bench_case {
	const char *object;
	const char *program;	/* NULL: all of them, which are compiled only */
	const char *packet;	/* NULL: a context only, as raw tracepoints have it */
	/* Before the object is loaded, and behind it; nonzero if it cannot be done. */
	int (*open)(struct bpf_object *object);
	int (*fill)(struct bpf_object *object);
	int is_whole;		/* programs that it jumps to are loaded, too */
	int is_random;		/* it leaves another packet each time */
};

/* What came of running a program, and what it cost. */
struct run {
	int error;
	uint32_t result;
	uint32_t output;	/* a hash of its packet */
	int is_steady;		/* it leaves its packet alone */
	double total;		/* instructions of a round of the test loop */
};

/* What the kernel says of programs. */
struct image {
	uint32_t instructions;	/* of BPF, as the JIT has got them */
	uint32_t bytes;		/* of images */
	int programs, compiled;
};

/* cases.c */
extern const struct bench_case cases[];
extern const unsigned int case_count;

/* packets.c */
void make_packets(void);
const struct packet *find_packet(const char *name);

/* setup.c */
int fill_flow(struct bpf_object *object);
int fill_l4lb(struct bpf_object *object);
int fill_tunnel(struct bpf_object *object);
int open_redirect(struct bpf_object *object);
int fill_synproxy(struct bpf_object *object);
int fill_wall(struct bpf_object *object);
int fill_python(struct bpf_object *object);
int fill_strobe(struct bpf_object *object);

/* filter.c */
extern const unsigned int filter_count;
const char *filter_name(unsigned int index);
const char *filter_packet(unsigned int index);
int attach_filter(int index, int is_taken);
int detach_filter(void);
uint32_t run_filter(const struct packet *packet, struct run *run);

/* grown.c */
extern const unsigned int grown_lengths[];
extern const unsigned int grown_count;
int compile_grown(unsigned int index, struct image *image, uint64_t *compile);

/* measure.c */
#define ATTACHED -2	/* instead of a program: the filter that is attached */
uint64_t now(void);
uint32_t hash(const uint8_t *bytes, uint32_t size);
int measure(unsigned int number, int program, const struct packet *packet, struct run *run);
int measure_loop(int program, const struct packet *packet, int is_steady, struct run *run);
int load_empty(const struct bpf_program *like);
void note_image(int program, struct image *image);

/* native/native.c */
int run_native(unsigned int number, const struct bench_case *test, const struct packet *packet,
	       struct run *run);

/* trace.c */
#define NATIVE 0x800	/* added to the number of a program that gcc has compiled */
void begin_trace(unsigned int number);
void end_trace(void);

/* compile.c */
int read_number(const char *path);
int watch_compiler(void);
void begin_compiling(void);
/* Instructions since then, and what was compiled, if it was once; 0 if nobody watches. */
uint64_t end_compiling(struct image *image);

#endif
