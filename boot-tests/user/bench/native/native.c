// SPDX-License-Identifier: GPL-2.0
/*
 * What would the same program cost if it were C of the kernel's?
 *
 * Sources of BPF programs, compiled by gcc -O2 for this processor, run here with the same
 * packets. Their code lies apart (Makefile), so that the plugin for QEMU sees where it is
 * executed; the helpers below, which do no more than what the programs notice, do not
 * count, as those of the kernel do not count to an image.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include <linux/bpf.h>

#include "../bench.h"

/* What programs expect of maps: the value behind a key, or behind any. */
struct entry {
	const void *map;
	const void *key;
	uint32_t key_size;
	void *value;
};

extern char l4lb_vip_map, l4lb_ch_rings, l4lb_reals, l4lb_stats, l4lb_ctl_array;
extern char calls_vip_map, calls_ch_rings, calls_reals, calls_stats, calls_ctl_array;
extern char frame_vip_map, frame_ch_rings, frame_reals, frame_stats, frame_ctl_array;
extern char xdp_rxcnt, xdp_vip2tnl, loop_rxcnt, loop_vip2tnl;
extern char wall_v6_addr_map, wall_v4_addr_map;

static struct { uint32_t address[4]; uint16_t port, family; uint8_t protocol; } vip = { .protocol = 6 };
static struct { uint32_t flags, number; } meta = { .number = 5 };
static struct { uint32_t address[4]; uint8_t flags; } server;
static struct { uint32_t from[4], to[4]; uint16_t family; uint8_t station[6]; } tunnel;
static uint8_t zeros[16], yes = 1;
static uint32_t slot = 3;
static uint64_t counters[2];

