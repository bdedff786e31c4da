// SPDX-License-Identifier: GPL-2.0
/*
 * The module of the kernel's BPF selftests, built into the kernel. Its header of
 * trace points looks for itself in the directory that it is in.
 */

/* On purpose, it has a function of the same name as the kernel has. */
#define bpf_fentry_shadow_test bpf_testmod_shadow_test
#include <bpf_testmod.c>
