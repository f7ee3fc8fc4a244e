/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * What peers are sent and when: packing, bursts, End-of-RIB, refresh, peers that lag. What they hold in the end is the
 * business of test_out.c.
 */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bgp/out_int.h"
#include "bgp/rib.h"
#include "tests/lib/outbound.h"
#include "tests/lib/rng.h"
#include "tests/lib/testfamily.h"

#define PEERS 5
#define KEY_OCTETS 24
#define KEYS 200000

struct sink {
	struct rib_peer peer;
	unsigned woken;
	uint32_t announced, withdrawn, messages, end_of_ribs; /* since the last pull_all() began */
	uint32_t before_eor;                                  /* announced before End-of-RIB */
};

struct side {
	struct attrset_table *sets;
	struct rib *rib;
	struct sink sinks[PEERS];
	unsigned work;
	uint16_t max_message; /* of who attaches, 0: 4,096 */
	uint32_t last[KEYS]; /* the community last announced to sink 1, 0: withdrawn */
};

static void on_want_write(void *ctx, struct rib_peer *p)
{
	container_of(p, struct sink, peer)->woken++;
}

static void on_work(void *ctx)
{
	((struct side *)ctx)->work++;
}

static void attach(struct side *s, int p)
{
	struct out_policy policy;

	memset(&policy, 0, sizeof(policy));
	policy.rr_client = policy.as4 = 1;
	policy.max_message = s->max_message ? s->max_message : 4096;
	rib_peer_up(s->rib, &s->sinks[p].peer);
	out_attach(s->rib, &test_family, &s->sinks[p].peer, &policy);
}

static struct side *side_new(int attached)
{
	struct side *s = calloc(1, sizeof(*s));
	const struct rib_params params = { .asn = 65000, .router_id = 1, .want_write = on_want_write, .work = on_work,
					   .ctx = s };

	s->sets = attrset_table_new();
	s->rib = rib_new(&params, s->sets);
	rib_family_register(s->rib, &test_family, NULL);
	for (int p = 0; p < PEERS; p++) {
		s->sinks[p].peer = (struct rib_peer){ .rr_client = true, .asn = 65000, .router_id = 10 + (uint32_t)p,
						      .address = ip_v4(10 + (uint32_t)p) };
		rib_peer_add(s->rib, &s->sinks[p].peer);
		if (p < attached)
			attach(s, p);
	}
	return s;
}

static void side_free(struct side *s)
{
	rib_free(s->rib);
	assert_int_equal(attrset_count(s->sets), 0);
	attrset_table_free(s->sets);
	free(s);
}

static void key_of(uint32_t n, uint8_t key[KEY_OCTETS])
{
	memset(key, 0x33, KEY_OCTETS);
	memcpy(key + 4, &n, sizeof(n));
}

/* The set is named by its community. */
static uint32_t set_of(struct side *s, uint32_t community)
{
	uint8_t value[4];
	struct wbuf w = wb_init(value, 4);
	struct bgp_attrs a = { .next_hop = ip_v4(0xc0000201), .communities = value, .communities_len = 4 };

	wb_u32(&w, community);
	return attrset_intern(s->sets, &a);
}

static void announce(struct side *s, int p, uint32_t n, uint32_t community)
{
	uint8_t key[KEY_OCTETS];

	key_of(n, key);
	rib_announce(s->rib, &test_family, &s->sinks[p].peer, key, KEY_OCTETS, 0, set_of(s, community), BGP_ELIGIBLE,
		     (struct mtime){ 0 });
}

static void withdraw(struct side *s, int p, uint32_t n)
{
	uint8_t key[KEY_OCTETS];

	key_of(n, key);
	assert_true(rib_withdraw(s->rib, &test_family, &s->sinks[p].peer, key, KEY_OCTETS, 0, (struct mtime){ 0 }));
}

struct taker {
	struct side *s;
	struct sink *k;
};

static void take(void *ctx, struct upd *u)
{
	const struct taker *t = ctx;
	struct sink *k = t->k;
	struct bgp_nlri n;
	uint32_t key;

	k->messages++;
	if (u->end_of_rib) {
		k->end_of_ribs++;
		k->before_eor = k->announced;
		assert_int_equal(u->len, 29);
	}
	while (rb_left(&u->nlri)) {
		assert_int_equal(test_family.decode(&u->nlri, u->unreach, &n), BGP_NLRI_OK);
		*(u->reach ? &k->announced : &k->withdrawn) += 1;
		memcpy(&key, n.key + 4, sizeof(key));
		if (k == &t->s->sinks[1])
			t->s->last[key] = u->reach ? u->community : 0;
	}
}

