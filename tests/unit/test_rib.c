/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/*
 * bgp/rib.c, rib_peer.c, rib_walk.c: a key's paths, what the listener hears, purges, walks. test_out.c has the model.
 */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "bgp/rib.h"
#include "bgp/attr.h"
#include "bgp/rib_int.h"
#include "tests/lib/rng.h"
#include "tests/lib/testfamily.h"

#define PEERS 4

struct told {
	uint32_t old_set, new_set;
	struct bgp_peer *old_peer, *new_peer;
	uint8_t key[BGP_KEY_MAX];
	size_t key_len;
};

struct table {
	struct attrset_table *sets;
	struct rib *rib;
	struct rib_peer peers[PEERS];
	struct bgp_listener listener;
	struct told told; /* the last */
	unsigned times;   /* told so often */
	unsigned work;
	void (*back)(struct table *t, const struct bgp_route_ref *new_); /* called from the listener */
};

static void on_want_write(void *ctx, struct rib_peer *p)
{
}

static void on_work(void *ctx)
{
	((struct table *)ctx)->work++;
}

static void on_best_changed(void *ctx, const struct bgp_route_ref *old, const struct bgp_route_ref *new_)
{
	const struct bgp_route_ref *any = old ? old : new_;
	struct table *t = ctx;

	t->times++;
	t->told = (struct told){ .key_len = any->key_len };
	memcpy(t->told.key, any->key, any->key_len);
	if (old) {
		t->told.old_set = old->set;
		t->told.old_peer = old->peer;
		assert_ptr_equal(old->attrs, attrset_get(t->sets, old->set));
	}
	if (new_) {
		t->told.new_set = new_->set;
		t->told.new_peer = new_->peer;
		assert_ptr_equal(new_->attrs, attrset_get(t->sets, new_->set));
	}
	if (t->back)
		t->back(t, new_);
	/* Whatever that did, what was lent is still there. */
	assert_memory_equal(any->key, t->told.key, any->key_len);
	if (new_)
		assert_int_equal(new_->attrs->next_hop.len, 4);
	if (old)
		assert_int_equal(old->attrs->next_hop.len, 4);
}

static struct bgp_peer *name_of(const struct table *t, int p)
{
	return (struct bgp_peer *)(uintptr_t)&t->peers[p];
}

static struct table *table_new(void)
{
	struct table *t = calloc(1, sizeof(*t));
	const struct rib_params params = { .asn = 65000, .router_id = 0x0a000001, .cluster_id = 0x0a0000ff,
					   .want_write = on_want_write, .work = on_work, .ctx = t };

	t->sets = attrset_table_new();
	t->rib = rib_new(&params, t->sets);
	t->listener = (struct bgp_listener){ .best_changed = on_best_changed, .ctx = t };
	rib_family_register(t->rib, &test_family, &t->listener);
	rib_family_register(t->rib, &test_family2, NULL);
	for (int p = 0; p < PEERS; p++) {
		t->peers[p] = (struct rib_peer){ .peer = name_of(t, p), .asn = 65000, .router_id = 10 + (uint32_t)p,
						 .address = ip_v4(10 + (uint32_t)p) };
		rib_peer_add(t->rib, &t->peers[p]);
		rib_peer_up(t->rib, &t->peers[p]);
	}
	return t;
}

static void table_free(struct table *t)
{
	rib_free(t->rib);
	assert_int_equal(attrset_count(t->sets), 0);
	attrset_table_free(t->sets);
	free(t);
}

/* Keys of 20 octets and, every third, of 36, or the longest there are. */
static size_t key_of(uint32_t n, uint8_t key[BGP_KEY_MAX])
{
	memset(key, 0x5a, BGP_KEY_MAX);
	memcpy(key, &n, sizeof(n));
	return n % 3 ? 20 : n % 2 ? 36 : BGP_KEY_MAX;
}

