/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * Sessions between two engines on a simulated network: start, OPEN, collisions, timers, the same run from the
 * same seed. Beside it: test_session_admin, test_session_limit (max-prefixes); and against a peer by hand,
 * which says what no engine would: test_session_connections, _messages, _timers, _update, _refresh, _extended.
 */
#include "tests/lib/test.h"

#include "base/json.h"
#include "tests/lib/pairworld.h"

/* ---- start and routes -------------------------------------------------------------------------------------------- */

static void check_exchange(struct pair_setup s)
{
	struct pair w;

	pair_start(&w, &s);
	routes_originate(side_bgp(&w.a), "before", 1, simnet_now(w.net));
	pair_wait_up(&w, 10 * S);
	assert_int_equal(w.b.seen.best, 1);
	routes_originate(side_bgp(&w.b), "after", 2, simnet_now(w.net));
	routes_originate(side_bgp(&w.a), "third", 1, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(w.a.seen.best, 3);
	assert_int_equal(w.b.seen.best, 3);
	assert_int_equal(side_info(&w.a).prefixes_received, 1);
	assert_int_equal(side_info(&w.a).prefixes_sent, 2);
	assert_int_equal(side_info(&w.b).prefixes_received, 2);
	routes_withdraw(side_bgp(&w.a), "before", simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(w.b.seen.best, 2);
	assert_int_equal(side_info(&w.a).nlri_out, 3);
	assert_int_equal(side_info(&w.b).nlri_in, 3);
	assert_int_equal(w.a.seen.ends, 1);
	assert_int_equal(w.b.seen.ends, 1);
	assert_int_equal(w.a.seen.ups, 1);
	assert_true(side_info(&w.a).eor_received && side_info(&w.a).eor_sent);
	pair_end(&w);
}

static void internal_peers_exchange_routes(void **state)
{
	check_exchange((struct pair_setup){ 0 });
}

static void external_peers_exchange_routes(void **state)
{
	check_exchange((struct pair_setup){ .b.asn = 4200000000u });
}

static void octets_one_at_a_time_make_no_difference(void **state)
{
	check_exchange((struct pair_setup){ .net = { .piece = 1 } });
}

static void a_small_window_makes_no_difference(void **state)
{
	check_exchange((struct pair_setup){ .net = { .window = 16, .delay_min_us = 10, .delay_max_us = 5 * MS } });
}

static void check_capabilities(const struct side *side)
{
	struct buf b;
	struct json j;

	buf_init(&b);
	json_init(&j, &b);
	json_object(&j, NULL);
	bgp_peer_print_capabilities(side->peer, &j);
	json_object_end(&j);
	buf_add(&b, "", 1);
	assert_string_equal(
		buf_data(&b),
		"{\"capabilities_sent\":[\"multiprotocol 25/70\",\"route-refresh\","
		"\"extended-message\",\"4-octet-as 65001\","
		"\"enhanced-route-refresh\",\"graceful-restart 0 s, notification\"],"
		"\"capabilities_received\":[\"multiprotocol 25/70\",\"route-refresh\","
		"\"extended-message\",\"4-octet-as 65001\","
		"\"enhanced-route-refresh\",\"graceful-restart 0 s, notification\"]}");
	buf_fini(&b);
}

static void established_says_what_was_negotiated(void **state)
{
	struct pair_setup s = { .a.peer = { .hold_time = 30, .description = "spine" },
			   .b.peer = { .hold_time = 180, .passive = true } };
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	assert_int_equal(side_info(&w.a).hold_time, 30);
	assert_int_equal(side_info(&w.b).hold_time, 30);
	assert_int_equal(side_info(&w.b).hold_time_configured, 180);
	assert_int_equal(side_info(&w.a).keepalive_ms, 10000);
	assert_int_equal(side_info(&w.a).router_id, 0xc0000202);
	assert_string_equal(ip_str(&w.a.peer->session->local).s, "192.0.2.1");
	assert_string_equal(ip_str(&w.b.peer->session->local).s, "192.0.2.2");
	assert_int_equal(side_info(&w.a).out.open, 1);
	assert_int_equal(side_info(&w.a).in.open, 1);
	assert_int_equal(side_info(&w.a).established_count, 1);
	assert_string_equal(side_info(&w.a).description, "spine");
	assert_int_not_equal(side_info(&w.a).group, 0);
	assert_in_range(mtime_diff_us(side_info(&w.a).since, simnet_now(w.net)), 90 * MS, 110 * MS);
	assert_string_equal(side_info(&w.a).reason, "KEEPALIVE received");
	check_capabilities(&w.a);
	assert_int_equal(
		lines_count(&w.a.lines, "info peer 192.0.2.2: OpenConfirm -> Established (KEEPALIVE received)"), 1);
	pair_end(&w);
}

/* ---- OPEN -------------------------------------------------------------------------------------------------------- */

static void a_wrong_as_is_refused_and_both_sides_say_so(void **state)
{
	struct pair_setup s = { .a.peer.asn = 65009, .b.peer.passive = true };
	struct pair w;
	struct bgp_peer_info a, b;

	pair_start(&w, &s);
	simnet_run(w.net, 100 * MS);
	a = side_info(&w.a);
	b = side_info(&w.b);
	assert_int_equal(a.state, BGP_IDLE);
	assert_int_equal(b.state, BGP_ACTIVE);
	assert_true(a.last_out.set && a.last_out.code == 2 && a.last_out.subcode == 2);
	assert_true(b.last_in.set && b.last_in.code == 2 && b.last_in.subcode == 2);
	assert_string_equal(b.last_in.text, "OPEN message error/bad peer AS");
	assert_int_equal(lines_count(&w.b.lines,
				     "remote peer 192.0.2.1: NOTIFICATION 2/2 received: OPEN message error/bad peer "
				     "AS [ffff"),
			 1);
	assert_int_equal(lines_count(&w.a.lines, "remote peer 192.0.2.2: NOTIFICATION 2/2 sent, OPEN message error/bad "
							"peer AS: it is in AS 65001, configured is AS 65009 [ffff"), 1);
	pair_end(&w);
}

static void equal_identifiers_are_for_external_peers_only(void **state) /* RFC 6286 2.2 */
{
	struct pair_setup in = { .a.id = 7, .b.id = 7 }, out = { .a.id = 7, .b.id = 7, .b.asn = 65002 };
	struct pair w;

	pair_start(&w, &in);
	simnet_run(w.net, 10 * S);
	assert_false(pair_up(&w));
	assert_int_equal(side_info(&w.a).last_out.code, 2);
	assert_int_equal(side_info(&w.a).last_out.subcode, 3);
	pair_end(&w);
	pair_start(&w, &out);
	pair_wait_up(&w, 10 * S);
	pair_end(&w);
}

static void roles_are_checked(void **state) /* RFC 9234 4.2 */
{
	struct pair_setup good = { .b.asn = 65002, .a.peer.role = CAP_ROLE_PROVIDER, .b.peer.role = CAP_ROLE_CUSTOMER };
	struct pair_setup bad = { .b.asn = 65002, .a.peer.role = CAP_ROLE_PROVIDER, .b.peer.role = CAP_ROLE_PEER };
	struct pair_setup one = { .b.asn = 65002, .a.peer.role = CAP_ROLE_PROVIDER };
	struct pair_setup internal = { .a.peer.role = CAP_ROLE_PROVIDER, .b.peer.role = CAP_ROLE_PEER };
	struct pair w;

	pair_start(&w, &good);
	pair_wait_up(&w, 10 * S);
	pair_end(&w);
	pair_start(&w, &one);
	pair_wait_up(&w, 10 * S);
	pair_end(&w);
	pair_start(&w, &internal);
	pair_wait_up(&w, 10 * S);
	pair_end(&w);
	pair_start(&w, &bad);
	simnet_run(w.net, 10 * S);
	assert_false(pair_up(&w));
	assert_int_equal(side_info(&w.a).last_out.code, 2);
	assert_int_equal(side_info(&w.a).last_out.subcode, 11);
	pair_end(&w);
}

/* ---- collisions -------------------------------------------------------------------------------------------------- */

/* Both connect at once; want: who opened the connection that stays. */
static void check_collision(struct pair_setup s, bool a_opened)
{
	unsigned collisions = 0;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct pair w;

		/* Alike enough that no connection is Established before the other one's OPEN comes. */
		s.net = (struct simnet_params){ .seed = seed, .delay_min_us = 10 * MS, .delay_max_us = 12 * MS };
		pair_start(&w, &s);
		pair_wait_up(&w, 10 * S);
		simnet_run(w.net, 5 * S);
		assert_true(pair_up(&w));
		assert_int_not_equal(w.a.peer->session->outgoing, w.b.peer->session->outgoing);
		if (side_info(&w.a).last_out.code == 6 || side_info(&w.b).last_out.code == 6) {
			collisions++;
			assert_int_equal(w.a.peer->session->outgoing, a_opened);
		}
		/* The other connection is gone on both sides, and nothing tries again. */
		assert_int_equal(w.a.peer->n_conns, 1);
		assert_int_equal(w.b.peer->n_conns, 1);
		assert_int_equal(side_info(&w.a).established_count, 1);
		assert_int_equal(side_info(&w.b).established_count, 1);
		simnet_run(w.net, 200 * S);
		assert_int_equal(side_info(&w.a).established_count, 1);
		pair_end(&w);
	}
	assert_in_range(collisions, 10, 40);
}

static void the_connection_of_the_higher_identifier_stays(void **state) /* RFC 4271 6.8 */
{
	check_collision((struct pair_setup){ 0 }, false);
	check_collision((struct pair_setup){ .a.id = 0xc0000209 }, true);
}

/* How often a session was lost until one stood for good, over 160 distances between the two first connects. */
static unsigned flaps_over_distances(int64_t delay_min_us, int64_t delay_max_us, uint32_t id_a)
{
	unsigned flaps = 0;

	for (uint64_t i = 0; i < 160; i++) {
		struct pair_setup s = {
			.net = { .seed = i + 1, .delay_min_us = delay_min_us, .delay_max_us = delay_max_us },
			.a.id = id_a,
			.b_lag_us = (int64_t)i * 500
		};
		struct pair w;

		pair_start(&w, &s);
		pair_wait_up(&w, 20 * S);
		simnet_run(w.net, 30 * S);
		assert_true(pair_up(&w));
		assert_int_equal(w.a.peer->n_conns, 1);
		assert_int_equal(w.b.peer->n_conns, 1);
		assert_int_not_equal(w.a.peer->session->outgoing, w.b.peer->session->outgoing);
		flaps += side_info(&w.a).established_count - 1;
		pair_end(&w);
	}
	return flaps;
}

static void connects_at_any_distance_end_in_one_session(void **state)
{
	unsigned n = flaps_over_distances(10 * MS, 10 * MS, 0) + flaps_over_distances(10 * MS, 10 * MS, 0xc0000209);
	unsigned mixed = flaps_over_distances(1 * MS, 60 * MS, 0);

	print_message("%u flaps, %u where messages overtake one another\n", n, mixed);
	assert_int_equal(n, 0);
	assert_in_range(mixed, 0, 40);
}

static void with_equal_identifiers_the_larger_as_decides(void **state) /* RFC 6286 2.3 */
{
	check_collision((struct pair_setup){ .a.id = 7, .b.id = 7, .b.asn = 65002 }, false);
	check_collision((struct pair_setup){ .a.id = 7, .b.id = 7, .a.asn = 65002 }, true);
}

/* ---- timers ------------------------------------------------------------------------------------------------------ */

static void keepalives_come_at_a_third_of_the_hold_time_with_jitter(void **state)
{
	struct pair_setup s = { 0 };
	struct pair w;
	uint64_t before, n;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	before = side_info(&w.a).out.keepalive;
	simnet_run(w.net, 3000 * S);
	n = side_info(&w.a).out.keepalive - before;
	assert_in_range(n, 3000 / 30, 3000 / 22);
	assert_in_range(n, 105, 130); /* neither always 0.75 nor always 1.0 */
	assert_int_equal(side_info(&w.b).in.keepalive, side_info(&w.a).out.keepalive);
	assert_int_equal(side_info(&w.a).established_count, 1);
	pair_end(&w);
}

static void without_a_hold_time_nothing_is_sent(void **state)
{
	struct pair_setup s = { .b.no_hold = true };
	struct pair w;
	uint64_t before;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	assert_int_equal(side_info(&w.a).hold_time, 0);
	before = simnet_octets(w.net);
	simnet_run(w.net, 100000 * S);
	assert_int_equal(simnet_octets(w.net), before);
	assert_true(pair_up(&w));
	pair_end(&w);
}

static void silence_ends_a_session_after_the_hold_time(void **state)
{
	struct pair_setup s = { .a.peer.hold_time = 9 };
	struct pair w;
	int64_t at;

	pair_start(&w, &s);
	routes_originate(side_bgp(&w.b), "route", 2, simnet_now(w.net));
	pair_wait_up(&w, 10 * S);
	simnet_run(w.net, 20 * S);
	assert_true(pair_up(&w));
	assert_int_equal(w.a.seen.best, 1);
	sim_block(w.net, w.a.node, w.b.node, true);
	at = simnet_now(w.net).us;
	while (side_info(&w.a).state == BGP_ESTABLISHED)
		simnet_run(w.net, 10 * MS);
	assert_in_range(simnet_now(w.net).us - at, 5 * S, 9 * S + 20 * MS);
	simnet_run(w.net, 5 * S);
	assert_int_equal(w.a.seen.downs, 1);
	assert_int_equal(w.a.seen.best, 0);
	assert_int_equal(side_info(&w.a).last_out.code, 4);
	assert_int_equal(side_info(&w.a).last_out.subcode, 0);
	assert_int_equal(lines_count(&w.a.lines, "Established -> Idle (hold timer expired"), 1);
	sim_block(w.net, w.a.node, w.b.node, false);
	pair_wait_up(&w, 60 * S);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

/* Our connects to a peer that refuses: the waits between them. */
static void our_connects_wait_longer_each_time(void **state)
{
	struct pair_setup s = { .b.peer.passive = true };
	int64_t last = 0, wait, want = 1;
	unsigned tries = 1;
	struct pair w;

	pair_start(&w, &s);
	sim_refuse(w.b.node, true);
	simnet_run(w.net, 500 * MS); /* the first one */
	last = simnet_now(w.net).us;
	for (int i = 0; i < 10; i++) {
		while (lines_count(&w.a.lines, "Idle -> Connect") == tries)
			simnet_run(w.net, 20 * MS);
		tries++;
		wait = simnet_now(w.net).us - last;
		last = simnet_now(w.net).us;
		assert_in_range(wait, want * S * 3 / 4 - 520 * MS, want * S + 100 * MS);
		want = want * 2 > 60 ? 60 : want * 2;
	}
	/* One line for all of them, and one again when it happens anew. */
	assert_int_equal(lines_count(&w.a.lines, "info peer 192.0.2.2: cannot connect to port 0: connection refused"),
			 1);
	sim_refuse(w.b.node, false);
	pair_wait_up(&w, 61 * S);
	/* A session that has lasted clears the wait. */
	simnet_run(w.net, 100 * S);
	sim_reset(w.net, w.a.node, w.b.node);
	simnet_run(w.net, 10 * MS);
	assert_false(pair_up(&w));
	pair_wait_up(&w, 2 * S);
	sim_refuse(w.b.node, true);
	sim_reset(w.net, w.a.node, w.b.node);
	simnet_run(w.net, 5 * S);
	assert_int_equal(lines_count(&w.a.lines, "info peer 192.0.2.2: cannot connect to port 0: connection refused"),
			 2);
	pair_end(&w);
}

static void a_connect_that_gets_no_answer_is_tried_anew(void **state)
{
	struct pair_setup s = { .b.peer.passive = true };
	struct pair w;

	pair_start(&w, &s);
	sim_block(w.net, w.a.node, w.b.node, true);
	simnet_run(w.net, 100 * S);
	assert_int_equal(side_info(&w.a).state, BGP_CONNECT);
	assert_int_equal(w.a.peer->n_conns, 1);
	assert_in_range(mtime_diff_us(simnet_now(w.net), w.a.peer->connect_retry.at), 0, 15 * S);
	sim_block(w.net, w.a.node, w.b.node, false);
	pair_wait_up(&w, 20 * S);
	pair_end(&w);
}

static void a_peer_that_died_silently_is_back_at_once(void **state)
{
	struct pair_setup s = { 0 };
	struct bgp_params p;
	struct pair w;

	pair_start(&w, &s);
	routes_originate(side_bgp(&w.b), "old", 2, simnet_now(w.net));
	pair_wait_up(&w, 10 * S);
	simnet_run(w.net, 10 * S);
	sim_crash(w.b.node);
	simnet_run(w.net, 1 * S);
	assert_int_equal(side_info(&w.a).state, BGP_ESTABLISHED); /* nothing has told it */
	p = side_params(&s.b, &w.b);
	sim_restart(w.b.node, &p);
	routes_listen(&w.b.seen);
	bgp_family_register(side_bgp(&w.b), &test_family, &w.b.seen.listener);
	side_peer(&w.b, &w.a, &s.b, &s.a);
	pair_wait_up(&w, 3 * S); /* not the hold time */
	assert_int_equal(side_info(&w.a).established_count, 2);
	simnet_run(w.net, 1 * S);
	assert_int_equal(w.a.seen.best, 0);
	pair_end(&w);
}

static void no_answer_is_said_while_one_still_waits(void **state)
{
	struct pair_setup s = { .b.peer.passive = true, .a.peer.password = "secret" };
	struct pair w;

	pair_start(&w, &s);
	sim_block(w.net, w.a.node, w.b.node, true);
	simnet_run(w.net, 4 * S);
	assert_int_equal(lines_count(&w.a.lines, "cannot connect"), 0);
	simnet_run(w.net, 2 * S);
	assert_int_equal(lines_count(&w.a.lines,
				     "info peer 192.0.2.2: cannot connect to port 0: no answer (is it up? has "
				     "it the same password?), trying on"),
			 1);
	assert_string_equal(side_info(&w.a).connect_error, "no answer (is it up? has it the same password?)");
	simnet_run(w.net, 100 * S); /* not again at each attempt */
	assert_int_equal(lines_count(&w.a.lines, "cannot connect"), 1);
	sim_block(w.net, w.a.node, w.b.node, false);
	pair_wait_up(&w, 20 * S);
	assert_string_equal(side_info(&w.a).connect_error, "");
	simnet_run(w.net, 100 * S);
	assert_int_equal(lines_count(&w.a.lines, "no OPEN"), 0);
	pair_end(&w);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static uint64_t trace_of(uint64_t seed)
{
	struct pair_setup s = { .net = { .seed = seed, .delay_min_us = 100, .delay_max_us = 30 * MS } };
	uint64_t trace;
	struct pair w;

	pair_start(&w, &s);
	for (unsigned i = 0; i < 20; i++) {
		routes_originate(side_bgp(&w.a), "key", i, simnet_now(w.net));
		simnet_run(w.net, 3 * S);
		if (i % 5 == 4)
			sim_reset(w.net, w.a.node, w.b.node);
	}
	trace = simnet_trace(w.net);
	pair_end(&w);
	return trace;
}

static void a_seed_gives_the_same_run_again(void **state)
{
	assert_int_equal(trace_of(1), trace_of(1));
	assert_int_not_equal(trace_of(1), trace_of(2));
}

static void at_the_end_nothing_is_left(void **state)
{
	struct bgp_memory m;
	struct pair_setup s = { 0 };
	struct pair w;

	pair_start(&w, &s);
	for (unsigned i = 0; i < 5; i++) {
		routes_originate(side_bgp(&w.b), "route", i, simnet_now(w.net));
		pair_wait_up(&w, 60 * S);
		assert_int_equal(w.a.seen.best, 1);
		sim_reset(w.net, w.a.node, w.b.node);
		simnet_run(w.net, 10 * MS);
	}
	routes_withdraw(side_bgp(&w.b), "route", simnet_now(w.net));
	bgp_peer_down(w.a.peer, NULL, simnet_now(w.net));
	bgp_peer_down(w.b.peer, NULL, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	bgp_memory(side_bgp(&w.a), &m);
	assert_int_equal(m.conns, 0);
	assert_int_equal(m.keys, 0);
	assert_int_equal(m.sets, 0);
	assert_int_equal(w.a.seen.best, 0);
	bgp_memory(side_bgp(&w.b), &m);
	assert_int_equal(m.keys, 0);
	assert_int_equal(m.sets, 0);
	assert_int_equal(bgp_deadline(side_bgp(&w.a)).us, MTIME_NEVER.us);
	pair_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(internal_peers_exchange_routes),
		cmocka_unit_test(external_peers_exchange_routes),
		cmocka_unit_test(octets_one_at_a_time_make_no_difference),
		cmocka_unit_test(a_small_window_makes_no_difference),
		cmocka_unit_test(established_says_what_was_negotiated),
		cmocka_unit_test(a_wrong_as_is_refused_and_both_sides_say_so),
		cmocka_unit_test(equal_identifiers_are_for_external_peers_only),
		cmocka_unit_test(roles_are_checked),
		cmocka_unit_test(the_connection_of_the_higher_identifier_stays),
		cmocka_unit_test(connects_at_any_distance_end_in_one_session),
		cmocka_unit_test(with_equal_identifiers_the_larger_as_decides),
		cmocka_unit_test(keepalives_come_at_a_third_of_the_hold_time_with_jitter),
		cmocka_unit_test(without_a_hold_time_nothing_is_sent),
		cmocka_unit_test(silence_ends_a_session_after_the_hold_time),
		cmocka_unit_test(our_connects_wait_longer_each_time),
		cmocka_unit_test(a_connect_that_gets_no_answer_is_tried_anew),
		cmocka_unit_test(a_peer_that_died_silently_is_back_at_once),
		cmocka_unit_test(no_answer_is_said_while_one_still_waits),
		cmocka_unit_test(a_seed_gives_the_same_run_again),
		cmocka_unit_test(at_the_end_nothing_is_left),
	};

	return RUN_TESTS(tests);
}
