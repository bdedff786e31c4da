// SPDX-License-Identifier: GPL-2.0
/*
 * Which packets do programs get?
 *
 * Each is a stack of headers, put together by name. Addresses and ports are what the
 * programs of the selftests look for, as their own tests have them.
 */

#include <arpa/inet.h>
#include <stdlib.h>

#include "bench.h"

static struct packet packets[32];
static unsigned int count;
static struct packet *at;	/* the one that is being made */

static void put(const void *bytes, uint32_t size)
{
	if (at->size + size > sizeof(at->bytes)) {
		printf("packet %s is too long\n", at->name);
		exit(2);
	}
	memcpy(at->bytes + at->size, bytes, size);
	at->size += size;
}

static void put16(uint16_t value)
{
	value = htons(value);
	put(&value, sizeof(value));
}

static void put32(uint32_t value)
{
	value = htonl(value);
	put(&value, sizeof(value));
}

static void begin(const char *name)
{
	at = &packets[count++];
	at->name = name;
}

static void ethernet(uint16_t protocol)
{
	static const uint8_t addresses[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	put(addresses, sizeof(addresses));
	put16(protocol);
}

static void tag(uint16_t number, uint16_t protocol)
{
	put16(number);
	put16(protocol);
}

#define LOOPBACK 0x7f000001

static void ip4_between(uint8_t protocol, uint16_t payload, uint32_t source, uint32_t address)
{
	uint8_t head[10] = { 0x45, 0, 0, 0, 0x12, 0x34, 0, 0, 64, protocol };
	uint16_t length = htons(20 + payload);
	uint32_t sum = 0;
	int i;

	memcpy(head + 2, &length, 2);
	put(head, sizeof(head));
	for (i = 0; i < 10; i += 2)
		sum += head[i] << 8 | head[i + 1];
	sum += (source >> 16) + (source & 0xffff) + (address >> 16) + (address & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(~(sum + (sum >> 16)));
	put32(source);
	put32(address);
}

#define CLIENT 0x0a000001
#define SERVER 0x0a000002

static void ip4_to(uint8_t protocol, uint16_t payload, uint32_t address)
{
	ip4_between(protocol, payload, CLIENT, address);
}

/* From and to an address of zeros, which maps are filled with. */
static void ip4(uint8_t protocol, uint16_t payload)
{
	ip4_between(protocol, payload, 0, 0);
}

static void ip6(uint8_t protocol, uint16_t payload)
{
	uint8_t addresses[32] = { 0 };

	put32(0x60000000);
	put16(payload);
	put16(protocol << 8 | 64);
	put(addresses, sizeof(addresses));
}

#define SYN 2
#define ACK 16

/* options: words of them. */
static void tcp(uint16_t source, uint16_t destination, uint8_t flags, uint8_t options)
{
	/* What test_pkt_access.c looks for, in the order of bytes that it has. */
	const uint16_t urgent = 123;

	put16(source);
	put16(destination);
	put32(1);
	put32(flags & ACK ? 1 : 0);
	put16((5 + options) << 12 | flags);
	put16(0xffff);
	put16(0);
	put(&urgent, sizeof(urgent));
}

/* Writes the sum of a TCP segment at the end of the packet, and of its addresses in front. */
static void sum_segment(uint32_t size, uint32_t addresses)
{
	uint8_t *segment = at->bytes + at->size - size, *p;
	uint32_t sum = IPPROTO_TCP + size;

	for (p = segment - addresses; p < at->bytes + at->size; p += 2)
		sum += p[0] << 8 | p[1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~(sum + (sum >> 16));
	segment[16] = sum >> 8;
	segment[17] = sum;
}

static void udp(uint16_t source, uint16_t destination, uint16_t payload)
{
	put16(source);
	put16(destination);
	put16(8 + payload);
	put16(0);
}

/* Options of a segment that opens a connection: size, permission, times, scale. */
static void opening_options(void)
{
	static const uint8_t options[20] = {
		2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7,
	};

	put(options, sizeof(options));
}

/* What test_cls_redirect.h calls the encapsulation, with so many hops behind it. */
static void redirected(int hops, uint8_t protocol, uint16_t payload)
{
	payload += 8 + 4 + 4 + 4 * hops;
	ethernet(0x0800);
	ip4_to(IPPROTO_UDP, payload, LOOPBACK);
	udp(0, 1234, payload - 8);
	put16((1 + hops) << 8 | protocol);	/* GUE: words of it, inner protocol, */
	put16(0);				/* no flags; */
	put32(hops);				/* UniGUE: which hop is next, and how many */
	if (hops)
		put32(LOOPBACK + 1);
}

static void make_plain(void)
{
	begin("tcp4");
	ethernet(0x0800), ip4(IPPROTO_TCP, 20), tcp(0, 0, ACK, 0);
	begin("tcp6");
	ethernet(0x86dd), ip6(IPPROTO_TCP, 20), tcp(0, 0, ACK, 0);
	begin("web4");
	ethernet(0x0800), ip4_to(IPPROTO_TCP, 40, SERVER), tcp(40000, 80, SYN, 5), opening_options();
	sum_segment(40, 8);
	begin("web6");
	ethernet(0x86dd), ip6(IPPROTO_TCP, 40), tcp(40000, 80, SYN, 5), opening_options();
	sum_segment(40, 32);
	begin("dns4");
	ethernet(0x0800), ip4_to(IPPROTO_UDP, 24, SERVER), udp(40000, 53, 16);
	put("\x12\x34\1\0\0\1\0\0\0\0\0\0\0\0\1", 16);
	begin("edt4");
	ethernet(0x0800), ip4_to(IPPROTO_TCP, 20, SERVER), tcp(9000, 80, ACK, 0);
	begin("encap4");
	ethernet(0x0800), ip4_to(IPPROTO_TCP, 20, SERVER), tcp(40000, 8000, SYN, 0);
	begin("encap6");
	ethernet(0x86dd), ip6(IPPROTO_TCP, 20), tcp(40000, 8000, SYN, 0);
	begin("options6");
	ethernet(0x86dd), ip6(IPPROTO_TCP, 36), tcp(0, 80, ACK, 4);
	put("\2\4\5\xb4\1\1\xfd\6\xbb\xbb\xbb\xbb\0\0\0", 16);
}

static void make_nested(void)
{
	begin("vlan4");
	ethernet(0x8100), tag(100, 0x0800), ip4(IPPROTO_TCP, 20), tcp(80, 8080, ACK, 0);
	begin("vlans6");
	ethernet(0x88a8), tag(4, 0x8100), tag(4011, 0x86dd), ip6(IPPROTO_TCP, 20), tcp(80, 8080, ACK, 0);
	begin("ipip");
	ethernet(0x0800), ip4(IPPROTO_IPIP, 40), ip4(IPPROTO_TCP, 20), tcp(80, 8080, ACK, 0);
	begin("gre");
	ethernet(0x0800), ip4(IPPROTO_GRE, 44), put16(0), put16(0x0800);
	ip4(IPPROTO_TCP, 20), tcp(80, 8080, ACK, 0);
	begin("frag6");
	ethernet(0x86dd), ip6(IPPROTO_FRAGMENT, 28), put16(IPPROTO_TCP << 8), put16(0), put32(1);
	tcp(80, 8080, ACK, 0);
}

static void make_redirected(void)
{
	begin("accept-syn");
	redirected(0, IPPROTO_IPIP, 40), ip4_to(IPPROTO_TCP, 20, LOOPBACK), tcp(40000, 80, SYN, 0);
	begin("accept-ack");
	redirected(0, IPPROTO_IPIP, 40), ip4_to(IPPROTO_TCP, 20, LOOPBACK), tcp(40000, 80, ACK, 0);
	begin("forward-ack");
	redirected(1, IPPROTO_IPIP, 40), ip4_to(IPPROTO_TCP, 20, LOOPBACK), tcp(40000, 80, ACK, 0);
	begin("forward-udp");
	redirected(1, IPPROTO_IPIP, 28), ip4_to(IPPROTO_UDP, 8, LOOPBACK), udp(40000, 53, 0);
	begin("forward-ack6");
	redirected(1, IPPROTO_IPV6, 60), ip6(IPPROTO_TCP, 20), tcp(40000, 80, ACK, 0);
}

void make_packets(void)
{
	make_plain();
	make_nested();
	make_redirected();
}

const struct packet *find_packet(const char *name)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!strcmp(packets[i].name, name))
			return &packets[i];
	printf("no packet is called %s\n", name);
	exit(2);
}
