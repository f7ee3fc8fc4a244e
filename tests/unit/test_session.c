/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Sessions between two engines on a simulated network: start, end, timers, collisions, limits, administration. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "bgp/session.h"
#include "tests/lib/hex.h"
#include "tests/lib/lines.h"
#include "tests/lib/simnet.h"
#include "tests/lib/testroutes.h"

#define MS 1000LL
#define S 1000000LL

struct side {
	struct sim_node *node;
	struct bgp_peer *peer; /* the other one, as this side sees it */
	struct routes_seen seen;
	struct lines lines;
};

struct pair {
	struct simnet *net;
	struct side a, b; /* 192.0.2.1 and 192.0.2.2 */
};

struct side_setup {
	uint32_t asn, id; /* 0: 65001, and the address as a number */
	struct bgp_peer_params peer; /* asn 0: what the other side has; hold_time 0: 90 */
	bool no_hold;     /* hold time 0 */
};

struct setup {
	struct simnet_params net;
	struct side_setup a, b;
	int64_t b_lag_us; /* b knows its peer so much later */
};

static struct bgp_params params_of(const struct side_setup *s, struct side *side)
{
	return (struct bgp_params){ .asn = s->asn, .router_id = s->id, .seed = s->id, .log = &side->lines.log };
}

static void side_engine(struct side *side, struct simnet *net, const char *address, struct side_setup *s, uint32_t id)
{
	struct bgp_params p;

	s->asn = s->asn ? s->asn : 65001;
	s->id = s->id ? s->id : id;
	lines_init(&side->lines, LOG_DEBUG);
	routes_listen(&side->seen);
	p = params_of(s, side);
	side->node = simnet_engine(net, address, &p);
	bgp_family_register(sim_bgp(side->node), &test_family, &side->seen.listener);
}

static void side_peer(struct side *side, const struct side *other, struct side_setup *s, const struct side_setup *os)
{
	s->peer.asn = s->peer.asn ? s->peer.asn : os->asn;
	s->peer.hold_time = s->no_hold ? 0 : s->peer.hold_time ? s->peer.hold_time : 90;
	side->peer = sim_peer(side->node, other->node, &s->peer);
}

static void pair_start(struct pair *w, struct setup *s)
{
	memset(w, 0, sizeof(*w));
	w->net = simnet_new(&s->net);
	side_engine(&w->a, w->net, "192.0.2.1", &s->a, 0xc0000201);
	side_engine(&w->b, w->net, "192.0.2.2", &s->b, 0xc0000202);
	side_peer(&w->a, &w->b, &s->a, &s->b);
	simnet_run(w->net, s->b_lag_us);
	side_peer(&w->b, &w->a, &s->b, &s->a);
}

static void pair_end(struct pair *w)
{
	simnet_free(w->net);
	lines_fini(&w->a.lines);
	lines_fini(&w->b.lines);
}

static struct bgp *engine(const struct side *side)
{
	return sim_bgp(side->node);
}

static struct bgp_peer_info info(const struct side *side)
{
	struct bgp_peer_info i;

	bgp_peer_info(side->peer, &i);
	return i;
}

static bool both_up(void *ctx)
{
	const struct pair *w = ctx;

	return info(&w->a).state == BGP_ESTABLISHED && info(&w->b).state == BGP_ESTABLISHED;
}

static void wait_up(struct pair *w, int64_t us)
{
	if (!simnet_run_until(w->net, us, both_up, w))
		fail_msg("not established: %s, %s\n%s", bgp_state_name(info(&w->a).state),
			 bgp_state_name(info(&w->b).state), lines_text(&w->a.lines));
	simnet_run(w->net, 100 * MS);
}


/* ---- start and routes ------------------------------------------------------------------------------------------- */