#define BALANCER(prefix) \
	{ &prefix##_vip_map, &vip, sizeof(vip), &meta }, { &prefix##_ch_rings, NULL, 0, &slot }, \
	{ &prefix##_reals, NULL, 0, &server }, { &prefix##_stats, NULL, 0, counters }, \
	{ &prefix##_ctl_array, NULL, 0, counters }

static const struct entry entries[] = {
	BALANCER(l4lb), BALANCER(calls), BALANCER(frame),
	{ &xdp_vip2tnl, NULL, 0, &tunnel }, { &loop_vip2tnl, NULL, 0, &tunnel },
	{ &xdp_rxcnt, NULL, 0, counters }, { &loop_rxcnt, NULL, 0, counters },
	{ &wall_v6_addr_map, zeros, 16, &yes },
	{ &wall_v4_addr_map, zeros, 4, &yes },
};

void *native_map_lookup_elem(const void *map, const void *key);
void *native_map_lookup_elem(const void *map, const void *key)
{
	const struct entry *entry;

	for (entry = entries; entry < entries + sizeof(entries) / sizeof(*entries); entry++)
		if (entry->map == map && (!entry->key || !memcmp(key, entry->key, entry->key_size)))
			return entry->value;
	return NULL;
}

long native_map_update_elem(const void *map, const void *key, const void *value, uint64_t flags);
long native_map_update_elem(const void *map, const void *key, const void *value, uint64_t flags)
{
	return map && key && value && !flags ? 0 : -EINVAL;
}

long native_skb_load_bytes(const struct __sk_buff *skb, uint32_t offset, void *to, uint32_t length);
long native_skb_load_bytes(const struct __sk_buff *skb, uint32_t offset, void *to, uint32_t length)
{
	if (skb->data + offset + length > skb->data_end)
		return -EFAULT;
	memcpy(to, (void *)(uintptr_t)(skb->data + offset), length);
	return 0;
}

long native_skb_set_tunnel_key(struct __sk_buff *skb, struct bpf_tunnel_key *key, uint32_t size, uint64_t flags);
long native_skb_set_tunnel_key(struct __sk_buff *skb, struct bpf_tunnel_key *key, uint32_t size, uint64_t flags)
{
	return skb && key && size && flags < 16 ? 0 : -EINVAL;
}

long native_redirect(uint32_t index, uint64_t flags);
long native_redirect(uint32_t index, uint64_t flags)
{
	(void)index;
	return flags ? 2 : 7;
}

long native_xdp_adjust_head(struct xdp_md *xdp, int delta);
long native_xdp_adjust_head(struct xdp_md *xdp, int delta)
{
	xdp->data += delta;
	return 0;
}

#define FLOW_PARTS 6
typedef int native_program(struct __sk_buff *skb);
native_program flow_dissector_0, flow_dissector_1, flow_dissector_2, flow_dissector_3,
	       flow_dissector_4, flow_dissector_5, _dissect, l4lb_ingress, calls_ingress;
extern native_program *const native_jumps[FLOW_PARTS];
native_program *const native_jumps[FLOW_PARTS] = {
	flow_dissector_0, flow_dissector_1, flow_dissector_2, flow_dissector_3, flow_dissector_4,
	flow_dissector_5,
};

typedef int native_xdp_program(struct xdp_md *xdp);
native_xdp_program xdp_tunnel, loop_tunnel, options_ingress, edgewall, frame_ingress4, frame_ingress6;

/* By the names of cases.c. */
static const struct {
	const char *object, *name;	/* of one of its programs, if there are several */
	native_program *program;
	native_xdp_program *xdp;
} natives[] = {
	{ "bpf_flow", NULL, _dissect, NULL },
	{ "test_l4lb", NULL, l4lb_ingress, NULL },
	{ "test_l4lb_noinline", NULL, calls_ingress, NULL },
	{ "test_xdp_noinline", "balancer_ingress_v4", NULL, frame_ingress4 },
	{ "test_xdp_noinline", "balancer_ingress_v6", NULL, frame_ingress6 },
	{ "test_xdp", NULL, NULL, xdp_tunnel },
	{ "test_xdp_loop", NULL, NULL, loop_tunnel },
	{ "test_parse_tcp_hdr_opt", NULL, NULL, options_ingress },
	{ "xdpwall", NULL, NULL, edgewall },
};

/* A packet where a program finds it, with the room in front that some want. */
static uint8_t room[512];
#define HEADROOM 258	/* headers behind Ethernet's are aligned, as emulating accesses is no floor */

static void run_on_skb(unsigned int number, native_program *program, const struct packet *packet,
		       struct run *run)
{
	struct bpf_flow_keys keys = { .nhoff = 14, .thoff = 14 };
	struct __sk_buff skb = { .protocol = htons(0x0800) };
	uint8_t *data = room + HEADROOM;

	memcpy(&keys.n_proto, packet->bytes + 12, 2);
	memcpy(data, packet->bytes, packet->size);
	skb.data = (uintptr_t)data;
	skb.data_end = (uintptr_t)data + packet->size;
	skb.flow_keys = &keys;
	begin_trace(number);
	run->result = program(&skb);
	end_trace();
	if (program == _dissect)
		run->output = hash((const uint8_t *)&keys, sizeof(keys));
	else
		run->output = hash(data, packet->size);
}

static void run_on_frame(unsigned int number, native_xdp_program *program, const struct packet *packet,
			 struct run *run)
{
	uint8_t *data = room + HEADROOM;
	struct xdp_md xdp = {
		.data = (uintptr_t)data, .data_end = (uintptr_t)data + packet->size,
	};

	memcpy(data, packet->bytes, packet->size);
	begin_trace(number);
	run->result = program(&xdp);
	end_trace();
	run->output = hash((const uint8_t *)(uintptr_t)xdp.data, xdp.data_end - xdp.data);
}

/* Whether there is such a program; runs it twice, of which the second counts. */
int run_native(unsigned int number, const struct bench_case *test, const struct packet *packet,
	       struct run *run)
{
	unsigned int i;
	int again;

	server.address[0] = htonl(0x0a000003);
	for (i = 0; i < sizeof(natives) / sizeof(*natives); i++) {
		if (strcmp(natives[i].object, test->object) ||
		    (natives[i].name && strcmp(natives[i].name, test->program)))
			continue;
		tunnel.family = packet->bytes[12] == 0x86 ? 10 : 2;
		for (again = 0; again < 2; again++) {
			if (natives[i].program)
				run_on_skb(number, natives[i].program, packet, run);
			else
				run_on_frame(number, natives[i].xdp, packet, run);
		}
		return 1;
	}
	return 0;
}
