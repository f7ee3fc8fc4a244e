/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* RFC 7911 at an engine with a peer by hand: what is negotiated, what comes with path identifiers, what goes out. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"

/* A route with a path identifier: three octets of key. */
#define ROUTE_ID(id, key) REACH("13", id "03" key "01 73")
#define GONE_ID(id, key) "800f0b 0019 46" id "03" key

static void start(struct raw_world *w, uint8_t ours, const char *caps)
{
	raw_world_start(w, (struct raw_setup){ .peer.add_path = ours, .raw.caps = caps });
	raw_establish(&w->raw);
}

static void send_update(struct raw_world *w, const char *attrs)
{
	raw_send_update(&w->raw, attrs);
	raw_run(w, 10 * MS);
}

static unsigned n_paths(const struct raw_world *w)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	unsigned n = 0;

	while (bgp_rib_next(sim_bgp(w->dut), &c, &p))
		n++;
	return n;
}

static bool has_path(const struct raw_world *w, uint32_t path_id, bool best)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;

	while (bgp_rib_next(sim_bgp(w->dut), &c, &p))
		if (p.path_id == path_id && p.best == best)
			return true;
	return false;
}

static void our_open_says_add_path_when_it_is_configured(void **state) /* RFC 7911 4 */
{
	struct raw_setup s = { .asn = 65001, .peer = { .hold_time = 30, .add_path = BGP_ADD_PATH_SEND } };
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, s);
	w.raw.end = sim_raw_connect(w.raw.node, w.dut);
	assert_true(raw_wait(&w.raw, 1, 20 * MS, &m));
	hex_assert("OPEN", m.body, m.len,
		   "04 fde9 001e c0000201 1e 02 1c 010400190046 0200 0600 41040000fde9 4504 00194602"
		   "4600 40024000");
	raw_world_end(&w);
}

static void a_direction_needs_a_sender_and_a_receiver(void **state) /* RFC 7911 4 */
{
	static const char *const caps[] = { NULL, "4504 00194601", "4504 00194602", "4504 00194603" };

	for (uint8_t ours = 0; ours < 4; ours++) {
		for (uint8_t theirs = 0; theirs < 4; theirs++) {
			struct raw_world w;

			start(&w, ours, caps[theirs]);
			assert_int_equal(w.peer->session->add_path_in, (ours & 1) && (theirs & 2));
			assert_int_equal(w.peer->session->add_path_out, (ours & 2) && (theirs & 1));
			raw_world_end(&w);
		}
	}
}

static void a_capability_that_is_not_understood_negotiates_nothing(void **state) /* RFC 7911 4 */
{
	static const char *const caps[] = {
		"4504 00194600", "4504 00194604", "4504 001946ff", /* no such value */
		"4503 001946", "4505 0019460300", "4500",          /* no such length */
		"4508 00194603 00010104",                          /* one of two */
		"4504 00010103",                                   /* another family */
	};

	for (size_t i = 0; i < sizeof(caps) / sizeof(*caps); i++) {
		struct raw_world w;

		print_message("%s\n", caps[i]);
		start(&w, BGP_ADD_PATH_SEND | BGP_ADD_PATH_RECEIVE, caps[i]);
		assert_int_equal(w.peer->session->add_path_in | w.peer->session->add_path_out, 0);
		send_update(&w, ROUTE("6b6579") ATTRS);
		assert_int_equal(n_paths(&w), 1);
		raw_world_end(&w);
	}
}

static void paths_come_change_and_go_by_id(void **state) /* RFC 7911 2, 3 */
{
	struct raw_world w;

	start(&w, BGP_ADD_PATH_RECEIVE, "4504 00194602");
	send_update(&w, ROUTE_ID("00000001", "6b6579") ATTRS);
	send_update(&w, ROUTE_ID("00000002", "6b6579") "40010100 400200 400504 000000c8");
	assert_int_equal(n_paths(&w), 2);
	assert_true(has_path(&w, 1, false));
	assert_true(has_path(&w, 2, true));
	assert_int_equal(raw_info(&w).prefixes_received, 2);
	send_update(&w, ROUTE_ID("00000002", "6b6579") "40010100 400200 400504 00000001"); /* replaces it */
	assert_int_equal(n_paths(&w), 2);
	assert_true(has_path(&w, 1, true));
	send_update(&w, GONE_ID("00000007", "6b6579")); /* is not there */
	send_update(&w, GONE_ID("00000001", "6b6579"));
	assert_int_equal(n_paths(&w), 1);
	assert_true(has_path(&w, 2, true));
	send_update(&w, ROUTE_ID("00000000", "6b6579") ATTRS); /* an identifier like others */
	assert_int_equal(n_paths(&w), 2);
	assert_int_equal(w.seen.best, 1);
	send_update(&w, GONE_ID("00000002", "6b6579"));
	send_update(&w, GONE_ID("00000000", "6b6579"));
	assert_int_equal(n_paths(&w), 0);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

static void of_one_message_the_last_path_of_an_id_counts(void **state)
{
	struct raw_world w;

	start(&w, BGP_ADD_PATH_RECEIVE, "4504 00194602");
	send_update(&w, REACH("1d", "00000001 03 6b6579 01 73" "00000001 03 6b6579 01 74") ATTRS);
	assert_int_equal(n_paths(&w), 1);
	raw_world_end(&w);
}

static void what_is_treated_as_withdrawn_is_that_path(void **state) /* RFC 7606 2 */
{
	struct raw_world w;

	start(&w, BGP_ADD_PATH_RECEIVE, "4504 00194602");
	send_update(&w, ROUTE_ID("00000001", "6b6579") ATTRS);
	send_update(&w, ROUTE_ID("00000002", "6b6579") ATTRS);
	send_update(&w, ROUTE_ID("00000001", "6b6579") "40010109 400200 400504 00000064");
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1);
	assert_int_equal(n_paths(&w), 1);
	assert_true(has_path(&w, 2, true));
	raw_world_end(&w);
}

