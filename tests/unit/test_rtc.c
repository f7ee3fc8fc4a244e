/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Route target membership (RFC 4684): the NLRI, and what a session does with it. Which routes a peer holds then is
 * test_out's, whole fabrics are test_sim's.
 */
#include "bgp/rtc.h"
#include "tests/lib/rawworld.h"
#include "tests/lib/test.h"

#include <string.h>

#define RTC_CAP "010400010084"
#define RTC_ATTRS "40010100 400200 400504 00000064"
#define RTC_REACH(len, nlri) "800e" len "0001 84 04 c0000202 00" nlri
#define RTC_UNREACH(len, nlri) "800f" len "0001 84" nlri
#define MEMBER(number) "60 0000fde9 0002 fde9 000000" number /* 65001:number, asked for by AS 65001 */

/* ---- NLRI -------------------------------------------------------------------------------------------------------- */

static enum bgp_nlri_verdict decode(const uint8_t *wire, size_t len, struct bgp_nlri *n)
{
	struct rbuf r = rb_init(wire, len);
	enum bgp_nlri_verdict v = bgp_rtc_family.decode(&r, false, n);

	if (v != BGP_NLRI_RESET)
		assert_true(rb_done(&r));
	return v;
}

static void nlri_of_every_length_roundtrips_without_what_is_behind_it(void **state)
{
	for (unsigned bits = 0; bits <= 96; bits += bits ? 1 : 32) {
		size_t octets = (bits + 7) / 8;
		uint8_t wire[13], out[13];
		struct wbuf w = wb_init(out, sizeof(out));
		struct bgp_nlri n;

		memset(wire, 0xff, sizeof(wire));
		wire[0] = (uint8_t)bits;
		assert_int_equal(decode(wire, 1 + octets, &n), BGP_NLRI_OK);
		bgp_rtc_family.encode(&w, n.key, n.key_len, NULL, 0);
		assert_int_equal(wb_len(&w), 1 + octets);
		assert_int_equal(bgp_rtc_family.encoded_len(n.key, n.key_len, 0), wb_len(&w));
		if (bits % 8)
			assert_int_equal(out[octets], (uint8_t)(0xff00u >> bits % 8));
		for (size_t cut = 0; cut < 1 + octets; cut++)
			assert_int_equal(decode(wire, cut, &n), BGP_NLRI_RESET);
	}
}

static void nlri_lengths_that_cannot_be(void **state) /* RFC 4684 4 */
{
	uint8_t wire[33] = { 0 };
	struct bgp_nlri n;

	for (unsigned bits = 1; bits < 256; bits += bits == 31 ? 66 : 1) {
		wire[0] = (uint8_t)bits;
		assert_int_equal(decode(wire, 1 + (bits + 7) / 8, &n), bits < 32 ? BGP_NLRI_WITHDRAW : BGP_NLRI_RESET);
	}
}

static void nlri_asks_whatever_its_origin(void **state)
{
	const uint8_t rt[8] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, 1 };
	struct bgp_nlri a, b;
	struct out_target ta, tb;

	rtc_nlri(65001, rt, &a);
	rtc_nlri(65002, rt, &b);
	ta = rtc_key_target(a.key, a.key_len);
	tb = rtc_key_target(b.key, b.key_len);
	assert_int_equal(ta.bits, 64);
	assert_memory_equal(ta.rt, rt, 8);
	assert_memory_equal(&ta, &tb, sizeof(ta));
	rtc_nlri_all(&a);
	assert_int_equal(rtc_key_target(a.key, a.key_len).bits, 0);
	assert_int_equal(rtc_key_target((const uint8_t[5]){ 32, 0, 0, 0xfd, 0xe9 }, 5).bits, 0);
}

/* ---- sessions ---------------------------------------------------------------------------------------------------- */

/* A session of test routes and, if it has caps, memberships; we have routes with 65001:1 and 65001:2. */
static void start(struct raw_world *w, const char *caps, bool client)
{
	struct bgp_peer_params p = { .asn = 65001, .hold_time = 90, .passive = true, .rr_client = client };

	raw_world_start(w, (struct raw_setup){ .raw.caps = caps });
	bgp_peer_del(w->peer, simnet_now(w->net));
	bgp_family_register(sim_bgp(w->dut), &bgp_rtc_family, NULL);
	w->peer = sim_peer(w->dut, w->raw.node, &p);
	for (uint8_t i = 1; i <= 2; i++) {
		const uint8_t rt[8] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, i };
		const struct bgp_nlri n = { .key = { 'r', i }, .key_len = 2 };
		const struct bgp_attrs a = { .next_hop = ip_v4(0xc6336401),
					     .ext_communities = rt,
					     .ext_communities_len = 8 };

		bgp_originate(sim_bgp(w->dut), &test_family, &n, &a, simnet_now(w->net));
	}
	raw_establish(&w->raw);
	raw_run(w, 100 * MS);
}

