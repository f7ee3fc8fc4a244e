/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What peers are told and when: bursts, own routes, End-of-RIB, refresh, drain, peers that lag. How it
 * goes into messages is the business of test_out_pack.c, what they hold in the end that of test_out.c.
 */
#include "tests/lib/side.h"

#include "bgp/out_int.h"
#include "tests/lib/outbound.h"
#include "tests/lib/test.h"
#include "tests/lib/testfamily.h"

static void out_a_change_keeps_its_place_while_nobody_has_seen_it(void **state)
{
	struct side *s = side_new(2);

	side_pull_all(s, 1);
	for (uint32_t n = 0; n < 1000; n++)
		side_announce(s, 0, n, 1);
	side_announce(s, 0, 0, 2);
	side_pull(s, 1, 4096);
	assert_int_equal(s->last[0], 2);
	assert_int_equal(s->sinks[1].announced, 1);
	side_free(s);
}

static void out_a_burst_is_sent_once(void **state)
{
	struct side *s = side_new(2);

	side_pull_all(s, 1);
	side_announce(s, 0, 10, 1);
	for (uint32_t i = 0; i < 1000; i++) {
		side_announce(s, 0, i % 10, 1 + i);
		if (i % 3 == 0)
			side_withdraw(s, 0, i % 10);
	}
	assert_int_equal(s->sinks[1].woken, 1);
	side_pull_all(s, 1);
	assert_in_range(s->sinks[1].announced, 7, 8);
	assert_int_equal(s->sinks[1].withdrawn, 0); /* it never had those */
	side_free(s);
}

static void out_a_route_that_came_and_went_is_not_mentioned(void **state)
{
	struct side *s = side_new(2);

	side_pull_all(s, 1);
	side_announce(s, 0, 1, 1);
	side_withdraw(s, 0, 1);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 0, 0, 0);
	assert_int_equal(s->rib->index.n, 0);
	side_free(s);
}

static void out_a_source_is_not_told_its_own(void **state)
{
	struct side *s = side_new(2);

	side_pull_all(s, 0);
	for (uint32_t n = 0; n < 1000; n++)
		side_announce(s, 0, n, 1);
	for (uint32_t n = 0; n < 1000; n++)
		side_withdraw(s, 0, n);
	assert_int_equal(s->sinks[0].woken, 0);
	assert_false(outbound_pending(&s->sinks[0].peer));
	side_pull_all(s, 0);
	side_assert_pulled(s, 0, 0, 0, 0);
	side_free(s);
}

static void out_a_source_loses_what_it_had_from_another(void **state)
{
	struct side *s = side_new(3);

	side_announce(s, 0, 1, 1);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 1, 0, 2); /* and End-of-RIB */
	/* Peer 1 offers a better one: it is not sent its own, and what it had from 0 is no longer advertised. */
	s->sinks[1].peer.router_id = 5;
	side_announce(s, 1, 1, 2);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 0, 1, 1);
	side_pull_all(s, 0);
	assert_int_equal(s->sinks[0].announced, 1);
	side_withdraw(s, 1, 1);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 1, 0, 1);
	side_pull_all(s, 0);
	side_assert_pulled(s, 0, 0, 1, 1);
	side_free(s);
}

static void out_end_of_rib_follows_the_dump(void **state)
{
	struct side *s = side_new(1);

	for (uint32_t n = 0; n < 1000; n++)
		side_announce(s, 0, n, 1 + n % 3);
	side_attach(s, 1);
	assert_true(s->sinks[1].woken > 0);
	assert_true(outbound_pending(&s->sinks[1].peer));
	assert_true(side_pull(s, 1, 4096) > 0);
	assert_false(s->sinks[1].peer.eor_sent);
	for (uint32_t n = 1000; n < 1100; n++) /* after it came: these may come after End-of-RIB */
		side_announce(s, 0, n, 9);
	while (side_pull(s, 1, 65536))
		;
	assert_int_equal(s->sinks[1].announced, 1100);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	assert_int_equal(s->sinks[1].before_eor, 1000);
	assert_true(s->sinks[1].peer.eor_sent);
	side_free(s);
}