static void an_id_that_is_cut_short_ends_the_session(void **state) /* RFC 7606 3 (j) */
{
	static const char *const updates[] = {
		REACH("0c", "000001") ATTRS,
		REACH("0d", "00000001") ATTRS, /* and nothing behind it */
		REACH("16", "00000001 03 6b6579 01 73" "000002") ATTRS,
		"800f04 0019 46 00",
		"800f07 0019 46 00000001",
	};

	for (size_t i = 0; i < sizeof(updates) / sizeof(*updates); i++) {
		struct raw_world w;

		print_message("%s\n", updates[i]);
		start(&w, BGP_ADD_PATH_RECEIVE, "4504 00194602");
		raw_send_update(&w.raw, updates[i]);
		raw_expect_end(&w, 3, 9, "");
		raw_world_end(&w);
	}
}

static void max_prefixes_counts_paths(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .peer = { .add_path = BGP_ADD_PATH_RECEIVE, .max_prefixes = 2 },
						.raw.caps = "4504 00194602" });
	raw_establish(&w.raw);
	send_update(&w, ROUTE_ID("00000001", "6b6579") ATTRS);
	send_update(&w, ROUTE_ID("00000002", "6b6579") ATTRS);
	send_update(&w, ROUTE_ID("00000002", "6b6579") ATTRS);
	raw_send_update(&w.raw, ROUTE_ID("00000003", "6b6579") ATTRS);
	raw_expect_end(&w, 6, 1, "0019 46 00000002");
	raw_world_end(&w);
}

static void a_flood_of_ids_ends_the_session(void **state)
{
	char update[128];
	struct raw_world w;

	start(&w, BGP_ADD_PATH_RECEIVE, "4504 00194602");
	for (unsigned id = 1; id <= 257; id++) {
		snprintf(update, sizeof(update), REACH("13", "%08x" "03 6b6579 01 73") ATTRS, id);
		raw_send_update(&w.raw, update);
	}
	raw_expect_end(&w, 6, 8, "");
	raw_run(&w, 1 * S);
	assert_int_equal(n_paths(&w), 0);
	raw_world_end(&w);
}

/* What the next UPDATE says, without the attributes that follow MP_REACH. */
static void expect_update(struct raw_world *w, const char *hex)
{
	struct raw_msg m;

	assert_true(raw_wait(&w->raw, 2, 100 * MS, &m));
	assert_true(m.len >= strlen(hex) / 3);
	hex_assert("UPDATE", m.body + 4, m.body[6] == 0 ? (size_t)m.body[7] + 4 : m.len - 4, hex);
}

static void routes_go_out_with_an_id_to_who_takes_them(void **state) /* RFC 7911 3, 5 */
{
	struct raw_world w;
	struct raw_msg m;

	start(&w, BGP_ADD_PATH_SEND, "4504 00194601");
	expect_update(&w, "800f 03 001946"); /* End-of-RIB has none */
	routes_originate(sim_bgp(w.dut), "key", 1, simnet_now(w.net));
	expect_update(&w, "900e 0013 001946 04 c6336401 00 00000001 03 6b6579 01 73");
	routes_withdraw(sim_bgp(w.dut), "key", simnet_now(w.net));
	expect_update(&w, "900f 000b 001946 00000001 03 6b6579");
	send_update(&w, ROUTE("6b6579") ATTRS); /* the peer's own, which comes without */
	assert_false(raw_wait(&w.raw, 2, 100 * MS, &m));
	raw_world_end(&w);
}

static void routes_go_out_without_an_id_to_who_does_not(void **state)
{
	struct raw_world w;

	start(&w, BGP_ADD_PATH_SEND | BGP_ADD_PATH_RECEIVE, "4504 00194602");
	expect_update(&w, "800f 03 001946");
	routes_originate(sim_bgp(w.dut), "key", 1, simnet_now(w.net));
	expect_update(&w, "900e 000f 001946 04 c6336401 00 03 6b6579 01 73");
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_open_says_add_path_when_it_is_configured),
		cmocka_unit_test(a_direction_needs_a_sender_and_a_receiver),
		cmocka_unit_test(a_capability_that_is_not_understood_negotiates_nothing),
		cmocka_unit_test(paths_come_change_and_go_by_id),
		cmocka_unit_test(of_one_message_the_last_path_of_an_id_counts),
		cmocka_unit_test(what_is_treated_as_withdrawn_is_that_path),
		cmocka_unit_test(an_id_that_is_cut_short_ends_the_session),
		cmocka_unit_test(max_prefixes_counts_paths),
		cmocka_unit_test(a_flood_of_ids_ends_the_session),
		cmocka_unit_test(routes_go_out_with_an_id_to_who_takes_them),
		cmocka_unit_test(routes_go_out_without_an_id_to_who_does_not),
	};

	return RUN_TESTS(tests);
}
