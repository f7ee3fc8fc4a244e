/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/frame.h"

#include <netinet/in.h>

#include "dataplane/vtep/csum.h"

#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define TAGS_MAX 2u
#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define IPV4_FRAGMENT 0x3fffu /* more fragments, or an offset */

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1u;
	return h ^ h >> 15;
}

/* Without ports: fragments of a packet stay together, and those of one flow mostly. */
static void parse_l4(struct frame *f, const uint8_t *p, size_t end, uint8_t proto)
{
	unsigned need = proto == IPPROTO_TCP ? 20 : 8, head = need;

	if ((proto != IPPROTO_TCP && proto != IPPROTO_UDP) || end < f->l4 + need) {
		f->l4 = 0;
		return;
	}
	f->hash = mix(f->hash, frame_get32(p + f->l4));
	if (proto == IPPROTO_TCP)
		head = (p[f->l4 + 12] >> 4) * 4u;
	if (head < need || end < f->l4 + head) {
		f->l4 = 0;
		return;
	}
	f->proto = proto;
	f->payload = (uint16_t)(f->l4 + head);
}

static void parse_ipv4(struct frame *f, const uint8_t *p, size_t len)
{
	const uint8_t *ip = p + f->l3;
	unsigned head, total;

	if (len < f->l3 + IPV4_HEADER || ip[0] >> 4 != 4)
		goto unknown;
	head = (ip[0] & 15) * 4u;
	total = frame_get16(ip + 2);
	if (head < IPV4_HEADER || total < head || f->l3 + total > len || f->l3 + total > UINT16_MAX)
		goto unknown;
	f->family = 4;
	f->ip_end = (uint16_t)(f->l3 + total);
	f->hash = mix(mix(mix(0, frame_get32(ip + 12)), frame_get32(ip + 16)), ip[9]);
	if (frame_get16(ip + 6) & IPV4_FRAGMENT)
		return;
	f->plain = head == IPV4_HEADER;
	f->l4 = (uint16_t)(f->l3 + head);
	parse_l4(f, p, f->ip_end, ip[9]);
	return;
unknown:
	f->l3 = 0;
}

static void parse_ipv6(struct frame *f, const uint8_t *p, size_t len)
{
	const uint8_t *ip = p + f->l3;
	unsigned total;

	if (len < f->l3 + IPV6_HEADER || ip[0] >> 4 != 6)
		goto unknown;
	total = IPV6_HEADER + frame_get16(ip + 4);
	if (f->l3 + total > len || f->l3 + total > UINT16_MAX)
		goto unknown;
	f->family = 6;
	f->ip_end = (uint16_t)(f->l3 + total);
	f->hash = mix(0, frame_get32(ip) & 0xfffff);
	for (unsigned i = 8; i < IPV6_HEADER; i += 4)
		f->hash = mix(f->hash, frame_get32(ip + i));
	if (ip[6] != IPPROTO_TCP && ip[6] != IPPROTO_UDP)
		return;
	f->plain = true;
	f->l4 = (uint16_t)(f->l3 + IPV6_HEADER);
	parse_l4(f, p, f->ip_end, ip[6]);
	return;
unknown:
	f->l3 = 0;
}

bool frame_parse(struct frame *f, const uint8_t *p, size_t len)
{
	unsigned at = 12;

	*f = (struct frame){ 0 };
	if (len < FRAME_MAC)
		return false;
	for (unsigned i = 0; i < TAGS_MAX && len >= at + FRAME_TAG + 2; i++, at += FRAME_TAG) {
		if (frame_get16(p + at) != TYPE_VLAN && frame_get16(p + at) != TYPE_QINQ)
			break;
	}
	f->tagged = at > 12;
	f->type = frame_get16(p + at);
	f->l3 = (uint16_t)(at + 2);
	if (f->type == TYPE_IPV4)
		parse_ipv4(f, p, len);
	else if (f->type == TYPE_IPV6)
		parse_ipv6(f, p, len);
	if (!f->family) /* by its addresses */
		f->hash = mix(mix(mix(0, frame_get32(p)), frame_get32(p + 4)), frame_get32(p + 8));
	return true;
}

uint64_t frame_pseudo(const struct frame *f, const uint8_t *p, uint32_t l4_len)
{
	uint64_t sum = f->family == 4 ? csum_add(0, p + f->l3 + 12, 8) : csum_add(0, p + f->l3 + 8, 32);

	return csum_add16(csum_add16(csum_add16(sum, f->proto), (uint16_t)l4_len), (uint16_t)(l4_len >> 16));
}

void frame_ipv4_csum(const struct frame *f, uint8_t *p)
{
	uint8_t *ip = p + f->l3;
	uint16_t sum;

	ip[10] = ip[11] = 0;
	sum = (uint16_t)~csum_fold(csum_add(0, ip, (ip[0] & 15) * 4u));
	memcpy(ip + 10, &sum, 2);
}

/* ---- hosts ----------------------------------------------------------------------------------------------------- */

static bool has_ip(const struct frame *f, const uint8_t *p, size_t len, const struct ip *ip)
{
	const uint8_t *l3 = p + f->l3;

	if (f->family == 4 && ip->len == 4)
		return !memcmp(l3 + 12, ip->b, 4) || !memcmp(l3 + 16, ip->b, 4);
	if (f->family == 6 && ip->len == 16)
		return !memcmp(l3 + 8, ip->b, 16) || !memcmp(l3 + 24, ip->b, 16);
	if (f->type != 0x0806 || f->l3 != FRAME_MAC || ip->len != 4 || len < FRAME_MAC + 28)
		return false;
	return !memcmp(l3 + 14, ip->b, 4) || !memcmp(l3 + 24, ip->b, 4);
}

bool frame_is_of(const struct frame *f, const uint8_t *p, size_t len, const struct mac *mac, const struct ip *ip)
{
	if (!mac_is_zero(mac) && memcmp(p, mac->b, 6) && memcmp(p + 6, mac->b, 6))
		return false;
	return !ip->len || has_ip(f, p, len, ip);
}

/* ---- ECN ------------------------------------------------------------------------------------------------------- */

unsigned frame_tos(const struct frame *f, const uint8_t *p)
{
	if (f->family == 4)
		return p[f->l3 + 1];
	return f->family == 6 ? frame_get16(p + f->l3) >> 4 & 0xff : 0;
}

unsigned frame_ecn(const struct frame *f, const uint8_t *p)
{
	return frame_tos(f, p) & 3;
}

static void set_ecn(const struct frame *f, uint8_t *p, unsigned ecn)
{
	if (f->family == 6) {
		p[f->l3 + 1] = (uint8_t)((p[f->l3 + 1] & 0xcf) | ecn << 4);
		return;
	}
	p[f->l3 + 1] = (uint8_t)((p[f->l3 + 1] & 0xfc) | ecn);
	frame_ipv4_csum(f, p);
}

bool frame_ecn_decap(const struct frame *f, uint8_t *p, unsigned outer)
{
	unsigned inner = frame_ecn(f, p);

	if (outer == ECN_CE && inner == ECN_NOT_ECT)
		return !f->family; /* what is no IP has no ECN: the outer mark says nothing of it */
	if (outer == ECN_CE && inner != ECN_CE)
		set_ecn(f, p, ECN_CE);
	else if (outer == ECN_ECT_1 && inner == ECN_ECT_0)
		set_ecn(f, p, ECN_ECT_1);
	return true;
}
