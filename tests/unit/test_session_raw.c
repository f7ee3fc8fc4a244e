/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* An engine against a peer by hand, which says what no engine would: early, late, too much, nothing at all. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bgp/session.h"
#include "tests/lib/hex.h"
#include "tests/lib/rawworld.h"
#include "tests/lib/rng.h"

/* ---- connections ------------------------------------------------------------------------------------------------ */

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

/* ---- order of messages ------------------------------------------------------------------------------------------ */

static void messages_before_their_time_are_fsm_errors(void **state) /* RFC 6608 */
{
	static const struct {
		const char *hex;
		bool open_first;
		uint8_t subcode;
	} cases[] = {
		{ KEEPALIVE, false, 1 },
		{ MARKER "0017 02 0000 0000", false, 1 },
		{ MARKER "0017 05 00190046", false, 1 },
		{ MARKER "0017 02 0000 0000", true, 2 },
		{ MARKER "0017 05 00190046", true, 2 },
		{ MARKER "001d 01 04 fde9 005a c0000202 00", true, 2 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ 0 });
		assert_true(raw_connect(&w.raw));
		if (cases[i].open_first)
			raw_send_open(&w.raw);
		raw_send_hex(&w.raw, cases[i].hex);
		raw_expect_end(&w, 5, cases[i].subcode, "");
		assert_int_equal(raw_info(&w).state, BGP_ACTIVE);
		assert_int_equal(lines_count(&w.lines, "remote peer 192.0.2.2: NOTIFICATION 5/"), 1);
		assert_int_equal(raw_info(&w).connect_retries, 1);
		assert_int_equal(raw_info(&w).out.notification, 1);
		raw_world_end(&w);
	}
}

static void an_open_in_a_session_is_an_fsm_error(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_open(&w.raw);
	raw_expect_end(&w, 5, 3, "");
	assert_int_equal(w.seen.downs, 1);
	raw_world_end(&w);
}

static void a_notification_is_never_answered(void **state) /* RFC 4271 6.4 */
{
	struct raw_msg m;

	for (int established = 0; established < 2; established++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ 0 });
		if (established)
			raw_establish(&w.raw);
		else
			assert_true(raw_connect(&w.raw));
		raw_flush(&w.raw);
		raw_send_hex(&w.raw, MARKER "0015 03 06c8");
		raw_run(&w, 100 * MS);
		assert_true(raw_closed(&w.raw));
		assert_false(raw_next(&w.raw, &m));
		assert_int_equal(raw_info(&w).last_in.code, 6);
		assert_int_equal(raw_info(&w).last_in.subcode, 200);
		assert_string_equal(raw_info(&w).last_in.text, "cease");
		assert_int_equal(raw_info(&w).in.notification, 1);
		/* The end of a session is a line of its own. */
		assert_int_equal(lines_count(&w.lines, "remote peer 192.0.2.2: NOTIFICATION 6/200 received"),
				 !established);
		assert_false(raw_info(&w).last_out.set);
		raw_world_end(&w);
	}
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

static void the_reason_of_a_state_says_its_error_once(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .raw.asn = 65009 });
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_run(&w, 10 * MS);
	assert_string_equal(raw_info(&w).reason, "OPEN message error/bad peer AS: not the configured AS");
	hex_assert("message", raw_info(&w).last_out.message, 24, MARKER "002d 01 04 fdf1 005a");
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

