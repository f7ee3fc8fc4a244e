/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* Administration of a session between two engines: down, up, clear, refresh, shutdown, changes of its parameters. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "tests/lib/hex.h"
#include "tests/lib/pairworld.h"

/* ---- commands ---------------------------------------------------------------------------------------------------- */

static void down_and_up(void **state)
{
	struct pair_setup s = { 0 };
	struct pair w;

	pair_start(&w, &s);
	routes_originate(side_bgp(&w.b), "route", 2, simnet_now(w.net));
	pair_wait_up(&w, 10 * S);
	bgp_peer_down(w.a.peer, NULL, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(side_info(&w.a).state, BGP_IDLE);
	assert_true(side_info(&w.a).admin_down);
	assert_int_equal(w.a.seen.best, 0);
	assert_int_equal(side_info(&w.b).last_in.code, 6);
	assert_int_equal(side_info(&w.b).last_in.subcode, 2);
	simnet_run(w.net, 300 * S); /* b goes on trying, a refuses */
	assert_int_equal(side_info(&w.a).state, BGP_IDLE);
	assert_int_equal(w.a.peer->n_conns, 0);
	bgp_peer_up(w.a.peer, simnet_now(w.net));
	pair_wait_up(&w, 1 * S);
	bgp_peer_up(w.a.peer, simnet_now(w.net)); /* no harm */
	simnet_run(w.net, 1 * S);
	assert_int_equal(side_info(&w.a).established_count, 2);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

static void clear_comes_back(void **state)
{
	struct pair_setup s = { .b.peer.passive = true };
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	for (int i = 0; i < 5; i++) { /* so that there is a wait to be cleared */
		sim_reset(w.net, w.a.node, w.b.node);
		simnet_run(w.net, 1 * MS);
		pair_wait_up(&w, 60 * S);
	}
	assert_true(w.a.peer->hold_back_s > 2);
	bgp_peer_clear(w.a.peer, NULL, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(side_info(&w.a).connect_retries, 0);
	assert_int_equal(side_info(&w.b).last_in.code, 6);
	assert_int_equal(side_info(&w.b).last_in.subcode, 4);
	assert_false(pair_up(&w));
	pair_wait_up(&w, 2 * S);
	pair_end(&w);
}

static void a_removed_peer_is_forgotten_with_its_routes(void **state)
{
	struct pair_setup s = { 0 };
	struct bgp_peer *again;
	struct pair w;

	pair_start(&w, &s);
	routes_originate(side_bgp(&w.b), "route", 2, simnet_now(w.net));
	pair_wait_up(&w, 10 * S);
	assert_int_equal(bgp_peer_add(side_bgp(&w.a), bgp_peer_params(w.a.peer), simnet_now(w.net), &again), -EEXIST);
	bgp_peer_del(w.a.peer, simnet_now(w.net));
	assert_int_equal(w.a.seen.best, 0);
	assert_null(bgp_peer_next(side_bgp(&w.a), NULL));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(side_info(&w.b).last_in.code, 6);
	assert_int_equal(side_info(&w.b).last_in.subcode, 3);
	side_peer(&w.a, &w.b, &s.a, &s.b);
	pair_wait_up(&w, 2 * S);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

static void an_administrator_tells_why(void **state) /* RFC 9003 */
{
	struct pair_setup s = { 0 };
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	bgp_peer_clear(w.a.peer, "new cable", simnet_now(w.net));
	simnet_run(w.net, 50 * MS);
	assert_string_equal(side_info(&w.b).last_in.text, "cease/administrative reset: new cable");
	pair_wait_up(&w, 30 * S);
	bgp_peer_down(w.a.peer, "back at 5", simnet_now(w.net));
	simnet_run(w.net, 50 * MS);
	assert_string_equal(side_info(&w.b).last_in.text, "cease/administrative shutdown: back at 5");
	hex_assert("data", side_info(&w.b).last_in.data, side_info(&w.b).last_in.data_len, "09 6261636b2061742035");
	pair_end(&w);
}

static void shutdown_tells_why(void **state) /* RFC 9003 */
{
	struct pair_setup s = { .b.peer.passive = true };
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	bgp_shutdown(side_bgp(&w.a), false, BGP_CEASE_ADMIN_SHUTDOWN, "gone fishing \xf0\x9f\x90\x9f",
		     simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_int_equal(side_info(&w.b).last_in.code, 6);
	assert_non_null(strstr(side_info(&w.b).last_in.text, "gone fishing \xf0\x9f\x90\x9f"));
	assert_int_equal(lines_count(&w.b.lines,
				     "Established -> Idle (NOTIFICATION received: cease/administrative shutdown: "
				     "gone fishing"),
			 1);
	simnet_run(w.net, 300 * S);
	assert_int_equal(side_info(&w.a).state, BGP_IDLE);
	assert_int_equal(side_info(&w.a).out.open, 1);
	pair_end(&w);
}

/* ---- changes ----------------------------------------------------------------------------------------------------- */

/* As a_peer_params, with the strings of the peer's own. */
static struct bgp_peer_params params_now(const struct side *side)
{
	return *bgp_peer_params(side->peer);
}

static void a_session_survives_what_it_can(void **state)
{
	struct pair_setup s = { .a.peer = { .description = "spine" }, .b.peer.passive = true };
	struct bgp_peer_params p;
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	routes_originate(side_bgp(&w.b), "one", 1, simnet_now(w.net));
	routes_originate(side_bgp(&w.b), "two", 2, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	p = params_now(&w.a);
	p.description = "leaf";
	p.max_prefixes = 2;
	p.passive = true;
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	simnet_run(w.net, 10 * S);
	assert_true(pair_up(&w));
	assert_int_equal(side_info(&w.a).established_count, 1);
	assert_string_equal(side_info(&w.a).description, "leaf");
	assert_true(side_info(&w.a).passive);
	assert_int_equal(lines_count(&w.a.lines, "2 routes, of 2 that max-prefixes allows"), 1);
	p = params_now(&w.a);
	p.max_prefixes_warning = 100;
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	/* A new limit is told again. */
	assert_int_equal(lines_count(&w.a.lines, "2 routes, of 2 that max-prefixes allows"), 2);
	p = params_now(&w.a);
	p.description = NULL;
	p.max_prefixes = 1; /* fewer than it has */
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	simnet_run(w.net, 100 * MS);
	assert_false(pair_up(&w));
	assert_null(side_info(&w.a).description);
	assert_int_equal(side_info(&w.b).last_in.subcode, 1);
	hex_assert("data", side_info(&w.b).last_in.data, side_info(&w.b).last_in.data_len, "0019 46 00000001");
	assert_int_equal(side_info(&w.a).state, BGP_ACTIVE);
	p = params_now(&w.a);
	p.max_prefixes = 0;
	p.passive = false; /* b does not call, so it is us from here on */
	bgp_peer_change(w.a.peer, &p, simnet_now(w.net));
	pair_wait_up(&w, 2 * S);
	pair_end(&w);
}

static void what_it_cannot_survive_is_told(void **state) /* RFC 4486 4, subcode 6 */
{
	struct pair_setup s = { .b.peer.passive = true };
	struct bgp_peer_params p;
	struct pair w;

	pair_start(&w, &s);
	pair_wait_up(&w, 10 * S);
	routes_originate(side_bgp(&w.b), "one", 1, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	p = params_now(&w.a);
	p.hold_time = 30;
	w.a.peer = bgp_peer_remake(w.a.peer, &p, simnet_now(w.net));
	simnet_run(w.net, 1 * MS);
	assert_int_equal(w.a.seen.best, 0);
	simnet_run(w.net, 100 * MS);
	assert_int_equal(side_info(&w.b).last_in.code, 6);
	assert_int_equal(side_info(&w.b).last_in.subcode, 6);
	pair_wait_up(&w, 2 * S);
	assert_int_equal(side_info(&w.b).hold_time, 30);
	assert_int_equal(w.a.seen.best, 1);
	pair_end(&w);
}

static void refresh_brings_the_routes_again(void **state) /* RFC 2918 */
{
	struct pair_setup s = { 0 };
	uint64_t before;
	struct pair w;

	pair_start(&w, &s);
	assert_int_equal(bgp_peer_refresh(w.a.peer, simnet_now(w.net)), -ENOTCONN);
	routes_originate(side_bgp(&w.b), "one", 2, simnet_now(w.net));
	routes_originate(side_bgp(&w.b), "two", 3, simnet_now(w.net));
	pair_wait_up(&w, 10 * S);
	simnet_run(w.net, 1 * S);
	before = side_info(&w.a).in.update;
	assert_int_equal(bgp_peer_refresh(w.a.peer, simnet_now(w.net)), 0);
	simnet_run(w.net, 1 * S);
	assert_int_equal(side_info(&w.b).in.refresh, 1);
	assert_int_equal(side_info(&w.a).out.refresh, 1);
	assert_true(side_info(&w.a).in.update >= before + 2);
	assert_int_equal(w.a.seen.best, 2);
	assert_int_equal(side_info(&w.a).prefixes_received, 2);
	pair_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(down_and_up),
		cmocka_unit_test(clear_comes_back),
		cmocka_unit_test(a_removed_peer_is_forgotten_with_its_routes),
		cmocka_unit_test(an_administrator_tells_why),
		cmocka_unit_test(shutdown_tells_why),
		cmocka_unit_test(a_session_survives_what_it_can),
		cmocka_unit_test(what_it_cannot_survive_is_told),
		cmocka_unit_test(refresh_brings_the_routes_again),
	};

	return RUN_TESTS(tests);
}