static void assert_filter(struct raw_world *w, enum bgp_rt_filter state, unsigned sent)
{
	struct bgp_peer_info i;

	raw_run(w, 100 * MS);
	i = raw_info(w);
	assert_int_equal(i.state, BGP_ESTABLISHED);
	assert_int_equal(i.rt_filter, state);
	assert_int_equal(i.prefixes_sent, sent);
}

static void routes_wait_for_the_end_of_rib(void **state) /* RFC 4684 6 */
{
	struct raw_world w;

	start(&w, RTC_CAP, false);
	raw_send_update(&w.raw, RTC_REACH("16", MEMBER("01")) RTC_ATTRS);
	assert_filter(&w, BGP_RT_FILTER_WAITING, 0);
	assert_false(raw_info(&w).eor_sent);
	raw_send_update(&w.raw, RTC_UNREACH("03", ""));
	assert_filter(&w, BGP_RT_FILTER_ACTIVE, 1);
	assert_true(raw_info(&w).eor_sent);
	raw_send_update(&w.raw, RTC_REACH("16", MEMBER("02")) RTC_ATTRS);
	assert_filter(&w, BGP_RT_FILTER_ACTIVE, 2);
	raw_send_update(&w.raw, RTC_UNREACH("10", MEMBER("01")));
	assert_filter(&w, BGP_RT_FILTER_ACTIVE, 1);
	raw_world_end(&w);
}

static void routes_wait_no_longer_than_5_s(void **state)
{
	struct raw_world w;

	start(&w, RTC_CAP, false);
	raw_send_update(&w.raw, RTC_REACH("16", MEMBER("01")) RTC_ATTRS);
	raw_run(&w, 4500 * MS);
	assert_filter(&w, BGP_RT_FILTER_WAITING, 0);
	raw_run(&w, 500 * MS);
	assert_filter(&w, BGP_RT_FILTER_ACTIVE, 1);
	raw_world_end(&w);
}

static bool asks_for_all(const struct raw_world *w)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;

	while (bgp_rib_next(sim_bgp(w->dut), &c, &p))
		if (p.family == &bgp_rtc_family && !p.peer && p.key[0] == 0)
			return true;
	return false;
}

static void faults_cost_the_family_and_all_is_sent(void **state) /* RFC 7606 2 */
{
	static const char *const faults[] = {
		RTC_REACH("17", "61 0000fde9 0002fde90000000100") RTC_ATTRS, /* 97 bits */
		RTC_REACH("0b", "60 00") RTC_ATTRS,                          /* cut */
		RTC_UNREACH("05", "ff 00"),
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct raw_world w;

		start(&w, RTC_CAP, true);
		raw_send_update(&w.raw, RTC_REACH("16", MEMBER("01")) RTC_ATTRS);
		assert_filter(&w, BGP_RT_FILTER_WAITING, 0);
		assert_false(asks_for_all(&w));
		raw_send_update(&w.raw, faults[i]);
		assert_filter(&w, BGP_RT_FILTER_DISABLED, 2);
		raw_send_update(&w.raw, RTC_UNREACH("10", MEMBER("01")));
		assert_filter(&w, BGP_RT_FILTER_DISABLED, 2);
		assert_true(asks_for_all(&w)); /* what others have for it, it cannot ask for any more */
		raw_world_end(&w);
	}
}

/* 1 to 31 bits: where it ends is known. */
static void membership_that_cuts_the_as_is_withdrawn(void **state)
{
	struct raw_world w;

	start(&w, RTC_CAP, false);
	raw_send_update(&w.raw, RTC_REACH("18", "08 00" MEMBER("02")) RTC_ATTRS);
	raw_send_update(&w.raw, RTC_UNREACH("03", ""));
	assert_filter(&w, BGP_RT_FILTER_ACTIVE, 1);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1);
	raw_world_end(&w);
}

