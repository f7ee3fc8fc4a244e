/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * See arpnd.h.
 *
 *	Ethernet  | dst 6 | src 6 | type 2 |
 *	ARP       | 1 2 | 0x0800 2 | 6 | 4 | operation 2 | sender MAC 6 | sender IP 4 | target MAC 6 | target IP 4 |
 *	IPv6      | 6, class, flow 4 | length 2 | next header 1 | hop limit 1 | source 16 | destination 16 |
 *	ICMPv6    | type 1 | code 1 | checksum 2 |
 *	  NS, NA  | flags 4 | target 16 | options |
 *	  RS      | 0 4 | options |
 *	  RA      | 12 | options |
 *	option    | type 1 | length in 8 octets 1 | ... |    1: source, 2: target link-layer address
 */
#include "dataplane/arpnd.h"

#include <string.h>

#define ETHER_ARP 0x0806u
#define ETHER_IPV6 0x86ddu
#define ARP_LEN 28u
#define IPV6_LEN 40u
#define NEXT_ICMPV6 58u
#define HOP_LIMIT 255u /* RFC 4861 7.1: it has not passed a router */

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { ND_RS = 133, ND_RA = 134, ND_NS = 135, ND_NA = 136 };
enum { ND_OPT_SOURCE = 1, ND_OPT_TARGET = 2 };

#define NA_ROUTER 0x80000000u
#define NA_SOLICITED 0x40000000u
#define NA_OVERRIDE 0x20000000u

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

static void take_binding(struct arpnd *out, const struct ip *ip, const struct mac *mac)
{
	if (!ip_is_unicast(ip) || mac_is_zero(mac) || mac_is_group(mac))
		return;
	out->ip = *ip;
	out->mac = *mac;
}

static bool parse_arp(struct rbuf *r, struct arpnd *out)
{
	uint64_t head = rb_u64(r);
	uint16_t op = head & 0xffff;
	struct mac mac = rb_mac(r);
	struct ip sender = rb_ip(r, 4);

	rb_skip(r, 6);
	out->target = rb_ip(r, 4);
	if (!rb_ok(r) || head >> 16 != 0x000108000604 || (op != ARP_REQUEST && op != ARP_REPLY))
		return false;
	if (ip_is_zero(&sender))
		out->kind = DP_HEARD_PROBE;
	else if (ip_eq(&sender, &out->target))
		out->kind = DP_HEARD_ANNOUNCE;
	else
		out->kind = op == ARP_REQUEST ? DP_HEARD_QUESTION : DP_HEARD_ANSWER;
	if (out->kind == DP_HEARD_PROBE && op != ARP_REQUEST)
		return false;
	take_binding(out, &sender, &mac);
	return true;
}

/* The link-layer address in the options; false when one of them has no length (RFC 4861 4.6: discard the packet). */
static bool find_option(struct rbuf *r, uint8_t wanted, struct mac *out)
{
	while (rb_left(r)) {
		uint8_t type = rb_u8(r), len = rb_u8(r);
		struct rbuf value = rb_sub(r, len ? len * 8u - 2 : rb_left(r) + 1);

		if (rb_ok(r) && type == wanted && len == 1)
			*out = rb_mac(&value);
	}
	return rb_ok(r);
}

static bool parse_ns(struct rbuf *r, const struct ip *from, struct arpnd *out)
{
	struct mac mac = { 0 };

	rb_skip(r, 4);
	out->target = rb_ip(r, 16);
	if (!find_option(r, ND_OPT_SOURCE, &mac))
		return false;
	out->kind = ip_is_zero(from) ? DP_HEARD_PROBE : DP_HEARD_QUESTION;
	if (out->kind == DP_HEARD_QUESTION)
		take_binding(out, from, &mac);
	return true;
}

static bool parse_na(struct rbuf *r, struct arpnd *out)
{
	uint32_t flags = rb_u32(r);
	struct mac mac = out->src; /* an answer to a unicast question may leave the option out, RFC 4861 7.2.4 */

	out->target = rb_ip(r, 16);
	if (!find_option(r, ND_OPT_TARGET, &mac))
		return false;
	out->kind = flags & NA_SOLICITED ? DP_HEARD_ANSWER : DP_HEARD_ANNOUNCE;
	out->tells_router = true;
	out->router = flags & NA_ROUTER;
	take_binding(out, &out->target, &mac);
	return true;
}

static bool parse_router(struct rbuf *r, const struct ip *from, uint8_t type, struct arpnd *out)
{
	struct mac mac = { 0 };

	rb_skip(r, type == ND_RA ? 12 : 4);
	if (!find_option(r, ND_OPT_SOURCE, &mac))
		return false;
	out->kind = DP_HEARD_OTHER;
	out->tells_router = out->router = type == ND_RA;
	take_binding(out, from, &mac);
	return true;
}

/* RFC 1071 over the octets, an odd last one padded. */
static uint32_t sum(const uint8_t *p, size_t len, uint32_t so_far)
{
	for (; len > 1; p += 2, len -= 2)
		so_far += (uint32_t)p[0] << 8 | p[1];
	return len ? so_far + ((uint32_t)p[0] << 8) : so_far;
}