/* The last of the routes that it was held back for may come with what ends that, before any pull (RFC 4724 4.1). */
static void out_end_of_rib_that_was_held_follows_all_that_came_meanwhile(void **state)
{
	struct side *s = side_new(1);

	out_hold_end_of_rib(s->rib, true);
	side_attach(s, 1);
	for (uint32_t n = 0; n < 100; n++)
		side_announce(s, 0, n, 1);
	side_pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced, 100);
	assert_int_equal(s->sinks[1].end_of_ribs, 0);
	for (uint32_t n = 100; n < 200; n++)
		side_announce(s, 0, n, 1);
	out_hold_end_of_rib(s->rib, false);
	side_pull_all(s, 1);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	assert_int_equal(s->sinks[1].before_eor, 100);
	side_free(s);
}

static void out_end_of_rib_of_an_empty_table(void **state)
{
	struct side *s = side_new(2);

	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 0, 0, 1);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 0, 0, 0);
	side_free(s);
}

/* A new group is filled in slices: End-of-RIB waits for the last, changes meanwhile are in. */
static void out_a_large_table_fills_a_group_in_slices(void **state)
{
	struct side *s = side_new(0);
	unsigned slices = 0;

	rib_peer_up(s->rib, &s->sinks[0].peer);
	for (uint32_t n = 0; n < 100000; n++)
		side_announce(s, 0, n, 1 + n % 50);
	s->work = 0;
	side_attach(s, 1);
	assert_int_equal(s->work, 1);
	while (side_pull(s, 1, 65536))
		;
	assert_int_equal(s->sinks[1].end_of_ribs, 0);
	assert_false(outbound_pending(&s->sinks[1].peer));
	side_withdraw(s, 0, 99999);
	side_announce(s, 0, 99998, 77);
	side_withdraw(s, 0, 1);
	for (bool more = true; more; slices++)
		more = rib_work(s->rib, (struct mtime){ 0 });
	assert_in_range(slices, 5, 8);
	while (side_pull(s, 1, 65536))
		;
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	assert_int_equal(s->sinks[1].before_eor, 99999);
	assert_int_equal(s->last[99998], 77);
	assert_int_equal(s->last[1], 0);
	assert_int_equal(s->last[99999], 0);
	assert_int_equal(outbound_info(s->rib, &s->sinks[1].peer).prefixes_sent, 99998);
	side_free(s);
}

/* Nothing of the last slices is for the peer: it is woken for End-of-RIB alone. */
static void out_the_end_of_a_fill_wakes_for_end_of_rib(void **state)
{
	struct side *s = side_new(0);

	rib_peer_up(s->rib, &s->sinks[0].peer);
	rib_peer_up(s->rib, &s->sinks[1].peer);
	for (uint32_t n = 0; n < 50000; n++)
		side_announce(s, n < 10 ? 0 : 1, n, 1);
	side_attach(s, 1);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 10, 0, 1);
	s->sinks[1].woken = 0;
	while (rib_work(s->rib, (struct mtime){ 0 }))
		;
	assert_int_equal(s->sinks[1].woken, 1);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 0, 0, 1);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	side_free(s);
}

static void out_refresh_repeats_everything(void **state)
{
	struct side *s = side_new(2);

	for (uint32_t n = 0; n < 3000; n++)
		side_announce(s, 0, n, 1 + n % 3);
	side_pull_all(s, 1);
	for (uint32_t n = 0; n < 100; n++)
		side_withdraw(s, 0, n);
	side_pull_all(s, 1);
	memset(s->last, 0, sizeof(s->last));
	s->sinks[1].woken = 0;
	out_refresh(s->rib, &test_family, &s->sinks[1].peer, false);
	assert_int_equal(s->sinks[1].woken, 1);
	assert_true(outbound_pending(&s->sinks[1].peer));
	side_pull(s, 1, 4096);
	side_announce(s, 0, 2999, 99); /* changes go before what is left of it */
	side_pull(s, 1, 4096);
	assert_int_equal(s->last[2999], 99);
	while (side_pull(s, 1, 65536))
		;
	for (uint32_t n = 0; n < 3000; n++)
		assert_int_equal(s->last[n], n < 100 ? 0 : n == 2999 ? 99 : 1 + n % 3);
	assert_int_equal(s->sinks[1].end_of_ribs, 0);
	assert_false(outbound_pending(&s->sinks[1].peer));
	side_free(s);
}

