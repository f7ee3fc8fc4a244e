/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Path attributes: each reaction of RFC 7606, values, canonical form, 2-octet speakers, encoding, and the two
 * directions against each other on random sets.
 */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "bgp/attr.h"
#include "bgp/attr_as_path.h"
#include "tests/lib/hex.h"
#include "tests/lib/rng.h"

#define REACH "800e0b 0019 46 04 c0000202 00 0102 " /* 25/70, next hop 192.0.2.2, two octets of NLRI */
#define ORIGIN "40010100 "
#define PATH0 "400200 "
#define PATH4 "400206 0201 0000fdea " /* 65002 */
#define PATH2 "400204 0201 fdea "
#define PREF "400504 00000064 "
#define IBGP REACH ORIGIN PATH0 PREF
#define EBGP REACH ORIGIN PATH4
#define EBGP2 REACH ORIGIN PATH2

static const struct attr_session ibgp = { .as4 = true, .peer_as = 65001 };
static const struct attr_session ebgp = { .ebgp = true, .as4 = true, .peer_as = 65002 };
static const struct attr_session server = { .ebgp = true, .as4 = true }; /* RFC 7947 */
static const struct attr_session ebgp2 = { .ebgp = true, .peer_as = 65002 };

static uint8_t body[8192], scratch[ATTR_SCRATCH];

static size_t make_body(const char *withdrawn, const char *attrs, const char *nlri)
{
	struct wbuf w = wb_init(body, sizeof(body));
	uint8_t tmp[4096];
	size_t mark;

	mark = wb_open16(&w);
	wb_bytes(&w, tmp, hex_bytes(withdrawn, tmp, sizeof(tmp)));
	wb_close16(&w, mark);
	mark = wb_open16(&w);
	wb_bytes(&w, tmp, hex_bytes(attrs, tmp, sizeof(tmp)));
	wb_close16(&w, mark);
	wb_bytes(&w, tmp, hex_bytes(nlri, tmp, sizeof(tmp)));
	return wb_len(&w);
}

static struct attr_update decode(const struct attr_session *s, const char *attrs)
{
	struct attr_update u;

	attr_decode_update(rb_init(body, make_body("", attrs, "")), s, scratch, &u);
	return u;
}

struct verdict {
	const char *name;
	const struct attr_session *s;
	const char *attrs;
	enum attr_outcome outcome;
	uint8_t subcode; /* of 3, 0: not looked at */
};

static void check_verdicts(const struct verdict *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct attr_update u = decode(v[i].s, v[i].attrs);

		if (u.outcome != v[i].outcome || (v[i].subcode && u.error.subcode != v[i].subcode))
			fail_msg("%s: outcome %d, 3/%u (%s)", v[i].name, u.outcome, u.error.subcode,
				 u.error.why ? u.error.why : "");
		assert_true(u.outcome == ATTR_OK || (u.error.why && u.error.code == 3));
	}
}

static void well_formed_is_accepted(void **state)
{
	static const struct verdict v[] = {
		{ "ibgp", &ibgp, IBGP, ATTR_OK, 0 },
		{ "ebgp", &ebgp, EBGP, ATTR_OK, 0 },
		{ "ebgp of 2 octets", &ebgp2, EBGP2, ATTR_OK, 0 },
		{ "MP_REACH last", &ibgp, ORIGIN PATH0 PREF REACH, ATTR_OK, 0 },
		{ "ORIGIN with extended length", &ibgp, REACH "5001000100" PATH0 PREF, ATTR_OK, 0 },
		{ "ORIGIN with Partial", &ibgp, REACH "60010100" PATH0 PREF, ATTR_OK, 0 },
		{ "unused flag bits", &ibgp, REACH "4f010100" PATH0 PREF, ATTR_OK, 0 },
		{ "AS_SET", &ibgp, REACH ORIGIN PREF "40020a 0102 0000fdf2 0000fdf3", ATTR_OK, 0 },
		{ "no NLRI, nothing else", &ibgp, "", ATTR_OK, 0 },
		{ "no NLRI, attributes", &ibgp, ORIGIN PATH0 PREF, ATTR_OK, 0 },
		{ "End-of-RIB", &ibgp, "800f03 0019 46", ATTR_OK, 0 },
		{ "End-of-RIB, extended length", &ibgp, "900f0003 0019 46", ATTR_OK, 0 },
		{ "unknown optional", &ibgp, IBGP "80c90100", ATTR_OK, 0 },
		{ "unknown optional transitive", &ibgp, IBGP "c0c90100", ATTR_OK, 0 },
		{ "type 255", &ibgp, IBGP "c0ff00", ATTR_OK, 0 },
		{ "PMSI ingress replication", &ibgp, IBGP "c01609 00 06 00000a c0000202", ATTR_OK, 0 },
		{ "PMSI IPv6", &ibgp, IBGP "c01615 00 06 00000a 20010db8000000000000000000000001", ATTR_OK, 0 },
		{ "PMSI none", &ibgp, IBGP "c01605 00 00 000000", ATTR_OK, 0 },
		{ "unknown tunnel type", &ibgp, IBGP "c01704 270f 0000", ATTR_OK, 0 },
	};

	check_verdicts(v, sizeof(v) / sizeof(v[0]));
}