static void clients_that_cannot_ask_are_asked_for(void **state)
{
	for (int client = 0; client < 2; client++) {
		struct raw_world w;

		start(&w, NULL, client);
		assert_filter(&w, BGP_RT_FILTER_NONE, 2);
		assert_int_equal(asks_for_all(&w), client);
		bgp_peer_down(w.peer, NULL, simnet_now(w.net));
		assert_false(asks_for_all(&w));
		raw_world_end(&w);
	}
}

static unsigned routes_received(const struct sim_node *node)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	unsigned n = 0;

	while (bgp_rib_next(sim_bgp(node), &c, &p))
		n += p.family == &test_family && p.peer;
	return n;
}

static struct sim_node *speaker(struct simnet *net, const char *address, uint32_t id, bool rtc)
{
	struct sim_node *s = simnet_engine(net, address, &(struct bgp_params){ .asn = 65001, .router_id = id });

	bgp_family_register(sim_bgp(s), &test_family, NULL);
	if (rtc)
		bgp_family_register(sim_bgp(s), &bgp_rtc_family, NULL);
	return s;
}

static struct bgp_peer *meet(struct sim_node *a, struct sim_node *b, bool client)
{
	struct bgp_peer_params p = { .asn = 65001, .hold_time = 90 };

	sim_peer(b, a, &p);
	p.rr_client = client;
	return sim_peer(a, b, &p);
}

/*
 *	client ---- reflector ---- other
 *	     memberships      none
 *
 * The third has no memberships, as many reflectors have none: the second asks in its place for what the client has.
 */
static void others_that_cannot_ask_are_asked_for_by_a_reflector(void **state)
{
	struct simnet *net = simnet_new(&(struct simnet_params){ .seed = 1 });
	struct sim_node *client = speaker(net, "192.0.2.1", 1, true), *reflector = speaker(net, "192.0.2.2", 2, true);
	struct sim_node *other = speaker(net, "192.0.2.3", 3, false);
	const uint8_t rt[8] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, 1 };
	const struct bgp_nlri n = { .key = { 'r' }, .key_len = 1 };
	const struct bgp_attrs a = { .next_hop = ip_v4(0xc6336401), .ext_communities = rt, .ext_communities_len = 8 };
	struct bgp_peer *to_other;

	bgp_originate(sim_bgp(client), &test_family, &n, &a, simnet_now(net));
	meet(reflector, client, true);
	simnet_run(net, 10000 * MS);
	assert_int_equal(routes_received(reflector), 0);
	to_other = meet(reflector, other, false);
	simnet_run(net, 10000 * MS);
	assert_int_equal(routes_received(other), 1);
	bgp_peer_down(to_other, NULL, simnet_now(net));
	simnet_run(net, 10000 * MS);
	assert_int_equal(routes_received(reflector), 0);
	simnet_free(net);
}

static void route_targets_are_asked_for_while_they_have_users(void **state)
{
	const uint8_t rt[8] = { 0, 2, 0xfd, 0xe9, 0, 0, 0, 7 };
	struct raw_world w;
	struct bgp *b;

	start(&w, RTC_CAP, false);
	b = sim_bgp(w.dut);
	bgp_rt_want(b, rt, simnet_now(w.net));
	bgp_rt_want(b, rt, simnet_now(w.net));
	bgp_rt_unwant(b, rt, simnet_now(w.net));
	raw_run(&w, 100 * MS);
	assert_int_equal(raw_info(&w).families[1].prefixes_sent, 1);
	bgp_rt_unwant(b, rt, simnet_now(w.net));
	raw_run(&w, 100 * MS);
	assert_int_equal(raw_info(&w).families[1].prefixes_sent, 0);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nlri_of_every_length_roundtrips_without_what_is_behind_it),
		cmocka_unit_test(nlri_lengths_that_cannot_be),
		cmocka_unit_test(nlri_asks_whatever_its_origin),
		cmocka_unit_test(routes_wait_for_the_end_of_rib),
		cmocka_unit_test(routes_wait_no_longer_than_5_s),
		cmocka_unit_test(faults_cost_the_family_and_all_is_sent),
		cmocka_unit_test(membership_that_cuts_the_as_is_withdrawn),
		cmocka_unit_test(clients_that_cannot_ask_are_asked_for),
		cmocka_unit_test(others_that_cannot_ask_are_asked_for_by_a_reflector),
		cmocka_unit_test(route_targets_are_asked_for_while_they_have_users),
	};

	return RUN_TESTS(tests);
}
