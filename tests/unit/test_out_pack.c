/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* How routes go into messages: by sets, full, into what space there is. When they are sent is test_out_told.c's. */
#include "tests/lib/side.h"

#include <time.h>

#include "bgp/out_int.h"
#include "tests/lib/outbound.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"
#include "tests/lib/testfamily.h"

static void out_sets_that_come_by_turns_go_in_full_messages(void **state)
{
	struct side *s = side_new(2);

	side_pull_all(s, 1);
	for (uint32_t n = 0; n < 4000; n++)
		side_announce(s, 0, n, 1 + n % 20);
	side_pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced, 4000);
	assert_true(s->sinks[1].messages <= 20 * side_messages_for(200));
	/* So is the dump to one that comes later, and one from random places. */
	side_attach(s, 2);
	side_pull_all(s, 2);
	assert_true(s->sinks[2].messages <= 20 * side_messages_for(200) + 1);
	side_free(s);
}

static void out_withdrawals_go_in_full_messages(void **state)
{
	struct rng r = rng_start("out_withdrawals_go_in_full_messages");
	struct side *s = side_new(2);

	for (uint32_t n = 0; n < 4000; n++)
		side_announce(s, 0, n, 1 + rng_below(&r, 20));
	side_pull_all(s, 1);
	/* Between announcements. */
	for (uint32_t n = 0; n < 4000; n += 2) {
		side_withdraw(s, 0, n);
		side_announce(s, 0, n + 1, 77);
	}
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 2000, 2000, side_messages_for(2000) + side_withdrawals_for(2000));
	side_free(s);
}

static void out_a_lagging_peer_gets_full_messages_too(void **state)
{
	struct side *s = side_new(3);

	for (uint32_t n = 0; n < 2000; n++) {
		side_announce(s, 0, n, 1 + n % 10);
		if (n % 7 == 0)
			side_pull_all(s, 2);
	}
	side_pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced, 2000);
	/* Full up to where the other stands, what came after it by itself. */
	assert_true(s->sinks[1].messages <= 10 * side_messages_for(200) + 1 + 7);
	side_free(s);
}

/* A set with very many routes costs no walk over all of them for each message. */
static void out_packing_does_not_search_far(void **state)
{
	struct side *s = side_new(3);
	clock_t start;

	for (uint32_t n = 0; n < 50000; n++)
		side_announce(s, 0, n, 1);
	side_pull_all(s, 1);
	/* Another source with the same attributes: the route is due, those that hang before it on the set are not. */
	s->sinks[2].peer.router_id = 5;
	start = clock();
	for (uint32_t n = 0; n < 5000; n++) {
		side_announce(s, 2, n, 1);
		side_pull_all(s, 1);
		side_assert_pulled(s, 1, 1, 0, 1);
		side_withdraw(s, 2, n); /* now the source is the same, too */
		side_pull_all(s, 1);
		side_assert_pulled(s, 1, 1, 0, 1);
	}
	assert_true(clock() - start < CLOCKS_PER_SEC);
	side_free(s);
}

/* The walk of a peer that finds no room ends where it began, also when all that it had passed has moved on. */
static void out_a_pull_without_room_forgets_nothing(void **state)
{
	struct side *s = side_new(3);

	side_announce(s, 0, 1, 1);
	side_announce(s, 0, 2, 1);
	side_pull_all(s, 2);
	side_announce(s, 0, 1, 2);
	side_announce(s, 0, 2, 2);
	assert_int_equal(side_pull(s, 2, 100), 0);
	side_withdraw(s, 0, 1);
	side_withdraw(s, 0, 2);
	side_pull_all(s, 2);
	side_assert_pulled(s, 2, 0, 2, 1);
	side_free(s);
}

/* Of two withdrawn routes in a row the peer is told one; the other, its own, goes while the message is being filled. */
static void out_a_route_may_go_while_its_message_is_filled(void **state)
{
	struct side *s = side_new(3);

	side_announce(s, 0, 1, 1);
	side_announce(s, 1, 2, 1);
	for (int p = 0; p < 3; p++)
		side_pull_all(s, p);
	side_withdraw(s, 0, 1);
	side_withdraw(s, 1, 2);
	side_pull_all(s, 0);
	side_pull_all(s, 2);
	assert_int_equal(s->rib->index.n, 2);
	side_pull_all(s, 1);
	side_assert_pulled(s, 1, 0, 1, 1);
	assert_int_equal(s->rib->index.n, 0);
	side_free(s);
}

static void out_nothing_is_written_into_too_little_space(void **state)
{
	struct side *s = side_new(2);

	side_announce(s, 0, 1, 1);
	assert_int_equal(side_pull(s, 1, 4095), 0);
	assert_true(outbound_pending(&s->sinks[1].peer));
	assert_true(side_pull(s, 1, 4096) > 0);
	side_free(s);
}

static void out_extended_messages_fill_what_space_there_is(void **state) /* RFC 8654 */
{
	struct side *s = side_new(1);

	s->max_message = 65535;
	side_attach(s, 1);
	side_pull_all(s, 1);
	s->sinks[1].messages = 0;
	for (uint32_t n = 0; n < 4000; n++)
		side_announce(s, 0, n, 1);
	assert_in_range(side_pull(s, 1, 65535), 65000, 65535);
	assert_int_equal(s->sinks[1].messages, 1);
	/* Messages of one route each share a pull. */
	side_pull_all(s, 1);
	for (uint32_t n = 0; n < 100; n++)
		side_announce(s, 0, n, 2 + n);
	s->sinks[1].announced = 0;
	side_pull(s, 1, 65536);
	assert_int_equal(s->sinks[1].announced, 100);
	side_free(s);
}

static void out_a_set_that_needs_more_space_waits_for_it(void **state) /* RFC 8654 */
{
	struct side *s = side_new(1);
	static uint8_t communities[20000];
	struct bgp_attrs a = { .next_hop = ip_v4(0xc0000201), .communities = communities, .communities_len = 20000 };
	uint8_t key[SIDE_KEY_OCTETS];

	side_attach(s, 2);
	s->max_message = 65535;
	side_attach(s, 1);
	side_pull_all(s, 1);
	side_pull_all(s, 2);
	side_key(1, key);
	rib_announce(s->rib, &test_family, &s->sinks[0].peer, key, SIDE_KEY_OCTETS, 0, attrset_intern(s->sets, &a),
		     BGP_ELIGIBLE, (struct mtime){ 0 });
	assert_int_equal(side_pull(s, 1, 20000), 0);
	assert_true(outbound_pending(&s->sinks[1].peer));
	assert_true(side_pull(s, 1, 65535) > 20000);
	/* For one without long messages it is no route. */
	assert_int_equal(side_pull(s, 2, 65535), 0);
	assert_false(outbound_pending(&s->sinks[2].peer));
	side_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_sets_that_come_by_turns_go_in_full_messages),
		cmocka_unit_test(out_withdrawals_go_in_full_messages),
		cmocka_unit_test(out_a_lagging_peer_gets_full_messages_too),
		cmocka_unit_test(out_packing_does_not_search_far),
		cmocka_unit_test(out_a_pull_without_room_forgets_nothing),
		cmocka_unit_test(out_a_route_may_go_while_its_message_is_filled),
		cmocka_unit_test(out_nothing_is_written_into_too_little_space),
		cmocka_unit_test(out_extended_messages_fill_what_space_there_is),
		cmocka_unit_test(out_a_set_that_needs_more_space_waits_for_it),
	};

	return RUN_TESTS(tests);
}
