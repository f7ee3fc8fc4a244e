/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/family.c, print.c, fields.c: how attributes are judged, which path is preferred, and how a route reads. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/buf.h"
#include "evpn/nlri.h"
#include "include/evpn.h"
#include "tests/lib/hex.h"
#include "tests/lib/route_json.h"
#include "tests/lib/test.h"

#define RD "0001c00002010002"
#define ESI "00112233445566778899"
#define ESI0 "00000000000000000000"
#define N(a) (sizeof(a) / sizeof((a)[0]))

/* A route from hex: NLRI on the wire, extended communities, PMSI. */
struct route {
	struct bgp_nlri nlri;
	struct bgp_attrs attrs;
	uint8_t ec[256], pmsi[64];
};

static void route_make(struct route *r, const char *wire, const char *ec, const char *pmsi)
{
	uint8_t octets[300];
	struct rbuf b = rb_init(octets, hex_bytes(wire, octets, sizeof(octets)));

	memset(r, 0, sizeof(*r));
	evpn_family.decode(&b, false, &r->nlri);
	r->attrs.shared = r->nlri.shared;
	r->attrs.shared_len = r->nlri.shared_len;
	r->attrs.ext_communities_len = (uint16_t)hex_bytes(ec, r->ec, sizeof(r->ec));
	r->attrs.ext_communities = r->attrs.ext_communities_len ? r->ec : NULL;
	if (pmsi) {
		r->attrs.pmsi_len = (uint16_t)hex_bytes(pmsi, r->pmsi, sizeof(r->pmsi));
		r->attrs.pmsi = r->pmsi;
	}
}

#define MAC_ROUTE "0221" RD ESI0 "00000000" "30 020000000001" "00" "00000a"
#define IMET_ROUTE "0311" RD "00000000" "20 c0000201"
#define PREFIX_ROUTE "0522" RD ESI0 "00000000" "18 0a0a0a00" "00000000" "001388"
#define PREFIX_WITH(esi, gw, label) "0522" RD esi "00000000" "18 0a0a0a00" gw label

static void family_is_evpn(void **state)
{
	/* RFC 7432 7: AFI 25 (L2VPN), SAFI 70 (EVPN). */
	assert_int_equal(evpn_family.afi, 25);
	assert_int_equal(evpn_family.safi, 70);
	assert_string_equal(evpn_family.name, "evpn");
}

static void family_checks_what_forwarding_needs(void **state)
{
	static const struct {
		const char *why, *wire, *ec, *pmsi;
		enum bgp_nlri_verdict verdict;
	} t[] = {
		/* RFC 7432 11.2, RFC 6514 5. */
		{ "type 3, ingress replication", IMET_ROUTE, "", "0006 00000a c0000201", BGP_NLRI_OK },
		{ "type 3, IPv6 endpoint", IMET_ROUTE, "", "0006 00000a 20010db8000000000000000000000001",
		  BGP_NLRI_OK },
		{ "type 3, PIM-SM", IMET_ROUTE, "", "0004 00000a c0000201 e8000001", BGP_NLRI_OK },
		{ "type 3, no PMSI", IMET_ROUTE, "", NULL, BGP_NLRI_WITHDRAW },
		{ "type 3, empty PMSI", IMET_ROUTE, "", "", BGP_NLRI_WITHDRAW },
		{ "type 3, no endpoint", IMET_ROUTE, "", "0006 00000a", BGP_NLRI_WITHDRAW },
		/* rfc7432bis 7.14.2: what means nothing for the type is not looked at. */
		{ "type 2, PMSI without an endpoint", MAC_ROUTE, "", "0006 00000a", BGP_NLRI_OK },
		{ "type 2, broadcast as router's MAC", MAC_ROUTE, "0603ffffffffffff", NULL, BGP_NLRI_OK },
		/* RFC 9136 3.2, table 1. */
		{ "type 5", PREFIX_ROUTE, "", NULL, BGP_NLRI_OK },
		{ "type 5, router's MAC", PREFIX_ROUTE, "0603020000000001", NULL, BGP_NLRI_OK },
		{ "type 5, broadcast as router's MAC", PREFIX_ROUTE, "0603ffffffffffff", NULL, BGP_NLRI_WITHDRAW },
		{ "type 5, multicast as router's MAC", PREFIX_ROUTE, "060301005e000001", NULL, BGP_NLRI_WITHDRAW },
		{ "type 5, zero as router's MAC", PREFIX_ROUTE, "0603000000000000", NULL, BGP_NLRI_WITHDRAW },
		{ "type 5, second router's MAC bad", PREFIX_ROUTE, "0603020000000001 0603ffffffffffff", NULL,
		  BGP_NLRI_OK },
		{ "type 5, nothing at all", PREFIX_WITH(ESI0, "00000000", "000000"), "", NULL, BGP_NLRI_OK },
		{ "type 5, router's MAC only", PREFIX_WITH(ESI0, "00000000", "000000"), "0603020000000001", NULL,
		  BGP_NLRI_OK },
		{ "type 5, segment only", PREFIX_WITH(ESI, "00000000", "000000"), "", NULL, BGP_NLRI_OK },
		{ "type 5, gateway only", PREFIX_WITH(ESI0, "0a0a0afe", "000000"), "", NULL, BGP_NLRI_OK },
		{ "type 4, no ES-Import", "0417" RD ESI "20 c0000201", "", NULL, BGP_NLRI_OK },
		{ "type 1",
		  "0119" RD ESI "ffffffff"
		  "000000",
		  "", NULL, BGP_NLRI_OK },
		{ "unknown type", "0c03 aabbcc", "", NULL, BGP_NLRI_OK },
	};
	struct route r;

	for (size_t i = 0; i < N(t); i++) {
		route_make(&r, t[i].wire, t[i].ec, t[i].pmsi);
		if (evpn_family.check(&r.attrs, r.nlri.key, r.nlri.key_len) != t[i].verdict)
			fail_msg("%s", t[i].why);
	}
}