/* The set with that LOCAL_PREF. */
static uint32_t set_of(struct table *t, uint32_t pref)
{
	struct bgp_attrs a = { .has_local_pref = true, .local_pref = pref, .next_hop = ip_v4(0xc0000201) };

	return attrset_intern(t->sets, &a);
}

static uint32_t announce(struct table *t, int p, uint32_t n, uint32_t pref)
{
	uint8_t key[BGP_KEY_MAX];
	size_t len = key_of(n, key);
	uint32_t set = set_of(t, pref);

	rib_announce(t->rib, &test_family, p < 0 ? NULL : &t->peers[p], key, len, 0, set, BGP_ELIGIBLE,
		     (struct mtime){ 5000000 });
	return set;
}

static bool withdraw(struct table *t, int p, uint32_t n)
{
	uint8_t key[BGP_KEY_MAX];
	size_t len = key_of(n, key);

	return rib_withdraw(t->rib, &test_family, p < 0 ? NULL : &t->peers[p], key, len, 0, (struct mtime){ 0 });
}

static void work_all(struct table *t)
{
	while (rib_work(t->rib, (struct mtime){ 0 }))
		;
}

static unsigned n_paths(const struct table *t)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	unsigned n = 0;

	while (rib_next(t->rib, &c, &p))
		n++;
	return n;
}

static void assert_told(const struct table *t, unsigned times, uint32_t old_set, uint32_t new_set)
{
	assert_int_equal(t->times, times);
	assert_int_equal(t->told.old_set, old_set);
	assert_int_equal(t->told.new_set, new_set);
}

static void rib_one_path_comes_changes_and_goes(void **state)
{
	struct table *t = table_new();
	uint32_t a, b;

	a = announce(t, 0, 1, 100);
	assert_told(t, 1, 0, a);
	assert_ptr_equal(t->told.new_peer, name_of(t, 0));
	assert_int_equal(t->told.key_len, 20);
	assert_int_equal(t->peers[0].paths, 1);
	b = announce(t, 0, 1, 200);
	assert_told(t, 2, a, b);
	assert_int_equal(t->peers[0].paths, 1);
	assert_int_equal(attrset_count(t->sets), 1);
	assert_true(withdraw(t, 0, 1));
	assert_told(t, 3, b, 0);
	assert_int_equal(t->peers[0].paths, 0);
	assert_int_equal(attrset_count(t->sets), 0);
	assert_false(withdraw(t, 0, 1));
	assert_int_equal(t->rib->index.n, 0);
	table_free(t);
}

static void rib_the_same_again_is_no_change(void **state)
{
	struct table *t = table_new();
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	uint8_t key[BGP_KEY_MAX];

	announce(t, 0, 1, 100);
	rib_announce(t->rib, &test_family, &t->peers[0], key, key_of(1, key), 0, set_of(t, 100), BGP_ELIGIBLE,
		     (struct mtime){ 99000000 });
	assert_int_equal(t->times, 1);
	assert_true(rib_next(t->rib, &c, &p));
	assert_int_equal(p.since.us, 5000000);
	assert_true(withdraw(t, 0, 1));
	table_free(t);
}

static void rib_the_best_of_several_wins(void **state)
{
	struct table *t = table_new();
	uint32_t a, b, c;

	a = announce(t, 0, 1, 100);
	b = announce(t, 1, 1, 50);
	assert_told(t, 1, 0, a);
	c = announce(t, 2, 1, 150);
	assert_told(t, 2, a, c);
	assert_ptr_equal(t->told.old_peer, name_of(t, 0));
	assert_ptr_equal(t->told.new_peer, name_of(t, 2));
	assert_int_equal(n_paths(t), 3);
	assert_true(withdraw(t, 2, 1));
	assert_told(t, 3, c, a);
	assert_true(withdraw(t, 0, 1));
	assert_told(t, 4, a, b);
	assert_true(withdraw(t, 1, 1));
	assert_told(t, 5, b, 0);
	assert_int_equal(t->rib->alts.used, 0);
	table_free(t);
}

