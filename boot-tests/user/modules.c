// SPDX-License-Identifier: GPL-2.0
/*
 * test_verifier does not begin without bpf_testmod.ko, whose functions a few of
 * its programs call. Those fail to load without it, compiled or interpreted.
 */

int __wrap_load_bpf_testmod(int verbose)
{
	return 0;
}

int __wrap_unload_bpf_testmod(int verbose)
{
	return 0;
}
