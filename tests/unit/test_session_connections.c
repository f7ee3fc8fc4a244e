/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * An engine against a peer by hand: which connections stand, how many, and who of two goes. Collisions between
 * two engines are test_session's; the file's other halves test_session_messages, _timers, _update and _refresh.
 */
#include "tests/lib/test.h"

#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"

/* ---- accepting --------------------------------------------------------------------------------------------------- */

static void every_connection_gets_an_open_whatever_went_before(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	for (int i = 0; i < 50; i++) {
		assert_true(raw_connect(&w.raw));
		raw_send_hex(&w.raw, MARKER "0013 07");
		raw_expect_end(&w, 1, 3, "07");
		if (i == 0)
			assert_int_equal(
				lines_count(&w.lines, "unknown message type [ffffffffffffffffffffffffffffffff001307]"),
				1);
		raw_drop(&w.raw);
	}
	raw_establish(&w.raw);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_world_end(&w);
}

static void more_than_ten_connections_a_second_wait(void **state)
{
	struct raw_world w;
	struct mtime now;

	raw_world_start(&w, (struct raw_setup){ 0 });
	now = simnet_now(w.net);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(bgp_accept_at(w.peer, now).us, now.us);
		assert_true(raw_connect(&w.raw));
		raw_drop(&w.raw);
	}
	raw_run(&w, 10 * MS);
	assert_false(raw_connect(&w.raw));
	assert_true(raw_closed(&w.raw));
	raw_drop(&w.raw);
	assert_int_equal(raw_info(&w).accepts_refused, 1);
	now = bgp_accept_at(w.peer, simnet_now(w.net));
	assert_in_range(now.us - simnet_now(w.net).us, 1, S);
	raw_run(&w, now.us - simnet_now(w.net).us);
	raw_establish(&w.raw);
	raw_world_end(&w);
}

static void connections_that_say_nothing_are_bounded(void **state)
{
	struct sim_end *ends[12];
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	for (int i = 0; i < 12; i++) {
		raw_run(&w, 200 * MS);
		assert_true(raw_connect(&w.raw));
		ends[i] = w.raw.end;
	}
	raw_run(&w, 100 * MS);
	assert_int_equal(w.peer->n_conns, 8);
	for (int i = 0; i < 12; i++) {
		w.raw.end = ends[i];
		assert_int_equal(raw_closed(&w.raw), i < 4); /* the oldest went, each with Cease/8 */
		assert_int_equal(raw_wait(&w.raw, 3, 0, &m), i < 4);
		assert_true(i >= 4 || (m.body[0] == 6 && m.body[1] == 8));
	}
	raw_world_end(&w);
}

static void a_connection_without_an_open_is_said(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_run(&w, 4 * S);
	assert_int_equal(lines_count(&w.lines, "no OPEN"), 0);
	raw_run(&w, 2 * S);
	assert_int_equal(
		lines_count(&w.lines, "remote peer 192.0.2.2: no OPEN: connected for 5 s, and it has said nothing"), 1);
	raw_world_end(&w);
}

static void a_connection_that_ends_before_its_open_leaves_nothing(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_drop(&w.raw);
	raw_run(&w, 10 * MS);
	assert_int_equal(lines_count(&w.lines, "OpenSent -> Idle (connection failed: closed by the peer)"), 1);
	assert_int_equal(raw_info(&w).state, BGP_ACTIVE);
	assert_int_equal(w.peer->n_conns, 0);
	raw_world_end(&w);
}

static void a_peer_that_is_down_refuses(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_int_equal(raw_info(&w).state, BGP_ACTIVE);
	bgp_peer_down(w.peer, NULL, simnet_now(w.net));
	assert_int_equal(raw_info(&w).state, BGP_IDLE);
	assert_false(raw_connect(&w.raw));
	raw_drop(&w.raw);
	bgp_peer_up(w.peer, simnet_now(w.net));
	assert_int_equal(raw_info(&w).state, BGP_ACTIVE);
	raw_establish(&w.raw);
	raw_world_end(&w);
}

static void too_many_routes_end_what_goes_on_beside_the_session(void **state)
{
	struct raw_setup s = { .peer = { .max_prefixes = 1, .max_prefixes_restart = 60 } };
	struct rawpeer beside;
	struct raw_world w;
	struct raw_msg m;

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	beside = w.raw;
	beside.end = NULL;
	assert_true(raw_connect(&beside));
	raw_send_update(&w.raw, REACH("15", "03 6b6579 01 73" "03 6b657a 01 73") ATTRS);
	raw_expect_end(&w, 6, 1, NULL);
	assert_true(raw_wait(&beside, 3, 10 * MS, &m));
	assert_int_equal(m.body[1], 1);
	assert_true(raw_closed(&beside));
	assert_false(raw_connect(&beside));
	raw_drop(&beside);
	raw_world_end(&w);
}

/* ---- two at once ------------------------------------------------------------------------------------------------- */