static void rib_a_path_that_is_not_best_changes_in_silence(void **state)
{
	struct table *t = table_new();

	announce(t, 0, 1, 100);
	announce(t, 1, 1, 50);
	announce(t, 1, 1, 60);
	assert_int_equal(t->times, 1);
	assert_int_equal(t->peers[1].paths, 1);
	announce(t, 1, 1, 160);
	assert_int_equal(t->times, 2);
	assert_true(withdraw(t, 0, 1));
	assert_int_equal(t->times, 2);
	assert_true(withdraw(t, 1, 1));
	table_free(t);
}

static void rib_a_rejected_path_is_held_and_never_best(void **state)
{
	struct table *t = table_new();
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	uint8_t key[BGP_KEY_MAX];
	size_t len = key_of(1, key);
	uint32_t a;

	rib_announce(t->rib, &test_family, &t->peers[0], key, len, 0, set_of(t, 300), BGP_REJECT_CLUSTER,
		     (struct mtime){ 0 });
	assert_int_equal(t->times, 0);
	assert_true(rib_next(t->rib, &c, &p));
	assert_false(p.best);
	assert_int_equal(p.reject, BGP_REJECT_CLUSTER);
	assert_int_equal(t->peers[0].rejected, 1);
	a = announce(t, 1, 1, 100);
	assert_told(t, 1, 0, a);
	c = (struct bgp_rib_cursor){ 0 };
	assert_true(rib_next(t->rib, &c, &p)); /* best first */
	assert_true(p.best);
	assert_ptr_equal(p.peer, name_of(t, 1));
	assert_true(rib_next(t->rib, &c, &p));
	assert_false(p.best);
	assert_true(withdraw(t, 1, 1));
	assert_told(t, 2, a, 0);
	assert_int_equal(n_paths(t), 1);
	/* It becomes eligible: the set is the same, the route is new all the same. */
	a = announce(t, 0, 1, 300);
	assert_told(t, 3, 0, a);
	assert_int_equal(t->peers[0].rejected, 0);
	assert_true(withdraw(t, 0, 1));
	table_free(t);
}

static void rib_a_local_path_has_no_peer(void **state)
{
	struct table *t = table_new();

	announce(t, 0, 1, 100);
	announce(t, -1, 1, 100);
	assert_int_equal(t->times, 2);
	assert_null(t->told.new_peer);
	assert_false(withdraw(t, 1, 1));
	assert_true(withdraw(t, -1, 1));
	assert_ptr_equal(t->told.new_peer, name_of(t, 0));
	assert_true(withdraw(t, 0, 1));
	table_free(t);
}

static void rib_families_and_lengths_are_apart(void **state)
{
	struct table *t = table_new();
	uint8_t key[BGP_KEY_MAX] = { 0 };

	for (size_t len = 1; len <= BGP_KEY_MAX; len++) {
		rib_announce(t->rib, &test_family, &t->peers[0], key, len, 0, set_of(t, 100), BGP_ELIGIBLE,
			     (struct mtime){ 0 });
		rib_announce(t->rib, &test_family2, &t->peers[0], key, len, 0, set_of(t, 100), BGP_ELIGIBLE,
			     (struct mtime){ 0 });
	}
	assert_int_equal(t->peers[0].paths, 2 * BGP_KEY_MAX);
	assert_int_equal(t->times, BGP_KEY_MAX);
	for (size_t len = 1; len <= BGP_KEY_MAX; len++)
		assert_true(rib_withdraw(t->rib, &test_family, &t->peers[0], key, len, 0, (struct mtime){ 0 }));
	assert_int_equal(n_paths(t), BGP_KEY_MAX);
	table_free(t); /* with routes in it */
}