static void framing_faults(void **state) /* RFC 7606 4, 5.2 */
{
	static const struct verdict v[] = {
		{ "one octet left", &ibgp, IBGP "40", ATTR_WITHDRAW, 1 },
		{ "two octets left", &ibgp, IBGP "4001", ATTR_WITHDRAW, 1 },
		{ "three octets left, extended", &ibgp, IBGP "500100", ATTR_WITHDRAW, 1 },
		{ "last attribute overruns", &ibgp, IBGP "d008ffff 00000000", ATTR_WITHDRAW, 1 },
		{ "MP_REACH overruns", &ibgp, ORIGIN PATH0 PREF "800e40 0019 46 04", ATTR_DISABLE, 1 },
		{ "overrun before MP_REACH", &ibgp, ORIGIN "4002ff 00", ATTR_NOTIFY, 1 },
		{ "bad attribute beside MP_UNREACH only", &ibgp,
		  "800f05 0019 46 0102"
		  "c00803 000000",
		  ATTR_NOTIFY, 9 },
		{ "discard beside MP_UNREACH only", &ibgp,
		  "800f05 0019 46 0102"
		  "400601 00",
		  ATTR_DISCARD, 0 },
	};
	struct attr_update u;

	check_verdicts(v, sizeof(v) / sizeof(v[0]));
	/* The two length fields of the message, 3(b). */
	hex_bytes("0fff 0000", body, sizeof(body));
	attr_decode_update(rb_init(body, 4), &ibgp, scratch, &u);
	assert_int_equal(u.outcome, ATTR_NOTIFY);
	assert_int_equal(u.error.subcode, 1);
	hex_bytes("0000 0001", body, sizeof(body));
	attr_decode_update(rb_init(body, 4), &ibgp, scratch, &u);
	assert_int_equal(u.outcome, ATTR_NOTIFY);
	assert_int_equal(u.error.subcode, 1);
}