static void a_newcomer_to_a_session_loses_but_makes_it_speak(void **state) /* RFC 4271 6.8 */
{
	struct sim_end *session;
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	session = w.raw.end;
	raw_run(&w, 1 * S);
	raw_flush(&w.raw);
	assert_true(raw_connect(&w.raw)); /* it gets its OPEN, too */
	raw_run(&w, 1 * S);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_send_open(&w.raw);
	raw_expect_end(&w, 6, 7, "");
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).established_count, 1);
	w.raw.end = session;
	assert_true(raw_wait(&w.raw, 4, 10 * MS, &m));
	raw_world_end(&w);
}

static void of_two_that_the_peer_opened_the_new_one_stays(void **state)
{
	struct sim_end *first;
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	first = w.raw.end;
	raw_send_open(&w.raw);
	raw_run(&w, 100 * MS);
	raw_establish(&w.raw);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	w.raw.end = first;
	assert_true(raw_wait(&w.raw, 3, 10 * MS, &m));
	assert_true(m.body[0] == 6 && m.body[1] == 7);
	raw_world_end(&w);
}

/* The neighbor has begun anew, whichever identifier is higher: RFC 4271 6.8 is about connections of both sides. */
static void of_two_that_a_neighbor_opened_the_new_one_stays(void **state)
{
	for (uint32_t id = 0xc0000200; id <= 0xc0000202; id += 2) {
		struct raw_world w;
		struct rawpeer again;
		struct raw_msg m;

		raw_world_start(&w, (struct raw_setup){ .raw.id = id });
		assert_true(raw_connect(&w.raw));
		raw_send_open(&w.raw); /* and no more: it is in OpenConfirm */
		raw_run(&w, 10 * MS);
		again = w.raw;
		again.end = NULL;
		raw_establish(&again);
		assert_true(raw_wait(&w.raw, 3, 10 * MS, &m));
		assert_int_equal(m.body[1], 7);
		assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
		raw_drop(&again);
		raw_world_end(&w);
	}
}

static void a_connection_without_an_open_is_no_rival(void **state)
{
	struct sim_end *silent;
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	silent = w.raw.end;
	raw_establish(&w.raw);
	raw_run(&w, 1 * S);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(w.peer->n_conns, 2);
	w.raw.end = silent;
	assert_false(raw_closed(&w.raw));
	raw_send_open(&w.raw);
	assert_true(raw_wait(&w.raw, 3, 100 * MS, &m));
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_world_end(&w);
}

static void a_collision_does_not_hide_what_was_before(void **state)
{
	struct rawpeer again;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	bgp_peer_clear(w.peer, NULL, simnet_now(w.net));
	raw_expect_end(&w, 6, 4, NULL);
	raw_drop(&w.raw);
	raw_establish(&w.raw);
	again = w.raw;
	again.end = NULL;
	assert_true(raw_connect(&again));
	raw_send_open(&again);
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).out.notification, 2);
	assert_int_equal(raw_info(&w).last_out.subcode, 4);
	raw_drop(&again);
	raw_world_end(&w);
}

/* ---- calling beside accepting ------------------------------------------------------------------------------------ */

static void an_accepted_session_ends_our_own_attempts(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .active = true });
	sim_refuse(w.raw.node, true);
	raw_run(&w, 10 * S);
	raw_establish(&w.raw);
	assert_int_equal(w.peer->own.state, BGP_IDLE);
	assert_false(timerq_armed(&w.peer->idle_hold) || timerq_armed(&w.peer->connect_retry));
	sim_refuse(w.raw.node, false);
	raw_run(&w, 80 * S);
	assert_null(sim_raw_accepted(w.raw.node));
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_run(&w, 20 * S); /* no KEEPALIVE from there: it ends, and we connect again */
	assert_non_null(sim_raw_accepted(w.raw.node));
	raw_world_end(&w);
}

static void a_connect_under_way_ends_when_an_accepted_session_stands(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .active = true,
						.net = { .delay_min_us = 5 * S, .delay_max_us = 5 * S } });
	assert_int_equal(w.peer->own.state, BGP_CONNECT);
	w.raw.end = sim_raw_connect(w.raw.node, w.dut);
	raw_run(&w, 10 * S);
	raw_send_open(&w.raw);
	raw_send_keepalive(&w.raw);
	/* Meanwhile its own connect is done and gets no OPEN, so the session is the accepted one. */
	raw_run(&w, 20 * S);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_false(w.peer->session->outgoing);
	raw_world_end(&w);
}

static void while_an_open_is_being_answered_we_do_not_call(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .active = true, .peer.hold_time = 9 });
	sim_refuse(w.raw.node, true);
	raw_run(&w, 100 * MS);
	sim_refuse(w.raw.node, false);
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw); /* and no KEEPALIVE */
	raw_run(&w, 8 * S);
	assert_int_equal(raw_info(&w).state, BGP_OPENCONFIRM);
	assert_null(sim_raw_accepted(w.raw.node));
	raw_run(&w, 5 * S); /* that one is over by its hold timer */
	assert_non_null(sim_raw_accepted(w.raw.node));
	raw_world_end(&w);
}

