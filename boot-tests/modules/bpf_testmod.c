// SPDX-License-Identifier: GPL-2.0
/*
 * The module of the kernel's BPF selftests, built into the kernel. Its header of
 * trace points looks for itself in the directory that it is in.
 */
#include <bpf_testmod.c>