static void a_peer_that_comes_and_goes_does_not_fill_the_log(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	w.lines.log.level = LOG_INFO;
	for (int i = 0; i < 100; i++) {
		raw_establish(&w.raw);
		raw_run(&w, 60 * MS);
		raw_drop(&w.raw);
		raw_run(&w, 60 * MS);
	}
	assert_int_equal(raw_info(&w).established_count, 100);
	assert_in_range(lines_count(&w.lines, "Established"), 40, 60);
	assert_true(lines_count(&w.lines, "more lines of this kind left out") > 0);
	raw_run(&w, 60 * S); /* quiet again: all is said again */
	lines_clear(&w.lines);
	raw_establish(&w.raw);
	assert_int_equal(lines_count(&w.lines, "OpenConfirm -> Established"), 1);
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

static void a_version_error_is_no_fault_of_ours_to_wait_for(void **state) /* RFC 4271 8.2.2, event 24 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "0017 03 0201 0004");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.peer->hold_back_s, 0);
	raw_drop(&w.raw);
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "0015 03 0202");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.peer->hold_back_s, 1);
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
	assert_int_equal(lines_count(&w.lines, "remote peer 192.0.2.2: no OPEN: connected for 5 s, and it has said nothing"),
			 1);
	raw_world_end(&w);
}

static void a_shutdown_text_is_shown_without_its_control_characters(void **state) /* RFC 9003 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_hex(&w.raw, MARKER "001c 03 0602 06 62791b5b310a");
	raw_run(&w, 100 * MS);
	assert_string_equal(raw_info(&w).last_in.text, "cease/administrative shutdown: by\\x1b[1\\x0a");
	assert_int_equal(lines_count(&w.lines, "info peer 192.0.2.2: Established -> Idle (NOTIFICATION received: "
					       "cease/administrative shutdown: by\\x1b[1\\x0a)"), 1);
	hex_assert("data", raw_info(&w).last_in.data, raw_info(&w).last_in.data_len, "0662791b5b310a");
	raw_world_end(&w);
}

/* ---- timers ----------------------------------------------------------------------------------------------------- */

static void silence_after_connecting_ends_after_four_minutes(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_run(&w, 239 * S);
	assert_false(raw_closed(&w.raw));
	raw_run(&w, 1 * S);
	raw_expect_end(&w, 4, 0, "");
	raw_world_end(&w);
}

static void a_stopped_process_listens_before_it_gives_up(void **state)
{
	struct raw_world w;
	struct mtime late;

	raw_world_start(&w, (struct raw_setup){ .raw.hold_time = 9 });
	raw_establish(&w.raw);
	late = mtime_add_us(simnet_now(w.net), 60 * S);
	bgp_run_timers(sim_bgp(w.dut), late);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	late = bgp_deadline(sim_bgp(w.dut)); /* and nothing came */
	bgp_run_timers(sim_bgp(w.dut), late);
	assert_int_not_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).last_out.code, 4);
	raw_world_end(&w);
}

static void updates_and_keepalives_keep_a_session_and_refreshes_do_not(void **state) /* RFC 4271 8.2.2 */
{
	static const struct {
		const char *hex;
		bool keeps;
	} cases[] = {
		{ KEEPALIVE, true },
		{ MARKER "0017 02 0000 0000", true },
		{ MARKER "0017 05 00190046", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ .raw.hold_time = 9 });
		raw_establish(&w.raw);
		for (int n = 0; n < 4; n++) {
			raw_run(&w, 3 * S);
			raw_send_hex(&w.raw, cases[i].hex);
		}
		raw_run(&w, 100 * MS);
		assert_int_equal(!raw_closed(&w.raw), cases[i].keeps);
		raw_run(&w, 10 * S);
		raw_expect_end(&w, 4, 0, "");
		raw_world_end(&w);
	}
}

static void a_peer_that_does_not_read_is_ended_and_costs_nothing(void **state) /* RFC 9687 */
{
	struct raw_setup s = { .raw.hold_time = 90, .net.window = 4096 };
	struct bgp_memory before, after;
	struct raw_world w;
	char key[16];

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	raw_run(&w, 1 * S);
	sim_raw_read(w.raw.end, false);
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "route %u", i);
		routes_originate(sim_bgp(w.dut), key, 1, simnet_now(w.net));
	}
	raw_run(&w, 1 * S);
	bgp_memory(sim_bgp(w.dut), &before);
	for (int i = 0; i < 47; i++) { /* it still says that it lives */
		raw_send_keepalive(&w.raw);
		raw_run(&w, 10 * S);
		for (unsigned k = 0; k < 1000; k++) {
			snprintf(key, sizeof(key), "route %u", k);
			routes_originate(sim_bgp(w.dut), key, (unsigned)i, simnet_now(w.net));
		}
	}
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	bgp_memory(sim_bgp(w.dut), &after);
	assert_int_equal(after.out_bytes, before.out_bytes);
	raw_send_keepalive(&w.raw);
	raw_run(&w, 20 * S);
	assert_int_not_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).last_out.code, 8);
	assert_int_equal(lines_count(&w.lines, "Established -> Idle (send hold timer expired"), 1);
	raw_world_end(&w);
}