static void value_faults(void **state) /* RFC 7606 7 and the RFCs of the attributes */
{
	static const struct verdict v[] = {
		{ "ORIGIN of 2", &ibgp, REACH "4001020000" PATH0 PREF, ATTR_WITHDRAW, 6 },
		{ "ORIGIN 3", &ibgp, REACH "40010103" PATH0 PREF, ATTR_WITHDRAW, 6 },
		{ "AS_PATH type 0", &ibgp, REACH ORIGIN PREF "400206 0001 0000fdea", ATTR_WITHDRAW, 11 },
		{ "AS_PATH type 5", &ibgp, REACH ORIGIN PREF "400206 0501 0000fdea", ATTR_WITHDRAW, 11 },
		{ "AS_PATH empty segment", &ibgp, REACH ORIGIN PREF "400208 0201 0000fdea 0200", ATTR_WITHDRAW, 11 },
		{ "AS_PATH octet left", &ibgp, REACH ORIGIN PREF "400207 0201 0000fdea 02", ATTR_WITHDRAW, 11 },
		{ "AS_PATH overruns", &ibgp, REACH ORIGIN PREF "400206 0202 0000fdea", ATTR_WITHDRAW, 11 },
		{ "AS_PATH AS 0", &ibgp, REACH ORIGIN PREF "400206 0201 00000000", ATTR_WITHDRAW, 11 },
		{ "AS_PATH confederation", &ibgp, REACH ORIGIN PREF "400206 0301 0000fdea", ATTR_WITHDRAW, 11 },
		{ "AS_PATH of the wrong width", &ebgp2, REACH ORIGIN PATH4, ATTR_WITHDRAW, 11 },
		{ "leftmost AS is another", &ebgp, REACH ORIGIN "400206 0201 0000fdeb", ATTR_WITHDRAW, 11 },
		{ "leftmost AS of a route server", &server, REACH ORIGIN "400206 0201 0000fdeb", ATTR_OK, 0 },
		{ "eBGP with an empty path", &ebgp, REACH ORIGIN PATH0, ATTR_WITHDRAW, 11 },
		{ "route server with an empty path", &server, REACH ORIGIN PATH0, ATTR_WITHDRAW, 11 },
		{ "NEXT_HOP of 3", &ibgp, IBGP "400303 010203", ATTR_WITHDRAW, 8 },
		{ "MED of 0", &ibgp, IBGP "800400", ATTR_WITHDRAW, 0 },
		{ "LOCAL_PREF of 3", &ibgp, REACH ORIGIN PATH0 "400503 000064", ATTR_WITHDRAW, 0 },
		{ "LOCAL_PREF from outside", &ebgp, EBGP PREF, ATTR_DISCARD, 0 },
		{ "malformed LOCAL_PREF from outside", &ebgp, EBGP "400501 00", ATTR_DISCARD, 0 },
		{ "ATOMIC_AGGREGATE of 1", &ibgp, IBGP "400601 00", ATTR_DISCARD, 0 },
		{ "AGGREGATOR of 6 on 4-octet", &ibgp, IBGP "c00706 fde9 c0000201", ATTR_DISCARD, 0 },
		{ "AGGREGATOR of 8 on 2-octet", &ebgp2, EBGP2 "c00708 0000fde9 c0000201", ATTR_DISCARD, 0 },
		{ "AGGREGATOR AS 0", &ibgp, IBGP "c00708 00000000 c0000201", ATTR_DISCARD, 0 },
		{ "COMMUNITIES of 0", &ibgp, IBGP "c00800", ATTR_WITHDRAW, 0 },
		{ "COMMUNITIES of 5", &ibgp, IBGP "c00805 0102030405", ATTR_WITHDRAW, 0 },
		{ "ORIGINATOR_ID of 5", &ibgp, IBGP "800905 0102030405", ATTR_WITHDRAW, 0 },
		{ "ORIGINATOR_ID from outside", &ebgp, EBGP "800901 00", ATTR_DISCARD, 0 },
		{ "CLUSTER_LIST of 6", &ibgp, IBGP "800a06 010203040506", ATTR_WITHDRAW, 0 },
		{ "CLUSTER_LIST of 0", &ibgp, IBGP "800a00", ATTR_WITHDRAW, 0 },
		{ "CLUSTER_LIST from outside", &ebgp, EBGP "800a00", ATTR_DISCARD, 0 },
		{ "EXT_COMMUNITIES of 7", &ibgp, IBGP "c01007 01020304050607", ATTR_WITHDRAW, 0 },
		{ "EXT_COMMUNITIES of 0", &ibgp, IBGP "c01000", ATTR_WITHDRAW, 0 },
		{ "IPV6_EXT_COMMUNITIES of 0", &ibgp, IBGP "c01900", ATTR_WITHDRAW, 0 },
		{ "LARGE_COMMUNITY of 11", &ibgp, IBGP "c0200b 0102030405060708090a0b", ATTR_WITHDRAW, 0 },
		{ "LARGE_COMMUNITY of 0", &ibgp, IBGP "c02000", ATTR_WITHDRAW, 0 },
		{ "AS4_PATH between 4-octet speakers", &ibgp, IBGP "c01106 0201 0000fdea", ATTR_DISCARD, 0 },
		{ "AS4_PATH of 5", &ebgp2, EBGP2 "c01105 0201000101", ATTR_DISCARD, 0 },
		{ "AS4_PATH type 9", &ebgp2, EBGP2 "c01106 0901 0000fdea", ATTR_DISCARD, 0 },
		{ "AS4_AGGREGATOR of 7", &ebgp2, EBGP2 "c01207 00000000000000", ATTR_DISCARD, 0 },
		{ "AS4_AGGREGATOR AS 0", &ebgp2, EBGP2 "c01208 0000000000000001", ATTR_DISCARD, 0 },
		{ "PMSI empty", &ibgp, IBGP "c01600", ATTR_WITHDRAW, 0 },
		{ "PMSI of 4", &ibgp, IBGP "c01604 00060000", ATTR_WITHDRAW, 0 },
		{ "PMSI undefined type", &ibgp, IBGP "e01609 00 63 00000a c0000202", ATTR_WITHDRAW, 0 },
		{ "PMSI replication without address", &ibgp, IBGP "c01605 00 06 00000a", ATTR_WITHDRAW, 0 },
		{ "PMSI none with an address", &ibgp, IBGP "c01609 00 00 00000a c0000202", ATTR_WITHDRAW, 0 },
		{ "TUNNEL_ENCAP empty", &ibgp, IBGP "c01700", ATTR_WITHDRAW, 0 },
		{ "TUNNEL_ENCAP header cut", &ibgp, IBGP "c01703 000800", ATTR_WITHDRAW, 0 },
		{ "TUNNEL_ENCAP TLV overruns", &ibgp, IBGP "c01704 0008 0001", ATTR_WITHDRAW, 0 },
		{ "TUNNEL_ENCAP sub-TLV overruns", &ibgp, IBGP "c01707 0008 0003 80 00ff", ATTR_WITHDRAW, 0 },
		{ "AIGP TLV of 5", &ibgp, IBGP "801a05 01 0005 0000", ATTR_DISCARD, 0 },
		{ "AIGP TLV length 0", &ibgp, IBGP "801a03 02 0000", ATTR_DISCARD, 0 },
		{ "OTC of 3", &ibgp, IBGP "c02303 000001", ATTR_WITHDRAW, 0 },
		{ "PREFIX_SID of 1", &ibgp, IBGP "c02801 01", ATTR_DISCARD, 0 },
		{ "ATTR_SET cut", &ibgp, IBGP "c08006 0000fde9 4001", ATTR_WITHDRAW, 0 },
		{ "MP_REACH of 3", &ibgp, ORIGIN PATH0 PREF "800e03 0019 46", ATTR_DISABLE, 9 },
		{ "MP_REACH without reserved octet", &ibgp, ORIGIN PATH0 PREF "800e08 0019 46 04 c0000202",
		  ATTR_DISABLE, 9 },
		{ "MP_UNREACH of 2", &ibgp, "800f02 0019", ATTR_DISABLE, 9 },
		{ "unknown well-known", &ibgp, IBGP "40c90100", ATTR_NOTIFY, 2 },
		{ "unknown well-known, not transitive", &ibgp, IBGP "00c90100", ATTR_NOTIFY, 2 },
	};

	check_verdicts(v, sizeof(v) / sizeof(v[0]));
}