static void check_exchange(struct setup s)
{
	struct pair w;

	pair_start(&w, &s);
	routes_originate(engine(&w.a), "before", 1, simnet_now(w.net));
	wait_up(&w, 10 * S);
	assert_int_equal(w.b.seen.best, 1);
	routes_originate(engine(&w.b), "after", 2, simnet_now(w.net));
	routes_originate(engine(&w.a), "third", 1, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(w.a.seen.best, 3);
	assert_int_equal(w.b.seen.best, 3);
	assert_int_equal(info(&w.a).prefixes_received, 1);
	assert_int_equal(info(&w.a).prefixes_sent, 2);
	assert_int_equal(info(&w.b).prefixes_received, 2);
	routes_withdraw(engine(&w.a), "before", simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(w.b.seen.best, 2);
	assert_int_equal(w.a.seen.ends, 1);
	assert_int_equal(w.b.seen.ends, 1);
	assert_int_equal(w.a.seen.ups, 1);
	assert_true(info(&w.a).eor_received && info(&w.a).eor_sent);
	pair_end(&w);
}

static void internal_peers_exchange_routes(void **state)
{
	check_exchange((struct setup){ 0 });
}

static void external_peers_exchange_routes(void **state)
{
	check_exchange((struct setup){ .b.asn = 4200000000u });
}

static void octets_one_at_a_time_make_no_difference(void **state)
{
	check_exchange((struct setup){ .net = { .piece = 1 } });
}

static void a_small_window_makes_no_difference(void **state)
{
	check_exchange((struct setup){ .net = { .window = 16, .delay_min_us = 10, .delay_max_us = 5 * MS } });
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
	struct setup s = { .a.peer = { .hold_time = 30, .description = "spine" },
			   .b.peer = { .hold_time = 180, .passive = true } };
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	assert_int_equal(info(&w.a).hold_time, 30);
	assert_int_equal(info(&w.b).hold_time, 30);
	assert_int_equal(info(&w.b).hold_time_configured, 180);
	assert_int_equal(info(&w.a).keepalive_ms, 10000);
	assert_int_equal(info(&w.a).router_id, 0xc0000202);
	assert_string_equal(ip_str(&w.a.peer->session->local).s, "192.0.2.1");
	assert_string_equal(ip_str(&w.b.peer->session->local).s, "192.0.2.2");
	assert_int_equal(info(&w.a).out.open, 1);
	assert_int_equal(info(&w.a).in.open, 1);
	assert_int_equal(info(&w.a).established_count, 1);
	assert_string_equal(info(&w.a).description, "spine");
	assert_int_not_equal(info(&w.a).group, 0);
	assert_in_range(mtime_diff_us(info(&w.a).since, simnet_now(w.net)), 90 * MS, 110 * MS);
	assert_string_equal(info(&w.a).reason, "KEEPALIVE received");
	check_capabilities(&w.a);
	assert_int_equal(
		lines_count(&w.a.lines, "info peer 192.0.2.2: OpenConfirm -> Established (KEEPALIVE received)"), 1);
	pair_end(&w);
}

/* ---- OPEN ------------------------------------------------------------------------------------------------------- */

static void a_wrong_as_is_refused_and_both_sides_say_so(void **state)
{
	struct setup s = { .a.peer.asn = 65009, .b.peer.passive = true };
	struct pair w;
	struct bgp_peer_info a, b;

	pair_start(&w, &s);
	simnet_run(w.net, 100 * MS);
	a = info(&w.a);
	b = info(&w.b);
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
							"peer AS: not the configured AS [ffff"), 1);
	pair_end(&w);
}

static void equal_identifiers_are_for_external_peers_only(void **state) /* RFC 6286 2.2 */
{
	struct setup in = { .a.id = 7, .b.id = 7 }, out = { .a.id = 7, .b.id = 7, .b.asn = 65002 };
	struct pair w;

	pair_start(&w, &in);
	simnet_run(w.net, 10 * S);
	assert_false(both_up(&w));
	assert_int_equal(info(&w.a).last_out.code, 2);
	assert_int_equal(info(&w.a).last_out.subcode, 3);
	pair_end(&w);
	pair_start(&w, &out);
	wait_up(&w, 10 * S);
	pair_end(&w);
}

static void roles_are_checked(void **state) /* RFC 9234 4.2 */
{
	struct setup good = { .b.asn = 65002, .a.peer.role = CAP_ROLE_PROVIDER, .b.peer.role = CAP_ROLE_CUSTOMER };
	struct setup bad = { .b.asn = 65002, .a.peer.role = CAP_ROLE_PROVIDER, .b.peer.role = CAP_ROLE_PEER };
	struct setup one = { .b.asn = 65002, .a.peer.role = CAP_ROLE_PROVIDER };
	struct setup internal = { .a.peer.role = CAP_ROLE_PROVIDER, .b.peer.role = CAP_ROLE_PEER };
	struct pair w;

	pair_start(&w, &good);
	wait_up(&w, 10 * S);
	pair_end(&w);
	pair_start(&w, &one);
	wait_up(&w, 10 * S);
	pair_end(&w);
	pair_start(&w, &internal);
	wait_up(&w, 10 * S);
	pair_end(&w);
	pair_start(&w, &bad);
	simnet_run(w.net, 10 * S);
	assert_false(both_up(&w));
	assert_int_equal(info(&w.a).last_out.code, 2);
	assert_int_equal(info(&w.a).last_out.subcode, 11);
	pair_end(&w);
}