static void with_a_long_hold_time_it_is_twice_that(void **state) /* RFC 9687 4 */
{
	struct raw_setup s = { .raw.hold_time = 400, .peer.hold_time = 400, .net.window = 512 };
	struct raw_world w;
	char key[16];

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	sim_raw_read(w.raw.end, false);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "route %u", i);
		routes_originate(sim_bgp(w.dut), key, 1, simnet_now(w.net));
	}
	for (int i = 0; i < 79; i++) {
		raw_send_keepalive(&w.raw);
		raw_run(&w, 10 * S);
	}
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	raw_run(&w, 20 * S);
	assert_int_equal(raw_info(&w).last_out.code, 8);
	raw_world_end(&w);
}

static void a_slow_reader_gets_the_last_state_and_not_the_history(void **state)
{
	struct raw_setup s = { .net.window = 4096 };
	struct raw_msg m;
	unsigned updates = 0;
	struct raw_world w;
	char key[16];

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	raw_run(&w, 1 * S);
	raw_flush(&w.raw);
	sim_raw_read(w.raw.end, false);
	for (unsigned i = 0; i < 50; i++) {
		for (unsigned k = 0; k < 200; k++) {
			snprintf(key, sizeof(key), "route %u", k);
			routes_originate(sim_bgp(w.dut), key, i, simnet_now(w.net));
		}
		raw_run(&w, 100 * MS);
	}
	sim_raw_read(w.raw.end, true);
	raw_run(&w, 1 * S);
	while (raw_next(&w.raw, &m))
		updates += m.type == 2;
	assert_in_range(updates, 1, 20);
	assert_int_equal(raw_info(&w).prefixes_sent, 200);
	assert_int_equal(raw_info(&w).pending, 0);
	raw_world_end(&w);
}

/* ---- OPEN ------------------------------------------------------------------------------------------------------- */

static void without_a_common_family_the_wanted_ones_are_named(void **state) /* RFC 5492 5 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	assert_true(raw_connect(&w.raw));
	raw_send_hex(&w.raw, MARKER "0025 01 04 fde9 005a c0000202 08 02 06 4104 0000fde9");
	raw_expect_end(&w, 2, 7, "0104 0019 00 46");
	raw_world_end(&w);
}

static void our_open_says_what_we_can(void **state)
{
	struct raw_setup s = { .asn = 4200000000u, .peer = { .asn = 65002, .role = CAP_ROLE_PEER, .hold_time = 30 } };
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, s);
	w.raw.end = sim_raw_connect(w.raw.node, w.dut);
	assert_true(raw_wait(&w.raw, 1, 20 * MS, &m));
	hex_assert("OPEN", m.body, m.len,
		   "04 5ba0 001e c0000201 1b 02 19 010400190046 0200 0600 4104fa56ea00 4600 40024000 090104");
	raw_world_end(&w);
}

static void what_is_wrong_with_an_open_is_said(void **state)
{
	static const struct {
		const char *body; /* of the OPEN */
		uint8_t subcode;
	} cases[] = {
		{ "04 fde9 005a 00000000 10 02 0e 010400190046 0200 41040000fde9", 3 },
		{ "04 fde9 005a c0000201 10 02 0e 010400190046 0200 41040000fde9", 3 }, /* our own */
		{ "04 0000 005a c0000202 10 02 0e 010400190046 0200 41040000fde9", 2 },
		{ "04 5ba0 005a c0000202 0a 02 08 010400190046 0200", 2 }, /* AS_TRANS without the capability */
		{ "04 fde9 0001 c0000202 10 02 0e 010400190046 0200 41040000fde9", 6 },
		{ "04 fde9 0002 c0000202 10 02 0e 010400190046 0200 41040000fde9", 6 },
		{ "04 fde9 005a c0000202 10 01 0e 010400190046 0200 41040000fde9", 4 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char hex[256];
		uint8_t tmp[128];
		struct raw_world w;

		raw_world_start(&w, (struct raw_setup){ 0 });
		assert_true(raw_connect(&w.raw));
		snprintf(hex, sizeof(hex), MARKER "%04zx 01 %s", 19 + hex_bytes(cases[i].body, tmp, sizeof(tmp)),
			 cases[i].body);
		raw_send_hex(&w.raw, hex);
		raw_expect_end(&w, 2, cases[i].subcode, "");
		raw_world_end(&w);
	}
}

