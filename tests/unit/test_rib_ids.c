/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* bgp/rib.c with path identifiers (RFC 7911): several paths of one peer for a key, against a slow model. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "bgp/rib.h"
#include "bgp/rib_int.h"
#include "tests/lib/rng.h"
#include "tests/lib/testfamily.h"

#define PEERS 3
#define KEYS 4
#define IDS 5
#define KEY_OCTETS 8

struct model_path {
	uint32_t set; /* 0: none */
	bool rejected;
};

struct table {
	struct attrset_table *sets;
	struct rib *rib;
	struct rib_peer peers[PEERS];
	struct model_path model[KEYS][PEERS][IDS];
};

static void on_want_write(void *ctx, struct rib_peer *p)
{
}

static void on_work(void *ctx)
{
}

static struct table *table_new(void)
{
	const struct rib_params params = { .asn = 65000, .router_id = 1, .want_write = on_want_write, .work = on_work };
	struct table *t = calloc(1, sizeof(*t));

	t->sets = attrset_table_new();
	t->rib = rib_new(&params, t->sets);
	rib_family_register(t->rib, &test_family, NULL);
	for (int p = 0; p < PEERS; p++) {
		t->peers[p] = (struct rib_peer){ .peer = (struct bgp_peer *)(uintptr_t)&t->peers[p], .asn = 65000,
						 .router_id = 10 + (uint32_t)p, .address = ip_v4(10 + (uint32_t)p) };
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

static const uint8_t *key_of(uint32_t k, uint8_t key[KEY_OCTETS])
{
	memset(key, 0x5a, KEY_OCTETS);
	key[0] = (uint8_t)k;
	return key;
}

static uint32_t set_of(const struct table *t, uint32_t pref)
{
	struct bgp_attrs a = { .has_local_pref = true, .local_pref = pref, .next_hop = ip_v4(0xc0000201) };

	return attrset_intern(t->sets, &a);
}

/* By hand: the set is not counted for the model. */
static bool announce(struct table *t, uint32_t k, int p, uint32_t id, uint32_t pref, bool rejected)
{
	uint8_t key[KEY_OCTETS];
	uint32_t set = set_of(t, pref);
	bool put = rib_announce(t->rib, &test_family, &t->peers[p], key_of(k, key), KEY_OCTETS, id, set,
				rejected ? BGP_REJECT_CLUSTER : BGP_ELIGIBLE, (struct mtime){ 0 });

	if (put && id < IDS)
		t->model[k][p][id] = (struct model_path){ set, rejected };
	return put;
}

static bool withdraw(struct table *t, uint32_t k, int p, uint32_t id)
{
	uint8_t key[KEY_OCTETS];

	if (id < IDS)
		t->model[k][p][id].set = 0;
	return rib_withdraw(t->rib, &test_family, &t->peers[p], key_of(k, key), KEY_OCTETS, id, (struct mtime){ 0 });
}

static uint32_t model_count(const struct table *t, int p)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < KEYS; k++)
		for (uint32_t id = 0; id < IDS; id++)
			n += t->model[k][p][id].set != 0;
	return n;
}

static bool model_is_best(const struct table *t, uint32_t k, int peer, uint32_t path_id)
{
	struct decide_path paths[PEERS * IDS];
	size_t n = 0, mine = SIZE_MAX;
	uint8_t key[KEY_OCTETS];

	for (int p = 0; p < PEERS; p++) {
		for (uint32_t id = 0; id < IDS; id++) {
			const struct model_path *m = &t->model[k][p][id];

			if (!m->set || m->rejected)
				continue;
			if (p == peer && id == path_id)
				mine = n;
			paths[n++] = (struct decide_path){ attrset_get(t->sets, m->set), &t->peers[p], id };
		}
	}
	return n && decide_best(&test_family, key_of(k, key), KEY_OCTETS, paths, n) == mine;
}

static void assert_same(const struct table *t)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;
	uint32_t n = 0, expected = 0;

	for (; rib_next(t->rib, &c, &p); n++) {
		int peer = (int)((const struct rib_peer *)(uintptr_t)p.peer - t->peers);
		const struct model_path *m = &t->model[p.key[0]][peer][p.path_id];

		assert_int_equal(p.set, m->set);
		assert_int_equal(p.reject != BGP_ELIGIBLE, m->rejected);
		assert_int_equal(p.best, model_is_best(t, p.key[0], peer, p.path_id));
	}
	for (int i = 0; i < PEERS; i++) {
		assert_int_equal(t->peers[i].paths, model_count(t, i));
		expected += model_count(t, i);
	}
	assert_int_equal(n, expected);
}

static void paths_of_a_peer_are_told_by_their_id(void **state) /* RFC 7911 2, 3 */
{
	struct table *t = table_new();

	assert_true(announce(t, 0, 0, 1, 100, false));
	assert_true(announce(t, 0, 0, 2, 200, false));
	assert_true(announce(t, 0, 0, 3, 150, false));
	assert_same(t);
	assert_int_equal(t->peers[0].paths, 3);
	assert_true(announce(t, 0, 0, 2, 50, false)); /* replaces that one */
	assert_same(t);
	assert_int_equal(t->peers[0].paths, 3);
	assert_false(withdraw(t, 0, 0, 4));
	assert_true(withdraw(t, 0, 0, 3));
	assert_false(withdraw(t, 0, 1, 1));
	assert_same(t);
	assert_true(withdraw(t, 0, 0, 1));
	assert_true(withdraw(t, 0, 0, 2));
	assert_int_equal(t->rib->alts.used, 0);
	assert_int_equal(t->rib->index.n, 0);
	table_free(t);
}

