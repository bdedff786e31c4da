// SPDX-License-Identifier: GPL-2.0
/*
 * test_verifier would load bpf_testmod.ko, which is built into the kernel here.
 */

int __wrap_load_bpf_testmod(int verbose)
{
	return 0;
}

int __wrap_unload_bpf_testmod(int verbose)
{
	return 0;
}