/* One pull; octets. */
static size_t pull(struct side *s, int p, size_t cap)
{
	struct taker t = { s, &s->sinks[p] };

	return outbound_pull(s->rib, &s->sinks[p].peer, cap, take, &t);
}

static void pull_all(struct side *s, int p)
{
	struct sink *k = &s->sinks[p];

	k->woken = 0;
	k->announced = k->withdrawn = k->messages = k->end_of_ribs = 0;
	while (pull(s, p, 65536))
		;
}

static void assert_pulled(const struct side *s, int p, uint32_t announced, uint32_t withdrawn, uint32_t messages)
{
	assert_int_equal(s->sinks[p].announced, announced);
	assert_int_equal(s->sinks[p].withdrawn, withdrawn);
	assert_int_equal(s->sinks[p].messages, messages);
}

/* Messages that n NLRIs of 1 + 24 + 1 octets need with the attributes of set_of(), with 1 + 24 withdrawn. */
static uint32_t messages_for(uint32_t n)
{
	uint32_t fit = (4096 - 19 - 2 - 2 - 4 - 3 - 5 - 1 - 100) / 26;

	return (n + fit - 1) / fit;
}

static uint32_t withdrawals_for(uint32_t n)
{
	uint32_t fit = (4096 - 19 - 2 - 2 - 4 - 3 - 1) / 25;

	return (n + fit - 1) / fit;
}

static void out_sets_that_come_by_turns_go_in_full_messages(void **state)
{
	struct side *s = side_new(2);

	pull_all(s, 1);
	for (uint32_t n = 0; n < 4000; n++)
		announce(s, 0, n, 1 + n % 20);
	pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced, 4000);
	assert_true(s->sinks[1].messages <= 20 * messages_for(200));
	/* So is the dump to one that comes later, and one from random places. */
	attach(s, 2);
	pull_all(s, 2);
	assert_true(s->sinks[2].messages <= 20 * messages_for(200) + 1);
	side_free(s);
}

static void out_withdrawals_go_in_full_messages(void **state)
{
	struct rng r = rng_start("out_withdrawals_go_in_full_messages");
	struct side *s = side_new(2);

	for (uint32_t n = 0; n < 4000; n++)
		announce(s, 0, n, 1 + rng_below(&r, 20));
	pull_all(s, 1);
	/* Between announcements. */
	for (uint32_t n = 0; n < 4000; n += 2) {
		withdraw(s, 0, n);
		announce(s, 0, n + 1, 77);
	}
	pull_all(s, 1);
	assert_pulled(s, 1, 2000, 2000, messages_for(2000) + withdrawals_for(2000));
	side_free(s);
}

static void out_a_lagging_peer_gets_full_messages_too(void **state)
{
	struct side *s = side_new(3);

	for (uint32_t n = 0; n < 2000; n++) {
		announce(s, 0, n, 1 + n % 10);
		if (n % 7 == 0)
			pull_all(s, 2);
	}
	pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced, 2000);
	/* Full up to where the other stands, what came after it by itself. */
	assert_true(s->sinks[1].messages <= 10 * messages_for(200) + 1 + 7);
	side_free(s);
}

/* A set with very many routes costs no walk over all of them for each message. */
static void out_packing_does_not_search_far(void **state)
{
	struct side *s = side_new(3);
	clock_t start;

	for (uint32_t n = 0; n < 50000; n++)
		announce(s, 0, n, 1);
	pull_all(s, 1);
	/* Another source with the same attributes: the route is due, those that hang before it on the set are not. */
	s->sinks[2].peer.router_id = 5;
	start = clock();
	for (uint32_t n = 0; n < 5000; n++) {
		announce(s, 2, n, 1);
		pull_all(s, 1);
		assert_pulled(s, 1, 1, 0, 1);
		withdraw(s, 2, n); /* now the source is the same, too */
		pull_all(s, 1);
		assert_pulled(s, 1, 1, 0, 1);
	}
	assert_true(clock() - start < CLOCKS_PER_SEC);
	side_free(s);
}

