/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In the place of libbpf's header: sources of BPF programs become C of this processor, in
 * which helpers are functions, and maps are where they are.
 */

#ifndef NATIVE_BPF_HELPERS_H
#define NATIVE_BPF_HELPERS_H

#include <stddef.h>

#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(name) __attribute__((unused))
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))
#define __weak __attribute__((weak))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) __typeof__(value) *name
#define barrier_var(variable) __asm__ volatile ("" : "+r" (variable))

/* libbpf has functions of these names, too. */
#define bpf_map_lookup_elem native_map_lookup_elem
#define bpf_map_update_elem native_map_update_elem
#define bpf_skb_load_bytes native_skb_load_bytes
#define bpf_skb_set_tunnel_key native_skb_set_tunnel_key
#define bpf_redirect native_redirect
#define bpf_xdp_adjust_head native_xdp_adjust_head
#define bpf_ktime_get_ns now

void *bpf_map_lookup_elem(const void *map, const void *key);
long bpf_map_update_elem(const void *map, const void *key, const void *value, __u64 flags);
long bpf_skb_load_bytes(const struct __sk_buff *skb, __u32 offset, void *to, __u32 length);
long bpf_skb_set_tunnel_key(struct __sk_buff *skb, struct bpf_tunnel_key *key, __u32 size, __u64 flags);
long bpf_redirect(__u32 index, __u64 flags);
long bpf_xdp_adjust_head(struct xdp_md *xdp, int delta);
__u64 bpf_ktime_get_ns(void);

/* A program goes on as another one: what is behind is not reached. */
typedef int native_program(struct __sk_buff *skb);
extern native_program *const native_jumps[];
#define bpf_tail_call_static(skb, map, slot) do { return native_jumps[slot](skb); } while (0)

#endif