static void flag_faults(void **state) /* RFC 7606 3(c), 3(f) */
{
	static const struct verdict v[] = {
		{ "ORIGIN optional", &ibgp, REACH "80010100" PATH0 PREF, ATTR_WITHDRAW, 4 },
		{ "MED transitive", &ibgp, IBGP "c00404 00000001", ATTR_WITHDRAW, 4 },
		{ "COMMUNITIES not transitive", &ibgp, IBGP "800804 00000001", ATTR_WITHDRAW, 4 },
		{ "LARGE_COMMUNITY not transitive", &ibgp, IBGP "80200c 000000000000000000000001", ATTR_WITHDRAW, 4 },
		{ "ORIGINATOR_ID transitive", &ibgp, IBGP "c00904 00000001", ATTR_WITHDRAW, 4 },
		{ "AGGREGATOR well-known", &ibgp, IBGP "400708 0000fde9 c0000201", ATTR_DISCARD, 4 },
		{ "TUNNEL_ENCAP not transitive", &ibgp, IBGP "801704 270f 0000", ATTR_WITHDRAW, 4 },
		{ "MP_REACH well-known", &ibgp, "400e0b 0019 46 04 c0000202 00 0102" ORIGIN PATH0 PREF, ATTR_DISABLE,
		  4 },
	};

	check_verdicts(v, sizeof(v) / sizeof(v[0]));
}

static void missing_attributes_withdraw(void **state) /* RFC 7606 3(d) */
{
	static const struct verdict v[] = {
		{ "ORIGIN", &ibgp, REACH PATH0 PREF, ATTR_WITHDRAW, 3 },
		{ "AS_PATH", &ibgp, REACH ORIGIN PREF, ATTR_WITHDRAW, 3 },
		{ "LOCAL_PREF", &ibgp, REACH ORIGIN PATH0, ATTR_WITHDRAW, 3 },
		{ "all", &ibgp, REACH, ATTR_WITHDRAW, 3 },
	};
	struct attr_update u;

	check_verdicts(v, sizeof(v) / sizeof(v[0]));
	u = decode(&ibgp, REACH ORIGIN PREF);
	hex_assert("data is the type code", u.error.data, u.error.data_len, "02");
	/* NEXT_HOP is asked for with IPv4 NLRI only. */
	attr_decode_update(rb_init(body, make_body("", ORIGIN PATH0 PREF, "080a")), &ibgp, scratch, &u);
	assert_int_equal(u.outcome, ATTR_WITHDRAW);
	hex_assert("NEXT_HOP", u.error.data, u.error.data_len, "03");
	attr_decode_update(rb_init(body, make_body("", ORIGIN PATH0 "400304 c0000202" PREF, "080a")), &ibgp, scratch,
			   &u);
	assert_int_equal(u.outcome, ATTR_OK);
	assert_int_equal(u.next_hop4.len, 4);
	hex_assert("NLRI", u.nlri4.p, rb_left(&u.nlri4), "080a");
}

static void second_instances_are_dropped(void **state) /* RFC 7606 3(g) */
{
	static const struct verdict v[] = {
		{ "MP_REACH", &ibgp, IBGP "800e09 0001 80 04 c0000202 00", ATTR_NOTIFY, 1 },
		{ "MP_UNREACH", &ibgp, "800f03 0019 46 800f03 0001 01", ATTR_NOTIFY, 1 },
	};
	struct attr_update u = decode(&ibgp, IBGP "800404 00000001 800404 00000002 800403 000000");

	assert_int_equal(u.outcome, ATTR_DISCARD);
	assert_int_equal(u.discarded, 2);
	assert_int_equal(u.attrs.med, 1);
	check_verdicts(v, sizeof(v) / sizeof(v[0]));
}

static void the_strongest_fault_wins(void **state) /* RFC 7606 3(h) */
{
	struct attr_update u = decode(&ibgp, IBGP "400601 00 800403 000000");

	assert_int_equal(u.outcome, ATTR_WITHDRAW);
	assert_int_equal(u.error.attr, BGP_ATTR_MED);
	hex_assert("data", u.error.data, u.error.data_len, "800403 000000");
	u = decode(&ibgp, REACH "40010109" PATH0 PREF "40c90100");
	assert_int_equal(u.outcome, ATTR_NOTIFY);
	assert_int_equal(u.error.attr, 0xc9);
}

static void values_are_taken(void **state)
{
	struct attr_update u =
		decode(&ibgp, REACH "40010102 400218 0203 0000fdea 0000fdeb 0000fdec 0102 00000001 00000002"
				    "800404 00000007" PREF "c00804 fde90001 800904 0a000001"
				    "800a08 0a000002 0a000003 c01008 0002fde90000000a c01609 00 06 00000a c0000202"
				    "c02018 000000010000000200000003 000000010000000200000003");

	assert_int_equal(u.outcome, ATTR_OK);
	assert_int_equal(u.attrs.origin, 2);
	assert_int_equal(u.attrs.as_path_hops, 4);
	assert_int_equal(u.attrs.neighbor_as, 65002);
	assert_true(u.attrs.has_med && u.attrs.med == 7);
	assert_true(u.attrs.has_local_pref && u.attrs.local_pref == 100);
	assert_true(u.attrs.has_originator_id && u.attrs.originator_id == 0x0a000001);
	hex_assert("communities", u.attrs.communities, u.attrs.communities_len, "fde90001");
	hex_assert("clusters", u.attrs.cluster_list, u.attrs.cluster_list_len, "0a0000020a000003");
	hex_assert("extended", u.attrs.ext_communities, u.attrs.ext_communities_len, "0002fde90000000a");
	hex_assert("pmsi", u.attrs.pmsi, u.attrs.pmsi_len, "000600000ac0000202");
	/* RFC 8092 5: the second of two equal ones is gone. */
	hex_assert("large", u.attrs.large_communities, u.attrs.large_communities_len, "000000010000000200000003");
	assert_int_equal(u.reach_nh_len, 4);
	assert_string_equal(ip_str(&u.attrs.next_hop).s, "192.0.2.2");
	hex_assert("NLRI", u.reach.p, rb_left(&u.reach), "0102");
	assert_true(u.has_attrs);
}

