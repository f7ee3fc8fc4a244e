/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Where things are in an Ethernet frame: what forwarding, offloads and the choice of the outer source port need to know
 * of it. Pure; reads no octet beyond len, whatever is in the frame.
 */
#ifndef DATAPLANE_VTEP_FRAME_H
#define DATAPLANE_VTEP_FRAME_H

#include "base/addr.h"

#define FRAME_MAC 14u  /* Ethernet header */
#define FRAME_TAG 4u   /* 802.1Q */
#define FRAME_MAX 65550u /* the largest there is: an IP packet of 65535 octets, tagged or not */

struct frame {
	uint16_t type;     /* Ethertype behind all tags */
	uint16_t l3;       /* offset of what the Ethertype says; 0: nothing that is known */
	uint16_t l4;       /* offset of the TCP or UDP header, 0: none, or a fragment without one */
	uint16_t payload;  /* behind it */
	uint16_t ip_end;   /* where the IP packet ends; what follows is padding. 0 with l3 0 or 65536 */
	uint8_t family;    /* 4, 6 or 0 */
	uint8_t proto;     /* IPPROTO_TCP or IPPROTO_UDP with l4, else 0 */
	bool tagged;       /* 802.1Q or 802.1ad */
	bool plain;        /* no IP options or extension headers, no fragment: can be coalesced and segmented */
	uint32_t hash;     /* of the flow: addresses, ports */
};

/* False when it is shorter than an Ethernet header; anything else is a frame that can be bridged. */
bool frame_parse(struct frame *f, const uint8_t *p, size_t len);
/* From or to the MAC and the IP address (in ARP, too), where they are given: zero, none. */
bool frame_is_of(const struct frame *f, const uint8_t *p, size_t len, const struct mac *mac, const struct ip *ip);

static inline struct mac frame_dst(const uint8_t *p)
{
	struct mac m;

	memcpy(m.b, p, 6);
	return m;
}

static inline struct mac frame_src(const uint8_t *p)
{
	struct mac m;

	memcpy(m.b, p + 6, 6);
	return m;
}

static inline uint16_t frame_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* May be ARP or neighbour discovery, of what goes untagged between neighbours: types and hop limit are right. */
static inline bool frame_is_arpnd(const struct frame *f, const uint8_t *p)
{
	if (f->l3 != FRAME_MAC || f->proto)
		return false;
	if (f->family == 6)
		return p[20] == 58 && p[21] == 255 && f->ip_end > 54 && p[54] >= 133 && p[54] <= 136;
	return f->type == 0x0806;
}

static inline void frame_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline uint32_t frame_get32(const uint8_t *p)
{
	return (uint32_t)frame_get16(p) << 16 | frame_get16(p + 2);
}

static inline void frame_put32(uint8_t *p, uint32_t v)
{
	frame_put16(p, (uint16_t)(v >> 16));
	frame_put16(p + 2, (uint16_t)v);
}

/* Sum (csum.h) of the pseudo-header with this length of the upper layer. */
uint64_t frame_pseudo(const struct frame *f, const uint8_t *p, uint32_t l4_len);
/* Octets from the TCP or UDP header to the end of the IP packet. */
static inline uint32_t frame_l4_len(const struct frame *f)
{
	return (uint32_t)f->ip_end - f->l4;
}
static inline unsigned frame_csum_offset(const struct frame *f)
{
	return f->proto == 6 ? 16 : 6;
}
/* The IPv4 header's checksum, anew. */
void frame_ipv4_csum(const struct frame *f, uint8_t *p);

/* ---- DSCP and ECN (RFC 6040) ---------------------------------------------------------------------------------- */

enum { ECN_NOT_ECT, ECN_ECT_1, ECN_ECT_0, ECN_CE };

/* DSCP and ECN of the IP header, 0 for what is no IP. */
unsigned frame_tos(const struct frame *f, const uint8_t *p);
/* The latter alone. */
unsigned frame_ecn(const struct frame *f, const uint8_t *p);
/* Merges the outer field in on decapsulation (4.2). False when the packet must be dropped. */
bool frame_ecn_decap(const struct frame *f, uint8_t *p, unsigned outer);

#endif