/* ---- UPDATE ----------------------------------------------------------------------------------------------------- */

static void routes_come_go_and_change(void **state)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	assert_int_equal(raw_info(&w).prefixes_received, 1);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS); /* the same again is no change */
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.changes, 1);
	raw_send_update(&w.raw, REACH("16", "03 6b6579 01 73" "03 6b657a 02 7374") ATTRS); /* two shared parts */
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 2);
	for (unsigned n = 0; bgp_rib_next(sim_bgp(w.dut), &c, &p); n++)
		hex_assert("shared", p.attrs->shared, p.attrs->shared_len, p.key[2] == 'y' ? "73" : "7374");
	raw_send_update(&w.raw, "800f07 0019 46 03 6b6579");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	sim_raw_close(w.raw.end);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_string_equal(raw_info(&w).last_in.text, "closed by the peer");
	raw_world_end(&w);
}

static void announced_and_withdrawn_in_one_message_is_announced(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") "800f07 0019 46 03 6b6579" ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	raw_world_end(&w);
}

static void a_bad_attribute_withdraws_and_is_logged_with_its_octets(void **state) /* RFC 7606 2, 6 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS);
	raw_send_update(&w.raw, ROUTE("6b657a") ATTRS);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010109 400200 400504 00000064");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(lines_count(&w.lines,
				     "remote peer 192.0.2.2: UPDATE treated as withdraw: ORIGIN is not one octet of 0 "
				     "to 2 [ffffffffffffffffffffffffffffffff"),
			 1);
	assert_int_equal(raw_info(&w).last_malformed.code, 3);
	assert_int_equal(raw_info(&w).last_malformed.subcode, 6);
	hex_assert("message", raw_info(&w).last_malformed.message, 19, MARKER "0037 02");
	assert_false(raw_info(&w).last_in.set); /* which is for NOTIFICATIONs */
	raw_world_end(&w);
}

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

static void a_peer_full_of_faults_does_not_fill_the_log(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	for (int i = 0; i < 1000; i++)
		raw_send_update(&w.raw, ROUTE("6b6579") "40010109 400200 400504 00000064");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1000);
	assert_in_range(lines_count(&w.lines, "treated as withdraw"), 1, 10);
	raw_world_end(&w);
}

static void verdicts_on_nlri_are_carried_out(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	/* Unknown between two good ones, and one to be withdrawn; "fe" wants COMMUNITIES. */
	raw_send_update(&w.raw, REACH("1f", "03 6b6579 01 73" "03 ff7578 01 73" "03 6b657a 01 73" "02 ff77 00") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 2);
	assert_int_equal(raw_info(&w).unknown_nlri, 1);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 1);
	raw_send_update(&w.raw, REACH("0e", "03 fe6b65 00") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 3);
	/* Asked for each set: of two shared parts the first will do. */
	raw_send_update(&w.raw, REACH("14", "03 fe6b66 01 73" "03 fe6b65 00") "40010100 400200 400504 00000064");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 3);
	assert_int_equal(raw_info(&w).treat_as_withdraw, 2);
	raw_send_update(&w.raw, ROUTE("ff7278") ATTRS);
	raw_expect_end(&w, 3, 9, NULL);
	assert_int_equal(w.seen.best, 0);
	raw_world_end(&w);
}

