/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * max-prefixes between two engines: the warning, the end, the time after it. What all neighbors may hold together is
 * test_limit's.
 */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/pairworld.h"

static void more_routes_than_allowed_end_the_session(void **state) /* RFC 4486 */
{
	struct pair_setup s = { .a.peer.max_prefixes = 3 };
	struct pair w;
	char key[8];

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		routes_originate(side_bgp(&w.b), key, i, simnet_now(w.net));
	}
	simnet_run(w.net, 1 * S);
	assert_true(pair_up(&w));
	assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: 3 routes, of 3 that max-prefixes allows"), 1);
	routes_originate(side_bgp(&w.b), "k0", 9, simnet_now(w.net)); /* one in place of another is no more */
	simnet_run(w.net, 1 * S);
	assert_true(pair_up(&w));
	routes_originate(side_bgp(&w.b), "k3", 3, simnet_now(w.net));
	simnet_run(w.net, 50 * MS);
	assert_false(pair_up(&w));
	assert_int_equal(side_info(&w.b).last_in.code, 6);
	assert_int_equal(side_info(&w.b).last_in.subcode, 1);
	hex_assert("data", side_info(&w.b).last_in.data, side_info(&w.b).last_in.data_len, "0019 46 00000003");
	assert_int_equal(w.a.seen.best, 0);
	assert_int_equal(lines_count(&w.a.lines, "remote peer 192.0.2.2: NOTIFICATION 6/1 sent"), 1);
	pair_end(&w);
}

static void three_quarters_of_the_limit_are_said_once(void **state)
{
	struct pair_setup s = { .a.peer.max_prefixes = 100 };
	struct pair w;
	char key[8];

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 90; i++) {
			simnet_run(w.net, i == 74 ? 1 * S : 0);
			assert_int_equal(lines_count(&w.a.lines, "max-prefixes"), round + (i > 74));
			snprintf(key, sizeof(key), "k%u", i);
			routes_originate(side_bgp(&w.b), key, 1, simnet_now(w.net));
			simnet_run(w.net, i > 72 ? 20 * MS : 0);
		}
		for (unsigned i = 20; i < 90; i++) { /* to less than half, and what is over the threshold twice */
			snprintf(key, sizeof(key), "k%u", i);
			routes_withdraw(side_bgp(&w.b), key, simnet_now(w.net));
		}
		simnet_run(w.net, 1 * S);
	}
	assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: 75 routes, of 100 that max-prefixes allows"), 2);
	pair_end(&w);
}

static void the_warning_comes_where_it_is_configured(void **state)
{
	struct pair_setup s = { .a.peer = { .max_prefixes = 10, .max_prefixes_warning = 30 } };
	struct pair w;
	char key[8];

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(lines_count(&w.a.lines, "max-prefixes"), i > 2);
		snprintf(key, sizeof(key), "k%u", i);
		routes_originate(side_bgp(&w.b), key, i, simnet_now(w.net));
		simnet_run(w.net, 100 * MS);
	}
	assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: 3 routes, of 10 that max-prefixes allows"), 1);
	pair_end(&w);
}

static void over_limit(struct pair *w)
{
	char key[8];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		routes_originate(side_bgp(&w->b), key, i, simnet_now(w->net));
	}
	simnet_run(w->net, 100 * MS);
	assert_false(pair_up(w));
	assert_int_equal(side_info(&w->b).last_in.subcode, 1);
}

static void after_too_many_routes_a_neighbor_stays_down_as_configured(void **state)
{
	struct pair_setup s = { .a.peer = { .max_prefixes = 3, .max_prefixes_restart = 60 }, .b_lag_us = 1 * S };
	struct pair w;

	for (int passive = 0; passive < 2; passive++) {
		s.a.peer.passive = passive;
		pair_start(&w, &s);
		pair_wait_up(&w, 10 * S);
		over_limit(&w);
		assert_int_equal(
			lines_count(&w.a.lines, "warn peer 192.0.2.2: stays down for 60 s (max-prefixes-restart"), 1);
		simnet_run(w.net, 59 * S); /* b calls */
		assert_int_equal(side_info(&w.a).state, BGP_IDLE);
		assert_int_equal(side_info(&w.a).out.open, 1);
		assert_int_equal(side_info(&w.a).in.open, 1);
		assert_non_null(strstr(side_info(&w.a).reason, "more routes than max-prefixes"));
		for (unsigned i = 0; i < 2; i++)
			routes_withdraw(side_bgp(&w.b), i ? "k1" : "k0", simnet_now(w.net));
		pair_wait_up(&w, 62 * S); /* b's own wait is longer by now */
		assert_int_equal(w.a.seen.best, 2);
		pair_end(&w);
	}
}

static void an_operator_ends_the_wait_after_too_many_routes(void **state)
{
	struct pair_setup s = { .a.peer = { .max_prefixes = 3, .max_prefixes_restart = 3600 }, .b.peer.passive = true };
	struct pair w;

	for (int clear = 0; clear < 2; clear++) {
		pair_start(&w, &s);
		pair_wait_up(&w, 10 * S);
		over_limit(&w);
		simnet_run(w.net, 100 * S);
		assert_int_equal(side_info(&w.a).state, BGP_IDLE);
		routes_withdraw(side_bgp(&w.b), "k0", simnet_now(w.net));
		if (clear)
			bgp_peer_clear(w.a.peer, NULL, simnet_now(w.net));
		else
			bgp_peer_up(w.a.peer, simnet_now(w.net));
		pair_wait_up(&w, 2 * S);
		pair_end(&w);
	}
}

static void without_a_time_it_may_call_again_at_once(void **state)
{
	struct pair_setup s = { .a.peer = { .max_prefixes = 3, .passive = true } };
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	over_limit(&w);
	simnet_run(w.net, 10 * S);
	assert_true(side_info(&w.a).established_count > 2);
	pair_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_routes_than_allowed_end_the_session),
		cmocka_unit_test(three_quarters_of_the_limit_are_said_once),
		cmocka_unit_test(the_warning_comes_where_it_is_configured),
		cmocka_unit_test(after_too_many_routes_a_neighbor_stays_down_as_configured),
		cmocka_unit_test(an_operator_ends_the_wait_after_too_many_routes),
		cmocka_unit_test(without_a_time_it_may_call_again_at_once),
	};

	return RUN_TESTS(tests);
}