static void out_a_change_keeps_its_place_while_nobody_has_seen_it(void **state)
{
	struct side *s = side_new(2);

	pull_all(s, 1);
	for (uint32_t n = 0; n < 1000; n++)
		announce(s, 0, n, 1);
	announce(s, 0, 0, 2);
	pull(s, 1, 4096);
	assert_int_equal(s->last[0], 2);
	assert_int_equal(s->sinks[1].announced, 1);
	side_free(s);
}

/* The walk of a peer that finds no room ends where it began, also when all that it had passed has moved on. */
static void out_a_pull_without_room_forgets_nothing(void **state)
{
	struct side *s = side_new(3);

	announce(s, 0, 1, 1);
	announce(s, 0, 2, 1);
	pull_all(s, 2);
	announce(s, 0, 1, 2);
	announce(s, 0, 2, 2);
	assert_int_equal(pull(s, 2, 100), 0);
	withdraw(s, 0, 1);
	withdraw(s, 0, 2);
	pull_all(s, 2);
	assert_pulled(s, 2, 0, 2, 1);
	side_free(s);
}

/* Of two withdrawn routes in a row the peer is told one; the other, its own, goes while the message is being filled. */
static void out_a_route_may_go_while_its_message_is_filled(void **state)
{
	struct side *s = side_new(3);

	announce(s, 0, 1, 1);
	announce(s, 1, 2, 1);
	for (int p = 0; p < 3; p++)
		pull_all(s, p);
	withdraw(s, 0, 1);
	withdraw(s, 1, 2);
	pull_all(s, 0);
	pull_all(s, 2);
	assert_int_equal(s->rib->index.n, 2);
	pull_all(s, 1);
	assert_pulled(s, 1, 0, 1, 1);
	assert_int_equal(s->rib->index.n, 0);
	side_free(s);
}

static void out_a_burst_is_sent_once(void **state)
{
	struct side *s = side_new(2);

	pull_all(s, 1);
	announce(s, 0, 10, 1);
	for (uint32_t i = 0; i < 1000; i++) {
		announce(s, 0, i % 10, 1 + i);
		if (i % 3 == 0)
			withdraw(s, 0, i % 10);
	}
	assert_int_equal(s->sinks[1].woken, 1);
	pull_all(s, 1);
	assert_in_range(s->sinks[1].announced, 7, 8);
	assert_int_equal(s->sinks[1].withdrawn, 0); /* it never had those */
	side_free(s);
}

static void out_a_route_that_came_and_went_is_not_mentioned(void **state)
{
	struct side *s = side_new(2);

	pull_all(s, 1);
	announce(s, 0, 1, 1);
	withdraw(s, 0, 1);
	pull_all(s, 1);
	assert_pulled(s, 1, 0, 0, 0);
	assert_int_equal(s->rib->index.n, 0);
	side_free(s);
}

static void out_a_source_is_not_told_its_own(void **state)
{
	struct side *s = side_new(2);

	pull_all(s, 0);
	for (uint32_t n = 0; n < 1000; n++)
		announce(s, 0, n, 1);
	for (uint32_t n = 0; n < 1000; n++)
		withdraw(s, 0, n);
	assert_int_equal(s->sinks[0].woken, 0);
	assert_false(out_pending(s->rib, &s->sinks[0].peer));
	pull_all(s, 0);
	assert_pulled(s, 0, 0, 0, 0);
	side_free(s);
}

static void out_a_source_loses_what_it_had_from_another(void **state)
{
	struct side *s = side_new(3);

	announce(s, 0, 1, 1);
	pull_all(s, 1);
	assert_pulled(s, 1, 1, 0, 2); /* and End-of-RIB */
	/* Peer 1 offers a better one: it is not sent its own, and what it had from 0 is no longer advertised. */
	s->sinks[1].peer.router_id = 5;
	announce(s, 1, 1, 2);
	pull_all(s, 1);
	assert_pulled(s, 1, 0, 1, 1);
	pull_all(s, 0);
	assert_int_equal(s->sinks[0].announced, 1);
	withdraw(s, 1, 1);
	pull_all(s, 1);
	assert_pulled(s, 1, 1, 0, 1);
	pull_all(s, 0);
	assert_pulled(s, 0, 0, 1, 1);
	side_free(s);
}