static void unknown_routes_are_held_when_asked_for(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .reflect_unknown = true });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("ff7578") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 1);
	raw_send_update(&w.raw, "800f07 0019 46 03 ff7578");
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_int_equal(raw_info(&w).unknown_nlri, 2);
	raw_world_end(&w);
}

static void the_next_hop_is_judged_by_length_and_value(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .next_hop = 0xc63364c8 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, "800e0f 0019 46 04 00000000 00 03 6b6579 01 73" ATTRS);
	raw_send_update(&w.raw, "800e0f 0019 46 04 c0000201 00 03 6b657a 01 73" ATTRS); /* our own address */
	raw_send_update(&w.raw, "800e0f 0019 46 04 c63364c8 00 03 6b657b 01 73" ATTRS); /* that of our own routes */
	raw_run(&w, 10 * MS);
	assert_int_equal(w.seen.best, 0);
	assert_int_equal(raw_info(&w).prefixes_received, 3);
	assert_int_equal(raw_info(&w).rejected, 3);
	raw_send_update(&w.raw, "800e10 0019 46 05 c633640100 00 03 6b6579 01 73" ATTRS);
	raw_expect_end(&w, 3, 9, NULL);
	raw_world_end(&w);
}

/* A second neighbor by hand, at 192.0.2.3. */
static struct rawpeer second(struct raw_world *w, struct bgp_peer_params pp)
{
	struct rawpeer r = { .net = w->net, .dut = w->dut, .node = simnet_raw(w->net, "192.0.2.3"),
			     .p = { .asn = pp.asn, .id = 0xc0000203, .hold_time = 90 } };

	pp.passive = true;
	pp.hold_time = 90;
	sim_peer(w->dut, r.node, &pp);
	raw_establish(&r);
	return r;
}

/* Does the second one get what the first one, inside our AS, sends with this path? */
static bool passes(struct bgp_peer_params to, const char *path)
{
	struct raw_msg m;
	struct rawpeer r;
	struct raw_world w;
	char attrs[256];
	bool got = false;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	r = second(&w, to);
	raw_wait(&r, 2, 50 * MS, &m); /* End-of-RIB */
	snprintf(attrs, sizeof(attrs), ROUTE("6b6579") "40010100 %s 400504 00000064", path);
	raw_send_update(&w.raw, attrs);
	while (raw_wait(&r, 2, 50 * MS, &m))
		got |= memmem(m.body, m.len, "key", 3) != NULL;
	raw_world_end(&w);
	return got;
}

static void routes_pass_on_by_what_neighbors_are(void **state) /* RFC 4271 9.2, 4456 6 */
{
	struct bgp_peer_params internal = { .asn = 65001 }, client = { .asn = 65001, .rr_client = true };
	struct bgp_peer_params external = { .asn = 65002 };

	assert_false(passes(internal, "400200"));
	assert_true(passes(client, "400200"));
	assert_true(passes(external, "400200"));
	assert_true(passes(external, "400206 0201 0000fdeb"));
	assert_false(passes(external, "400206 0201 0000fdea")); /* it would drop it */
}

static void a_family_of_ours_that_this_peer_does_not_have_is_ignored(void **state)
{
	struct bgp_family other = test_family;
	struct raw_world w;

	other.afi = 1;
	other.safi = 132;
	raw_world_start(&w, (struct raw_setup){ 0 });
	bgp_peer_del(w.peer, simnet_now(w.net));
	bgp_family_register(sim_bgp(w.dut), &other, NULL);
	w.peer = sim_peer(w.dut, w.raw.node,
			  &(struct bgp_peer_params){ .asn = 65001, .hold_time = 90, .passive = true });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, "800e0f 0001 84 04 c6336401 00 03 6b6579 01 73" ATTRS);
	raw_send_update(&w.raw, "800f03 0001 84");
	raw_send_hex(&w.raw, MARKER "0017 05 0001 00 84");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).prefixes_received, 0);
	assert_false(raw_info(&w).eor_received);
	assert_int_equal(lines_count(&w.lines, "routes of 1/132 ignored: the family is not negotiated"), 1);
	raw_world_end(&w);
}

