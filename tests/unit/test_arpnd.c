/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/arpnd: frames of hosts, as RFC 826, RFC 5227 and RFC 4861 draw them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/arpnd.h"
#include "tests/lib/test.h"

#define BCAST "ffffffffffff"
#define M1 "020000000001"
#define M2 "020000000002"
#define ARP_HEAD "0806" "0001080006040001"
#define ARP_REPLY "0806" "0001080006040002"
#define IP1 "0a000001"
#define IP2 "0a000002"

struct frame {
	uint8_t b[ARPND_SNAP];
	size_t len;
};

static struct frame frame(const char *hex)
{
	struct frame f = { .len = strlen(hex) / 2 };

	assert_true(f.len <= sizeof(f.b));
	for (size_t i = 0; i < f.len; i++) {
		char octet[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		f.b[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return f;
}

static bool parse(const char *hex, struct arpnd *out)
{
	struct frame f = frame(hex);

	return arpnd_parse(f.b, f.len, out);
}

static void assert_binds(const struct arpnd *p, const char *ip, const char *mac)
{
	assert_string_equal(ip_str(&p->ip).s, ip);
	assert_string_equal(mac_str(&p->mac).s, mac);
}

/* ---- ARP --------------------------------------------------------------------------------------------------------- */

static void arp_request_binds_its_sender(void **state)
{
	struct arpnd p;

	assert_true(parse(BCAST M1 ARP_HEAD M1 IP1 "000000000000" IP2, &p));
	assert_int_equal(p.kind, DP_HEARD_QUESTION);
	assert_binds(&p, "10.0.0.1", "02:00:00:00:00:01");
	assert_string_equal(ip_str(&p.target).s, "10.0.0.2");
	assert_false(p.unicast);
	assert_false(p.tells_router);
	assert_true(parse(M2 M1 ARP_REPLY M1 IP1 M2 IP2, &p));
	assert_int_equal(p.kind, DP_HEARD_ANSWER);
	assert_true(p.unicast);
	assert_binds(&p, "10.0.0.1", "02:00:00:00:00:01");
}

static void arp_probe_binds_nothing(void **state)
{
	struct arpnd p;

	assert_true(parse(BCAST M1 ARP_HEAD M1 "00000000" "000000000000" IP2, &p));
	assert_int_equal(p.kind, DP_HEARD_PROBE);
	assert_int_equal(p.ip.len, 0);
	assert_string_equal(ip_str(&p.target).s, "10.0.0.2");
	assert_false(parse(M2 M1 ARP_REPLY M1 "00000000" M2 IP2, &p));
}

static void arp_gratuitous_announces(void **state)
{
	struct arpnd p;

	assert_true(parse(BCAST M1 ARP_HEAD M1 IP1 "000000000000" IP1, &p));
	assert_int_equal(p.kind, DP_HEARD_ANNOUNCE);
	assert_true(parse(BCAST M1 ARP_REPLY M1 IP1 BCAST IP1, &p));
	assert_int_equal(p.kind, DP_HEARD_ANNOUNCE);
	assert_binds(&p, "10.0.0.1", "02:00:00:00:00:01");
}

static void arp_binds_no_nonsense(void **state)
{
	static const char *const sender[] = {
		"000000000000" IP1, BCAST IP1, "01005e000001" IP1, /* no MAC of a host */
		M1 "e0000001", M1 "ffffffff", M1 "7f000001"        /* no address of one */
	};
	struct arpnd p;
	char hex[128];

	for (size_t i = 0; i < sizeof(sender) / sizeof(sender[0]); i++) {
		snprintf(hex, sizeof(hex), BCAST M1 ARP_HEAD "%s000000000000" IP2, sender[i]);
		assert_true(parse(hex, &p));
		assert_int_equal(p.ip.len, 0);
	}
}

static void arp_that_is_none(void **state)
{
	static const char *const frames[] = {
		BCAST M1 "0806" "0001080006040003" M1 IP1 "000000000000" IP2,   /* RARP's operation */
		BCAST M1 "0806" "0006080006040001" M1 IP1 "000000000000" IP2,   /* another hardware */
		BCAST M1 "0806" "000186dd06040001" M1 IP1 "000000000000" IP2,   /* another protocol */
		BCAST M1 "0806" "0001080008040001" M1 IP1 "000000000000" IP2,   /* another length */
		BCAST M1 "0800" "0001080006040001" M1 IP1 "000000000000" IP2,
		BCAST "010000000001" ARP_HEAD M1 IP1 "000000000000" IP2,        /* from a group */
		BCAST "000000000000" ARP_HEAD M1 IP1 "000000000000" IP2,
		BCAST M1 "8100" "0064" ARP_HEAD M1 IP1 "000000000000" IP2,      /* tagged */
	};
	struct arpnd p;

	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_false(parse(frames[i], &p));
}

/* ---- neighbour discovery ----------------------------------------------------------------------------------------- */

#define LL1 "fe800000000000000000000000000001"
#define G1 "20010db8000a00000000000000000001"
#define G2 "20010db8000a00000000000000000002"
#define ANY "00000000000000000000000000000000"
#define NODES "ff020000000000000000000000000001"
#define SNM1 "ff0200000000000000000001ff000001"

/* An ICMPv6 message in a frame, with the checksum that it should have plus wrong. */
static bool parse_nd(const char *from, const char *to, unsigned hops, const char *message, unsigned wrong,
		     struct arpnd *out)
{
	size_t len = strlen(message) / 2;
	char hex[2 * ARPND_SNAP + 1];
	uint32_t s = (uint32_t)len + 58;
	struct frame f;

	snprintf(hex, sizeof(hex), "333300000001" M1 "86dd" "60000000%04zx3a%02x%s%s%s", len, hops, from, to, message);
	f = frame(hex);
	for (size_t i = 22; i < f.len; i++)
		s += (uint32_t)f.b[i] << (i % 2 ? 0 : 8);
	s = (s & 0xffff) + (s >> 16);
	s = 0xffff & ~((s & 0xffff) + (s >> 16));
	s += wrong;
	f.b[56] = (uint8_t)(s >> 8);
	f.b[57] = (uint8_t)s;
	return arpnd_parse(f.b, f.len, out);
}

static void nd_solicitation_binds_its_source(void **state)
{
	struct arpnd p;

	assert_true(parse_nd(G2, SNM1, 255, "87000000" "00000000" G1 "0101" M1, 0, &p));
	assert_int_equal(p.kind, DP_HEARD_QUESTION);
	assert_binds(&p, "2001:db8:a::2", "02:00:00:00:00:01");
	assert_string_equal(ip_str(&p.target).s, "2001:db8:a::1");
	assert_false(p.tells_router); /* RFC 9161 3.1: a solicitation says nothing of it */
	assert_true(parse_nd(G2, SNM1, 255, "87000000" "00000000" G1, 0, &p)); /* without the option */
	assert_int_equal(p.ip.len, 0);
	/* A nonce (RFC 7527). */
	assert_true(parse_nd(ANY, SNM1, 255, "87000000" "00000000" G1 "0e01aabbccddeeff", 0, &p));
	assert_int_equal(p.kind, DP_HEARD_PROBE);
	assert_int_equal(p.ip.len, 0);
	assert_string_equal(ip_str(&p.target).s, "2001:db8:a::1");
}

static void nd_advertisement_binds_its_target(void **state)
{
	struct arpnd p;

	assert_true(parse_nd(LL1, NODES, 255, "88000000" "20000000" G1 "0201" M2, 0, &p));
	assert_int_equal(p.kind, DP_HEARD_ANNOUNCE);
	assert_binds(&p, "2001:db8:a::1", "02:00:00:00:00:02");
	assert_true(p.tells_router && !p.router);
	assert_true(parse_nd(LL1, G2, 255, "88000000" "e0000000" G1, 0, &p)); /* to one who knows: no option */
	assert_int_equal(p.kind, DP_HEARD_ANSWER);
	assert_binds(&p, "2001:db8:a::1", "02:00:00:00:00:01");
	assert_true(p.tells_router && p.router);
}

static void nd_router_messages(void **state)
{
	struct arpnd p;

	assert_true(parse_nd(LL1, NODES, 255, "86000000" "40000708" "00000000" "00000000" "0101" M1, 0, &p));
	assert_int_equal(p.kind, DP_HEARD_OTHER);
	assert_binds(&p, "fe80::1", "02:00:00:00:00:01");
	assert_true(p.router);
	assert_true(parse_nd(LL1, NODES, 255, "85000000" "00000000" "0101" M1, 0, &p));
	assert_false(p.tells_router);
	assert_binds(&p, "fe80::1", "02:00:00:00:00:01");
	assert_true(parse_nd(ANY, NODES, 255, "85000000" "00000000", 0, &p));
	assert_int_equal(p.ip.len, 0);
}

static void nd_that_is_discarded(void **state)
{
	struct arpnd p;
	const char *ns = "87000000" "00000000" G1 "0101" M1;

	assert_true(parse_nd(G2, SNM1, 255, ns, 0, &p));
	assert_false(parse_nd(G2, SNM1, 254, ns, 0, &p));  /* RFC 4861 7.1.1: it has passed a router */
	assert_false(parse_nd(G2, SNM1, 255, ns, 1, &p));  /* checksum */
	assert_false(parse_nd(G2, SNM1, 255, "87010000" "00000000" G1 "0101" M1, 0, &p)); /* code */
	assert_false(parse_nd(G2, SNM1, 255, "87000000" "00000000" G1 "0100" M1, 0, &p)); /* an option of length 0 */
	assert_false(parse_nd(G2, SNM1, 255, "87000000" "00000000" G1 "0102" M1, 0, &p)); /* one that is cut off */
	assert_false(parse_nd(G2, SNM1, 255, "87000000" "00000000", 0, &p));
	assert_false(parse_nd(G2, SNM1, 255, "80000000" "00000000" G1, 0, &p));           /* an echo */
}

/* Every proper beginning of a frame is refused, none is read beyond. */
static void frames_that_are_cut_off(void **state)
{
	uint8_t built[ARPND_FRAME_MAX], *tight;
	struct ip ip[2] = { ip_v4(0x0a000001), { 16, { 0xfe, 0x80, [15] = 1 } } };
	struct mac m = { { 2, 0, 0, 0, 0, 1 } };
	struct arpnd p;

	for (int i = 0; i < 2; i++) {
		size_t len = arpnd_build_ask(built, &ip[i], &m, &m);

		for (size_t n = 0; n <= len; n++) {
			tight = malloc(n ? n : 1);
			memcpy(tight, built, n);
			assert_int_equal(arpnd_parse(tight, n, &p), n == len);
			free(tight);
		}
	}
}

/* ---- what is built ----------------------------------------------------------------------------------------------- */

static void ask_is_unicast_and_binds_nothing_that_matters(void **state)
{
	struct mac host = { { 2, 0, 0, 0, 0, 1 } }, own = { { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc } };
	struct ip v4 = ip_v4(0x0a000001), v6;
	uint8_t b[ARPND_FRAME_MAX];
	struct arpnd p;

	assert_true(arpnd_parse(b, arpnd_build_ask(b, &v4, &host, &own), &p));
	assert_memory_equal(b, host.b, 6);
	assert_int_equal(p.kind, DP_HEARD_PROBE);
	assert_true(ip_eq(&p.target, &v4) && mac_eq(&p.src, &own) && p.unicast && !p.ip.len);
	assert_true(ip_parse("2001:db8:a::1", &v6));
	assert_true(arpnd_parse(b, arpnd_build_ask(b, &v6, &host, &own), &p));
	assert_memory_equal(b, host.b, 6);
	assert_int_equal(p.kind, DP_HEARD_QUESTION);
	assert_true(ip_eq(&p.target, &v6) && mac_eq(&p.src, &own) && p.unicast);
	assert_binds(&p, "fe80::5054:ff:feaa:bbcc", "52:54:00:aa:bb:cc");
}

static void answer_is_what_the_owner_would_say(void **state)
{
	struct mac owner = { { 2, 0, 0, 0, 0, 9 } };
	uint8_t b[ARPND_FRAME_MAX];
	struct arpnd q, p;

	assert_true(parse(BCAST M1 ARP_HEAD M1 "00000000" "000000000000" IP2, &q));
	assert_true(arpnd_parse(b, arpnd_build_answer(b, &q, &owner, false), &p));
	assert_int_equal(p.kind, DP_HEARD_ANSWER);
	assert_true(mac_eq(&p.src, &owner) && p.unicast);
	assert_memory_equal(b, q.src.b, 6);
	assert_binds(&p, "10.0.0.2", "02:00:00:00:00:09");

	/* RFC 4861 7.2.4: to all nodes, S is 0. */
	assert_true(parse_nd(ANY, SNM1, 255, "87000000" "00000000" G1, 0, &q));
	assert_true(arpnd_parse(b, arpnd_build_answer(b, &q, &owner, true), &p));
	assert_int_equal(p.kind, DP_HEARD_ANNOUNCE);
	assert_memory_equal(b, "\x33\x33\0\0\0\1", 6);
	assert_true(p.router);
	assert_binds(&p, "2001:db8:a::1", "02:00:00:00:00:09");
	assert_true(parse_nd(G2, SNM1, 255, "87000000" "00000000" G1 "0101" M1, 0, &q));
	assert_true(arpnd_parse(b, arpnd_build_answer(b, &q, &owner, false), &p));
	assert_int_equal(p.kind, DP_HEARD_ANSWER);
	assert_memory_equal(b, q.src.b, 6);
	assert_false(p.router);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_request_binds_its_sender),
		cmocka_unit_test(arp_probe_binds_nothing),
		cmocka_unit_test(arp_gratuitous_announces),
		cmocka_unit_test(arp_binds_no_nonsense),
		cmocka_unit_test(arp_that_is_none),
		cmocka_unit_test(nd_solicitation_binds_its_source),
		cmocka_unit_test(nd_advertisement_binds_its_target),
		cmocka_unit_test(nd_router_messages),
		cmocka_unit_test(nd_that_is_discarded),
		cmocka_unit_test(frames_that_are_cut_off),
		cmocka_unit_test(ask_is_unicast_and_binds_nothing_that_matters),
		cmocka_unit_test(answer_is_what_the_owner_would_say),
	};

	return RUN_TESTS(tests);
}
