/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* evpn/ec.c and pmsi.c: every community that we know, both ways, and what must not disturb. */
#include "evpn/ec.h"

#include "tests/lib/hex.h"
#include "tests/lib/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t space[512];

/* Attributes with these extended communities, in space. */
static struct bgp_attrs attrs(const char *hex)
{
	size_t n = hex_bytes(hex, space, sizeof(space));

	return (struct bgp_attrs){ .ext_communities = n ? space : NULL, .ext_communities_len = (uint16_t)n };
}

static struct evpn_ec ec(const char *hex)
{
	struct bgp_attrs a = attrs(hex);
	struct evpn_ec out;

	memset(&out, 0xa5, sizeof(out));
	evpn_ec_read(&a, &out);
	return out;
}

static void ec_every_community_is_read(void **state)
{
	struct evpn_ec e = ec("0002fde80000000a 030c000000000008 030d000000000000 06000100000000ff 0601010000 0003e8 "
			      "0602020000000001 0603020000000002 0608 0b 0000000000");

	assert_true(evpn_ec_has(&e, EVPN_EC_ENCAP));
	assert_int_equal(e.encaps, 1u << EVPN_ENCAP_VXLAN);
	assert_true(evpn_ec_has(&e, EVPN_EC_DEFAULT_GATEWAY));
	assert_true(evpn_ec_has(&e, EVPN_EC_MOBILITY));
	assert_true(e.sticky);
	assert_int_equal(e.sequence, 255);
	assert_true(evpn_ec_has(&e, EVPN_EC_ESI_LABEL));
	assert_true(e.single_active);
	assert_int_equal(e.esi_label, 1000);
	assert_true(evpn_ec_has(&e, EVPN_EC_ES_IMPORT));
	assert_string_equal(mac_str(&e.es_import).s, "02:00:00:00:00:01");
	assert_true(evpn_ec_has(&e, EVPN_EC_ROUTER_MAC));
	assert_string_equal(mac_str(&e.router_mac).s, "02:00:00:00:00:02");
	assert_true(evpn_ec_has(&e, EVPN_EC_ND));
	assert_int_equal(e.nd_flags, EVPN_ND_ROUTER | EVPN_ND_OVERRIDE | EVPN_ND_IMMUTABLE);
	assert_false(evpn_ec_has(&e, EVPN_EC_RT));
}

static void ec_none_is_all_defaults(void **state)
{
	static const struct evpn_ec zero;
	struct evpn_ec e = ec("");

	assert_memory_equal(&e, &zero, sizeof(e));
	assert_true(evpn_ec_vxlan(&e)); /* RFC 8365 5.1.3: the configured default, which is VXLAN */
}

static void ec_flags_are_single_bits(void **state)
{
	/* RFC 7432 7.7, 7.5: the low bit; the others are reserved and ignored. */
	struct evpn_ec e = ec("0600 fe ff 80000001 0601 fe ffff 000010");

	assert_false(e.sticky);
	assert_int_equal(e.sequence, 0x80000001u);
	assert_false(e.single_active);
	assert_int_equal(e.esi_label, 16);
}

static void ec_of_several_the_first_counts(void **state)
{
	/* rfc7432bis 7.14.2, RFC 9135 8.1. */
	struct evpn_ec e = ec("0600000000000003 0600010000000009 0603020000000002 0603020000000003 "
			      "0608010000000000 0608020000000000 0602020000000001 0602020000000009 "
			      "0601000000000001 0601010000000002");

	assert_int_equal(e.sequence, 3);
	assert_false(e.sticky);
	assert_string_equal(mac_str(&e.router_mac).s, "02:00:00:00:00:02");
	assert_int_equal(e.nd_flags, 1);
	assert_string_equal(mac_str(&e.es_import).s, "02:00:00:00:00:01");
	assert_int_equal(e.esi_label, 1);
	assert_false(e.single_active);
}

static void ec_vxlan_is_usable_when_offered_or_nothing_is(void **state)
{
	static const struct {
		const char *hex;
		bool usable;
	} t[] = {
		{ "030c000000000008", true },
		{ "030c00000000000a 030c000000000008", true }, /* MPLS and VXLAN, RFC 8365 5.1.3 */
		{ "030c00000000000a", false },
		{ "030c000000000013", false },
		{ "030c000000000108", false }, /* 264, not 8 */
		{ "030c00000000ffff", false },
		{ "030cffffffff0008", true }, /* reserved octets */
		{ "0002fde80000000a", true },
	};

	for (size_t i = 0; i < N(t); i++) {
		struct evpn_ec e = ec(t[i].hex);

		if (evpn_ec_vxlan(&e) != t[i].usable)
			fail_msg("%s", t[i].hex);
	}
}

static void ec_unknown_ones_change_nothing(void **state)
{
	/* Multicast flags, DF election, E-Tree, L2 attributes, a non-transitive one, types of others. */
	static const char unknown[] = "0609000100000000 0606020000000000 0605010000000010 0604000100000000 "
				      "4600000000000007 8006000000000000 ffffffffffffffff 060c020000000001";
	static const struct evpn_ec zero;
	struct evpn_ec e = ec(unknown);

	assert_memory_equal(&e, &zero, sizeof(e));
}

static void ec_octets_short_of_one_more_are_left_alone(void **state)
{
	struct bgp_attrs a = attrs("0002fde80000000a 0600010000000009");
	struct evpn_ec e;

	a.ext_communities_len = 15;
	evpn_ec_read(&a, &e);
	assert_false(evpn_ec_has(&e, EVPN_EC_MOBILITY));
	a.ext_communities_len = 7;
	assert_null(evpn_ec_next_rt(&a, NULL));
}