/* The listener answers with a route of our own under the same key, then takes it back: the route is gone under way. */
static void answer_in_kind(struct table *t, const struct bgp_route_ref *new_)
{
	if (t->times == 1) {
		announce(t, -1, 1, 500);
	} else if (t->times == 2) {
		withdraw(t, 0, 1);
		withdraw(t, -1, 1);
	}
}

static void rib_the_listener_may_change_the_same_route(void **state)
{
	struct table *t = table_new();

	t->back = answer_in_kind;
	announce(t, 0, 1, 100);
	assert_int_equal(t->times, 3);
	assert_int_equal(t->told.new_set, 0);
	assert_int_equal(t->rib->index.n, 0);
	assert_int_equal(attrset_count(t->sets), 0);
	table_free(t);
}

static void rib_a_lost_peer_is_purged_in_slices(void **state)
{
	struct table *t = table_new();
	unsigned slices = 0;

	for (uint32_t n = 0; n < 10000; n++) {
		announce(t, (int)(n % 2), n, 100);
		announce(t, 2, n, n % 4 ? 50 : 150);
	}
	t->times = 0;
	rib_peer_down(t->rib, &t->peers[0]);
	assert_int_equal(t->work, 1);
	assert_int_equal(t->times, 0);
	rib_peer_down(t->rib, &t->peers[2]); /* one sweep for both */
	for (bool more = true; more; slices++)
		more = rib_work(t->rib, (struct mtime){ 0 });
	assert_in_range(slices, 4, 7);
	assert_int_equal(t->peers[0].paths, 0);
	assert_int_equal(t->peers[2].paths, 0);
	assert_int_equal(t->peers[1].paths, 5000);
	assert_int_equal(n_paths(t), 5000);
	/* Told once a route that had its best path from one of them: never of the way over the other. */
	assert_int_equal(t->times, 5000);
	table_free(t);
}

enum { URGENT = 39 }; /* of 10000 keys */

static void urgent_before_all(struct table *t, const struct bgp_route_ref *new_)
{
	assert_int_equal(t->told.key[0] == 0xfd, t->times <= URGENT);
}

static void rib_urgent_routes_of_a_lost_peer_go_first(void **state)
{
	struct table *t = table_new();

	for (uint32_t n = 0; n < 10000; n++)
		announce(t, (int)(n % 2), n, 100);
	announce(t, 0, 0xfd, 50); /* another path of it */
	announce(t, 2, 0x1fd, 50);
	t->times = 0;
	t->back = urgent_before_all;
	rib_peer_down(t->rib, &t->peers[1]);
	rib_work(t->rib, (struct mtime){ 0 });
	assert_in_range(t->times, URGENT + 1, 5000);
	work_all(t);
	assert_int_equal(t->times, 5000);
	t->back = NULL;
	rib_peer_down(t->rib, &t->peers[0]);
	rib_peer_down(t->rib, &t->peers[2]);
	work_all(t);
	assert_int_equal(n_paths(t), 0);
	table_free(t);
}

static void rib_a_peer_returns_while_its_last_routes_are_swept(void **state)
{
	struct table *t = table_new();

	for (uint32_t n = 0; n < 10000; n++)
		announce(t, 0, n, 100);
	rib_peer_down(t->rib, &t->peers[0]);
	rib_work(t->rib, (struct mtime){ 0 });
	announce(t, 1, 9999, 50); /* no path of the dead wins against it */
	assert_ptr_equal(t->told.new_peer, name_of(t, 1));
	rib_peer_up(t->rib, &t->peers[0]);
	announce(t, 0, 1, 100);
	announce(t, 0, 9998, 100);
	work_all(t);
	assert_int_equal(t->peers[0].paths, 2);
	assert_int_equal(n_paths(t), 3);
	rib_peer_del(t->rib, &t->peers[0]);
	assert_int_equal(n_paths(t), 1);
	table_free(t);
}

/* ---- generations ------------------------------------------------------------------------------------------------ */