/* Withdrawn routes that another peer has not been told of yet are no part of it. */
static void out_refresh_withdraws_nothing(void **state)
{
	struct side *s = side_new(3);

	for (uint32_t n = 0; n < 20; n++)
		side_announce(s, 0, n, 1);
	side_pull_all(s, 1);
	side_pull_all(s, 2);
	for (uint32_t n = 0; n < 10; n++)
		side_withdraw(s, 0, n);
	side_pull_all(s, 1);
	out_refresh(s->rib, &test_family, &s->sinks[1].peer, false);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 10, 0, 1);
	side_pull_all(s, 2);
	side_assert_pulled(s, 2, 0, 10, 1);
	side_free(s);
}

/* What peers alike were sent is at hand for the next one, but not as it was before. */
static void out_drain_repeats_everything_to_all(void **state)
{
	const struct bgp_attrs a = { .next_hop = ip_v4(0xc0000201) };
	struct side *s = side_new(4);
	uint8_t key[SIDE_KEY_OCTETS];

	side_key(1, key);
	rib_announce(s->rib, &test_family, &s->sinks[0].peer, key, SIDE_KEY_OCTETS, 0, attrset_intern(s->sets, &a),
		     BGP_ELIGIBLE, (struct mtime){ 0 });
	for (int p = 1; p < 4; p++)
		side_pull_all(s, p);
	for (int on = 1; on >= 0; on--) {
		out_drain(s->rib, on);
		for (int p = 3; p >= 1; p--) {
			assert_true(out_refreshes(s->rib, &s->sinks[p].peer));
			assert_int_equal(s->sinks[p].woken, 1);
			side_pull_all(s, p);
			side_assert_pulled(s, p, 1, 0, 1);
			assert_false(out_refreshes(s->rib, &s->sinks[p].peer));
		}
		assert_int_equal(s->last[1], on ? BGP_GRACEFUL_SHUTDOWN : 0);
	}
	side_free(s);
}

/* Whether a route fits a peer's messages does not change: else it would have to be withdrawn while it drains. */
static void out_drain_sends_what_was_sent(void **state)
{
	unsigned fit = 0, not = 0;

	for (uint16_t max = 150; max < 350; max++) {
		struct side *s = side_new(0);
		uint32_t before;

		s->max_message = max;
		side_attach(s, 1);
		side_announce(s, 0, 1, 7);
		side_pull_all(s, 1);
		before = s->sinks[1].announced;
		out_drain(s->rib, true);
		side_pull_all(s, 1);
		side_assert_pulled(s, 1, before, 0, before);
		fit += before;
		not += !before;
		side_free(s);
	}
	assert_true(fit && not);
}

static uint64_t out_bytes(const struct rib *r)
{
	struct bgp_memory m = { 0 };

	out_memory(r, &m);
	return m.out_bytes;
}

/* A peer that reads nothing costs no memory, however much changes, and nothing that it needs is forgotten. */
static void out_a_stalled_peer_costs_no_memory(void **state)
{
	struct side *s = side_new(3);
	uint64_t octets;

	for (uint32_t n = 0; n < 1000; n++)
		side_announce(s, 0, n, 1);
	side_pull_all(s, 1);
	side_pull_all(s, 2);
	octets = out_bytes(s->rib);
	for (uint32_t i = 0; i < 100000; i++) {
		side_announce(s, 0, i % 1000, 2 + i % 7);
		if (i % 5 == 0)
			side_withdraw(s, 0, i % 1000);
		if (i % 100 == 0)
			side_pull_all(s, 2);
	}
	assert_true(out_bytes(s->rib) <= octets);
	side_pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced + s->sinks[1].withdrawn, 1000);
	assert_true(s->sinks[1].messages <= 2 * (7 * side_messages_for(143) + side_withdrawals_for(200)) + 2);
	side_free(s);
}