/* ---- collisions ------------------------------------------------------------------------------------------------- */

/* Both connect at once; want: who opened the connection that stays. */
static void check_collision(struct setup s, bool a_opened)
{
	unsigned collisions = 0;

	for (uint64_t seed = 1; seed <= 40; seed++) {
		struct pair w;

		/* Alike enough that no connection is Established before the other one's OPEN comes. */
		s.net = (struct simnet_params){ .seed = seed, .delay_min_us = 10 * MS, .delay_max_us = 12 * MS };
		pair_start(&w, &s);
		wait_up(&w, 10 * S);
		simnet_run(w.net, 5 * S);
		assert_true(both_up(&w));
		assert_int_not_equal(w.a.peer->session->outgoing, w.b.peer->session->outgoing);
		if (info(&w.a).last_out.code == 6 || info(&w.b).last_out.code == 6) {
			collisions++;
			assert_int_equal(w.a.peer->session->outgoing, a_opened);
		}
		/* The other connection is gone on both sides, and nothing tries again. */
		assert_int_equal(w.a.peer->n_conns, 1);
		assert_int_equal(w.b.peer->n_conns, 1);
		assert_int_equal(info(&w.a).established_count, 1);
		assert_int_equal(info(&w.b).established_count, 1);
		simnet_run(w.net, 200 * S);
		assert_int_equal(info(&w.a).established_count, 1);
		pair_end(&w);
	}
	assert_in_range(collisions, 10, 40);
}

static void the_connection_of_the_higher_identifier_stays(void **state) /* RFC 4271 6.8 */
{
	check_collision((struct setup){ 0 }, false);
	check_collision((struct setup){ .a.id = 0xc0000209 }, true);
}

