// SPDX-License-Identifier: GPL-2.0
/*
 * Which words helpers take of their five registers, and what they give: see
 * rust/jit/bpf/helper.rs. A helper casts its registers to the types of its C
 * function (BPF_CALL_x() in include/linux/filter.h), which are WORD for
 * pointers and numbers of 32 bits or less, DOUBLE for those of 64, and NONE
 * beyond the last. What a function gives is a POINTER that it casts to unsigned
 * long, an INT, or ANY thing else.
 *
 * Each row is held against the function in the kernel's source by "make check"
 * (rust/tools/features/helpers.rs). Functions may be missing: they are weak.
 *
 * Kernels of 64 bits have each argument in one register: nothing to know.
 */

#include <linux/array_size.h>
#include <linux/compiler.h>
#include <linux/types.h>

#include "bpf_jit_mips_shim.h"

#ifdef CONFIG_32BIT

#define HELPERS(row) \
	row(bpf_map_lookup_elem, POINTER, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_map_lookup_percpu_elem, POINTER, WORD, WORD, WORD, NONE, NONE) \
	row(bpf_map_update_elem, ANY, WORD, WORD, WORD, DOUBLE, NONE) \
	row(bpf_map_delete_elem, ANY, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_map_push_elem, ANY, WORD, WORD, DOUBLE, NONE, NONE) \
	row(bpf_map_pop_elem, ANY, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_map_peek_elem, ANY, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_ktime_get_ns, ANY, NONE, NONE, NONE, NONE, NONE) \
	row(bpf_ktime_get_boot_ns, ANY, NONE, NONE, NONE, NONE, NONE) \
	row(bpf_ktime_get_coarse_ns, ANY, NONE, NONE, NONE, NONE, NONE) \
	row(bpf_user_rnd_u32, ANY, NONE, NONE, NONE, NONE, NONE) \
	row(bpf_spin_lock, INT, WORD, NONE, NONE, NONE, NONE) \
	row(bpf_spin_unlock, INT, WORD, NONE, NONE, NONE, NONE) \
	row(bpf_get_current_pid_tgid, ANY, NONE, NONE, NONE, NONE, NONE) \
	row(bpf_get_current_uid_gid, ANY, NONE, NONE, NONE, NONE, NONE) \
	row(bpf_get_current_comm, INT, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_probe_read_kernel, ANY, WORD, WORD, WORD, NONE, NONE) \
	row(bpf_probe_read_user, ANY, WORD, WORD, WORD, NONE, NONE) \
	row(bpf_probe_read_user_str, ANY, WORD, WORD, WORD, NONE, NONE) \
	row(bpf_trace_printk, ANY, WORD, WORD, DOUBLE, DOUBLE, DOUBLE) \
	row(bpf_ringbuf_reserve, POINTER, WORD, DOUBLE, DOUBLE, NONE, NONE) \
	row(bpf_ringbuf_submit, INT, WORD, DOUBLE, NONE, NONE, NONE) \
	row(bpf_ringbuf_discard, INT, WORD, DOUBLE, NONE, NONE, NONE) \
	row(bpf_ringbuf_output, ANY, WORD, WORD, DOUBLE, DOUBLE, NONE) \
	row(bpf_skb_event_output, ANY, WORD, WORD, DOUBLE, WORD, DOUBLE) \
	row(bpf_xdp_event_output, ANY, WORD, WORD, DOUBLE, WORD, DOUBLE) \
	row(bpf_skb_load_bytes, INT, WORD, WORD, WORD, WORD, NONE) \
	row(bpf_skb_load_bytes_relative, INT, WORD, WORD, WORD, WORD, WORD) \
	row(bpf_skb_store_bytes, INT, WORD, WORD, WORD, WORD, DOUBLE) \
	row(bpf_skb_pull_data, ANY, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_l3_csum_replace, INT, WORD, WORD, DOUBLE, DOUBLE, DOUBLE) \
	row(bpf_l4_csum_replace, INT, WORD, WORD, DOUBLE, DOUBLE, DOUBLE) \
	row(bpf_csum_diff, ANY, WORD, WORD, WORD, WORD, WORD) \
	row(bpf_csum_update, ANY, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_csum_level, ANY, WORD, DOUBLE, NONE, NONE, NONE) \
	row(bpf_clone_redirect, ANY, WORD, WORD, DOUBLE, NONE, NONE) \
	row(bpf_redirect, ANY, WORD, DOUBLE, NONE, NONE, NONE) \
	row(bpf_redirect_peer, ANY, WORD, DOUBLE, NONE, NONE, NONE) \
	row(bpf_redirect_neigh, ANY, WORD, WORD, WORD, DOUBLE, NONE) \
	row(bpf_xdp_redirect, ANY, WORD, DOUBLE, NONE, NONE, NONE) \
	row(bpf_xdp_redirect_map, ANY, WORD, DOUBLE, DOUBLE, NONE, NONE) \
	row(bpf_get_hash_recalc, ANY, WORD, NONE, NONE, NONE, NONE) \
	row(bpf_set_hash_invalid, INT, WORD, NONE, NONE, NONE, NONE) \
	row(bpf_skb_vlan_push, INT, WORD, WORD, WORD, NONE, NONE) \
	row(bpf_skb_vlan_pop, INT, WORD, NONE, NONE, NONE, NONE) \
	row(bpf_skb_change_proto, INT, WORD, WORD, DOUBLE, NONE, NONE) \
	row(bpf_skb_change_type, INT, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_skb_change_head, INT, WORD, WORD, DOUBLE, NONE, NONE) \
	row(bpf_skb_change_tail, INT, WORD, WORD, DOUBLE, NONE, NONE) \
	row(bpf_skb_adjust_room, INT, WORD, WORD, WORD, DOUBLE, NONE) \
	row(bpf_xdp_adjust_head, INT, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_xdp_adjust_tail, ANY, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_xdp_adjust_meta, INT, WORD, WORD, NONE, NONE, NONE) \
	row(bpf_skb_get_tunnel_key, INT, WORD, WORD, WORD, DOUBLE, NONE) \
	row(bpf_skb_set_tunnel_key, INT, WORD, WORD, WORD, DOUBLE, NONE) \
	row(bpf_skb_fib_lookup, ANY, WORD, WORD, WORD, WORD, NONE) \
	row(bpf_xdp_fib_lookup, ANY, WORD, WORD, WORD, WORD, NONE) \
	row(bpf_sk_fullsock, POINTER, WORD, NONE, NONE, NONE, NONE) \
	row(bpf_sk_release, INT, WORD, NONE, NONE, NONE, NONE)

/* The low word of an argument, and the high one. */
#define NONE(n)		0
#define WORD(n)		(1 << (n))
#define DOUBLE(n)	(1 << (n) | 1 << (5 + (n)))
/* Of the result the high word is zero, or a sign. */
#define ANY		0
#define POINTER		(1 << 10)
#define INT		(1 << 11)

/* Most have no declaration. */
#define ADDRESS(name, result, a, b, c, d, e) \
	extern const char at_##name[] __asm__(#name) __weak;
HELPERS(ADDRESS)

#define ROW(name, result, a, b, c, d, e) { \
	.address = (unsigned long)at_##name, \
	.signature = (result) | a(0) | b(1) | c(2) | d(3) | e(4), \
},
const struct bpf_jit_mips_helper bpf_jit_mips_helpers[] = { HELPERS(ROW) };
const unsigned int bpf_jit_mips_helper_count = ARRAY_SIZE(bpf_jit_mips_helpers);

#else

const struct bpf_jit_mips_helper bpf_jit_mips_helpers[1];
const unsigned int bpf_jit_mips_helper_count;

#endif