static void a_long_list_loses_its_twins_too(void **state) /* RFC 8092 5, 8654 */
{
	static uint8_t list[12 * 5000];
	struct attr_update u;
	static uint8_t message[4 + 4 + sizeof(list)];
	struct wbuf w = wb_init(message, sizeof(message));

	for (uint32_t i = 0; i < 5000; i++) {
		list[12 * i + 4] = (uint8_t)(i % 200);
		list[12 * i + 11] = (uint8_t)(i % 3);
	}
	wb_u16(&w, 0);
	wb_u16(&w, (uint16_t)(4 + sizeof(list)));
	wb_u16(&w, 0xd020);
	wb_u16(&w, (uint16_t)sizeof(list));
	wb_bytes(&w, list, sizeof(list));
	attr_decode_update(rb_init(message, wb_len(&w)), &ibgp, scratch, &u);
	assert_int_equal(u.attrs.large_communities_len, 12 * 600);
	for (size_t i = 12; i < 12 * 600; i += 12)
		assert_true(memcmp(u.attrs.large_communities + i - 12, u.attrs.large_communities + i, 12) < 0);
}

static void a_path_that_gets_too_long_withdraws(void **state) /* 2-octet ASNs widened, RFC 8654 */
{
	static uint8_t message[4 + 4 + 128 * 512];
	struct wbuf w = wb_init(message, sizeof(message));
	struct attr_update u;
	size_t attrs, path;

	wb_u16(&w, 0);
	attrs = wb_open16(&w);
	wb_bytes(&w, scratch, hex_bytes(REACH ORIGIN, scratch, sizeof(scratch)));
	wb_u16(&w, 0x5002);
	path = wb_open16(&w);
	for (int i = 0; i < 90; i++) {
		wb_u16(&w, 0x02ff);
		for (int k = 0; k < 255; k++)
			wb_u16(&w, 65002);
	}
	wb_close16(&w, path);
	wb_close16(&w, attrs);
	attr_decode_update(rb_init(message, wb_len(&w)), &ebgp2, scratch, &u);
	assert_int_equal(u.outcome, ATTR_WITHDRAW);
}

static void what_passes_through_has_one_form(void **state)
{
	/* Out of order, unused bits, extended length for short values; AIGP and non-transitive ones are left behind. */
	struct attr_update u =
		decode(&ibgp, "dfc90001aa" REACH "80ca0101" ORIGIN PATH0 PREF "400600 f0070008 0000fde9 0a000001"
			      "c02304 0000fde9 801a0b 01000b0000000000000001");

	assert_int_equal(u.outcome, ATTR_OK);
	hex_assert("others", u.attrs.others, u.attrs.others_len,
		   "400600 e00708 0000fde9 0a000001 c02304 0000fde9 c0c901aa");
}

/* ---- 2-octet speakers -------------------------------------------------------------------------------------------- */

static void path_of(const struct attr_session *s, const char *attrs, const char *want)
{
	struct attr_update u = decode(s, attrs);
	struct buf b;

	buf_init(&b);
	attr_as_path_print(u.attrs.as_path, u.attrs.as_path_len, &b);
	buf_add(&b, "", 1);
	assert_string_equal(buf_data(&b), want);
	buf_fini(&b);
}

static void paths_of_old_speakers_are_restored(void **state) /* RFC 6793 4.2.3 */
{
	path_of(&ebgp2, EBGP2, "65002");
	path_of(&ebgp2, REACH ORIGIN "400208 0203 fdea 5ba0 5ba0 c0110a 0202 00011170 00011171", "65002 70000 70001");
	/* AS4_PATH with more hops than AS_PATH is ignored. */
	path_of(&ebgp2, REACH ORIGIN "400206 0202 fdea 5ba0 c0110e 0203 00011170 00011171 00011172", "65002 23456");
	/* A set counts one hop; confederation segments in AS4_PATH are stripped. */
	path_of(&ebgp2,
		REACH ORIGIN "40020c 0202 fdea 5ba0 0102 0001 0002 c01114 0301 0000fff0 0201 00011170 0102 00000001",
		"65002 23456 {1,2}");
	path_of(&ebgp2,
		REACH ORIGIN
		"40020c 0202 fdea 5ba0 0102 0001 0002 c01116 0301 0000fff0 0201 00011170 0102 00000001 00000002",
		"65002 70000 {1,2}");
	/* An AGGREGATOR that the old speaker itself has written makes AS4_PATH worthless. */
	path_of(&ebgp2,
		REACH ORIGIN "400206 0202 fdea 5ba0 c00706 fdea 0a000001 c01106 0201 00011170 c01208 00011170 0a000001",
		"65002 23456");
	path_of(&ebgp2,
		REACH ORIGIN "400206 0202 fdea 5ba0 c00706 5ba0 0a000001 c01106 0201 00011170 c01208 00011170 0a000001",
		"65002 70000");
}