static void a_peer_that_hangs_up_on_our_open_is_called_again_soon(void **state)
{
	struct sim_end *e;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .active = true, .peer.hold_time = 9 });
	raw_run(&w, 100 * MS);
	e = sim_raw_accepted(w.raw.node);
	assert_non_null(e);
	sim_end_drop(e);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.peer->own.state, BGP_ACTIVE); /* RFC 4271 8.2.2, OpenSent on 18 */
	raw_run(&w, 1100 * MS);
	e = sim_raw_accepted(w.raw.node);
	assert_non_null(e);
	sim_end_drop(e);
	/* The wait in Active goes on while another connection is in OpenConfirm, and does not get lost. */
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_run(&w, 7 * S);
	assert_null(sim_raw_accepted(w.raw.node));
	raw_run(&w, 12 * S);
	assert_non_null(sim_raw_accepted(w.raw.node));
	raw_world_end(&w);
}

/* ---- the network below ------------------------------------------------------------------------------------------- */

struct told {
	unsigned want_write, close;
};

static void count_connect(void *ctx, struct bgp_conn *c)
{
}

static void count_want_write(void *ctx, struct bgp_conn *c)
{
	((struct told *)ctx)->want_write++;
}

static void count_close(void *ctx, struct bgp_conn *c)
{
	((struct told *)ctx)->close++;
}

static void the_network_is_told_once_and_pulls_until_there_is_nothing(void **state)
{
	static const struct mtime now = { 0 };
	struct told told = { 0 };
	struct lines l;
	struct bgp_params p = { .asn = 65001, .router_id = 1, .seed = 1, .log = &l.log,
				.net = { count_connect, count_want_write, count_close, NULL, NULL, &told } };
	struct bgp_peer_params pp = { .address = ip_v4(0xc0000202), .asn = 65001, .hold_time = 90, .passive = true };
	struct bgp_peer *peer;
	struct bgp_conn *c;
	uint8_t space[4096], data[256];
	struct bgp *b;

	lines_init(&l, LOG_ERROR);
	b = bgp_new(&p, now);
	bgp_family_register(b, &test_family, NULL);
	assert_int_equal(bgp_peer_add(b, &pp, now, &peer), 0);
	c = bgp_accept(peer, now);
	assert_int_equal(told.want_write, 1);
	bgp_conn_input(c, data, hex_bytes(MARKER "002d 01 04 fde9 005a c0000202 10 02 0e 010400190046 0200 41040000fde9"
					  KEEPALIVE, data, sizeof(data)), now);
	routes_originate(b, "one", 1, now);
	routes_originate(b, "two", 2, now);
	assert_int_equal(told.want_write, 1); /* nothing was pulled yet */
	while (bgp_conn_pull(c, space, sizeof(space), now))
		assert_int_equal(told.want_write, 1);
	routes_originate(b, "three", 3, now);
	routes_originate(b, "four", 4, now);
	assert_int_equal(told.want_write, 2);
	bgp_peer_down(peer, NULL, now);
	assert_int_equal(told.close, 1);
	routes_originate(b, "five", 5, now);
	assert_int_equal(told.want_write, 2); /* and the end is not news to it */
	assert_int_equal(bgp_conn_pull(c, space, sizeof(space), now), 21);
	assert_int_equal(bgp_conn_pull(c, space, sizeof(space), now), 0);
	bgp_conn_release(c);
	bgp_free(b);
	lines_fini(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_connection_gets_an_open_whatever_went_before),
		cmocka_unit_test(more_than_ten_connections_a_second_wait),
		cmocka_unit_test(connections_that_say_nothing_are_bounded),
		cmocka_unit_test(a_connection_without_an_open_is_said),
		cmocka_unit_test(a_connection_that_ends_before_its_open_leaves_nothing),
		cmocka_unit_test(a_peer_that_is_down_refuses),
		cmocka_unit_test(too_many_routes_end_what_goes_on_beside_the_session),
		cmocka_unit_test(a_newcomer_to_a_session_loses_but_makes_it_speak),
		cmocka_unit_test(of_two_that_the_peer_opened_the_new_one_stays),
		cmocka_unit_test(of_two_that_a_neighbor_opened_the_new_one_stays),
		cmocka_unit_test(a_connection_without_an_open_is_no_rival),
		cmocka_unit_test(a_collision_does_not_hide_what_was_before),
		cmocka_unit_test(an_accepted_session_ends_our_own_attempts),
		cmocka_unit_test(a_connect_under_way_ends_when_an_accepted_session_stands),
		cmocka_unit_test(while_an_open_is_being_answered_we_do_not_call),
		cmocka_unit_test(a_peer_that_hangs_up_on_our_open_is_called_again_soon),
		cmocka_unit_test(the_network_is_told_once_and_pulls_until_there_is_nothing),
	};

	return RUN_TESTS(tests);
}
