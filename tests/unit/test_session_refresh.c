/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* An engine against a peer by hand: ROUTE-REFRESH, answered in its time, and End-of-RIB in both directions. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"

/* How many times the route was sent. */
static unsigned route_comes(struct raw_world *w, int64_t us)
{
	struct raw_msg m;
	unsigned n = 0;

	raw_run(w, us);
	while (raw_next(&w->raw, &m))
		n += m.type == 2 && memmem(m.body, m.len, "key", 3) != NULL;
	return n;
}

static void refreshes_are_answered_once_in_a_while(void **state)
{
	static const char ask[] = MARKER "0017 05 0019 00 46";
	struct raw_world w;
	unsigned n;

	raw_world_start(&w, (struct raw_setup){ 0 });
	routes_originate(sim_bgp(w.dut), "key", 1, simnet_now(w.net));
	raw_establish(&w.raw);
	assert_int_equal(route_comes(&w, 100 * MS), 1);
	raw_send_hex(&w.raw, ask);
	assert_int_equal(route_comes(&w, 10 * MS), 1); /* the first one at once */
	n = 0;
	for (unsigned i = 0; i < 100; i++) {
		raw_send_hex(&w.raw, ask);
		n += route_comes(&w, 10 * MS);
	}
	assert_int_equal(n, 0);
	assert_int_equal(route_comes(&w, 5 * S), 1); /* the others together */
	assert_int_equal(raw_info(&w).in.refresh, 101);
	raw_send_hex(&w.raw, ask);
	assert_int_equal(route_comes(&w, 10 * MS), 1);
	raw_world_end(&w);
}

/* A refresh that is asked for while the one before is still under way would begin it again and again. */
static void a_refresh_is_finished_before_the_next_begins(void **state)
{
	static const char ask[] = MARKER "0017 05 0019 00 46";
	struct raw_world w;
	struct raw_msg m;
	unsigned n = 0;
	char key[16];

	raw_world_start(&w, (struct raw_setup){ .net.window = 512 });
	for (unsigned i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "route %03u", i);
		routes_originate(sim_bgp(w.dut), key, i, simnet_now(w.net));
	}
	raw_establish(&w.raw);
	raw_run(&w, 5 * S);
	raw_flush(&w.raw);
	sim_raw_read(w.raw.end, false);
	for (int i = 0; i < 4; i++) {
		raw_send_hex(&w.raw, ask);
		raw_run(&w, 3 * S);
	}
	sim_raw_read(w.raw.end, true);
	raw_run(&w, 20 * S);
	while (raw_next(&w.raw, &m))
		n += m.type == 2 && memmem(m.body, m.len, "route ", 6) != NULL;
	/* A message a route; what was out, what was under way, and one for all that were asked for meanwhile. */
	assert_int_equal(n, 3 * 200);
	raw_world_end(&w);
}

static void a_refresh_is_answered_with_all_routes(void **state) /* RFC 2918, 7313 */
{
	static const char *const ignored[] = { "0017 05 0001 00 80", "0017 05 0019 01 46", "0017 05 0019 c8 46" };
	struct raw_msg m;
	struct raw_world w;
	char hex[80];

	raw_world_start(&w, (struct raw_setup){ 0 });
	routes_originate(sim_bgp(w.dut), "key", 1, simnet_now(w.net));
	raw_establish(&w.raw);
	raw_run(&w, 100 * MS);
	raw_flush(&w.raw);
	for (size_t i = 0; i < 3; i++) {
		snprintf(hex, sizeof(hex), MARKER "%s", ignored[i]);
		raw_send_hex(&w.raw, hex);
		assert_false(raw_wait(&w.raw, 2, 100 * MS, &m));
	}
	raw_send_hex(&w.raw, MARKER "0017 05 0019 00 46");
	assert_true(raw_wait(&w.raw, 2, 100 * MS, &m));
	assert_true(m.len > 10);
	assert_int_equal(raw_info(&w).in.refresh, 4);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_world_end(&w);
}

static void end_of_rib_is_told_in_both_encodings(void **state) /* RFC 4724 2 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_run(&w, 10 * MS);
	assert_false(raw_info(&w).eor_received);
	raw_send_update(&w.raw, "900f0003 0019 46"); /* ExaBGP's */
	raw_run(&w, 10 * MS);
	assert_true(raw_info(&w).eor_received);
	assert_int_equal(w.seen.ends, 1);
	raw_send_update(&w.raw, "800f03 0019 46");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.ends, 2);
	raw_world_end(&w);
}

static void we_send_end_of_rib_after_the_routes(void **state)
{
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	routes_originate(sim_bgp(w.dut), "key", 1, simnet_now(w.net));
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_send_keepalive(&w.raw);
	assert_true(raw_wait(&w.raw, 2, 100 * MS, &m));
	assert_true(m.len > 10);
	assert_true(raw_wait(&w.raw, 2, 100 * MS, &m));
	hex_assert("End-of-RIB", m.body, m.len, "0000 0006 800f03 0019 46");
	assert_true(raw_info(&w).eor_sent);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refreshes_are_answered_once_in_a_while),
		cmocka_unit_test(a_refresh_is_finished_before_the_next_begins),
		cmocka_unit_test(a_refresh_is_answered_with_all_routes),
		cmocka_unit_test(end_of_rib_is_told_in_both_encodings),
		cmocka_unit_test(we_send_end_of_rib_after_the_routes),
	};

	return RUN_TESTS(tests);
}
