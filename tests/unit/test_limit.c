/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* How much neighbors may have an engine hold, all together: who has the most of it is the one to go. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "bgp/limit.h"
#include "tests/lib/rawworld.h"

#define LIMIT (1u << 20)

/* A route with a key of its own and about 2 KiB of communities that no other has. */
static void send_big(struct rawpeer *r, unsigned k)
{
	static const char head[] = "800e0f0019 46 04 c6336401 00 03 ";
	char text[6000];
	size_t at =
		(size_t)snprintf(text, sizeof(text), "%s%06x 01 73 40010100 400200 400504 00000064 d00807d0", head, k);

	for (unsigned i = 0; i < 500; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%04x%04x", i, k & 0xffff);
	raw_send_update(r, text);
}

/* A second neighbor, at 192.0.2.3, established. */
static struct rawpeer second(struct raw_world *w, struct bgp_peer **peer)
{
	struct rawpeer r = { .net = w->net, .dut = w->dut, .node = simnet_raw(w->net, "192.0.2.3"),
			     .p = { .asn = 65001, .id = 0xc0000203, .hold_time = 90 } };
	struct bgp_peer_params p = { .asn = 65001, .passive = true, .hold_time = 90 };

	*peer = sim_peer(w->dut, r.node, &p);
	raw_establish(&r);
	return r;
}

static struct bgp_memory memory(const struct raw_world *w)
{
	struct bgp_memory m;

	bgp_memory(sim_bgp(w->dut), &m);
	return m;
}

static void who_has_the_most_is_the_one_to_go(void **state)
{
	struct bgp_peer_info info;
	struct bgp_peer *modest;
	struct raw_world w;
	struct rawpeer m;
	uint64_t most = 0;
	unsigned k;

	raw_world_start(&w, (struct raw_setup){ .memory_limit = LIMIT });
	raw_establish(&w.raw);
	m = second(&w, &modest);
	for (k = 0; k < 100; k++)
		send_big(&m, 0x101000 + k);
	raw_run(&w, 1 * S);
	for (k = 0; k < 5000 && raw_info(&w).state == BGP_ESTABLISHED; k++) {
		send_big(&w.raw, k);
		if (k % 8 == 7) { /* the modest one is the one under which it overflows as often as not */
			send_big(&m, 0x101000 + k / 8 % 100);
			raw_run(&w, 1 * MS);
		}
		most = memory(&w).used > most ? memory(&w).used : most;
	}
	assert_in_range(k, 100, 1000);
	assert_in_range(most, LIMIT * 9 / 10, LIMIT + 64 * 2300);
	raw_expect_end(&w, 6, 8, "");
	assert_int_equal(lines_count(&w.lines, "that memory-limit allows for all"), 1);
	bgp_peer_info(modest, &info);
	assert_int_equal(info.state, BGP_ESTABLISHED);
	assert_int_equal(info.prefixes_received, 100);
	/* What it had is free again, and it is let in. */
	raw_run(&w, 1 * S);
	assert_in_range(memory(&w).used, 100 * 2000, 100 * 2500);
	assert_int_equal(memory(&w).limit, LIMIT);
	raw_drop(&w.raw);
	raw_establish(&w.raw);
	raw_world_end(&w);
}

static void a_set_that_many_use_is_shared_out(void **state)
{
	struct raw_world w;
	struct rawpeer many;
	struct bgp_peer *peer;
	struct bgp_peer_info info;
	char text[256];

	/* A thousand routes with a set of their own each weigh less than they look: all of them have the same one. */
	raw_world_start(&w, (struct raw_setup){ .memory_limit = LIMIT });
	raw_establish(&w.raw);
	many = second(&w, &peer);
	for (unsigned k = 0; k < 4000; k++) {
		snprintf(text, sizeof(text), "800e0f0019 46 04 c6336401 00 03 %06x 01 73 " ATTRS, 0x200000 + k);
		raw_send_update(&many, text);
	}
	raw_run(&w, 1 * S);
	for (unsigned k = 0; k < 1000 && raw_info(&w).state == BGP_ESTABLISHED; k++) {
		send_big(&w.raw, k);
		raw_run(&w, 1 * MS);
	}
	assert_int_equal(raw_info(&w).last_out.subcode, 8);
	bgp_peer_info(peer, &info);
	assert_int_equal(info.prefixes_received, 4000);
	raw_world_end(&w);
}

static void what_is_kept_of_a_lost_session_counts(void **state) /* RFC 4724 */
{
	struct raw_setup s = { .memory_limit = LIMIT, .raw.caps = "4006 0fff 0019 46 80" };
	struct bgp_peer_info info;
	struct bgp_peer *modest;
	struct raw_world w;
	struct rawpeer m;

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	m = second(&w, &modest);
	for (unsigned k = 0; k < 300; k++)
		send_big(&w.raw, k);
	raw_run(&w, 1 * S);
	raw_drop(&w.raw);
	raw_run(&w, 1 * S);
	assert_int_equal(raw_info(&w).prefixes_received, 300);
	for (unsigned k = 0; k < 250; k++)
		send_big(&m, 0x101000 + k);
	raw_run(&w, 1 * S);
	assert_int_equal(raw_info(&w).prefixes_received, 0);
	bgp_peer_info(modest, &info);
	assert_int_equal(info.state, BGP_ESTABLISHED);
	assert_int_equal(info.prefixes_received, 250);
	raw_world_end(&w);
}

static void route_targets_that_are_asked_for_count(void **state) /* RFC 4684 */
{
	struct raw_setup s = { .memory_limit = LIMIT, .rtc = true, .raw.caps = "0104 0001 00 84" };
	struct raw_world w;
	uint64_t used = 0;
	char text[256];
	unsigned k;

	raw_world_start(&w, s);
	raw_establish(&w.raw);
	for (k = 0; k < 20000 && raw_info(&w).state == BGP_ESTABLISHED; k++) {
		snprintf(text, sizeof(text),
			 "800e16 0001 84 04 c6336401 00 60 0000fde9 0002fde9 %08x 40010100 400200 400504 00000064", k);
		raw_send_update(&w.raw, text);
		raw_run(&w, 1 * MS);
		used = k == 999 ? memory(&w).used : used;
	}
	assert_in_range(used, 1000 * 400, 1000 * 500);
	assert_in_range(k, LIMIT / 500, LIMIT / 400 + 64);
	raw_expect_end(&w, 6, 8, "");
	raw_world_end(&w);
}

static void while_one_goes_no_other_does(void **state)
{
	struct bgp_peer_info info;
	struct bgp_peer *modest;
	struct raw_world w;
	struct rawpeer m;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	m = second(&w, &modest);
	for (unsigned k = 0; k < 300; k++)
		send_big(&w.raw, k);
	for (unsigned k = 0; k < 200; k++)
		send_big(&m, 0x101000 + k);
	raw_run(&w, 1 * S);
	bgp_set_memory_limit(sim_bgp(w.dut), LIMIT / 2);
	for (unsigned i = 0; i < 1000; i++) /* what the first had is there until there is time to purge it */
		limit_memory(sim_bgp(w.dut), simnet_now(w.net));
	bgp_peer_info(modest, &info);
	assert_int_equal(info.state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).state, BGP_ACTIVE);
	raw_world_end(&w);
}