static void a_path_without_an_id_costs_no_node(void **state)
{
	struct table *t = table_new();

	announce(t, 0, 0, 0, 100, false);
	assert_int_equal(t->rib->alts.used, 0);
	announce(t, 0, 1, 0, 100, false);
	assert_int_equal(t->rib->alts.used, 1);
	announce(t, 0, 2, 1, 100, false);
	assert_int_equal(t->rib->alts.used, 3);
	assert_same(t);
	table_free(t);
}

static void of_paths_alike_the_lowest_id_is_best(void **state)
{
	struct table *t = table_new();

	announce(t, 0, 0, 3, 100, false);
	announce(t, 0, 0, 1, 100, false);
	announce(t, 0, 0, 2, 100, false);
	assert_true(model_is_best(t, 0, 0, 1));
	assert_same(t);
	table_free(t);
}

static void a_peer_has_a_bounded_number_of_paths_of_a_key(void **state)
{
	struct table *t = table_new();

	for (uint32_t id = 10; id < 10 + RIB_PATHS_MAX; id++)
		assert_true(announce(t, 0, 0, id, id, false));
	assert_false(announce(t, 0, 0, 9, 100, false));
	assert_true(announce(t, 0, 0, 10, 100, false)); /* that one is held already */
	assert_true(announce(t, 0, 1, 10, 100, false));
	assert_true(announce(t, 1, 0, 9, 100, false));
	assert_int_equal(t->peers[0].paths, RIB_PATHS_MAX + 1);
	/* Back with other identifiers after a lost session, while the stale ones are still in use (RFC 4724 4.2). */
	rib_gen_turn(t->rib, &t->peers[0], &test_family, RIB_GEN_BIT(RIB_GEN_CURRENT), RIB_GEN_STALE);
	for (uint32_t id = 1000; id < 1000 + RIB_PATHS_MAX; id++)
		assert_true(announce(t, 0, 0, id, id, false));
	assert_false(announce(t, 0, 0, 9, 100, false));
	rib_gen_turn(t->rib, &t->peers[0], &test_family, RIB_GEN_BIT(RIB_GEN_STALE), RIB_GEN_DEAD);
	while (rib_work(t->rib, (struct mtime){ 0 }))
		;
	assert_int_equal(t->peers[0].paths, RIB_PATHS_MAX);
	table_free(t);
}

static void a_lost_peer_leaves_no_path(void **state)
{
	struct table *t = table_new();

	for (uint32_t k = 0; k < KEYS; k++)
		for (int p = 0; p < PEERS; p++)
			for (uint32_t id = 0; id < IDS; id++)
				announce(t, k, p, id, 100 + id, false);
	rib_peer_down(t->rib, &t->peers[1]);
	while (rib_work(t->rib, (struct mtime){ 0 }))
		;
	for (uint32_t k = 0; k < KEYS; k++)
		for (uint32_t id = 0; id < IDS; id++)
			t->model[k][1][id].set = 0;
	assert_same(t);
	table_free(t);
}

/* The step of each path that is shown, "-" without one, best first. */
static const char *steps(struct table *t, char *text)
{
	struct bgp_rib_cursor c = { 0 };
	struct bgp_path_info p;

	text[0] = '\0';
	while (rib_next(t->rib, &c, &p)) {
		const char *step = rib_decided_by(t->rib, &p);

		strcat(strcat(text, step ? step : "-"), " ");
	}
	return text;
}

static void each_path_says_which_step_decided(void **state)
{
	struct table *t = table_new();
	char text[256];

	announce(t, 0, 0, 1, 100, false);
	assert_string_equal(steps(t, text), "- ");
	announce(t, 0, 0, 2, 100, true);
	assert_string_equal(steps(t, text), "- - "); /* nothing to decide against */
	announce(t, 0, 0, 2, 100, false);
	assert_string_equal(steps(t, text), "path-id path-id ");
	announce(t, 0, 1, 0, 99, false);
	assert_string_equal(steps(t, text), "path-id local-pref path-id ");
	withdraw(t, 0, 0, 2);
	assert_string_equal(steps(t, text), "local-pref local-pref ");
	announce(t, 0, 2, 7, 101, true);
	assert_string_equal(steps(t, text), "local-pref - local-pref ");
	announce(t, 0, 1, 0, 100, false); /* as good as the best up to the router id */
	announce(t, 0, 0, 2, 99, false);
	assert_string_equal(steps(t, text), "router-id local-pref - router-id ");
	table_free(t);
}

static void random_changes_end_as_the_model(void **state)
{
	struct rng r = rng_start("rib_ids_random_changes_end_as_the_model");
	struct table *t = table_new();

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t k = rng_below(&r, KEYS), id = rng_below(&r, IDS);
		int p = (int)rng_below(&r, PEERS);

		if (rng_below(&r, 3)) {
			announce(t, k, p, id, 100 + rng_below(&r, 3), rng_below(&r, 8) == 0);
		} else {
			bool held = t->model[k][p][id].set;

			assert_int_equal(withdraw(t, k, p, id), held);
		}
		assert_same(t);
	}
	table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_of_a_peer_are_told_by_their_id),
		cmocka_unit_test(a_path_without_an_id_costs_no_node),
		cmocka_unit_test(of_paths_alike_the_lowest_id_is_best),
		cmocka_unit_test(a_peer_has_a_bounded_number_of_paths_of_a_key),
		cmocka_unit_test(a_lost_peer_leaves_no_path),
		cmocka_unit_test(each_path_says_which_step_decided),
		cmocka_unit_test(random_changes_end_as_the_model),
	};

	return RUN_TESTS(tests);
}
