/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: 2026 The evpnd authors */
/* base/htab.c over a plain array of objects; the array itself is the model. */
#include "base/htab.h"

#include <stdbool.h>
#include <stdlib.h>

#include "tests/lib/rng.h"
#include "tests/lib/test.h"

#define N 30000u

struct object {
	uint64_t key;
	uint32_t link;
	bool in;
};

struct owner {
	struct object *o; /* by handle, [0] unused */
	uint64_t hash_mask;
};

static uint64_t hash_key(const struct owner *w, uint64_t key)
{
	struct rng r = { key };

	return rng_u64(&r) & w->hash_mask;
}

static uint64_t hash(void *owner, uint32_t h)
{
	struct owner *w = owner;

	return hash_key(w, w->o[h].key);
}

static uint32_t *link_of(void *owner, uint32_t h)
{
	return &((struct owner *)owner)->o[h].link;
}

static const struct htab_ops ops = { hash, link_of };

static uint32_t find(const struct htab *t, uint64_t key)
{
	const struct owner *w = t->owner;
	uint32_t h = htab_first(t, hash_key(w, key));

	while (h && w->o[h].key != key)
		h = w->o[h].link;
	return h;
}

static void check_all(const struct htab *t)
{
	const struct owner *w = t->owner;

	for (uint32_t h = 1; h <= N; h++)
		assert_int_equal(find(t, w->o[h].key), w->o[h].in ? h : 0);
}

static struct owner owner_make(uint64_t hash_mask)
{
	struct owner w = { calloc(N + 1, sizeof(struct object)), hash_mask };

	for (uint32_t h = 1; h <= N; h++)
		w.o[h].key = h;
	return w;
}

static void htab_empty_finds_nothing(void **state)
{
	struct htab t;

	htab_init(&t, &ops, NULL);
	assert_int_equal(htab_first(&t, 12345), 0);
	assert_int_equal(htab_bytes(&t), 0);
	htab_fini(&t);
}

/* Buckets of the first segment double; after that it is whole segments. */
static size_t bytes_of(uint32_t n_buckets)
{
	uint32_t first = 16;
	uint32_t segs = (n_buckets + HTAB_SEG - 1) / HTAB_SEG;

	while (first < n_buckets && first < HTAB_SEG)
		first *= 2;
	return (first + (size_t)(segs - 1) * HTAB_SEG) * sizeof(uint32_t) + segs * sizeof(uint32_t *);
}

static void htab_grows_and_shrinks_by_one_bucket(void **state)
{
	struct owner w = owner_make(UINT64_MAX);
	struct htab t;

	htab_init(&t, &ops, &w);
	for (uint32_t h = 1; h <= N; h++) {
		uint32_t before = t.n_buckets;

		htab_insert(&t, hash(&w, h), h);
		w.o[h].in = true;
		assert_true(t.n_buckets - before <= 1);
		assert_int_equal(t.n_buckets, h);
		assert_int_equal(htab_bytes(&t), bytes_of(h));
		assert_true(t.mask < t.n_buckets && t.n_buckets <= 2 * (t.mask + 1));
	}
	check_all(&t);
	for (uint32_t h = 1; h <= N; h++) {
		htab_remove(&t, hash(&w, h), h);
		w.o[h].in = false;
		/* Shrinks no sooner than at half, so that a table that breathes does not work. */
		assert_int_equal(t.n_buckets, 2 * t.n + 1 >= N ? N : 2 * t.n + 1 > 16 ? 2 * t.n + 1 : 16);
		assert_int_equal(htab_bytes(&t), bytes_of(t.n_buckets));
		if (h % 1000 == 0)
			check_all(&t);
	}
	htab_fini(&t);
	free(w.o);
}

static void agree_with_model(struct rng r, uint64_t hash_mask, int steps)
{
	struct owner w = owner_make(hash_mask);
	struct htab t;
	uint32_t span = N, n = 0;

	htab_init(&t, &ops, &w);
	for (int step = 0; step < steps; step++) {
		uint32_t h;

		if (step % 5000 == 0) /* the table breathes between a handful and N objects */
			span = 1 + rng_below(&r, N);
		h = 1 + rng_below(&r, N);
		if (h <= span ? !w.o[h].in : w.o[h].in) {
			if (w.o[h].in)
				htab_remove(&t, hash(&w, h), h);
			else
				htab_insert(&t, hash(&w, h), h);
			w.o[h].in = !w.o[h].in;
			n += w.o[h].in ? 1u : -1u;
		}
		assert_int_equal(t.n, n);
		h = 1 + rng_below(&r, N);
		assert_int_equal(find(&t, w.o[h].key), w.o[h].in ? h : 0);
	}
	check_all(&t);
	htab_fini(&t);
	free(w.o);
}

static void htab_agrees_with_a_model(void **state)
{
	agree_with_model(rng_start(__func__), UINT64_MAX, 400000);
}

static void htab_bears_a_bad_hash(void **state)
{
	agree_with_model(rng_start(__func__), 0x7f0, 20000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(htab_empty_finds_nothing),
		cmocka_unit_test(htab_grows_and_shrinks_by_one_bucket),
		cmocka_unit_test(htab_agrees_with_a_model),
		cmocka_unit_test(htab_bears_a_bad_hash),
	};

	return RUN_TESTS(tests);
}