static void out_end_of_rib_follows_the_dump(void **state)
{
	struct side *s = side_new(1);

	for (uint32_t n = 0; n < 1000; n++)
		announce(s, 0, n, 1 + n % 3);
	attach(s, 1);
	assert_true(s->sinks[1].woken > 0);
	assert_true(out_pending(s->rib, &s->sinks[1].peer));
	assert_true(pull(s, 1, 4096) > 0);
	assert_false(s->sinks[1].peer.eor_sent);
	for (uint32_t n = 1000; n < 1100; n++) /* after it came: these may come after End-of-RIB */
		announce(s, 0, n, 9);
	while (pull(s, 1, 65536))
		;
	assert_int_equal(s->sinks[1].announced, 1100);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	assert_int_equal(s->sinks[1].before_eor, 1000);
	assert_true(s->sinks[1].peer.eor_sent);
	side_free(s);
}

static void out_end_of_rib_of_an_empty_table(void **state)
{
	struct side *s = side_new(2);

	pull_all(s, 1);
	assert_pulled(s, 1, 0, 0, 1);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	pull_all(s, 1);
	assert_pulled(s, 1, 0, 0, 0);
	side_free(s);
}

/* A new group is filled in slices: End-of-RIB waits for the last, changes meanwhile are in. */
static void out_a_large_table_fills_a_group_in_slices(void **state)
{
	struct side *s = side_new(0);
	unsigned slices = 0;

	rib_peer_up(s->rib, &s->sinks[0].peer);
	for (uint32_t n = 0; n < 100000; n++)
		announce(s, 0, n, 1 + n % 50);
	s->work = 0;
	attach(s, 1);
	assert_int_equal(s->work, 1);
	while (pull(s, 1, 65536))
		;
	assert_int_equal(s->sinks[1].end_of_ribs, 0);
	assert_false(out_pending(s->rib, &s->sinks[1].peer));
	withdraw(s, 0, 99999);
	announce(s, 0, 99998, 77);
	withdraw(s, 0, 1);
	for (bool more = true; more; slices++)
		more = rib_work(s->rib, (struct mtime){ 0 });
	assert_in_range(slices, 5, 8);
	while (pull(s, 1, 65536))
		;
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	assert_int_equal(s->sinks[1].before_eor, 99999);
	assert_int_equal(s->last[99998], 77);
	assert_int_equal(s->last[1], 0);
	assert_int_equal(s->last[99999], 0);
	assert_int_equal(out_held(s->rib, &s->sinks[1].peer), 99998);
	side_free(s);
}

/* Nothing of the last slices is for the peer: it is woken for End-of-RIB alone. */
static void out_the_end_of_a_fill_wakes_for_end_of_rib(void **state)
{
	struct side *s = side_new(0);

	rib_peer_up(s->rib, &s->sinks[0].peer);
	rib_peer_up(s->rib, &s->sinks[1].peer);
	for (uint32_t n = 0; n < 50000; n++)
		announce(s, n < 10 ? 0 : 1, n, 1);
	attach(s, 1);
	pull_all(s, 1);
	assert_pulled(s, 1, 10, 0, 1);
	s->sinks[1].woken = 0;
	while (rib_work(s->rib, (struct mtime){ 0 }))
		;
	assert_int_equal(s->sinks[1].woken, 1);
	pull_all(s, 1);
	assert_pulled(s, 1, 0, 0, 1);
	assert_int_equal(s->sinks[1].end_of_ribs, 1);
	side_free(s);
}

static void out_refresh_repeats_everything(void **state)
{
	struct side *s = side_new(2);

	for (uint32_t n = 0; n < 3000; n++)
		announce(s, 0, n, 1 + n % 3);
	pull_all(s, 1);
	for (uint32_t n = 0; n < 100; n++)
		withdraw(s, 0, n);
	pull_all(s, 1);
	memset(s->last, 0, sizeof(s->last));
	s->sinks[1].woken = 0;
	out_refresh(s->rib, &test_family, &s->sinks[1].peer, false);
	assert_int_equal(s->sinks[1].woken, 1);
	assert_true(out_pending(s->rib, &s->sinks[1].peer));
	pull(s, 1, 4096);
	announce(s, 0, 2999, 99); /* changes go before what is left of it */
	pull(s, 1, 4096);
	assert_int_equal(s->last[2999], 99);
	while (pull(s, 1, 65536))
		;
	for (uint32_t n = 0; n < 3000; n++)
		assert_int_equal(s->last[n], n < 100 ? 0 : n == 2999 ? 99 : 1 + n % 3);
	assert_int_equal(s->sinks[1].end_of_ribs, 0);
	assert_false(out_pending(s->rib, &s->sinks[1].peer));
	side_free(s);
}