/* A session that ends takes along what only it was owed. */
static void out_a_stalled_peer_that_goes_leaves_nothing(void **state)
{
	struct side *s = side_new(3);

	for (uint32_t n = 0; n < 50000; n++)
		side_announce(s, 0, n, 1);
	side_pull_all(s, 1);
	side_pull_all(s, 2);
	for (uint32_t n = 0; n < 50000; n++)
		side_withdraw(s, 0, n);
	side_pull_all(s, 2);
	assert_int_equal(s->rib->index.n, 50000); /* tombstones for peer 1 */
	s->work = 0;
	rib_peer_down(s->rib, &s->sinks[1].peer);
	assert_int_equal(s->work, 1);
	while (rib_work(s->rib, (struct mtime){ 0 }))
		;
	assert_int_equal(s->rib->index.n, 0);
	side_free(s);
}

static void out_the_last_peer_takes_the_group_along(void **state)
{
	struct side *s = side_new(2);
	struct bgp_memory m;

	for (uint32_t n = 0; n < 1000; n++)
		side_announce(s, 0, n, 1);
	assert_int_not_equal(outbound_info(s->rib, &s->sinks[1].peer).group, 0);
	assert_int_equal(outbound_info(s->rib, &s->sinks[1].peer).group,
			 outbound_info(s->rib, &s->sinks[0].peer).group);
	out_detach(s->rib, &s->sinks[0].peer);
	out_detach(s->rib, &s->sinks[1].peer);
	out_detach(s->rib, &s->sinks[1].peer);
	while (rib_work(s->rib, (struct mtime){ 0 }))
		;
	rib_memory(s->rib, &m);
	assert_int_equal(m.out_bytes, 0);
	assert_int_equal(outbound_info(s->rib, &s->sinks[1].peer).group, 0);
	side_free(s);
}

/* Very many routes of its own before the first that is for it: it is woken again by the next slice of work. */
static void out_a_peer_that_only_skips_lets_others_run(void **state)
{
	struct side *s = side_new(2);
	unsigned rounds = 0;

	side_announce(s, 1, 0, 1);
	for (uint32_t n = 1; n < SIDE_KEYS; n++) /* peer 0 lags behind 1's route, so its own are in its way */
		side_announce(s, 0, n, 1);
	side_announce(s, 1, 1, 0xfff);
	s->sinks[0].woken = 0;
	side_pull(s, 0, 65536);
	while (outbound_pending(&s->sinks[0].peer)) {
		rib_work(s->rib, (struct mtime){ 0 });
		assert_true(s->sinks[0].woken > 0);
		s->sinks[0].woken = 0;
		side_pull(s, 0, 65536);
		rounds++;
	}
	assert_in_range(rounds, 2, 6);
	assert_int_equal(s->sinks[0].announced, 1);
	side_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_a_change_keeps_its_place_while_nobody_has_seen_it),
		cmocka_unit_test(out_a_burst_is_sent_once),
		cmocka_unit_test(out_a_route_that_came_and_went_is_not_mentioned),
		cmocka_unit_test(out_a_source_is_not_told_its_own),
		cmocka_unit_test(out_a_source_loses_what_it_had_from_another),
		cmocka_unit_test(out_end_of_rib_follows_the_dump),
		cmocka_unit_test(out_end_of_rib_that_was_held_follows_all_that_came_meanwhile),
		cmocka_unit_test(out_end_of_rib_of_an_empty_table),
		cmocka_unit_test(out_a_large_table_fills_a_group_in_slices),
		cmocka_unit_test(out_the_end_of_a_fill_wakes_for_end_of_rib),
		cmocka_unit_test(out_refresh_repeats_everything),
		cmocka_unit_test(out_refresh_withdraws_nothing),
		cmocka_unit_test(out_drain_repeats_everything_to_all),
		cmocka_unit_test(out_drain_sends_what_was_sent),
		cmocka_unit_test(out_a_stalled_peer_costs_no_memory),
		cmocka_unit_test(out_a_stalled_peer_that_goes_leaves_nothing),
		cmocka_unit_test(out_the_last_peer_takes_the_group_along),
		cmocka_unit_test(out_a_peer_that_only_skips_lets_others_run),
	};

	return RUN_TESTS(tests);
}
