// SPDX-License-Identifier: GPL-2.0
/*
 * Which programs are measured, and with which packets?
 *
 * A name of a packet is one of packets.c, "-" stands for a program that is compiled only,
 * since no test run is there for its type, and NULL for a context without a packet. The
 * objects are named in the file "objects", too, from which they are made.
 */

#include "bench.h"

#define FLOW(packet) { "bpf_flow", "_dissect", packet, NULL, fill_flow, 1, 0 }
#define L4LB(object, packet) { object, "balancer_ingress", packet, NULL, fill_l4lb, 0, 0 }
#define REDIRECT(object, packet) { object, "cls_redirect", packet, open_redirect, NULL, 0, 0 }
#define PLAIN(object, program, packet) { object, program, packet, NULL, NULL, 0, 0 }
#define TUNNEL(program, packet) PLAIN("tc_tunnel", program, packet)
#define PYTHON(object) { object, "on_event", NULL, NULL, fill_python, 0, 0 }
/* Of xdp-tools, where they are to be had. */
#define FILTER(object, packet) PLAIN(object, object, packet)
#define STROBE(object) { object, "on_event", NULL, NULL, fill_strobe, 0, 0 }

const struct bench_case cases[] = {
	FLOW("tcp4"), FLOW("tcp6"), FLOW("vlan4"), FLOW("vlans6"), FLOW("ipip"), FLOW("gre"),
	FLOW("frag6"), FLOW("dns4"),

	L4LB("test_l4lb", "tcp4"), L4LB("test_l4lb", "tcp6"),
	L4LB("test_l4lb_noinline", "tcp4"), L4LB("test_l4lb_noinline", "tcp6"),
	L4LB("test_l4lb_noinline_dynptr", "tcp4"), L4LB("test_l4lb_noinline_dynptr", "tcp6"),
	{ "test_xdp_noinline", "balancer_ingress_v4", "tcp4", NULL, fill_l4lb, 0, 0 },
	{ "test_xdp_noinline", "balancer_ingress_v6", "tcp6", NULL, fill_l4lb, 0, 0 },

	{ "test_xdp", "_xdp_tx_iptunnel", "tcp4", NULL, fill_tunnel, 0, 0 },
	{ "test_xdp", "_xdp_tx_iptunnel", "tcp6", NULL, fill_tunnel, 0, 0 },
	{ "test_xdp_loop", "_xdp_tx_iptunnel", "tcp4", NULL, fill_tunnel, 0, 0 },
	{ "test_xdp_loop", "_xdp_tx_iptunnel", "tcp6", NULL, fill_tunnel, 0, 0 },

	REDIRECT("test_cls_redirect", "accept-syn"), REDIRECT("test_cls_redirect", "accept-ack"),
	REDIRECT("test_cls_redirect", "forward-ack"), REDIRECT("test_cls_redirect", "forward-udp"),
	REDIRECT("test_cls_redirect", "forward-ack6"),
	REDIRECT("test_cls_redirect_subprogs", "accept-syn"),
	REDIRECT("test_cls_redirect_subprogs", "forward-ack"),
	REDIRECT("test_cls_redirect_dynptr", "accept-syn"),
	REDIRECT("test_cls_redirect_dynptr", "forward-ack"),

	TUNNEL("__encap_ipip_none", "encap4"), TUNNEL("__encap_gre_none", "encap4"),
	TUNNEL("__encap_gre_mpls", "encap4"), TUNNEL("__encap_gre_eth", "encap4"),
	TUNNEL("__encap_udp_none", "encap4"), TUNNEL("__encap_udp_mpls", "encap4"),
	TUNNEL("__encap_udp_eth", "encap4"), TUNNEL("__encap_vxlan_eth", "encap4"),
	TUNNEL("__encap_sit_none", "encap6"), TUNNEL("__encap_ip6tnl_none", "encap6"),
	TUNNEL("__encap_ip6gre_none", "encap6"), TUNNEL("__encap_ip6udp_eth", "encap6"),
	TUNNEL("__encap_ip6vxlan_eth", "encap6"),
	TUNNEL("decap_f", "ipip"), TUNNEL("decap_f", "gre"),

	PLAIN("test_parse_tcp_hdr_opt", "xdp_ingress_v6", "options6"),
	PLAIN("test_parse_tcp_hdr_opt_dynptr", "xdp_ingress_v6", "options6"),
	{ "xdp_synproxy_kern", "syncookie_xdp", "web4", NULL, fill_synproxy, 0, 1 },
	{ "xdp_synproxy_kern", "syncookie_xdp", "web6", NULL, fill_synproxy, 0, 1 },
	{ "xdp_synproxy_kern", "syncookie_tc", "web4", NULL, fill_synproxy, 0, 1 },
	{ "xdpwall", "edgewall", "web6", NULL, fill_wall, 0, 0 },
	PLAIN("test_tc_edt", "tc_prog", "edt4"),
	PLAIN("test_tc_edt", "tc_prog", "web4"),
	PLAIN("skb_pkt_end", "main_prog", "tcp4"),
	PLAIN("test_pkt_access", "test_pkt_access", "tcp4"),
	PLAIN("test_pkt_access", "test_pkt_access", "tcp6"),
	PLAIN("test_verif_scale1", "balancer_ingress", "tcp4"),
	PLAIN("test_verif_scale2", "balancer_ingress", "tcp4"),
	PLAIN("test_verif_scale3", "balancer_ingress", "tcp4"),
	PLAIN("test_xdp_vlan", "xdp_drop_vlan_4011", "vlans6"),
	PLAIN("test_xdp_vlan", "xdp_vlan_change", "vlans6"),
	PLAIN("test_xdp_vlan", "xdp_vlan_remove_outer", "vlan4"),
	PLAIN("test_xdp_vlan", "xdp_vlan_remove_outer2", "vlan4"),
	PLAIN("test_xdp_adjust_tail_grow", "_xdp_adjust_tail_grow", "tcp6"),
	PLAIN("test_xdp_adjust_tail_shrink", "_xdp_adjust_tail_shrink", "dns4"),
	PLAIN("loop4", "combinations", "tcp4"),
	PLAIN("loop5", "while_true", "tcp4"),

	STROBE("strobemeta"), STROBE("strobemeta_nounroll1"), STROBE("strobemeta_nounroll2"),
	STROBE("strobemeta_bpf_loop"), STROBE("strobemeta_subprogs"),
	PYTHON("pyperf50"), PYTHON("pyperf_subprogs"), PYTHON("pyperf_global"),
	PYTHON("pyperf600_bpf_loop"), PYTHON("pyperf600_iter"),

	PLAIN("test_tcp_hdr_options", "estab", "-"),
	PLAIN("test_misc_tcp_hdr_options", "misc_estab", "-"),
	FILTER("xdpfilt_dny_all", "web4"), FILTER("xdpfilt_dny_all", "web6"),
	FILTER("xdpfilt_dny_all", "dns4"), FILTER("xdpfilt_alw_all", "web4"),
	FILTER("xdpfilt_dny_tcp", "web4"), FILTER("xdpfilt_dny_udp", "dns4"),
	FILTER("xdpfilt_dny_ip", "web4"), FILTER("xdpfilt_dny_eth", "web4"),

	PLAIN("profiler1", NULL, "-"), PLAIN("profiler2", NULL, "-"),
	PLAIN("test_sysctl_loop1", "sysctl_tcp_mem", "-"),
	PLAIN("test_sysctl_loop2", "sysctl_tcp_mem", "-"),
	PLAIN("connect4_prog", NULL, "-"), PLAIN("sendmsg6_prog", NULL, "-"),
};

const unsigned int case_count = sizeof(cases) / sizeof(*cases);