static void broken_withdrawals_end_the_session(void **state) /* RFC 7606 5.3 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, ROUTE("6b6579") ATTRS);
	raw_send_update(&w.raw, "800f07 0019 46 04 6b6579");
	raw_expect_end(&w, 3, 9, NULL);
	raw_world_end(&w);
}

/* RFC 4271 4.3's own fields, should IPv4 unicast be a family: the engine asks no more of it than of any other. */
static void ipv4_fields_are_a_family_like_others(void **state)
{
	struct bgp_family ipv4 = test_family;
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct raw_world w;

	ipv4.afi = 1;
	ipv4.safi = 1;
	raw_world_start(&w, (struct raw_setup){ .raw.caps = "010400010001" });
	bgp_peer_del(w.peer, simnet_now(w.net));
	bgp_family_register(sim_bgp(w.dut), &ipv4, NULL);
	w.peer = sim_peer(w.dut, w.raw.node,
			  &(struct bgp_peer_params){ .asn = 65001, .hold_time = 90, .passive = true });
	raw_establish(&w.raw);
	raw_send_hex(&w.raw,
		     MARKER "0032 02 0000 0015 40010100 400200 400304 c6336401 400504 00000064 03 6b6579 01 73");
	raw_send_update(&w.raw, ROUTE("6b657a") ATTRS);
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).prefixes_received, 2);
	while (bgp_rib_next(sim_bgp(w.dut), &c, &p))
		if (p.family == &ipv4)
			assert_string_equal(ip_str(&p.attrs->next_hop).s, "198.51.100.1");
	raw_send_hex(&w.raw, MARKER "001b 02 0004 03 6b6579 0000");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).prefixes_received, 1);
	raw_send_hex(&w.raw, MARKER "0017 02 0000 0000"); /* End-of-RIB of IPv4 unicast alone */
	raw_run(&w, 10 * MS);
	assert_false(raw_info(&w).eor_received);
	raw_send_update(&w.raw, "800f03 0019 46");
	raw_run(&w, 10 * MS);
	assert_true(raw_info(&w).eor_received);
	assert_int_equal(bgp_peer_refresh(w.peer, simnet_now(w.net)), 0);
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).out.refresh, 2);
	raw_send_hex(&w.raw, MARKER "0018 02 0001 09 0000");
	raw_expect_end(&w, 3, 10, NULL);
	raw_world_end(&w);
}

static void families_that_were_not_negotiated_are_ignored(void **state) /* RFC 4760 8 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, "800e09 0001 80 04 c6336401 00" ATTRS);
	raw_send_update(&w.raw, "800f05 03e7 46 0102");
	raw_send_hex(&w.raw, MARKER "001a 02 0002 18 0a 0000 00");
	raw_send_update(&w.raw, "800f03 0001 01");
	raw_run(&w, 10 * MS);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(w.seen.ends, 0);
	assert_int_equal(lines_count(&w.lines, "the family is not negotiated"), 3);
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

static void a_two_octet_speaker_is_understood_and_spoken_to(void **state) /* RFC 6793 */
{
	struct raw_setup s = { .asn = 4200000000u, .peer.asn = 65002, .raw = { .asn = 65002, .no_as4 = true } };
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	struct raw_msg m;
	struct raw_world w;

	raw_world_start(&w, s);
	routes_originate(sim_bgp(w.dut), "ours", 1, simnet_now(w.net));
	raw_establish(&w.raw);
	raw_flush(&w.raw);
	raw_run(&w, 100 * MS);
	raw_send_update(&w.raw, ROUTE("6b6579") "40010100 400206 0202 fdea 5ba0 c01106 0201 00011170");
	raw_run(&w, 10 * MS);
	while (bgp_rib_next(sim_bgp(w.dut), &c, &p))
		if (p.peer)
			hex_assert("path", p.attrs->as_path, p.attrs->as_path_len, "0201 0000fdea 0201 00011170");
	assert_int_equal(w.seen.best, 2);
	raw_world_end(&w);
	raw_world_start(&w, s);
	routes_originate(sim_bgp(w.dut), "ours", 1, simnet_now(w.net));
	assert_true(raw_connect(&w.raw));
	raw_send_open(&w.raw);
	raw_send_keepalive(&w.raw);
	assert_true(raw_wait(&w.raw, 2, 100 * MS, &m));
	assert_non_null(memmem(m.body, m.len, "\x40\x02\x04\x02\x01\x5b\xa0", 7));       /* AS_TRANS */
	assert_non_null(memmem(m.body, m.len, "\xc0\x11\x06\x02\x01\xfa\x56\xea", 8));   /* AS4_PATH */
	raw_world_end(&w);
}

