// SPDX-License-Identifier: GPL-2.0
/*
 * Which instructions of images does a guest execute?
 *
 * A plugin of QEMU, for MIPS32 guests without modules: what is executed from KSEG2 on up
 * is images of BPF then. Programs for comparison are in user space from 0x08000000 on. It writes two words of each such instruction to a file, the
 * address and the instruction, where the guest asks for it. It asks by instructions that
 * do nothing, "sltiu $0, $0, 0x7e00 + n", in user space:
 *
 *	n < 16	four bits of a number, to be written as an instruction at address 0
 *	16	from here on images are traced
 *	17	up to here
 *
 *	-plugin trace.so,out=FILE,endian=little|big
 *
 * Words are written in the host's byte order. A number is written when tracing begins.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the interface of plugins has of which is used here; no package has its header. */
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
typedef void (*trans_callback)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_callback)(unsigned int vcpu, void *data);
typedef void (*exit_callback)(qemu_plugin_id_t id, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, trans_callback callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_callback callback,
					    int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_callback callback, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

/* Version 1 of the interface is QEMU's up to 8, version 4 that of 10. */
#if API >= 3
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
#else
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#endif

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = API;

#define IMAGES 0xc0000000u
#define NATIVE 0x08000000u
#define NATIVE_SIZE 0x01000000u
#define MARK 0x2c007e00u	/* sltiu $0, $0, 0x7e00 */
#define MARKS 18
enum { BEGIN = 16, END };

static FILE *file;
static int is_big, is_tracing;
static uint32_t number;

static void write_words(uint32_t address, uint32_t word)
{
	uint32_t words[2] = { address, word };

	if (fwrite(words, sizeof(words), 1, file) != 1) {
		fprintf(stderr, "trace: the file cannot be written\n");
		exit(1);
	}
}

static void see_mark(unsigned int vcpu, void *data)
{
	uintptr_t mark = (uintptr_t)data;

	(void)vcpu;
	if (mark < BEGIN) {
		number = number << 4 | mark;
		return;
	}
	is_tracing = mark == BEGIN;
	if (is_tracing)
		write_words(0, number);
	else
		fflush(file);
	number = 0;
}

/* Both words fit a pointer of 64 bits, which is all that there is to keep. */
static void see_instruction(unsigned int vcpu, void *data)
{
	uint64_t both = (uintptr_t)data;

	(void)vcpu;
	if (is_tracing)
		write_words(both >> 32, both);
}

static uint32_t word_of(const struct qemu_plugin_insn *insn)
{
	uint8_t bytes[4];

#if API >= 3
	qemu_plugin_insn_data(insn, bytes, sizeof(bytes));
#else
	memcpy(bytes, qemu_plugin_insn_data(insn), sizeof(bytes));
#endif
	if (is_big)
		return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
	return (uint32_t)bytes[3] << 24 | bytes[2] << 16 | bytes[1] << 8 | bytes[0];
}

static void see_block(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
	size_t i, count = qemu_plugin_tb_n_insns(block);

	(void)id;
	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
		uint32_t address = qemu_plugin_insn_vaddr(insn), word = word_of(insn);

		if (address >= IMAGES || address - NATIVE < NATIVE_SIZE)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, see_instruction, 0,
				(void *)(uintptr_t)((uint64_t)address << 32 | word));
		else if (address >> 31 == 0 && word - MARK < MARKS)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, see_mark, 0,
				(void *)(uintptr_t)(word - MARK));
	}
}

static void end(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	fclose(file);
}

EXPORTED int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			file = fopen(argv[i] + 4, "wb");
		is_big |= !strcmp(argv[i], "endian=big");
	}
	if (!file) {
		fprintf(stderr, "trace: no out=FILE, or it cannot be written\n");
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, see_block);
	qemu_plugin_register_atexit_cb(id, end, NULL);
	return 0;
}