static void turn(struct table *t, int p, uint32_t from, enum rib_gen_state to)
{
	rib_gen_turn(t->rib, &t->peers[p], &test_family, from, to);
}

static uint32_t paths_in(const struct table *t, int p, enum rib_gen_state state)
{
	return rib_gen_paths(t->rib, &t->peers[p], &test_family, RIB_GEN_BIT(state));
}

static void rib_what_a_refresh_does_not_repeat_goes(void **state)
{
	struct table *t = table_new();

	for (uint32_t n = 0; n < 100; n++)
		announce(t, 0, n, 100);
	announce(t, 1, 99, 50);
	turn(t, 0, RIB_GEN_BIT(RIB_GEN_CURRENT), RIB_GEN_REFRESH);
	assert_int_equal(paths_in(t, 0, RIB_GEN_REFRESH), 100);
	t->times = 0;
	for (uint32_t n = 0; n < 90; n++)
		announce(t, 0, n, n < 80 ? 100 : 200);
	assert_int_equal(t->times, 10); /* the same again is no change */
	assert_true(withdraw(t, 0, 95));
	assert_int_equal(paths_in(t, 0, RIB_GEN_CURRENT), 90);
	assert_int_equal(paths_in(t, 0, RIB_GEN_REFRESH), 9);
	turn(t, 0, RIB_GEN_BIT(RIB_GEN_REFRESH), RIB_GEN_DEAD);
	work_all(t);
	assert_int_equal(t->peers[0].paths, 90);
	assert_int_equal(n_paths(t), 91);
	table_free(t);
}

/* A path that is not the best is of a generation, too, and so is one that is not eligible. */
static void rib_generations_are_of_all_paths(void **state)
{
	struct table *t = table_new();
	uint8_t key[BGP_KEY_MAX];
	size_t len = key_of(7, key);

	announce(t, 0, 7, 50);
	announce(t, 1, 7, 100);
	rib_announce(t->rib, &test_family, &t->peers[2], key, len, 0, set_of(t, 200), BGP_REJECT_CLUSTER,
		     (struct mtime){ 0 });
	for (int p = 0; p < 3; p += 2) {
		turn(t, p, RIB_GEN_BIT(RIB_GEN_CURRENT), RIB_GEN_STALE);
		assert_int_equal(paths_in(t, p, RIB_GEN_STALE), 1);
	}
	turn(t, 1, RIB_GEN_BIT(RIB_GEN_CURRENT), RIB_GEN_DEAD);
	work_all(t);
	assert_ptr_equal(t->told.new_peer, name_of(t, 0)); /* stale, and used */
	turn(t, 0, RIB_GEN_BIT(RIB_GEN_STALE), RIB_GEN_DEAD);
	turn(t, 2, RIB_GEN_BIT(RIB_GEN_STALE), RIB_GEN_DEAD);
	work_all(t);
	assert_int_equal(n_paths(t), 0);
	table_free(t);
}