/* ---- framing ---------------------------------------------------------------------------------------------------- */

static void a_stream_may_be_cut_anywhere(void **state)
{
	struct rng r = rng_start("a_stream_may_be_cut_anywhere");
	uint8_t all[65536], one[256];
	struct wbuf out;

	for (int round = 0; round < 50; round++) {
		struct raw_world w;
		size_t len, at = 0, step;

		raw_world_start(&w, (struct raw_setup){ 0 });
		raw_establish(&w.raw);
		out = wb_init(all, sizeof(all));
		for (unsigned i = 0; i < 100; i++) {
			char hex[512];
			size_t n;

			snprintf(hex, sizeof(hex), MARKER "0000 02 0000 0000" ROUTE("%06x") ATTRS, 0x6b0000 + i);
			n = hex_bytes(hex, one, sizeof(one));
			one[16] = (uint8_t)(n >> 8);
			one[17] = (uint8_t)n;
			one[22] = (uint8_t)(n - 23);
			wb_bytes(&out, one, n);
			wb_bytes(&out, one, hex_bytes(KEEPALIVE, one, sizeof(one)));
		}
		len = wb_len(&out);
		for (; at < len; at += step) {
			step = 1 + rng_below(&r, 200);
			step = step < len - at ? step : len - at;
			sim_raw_send(w.raw.end, all + at, step);
		}
		raw_run(&w, 100 * MS);
		assert_int_equal(w.seen.best, 100);
		assert_int_equal(raw_info(&w).in.update, 100);
		assert_int_equal(raw_info(&w).in.keepalive, 101);
		raw_world_end(&w);
	}
}

static void a_long_length_is_not_waited_for(void **state) /* RFC 4271 6.1 */
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .net.piece = 1 });
	raw_establish(&w.raw);
	raw_send_hex(&w.raw, MARKER "ffff 02");
	raw_expect_end(&w, 1, 2, "ffff");
	raw_world_end(&w);
}

