/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * A speaker that restarts (RFC 4724 4.1, 8538): what it says of itself, what it holds back and until when, how it
 * goes.
 */
#include "tests/lib/test.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "tests/lib/rawworld.h"

#define SPEAKERS 3

struct speaker {
	struct sim_node *node;
	struct bgp_peer *peers[SPEAKERS];
	struct routes_seen seen;
	struct lines lines;
	unsigned converged;
};

/* 192.0.2.1 to .3, each with the others as neighbors. The first is the one that restarts. */
struct world {
	struct simnet *net;
	struct speaker s[SPEAKERS];
	uint16_t restart_time;
	uint32_t long_lived[SPEAKERS];
};

static void on_converged(void *ctx)
{
	((struct speaker *)ctx)->converged++;
}

static struct bgp_params params(struct world *w, int i)
{
	return (struct bgp_params){ .asn = 65001, .router_id = 0xc0000201u + (uint32_t)i, .seed = 1 + (uint64_t)i,
				    .restart_time = w->restart_time, .long_lived_time = w->long_lived[i],
				    .log = &w->s[i].lines.log,
				    .converged = on_converged, .converged_ctx = &w->s[i] };
}

static void add_peers(struct world *w, int i)
{
	const struct bgp_peer_params p = { .asn = 65001, .hold_time = 90, .rr_client = true };

	for (int k = 0; k < SPEAKERS; k++)
		if (k != i)
			w->s[i].peers[k] = sim_peer(w->s[i].node, w->s[k].node, &p);
}

static void world_start_long_lived(struct world *w, const uint32_t long_lived[SPEAKERS])
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3" };

	memset(w, 0, sizeof(*w));
	w->restart_time = 60;
	memcpy(w->long_lived, long_lived, sizeof(w->long_lived));
	w->net = simnet_new(&(struct simnet_params){ 0 });
	for (int i = 0; i < SPEAKERS; i++) {
		struct bgp_params p = params(w, i);

		lines_init(&w->s[i].lines, LOG_DEBUG);
		routes_listen(&w->s[i].seen);
		p.log = &w->s[i].lines.log;
		w->s[i].node = simnet_engine(w->net, addresses[i], &p);
		bgp_family_register(sim_bgp(w->s[i].node), &test_family, &w->s[i].seen.listener);
	}
	for (int i = 0; i < SPEAKERS; i++) {
		add_peers(w, i);
		bgp_local_complete(sim_bgp(w->s[i].node), simnet_now(w->net));
	}
	simnet_run(w->net, 20 * S);
}

static void world_start(struct world *w)
{
	world_start_long_lived(w, (const uint32_t[SPEAKERS]){ 0 });
}

static void world_end(struct world *w)
{
	simnet_free(w->net);
	for (int i = 0; i < SPEAKERS; i++)
		lines_fini(&w->s[i].lines);
}

static struct bgp *engine(const struct world *w, int i)
{
	return sim_bgp(w->s[i].node);
}

static struct bgp_peer_info info(const struct world *w, int i, int of)
{
	struct bgp_peer_info out;

	bgp_peer_info(w->s[i].peers[of], &out);
	return out;
}

/* The process dies and another comes, which has not its routes yet. */
static void restart(struct world *w, int i, bool forwarding)
{
	struct bgp_params p = params(w, i);

	if (engine(w, i))
		sim_crash(w->s[i].node);
	routes_listen(&w->s[i].seen);
	sim_restart(w->s[i].node, &p);
	bgp_family_register(engine(w, i), &test_family, &w->s[i].seen.listener);
	if (forwarding)
		bgp_restart_begin(engine(w, i), simnet_now(w->net));
	add_peers(w, i);
}

static void local(struct world *w, int i)
{
	bgp_local_complete(engine(w, i), simnet_now(w->net));
}

/* How many others of the first speaker see its End-of-RIB in this session. */
static int ended(const struct world *w)
{
	return info(w, 1, 0).eor_received + info(w, 2, 0).eor_received;
}