static void ec_route_targets_come_in_order(void **state)
{
	struct bgp_attrs a =
		attrs("030c000000000008 0002fde80000000a 0600010000000009 0102c0000201000a 0003fde800000001 "
		      "0202fa56ea01000a 4002fde80000000a 0602020000000001");
	static const char *const want[] = { "0002fde80000000a", "0102c0000201000a", "0202fa56ea01000a" };
	const uint8_t *rt = NULL;
	size_t n = 0;

	while ((rt = evpn_ec_next_rt(&a, rt))) {
		assert_true(n < N(want));
		hex_assert("route target", rt, 8, want[n++]);
	}
	assert_int_equal(n, N(want));
	a = attrs("");
	assert_null(evpn_ec_next_rt(&a, NULL));
}

static void ec_written_ones_have_the_octets_of_the_rfcs(void **state)
{
	static const uint8_t rt[8] = { 0, 2, 0xfd, 0xe8, 0, 0, 0, 10 };
	struct mac m = { { 2, 0, 0, 0, 0, 2 } };
	uint8_t out[7 * EVPN_EC_LEN];
	struct wbuf w = wb_init(out, sizeof(out));

	evpn_ec_put_rt(&w, rt);
	evpn_ec_put_encap(&w, EVPN_ENCAP_VXLAN);
	evpn_ec_put_mobility(&w, 0x01020304, false);
	evpn_ec_put_mobility(&w, 0, true);
	evpn_ec_put_default_gateway(&w);
	evpn_ec_put_router_mac(&w, &m);
	evpn_ec_put_nd(&w, EVPN_ND_ROUTER | EVPN_ND_OVERRIDE);
	assert_true(wb_ok(&w));
	hex_assert("communities", out, wb_len(&w),
		   "0002fde80000000a 030c000000000008 0600000001020304 0600010000000000 030d000000000000 "
		   "0603020000000002 0608030000000000");
	evpn_ec_put_nd(&w, 0);
	assert_false(wb_ok(&w));
}

/* ---- PMSI ------------------------------------------------------------------------------------------------------- */

static bool pmsi(const char *hex, struct evpn_pmsi *out)
{
	size_t n = hex_bytes(hex, space, sizeof(space));

	return evpn_pmsi_read(space, n, out);
}

static void pmsi_ingress_replication_roundtrips(void **state)
{
	static const struct {
		const char *hex, *endpoint;
		uint32_t vni;
	} t[] = {
		{ "00 06 00000a c0000201", "192.0.2.1", 10 },
		{ "00 06 ffffff 20010db8000000000000000000000001", "2001:db8::1", 0xffffff },
		{ "00 06 000000 c0000201", "192.0.2.1", 0 }, /* VNI 0, and */
		{ "00 06 00000a 00000000", "0.0.0.0", 10 },  /* no address to flood to: not malformed, not used */
	};
	uint8_t out[EVPN_PMSI_MAX];
	struct evpn_pmsi p;

	for (size_t i = 0; i < N(t); i++) {
		struct wbuf w = wb_init(out, sizeof(out));

		assert_true(pmsi(t[i].hex, &p));
		assert_int_equal(p.type, EVPN_PMSI_INGRESS_REPLICATION);
		assert_int_equal(p.flags, 0);
		assert_int_equal(p.label, t[i].vni);
		assert_string_equal(ip_str(&p.endpoint).s, t[i].endpoint);
		evpn_pmsi_put(&w, p.label, &p.endpoint);
		assert_true(wb_ok(&w));
		hex_assert("PMSI", out, wb_len(&w), t[i].hex);
	}
}

static void pmsi_of_other_tunnels_is_taken_without_an_endpoint(void **state)
{
	/* RFC 6514 5; reserved flags are ignored (RFC 7902). */
	static const char *const t[] = { "ff 00 000000", "00 03 00000a c0000201 e8000001",
					 "01 04 000000 c0000201 e8000001", "00 0b 000000 01", "00 86 000000 c0000201" };
	struct evpn_pmsi p;

	for (size_t i = 0; i < N(t); i++) {
		assert_true(pmsi(t[i], &p));
		assert_int_equal(p.endpoint.len, 0);
	}
	assert_true(pmsi("fe 06 00000a c0000201", &p));
	assert_int_equal(p.flags, 0xfe);
}

static void pmsi_malformed_is_refused(void **state)
{
	static const char *const t[] = {
		"", "00", "00 06", "00 06 00000a", "00 06 0000", "00 00 0000", /* short */
		"00 06 00000a c00002", "00 06 00000a c000020101",
		"00 06 00000a 20010db80000000000000000000001", "00 06 00000a 20010db8000000000000000000000000ff",
	};
	struct evpn_pmsi p;

	for (size_t i = 0; i < N(t); i++) {
		if (pmsi(t[i], &p))
			fail_msg("\"%s\" is taken", t[i]);
	}
	assert_false(evpn_pmsi_read(NULL, 0, &p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ec_every_community_is_read),
		cmocka_unit_test(ec_none_is_all_defaults),
		cmocka_unit_test(ec_flags_are_single_bits),
		cmocka_unit_test(ec_of_several_the_first_counts),
		cmocka_unit_test(ec_vxlan_is_usable_when_offered_or_nothing_is),
		cmocka_unit_test(ec_unknown_ones_change_nothing),
		cmocka_unit_test(ec_octets_short_of_one_more_are_left_alone),
		cmocka_unit_test(ec_route_targets_come_in_order),
		cmocka_unit_test(ec_written_ones_have_the_octets_of_the_rfcs),
		cmocka_unit_test(pmsi_ingress_replication_roundtrips),
		cmocka_unit_test(pmsi_of_other_tunnels_is_taken_without_an_endpoint),
		cmocka_unit_test(pmsi_malformed_is_refused),
	};

	return RUN_TESTS(tests);
}