/* RFC 9494 4.2, 4.3: aged ones bear the community and lose against everything; NO_LLGR ones go. */
static void rib_aged_paths_are_a_last_resort(void **state)
{
	static const uint8_t no_llgr[] = { 0xff, 0xff, 0, 7 }, stale[] = { 0, 1, 0, 2, 0xff, 0xff, 0, 6 };
	struct bgp_attrs a = { .next_hop = ip_v4(1), .communities = no_llgr, .communities_len = 4 };
	struct table *t = table_new();
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	uint8_t key[BGP_KEY_MAX];
	size_t len = key_of(1, key);

	rib_announce(t->rib, &test_family, &t->peers[0], key, len, 0, attrset_intern(t->sets, &a), BGP_ELIGIBLE,
		     (struct mtime){ 0 });
	a.communities = stale;
	a.communities_len = sizeof(stale);
	len = key_of(2, key);
	rib_announce(t->rib, &test_family, &t->peers[0], key, len, 0, attrset_intern(t->sets, &a), BGP_ELIGIBLE,
		     (struct mtime){ 0 });
	announce(t, 0, 3, 200);
	announce(t, 1, 3, 50);
	announce(t, 2, 3, 60);
	turn(t, 0, RIB_GEN_BIT(RIB_GEN_CURRENT), RIB_GEN_STALE);
	announce(t, 0, 4, 100);
	turn(t, 0, RIB_GEN_BIT(RIB_GEN_STALE), RIB_GEN_AGEING);
	t->times = 0;
	work_all(t);
	assert_int_equal(t->times, 2); /* 1 is gone, 3 has another best path, 2 had the community before */
	assert_int_equal(paths_in(t, 0, RIB_GEN_LONG), 2);
	assert_int_equal(paths_in(t, 0, RIB_GEN_CURRENT), 1);
	while (rib_next(t->rib, &c, &p)) {
		bool long_lived = bgp_has_community(p.attrs, BGP_LLGR_STALE);

		assert_int_not_equal(p.key[0], 1);
		assert_int_equal(long_lived, p.peer == name_of(t, 0) && p.key[0] != 4);
		assert_int_equal(p.best, p.key[0] != 3 || p.peer == name_of(t, 2));
	}
	withdraw(t, 1, 3);
	withdraw(t, 2, 3);
	assert_ptr_equal(t->told.new_peer, name_of(t, 0)); /* better than nothing */
	turn(t, 0, RIB_GEN_BIT(RIB_GEN_LONG), RIB_GEN_DEAD);
	work_all(t);
	assert_int_equal(n_paths(t), 1);
	table_free(t);
}

/* Sessions lost with retention or without, refreshes and timers at any time: each path is where a model has it. */
static void rib_generations_follow_a_model(void **state)
{
	enum { KEYS = 200 };
	struct rng r = rng_start("rib_generations_follow_a_model");
	enum rib_gen_state model[KEYS];

	for (int run = 0; run < 20; run++) {
		struct table *t = table_new();

		memset(model, 0, sizeof(model));
		for (int step = 0; step < 2000; step++) {
			uint32_t n = rng_below(&r, KEYS), from = 0, want[RIB_GEN_DEAD + 1] = { 0 };
			enum rib_gen_state to = RIB_GEN_DEAD;
			const uint32_t kept = RIB_GEN_BIT(RIB_GEN_REFRESH) | RIB_GEN_BIT(RIB_GEN_STALE) |
					      RIB_GEN_BIT(RIB_GEN_AGEING) | RIB_GEN_BIT(RIB_GEN_LONG);
			bool ready;

			announce(t, 1, n, rng_below(&r, 3) ? 50 : 150);
			if (rng_below(&r, 3)) {
				announce(t, 0, n, 100);
				model[n] = RIB_GEN_CURRENT;
			} else {
				assert_int_equal(withdraw(t, 0, n), model[n] && model[n] != RIB_GEN_DEAD);
				model[n] = RIB_GEN_FREE;
			}
			switch (rng_below(&r, 60)) {
			case 0:
				ready = rib_gen_ready(t->rib, &t->peers[0], &test_family);
				if (ready && !rib_gen_paths(t->rib, &t->peers[0], &test_family, kept))
					from = RIB_GEN_BIT(RIB_GEN_CURRENT);
				to = RIB_GEN_REFRESH;
				break;
			case 1:
				from = RIB_GEN_BIT(RIB_GEN_REFRESH);
				break;
			case 2:
				turn(t, 0, RIB_GEN_BIT(RIB_GEN_STALE), RIB_GEN_DEAD);
				for (int k = 0; k < KEYS; k++)
					model[k] = model[k] == RIB_GEN_STALE ? RIB_GEN_DEAD : model[k];
				from = RIB_GEN_BIT(RIB_GEN_CURRENT) | RIB_GEN_BIT(RIB_GEN_REFRESH);
				to = RIB_GEN_STALE;
				break;
			case 3:
				from = RIB_GEN_BIT(RIB_GEN_STALE);
				to = RIB_GEN_AGEING;
				break;
			case 4:
				from = RIB_GEN_BIT(RIB_GEN_LONG) | RIB_GEN_BIT(RIB_GEN_AGEING);
				break;
			case 5:
				from = RIB_GEN_ALL;
				break;
			case 6:
				rib_work(t->rib, (struct mtime){ 0 });
				break;
			}
			turn(t, 0, from, to);
			for (int k = 0; k < KEYS; k++) {
				/* What ages or is dead may have come through already. */
				model[k] = from & RIB_GEN_BIT(model[k]) ? to : model[k];
				want[model[k]]++;
			}
			assert_int_equal(paths_in(t, 0, RIB_GEN_CURRENT), want[RIB_GEN_CURRENT]);
			assert_int_equal(paths_in(t, 0, RIB_GEN_REFRESH), want[RIB_GEN_REFRESH]);
			assert_int_equal(paths_in(t, 0, RIB_GEN_STALE), want[RIB_GEN_STALE]);
			assert_int_equal(paths_in(t, 0, RIB_GEN_AGEING) + paths_in(t, 0, RIB_GEN_LONG),
					 want[RIB_GEN_AGEING] + want[RIB_GEN_LONG]);
			assert_true(paths_in(t, 0, RIB_GEN_DEAD) <= want[RIB_GEN_DEAD]);
		}
		turn(t, 0, RIB_GEN_ALL & ~RIB_GEN_BIT(RIB_GEN_CURRENT), RIB_GEN_DEAD);
		work_all(t);
		assert_int_equal(t->peers[0].paths, paths_in(t, 0, RIB_GEN_CURRENT));
		assert_int_equal(t->rib->n_swept, 0);
		table_free(t);
	}
}

