/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* dataplane/vtep/rmap, the table that workers read while it is written, and the words that fdb.h keeps in it. */
#include "dataplane/vtep/rmap.h"

#include <pthread.h>
#include <stdlib.h>

#include "dataplane/vtep/fdb.h"
#include "tests/lib/rng.h"
#include "tests/lib/test.h"

static void keep(void *ctx, void *table)
{
	void ***next = ctx;

	*(*next)++ = table;
}

/* Tables that were replaced wait here, as after vtep_retire(). */
struct graves {
	void *table[256];
	void **next;
};

static void rmap_start(struct rmap *m, struct graves *g)
{
	g->next = g->table;
	rmap_init(m, 42, keep, &g->next);
}

static void rmap_end(struct rmap *m, struct graves *g)
{
	rmap_fini(m);
	while (g->next != g->table)
		free(*--g->next);
}

static void rmap_agrees_with_an_array(void **state)
{
	enum { KEYS = 3000, STEPS = 200000 };
	struct rng r = rng_start("rmap");
	uint64_t *model = calloc(KEYS + 1, sizeof(*model)), key, value;
	struct graves g;
	struct rmap m;
	size_t n = 0, seen = 0;

	rmap_start(&m, &g);
	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t k = 1 + rng_below(&r, i / 1000 % 2 ? KEYS : 50);

		if (rng_below(&r, 3)) {
			n += !model[k];
			model[k] = 1 + rng_u64(&r) / 2;
			rmap_set(&m, k, model[k]);
		} else {
			assert_int_equal(rmap_del(&m, k), model[k]);
			n -= model[k] != 0;
			model[k] = 0;
		}
		k = 1 + rng_below(&r, KEYS);
		assert_int_equal(rmap_get(&m, k), model[k]);
		assert_int_equal(m.n, n);
		assert_true(m.used * 4 <= (m.t->mask + 1) * 3);
		if (g.next == g.table + 255)
			while (g.next != g.table)
				free(*--g.next);
	}
	for (size_t at = 0; rmap_next(&m, &at, &key, &value); seen++)
		assert_int_equal(model[key], value);
	assert_int_equal(seen, n);
	rmap_end(&m, &g);
	free(model);
}

static void rmap_gives_room_back(void **state)
{
	struct graves g;
	struct rmap m;
	size_t small;

	rmap_start(&m, &g);
	small = rmap_bytes(&m);
	for (uint64_t k = 1; k <= 100000; k++)
		rmap_set(&m, k, k);
	assert_true(rmap_bytes(&m) < 100000 * 48);
	for (uint64_t k = 1; k <= 100000; k++)
		assert_int_equal(rmap_del(&m, k), k);
	rmap_trim(&m);
	assert_true(rmap_bytes(&m) <= small);
	rmap_end(&m, &g);
}

static void rmap_is_gone_through_while_all_of_it_is_deleted(void **state)
{
	uint64_t key, value, seen = 0;
	struct graves g;
	struct rmap m;

	rmap_start(&m, &g);
	for (uint64_t k = 1; k <= 1000; k++)
		rmap_set(&m, k, k);
	for (size_t at = 0; rmap_next(&m, &at, &key, &value); seen++)
		rmap_del(&m, key);
	assert_int_equal(seen, 1000);
	rmap_end(&m, &g);
}

struct race {
	struct rmap m;
	bool stop;
	uint64_t wrong, found;
};

/* A value always says which key it belongs to. */
static void *read_on(void *ctx)
{
	struct race *r = ctx;
	uint64_t k = 0;

	while (!__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE)) {
		uint64_t key = 1 + k++ % 2000, v = rmap_get(&r->m, key);

		r->wrong += (key <= 10 && !v) || (v && v >> 32 != key);
		r->found += v != 0;
	}
	return NULL;
}

static void rmap_readers_see_the_old_or_the_new(void **state)
{
	struct rng rng = rng_start("rmap race");
	struct race r = { 0 };
	struct graves g;
	pthread_t t;

	rmap_start(&r.m, &g);
	for (uint64_t k = 1; k <= 10; k++)
		rmap_set(&r.m, k, k << 32);
	assert_int_equal(pthread_create(&t, NULL, read_on, &r), 0);
	for (uint32_t i = 0; i < 500000 && g.next < g.table + 255; i++) {
		uint64_t k = 1 + rng_below(&rng, 2000);

		if (k > 10 && rng_below(&rng, 2))
			rmap_del(&r.m, k);
		else
			rmap_set(&r.m, k, k << 32 | i);
	}
	__atomic_store_n(&r.stop, true, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	assert_int_equal(r.wrong, 0);
	rmap_end(&r.m, &g);
}

static void fdb_entry_fits_a_word(void **state)
{
	uint64_t place;
	struct fdb_entry e = { .to = &place, .kind = FDB_REMOTE, .sticky = true, .seen = 0xfedc };
	struct fdb_entry a = fdb_entry(fdb_word(e));

	assert_ptr_equal(a.to, &place);
	assert_int_equal(a.kind, FDB_REMOTE);
	assert_true(a.sticky);
	assert_int_equal(a.seen, 0xfedc);
	assert_int_equal(fdb_entry(0).kind, FDB_NONE);
}

static void fdb_heard_renews_a_port_and_nothing_else(void **state)
{
	uint64_t here, there;
	struct mac mac = { { 2, 0, 0, 0, 0, 1 } }, none = { { 0 } };
	uint64_t key = fdb_key(&mac);
	struct graves g;
	struct rmap m;

	rmap_start(&m, &g);
	assert_int_equal(fdb_heard(&m, key, &here, 7).kind, FDB_NONE);
	rmap_set(&m, key, fdb_word((struct fdb_entry){ .kind = FDB_PORT, .to = &here, .seen = 5 }));
	fdb_heard(&m, key, &there, 7);
	assert_int_equal(fdb_get(&m, key).seen, 5);
	fdb_heard(&m, key, &here, 7);
	assert_int_equal(fdb_get(&m, key).seen, 7);
	rmap_set(&m, key, fdb_word((struct fdb_entry){ .kind = FDB_REMOTE, .to = &there }));
	assert_int_equal(fdb_heard(&m, key, &here, 8).kind, FDB_REMOTE);
	assert_int_equal(fdb_get(&m, key).seen, 0);
	rmap_set(&m, fdb_key(&none), 1 << 3 | FDB_PORT);
	assert_int_equal(fdb_get(&m, fdb_key(&none)).kind, FDB_PORT);
	mac = fdb_mac(key);
	assert_int_equal(fdb_key(&mac), key);
	rmap_end(&m, &g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rmap_agrees_with_an_array),
		cmocka_unit_test(rmap_gives_room_back),
		cmocka_unit_test(rmap_is_gone_through_while_all_of_it_is_deleted),
		cmocka_unit_test(rmap_readers_see_the_old_or_the_new),
		cmocka_unit_test(fdb_entry_fits_a_word),
		cmocka_unit_test(fdb_heard_renews_a_port_and_nothing_else),
	};

	return RUN_TESTS(tests);
}