/* An UPDATE of n routes, keys from first on. */
static const char *many(unsigned first, unsigned n)
{
	static char text[16384];
	size_t at = (size_t)snprintf(text, sizeof(text), "900e%04x 0019 46 04 c6336401 00 ", 9 + n * 6);

	for (unsigned k = 0; k < n; k++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "03 %06x 01 73", first + k);
	snprintf(text + at, sizeof(text) - at, ATTRS);
	return text;
}

static void rows_that_listeners_make_count(void **state)
{
	struct bgp_peer_info info;
	struct bgp_peer *modest;
	struct raw_world w;
	struct rawpeer m;

	/* 512 routes with a thousand rows each come in one message: 50 of them are as much as may be. */
	raw_world_start(&w, (struct raw_setup){ .memory_limit = LIMIT });
	routes_make_rows(&w.seen, sim_bgp(w.dut), 1000, 20);
	raw_establish(&w.raw);
	m = second(&w, &modest);
	raw_send_update(&m, many(0x101000, 20));
	raw_run(&w, 1 * S);
	raw_send_update(&w.raw, many(0, 512));
	raw_expect_end(&w, 6, 8, "");
	assert_in_range(w.seen.best_most, LIMIT / 20500, LIMIT / 20000 + 5);
	assert_int_equal(lines_count(&w.lines, "KiB of that in the tables of VNIs that import them"), 1);
	bgp_peer_info(modest, &info);
	assert_int_equal(info.state, BGP_ESTABLISHED);
	assert_int_equal(w.seen.best, 20);
	/* Welcome with less. */
	raw_drop(&w.raw);
	raw_establish(&w.raw);
	raw_send_update(&w.raw, many(0, 20));
	raw_run(&w, 1 * S);
	assert_int_equal(w.seen.best, 40);
	raw_world_end(&w);
}