/* How often a session was lost until one stood for good, over 160 distances between the two first connects. */
static unsigned flaps_over_distances(int64_t delay_min_us, int64_t delay_max_us, uint32_t id_a)
{
	unsigned flaps = 0;

	for (uint64_t i = 0; i < 160; i++) {
		struct setup s = { .net = { .seed = i + 1, .delay_min_us = delay_min_us, .delay_max_us = delay_max_us },
				   .a.id = id_a, .b_lag_us = (int64_t)i * 500 };
		struct pair w;

		pair_start(&w, &s);
		wait_up(&w, 20 * S);
		simnet_run(w.net, 30 * S);
		assert_true(both_up(&w));
		assert_int_equal(w.a.peer->n_conns, 1);
		assert_int_equal(w.b.peer->n_conns, 1);
		assert_int_not_equal(w.a.peer->session->outgoing, w.b.peer->session->outgoing);
		flaps += info(&w.a).established_count - 1;
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
	check_collision((struct setup){ .a.id = 7, .b.id = 7, .b.asn = 65002 }, false);
	check_collision((struct setup){ .a.id = 7, .b.id = 7, .a.asn = 65002 }, true);
}

/* ---- timers ----------------------------------------------------------------------------------------------------- */

static void keepalives_come_at_a_third_of_the_hold_time_with_jitter(void **state)
{
	struct setup s = { 0 };
	struct pair w;
	uint64_t before, n;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	before = info(&w.a).out.keepalive;
	simnet_run(w.net, 3000 * S);
	n = info(&w.a).out.keepalive - before;
	assert_in_range(n, 3000 / 30, 3000 / 22);
	assert_in_range(n, 105, 130); /* neither always 0.75 nor always 1.0 */
	assert_int_equal(info(&w.b).in.keepalive, info(&w.a).out.keepalive);
	assert_int_equal(info(&w.a).established_count, 1);
	pair_end(&w);
}

static void without_a_hold_time_nothing_is_sent(void **state)
{
	struct setup s = { .b.no_hold = true };
	struct pair w;
	uint64_t before;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	assert_int_equal(info(&w.a).hold_time, 0);
	before = simnet_octets(w.net);
	simnet_run(w.net, 100000 * S);
	assert_int_equal(simnet_octets(w.net), before);
	assert_true(both_up(&w));
	pair_end(&w);
}

static void silence_ends_a_session_after_the_hold_time(void **state)
{
	struct setup s = { .a.peer.hold_time = 9 };
	struct pair w;
	int64_t at;

	pair_start(&w, &s);
	routes_originate(engine(&w.b), "route", 2, simnet_now(w.net));
	wait_up(&w, 10 * S);
	simnet_run(w.net, 20 * S);
	assert_true(both_up(&w));
	assert_int_equal(w.a.seen.best, 1);
	sim_block(w.net, w.a.node, w.b.node, true);
	at = simnet_now(w.net).us;
	while (info(&w.a).state == BGP_ESTABLISHED)
		simnet_run(w.net, 10 * MS);
	assert_in_range(simnet_now(w.net).us - at, 5 * S, 9 * S + 20 * MS);
	simnet_run(w.net, 5 * S);
	assert_int_equal(w.a.seen.downs, 1);
	assert_int_equal(w.a.seen.best, 0);
	assert_int_equal(info(&w.a).last_out.code, 4);
	assert_int_equal(info(&w.a).last_out.subcode, 0);
	assert_int_equal(lines_count(&w.a.lines, "Established -> Idle (hold timer expired"), 1);
	sim_block(w.net, w.a.node, w.b.node, false);
	wait_up(&w, 60 * S);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

/* Our connects to a peer that refuses: the waits between them. */
static void our_connects_wait_longer_each_time(void **state)
{
	struct setup s = { .b.peer.passive = true };
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
	wait_up(&w, 61 * S);
	/* A session that has lasted clears the wait. */
	simnet_run(w.net, 100 * S);
	sim_reset(w.net, w.a.node, w.b.node);
	simnet_run(w.net, 10 * MS);
	assert_false(both_up(&w));
	wait_up(&w, 2 * S);
	sim_refuse(w.b.node, true);
	sim_reset(w.net, w.a.node, w.b.node);
	simnet_run(w.net, 5 * S);
	assert_int_equal(lines_count(&w.a.lines, "info peer 192.0.2.2: cannot connect to port 0: connection refused"),
			 2);
	pair_end(&w);
}

static void a_connect_that_gets_no_answer_is_tried_anew(void **state)
{
	struct setup s = { .b.peer.passive = true };
	struct pair w;

	pair_start(&w, &s);
	sim_block(w.net, w.a.node, w.b.node, true);
	simnet_run(w.net, 100 * S);
	assert_int_equal(info(&w.a).state, BGP_CONNECT);
	assert_int_equal(w.a.peer->n_conns, 1);
	assert_in_range(mtime_diff_us(simnet_now(w.net), w.a.peer->connect_retry.at), 0, 15 * S);
	sim_block(w.net, w.a.node, w.b.node, false);
	wait_up(&w, 20 * S);
	pair_end(&w);
}

static void a_peer_that_died_silently_is_back_at_once(void **state)
{
	struct setup s = { 0 };
	struct bgp_params p;
	struct pair w;

	pair_start(&w, &s);
	routes_originate(engine(&w.b), "old", 2, simnet_now(w.net));
	wait_up(&w, 10 * S);
	simnet_run(w.net, 10 * S);
	sim_crash(w.b.node);
	simnet_run(w.net, 1 * S);
	assert_int_equal(info(&w.a).state, BGP_ESTABLISHED); /* nothing has told it */
	p = params_of(&s.b, &w.b);
	sim_restart(w.b.node, &p);
	routes_listen(&w.b.seen);
	bgp_family_register(engine(&w.b), &test_family, &w.b.seen.listener);
	side_peer(&w.b, &w.a, &s.b, &s.a);
	wait_up(&w, 3 * S); /* not the hold time */
	assert_int_equal(info(&w.a).established_count, 2);
	simnet_run(w.net, 1 * S);
	assert_int_equal(w.a.seen.best, 0);
	pair_end(&w);
}

static void no_answer_is_said_while_one_still_waits(void **state)
{
	struct setup s = { .b.peer.passive = true, .a.peer.password = "secret" };
	struct pair w;

	pair_start(&w, &s);
	sim_block(w.net, w.a.node, w.b.node, true);
	simnet_run(w.net, 4 * S);
	assert_int_equal(lines_count(&w.a.lines, "cannot connect"), 0);
	simnet_run(w.net, 2 * S);
	assert_int_equal(lines_count(&w.a.lines, "info peer 192.0.2.2: cannot connect to port 0: no answer (is it up? has "
						 "it the same password?), trying on"), 1);
	assert_string_equal(info(&w.a).connect_error, "no answer (is it up? has it the same password?)");
	simnet_run(w.net, 100 * S); /* not again at each attempt */
	assert_int_equal(lines_count(&w.a.lines, "cannot connect"), 1);
	sim_block(w.net, w.a.node, w.b.node, false);
	wait_up(&w, 20 * S);
	assert_string_equal(info(&w.a).connect_error, "");
	simnet_run(w.net, 100 * S);
	assert_int_equal(lines_count(&w.a.lines, "no OPEN"), 0);
	pair_end(&w);
}

/* ---- administration --------------------------------------------------------------------------------------------- */

static void down_and_up(void **state)
{
	struct setup s = { 0 };
	struct pair w;

	pair_start(&w, &s);
	routes_originate(engine(&w.b), "route", 2, simnet_now(w.net));
	wait_up(&w, 10 * S);
	bgp_peer_down(w.a.peer, NULL, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(info(&w.a).state, BGP_IDLE);
	assert_true(info(&w.a).admin_down);
	assert_int_equal(w.a.seen.best, 0);
	assert_int_equal(info(&w.b).last_in.code, 6);
	assert_int_equal(info(&w.b).last_in.subcode, 2);
	simnet_run(w.net, 300 * S); /* b goes on trying, a refuses */
	assert_int_equal(info(&w.a).state, BGP_IDLE);
	assert_int_equal(w.a.peer->n_conns, 0);
	bgp_peer_up(w.a.peer, simnet_now(w.net));
	wait_up(&w, 1 * S);
	bgp_peer_up(w.a.peer, simnet_now(w.net)); /* no harm */
	simnet_run(w.net, 1 * S);
	assert_int_equal(info(&w.a).established_count, 2);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

static void clear_comes_back(void **state)
{
	struct setup s = { .b.peer.passive = true };
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	for (int i = 0; i < 5; i++) { /* so that there is a wait to be cleared */
		sim_reset(w.net, w.a.node, w.b.node);
		simnet_run(w.net, 1 * MS);
		wait_up(&w, 60 * S);
	}
	assert_true(w.a.peer->hold_back_s > 2);
	bgp_peer_clear(w.a.peer, NULL, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(info(&w.a).connect_retries, 0);
	assert_int_equal(info(&w.b).last_in.code, 6);
	assert_int_equal(info(&w.b).last_in.subcode, 4);
	assert_false(both_up(&w));
	wait_up(&w, 2 * S);
	pair_end(&w);
}

static void a_removed_peer_is_forgotten_with_its_routes(void **state)
{
	struct setup s = { 0 };
	struct bgp_peer *again;
	struct pair w;

	pair_start(&w, &s);
	routes_originate(engine(&w.b), "route", 2, simnet_now(w.net));
	wait_up(&w, 10 * S);
	assert_int_equal(bgp_peer_add(engine(&w.a), bgp_peer_params(w.a.peer), simnet_now(w.net), &again), -EEXIST);
	bgp_peer_del(w.a.peer, simnet_now(w.net));
	assert_int_equal(w.a.seen.best, 0);
	assert_null(bgp_peer_next(engine(&w.a), NULL));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(info(&w.b).last_in.code, 6);
	assert_int_equal(info(&w.b).last_in.subcode, 3);
	side_peer(&w.a, &w.b, &s.a, &s.b);
	wait_up(&w, 2 * S);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

/* As a_peer_params, with the strings of the peer's own. */
static struct bgp_peer_params params_now(const struct side *side)
{
	return *bgp_peer_params(side->peer);
}

static void a_session_survives_what_it_can(void **state)
{
	struct setup s = { .a.peer = { .description = "spine" }, .b.peer.passive = true };
	struct bgp_peer_params p;
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	routes_originate(engine(&w.b), "one", 1, simnet_now(w.net));
	routes_originate(engine(&w.b), "two", 2, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	p = params_now(&w.a);
	p.description = "leaf";
	p.max_prefixes = 2;
	p.passive = true;
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	simnet_run(w.net, 10 * S);
	assert_true(both_up(&w));
	assert_int_equal(info(&w.a).established_count, 1);
	assert_string_equal(info(&w.a).description, "leaf");
	assert_true(info(&w.a).passive);
	assert_int_equal(lines_count(&w.a.lines, "2 routes, of 2 that max-prefixes allows"), 1);
	p = params_now(&w.a);
	p.max_prefixes_warning = 100;
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	assert_int_equal(lines_count(&w.a.lines, "2 routes, of 2 that max-prefixes allows"), 2); /* a new limit is news */
	p = params_now(&w.a);
	p.description = NULL;
	p.max_prefixes = 1; /* fewer than it has */
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_false(both_up(&w));
	assert_null(info(&w.a).description);
	assert_int_equal(info(&w.b).last_in.subcode, 1);
	hex_assert("data", info(&w.b).last_in.data, info(&w.b).last_in.data_len, "0019 46 00000001");
	assert_int_equal(info(&w.a).state, BGP_ACTIVE);
	p = params_now(&w.a);
	p.max_prefixes = 0;
	p.passive = false; /* b does not call, so it is us from here on */
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	wait_up(&w, 2 * S);
	pair_end(&w);
}

static void what_it_cannot_survive_is_told(void **state) /* RFC 4486 4, subcode 6 */
{
	struct setup s = { .b.peer.passive = true };
	struct bgp_peer_params p;
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	routes_originate(engine(&w.b), "one", 1, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	p = params_now(&w.a);
	p.hold_time = 30;
	w.a.peer = bgp_peer_remake(w.a.peer, &p, simnet_now(w.net));
	simnet_run(w.net, 1 * MS);
	assert_int_equal(w.a.seen.best, 0);
	simnet_run(w.net, 100 * MS);
	assert_int_equal(info(&w.b).last_in.code, 6);
	assert_int_equal(info(&w.b).last_in.subcode, 6);
	wait_up(&w, 2 * S);
	assert_int_equal(info(&w.b).hold_time, 30);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

static void shutdown_tells_why(void **state) /* RFC 9003 */
{
	struct setup s = { .b.peer.passive = true };
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	bgp_shutdown(engine(&w.a), false, BGP_CEASE_ADMIN_SHUTDOWN, "gone fishing \xf0\x9f\x90\x9f", simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(info(&w.b).last_in.code, 6);
	assert_non_null(strstr(info(&w.b).last_in.text, "gone fishing \xf0\x9f\x90\x9f"));
	assert_int_equal(lines_count(&w.b.lines,
				     "Established -> Idle (NOTIFICATION received: cease/administrative shutdown: "
				     "gone fishing"),
			 1);
	simnet_run(w.net, 300 * S);
	assert_int_equal(info(&w.a).state, BGP_IDLE);
	assert_int_equal(info(&w.a).out.open, 1);
	pair_end(&w);
}

static void refresh_brings_the_routes_again(void **state) /* RFC 2918 */
{
	struct setup s = { 0 };
	uint64_t before;
	struct pair w;

	pair_start(&w, &s);
	assert_int_equal(bgp_peer_refresh(w.a.peer, simnet_now(w.net)), -ENOTCONN);
	routes_originate(engine(&w.b), "one", 2, simnet_now(w.net));
	routes_originate(engine(&w.b), "two", 3, simnet_now(w.net));
	wait_up(&w, 10 * S);
	simnet_run(w.net, 1 * S);
	before = info(&w.a).in.update;
	assert_int_equal(bgp_peer_refresh(w.a.peer, simnet_now(w.net)), 0);
	simnet_run(w.net, 1 * S);
	assert_int_equal(info(&w.b).in.refresh, 1);
	assert_int_equal(info(&w.a).out.refresh, 1);
	assert_true(info(&w.a).in.update >= before + 2);
	assert_int_equal(w.a.seen.best, 2);
	assert_int_equal(info(&w.a).prefixes_received, 2);
	pair_end(&w);
}

static void more_routes_than_allowed_end_the_session(void **state) /* RFC 4486 */
{
	struct setup s = { .a.peer.max_prefixes = 3 };
	struct pair w;
	char key[8];

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		routes_originate(engine(&w.b), key, i, simnet_now(w.net));
	}
	simnet_run(w.net, 1 * S);
	assert_true(both_up(&w));
	assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: 3 routes, of 3 that max-prefixes allows"), 1);
	routes_originate(engine(&w.b), "k0", 9, simnet_now(w.net)); /* one in place of another is no more */
	simnet_run(w.net, 1 * S);
	assert_true(both_up(&w));
	routes_originate(engine(&w.b), "k3", 3, simnet_now(w.net));
	simnet_run(w.net, 50 * MS);
	assert_false(both_up(&w));
	assert_int_equal(info(&w.b).last_in.code, 6);
	assert_int_equal(info(&w.b).last_in.subcode, 1);
	hex_assert("data", info(&w.b).last_in.data, info(&w.b).last_in.data_len, "0019 46 00000003");
	assert_int_equal(w.a.seen.best, 0);
	assert_int_equal(lines_count(&w.a.lines, "remote peer 192.0.2.2: NOTIFICATION 6/1 sent"), 1);
	pair_end(&w);
}

static void three_quarters_of_the_limit_are_said_once(void **state)
{
	struct setup s = { .a.peer.max_prefixes = 100 };
	struct pair w;
	char key[8];

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 90; i++) {
			simnet_run(w.net, i == 74 ? 1 * S : 0);
			assert_int_equal(lines_count(&w.a.lines, "max-prefixes"), round + (i > 74));
			snprintf(key, sizeof(key), "k%u", i);
			routes_originate(engine(&w.b), key, 1, simnet_now(w.net));
			simnet_run(w.net, i > 72 ? 20 * MS : 0);
		}
		for (unsigned i = 20; i < 90; i++) { /* to less than half, and what is over the threshold twice */
			snprintf(key, sizeof(key), "k%u", i);
			routes_withdraw(engine(&w.b), key, simnet_now(w.net));
		}
		simnet_run(w.net, 1 * S);
	}
	assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: 75 routes, of 100 that max-prefixes allows"), 2);
	pair_end(&w);
}

static void over_limit(struct pair *w)
{
	char key[8];

	for (unsigned i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "k%u", i);
		routes_originate(engine(&w->b), key, i, simnet_now(w->net));
	}
	simnet_run(w->net, 100 * MS);
	assert_false(both_up(w));
	assert_int_equal(info(&w->b).last_in.subcode, 1);
}

static void after_too_many_routes_a_neighbor_stays_down_as_configured(void **state)
{
	struct setup s = { .a.peer = { .max_prefixes = 3, .max_prefixes_restart = 60 }, .b_lag_us = 1 * S };
	struct pair w;

	for (int passive = 0; passive < 2; passive++) {
		s.a.peer.passive = passive;
		pair_start(&w, &s);
		wait_up(&w, 10 * S);
		over_limit(&w);
		assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: stays down for 60 s (max-prefixes-restart"), 1);
		simnet_run(w.net, 59 * S); /* b calls */
		assert_int_equal(info(&w.a).state, BGP_IDLE);
		assert_int_equal(info(&w.a).out.open, 1);
		assert_int_equal(info(&w.a).in.open, 1);
		assert_non_null(strstr(info(&w.a).reason, "more routes than max-prefixes"));
		for (unsigned i = 0; i < 2; i++)
			routes_withdraw(engine(&w.b), i ? "k1" : "k0", simnet_now(w.net));
		wait_up(&w, 62 * S); /* b's own wait is longer by now */
		assert_int_equal(w.a.seen.best, 2);
		pair_end(&w);
	}
}

static void an_operator_ends_the_wait_after_too_many_routes(void **state)
{
	struct setup s = { .a.peer = { .max_prefixes = 3, .max_prefixes_restart = 3600 }, .b.peer.passive = true };
	struct pair w;

	for (int clear = 0; clear < 2; clear++) {
		pair_start(&w, &s);
		wait_up(&w, 10 * S);
		over_limit(&w);
		simnet_run(w.net, 100 * S);
		assert_int_equal(info(&w.a).state, BGP_IDLE);
		routes_withdraw(engine(&w.b), "k0", simnet_now(w.net));
		if (clear)
			bgp_peer_clear(w.a.peer, NULL, simnet_now(w.net));
		else
			bgp_peer_up(w.a.peer, simnet_now(w.net));
		wait_up(&w, 2 * S);
		pair_end(&w);
	}
}

static void without_a_time_it_may_call_again_at_once(void **state)
{
	struct setup s = { .a.peer = { .max_prefixes = 3, .passive = true } };
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	over_limit(&w);
	simnet_run(w.net, 10 * S);
	assert_true(info(&w.a).established_count > 2);
	pair_end(&w);
}

static void the_warning_comes_where_it_is_configured(void **state)
{
	struct setup s = { .a.peer = { .max_prefixes = 10, .max_prefixes_warning = 30 } };
	struct pair w;
	char key[8];

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(lines_count(&w.a.lines, "max-prefixes"), i > 2);
		snprintf(key, sizeof(key), "k%u", i);
		routes_originate(engine(&w.b), key, i, simnet_now(w.net));
		simnet_run(w.net, 100 * MS);
	}
	assert_int_equal(lines_count(&w.a.lines, "warn peer 192.0.2.2: 3 routes, of 10 that max-prefixes allows"), 1);
	pair_end(&w);
}

static void an_administrator_tells_why(void **state) /* RFC 9003 */
{
	struct setup s = { 0 };
	struct pair w;

	pair_start(&w, &s);
	wait_up(&w, 10 * S);
	bgp_peer_clear(w.a.peer, "new cable", simnet_now(w.net));
	simnet_run(w.net, 50 * MS);
	assert_string_equal(info(&w.b).last_in.text, "cease/administrative reset: new cable");
	wait_up(&w, 30 * S);
	bgp_peer_down(w.a.peer, "back at 5", simnet_now(w.net));
	simnet_run(w.net, 50 * MS);
	assert_string_equal(info(&w.b).last_in.text, "cease/administrative shutdown: back at 5");
	hex_assert("data", info(&w.b).last_in.data, info(&w.b).last_in.data_len, "09 6261636b2061742035");
	pair_end(&w);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static uint64_t trace_of(uint64_t seed)
{
	struct setup s = { .net = { .seed = seed, .delay_min_us = 100, .delay_max_us = 30 * MS } };
	uint64_t trace;
	struct pair w;

	pair_start(&w, &s);
	for (unsigned i = 0; i < 20; i++) {
		routes_originate(engine(&w.a), "key", i, simnet_now(w.net));
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
	struct setup s = { 0 };
	struct pair w;

	pair_start(&w, &s);
	for (unsigned i = 0; i < 5; i++) {
		routes_originate(engine(&w.b), "route", i, simnet_now(w.net));
		wait_up(&w, 60 * S);
		assert_int_equal(w.a.seen.best, 1);
		sim_reset(w.net, w.a.node, w.b.node);
		simnet_run(w.net, 10 * MS);
	}
	routes_withdraw(engine(&w.b), "route", simnet_now(w.net));
	bgp_peer_down(w.a.peer, NULL, simnet_now(w.net));
	bgp_peer_down(w.b.peer, NULL, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	bgp_memory(engine(&w.a), &m);
	assert_int_equal(m.conns, 0);
	assert_int_equal(m.keys, 0);
	assert_int_equal(m.sets, 0);
	assert_int_equal(w.a.seen.best, 0);
	bgp_memory(engine(&w.b), &m);
	assert_int_equal(m.keys, 0);
	assert_int_equal(m.sets, 0);
	assert_int_equal(bgp_deadline(engine(&w.a)).us, MTIME_NEVER.us);
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
		cmocka_unit_test(no_answer_is_said_while_one_still_waits),
		cmocka_unit_test(a_peer_that_died_silently_is_back_at_once),
		cmocka_unit_test(down_and_up),
		cmocka_unit_test(clear_comes_back),
		cmocka_unit_test(a_removed_peer_is_forgotten_with_its_routes),
		cmocka_unit_test(a_session_survives_what_it_can),
		cmocka_unit_test(what_it_cannot_survive_is_told),
		cmocka_unit_test(shutdown_tells_why),
		cmocka_unit_test(refresh_brings_the_routes_again),
		cmocka_unit_test(more_routes_than_allowed_end_the_session),
		cmocka_unit_test(three_quarters_of_the_limit_are_said_once),
		cmocka_unit_test(after_too_many_routes_a_neighbor_stays_down_as_configured),
		cmocka_unit_test(an_operator_ends_the_wait_after_too_many_routes),
		cmocka_unit_test(without_a_time_it_may_call_again_at_once),
		cmocka_unit_test(the_warning_comes_where_it_is_configured),
		cmocka_unit_test(an_administrator_tells_why),
		cmocka_unit_test(a_seed_gives_the_same_run_again),
		cmocka_unit_test(at_the_end_nothing_is_left),
	};

	return RUN_TESTS(tests);
}