#define GATEWAY "030d000000000000"
#define STICKY "0600010000000000"
#define SEQ(n) "06000000" n

static int prefer(const char *wire, const char *a_ec, bool a_local, const char *b_ec, bool b_local)
{
	struct route a, b;

	route_make(&a, wire, a_ec, NULL);
	route_make(&b, wire, b_ec, NULL);
	return evpn_family.prefer(&a.attrs, a_local, &b.attrs, b_local, a.nlri.key, a.nlri.key_len);
}

static void family_prefers_gateway_then_static_then_sequence(void **state)
{
	/* In order of preference, rfc7432bis 7.13.1; equal rank is a tie. */
	static const struct {
		const char *ec;
		bool local;
		int rank;
	} t[] = {
		{ GATEWAY, true, 7 },
		{ GATEWAY STICKY, false, 6 }, /* 10.1.1: mobility is ignored on a gateway's route */
		{ GATEWAY SEQ("00000009"), false, 6 },
		{ GATEWAY, false, 6 },
		{ "0600010000000005", false, 5 },
		{ STICKY, true, 4 },
		{ STICKY, false, 4 },
		{ SEQ("00000009"), false, 3 },
		{ SEQ("00000001"), true, 2 },
		{ SEQ("00000001"), false, 2 },
		{ SEQ("00000000"), false, 1 }, /* RFC 7432 15: none is 0 */
		{ "", true, 1 },
		{ "", false, 1 },
	};

	for (size_t i = 0; i < N(t); i++) {
		for (size_t k = 0; k < N(t); k++) {
			int got = prefer(MAC_ROUTE, t[i].ec, t[i].local, t[k].ec, t[k].local);

			if ((got > 0) - (got < 0) != (t[i].rank > t[k].rank) - (t[i].rank < t[k].rank))
				fail_msg("\"%s\" to \"%s\": %d", t[i].ec, t[k].ec, got);
		}
	}
}

static void family_compares_sequences_across_the_wrap(void **state)
{
	/* RFC 7432 15: the number wraps around. */
	assert_true(prefer(MAC_ROUTE, SEQ("00000000"), false, SEQ("ffffffff"), false) > 0);
	assert_true(prefer(MAC_ROUTE, SEQ("ffffffff"), false, SEQ("00000000"), false) < 0);
	assert_true(prefer(MAC_ROUTE, SEQ("00000005"), false, SEQ("fffffff0"), false) > 0);
	assert_true(prefer(MAC_ROUTE, SEQ("7fffffff"), false, "", false) > 0);
	assert_true(prefer(MAC_ROUTE, SEQ("80000000"), false, "", false) > 0);
	assert_true(prefer(MAC_ROUTE, "", false, SEQ("80000000"), false) < 0);
	assert_true(prefer(MAC_ROUTE, SEQ("80000001"), false, "", false) < 0);
}