static void rib_the_index_of_a_peer_that_went_is_given_again(void **state)
{
	struct table *t = table_new();
	uint16_t index = t->peers[1].index;

	announce(t, 1, 1, 100);
	rib_peer_del(t->rib, &t->peers[1]);
	rib_peer_add(t->rib, &t->peers[1]);
	assert_int_equal(t->peers[1].index, index);
	assert_int_equal(n_paths(t), 0);
	table_free(t);
}

static void rib_a_walk_survives_change(void **state)
{
	struct rng r = rng_start("rib_a_walk_survives_change");
	struct table *t = table_new();
	uint8_t seen[6000] = { 0 };
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;

	/* The even ones stay, the odd ones come and go. */
	for (uint32_t n = 0; n < 6000; n++)
		announce(t, 0, n, 100);
	while (rib_next(t->rib, &c, &p)) {
		uint32_t n, other = 1 + 2 * rng_below(&r, 3000);

		memcpy(&n, p.key, sizeof(n));
		seen[n]++;
		if (rng_below(&r, 2))
			withdraw(t, 0, other);
		else
			announce(t, 0, other, 100);
	}
	for (uint32_t n = 0; n < 6000; n += 2)
		assert_int_equal(seen[n], 1);
	table_free(t);
}

static void rib_prefetch_changes_nothing(void **state)
{
	struct table *t = table_new();
	static struct bgp_nlri nlri[RIB_PREFETCH_MAX + 5];

	rib_prefetch(t->rib, &test_family, &t->peers[0], nlri, 0);
	for (uint32_t n = 0; n < RIB_PREFETCH_MAX + 5; n++) {
		nlri[n].key_len = (uint8_t)key_of(n, nlri[n].key);
		if (n % 2)
			announce(t, 0, n, 100);
	}
	rib_prefetch(t->rib, &test_family, &t->peers[0], nlri, RIB_PREFETCH_MAX + 5);
	assert_int_equal(n_paths(t), (RIB_PREFETCH_MAX + 5) / 2);
	table_free(t);
}

