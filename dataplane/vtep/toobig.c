/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
#include "dataplane/vtep/toobig.h"

#include <netinet/in.h>

#include "dataplane/vtep/csum.h"

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define ICMP_HEADER 8u
#define IPV4_MAX 576u /* RFC 1812 4.3.2.3 */
#define IPV6_MAX 1280u
#define DF 0x4000
#define OFFSET 0x1fff
#define ICMP_ECHO 8
#define ICMP_ECHO_REPLY 0
#define ICMP_UNREACHABLE 3
#define ICMP_FRAGMENTATION_NEEDED 4
#define ICMPV6_TOO_BIG 2
#define ICMPV6_QUERIES 128 /* and above; below are errors, RFC 4443 2.1 */
#define TTL 64

static bool due(const struct frame *f, const uint8_t *p, uint32_t len)
{
	const uint8_t *ip = p + f->l3, *next;

	if (f->l3 != FRAME_MAC || p[0] & 1)
		return false;
	if (f->family == 6) {
		next = ip + IPV6_HEADER;
		return ip[6] != IPPROTO_ICMPV6 || (next < p + len && *next >= ICMPV6_QUERIES);
	}
	next = ip + (ip[0] & 15) * 4u;
	if (f->family != 4 || !(frame_get16(ip + 6) & DF) || frame_get16(ip + 6) & OFFSET)
		return false;
	return ip[9] != IPPROTO_ICMP || (next < p + len && (*next == ICMP_ECHO || *next == ICMP_ECHO_REPLY));
}

static void put_csum(uint8_t *at, uint64_t sum)
{
	uint16_t c = (uint16_t)~csum_fold(sum);

	memcpy(at, &c, 2);
}

static uint32_t answer_ipv4(const uint8_t *ip, uint32_t len, uint32_t mtu, uint8_t *out)
{
	uint32_t quoted = len < IPV4_MAX - IPV4_HEADER - ICMP_HEADER ? len : IPV4_MAX - IPV4_HEADER - ICMP_HEADER;
	uint8_t *icmp = out + IPV4_HEADER;

	memset(out, 0, IPV4_HEADER + ICMP_HEADER);
	out[0] = 0x45;
	out[1] = 0xc0; /* internetwork control, RFC 1812 4.3.2.5 */
	frame_put16(out + 2, (uint16_t)(IPV4_HEADER + ICMP_HEADER + quoted));
	out[8] = TTL;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, ip + 16, 4);
	memcpy(out + 16, ip + 12, 4);
	put_csum(out + 10, csum_add(0, out, IPV4_HEADER));
	icmp[0] = ICMP_UNREACHABLE;
	icmp[1] = ICMP_FRAGMENTATION_NEEDED;
	frame_put16(icmp + 6, (uint16_t)mtu);
	memcpy(icmp + ICMP_HEADER, ip, quoted);
	put_csum(icmp + 2, csum_add(0, icmp, ICMP_HEADER + quoted));
	return IPV4_HEADER + ICMP_HEADER + quoted;
}

static uint32_t answer_ipv6(const uint8_t *ip, uint32_t len, uint32_t mtu, uint8_t *out)
{
	uint32_t quoted = len < IPV6_MAX - IPV6_HEADER - ICMP_HEADER ? len : IPV6_MAX - IPV6_HEADER - ICMP_HEADER;
	uint8_t *icmp = out + IPV6_HEADER;
	uint64_t sum;

	memset(out, 0, IPV6_HEADER + ICMP_HEADER);
	out[0] = 0x60;
	frame_put16(out + 4, (uint16_t)(ICMP_HEADER + quoted));
	out[6] = IPPROTO_ICMPV6;
	out[7] = TTL;
	memcpy(out + 8, ip + 24, 16);
	memcpy(out + 24, ip + 8, 16);
	icmp[0] = ICMPV6_TOO_BIG;
	frame_put32(icmp + 4, mtu);
	memcpy(icmp + ICMP_HEADER, ip, quoted);
	sum = csum_add16(csum_add16(csum_add(0, out + 8, 32), IPPROTO_ICMPV6), (uint16_t)(ICMP_HEADER + quoted));
	put_csum(icmp + 2, csum_add(sum, icmp, ICMP_HEADER + quoted));
	return IPV6_HEADER + ICMP_HEADER + quoted;
}

uint32_t toobig_answer(const struct frame *f, const uint8_t *p, uint32_t len, uint32_t mtu, uint8_t out[TOOBIG_MAX])
{
	uint32_t n;

	if (!due(f, p, len))
		return 0;
	memcpy(out, p + 6, 6);
	memcpy(out + 6, p, 6);
	memcpy(out + 12, p + 12, 2);
	if (f->family == 4)
		n = answer_ipv4(p + FRAME_MAC, (uint32_t)f->ip_end - FRAME_MAC, mtu, out + FRAME_MAC);
	else
		n = answer_ipv6(p + FRAME_MAC, (uint32_t)f->ip_end - FRAME_MAC, mtu, out + FRAME_MAC);
	return FRAME_MAC + n;
}