static void family_has_no_preference_for_other_types(void **state)
{
	assert_int_equal(prefer(IMET_ROUTE, STICKY, false, "", false), 0);
	assert_int_equal(prefer(PREFIX_ROUTE, GATEWAY, false, SEQ("00000009"), false), 0);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static json_t *printed(const char *wire, const char *ec, const char *pmsi)
{
	json_error_t err;
	struct route r;
	char *text;
	json_t *doc;

	route_make(&r, wire, ec, pmsi);
	text = route_json(&evpn_family, r.nlri.key, r.nlri.key_len, &r.attrs);
	doc = json_loads(text, JSON_REJECT_DUPLICATES, &err);
	if (!doc)
		fail_msg("%s at %d: %s", err.text, err.position, text);
	free(text);
	return doc;
}

static void print_is(const char *wire, const char *ec, const char *pmsi, const char *want)
{
	json_t *got = printed(wire, ec, pmsi), *w = json_loads(want, 0, NULL);

	if (!w)
		fail_msg("not JSON: %s", want);
	if (!json_equal(got, w))
		fail_msg("printed %s\nwanted %s", json_dumps(got, JSON_SORT_KEYS), json_dumps(w, JSON_SORT_KEYS));
	json_decref(got);
	json_decref(w);
}

static void print_type2_with_everything(void **state)
{
	print_is(
		"0228" RD ESI "00000007"
		"30 02ABCDEF0001"
		"20 0a000001"
		"00000a 001388",
		"0002fde80000000a 0102c0000201000a 030c000000000008 030c00000000000a 030c0000000003e7 0600010000000000 "
		"0600000000000009 0603020000000001 030d000000000000 030d000000000000 0608030000000000 0609000100000000",
		NULL,
		"{\"type\": 2, \"rd\": \"192.0.2.1:2\", \"esi\": \"00:11:22:33:44:55:66:77:88:99\", "
		"\"ethernet_tag\": 7,"
		" \"mac\": \"02:ab:cd:ef:00:01\", \"ip\": \"10.0.0.1\", \"prefix\": null, \"gateway\": null,"
		" \"originator\": null, \"vni\": 10, \"vni2\": 5000, \"nlri\": null,"
		" \"route_targets\": [\"65000:10\", \"192.0.2.1:10\"], "
		"\"encapsulation\": [\"vxlan\", \"mpls\", \"999\"],"
		" \"mac_mobility\": {\"sequence\": 0, \"sticky\": true}, \"default_gateway\": true,"
		" \"router_mac\": \"02:00:00:00:00:01\", \"esi_label\": null, \"es_import\": null,"
		" \"nd_flags\": {\"router\": true, \"override\": true, \"immutable\": false},"
		" \"ext_communities_other\": [\"0600000000000009\", \"0609000100000000\"], \"pmsi\": null}");
}

static void print_type2_with_nothing(void **state)
{
	print_is(
		MAC_ROUTE, "", NULL,
		"{\"type\": 2, \"rd\": \"192.0.2.1:2\", \"esi\": \"00:00:00:00:00:00:00:00:00:00\", "
		"\"ethernet_tag\": 0,"
		" \"mac\": \"02:00:00:00:00:01\", \"ip\": null, \"prefix\": null, \"gateway\": null,"
		" \"originator\": null, \"vni\": 10, \"vni2\": null, \"nlri\": null, \"route_targets\": [],"
		" \"encapsulation\": null, \"mac_mobility\": null, \"default_gateway\": false, \"router_mac\": null,"
		" \"esi_label\": null, \"es_import\": null, \"nd_flags\": null, \"ext_communities_other\": [],"
		" \"pmsi\": null}");
}

static void print_type3(void **state)
{
	print_is(
		IMET_ROUTE, "0002fde80000000a 030c000000000008", "0006 00000b c0000202",
		"{\"type\": 3, \"rd\": \"192.0.2.1:2\", \"esi\": null, \"ethernet_tag\": 0, "
		"\"mac\": null, \"ip\": null,"
		" \"prefix\": null, \"gateway\": null, \"originator\": \"192.0.2.1\", \"vni\": 11, \"vni2\": null,"
		" \"nlri\": null, \"route_targets\": [\"65000:10\"], \"encapsulation\": [\"vxlan\"],"
		" \"mac_mobility\": null, \"default_gateway\": false, \"router_mac\": null, \"esi_label\": null,"
		" \"es_import\": null, \"nd_flags\": null, \"ext_communities_other\": [],"
		" \"pmsi\": {\"tunnel_type\": 6, \"vni\": 11, \"endpoint\": \"192.0.2.2\", \"group\": null}}");
}

static void print_types_1_4_and_5(void **state)
{
	json_t *o = printed("0119" RD ESI "ffffffff" "000000", "0601010000000064", NULL), *e;

	assert_int_equal(json_integer_value(json_object_get(o, "ethernet_tag")), 0xffffffff);
	assert_int_equal(json_integer_value(json_object_get(o, "vni")), 0);
	assert_true(json_is_integer(json_object_get(o, "vni")));
	e = json_object_get(o, "esi_label");
	assert_int_equal(json_integer_value(json_object_get(e, "label")), 100);
	assert_true(json_is_true(json_object_get(e, "single_active")));
	json_decref(o);

	o = printed("0417" RD ESI "20 c0000201", "0602001b21aabb01", NULL);
	assert_string_equal(json_string_value(json_object_get(o, "esi")), "00:11:22:33:44:55:66:77:88:99");
	assert_string_equal(json_string_value(json_object_get(o, "originator")), "192.0.2.1");
	assert_string_equal(json_string_value(json_object_get(o, "es_import")), "00:1b:21:aa:bb:01");
	assert_true(json_is_null(json_object_get(o, "ethernet_tag")));
	assert_true(json_is_null(json_object_get(o, "vni")));
	assert_true(json_is_null(json_object_get(o, "ip")));
	json_decref(o);

	o = printed("053a" RD ESI0 "00000000" "40 20010db8000000000000000000000001"
		    "20010db80000000000000000000000fe" "001388",
		    "", NULL);
	assert_string_equal(json_string_value(json_object_get(o, "prefix")), "2001:db8::/64");
	assert_string_equal(json_string_value(json_object_get(o, "gateway")), "2001:db8::fe");
	assert_int_equal(json_integer_value(json_object_get(o, "vni")), 5000);
	assert_true(json_is_null(json_object_get(o, "ip")));
	assert_true(json_is_null(json_object_get(o, "originator")));
	json_decref(o);
}

static void print_opaque_route_shows_its_octets(void **state)
{
	json_t *o = printed("0c03 aabbcc", "", NULL);

	assert_int_equal(json_integer_value(json_object_get(o, "type")), 12);
	assert_string_equal(json_string_value(json_object_get(o, "nlri")), "aabbcc");
	assert_true(json_is_null(json_object_get(o, "rd")));
	assert_true(json_is_null(json_object_get(o, "vni")));
	json_decref(o);
}

/* ---- fields and key lines --------------------------------------------------------------------------------------- */

static bool may_match(const struct route *r, const uint8_t *rd, const struct mac *mac, const struct ip *ip)
{
	return evpn_key_may_match(r->nlri.key, r->nlri.key_len, rd, mac, ip);
}

static void fields_of_every_type(void **state)
{
	static const struct {
		const char *wire, *pmsi, *ip;
		uint32_t vni;
		bool has_mac;
	} t[] = {
		{ "0119" RD ESI "00000000"
		  "000064",
		  NULL, "", 100, false },
		{ "0228" RD ESI0 "00000000"
		  "30 020000000001"
		  "20 0a000001"
		  "00000a 001388",
		  NULL, "10.0.0.1", 10, true },
		{ MAC_ROUTE, NULL, "", 10, true },
		{ IMET_ROUTE, "0006 00000b c0000202", "192.0.2.1", 11, false },
		{ IMET_ROUTE, NULL, "192.0.2.1", 0, false },
		{ "0417" RD ESI "20 c0000201", NULL, "192.0.2.1", 0, false },
		{ PREFIX_ROUTE, NULL, "10.10.10.0", 5000, false },
	};
	static const struct mac mac = { { 2, 0, 0, 0, 0, 1 } };
	static const uint8_t no_rd[8] = { 0xff };
	const struct ip no_ip = ip_v4(0xfefefefe);
	struct evpn_route_fields f;
	struct route r;

	for (size_t i = 0; i < N(t); i++) {
		route_make(&r, t[i].wire, "", t[i].pmsi);
		evpn_route_fields(r.nlri.key, r.nlri.key_len, &r.attrs, &f);
		assert_int_equal(f.type, r.nlri.key[0]);
		hex_assert(t[i].wire, f.rd, 8, RD);
		assert_string_equal(ip_str(&f.ip).s, t[i].ip);
		assert_int_equal(f.vni, t[i].vni);
		assert_int_equal(f.has_mac, t[i].has_mac);
		assert_string_equal(mac_str(&f.mac).s, t[i].has_mac ? "02:00:00:00:00:01" : "00:00:00:00:00:00");
		assert_true(may_match(&r, f.rd, NULL, NULL));
		assert_false(may_match(&r, no_rd, NULL, NULL));
		assert_int_equal(may_match(&r, NULL, &mac, NULL), f.has_mac);
		assert_true(!f.ip.len || may_match(&r, NULL, NULL, &f.ip));
		assert_false(may_match(&r, NULL, NULL, &no_ip));
	}
	route_make(&r, "0c03 aabbcc", "", NULL);
	evpn_route_fields(r.nlri.key, r.nlri.key_len, &r.attrs, &f);
	assert_int_equal(f.type, 12);
	assert_int_equal(f.vni, 0);
	assert_false(f.has_mac);
}

/* rfc7432bis 7.12: what takes a VTEP out of many MACs at once. */
static void family_has_segments_go_first(void **state)
{
	struct evpn_nlri per_es = { .type = EVPN_AD, .esi = { 3, 1 }, .tag = EVPN_MAX_ET };
	struct evpn_nlri per_evi = { .type = EVPN_AD, .esi = { 3, 1 }, .tag = 7 };
	struct evpn_nlri mac = { .type = EVPN_MAC_IP, .tag = EVPN_MAX_ET, .ip = ip_v4(0xffffffffu) };
	struct bgp_nlri n;

	evpn_nlri_build(&per_es, &n);
	assert_true(evpn_family.urgent(n.key, n.key_len));
	evpn_nlri_build(&per_evi, &n);
	assert_false(evpn_family.urgent(n.key, n.key_len));
	evpn_nlri_build(&mac, &n); /* as long */
	assert_false(evpn_family.urgent(n.key, n.key_len));
}

static void key_line_of_every_type(void **state)
{
	/* tests/vectors/README.md */
	static const struct {
		const char *wire, *line;
	} t[] = {
		{ "0119" RD ESI "ffffffff" "000000", "1|0001c00002010002|00112233445566778899|ffffffff" },
		{ "0119" RD ESI "00000064" "000000", "1|0001c00002010002|00112233445566778899|100" },
		{ MAC_ROUTE, "2|0001c00002010002|0|020000000001|" },
		{ "0225" RD ESI "00000007" "30 020000000001" "20 0a000001" "00000a",
		  "2|0001c00002010002|7|020000000001|0a000001" },
		{ IMET_ROUTE, "3|0001c00002010002|0|c0000201" },
		{ "0417" RD ESI "20 c0000201", "4|0001c00002010002|00112233445566778899|c0000201" },
		{ PREFIX_ROUTE, "5|0001c00002010002|0|24|0a0a0a00" },
		{ "0c03 aabbcc", "" },
	};
	struct route r;
	struct buf out;

	buf_init(&out);
	for (size_t i = 0; i < N(t); i++) {
		route_make(&r, t[i].wire, "", NULL);
		buf_reset(&out);
		evpn_key_line(r.nlri.key, r.nlri.key_len, &out);
		buf_add(&out, "", 1);
		assert_string_equal(buf_data(&out), t[i].line);
	}
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(family_is_evpn),
		cmocka_unit_test(family_checks_what_forwarding_needs),
		cmocka_unit_test(family_prefers_gateway_then_static_then_sequence),
		cmocka_unit_test(family_compares_sequences_across_the_wrap),
		cmocka_unit_test(family_has_no_preference_for_other_types),
		cmocka_unit_test(family_has_segments_go_first),
		cmocka_unit_test(print_type2_with_everything),
		cmocka_unit_test(print_type2_with_nothing),
		cmocka_unit_test(print_type3),
		cmocka_unit_test(print_types_1_4_and_5),
		cmocka_unit_test(print_opaque_route_shows_its_octets),
		cmocka_unit_test(fields_of_every_type),
		cmocka_unit_test(key_line_of_every_type),
	};

	return RUN_TESTS(tests);
}