static void aggregators_of_old_speakers_are_widened(void **state)
{
	struct attr_update u = decode(&ebgp2, EBGP2 "c00706 fdea 0a000001");

	hex_assert("plain", u.attrs.others, u.attrs.others_len, "c00708 0000fdea 0a000001");
	u = decode(&ebgp2, EBGP2 "c00706 5ba0 0a000001 c01208 00011170 0a000002");
	hex_assert("restored", u.attrs.others, u.attrs.others_len, "c00708 00011170 0a000002");
	u = decode(&ebgp2, EBGP2 "c00706 5ba0 0a000001 c01208 00000000 0a000002"); /* RFC 7607 2: not used */
	hex_assert("not restored", u.attrs.others, u.attrs.others_len, "c00708 00005ba0 0a000001");
	u = decode(&ebgp2, EBGP2 "c00706 fdea 0a000001 c01208 00011170 0a000002");
	hex_assert("kept", u.attrs.others, u.attrs.others_len, "c00708 0000fdea 0a000001");
}

/* ---- encoding -------------------------------------------------------------------------------------------------- */

static void encodes_as(const char *what, const struct bgp_attrs *a, const struct attr_out *o, const char *want)
{
	uint8_t out[4096];
	struct wbuf w = wb_init(out, sizeof(out));

	attr_encode(&w, a, o);
	assert_true(wb_ok(&w));
	hex_assert(what, out, wb_len(&w), want);
	assert_true(attr_encoded_len(a, o) >= wb_len(&w));
}

static void a_route_of_ours_leaves_inside_and_outside(void **state)
{
	static const uint8_t ec[] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, 10 };
	struct bgp_attrs a = { .ext_communities = ec, .ext_communities_len = 8 };
	struct attr_out in = { .as4 = true, .local_as = 65001 };
	struct attr_out out = { .ebgp = true, .as4 = true, .local_as = 65001 };
	struct attr_out old = { .ebgp = true, .local_as = 65001 };
	struct attr_out wide = { .ebgp = true, .local_as = 4200000000u };

	encodes_as("iBGP", &a, &in, "40010100 400200 400504 00000064 c01008 0002fde90000000a");
	encodes_as("eBGP", &a, &out, "40010100 400206 0201 0000fde9 c01008 0002fde90000000a");
	encodes_as("eBGP, 2 octets", &a, &old, "40010100 400204 0201 fde9 c01008 0002fde90000000a");
	encodes_as("eBGP, 2 octets, wide AS", &a, &wide,
		   "40010100 400204 0201 5ba0 c01008 0002fde90000000a c01106 0201 fa56ea00");
}

static void reflection_adds_originator_and_cluster(void **state) /* RFC 4456 8 */
{
	static const uint8_t clusters[] = { 10, 0, 0, 9 };
	struct bgp_attrs a = { .has_local_pref = true, .local_pref = 200 };
	struct attr_out o = {
		.as4 = true, .local_as = 65001, .reflect = true, .originator_id = 0x0a000001, .cluster_id = 0x0a000002
	};

	encodes_as("first", &a, &o, "40010100 400200 400504 000000c8 800904 0a000001 800a04 0a000002");
	a.has_originator_id = true;
	a.originator_id = 0x0a000007;
	a.cluster_list = clusters;
	a.cluster_list_len = 4;
	encodes_as("second", &a, &o, "40010100 400200 400504 000000c8 800904 0a000007 800a08 0a000002 0a000009");
	o.reflect = false;
	o.ebgp = true;
	encodes_as("outside it stays inside", &a, &o, "40010100 400206 0201 0000fde9");
}

static void a_host_that_is_about_to_go_says_so(void **state) /* RFC 8326 */
{
	static const uint8_t two[] = { 0, 0, 0, 1, 0xff, 0xff, 0, 0 };
	struct bgp_attrs a = { .has_local_pref = true, .local_pref = 200 };
	struct attr_out o = { .as4 = true, .local_as = 65001, .drain = true };

	encodes_as("without others", &a, &o, "40010100 400200 400504 000000c8 c00804 ffff0000");
	a.communities = two;
	a.communities_len = 4;
	o.yield = true;
	encodes_as("behind others", &a, &o, "40010100 400200 400504 00000000 c00808 00000001 ffff0000");
	a.communities_len = 8;
	encodes_as("said already", &a, &o, "40010100 400200 400504 00000000 c00808 00000001 ffff0000");
	o.ebgp = true;
	encodes_as("outside", &a, &o, "40010100 400206 0201 0000fde9 c00808 00000001 ffff0000");
}

static void med_does_not_cross_a_second_as(void **state) /* RFC 4271 5.1.4 */
{
	static const uint8_t path[] = { 2, 1, 0, 0, 0xfd, 0xea };
	struct bgp_attrs a = { .has_med = true, .med = 5 };
	struct attr_out o = { .ebgp = true, .as4 = true, .local_as = 65001 };

	encodes_as("ours", &a, &o, "40010100 400206 0201 0000fde9 800404 00000005");
	a.as_path = path;
	a.as_path_len = sizeof(path);
	encodes_as("another's", &a, &o, "40010100 40020a 0202 0000fde9 0000fdea");
	o.ebgp = false;
	encodes_as("inside", &a, &o, "40010100 400206 0201 0000fdea 800404 00000005 400504 00000064");
}