static void rib_memory_goes_back(void **state)
{
	struct table *t = table_new();
	struct bgp_memory m;

	for (uint32_t n = 0; n < 50000; n++)
		announce(t, 0, n, 100);
	rib_memory(t->rib, &m);
	assert_int_equal(m.keys, 50000);
	assert_int_equal(m.paths, 50000);
	assert_int_equal(m.sets, 1);
	assert_in_range(m.route_bytes, 50000 * 56, 50000 * 66);
	assert_in_range(m.index_bytes, 50000 * 8, 50000 * 19);
	for (uint32_t n = 0; n < 50000; n++)
		withdraw(t, 0, n);
	rib_memory(t->rib, &m);
	assert_int_equal(m.keys, 0);
	assert_int_equal(m.index_bytes, 0);
	assert_true(m.route_bytes <= 300000); /* a spare block a length */
	table_free(t);
}

static void rib_check_names_every_loop(void **state)
{
	static const uint8_t path[] = { 2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xe8 }; /* 65001 65000 */
	static const uint8_t clusters[] = { 10, 0, 0, 9, 10, 0, 0, 0xff };
	const struct bgp_attrs good = { .next_hop = ip_v4(0xc0000201) };
	struct table *t = table_new();
	struct bgp_attrs a = good;

	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_ELIGIBLE);
	a.as_path = path;
	a.as_path_len = sizeof(path);
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_REJECT_AS_LOOP);
	assert_int_equal(rib_check(t->rib, NULL, &a), BGP_ELIGIBLE);
	a = good;
	a.has_originator_id = true;
	a.originator_id = 0x0a000001;
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_REJECT_ORIGINATOR);
	a = good;
	a.cluster_list = clusters;
	a.cluster_list_len = 4;
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_ELIGIBLE);
	a.cluster_list_len = 8;
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_REJECT_CLUSTER);
	a = good;
	a.next_hop = ip_v4(0xe0000001);
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_REJECT_NEXT_HOP);
	a.next_hop = ip_v4(0x7f000002); /* others of this host, if we are one of them */
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_REJECT_NEXT_HOP);
	t->rib->params.loopback = true;
	assert_int_equal(rib_check(t->rib, &t->peers[0], &a), BGP_ELIGIBLE);
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rib_one_path_comes_changes_and_goes),
		cmocka_unit_test(rib_the_same_again_is_no_change),
		cmocka_unit_test(rib_the_best_of_several_wins),
		cmocka_unit_test(rib_a_path_that_is_not_best_changes_in_silence),
		cmocka_unit_test(rib_a_rejected_path_is_held_and_never_best),
		cmocka_unit_test(rib_a_local_path_has_no_peer),
		cmocka_unit_test(rib_families_and_lengths_are_apart),
		cmocka_unit_test(rib_the_listener_may_change_the_same_route),
		cmocka_unit_test(rib_a_lost_peer_is_purged_in_slices),
		cmocka_unit_test(rib_urgent_routes_of_a_lost_peer_go_first),
		cmocka_unit_test(rib_a_peer_returns_while_its_last_routes_are_swept),
		cmocka_unit_test(rib_what_a_refresh_does_not_repeat_goes),
		cmocka_unit_test(rib_generations_are_of_all_paths),
		cmocka_unit_test(rib_aged_paths_are_a_last_resort),
		cmocka_unit_test(rib_generations_follow_a_model),
		cmocka_unit_test(rib_the_index_of_a_peer_that_went_is_given_again),
		cmocka_unit_test(rib_a_walk_survives_change),
		cmocka_unit_test(rib_prefetch_changes_nothing),
		cmocka_unit_test(rib_memory_goes_back),
		cmocka_unit_test(rib_check_names_every_loop),
	};

	return RUN_TESTS(tests);
}
