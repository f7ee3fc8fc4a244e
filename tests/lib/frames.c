/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "tests/lib/frames.h"

#include <string.h>

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t slow_sum(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t l4_sum(const uint8_t *ip, bool v6, uint8_t proto, const uint8_t *l4, size_t len)
{
	uint32_t sum = v6 ? slow_sum(0, ip + 8, 32) : slow_sum(0, ip + 12, 8);

	return slow_sum(sum + proto + (uint32_t)(len >> 16) + (uint32_t)(len & 0xffff), l4, len);
}

size_t frame_build(const struct frame_plan *plan, uint8_t *p)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1 };
	unsigned at = 12, ip_head = plan->v6 ? 40 : 20, head = plan->udp ? 8 : 20 + plan->options;
	size_t l4_len = head + plan->payload;
	uint8_t proto = plan->udp ? 17 : 6, *ip, *l4;

	memcpy(p, macs, 12);
	for (unsigned i = 0; i < plan->tags; i++, at += 4) {
		put16(p + at, 0x8100);
		put16(p + at + 2, 100 + i);
	}
	put16(p + at, plan->v6 ? 0x86dd : 0x0800);
	ip = p + at + 2;
	l4 = ip + ip_head;
	memset(ip, 0, ip_head + head);
	if (plan->v6) {
		ip[0] = 0x60;
		ip[1] = (uint8_t)(plan->ecn << 4);
		put16(ip + 4, (unsigned)l4_len);
		ip[6] = proto;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 1;
		ip[39] = 2;
	} else {
		ip[0] = 0x45;
		ip[1] = (uint8_t)plan->ecn;
		put16(ip + 2, (unsigned)(ip_head + l4_len));
		put16(ip + 4, plan->id);
		put16(ip + 6, plan->df ? 0x4000 : 0);
		ip[8] = 64;
		ip[9] = proto;
		ip[12] = ip[16] = 10;
		ip[15] = 1;
		ip[19] = 2;
		put16(ip + 10, ~slow_sum(0, ip, 20) & 0xffff);
	}
	put16(l4, 1000);
	put16(l4 + 2, 2000);
	if (plan->udp) {
		put16(l4 + 4, (unsigned)l4_len);
	} else {
		put16(l4 + 4, plan->seq >> 16);
		put16(l4 + 6, plan->seq & 0xffff);
		l4[12] = (uint8_t)(head / 4 << 4);
		l4[13] = plan->tcp_flags ? plan->tcp_flags : 0x10;
		put16(l4 + 14, 500);
		memset(l4 + 20, 1, plan->options);
	}
	for (uint32_t i = 0; i < plan->payload; i++)
		l4[head + i] = (uint8_t)((plan->seq + i) * 7 + (plan->seq + i) / 251);
	put16(l4 + (plan->udp ? 6 : 16), ~l4_sum(ip, plan->v6, proto, l4, l4_len) & 0xffff);
	return (size_t)(l4 - p) + l4_len;
}

bool frame_is_whole(const uint8_t *p, size_t len)
{
	const uint8_t *ip = p + 14, *l4;
	bool v6;

	while (get16(ip - 2) == 0x8100)
		ip += 4;
	v6 = get16(ip - 2) == 0x86dd;
	l4 = ip + (v6 ? 40 : 20);
	if (!v6 && (slow_sum(0, ip, 20) != 0xffff || ip + get16(ip + 2) != p + len))
		return false;
	if (v6 && ip + 40 + get16(ip + 4) != p + len)
		return false;
	return l4_sum(ip, v6, v6 ? ip[6] : ip[9], l4, (size_t)(p + len - l4)) == 0xffff;
}