static void a_full_segment_gets_a_new_one(void **state)
{
	uint8_t path[2 + 255 * 4] = { 2, 255 }, out[2048];
	struct wbuf w = wb_init(out, sizeof(out));

	memset(path + 2, 1, sizeof(path) - 2);
	attr_as_path_write(&w, path, sizeof(path), 65001, 4);
	assert_int_equal(wb_len(&w), sizeof(path) + 6);
	assert_int_equal(wb_len(&w), attr_as_path_size(path, sizeof(path), 65001, 4));
	hex_assert("new segment", out, 8, "0201 0000fde9 02ff");
	w = wb_init(out, sizeof(out));
	attr_as_path_write(&w, (const uint8_t[]){ 1, 1, 0, 0, 0, 1 }, 6, 65001, 4); /* in front of a set */
	hex_assert("set", out, wb_len(&w), "0201 0000fde9 0101 00000001");
}

static void others_are_merged_in_order_and_unknown_ones_are_partial(void **state)
{
	uint8_t others[64], large[12] = { 1 };
	struct bgp_attrs a = { .others = others, .large_communities = large, .large_communities_len = 12 };
	struct attr_out o = { .as4 = true, .local_as = 65001 }, old = { .ebgp = true, .local_as = 65001 };

	a.others_len =
		(uint16_t)hex_bytes("400600 c00708 00011170 0a000001 c02304 0000fde9 c0c901aa", others, sizeof(others));
	encodes_as("new", &a, &o,
		   "40010100 400200 400504 00000064 400600 c00708 00011170 0a000001 c0200c 010000000000000000000000"
		   "c02304 0000fde9 e0c901aa");
	encodes_as("old", &a, &old,
		   "40010100 400204 0201 fde9 400600 c00706 5ba0 0a000001 c01208 00011170 0a000001"
		   "c0200c 010000000000000000000000 c02304 0000fde9 e0c901aa");
}

/* ---- both directions --------------------------------------------------------------------------------------------- */

struct store {
	uint8_t path[600], comm[64], ec[600], large[48], pmsi[9], others[300];
};

static uint16_t random_path(struct rng *r, uint8_t *p)
{
	struct wbuf w = wb_init(p, 600);

	for (uint32_t i = rng_below(r, 4); i; i--) {
		uint32_t n = 1 + rng_below(r, 30);

		wb_u8(&w, (uint8_t)(1 + rng_below(r, 2)));
		wb_u8(&w, (uint8_t)n);
		while (n--)
			wb_u32(&w, 1 + rng_below(r, 100000));
	}
	return (uint16_t)wb_len(&w);
}

static void fill(struct rng *r, uint8_t *p, size_t n)
{
	while (n--)
		*p++ = (uint8_t)rng_below(r, 256);
}

static struct bgp_attrs random_attrs(struct rng *r, struct store *st)
{
	struct bgp_attrs a = { .origin = (uint8_t)rng_below(r, 3), .has_local_pref = true };

	a.local_pref = rng_below(r, 1000);
	a.as_path_len = random_path(r, st->path);
	a.as_path = a.as_path_len ? st->path : NULL;
	a.communities_len = (uint16_t)(4 * rng_below(r, 16));
	a.communities = a.communities_len ? st->comm : NULL;
	a.ext_communities_len = (uint16_t)(8 * rng_below(r, 75));
	a.ext_communities = a.ext_communities_len ? st->ec : NULL;
	a.large_communities_len = (uint16_t)(12 * rng_below(r, 4));
	a.large_communities = a.large_communities_len ? st->large : NULL;
	fill(r, st->comm, sizeof(st->comm));
	fill(r, st->ec, sizeof(st->ec));
	fill(r, st->large, sizeof(st->large));
	if (rng_below(r, 2)) {
		hex_bytes("000600000ac0000202", st->pmsi, 9);
		a.pmsi = st->pmsi;
		a.pmsi_len = 9;
	}
	if (rng_below(r, 2)) {
		a.others_len = (uint16_t)hex_bytes("400600 c00708 00011170 0a000001 c02304 0000fde9 e0c901aa",
						   st->others, 300);
		a.others = st->others;
	}
	return a;
}

static void decoding_undoes_encoding(void **state)
{
	struct rng r = rng_start("decoding_undoes_encoding");
	struct attr_out o = { .as4 = true, .local_as = 65001 };
	struct store st;

	for (int i = 0; i < 2000; i++) {
		struct bgp_attrs a = random_attrs(&r, &st);
		struct wbuf w = wb_init(body, sizeof(body));
		struct attr_update u;
		size_t mark;

		wb_u16(&w, 0);
		mark = wb_open16(&w);
		attr_encode(&w, &a, &o);
		assert_true(wb_len(&w) - mark <= attr_encoded_len(&a, &o));
		wb_close16(&w, mark);
		assert_true(wb_ok(&w));
		attr_decode_update(rb_init(body, wb_len(&w)), &ibgp, scratch, &u);
		assert_int_equal(u.outcome, ATTR_OK);
		assert_int_equal(u.attrs.origin, a.origin);
		assert_int_equal(u.attrs.local_pref, a.local_pref);
		assert_int_equal(u.attrs.as_path_hops, attr_as_path_hops(a.as_path, a.as_path_len));
#define SAME(f) (u.attrs.f##_len == a.f##_len && (!a.f##_len || memcmp(u.attrs.f, a.f, a.f##_len) == 0))
		assert_true(SAME(as_path) && SAME(communities) && SAME(ext_communities) && SAME(large_communities));
		assert_true(SAME(pmsi) && SAME(others));
	}
}