static void sets_of_one_message_count_one_by_one(void **state)
{
	struct raw_world w;
	char text[8192];
	size_t at = (size_t)snprintf(text, sizeof(text), "900e%04x 0019 46 04 c6336401 00 ", 9 + 200 * 7);

	/* 200 routes with a shared part of their own each have 200 sets, with the 2 KiB of communities in each. */
	for (unsigned k = 0; k < 200; k++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "03 %06x 02 73%02x", k, k);
	at += (size_t)snprintf(text + at, sizeof(text) - at, "40010100 400200 400504 00000064 d00807d0");
	for (unsigned i = 0; i < 500; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%08x", i);
	raw_world_start(&w, (struct raw_setup){ .memory_limit = LIMIT / 8 });
	raw_establish(&w.raw);
	raw_hand_in_update(&w.raw, w.peer, text);
	assert_in_range(memory(&w).used, LIMIT / 8, LIMIT / 8 + 2500);
	raw_expect_end(&w, 6, 8, "");
	raw_world_end(&w);
}

static void nothing_is_read_until_there_is_room(void **state)
{
	struct bgp_peer *modest;
	struct raw_world w;
	struct rawpeer m;

	raw_world_start(&w, (struct raw_setup){ .memory_limit = LIMIT });
	routes_make_rows(&w.seen, sim_bgp(w.dut), 1000, 20);
	raw_establish(&w.raw);
	m = second(&w, &modest);
	raw_hand_in_update(&w.raw, w.peer, many(0, 100));
	while (w.peer->session)
		bgp_work(sim_bgp(w.dut), simnet_now(w.net));
	/* The routes of the first are on their way out. */
	while (memory(&w).used > LIMIT) {
		unsigned before = w.seen.best;

		raw_hand_in_update(&m, modest, many(0x101000, 40));
		assert_true(bgp_conn_waits(modest->session));
		assert_int_equal(w.seen.best, before);
		bgp_work(sim_bgp(w.dut), simnet_now(w.net));
	}
	raw_run(&w, 1 * S);
	assert_in_range(w.seen.best_most, LIMIT / 20500, LIMIT / 20000 + 5);
	assert_int_equal(w.seen.best, 40);
	raw_world_end(&w);
}

static void our_own_routes_are_nobodys_fault(void **state)
{
	char key[8];
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ .memory_limit = LIMIT });
	raw_establish(&w.raw);
	raw_send_update(&w.raw, many(0, 20));
	for (unsigned k = 0; k < 20000; k++) {
		snprintf(key, sizeof(key), "%05x", k);
		routes_originate(sim_bgp(w.dut), key, 1, simnet_now(w.net));
	}
	assert_in_range(memory(&w).used, LIMIT + LIMIT / 2, 8 * LIMIT);
	for (unsigned k = 0; k < 50; k++)
		raw_send_update(&w.raw, many(0x1000 * k, 20));
	raw_run(&w, 1 * S);
	assert_int_equal(raw_info(&w).state, BGP_ESTABLISHED);
	assert_int_equal(raw_info(&w).prefixes_received, 1000);
	raw_world_end(&w);
}

static void without_a_limit_nobody_goes(void **state)
{
	struct raw_world w;

	raw_world_start(&w, (struct raw_setup){ 0 });
	raw_establish(&w.raw);
	for (unsigned k = 0; k < 1000; k++) {
		send_big(&w.raw, k);
		raw_run(&w, 1 * MS);
	}
	assert_int_equal(raw_info(&w).prefixes_received, 1000);
	bgp_set_memory_limit(sim_bgp(w.dut), LIMIT); /* a reload */
	for (unsigned k = 0; k < 64; k++)
		send_big(&w.raw, k);
	raw_expect_end(&w, 6, 8, "");
	raw_world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_has_the_most_is_the_one_to_go),
		cmocka_unit_test(a_set_that_many_use_is_shared_out),
		cmocka_unit_test(what_is_kept_of_a_lost_session_counts),
		cmocka_unit_test(route_targets_that_are_asked_for_count),
		cmocka_unit_test(while_one_goes_no_other_does),
		cmocka_unit_test(rows_that_listeners_make_count),
		cmocka_unit_test(sets_of_one_message_count_one_by_one),
		cmocka_unit_test(nothing_is_read_until_there_is_room),
		cmocka_unit_test(our_own_routes_are_nobodys_fault),
		cmocka_unit_test(without_a_limit_nobody_goes),
	};

	return RUN_TESTS(tests);
}