static void end_of_rib_waits_for_our_own_routes(void **state)
{
	struct world w;

	world_start(&w);
	routes_originate(engine(&w, 0), "one", 1, simnet_now(w.net));
	routes_originate(engine(&w, 0), "two", 2, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	assert_int_equal(w.s[1].seen.best, 2);
	restart(&w, 0, true);
	simnet_run(w.net, 20 * S);
	assert_int_equal(info(&w, 1, 0).state, BGP_ESTABLISHED);
	assert_int_equal(info(&w, 1, 0).stale, 2);
	assert_int_equal(ended(&w), 0);
	assert_true(bgp_restarting(engine(&w, 0)));
	routes_originate(engine(&w, 0), "one", 1, simnet_now(w.net));
	local(&w, 0);
	simnet_run(w.net, 1 * S);
	assert_int_equal(w.s[0].converged, 1);
	assert_false(bgp_restarting(engine(&w, 0)));
	assert_int_equal(ended(&w), 2);
	assert_int_equal(info(&w, 1, 0).stale, 0);
	assert_int_equal(w.s[1].seen.best, 1);
	world_end(&w);
}

static void end_of_rib_waits_for_all_neighbors(void **state)
{
	struct world w;

	world_start(&w);
	sim_crash(w.s[2].node);
	restart(&w, 0, true);
	local(&w, 0);
	simnet_run(w.net, 20 * S);
	assert_int_equal(info(&w, 1, 0).state, BGP_ESTABLISHED);
	assert_true(info(&w, 0, 1).eor_received);
	assert_int_equal(w.s[0].converged, 0);
	assert_false(info(&w, 1, 0).eor_received);
	restart(&w, 2, false);
	simnet_run(w.net, 20 * S);
	assert_int_equal(w.s[0].converged, 1);
	assert_int_equal(ended(&w), 2);
	world_end(&w);
}

static void who_never_comes_is_waited_for_no_longer_than_the_restart_time(void **state)
{
	struct world w;

	world_start(&w);
	sim_crash(w.s[2].node);
	restart(&w, 0, true);
	local(&w, 0);
	simnet_run(w.net, 59 * S);
	assert_int_equal(w.s[0].converged, 0);
	simnet_run(w.net, 2 * S);
	assert_int_equal(w.s[0].converged, 1);
	assert_int_equal(lines_count(&w.s[0].lines, "peer 192.0.2.3 has not told all its routes"), 1);
	assert_int_equal(lines_count(&w.s[0].lines, "peer 192.0.2.2 has not told all its routes"), 0);
	assert_true(info(&w, 1, 0).eor_received);
	world_end(&w);
}

static void who_is_down_by_hand_is_not_waited_for(void **state)
{
	struct world w;

	world_start(&w);
	sim_crash(w.s[2].node);
	restart(&w, 0, true);
	local(&w, 0);
	simnet_run(w.net, 20 * S);
	assert_int_equal(w.s[0].converged, 0);
	bgp_peer_down(w.s[0].peers[2], NULL, simnet_now(w.net));
	simnet_run(w.net, 1 * S);
	assert_int_equal(w.s[0].converged, 1);
	world_end(&w);
}

/* RFC 4724 4.1: neighbors that have restarted, too, wait for us; all at once must not stand still. */
static void all_restart_at_once(void **state)
{
	struct world w;

	world_start(&w);
	for (int i = 0; i < SPEAKERS; i++)
		sim_crash(w.s[i].node);
	for (int i = 0; i < SPEAKERS; i++)
		restart(&w, i, true);
	for (int i = 0; i < SPEAKERS; i++)
		local(&w, i);
	simnet_run(w.net, 20 * S);
	for (int i = 0; i < SPEAKERS; i++)
		assert_int_equal(w.s[i].converged, 1);
	assert_int_equal(ended(&w), 2);
	world_end(&w);
}

static const char *said(const struct world *w, int i, int to, struct buf *text)
{
	struct json j;

	buf_reset(text);
	json_init(&j, text);
	json_object(&j, NULL);
	bgp_peer_print_capabilities(w->s[to].peers[i], &j);
	json_object_end(&j);
	buf_add(text, "", 1);
	return strstr(buf_data(text), "capabilities_received");
}

static void the_open_says_what_is_true(void **state) /* R, F */
{
	struct world w;
	struct buf text;

	buf_init(&text);
	world_start(&w);
	restart(&w, 0, false); /* nothing was left: as after a start of the host */
	simnet_run(w.net, 20 * S);
	assert_non_null(strstr(said(&w, 0, 1, &text), "\"graceful-restart 60 s, notification, 25/70\""));
	local(&w, 0);
	bgp_peer_clear(w.s[0].peers[1], NULL, simnet_now(w.net));
	simnet_run(w.net, 20 * S);
	assert_non_null(strstr(said(&w, 0, 1, &text), "\"graceful-restart 60 s, notification, 25/70 forwarding\""));
	restart(&w, 0, true);
	simnet_run(w.net, 20 * S);
	assert_non_null(strstr(said(&w, 0, 1, &text), "60 s, restarted, notification, 25/70 forwarding\""));
	local(&w, 0);
	simnet_run(w.net, 1 * S);
	bgp_peer_clear(w.s[0].peers[1], NULL, simnet_now(w.net));
	simnet_run(w.net, 20 * S);
	assert_non_null(strstr(said(&w, 0, 1, &text), "60 s, notification, 25/70 forwarding\""));
	world_end(&w);
	buf_fini(&text);
}

static void going_we_ask_to_be_kept(void **state)
{
	struct world w;

	for (int stays = 0; stays < 2; stays++) {
		world_start(&w);
		routes_originate(engine(&w, 0), "one", 1, simnet_now(w.net));
		simnet_run(w.net, 1 * S);
		bgp_shutdown(engine(&w, 0), stays, BGP_CEASE_ADMIN_SHUTDOWN, NULL, simnet_now(w.net));
		simnet_run(w.net, 1 * S);
		assert_int_equal(info(&w, 1, 0).last_in.code, 6);
		assert_int_equal(info(&w, 1, 0).last_in.subcode, stays ? 2 : 9);
		assert_int_equal(w.s[1].seen.best, stays);
		world_end(&w);
	}
}

/* With RFC 4724 alone a NOTIFICATION would end our routes; with neither it may. */
static void going_we_say_nothing_to_who_would_misunderstand(void **state)
{
	static const char *const caps[] = { "", "4006 000a 00194600 " };

	for (size_t i = 0; i < 2; i++) {
		struct raw_setup s = { .raw.caps = caps[i], .restart_time = 60 };
		struct raw_world w;
		struct raw_msg m;

		raw_world_start(&w, s);
		raw_establish(&w.raw);
		raw_run(&w, 100 * MS);
		raw_flush(&w.raw);
		bgp_shutdown(sim_bgp(w.dut), true, BGP_CEASE_ADMIN_SHUTDOWN, NULL, simnet_now(w.net));
		assert_int_equal(raw_wait(&w.raw, 3, 100 * MS, &m), i == 0);
		assert_true(raw_closed(&w.raw));
		raw_world_end(&w);
	}
}

/* RFC 9494 4.3: with LLGR_STALE to those who have the capability, withdrawn from the others; better routes at once. */
static void long_lived_routes_are_told_to_who_knows_what_they_are(void **state)
{
	for (int knows = 0; knows < 2; knows++) {
		const uint32_t long_lived[SPEAKERS] = { 1000, 1000, knows ? 1000 : 0 };
		struct bgp_rib_cursor c = { 0 };
		struct bgp_path_info p;
		struct world w;

		world_start_long_lived(&w, long_lived);
		bgp_peer_down(w.s[2].peers[0], NULL, simnet_now(w.net)); /* so that it hears of it by the second only */
		routes_originate(engine(&w, 0), "one", 1, simnet_now(w.net));
		simnet_run(w.net, 1 * S);
		assert_int_equal(w.s[2].seen.best, 1);
		sim_crash(w.s[0].node);
		simnet_run(w.net, 40 * S); /* until a KEEPALIVE is answered with a reset */
		assert_int_equal(info(&w, 1, 0).stale, 1);
		assert_int_equal(w.s[2].seen.best, 1);
		simnet_run(w.net, 60 * S);
		assert_int_equal(info(&w, 1, 0).long_lived_stale, 1);
		assert_int_equal(w.s[2].seen.best, knows);
		while (bgp_rib_next(engine(&w, 2), &c, &p))
			assert_true(p.long_lived_stale);
		routes_originate(engine(&w, 1), "one", 2, simnet_now(w.net));
		simnet_run(w.net, 1 * S);
		assert_int_equal(w.s[2].seen.best, 1);
		c = (struct bgp_rib_cursor){ 0 };
		assert_true(bgp_rib_next(engine(&w, 2), &c, &p));
		assert_false(p.long_lived_stale);
		world_end(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(end_of_rib_waits_for_our_own_routes),
		cmocka_unit_test(end_of_rib_waits_for_all_neighbors),
		cmocka_unit_test(who_never_comes_is_waited_for_no_longer_than_the_restart_time),
		cmocka_unit_test(who_is_down_by_hand_is_not_waited_for),
		cmocka_unit_test(all_restart_at_once),
		cmocka_unit_test(the_open_says_what_is_true),
		cmocka_unit_test(going_we_ask_to_be_kept),
		cmocka_unit_test(long_lived_routes_are_told_to_who_knows_what_they_are),
		cmocka_unit_test(going_we_say_nothing_to_who_would_misunderstand),
	};

	return RUN_TESTS(tests);
}