static void an_old_speaker_in_between_loses_nothing(void **state) /* RFC 6793 4.2 */
{
	struct rng r = rng_start("an_old_speaker_in_between_loses_nothing");
	struct attr_out o = { .ebgp = true, .local_as = 65002 };
	struct store st;
	uint8_t want[1024];

	for (int i = 0; i < 2000; i++) {
		struct bgp_attrs a = random_attrs(&r, &st);
		struct wbuf w = wb_init(body, sizeof(body)), p = wb_init(want, sizeof(want));
		struct attr_update u;
		size_t mark;

		a.as_path_len = random_path(&r, st.path);
		a.as_path = st.path;
		wb_u16(&w, 0);
		mark = wb_open16(&w);
		attr_encode(&w, &a, &o);
		assert_true(wb_len(&w) - mark <= attr_encoded_len(&a, &o));
		wb_close16(&w, mark);
		assert_true(wb_ok(&w));
		attr_decode_update(rb_init(body, wb_len(&w)), &ebgp2, scratch, &u);
		assert_true(u.outcome == ATTR_OK);
		attr_as_path_write(&p, a.as_path, a.as_path_len, 65002, 4);
		assert_int_equal(u.attrs.as_path_len, wb_len(&p));
		assert_memory_equal(u.attrs.as_path, want, wb_len(&p));
		assert_true(SAME(others));
	}
}

static void cut_and_disturbed_bodies_do_no_harm(void **state)
{
	struct rng r = rng_start("cut_and_disturbed_bodies_do_no_harm");
	static const struct attr_session *const sessions[] = { &ibgp, &ebgp, &ebgp2 };
	struct attr_out o = { .as4 = true, .local_as = 65001 };
	struct store st;

	for (int i = 0; i < 20000; i++) {
		struct bgp_attrs a = random_attrs(&r, &st);
		struct wbuf w = wb_init(body, sizeof(body));
		struct attr_update u;
		size_t mark, n;
		uint8_t *exact;

		wb_u16(&w, 0);
		mark = wb_open16(&w);
		attr_encode(&w, &a, &o);
		wb_close16(&w, mark);
		n = rng_below(&r, 2) ? wb_len(&w) : rng_below(&r, (uint32_t)wb_len(&w));
		for (uint32_t k = rng_below(&r, 4); k; k--)
			body[rng_below(&r, (uint32_t)wb_len(&w))] = (uint8_t)rng_below(&r, 256);
		exact = malloc(n + 1); /* so that a sanitizer sees the end */
		memcpy(exact, body, n);
		attr_decode_update(rb_init(exact, n), sessions[rng_below(&r, 3)], scratch, &u);
		assert_true(u.outcome == ATTR_OK || u.error.why);
		free(exact);
	}
}

static void paths_are_searched_counted_and_printed(void **state)
{
	static const uint8_t path[] = { 2, 2, 0, 0, 0, 1, 0, 1, 0x11, 0x70, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4 };
	struct buf b;

	assert_true(attr_as_path_has(path, sizeof(path), 70000));
	assert_true(attr_as_path_has(path, sizeof(path), 4));
	assert_false(attr_as_path_has(path, sizeof(path), 5));
	assert_false(attr_as_path_has(NULL, 0, 5));
	assert_int_equal(attr_as_path_hops(path, sizeof(path)), 3);
	assert_true(attr_as_path_wide(path, sizeof(path)));
	assert_int_equal(attr_as_path_first(path, sizeof(path)), 1);
	assert_int_equal(attr_as_path_first(path + 10, sizeof(path) - 10), 0);
	buf_init(&b);
	attr_as_path_print(path, sizeof(path), &b);
	buf_add(&b, "", 1);
	assert_string_equal(buf_data(&b), "1 70000 {3,4}");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_is_accepted),
		cmocka_unit_test(framing_faults),
		cmocka_unit_test(value_faults),
		cmocka_unit_test(flag_faults),
		cmocka_unit_test(missing_attributes_withdraw),
		cmocka_unit_test(second_instances_are_dropped),
		cmocka_unit_test(the_strongest_fault_wins),
		cmocka_unit_test(values_are_taken),
		cmocka_unit_test(a_long_list_loses_its_twins_too),
		cmocka_unit_test(a_path_that_gets_too_long_withdraws),
		cmocka_unit_test(what_passes_through_has_one_form),
		cmocka_unit_test(paths_of_old_speakers_are_restored),
		cmocka_unit_test(aggregators_of_old_speakers_are_widened),
		cmocka_unit_test(a_route_of_ours_leaves_inside_and_outside),
		cmocka_unit_test(reflection_adds_originator_and_cluster),
		cmocka_unit_test(a_host_that_is_about_to_go_says_so),
		cmocka_unit_test(med_does_not_cross_a_second_as),
		cmocka_unit_test(a_full_segment_gets_a_new_one),
		cmocka_unit_test(others_are_merged_in_order_and_unknown_ones_are_partial),
		cmocka_unit_test(decoding_undoes_encoding),
		cmocka_unit_test(an_old_speaker_in_between_loses_nothing),
		cmocka_unit_test(cut_and_disturbed_bodies_do_no_harm),
		cmocka_unit_test(paths_are_searched_counted_and_printed),
	};

	return RUN_TESTS(tests);
}