static void random_octets_do_no_harm(void **state)
{
	struct rng r = rng_start("random_octets_do_no_harm");
	struct bgp_memory m;
	struct raw_world w;
	uint8_t data[512];

	raw_world_start(&w, (struct raw_setup){ 0 });
	for (int i = 0; i < 300; i++) {
		size_t n = rng_below(&r, sizeof(data) - 19);

		raw_run(&w, 110 * MS);
		raw_establish(&w.raw);
		memset(data, 0xff, 16);
		data[16] = (uint8_t)((n + 19) >> 8);
		data[17] = (uint8_t)(n + 19);
		data[18] = (uint8_t)(1 + rng_below(&r, 5));
		for (size_t k = 0; k < n; k++)
			data[19 + k] = (uint8_t)(rng_below(&r, 3) ? rng_below(&r, 256) : rng_below(&r, 4));
		sim_raw_send(w.raw.end, data, n + 19);
		raw_run(&w, 10 * MS);
		raw_drop(&w.raw);
	}
	raw_run(&w, 1 * S);
	bgp_memory(sim_bgp(w.dut), &m);
	assert_int_equal(m.conns, 0);
	assert_int_equal(m.paths, 0);
	assert_int_equal(m.sets, 0);
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_connection_gets_an_open_whatever_went_before),
		cmocka_unit_test(more_than_ten_connections_a_second_wait),
		cmocka_unit_test(connections_that_say_nothing_are_bounded),
		cmocka_unit_test(a_newcomer_to_a_session_loses_but_makes_it_speak),
		cmocka_unit_test(of_two_that_the_peer_opened_the_new_one_stays),
		cmocka_unit_test(a_connection_without_an_open_is_no_rival),
		cmocka_unit_test(the_network_is_told_once_and_pulls_until_there_is_nothing),
		cmocka_unit_test(a_peer_that_is_down_refuses),
		cmocka_unit_test(an_accepted_session_ends_our_own_attempts),
		cmocka_unit_test(a_connect_under_way_ends_when_an_accepted_session_stands),
		cmocka_unit_test(a_connection_that_ends_before_its_open_leaves_nothing),
		cmocka_unit_test(while_an_open_is_being_answered_we_do_not_call),
		cmocka_unit_test(a_peer_that_hangs_up_on_our_open_is_called_again_soon),
		cmocka_unit_test(messages_before_their_time_are_fsm_errors),
		cmocka_unit_test(an_open_in_a_session_is_an_fsm_error),
		cmocka_unit_test(a_notification_is_never_answered),
		cmocka_unit_test(a_collision_does_not_hide_what_was_before),
		cmocka_unit_test(the_reason_of_a_state_says_its_error_once),
		cmocka_unit_test(of_two_that_a_neighbor_opened_the_new_one_stays),
		cmocka_unit_test(a_peer_that_comes_and_goes_does_not_fill_the_log),
		cmocka_unit_test(a_connection_without_an_open_is_said),
		cmocka_unit_test(a_shutdown_text_is_shown_without_its_control_characters),
		cmocka_unit_test(silence_after_connecting_ends_after_four_minutes),
		cmocka_unit_test(a_stopped_process_listens_before_it_gives_up),
		cmocka_unit_test(updates_and_keepalives_keep_a_session_and_refreshes_do_not),
		cmocka_unit_test(a_peer_that_does_not_read_is_ended_and_costs_nothing),
		cmocka_unit_test(with_a_long_hold_time_it_is_twice_that),
		cmocka_unit_test(a_slow_reader_gets_the_last_state_and_not_the_history),
		cmocka_unit_test(without_a_common_family_the_wanted_ones_are_named),
		cmocka_unit_test(our_open_says_what_we_can),
		cmocka_unit_test(what_is_wrong_with_an_open_is_said),
		cmocka_unit_test(routes_come_go_and_change),
		cmocka_unit_test(announced_and_withdrawn_in_one_message_is_announced),
		cmocka_unit_test(a_bad_attribute_withdraws_and_is_logged_with_its_octets),
		cmocka_unit_test(a_peer_full_of_faults_does_not_fill_the_log),
		cmocka_unit_test(refreshes_are_answered_once_in_a_while),
		cmocka_unit_test(a_refresh_is_finished_before_the_next_begins),
		cmocka_unit_test(too_many_routes_end_what_goes_on_beside_the_session),
		cmocka_unit_test(a_version_error_is_no_fault_of_ours_to_wait_for),
		cmocka_unit_test(verdicts_on_nlri_are_carried_out),
		cmocka_unit_test(unknown_routes_are_held_when_asked_for),
		cmocka_unit_test(the_next_hop_is_judged_by_length_and_value),
		cmocka_unit_test(routes_pass_on_by_what_neighbors_are),
		cmocka_unit_test(a_family_of_ours_that_this_peer_does_not_have_is_ignored),
		cmocka_unit_test(broken_withdrawals_end_the_session),
		cmocka_unit_test(ipv4_fields_are_a_family_like_others),
		cmocka_unit_test(families_that_were_not_negotiated_are_ignored),
		cmocka_unit_test(end_of_rib_is_told_in_both_encodings),
		cmocka_unit_test(we_send_end_of_rib_after_the_routes),
		cmocka_unit_test(a_refresh_is_answered_with_all_routes),
		cmocka_unit_test(a_two_octet_speaker_is_understood_and_spoken_to),
		cmocka_unit_test(a_stream_may_be_cut_anywhere),
		cmocka_unit_test(a_long_length_is_not_waited_for),
		cmocka_unit_test(random_octets_do_no_harm),
	};

	return RUN_TESTS(tests);
}