/* Withdrawn routes that another peer has not been told of yet are no part of it. */
static void out_refresh_withdraws_nothing(void **state)
{
	struct side *s = side_new(3);

	for (uint32_t n = 0; n < 20; n++)
		announce(s, 0, n, 1);
	pull_all(s, 1);
	pull_all(s, 2);
	for (uint32_t n = 0; n < 10; n++)
		withdraw(s, 0, n);
	pull_all(s, 1);
	out_refresh(s->rib, &test_family, &s->sinks[1].peer, false);
	pull_all(s, 1);
	assert_pulled(s, 1, 10, 0, 1);
	pull_all(s, 2);
	assert_pulled(s, 2, 0, 10, 1);
	side_free(s);
}

/* What peers alike were sent is at hand for the next one, but not as it was before. */
static void out_drain_repeats_everything_to_all(void **state)
{
	const struct bgp_attrs a = { .next_hop = ip_v4(0xc0000201) };
	struct side *s = side_new(4);
	uint8_t key[KEY_OCTETS];

	key_of(1, key);
	rib_announce(s->rib, &test_family, &s->sinks[0].peer, key, KEY_OCTETS, 0, attrset_intern(s->sets, &a), BGP_ELIGIBLE,
		     (struct mtime){ 0 });
	for (int p = 1; p < 4; p++)
		pull_all(s, p);
	for (int on = 1; on >= 0; on--) {
		out_drain(s->rib, on);
		for (int p = 3; p >= 1; p--) {
			assert_true(out_refreshes(s->rib, &s->sinks[p].peer));
			assert_int_equal(s->sinks[p].woken, 1);
			pull_all(s, p);
			assert_pulled(s, p, 1, 0, 1);
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
		attach(s, 1);
		announce(s, 0, 1, 7);
		pull_all(s, 1);
		before = s->sinks[1].announced;
		out_drain(s->rib, true);
		pull_all(s, 1);
		assert_pulled(s, 1, before, 0, before);
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
		announce(s, 0, n, 1);
	pull_all(s, 1);
	pull_all(s, 2);
	octets = out_bytes(s->rib);
	for (uint32_t i = 0; i < 100000; i++) {
		announce(s, 0, i % 1000, 2 + i % 7);
		if (i % 5 == 0)
			withdraw(s, 0, i % 1000);
		if (i % 100 == 0)
			pull_all(s, 2);
	}
	assert_true(out_bytes(s->rib) <= octets);
	pull_all(s, 1);
	assert_int_equal(s->sinks[1].announced + s->sinks[1].withdrawn, 1000);
	assert_true(s->sinks[1].messages <= 2 * (7 * messages_for(143) + withdrawals_for(200)) + 2);
	side_free(s);
}

/* A session that ends takes along what only it was owed. */
static void out_a_stalled_peer_that_goes_leaves_nothing(void **state)
{
	struct side *s = side_new(3);

	for (uint32_t n = 0; n < 50000; n++)
		announce(s, 0, n, 1);
	pull_all(s, 1);
	pull_all(s, 2);
	for (uint32_t n = 0; n < 50000; n++)
		withdraw(s, 0, n);
	pull_all(s, 2);
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
		announce(s, 0, n, 1);
	assert_int_not_equal(out_group_id(s->rib, &s->sinks[1].peer), 0);
	assert_int_equal(out_group_id(s->rib, &s->sinks[1].peer), out_group_id(s->rib, &s->sinks[0].peer));
	out_detach(s->rib, &s->sinks[0].peer);
	out_detach(s->rib, &s->sinks[1].peer);
	out_detach(s->rib, &s->sinks[1].peer);
	while (rib_work(s->rib, (struct mtime){ 0 }))
		;
	rib_memory(s->rib, &m);
	assert_int_equal(m.out_bytes, 0);
	assert_int_equal(out_group_id(s->rib, &s->sinks[1].peer), 0);
	side_free(s);
}

/* Very many routes of its own before the first that is for it: it is woken again by the next slice of work. */
static void out_a_peer_that_only_skips_lets_others_run(void **state)
{
	struct side *s = side_new(2);
	unsigned rounds = 0;

	announce(s, 1, 0, 1);
	for (uint32_t n = 1; n < KEYS; n++) /* peer 0 lags behind 1's route, so its own are in its way */
		announce(s, 0, n, 1);
	announce(s, 1, 1, 0xfff);
	s->sinks[0].woken = 0;
	pull(s, 0, 65536);
	while (out_pending(s->rib, &s->sinks[0].peer)) {
		rib_work(s->rib, (struct mtime){ 0 });
		assert_true(s->sinks[0].woken > 0);
		s->sinks[0].woken = 0;
		pull(s, 0, 65536);
		rounds++;
	}
	assert_in_range(rounds, 2, 6);
	assert_int_equal(s->sinks[0].announced, 1);
	side_free(s);
}

static void out_nothing_is_written_into_too_little_space(void **state)
{
	struct side *s = side_new(2);

	announce(s, 0, 1, 1);
	assert_int_equal(pull(s, 1, 4095), 0);
	assert_true(out_pending(s->rib, &s->sinks[1].peer));
	assert_true(pull(s, 1, 4096) > 0);
	side_free(s);
}

static void out_extended_messages_fill_what_space_there_is(void **state) /* RFC 8654 */
{
	struct side *s = side_new(1);

	s->max_message = 65535;
	attach(s, 1);
	pull_all(s, 1);
	s->sinks[1].messages = 0;
	for (uint32_t n = 0; n < 4000; n++)
		announce(s, 0, n, 1);
	assert_in_range(pull(s, 1, 65535), 65000, 65535);
	assert_int_equal(s->sinks[1].messages, 1);
	/* Messages of one route each share a pull. */
	pull_all(s, 1);
	for (uint32_t n = 0; n < 100; n++)
		announce(s, 0, n, 2 + n);
	s->sinks[1].announced = 0;
	pull(s, 1, 65536);
	assert_int_equal(s->sinks[1].announced, 100);
	side_free(s);
}

static void out_a_set_that_needs_more_space_waits_for_it(void **state) /* RFC 8654 */
{
	struct side *s = side_new(1);
	static uint8_t communities[20000];
	struct bgp_attrs a = { .next_hop = ip_v4(0xc0000201), .communities = communities, .communities_len = 20000 };
	uint8_t key[KEY_OCTETS];

	attach(s, 2);
	s->max_message = 65535;
	attach(s, 1);
	pull_all(s, 1);
	pull_all(s, 2);
	key_of(1, key);
	rib_announce(s->rib, &test_family, &s->sinks[0].peer, key, KEY_OCTETS, 0, attrset_intern(s->sets, &a),
		     BGP_ELIGIBLE, (struct mtime){ 0 });
	assert_int_equal(pull(s, 1, 20000), 0);
	assert_true(out_pending(s->rib, &s->sinks[1].peer));
	assert_true(pull(s, 1, 65535) > 20000);
	/* For one without long messages it is no route. */
	assert_int_equal(pull(s, 2, 65535), 0);
	assert_false(out_pending(s->rib, &s->sinks[2].peer));
	side_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_sets_that_come_by_turns_go_in_full_messages),
		cmocka_unit_test(out_withdrawals_go_in_full_messages),
		cmocka_unit_test(out_a_lagging_peer_gets_full_messages_too),
		cmocka_unit_test(out_packing_does_not_search_far),
		cmocka_unit_test(out_a_change_keeps_its_place_while_nobody_has_seen_it),
		cmocka_unit_test(out_a_pull_without_room_forgets_nothing),
		cmocka_unit_test(out_a_route_may_go_while_its_message_is_filled),
		cmocka_unit_test(out_a_burst_is_sent_once),
		cmocka_unit_test(out_a_route_that_came_and_went_is_not_mentioned),
		cmocka_unit_test(out_a_source_is_not_told_its_own),
		cmocka_unit_test(out_a_source_loses_what_it_had_from_another),
		cmocka_unit_test(out_end_of_rib_follows_the_dump),
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
		cmocka_unit_test(out_nothing_is_written_into_too_little_space),
		cmocka_unit_test(out_extended_messages_fill_what_space_there_is),
		cmocka_unit_test(out_a_set_that_needs_more_space_waits_for_it),
	};

	return RUN_TESTS(tests);
}