/* RFC 8200 8.1: addresses 32, length, next header, then the message. */
static uint16_t icmpv6_sum(const uint8_t addresses[32], const uint8_t *message, size_t len)
{
	uint32_t s = sum(message, len, sum(addresses, 32, (uint32_t)len + NEXT_ICMPV6));

	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

static bool parse_nd(struct rbuf *r, struct arpnd *out)
{
	const uint8_t *head = rb_ptr(r, IPV6_LEN), *message;
	struct rbuf icmp;
	struct ip from;
	uint16_t len;
	uint8_t type;

	if (!head || head[0] >> 4 != 6 || head[6] != NEXT_ICMPV6 || head[7] != HOP_LIMIT)
		return false;
	from = ip_from_bytes(head + 8, 16);
	len = (uint16_t)(head[4] << 8 | head[5]);
	message = r->p;
	icmp = rb_sub(r, len);
	/* What was cut off cannot be checked; only a router advertisement is that long. */
	if (!rb_ok(&icmp) || icmpv6_sum(head + 8, message, len))
		return false;
	type = rb_u8(&icmp);
	if (rb_u8(&icmp) != 0)
		return false;
	rb_skip(&icmp, 2);
	switch (type) {
	case ND_NS:
		return parse_ns(&icmp, &from, out);
	case ND_NA:
		return parse_na(&icmp, out);
	case ND_RS:
	case ND_RA:
		return parse_router(&icmp, &from, type, out);
	default:
		return false;
	}
}

bool arpnd_parse(const uint8_t *frame, size_t len, struct arpnd *out)
{
	struct rbuf r = rb_init(frame, len);
	struct mac dst;
	uint16_t type;

	*out = (struct arpnd){ 0 };
	dst = rb_mac(&r);
	out->src = rb_mac(&r);
	out->unicast = !mac_is_group(&dst);
	type = rb_u16(&r);
	if (!rb_ok(&r) || mac_is_group(&out->src) || mac_is_zero(&out->src))
		return false;
	return type == ETHER_ARP ? parse_arp(&r, out) : type == ETHER_IPV6 && parse_nd(&r, out);
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void put_ethernet(struct wbuf *w, const struct mac *to, const struct mac *from, uint16_t type)
{
	wb_mac(w, to);
	wb_mac(w, from);
	wb_u16(w, type);
}

static void put_arp(struct wbuf *w, uint16_t op, const struct mac *sender, const struct ip *sender_ip,
		    const struct mac *target, const struct ip *target_ip)
{
	wb_u64(w, (uint64_t)0x000108000604 << 16 | op);
	wb_mac(w, sender);
	wb_ip(w, sender_ip);
	wb_mac(w, target);
	wb_ip(w, target_ip);
}

/* A solicitation or advertisement with one option. */
static void put_nd(struct wbuf *w, const struct ip *from, const struct ip *to, uint8_t type, uint32_t flags,
		   const struct ip *target, const struct mac *mac)
{
	uint8_t *head = w->p, *message;
	uint16_t check;

	wb_u32(w, 6u << 28);
	wb_u16(w, 32);
	wb_u8(w, NEXT_ICMPV6);
	wb_u8(w, HOP_LIMIT);
	wb_ip(w, from);
	wb_ip(w, to);
	message = w->p;
	wb_u8(w, type);
	wb_zero(w, 3);
	wb_u32(w, flags);
	wb_ip(w, target);
	wb_u8(w, type == ND_NS ? ND_OPT_SOURCE : ND_OPT_TARGET);
	wb_u8(w, 1);
	wb_mac(w, mac);
	BUG_ON(!wb_ok(w));
	check = icmpv6_sum(head + 8, message, (size_t)(w->p - message));
	message[2] = (uint8_t)(check >> 8);
	message[3] = (uint8_t)check;
}

/* RFC 4291 A: fe80::, the MAC with its universal bit turned and ff:fe in the middle. */
static struct ip linklocal_of(const struct mac *m)
{
	return (struct ip){
		16, { 0xfe, 0x80, [8] = m->b[0] ^ 2, m->b[1], m->b[2], 0xff, 0xfe, m->b[3], m->b[4], m->b[5] }
	};
}

size_t arpnd_build_ask(uint8_t frame[ARPND_FRAME_MAX], const struct ip *ip, const struct mac *mac,
		       const struct mac *from)
{
	static const struct mac nobody;
	static const struct ip no_address = { .len = 4 };
	struct wbuf w = wb_init(frame, ARPND_FRAME_MAX);
	struct ip source = linklocal_of(from);

	put_ethernet(&w, mac, from, ip->len == 4 ? ETHER_ARP : ETHER_IPV6);
	if (ip->len == 4)
		put_arp(&w, ARP_REQUEST, from, &no_address, &nobody, ip);
	else
		put_nd(&w, &source, ip, ND_NS, 0, ip, from);
	BUG_ON(!wb_ok(&w));
	return wb_len(&w);
}

size_t arpnd_build_answer(uint8_t frame[ARPND_FRAME_MAX], const struct arpnd *question, const struct mac *mac,
			  bool router)
{
	static const struct mac all_nodes_mac = { { 0x33, 0x33, 0, 0, 0, 1 } };
	static const struct ip all_nodes = { 16, { 0xff, 0x02, [15] = 1 } };
	static const struct ip no_address = { .len = 4 };
	struct wbuf w = wb_init(frame, ARPND_FRAME_MAX);
	bool known = question->ip.len;
	uint32_t flags = NA_OVERRIDE | (router ? NA_ROUTER : 0) | (known ? NA_SOLICITED : 0);

	if (question->target.len == 4) {
		put_ethernet(&w, &question->src, mac, ETHER_ARP);
		put_arp(&w, ARP_REPLY, mac, &question->target, &question->src, known ? &question->ip : &no_address);
	} else {
		put_ethernet(&w, known ? &question->src : &all_nodes_mac, mac, ETHER_IPV6);
		put_nd(&w, &question->target, known ? &question->ip : &all_nodes, ND_NA, flags, &question->target, mac);
	}
	BUG_ON(!wb_ok(&w));
	return wb_len(&w);
}
